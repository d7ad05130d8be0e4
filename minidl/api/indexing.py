"""x[...]: reading and writing by position, by mask and by index arrays.

A key is applied in PyTorch's two steps: first what only looks elsewhere in the same memory (numbers,
slices, None), then index arrays, whose axes stand together where the arrays stood, or first where
something stood between them. Every index is checked here, on the host: a GPU would wrap it silently."""

import builtins
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..autograd import OPS, Tensor, write
from ..autograd.batch import every_sample
from ..autograd.modes import modes
from ..backend import INDEX, BatchArray, backend_of, move
from ..errors import RangeError, ShapeError, describe
from .arguments import Number, axis_of, both_spellings, into, ops, places_for

Basic: TypeAlias = tuple[Any, ...]


class ValuesAndIndices(NamedTuple):
    """What max, min, sort, topk, median … give along a dim."""

    values: Tensor
    indices: Tensor


def both_into(out: Any, values: Tensor, indices: Tensor) -> ValuesAndIndices:
    """Values and where they stand; in the memory of the two tensors of `out`, if they were given."""
    first, second = places_for(out, 2, "out")
    return ValuesAndIndices(into(first, values), into(second, indices))


def getitem(input: Tensor, key: Any) -> Tensor:
    """input[key]: a view for numbers, slices and None; a copy for masks and index arrays."""
    if type(key) is int and input.ndim:  # by far the most frequent key
        return ops.getitem(input, key=(_in_range(key, 0, input.shape[0]),))
    basic, advanced, indices = parse(input, key)
    if basic is not None:
        input = ops.getitem(input, key=basic)
    return ops.getitem(input, *indices, key=advanced) if indices else input


def setitem(input: Tensor, key: Any, value: Any) -> None:
    """input[key] = value, in place; gradients flow to what stays and to the value."""
    basic, advanced, indices = parse(input, key)
    if indices and basic is not None:  # write through the view that the first step gives
        input = ops.getitem(input, key=basic)
    place = advanced if indices else basic if basic is not None else (...,)
    if not isinstance(value, (Tensor, int, float)):
        value = Tensor(move(np.asarray(value), input.device))
    recording = modes.recording and (input.needs_grad or (isinstance(value, Tensor) and value.needs_grad))
    if isinstance(value, Tensor):
        value = _fitted(value, input, place, indices)
    if recording or (input.memory.recorded and modes.recording):
        write(OPS.put, input, value, *indices, key=place)
        return
    raw = iter(i.array for i in indices)
    try:
        input.array[tuple(next(raw) if part is INDEX else part for part in place)] = (
            value.array if isinstance(value, Tensor) else value
        )
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise RuntimeError("[]=: this tensor's memory cannot be written (an expanded view?); clone it first") from error
    input.memory.written(input.array)


def _fitted(value: Tensor, input: Tensor, place: Basic, indices: list[Tensor]) -> Tensor:
    """The value in the dtype of what it is written into, without axes of length one that lead nowhere."""
    shape = region(input.array.shape, place, [i.array for i in indices])
    while value.ndim > len(shape) and value.shape[0] == 1:
        value = ops.reshape(value, shape=value.shape[1:])
    try:
        np.broadcast_to(np.broadcast_to(np.bool_(0), value.shape), shape)
    except ValueError:
        raise ShapeError(f"[]=: a value of shape {value.shape} does not fit into the selected shape {shape}") from None
    if value.device != input.device:
        if value.ndim:
            raise RuntimeError(f"[]=: the value is on {value.device}, the tensor on {input.device}; move one (.to)")
        value = Tensor(move(value.array, input.device)) if not value.needs_grad else value
    return value if value.dtype == input.dtype else ops.astype(value, dtype=input.dtype)


def region(shape: tuple[int, ...], place: Basic, indices: Sequence[Any]) -> tuple[int, ...]:
    """The shape that a parsed key selects."""
    rest = iter(np.broadcast_to(np.intp(0), i.shape) for i in indices)
    everywhere = np.broadcast_to(np.bool_(0), shape)
    selected: tuple[int, ...] = everywhere[tuple(next(rest) if part is INDEX else part for part in place)].shape
    return selected


