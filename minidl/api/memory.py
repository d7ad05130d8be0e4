"""Memory: where a tensor's numbers lie, other views of the same memory, parts of a copy overwritten."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..autograd.modes import modes
from ..backend import backend_of, check_dtype, move
from ..errors import ShapeError, describe
from .arguments import DType, both_spellings, into, ops, shape_of, sizes_of
from .creation import Device, made
from .indexing import getitem
from .shape import diagonal, narrow, select
from .shape import stride as strides_of


def storage_offset(input: Tensor) -> int:
    """How many elements of the memory come before the first."""
    return (data_ptr(input) - backend_of(input.array).extent(input.array)[0]) // input.array.itemsize


def data_ptr(input: Tensor) -> int:
    """The address of the first element."""
    return backend_of(input.array).address(input.array)


def _whole(input: Tensor) -> Tensor:
    """The tensor that owns the memory, as a vector."""
    owner = input if input.base is None else input.base
    if not owner.array.flags.c_contiguous:
        raise RuntimeError("as_strided: the tensor must be contiguous, or a view of one that is; clone it first")
    return ops.reshape(owner, shape=(owner.array.size,))


def _strides(size: Any, steps: Any, offset: int, n: int, operation: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    shape, strides = shape_of((size,), operation), sizes_of((steps,), operation)
    if len(shape) != len(strides) or min(strides, default=0) < 0 or offset < 0:
        raise RuntimeError(f"{operation}: one stride of 0 or more per size is needed, got {shape} and {strides}")
    last = offset + sum((m - 1) * s for m, s in zip(shape, strides, strict=True))
    if 0 not in shape and last >= n:
        raise RuntimeError(f"{operation}: size {shape} with strides {strides} reaches element {last} of {n}")
    return shape, strides


def _places(shape: Sequence[int], steps: Sequence[int], offset: int) -> Any:
    """Where in a vector the elements of such a view stand."""
    places = np.full(tuple(shape), offset, np.int64)
    for index, step in zip(np.indices(tuple(shape)), steps, strict=True):
        places += index * step
    return places


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """A view of the memory in which neighbours along axis k lie stride[k] elements apart."""
    flat, first = _whole(input), _offset(input)
    offset = first if storage_offset is None else storage_offset
    shape, steps = _strides(size, stride, offset, flat.array.size, "as_strided")
    if input.requires_grad and not flat.requires_grad:  # a leaf in the middle of other memory: the gradient is its own
        places = move(_places(input.shape, strides_of(input), first), input.device)
        flat = ops.put(flat, input, Tensor(places), key=("index",))
    return ops.as_strided(flat, shape=shape, steps=steps, offset=offset)


_offset = storage_offset


def as_strided_(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The tensor itself as such a view. In place."""
    from .inplace import become

    return become(input, as_strided(input, size, stride, storage_offset), "as_strided_")


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None, *, out: Tensor | None = None
) -> Tensor:
    """A copy of input with src in the places of such a view."""
    offset = storage_offset or 0
    shape, steps = _strides(size, stride, offset, input.array.size, "as_strided_scatter")
    places = move(_places(shape, steps, offset), input.device)
    y = ops.put(ops.reshape(input, shape=(input.array.size,)), src, Tensor(places), key=("index",))
    return into(out, ops.reshape(y, shape=input.shape))


