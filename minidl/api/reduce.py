"""Sums, means, spreads and extremes over dims."""

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend import backend_of, check_dtype, move
from ..errors import RangeError, describe
from .arguments import Dim, DType, Number, as_float, axes_of, axis_of, both_spellings, into, ops
from .indexing import ValuesAndIndices


def _cast(input: Tensor, dtype: DType | None, operation: str) -> Tensor:
    if dtype is None:
        return input
    wanted = check_dtype(dtype, operation)
    return input if input.dtype == wanted else ops.astype(input, dtype=wanted)


def _summable(input: Tensor, dtype: DType | None, operation: str) -> Tensor:
    """Whole numbers and truth values add up in int64."""
    return _cast(input, "int64" if dtype is None and input.dtype.kind != "f" else dtype, operation)


def _floating(input: Tensor, operation: str) -> Tensor:
    if input.dtype.kind != "f":
        raise RuntimeError(f"{operation}: floats are needed, got {describe(input)}; convert with .float() or dtype=")
    return input


@both_spellings
def sum(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The sum over dims (all of them, if none is given)."""
    axes = axes_of(dim, input.ndim, "sum")
    return into(out, ops.sum(_summable(input, dtype, "sum"), axis=axes, keepdims=keepdim))


@both_spellings
def mean(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The mean over dims; NaN of nothing."""
    x, axes = _floating(_cast(input, dtype, "mean"), "mean"), axes_of(dim, input.ndim, "mean")
    if not input.array.size:  # NumPy would warn
        return into(out, ops.mul(ops.sum(x, axis=axes, keepdims=keepdim), math.nan))
    return into(out, ops.mean(x, axis=axes, keepdims=keepdim))


@both_spellings
def nansum(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """The sum of what is not NaN."""
    return sum(ops.where(ops.isnan(input), 0, input) if input.dtype.kind == "f" else input, dim, keepdim, dtype=dtype)


@both_spellings
def nanmean(input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None) -> Tensor:
    """The mean of what is not NaN."""
    count = sum(ops.logical_not(ops.isnan(_floating(input, "nanmean"))), dim, keepdim)
    return ops.div(nansum(input, dim, keepdim, dtype=dtype), count)


@both_spellings
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The product over a dim, or of everything."""
    axes = axes_of(dim, input.ndim, "prod")
    return into(out, ops.prod(_summable(input, dtype, "prod"), axis=axes, keepdims=keepdim))


def _correction(operation: str, dim: Any, unbiased: bool | None, correction: Number | None) -> tuple[Any, Number]:
    """var(x, False), var(x, dim, unbiased) and var(x, dim, correction=): one dim and one correction."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{operation}: give unbiased or correction, not both")
    return dim, int(unbiased) if unbiased is not None else 1 if correction is None else correction


@both_spellings
def var(
    input: Tensor, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: Number | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The variance over dims: the squared distances from the mean, added and divided by n − correction (1)."""
    dim, less = _correction("var", dim, unbiased, correction)
    axes = axes_of(dim, input.ndim, "var")
    return into(out, ops.var(_floating(input, "var"), axis=axes, keepdims=keepdim, correction=less))


@both_spellings
def std(
    input: Tensor, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: Number | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The standard deviation over dims, √var; its gradient is 0 where all values are equal."""
    dim, less = _correction("std", dim, unbiased, correction)
    axes = axes_of(dim, input.ndim, "std")
    return into(out, ops.std(_floating(input, "std"), axis=axes, keepdims=keepdim, correction=less))


@both_spellings
def var_mean(
    input: Tensor, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: Number | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The variance and the mean over dims."""
    dim, less = _correction("var_mean", dim, unbiased, correction)
    return var(input, dim, None, keepdim, correction=less), mean(input, dim, keepdim)


@both_spellings
def std_mean(
    input: Tensor, dim: Dim | bool = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: Number | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The standard deviation and the mean over dims."""
    dim, less = _correction("std_mean", dim, unbiased, correction)
    return std(input, dim, None, keepdim, correction=less), mean(input, dim, keepdim)


# ---------------------------------------------------------------------------------------------- extremes


def _not_empty(input: Tensor, axes: tuple[int, ...] | None, operation: str) -> None:
    """The largest of nothing does not exist."""
    for k, n in enumerate(input.shape):
        if n == 0 and (axes is None or k in axes):
            raise RangeError(f"{operation}: dim {k} has no entries to choose from [input {describe(input)}]")


def _along(input: Tensor, dim: int, operation: str) -> tuple[Tensor, int]:
    """A tensor with at least one axis, and which one is meant."""
    axis = axis_of(dim, input.ndim, operation)
    _not_empty(input, (axis,), operation)
    return (input if input.ndim else ops.reshape(input, shape=(1,))), axis


def _pick(
    order: Any, input: Tensor, dim: int, keepdim: bool, operation: str, out: tuple[Tensor, Tensor] | None
) -> ValuesAndIndices:
    """The value that `order` points at along a dim, and where it stands; the gradient goes to that place."""
    x, axis = _along(input, dim, operation)
    indices: Tensor = order(x, axis)
    values = ops.take_along_axis(x, indices, axis=axis)
    if not keepdim or not input.ndim:
        shape = tuple(n for k, n in enumerate(values.shape) if k != axis)
        values, indices = ops.reshape(values, shape=shape), ops.reshape(indices, shape=shape)
    if out is not None:
        into(out[1], indices)
        return ValuesAndIndices(into(out[0], values), out[1])
    return ValuesAndIndices(values, indices)


def _extreme(
    name: str, input: Tensor, dim: Any, keepdim: bool, other: Tensor | None, out: Any
) -> Any:
    if isinstance(dim, Tensor):
        dim, other = None, dim
    if other is not None:
        return into(out, (ops.maximum if name == "max" else ops.minimum)(input, other))
    if dim is None:
        if not input.array.size:
            raise RuntimeError(f"{name}: an empty tensor has no {name}imum; give a dim that is not empty")
        return into(out, (ops.max if name == "max" else ops.min)(input))
    arg = ops.argmax if name == "max" else ops.argmin
    return _pick(lambda x, axis: arg(x, axis=axis, keepdims=True), input, dim, keepdim, name, out)


@both_spellings
def max(
    input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | None = None,
    out: Any = None,
) -> Any:  # fmt: skip
    """max(input): the largest; max(input, dim): along a dim, with places; max(input, other): of each pair."""
    return _extreme("max", input, dim, keepdim, other, out)


@both_spellings
def min(
    input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | None = None,
    out: Any = None,
) -> Any:  # fmt: skip
    """min(input): the smallest; min(input, dim): along a dim, with places; min(input, other): of each pair."""
    return _extreme("min", input, dim, keepdim, other, out)


@both_spellings
def amax(input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The largest over dims; equal ones share the gradient evenly."""
    axes = axes_of(dim, input.ndim, "amax")
    _not_empty(input, axes, "amax")
    return into(out, ops.max(input, axis=axes, keepdims=keepdim))


@both_spellings
def amin(input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The smallest over dims; equal ones share the gradient evenly."""
    axes = axes_of(dim, input.ndim, "amin")
    _not_empty(input, axes, "amin")
    return into(out, ops.min(input, axis=axes, keepdims=keepdim))


@both_spellings
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> tuple[Tensor, Tensor]:
    """The smallest and the largest."""
    return amin(input, dim, keepdim), amax(input, dim, keepdim)


def _arg(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if input.dtype == bool:
        raise RuntimeError(f"{name}: truth values are not ordered; convert them with .int()")
    arg = ops.argmax if name == "argmax" else ops.argmin
    if dim is None:
        if not input.array.size:
            raise IndexError(f"{name}: an empty tensor has no extreme; give a dim that is not empty")
        return arg(input, keepdims=keepdim)
    x, axis = _along(input, dim, name)
    found = arg(x, axis=axis, keepdims=keepdim)
    return found if input.ndim else ops.reshape(found, shape=())


@both_spellings
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the (first) largest stands along a dim; without one, its place in the flattened tensor."""
    return _arg("argmax", input, dim, keepdim)


@both_spellings
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the (first) smallest stands along a dim; without one, its place in the flattened tensor."""
    return _arg("argmin", input, dim, keepdim)


@both_spellings
def median(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: tuple[Tensor, Tensor] | None = None
) -> Any:
    """The value in the middle, the lower one of two; NaN where there is one. Along a dim, with its place."""
    if dim is None:
        if not input.array.size:
            return ops.full_like(_floating(input, "median of nothing"), fill_value=math.nan, shape=())
        return ops.median(input)

    def middle(x: Tensor, axis: int) -> Tensor:
        order = ops.argsort(x, axis=axis)
        n = x.shape[axis]
        place = (slice(None),) * axis
        half = ops.getitem(order, key=(*place, slice((n - 1) // 2, (n - 1) // 2 + 1)))
        if x.dtype.kind != "f":
            return half
        missing = ops.isnan(x)  # the first NaN, where there is one
        first = ops.argmax(missing, axis=axis, keepdims=True)
        return ops.where(ops.any(missing, axis=(axis,), keepdims=True), first, half)

    return _pick(middle, input, dim, keepdim, "median", out)


@both_spellings
def logsumexp(input: Tensor, dim: Dim, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """ln Σ e^input over dims, without overflow."""
    axes = axes_of(dim, input.ndim, "logsumexp")
    x = as_float(input)
    if not input.array.size and any_empty(input.shape, axes):
        return into(out, ops.log(ops.sum(x, axis=axes, keepdims=keepdim)))
    return into(out, ops.logsumexp(x, axis=axes, keepdims=keepdim))


def any_empty(shape: tuple[int, ...], axes: tuple[int, ...] | None) -> bool:
    """Does a reduction over these axes meet no values at all?"""
    return 0 in [n for k, n in enumerate(shape) if axes is None or k in axes]


# ---------------------------------------------------------------------------------------------- truth and counting


def _truth(op: Any, input: Tensor, dim: Dim, keepdim: bool, operation: str) -> Tensor:
    y: Tensor = op(input, axis=axes_of(dim, input.ndim, operation), keepdims=keepdim)
    return ops.astype(y, dtype=input.dtype) if input.dtype == "uint8" else y  # as PyTorch has always had it


@both_spellings
def all(input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Are all of them nonzero?"""
    return into(out, _truth(ops.all, input, dim, keepdim, "all"))


@both_spellings
def any(input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """Is one of them nonzero?"""
    return into(out, _truth(ops.any, input, dim, keepdim, "any"))


@both_spellings
def count_nonzero(input: Tensor, dim: Dim = None) -> Tensor:
    """How many are not 0."""
    return ops.sum(ops.astype(ops.ne(input, 0), dtype="int64"), axis=axes_of(dim, input.ndim, "count_nonzero"))


# ---------------------------------------------------------------------------------------------- running totals


def _running(op: Any, input: Tensor, dim: int, dtype: DType | None, operation: str) -> Tensor:
    axis, x = axis_of(dim, input.ndim, operation), _summable(input, dtype, operation)
    y: Tensor = op(x, axis=axis) if x.ndim else ops.copy(x)
    return y


@both_spellings
def cumsum(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """The running total along a dim."""
    return into(out, _running(ops.cumsum, input, dim, dtype, "cumsum"))


@both_spellings
def cumprod(input: Tensor, dim: int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor:
    """The running product along a dim."""
    return into(out, _running(ops.cumprod, input, dim, dtype, "cumprod"))


@both_spellings
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """The differences of neighbours along a dim, n times over."""
    axis = axis_of(dim, input.ndim, "diff")
    parts = [t for t in (prepend, input, append) if t is not None]
    y = ops.concatenate(*parts, axis=axis) if len(parts) > 1 else input
    for _ in range(n):
        key = (slice(None),) * axis
        last, first = ops.getitem(y, key=(*key, slice(1, None))), ops.getitem(y, key=(*key, slice(0, -1)))
        y = ops.ne(last, first) if y.dtype == bool else ops.sub(last, first)
    return y


# ---------------------------------------------------------------------------------------------- norms


@both_spellings
def vector_norm(
    x: Tensor, ord: Number = 2, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """(Σ |x|ᵖ)^(1/p) over dims, for any p; the largest or smallest |x| for p = ±inf."""
    axes = axes_of(dim, x.ndim, "vector_norm")
    x = _floating(_cast(x, dtype, "vector_norm"), "vector_norm")
    if any_empty(x.shape, axes) and (ord == math.inf or ord < 0):
        raise RuntimeError(f"vector_norm: nothing to take the norm of order {ord} of [x {describe(x)}]")
    if ord == 0:  # a count, which does not vary
        return into(out, ops.sum(ops.astype(ops.ne(x, 0), dtype=x.dtype), axis=axes, keepdims=keepdim))
    return into(out, ops.vector_norm(x, ord=ord, axis=axes, keepdims=keepdim))


@both_spellings
def norm(
    input: Tensor, p: Number | str | None = "fro", dim: Dim = None, keepdim: bool = False, out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:  # fmt: skip
    """The vector norm of order p over dims; "fro" is order 2, "nuc" the sum of the singular values of matrices."""
    if p == "nuc":
        from .linalg import matrix_norm

        dims = (0, 1) if dim is None and input.ndim == 2 else dim
        if not isinstance(dims, Sequence) or len(dims) != 2:
            raise RuntimeError(f"norm: 'nuc' is a norm of matrices, over two dims; got dim {dim} of {describe(input)}")
        y: Tensor = matrix_norm(input, "nuc", dims, keepdim, dtype=dtype, out=out)
        return y
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: p is a number, 'fro' or 'nuc', got {p!r}")
    return vector_norm(input, 2 if p is None or isinstance(p, str) else p, dim, keepdim, dtype=dtype, out=out)


# ---------------------------------------------------------------------------------------------- ranks


def _best_so_far(input: Tensor, dim: int, operation: str) -> ValuesAndIndices:
    """The largest (smallest) value up to each place along a dim, and where it stood: the last one, in a tie."""
    axis = axis_of(dim, input.ndim, operation)
    x = input if input.ndim else ops.reshape(input, shape=(1,))
    host = np.moveaxis(backend_of(x.array).to_host(x.array), axis, 0)
    places = np.zeros(host.shape, np.int64)
    better = np.greater_equal if operation == "cummax" else np.less_equal
    best = host[:1].copy()
    for k in range(len(host)):
        takes = better(host[k], best[0]) | (np.isnan(host[k]) if host.dtype.kind == "f" else False)
        best[0] = np.where(takes, host[k], best[0])
        places[k] = np.where(takes, k, places[k - 1] if k else 0)
    indices = Tensor(move(np.ascontiguousarray(np.moveaxis(places, 0, axis)), input.device))
    values = ops.take_along_axis(x, indices, axis=axis)
    return ValuesAndIndices(*(ops.reshape(t, shape=input.shape) for t in (values, indices)))


@both_spellings
def cummax(input: Tensor, dim: int) -> ValuesAndIndices:
    """The largest value up to each place along a dim, and where it stood."""
    return _best_so_far(input, dim, "cummax")


@both_spellings
def cummin(input: Tensor, dim: int) -> ValuesAndIndices:
    """The smallest value up to each place along a dim, and where it stood."""
    return _best_so_far(input, dim, "cummin")


@both_spellings
def quantile(
    input: Tensor, q: "Tensor | float", dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The value below which a part q of all lies; between two neighbours, interpolated."""
    _floating(input, "quantile")
    parts = q.tolist() if isinstance(q, Tensor) else q
    several = parts if isinstance(parts, list) else [parts]
    if not builtins.all(0 <= p <= 1 for p in several):
        raise RuntimeError(f"quantile: q must lie in [0, 1], got {parts}")
    x = input if dim is not None and input.ndim else ops.reshape(input, shape=(input.array.size,))
    axis = 0 if dim is None else axis_of(dim, input.ndim, "quantile")
    _not_empty(x, (axis,), "quantile")
    ranked, n = ops.sort(x, axis=axis), x.shape[axis]
    rules: dict[str, Callable[[float], int]] = {"lower": math.floor, "higher": math.ceil, "nearest": builtins.round}

    def at(k: int) -> Tensor:
        return ops.getitem(ranked, key=(slice(None),) * axis + (k,))

    results = []
    for p in several:
        place = p * (n - 1)
        low, share = math.floor(place), place - math.floor(place)
        if interpolation in rules:
            y = at(rules[interpolation](place))
        elif interpolation in ("linear", "midpoint"):
            share = share if interpolation == "linear" or not share else 0.5
            y = at(low) if not share else ops.add(at(low), ops.mul(ops.sub(at(low + 1), at(low)), share))
        else:
            names = ", ".join(["linear", "midpoint", *rules])
            raise RuntimeError(f"quantile: interpolation is one of {names}, got {interpolation!r}")
        y = ops.where(ops.any(ops.isnan(x), axis=(axis,)), math.nan, y)
        if keepdim:
            kept = tuple(1 for _ in input.shape) if dim is None else input.shape[:axis] + (1,) + input.shape[axis + 1 :]
            y = ops.reshape(y, shape=kept)
        results.append(ops.reshape(y, shape=(1, *y.shape)))
    return ops.concatenate(*results, axis=0) if isinstance(parts, list) else ops.reshape(results[0], shape=y.shape)


@both_spellings
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """ln of the running total of e^input along a dim, shifted by the largest so that nothing overflows."""
    axis = axis_of(dim, input.ndim, "logcumsumexp")
    if not input.ndim or not input.array.size:
        return ops.copy(input)
    parts = [ops.getitem(input, key=(slice(None),) * axis + (slice(k, k + 1),)) for k in range(input.shape[axis])]
    for k in range(1, len(parts)):
        parts[k] = ops.logaddexp(parts[k - 1], parts[k])
    return ops.concatenate(*parts, axis=axis)


def dist(input: Tensor, other: Tensor, p: Number = 2) -> Tensor:
    """The norm of the difference."""
    return vector_norm(ops.sub(input, other), p)


def histc(input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0) -> Tensor:
    """How many values fall into each of `bins` intervals between min and max (those of the values, if equal)."""
    host = backend_of(input.array).to_host(input.array)
    low, high = (host.min(initial=math.inf), host.max(initial=-math.inf)) if min == max and host.size else (min, max)
    if low == high:
        low, high = low - 1, high + 1
    counts = np.histogram(host, bins, (float(low), float(high)))[0]
    return Tensor(move(counts.astype(input.dtype), input.device))
