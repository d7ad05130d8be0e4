"""Writing into a tensor: the new value is an ordinary op's, and the tensor takes over its record."""

from typing import Any

from ..backend import INDEX, backend_of
from ..backend.dtypes import can_cast
from ..errors import ShapeError, describe
from .memory import Memory
from .modes import modes
from .op import OPS, look, take_over
from .tensor import Tensor, make


def write(op: Any, t: Tensor, *args: Any, **params: Any) -> Tensor:
    """t ← op(t, ...) in t's own memory; every view of it sees the new values."""
    base = t.base
    if modes.recording:
        look((t, *args), False)
    recorded = modes.recording and (t.needs_grad or any(isinstance(a, Tensor) and a.needs_grad for a in args))
    if recorded and any(s is not None and s.needs_grad and s.node is None for s in (t, base)):
        raise RuntimeError(
            f"{op.name}: a leaf that requires gradients, or a view of one ({describe(t)}), cannot be written in place "
            "while operations are recorded; write under no_grad(), or use the operation that makes a new tensor"
        )
    operands = [t, *args]
    flat = places = None
    if recorded:  # formulas keep what they read, so let them read copies of what is about to be overwritten
        operands = [_copy(a) if isinstance(a, Tensor) and a.memory is t.memory else a for a in operands]
        if base is not None:
            flat = OPS.reshape(_copy(base), shape=(-1,))
            places = Tensor(backend_of(t.array).places(t.array, base.array))
    new = op(*operands, **params)
    if new.shape != t.shape:
        raise ShapeError(f"{op.name}: the result has shape {new.shape}, which does not fit in place into {describe(t)}")
    if not can_cast(new.dtype, t.dtype):
        raise RuntimeError(f"{op.name}: a {new.dtype} result cannot be written in place into a {t.dtype} tensor")
    if new.node is not None and new.dtype != t.dtype:
        new = OPS.astype(new, dtype=t.dtype)
    try:
        t.array[...] = new.array
    except ValueError as error:  # NumPy protects views that repeat elements, such as expand's
        raise RuntimeError(f"{op.name}: this memory cannot be written (an expanded view?); clone it first") from error
    t.memory.written(t.array, 0 if new.node is None else new.node.number)
    if recorded:
        take_over(t, new)
        if base is not None:  # the write is now part of its history, too
            take_over(base, OPS.reshape(OPS.put(flat, t, places, key=(INDEX,)), shape=base.shape))
    return t


def _copy(t: Tensor) -> Tensor:
    """The same place in the graph, with memory of its own."""
    return make(t.array.copy(), t.needs_grad, t.node, Memory())
