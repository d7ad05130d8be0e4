"""The worker processes as their parent sees them: start, ask, wait for answers, end."""

import _thread
import os
import pickle
import signal
import sys
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_all_start_methods, get_context, process
from multiprocessing.context import BaseContext
from typing import Any

from .fetch import Job
from .shared import Inbox
from .worker import GRACE, run

_ours: "weakref.WeakSet[Any]" = weakref.WeakSet()  # this process's end of every worker's connection


def context_of(given: Any) -> BaseContext:
    """The way to start processes: fork on Linux, where a script needs no main guard; else spawn."""
    if given is None:
        return get_context("fork" if sys.platform == "linux" else "spawn")
    if isinstance(given, str):
        methods = get_all_start_methods()
        if given not in methods:
            raise ValueError(f"DataLoader: multiprocessing_context must be one of {methods} here, got {given!r}")
        return get_context(given)
    if not isinstance(given, BaseContext):
        raise TypeError(f"DataLoader: multiprocessing_context is a start method's name or a context, got {given!r}")
    return given


class Workers:
    """`ask(k, …)` worker k for a batch; `pending` are the workers asked, in order; `answer(k)` waits for one.

    Whatever is not an answer (a worker that died, a time limit, Ctrl-C) ends all of them."""

    def __init__(
        self, job: Job, count: int, ahead: int, init: Callable[[int], Any] | None, context: BaseContext, timeout: float
    ) -> None:
        _refuse_here(context)
        self.count, self.timeout, self.method = count, timeout, context.get_start_method()
        self.pending: deque[int] = deque()
        self.passes, self.heard = 0, False
        self.processes: list[Any] = []
        self.connections: list[Any] = []
        self.inboxes: list[Inbox] = []
        # Also at exit, and where the last reference to this object goes.
        self.close = weakref.finalize(self, _close, os.getpid(), self.processes, self.connections)
        try:
            with _quiet_start():
                for k in range(count):
                    ours, theirs = context.Pipe()
                    _ours.add(ours)
                    self.connections.append(ours)
                    self.inboxes.append(Inbox(ours))
                    with theirs:  # else we would not hear the worker's end go
                        made = context.Process(  # type: ignore[attr-defined]  # every context has it
                            target=run, args=(theirs, job, k, count, init, ahead), name=f"DataLoader-{k}", daemon=True
                        )
                        made.start()
                        self.processes.append(made)
        except BrokenPipeError:
            raise self._dead(len(self.processes)) from None
        except BaseException as error:
            self.close()
            unpicklable = isinstance(error, (AttributeError, TypeError, ValueError, pickle.PicklingError))
            if self.method != "fork" and unpicklable:
                raise TypeError(  # pickle says it in its own ways
                    f"DataLoader: a worker started by {self.method!r} gets its dataset, collate_fn and worker_init_fn "
                    f"pickled, and one cannot be: {error}. Define functions and classes at the top of a module"
                ) from error
            raise

    def begin(self, root: int) -> int:
        """Start a pass; what an unfinished one still waits for is thrown away."""
        while self.pending:
            self.answer(self.pending[0])
        for k in range(self.count):
            self._send(k, ("pass", root))
        self.passes += 1
        return self.passes

    def ask(self, k: int, number: int, index: Any) -> None:
        self._send(k, ("batch", number, index))
        self.pending.append(k)

    def _send(self, k: int, message: Any) -> None:
        try:
            self.connections[k].send(message)
        except OSError:
            raise self._dead(k) from None

    def ready(self, among: Collection[int]) -> int:
        """The number of one of these workers that has answered."""
        ends = {self.connections[k]: k for k in among}
        lives = {p.sentinel: k for k, p in enumerate(self.processes)}
        ready = connection.wait([*ends, *lives], self.timeout or None)
        for end in ready:
            if end in lives:
                raise self._dead(lives[end])
        if not ready:
            self.close()
            raise RuntimeError(
                f"DataLoader timed out after {self.timeout} seconds: worker {min(among)} made no batch in them"
            )
        return next(ends[end] for end in ready)

    def answer(self, k: int) -> Any:
        """The next answer of worker k."""
        try:
            self.ready([k])
            answer = self.inboxes[k].receive()
        except (EOFError, ConnectionError):
            raise self._dead(k) from None
        except BaseException:  # Ctrl-C in the middle of a message: what follows it could not be read
            self.close()
            raise
        self.pending.remove(k)
        self.heard = True
        return answer

    def _dead(self, k: int) -> RuntimeError:
        """Say how worker k ended, and end the others."""
        lost = self.processes[k] if k < len(self.processes) else None
        if lost is not None:
            lost.join(GRACE)
        code, pid = (None, None) if lost is None else (lost.exitcode, lost.pid)
        self.close()
        who = f"DataLoader worker (pid {pid}), number {k} of {self.count},"
        if code is not None and code < 0:
            name = signal.Signals(-code).name if -code in list(signal.Signals) else f"number {-code}"
            hint = ". The system kills what takes too much memory: try fewer workers" if -code == 9 else ""
            return RuntimeError(f"{who} is killed by signal: {name}{hint}")
        if self.method != "fork" and not self.heard:
            return RuntimeError(
                f"{who} exited unexpectedly with exit code {code} while it started. Processes started by "
                f"{self.method!r} run the main script again: put what it does under `if __name__ == \"__main__\":`"
            )
        return RuntimeError(f"{who} exited unexpectedly with exit code {code}")


def _refuse_here(context: BaseContext) -> None:
    here: Any = process.current_process()
    if here.daemon:
        raise RuntimeError(
            f"DataLoader: this is a worker process itself ({here.name}), which cannot start workers; "
            "use num_workers=0 here"
        )
    if getattr(here, "_inheriting", False):  # the main script, run again by a process that is being started
        raise RuntimeError(
            "DataLoader: workers are started by a script without a main guard. Processes started by "
            f"{context.get_start_method()!r} run it again: put what it does under `if __name__ == \"__main__\":`"
        )


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Ctrl-C waits until the processes have started: one that is not yet prepared for it would show a traceback."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
    try:
        with warnings.catch_warnings():
            # Python ≥ 3.12 warns of forks while threads run: what they lock stays locked in a worker.
            # minidl's own locks are made anew there, and BLAS libraries start their threads anew.
            warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
            yield
    finally:
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _close(owner: int, processes: list[Any], connections: list[Any]) -> None:
    if os.getpid() != owner:
        return  # a fork's copy of the list; the processes are not its own
    try:
        for end in connections:
            end.close()  # a worker that waits ends at once, one that works when it has finished, or after GRACE
        _join(processes, GRACE + 1)
        for p in processes:
            p.terminate()
        _join(processes, 1)
    except KeyboardInterrupt:
        # Where the last reference went, Python drops what is raised here; so Ctrl-C comes again, when we are through.
        with suppress(RuntimeError):  # at exit no thread can be started, and none is needed
            again = threading.Timer(0.05, _thread.interrupt_main)
            again.daemon = True
            again.start()
    finally:
        for p in processes:
            p.kill()
        _join(processes, 1)


def _join(processes: list[Any], seconds: float) -> None:
    """Wait for processes to end, and leave in the list those that have not."""
    deadline = time.monotonic() + seconds
    for p in processes:
        p.join(max(0.0, deadline - time.monotonic()))
    processes[:] = [p for p in processes if p.exitcode is None]


def _close_inherited() -> None:
    for end in list(_ours):
        end.close()  # else a worker would not hear its parent end while a younger process lives
    _ours.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)
