"""The device "meta": arrays that are a shape and a dtype without numbers, and the rule of shapes for each name.

The formulas run here as they are and compute nothing: shapes come out, and the errors of shapes that do not fit.
Products of matrices add up what they would have cost, in `META.multiply_adds`."""

import math
import threading
from collections.abc import Callable, Sequence
from functools import cache
from operator import index as whole
from typing import Any, NoReturn

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from .algebra import NAMES
from .base import Backend, register
from .numpy_ import NUMPY, fill

Shape = tuple[int, ...]


class MetaArray:
    """What can be known of an array without its numbers. Views have a base, as NumPy's have."""

    __slots__ = ("__weakref__", "base", "dtype", "shape", "strides")
    __array_ufunc__ = None  # NumPy's arrays leave operators to this one, which refuses them
    __hash__ = object.__hash__  # by identity, although == gives an array

    shape: Shape
    dtype: Any
    strides: Shape
    base: "MetaArray | None"

    def __init__(
        self, shape: Sequence[int], dtype: Any, strides: Sequence[int] | None = None, base: "MetaArray | None" = None
    ) -> None:
        self.shape, self.dtype = tuple(map(int, shape)), np.dtype(dtype)
        self.strides = contiguous(self.shape, self.dtype.itemsize) if strides is None else tuple(strides)
        self.base = None if base is None else base if base.base is None else base.base

    ndim = property(lambda x: len(x.shape))
    size = property(lambda x: math.prod(x.shape))
    itemsize = property(lambda x: x.dtype.itemsize)
    nbytes = property(lambda x: x.size * x.dtype.itemsize)
    flags = property(lambda x: x)

    @property
    def c_contiguous(self) -> bool:
        steps = contiguous(self.shape, self.itemsize)
        return not self.size or all(n == 1 or s == t for n, s, t in zip(self.shape, self.strides, steps))

    def __repr__(self) -> str:
        return f"MetaArray({self.shape}, {self.dtype})"

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> "MetaArray":
        key = key if isinstance(key, tuple) else (key,)
        return select(self, key) if any(isinstance(part, MetaArray) for part in key) else view(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        place = self[key]
        if any(n > 1 and not s for n, s in zip(place.shape, place.strides)):
            raise ValueError("this memory is read-only: several places of the array share it")
        np.broadcast_to(ghost(getattr(value, "shape", ())), place.shape)

    def __matmul__(self, other: "MetaArray") -> "MetaArray":
        return matmul(self, other)

    def copy(self) -> "MetaArray":
        return MetaArray(self.shape, self.dtype)


def _refuse(*args: Any, **keywords: Any) -> NoReturn:
    raise NotImplementedError(
        "a tensor on device 'meta' has a shape and a dtype but no numbers, so what depends on its values "
        "(item, a truth value, nonzero, a mask, a copy to another device) has no answer"
    )


for _name in ("__array__", "__bool__", "__float__", "__index__", "__int__", "__iter__", "all", "any", "item", "tolist"):
    setattr(MetaArray, _name, _refuse)


# ---------------------------------------------------------------------------------------------- rules


def contiguous(shape: Shape, itemsize: int) -> Shape:
    """The strides of rows one after the other."""
    strides = [itemsize]
    for n in shape[:0:-1]:
        strides.append(strides[-1] * max(n, 1))
    return tuple(reversed(strides))[: len(shape)] if shape else ()


def ghost(shape: Shape) -> Any:
    """One byte that NumPy takes for an array of a shape: it answers questions about shapes."""
    return np.broadcast_to(np.bool_(0), shape)


def elementwise(ufunc: Any) -> Callable[..., MetaArray]:
    """Shapes broadcast; of dtypes NumPy's own table decides."""

    def rule(*xs: Any) -> MetaArray:
        if any(isinstance(x, np.ndarray) for x in xs):
            raise TypeError("an array with numbers met one without, of device 'meta'")
        shape = np.broadcast_shapes(*(getattr(x, "shape", ()) for x in xs))
        return MetaArray(shape, result_dtype(ufunc, *map(_kind, xs)))

    return rule


def _kind(x: Any) -> Any:
    """What decides a result's dtype: a dtype, or the type of a Python number, which gives way."""
    return x.dtype if hasattr(x, "dtype") else np.dtype(bool) if isinstance(x, bool) else type(x)


@cache
def result_dtype(ufunc: Any, *kinds: Any) -> Any:
    return ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))[-1]


