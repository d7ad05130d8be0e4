"""Tensor: an array that knows the record of what made it. Operators and methods are bound from above."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import BACKENDS, NUMPY, Size, check_dtype, device, device_of, get_default_dtype
from ..errors import must_be_alike, must_be_tensor
from .memory import Memory

if TYPE_CHECKING:  # the methods users see are written, and typed, in api/
    from ..api.methods import Methods
else:
    Methods = object

# Which operators an op becomes when it registers; True where the operands come swapped.
OPERATORS: dict[str, tuple[tuple[str, bool], ...]] = {
    **{n: ((f"__{n}__", False), (f"__r{n}__", True)) for n in ("add", "sub", "mul", "matmul", "mod", "pow")},
    "div": (("__truediv__", False), ("__rtruediv__", True)),
    "floor_divide": (("__floordiv__", False), ("__rfloordiv__", True)),
    **{name: ((f"__{name}__", False),) for name in ("neg", "abs", "eq", "ne", "lt", "le", "gt", "ge")},
    **{f"bitwise_{name}": ((f"__{name}__", False), (f"__r{name}__", True)) for name in ("and", "or", "xor")},
    "bitwise_not": (("__invert__", False),),
}


class Node:
    """The record of one call: what backward needs, and nothing the forward pass could have freed."""

    __slots__ = ("__weakref__", "dtype", "hooks", "inputs", "memory", "number", "op", "params", "shape", "vjps")
    op: Any
    inputs: Any  # per operand: the Node that made it; the Tensor, if a leaf or a constant; else the number or None
    params: dict[str, Any]
    vjps: Any  # per operand a function, None where no gradient is wanted; or one function that returns them all
    shape: tuple[int, ...]  # of the value
    dtype: Any
    memory: Memory
    number: int  # on the clock of memory.py
    hooks: "dict[float, Callable[[Tensor], Tensor | None]] | None"  # on the gradient of the value


class Tensor(Methods):
    """A multi-dimensional array of one dtype on one device that can be differentiated.

    `Tensor(values)` makes floats of nested lists, `Tensor(2, 3)` anything of these sizes; `minidl.tensor` also infers
    the dtype."""

    __slots__ = ("__weakref__", "_grad", "array", "base", "hooks", "memory", "needs_grad", "node")
    array: Any  # the numbers, as a backend's array
    node: Node | None  # what made it; None for a leaf
    needs_grad: bool
    _grad: "Tensor | None"
    memory: Memory
    base: "Tensor | None"  # the tensor whose memory this one views
    hooks: "dict[float, Callable[[Tensor], Tensor | None]] | None"  # a leaf's

    __array_ufunc__ = None  # ndarray + tensor is the tensor's business
    __hash__ = object.__hash__

    def __init__(self, data: Any = (), requires_grad: Any = False, *sizes: int) -> None:
        if type(data) is int or type(data) is Size:
            more = () if isinstance(requires_grad, bool) else (requires_grad, *sizes)  # an int: the second of the sizes
            data = np.empty((data, *more) if type(data) is int else data, dtype=get_default_dtype())
            requires_grad = requires_grad is True
        elif type(data) not in BACKENDS:
            values = NUMPY.asarray(data)
            data = values if isinstance(data, np.generic) else values.astype(get_default_dtype())
        check_dtype(data.dtype, "Tensor")
        self.array, self.memory, self.needs_grad = data, Memory(), False
        self._grad = self.node = self.base = self.hooks = None
        if requires_grad:
            self.requires_grad = True

    @property
    def shape(self) -> Size:
        return Size(self.array.shape)

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def device(self) -> device:
        return device_of(self.array)

    @property
    def is_leaf(self) -> bool:
        """True where no recorded operation made it; only leaves keep their gradient."""
        return self.node is None

    @property
    def requires_grad(self) -> bool:
        return self.needs_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and self.array.dtype.kind != "f":
            raise RuntimeError(f"only floating-point tensors can require gradients, and this one is {self.dtype}")
        if self.node is not None and not value:
            raise RuntimeError("requires_grad can only be switched off on leaves; use detach() to cut a result off")
        self.needs_grad = bool(value)

    @property
    def grad(self) -> "Tensor | None":
        """What backward added up; None before the first."""
        return self._grad

    @grad.setter
    def grad(self, value: "Tensor | None") -> None:
        if value is not None:
            must_be_alike("grad", value, self)
        self._grad = value

    @property
    def data(self) -> "Tensor":
        """The same memory, outside the graph; a write through it after the tensor was recorded is noticed."""
        return self.detach()

    @data.setter
    def data(self, value: "Tensor") -> None:
        must_be_tensor("data", value)
        share(self, value)
        self.memory.written(self.array)

    def detach(self) -> "Tensor":
        """The same memory, cut off from the graph; writes are seen on both sides."""
        return make(self.array, False, None, self.memory)


_new = Tensor.__new__


def make(array: Any, needs_grad: bool, node: Node | None, memory: Memory) -> Tensor:
    """A Tensor around an array, without checks: the engine's way."""
    t = _new(Tensor)
    t.array, t.needs_grad, t.node, t.memory = array, needs_grad, node, memory
    t._grad = t.base = t.hooks = None
    return t


def share(t: Tensor, other: Tensor) -> None:
    """Let `t` stand for the memory of another tensor."""
    t.array, t.memory, t.base = other.array, other.memory, other.base
