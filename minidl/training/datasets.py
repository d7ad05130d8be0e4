"""The data sets that `minidl train` knows by name: all of it in memory, as it is in its files."""

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..api import tensor
from ..autograd import Tensor
from ..data import TensorDataset


@dataclass
class Images:
    """Pictures (N, C, H, W) with a class each, to learn from and to test on."""

    train: TensorDataset
    test: TensorDataset
    names: list[str]  # of the classes
    mean: list[float]  # of each channel of the pictures to learn from
    std: list[float]

    @property
    def classes(self) -> int:
        return len(self.names)

    @property
    def shape(self) -> tuple[int, ...]:
        """C, H, W."""
        return self.train.tensors[0].shape[1:]

    @property
    def known(self) -> dict[str, Any]:
        """What it takes to use a network that has learned from them, besides its weights; pixels go from 0 to 1."""
        white = 255 if self.train.tensors[0].dtype.kind == "u" else 1
        scaled = lambda values: [value / white for value in values]
        return {"classes": self.names, "shape": list(self.shape), "mean": scaled(self.mean), "std": scaled(self.std)}

    def fingerprint(self) -> int:
        """A number that is another one for other data."""
        crc = 0
        for part in (*self.train.tensors, *self.test.tensors):
            crc = zlib.crc32(np.ascontiguousarray(part.numpy()).data, crc)
        return crc

    def normaliser(self, device: Any) -> Callable[[Tensor], Tensor]:
        """x ↦ (x − mean) / std by channel, in floats, on a device."""
        mean, std = (tensor(v, dtype="float32").reshape(1, -1, 1, 1).to(device) for v in (self.mean, self.std))
        return lambda x: (x.to(device).float() - mean) / std


def load(
    name: str, folder: str | os.PathLike[str] | None = None, download: bool = False, limit: int | None = None
) -> Images:  # fmt: skip
    """A data set by name; limit: only the first so many examples to learn from, and as many to test on."""
    if folder is not None and not Path(folder).is_dir():
        raise FileNotFoundError(f"--data {folder}: there is no such folder (--download needs one too)")
    x, y, test_x, test_y, names = DATA_SETS[name](folder, download)
    x, y, test_x, test_y = (part[:limit] for part in (x, y, test_x, test_y))
    wide = lambda f: f(x, axis=(0, 2, 3), dtype=np.float64)
    return Images(
        TensorDataset(tensor(x), tensor(y)),
        TensorDataset(tensor(test_x), tensor(test_y)),
        list(names),
        mean=[float(np.float32(m)) for m in wide(np.mean)],
        std=[float(np.float32(s)) or 1.0 for s in wide(np.std)],  # a channel that never changes is left as it is
    )


def digits(folder: Any, download: bool) -> Any:
    from ..demo.digits import load  # they come inside scikit-learn, which needs no folder

    return (*load(), map(str, range(10)))


def mnist(kind: str) -> Callable[[Any, bool], Any]:
    def read(folder: Any, download: bool) -> Any:
        parts = [split(kind, folder, train, download) for train in (True, False)]
        arrays = [array for part in parts for array in (part.data.numpy()[:, None], part.targets.numpy())]
        return (*arrays, parts[0].classes)

    return read


def cifar(kind: str) -> Callable[[Any, bool], Any]:
    def read(folder: Any, download: bool) -> Any:
        parts = [split(kind, folder, train, download) for train in (True, False)]
        first = lambda pixels: np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))  # N H W C → N C H W
        arrays = [array for p in parts for array in (first(p.data), np.array(p.targets, np.int64))]
        return (*arrays, parts[0].classes)

    return read


def split(kind: str, folder: Any, train: bool, download: bool) -> Any:
    """One half of a data set of minidl.vision; where it is not there, what to do about it in the command's words."""
    from ..vision import datasets
    from ..vision.datasets.errors import NotFound

    try:
        return getattr(datasets, kind)(folder, train=train, download=download)
    except NotFound as error:
        looked = str(error).partition("Looked ")[2]
        raise FileNotFoundError(
            f"{kind} is not there: add --download, or name the folder that has it with --data FOLDER or MINIDL_DATA"
            + (f" (looked {looked})" if looked else "")
        ) from None


DATA_SETS: dict[str, Callable[[Any, bool], Any]] = {
    "digits": digits,
    "mnist": mnist("MNIST"),
    "fashion-mnist": mnist("FashionMNIST"),
    "cifar10": cifar("CIFAR10"),
    "cifar100": cifar("CIFAR100"),
}
