"""LeNet-5 with today's parts: relu, and the largest of four pixels (LeCun, Bottou, Bengio & Haffner 1998)."""

from dataclasses import dataclass

from minidl import nn


@dataclass
class LeNetConfig:
    """channels, height, width: of the pictures. Those of fewer than 32 pixels a side get a border, so that the features
    are 5 × 5 for 28 pixels too, and two pixels at least are left on each side."""

    channels: int = 1
    height: int = 28
    width: int = 28
    classes: int = 10


class LeNet(nn.Sequential):
    """x (N, C, H, W)  →  scores (N, classes)        the sizes on the right are those of 28 × 28 pixels"""

    def __init__(self, config: LeNetConfig) -> None:
        first, second, features = sizes(config)
        super().__init__(
            nn.Conv2d(config.channels, 6, 5, padding=first), nn.ReLU(),  # (N, 6, 28, 28)
            nn.MaxPool2d(2),                                             # (N, 6, 14, 14)
            nn.Conv2d(6, 16, 5, padding=second), nn.ReLU(),              # (N, 16, 10, 10)
            nn.MaxPool2d(2),                                             # (N, 16, 5, 5)
            nn.Flatten(),                                                # (N, 400)
            nn.Linear(features, 120), nn.ReLU(),
            nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, config.classes),
        )  # fmt: skip
        self.config = config


def sizes(config: LeNetConfig) -> tuple[int, int, int]:
    """The borders of the two convolutions, and how many features they leave."""
    first = 0 if min(config.height, config.width) >= 32 else 2
    h, w = ((n + 2 * first - 4) // 2 for n in (config.height, config.width))  # after 5 × 5 and a pooling
    second = 0 if min(h, w) >= 6 else 2
    h, w = ((n + 2 * second - 4) // 2 for n in (h, w))
    return first, second, 16 * h * w
