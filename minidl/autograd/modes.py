"""Whether operations are recorded: `no_grad`, `enable_grad`, `inference_mode`, per thread."""

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from typing import Any


class _Modes(threading.local):
    recording = True
    inference = False

    def __init__(self) -> None:
        self.outer: list[tuple[bool, bool]] = []  # what the blocks we are inside of will restore


modes = _Modes()


class GradMode:
    """A block, or a function, in which operations are recorded or not.

    What to restore is kept per thread and not on the object, so one object may be entered twice,
    inside itself, and from several threads."""

    recording = False
    inference = False

    def __new__(cls, function: Any = None) -> Any:
        self = super().__new__(cls)
        return self(function) if callable(function) else self  # @no_grad without brackets

    def __enter__(self) -> None:
        modes.outer.append((modes.recording, modes.inference))
        modes.recording, modes.inference = self.recording, self.inference

    def __exit__(self, *error: object) -> None:
        modes.recording, modes.inference = modes.outer.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self:
                result = function(*args, **kwargs)
            return _Steps(self, result) if inspect.isgenerator(result) else result

        return wrapped


class _Steps(Generator[Any, Any, Any]):
    """A generator each of whose steps runs in a mode; its caller's is back in force in between."""

    def __init__(self, mode: GradMode, steps: Generator[Any, Any, Any]) -> None:
        self.mode, self.steps = mode, steps

    def send(self, value: Any) -> Any:
        with self.mode:
            return self.steps.send(value)

    def throw(self, *error: Any) -> Any:
        with self.mode:
            return self.steps.throw(*error)


class no_grad(GradMode):
    """Operations inside are not recorded: `with no_grad():`, `@no_grad()`, `@no_grad`."""


class enable_grad(GradMode):
    """Operations inside are recorded, also within `no_grad`."""

    recording = True


class set_grad_enabled(GradMode):
    """Recording on or off: at once when called, until the end of the block when used in `with`."""

    def __new__(cls, mode: bool) -> Any:
        return object.__new__(cls)

    def __init__(self, mode: bool) -> None:
        self.recording, self._before = bool(mode), (modes.recording, modes.inference)
        modes.recording = self.recording

    def __enter__(self) -> None:
        modes.outer.append(self._before)
        modes.recording, self._before = self.recording, (modes.recording, modes.inference)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        modes.recording = self._before[0]  # a decorator changes nothing until the function runs
        return super().__call__(function)


class inference_mode(GradMode):
    """As `no_grad`; `inference_mode(False)` records."""

    def __new__(cls, mode: Any = True) -> Any:
        return object.__new__(cls)(mode) if callable(mode) else object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        self.recording, self.inference = not mode, bool(mode)


def is_grad_enabled() -> bool:
    return modes.recording


def is_inference_mode_enabled() -> bool:
    return modes.inference
