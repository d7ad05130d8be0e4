"""Arrays that stand for a whole batch while a function sees one sample: what `vmap` computes with.

A BatchArray has the shape of one sample; its `values` have one axis more, in front, with a place for each sample (or
a single place, where all samples share what stands there). For each name of the algebra there is a rule that does the
work for all samples at once; where there is none, `each` does it sample by sample, which is what a rule must equal.
The formulas run here as they are, and so do their vjps. Batches within batches have levels: the inner one's is higher,
and what has a lower level (or none) is the same for all samples of the inner one."""

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from .algebra import NAMES
from .base import BACKENDS, Array, Backend, backend_of, register
from .numpy_ import INDEX, NUMPY

REFUSED = (
    "vmap: the values differ from sample to sample here, so they cannot be had as one: no item(), truth value, "
    "numpy(), data-dependent shape, or write into a tensor from outside; where() chooses by value"
)


class BatchArray:
    """One array for each of `count` samples. `values` (count or 1, *shape)."""

    __slots__ = ("__weakref__", "count", "level", "values")
    __array_ufunc__ = None  # NumPy's arrays leave operators to this one
    __hash__ = object.__hash__  # by identity, although == gives an array

    def __init__(self, values: Array, level: int, count: int) -> None:
        self.values, self.level, self.count = values, level, count

    shape = property(lambda x: tuple(x.values.shape[1:]))
    dtype = property(lambda x: x.values.dtype)
    ndim = property(lambda x: x.values.ndim - 1)
    size = property(lambda x: math.prod(x.shape))
    itemsize = property(lambda x: x.values.itemsize)
    nbytes = property(lambda x: x.values.nbytes)
    base = property(lambda x: x.values.base)
    strides = property(lambda x: x.values.strides[1:])
    flags = property(lambda x: x.values.flags)

    def __repr__(self) -> str:
        return f"BatchArray({self.count} of {self.shape}, {self.dtype})"

    def like(self, values: Array) -> "BatchArray":
        """Other values of the same batch."""
        return BatchArray(values, self.level, self.count)

    def sample(self, k: int) -> Array:
        return self.values[k if self.values.shape[0] > 1 else 0, ...]

    def full(self) -> Array:
        """The values with a place for each sample."""
        values = self.values
        shape = (self.count, *self.shape)
        return values if values.shape == shape else backend_of(values).broadcast_to(values, shape=shape)

    def copy(self) -> "BatchArray":
        return self.like(self.values.copy())

    def astype(self, dtype: Any, copy: bool = True) -> "BatchArray":
        return self.like(self.values.astype(dtype, copy=copy))

    def reshape(self, *shape: Any) -> "BatchArray":
        made: BatchArray = BATCH.reshape(self, shape=shape[0] if isinstance(shape[0], (tuple, list)) else shape)
        return made

    def sum(self, axis: Any = None, keepdims: bool = False) -> "BatchArray":
        total: BatchArray = BATCH.sum(self, axis=axis, keepdims=keepdims)
        return total

    def __getitem__(self, key: Any) -> "BatchArray":
        return self.like(self.values[(slice(None), *(key if isinstance(key, tuple) else (key,)))])

    def __setitem__(self, key: Any, value: Any) -> None:
        place = (slice(None), *(key if isinstance(key, tuple) else (key,)))
        if isinstance(value, BatchArray) and value.level == self.level:
            ndim = self.values[place].ndim - 1
            if value.values.shape[0] > self.values.shape[0]:
                raise RuntimeError(REFUSED)
            value = lined_up(value, ndim)
        self.values[place] = value

    def __len__(self) -> int:
        return int(self.shape[0])

    def __matmul__(self, other: Any) -> "BatchArray":
        product: BatchArray = BATCH.matmul(self, other)
        return product

    def __rmatmul__(self, other: Any) -> "BatchArray":
        product: BatchArray = BATCH.matmul(other, self)
        return product

    def _refuse(self, *args: Any, **keywords: Any) -> NoReturn:
        raise RuntimeError(REFUSED)

    item = tolist = tobytes = any = all = view = _refuse
    __bool__ = __float__ = __int__ = __index__ = __array__ = __iter__ = _refuse


