"""The multiply-adds of one call, forward and for each gradient: counted by the shapes-only run of the op's own formula.

The rules are those of `minidl.summary` (backend/meta.py); only shapes are kept of a call, and the count is made when
somebody asks for it, once for all calls alike."""

from dataclasses import dataclass, field
from functools import lru_cache
from types import FunctionType
from typing import Any

from ..autograd import Op
from ..backend import BACKENDS, BatchArray, backend_of
from ..backend.meta import META, MetaArray


@dataclass(frozen=True)
class Like:
    """All that a count asks of an array."""

    shape: tuple[int, ...]
    dtype: Any
    batch: tuple[int, int] | None = None  # of vmap: level and count; the shape then begins with the samples
    inner: "Like | None" = None

    @classmethod
    def of(cls, value: Any) -> Any:
        if type(value) is BatchArray:
            return cls(value.shape, value.dtype, (value.level, value.count), cls.of(value.values))
        return cls(value.shape, value.dtype) if type(value) in BACKENDS else value

    def array(self) -> Any:
        if self.batch is not None and self.inner is not None:
            return BatchArray(self.inner.array(), *self.batch)
        return MetaArray(self.shape, self.dtype)

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


@dataclass(frozen=True)
class Call:
    """An op, and what it was called on, as far as a count asks."""

    op: Op
    operands: tuple[Any, ...]
    text: str  # of the static arguments
    params: dict[str, Any] = field(compare=False)

    @classmethod
    def of(cls, op: Op, operands: Any, params: dict[str, Any]) -> "Call":
        return cls(op, tuple(Like.of(x) for x in operands), repr(params) if params else "", params)

    @property
    def shapes(self) -> list[Any]:
        return [list(x.shape) if isinstance(x, Like) else x for x in self.operands]


@dataclass(frozen=True)
class Work:
    """None where a shape is not enough to know it."""

    forward: int | None
    backward: tuple[int | None, ...] | int | None  # for each operand, or for all together


@lru_cache(maxsize=10_000)
def work(call: Call) -> Work:
    if any(isinstance(v, FunctionType) for v in call.params.values()):
        return Work(0, 0)  # a hook of the user's: not ours to call
    arrays = [x.array() if isinstance(x, Like) else x for x in call.operands]
    xp = next((backend_of(a) for a in arrays if type(a) in BACKENDS), META)
    forward, made = counted(lambda: call.op.formula(xp, *arrays, **call.params))
    if forward is None:
        return Work(None, None)
    if not (type(made) is tuple and len(made) == 2 and (callable(made[1]) or type(made[1]) is tuple)):
        return Work(forward, 0)  # a composite: its formula gives the value alone
    y, vjps = made
    ys = enumerate(y) if type(y) is tuple else [(-1, y)]
    gs = [Like.of(v).array() for k, v in ys if v.dtype.kind == "f" and k not in call.op.constant]
    if callable(vjps):
        return Work(forward, counted(lambda: vjps(*gs))[0])
    return Work(forward, tuple(0 if vjp is None else counted(lambda vjp=vjp: vjp(*gs))[0] for vjp in vjps))


def counted(run: Any) -> tuple[int | None, Any]:
    """How many multiply-adds a run on shapes took, and what came out."""
    before = META.multiply_adds
    try:
        result = run()
    except Exception:  # what depends on numbers has no answer here
        return None, None
    return META.multiply_adds - before, result
