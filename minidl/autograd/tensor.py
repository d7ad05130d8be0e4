"""Tensor: an array that remembers which record made it. The operators are ops, bound when these register."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import BACKENDS, NUMPY, check_dtype, device, device_of, get_default_dtype
from .memory import Memory

if TYPE_CHECKING:  # the methods users see are written, and typed, in api/ and bound from there
    from ..api.methods import Methods
else:
    Methods = object


# Which operators an op becomes when it registers; True where the operands come swapped.
OPERATORS: dict[str, tuple[tuple[str, bool], ...]] = {
    **{name: ((f"__{name}__", False), (f"__r{name}__", True)) for name in ("add", "sub", "mul", "matmul")},
    "div": (("__truediv__", False), ("__rtruediv__", True)),
    "floor_divide": (("__floordiv__", False), ("__rfloordiv__", True)),
    "mod": (("__mod__", False), ("__rmod__", True)),
    "pow": (("__pow__", False), ("__rpow__", True)),
    "neg": (("__neg__", False),),
    "abs": (("__abs__", False),),
    **{name: ((f"__{name}__", False),) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{f"bitwise_{name}": ((f"__{name}__", False), (f"__r{name}__", True)) for name in ("and", "or", "xor")},
    "bitwise_not": (("__invert__", False),),
}


class Node:
    """The record of one call: what backward needs, and nothing the forward pass could have freed.

    `inputs` are edges: the Node (or an Output of one with several) that made the value; the Tensor
    itself, where it is a leaf or a constant; else the plain number or None that was passed.
    """

    __slots__ = ("__weakref__", "dtype", "hooks", "inputs", "memory", "number", "op", "params", "shape", "vjps")
    op: Any
    inputs: tuple[Any, ...]
    params: dict[str, Any]
    vjps: Any  # a function per input, None where no gradient is wanted; or one function that returns all
    shape: Any  # of the value; with several values a tuple of shapes, and so for dtype and memory
    dtype: Any
    memory: Any
    number: int  # on the clock of memory.py
    hooks: "dict[int, Any] | None"  # on the gradient of the value, by (an id, output index)


class Output:
    """One value of a node: by index where it has several; a replayed one (index None) has memory of its own."""

    __slots__ = ("dtype", "index", "memory", "node", "shape")

    def __init__(self, node: Node, index: int | None, memory: Memory | None = None) -> None:
        self.node, self.index = node, index
        self.shape = node.shape if index is None else node.shape[index]
        self.dtype = node.dtype if index is None else node.dtype[index]
        self.memory = memory if index is None else node.memory[index]


class Tensor(Methods):
    """A multi-dimensional array of one dtype on one device that can be differentiated.

    `Tensor(values)` makes a float tensor of nested lists; `minidl.tensor` also infers the dtype."""

    __slots__ = ("__weakref__", "array", "base", "grad", "hooks", "memory", "needs_grad", "node")
    array: Any  # the numbers, in a backend's array
    node: "Node | Output | None"  # what made it; None for a leaf
    memory: Memory
    base: "Tensor | None"  # the tensor whose memory this one views
    grad: "Tensor | None"
    hooks: "dict[int, Any] | None"  # a leaf's, by id
    needs_grad: bool

    __array_ufunc__ = None  # ndarray + tensor is the tensor's business
    __hash__ = object.__hash__

    def __init__(self, data: Any = (), requires_grad: bool = False) -> None:
        if type(data) in BACKENDS:
            self.array = data
        else:
            values = NUMPY.asarray(data)
            self.array = values if isinstance(data, np.generic) else values.astype(get_default_dtype())
        check_dtype(self.array.dtype, "Tensor")
        self.grad = self.node = self.base = self.hooks = None
        self.memory = Memory()
        self.needs_grad = False
        if requires_grad:
            self.requires_grad = True

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape  # type: ignore[no-any-return]  # arrays are untyped

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim  # type: ignore[no-any-return]  # arrays are untyped

    @property
    def device(self) -> device:
        return device_of(self.array)

    @property
    def is_leaf(self) -> bool:
        """True for a tensor that no recorded operation made; only leaves keep their gradient."""
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
    def data(self) -> "Tensor":
        """The same memory outside the graph. Writing through it after the tensor was recorded is noticed."""
        return self.detach()

    @data.setter
    def data(self, value: "Tensor") -> None:
        share(self, value)
        self.memory.written(self.array)

    def detach(self) -> "Tensor":
        """The same memory, cut off from the graph; writes are seen on both sides."""
        return view_of(self, self.array)


def make(array: Any, requires_grad: bool, node: Any, memory: Memory) -> Tensor:
    """A Tensor around an array, without checks: the fast way for the engine."""
    t = _new(Tensor)
    t.array, t.needs_grad, t.node, t.memory = array, requires_grad, node, memory
    t.grad = t.base = t.hooks = None
    return t


_new = Tensor.__new__


def share(t: Tensor, other: Tensor) -> None:
    """Let `t` stand for the memory of another tensor."""
    t.array, t.memory, t.base = other.array, other.memory, other.base


def view_of(t: Tensor, array: Any) -> Tensor:
    """A Tensor outside the graph that shares the memory of `t`."""
    return make(array, False, None, t.memory)