@cache
def dtype_along(name: str, dtype: Any) -> Any:
    """The dtype in which a reduction gives its result (small integers are added up in large ones)."""
    return getattr(np, name)(np.ones(1, dtype)).dtype


def reduction(name: str) -> Callable[..., MetaArray]:
    def rule(x: MetaArray, axis: Any = None, keepdims: bool = False) -> MetaArray:
        axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
        if name in ("max", "min", "argmax", "argmin") and any(x.shape[k] == 0 for k in axes):
            raise ValueError(f"{name} of no numbers at all: an axis of x {x.shape} is empty")
        kept = [(1 if k in axes else n) for k, n in enumerate(x.shape) if keepdims or k not in axes]
        return MetaArray(kept, dtype_along(name, x.dtype))

    return rule


def along(name: str) -> Callable[..., MetaArray]:
    """A running total, an order: as many results as numbers."""

    def rule(x: MetaArray, axis: int = -1) -> MetaArray:
        normalize_axis_index(axis, x.ndim)
        return MetaArray(x.shape, dtype_along(name, x.dtype))

    return rule


def where(condition: Any, x: Any, y: Any) -> MetaArray:
    shape = np.broadcast_shapes(*(getattr(t, "shape", ()) for t in (condition, x, y)))
    return MetaArray(shape, np.result_type(*(t.dtype if hasattr(t, "dtype") else t for t in (x, y))))


def astype(x: MetaArray, dtype: Any) -> MetaArray:
    return x if x.dtype == dtype else MetaArray(x.shape, dtype)


def like(x: MetaArray, *values: Any, **static: Any) -> MetaArray:
    """The same shape and dtype."""
    return MetaArray(x.shape, x.dtype)


def filled(x: MetaArray, fill_value: Any = 0, shape: Shape | None = None, dtype: Any = None) -> MetaArray:
    return MetaArray(x.shape if shape is None else shape, x.dtype if dtype is None else dtype)


def shaped(x: MetaArray, *values: Any, shape: Shape, **static: Any) -> MetaArray:
    """Another shape, which the caller knows."""
    return MetaArray(shape, x.dtype)


def reshape(x: MetaArray, shape: Any) -> MetaArray:
    new = ghost(x.shape).reshape(shape).shape
    return MetaArray(new, x.dtype, base=x) if x.c_contiguous else MetaArray(new, x.dtype)


def transpose(x: MetaArray, axes: Any = None) -> MetaArray:
    order = range(x.ndim)[::-1] if axes is None else normalize_axis_tuple(axes, x.ndim)
    if len(order) != x.ndim:
        raise ValueError("axes don't match array")
    return MetaArray([x.shape[k] for k in order], x.dtype, [x.strides[k] for k in order], x)


def broadcast_to(x: MetaArray, shape: Shape) -> MetaArray:
    np.broadcast_to(ghost(x.shape), shape)
    lead = len(shape) - x.ndim
    strides = [s if n == m else 0 for n, s, m in zip(x.shape, x.strides, shape[lead:])]
    return MetaArray(shape, x.dtype, [0] * lead + strides, x)


def sum_to(x: MetaArray, shape: Shape) -> MetaArray:
    return x if x.shape == shape else MetaArray(shape, dtype_along("sum", x.dtype))