def parse(input: Tensor, key: Any) -> tuple[Basic | None, Basic, list[Tensor]]:
    """The two steps of a key: what selects a view (None if all of it), then a key with INDEX for arrays."""
    parts = list(key) if isinstance(key, tuple) else [key]
    parts = [_part(part) for part in parts]
    used = sum(_axes(part) for part in parts)
    if used > input.ndim:
        raise IndexError(f"[]: {used} indices for a tensor of {input.ndim} axes [{describe(input)}]")
    dots = [k for k, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("[]: an index can have one ellipsis (...) only")
    where = dots[0] if dots else len(parts)
    parts[where : where + 1] = [slice(None)] * (input.ndim - used)

    shape, axis = input.shape, 0
    basic: list[Any] = []
    advanced: list[Any] = []
    indices: list[Tensor] = []
    for part in parts:
        if part is None:
            basic.append(None)
            advanced.append(slice(None))
        elif isinstance(part, int):
            basic.append(_in_range(part, axis, shape[axis]))
            axis += 1
        elif isinstance(part, slice):
            basic.append(part)
            advanced.append(slice(None))
            axis += 1
        elif part.dtype == bool:
            if part.shape != shape[axis : axis + part.ndim]:
                raise IndexError(
                    f"[]: the mask has shape {tuple(part.shape)} and the axes it is laid over have "
                    f"{shape[axis : axis + part.ndim]}; they must be equal"
                )
            if part.ndim:
                basic += [slice(None)] * part.ndim
                found = np.nonzero(part)
            else:  # True keeps the tensor as one row, False as none
                basic.append(None)
                found = (np.zeros(int(part), np.int64),)
            for one in found:
                indices.append(_on_device(one, input))
                advanced.append(INDEX)
            axis += part.ndim
        else:
            if part.size and isinstance(part, np.ndarray):  # on "meta" there is no number to look at
                for extreme in (part.min(), part.max()):
                    _in_range(int(extreme), axis, shape[axis])
            elif shape[axis] == 0 and part.size:
                raise IndexError(f"[]: axis {axis} is empty")
            basic.append(slice(None))
            indices.append(_on_device(part, input))
            advanced.append(INDEX)
            axis += 1
    trivial = all(isinstance(part, slice) and part == slice(None) for part in basic)
    if trivial and not indices:
        return (...,), (), []
    return None if trivial else tuple(basic), tuple(advanced), indices


def _on_device(index: Any, input: Tensor) -> Tensor:
    return Tensor(move(index, input.device))


def _in_range(index: int, axis: int, size: int) -> int:
    if not -size <= index < size:
        raise IndexError(f"[]: index {index} is out of range for axis {axis}, which has {size} entries")
    return index


def _part(part: Any) -> Any:
    """One part of a key as None, Ellipsis, an int, a slice, or a NumPy array of integers or truth values."""
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, (bool, np.bool_)):
        return np.asarray(part)
    if isinstance(part, (int, np.integer)):
        return int(part)
    if isinstance(part, slice):
        return _slice(part)
    if isinstance(part, Tensor):
        if (part.is_meta or isinstance(part.array, BatchArray)) and part.dtype.kind == "i":
            return part.array
        array: Any = backend_of(part.array).to_host(part.array)
    elif isinstance(part, (list, tuple, range)):
        array = np.asarray([backend_of(p.array).to_host(p.array) if isinstance(p, Tensor) else p for p in part])
        array = array if array.size else array.astype(np.int64)
    else:
        array = np.asarray(part)
    if array.dtype.kind == "i" or array.dtype == np.uint16 or array.dtype == np.uint32 or array.dtype == np.uint64:
        return int(array) if not array.ndim else array
    if array.dtype == bool:
        return array
    if array.dtype == np.uint8:
        raise IndexError("[]: PyTorch reads uint8 indices as a mask; say which is meant with .bool() or .long()")
    raise IndexError(
        f"[]: an index is an integer, a slice, None, ..., or integers or truth values in a tensor; got {_named(part)}"
    )


def _named(part: Any) -> str:
    return describe(part) if hasattr(part, "dtype") else f"{type(part).__name__} {part!r}"


