"""What is done to the pixels of an array (…, C, H, W). Values of integers are rounded where they are interpolated."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Fill = float | Sequence[float] | None


def largest(dtype: Any) -> float:
    """White: 1 for floats, the largest number for integers."""
    return 1.0 if dtype.kind == "f" else 1 if dtype.kind == "b" else float(np.iinfo(dtype).max)


def _floating(x: Array) -> Array:
    return x if x.dtype.kind == "f" else x.astype(np.float32, order="C")


def _as(x: Array, dtype: Any) -> Array:
    """Back to the dtype of the image, rounded to the nearest where it holds integers."""
    if dtype.kind == "f" or x.dtype == dtype:
        return x.astype(dtype, copy=False)
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.clip(np.rint(x), low, high).astype(dtype)


def channels(value: Fill, count: int) -> Any:
    """A number, or one for each channel, to be broadcast over (C, H, W)."""
    values = np.atleast_1d(np.asarray(0 if value is None else value, float))
    if values.ndim != 1 or values.size not in (1, count):
        raise ValueError(f"fill: a number or one for each of the {count} channels is needed, got {value}")
    return values.reshape(-1, 1, 1)


# Geometry

def crop(x: Array, top: int, left: int, height: int, width: int) -> Array:
    """A window; what lies outside of the image is 0."""
    h, w = x.shape[-2:]
    inside = x[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if 0 <= top <= h - height and 0 <= left <= w - width:
        return inside
    y = np.zeros((*x.shape[:-2], height, width), x.dtype)
    if inside.size:
        t, l = max(-top, 0), max(-left, 0)
        y[..., t : t + inside.shape[-2], l : l + inside.shape[-1]] = inside
    return y


def scatter(x: Array, by: int, rng: np.random.Generator) -> Array:
    """Each of the images (N, C, H, W) moved by up to `by` pixels either way; 0 comes in."""
    N, _, H, W = x.shape
    wide, y = np.pad(x, ((0, 0), (0, 0), (by, by), (by, by))), np.empty_like(x)
    for k, (top, left) in enumerate(zip(rng.integers(0, 2 * by + 1, N), rng.integers(0, 2 * by + 1, N))):
        y[k] = wide[k, :, top : top + H, left : left + W]
    return y


def pad(x: Array, padding: Sequence[int], fill: Fill, mode: str) -> Array:
    """`padding` is left, top, right, bottom; a negative number crops."""
    left, top, right, bottom = padding
    h, w = x.shape[-2:]
    x = x[..., max(-top, 0) : h - max(-bottom, 0), max(-left, 0) : w - max(-right, 0)]
    left, top, right, bottom = (max(n, 0) for n in padding)
    if mode != "constant":
        if mode == "reflect" and (max(left, right) >= x.shape[-1] or max(top, bottom) >= x.shape[-2]):
            raise ValueError(f"pad: reflect needs paddings smaller than the image of {h} × {w}, got {tuple(padding)}")
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(top, bottom), (left, right)], mode)  # type: ignore[call-overload]  # checked
    y = np.empty((*x.shape[:-2], x.shape[-2] + top + bottom, x.shape[-1] + left + right), x.dtype)
    y[...] = np.asarray(channels(fill, x.shape[-3] if x.ndim > 2 else 1)).astype(x.dtype)
    y[..., top : top + x.shape[-2], left : left + x.shape[-1]] = x
    return y


def _triangle(t: Array) -> Array:
    return np.maximum(1 - np.abs(t), 0)


def _cubic(t: Array, a: float) -> Array:
    """Keys' kernel."""
    t = np.abs(t)
    return np.where(t < 1, ((a + 2) * t - (a + 3)) * t * t + 1, np.where(t < 2, a * (((t - 5) * t + 8) * t - 4), 0.0))


# How far each kernel reaches, and the kernel with antialias (as in Pillow) and without (as in PyTorch).
KERNELS: dict[str, tuple[int, Callable[[Array], Array], Callable[[Array], Array]]] = {
    "bilinear": (1, _triangle, _triangle),
    "bicubic": (2, lambda t: _cubic(t, -0.5), lambda t: _cubic(t, -0.75)),
}


