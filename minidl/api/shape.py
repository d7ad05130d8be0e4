"""Shapes and axes: views where NumPy gives views, joining, splitting, repeating."""

import builtins
import itertools
import math
from collections.abc import Sequence
from typing import Any

from ..autograd import Tensor
from ..backend import check_dtype
from ..errors import RangeError, ShapeError, describe, what_is
from .arguments import Dim, axes_of, axis_of, both_spellings, into, named, ops, sizes_of, tensors_of
from .indexing import getitem

# ---------------------------------------------------------------------------------------------- another shape


def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same numbers in another shape, one size of which may be −1; a view where that can be."""
    return ops.reshape(input, shape=_filled(sizes_of(named(sizes, shape), "reshape"), input, "reshape"))


def _filled(shape: tuple[int, ...], input: Tensor, operation: str) -> tuple[int, ...]:
    """The shape with its −1 replaced, checked against the number of elements."""
    size = math.prod(input.shape)
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) > 1 or builtins.any(n < -1 for n in shape):
        raise RuntimeError(f"{operation}: a shape has sizes of 0 or more, and -1 at most once, got {shape}")
    if -1 in shape:
        if known == 0:
            raise RuntimeError(f"{operation}: in {shape} the size for -1 cannot be told, as the others multiply to 0")
        if size % known == 0:
            return tuple(size // known if n == -1 else n for n in shape)
    elif known == size:
        return shape
    raise ShapeError(f"{operation}: shape {shape} does not hold the {size} elements of input {describe(input)}")


def view(input: Tensor, *shape: Any) -> Tensor:
    """The same memory in another shape (refused where only a copy could have it), or read as another dtype."""
    if len(shape) == 1 and not isinstance(shape[0], (int, tuple, list)) and not hasattr(shape[0], "__index__"):
        return _reinterpreted(input, shape[0])
    y = ops.reshape(input, shape=_filled(sizes_of(shape, "view"), input, "view"))
    if y.memory is not input.memory and y.array.size:
        raise RuntimeError(
            f"view: shape {y.shape} needs a copy, because the axes it merges do not follow each other in memory "
            f"(strides {stride(input)}); use reshape, or contiguous() first [input {describe(input)}]"
        )
    return y


def _reinterpreted(input: Tensor, dtype: Any) -> Tensor:
    wanted = check_dtype(dtype, "view")
    if input.needs_grad and wanted != input.dtype:
        raise RuntimeError("view: bits read as another dtype have no gradient; detach() first")
    y = input.detach()
    y.array = input.array.view(wanted)
    return input if wanted == input.dtype else y


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """input.view(other.shape)."""
    return view(input, other.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """input.reshape(other.shape)."""
    return reshape(input, other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The axes from start_dim to end_dim merged into one."""
    first, last = axis_of(start_dim, input.ndim, "flatten"), axis_of(end_dim, input.ndim, "flatten")
    if first > last:
        raise RuntimeError(f"flatten: start_dim {start_dim} lies after end_dim {end_dim} [input {describe(input)}]")
    if input.ndim and first == last:
        return input
    shape = input.shape
    return ops.reshape(input, shape=(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All axes merged into one."""
    return ops.reshape(input, shape=(math.prod(input.shape),))


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """Grown by one number: pad holds how much before and after, the last axis first; less than 0 cuts."""
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise RuntimeError(f"constant_pad_nd: two numbers for each of some last axes are needed, got {tuple(pad)}")
    ends = ((0, 0),) * (input.ndim - len(pad) // 2) + tuple(zip(pad[::2], pad[1::2], strict=True))[::-1]
    grown = ops.pad(input, pad_width=tuple((builtins.max(a, 0), builtins.max(b, 0)) for a, b in ends))
    if value:
        inside = ops.pad(ops.ones_like(input, dtype=bool), pad_width=tuple((builtins.max(a, 0), builtins.max(b, 0))
                                                                            for a, b in ends))  # fmt: skip
        grown = ops.where(inside, grown, value)
    key = tuple(
        slice(builtins.max(-a, 0), n + builtins.min(b, 0) if b < 0 else None)
        for n, (a, b) in zip(grown.shape, ends, strict=True)
    )
    y = ops.getitem(grown, key=key)
    return ops.copy(y) if y.base is not None and y.memory is input.memory else y


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis split into several; one of the sizes may be −1."""
    axis = axis_of(dim, input.ndim, "unflatten")
    n, sizes = input.shape[axis], tuple(sizes)
    known = math.prod(s for s in sizes if s != -1)
    sizes = tuple(n // (known or 1) if s == -1 else s for s in sizes)
    if math.prod(sizes) != n:
        raise ShapeError(f"unflatten: sizes {sizes} do not multiply to the {n} entries of dim {axis}")
    return ops.reshape(input, shape=(*input.shape[:axis], *sizes, *input.shape[axis + 1 :]))


@both_spellings
def squeeze(input: Tensor, dim: Dim = None) -> Tensor:
    """Without the axes of length one (or those of them that dim names)."""
    axes = None if dim is None else axes_of(dim, input.ndim, "squeeze") or ()
    shape = tuple(n for k, n in enumerate(input.shape) if n != 1 or (axes is not None and k not in axes))
    return ops.reshape(input, shape=shape)


@both_spellings
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new axis of length one at dim."""
    axis = _new_axis(dim, input.ndim, "unsqueeze")
    return ops.reshape(input, shape=(*input.shape[:axis], 1, *input.shape[axis:]))


def _new_axis(dim: int, ndim: int, operation: str) -> int:
    if not -ndim - 1 <= dim <= ndim:
        raise IndexError(f"{operation}: dim {dim} is out of range; a new axis can stand at [{-ndim - 1}, {ndim}]")
    return dim % (ndim + 1)


def atleast_1d(*tensors: Any) -> Any:
    """With at least one axis."""
    return _at_least(tensors, lambda t: ops.reshape(t, shape=(1,)) if t.ndim < 1 else t)


def atleast_2d(*tensors: Any) -> Any:
    """With at least two axes; new ones come first."""
    return _at_least(tensors, lambda t: ops.reshape(t, shape=(1,) * (2 - t.ndim) + t.shape) if t.ndim < 2 else t)


def atleast_3d(*tensors: Any) -> Any:
    """With at least three axes: (n,) becomes (1, n, 1) and (n, m) becomes (n, m, 1)."""


    def grow(t: Tensor) -> Tensor:
        front = (1,) * (t.ndim < 2)
        return ops.reshape(t, shape=(*front, *t.shape, *(1,) * (3 - t.ndim - len(front)))) if t.ndim < 3 else t

    return _at_least(tensors, grow)


def _at_least(tensors: tuple[Any, ...], grow: Any) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return grow(tensors[0])
    return tuple(grow(t) for t in tensors_of(tensors[0] if len(tensors) == 1 else tensors, "atleast"))


# ---------------------------------------------------------------------------------------------- another order of axes


def permute(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """The axes in another order: dims[k] is where axis k of the result was."""
    order = tuple(axis_of(d, input.ndim, "permute") for d in sizes_of(named(axes, dims), "permute"))
    if sorted(order) != list(range(input.ndim)):
        raise RuntimeError(f"permute: dims must name each of the {input.ndim} axes once, got {order}")
    return ops.transpose(input, axes=order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes swapped."""
    a, b = axis_of(dim0, input.ndim, "transpose"), axis_of(dim1, input.ndim, "transpose")
    order = list(range(input.ndim))
    if order:
        order[a], order[b] = b, a
    return ops.transpose(input, axes=tuple(order))


swapaxes = swapdims = transpose


def t(input: Tensor) -> Tensor:
    """A matrix transposed; a vector or a number as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t: at most two axes can be transposed without naming them, got {describe(input)}")
    return ops.transpose(input, axes=tuple(range(input.ndim))[::-1])


def reversed_axes(input: Tensor) -> Tensor:
    """x.T: the axes in reverse."""
    return ops.transpose(input, axes=tuple(range(input.ndim))[::-1])


def matrices_transposed(input: Tensor) -> Tensor:
    """x.mT: the last two axes swapped."""
    if input.ndim < 2:
        raise RuntimeError(f"mT: at least two axes are needed, got {describe(input)}")
    return transpose(input, -2, -1)


def adjoint(input: Tensor) -> Tensor:
    """The last two axes swapped."""
    return matrices_transposed(input)


def movedim(input: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Axes moved to other places; the rest keep their order."""
    sources = (source,) if isinstance(source, int) else tuple(source)
    places = (destination,) if isinstance(destination, int) else tuple(destination)
    if len(sources) != len(places):
        raise RuntimeError(f"movedim: as many places as sources are needed, got {sources} and {places}")
    frm = axes_of(sources, input.ndim, "movedim") or ()
    to = axes_of(places, input.ndim, "movedim") or ()
    rest = iter(k for k in range(input.ndim) if k not in frm)
    order = tuple(frm[to.index(k)] if k in to else next(rest) for k in range(input.ndim))
    return ops.transpose(input, axes=order)


moveaxis = movedim


# ---------------------------------------------------------------------------------------------- repeating


def expand(input: Tensor, *sizes: Any) -> Tensor:
    """Axes of length one repeated without copying, and new ones in front; −1 keeps a size."""
    wanted = sizes_of(sizes, "expand")
    lead = len(wanted) - input.ndim
    if lead < 0:
        raise RuntimeError(f"expand: {wanted} has fewer axes than input {describe(input)}")
    shape = []
    for k, n in enumerate(wanted):
        have = input.shape[k - lead] if k >= lead else None
        if (n == -1 and have is None) or n < -1:
            raise RuntimeError(f"expand: size {n} is not allowed at axis {k} of {wanted}")
        if have not in (None, 1) and n not in (-1, have):
            raise ShapeError(f"expand: axis {k} has {have} entries, not 1, and so cannot become {n}")
        shape.append(have if n == -1 and have is not None else n)
    return ops.broadcast_to(input, shape=tuple(shape))


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """input.expand(other.shape)."""
    return expand(input, other.shape)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Axes of length one repeated without copying, and new ones in front."""
    return expand(input, tuple(size))


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """All tensors in the shape they have together."""
    found = tensors_of(tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors, "broadcast")
    shape = broadcast_shapes(*(x.shape for x in found))
    return tuple(ops.broadcast_to(x, shape=shape) for x in found)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes have together."""
    sizes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    width = builtins.max((len(s) for s in sizes), default=0)
    result = []
    for axis in range(-width, 0):
        here = {s[axis] for s in sizes if len(s) >= -axis} - {1}
        if len(here) > 1:
            raise ShapeError(f"broadcast: shapes {sizes} do not fit at axis {axis}: {sorted(here)} must be equal or 1")
        result.append(here.pop() if here else 1)
    return tuple(result)


def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The tensor laid out that many times along each axis; further axes come in front."""
    times = sizes_of(repeats, "repeat")
    lead = len(times) - input.ndim
    if lead < 0:
        raise RuntimeError(f"repeat: one number per axis is needed, got {times} for input {describe(input)}")
    if builtins.any(n < 0 for n in times):
        raise RuntimeError(f"repeat: nothing repeats a negative number of times, got {times}")
    shape = (1,) * lead + input.shape
    split = tuple(n for one in zip((1,) * len(times), shape, strict=True) for n in one)
    full = tuple(n for one in zip(times, shape, strict=True) for n in one)
    y = ops.broadcast_to(ops.reshape(input, shape=split), shape=full)
    y = ops.reshape(y, shape=tuple(r * n for r, n in zip(times, shape, strict=True)))
    return y if y.memory is not input.memory else ops.copy(y)


def tile(input: Tensor, *repeats: Any, dims: Any = None) -> Tensor:
    """As repeat; numbers that are missing in front count as one."""
    times = sizes_of(named(repeats, dims), "tile")
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@both_spellings
def repeat_interleave(
    input: Tensor, repeats: "int | Tensor", dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each entry along a dim (of the flattened tensor, without one) repeated in place."""
    x = ravel(input) if dim is None else input
    axis = axis_of(0 if dim is None else dim, x.ndim, "repeat_interleave")
    n = x.shape[axis]
    if isinstance(repeats, Tensor) and repeats.array.size == 1:
        repeats = int(repeats.array.reshape(())[()])
    if isinstance(repeats, int):
        if repeats < 0:
            raise RuntimeError(f"repeat_interleave: repeats cannot be negative, got {repeats}")
        shape = (*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :])
        y = ops.broadcast_to(unsqueeze(x, axis + 1), shape=shape)
        y = ops.reshape(y, shape=(*x.shape[:axis], n * repeats, *x.shape[axis + 1 :]))
        return y if y.memory is not input.memory else ops.copy(y)
    if not isinstance(repeats, Tensor):
        raise TypeError(f"repeat_interleave: repeats must be an integer or a tensor of them, got {what_is(repeats)}")
    counts = repeats.tolist()
    if len(counts) != n or builtins.any(c < 0 for c in counts):
        raise RuntimeError(f"repeat_interleave: {n} counts of 0 or more are needed, one per entry, got {counts}")
    return _entries(x, axis, [k for k, c in enumerate(counts) for _ in range(c)])


def _entries(input: Tensor, axis: int, places: list[int]) -> Tensor:
    """The entries at these places along an axis."""
    return getitem(input, (slice(None),) * axis + (places,))


# ---------------------------------------------------------------------------------------------- joining


@both_spellings
def cat(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors one after the other along an existing dim; vectors without entries fit everywhere."""
    found = tensors_of(tensors, "cat")
    ndim = builtins.max(x.ndim for x in found)
    if ndim == 0:
        raise RuntimeError("cat: tensors without axes cannot be joined; use stack")
    axis = axis_of(dim, ndim, "cat")
    parts = [x for x in found if x.shape != (0,)] or found[:1]
    for k, x in enumerate(parts):
        if x.ndim != parts[0].ndim or x.shape[:axis] + x.shape[axis + 1 :] != (
            parts[0].shape[:axis] + parts[0].shape[axis + 1 :]
        ):
            raise ShapeError(
                f"cat: sizes must be equal except along dim {axis}, but tensor 0 is {describe(parts[0])} "
                f"and tensor {k} is {describe(x)}"
            )
    return into(out, ops.concatenate(*parts, axis=axis), *found)


concat = concatenate = cat


@both_spellings
def stack(tensors: Sequence[Tensor], dim: int = 0, *, out: Tensor | None = None) -> Tensor:
    """Tensors of one shape along a new dim."""
    found = tensors_of(tensors, "stack")
    for k, x in enumerate(found):
        if x.shape != found[0].shape:
            raise ShapeError(f"stack: all shapes must be equal, but tensor 0 is {describe(found[0])} "
                             f"and tensor {k} is {describe(x)}")  # fmt: skip
    axis = _new_axis(dim, found[0].ndim, "stack")
    return into(out, ops.concatenate(*(unsqueeze(x, axis) for x in found), axis=axis))


def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Side by side: along the second axis, or the only one."""
    found = [atleast_1d(x) for x in tensors_of(tensors, "hstack")]
    return cat(found, 0 if found[0].ndim == 1 else 1, out=out)


def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """One above the other; vectors are rows."""
    return cat([atleast_2d(x) for x in tensors_of(tensors, "vstack")], 0, out=out)


row_stack = vstack


def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """One behind the other, along the third axis."""
    return cat([atleast_3d(x) for x in tensors_of(tensors, "dstack")], 2, out=out)


def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Side by side; vectors are columns."""
    found = tensors_of(tensors, "column_stack")
    return hstack([reshape(x, -1, 1) if x.ndim < 2 else x for x in found], out=out)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid, one tensor per axis; with "xy" the first two axes are swapped."""
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing is 'ij' or 'xy', got {indexing!r}")
    found = tensors_of(tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors, "meshgrid")
    axes = [ravel(x) for x in found]
    swap = indexing == "xy" and len(axes) > 1
    if swap:
        axes[:2] = axes[1::-1]
    shape = tuple(x.shape[0] for x in axes)
    grids = [
        ops.broadcast_to(ops.reshape(x, shape=tuple(n if i == k else 1 for i, n in enumerate(shape))), shape=shape)
        for k, x in enumerate(axes)
    ]
    if swap:
        grids[:2] = grids[1::-1]
    return tuple(grids)


# ---------------------------------------------------------------------------------------------- parts


def _between(input: Tensor, axis: int, start: int, stop: int) -> Tensor:
    return ops.getitem(input, key=(slice(None),) * axis + (slice(start, stop),))


def _axis_to_cut(input: Tensor, dim: int, operation: str) -> int:
    if not input.ndim:
        raise RuntimeError(f"{operation}: a tensor without axes has no parts")
    return axis_of(dim, input.ndim, operation)


@both_spellings
def split(input: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts along a dim: of one size (the last may be smaller), or of the sizes given."""
    axis = _axis_to_cut(input, dim, "split")
    n = input.shape[axis]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size < 0 or (size == 0 and n):
            raise RuntimeError(f"split: the size of a part must be positive, got {size}")
        return tuple(_between(input, axis, k, builtins.min(k + size, n)) for k in range(0, n, size or 1)) or (input,)
    sizes = list(split_size_or_sections)
    if builtins.sum(sizes) != n or builtins.any(s < 0 for s in sizes):
        raise RuntimeError(f"split: the sizes {sizes} must add up to the {n} entries of dim {axis}")
    ends = [builtins.sum(sizes[: k + 1]) for k in range(len(sizes))]
    return tuple(_between(input, axis, end - size, end) for end, size in zip(ends, sizes, strict=True))


@both_spellings
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most that many parts along a dim, all but the last of one size."""
    if chunks < 1:
        raise RuntimeError(f"chunk: at least one part is needed, got {chunks}")
    n = input.shape[_axis_to_cut(input, dim, "chunk")]
    return split(input, -(-n // chunks), dim) if n else (input,) * chunks


@both_spellings
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """So many parts whose sizes differ by one at most, or parts that begin at the indices given."""
    axis = _axis_to_cut(input, dim, "tensor_split")
    n = input.shape[axis]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        parts = indices_or_sections
        if parts < 1:
            raise RuntimeError(f"tensor_split: at least one part is needed, got {parts}")
        cuts = [k * (n // parts) + builtins.min(k, n % parts) for k in range(parts + 1)]
    else:
        cuts = [slice(k).indices(n)[1] for k in (0, *indices_or_sections)] + [n]
    return tuple(_between(input, axis, a, b) for a, b in zip(cuts, cuts[1:], strict=False))


@both_spellings
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Each entry along a dim, without it."""
    if not input.ndim:
        raise RangeError("unbind: a tensor without axes has no entries")
    axis = axis_of(dim, input.ndim, "unbind")
    return tuple(select(input, axis, k) for k in range(input.shape[axis]))


@both_spellings
def narrow(input: Tensor, dim: int, start: "int | Tensor", length: int) -> Tensor:
    """`length` entries along a dim, from `start` on."""
    if isinstance(start, Tensor) and start.dtype.kind not in "iu":
        raise RuntimeError(f"narrow: start must be a whole number, got {describe(start)}")
    axis, first = _axis_to_cut(input, dim, "narrow"), int(start)
    n = input.shape[axis]
    if not -n <= first <= n:
        raise IndexError(f"narrow: start {first} is out of range for dim {axis}, which has {n} entries")
    first %= n or 1 if first < 0 else n + 1
    if length < 0 or first + length > n:
        raise RuntimeError(f"narrow: {length} entries from {first} on are more than dim {axis} has ({n})")
    return _between(input, axis, first, first + length)


@both_spellings
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """One entry along a dim, without it."""
    if not input.ndim:
        raise IndexError("select: a tensor without axes has no entries to select")
    axis = axis_of(dim, input.ndim, "select")
    n = input.shape[axis]
    if not -n <= index < n:
        raise IndexError(f"select: index {index} is out of range for dim {axis}, which has {n} entries")
    return ops.getitem(input, key=(slice(None),) * axis + (int(index),))


# ---------------------------------------------------------------------------------------------- moving values


def flip(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """Reversed along dims."""
    axes = axes_of(sizes_of(named(axes, dims), "flip"), input.ndim, "flip") or ()
    return ops.flip(input, axis=axes) if axes else ops.copy(input)


def fliplr(input: Tensor) -> Tensor:
    """Each row reversed."""
    _matrices(input, "fliplr")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """The rows in reverse order."""
    if not input.ndim:
        raise RuntimeError("flipud: at least one axis is needed, got a tensor without axes")
    return flip(input, 0)


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned by k quarters, from the first of dims towards the second."""
    if len(dims) != 2 or input.ndim < 2 or dims[0] % input.ndim == dims[1] % input.ndim:
        raise RuntimeError(f"rot90: two different dims are needed, got {tuple(dims)} of input {describe(input)}")
    a, b = (axis_of(d, input.ndim, "rot90") for d in dims)
    if k % 4 == 2:
        return flip(input, a, b)
    if k % 4 == 0:
        return ops.copy(input)
    return flip(transpose(input, a, b), a if k % 4 == 1 else b)


def roll(input: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """Shifted along dims (flattened, without any): what leaves at one end comes in at the other."""
    if dims is None or (not isinstance(dims, int) and not len(dims)):
        several = (shifts,) if isinstance(shifts, int) else tuple(shifts)
        if len(several) != 1:
            raise RuntimeError(f"roll: one shift is needed where there are no dims, got {several}")
        shift = several[0]
        return ops.reshape(ops.roll(ravel(input), shift=shift, axis=0), shape=input.shape)
    if not input.ndim:
        raise IndexError(f"roll: a tensor without axes has no dim {dims}")
    several = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    axes = tuple(axis_of(d, input.ndim, "roll") for d in ((dims,) if isinstance(dims, int) else dims))
    if len(several) != len(axes):
        raise RuntimeError(f"roll: one shift per dim is needed, got shifts {several} and dims {axes}")
    return ops.roll(input, shift=several, axis=axes)


def tril(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """What lies on and below a diagonal of the last two axes; zeros elsewhere."""
    _matrices(input, "tril")
    return into(out, ops.tril(input, k=diagonal))


def triu(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """What lies on and above a diagonal of the last two axes; zeros elsewhere."""
    _matrices(input, "triu")
    return into(out, ops.triu(input, k=diagonal))


def _matrices(input: Tensor, operation: str) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"{operation}: at least two axes are needed, got {describe(input)}")


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A diagonal of two axes, as a last axis: a view."""
    a, b = axis_of(dim1, input.ndim, "diagonal"), axis_of(dim2, input.ndim, "diagonal")
    if a == b or input.ndim < 2:
        raise RuntimeError(f"diagonal: two different axes are needed, got dims {dim1} and {dim2} of {describe(input)}")
    return ops.diagonal(input, offset=offset, axis1=a, axis2=b)


def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """The diagonal of a matrix; of a vector, the matrix that has it on its diagonal."""
    if input.ndim == 1:
        return into(out, diag_embed(input, diagonal))
    if input.ndim != 2:
        raise RuntimeError(f"diag: a matrix or a vector is needed, got {describe(input)}")
    return into(out, ops.copy(ops.diagonal(input, offset=diagonal, axis1=0, axis2=1)))


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The last axis on a diagonal of two new ones, zeros elsewhere."""
    a, b = axis_of(dim1, input.ndim + 1, "diag_embed"), axis_of(dim2, input.ndim + 1, "diag_embed")
    if a == b:
        raise RuntimeError(f"diag_embed: two different axes are needed, got dims {dim1} and {dim2}")
    n, rest = input.shape[-1] + builtins.abs(offset), iter(input.shape[:-1])
    shape = tuple(n if k in (a, b) else next(rest) for k in range(input.ndim + 1))
    return ops.diag_embed(input, offset=offset, axis1=a, axis2=b, shape=shape)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """All values on the diagonal of a matrix."""
    return diag_embed(ravel(input), offset)


# ---------------------------------------------------------------------------------------------- memory


def contiguous(input: Tensor) -> Tensor:
    """The tensor itself where its values follow each other in memory, else a copy where they do."""
    return input if input.array.flags.c_contiguous else ops.copy(input)


def clone(input: Tensor, *, memory_format: object = None) -> Tensor:
    """A copy that stays part of the graph."""
    return ops.copy(input)


def is_contiguous(input: Tensor, memory_format: object = None) -> bool:
    """Do the values follow each other in memory?"""
    return bool(input.array.flags.c_contiguous)


def stride(input: Tensor, dim: int | None = None) -> Any:
    """How many elements lie between neighbours along each axis, or along one."""
    steps = tuple(s // input.array.itemsize for s in input.array.strides)
    return steps if dim is None else steps[axis_of(dim, input.ndim, "stride")]


def size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or the length of one axis."""
    return input.shape if dim is None else input.shape[axis_of(dim, input.ndim, "size")]


def numel(input: Tensor) -> int:
    """How many elements there are."""
    return math.prod(input.shape)


def element_size(input: Tensor) -> int:
    """How many bytes one element takes."""
    return int(input.array.itemsize)


def dim(input: Tensor) -> int:
    """How many axes there are."""
    return input.ndim


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of a size along a dimension, a step apart, as a last axis."""
    axis = axis_of(dimension, input.ndim, "unfold")
    n = input.shape[axis] if input.ndim else 1
    if size > n or size < 0 or step < 1:
        raise RuntimeError(f"unfold: windows of {size}, {step} apart, do not fit dim {axis} with its {n} entries")
    starts = range(0, n - size + 1, step)
    places = [start + k for start in starts for k in range(size)]
    if not input.ndim:
        return reshape(input, 1)[:size]
    y = _entries(input, axis, places)
    y = ops.reshape(y, shape=(*input.shape[:axis], len(starts), size, *input.shape[axis + 1 :]))
    return movedim(y, axis + 1, -1)


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts of these sizes along a dim."""
    return split(input, split_sizes, dim)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the second axis, or the only one."""
    return tensor_split(input, indices_or_sections, 0 if input.ndim == 1 else 1)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the third axis."""
    if input.ndim < 3:
        raise RuntimeError(f"dsplit: at least three axes are needed, got {describe(input)}")
    return tensor_split(input, indices_or_sections, 2)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Parts along the first axis."""
    return tensor_split(input, indices_or_sections, 0)


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Summed over the axes along which a tensor of that size would be broadcast to this one."""
    shape = sizes_of(size, "sum_to_size")
    if broadcast_shapes(shape, input.shape) != input.shape:
        raise ShapeError(f"sum_to_size: {shape} does not broadcast to input {describe(input)}")
    if shape == input.shape and shape:
        return input
    return ops.sum_to(input if input.dtype.kind == "f" else ops.astype(input, dtype="int64"), shape=shape)


def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices one after the other along the diagonal, zeros elsewhere."""
    blocks = [atleast_2d(t) for t in tensors]
    columns, left, rows = builtins.sum(b.shape[1] for b in blocks), 0, []
    for b in blocks:
        rows.append(ops.pad(b, pad_width=((0, 0), (left, columns - left - b.shape[1]))))
        left += b.shape[1]
    return ops.concatenate(*rows, axis=0)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Every choice of one number from each vector, a row each."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([ravel(g) for g in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Every choice of r numbers of a vector, a row each."""
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = [k for row in choose(range(input.shape[0]), r) for k in row]
    return ops.reshape(_entries(input, 0, places), shape=(len(places) // (r or 1), r))