def _slice(part: slice) -> slice:
    start, stop, step = (None if v is None else v.__index__() for v in (part.start, part.stop, part.step))
    if step is not None and step <= 0:
        raise ValueError(f"[]: a slice steps forward, got step {step}; use flip(dims) for the reverse order")
    return slice(start, stop, step)


def _axes(part: Any) -> int:
    """How many axes of the tensor a part takes up."""
    if part is None or part is Ellipsis:
        return 0
    if isinstance(part, (int, slice)):
        return 1
    return part.ndim if part.dtype == bool else 1


# ---------------------------------------------------------------------------------------------- along one dim


def _places(index: Tensor, size: int, dim: int, operation: str, error: type[Exception] = RangeError) -> None:
    """Every index must lie in [0, size); looked at on the host."""
    if index.dtype.kind not in "iu":
        raise TypeError(f"{operation}: the index must hold integers, got {describe(index)}")
    if index.is_meta:
        return
    seen = every_sample(index).array
    host = backend_of(seen).to_host(seen)
    for extreme in (host.min(), host.max()) if host.size else ():
        if not 0 <= extreme < size:
            raise error(f"{operation}: index {extreme} is out of range for dim {dim}, which has {size} entries")


@both_spellings
def index_select(input: Tensor, dim: int, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The entries at an index along a dim; index is a vector (or one number)."""
    axis = axis_of(dim, input.ndim, "index_select")
    if index.ndim > 1:
        raise IndexError(f"index_select: the index must be a vector, got {describe(index)}")
    x = input if input.ndim else ops.reshape(input, shape=(1,))
    _places(index, x.shape[axis], axis, "index_select")
    places = index if index.ndim else ops.reshape(index, shape=(1,))
    y = ops.getitem(x, places, key=(slice(None),) * axis + (INDEX,))
    return into(out, y if input.ndim else ops.reshape(y, shape=()))


def _aligned(input: Tensor, dim: int, index: Tensor, operation: str) -> tuple[int, Basic]:
    """The axis meant, and the part of the other axes that an index of its shape can reach."""
    axis = axis_of(dim, input.ndim, operation)
    if (index.ndim or 1) != (input.ndim or 1):
        raise ShapeError(f"{operation}: index {describe(index)} must have as many axes as input {describe(input)}")
    shape = input.shape or (1,)
    for k, n in enumerate(index.shape):
        if k != axis and n > shape[k]:
            raise ShapeError(f"{operation}: index {describe(index)} is longer than input {describe(input)} at axis {k}")
    _places(index, shape[axis], axis, operation)
    return axis, tuple(slice(None) if k == axis else slice(0, n) for k, n in enumerate(index.shape))


def _with_axis(t: Tensor) -> Tensor:
    return t if t.ndim else ops.reshape(t, shape=(1,))


@both_spellings
def gather(
    input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False, out: Tensor | None = None
) -> Tensor:
    """One entry per index along a dim: y[i, k] = input[i, index[i, k]] for dim 1."""
    if not index.array.size:
        none = ops.getitem(ops.reshape(input, shape=(input.array.size,)), key=(slice(0, 0),))
        return into(out, ops.reshape(none, shape=index.shape), input, index, same_dtype=True)
    axis, reach = _aligned(input, dim, index, "gather")
    x = _with_axis(input)
    if index.ndim and x.shape != tuple(x.shape[k] if k == axis else n for k, n in enumerate(index.shape)):
        x = ops.getitem(x, key=reach)
    y = ops.take_along_axis(x, _with_axis(index), axis=axis)
    return into(out, y if index.ndim else ops.reshape(y, shape=()), input, index, same_dtype=True)


@both_spellings
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """As gather, with the other dims broadcast; without dim, by place in the flattened tensor."""
    if dim is None:
        return take(input, ops.reshape(indices, shape=(indices.array.size,)), out=out)
    axis = axis_of(dim, input.ndim, "take_along_dim")
    if input.ndim != indices.ndim:
        raise RuntimeError(f"take_along_dim: input {describe(input)} and indices {describe(indices)} differ in axes")
    shapes = ([1 if k == axis else n for k, n in enumerate(t.shape)] for t in (input, indices))
    rest = np.broadcast_shapes(*map(tuple, shapes))
    indices = ops.where(ops.lt(indices, 0), ops.add(indices, input.shape[axis]), indices)
    x = ops.broadcast_to(input, shape=tuple(n if k != axis else input.shape[k] for k, n in enumerate(rest)))
    i = ops.broadcast_to(indices, shape=tuple(n if k != axis else indices.shape[k] for k, n in enumerate(rest)))
    return gather(x, axis, i, out=out)


def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The entries at these places of the flattened tensor."""
    flat = ops.reshape(input, shape=(input.array.size,))
    return into(out, getitem(flat, index), input, index)


@both_spellings
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Number | None = None, reduce: str | None = None
) -> Tensor:
    """A copy of input with src written at an index along a dim: y[i, index[i, k]] = src[i, k] for dim 1."""
    src = value if src is None else src
    if src is None:
        raise TypeError("scatter: give src (a tensor) or value (a number)")
    axis, _ = _aligned(input, dim, index, "scatter")
    if isinstance(src, Tensor):
        src = _source(src, input, index, "scatter")
    if reduce is not None:
        if not isinstance(src, Tensor):
            src = ops.full_like(input, fill_value=src, shape=index.shape)
        if reduce == "add":
            return scatter_add(input, dim, index, src)
        if reduce != "multiply":
            raise RuntimeError(f"scatter: reduce is None, 'add' or 'multiply', got {reduce!r}")
        return scatter_reduce(input, dim, index, src, "prod")
    if not index.array.size:
        return ops.copy(input)
    grid = _grid(index, axis)
    y = ops.put(_with_axis(input), src, *grid, key=(INDEX,) * len(grid))
    return y if input.ndim else ops.reshape(y, shape=())


