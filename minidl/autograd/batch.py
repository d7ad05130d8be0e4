"""Batches and the graph: into a batch and out again are recorded as any other step, so gradients pass through."""

import threading
from typing import Any

from ..backend.batch import BatchArray, level
from .function import Function
from .memory import Memory
from .modes import modes
from .op import LIFT, OPS
from .tensor import Tensor, make


class _Active(threading.local):
    """The batches that this thread is inside of, the innermost last: their levels and sizes."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int]] = []


active = _Active()


class Batch:
    """In this block, tensors may stand for samples of a new innermost batch."""

    def __init__(self, count: int) -> None:
        self.level, self.count = level(), count
        if not LIFT:
            LIFT.append(lifted)

    def __enter__(self) -> "Batch":
        active.batches.append((self.level, self.count))
        return self

    def __exit__(self, *error: object) -> None:
        active.batches.pop()

    def take(self, t: Tensor, dim: int) -> Tensor:
        """One sample's view of a tensor that has an axis of samples."""
        axes = (dim, *(k for k in range(t.ndim) if k != dim))
        taken: Tensor = _Enter.apply(OPS.transpose(t, axes=axes) if dim else t, self.level, self.count)
        return taken

    def give(self, t: Tensor, dim: int) -> Tensor:
        """All samples' values of a tensor, along a new axis."""
        y: Tensor = _Exit.apply(t if self.holds(t) else _Lift.apply(t, self.level, self.count))
        axes = list(range(1, y.ndim))
        axes.insert(dim, 0)
        moved: Tensor = OPS.transpose(y, axes=tuple(axes)) if dim else y
        return moved

    def holds(self, t: Tensor) -> bool:
        """Does the tensor differ from sample to sample?"""
        return isinstance(t.array, BatchArray) and t.array.level == self.level


def lifted(args: Any) -> Any:
    """The operands of one op in one batch, the innermost: what is the same for all its samples is so here, too."""
    held = [a.array for a in args if isinstance(a, Tensor) and isinstance(a.array, BatchArray)]
    if not held:
        return args
    inner = max(held, key=lambda array: array.level)
    return tuple(into(a, inner.level, inner.count) if isinstance(a, Tensor) else a for a in args)


def into(t: Tensor, level: int, count: int) -> Tensor:
    """A tensor as one of a batch, of which all samples are the same where it is none yet."""
    if isinstance(t.array, BatchArray) and t.array.level == level:
        return t
    if t.needs_grad and modes.recording:
        lifted: Tensor = _Lift.apply(t, level, count)
        return lifted
    return make(_shared(t, level, count), False, None, t.memory)


def innermost(t: Tensor) -> Tensor:
    """A tensor as one of the innermost batch we are in: a derivative with respect to it is each sample's own."""
    return into(t, *active.batches[-1]) if active.batches else t


def like_samples(t: Tensor, like: Tensor) -> Tensor:
    """A new tensor as one of the batch that another is of, with memory for each sample."""
    if not isinstance(like.array, BatchArray):
        return t
    batch = like.array
    values = batch.like(like_samples(t, make(batch.values, False, None, like.memory)).array[None]).full().copy()
    return make(batch.like(values), t.needs_grad, None, Memory())


def every_sample(t: Tensor) -> Tensor:
    """The values of all samples of all batches together."""
    array = t.array
    while isinstance(array, BatchArray):
        array = array.values
    return t if array is t.array else make(array, False, None, t.memory)


def _shared(t: Tensor, level: int, count: int) -> BatchArray:
    return BatchArray(t.array.reshape((1, *t.array.shape)), level, count)


class _Enter(Function):
    """(count, *shape) as `shape` for each sample."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, level: int, count: int) -> Tensor:
        return make(BatchArray(x.array, level, count), False, None, x.memory)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return _Exit.apply(g), None, None


class _Exit(Function):
    """And back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.batch = x.array.level, x.array.count
        values = x.array.full()
        return make(values if values is x.array.values else values.copy(), False, None, x.memory)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return _Enter.apply(g, *ctx.batch)


class _Lift(Function):
    """A tensor from outside, the same for each sample; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, level: int, count: int) -> Tensor:
        ctx.batch = level, count
        return make(_shared(x, level, count), False, None, x.memory)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return OPS.sum(_Exit.apply(into(g, *ctx.batch)), axis=(0,)), None, None