def empty_strided(
    size: Any, stride: Any, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """Memory whose contents mean nothing yet, with neighbours along axis k stride[k] elements apart."""
    from .creation import zeros

    shape, steps = shape_of((size,), "empty_strided"), sizes_of((stride,), "empty_strided")
    n = 0 if 0 in shape else 1 + sum((m - 1) * s for m, s in zip(shape, steps, strict=True))
    y = as_strided(zeros(n, dtype=dtype, device=device), shape, steps).detach()
    y.requires_grad = requires_grad
    return y


def new_empty_strided(
    input: Tensor, size: Any, stride: Any, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """As empty_strided, of the dtype and device of input."""
    kind, where = input.dtype if dtype is None else dtype, input.device if device is None else device
    return empty_strided(size, stride, dtype=kind, device=where, requires_grad=requires_grad)


def empty_permuted(
    size: Any, physical_layout: Any, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """Memory whose contents mean nothing yet, with the axes in the order physical_layout from outside to inside."""
    shape = shape_of((size,), "empty_permuted")
    if sorted(physical_layout) != list(range(len(shape))):
        raise RuntimeError(f"empty_permuted: physical_layout must name each axis once, got {tuple(physical_layout)}")
    steps = [math.prod(shape[a] for a in physical_layout[k + 1 :]) for k in range(len(shape))]
    stride = [steps[list(physical_layout).index(axis)] for axis in range(len(shape))]
    return empty_strided(shape, stride, dtype=dtype, device=device, requires_grad=requires_grad)


def frombuffer(
    buffer: Any, *, dtype: DType, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A vector in the memory of an object with Python's buffer interface."""
    array = np.frombuffer(buffer, check_dtype(dtype, "frombuffer"), count, offset)
    if not array.flags.writeable:
        return made(array.copy(), None, requires_grad)  # what may not be written must not change under a tensor
    y = Tensor(array, requires_grad)
    y.memory.expose(array, read=False)
    return y


def resize_(input: Tensor, *sizes: Any, memory_format: object = None) -> Tensor:
    """Another shape, in place; further elements mean nothing."""
    if modes.recording and input.needs_grad:
        raise RuntimeError("resize_: a tensor that requires gradients keeps its shape; use reshape, or detach() first")
    shape = shape_of(sizes, "resize_")
    n, flat = math.prod(shape), ops.reshape(input.detach(), shape=(input.array.size,))
    if n > flat.array.size:
        flat = ops.pad(flat, pad_width=((0, n - flat.array.size),))
    input.data = ops.reshape(ops.getitem(flat, key=(slice(0, n),)), shape=shape)
    return input


def resize_as_(input: Tensor, other: Tensor, *, memory_format: object = None) -> Tensor:
    """The shape of another tensor, in place."""
    return resize_(input, other.shape)


def set_(input: Tensor, source: Tensor | None = None) -> Tensor:
    """The memory and shape of another tensor (of nothing, without one), in place."""
    input.data = ops.zeros_like(input, shape=(0,)) if source is None else source
    return input


# ---------------------------------------------------------------------------------------------- parts of a copy


def _written(input: Tensor, src: Tensor, view: Tensor, places: Tensor, operation: str) -> Tensor:
    """A copy of input with src where a view of its places points."""
    if src.shape != view.shape:
        raise ShapeError(f"{operation}: src must have shape {view.shape}, got {describe(src)}")
    flat = ops.reshape(input, shape=(input.array.size,))
    src = src if src.dtype == input.dtype else ops.astype(src, dtype=input.dtype)
    return ops.reshape(ops.put(flat, src, places, key=("index",)), shape=input.shape)


def _numbered(input: Tensor) -> Tensor:
    return ops.reshape(ops.arange_like(input, n=input.array.size), shape=input.shape)


@both_spellings
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of input with src as its entry at an index along a dim."""
    view = select(_numbered(input), dim, index)
    return _written(input, src, view, view, "select_scatter")


@both_spellings
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    """A copy of input with src in place of input[start:end:step] along a dim."""
    numbered = _numbered(input)
    view = getitem(numbered, (slice(None),) * (dim % input.ndim) + (slice(start, end, step),))
    return _written(input, src, view, view, "slice_scatter")


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A copy of input with src on a diagonal."""
    view = diagonal(_numbered(input), offset, dim1, dim2)
    return _written(input, src, view, view, "diagonal_scatter")


@both_spellings
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """As narrow, in memory of its own."""
    return ops.copy(narrow(input, dim, start, length))


# ---------------------------------------------------------------------------------------------- what a tensor is


def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Have the two the same memory, shape and strides?"""
    first, second = ((data_ptr(t), t.shape, strides_of(t)) for t in (input, tensor))
    return first == second


def get_device(input: Tensor) -> int:
    """The number of the GPU; −1 on the CPU."""
    return -1 if input.device.type == "cpu" else input.device.index or 0


def dim_order(input: Tensor) -> tuple[int, ...]:
    """The axes from the outermost in memory to the innermost."""
    steps: Sequence[int] = strides_of(input)
    return tuple(sorted(range(input.ndim), key=lambda k: -steps[k]))


def is_conj(input: Tensor) -> bool:
    """Is a complex conjugate still to be taken? Never: all numbers are real."""
    return False


def is_neg(input: Tensor) -> bool:
    """Is a sign still to be changed? Never: it is changed at once."""
    return False


def is_inference(input: Tensor) -> bool:
    """Was it made for inference only? Never: inference_mode records nothing, and its results are like any others."""
    return False


def is_pinned(input: Tensor) -> bool:
    """Is the memory locked for the GPU? It never is."""
    return False


def is_shared(input: Tensor) -> bool:
    """Do other processes see the memory? They never do: they get copies."""
    return False


def itself(input: Tensor) -> Tensor:
    """The tensor itself: what it would undo, real numbers on one device do not have."""
    return input


def apply_(input: Tensor, callable: Any) -> Tensor:
    """Each number replaced by a Python function of it, in place. Slow; on the CPU only."""
    return map_(input, None, lambda x, _: callable(x))


def map_(input: Tensor, tensor: Tensor | None, callable: Any) -> Tensor:
    """Each number replaced by a Python function of it and of another tensor's number, in place."""
    from .indexing import setitem

    if input.needs_grad and modes.recording:
        raise RuntimeError("map_, apply_: a Python function of single numbers has no gradient; detach() first")
    others = np.zeros(input.shape) if tensor is None else np.broadcast_to(tensor.array, input.shape)
    values = [callable(x, y) for x, y in zip(input.array.ravel().tolist(), others.ravel().tolist(), strict=True)]
    setitem(input, ..., Tensor(np.array(values, input.dtype).reshape(input.shape)))
    return input
