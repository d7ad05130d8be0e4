"""Small photographs by a Vision Transformer: without the convolution's idea of what is near, it needs far more data."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from minidl import nn

from ..models.attention import watch
from ..models.vit import VisionTransformer
from ..models.vit import VisionTransformerConfig as Config
from .cifar10 import Cifar10CNN
from .pictures import save_figure, show
from .recipe import Data


@dataclass
class Cifar10ViT(Cifar10CNN):
    epochs: int = 12
    lr: float = 1e-3
    clip: float | None = 1.0
    config: Config = field(default_factory=lambda: Config(layers=4, width=96, dropout=0.0))

    name: ClassVar[str] = "cifar10-vit"
    summary: ClassVar[str] = "a Vision Transformer on small photographs"

    def configured(self, data: Data) -> Any:
        C, H, _ = data.known["shape"]
        return replace(self.config, channels=C, image=H, classes=len(data.known["classes"]))

    def network(self, config: Any) -> nn.Module:
        return VisionTransformer(config)

    def optimizer(self, optim: Any, parameters: Any) -> Any:
        return optim.AdamW(parameters, lr=self.lr, weight_decay=0.05)

    def pictures(self, model: Any, data: Data, folder: Path) -> None:
        """What a patch is compared with, where pictures are looked at, and which class is taken for which."""
        from .. import viz

        save_figure(viz.convolution_filters(model.patches.weight.detach()), folder, "filters")
        save_figure(self.looks(model, data), folder, "attention")
        self.confusion(model, data, folder)

    def looks(self, model: Any, data: Data, count: int = 4) -> Any:
        """Pictures of the test part, and beneath each where the last layer looks for the class (the mean of heads)."""
        from ..viz.figures import MAP, figure

        axes = figure(2.2 * count, 4.6).subplots(2, count)
        layers = watch(model)
        x, _ = data.test[list(range(count))]
        scores = model(x).argmax(1).tolist()
        side = model.config.image // model.config.patch
        weights = layers[-1].weights
        watch(model, False)
        assert weights is not None
        maps = weights.mean(1)[:, 0, 1:].reshape(count, side, side)
        for k in range(count):
            show(axes[0, k], data.test.images[k])
            axes[0, k].set_title(data.known["classes"][scores[k]], fontsize="medium")
            axes[1, k].imshow(maps[k].detach().numpy(), cmap=MAP, interpolation="nearest")
            axes[1, k].axis("off")
        return axes[0, 0]