@functools.lru_cache(maxsize=64)
def _weights(n: int, m: int, mode: str, antialias: bool) -> Array:
    """(m, n): how much each of n pixels counts in each of m. Pixel j reaches from j to j + 1, its centre is j + ½."""
    centre = ((np.arange(m) + 0.5) * (n / m))[:, None]  # in the old image
    reach, wide, narrow = KERNELS[mode]
    if antialias:  # the kernel as wide as a new pixel, cut off at the edges
        w = wide((np.arange(n) + 0.5 - centre) / max(n / m, 1.0))
        return (w / w.sum(1, keepdims=True)).astype(np.float32)
    near = np.floor(centre - 0.5) + np.arange(1 - reach, 1 + reach)  # (m, 2·reach) the nearest pixels
    w = np.zeros((m, n), np.float32)
    there = np.clip(near, 0, n - 1).astype(int)  # the edges repeat
    np.add.at(w, (np.arange(m)[:, None], there), narrow(near + 0.5 - centre))
    return w


def resize(x: Array, height: int, width: int, mode: str, antialias: bool) -> Array:
    """nearest: pixel ⌊j n/m⌋, as PyTorch's `interpolate`; nearest-exact: the pixel under the centre, as Pillow."""
    if mode in ("nearest", "nearest-exact"):
        half = 0.0 if mode == "nearest" else 0.5
        rows, columns = (((np.arange(m) + half) * (n / m)).astype(int) for m, n in zip((height, width), x.shape[-2:]))
        return x[..., rows[:, None], columns]
    if mode not in KERNELS:
        raise ValueError(f"This interpolation mode ({mode}) is unsupported with Tensor input")
    h, w = x.shape[-2:]
    y = _floating(x)
    if w != width:  # Pillow, too, goes over the rows first, and rounds in between
        y = y @ _weights(w, width, mode, antialias).T.astype(y.dtype, copy=False)
        y = _floating(_as(y, x.dtype)) if antialias else y
    if h != height:
        y = _weights(h, height, mode, antialias).astype(y.dtype, copy=False) @ y
    return _as(y, x.dtype)


def warp(x: Array, matrix: Sequence[float], height: int, width: int, mode: str, fill: Fill) -> Array:
    """Pixel (u, v) of the result is that at (a u + b v + c, d u + e v + f), counted from the centres of the images.

    Outside the image is 0; what lies between is blended with `fill`, if there is one, as torchvision does."""
    h, w = x.shape[-2:]
    a, b, c, d, e, f = matrix
    u, v = np.arange(width) + (1 - width) / 2, (np.arange(height) + (1 - height) / 2)[:, None]
    px, py = a * u + b * v + (c + (w - 1) / 2), d * u + e * v + (f + (h - 1) / 2)  # (height, width), in pixels
    colour = channels(fill, x.shape[-3] if x.ndim > 2 else 1)
    if x.ndim == 2:
        colour = colour[0]

    def pixels(px: Array, py: Array) -> tuple[Array, Array]:
        inside = (px >= 0) & (px < w) & (py >= 0) & (py < h)
        return x[..., np.clip(py, 0, h - 1).astype(int), np.clip(px, 0, w - 1).astype(int)], inside

    if mode == "nearest":
        y, inside = pixels(np.floor(px + 0.5), np.floor(py + 0.5))
        return np.where(inside, y, colour.astype(x.dtype))
    if mode != "bilinear":
        raise ValueError(f"This interpolation mode ({mode}) is unsupported with Tensor input")
    left, top = np.floor(px), np.floor(py)
    y, cover = np.zeros((), _floating(x).dtype), np.zeros((), _floating(x).dtype)
    for i in (0, 1):
        for j in (0, 1):
            value, inside = pixels(left + j, top + i)
            weight = ((1 - np.abs(px - left - j)) * (1 - np.abs(py - top - i)) * inside).astype(y.dtype)
            y, cover = y + weight * value, cover + weight
    return _as(y if fill is None else y * cover + (1 - cover) * colour, x.dtype)


