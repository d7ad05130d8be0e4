"""Pictures in other sizes, and looked at through a grid."""

import math
from collections.abc import Sequence
from typing import Any

from ...autograd import OPS, Tensor
from ...backend import INDEX
from ...errors import refusal
from .arguments import several
from .pooling import means

# How far each way of interpolating reaches on either side, in places of the input; and in how many axes it is at home.
REACH = {"linear": 1, "bilinear": 1, "trilinear": 1, "bicubic": 2, "lanczos": 3}
AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2, "lanczos": 2}


def interpolate(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest", align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:  # fmt: skip
    """Another size for the axes after the first two: each new place is a mix of the old ones around it.

    mode: "nearest" ("nearest-exact" rounds to the middle), "area" (means), "linear", "bilinear" or "trilinear" by how
    many axes there are, "bicubic". align_corners: the outermost middles stay where they are, else the outer edges.
    antialias, going down in size, widens what is mixed, so that every old place counts."""
    name, given = "interpolate", input.shape[2:]
    _check_mode(name, input, mode, align_corners, antialias)
    if (size is None) == (scale_factor is None):
        raise refusal(ValueError, name, "either size or scale_factor is expected", input=input)
    if recompute_scale_factor and size is not None:
        raise refusal(ValueError, name, "recompute_scale_factor goes with a scale_factor", input=input)
    if size is not None:
        sizes: tuple[int, ...] = several(size, len(given), "size", name)
        steps = [n / m if m else 1.0 for n, m in zip(given, sizes)]
    else:
        factors: Any = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * len(given)
        if len(factors) != len(given):
            raise refusal(ValueError, name, f"scale_factor is one number or {len(given)}, got {scale_factor}")
        sizes = tuple(math.floor(n * f) for n, f in zip(given, factors))
        recompute = recompute_scale_factor or mode == "area"
        steps = [n / m if recompute and m else 1 / f for n, m, f in zip(given, sizes, factors)]
    if min(sizes) < 1 or 0 in given:
        raise refusal(RuntimeError, name, f"sizes must be greater than 0, got {given} and {sizes}", input=input)
    for k, n, m, step in reversed(list(zip(range(len(given)), given, sizes, steps))):
        i = OPS.astype(OPS.arange_like(input, n=m), dtype="float64")
        if mode.startswith("nearest"):
            at = OPS.floor((i + 0.5) * step if mode == "nearest-exact" else i * step)
            places = OPS.minimum(OPS.astype(at, dtype="int64"), n - 1)
            input = OPS.getitem(input, places, key=(*(slice(None),) * (2 + k), INDEX))
        elif mode == "area":
            input = input if n == m else means(input, m, 2 + k)
        else:
            if align_corners:
                step = (n - 1) / (m - 1) if m > 1 else 0.0
            if antialias:
                places, w = _smooth(i, n, step, REACH[mode])
            else:
                middle = i * step if align_corners else (i + 0.5) * step - 0.5
                places, w = _between(middle, REACH[mode])
            places = OPS.minimum(OPS.maximum(places, 0), n - 1)
            if input.dtype == "uint8":  # a picture as it comes from a file is one again after each axis, as in PyTorch
                y = OPS.resample(OPS.astype(input, dtype="float64"), places, w, axis=2 + k)
                input = OPS.astype(OPS.minimum(OPS.maximum(OPS.floor(y + 0.5), 0.0), 255.0), dtype="uint8")
            else:
                input = OPS.resample(input, places, OPS.astype(w, dtype=input.dtype), axis=2 + k)
    return input


def _check_mode(name: str, input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    n = input.ndim - 2
    if mode not in AXES and mode not in ("nearest", "nearest-exact", "area"):
        options = ", ".join(map(repr, ("nearest", "nearest-exact", "area", *AXES)))
        raise refusal(NotImplementedError, name, f"mode is one of {options}; got {mode!r}", input=input)
    if not 1 <= n <= 3 or AXES.get(mode, n) != n:
        fitting = ("linear", "bilinear", "trilinear")[n - 1] if 1 <= n <= 3 else None
        fix = f"; {fitting!r} does" if fitting else ""
        reason = f"mode={mode!r} does not go with {max(n, 0)} axes after the first two{fix}"
        raise refusal(NotImplementedError, name, reason, input=input)
    if align_corners is not None and mode not in AXES:
        raise refusal(ValueError, name, "align_corners goes with the linear and cubic modes only", input=input)
    if antialias and (mode not in ("bilinear", "bicubic", "lanczos") or n != 2):
        raise refusal(ValueError, name, 'antialias goes with "bilinear", "bicubic" and "lanczos" only', input=input)
    if mode == "lanczos" and (not antialias or align_corners):
        reason = 'mode="lanczos" goes with antialias=True and without align_corners'
        raise refusal(ValueError, name, reason, input=input)
    if mode in AXES and input.dtype.kind != "f" and input.dtype != "uint8":
        raise refusal(NotImplementedError, name, "floats are expected; convert with .float()", input=input)


def _between(at: Tensor, reach: int) -> tuple[Tensor, Tensor]:
    """For each new place, the old ones around it and the share of each; beyond the edge, the edge counts."""
    if reach == 1:
        at = OPS.maximum(at, 0.0)
    low = OPS.reshape(OPS.floor(at), shape=(-1, 1))
    places = low + (OPS.arange_like(at, n=2 * reach) + 1 - reach)
    d = OPS.abs(OPS.reshape(at, shape=(-1, 1)) - places)
    return OPS.astype(places, dtype="int64"), 1 - d if reach == 1 else _cubic(d, -0.75)


def _cubic(d: Tensor, a: float) -> Tensor:
    """Keys' cubic (1981) at a distance d, with slope parameter a."""
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return OPS.where(d < 1, near, OPS.where(d < 2, far, 0.0))


def _smooth(i: Tensor, n: int, step: float, reach: int) -> tuple[Tensor, Tensor]:
    """As _between, the reach widened by the step where that is above 1, and what lies beyond the edge left out."""
    wide = max(step, 1.0)
    middle = OPS.reshape((i + 0.5) * step, shape=(-1, 1))
    first = OPS.maximum(OPS.trunc(middle - reach * wide + 0.5), 0.0)
    stop = OPS.minimum(OPS.trunc(middle + reach * wide + 0.5), float(n))
    places = first + OPS.arange_like(i, n=math.ceil(2 * reach * wide) + 2)
    d = OPS.abs((places - middle + 0.5) / wide)
    if reach == 1:
        w = OPS.maximum(1 - d, 0.0)
    else:
        w = _cubic(d, -0.5) if reach == 2 else OPS.where(d < 3, _sinc(d) * _sinc(d / 3), 0.0)
    w = OPS.where(places < stop, w, 0.0)
    return OPS.astype(places, dtype="int64"), w / OPS.sum(w, axis=(1,), keepdims=True)


def _sinc(d: Tensor) -> Tensor:
    turn = OPS.where(d == 0, 1.0, d * math.pi)
    return OPS.where(d == 0, 1.0, OPS.sin(turn) / turn)


def upsample(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest", align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """interpolate, under its old name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """interpolate with mode="nearest"."""
    return interpolate(input, size, scale_factor)


def upsample_bilinear(
    input: Tensor, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> Tensor:
    """interpolate with mode="bilinear" and align_corners=True."""
    return interpolate(input, size, scale_factor, "bilinear", True)


def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """The input (N, C, H, W), or (N, C, D, H, W), at the places of a grid (N, …, 2), or (N, …, 3): (N, C, …).

    Each place is (x, y), or (x, y, z), from −1 to 1 over the input. mode: "bilinear", "nearest" or "bicubic".
    padding_mode says what lies outside: "zeros", the "border" or its "reflection"."""
    name, d = "grid_sample", input.ndim - 2
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise refusal(ValueError, name, f'mode is "bilinear", "nearest" or "bicubic", got {mode!r}')
    if padding_mode not in ("zeros", "border", "reflection"):
        raise refusal(ValueError, name, f'padding_mode is "zeros", "border" or "reflection", got {padding_mode!r}')
    fits = d in (2, 3) and grid.ndim == input.ndim and grid.shape[-1] == d and grid.shape[0] == input.shape[0]
    if not fits or grid.dtype != input.dtype or 0 in input.shape[2:]:
        reason = "an input (N, C, H, W) and a grid (N, H, W, 2) (or with D, and 3) of one dtype are expected"
        raise refusal(RuntimeError, name, reason, input=input, grid=grid)
    if mode == "bicubic" and d == 3:
        raise refusal(RuntimeError, name, 'mode="bicubic" is for pictures, and this is a volume', input=input)
    return OPS.grid_sample(input, grid, mode=mode, padding=padding_mode, align=bool(align_corners))


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grid by which grid_sample gives an affine map of its input: theta (N, 2, 3) for a size (N, C, H, W), or
    (N, 3, 4) for (N, C, D, H, W)."""
    name, size = "affine_grid", tuple(size)
    d = len(size) - 2
    if theta.dtype.kind != "f":
        raise refusal(ValueError, name, "a theta of floats is expected", theta=theta)
    if d not in (2, 3) or theta.shape != (size[0], d, d + 1):
        reason = f"theta (N, 2, 3) with a size (N, C, H, W), or (N, 3, 4) with (N, C, D, H, W) is expected; size={size}"
        raise refusal(ValueError, name, reason, theta=theta)
    if min(size) < 1:
        raise refusal(ValueError, name, f"sizes must be greater than 0, got {size}")
    columns = [OPS.ones_like(theta, shape=size[2:])]
    for k, n in enumerate(size[2:]):
        i = OPS.astype(OPS.arange_like(theta, n=n), dtype=theta.dtype)
        at = (i * 2 - (n - 1)) / (max(n - 1, 1) if align_corners else n)
        at = OPS.reshape(at, shape=(n, *(1,) * (d - 1 - k)))
        columns.insert(0, OPS.broadcast_to(at, shape=size[2:]))
    points = OPS.concatenate(*(OPS.reshape(c, shape=(-1, 1)) for c in columns), axis=1)  # (places, d + 1), x first
    return OPS.reshape(OPS.matmul(points, OPS.transpose(theta, axes=(0, 2, 1))), shape=(size[0], *size[2:], d))
