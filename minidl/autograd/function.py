"""Operations whose forward and backward are the user's own, in PyTorch's form:

    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    y = Cube.apply(x)

Where both are formulas, `@op` says the same in one piece and proves it; this is for what is no formula. A call is
recorded as any other: its record holds the context, and its vjp runs `backward` on tensors.
"""

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import Any

from ..errors import describe, what_is
from .memory import Memory, tick
from .modes import enable_grad, modes, no_grad
from .op import OPS, value_node
from .tensor import Node, Tensor, make


class Context:
    """What `forward` leaves for `backward`; any other attribute may be set, too."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad  # for each argument of apply
        self.materialize_grads = True
        self.dirty: tuple[Tensor, ...] = ()
        self.constants: tuple[Tensor, ...] = ()
        self._saved: tuple[Any, ...] = ()
        self._stamps: tuple[int, ...] = ()
        self._record: Callable[[], Node | None] = lambda: None
        self._made: dict[int, int] = {}  # which of the saved tensors are results: place among the saved -> output

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep arguments and results; `saved_tensors` gives them back, and finds out if they were overwritten."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward: tensors are saved, got {what_is(t)}; set an attribute of ctx")
        self._saved = tensors

    save_for_forward = save_for_backward  # for PyTorch's forward mode, which here is two backwards

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which arguments `forward` wrote in place; they must be returned."""
        self.dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which results have no gradient."""
        self.constants = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether a result that nothing depends on gives `backward` zeros (True) or None."""
        self.materialize_grads = bool(value)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved, connected to the graph as it was."""
        record, found = self._record(), []
        for k, (t, stamp) in enumerate(zip(self._saved, self._stamps)):
            if t is not None and t.memory.stamp > stamp:
                raise RuntimeError(
                    f"saved_tensors: tensor {k} ({describe(t)}) was overwritten in place after it was saved; clone it "
                    "first, or write out of place"
                )
            if k in self._made and record is not None:
                node = _value_of(record, self._made[k])
                t = make(t.array, node is not None, node, t.memory)
            found.append(t)
        return tuple(found)

    def _close(self, outputs: list[Tensor]) -> None:
        """After forward: note when what was saved was last written; of results keep the numbers, not the tensors,
        whose records keep this context."""
        self._stamps = tuple(0 if t is None else t.memory.stamp for t in self._saved)
        places = {id(y): k for k, y in enumerate(outputs)}
        self._made = {k: places[id(t)] for k, t in enumerate(self._saved) if id(t) in places}
        self._saved = tuple(
            make(t.array, False, None, t.memory) if k in self._made else t for k, t in enumerate(self._saved)
        )


class Function:
    """The base: subclasses write `forward` and `backward` as static methods, and are called by `apply`.

    forward(ctx, *args), or forward(*args) and setup_context(ctx, inputs, output). backward(ctx, *grads) gets a gradient
    for each result and returns one for each argument of apply: None for what is no tensor, or needs none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(f"{type(self).__name__} is not to be instantiated: call {type(self).__name__}.apply(...)")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function needs a static method forward(ctx, *args)")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        raise NotImplementedError("setup_context(ctx, inputs, output) goes with a forward that takes no ctx")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError("a Function needs a static method backward(ctx, *grads) to be differentiated")

    vjp = backward  # PyTorch's other name for it

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise NotImplementedError("derivatives forward are made of backward here: jvp is never called")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run forward, and record it where a gradient will be asked for."""
        name = cls.__name__
        for method in ("forward", "backward", "setup_context", "vjp"):
            if not isinstance(inspect.getattr_static(cls, method), staticmethod):
                raise RuntimeError(f"{name}.{method} must be a static method: write @staticmethod above it")
        wanted = tuple(isinstance(a, Tensor) and a.needs_grad for a in args)
        ctx = Context(wanted)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
        several = isinstance(result, (tuple, list))
        outputs = list(result) if several else [result]
        lost = [t for t in ctx.dirty if all(t is not y for y in outputs)]
        if lost:
            raise RuntimeError(f"{name}.forward: what mark_dirty names ({describe(lost[0])}) must be returned")
        recording = modes.recording and True in wanted
        if recording and any(t.needs_grad and t.node is None for t in ctx.dirty):
            raise RuntimeError(f"{name}.forward: a leaf that requires gradients cannot be written in place")
        alive = [y for y in outputs if isinstance(y, Tensor)]
        made = iter(_recorded(cls, ctx, args, alive) if recording else _plain(ctx, alive))
        ctx._close(alive)
        outputs = [next(made) if isinstance(y, Tensor) else y for y in outputs]
        return tuple(outputs) if several else outputs[0]


class Step:
    """What stands for the op in the record of one call of a Function."""

    promote, constant = None, ()

    def __init__(self, name: str, arguments: list[str], values: list[Tensor], vjps: Any, fills: bool) -> None:
        self.name, self.arguments, self.values, self.vjps, self.fills = name, arguments, values, vjps, fills

    def formula(self, xp: Any, *operands: Any) -> Any:
        """What replay asks for: the values are kept, as forward may be anything but a pure function."""
        return self.values[0] if len(self.values) == 1 else tuple(self.values), self.vjps


def _plain(ctx: Context, outputs: list[Tensor]) -> list[Tensor]:
    """The outputs, without history."""
    return [y if _among(y, ctx.dirty) else make(y.array, False, None, y.memory) for y in outputs]


def _recorded(cls: type[Function], ctx: Context, args: tuple[Any, ...], outputs: list[Tensor]) -> list[Tensor]:
    """The outputs, as results of one record."""
    name, tensors = cls.__name__, [k for k, a in enumerate(args) if isinstance(a, Tensor)]
    kept = [not _among(y, ctx.constants) and y.dtype.kind == "f" for y in outputs]
    live = [k for k, keep in enumerate(kept) if keep]
    shapes = [args[k].shape for k in tensors]
    if not live:
        return _plain(ctx, outputs)

    def vjps(*gs: Any) -> list[Any]:
        again = any(isinstance(g, Tensor) for g in gs)
        given: list[Any] = [None if keep or not ctx.materialize_grads else _zeros(y) for keep, y in zip(kept, plain)]
        for k, g in zip(live, gs):
            given[k] = g if g is None or again else Tensor(g)
        with enable_grad() if again else no_grad():
            found = cls.backward(ctx, *given) if cls.vjp is Function.vjp else cls.vjp(ctx, *given)
        found = _checked(name, found, len(args), tensors, shapes)
        return [g if g is None or again or not isinstance(g, Tensor) else g.array for g in found]

    plain = [make(y.array, False, None, y.memory) for y in outputs]
    before = [make(a.array, False, None, a.memory) if _among(a, ctx.dirty) else a for a in args]
    names = [p.name for p in inspect.signature(cls.forward).parameters.values()]
    names = names[cls.setup_context is Function.setup_context :]
    names = [names[k] for k in tensors] if len(names) == len(args) else [f"argument {k + 1}" for k in tensors]
    inputs = [args[k].node or before[k] for k in tensors]
    node, records = recorded(Step(name, names, plain, vjps, ctx.materialize_grads), inputs, vjps, outputs, kept)
    ctx._record = weakref.ref(node)
    results = []
    for y, record in zip(outputs, records):
        if _among(y, ctx.dirty):  # the argument itself is the result
            y.memory.written(y.array, node.number)
            y.node, y.needs_grad = record, record is not None
            results.append(y)
        else:
            results.append(make(y.array, record is not None, record, y.memory))
    return results


def recorded(
    step: Step, inputs: list[Any], vjps: Any, outputs: list[Tensor], kept: list[bool]
) -> tuple[Node, list[Node | None]]:
    """The record of a step from inputs to outputs, and that of each output; None for those not kept."""
    node = Node.__new__(Node)
    node.op, node.inputs, node.params, node.vjps = step, inputs, {}, vjps
    node.hooks, node.number = None, tick()
    if len(outputs) == 1:
        node.shape, node.dtype, node.memory = outputs[0].shape, outputs[0].dtype, outputs[0].memory
        return node, [node if kept[0] else None]
    kinds = [(y.shape, y.dtype) if keep else None for y, keep in zip(outputs, kept)]
    node.shape, node.dtype, node.memory = kinds, None, Memory()  # type: ignore[assignment]  # as op.py has it
    return node, [value_node(node, k, y.array, y.memory) if kept[k] else None for k, y in enumerate(outputs)]


def _value_of(record: Node, k: int) -> Node | None:
    """The record of the k-th output, made anew: the first one's may be gone."""
    kinds: Any = record.shape
    if isinstance(kinds, tuple):
        return record
    y = record.op.values[k]
    return value_node(record, k, y.array, y.memory) if kinds[k] is not None else None


