"""Checkpoints: forget what a part of the network computed, and compute it again when backward comes to it.

Memory for time (Chen et al. 2016): of the part only its inputs are kept. The part is recorded as one step whose vjp
runs it once more, with the same random numbers, and passes the gradient through what that recorded."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import Node, Tensor, enable_grad, is_grad_enabled
from ..autograd.backward import differentiate, reachable
from ..autograd.function import Step, recorded
from ..autograd.memory import tick
from ..autograd.tensor import make
from ..backend import default_generator
from ..func.tree import leaves, rebuilt


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn, determinism_check: str = "default",
    debug: bool = False, early_stop: bool = True, **kwargs: Any,
) -> Any:  # fmt: skip
    """function(*args, **kwargs), of which backward keeps the arguments only, and runs the function again.

    preserve_rng_state (True): the second run draws the same random numbers. context_fn gives a context for each of the
    two runs. PyTorch's two ways of doing this (use_reentrant) are one here; `debug` and `early_stop` change nothing."""
    preserve = kwargs.pop("preserve_rng_state", True)
    if determinism_check not in ("default", "none"):
        raise ValueError(f'checkpoint: determinism_check is "default" or "none", got {determinism_check!r}')
    first, second = context_fn()
    state = default_generator.get_state() if preserve else None
    start = tick()
    with first:
        result = function(*args, **kwargs)
    if not is_grad_enabled():
        return result
    outputs = _made(result, start)
    if not outputs:
        return result
    step = _Again(function, args, kwargs, state, second, outputs if determinism_check == "default" else None)
    step.edges = _edges(outputs, start)
    given = [t for t in leaves((args, kwargs)) if isinstance(t, Tensor) and not t.needs_grad]
    held = [t.array for t in leaves((args, kwargs)) if isinstance(t, Tensor)]
    held += [edge.array for edge in step.edges if isinstance(edge, Tensor)]

    def vjps(*gs: Any) -> list[Any]:
        assert held is not None  # that these arrays are not overwritten before: the engine looks for them here
        ys, since = step.run()
        found = differentiate(*_live(ys, [g if g is None else Tensor(g) for g in gs]), None, False, False, since)
        return [found.get(edge) for edge in step.edges] + [None] * len(given)

    plain = [make(y.array, False, None, y.memory) for y in outputs]
    _, records = recorded(step, step.edges + given, vjps, plain, [True] * len(plain))
    new = {id(old): make(y.array, True, record, y.memory) for old, y, record in zip(outputs, plain, records)}
    return rebuilt(result, iter([new.get(id(leaf), leaf) for leaf in leaves(result)]))


class _Again(Step):
    """What stands for the op in the record of a checkpoint."""

    def __init__(
        self, function: Callable[..., Any], args: Any, kwargs: Any, state: Any, context: Any, like: list[Tensor] | None
    ) -> None:
        super().__init__("checkpoint", [], [], None, fills=False)
        self.function, self.args, self.kwargs, self.state, self.context = function, args, kwargs, state, context
        self.like = None if like is None else [(y.shape, y.dtype) for y in like]
        self.edges: list[Any] = []  # the leaves and older records that the part depends on

    def run(self) -> tuple[list[Tensor], int]:
        """The outputs, computed and recorded once more, and the time at which this began."""
        now, since = default_generator.get_state(), tick()
        try:
            if self.state is not None:
                default_generator.set_state(self.state)
            with enable_grad(), self.context:
                outputs = _made(self.function(*self.args, **self.kwargs), since)
        finally:
            if self.state is not None:
                default_generator.set_state(now)
        found = [(y.shape, y.dtype) for y in outputs]
        if self.like is not None and found != self.like:
            raise RuntimeError(
                f"checkpoint: the function gave {self.like} at first and {found} when it ran again for backward; it "
                "must do the same each time (does it depend on something that has changed?)"
            )
        return outputs, since

    def formula(self, xp: Any, *operands: Any) -> Any:
        """For derivatives of derivatives: the outputs on Tensors, and vjps that record."""
        ys, since = self.run()
        known = {edge: t for edge, t in zip(self.edges, operands) if isinstance(edge, Node)}

        def vjps(*gs: Any) -> list[Any]:
            found = differentiate(*_live(ys, gs), None, True, True, since, known)
            return [found.get(edge) for edge in self.edges] + [None] * (len(operands) - len(self.edges))

        return ys[0] if len(ys) == 1 else tuple(ys), vjps


def _made(result: Any, start: int) -> list[Tensor]:
    """The tensors in a result that were recorded after a time, each once."""
    fresh = [t for t in leaves(result) if isinstance(t, Tensor) and t.node is not None and t.node.number > start]
    return list({id(t): t for t in fresh}.values())


def _edges(outputs: list[Tensor], start: int) -> list[Any]:
    """The leaves and older records that led to these outputs."""
    found = {}
    for node in reachable((y.node for y in outputs), start):
        for edge in node.inputs:
            if isinstance(edge, Node) and edge.number <= start or isinstance(edge, Tensor) and edge.needs_grad:
                found[edge] = True
    return list(found)


def _live(ys: list[Tensor], gs: Sequence[Any]) -> tuple[list[Tensor], list[Any]]:
    """The outputs that a gradient came for, and it."""
    pairs = [(y, g) for y, g in zip(ys, gs) if g is not None]
    return [y for y, _ in pairs], [g for _, g in pairs]


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """A Sequential, or a list of functions, in segments of which all but the last are checkpoints."""
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"checkpoint_sequential: unexpected keyword arguments: {', '.join(kwargs)}")
    parts = list(functions.children()) if hasattr(functions, "children") else list(functions)
    if not 1 <= segments <= max(len(parts), 1):
        raise ValueError(f"checkpoint_sequential: {len(parts)} functions cannot be cut into {segments} segments")

    def run(start: int, stop: int) -> Callable[[Any], Any]:
        def forward(x: Any) -> Any:
            for part in parts[start:stop]:
                x = part(x)
            return x

        return forward

    size = len(parts) // segments
    for k in range(segments - 1):
        how = {"use_reentrant": use_reentrant, "preserve_rng_state": preserve}
        input = checkpoint(run(k * size, (k + 1) * size), input, **how)
    return run((segments - 1) * size, len(parts))(input)
