"""Hooks: functions of the user's that run before or after a module, forwards or backwards."""

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import Tensor
from ..ops.tap import tap

_numbers = itertools.count()


class RemovableHandle:
    """What registering a hook returns: `remove()` it, or use it as a `with` block at whose end it goes."""

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.id = next(_numbers)
        self._hooks = weakref.ref(hooks)  # the module owns its hooks; a handle keeps nothing alive

    def remove(self) -> None:
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> "RemovableHandle":
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def __getstate__(self) -> int:
        return self.id

    def __setstate__(self, state: int) -> None:
        self.id, self._hooks = state, weakref.ref(HookDict())  # a copied handle belongs to no module


class HookDict(dict[int, Any]):
    """The hooks of one kind on one module, by number, in the order they run. (Plain dicts take no weak reference.)"""

    __slots__ = ("__weakref__",)

    def add(self, hook: Any, prepend: bool = False) -> RemovableHandle:
        handle = RemovableHandle(self)
        others = list(self.items()) if prepend else []
        for key, _ in others:
            del self[key]
        self[handle.id] = hook
        self.update(others)
        return handle


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
