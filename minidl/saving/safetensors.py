"""The safetensors format: eight bytes that give the length of a header, the header in JSON, and the numbers.

https://huggingface.co/docs/safetensors. Nested values keep their structure in the header's free text, as "minidl"."""

import json
from typing import IO, Any

import numpy as np

from ..backend import Array
from .arrays import count_bytes, native, read_array, shorten, write_array, write_bytes
from .structure import read_json

DTYPES = {
    "F16": "<f2", "F32": "<f4", "F64": "<f8", "BOOL": "|b1", "I8": "|i1", "I16": "<i2", "I32": "<i4", "I64": "<i8",
    "U8": "|u1", "U16": "<u2", "U32": "<u4", "U64": "<u8",
    "BF16": "<u2",  # the upper half of a float32: read as one, exactly
}  # fmt: skip
NAMES = {native(dtype): name for name, dtype in DTYPES.items() if name != "BF16"}
MAX_HEADER = 100_000_000  # the format's own limit


def fits(name: str) -> bool:
    """May an array have this name? JSON takes any text, but text it must be."""
    return name != "__metadata__" and _encodes(name)


def write(file: IO[bytes], arrays: dict[str, Array], structure: str | None) -> None:
    # The widest numbers come first, so that each starts at a multiple of its size.
    order = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    offsets, end = {}, 0
    for name in order:
        start, end = end, end + arrays[name].nbytes
        offsets[name] = [start, end]
    # "pt" says that names and axes are PyTorch's; programs around Hugging Face's hub ask for it.
    metadata = {"format": "pt"} if structure is None else {"format": "pt", "minidl": structure}
    header: dict[str, Any] = {"__metadata__": metadata}
    for name, array in arrays.items():
        header[name] = {"dtype": NAMES[native(array.dtype)], "shape": list(array.shape), "data_offsets": offsets[name]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if len(text) > MAX_HEADER:
        raise ValueError(f"what is not in tensors takes {len(text)} bytes; the format has room for {MAX_HEADER}")
    write_bytes(file, len(text).to_bytes(8, "little") + text)
    for name in order:
        write_array(file, arrays[name])


def read(file: IO[bytes], size: int) -> tuple[dict[str, Any], str | None]:
    """The arrays by name and the structure. Everything the header says is checked before memory is taken."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, MAX_HEADER):
        raise ValueError(f"its header claims {length} bytes, more than the file (or the format) has room for")
    header = read_json(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its __metadata__ is no table of strings")
    entries = {name: _entry(name, entry) for name, entry in header.items()}
    end = 0
    for name in sorted(entries, key=lambda name: entries[name][2]):
        _, _, (start, stop) = entries[name]
        if start != end:
            raise ValueError(f"{shorten(name)} starts at byte {shorten(start)}, but what comes before it ends at {end}")
        end = stop
    if end != size - 8 - length:
        raise ValueError(f"its arrays take {shorten(end)} bytes, but {size - 8 - length} follow the header")
    arrays: dict[str, Any] = dict.fromkeys(entries)
    for name in sorted(entries, key=lambda name: entries[name][2]):
        dtype, shape, _ = entries[name]
        arrays[name] = read_array(file, shape, np.dtype(DTYPES[dtype]))
        if dtype == "BF16":
            arrays[name] = np.asarray(arrays[name].astype(np.uint32) << 16).view(np.float32)
    return arrays, metadata.get("minidl")


def _entry(name: str, entry: Any) -> tuple[str, tuple[int, ...], tuple[int, int]]:
    """One line of the header: dtype, shape and place."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{shorten(name)} has no dtype, shape and data_offsets, or has more: {shorten(entry)}")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"{shorten(name)} has dtype {shorten(dtype)}, which minidl does not have")
    try:
        wanted = count_bytes(shape, np.dtype(DTYPES[dtype]))
    except ValueError as error:
        raise ValueError(f"{shorten(name)}: {error}") from None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(at) is int and at >= 0 for at in offsets):
        raise ValueError(f"{shorten(name)} lies at {shorten(offsets)}, which is no pair of places")
    start, stop = offsets
    if stop - start != wanted:
        raise ValueError(
            f"{shorten(name)}, {dtype} of shape {shorten(shape)}, takes {wanted} bytes, "
            f"but its place has {shorten(stop - start)}"
        )
    return dtype, tuple(shape), (start, stop)


def _encodes(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
