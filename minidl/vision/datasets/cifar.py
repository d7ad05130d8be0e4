"""CIFAR-10 and CIFAR-100."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .archive import extract_archive
from .download import fetch
from .errors import BadFile, NotFound
from .pickles import read_pickle
from .places import bases, data_home, find
from .vision import VisionDataset, as_image

LARGEST = 1 << 28  # bytes of the archive; unpacked they have 186 million


class CIFAR10(VisionDataset):
    """50,000 + 10,000 colour photographs of 10 kinds of things, 32 × 32 (Krizhevsky 2009).

    `data` is a uint8 array (N, 32, 32, 3), `targets` a list of N ints. A folder cifar-10-batches-py under root, or
    under $MINIDL_DATA, is used as it is, whatever its size; root may also be that folder. With download=True, where
    there is none, the archive is fetched into root, its checksum compared, and unpacked."""

    base_folder = "cifar-10-batches-py"
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    filename = "cifar-10-python.tar.gz"
    tgz_md5 = "c58f30108f718f92721af3b95e74349a"
    train_list = ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"]
    test_list = ["test_batch"]
    meta = ("batches.meta", "label_names")
    labels = "labels"
    names = "airplane automobile bird cat deer dog frog horse ship truck"  # for a folder without meta

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
        names = self.train_list if train else self.test_list
        files = find(self._folders(), names)
        if files is None and download:
            self.download()
            files = find(self._folders(), names)
        if files is None:
            raise NotFound(self._not_found(names))
        self.classes = self._classes(files[0].with_name(self.meta[0]))
        parts = [self._batch(path) for path in files]
        flat = np.concatenate([pixels for pixels, _ in parts])
        self.data = np.ascontiguousarray(flat.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))  # N C H W → N H W C
        self.targets: list[int] = [label for _, labels in parts for label in labels]
        self.class_to_idx = {name: k for k, name in enumerate(self.classes)}

    def download(self) -> None:
        """Fetch and unpack the archive, unless the folder is there."""
        if find(self._folders(), [*self.train_list, *self.test_list]):
            return
        root = data_home() if self.root is None else Path(self.root)
        archive = fetch(self.filename, [self.url], root, self.tgz_md5, limit=LARGEST)
        aside = tempfile.mkdtemp(dir=root, prefix=f".{self.base_folder}.")  # moved in one step: never half a folder
        try:
            extract_archive(archive, aside, limit=2 * LARGEST)
            if (root / self.base_folder).is_dir():
                shutil.copytree(Path(aside, self.base_folder), root / self.base_folder, dirs_exist_ok=True)
            else:
                os.replace(Path(aside, self.base_folder), root / self.base_folder)
        finally:
            shutil.rmtree(aside)

    def _folders(self) -> list[Path]:
        return [folder for base in bases(self.root) for folder in (base / self.base_folder, base)]

    def _not_found(self, names: list[str]) -> str:
        text = f"{type(self).__name__}: dataset not found; you can use download=True to download it."
        for folder in self._folders():
            there = [name for name in names if (folder / name).is_file()]
            if there:
                missing = [name for name in names if name not in there]
                return f"{text} {folder} has {', '.join(there)} but lacks {', '.join(missing)}"
            if (folder / self.filename).is_file():
                text += f" {folder / self.filename} is there, and download=True also unpacks it."
        return f"{text} Looked in {', '.join(map(str, self._folders()))}"

    def _classes(self, path: Path) -> list[str]:
        if not path.exists() and self.names:
            return self.names.split()
        meta = read_pickle(path)
        names = meta.get(self.meta[1]) if isinstance(meta, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, (str, bytes)) for name in names):
            raise BadFile(f"{path}: a dict with the list {self.meta[1]!r} is expected")
        return [name.decode("latin-1") if isinstance(name, bytes) else name for name in names]

    def _batch(self, path: Path) -> tuple[Any, list[int]]:
        """The pixels (N, 3072) and the labels of one file."""
        batch = read_pickle(path)
        if not isinstance(batch, dict) or "data" not in batch or self.labels not in batch:
            keys = sorted(map(str, batch))[:10] if isinstance(batch, dict) else type(batch).__name__
            raise BadFile(f"{path}: a dict with 'data' and {self.labels!r} is expected, it holds {keys}")
        data, labels = batch["data"], batch[self.labels]
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
            what = f"{data.dtype} {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
            raise BadFile(f"{path}: 'data' should be uint8 (N, 3072), it is {what}")
        if isinstance(labels, np.ndarray):
            labels = labels.tolist()
        if not isinstance(labels, list) or not all(isinstance(label, (int, np.integer)) for label in labels):
            raise BadFile(f"{path}: {self.labels!r} should be a list of integers")
        if len(labels) != len(data):
            raise BadFile(f"{path} has {len(data):,} images and {len(labels):,} labels")
        wrong = [label for label in labels if not 0 <= label < len(self.classes)]
        if wrong:
            raise BadFile(f"{path} has a label {wrong[0]}, and there are {len(self.classes)} classes")
        return data, [int(label) for label in labels]

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        return self._transformed(as_image(self.data[index]), self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """50,000 + 10,000 colour photographs of 100 kinds of things, 32 × 32; as CIFAR10, in cifar-100-python."""

    base_folder = "cifar-100-python"
    url = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    filename = "cifar-100-python.tar.gz"
    tgz_md5 = "eb9058c3a382ffc7106e4002c42a8d85"
    train_list = ["train"]
    test_list = ["test"]
    meta = ("meta", "fine_label_names")
    labels = "fine_labels"
    names = ""