def _checked(name: str, found: Any, count: int, tensors: list[int], shapes: list[tuple[int, ...]]) -> list[Any]:
    """The gradients of the tensors among the arguments, once there is one for each argument and all fit."""
    gs = list(found) if isinstance(found, (tuple, list)) else [found]
    if len(gs) > count and all(g is None for g in gs[count:]):
        gs = gs[:count]
    if len(gs) != count:
        raise RuntimeError(
            f"{name}.backward returned an incorrect number of gradients (expected {count}, got {len(gs)}): one for "
            "each argument of forward, None for what needs none"
        )
    for k, g in enumerate(gs):
        if g is not None and not isinstance(g, Tensor):
            raise TypeError(f"{name}.backward: gradient {k} must be a tensor or None, got {what_is(g)}")
        if g is not None and k not in tensors:
            raise RuntimeError(f"{name}.backward: gradient {k} must be None, as argument {k} of forward is no tensor")
    for k, shape in zip(tensors, shapes):
        if gs[k] is not None and not _expands(shape, gs[k].shape):
            raise RuntimeError(
                f"{name}.backward returned an invalid gradient at index {k}: got {gs[k].shape} but expected shape "
                f"compatible with {shape}"
            )
    return [gs[k] for k in tensors]


def _expands(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """May a shape be broadcast to another?"""
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(shape[::-1], to[::-1]))


def _among(t: Any, tensors: tuple[Tensor, ...]) -> bool:
    return any(t is other for other in tensors)


def _zeros(t: Tensor) -> Tensor:
    with no_grad():
        zeros: Tensor = OPS.zeros_like(t)
    return zeros


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator for a backward that cannot be differentiated itself: a second derivative is then refused."""

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            found = backward(ctx, *grads)
        if not modes.recording:
            return found
        gs = found if isinstance(found, (tuple, list)) else (found,)
        made = tuple(_Once.apply(g, *grads) if isinstance(g, Tensor) else g for g in gs)
        return made if isinstance(found, (tuple, list)) else made[0]

    return once


class _Once(Function):
    """A gradient that stands in the graph for one purpose: to say that it has no derivative."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, *grads: Any) -> Tensor:
        return gradient

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError("this gradient comes from a function marked with @once_differentiable: it has no derivative")