def _source(src: Tensor, input: Tensor, index: Tensor, operation: str) -> Tensor:
    """The part of src that the index covers."""
    if src.dtype != input.dtype:
        raise RuntimeError(f"{operation}: src must have the dtype of input, got {src.dtype} and {input.dtype}")
    small = builtins.any(a < b for a, b in zip(src.shape, index.shape, strict=False))
    if small or (src.ndim or 1) != (index.ndim or 1):
        raise ShapeError(f"{operation}: src {describe(src)} must cover the index {describe(index)}")
    if src.shape == index.shape:
        return src
    src = _with_axis(src)
    return ops.getitem(src, key=tuple(slice(0, n) for n in index.shape or (1,)))


def _grid(index: Tensor, axis: int) -> list[Tensor]:
    """Index arrays that name, for every place of the index, where it points along the axis."""
    index = _with_axis(index)
    grid = []
    for k, n in enumerate(index.shape):
        shape = tuple(n if i == k else 1 for i in range(index.ndim))
        grid.append(index if k == axis else ops.reshape(ops.arange_like(index, n=n), shape=shape))
    return grid


@both_spellings
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """input with src added at an index along a dim; what meets at one place adds up."""
    axis, _ = _aligned(input, dim, index, "scatter_add")
    source = _source(src, input, index, "scatter_add")
    if not index.array.size:
        return ops.copy(input)
    shape = input.shape or (1,)
    added = ops.scatter_add(_with_axis(source), _with_axis(index), axis=axis, shape=shape)
    return ops.add(input, added if input.ndim else ops.reshape(added, shape=()))


REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@both_spellings
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """What meets at one place is brought together by "sum", "prod", "mean", "amax" or "amin"."""
    axis, _ = _aligned(input, dim, index, "scatter_reduce")
    source = _source(src, input, index, "scatter_reduce")
    if reduce not in REDUCTIONS:
        raise RuntimeError(f"scatter_reduce: reduce is one of {', '.join(REDUCTIONS)}, got {reduce!r}")
    if not index.array.size:
        return into(out, ops.copy(input))
    if reduce in ("sum", "mean"):
        hits = scatter_add(ops.zeros_like(input, dtype="int64"), dim, index, ops.ones_like(source, dtype="int64"))
        start = input if include_self else ops.where(ops.eq(hits, 0), input, ops.zeros_like(input))
        y = scatter_add(start, dim, index, source)
        if reduce == "mean":
            count = ops.add(hits, 1) if include_self else ops.maximum(hits, 1)
            y = ops.div(y, count) if y.dtype.kind == "f" else ops.floor_divide(y, count)
        return into(out, y if y.dtype == input.dtype else ops.astype(y, dtype=input.dtype))
    flat, values = (ops.reshape(t, shape=(t.array.size,)) for t in (input, source))
    places = _destinations(index, input.shape or (1,), axis)
    if reduce == "prod":
        y = _one_by_one(flat, values, places, ops.mul, include_self)
    else:
        y = _extremes(flat, values, places, ops.maximum if reduce == "amax" else ops.minimum, include_self)
    return into(out, ops.reshape(y, shape=input.shape))


