"""MNIST and the sets in its format."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import host, tensor_of
from .download import fetch
from .errors import BadFile, NotFound
from .idx import read_idx
from .places import bases, data_home, find
from .vision import VisionDataset, as_image

ENDINGS = ("", ".gz")
LARGEST = 1 << 26  # bytes of a file: the largest of these sets has 26 million


class MNIST(VisionDataset):
    """60,000 + 10,000 handwritten digits, 28 × 28 (LeCun, Cortes & Burges 1998).

    `data` is a uint8 tensor (N, 28, 28), `targets` an int64 tensor (N,). Files are looked for, unpacked or as .gz, in
    root/MNIST/raw, root/MNIST, root/mnist and root, and then likewise under $MINIDL_DATA. What is found is used as it
    is; with download=True what is missing is fetched into root/MNIST/raw and its checksum compared."""

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes = [
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
        "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
    ]  # fmt: skip
    # Where to look under a base. All these sets name their files alike, so only one can have the base itself.
    folders: tuple[str, ...] = ("MNIST/raw", "MNIST", "mnist", "")

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        files = self._files(train)
        if files is None and download:
            self.download()
            files = self._files(train)
        if files is None:
            raise NotFound(
                f"{type(self).__name__}: dataset not found; you can use download=True to download it. Looked for "
                f"{' and '.join(self._names(train))} (or .gz) in {', '.join(map(str, self._folders()))}"
            )
        images, labels = read_idx(files[0], ndim=3), read_idx(files[1], ndim=1)
        for path, array in zip(files, (images, labels)):
            if array.dtype != np.uint8:
                raise BadFile(f"{path}: uint8 is needed here, it holds {array.dtype}")
        if len(images) != len(labels):
            raise BadFile(f"{files[0]} has {len(images):,} images, and {files[1].name} {len(labels):,} labels")
        if labels.size and labels.max() >= len(self.classes):
            raise BadFile(f"{files[1]} has a label {labels.max()}, and there are {len(self.classes)} classes")
        self.data, self.targets = tensor_of(images), tensor_of(labels.astype(np.int64))

    def download(self) -> None:
        """Fetch the files that are missing."""
        if self._files(True) and self._files(False):
            return
        for name, md5 in self.resources:
            if not find([Path(self.raw_folder)], [name.removesuffix(".gz")], ENDINGS):
                fetch(name, [mirror + name for mirror in self.mirrors], self.raw_folder, md5, limit=LARGEST)

    @property
    def raw_folder(self) -> str:
        root = data_home() if self.root is None else self.root
        return os.path.join(root, type(self).__name__, "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.classes)}

    def _names(self, train: bool) -> list[str]:
        start = "train" if train else "t10k"
        names = sorted(name for name, _ in self.resources if name.startswith(start))  # images, labels
        return [name.removesuffix(".gz") for name in names]

    def _folders(self) -> list[Path]:
        return [base / folder for base in bases(self.root) for folder in self.folders]

    def _files(self, train: bool) -> list[Path] | None:
        return find(self._folders(), self._names(train), ENDINGS)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        return self._transformed(as_image(host(self.data)[index]), int(host(self.targets)[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """60,000 + 10,000 pictures of clothes, 28 × 28 (Xiao, Rasul & Vollgraf 2017); as MNIST, under FashionMNIST/raw,
    FashionMNIST or fashion-mnist."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    folders = ("FashionMNIST/raw", "FashionMNIST", "fashion-mnist", "fashion_mnist")


class KMNIST(MNIST):
    """60,000 + 10,000 cursive Japanese characters, 28 × 28 (Clanuwat et al. 2018); as MNIST, under KMNIST/raw, KMNIST
    or kmnist."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
    folders = ("KMNIST/raw", "KMNIST", "kmnist")
