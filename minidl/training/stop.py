"""Ctrl-C without damage: the first asks for an end after the present step, the second ends at once."""

import os
import signal
from types import FrameType
from typing import Any

SAVED = "The present step is finished and saved first; once more ends at once."
FINISHED = "The present step is finished first; once more ends at once."
SIGNALS = (signal.SIGINT, signal.SIGTERM)  # Ctrl-C, and the polite way to end a process


class Stopped(KeyboardInterrupt):
    """Training was asked to stop, and did, between two steps; status: what the process should return."""

    def __init__(self, what: str, status: int) -> None:
        super().__init__(what)
        self.status = status


class Stop:
    """`with Stop() as stop:`, and inside `if stop.asked: ...` wherever stopping is safe."""

    def __init__(self, answer: str = SAVED) -> None:
        self.answer = answer
        self.signal: int | None = None
        self.before: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        return self.signal is not None

    @property
    def status(self) -> int:
        """What the process returns, as shells have it: 130 after Ctrl-C."""
        return 128 + (self.signal or 0)

    def __enter__(self) -> "Stop":
        try:
            self.before = {number: signal.signal(number, self.ask) for number in SIGNALS}
        except ValueError:
            pass  # only the main thread gets signals
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.signal = number
        # print() may be what was interrupted, and cannot be entered twice
        os.write(2, f"\n{self.answer}\n".encode())
