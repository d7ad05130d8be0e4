"""Pictures of what a program does: the tape of a run, forwards and backwards, and graphs drawn from it."""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# Each name is imported when it is first asked for: whoever wants one picture does not wait for all of them.
_FUNCTIONS = {"record": "tape", "step": "stepper"}

__all__ = ["record", "step"]


def __getattr__(name: str) -> _Any:
    if name in _FUNCTIONS:
        return getattr(_importlib.import_module(f".{_FUNCTIONS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if _TYPE_CHECKING:
    from .stepper import step as step
    from .tape import record as record
