"""The networks that `minidl train` knows by name, each sized for the pictures (C, H, W) and the number of classes."""

import math
from collections.abc import Callable

from .. import nn


def linear(shape: tuple[int, ...], classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), classes))


def mlp(shape: tuple[int, ...], classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 128), nn.ReLU(), nn.Linear(128, classes))


def lenet(shape: tuple[int, ...], classes: int) -> nn.Module:
    """LeNet-5 with today's parts (LeCun, Bottou, Bengio & Haffner 1998), as many tutorials train it on CIFAR.

    32 × 32 pixels as they are; smaller pictures with a border, so that two pixels at least are left on each side."""
    C, H, W = shape
    first = 0 if min(H, W) >= 32 else 2
    side = lambda n: (n + 2 * first - 4) // 2  # after the first convolution and pooling
    second = 0 if min(side(H), side(W)) >= 6 else 2
    h, w = ((side(n) + 2 * second - 4) // 2 for n in (H, W))
    return nn.Sequential(
        nn.Conv2d(C, 6, 5, padding=first), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=second), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * h * w, 120), nn.ReLU(),
        nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, classes),
    )  # fmt: skip


def cnn(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Two 3 × 3 convolutions with batch normalisation.

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
