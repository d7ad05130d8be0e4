"""From a worker to its parent: what is small in a message, what is large through shared memory.

A worker has as many blocks of shared memory as it may be batches ahead, and writes into them in turn; the parent
copies a batch out of its block, and only then asks for another one. (Handing out the block itself would spare this
copy, but each batch would need new memory then, and the pages of new memory cost more than copying: for 4 MB the
worker takes 1.6 ms to fill a new block and 0.1 ms to fill an old one, the parent 0.3 ms to see the pages of a new
one and 0.1 ms to copy. And so a batch is ordinary memory, which nobody else can write into.)

A block is a file without a name: on Linux a memfd, which lies in no folder. Its descriptor travels with the first
message that needs it, and the kernel frees it with its last user, however the processes end; so nothing can be left
behind in /dev/shm, nor does that folder's size, which containers keep small, limit a batch.
"""

import mmap
import os
import pickle
import socket
import sys
import tempfile
from multiprocessing.connection import Connection
from typing import Any

LARGE = 1 << 12  # bytes from which on something goes through a block; below, a message is as quick
_ALIGNMENT = 64


class Block:
    """Memory that another process can be given."""

    def __init__(self, size: int) -> None:
        size = 1 << (size - 1).bit_length()  # room for a somewhat larger batch; pages that are not used cost nothing
        if sys.platform == "win32":
            self.name = f"minidl-{os.getpid()}-{id(self)}"
            self.memory = mmap.mmap(-1, size, tagname=self.name)
            return
        on_linux = sys.platform == "linux" and hasattr(os, "memfd_create")
        self.file = open(os.memfd_create("minidl"), "w+b") if on_linux else tempfile.TemporaryFile()
        self.file.truncate(size)
        self.memory = mmap.mmap(self.file.fileno(), size)

    def give(self, connection: Connection) -> None:
        if sys.platform == "win32":
            connection.send_bytes(self.name.encode())
            return
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            socket.send_fds(line, [b"."], [self.file.fileno()])

    @staticmethod
    def take(connection: Connection, size: int) -> mmap.mmap:
        if sys.platform == "win32":
            return mmap.mmap(-1, size, tagname=connection.recv_bytes().decode())
        with socket.socket(fileno=os.dup(connection.fileno())) as line:
            _, descriptors, _, _ = socket.recv_fds(line, 1, 1)
        if not descriptors:
            raise EOFError
        try:
            return mmap.mmap(descriptors[0], size)
        finally:
            os.close(descriptors[0])

    def close(self) -> None:
        self.memory.close()
        if sys.platform != "win32":
            self.file.close()


class Outbox:
    """The worker's side. `ahead`: how many messages the parent may be behind."""

    def __init__(self, connection: Connection, ahead: int) -> None:
        self.connection, self.sent = connection, 0
        self.blocks: list[Block | None] = [None] * ahead

    def pack(self, value: Any) -> tuple[bytes, Block | None]:
        """A message, and the block that the parent must be given with it. All that can fail fails here."""
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
        if not parts:
            return pickle.dumps((body, 0, [], 0, 0)), None
        spans, size = [], 0
        for part in parts:
            spans.append((size, size + part.nbytes))
            size += -(-part.nbytes // _ALIGNMENT) * _ALIGNMENT
        turn, new = self.sent % len(self.blocks), None
        block = self.blocks[turn]
        if block is None or len(block.memory) < size:
            if block is not None:
                block.close()
            block = new = self.blocks[turn] = Block(size)
        for (start, stop), part in zip(spans, parts):
            block.memory[start:stop] = part
        return pickle.dumps((body, arrays, spans, turn, len(block.memory) if new else 0)), new

    def send(self, packed: tuple[bytes, Block | None]) -> None:
        message, new = packed
        self.connection.send_bytes(message)
        if new is not None:
            new.give(self.connection)
        self.sent += 1


class Inbox:
    """The parent's side."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.blocks: dict[int, mmap.mmap] = {}

    def receive(self) -> Any:
        """What the worker sent; EOFError where it ended instead."""
        body, arrays, spans, turn, new = pickle.loads(self.connection.recv_bytes())
        if new:
            self.blocks[turn] = Block.take(self.connection, new)
        if not spans:
            return pickle.loads(body)
        with memoryview(self.blocks[turn]) as memory:
            parts = [bytearray(memory[start:stop]) for start, stop in spans]
        return pickle.loads(parts[-1] if body is None else body, buffers=parts[:arrays])