def concatenate(*xs: MetaArray, axis: int) -> MetaArray:
    k = normalize_axis_index(axis, xs[0].ndim)
    rest = {(*x.shape[:k], *x.shape[k + 1 :]) for x in xs}
    if len(rest) > 1:
        raise ValueError(f"all sizes but those of axis {k} must be equal, got {' and '.join(str(x.shape) for x in xs)}")
    shape = (*xs[0].shape[:k], sum(x.shape[k] for x in xs), *xs[0].shape[k + 1 :])
    return MetaArray(shape, np.result_type(*(x.dtype for x in xs)))


def as_strided(x: MetaArray, shape: Shape, steps: Shape, offset: int) -> MetaArray:
    return MetaArray(shape, x.dtype, [step * x.strides[0] for step in steps], x)


def flip(x: MetaArray, axis: Any = None) -> MetaArray:
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    return MetaArray(x.shape, x.dtype, [-s if k in axes else s for k, s in enumerate(x.strides)], x)


def diagonal(x: MetaArray, offset: int = 0, axis1: int = 0, axis2: int = 1) -> MetaArray:
    a, b = normalize_axis_tuple((axis1, axis2), x.ndim)
    rest = [k for k in range(x.ndim) if k not in (a, b)]
    n = max(min(x.shape[a] + min(offset, 0), x.shape[b] - max(offset, 0)), 0)
    step = x.strides[a] + x.strides[b]
    return MetaArray([x.shape[k] for k in rest] + [n], x.dtype, [x.strides[k] for k in rest] + [step], x)


def pad(x: MetaArray, pad_width: Any) -> MetaArray:
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    return MetaArray([before + n + after for n, (before, after) in zip(x.shape, widths)], x.dtype)


def view(x: MetaArray, key: tuple[Any, ...]) -> MetaArray:
    """x[key] for numbers, slices, None and an ellipsis."""
    used = sum(part is not None and part is not Ellipsis for part in key)
    if used > x.ndim:
        raise IndexError(f"too many indices: {used} for {x.ndim} axes")
    at = key.index(Ellipsis) if Ellipsis in key else len(key)
    key = (*key[:at], *[slice(None)] * (x.ndim - used), *key[at + 1 :])
    shape, strides, axes = [], [], iter(zip(x.shape, x.strides))
    for part in key:
        n, s = (1, 0) if part is None else next(axes)
        if isinstance(part, slice):
            places = range(*part.indices(n))
            n, s = len(places), s * places.step
        elif part is not None:
            if not -n <= whole(part) < n:
                raise IndexError(f"index {part} is out of range for an axis of {n}")
            continue
        shape.append(n)
        strides.append(s)
    return MetaArray(shape, x.dtype, strides, x)


def select(x: MetaArray, key: tuple[Any, ...]) -> MetaArray:
    """x[key] with index arrays: what they select stands where they stood, or first, if they were apart."""
    arrays = [part for part in key if isinstance(part, MetaArray)]
    if any(a.dtype == bool for a in arrays):
        _refuse()
    places = [k for k, part in enumerate(key) if isinstance(part, MetaArray) or isinstance(part, int)]
    rest = view(x, tuple(slice(0, 1) if k in places else part for k, part in enumerate(key))).shape
    apart = places[-1] - places[0] >= len(places)
    first = 0 if apart else places[0]
    others = [n for k, n in enumerate(rest) if k not in places]
    return MetaArray((*others[:first], *np.broadcast_shapes(*(a.shape for a in arrays)), *others[first:]), x.dtype)


def getitem(x: MetaArray, *indices: MetaArray, key: tuple[Any, ...]) -> MetaArray:
    return select(x, fill(key, indices)) if indices else view(x, key)


def take_along_axis(x: MetaArray, index: MetaArray, axis: int) -> MetaArray:
    along = normalize_axis_index(axis, x.ndim)
    others = ([1 if k == along else n for k, n in enumerate(t.shape)] for t in (x, index))
    shape = list(np.broadcast_shapes(*map(tuple, others)))
    shape[along] = index.shape[along]
    return MetaArray(shape, x.dtype)


