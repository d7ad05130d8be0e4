"""In-place safety: when memory was written, so that backward never uses a value that has changed."""

import itertools
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from zlib import crc32

from ..backend import BACKENDS, backend_of
from ..errors import overwritten, stale_history

tick = itertools.count(1).__next__  # one clock for records and writes: what came first has the lower number


class Memory:
    """The stamp of one block of memory, shared by every tensor that views it."""

    stamp = version = 0  # when it was last written, and how often
    extent = (0, 0)  # its addresses, noted by the write
    recorded = False  # did a recorded operation write into it?
    exposed: "list[tuple[Any, int | None]] | tuple[()]" = ()  # arrays the user holds, with their checksums
    read = True  # may a record have read it? Of an array that has just become a tensor it is known that none has
    latest = 0  # when any memory at all was last written
    watched: "list[weakref.ref[Memory]]" = []  # those that want a look before they are read

    def written(self, array: Any, number: int = 0) -> None:
        """Every write into `array` is announced here: a record older than it may have become stale.

        The write of a recorded operation bears the number of its record."""
        if number and not self.recorded:
            self.recorded = True
            Memory.watched.append(weakref.ref(self, Memory.watched.remove))
        self.stamp, self.version = number or tick(), self.version + 1
        self.extent = backend_of(array).extent(array)
        Memory.latest = max(Memory.latest, self.stamp)

    def expose(self, array: Any, read: bool = True) -> None:
        """The user has this very array. They will not announce their writes: a checksum finds them."""
        if not self.exposed:
            self.exposed, self.read = [], read
            Memory.watched.append(weakref.ref(self, Memory.watched.remove))
        if all(array is not known for known, _ in self.exposed):
            self.exposed.append((array, _checksum(array) if self.read else None))

    def look(self) -> None:
        """Announce what the user wrote since the last look, before a record or a backward reads the memory."""
        self.read = True
        for k, (array, before) in enumerate(self.exposed):
            now = _checksum(array)
            if now != before:
                self.exposed[k] = (array, now)  # type: ignore[index]  # a list where it has an entry
                if before is not None:
                    self.written(array)


def _checksum(array: Any) -> int:
    host = backend_of(array).to_host(array)
    return crc32(host if host.flags.c_contiguous else host.tobytes())


def refuse_overwritten(order: Sequence[Any], everything: bool) -> None:
    """Raise, before any gradient is computed, if a value that is needed was written after it was read.

    A plain backward needs what the vjps captured; create_graph (`everything`) every leaf and constant too."""
    for watched in list(Memory.watched):
        if (memory := watched()) is not None and memory.read:
            memory.look()
    if not order or Memory.latest < order[0].number:
        return  # nothing at all was written since the oldest record
    for node in order:
        picked = node.op.name == "value"  # one value of its parent, whose vjps are the ones that capture
        if node.memory.stamp > node.number and captures(node.inputs[0] if picked else node, node.memory):
            raise overwritten(node, None)
        if picked:
            continue
        for k, edge in enumerate(node.inputs):
            memory = getattr(edge, "memory", None)
            if memory is None or memory.stamp <= getattr(edge, "number", 0):
                continue  # a number, or not written since it was made
            if memory.stamp < node.number and hasattr(edge, "number"):
                raise stale_history(node, k)
            if memory.stamp > node.number and (everything and not hasattr(edge, "number") or captures(node, memory)):
                raise overwritten(node, k)


def captures(node: Any, memory: Memory) -> bool:
    """Did the vjps keep an array that lies where this memory was written?"""
    start, stop = memory.extent
    extents = (backend_of(array).extent(array) for array in captured_arrays(node.vjps))
    return any(low < stop and start < high for low, high in extents)


def captured_arrays(value: Any) -> Iterator[Any]:
    """The arrays that functions hold in their closures, however nested."""
    stack, seen = [value], set()
    while stack:
        value = stack.pop()
        if type(value) in BACKENDS:
            yield value
        elif isinstance(value, (tuple, list)):
            stack.extend(value)
        elif callable(value) and id(value) not in seen:
            seen.add(id(value))
            for cell in getattr(value, "__closure__", None) or ():
                with suppress(ValueError):  # empty: a name of a branch that the formula did not take
                    stack.append(cell.cell_contents)
            stack.extend(getattr(value, "__defaults__", None) or ())
