"""The two networks that learn the digits, as a textbook draws them."""

import minidl
from minidl import nn


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


class CNN(nn.Module):
    """Two 3×3 convolutions with batch normalisation, one pooling, one linear layer: 10,026 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.MaxPool2d(2),
        )  # fmt: skip
        self.classify = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * 4 * 4, 10))

    def forward(self, x: minidl.Tensor) -> minidl.Tensor:  # (N, 1, 8, 8)
        h = self.features(x)  # (N, 32, 4, 4)
        return self.classify(h)  # (N, 10)
