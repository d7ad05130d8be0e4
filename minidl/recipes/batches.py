"""Pictures to learn from: normalised when they are asked for, and each time another one where that is wanted."""

from collections.abc import Callable
from typing import Any

import minidl

from ..backend import default_generator
from ..data import Dataset
from ..vision.transforms.pixels import scatter


class Pictures(Dataset[Any]):
    """Pictures (N, C, H, W) with a class each (N): a list of numbers gives a batch (x, y), x = (pixels − mean) / std

    Pixels are bytes, or floats from 0 to 1; they count from 0 to 1 here. shift: by how many pixels at most each picture
    is moved, either way, each time that it is asked for; mirror: half of them are also turned left to right; mix: what
    is done then to the batch, normalised, and its classes."""

    def __init__(
        self, images: Any, labels: Any, mean: list[float], std: list[float], shift: int = 0, mirror: bool = False,
        mix: Callable[[Any, Any], Any] | None = None,
    ) -> None:  # fmt: skip
        self.images, self.labels, self.shift, self.mirror, self.mix = images, labels, shift, mirror, mix
        self.mean, self.std = normal(mean), normal(std)
        self.white = 255.0 if images.dtype.kind == "u" else 1.0

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        if not isinstance(index, list):
            x, y = self[[index]]
            return x[0], y[0]
        x, y = self.images[index], self.labels[index]
        if self.shift or self.mirror:
            x = self.moved(x)
        x = (x.float() - self.white * self.mean) / (self.white * self.std)
        return (x, y) if self.mix is None else self.mix(x, y)

    def moved(self, x: Any) -> Any:
        """RandomCrop with padding, and RandomHorizontalFlip, of vision.transforms for each picture of the batch."""
        rng, pixels = default_generator.numpy, x.numpy()
        if self.shift:
            pixels = scatter(pixels, self.shift, rng)
        if self.mirror:
            turned = rng.random(len(pixels)) < 0.5
            pixels[turned] = pixels[turned][..., ::-1]
        return minidl.from_numpy(pixels)


def normal(values: list[float]) -> Any:
    return minidl.tensor(values).reshape(-1, 1, 1)


def moments(x: Any) -> tuple[list[float], list[float]]:
    """The mean and the deviation of each channel, of pixels from 0 to 1; of one that never changes, 1."""
    white = 255.0 if x.dtype.kind == "u" else 1.0
    over = [0, *range(2, x.ndim)]
    parts = [x[k : k + 1000].double() / white for k in range(0, len(x), 1000)]
    size = x.numel() / x.shape[1]
    mean = sum(part.sum(over) for part in parts) / size
    deviation = (sum(((part - mean.reshape(-1, 1, 1)) ** 2).sum(over) for part in parts) / size).sqrt()
    return [round(m, 6) for m in mean.tolist()], [round(s, 6) or 1.0 for s in deviation.tolist()]
