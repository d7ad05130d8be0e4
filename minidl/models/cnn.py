"""The convolutional network of the introductions: 32, 64 and 64 kernels of 3 × 3, then two dense layers."""

from dataclasses import dataclass

from minidl import nn


@dataclass
class CNNConfig:
    """channels, height, width: of the pictures, of 18 pixels a side or more. batch_norm: normalise what each
    convolution gives (Ioffe & Szegedy 2015). dropout: the share of the features that is dropped in training."""

    channels: int = 3
    height: int = 32
    width: int = 32
    classes: int = 10
    batch_norm: bool = False
    dropout: float = 0.0


class CNN(nn.Module):
    """x (N, C, H, W)  →  scores (N, classes)        the sizes on the right are those of 32 × 32 pixels"""

    def __init__(self, config: CNNConfig) -> None:
        super().__init__()
        self.config = config
        norm = nn.BatchNorm2d if config.batch_norm else nn.Identity
        h, w = (((n - 2) // 2 - 2) // 2 - 2 for n in (config.height, config.width))
        if min(h, w) < 1:
            raise ValueError(f"CNN: 18 pixels a side are the least, got {config.height} × {config.width}")
        self.features = nn.Sequential(
            nn.Conv2d(config.channels, 32, 3), norm(32), nn.ReLU(),  # (N, 32, 30, 30)
            nn.MaxPool2d(2),                                         # (N, 32, 15, 15)
            nn.Conv2d(32, 64, 3), norm(64), nn.ReLU(),               # (N, 64, 13, 13)
            nn.MaxPool2d(2),                                         # (N, 64, 6, 6)
            nn.Conv2d(64, 64, 3), norm(64), nn.ReLU(),               # (N, 64, 4, 4)
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Flatten(),                                            # (N, 1024)
            nn.Dropout(config.dropout),
            nn.Linear(64 * h * w, 64), nn.ReLU(),
            nn.Linear(64, config.classes),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(self.features(x))