def _destinations(index: Tensor, shape: tuple[int, ...], axis: int) -> Any:
    """For every entry of an index, its place in the flattened tensor of a shape."""
    grid = list(np.indices(index.shape or (1,)))
    grid[axis] = backend_of(index.array).to_host(index.array).reshape(grid[axis].shape)
    return np.ravel_multi_index(tuple(grid), shape).ravel()


def _one_by_one(flat: Tensor, values: Tensor, places: Any, combine: Any, include_self: bool) -> Tensor:
    """flat with values combined into it: in each round at most one for every place, so that none is lost."""
    order = np.argsort(places, kind="stable")
    ranked = places[order]
    turn = np.arange(ranked.size) - np.searchsorted(ranked, ranked)  # the how-many-th of its place
    for k in range(int(turn.max(initial=-1)) + 1):
        here, there = (_on_device(t[turn == k], flat) for t in (order, ranked))
        new, old = ops.getitem(values, here, key=(INDEX,)), ops.getitem(flat, there, key=(INDEX,))
        flat = ops.put(flat, combine(old, new) if k or include_self else new, there, key=(INDEX,))
    return flat


def _extremes(flat: Tensor, values: Tensor, places: Any, combine: Any, include_self: bool) -> Tensor:
    """The extreme at each place; equal ones share its gradient evenly."""
    y = _one_by_one(flat.detach(), values.detach(), places, combine, include_self)
    if not (flat.needs_grad or values.needs_grad):
        return y
    there = _on_device(places, flat)
    untouched = np.ones(flat.shape, bool)
    untouched[places] = include_self
    mine = _on_device(untouched, flat) & ops.eq(flat, y)
    theirs = ops.eq(values, ops.getitem(y, there, key=(INDEX,)))
    added = {"key": (INDEX,), "shape": flat.shape}
    count = ops.add(mine, ops.index_add(ops.astype(theirs, dtype=flat.dtype), there, **added))
    total = ops.add(ops.where(mine, flat, 0.0), ops.index_add(ops.where(theirs, values, 0.0), there, **added))
    return ops.where(ops.isnan(y), y, ops.div(total, ops.maximum(count, 1)))


@both_spellings
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The entries of source brought together at an index along a dim, by "prod", "mean", "amax" or "amin"."""
    axis, _ = _vector(input, dim, index, "index_reduce")
    if reduce not in REDUCTIONS[1:]:
        raise RuntimeError(f"index_reduce: reduce is one of {', '.join(REDUCTIONS[1:])}, got {reduce!r}")
    places = ops.reshape(index, shape=tuple(index.array.size if k == axis else 1 for k in range(source.ndim)))
    places = ops.broadcast_to(places, shape=source.shape)
    return scatter_reduce(input, dim, places, source, reduce, include_self=include_self, out=out)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of input with source written (or added) at places of the flattened tensor."""
    if source.dtype != input.dtype:
        raise RuntimeError(f"put: source must have the dtype of input, got {source.dtype} and {input.dtype}")
    flat, index = (ops.reshape(t, shape=(t.array.size,)) for t in (input, index))
    y = index_put(flat, (index,), ops.reshape(source, shape=index.shape), accumulate)
    return ops.reshape(y, shape=input.shape)


def _vector(input: Tensor, dim: int, index: Tensor, operation: str) -> tuple[int, Basic]:
    """The axis and the key that a vector of places selects along it."""
    axis = axis_of(dim, input.ndim, operation)
    if index.ndim > 1:
        raise IndexError(f"{operation}: the index must be a vector, got {describe(index)}")
    _places(index, (input.shape or (1,))[axis], axis, operation)
    return axis, (slice(None),) * axis + (INDEX,)


