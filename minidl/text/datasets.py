"""Data sets of text: found under root, under $MINIDL_DATA or in the user's cache, or downloaded with download=True."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..data import Dataset
from ..vision.datasets.archive import extract_archive
from ..vision.datasets.download import fetch
from ..vision.datasets.errors import BadFile, NotFound
from ..vision.datasets.places import bases, data_home, find
from .files import read_lines, read_text

LARGEST = 1 << 24  # bytes of a download: the largest of these files has 1.1 million


class TextDataset(Dataset[Any]):
    """Examples from files of text. A subclass names its files, and reads them in `read`.

    What is found is used as it is, plain or as .gz; with download=True what is missing is fetched into the first of the
    `folders` under root, and its checksum compared where one is known."""

    files: Sequence[str]  # all of them are needed
    sources: dict[str, tuple[Sequence[str], str | None]]  # file: its addresses, and its md5
    folders: Sequence[str] = ("text", "")  # where to look under a base

    def __init__(
        self, root: str | os.PathLike[str] | None = None, download: bool = False,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        self.root, self.transform = root, transform
        found = self._found()
        if found is None and download:
            self.download()
            found = self._found()
        if found is None:
            raise NotFound(
                f"{type(self).__name__}: dataset not found; you can use download=True to download it. Looked for "
                f"{' and '.join(self.files)} (or .gz) in {', '.join(map(str, self._places()))}"
            )
        self.data = self.read(found)

    def read(self, paths: list[Path]) -> Any:
        """The examples: whatever has a length and can be indexed."""
        raise NotImplementedError

    def download(self) -> None:
        """Fetch the files that are missing."""
        for name, (addresses, md5) in self.sources.items():
            if find([self._home()], [name.removesuffix(".gz")], ("", ".gz")) is None:
                fetch(name, addresses, self._home(), md5, limit=LARGEST)

    def _home(self) -> Path:
        return (data_home() if self.root is None else Path(self.root).expanduser()) / self.folders[0]

    def _places(self) -> list[Path]:
        return [base / folder for base in bases(self.root) for folder in self.folders]

    def _found(self) -> list[Path] | None:
        return find(self._places(), self.files, ("", ".gz"))

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> Any:
        return self.data[index] if self.transform is None else self.transform(self.data[index])

    def __repr__(self) -> str:
        return f"Dataset {type(self).__name__}\n    Number of datapoints: {len(self)}"


class Names(TextDataset):
    """32,033 first names, of which 29,494 differ; lower case, a to z. Example k is a string."""

    files = ("names.txt",)
    sources = {
        "names.txt": (
            ["https://raw.githubusercontent.com/karpathy/makemore/master/names.txt"],
            "401b3c4cac9e28a586ed15e81256680d",
        )
    }

    def read(self, paths: list[Path]) -> list[str]:
        return read_lines(paths[0])


class Shakespeare(TextDataset):
    """1,115,394 characters of Shakespeare's plays, 65 different ones. `text` is all of it; example k a character."""

    files = ("tinyshakespeare.txt",)
    sources = {
        "tinyshakespeare.txt": (
            ["https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"],
            "6fb458f1232090904fb40fe944165e91",
        )
    }

    def read(self, paths: list[Path]) -> str:
        return read_text(paths[0])

    @property
    def text(self) -> str:
        return self.data


class MovieReviews(TextDataset):
    """5,331 sentences of film reviews that praise and 5,331 that do not (Pang & Lee 2005, "rt-polarity").

    Example k is (sentence, label), label 0 for "negative", 1 for "positive"; the negative ones come first. Lower case,
    with spaces between words and punctuation. `targets` has the labels."""

    files = ("rt-polarity.neg", "rt-polarity.pos")
    folders = ("text", "", "rt-polaritydata", "text/rt-polaritydata")
    archive = "rt-polaritydata.tar.gz"
    mirrors = [
        "https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz",
        "https://storage.googleapis.com/seldon-datasets/sentence_polarity_v1/rt-polaritydata.tar.gz",
    ]
    classes = ("negative", "positive")

    def read(self, paths: list[Path]) -> list[tuple[str, int]]:
        return [(line, label) for label, path in enumerate(paths) for line in read_lines(path)]

    @property
    def targets(self) -> list[int]:
        return [label for _, label in self.data]

    def download(self) -> None:
        """Fetch the archive, and move the two files out of it."""
        home = self._home()
        archive = fetch(self.archive, self.mirrors, home, limit=LARGEST)
        with tempfile.TemporaryDirectory(dir=home, prefix=".rt-polarity.") as aside:
            extract_archive(archive, aside, limit=LARGEST)
            for name in self.files:
                found = next(Path(aside).rglob(name), None)
                if found is None:
                    raise BadFile(f"{archive} has no {name}")
                shutil.move(found, home / name)
        archive.unlink()


class Multi30k(TextDataset):
    """German and English captions of photographs, translations of each other (Elliott, Frank, Sima'an & Specia 2016).

    split: "train" (29,000 pairs), "valid" (1,014) or "test" (1,000, test_2016_flickr). Example k is a pair of strings
    in the order of `languages`."""

    names = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
    address = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
    md5 = {
        "train.de.gz": "81ff90b99829c0cd4b1b587d394afd39", "train.en.gz": "0065d13af80720a55ca8153d126e6627",
        "val.de.gz": "6e0e229eb049e3fc99a1ef02fb2d5f91", "val.en.gz": "2b69aa9253948ac9f67e94917272dd40",
        "test_2016_flickr.de.gz": "efd67d314d98489b716b145475101932",
        "test_2016_flickr.en.gz": "ff2c0fcb4893a13bd73414306bc250ae",
    }  # fmt: skip
    folders = ("multi30k", "Multi30k", "")

    def __init__(
        self, root: str | os.PathLike[str] | None = None, split: str = "train", languages: Sequence[str] = ("de", "en"),
        download: bool = False, transform: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        if split not in self.names:
            raise ValueError(f"Multi30k: split is one of {', '.join(self.names)}, got {split!r}")
        if len(languages) != 2 or set(languages) - {"de", "en"}:
            raise ValueError(f"Multi30k: languages are two of 'de' and 'en', got {tuple(languages)}")
        self.split, self.languages = split, tuple(languages)
        self.files = [f"{self.names[split]}.{language}" for language in languages]
        self.sources = {f"{name}.gz": ([f"{self.address}{name}.gz"], self.md5[f"{name}.gz"]) for name in self.files}
        super().__init__(root, download, transform)

    def read(self, paths: list[Path]) -> list[tuple[str, str]]:
        first, second = (read_lines(path, blank=True) for path in paths)
        if len(first) != len(second):
            raise BadFile(f"{paths[0]} has {len(first):,} lines, and {paths[1].name} {len(second):,}")
        return list(zip(first, second))