def matmul(a: MetaArray, b: MetaArray) -> MetaArray:
    if not a.ndim or not b.ndim:
        raise ValueError("a product of matrices needs at least one axis on both sides")
    rows, columns, k = a.shape[-2:-1], b.shape[-1:] if b.ndim > 1 else (), b.shape[-2 if b.ndim > 1 else -1]
    if a.shape[-1] != k:
        raise ValueError(f"the inner sizes differ: {a.shape} and {b.shape}")
    y = MetaArray((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *rows, *columns), np.result_type(a.dtype, b.dtype))
    work.multiply_adds += y.size * k
    return y


def einsum(*xs: MetaArray, subscripts: str) -> MetaArray:
    left, out = subscripts.split("->")
    sizes: dict[str, int] = {}
    for x, letters in zip(xs, left.split(",")):
        if len(letters) != x.ndim:
            raise ValueError(f"the letters {letters!r} are for {len(letters)} axes, and the operand is {x.shape}")
        for letter, n in zip(letters, x.shape):
            if 1 != sizes.setdefault(letter, n) != n != 1:
                raise ValueError(f"axis {letter!r} has both {sizes[letter]} and {n}: they do not broadcast")
            sizes[letter] = max(n, sizes[letter]) if 0 not in (n, sizes[letter]) else 0
    work.multiply_adds += math.prod(sizes.values()) * (len(xs) - 1)  # of three and more: without any clever order
    return MetaArray([sizes[letter] for letter in out], np.result_type(*(x.dtype for x in xs)))


