"""Sums, means, spreads and extremes over dims."""

import builtins
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..autograd import Tensor
from ..backend import INDEX, backend_of, check_dtype, move
from ..errors import RangeError, describe, what_is
from .arguments import Dim, DType, Number, as_float, axes_of, axis_of, both_spellings, into, ops
from .indexing import ValuesAndIndices, both_into


def _cast(input: Tensor, dtype: DType | None, operation: str) -> Tensor:
    if dtype is None:
        return input
    wanted = check_dtype(dtype, operation)
    return input if input.dtype == wanted else ops.astype(input, dtype=wanted)


def _summable(input: Tensor, dtype: DType | None, operation: str) -> Tensor:
    """Whole numbers and truth values add up in int64."""
    return _cast(input, "int64" if dtype is None and input.dtype.kind != "f" else dtype, operation)


def _like(x: Tensor, y: Tensor) -> Tensor:
    """The result in the dtype of what it came from: NumPy widens small whole numbers."""
    return y if y.dtype == x.dtype else ops.astype(y, dtype=x.dtype)


def _floating(input: Tensor, operation: str) -> Tensor:
    if input.dtype.kind != "f":
        raise RuntimeError(f"{operation}: floats are needed, got {describe(input)}; convert with .float() or dtype=")
    return input


@both_spellings
def sum(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The sum over dims (all of them, if none is given)."""
    x, axes = _summable(input, dtype, "sum"), axes_of(dim, input.ndim, "sum")
    return into(out, _like(x, ops.sum(x, axis=axes, keepdims=keepdim)))


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
def nansum(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The sum of what is not NaN."""
    x = ops.where(ops.isnan(input), 0, input) if input.dtype.kind == "f" else input
    return sum(x, dim, keepdim, dtype=dtype, out=out)


@both_spellings
def nanmean(
    input: Tensor, dim: Dim = None, keepdim: bool = False, *, dtype: DType | None = None, out: Tensor | None = None
) -> Tensor:
    """The mean of what is not NaN."""
    count = sum(ops.logical_not(ops.isnan(_floating(input, "nanmean"))), dim, keepdim)
    return into(out, ops.div(nansum(input, dim, keepdim, dtype=dtype), count))


@both_spellings
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The product over a dim, or of everything."""
    x, axes = _summable(input, dtype, "prod"), axes_of(dim, input.ndim, "prod")
    return into(out, _like(x, ops.prod(x, axis=axes, keepdims=keepdim)))


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
    return both_into(out, values, indices)


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


class MinAndMax(NamedTuple):
    """What aminmax gives."""

    min: Tensor
    max: Tensor


@both_spellings
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False, out: Any = None) -> MinAndMax:
    """The smallest and the largest."""
    low, high = out or (None, None)
    for o in out or ():
        if o.dtype != input.dtype:
            raise RuntimeError(f"aminmax: out= must have the dtype of input, {input.dtype}, got {describe(o)}")
    return MinAndMax(amin(input, dim, keepdim, out=low), amax(input, dim, keepdim, out=high))


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


def _middle(x: Tensor, axis: int) -> Tensor:
    """Where the lower of the middle values stands; the first NaN, where there is one."""
    order, n = ops.argsort(x, axis=axis), x.shape[axis]
    half = ops.getitem(order, key=((slice(None),) * axis + (slice((n - 1) // 2, (n - 1) // 2 + 1),)))
    if x.dtype.kind != "f":
        return half
    missing = ops.isnan(x)
    first = ops.argmax(missing, axis=axis, keepdims=True)
    return ops.where(ops.any(missing, axis=(axis,), keepdims=True), first, half)


def _middle_of_numbers(x: Tensor, axis: int) -> Tensor:
    """Where the lower of the middle values stands, NaN left out (the first NaN, if there is nothing else)."""
    order = ops.argsort(x, axis=axis)
    count = ops.sum(ops.astype(ops.eq(x, x), dtype="int64"), axis=(axis,), keepdims=True)
    return ops.take_along_axis(order, ops.floor_divide(ops.maximum(ops.sub(count, 1), 0), 2), axis=axis)


@both_spellings
def median(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: tuple[Tensor, Tensor] | None = None
) -> Any:
    """The value in the middle, the lower one of two; NaN where there is one. Along a dim, with its place."""
    if dim is None:
        if not input.array.size:
            return ops.full_like(_floating(input, "median of nothing"), fill_value=math.nan, shape=())
        return ops.median(input)
    return _pick(_middle, input, dim, keepdim, "median", out)


@both_spellings
def nanmedian(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, out: tuple[Tensor, Tensor] | None = None
) -> Any:
    """The value in the middle of those that are not NaN, the lower one of two. Along a dim, with its place."""
    if dim is not None:
        return _pick(_middle_of_numbers, input, dim, keepdim, "nanmedian", out)
    flat = ops.reshape(input, shape=(input.array.size,))
    if input.dtype.kind != "f" or bool(ops.all(ops.isnan(flat)).array):
        return median(input)
    host = backend_of(flat.array).to_host(flat.array)
    return ops.median(ops.getitem(flat, Tensor(move(np.flatnonzero(~np.isnan(host)), input.device)), key=(INDEX,)))


def _most_frequent(x: Tensor, axis: int) -> Tensor:
    """Where the (last) of the most frequent values stands; the smallest of equally frequent ones."""
    host = np.moveaxis(backend_of(x.array).to_host(x.array), axis, -1)
    places = np.empty((*host.shape[:-1], 1), np.int64)
    for at in np.ndindex(host.shape[:-1]):
        values, counts = np.unique(host[at], return_counts=True)
        best = values[counts.argmax()]
        same = host[at] == best if best == best else np.isnan(host[at])
        places[at] = np.flatnonzero(same)[-1]
    return Tensor(move(np.ascontiguousarray(np.moveaxis(places, -1, axis)), x.device))


@both_spellings
def mode(
    input: Tensor, dim: int = -1, keepdim: bool = False, *, out: tuple[Tensor, Tensor] | None = None
) -> ValuesAndIndices:
    """The most frequent value along a dim, the smallest of several, and the last place where it stands."""
    return _pick(_most_frequent, input, dim, keepdim, "mode", out)


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
    return _like(x, op(x, axis=axis) if x.ndim else ops.copy(x))


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
    if n < 0 or not input.ndim:
        raise RuntimeError(f"diff: n must be 0 or more, and the input have axes; got n = {n} and {describe(input)}")
    if not n:
        return ops.copy(input)
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
def cummax(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> ValuesAndIndices:
    """The largest value up to each place along a dim, and where it stood."""
    return both_into(out, *_best_so_far(input, dim, "cummax"))


@both_spellings
def cummin(input: Tensor, dim: int, *, out: tuple[Tensor, Tensor] | None = None) -> ValuesAndIndices:
    """The smallest value up to each place along a dim, and where it stood."""
    return both_into(out, *_best_so_far(input, dim, "cummin"))


def _quantile(
    input: Tensor, q: "Tensor | float", dim: int | None, keepdim: bool, interpolation: str, operation: str, out: Any
) -> Tensor:
    _floating(input, operation)
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        names = "linear, lower, higher, midpoint, nearest"
        raise RuntimeError(f"{operation}: interpolation is one of {names}, got {interpolation!r}")
    if not isinstance(q, (Tensor, int, float)):
        raise TypeError(f"{operation}: q must be a number or a tensor, got {what_is(q)}")
    parts = q if isinstance(q, Tensor) else ops.full_like(input, fill_value=q, shape=())
    if parts.ndim > 1 or parts.dtype != input.dtype:
        raise RuntimeError(f"{operation}: q must be a number or a vector of {input.dtype}, got {describe(parts)}")
    if not builtins.all(0 <= p <= 1 for p in np.atleast_1d(backend_of(parts.array).to_host(parts.array))):
        raise RuntimeError(f"{operation}: q must lie in [0, 1], got {parts.tolist()}")
    axis = 0 if dim is None else axis_of(dim, input.ndim, operation)
    shape = input.shape if dim is not None and input.ndim else (input.array.size,)
    order = (*(k for k in range(len(shape)) if k != axis), axis)
    x = ops.transpose(ops.reshape(input, shape=shape), axes=order)
    _not_empty(x, (len(order) - 1,), operation)
    ranked, missing = ops.sort(x, axis=-1), ops.isnan(x)  # NaN comes last
    last = ops.sum(ops.astype(ops.logical_not(missing), dtype=x.dtype), axis=(-1,), keepdims=True) - 1
    if operation == "quantile":  # one NaN is enough
        last = ops.full_like(last, fill_value=x.shape[-1] - 1)
    place = ops.mul(ops.maximum(last, 0), ops.reshape(parts, shape=(parts.array.size,)))
    if operation == "quantile":
        place = ops.where(ops.any(missing, axis=(-1,), keepdims=True), x.shape[-1] - 1, place)
    low, high = ops.floor(place), ops.ceil(place)
    if interpolation in ("lower", "higher", "nearest"):
        low = high = {"lower": low, "higher": high, "nearest": ops.rint(place)}[interpolation]
    share = ops.full_like(place, fill_value=0.5) if interpolation == "midpoint" else ops.sub(place, low)
    below, above = (ops.take_along_axis(ranked, ops.astype(t, dtype="int64"), axis=-1) for t in (low, high))
    y = below if low is high else ops.add(below, ops.mul(share, ops.sub(above, below)))
    y = ops.transpose(y, axes=(len(order) - 1, *range(len(order) - 1)))  # one entry per q comes first
    if keepdim:
        one = tuple(1 if dim is None or k == axis else n for k, n in enumerate(input.shape))
        y = ops.reshape(y, shape=(y.shape[0], *one))
    return into(out, y if parts.ndim else ops.reshape(y, shape=y.shape[1:]))


@both_spellings
def quantile(
    input: Tensor, q: "Tensor | float", dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear", out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The value below which a part q of all lies; between two neighbours, interpolated. NaN where there is one."""
    return _quantile(input, q, dim, keepdim, interpolation, "quantile", out)


@both_spellings
def nanquantile(
    input: Tensor, q: "Tensor | float", dim: int | None = None, keepdim: bool = False, *,
    interpolation: str = "linear", out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """As quantile, of what is not NaN."""
    return _quantile(input, q, dim, keepdim, interpolation, "nanquantile", out)


@both_spellings
def logcumsumexp(input: Tensor, dim: int, *, out: Tensor | None = None) -> Tensor:
    """ln of the running total of e^input along a dim, shifted by the largest so that nothing overflows."""
    axis = axis_of(dim, input.ndim, "logcumsumexp")
    if not input.ndim or not input.array.size:
        return into(out, ops.copy(input))
    y, k, before = input, 1, (slice(None),) * axis
    while k < input.shape[axis]:  # each place takes in 1, 2, 4, … more (Hillis & Steele 1986)
        first, rest, earlier = ((*before, part) for part in (slice(0, k), slice(k, None), slice(0, -k)))
        sums = ops.logaddexp(ops.getitem(y, key=rest), ops.getitem(y, key=earlier))
        y, k = ops.concatenate(ops.getitem(y, key=first), sums, axis=axis), 2 * k
    return into(out, y)


def dist(input: Tensor, other: Tensor, p: Number = 2) -> Tensor:
    """The norm of the difference."""
    return vector_norm(ops.sub(input, other), p)


def histc(
    input: Tensor, bins: int = 100, min: Number = 0, max: Number = 0, *, out: Tensor | None = None
) -> Tensor:
    """How many values fall into each of `bins` intervals between min and max (those of the values, if equal)."""
    host = backend_of(input.array).to_host(input.array)
    low, high = (host.min(initial=math.inf), host.max(initial=-math.inf)) if min == max and host.size else (min, max)
    if bins < 1 or low > high or not (math.isfinite(low) and math.isfinite(high)):
        raise RuntimeError(
            f"histc: at least one bin and a finite range are needed, got {bins} bins from {low} to {high}"
        )
    if low == high:
        low, high = low - 1, high + 1
    counts = np.histogram(host[np.isfinite(host)], bins, (float(low), float(high)))[0]
    return into(out, Tensor(move(counts.astype(input.dtype), input.device)))


class Histogram(NamedTuple):
    """How many values (or how much weight) each bin holds, and where the bins begin and end."""

    hist: Tensor
    bin_edges: Any


def _binned(
    input: Tensor, bins: list[Any], range: Any, weight: Tensor | None, density: bool, operation: str
) -> tuple[Tensor, list[Tensor]]:
    """Rows of coordinates counted in a grid."""
    host = backend_of(_floating(input, operation).array).to_host(input.array)
    rows = host.reshape(-1, len(bins))
    amounts = None if weight is None else backend_of(weight.array).to_host(weight.array).reshape(-1)
    edges = []
    for k, one in enumerate(bins):
        if isinstance(one, Tensor):
            edges.append(backend_of(one.array).to_host(one.array))
            continue
        low, high = range[2 * k : 2 * k + 2] if range else (rows[:, k].min(), rows[:, k].max()) if rows.size else (0, 1)
        low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
        edges.append(np.linspace(low, high, one + 1, dtype=input.dtype))
    shape = tuple(len(e) - 1 for e in edges)
    inside, cells = np.full(len(rows), True), np.zeros(len(rows), np.int64)
    for e, x, n in zip(edges, rows.T, shape, strict=True):
        inside &= (e[0] <= x) & (x <= e[-1])
        cells = cells * n + np.minimum(_first_above(e, x) - 1, n - 1)
    some = None if amounts is None else amounts[inside]
    hist = np.bincount(cells[inside], some, math.prod(shape)).reshape(shape).astype(np.float64)
    if density:
        with np.errstate(all="ignore"):
            hist /= hist.sum() * math.prod(np.ix_(*(np.diff(e) for e in edges)))
    return Tensor(move(hist.astype(input.dtype), input.device)), [Tensor(move(e, input.device)) for e in edges]


def _first_above(edges: Any, x: Any) -> Any:
    """The place of the first edge above each number, by halving; so edges out of order also have an answer."""
    first, left = np.zeros(x.shape, np.int64), np.full(x.shape, len(edges))
    while left.any():
        half = left // 2
        middle = np.minimum(first + half, len(edges) - 1)
        right = (left > 0) & ~(x < edges[middle])
        first, left = np.where(right, middle + 1, first), np.where(right, left - half - 1, half)
    return first


def histogram(
    input: Tensor, bins: "int | Tensor", *, range: Any = None, weight: Tensor | None = None, density: bool = False,
    out: Any = None,
) -> Histogram:  # fmt: skip
    """How many values fall into each bin: so many of one width, or between edges given as a tensor."""
    hist, edges = _binned(ops.reshape(input, shape=(input.array.size, 1)), [bins], range, weight, density, "histogram")
    if out is not None:
        return Histogram(into(out[0], hist), into(out[1], edges[0]))
    return Histogram(hist, edges[0])


def histogramdd(
    input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None, density: bool = False
) -> Histogram:
    """How many rows of input fall into each bin of a grid with an axis for every column."""
    columns = input.shape[-1]
    each = [bins] * columns if isinstance(bins, int) else list(bins)
    if len(each) != columns:
        raise RuntimeError(f"histogramdd: bins for each of {columns} columns are needed, got {len(each)}")
    return Histogram(*_binned(input, each, range, weight, density, "histogramdd"))


@both_spellings
def renorm(input: Tensor, p: Number, dim: int, maxnorm: Number, *, out: Tensor | None = None) -> Tensor:
    """Each part along a dim, shrunk to the norm maxnorm where its p-norm is larger."""
    if input.ndim < 2 or p <= 0 or maxnorm < 0:
        raise RuntimeError(f"renorm: two axes, p > 0 and maxnorm ≥ 0 are needed, got {describe(input)}, {p}, {maxnorm}")
    axis = axis_of(dim, input.ndim, "renorm")
    others = tuple(k for k in builtins.range(input.ndim) if k != axis)
    size = vector_norm(input, p, others, True)
    large = ops.gt(size, maxnorm)
    factor = ops.where(large, ops.div(maxnorm, ops.add(ops.where(large, size, 1.0), 1e-7)), 1.0)
    return into(out, ops.mul(input, factor))


def frobenius_norm(input: Tensor, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The square root of the sum of squares over dims."""
    return vector_norm(input, 2, dim, keepdim, out=out)


def nuclear_norm(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The sum of the singular values of matrices."""
    return norm(input, "nuc", dim, keepdim, out)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norms over all dims but one."""
    return vector_norm(v, pow, None if dim == -1 else tuple(k for k in builtins.range(v.ndim) if k != dim), dim != -1)