@both_spellings
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: Number = 1) -> Tensor:
    """input with the entries of alpha × source added at an index along a dim."""
    axis, key = _vector(input, dim, index, "index_add")
    expected = tuple(index.array.size if k == axis else n for k, n in enumerate(input.shape))
    if input.ndim and source.shape != expected:
        raise ShapeError(f"index_add: the source must have shape {expected}, got {describe(source)}")
    source = source if alpha == 1 else ops.mul(source, alpha)
    shape = input.shape or (1,)
    added = ops.index_add(_with_axis(source), _with_axis(index), key=key, shape=shape)
    return ops.add(input, added if input.ndim else ops.reshape(added, shape=()))


@both_spellings
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of input with the entries of source written at an index along a dim."""
    _, key = _vector(input, dim, index, "index_copy")
    if source.dtype != input.dtype:
        raise RuntimeError(f"index_copy: source must have the dtype of input, got {source.dtype} and {input.dtype}")
    y = ops.put(_with_axis(input), source, _with_axis(index), key=key)
    return y if input.ndim else ops.reshape(y, shape=())


@both_spellings
def index_fill(input: Tensor, dim: int, index: Tensor, value: "Number | Tensor") -> Tensor:
    """A copy of input with one number at an index along a dim."""
    _, key = _vector(input, dim, index, "index_fill")
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(f"index_fill: the value must be one number, got {describe(value)}")
    once = _on_device(np.unique(backend_of(index.array).to_host(index.array)), input)  # filled twice, it counts once
    y = ops.put(_with_axis(input), value, once, key=key)
    return y if input.ndim else ops.reshape(y, shape=())


def index_put(
    input: Tensor, indices: Sequence[Any], values: "Tensor | Number", accumulate: bool = False
) -> Tensor:
    """A copy of input with values written (or added) at index arrays."""
    basic, advanced, found = parse(input, tuple(indices))
    if basic is not None or not found:
        raise IndexError("index_put: every index must be a tensor of integers or truth values")
    if accumulate:
        shape = region(input.shape, advanced, [i.array for i in found])
        new = values if isinstance(values, Tensor) else ops.full_like(input, fill_value=values, shape=())
        new = ops.broadcast_to(new, shape=shape)
        return ops.add(input, ops.index_add(new, *found, key=advanced, shape=input.shape))
    return ops.put(input, values, *found, key=advanced)


# ---------------------------------------------------------------------------------------------- masks


def masked_fill(input: Tensor, mask: Tensor, value: "Number | Tensor") -> Tensor:
    """input with one number wherever the mask holds."""
    if mask.dtype != bool:
        raise RuntimeError(f"masked_fill: the mask must hold truth values, got {describe(mask)}")
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(f"masked_fill: the value must be one number, got {describe(value)}; use where")
    if isinstance(value, float) and input.dtype.kind != "f":
        value = int(value)
    y = ops.where(mask, value, input)
    return y if y.dtype == input.dtype else ops.astype(y, dtype=input.dtype)


def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The numbers at which the mask holds, as a vector."""
    if mask.dtype != bool:
        raise RuntimeError(f"masked_select: the mask must hold truth values, got {describe(mask)}")
    shape = np.broadcast_shapes(input.shape, mask.shape)
    found = getitem(ops.broadcast_to(input, shape=shape), ops.broadcast_to(mask, shape=shape))
    return into(out, found, input, mask)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """input with the numbers of source, one after the other, where the mask holds."""
    if mask.dtype != bool or source.dtype != input.dtype:
        raise RuntimeError(
            f"masked_scatter: truth values, and a source of the dtype of input, are needed "
            f"[input {describe(input)}, mask {describe(mask)}, source {describe(source)}]"
        )
    input = ops.broadcast_to(input, shape=np.broadcast_shapes(input.shape, mask.shape))
    found = _found(ops.broadcast_to(mask, shape=input.shape))
    n = found[0].size if found else 0
    if n > source.array.size:
        raise RuntimeError(f"masked_scatter: the mask holds at {n} places, and source has {source.array.size} numbers")
    values = ops.getitem(ops.reshape(source, shape=(source.array.size,)), key=(slice(0, n),))
    return ops.put(input, values, *(_on_device(i, input) for i in found), key=(INDEX,) * input.ndim)


