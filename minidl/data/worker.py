"""Inside a worker process: wait for an index, make the batch, send it."""

import ctypes
import glob
import os
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from .fetch import Job
from .seeds import seed_batch, seed_everything
from .shared import Outbox

GRACE = 1.0  # seconds that a worker has to finish the batch it is at when nobody wants it any more


@dataclass
class WorkerInfo:
    """Which worker this is. `dataset` is the worker's own copy; `seed` is another one for each worker and pass."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker of a DataLoader: its `id`, `num_workers`, `seed` and `dataset`; in the main process None."""
    return _info


def run(
    connection: Connection, job: Job, k: int, num_workers: int, init: Callable[[int], Any] | None, ahead: int
) -> None:
    """Answer what is asked, in order, until the parent closes the connection.

    ("pass", root) begins a pass, and is not answered; ("batch", number, index) is answered with a batch, with End,
    or with the Failure that there was instead."""
    global _info
    _settle()
    _info = WorkerInfo(k, num_workers, 0, job.dataset)
    asked: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(connection, asked), daemon=True).start()
    outbox, where = Outbox(connection, ahead), f"in DataLoader worker process {k}"
    root, fetch, broken = 0, job.begin(), None
    while (message := asked.get()) is not None:
        answer: Any = None
        try:
            what, *rest = pickle.loads(message)
            if what == "pass":
                (root,), fetch = rest, job.begin()
                _info.seed = root + k
                seed_everything(root + k)
                if init is not None:
                    try:
                        init(k)
                    except Exception as error:
                        broken = Failure(error, where)
                    init = None
                continue
            number, index = rest
            seed_batch(root, number)
            answer = outbox.pack(broken or fetch(index))
        except Exception as error:
            answer = outbox.pack(Failure(error, where))
        try:
            outbox.send(answer)
        except OSError:
            return  # nobody listens any more


class Failure:
    """An exception on its way to another process: its type, and as text where it came from."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.text = f"Caught {type(error).__name__} {where}.\nOriginal " + "".join(traceback.format_exception(error))
        try:
            self.kind = pickle.dumps(type(error))
        except Exception:  # a class inside a function: it has no name to be found by
            self.kind = pickle.dumps(RuntimeError)

    def rebuild(self) -> Exception:
        """An exception of the same type where one can be made of a message alone, else a RuntimeError."""
        try:
            kind = pickle.loads(self.kind)
            if issubclass(kind, StopIteration):
                kind = RuntimeError  # it would end the loop as if all were well
            made = kind(_Lines(self.text) if issubclass(kind, KeyError) else self.text)
            return made if isinstance(made, Exception) and self.text in str(made) else RuntimeError(self.text)
        except Exception:
            return RuntimeError(self.text)


class _Lines(str):
    """KeyError shows its argument's repr, and a traceback is not to be read with \\n in it."""

    def __repr__(self) -> str:
        return str(self)


def _read(connection: Connection, asked: "queue.SimpleQueue[bytes | None]") -> None:
    """Take requests off the line at once, so that neither side ever waits to be read, and hear the parent go."""
    try:
        while True:
            asked.put(connection.recv_bytes())
    except (EOFError, OSError):
        asked.put(None)
        time.sleep(GRACE)
        os._exit(1)  # the batch takes too long; a parent that was killed cannot end its workers, so they do


def _settle() -> None:
    """Leave Ctrl-C to the parent, take back its handler for SIGTERM, compute on one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # the parent blocked it while we started
    try:
        for path in _blas_libraries():
            library = ctypes.CDLL(path)
            for name in ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads", "MKL_Set_Num_Threads"):
                if hasattr(library, name):
                    getattr(library, name)(1)
    except OSError:  # it cannot be loaded by its path: then it keeps its threads, which is slower, not wrong
        pass


def _blas_libraries() -> set[str]:
    """What NumPy multiplies matrices with."""
    if sys.platform == "linux":
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            files = {line.split(None, 5)[5].strip() for line in maps if line.count(" ") > 4 and "/" in line}
    else:
        home = os.path.dirname(np.__file__)
        files = {*glob.glob(home + ".libs/*"), *glob.glob(home + "/.dylibs/*")}
    return {file for file in files if "openblas" in os.path.basename(file) or "mkl_rt" in os.path.basename(file)}
