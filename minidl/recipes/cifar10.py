"""Ten kinds of things in small photographs, told apart by the documents' network with batch normalisation."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..models import CNN, CNNConfig
from ..vision.transforms import Compose, CutMix, MixUp, RandomCrop, RandomHorizontalFlip
from .pictures import PictureRecipe

MIXES = {"mixup": MixUp, "cutmix": CutMix}


@dataclass
class Cifar10CNN(PictureRecipe):
    """shift: by how many pixels at most each picture is moved; and half of them are mirrored. mix: "mixup" or "cutmix"
    each batch. alpha: of the distribution Beta(α, α) of the shares in a mixture."""

    epochs: int = 10
    batch: int = 128
    lr: float = 2e-3
    held_out: float = 0.02
    shift: int = 4
    mix: str = "none"
    alpha: float = 0.2
    config: CNNConfig = field(default_factory=lambda: CNNConfig(batch_norm=True))

    name: ClassVar[str] = "cifar10-cnn"
    summary: ClassVar[str] = "a convolutional network with batch normalisation on small photographs"
    source: ClassVar[str] = "CIFAR-10, 50,000 and 10,000 photographs of 10 kinds of things"
    data_set: ClassVar[str] = "cifar10"

    def augmentation(self, shape: tuple[int, ...]) -> Any:
        return Compose([RandomCrop(shape[1:], padding=self.shift), RandomHorizontalFlip()])

    def mixing(self, classes: int) -> Any:
        if self.mix == "none":
            return None
        if self.mix not in MIXES:
            raise ValueError(f"--mix is none, {' or '.join(MIXES)}, got {self.mix}")
        return MIXES[self.mix](alpha=self.alpha, num_classes=classes)

    def network(self, config: Any) -> CNN:
        return CNN(config)
