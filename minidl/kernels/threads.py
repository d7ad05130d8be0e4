"""Work split over Python threads, each with BLAS at one thread.

NumPy lets go of the interpreter lock while it computes, so two Python threads that each take half of a batch keep
two cores busy with everything: copies, pointwise passes and products. BLAS's own threads speed up the products
alone. While threads share one piece of work BLAS runs on one thread in each, and then has its own setting back.

How many threads take part is what BLAS was given: OMP_NUM_THREADS=1 makes every kernel run on one.
"""

import contextvars
import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy

# Elements below which handing work to another thread (10 to 60 µs) costs more than it saves.
WORTH_SPLITTING = 1 << 17
FLOATS = "fd"  # float32 and float64, which processors compute with; kernels leave float16 to the formulas

Work = Callable[[int, int], object]


class Blas:
    """The thread setting of the OpenBLAS inside NumPy's wheel; other BLAS libraries keep theirs, and count as one.

    OpenBLAS's threads go on spinning for a tenth of a second after a product, and would take the core that a thread
    of ours needs: so while kernels split their work, all products run on single threads (products.py)."""

    def __init__(self) -> None:
        self._get, self._set = _find() or (lambda: 1, lambda count: None)
        self._lock = threading.Lock()
        self._inside, self._before = 0, 1

    def threads(self) -> int:
        """What the user has set."""
        return self._before if self._inside else int(self._get())

    def forget(self) -> None:
        """After a fork: nobody is inside here."""
        if self._inside:
            self._set(self._before)
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        """One thread for every product of the process until the last kernel inside has left."""
        with self._lock:
            if not self._inside:
                self._before = int(self._get())
                self._set(1)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._get() == 1:  # unless the user has set another meanwhile
                self._set(self._before)

    def use(self, count: int) -> None:
        """What the user sets."""
        with self._lock:
            self._before = count
            if not self._inside:
                self._set(count)


def get_num_threads() -> int:
    """How many threads compute at once, BLAS's and the kernels'."""
    return SINGLE.threads()


def set_num_threads(count: Any) -> None:
    """Let so many threads compute at once, where NumPy has its own BLAS; another keeps its setting."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise RuntimeError(f"set_num_threads: a positive number of threads is expected, got {count!r}")
    SINGLE.use(count)


def _find() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    package = Path(numpy.__file__).parent
    for folder in (package.with_name("numpy.libs"), package / ".dylibs"):  # Linux and Windows, macOS
        for path in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(path))  # the one that is loaded already
            except OSError:
                continue
            for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
                name = f"{prefix}openblas_%s_num_threads{suffix}"
                if hasattr(library, name % "get") and hasattr(library, name % "set"):
                    return getattr(library, name % "get"), getattr(library, name % "set")
    return None


class _Helpers:
    """Threads that wait for work. One piece of work has them all: whoever finds them taken computes alone."""

    def __init__(self) -> None:
        self.free = threading.Lock()
        self.queues: list[SimpleQueue[Any]] = []

    def queue(self, k: int) -> SimpleQueue[Any]:
        while len(self.queues) <= k:
            tasks: SimpleQueue[Any] = SimpleQueue()
            self.queues.append(tasks)
            threading.Thread(target=_serve, args=(tasks,), name=f"minidl-{len(self.queues)}", daemon=True).start()
        return self.queues[k]


def _serve(tasks: SimpleQueue[Any]) -> None:
    while True:
        context, work, lo, hi, done = tasks.get()
        try:
            context.run(work, lo, hi)
            done.put(None)
        except BaseException as error:  # raised again by the thread that asked
            done.put(error)
        context = work = done = None  # an idle thread keeps no arrays alive


SINGLE = Blas()
SPINNING = 0.1  # seconds
_last_split = -1.0
_helpers = _Helpers()


def _start_anew() -> None:
    """A forked child has none of its parent's threads, whatever they were doing."""
    global _helpers
    _helpers = _Helpers()
    SINGLE.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


def small(size: int) -> bool:
    """Is this so little work that the formula itself is as fast as any kernel?"""
    return size < WORTH_SPLITTING


def ranges(lo: int, hi: int, step: int) -> Iterator[tuple[int, int]]:
    """lo … hi in pieces of at most `step`."""
    return ((n, min(n + step, hi)) for n in range(lo, hi, step))


def splitting() -> bool:
    """Do the kernels of this process split work, or did they lately?"""
    return time.monotonic() - _last_split < SPINNING


def split(work: Work, n: int, size: int, lasting: bool = True) -> None:
    """Call work(lo, hi) for ranges that together are range(n), at once on several threads where that pays.

    size: about how many elements the whole work goes over. lasting: does it count for `splitting`?"""
    global _last_split
    if small(size):
        work(0, n)
        return
    threads, helpers = min(SINGLE.threads(), n), _helpers
    with SINGLE:
        if threads < 2 or not helpers.free.acquire(blocking=False):
            work(0, n)
            return
        if lasting:
            _last_split = time.monotonic()
        try:
            bounds = [n * k // threads for k in range(threads + 1)]
            done: SimpleQueue[Any] = SimpleQueue()
            for k in range(1, threads):  # NumPy's error settings are part of the context
                helpers.queue(k - 1).put((contextvars.copy_context(), work, bounds[k], bounds[k + 1], done))
            try:
                work(0, bounds[1])
            finally:
                errors = [done.get() for _ in range(1, threads)]
        finally:
            helpers.free.release()
    for error in errors:
        if error is not None:
            raise error
