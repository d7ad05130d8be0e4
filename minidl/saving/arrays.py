"""The numbers of an array as bytes in a file: little-endian, row by row."""

import reprlib
from math import prod
from typing import IO, Any

import numpy as np

from ..backend import Array, backend_of

DTYPES = {
    np.dtype(name): name
    for name in "float16 float32 float64 bool int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
}
MAX_AXES = 64  # NumPy's
MAX_BYTES = 2**63 - 1
CHUNK = 2**26  # written at a time


def native(dtype: Any) -> Any:
    """The dtype in this machine's byte order."""
    return np.dtype(dtype).newbyteorder("=")


def count_bytes(shape: Any, dtype: Any) -> int:
    """How much memory the shape takes, which a file may lie about; refused where no array can have it."""
    if not isinstance(shape, list | tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"the shape {shorten(shape)} is no list of sizes")
    if len(shape) > MAX_AXES:
        raise ValueError(f"a shape of {len(shape)} axes is more than an array can have ({MAX_AXES})")
    # Axes of size 0 do not excuse the others: NumPy refuses (0, 2⁶³) too.
    if prod(max(n, 1) for n in shape) * dtype.itemsize > MAX_BYTES:
        raise ValueError(f"the shape {shorten(shape)} is larger than any memory")
    return prod(shape) * dtype.itemsize


def read_array(file: IO[bytes], shape: tuple[int, ...], dtype: Any) -> Any:
    """The next bytes of the file as an array with memory of its own. The caller has checked that they are there."""
    array: Any = np.empty(shape, np.uint8 if dtype.kind == "b" else dtype)
    rest = memoryview(array.reshape(-1).view(np.uint8))
    while rest:
        n = file.readinto(rest)  # type: ignore[attr-defined]  # every binary file has it
        if not n:
            raise ValueError("the file ends in the middle of an array")
        rest = rest[n:]
    if dtype.kind == "b":
        return np.asarray(array != 0)  # a byte that is neither 0 nor 1 would make a bool that is neither
    return array.astype(native(dtype), copy=False)


def write_array(file: IO[bytes], array: Array) -> None:
    host: Any = backend_of(array).to_host(array)
    host = np.ascontiguousarray(host, host.dtype.newbyteorder("<"))
    write_bytes(file, host.reshape(-1).view(np.uint8))


def write_bytes(file: IO[bytes], data: Any) -> None:
    """All of it, also where the file takes less than it is offered at a time."""
    rest = memoryview(data)
    while rest:
        n: int | None = file.write(rest[:CHUNK])
        rest = rest[CHUNK if n is None else n :]


def shorten(value: Any) -> str:
    """What a file says, for an error message: a liar's text may be endless, and his lists nested without end."""
    try:
        return _short.repr(value)
    except ValueError:  # an integer of more digits than Python prints
        return f"<{type(value).__name__}>"


_short = reprlib.Repr()
_short.maxlevel, _short.maxtuple, _short.maxlist, _short.maxdict = 2, 8, 8, 4
_short.maxstring = _short.maxother = 80