def _found(input: Tensor) -> tuple[Any, ...]:
    return np.nonzero(np.atleast_1d(backend_of(input.array).to_host(input.array)))


def nonzero(input: Tensor, *, as_tuple: bool = False, out: Tensor | None = None) -> Any:
    """Where the numbers are not 0: a row per place, or one vector per axis."""
    found = _found(input)
    if as_tuple:
        return tuple(_on_device(i, input) for i in found)
    rows = np.stack(found, 1)[:, : input.ndim] if found else np.zeros((0, 0), np.int64)
    return into(out, _on_device(rows, input))


argwhere = nonzero


# ---------------------------------------------------------------------------------------------- order


def _order(input: Tensor, axis: int, descending: bool) -> Tensor:
    """The places of the values in order; equal ones stay in theirs."""
    if not descending:
        return ops.argsort(input, axis=axis)
    back = ops.flip(ops.argsort(ops.flip(input, axis=axis), axis=axis), axis=axis)
    return ops.sub(input.shape[axis] - 1, back)


@both_spellings
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False, *,
    out: tuple[Tensor, Tensor] | None = None,
) -> ValuesAndIndices:  # fmt: skip
    """The values in order along a dim (NaN counts as the largest), and where each came from."""
    axis = axis_of(dim, input.ndim, "sort")
    x = _with_axis(input)
    indices = _order(x, axis, descending)
    values = ops.take_along_axis(x, indices, axis=axis)
    if not input.ndim:
        values, indices = ops.reshape(values, shape=()), ops.reshape(indices, shape=())
    return both_into(out, values, indices)


@both_spellings
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The places of the values in order along a dim."""
    axis = axis_of(dim, input.ndim, "argsort")
    indices = _order(_with_axis(input), axis, descending)
    return indices if input.ndim else ops.reshape(indices, shape=())


def msort(input: Tensor) -> Tensor:
    """The values in order along the first dim."""
    return sort(input, 0).values


@both_spellings
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, *,
    out: tuple[Tensor, Tensor] | None = None,
) -> ValuesAndIndices:  # fmt: skip
    """The k largest (or smallest) values along a dim, in order, and where they stand."""
    axis = axis_of(dim, input.ndim, "topk")
    x = _with_axis(input)
    if not 0 <= k <= x.shape[axis]:
        raise RuntimeError(f"topk: k = {k} is out of range for dim {axis}, which has {x.shape[axis]} entries")
    indices = ops.getitem(_order(x, axis, largest), key=(slice(None),) * axis + (slice(0, k),))
    values = ops.take_along_axis(x, indices, axis=axis)
    if not input.ndim:
        values, indices = ops.reshape(values, shape=()), ops.reshape(indices, shape=())
    return both_into(out, values, indices)


@both_spellings
def kthvalue(
    input: Tensor, k: int, dim: int = -1, keepdim: bool = False, *, out: tuple[Tensor, Tensor] | None = None
) -> ValuesAndIndices:
    """The k-th smallest value along a dim, and where it stands."""
    axis = axis_of(dim, input.ndim, "kthvalue")
    x = _with_axis(input)
    if not 1 <= k <= x.shape[axis]:
        raise RuntimeError(f"kthvalue: k = {k} is out of range for dim {axis}, which has {x.shape[axis]} entries")
    values, indices = sort(x, axis)
    key = (slice(None),) * axis + (slice(k - 1, k) if keepdim and input.ndim else k - 1,)
    return both_into(out, ops.getitem(values, key=key), ops.getitem(indices, key=key))


def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """Each value once, in order; with the place of every value among them, and how often each occurs."""
    host = backend_of(input.array).to_host(input.array)
    axis = None if dim is None else axis_of(dim, input.ndim, "unique")
    values, inverse, counts = np.unique(host, return_inverse=True, return_counts=True, axis=axis)
    results = [values]
    results += [inverse.reshape(host.shape if axis is None else -1)] if return_inverse else []
    results += [counts] if return_counts else []
    made = tuple(_on_device(np.require(r, requirements="C"), input) for r in results)
    return made if len(made) > 1 else made[0]


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2 … occurs in a vector of whole numbers (or the sum of its weights)."""
    host = backend_of(input.array).to_host(input.array)
    if input.ndim != 1 or host.dtype.kind not in "iu" or (host.size and host.min() < 0):
        raise RuntimeError(f"bincount: a vector of integers of 0 or more is needed, got {describe(input)}")
    add = None if weights is None else backend_of(weights.array).to_host(weights.array)
    counts = np.bincount(host, add, minlength)
    if weights is not None and weights.dtype.kind == "f":
        counts = counts.astype(weights.dtype)
    return _on_device(counts, input)


