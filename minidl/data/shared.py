"""From a worker to its parent: what is small in a message, large arrays through shared memory.

The memory is a file without a name: on Linux a memfd, which lies in no folder. Its descriptor travels with the
message, and the kernel frees it with its last user, however the processes end; so nothing can be left behind in
/dev/shm, nor does that folder's size, which containers keep small, limit a batch. The parent maps the file
privately: a batch is ordinary memory, without a copy, and what is written into it is seen by no other process.
"""

import mmap
import os
import pickle
import socket
import sys
import tempfile
import weakref
from collections import deque
from multiprocessing.connection import Connection
from typing import Any

LARGE = 1 << 15  # bytes from which on a file pays
_ALIGNMENT = 64  # of each array in the file: a cache line, and what vector instructions like best
_MOST_MAPPED = 100  # each mapping holds a file descriptor; who keeps more batches than this gets copies

_mapped: "weakref.WeakSet[mmap.mmap]" = weakref.WeakSet()


class Outbox:
    """The worker's side. `ahead`: how many messages the parent may be behind."""

    def __init__(self, connection: Connection, ahead: int) -> None:
        self.connection, self.blocks = connection, 0
        # Linux keeps a file whose descriptor is on its way; elsewhere it stays open until the parent must have it.
        self.open: deque[Any] = deque()
        self.ahead = 0 if sys.platform == "linux" else ahead

    def pack(self, value: Any) -> tuple[bytes, Any]:
        """A message, and the file with what is large in it, or None. All that can fail fails here."""
        parts: list[memoryview] = []

        def in_message(buffer: pickle.PickleBuffer) -> bool:
            if buffer.raw().nbytes >= LARGE:
                parts.append(buffer.raw())
                return False
            return True

        body: Any = pickle.dumps(value, protocol=5, buffer_callback=in_message)
        arrays = len(parts)
        if len(body) >= LARGE:
            parts.append(memoryview(body))
            body = None
        spans, size = [], 0
        for part in parts:
            spans.append((size, size + part.nbytes))
            size += -(-part.nbytes // _ALIGNMENT) * _ALIGNMENT
        block, name = self._block(size) if parts else (None, "")
        if block is not None:
            for part in parts:
                block.write(part)
                block.write(bytes(-part.nbytes % _ALIGNMENT))
            block.flush()
        return pickle.dumps((body, arrays, spans, size, name)), block

    def _block(self, size: int) -> tuple[Any, str]:
        if sys.platform == "win32":
            self.blocks += 1
            name = f"minidl-{os.getpid()}-{self.blocks}"
            return mmap.mmap(-1, size, tagname=name), name
        return _nameless_file(), ""

    def send(self, packed: tuple[bytes, Any]) -> None:
        message, block = packed
        self.connection.send_bytes(message)
        if block is None:
            return
        if sys.platform != "win32":
            with socket.socket(fileno=os.dup(self.connection.fileno())) as line:
                socket.send_fds(line, [b"."], [block.fileno()])
        self.open.append(block)
        while len(self.open) > self.ahead:
            self.open.popleft().close()


def receive(connection: Connection) -> Any:
    """What the worker sent; EOFError where it ended instead."""
    body, arrays, spans, size, name = pickle.loads(connection.recv_bytes())
    if not spans:
        return pickle.loads(body)
    block = memoryview(_receive_block(connection, size, name))
    parts = [block[start:stop] for start, stop in spans]
    return pickle.loads(parts[-1] if body is None else body, buffers=parts[:arrays])


def _receive_block(connection: Connection, size: int, name: str) -> Any:
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=name)
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        _, descriptors, _, _ = socket.recv_fds(line, 1, 1)
    if not descriptors:
        raise EOFError
    try:
        if len(_mapped) < _MOST_MAPPED:
            block = mmap.mmap(descriptors[0], size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
            _mapped.add(block)
            return block
        with open(descriptors[0], "rb", closefd=False) as file:
            copy = bytearray(size)
            file.seek(0)
            file.readinto(copy)
            return copy
    finally:
        os.close(descriptors[0])


def _nameless_file() -> Any:
    if sys.platform == "linux" and hasattr(os, "memfd_create"):
        return open(os.memfd_create("minidl"), "w+b")
    return tempfile.TemporaryFile()
