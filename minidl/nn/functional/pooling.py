"""Pooling: the largest or the mean of each window."""

import math
from collections.abc import Sequence
from typing import Any

from ...autograd import OPS, Tensor
from ...backend import INDEX
from ...errors import ShapeError, refusal
from .arguments import SPACES, Ints, batched, extent, several
from .random import uniform

Sizes = int | None | Sequence[int | None]


def max_pool1d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest of each window; with return_indices also where it stands, counted through all places."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """max_pool1d that always says where."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest of each window; with return_indices also where it stands, counted through all places."""
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """max_pool2d that always says where."""
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest of each window; with return_indices also where it stands, counted through all places."""
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """max_pool3d that always says where."""
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _max_pool(name, n, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    x, unbatched, how = _windows(name, n, input, kernel_size, stride, padding, ceil_mode)
    how["dilation"] = several(dilation, n, "dilation", name, least=1)
    if 0 in x.shape[1:]:
        raise refusal(RuntimeError, name, "channels and places to compare are expected", input=input)
    y = unbatched(OPS.max_pool(x, **how))
    return (y, unbatched(OPS.max_pool_places(x, **how))) if return_indices else y


def avg_pool1d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The mean of each window."""
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window."""
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window."""
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _avg_pool(name, n, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override=None):
    if divisor_override == 0:
        raise refusal(RuntimeError, name, "divisor_override cannot be 0", input=input)
    if input.dtype.kind != "f" and input.dtype != "int64":
        raise refusal(NotImplementedError, name, "floats are expected; convert with .float()", input=input)
    x, unbatched, how = _windows(name, n, input, kernel_size, stride, padding, ceil_mode)
    how["count_include_pad"] = bool(count_include_pad)
    whole = x.dtype.kind != "f"
    y = OPS.avg_pool(OPS.astype(x, dtype="float64") if whole else x, **how, divisor_override=divisor_override)
    return unbatched(OPS.astype(OPS.trunc(y), dtype="int64") if whole else y)  # as a division of integers in C


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window."""
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(name, n, input, norm_type, kernel_size, stride, ceil_mode):
    if abs(norm_type) == math.inf:
        largest = lambda x: _max_pool(name, n, x, kernel_size, stride, 0, 1, ceil_mode, False)
        return largest(OPS.abs(input)) if norm_type > 0 else -largest(-OPS.abs(input))
    K = math.prod(several(kernel_size, n, "kernel_size", name, least=1))
    means = _avg_pool(name, n, input**norm_type, kernel_size, stride, 0, ceil_mode, True)
    return (means * float(K)) ** (1.0 / norm_type)  # a window that ceil_mode cut counts as a whole one


def _windows(name, n, input, kernel_size, stride, padding, ceil_mode):
    """The input with a batch axis, the way back, and the keywords of the op."""
    kernel = several(kernel_size, n, "kernel_size", name, least=1)
    steps = kernel if stride is None or stride == () or stride == [] else several(stride, n, "stride", name, least=1)
    around = several(padding, n, "padding", name, least=0)
    x, unbatched = batched(input, n + 2, name, SPACES[n])
    if x.dtype.kind == "b":
        raise refusal(NotImplementedError, name, "numbers are expected; convert with .float()", input=input)
    return x, unbatched, {"kernel": kernel, "stride": steps, "padding": around, "ceil_mode": bool(ceil_mode)}


# ------------------------------------------------------------------------------- as many windows as asked for


def adaptive_avg_pool1d(input: Tensor, output_size: Ints) -> Tensor:
    """The means of as many windows as the result has places."""
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of as many windows as the result has places; None keeps the input's size along an axis."""
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Sizes) -> Tensor:
    """The means of as many windows as the result has places; None keeps the input's size along an axis."""
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Ints, return_indices: bool = False) -> Any:
    """The largest of each of as many windows as the result has places."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Ints, return_indices: bool = False) -> Any:
    """adaptive_max_pool1d that always says where."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, True)


def adaptive_max_pool2d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest of each of as many windows as the result has places."""
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """adaptive_max_pool2d that always says where."""
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, True)


def adaptive_max_pool3d(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest of each of as many windows as the result has places."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Sizes, return_indices: bool = False) -> Any:
    """adaptive_max_pool3d that always says where."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, True)