def blur(x: Array, kernel_size: Sequence[int], sigma: Sequence[float]) -> Array:
    """A Gaussian along the width (first of each pair) and the height; edges are reflected."""
    y = _floating(x)
    for axis, size, s in ((-1, kernel_size[0], sigma[0]), (-2, kernel_size[1], sigma[1])):
        t = np.arange(size) - (size - 1) / 2
        weight = np.exp(-0.5 * (t / s) ** 2)
        weight /= weight.sum()
        width = [(0, 0)] * y.ndim
        width[axis] = (size // 2, size // 2)
        if size // 2 >= y.shape[axis]:
            raise ValueError(f"gaussian_blur: the kernel of {size} is too large for {y.shape[axis]} pixels")
        padded = np.moveaxis(np.pad(y, width, "reflect"), axis, -1)
        n = y.shape[axis]
        y = np.moveaxis(sum(padded[..., k : k + n] * y.dtype.type(weight[k]) for k in range(size)), -1, axis)
    return _as(y, x.dtype)


# Colour

def grey(x: Array) -> Array:
    """(…, 1, H, W): the luma of ITU-R 601. One channel is grey already."""
    if x.shape[-3] == 1:
        return x
    r, g, b = (_floating(x[..., k : k + 1, :, :]) for k in range(3))
    return (0.2989 * r + 0.587 * g + 0.114 * b).astype(x.dtype)


def blend(x: Array, other: Any, factor: float) -> Array:
    """factor · x + (1 − factor) · other, kept between black and white; integers are cut, as in Pillow."""
    return np.clip(factor * _floating(x) + (1 - factor) * other, 0, largest(x.dtype)).astype(x.dtype)


def brightness(x: Array, factor: float) -> Array:
    return blend(x, 0.0, factor)


def contrast(x: Array, factor: float) -> Array:
    return blend(x, _floating(grey(x)).mean((-3, -2, -1), keepdims=True), factor)


def saturation(x: Array, factor: float) -> Array:
    return x if x.shape[-3] == 1 else blend(x, _floating(grey(x)), factor)


def hue(x: Array, shift: float) -> Array:
    """The hue moved by `shift` turns, in HSV."""
    if x.shape[-3] == 1:
        return x
    rgb = convert(x, np.dtype(np.float32)) if x.dtype.kind != "f" else x
    h, s, v = _to_hsv(rgb)
    return convert(_from_hsv((h + shift) % 1.0, s, v), x.dtype)


def _to_hsv(rgb: Array) -> tuple[Array, Array, Array]:
    r, g, b = (rgb[..., k, :, :] for k in range(3))
    high, low = rgb.max(-3), rgb.min(-3)
    range_, none = high - low, high == low
    rc, gc, bc = ((high - c) / np.where(none, 1, range_) for c in (r, g, b))
    h = np.where(high == r, bc - gc, np.where(high == g, 2 + rc - bc, 4 + gc - rc))
    return (h / 6 + 1) % 1.0, range_ / np.where(none, 1, high), high


def _from_hsv(h: Array, s: Array, v: Array) -> Array:
    sector = np.floor(h * 6)
    f = h * 6 - sector
    p, q, t = (np.clip(v * (1 - s * k), 0, 1) for k in (1, f, 1 - f))
    k = sector.astype(int) % 6
    return np.stack([np.choose(k, c) for c in ((v, q, p, p, t, v), (t, v, v, q, p, p), (p, p, t, v, v, q))], -3)


def gamma(x: Array, exponent: float, gain: float) -> Array:
    scaled = x if x.dtype.kind == "f" else convert(x, np.dtype(np.float32))
    return convert(np.clip(gain * scaled**exponent, 0, 1), x.dtype)


def convert(x: Array, dtype: Any) -> Array:
    """Another dtype, white staying white."""
    if x.dtype == dtype:
        return x
    if dtype.kind == "f":
        return x.astype(dtype) if x.dtype.kind == "f" else x.astype(dtype) / dtype.type(largest(x.dtype))
    if x.dtype.kind == "f":
        if x.dtype.itemsize <= dtype.itemsize and dtype.itemsize >= 4:
            raise RuntimeError(f"The cast from {x.dtype} to {dtype} cannot be performed safely.")
        return (x * x.dtype.type(largest(dtype) + 1 - 1e-3)).astype(dtype)
    old, new = int(largest(x.dtype)), int(largest(dtype))
    if old > new:
        return (x // ((old + 1) // (new + 1))).astype(dtype)
    return x.astype(dtype) * dtype.type((new + 1) // (old + 1))