def square(x: MetaArray) -> Any:
    """The dtype in which LAPACK works on square matrices."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ValueError(f"square matrices are needed, got {x.shape}")
    return lapack(x)


def lapack(x: MetaArray) -> Any:
    if x.dtype == np.float16:
        raise TypeError("array type float16 is unsupported in linalg")
    return x.dtype if x.dtype.kind == "f" else np.float64


def inverse(x: MetaArray) -> MetaArray:
    return MetaArray(x.shape, square(x))


def det(x: MetaArray) -> MetaArray:
    return MetaArray(x.shape[:-2], square(x))


def slogdet(x: MetaArray) -> tuple[MetaArray, ...]:
    return det(x), det(x)


def eigen(x: MetaArray) -> tuple[MetaArray, ...]:
    """Values and vectors."""
    return MetaArray(x.shape[:-1], square(x)), MetaArray(x.shape, square(x))


def pinv(x: MetaArray, rtol: Any = None, atol: Any = 0.0) -> MetaArray:
    return MetaArray((*x.shape[:-2], x.shape[-1], x.shape[-2]), lapack(x))


def svd(x: MetaArray, full_matrices: bool = True) -> tuple[MetaArray, ...]:
    (*batch, m, n), kind = x.shape, lapack(x)
    k = min(m, n)
    u, vt = ((m, m), (n, n)) if full_matrices else ((m, k), (k, n))
    return MetaArray((*batch, *u), kind), MetaArray((*batch, k), kind), MetaArray((*batch, *vt), kind)


def qr(x: MetaArray) -> tuple[MetaArray, ...]:
    *batch, m, n = x.shape
    k = min(m, n)
    return MetaArray((*batch, m, k), lapack(x)), MetaArray((*batch, k, n), lapack(x))


def pivots(x: MetaArray) -> MetaArray:
    return MetaArray((*x.shape[:-2], min(x.shape[-2:])), np.int64)


def solve(a: MetaArray, b: MetaArray) -> MetaArray:
    if b.ndim == 1:
        return MetaArray((*a.shape[:-2], *b.shape), square(a))
    if b.shape[-2] != a.shape[-1]:
        raise ValueError(f"the sizes differ: {a.shape} and {b.shape}")
    return MetaArray((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), square(a))


def im2col(x: MetaArray, kernel: Any, stride: Any, dilation: Any) -> MetaArray:
    (N, C), steps = x.shape[:2], zip(x.shape[2:], kernel, stride, dilation)
    places = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in steps]
    return MetaArray((N, C * math.prod(kernel), math.prod(places)), x.dtype)


class _Work(threading.local):
    multiply_adds = 0  # of all products so far, in this thread


work = _Work()

RULES: dict[str, Callable[..., Any]] = {
    **{name: elementwise(getattr(np, name)) for name in NAMES if isinstance(getattr(np, name, None), np.ufunc)},
    **{name: reduction(name) for name in ("sum", "prod", "mean", "max", "min", "argmax", "argmin", "any", "all")},
    **{name: along(name) for name in ("cumsum", "cumprod", "sort", "argsort")},
    **dict.fromkeys(("sigmoid", "erf"), elementwise(np.exp)),
    **dict.fromkeys(("copy", "put", "roll", "tril", "triu"), like),
    **dict.fromkeys(("zeros_like", "ones_like", "full_like"), filled),
    **dict.fromkeys(("index_add", "scatter_add", "diag_embed", "col2im"), shaped),
    **dict.fromkeys(("inv", "cholesky"), inverse),
    "arange_like": lambda x, n: MetaArray((n,), np.int64),
    "where": where, "astype": astype, "reshape": reshape, "transpose": transpose, "broadcast_to": broadcast_to,
    "sum_to": sum_to, "concatenate": concatenate, "flip": flip, "as_strided": as_strided,
    "diagonal": diagonal, "pad": pad, "getitem": getitem,
    "take_along_axis": take_along_axis, "matmul": matmul, "einsum": einsum, "det": det, "solve": solve,
    "slogdet": slogdet, "eigh": eigen, "eig": eigen, "svd": svd, "qr": qr, "pinv": pinv, "pivots": pivots,
    "im2col": im2col,
}  # fmt: skip

OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "left_shift", "rshift": "right_shift", "lt": "less", "le": "less_equal", "gt": "greater",
    "ge": "greater_equal", "eq": "equal", "ne": "not_equal", "neg": "negative", "abs": "absolute", "invert": "invert",
}  # fmt: skip


def _operators() -> None:
    """Give MetaArray the operators that arrays have."""

    def swapped(rule: Callable[..., MetaArray]) -> Callable[..., MetaArray]:
        return lambda a, b: rule(b, a)

    def bound(rule: Callable[..., MetaArray]) -> Callable[..., MetaArray]:
        return lambda *operands: rule(*operands)

    for name, ufunc in OPERATORS.items():
        rule = elementwise(getattr(np, ufunc))
        setattr(MetaArray, f"__{name}__", bound(rule))
        setattr(MetaArray, f"__r{name}__", swapped(rule))


_operators()


class MetaBackend(Backend):
    device_type = "meta"

    def __init__(self) -> None:
        super().__init__(None, MetaArray, {**{name: self._without_rule(name) for name in NAMES}, **RULES})

    @staticmethod
    def _without_rule(name: str) -> Callable[..., NoReturn]:
        def missing(*args: Any, **keywords: Any) -> NoReturn:
            raise NotImplementedError(f"device 'meta' has no rule for the shape of {name}; it needs one in RULES")

        return missing

    @property
    def multiply_adds(self) -> int:
        """How many products of two numbers, added up, all products of matrices so far would have taken."""
        return work.multiply_adds

    def asarray(self, values: Any, index: int = 0) -> MetaArray:
        if isinstance(values, MetaArray):
            return values
        host = NUMPY.asarray(values)
        return MetaArray(host.shape, host.dtype)

    def to_host(self, array: MetaArray) -> NoReturn:
        _refuse()

    def index_of(self, array: MetaArray) -> None:
        return None

    def address(self, array: MetaArray) -> int:
        return id(array if array.base is None else array.base)

    def places(self, view: MetaArray, base: MetaArray) -> MetaArray:
        return MetaArray(view.shape, np.int64)

    def extent(self, array: MetaArray) -> tuple[int, int]:
        return self.address(array), self.address(array) + 1

    def shares_memory(self, a: MetaArray, b: MetaArray) -> bool:
        return self.address(a) == self.address(b)


META = register(MetaBackend())
