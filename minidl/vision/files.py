"""One picture from a file: any that Pillow reads, an array of NumPy, or one of those in an IDX file."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..autograd import Tensor
from .arrays import tensor_of
from .datasets.idx import read_idx
from .transforms import pixels

Array = np.ndarray[Any, Any]


def read_picture(path: str | os.PathLike[str], shape: tuple[int, int, int] | None = None) -> Tensor:
    """Float32 (C, H, W), from 0 for black to 1 for white.

    path: a picture; a file .npy of (H, W), (H, W, C) or (C, H, W), bytes or floats from 0 to 1; or an IDX file (MNIST's
    format, gzipped or not) with the number of the picture after a colon, "t10k-images-idx3-ubyte.gz:7".
    shape: C 1 makes it grey and 3 coloured, H and W stretch it."""
    name, number = numbered(os.fspath(path))
    file = Path(name)
    if not file.is_file():
        raise FileNotFoundError(f"{name}: there is no such file")
    if number is not None:
        x = of_idx(file, number)
    elif file.suffix == ".npy":
        x = of_numpy(file)
    else:
        x = of_pillow(file)
    x = pixels.convert(x, np.dtype(np.float32))
    if shape is not None:
        x = channels(x, shape[0], name)
        if x.shape[1:] != shape[1:]:
            x = np.clip(pixels.resize(x, *shape[1:], "bicubic", True), 0, 1)
    return tensor_of(np.ascontiguousarray(x, np.float32))


def numbered(name: str) -> tuple[str, int | None]:
    """The file, and the number after its colon; of an IDX file without one, 0."""
    found = re.fullmatch(r"(.*idx\d?[^:/\\]*):(\d+)", name)
    if found:
        return found[1], int(found[2])
    return name, 0 if re.search(r"idx\d-ubyte(\.gz)?$", name) else None


def of_idx(path: Path, number: int) -> Array:
    pictures = read_idx(path)
    if pictures.ndim != 3:
        raise ValueError(f"{path}: pictures (N, H, W) are needed, it holds {pictures.shape}")
    if number >= len(pictures):
        raise ValueError(f"{path}:{number}: the last of its pictures is number {len(pictures) - 1}")
    return pictures[number][None]


def of_numpy(path: Path) -> Array:
    try:
        x: Array = np.load(path, allow_pickle=False)
    except ValueError as error:
        raise ValueError(f"{path} is no array of numbers, or damaged: {error}") from None
    if x.ndim == 3 and x.shape[2] in (1, 3, 4):
        x = x.transpose(2, 0, 1)
    x = x[None] if x.ndim == 2 else x
    if x.ndim != 3 or x.shape[0] not in (1, 3, 4) or not x.size:
        raise ValueError(f"{path}: one picture (H, W), (H, W, C) or (C, H, W) is needed, it holds {x.shape}")
    if x.dtype.kind not in "fub" or x.dtype.kind == "f" and not (x.min() >= 0 and x.max() <= 1):
        raise ValueError(
            f"{path}: bytes, or floats from 0 for black to 1 for white, are needed; it holds {x.dtype} from {x.min()} "
            f"to {x.max()}"
        )
    return x


def of_pillow(path: Path) -> Array:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise ImportError(f"to read {path} takes Pillow: pip install 'minidl[data]'") from error
    try:
        with Image.open(path) as picture:
            grey = picture.mode in ("1", "L", "LA", "I", "F", "I;16")
            if picture.mode in ("I", "F", "I;16"):  # which have no fixed white
                x = np.asarray(picture, np.float32)
                return ((x - x.min()) / (x.max() - x.min() or 1))[None]
            x = np.asarray(picture.convert("LA" if grey else "RGBA"))
    except UnidentifiedImageError:
        raise ValueError(f"{path} is no picture that Pillow can read") from None
    colour, cover = x[..., :-1].astype(np.float32), x[..., -1:] / np.float32(255)
    return ((colour * cover + 255 * (1 - cover)) / 255).transpose(2, 0, 1)  # what lies behind is white, as paper is


def channels(x: Array, count: int, name: str) -> Array:
    x = x[:3]  # the fourth is how opaque it is
    if count == 1:
        return pixels.grey(x)
    if count != 3:
        raise ValueError(f"{name}: pictures have 1 or 3 channels, and {count} are needed")
    return np.repeat(x, 3, 0) if len(x) == 1 else x
