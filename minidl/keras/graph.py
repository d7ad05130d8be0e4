"""The functional form: a layer called on a KerasTensor runs nothing, it notes what will be run.

Shapes are found by running the layer on the device "meta", where arrays are shapes. An axis of unknown size stands
for two sizes, one after the other; whatever axis of the result differs between the two is unknown again."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

from ..api import empty, zeros
from ..autograd import Tensor, no_grad
from ..viz.costs import without_numbers

SIZES = (64, 160)  # of an unknown axis: large and far enough apart for a stack of convolutions and pools
Shape = tuple[int | None, ...]


class Node:
    """One call of a layer: its arguments, in which KerasTensors stand for what is to come, and its results."""

    def __init__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.layer, self.args, self.kwargs = layer, args, kwargs
        self.outputs: list[KerasTensor] = []
        self.result: Any = None  # the outputs, nested as the layer returned them

    @property
    def inputs(self) -> "list[KerasTensor]":
        return [t for t in flat((self.args, self.kwargs)) if isinstance(t, KerasTensor)]


class KerasTensor:
    """What a tensor will be: its shape, the batch's axis unknown, and the call that makes it."""

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None, node: Node | None = None) -> None:
        self.shape: Shape = tuple(shape)
        self.dtype, self.name, self.node = dtype, name, node

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __bool__(self) -> bool:
        raise TypeError("a KerasTensor has no value yet: it stands for one until the model runs")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a KerasTensor cannot be iterated over: index it, or let a Lambda layer do it")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a KerasTensor has no numbers: put NumPy's function into a Lambda layer, or use a layer")

    def __getitem__(self, index: Any) -> "KerasTensor":
        return _operation("getitem")(self, index)

    __array_ufunc__ = None
    __add__ = lambda self, other: _operation("add")(self, other)
    __radd__ = lambda self, other: _operation("add")(other, self)
    __sub__ = lambda self, other: _operation("sub")(self, other)
    __rsub__ = lambda self, other: _operation("sub")(other, self)
    __mul__ = lambda self, other: _operation("mul")(self, other)
    __rmul__ = lambda self, other: _operation("mul")(other, self)
    __truediv__ = lambda self, other: _operation("truediv")(self, other)
    __rtruediv__ = lambda self, other: _operation("truediv")(other, self)
    __matmul__ = lambda self, other: _operation("matmul")(self, other)
    __pow__ = lambda self, other: _operation("pow")(self, other)
    __neg__ = lambda self: _operation("mul")(-1, self)


def _operation(name: str) -> Any:
    from .layers.core import Operation

    return Operation(name)


OPERATORS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "matmul", "pow", "getitem")
}


def flat(value: Any) -> Iterator[Any]:
    """What stands in nested lists, tuples and dicts."""
    if isinstance(value, dict):
        for item in value.values():
            yield from flat(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from flat(item)
    else:
        yield value


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The same nest with the function's results in place of its values."""
    if isinstance(value, dict):
        return {key: mapped(function, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(function, item) for item in value)
    return function(value)


def is_symbolic(*values: Any) -> bool:
    return any(isinstance(t, KerasTensor) for t in flat(values))


def connect(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Note a call; the KerasTensors of its results."""
    node = Node(layer, args, kwargs)
    shapes = _shapes_through(layer, args, kwargs)
    number = len(layer.nodes)

    def stands_for(shape_and_dtype: tuple[Shape, Any]) -> KerasTensor:
        t = KerasTensor(*shape_and_dtype, f"{layer.name}_{number}_{len(node.outputs)}", node)
        node.outputs.append(t)
        return t

    node.result = _mapped_shapes(stands_for, shapes)
    layer.nodes.append(node)
    return node.result


class _Shape(tuple):
    """(shape, dtype) of a result, told apart from a tuple of results."""


def _mapped_shapes(function: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, (list, tuple)) and not isinstance(value, _Shape):
        return type(value)(_mapped_shapes(function, item) for item in value)
    return function(value)


def _shapes_through(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    def sized(n: int, make: Callable[..., Tensor], **where: Any) -> Any:
        fill = lambda t: make([n if d is None else d for d in t.shape], dtype=t.dtype, **where)
        return mapped(lambda t: fill(t) if isinstance(t, KerasTensor) else t, (args, kwargs))

    run = lambda given, named: layer(*given, **named)
    with no_grad():
        layer.build_for(mapped(lambda t: t.shape if isinstance(t, KerasTensor) else t, args), args)
        if not all(inner.built for inner in layer.inner_layers()):  # in a class of the user's: built by a run
            run(*sized(2, zeros))
        try:
            with without_numbers(layer, "eval"):
                return _both(*(run(*sized(n, empty, device="meta")) for n in SIZES))
        except Exception:  # a layer of the user's that brings numbers of its own; or it is wrong, and will say so again
            return _both(*(run(*sized(n, zeros)) for n in SIZES))


def _both(one: Any, other: Any) -> Any:
    if isinstance(one, (list, tuple)):
        return type(one)(_both(a, b) for a, b in zip(one, other))
    shape = tuple(m if m == n else None for m, n in zip(one.shape, other.shape))
    return _Shape((shape, str(one.dtype)))


def nodes_between(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[Node]:
    """The calls that lead from the inputs to the outputs, each after those it needs."""
    order: list[Node] = []
    done = {id(t) for t in inputs}
    seen: set[int] = set()
    stack = [(t, False) for t in reversed(outputs)]
    while stack:
        t, ready = stack.pop()
        if id(t) in done:
            continue
        if t.node is None:
            raise ValueError(
                f"Model: the outputs depend on the input {t.name!r} {t.shape}, which is not among the inputs given"
            )
        if ready:
            if id(t.node) not in seen:
                seen.add(id(t.node))
                order.append(t.node)
            done.update(id(out) for out in t.node.outputs)
        else:
            stack.append((t, True))
            stack.extend((needed, False) for needed in reversed(t.node.inputs))
    return order