def _adaptive_avg(name, n, input, output_size):
    x, unbatched = batched(input, n + 2, name, SPACES[n])
    given, size = x.shape[2:], _sizes(name, output_size, x.shape[2:])
    if math.prod(given) and set(size) == {1}:
        return unbatched(OPS.mean(x, axis=tuple(range(2, n + 2)), keepdims=True))
    if math.prod(given) and 0 not in size and not any(g % m for g, m in zip(given, size)):
        window = tuple(g // m for g, m in zip(given, size))
        return unbatched(OPS.avg_pool(x, kernel=window, stride=window, padding=(0,) * n))
    if 0 in given and 0 not in size:
        raise refusal(RuntimeError, name, "the axes in space have nothing to take means of", input=input)
    for k, (g, m) in enumerate(zip(given, size)):
        if g != m:
            x = means(x, m, 2 + k)
    return unbatched(x)


def edges(x: Tensor, n: int, m: int) -> tuple[Tensor, Tensor]:
    """Where each of m windows that cover n places evenly begins and ends: ⌊i n/m⌋ and ⌈(i + 1) n/m⌉."""
    i = OPS.arange_like(x, n=m)
    return OPS.floor_divide(i * n, m), -OPS.floor_divide(-(i + 1) * n, m)


def means(x: Tensor, m: int, axis: int) -> Tensor:
    """The means of m windows that cover an axis evenly."""
    n = x.shape[axis]
    start, stop = (OPS.reshape(e, shape=(m, 1)) for e in edges(x, n, m))
    place = start + OPS.arange_like(x, n=n // m + 2 if m else 0)
    w = OPS.where(place < stop, 1.0 / OPS.astype(stop - start, dtype=x.dtype), 0.0)
    return OPS.resample(x, OPS.minimum(place, n - 1), w, axis=axis)


def _adaptive_max(name, n, input, output_size, return_indices):
    x, unbatched = batched(input, n + 2, name, SPACES[n])
    size = _sizes(name, output_size, x.shape[2:])
    if 0 in x.shape[2:] and 0 not in size:
        raise refusal(RuntimeError, name, "the axes in space have nothing to compare", input=input)
    spans = []
    for g, m in zip(x.shape[2:], size):
        start, stop = edges(x, g, m)
        column = OPS.reshape(start, shape=(m, 1)) + OPS.arange_like(x, n=g // m + 2 if m else 0)
        spans.append(OPS.minimum(column, OPS.reshape(stop, shape=(m, 1)) - 1))  # a short window's last place again
    y, places = _picked(x, _combined(spans, x.shape[2:], n))
    return (unbatched(y), unbatched(places)) if return_indices else unbatched(y)


def _combined(spans: list[Tensor], given: tuple[int, ...], n: int) -> Tensor:
    """The places (…, *size, *window), counted through all axes, of windows given for each axis as (…, size, window)."""
    total: Any = 0
    for k, span in enumerate(spans):
        *lead, m, w = span.shape
        shape = (*lead, *(m if j == k else 1 for j in range(n)), *(w if j == k else 1 for j in range(n)))
        total = total * given[k] + OPS.reshape(span, shape=shape)
    return total


def _picked(x: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """The largest of each window, and its place; places (*size, *window), the same for all or with (N, C) in front."""
    n, (N, C) = x.ndim - 2, x.shape[:2]
    size, window = places.shape[-2 * n : -n], math.prod(places.shape[-n:])
    shared = places.ndim == 2 * n
    index = OPS.reshape(places, shape=(*((1, 1) if shared else (N, C)), math.prod(size), window))
    index = OPS.broadcast_to(index, shape=(N, C, *index.shape[2:]))
    flat = OPS.reshape(x, shape=(N, C, math.prod(x.shape[2:])))
    rows = OPS.reshape(index, shape=(N, C, math.prod(size) * window))
    seen = OPS.reshape(OPS.take_along_axis(flat.detach(), rows, axis=2), shape=index.shape)
    best = OPS.take_along_axis(index, OPS.argmax(seen, axis=3, keepdims=True), axis=3)
    best = OPS.reshape(best, shape=best.shape[:3])
    shape = (N, C, *size)
    return OPS.reshape(OPS.take_along_axis(flat, best, axis=2), shape=shape), OPS.reshape(best, shape=shape)


def _sizes(name, output_size, given):
    asked = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * len(given)
    asked = asked * len(given) if len(asked) == 1 else asked
    if len(asked) != len(given):
        raise refusal(ShapeError, name, f"output_size is one number or {len(given)}, got {output_size!r}")
    return several(tuple(g if a is None else a for a, g in zip(asked, given)), len(given), "output_size", name, least=0)


# ---------------------------------------------------------------------------------------- windows at random


def fractional_max_pool2d(
    input: Tensor, kernel_size: Ints, output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The largest of windows that lie at random, so that any ratio of sizes can be had (Graham 2014)."""
    how = kernel_size, output_size, output_ratio, return_indices, _random_samples
    return _fractional("fractional_max_pool2d", 2, input, *how)


def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Ints, output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """fractional_max_pool2d that always says where."""
    how = kernel_size, output_size, output_ratio, True, _random_samples
    return _fractional("fractional_max_pool2d", 2, input, *how)


def fractional_max_pool3d(
    input: Tensor, kernel_size: Ints, output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The largest of windows that lie at random, so that any ratio of sizes can be had (Graham 2014)."""
    how = kernel_size, output_size, output_ratio, return_indices, _random_samples
    return _fractional("fractional_max_pool3d", 3, input, *how)


def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Ints, output_size: Ints | None = None,
    output_ratio: float | Sequence[float] | None = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """fractional_max_pool3d that always says where."""
    how = kernel_size, output_size, output_ratio, True, _random_samples
    return _fractional("fractional_max_pool3d", 3, input, *how)


def _fractional(name, n, input, kernel_size, output_size, output_ratio, return_indices, samples):
    """Along each axis, window i begins at ⌊(i + u) α⌋ − ⌊u α⌋ with α = (size − kernel) / (count − 1), the last at the
    end; u is drawn for each sample, channel and axis (PyTorch counts the two axes of pictures backwards)."""
    x, unbatched = batched(input, n + 2, name, SPACES[n])
    kernel, given = several(kernel_size, n, "kernel_size", name, least=1), x.shape[2:]
    if (output_size is None) == (output_ratio is None):
        raise refusal(ValueError, name, "either output_size or output_ratio is expected", input=input)
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
        if len(ratios) != n or not all(0 < r < 1 for r in ratios):
            reason = f"output_ratio is one number or {n} between 0 and 1, got {output_ratio}"
            raise refusal(ValueError, name, reason, input=input)
        count = tuple(int(g * r) for g, r in zip(given, ratios))
    else:
        count = several(output_size, n, "output_size", name, least=1)
    if any(m + k - 1 > g for m, k, g in zip(count, kernel, given)):
        reason = f"a kernel {kernel} does not lie at {count} different places of {given}"
        raise refusal(RuntimeError, name, reason, input=input)
    u = uniform((*x.shape[:2], n), x) if samples is None else samples[: x.shape[0]]
    spans = []
    for axis, (g, m, k) in enumerate(zip(given, count, kernel)):
        mine, i = (u[:, :, 1 - axis : 2 - axis] if n == 2 else u[:, :, axis : axis + 1]), OPS.arange_like(x, n=m)
        alpha = (g - k) / (m - 1) if m > 1 else 0.0
        start = OPS.astype(OPS.floor((i + mine) * alpha) - OPS.floor(mine * alpha), dtype="int64")
        start = OPS.where(i == m - 1, g - k, start)
        spans.append(OPS.reshape(start, shape=(*start.shape, 1)) + OPS.arange_like(x, n=k))
    y, places = _picked(x, _combined(spans, given, n))
    return (unbatched(y), unbatched(places)) if return_indices else unbatched(y)


# ------------------------------------------------------------------------------------------------ the way back


def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Zeros with each of max_pool1d's values back where it stood."""
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Zeros with each of max_pool2d's values back where it stood."""
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Zeros with each of max_pool3d's values back where it stood."""
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _unpool(name, n, input, indices, kernel_size, stride, padding, output_size):
    x, unbatched = batched(input, n + 2, name, SPACES[n])
    kernel = several(kernel_size, n, "kernel_size", name, least=1)
    steps = kernel if stride is None else several(stride, n, "stride", name, least=1)
    around = several(padding, n, "padding", name, least=0)
    if indices.shape != input.shape or indices.dtype.kind not in "iu":
        raise refusal(
            RuntimeError, name, "indices are integers in the shape of the input, as max_pool gives them",
            input=input, indices=indices,
        )  # fmt: skip
    size = tuple((m - 1) * s - 2 * p + k for m, s, p, k in zip(x.shape[2:], steps, around, kernel))
    if output_size is not None:
        asked = tuple(output_size)[-n:]
        if len(output_size) not in (n, n + 1, n + 2) or any(abs(a - m) >= s for a, m, s in zip(asked, size, steps)):
            reason = f"output_size {tuple(output_size)} is not within a stride {steps} of {size}"
            raise refusal(ValueError, name, reason, input=input)
        size = asked
    (N, C), L, M = x.shape[:2], math.prod(x.shape[2:]), math.prod(size)
    low, high = extent(indices)
    if not 0 <= low <= high < M:
        reason = f"indices from {low} to {high} do not all lie in {size}"
        raise refusal(RuntimeError, name, reason, input=input, indices=indices)
    rows = OPS.reshape(OPS.arange_like(x, n=N * C), shape=(N * C, 1))
    flat, places = OPS.reshape(x, shape=(N * C, L)), OPS.reshape(indices, shape=(N * C, L))
    y = OPS.put(OPS.zeros_like(x, shape=(N * C, M)), flat, rows, places, key=(INDEX, INDEX))
    return unbatched(OPS.reshape(y, shape=(N, C, *size)))
