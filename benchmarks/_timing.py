"""How everything here is timed: alternately, many times, reported as the median with its spread."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Seconds of one call: the median, and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Timing":
        low, median, high = statistics.quantiles(seconds, n=4)
        return cls(median, low, high)

    def text(self, unit: float = 1e-6, digits: int = 2) -> str:
        return f"{self.median / unit:.{digits}f} ({self.low / unit:.{digits}f}-{self.high / unit:.{digits}f})"


def alternate(candidates: dict[str, Callable[[], object]], rounds: int = 31) -> dict[str, Timing]:
    """Time each candidate once a round, in turn, so that whatever slows the machine slows all of them."""
    for candidate in candidates.values():
        candidate()
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, candidate in candidates.items():
            start = time.perf_counter()
            candidate()
            seconds[name].append(time.perf_counter() - start)
    return {name: Timing.of(values) for name, values in seconds.items()}


def machine() -> str:
    """The line that every table of times begins with."""
    import numpy

    try:
        import torch

        opponent = f", PyTorch {torch.__version__} ({torch.get_num_threads()} threads)"
    except ImportError:
        opponent = ", no PyTorch"
    model = platform.processor() or platform.machine()
    if sys.platform.startswith("linux"):
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {numpy.__version__}{opponent}"


def peak_memory(reset: bool = False) -> float:
    """The most megabytes this process has held (since `reset`, where the system can forget: Linux)."""
    if sys.platform.startswith("linux"):
        if reset:
            with open("/proc/self/clear_refs", "w", encoding="ascii") as memory:
                memory.write("5")
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fresh(code: str) -> str:
    """What a new interpreter prints for `code`."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
