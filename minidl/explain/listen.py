"""Listening to the engine without a hook in it: while anybody listens, and only then, its functions are exchanged.

A listener says what to put around the evaluation of an op and around a backward pass. The first one to come exchanges
the engine's functions, the last one to go puts them back."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..autograd import OPS, Composite, Op

engine = sys.modules["minidl.autograd.backward"]  # the package has the function under that name
EVALUATE, COMPOSITE, DIFFERENTIATE = Op.evaluate, Composite.evaluate, engine.differentiate
_init = Op.__init__


@dataclass(eq=False)
class Listener:
    """Functions that take a function of the engine and return what stands in its place."""

    evaluate: Callable[[Callable[..., Any]], Callable[..., Any]]  # (op, xp, arrays, params) -> (y, vjps)
    differentiate: Callable[[Callable[..., Any]], Callable[..., Any]]
    nearest: bool = False  # inside what other listeners put around: for one that measures
    users: int = 0


_listeners: list[Listener] = []
_lock = threading.RLock()


def listen(listener: Listener) -> None:
    """From now on, until `cease` was called as often."""
    with _lock:
        listener.users += 1
        if listener.users == 1:
            _listeners.insert(0 if listener.nearest else len(_listeners), listener)
            _exchange()


def cease(listener: Listener) -> None:
    with _lock:
        listener.users -= 1
        if not listener.users:
            _listeners.remove(listener)
            _exchange()


def is_plain() -> bool:
    """Are the engine's functions its own?"""
    direct = all(op.direct == _is_direct(op) for op in vars(OPS).values())
    own = (Op.evaluate, Composite.evaluate, Op.__init__) == (EVALUATE, COMPOSITE, _init)
    return direct and own and engine.differentiate is DIFFERENTIATE


def _exchange() -> None:
    evaluate, composite, differentiate = EVALUATE, COMPOSITE, DIFFERENTIATE
    for listener in _listeners:
        evaluate, composite = listener.evaluate(evaluate), listener.evaluate(composite)
        differentiate = listener.differentiate(differentiate)
    Op.evaluate, Composite.evaluate = evaluate, composite  # type: ignore[method-assign]
    Op.__init__ = _born if _listeners else _init  # type: ignore[method-assign]
    engine.differentiate = differentiate  # type: ignore[attr-defined]
    for op in vars(OPS).values():
        op.direct = not _listeners and _is_direct(op)


def _is_direct(op: Op) -> bool:
    return not op.kernels and not isinstance(op, Composite)


def _born(self: Op, *args: Any, **kwargs: Any) -> None:
    """An op registered while somebody listens is heard, too."""
    _init(self, *args, **kwargs)
    self.direct = False
