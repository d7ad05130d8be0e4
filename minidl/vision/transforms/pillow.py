"""The same on images of Pillow, by Pillow. It is imported only once there is such an image."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import pixels

# Pillow's number for each interpolation.
CODES = {"nearest": 0, "nearest-exact": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def _fill(img: Any, fill: Any) -> Any:
    """A colour as Pillow takes it: a number for one band, else a tuple."""
    if isinstance(fill, str):
        from PIL import ImageColor

        return ImageColor.getcolor(fill, img.mode)
    bands = len(img.getbands())
    values = [0] if fill is None else [fill] if isinstance(fill, (int, float)) else list(fill)
    if len(values) not in (1, bands):
        raise ValueError(
            f"fill: the number of elements does not match the channels of the image ({len(values)} != {bands})"
        )
    values = values * (bands // len(values))
    if img.mode not in ("I", "F"):
        values = [int(v) for v in values]
    return values[0] if bands == 1 else tuple(values)


def _by_pixels(img: Any, change: Any) -> Any:
    """Through the array (C, H, W)."""
    from PIL import Image

    x = np.asarray(img)
    y = change(x[None] if x.ndim == 2 else x.transpose(2, 0, 1))
    result = Image.fromarray(np.ascontiguousarray(y[0] if x.ndim == 2 else y.transpose(1, 2, 0)))
    return result if result.mode == img.mode else Image.frombytes(img.mode, result.size, result.tobytes())


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    return img.crop((left, top, left + width, top + height))


def hflip(img: Any) -> Any:
    return img.transpose(0)  # FLIP_LEFT_RIGHT


def vflip(img: Any) -> Any:
    return img.transpose(1)  # FLIP_TOP_BOTTOM


def pad(img: Any, padding: Sequence[int], fill: Any, mode: str) -> Any:
    if mode == "constant" and min(padding) >= 0:
        from PIL import ImageOps

        return ImageOps.expand(img, border=tuple(padding), fill=_fill(img, fill))
    if img.mode == "P":  # a palette: pixels are numbers of colours, which can be moved but not made
        padded = _by_pixels(img.copy(), lambda x: pixels.pad(x, padding, 0, mode))
        padded.putpalette(img.getpalette())
        return padded
    return _by_pixels(img, lambda x: pixels.pad(x, padding, fill, mode))


def resize(img: Any, height: int, width: int, mode: str, antialias: bool) -> Any:
    return img.resize((width, height), CODES[mode])


def rotate(img: Any, angle: float, mode: str, expand: bool, center: Any, fill: Any) -> Any:
    return img.rotate(angle, CODES[mode], expand, center, fillcolor=_fill(img, fill))


def affine(img: Any, matrix: Sequence[float], mode: str, fill: Any) -> Any:
    return img.transform(img.size, 0, matrix, CODES[mode], fillcolor=_fill(img, fill))  # 0: AFFINE


def blur(img: Any, kernel_size: Sequence[int], sigma: Sequence[float]) -> Any:
    return _by_pixels(img, lambda x: pixels.blur(x, kernel_size, sigma))


def brightness(img: Any, factor: float) -> Any:
    from PIL import ImageEnhance

    return ImageEnhance.Brightness(img).enhance(factor)


def contrast(img: Any, factor: float) -> Any:
    from PIL import ImageEnhance

    return ImageEnhance.Contrast(img).enhance(factor)


def saturation(img: Any, factor: float) -> Any:
    from PIL import ImageEnhance

    return ImageEnhance.Color(img).enhance(factor)


def hue(img: Any, shift: float) -> Any:
    from PIL import Image

    if img.mode in ("1", "L", "I", "F"):
        return img
    h, s, v = img.convert("HSV").split()
    moved = (np.asarray(h).astype(int) + int(shift * 255)) % 256  # Pillow counts a turn in 256 steps
    return Image.merge("HSV", (Image.fromarray(moved.astype(np.uint8)), s, v)).convert(img.mode)


def gamma(img: Any, exponent: float, gain: float) -> Any:
    mode = img.mode
    table = [min(int((255 + 1 - 1e-3) * gain * pow(k / 255.0, exponent)), 255) for k in range(256)]
    img = img.convert("RGB")
    return img.point(table * 3).convert(mode)


def grey(img: Any, count: int) -> Any:
    from PIL import Image

    one = img.convert("L")
    return one if count == 1 else Image.merge("RGB", (one, one, one))
