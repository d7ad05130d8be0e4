"""Pictures and tables of what a program does: networks, gradients, training, and the tape of a run.

Figures follow matplotlib: `ax=None` is taken and the axes are returned, nothing is shown or saved."""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from .summary import Summary, summary  # at once: a module of the same name would take the function's place

# Each name is imported when it is first asked for: whoever wants one picture does not wait for all of them.
_FUNCTIONS = {"record": "tape"}

__all__ = ["Summary", "record", "summary"]


def __getattr__(name: str) -> _Any:
    if name in _FUNCTIONS:
        return getattr(_importlib.import_module(f".{_FUNCTIONS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if _TYPE_CHECKING:
    from .tape import record as record
