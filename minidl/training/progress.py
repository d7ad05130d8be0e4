"""How far a run is: one line that is rewritten on a terminal, and now and then a line elsewhere."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

EVERY_LIVE, EVERY_PLAIN = 0.1, 30.0  # seconds between two lines


class Progress:
    """`progress.show(...)` after each step, `progress.say(text)` for what stays to be read."""

    def __init__(self, steps: int, done: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.steps, self.clock = steps, clock
        self.live = sys.stdout.isatty()
        self.width = 0  # of what stands in the line now
        self.start, self.first, self.shown = clock(), done, clock()

    def show(self, title: str, done: int, of: int, step: int, batch: float, **numbers: float) -> None:
        """After a step: `done` of `of` batches of this epoch, `step` in all, of `batch` examples each."""
        now = self.clock()
        if now - self.shown < (EVERY_LIVE if self.live else EVERY_PLAIN):
            return
        self.shown = now
        rate = (step - self.first) / max(now - self.start, 1e-9)
        left = clock_time(max(self.steps - step, 0) / rate) if rate else "?"
        text = f"{as_text(numbers)}  {rate * batch:,.0f} samples/s  {left} left"
        if self.live:
            self.rewrite(f"{title} [{'#' * (20 * done // of):20}] {text}")
        else:
            print(f"{title} {done}/{of}  {text}", flush=True)

    def rewrite(self, line: str) -> None:
        line = line[: shutil.get_terminal_size().columns - 1]
        print(f"\r{line:{self.width}}", end="", flush=True)
        self.width = len(line)

    def clear(self) -> None:
        """Take the bar away."""
        if self.live and self.width:
            self.rewrite("")
            print("\r", end="")
            self.width = 0

    def say(self, text: str) -> None:
        """A line of its own, in place of the bar."""
        self.clear()
        print(text, flush=True)


def as_text(numbers: Mapping[str, Any]) -> str:
    """Those that are single numbers, with their names."""
    single = {name: x for name, x in numbers.items() if isinstance(x, float)}
    return "  ".join(f"{name.replace('_', ' ')} {x:.4f}" for name, x in single.items())


def clock_time(seconds: float) -> str:
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"
