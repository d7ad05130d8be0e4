"""Writing into a tensor: the new value is an ordinary op's, the tensor takes over its record."""

from typing import Any

from ..backend import INDEX, backend_of
from ..backend.dtypes import can_cast
from ..errors import ShapeError, describe
from .memory import Memory
from .modes import modes
from .op import OPS, Op
from .tensor import Tensor, make


def write(op: Op, t: Tensor, *args: Any, **params: Any) -> Tensor:
    """t ← op(t, ...) in t's own memory; every view of it sees the new values."""
    taking_part = modes.recording and (t.needs_grad or any(isinstance(a, Tensor) and a.needs_grad for a in args))
    if taking_part and t.needs_grad and t.node is None:
        raise RuntimeError(
            f"{op.name}: a leaf that requires gradients ({describe(t)}) cannot be written in place while operations are "
            "recorded; write under no_grad(), or use the out-of-place operation"
        )
    if taking_part and t.base is not None and t.base.needs_grad and t.base.node is None:
        raise RuntimeError(f"{op.name}: this is a view of a leaf that requires gradients; write under no_grad()")
    operands = [t, *args]
    if taking_part:  # formulas keep what they read, so let them read copies of what is about to be overwritten
        operands = [_copy(a) if isinstance(a, Tensor) and a.memory is t.memory else a for a in operands]
    new = op(*operands, **params)
    if new.shape != t.shape:
        raise ShapeError(f"{op.name}: the result has shape {new.shape} and does not fit in place into {describe(t)}")
    if not can_cast(new.dtype, t.dtype):
        raise RuntimeError(f"{op.name}: a {new.dtype} result cannot be written into a {t.dtype} tensor in place")
    if new.node is not None and new.dtype != t.dtype:
        new = OPS.astype(new, dtype=t.dtype)
    try:
        t.array[...] = new.array
    except ValueError as error:  # NumPy's read-only views, such as those of expand
        raise RuntimeError(f"{op.name}: this tensor's memory cannot be written (an expanded view?); clone it first") from error
    if new.node is None:
        t.memory.written(t.array)
        return t
    t.node, t.needs_grad, new.node.memory = new.node, True, t.memory
    t.memory.written(t.array, new.node.number)
    base = t.base
    if base is not None:  # its history, too, now contains the write
        places = Tensor(backend_of(t.array).places(t.array, base.array))
        old = _copy(base)
        flat = OPS.put(OPS.reshape(old, shape=(-1,)), t, places, key=(INDEX,))
        base.node, base.needs_grad = OPS.reshape(flat, shape=base.shape).node, True
        base.node.memory = t.memory
    return t


def _copy(t: Tensor) -> Tensor:
    """The same place in the graph, with memory of its own."""
    return make(t.array.copy(), t.needs_grad, t.node, Memory())