def _operator(name: str, swapped: bool) -> Callable[..., Any]:
    function = getattr(operator, name)
    if name in ("neg", "invert", "abs", "pos"):
        return lambda x: x.like(function(x.values))
    if swapped:
        return lambda a, b: together(lambda xp, x, y: function(y, x), a, b)
    return lambda a, b: together(lambda xp, x, y: function(x, y), a, b)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "lshift", "rshift"):
    setattr(BatchArray, f"__{_name.strip('_')}__", _operator(_name, False))
    setattr(BatchArray, f"__r{_name.strip('_')}__", _operator(_name, True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "invert", "abs", "pos"):
    setattr(BatchArray, f"__{_name}__", _operator(_name, False))


# ------------------------------------------------------------------------------------------------ the machinery


def top(arrays: Sequence[Any]) -> BatchArray:
    """The operand whose batch is the innermost."""
    found: BatchArray = max((a for a in arrays if isinstance(a, BatchArray)), key=lambda a: a.level)
    return found


def lined_up(x: BatchArray, ndim: int) -> Array:
    """The values with axes of 1 behind the batch's, so that samples broadcast as if they had `ndim` axes."""
    if x.ndim >= ndim:
        return x.values
    values = x.values
    return backend_of(values).reshape(values, shape=(values.shape[0], *(1,) * (ndim - x.ndim), *x.shape))


def inner(arrays: Sequence[Any], level: int) -> Any:
    """The backend of what the operands of a level hold: another batch's, where one of them holds that."""
    parts = [a.values if isinstance(a, BatchArray) and a.level == level else a for a in arrays]
    held = [a for a in parts if type(a) in BACKENDS]
    return next((BATCH for a in held if isinstance(a, BatchArray)), backend_of(held[0]))


def within(arrays: Sequence[Any]) -> tuple[BatchArray, list[Any], Backend]:
    """The innermost batch, what each operand holds of it, lined up to broadcast, and the backend of that."""
    like = top(arrays)
    mine = [isinstance(a, BatchArray) and a.level == like.level for a in arrays]
    ndim = max(getattr(a, "ndim", 0) for a in arrays)
    return like, [lined_up(a, ndim) if m else a for a, m in zip(arrays, mine)], inner(arrays, like.level)


def together(function: Callable[..., Any], *arrays: Any) -> Any:
    """A function of broadcasting arrays, for all samples at once."""
    like, parts, xp = within(arrays)
    return like.like(function(xp, *parts))


def each(name: str, *arrays: Any, **how: Any) -> Any:
    """A name of the algebra, sample by sample: what every rule must equal."""
    like = top(arrays)
    xp = inner(arrays, like.level)
    mine = [isinstance(a, BatchArray) and a.level == like.level for a in arrays]
    if not like.count:
        raise RuntimeError(f"vmap: {name} has no rule for a batch without samples")
    made = [
        getattr(xp, name)(*(a.sample(k) if m else a for a, m in zip(arrays, mine)), **how) for k in range(like.count)
    ]

    def joined(ys: Sequence[Any]) -> BatchArray:
        return like.like(xp.concatenate(*(y.reshape((1, *y.shape)) for y in map(xp.asarray, ys)), axis=0))

    return tuple(map(joined, zip(*made))) if isinstance(made[0], tuple) else joined(made)


RULES: dict[str, Callable[..., Any]] = {}


def rule(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of (like, xp, name, *arrays, **how) for these names; it may return NotImplemented."""

    def register_it(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            RULES[name] = function
        return function

    return register_it


def dispatch(name: str) -> Callable[..., Any]:
    """The name of the algebra as it is found in BATCH."""

    def apply(*arrays: Any, **how: Any) -> Any:
        if not any(isinstance(a, BatchArray) for a in arrays):
            like = next(a for a in arrays if type(a) in BACKENDS)
            return getattr(backend_of(like), name)(*arrays, **how)
        like, found = top(arrays), NotImplemented
        if name in RULES:
            found = RULES[name](like, inner(arrays, like.level), name, *arrays, **how)
        done: bool = found is not NotImplemented
        return found if done else each(name, *arrays, **how)

    return apply


def full(like: BatchArray, x: Any) -> Array:
    """What an operand holds of the batch, with a place for each sample."""
    if isinstance(x, BatchArray) and x.level == like.level:
        return x.full()
    return backend_of(x).broadcast_to(x, shape=(like.count, *x.shape))


def is_mine(like: BatchArray, x: Any) -> bool:
    return isinstance(x, BatchArray) and x.level == like.level


def axis_in(x: BatchArray, axis: int) -> int:
    """An axis of a sample, counted in the values."""
    if not -x.ndim <= axis < x.ndim:
        raise IndexError(f"axis {axis} is out of bounds for array of dimension {x.ndim}")
    return axis % x.ndim + 1


# ---------------------------------------------------------------------------------------------------- the rules


@rule(
    *"exp expm1 exp2 log log1p log2 log10 sqrt sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh"
    " arctanh sigmoid erf abs sign floor ceil rint trunc mod fmod floor_divide maximum minimum hypot copysign where"
    " isnan isinf isfinite logical_not logical_and logical_or logical_xor astype copy".split()
)
def elementwise(like: BatchArray, xp: Any, name: str, *arrays: Any, **how: Any) -> Any:
    return together(lambda xp, *parts: getattr(xp, name)(*parts, **how), *arrays)


@rule("sum", "prod", "mean", "max", "min", "any", "all")
def reduction(like: BatchArray, xp: Any, name: str, x: Any, *, axis: Any = None, keepdims: Any = False) -> Any:
    if not x.ndim:
        return NotImplemented
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return like.like(getattr(xp, name)(x.values, axis=tuple(axis_in(x, a) for a in axes), keepdims=keepdims))


@rule("argmax", "argmin")
def place_of(like: BatchArray, xp: Any, name: str, x: Any, *, axis: Any = None, keepdims: Any = False) -> Any:
    if not x.ndim:
        return NotImplemented
    if axis is None:
        flat = getattr(xp, name)(xp.reshape(x.values, shape=(x.values.shape[0], x.size)), axis=1)
        return like.like(xp.reshape(flat, shape=(-1, *(1,) * x.ndim)) if keepdims else flat)
    return like.like(getattr(xp, name)(x.values, axis=axis_in(x, axis), keepdims=keepdims))


@rule("cumsum", "cumprod", "sort", "argsort")
def along(like: BatchArray, xp: Any, name: str, x: Any, *, axis: Any) -> Any:
    return like.like(getattr(xp, name)(x.values, axis=axis_in(x, axis))) if x.ndim else NotImplemented


@rule("flip")
def flip(like: BatchArray, xp: Any, name: str, x: Any, *, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return like.like(xp.flip(x.values, axis=tuple(axis_in(x, a) for a in axes)))


@rule("roll")
def roll(like: BatchArray, xp: Any, name: str, x: Any, *, shift: Any, axis: Any) -> Any:
    if axis is None:
        return NotImplemented
    axes = tuple(axis_in(x, a) for a in axis) if isinstance(axis, (tuple, list)) else axis_in(x, axis)
    return like.like(xp.roll(x.values, shift=shift, axis=axes))


@rule("reshape")
def reshape(like: BatchArray, xp: Any, name: str, x: Any, *, shape: Any) -> Any:
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if -1 in shape:
        known = -math.prod(shape)
        if not known or x.size % known:
            return NotImplemented
        shape = tuple(x.size // known if n == -1 else n for n in shape)
    return like.like(xp.reshape(x.values, shape=(x.values.shape[0], *shape)))


@rule("transpose")
def transpose(like: BatchArray, xp: Any, name: str, x: Any, *, axes: Any = None) -> Any:
    axes = reversed(range(x.ndim)) if axes is None else axes
    return like.like(xp.transpose(x.values, axes=(0, *(axis_in(x, a) for a in axes))))


@rule("broadcast_to")
def broadcast_to(like: BatchArray, xp: Any, name: str, x: Any, *, shape: Any) -> Any:
    return like.like(xp.broadcast_to(lined_up(x, len(shape)), shape=(x.values.shape[0], *shape)))


@rule("sum_to")
def sum_to(like: BatchArray, xp: Any, name: str, x: Any, *, shape: Any) -> Any:
    lead = x.ndim - len(shape)
    axes = tuple(k + 1 for k, n in enumerate(x.shape) if k < lead or shape[k - lead] == 1 != n)
    y = xp.sum(x.values, axis=axes, keepdims=True) if axes else x.values
    return like.like(xp.reshape(y, shape=(y.shape[0], *shape)))


@rule("concatenate")
def concatenate(like: BatchArray, xp: Any, name: str, *xs: Any, axis: Any) -> Any:
    ndim = next(x.ndim for x in xs if is_mine(like, x))
    if not -ndim <= axis < ndim:
        return NotImplemented
    return like.like(xp.concatenate(*(full(like, x) for x in xs), axis=axis % ndim + 1))


@rule("tril", "triu")
def triangle(like: BatchArray, xp: Any, name: str, x: Any, *, k: Any = 0) -> Any:
    return like.like(getattr(xp, name)(x.values, k=k)) if x.ndim >= 2 else NotImplemented


@rule("diagonal")
def diagonal(like: BatchArray, xp: Any, name: str, x: Any, *, offset: Any, axis1: Any, axis2: Any) -> Any:
    return like.like(xp.diagonal(x.values, offset=offset, axis1=axis_in(x, axis1), axis2=axis_in(x, axis2)))


@rule("diag_embed")
def diag_embed(like: BatchArray, xp: Any, name: str, x: Any, *, offset: Any, axis1: Any, axis2: Any, shape: Any) -> Any:
    axes = {"axis1": axis1 % len(shape) + 1, "axis2": axis2 % len(shape) + 1}
    return like.like(xp.diag_embed(x.values, offset=offset, **axes, shape=(x.values.shape[0], *shape)))


@rule("pad")
def pad(like: BatchArray, xp: Any, name: str, x: Any, *, pad_width: Any) -> Any:
    return like.like(xp.pad(x.values, pad_width=((0, 0), *pad_width)))


@rule("zeros_like", "ones_like", "full_like")
def filled(like: BatchArray, xp: Any, name: str, x: Any, *, shape: Any = None, **how: Any) -> Any:
    return like.like(getattr(xp, name)(x.values, shape=(like.count, *(x.shape if shape is None else shape)), **how))


@rule("arange_like")
def arange_like(like: BatchArray, xp: Any, name: str, x: Any, *, n: Any) -> Any:
    return xp.arange_like(x.values, n=n)


@rule("matmul")
def matmul(like: BatchArray, xp: Any, name: str, a: Any, b: Any) -> Any:
    rows, columns = a.ndim == 1, b.ndim == 1  # vectors become matrices, so that samples stand before the last two axes
    if not a.ndim or not b.ndim:
        return NotImplemented
    ndim = max(a.ndim + rows, b.ndim + columns)

    def matrices(x: Any, shape: tuple[int, ...]) -> Any:
        if not is_mine(like, x):
            return xp.reshape(x, shape=shape) if shape != x.shape else x
        lead = (1,) * (ndim - len(shape))
        return xp.reshape(x.values, shape=(x.values.shape[0], *lead, *shape))

    y = xp.matmul(matrices(a, (1, *a.shape) if rows else a.shape), matrices(b, (*b.shape, 1) if columns else b.shape))
    shape = list(y.shape)
    if columns:
        shape.pop(-1)
    if rows:
        shape.pop(len(shape) - 1 - (not columns))
    return like.like(xp.reshape(y, shape=tuple(shape)))


@rule("einsum")
def einsum(like: BatchArray, xp: Any, name: str, *xs: Any, subscripts: Any) -> Any:
    letters, arrow, result = subscripts.replace(" ", "").partition("->")
    free = next((c for c in "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in subscripts), "")
    if not arrow or "." in subscripts or not free:
        return NotImplemented
    mine = [is_mine(like, x) and x.values.shape[0] > 1 for x in xs]
    parts = [x.values if m else x.values[0] if is_mine(like, x) else x for x, m in zip(xs, mine)]
    terms = [free + t if m else t for t, m in zip(letters.split(","), mine)]
    if True not in mine:
        y = xp.einsum(*parts, subscripts=subscripts)
        return like.like(xp.reshape(y, shape=(1, *y.shape)))
    return like.like(xp.einsum(*parts, subscripts=f"{','.join(terms)}->{free}{result}"))


@rule("inv", "det", "cholesky")
def matrix_function(like: BatchArray, xp: Any, name: str, x: Any) -> Any:
    return like.like(getattr(xp, name)(x.values))


@rule("slogdet", "eigh", "svd", "qr")
def factors(like: BatchArray, xp: Any, name: str, x: Any, **how: Any) -> Any:
    return tuple(like.like(y) for y in getattr(xp, name)(x.values, **how))


@rule("im2col", "col2im")
def patches(like: BatchArray, xp: Any, name: str, x: Any, **how: Any) -> Any:
    n, N = x.values.shape[0], x.shape[0]
    if "shape" in how:
        how["shape"] = (n * N, *how["shape"][1:])
    y = getattr(xp, name)(xp.reshape(x.values, shape=(n * N, *x.shape[1:])), **how)
    return like.like(xp.reshape(y, shape=(n, N, *y.shape[1:])))


def adjoining(key: tuple[Any, ...]) -> bool:
    """Do the indices of a key stand next to each other, so that their axes stay where they are?"""
    places = [k for k, part in enumerate(key) if part is INDEX or isinstance(part, int)]
    return places == list(range(places[0], places[-1] + 1)) if places else True


def batched_indices(like: BatchArray, xp: Backend, indices: Sequence[Any], key: tuple[Any, ...]) -> Any:
    """(indices, key) into values when some indices differ by sample: the sample's own number comes first."""
    if key[: len(indices)] != (INDEX,) * len(indices) or not adjoining(key):
        return None
    if any(i.dtype.kind == "b" for i in indices):
        return None
    ndim = max(i.ndim for i in indices)
    found = [lined_up(i, ndim) if is_mine(like, i) else i for i in indices]
    number = xp.reshape(xp.arange_like(like.values, n=like.count), shape=(like.count, *(1,) * ndim))
    return [number, *found], (INDEX, *key)


@rule("getitem")
def getitem(like: BatchArray, xp: Any, name: str, x: Any, *indices: Any, key: Any) -> Any:
    key = tuple(key)
    if not any(is_mine(like, i) for i in indices):
        if indices and not adjoining(key):
            return NotImplemented
        return like.like(xp.getitem(x.values, *indices, key=(slice(None), *key)))
    if not is_mine(like, x) and all(part is INDEX for part in key) and all(is_mine(like, i) for i in indices):
        _, parts, _ = within(indices)
        return like.like(xp.getitem(x, *parts, key=key))
    found = batched_indices(like, xp, indices, key)
    return NotImplemented if found is None else like.like(xp.getitem(full(like, x), *found[0], key=found[1]))


@rule("index_add")
def index_add(like: BatchArray, xp: Any, name: str, g: Any, *indices: Any, key: Any, shape: Any) -> Any:
    key, lead = tuple(key), g.values.shape[0] if is_mine(like, g) else 1
    if not any(is_mine(like, i) for i in indices):
        if indices and not adjoining(key):
            return NotImplemented
        key = (slice(None), *key)
    else:
        found, lead = batched_indices(like, xp, indices, key), like.count
        if found is None:
            return NotImplemented
        (indices, key), g = found, like.like(full(like, g))
    values = lined_up(g, region(xp, g, (lead, *shape), indices, key))
    return like.like(xp.index_add(values, *indices, key=key, shape=(lead, *shape)))


def region(xp: Backend, g: BatchArray, whole: tuple[int, ...], indices: Sequence[Any], key: tuple[Any, ...]) -> int:
    """How many axes of a sample lie at a key of an array of that shape."""
    zero = xp.broadcast_to(xp.zeros_like(g.values, shape=(1,) * len(whole)), shape=whole)
    return int(xp.getitem(zero, *indices, key=key).ndim) - 1


@rule("put")
def put(like: BatchArray, xp: Any, name: str, x: Any, v: Any, *indices: Any, key: Any) -> Any:
    key = tuple(key)
    if any(is_mine(like, i) for i in indices) or (indices and not adjoining(key)):
        return NotImplemented
    whole, inner = full(like, x), (slice(None), *key)
    if is_mine(like, v):
        v = lined_up(v, xp.getitem(whole, *indices, key=inner).ndim - 1)
    return like.like(xp.put(whole, v, *indices, key=inner))


@rule("take_along_axis")
def take_along_axis(like: BatchArray, xp: Any, name: str, x: Any, index: Any, *, axis: Any) -> Any:
    return like.like(xp.take_along_axis(full(like, x), full(like, index), axis=axis % x.ndim + 1))


@rule("scatter_add")
def scatter_add(like: BatchArray, xp: Any, name: str, g: Any, index: Any, *, axis: Any, shape: Any) -> Any:
    whole = (like.count, *shape)
    return like.like(xp.scatter_add(full(like, g), full(like, index), axis=axis % g.ndim + 1, shape=whole))


# --------------------------------------------------------------------------------------------------- the backend


class BatchBackend(Backend):
    device_type = "batch"  # never seen: device_of looks at what a batch holds

    def __init__(self) -> None:
        super().__init__(None, BatchArray, {name: dispatch(name) for name in NAMES})

    def asarray(self, values: Any, index: int = 0) -> Array:
        return values if type(values) in BACKENDS else NUMPY.asarray(values)

    def to_host(self, array: Array) -> NoReturn:
        raise RuntimeError(REFUSED)

    def index_of(self, array: Array) -> int | None:
        return backend_of(array.values).index_of(array.values)

    def address(self, array: Array) -> int:
        return backend_of(array.values).address(array.values)

    def places(self, view: Array, base: Array) -> NoReturn:
        raise NotImplementedError("vmap: a recorded write through a view is not supported; write out of place")

    def extent(self, array: Array) -> tuple[int, int]:
        return backend_of(array.values).extent(array.values)

    def shares_memory(self, a: Array, b: Array) -> bool:
        a, b = (x.values if isinstance(x, BatchArray) else x for x in (a, b))
        if isinstance(a, BatchArray) or isinstance(b, BatchArray):
            return self.shares_memory(a, b)
        return type(a) is type(b) and backend_of(a).shares_memory(a, b)


BATCH: Any = register(BatchBackend())
level = itertools.count(1).__next__  # of batches: the inner one is made later
