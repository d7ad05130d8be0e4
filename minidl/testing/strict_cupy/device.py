"""The device: what waits for it, how much was asked of it, and which of several is the current one."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from typing import Self

DEVICES = 2


class HostSync(RuntimeError):
    """The host would wait for the device, or copy to it, where ``no_sync`` forbids that."""


class Counters:
    """How often the host waited, work was started, host data was uploaded, an index wrapped. Exact in one thread."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.syncs = self.launches = self.uploads = self.wrapped = 0

    def __repr__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in vars(self).items())


counters = Counters()


class _Here(threading.local):
    device = 0
    forbid_syncs = forbid_uploads = False

    def __init__(self) -> None:
        self.outer: list[int] = []


here = _Here()


@contextlib.contextmanager
def no_sync(*, uploads: bool = False) -> Iterator[None]:
    """Refuse, in this thread, what makes the host wait; with ``uploads``, copies to the device too (graph capture)."""
    before = here.forbid_syncs, here.forbid_uploads
    here.forbid_syncs, here.forbid_uploads = True, uploads or before[1]
    try:
        yield
    finally:
        here.forbid_syncs, here.forbid_uploads = before


def sync(what: str) -> None:
    counters.syncs += 1
    if here.forbid_syncs:
        raise HostSync(f"{what} makes the host wait for the device")


def upload(what: str) -> None:
    counters.uploads += 1
    if here.forbid_uploads:
        raise HostSync(f"{what} copies from the host to the device")


class CUDARuntimeError(RuntimeError):
    pass


class Device:
    """``cupy.cuda.Device``: the current one, or by number; usable in a ``with`` statement."""

    def __init__(self, device: Any = None):
        self.id = here.device if device is None else int(device)

    def use(self) -> Self:
        if not 0 <= self.id < DEVICES:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        here.device = self.id
        return self

    def __enter__(self) -> Self:
        here.outer.append(here.device)
        try:
            return self.use()
        except CUDARuntimeError:
            here.outer.pop()
            raise

    def __exit__(self, *exception: object) -> None:
        here.device = here.outer.pop()

    def synchronize(self) -> None:
        sync("Device.synchronize()")

    def __int__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self) -> int:
        return self.id

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"


class Stream:
    """``cupy.cuda.Stream``: everything is in order and done at once."""

    ptr = 0
    null: Stream

    def __init__(self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: Any = None):
        self.done = True

    def use(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def synchronize(self) -> None:
        sync("Stream.synchronize()")


Stream.null = Stream(null=True)


class MemoryPool:
    """``cupy.cuda.MemoryPool``: keeps nothing."""

    def malloc(self, size: int) -> NoReturn:
        raise NotImplementedError("the stand-in device has no memory pointers")

    def free_all_blocks(self, stream: Any = None) -> None:
        pass

    def used_bytes(self) -> int:
        return 0

    total_bytes = free_bytes = n_free_blocks = used_bytes


class Memory(NamedTuple):
    """One allocation, the same for all the arrays that lie in it."""

    ptr: int
    size: int
    device_id: int


class MemoryPointer(NamedTuple):
    ptr: int
    mem: Memory
    device_id: int

    @property
    def device(self) -> Device:
        return Device(self.device_id)
