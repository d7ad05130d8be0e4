"""What the recipes for pictures share: the parts of the data, a baseline, and what a trained network can show."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import minidl
from minidl import nn, optim
from minidl.nn import functional as F

from ..data import BatchSampler, DataLoader, RandomSampler, SequentialSampler
from ..data.splits import split
from ..files import atomic_write
from ..training.datasets import load
from ..training.metrics import confusion_matrix
from ..training.schedules import cosine
from ..vision.files import read_picture
from ..vision.transforms import CutMix, MixUp
from .batches import Pictures, moments, normal
from .recipe import Classifier, Data

MIXES = {"none": None, "mixup": MixUp, "cutmix": CutMix}


@dataclass
class PictureRecipe(Classifier):
    """Recipes that read a data set of `minidl train` with a network for pictures.

    held_out: the share of the pictures to learn from that only say, after each epoch, how it goes. warmup: the share of
    the steps in which the learning rate rises, before it falls to 0 along half a cosine. shift: by how many pixels at
    most a picture is moved, each time that it is seen; mirror: half of the times it is also turned left to right. mix:
    "mixup" or "cutmix" each batch, or "none"; alpha: of the distribution Beta(α, α) of the shares in a mixture."""

    held_out: float = 0.05
    warmup: float = 0.1
    shift: int = 0
    mirror: bool = False
    mix: str = "none"
    alpha: float = 0.2

    data_set: ClassVar[str]
    baseline_name: ClassVar[str] = "logistic regression"

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        for name in ("held_out", "warmup"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"--{name.replace('_', '-')} is a share from 0 to below 1, got {getattr(self, name)}")
        if self.shift < 0:
            raise ValueError(f"--shift is a number of pixels, 0 or more, got {self.shift}")
        if self.mix not in MIXES:
            raise ValueError(f"--mix is {' or '.join(MIXES)}, got {self.mix}")
        whole = load(self.data_set, folder, download, self.limit)
        (x, y), (test_x, test_y) = whole.train.tensors, whole.test.tensors
        generator = minidl.Generator().manual_seed(self.seed)
        train, validation = split(len(y), (1 - self.held_out, self.held_out), labels=y, generator=generator)
        mean, std = moments(x[train])
        kind = MIXES[self.mix]
        mix = None if kind is None else kind(alpha=self.alpha, num_classes=whole.classes)
        part = lambda rows, **how: Pictures(x[rows], y[rows], mean, std, **how)
        return Data(
            part(train, shift=self.shift, mirror=self.mirror, mix=mix),
            Pictures(test_x, test_y, mean, std),
            part(validation) if len(validation) else None,
            {"classes": whole.names, "shape": list(whole.shape), "mean": mean, "std": std},
        )

    def configured(self, data: Data) -> Any:
        C, H, W = data.known["shape"]
        classes, inputs = len(data.known["classes"]), C * H * W
        sizes = {"channels": C, "height": H, "width": W, "classes": classes, "inputs": inputs, "outputs": classes}
        for name, size in sizes.items():
            if getattr(self.config, name, size) != size:
                raise ValueError(f"--{name} {getattr(self.config, name)}: in {self.data_set} it is {size}")
        return self.config

    def loader(self, part: Any, shuffle: bool) -> Any:
        generator = minidl.Generator().manual_seed(self.seed)
        order = RandomSampler(part, generator=generator) if shuffle else SequentialSampler(part)
        return DataLoader(part, None, sampler=BatchSampler(order, self.batch, False), generator=generator)

    def share(self, steps: int) -> Callable[[int], float]:
        return cosine(steps, warmup=int(self.warmup * steps))

    def baseline(self, data: Data) -> float:
        """softmax(W x + b), by Adam: minidl's own, over the same pictures without augmentation."""
        plain = Pictures(data.train.images, data.train.labels, data.known["mean"], data.known["std"])
        model = nn.Sequential(nn.Flatten(), nn.Linear(plain[0][0].numel(), len(data.known["classes"])))
        for p in model.parameters():
            nn.init.zeros_(p)
        loader = self.loader(plain, True)
        epochs = max(5, -(-500 // len(loader)))
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        scheduler = optim.lr_scheduler.LambdaLR(optimizer, cosine(epochs * len(loader)))
        with minidl.enable_grad():
            for _ in range(epochs):
                for x, y in loader:
                    optimizer.zero_grad()
                    F.cross_entropy(model(x), y).backward()
                    optimizer.step()
                    scheduler.step()
        return Classifier.score(self, model, data)["accuracy"]

    # ---- what there is to see

    def pictures(self, model: nn.Module, data: Data, folder: Path) -> None:
        """The kernels of the first layer, the feature maps of a picture, and which class is taken for which."""
        from .. import viz

        first = next(p for p in model.parameters() if p.ndim > 1).detach()
        filters = first if first.ndim == 4 else first.reshape(-1, *data.known["shape"])
        save_figure(viz.convolution_filters(filters), folder, "filters")
        if first.ndim == 4:
            save_figure(self.maps(model, data), folder, "feature_maps")
        self.confusion(model, data, folder)

    def confusion(self, model: nn.Module, data: Data, folder: Path) -> None:
        """How often each class of the test part is taken for each."""
        from .. import viz

        names = data.known["classes"]
        batches = [(model(x).argmax(1), y) for x, y in self.loader(data.test, False)]
        found, true = (minidl.cat(parts) for parts in zip(*batches))
        counts = confusion_matrix(found, true, len(names))
        save_figure(viz.confusion_matrix(counts, [name.split(" - ")[0] for name in names]), folder, "confusion")

    def maps(self, model: nn.Module, data: Data) -> Any:
        """The first picture of the test part, and what each relu among the convolutions makes of it."""
        from .. import viz
        from ..viz.figures import figure

        x, y = data.test[0]
        layers = [path for path, m in model.named_modules() if isinstance(m, nn.ReLU)]
        layers = layers[: sum(isinstance(m, nn.Conv2d) for m in model.modules())]
        axes = figure(5.5 * (len(layers) + 1), 5).subplots(1, len(layers) + 1)
        show(axes[0], data.test.images[0])
        axes[0].set_title(data.known["classes"][int(y.item())])
        for layer, ax in zip(layers, axes[1:]):
            viz.feature_maps(model, x, layer, ax=ax)
        return axes[0]

    # ---- using it

    def classify(self, model: nn.Module, known: dict[str, Any], given: str) -> list[tuple[str, float]]:
        """given: a file, as read_picture takes it. Ink on paper is turned to light on dark, where that was learned."""
        scores = model(self.input(known, given).unsqueeze(0))
        found = scores.softmax(1)[0].tolist()
        return sorted(zip(known["classes"], found), key=lambda pair: -pair[1])

    def input(self, known: dict[str, Any], given: str) -> Any:
        x = read_picture(given, tuple(known["shape"]))
        if len(x) == 1 and known["mean"][0] < 0.5 < border(x):
            x = 1 - x
        return (x - normal(known["mean"])) / normal(known["std"])

    def explain(self, model: nn.Module, known: dict[str, Any], given: str, path: Path) -> None:
        """The picture, and how much each pixel moves the score of the class that was found: maxᶜ |∂s/∂x|

        (Simonyan, Vedaldi & Zisserman 2014)"""
        from ..viz.figures import MAP, figure

        x = self.input(known, given).requires_grad_()
        with minidl.enable_grad():
            scores = model(x.unsqueeze(0))[0]
            best = int(scores.argmax().item())
            scores[best].backward()
        left, right = figure(7, 3.6).subplots(1, 2)
        show(left, x.detach() * normal(known["std"]) + normal(known["mean"]))
        left.set_title(known["classes"][best])
        image = right.imshow(x.grad.abs().amax(0).numpy(), cmap=MAP)
        right.set(xticks=[], yticks=[], title="saliency")
        right.figure.colorbar(image, ax=right, label="|∂ score / ∂ pixel|", shrink=0.8)
        save_figure(left, path.parent, path.stem)


def border(x: Any) -> float:
    """How light the rim of a picture (C, H, W) is."""
    return float(minidl.cat([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], 1).mean().item())


def show(ax: Any, picture: Any) -> None:
    pixels = picture.numpy().transpose(1, 2, 0)
    pixels = pixels if pixels.dtype.kind == "u" else pixels.clip(0, 1)
    ax.imshow(pixels, cmap="gray")
    ax.set(xticks=[], yticks=[])


def save_figure(ax: Any, folder: Path, name: str) -> None:
    with atomic_write(folder / f"{name}.png") as file:
        ax.figure.savefig(file, format="png", dpi=120)
