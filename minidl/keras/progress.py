"""The lines that fit, evaluate and predict print: verbose 1 a bar that moves, 2 a line for each epoch."""

import sys
import time
from typing import Any

from .callbacks import Callback

WIDTH = 20


def number(value: float) -> str:
    """Four places, or as many digits as a small number needs."""
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def duration(seconds: float) -> str:
    """3s, 12ms or 45us: a step's."""
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


class Progress(Callback):
    """Prints how far training is."""

    within = False  # in fit, where evaluation is silent

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose
        self.moves = getattr(sys.stdout, "isatty", lambda: False)()
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        try:
            "━".encode(encoding)
            self.bar = "━"
        except UnicodeEncodeError:
            self.bar = "="

    def begin(self) -> None:
        self.seen, self.start, self.shown = 0, time.perf_counter(), 0.0

    def on_predict_begin(self, logs: Any = None) -> None:
        self.begin()

    def on_train_begin(self, logs: Any = None) -> None:
        self.within = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self.verbose and self.params["epochs"] > 1:
            print(f"Epoch {epoch + 1}/{self.params['epochs']}")
        self.begin()

    def on_test_begin(self, logs: Any = None) -> None:
        if not self.within:
            self.begin()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen = batch + 1
        now = time.perf_counter()
        if self.verbose == 1 and self.moves and now - self.shown > 0.05:
            self.shown = now
            self.show(logs, "\r", "")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        if not self.within:
            self.on_train_batch_end(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.on_train_batch_end(batch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.show(logs, "\r" if self.moves else "", "\n")

    def on_test_end(self, logs: Any = None) -> None:
        if not self.within:
            self.on_epoch_end(0, logs)

    def on_predict_end(self, logs: Any = None) -> None:
        self.on_epoch_end(0)

    def show(self, logs: Any, begin: str, end: str) -> None:
        if not self.verbose:
            return
        steps = self.params["steps"] or self.seen
        took = time.perf_counter() - self.start
        parts = [f"{took:.0f}s", f"{duration(took / max(self.seen, 1))}/step"]
        values = "".join(f" - {name}: {number(value)}" for name, value in (logs or {}).items())
        count = f"{self.seen:>{len(str(steps))}}/{steps}"
        if self.verbose == 1:
            filled = WIDTH * self.seen // max(steps, 1)
            print(f"{begin}{count} {self.bar * filled:{WIDTH}} {' '.join(parts)}{values}", end=end, flush=True)
        elif end:
            print(f"{count} - {' - '.join(parts)}{values}")
