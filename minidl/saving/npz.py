"""NumPy's formats: .npy, a line of text and the numbers; .npz, a zip file of them."""

import ast
import re
import zipfile
import zlib
from typing import IO, Any

import numpy as np

from ..backend import Array
from .archive import Archive
from .arrays import count_bytes, read_array, shorten, write_array

MAGIC = b"\x93NUMPY"
STRUCTURE = "structure.json"  # where nested values keep what is not in arrays; an array's member ends in .npy
MAX_HEADER = 10_000  # a dtype, a flag and a shape need less


def fits(name: str) -> bool:
    r"""May an array have this name? Zip files cut names at NUL, and some readers take \ for /."""
    try:
        return len(name.encode()) < 60_000 and "\0" not in name and "\\" not in name
    except UnicodeEncodeError:  # half of a surrogate pair
        return False


def write(file: IO[bytes], arrays: dict[str, Array], structure: str | None) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(name + ".npy"), "w", force_zip64=True) as member:
                header = {"descr": array.dtype.newbyteorder("<").str, "fortran_order": False, "shape": array.shape}
                np.lib.format.write_array_header_1_0(member, header)
                write_array(member, array)
        if structure is not None:
            archive.writestr(zipfile.ZipInfo(STRUCTURE), structure)


def read(archive: Archive) -> tuple[dict[str, Any], str | None]:
    arrays, structure = {}, None
    for name, info in archive.members.items():
        if name.endswith("/") and not info.file_size:
            continue  # a folder
        with archive.open(name) as member:
            try:
                if name.endswith(".npy"):
                    arrays[name.removesuffix(".npy")] = read_npy(member, info.file_size)
                elif name == STRUCTURE:
                    structure = archive.read(name).tobytes().decode()
                else:
                    raise ValueError("it is no array")
                member.read(1)  # at its end, the checksum is compared
            except (ValueError, EOFError, zlib.error, zipfile.BadZipFile) as error:
                raise ValueError(f"its member {shorten(name)} cannot be read: {error}") from None
    return arrays, structure


def read_npy(file: IO[bytes], size: int) -> Any:
    """One array from a file of `size` bytes; its header is checked against them before memory is taken."""
    start = file.read(8)
    width = {1: 2, 2: 4, 3: 4}.get(start[6]) if len(start) == 8 and start[:6] == MAGIC else None
    if width is None:
        raise ValueError("it does not start as a .npy file of a known version does")
    length = int.from_bytes(file.read(width), "little")
    if length > MAX_HEADER:
        raise ValueError(f"its header claims {length} bytes")
    header = _literal(file.read(length))
    if not isinstance(header, dict) or header.keys() != {"descr", "fortran_order", "shape"}:
        raise ValueError("its header does not give a dtype, an order and a shape")
    descr, shape = header["descr"], header["shape"]
    if not isinstance(descr, str) or not re.fullmatch(r"[<>|=]?(b1|[iu][1248]|f[248])", descr):
        raise ValueError(f"its dtype {shorten(descr)} is not one of booleans, integers and real floats")
    dtype = np.dtype(descr)
    if not isinstance(shape, tuple) or 8 + width + length + count_bytes(shape, dtype) != size:
        raise ValueError(f"its header says {descr} of shape {shorten(shape)}, which does not fit its {size} bytes")
    if header["fortran_order"] is not True:
        return read_array(file, shape, dtype)
    return np.ascontiguousarray(read_array(file, shape[::-1], dtype).T).reshape(shape)


def _literal(text: bytes) -> Any:
    try:
        return ast.literal_eval(text.decode("utf-8").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(f"its header {shorten(text)} is not understood") from None
