"""The IDX format of MNIST: 0, 0, a code for the dtype, the number of axes, their lengths, the numbers; big-endian."""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BadFile

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
DEFLATE = 1032  # no deflated byte holds more than this many
LARGEST = 1 << 30  # bytes; the largest set in this format, EMNIST by class, has 0.6 · 10⁹
CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str], ndim: int | None = None) -> "np.ndarray[Any, Any]":
    """The array in an IDX file, plain or gzipped. What the header declares is checked before memory is taken for it."""
    path = Path(path)
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        try:
            dtype, shape, start = _header(file, path)
            if ndim is not None and len(shape) != ndim:
                raise BadFile(f"{path}: {ndim} axes are needed here, its header declares {shape}")
            size = math.prod(shape) * dtype.itemsize
            there, packed = os.path.getsize(path), path.suffix == ".gz"
            possible = there * DEFLATE if packed else there - start
            if size > LARGEST or (size > possible if packed else size != possible):
                raise BadFile(
                    f"{path}: its header declares {shape} of {dtype.name}, {size:,} bytes, and the file "
                    + (f"of {there:,} bytes cannot hold them" if size > possible else f"holds {possible:,}")
                    + (f"; at most {LARGEST:,} are read" if size > LARGEST else "")
                )
            data = _exactly(file, size, path)
        except (EOFError, zlib.error, gzip.BadGzipFile, struct.error) as error:
            raise BadFile(f"{path} is cut off or damaged: {error}") from error
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(file: Any, path: Path) -> tuple[Any, tuple[int, ...], int]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
        raise BadFile(f"{path} is no IDX file: it begins with {magic.hex(' ') or 'nothing'}, expected 00 00 08 ..")
    if magic[3] > 32:
        raise BadFile(f"{path}: its header declares {magic[3]} axes")
    axes = file.read(4 * magic[3])
    if len(axes) < 4 * magic[3]:
        raise BadFile(f"{path} is cut off in its header")
    return np.dtype(DTYPES[magic[2]]), struct.unpack(f">{magic[3]}I", axes), 4 + len(axes)


def _exactly(file: Any, size: int, path: Path) -> bytearray:
    """`size` bytes, which must be all there are; memory grows with what is really there."""
    data = bytearray()
    while len(data) <= size and (chunk := file.read(min(CHUNK, size - len(data) + 1))):
        data += chunk
    if len(data) != size:
        held = "more" if len(data) > size else f"{len(data):,}"
        raise BadFile(f"{path}: its header declares {size:,} bytes of data, it holds {held}")
    return data
