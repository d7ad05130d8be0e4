"""x[...]: reading and writing by position, by mask and by index arrays.

A key is applied in PyTorch's two steps: first what only looks elsewhere in the same memory (numbers,
slices, None), then index arrays, whose axes stand together where the arrays stood, or first where
something stood between them. Every index is checked here, on the host: a GPU would wrap it silently."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd import OPS, Tensor, write
from ..autograd.modes import modes
from ..backend import INDEX, NUMPY, backend_of, move
from ..errors import ShapeError, describe

Basic = tuple[Any, ...]


def getitem(input: Tensor, key: Any) -> Tensor:
    """input[key]: a view for numbers, slices and None; a copy for masks and index arrays."""
    basic, advanced, indices = parse(input, key)
    if basic is not None:
        input = OPS.getitem(input, key=basic)
    return OPS.getitem(input, *indices, key=advanced) if indices else input


def setitem(input: Tensor, key: Any, value: Any) -> None:
    """input[key] = value, in place; gradients flow to what stays and to the value."""
    basic, advanced, indices = parse(input, key)
    if indices and basic is not None:  # write through the view that the first step gives
        input = OPS.getitem(input, key=basic)
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
        value = OPS.reshape(value, shape=value.shape[1:])
    try:
        np.broadcast_to(np.empty(value.shape, bool), shape)
    except ValueError:
        raise ShapeError(f"[]=: a value of shape {value.shape} does not fit into the selected shape {shape}") from None
    if value.device != input.device:
        if value.ndim:
            raise RuntimeError(f"[]=: the value is on {value.device}, the tensor on {input.device}; move one (.to)")
        value = Tensor(move(value.array, input.device)) if not value.needs_grad else value
    return value if value.dtype == input.dtype else OPS.astype(value, dtype=input.dtype)


def region(shape: tuple[int, ...], place: Basic, indices: Sequence[Any]) -> tuple[int, ...]:
    """The shape that a parsed key selects; nothing is copied."""
    rest = iter(np.broadcast_to(np.intp(0), i.shape) for i in indices)
    probe = np.broadcast_to(np.bool_(0), tuple(max(n, 1) if indices else n for n in shape))
    selected = probe[tuple(next(rest) if part is INDEX else part for part in place)]
    if not indices or 0 not in shape:
        return selected.shape
    return np.empty(shape, bool)[tuple(p if p is not INDEX else np.zeros(i.shape, int)
                                       for p, i in zip(place, indices))].shape


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
            if part.size:
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
    return part.ndim if part.dtype == bool else 1  # type: ignore[no-any-return]  # arrays are untyped


assert NUMPY.array_type is np.ndarray
