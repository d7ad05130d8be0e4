"""A tensor's place in the graph: its record, its gradient, and hooks on that."""

import itertools
import math
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import autograd
from ..autograd import Tensor
from ..autograd.tensor import Node
from ..errors import describe
from .arguments import ops

Hook = Callable[[Tensor], Any]

_ids = itertools.count(1).__next__


def backward(
    self: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
    inputs: Any = None,
) -> None:  # fmt: skip
    """Add the gradient of this tensor to the `.grad` of every leaf it depends on (of `inputs`, if given)."""
    autograd.backward(self, gradient, retain_graph, create_graph, inputs)


def grad_fn(self: Tensor) -> Node | None:
    """The record of the operation that made this tensor; None for a leaf."""
    return self.node


class AccumulateGrad(NamedTuple):
    """Where a gradient ends: at a leaf, to whose `.grad` it is added."""

    variable: Tensor

    @property
    def next_functions(self) -> tuple[Any, ...]:
        return ()


def next_functions(self: Node) -> tuple[tuple[Any, int], ...]:
    """What made the operands, each with a 0: a record; AccumulateGrad, of a leaf; None, where no gradient goes."""
    wanted = self.vjps if isinstance(self.vjps, tuple) else (True,) * len(self.inputs)
    found = []
    for edge, vjp in zip(self.inputs, wanted):
        leaf = isinstance(edge, Tensor) and edge.needs_grad
        goes = vjp is not None and (leaf or isinstance(edge, Node))
        found.append((AccumulateGrad(edge) if leaf else edge if goes else None, 0))
    return tuple(found)


setattr(Node, "next_functions", property(next_functions))  # noqa: B010  # the engine has no use for it


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Ask (or no longer ask) for the gradient of this leaf; returns it."""
    self.requires_grad = requires_grad
    return self


def detach(input: Tensor) -> Tensor:
    """The same memory, cut off from the graph."""
    return input.detach()


def detach_(self: Tensor) -> Tensor:
    """Cut this tensor off from the graph, in place."""
    if self.base is not None:
        raise RuntimeError("detach_: this is a view, and would lose the history it shares with its base; use detach()")
    self.node, self.needs_grad = None, False
    return self


class RemovableHandle:
    """What register_hook returns: `remove()` takes the hook away; so does leaving a `with`."""

    def __init__(self, hooks: dict[float, Any], key: float) -> None:
        self._hooks, self.id = hooks, key

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> "RemovableHandle":
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()


def register_hook(self: Tensor, hook: Hook) -> RemovableHandle:
    """Call a function with this tensor's gradient whenever it is computed; what it returns takes its place."""
    return _hook(self, hook, _ids(), "register_hook")


def _hook(t: Tensor, hook: Hook, key: float, operation: str) -> RemovableHandle:
    if not t.needs_grad:
        raise RuntimeError(f"{operation}: this tensor ({describe(t)}) does not require gradients, so none will come")
    owner = t.node or t
    if owner.hooks is None:
        owner.hooks = {}
    owner.hooks[key] = hook
    return RemovableHandle(owner.hooks, key)


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this result in its `.grad`, as leaves do."""
    if self.node is None and self.needs_grad:
        return
    alive = weakref.ref(self)  # the hook must not keep the tensor that keeps the record that keeps the hook

    def keep(g: Tensor) -> None:
        t = alive()
        if t is not None:
            t.grad = ops.copy(g) if t.grad is None else ops.add(t.grad, g)

    _hook(self, keep, math.inf, "retain_grad")  # the last: it sees what all others have made of the gradient


def retains_grad(self: Tensor) -> bool:
    """Does this result keep its gradient?"""
    return self.node is not None and math.inf in (self.node.hooks or {})
