"""Handwritten digits, read by the three networks with which every course begins."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..models import CNN, MLP, CNNConfig, LeNet, LeNetConfig, MLPConfig
from .pictures import PictureRecipe


@dataclass
class Mnist(PictureRecipe):
    batch: int = 128

    source: ClassVar[str] = "MNIST, 60,000 and 10,000 handwritten digits"
    data_set: ClassVar[str] = "mnist"


@dataclass
class MnistMLP(Mnist):
    epochs: int = 10
    config: MLPConfig = field(default_factory=lambda: MLPConfig(hidden=(256, 128)))

    name: ClassVar[str] = "mnist-mlp"
    summary: ClassVar[str] = "a feed-forward network on handwritten digits"

    def network(self, config: Any) -> MLP:
        return MLP(config)


@dataclass
class MnistLeNet(Mnist):
    epochs: int = 8
    lr: float = 3e-3
    shift: int = 2
    config: LeNetConfig = field(default_factory=LeNetConfig)

    name: ClassVar[str] = "mnist-lenet"
    summary: ClassVar[str] = "LeNet-5 on handwritten digits"

    def network(self, config: Any) -> LeNet:
        return LeNet(config)


@dataclass
class MnistCNN(Mnist):
    epochs: int = 3
    lr: float = 2e-3
    config: CNNConfig = field(default_factory=lambda: CNNConfig(1, 28, 28))

    name: ClassVar[str] = "mnist-cnn"
    summary: ClassVar[str] = "the convolutional network of 32, 64 and 64 kernels on handwritten digits"

    def network(self, config: Any) -> CNN:
        return CNN(config)
