"""In-place safety: when memory was written, so that backward never uses a value that has changed."""

import itertools
import weakref
from typing import Any
from zlib import crc32

from ..backend import backend_of

tick = itertools.count(1).__next__  # one clock for records and writes: what came first has the lower number


class Memory:
    """The stamp of one block of memory, shared by every tensor that views it."""

    stamp = 0  # when it was last written
    extent = (0, 0)  # its addresses, noted by the write
    recorded = False  # did a recorded operation write into it?
    exposed: "list[tuple[Any, int]] | tuple[()]" = ()  # arrays the user holds, with their checksums
    latest = 0  # when any memory at all was last written
    watched: "list[weakref.ref[Memory]]" = []  # those that want a look before they are read

    def written(self, array: Any, number: int = 0) -> None:
        """Every write into `array` is announced here: a record older than it may have become stale.

        The write of a recorded operation bears the number of its record."""
        if number and not self.recorded:
            self.recorded = True
            Memory.watched.append(weakref.ref(self, Memory.watched.remove))
        self.stamp = number or tick()
        self.extent = backend_of(array).extent(array)
        Memory.latest = max(Memory.latest, self.stamp)

    def expose(self, array: Any) -> None:
        """The user gets this very array. They will not announce their writes: a checksum finds them."""
        if not self.exposed:
            self.exposed = []
            Memory.watched.append(weakref.ref(self, Memory.watched.remove))
        if all(array is not known for known, _ in self.exposed):
            self.exposed.append((array, _checksum(array)))  # type: ignore[union-attr]  # a list by now

    def look(self) -> None:
        """Announce what the user wrote since the last look."""
        for k, (array, before) in enumerate(self.exposed):
            now = _checksum(array)
            if now != before:
                self.exposed[k] = (array, now)  # type: ignore[index]  # a list where it has an entry
                self.written(array)


def look_at_watched() -> None:
    for watched in list(Memory.watched):
        memory = watched()
        if memory is not None:
            memory.look()


def _checksum(array: Any) -> int:
    return crc32(backend_of(array).to_host(array).tobytes())
