"""The networks that `minidl train` knows by name, each sized for the pictures (C, H, W) and the number of classes."""

import math
from collections.abc import Callable

from .. import nn
from ..models import MLP, LeNet, LeNetConfig, MLPConfig


def linear(shape: tuple[int, ...], classes: int) -> nn.Module:
    return MLP(MLPConfig(math.prod(shape), (), classes))


def mlp(shape: tuple[int, ...], classes: int) -> nn.Module:
    return MLP(MLPConfig(math.prod(shape), (128,), classes))


def lenet(shape: tuple[int, ...], classes: int) -> nn.Module:
    return LeNet(LeNetConfig(*shape, classes))


def cnn(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Two 3 × 3 convolutions with batch normalisation, for pictures of any size.

    Pooling comes before the normalisation: of a quarter of the numbers it costs a quarter."""
    C, H, W = shape
    return nn.Sequential(
        nn.Conv2d(C, 16, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * (H // 4) * (W // 4), classes),
    )  # fmt: skip


NETWORKS: dict[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "linear": linear,
    "mlp": mlp,
    "lenet": lenet,
    "cnn": cnn,
}