def searchsorted(
    sorted_sequence: Tensor, input: "Tensor | Number", *, out_int32: bool = False, right: bool = False,
    side: str | None = None, sorter: Tensor | None = None, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Where each value would go in an ascending sequence (in each row, where there are several)."""
    here = "right" if right or side == "right" else "left"
    if side not in (None, "left", "right") or (right and side == "left"):
        raise RuntimeError(f"searchsorted: side is 'left' or 'right', and must not contradict right; got {side!r}")
    if sorter is not None:
        sorted_sequence = gather(sorted_sequence, -1, sorter)
    rows = backend_of(sorted_sequence.array).to_host(sorted_sequence.array)
    values = backend_of(input.array).to_host(input.array) if isinstance(input, Tensor) else np.asarray(input)
    if rows.ndim == 1:
        found = np.searchsorted(rows, values, here)  # type: ignore[call-overload]
    else:
        if rows.shape[:-1] != values.shape[:-1]:
            raise ShapeError(f"searchsorted: all axes but the last must be equal, got {rows.shape} and {values.shape}")
        found = np.empty(values.shape, np.int64)
        for k in np.ndindex(rows.shape[:-1]):
            found[k] = np.searchsorted(rows[k], values[k], here)  # type: ignore[call-overload]
    return into(out, _on_device(np.asarray(found, "int32" if out_int32 else "int64"), sorted_sequence))


def bucketize(
    input: "Tensor | Number", boundaries: Tensor, *, out_int32: bool = False, right: bool = False,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """In which interval between boundaries each value lies."""
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


def isin(elements: Tensor, test_elements: Tensor, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Which elements occur among the test elements?"""
    a, b = (backend_of(t.array).to_host(t.array) for t in (elements, test_elements))
    return _on_device(np.isin(a, b, invert=invert), elements)


@both_spellings
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Without repetitions of the neighbour; with the group of every value, and how long each group is."""
    host = backend_of(input.array).to_host(input.array)
    axis = None if dim is None else axis_of(dim, input.ndim, "unique_consecutive")
    rows = host.ravel() if axis is None else np.moveaxis(host, axis, 0)
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(axis=tuple(range(1, rows.ndim)))
    values = rows[new] if axis is None else np.moveaxis(rows[new], 0, axis)
    group = new.cumsum() - 1
    results = [values]
    results += [group.reshape(host.shape) if axis is None else group] if return_inverse else []
    results += [np.bincount(group, minlength=int(new.sum()))] if return_counts else []
    made = tuple(_on_device(np.require(r, requirements="C"), input) for r in results)
    return made if len(made) > 1 else made[0]


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None) -> Tensor:
    """Where the numbers are not 0, in exactly `size` rows: the rest is left out, or filled up."""
    if size < 0:
        raise RuntimeError(f"nonzero_static: size cannot be negative, got {size}")
    rows = np.full((size, input.ndim), fill_value, np.int64)
    found = backend_of(input.array).to_host(nonzero(input).array)[:size]
    rows[: len(found)] = found
    return into(out, _on_device(rows, input))


def unravel_index(indices: Tensor, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """The places in a tensor of a shape that places in its flattened form stand for."""
    host = backend_of(indices.array).to_host(indices.array)
    return tuple(_on_device(np.asarray(i), indices) for i in np.unravel_index(host, tuple(shape)))
