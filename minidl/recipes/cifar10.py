"""Ten kinds of things in small photographs, told apart by the documents' network with batch normalisation."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..models import CNN, CNNConfig
from .pictures import PictureRecipe


@dataclass
class Cifar10CNN(PictureRecipe):
    epochs: int = 8
    batch: int = 128
    lr: float = 2e-3
    held_out: float = 0.02
    shift: int = 3
    mirror: bool = True
    config: CNNConfig = field(default_factory=lambda: CNNConfig(batch_norm=True))

    name: ClassVar[str] = "cifar10-cnn"
    summary: ClassVar[str] = "a convolutional network with batch normalisation on small photographs"
    source: ClassVar[str] = "CIFAR-10, 50,000 and 10,000 photographs of 10 kinds of things"
    data_set: ClassVar[str] = "cifar10"

    def network(self, config: Any) -> CNN:
        return CNN(config)
