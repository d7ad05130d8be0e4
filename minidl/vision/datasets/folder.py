"""Images in folders, a folder for each class."""

import os
from collections.abc import Callable
from typing import Any

from .errors import BadFile
from .vision import VisionDataset

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
PathLike = str | os.PathLike[str]


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    return filename.lower().endswith(extensions if isinstance(extensions, str) else tuple(extensions))


def is_image_file(filename: str) -> bool:
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def find_classes(directory: PathLike) -> tuple[list[str], dict[str, int]]:
    """The folders in a folder, sorted, and their numbers."""
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: k for k, name in enumerate(classes)}


def make_dataset(
    directory: PathLike,
    class_to_idx: dict[str, int] | None = None,
    extensions: str | tuple[str, ...] | None = None,
    is_valid_file: Callable[[str], bool] | None = None,
    allow_empty: bool = False,
) -> list[tuple[str, int]]:
    """(path, class number) of every file that is valid, by class and then by path."""
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        _, class_to_idx = find_classes(directory)
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    valid = is_valid_file or (lambda path: has_file_allowed_extension(path, extensions))  # type: ignore[arg-type]  # one is given
    samples: list[tuple[str, int]] = []
    empty = []
    for name in sorted(class_to_idx):
        before = len(samples)
        for folder, _, files in sorted(os.walk(os.path.join(directory, name), followlinks=True)):
            paths = (os.path.join(folder, file) for file in sorted(files))
            samples += [(path, class_to_idx[name]) for path in paths if valid(path)]
        if len(samples) == before:
            empty.append(name)
    if empty and not allow_empty:
        text = f"Found no valid file for the classes {', '.join(empty)}."
        if extensions is not None:
            text += f" Supported extensions are: {extensions if isinstance(extensions, str) else ', '.join(extensions)}"
        raise FileNotFoundError(text)
    return samples


def pil_loader(path: PathLike) -> Any:
    """The image in a file, as RGB."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"reading the image {path} needs Pillow: pip install pillow") from error
    try:
        with open(path, "rb") as file, Image.open(file) as image:
            return image.convert("RGB")
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadFile(f"{path} is no image that can be read: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise  # the file system's words name the file already
        raise BadFile(f"{path} is no image that can be read: {error}") from error


default_loader = pil_loader


class DatasetFolder(VisionDataset):
    """Files in folders, root/class/…/file; `loader(path)` makes the sample."""

    def __init__(
        self,
        root: PathLike,
        loader: Callable[[str], Any],
        extensions: tuple[str, ...] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        classes, class_to_idx = self.find_classes(self.root)  # type: ignore[arg-type]  # a folder is always given
        self.samples = self.make_dataset(self.root, class_to_idx, extensions, is_valid_file, allow_empty)  # type: ignore[arg-type]  # as above
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = classes, class_to_idx
        self.targets = [target for _, target in self.samples]

    make_dataset = staticmethod(make_dataset)

    def find_classes(self, directory: PathLike) -> tuple[list[str], dict[str, int]]:
        """To be overridden where classes are laid out in another way."""
        return find_classes(directory)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """Images in folders: root/dog/xxx.png, root/cat/123.jpg. Classes are numbered by the sorted names."""

    def __init__(
        self,
        root: PathLike,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
