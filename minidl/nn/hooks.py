"""Hooks: functions of the user's that run before or after a module, forwards or backwards."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from ..api.graph import RemovableHandle
from ..autograd import Tensor
from ..ops.tap import tap

_numbers = itertools.count()


def add_hook(hooks: dict[float, Any], hook: Any, prepend: bool = False) -> RemovableHandle:
    """Put a hook after the others, or before them."""
    key = next(_numbers)
    others = dict(hooks) if prepend else {}
    if prepend:
        hooks.clear()
    hooks[key] = hook
    hooks.update(others)
    return RemovableHandle(hooks, key)


class BackwardHooks:
    """One call of a module with backward hooks: taps on its inputs and outputs, and what passes through them."""

    def __init__(self, module: Any, before: Sequence[Callable[..., Any]], after: Sequence[Callable[..., Any]]) -> None:
        self.module, self.before, self.after = module, before, after
        self.inputs: tuple[Any, ...] = ()
        self.grad_output: tuple[Any, ...] = ()
        self.tapped = False

    def tap_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.inputs = tuple(None for _ in args)
        return self._tap(args, self._reached_inputs)

    def tap_outputs(self, result: Any) -> Any:
        self.tapped_inputs, self.tapped = self.tapped, False
        whole = isinstance(result, Tensor)
        if not whole and not isinstance(result, tuple):
            return result  # as in PyTorch, other structures pass by the hooks
        results = self._tap((result,) if whole else result, self._reached_outputs)
        return results[0] if whole else results

    def _tap(self, values: tuple[Any, ...], reached: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> tuple[Any, ...]:
        """The values; gradients of those that require one go through `reached`, None standing for the others."""
        at = [k for k, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
        if not at:
            return values

        def notify(gs: tuple[Any, ...]) -> tuple[Any, ...]:
            raw = not isinstance(gs[0], Tensor)
            spread: list[Any] = [None] * len(values)
            for k, g in zip(at, gs):
                spread[k] = Tensor(g) if raw else g
            changed = reached(tuple(spread))
            return tuple(changed[k].array if raw else changed[k] for k in at)

        self.tapped = True
        tapped = dict(zip(at, tap(*(values[k] for k in at), notify=notify)))
        return tuple(tapped.get(k, v) for k, v in enumerate(values))

    def _reached_outputs(self, gs: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.before:
            gs = _replaced(gs, hook(self.module, gs), "full_backward_pre_hook")
        self.grad_output = gs
        if not self.tapped_inputs:
            for hook in self.after:
                hook(self.module, self.inputs, gs)
        return gs

    def _reached_inputs(self, gs: tuple[Any, ...]) -> tuple[Any, ...]:
        for hook in self.after:
            gs = _replaced(gs, hook(self.module, gs, self.grad_output), "full_backward_hook")
        self.grad_output = ()  # under create_graph it leads back to this very record
        return gs


def _replaced(gs: tuple[Any, ...], result: Any, kind: str) -> tuple[Any, ...]:
    if result is None:
        return gs
    result = result if isinstance(result, tuple) else (result,)
    if len(result) != len(gs):
        raise RuntimeError(f"a {kind} returned {len(result)} gradients in place of {len(gs)}")
    return result
