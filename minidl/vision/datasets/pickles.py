"""CIFAR's batches are pickles, and a pickle is a program. This reads the ones that only build data.

Dicts, lists, tuples, strings, numbers and arrays of plain numbers; any other name a pickle asks for is refused, and
nothing of NumPy runs before shape, dtype and length of an array agree."""

import io
import math
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BadFile, UnsafePickle

LARGEST = 1 << 29  # bytes; the largest file of this kind, CIFAR-100's `train`, has 155 million
NUMBERS = {"b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"}


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """The data in a pickle of Python 2 or 3. Strings of Python 2 are decoded as Latin-1."""
    path = Path(path)
    size = path.stat().st_size
    if size > LARGEST:
        raise BadFile(f"{path} has {size:,} bytes; no file of CIFAR has more than {LARGEST:,}")
    data = path.read_bytes()
    try:
        _check(data)
        return _plain(_Reader(data).load())
    except BadFile as error:
        raise type(error)(f"{path}: {error}") from None
    except (pickle.UnpicklingError, ValueError, TypeError, EOFError, IndexError, KeyError, AttributeError, LookupError,
            OverflowError, MemoryError, RecursionError) as error:  # fmt: skip
        raise BadFile(f"{path} is cut off or damaged: {type(error).__name__}: {error}") from error


def _check(data: bytes) -> None:
    """Walk over the opcodes without running them: a length or a memo number that lies would take memory."""
    import pickletools  # half of it is documentation, which takes time to read

    number = -1
    for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if opcode.name in {"PUT", "BINPUT", "LONG_BINPUT"} and int(argument or 0) > number:
            raise BadFile(f"it numbers its {number}th step {argument}")
        if opcode.name in {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX"}:
            raise UnsafePickle(f"it makes objects ({opcode.name}); only lists, dicts, numbers and arrays are read")
    if number < 0:
        raise BadFile("it is empty")


class _Type:
    """Stands for a dtype: checked, and only then made."""

    def __init__(self, name: Any, *flags: Any) -> None:
        self.name = name if isinstance(name, str) else bytes(name).decode("ascii")
        if self.name.lstrip("<>|=") not in NUMBERS:
            raise UnsafePickle(f"it holds an array of {self.name[:50]!r}; only plain numbers are read")
        self.order = self.name[0] if self.name[0] in "<>" else "="

    def __setstate__(self, state: Any) -> None:
        version, order, *rest = state
        order = order if isinstance(order, str) else bytes(order).decode("ascii")
        if order not in ("<", ">", "=", "|") or any(part not in (None, -1, 0) for part in rest):
            raise UnsafePickle("it holds an array of records; only plain numbers are read")
        self.order = order

    def make(self) -> Any:
        return np.dtype(self.name.lstrip("<>|=")).newbyteorder(self.order)  # type: ignore[arg-type]  # checked above


class _Array:
    """Stands for an array until all of it is there."""

    def __init__(self, reader: "_Reader") -> None:
        self.reader, self.value = reader, None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, data = state
        self.value = self.reader.array(data, dtype, shape, "F" if fortran else "C")


class _Maker:
    """A function that a pickle may call; unlike a function it has no attributes that a pickle could set."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)

    def __setstate__(self, state: Any) -> None:
        raise UnsafePickle("it changes a function")


class _Reader(pickle.Unpickler):
    """An unpickler that knows what NumPy writes for an array, and nothing else."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="latin-1")
        self.budget = len(data)  # bytes of text that may be encoded: each of the file once
        makers: dict[str, Any] = {
            "numpy ndarray": lambda *args: _refuse("numpy.ndarray"),  # only as an argument of _reconstruct
            "numpy dtype": _Type,
            "_codecs encode": self.encode,  # bytes, as Python 3 writes them for Python 2
            "multiarray _reconstruct": lambda kind, shape, letter: _Array(self),
            "multiarray scalar": lambda dtype, data: self.array(data, dtype, ())[()],
            "numeric _frombuffer": self.frombuffer,
        }
        self.makers = {name: _Maker(function) for name, function in makers.items()}

    def find_class(self, module: str, name: str) -> Any:
        short = module.removeprefix("numpy.core.").removeprefix("numpy._core.")
        known = f"{short} {name}" in self.makers and (short != module or short in ("numpy", "_codecs"))
        return self.makers[f"{short} {name}"] if known else _refuse(f"{module[:50]}.{name[:50]}")

    def encode(self, text: Any, encoding: Any = "latin-1") -> bytes:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise UnsafePickle("it encodes text in a way of its own")
        self.budget -= len(text)
        if self.budget < 0:
            raise UnsafePickle("it makes more data than it holds")
        return text.encode("latin-1")

    def array(self, data: Any, dtype: Any, shape: Any, order: Any = "C") -> Any:
        data = self.encode(data) if isinstance(data, str) else data
        if not (isinstance(data, (bytes, bytearray)) and isinstance(dtype, _Type) and isinstance(shape, tuple)):
            raise BadFile("an array in it has no bytes, no dtype or no shape")
        if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
            raise BadFile(f"an array in it has the shape {str(shape)[:100]}")
        kind = dtype.make()
        if math.prod(shape) * kind.itemsize != len(data):
            raise BadFile(f"an array in it declares {shape} of {kind.name}, and has {len(data):,} bytes")
        return np.frombuffer(data, kind).reshape(shape, order=order)

    def frombuffer(self, data: Any, dtype: Any, shape: Any, order: Any) -> _Array:
        made = _Array(self)
        made.value = self.array(data, dtype, shape, order)
        return made


def _refuse(name: str) -> Any:
    raise UnsafePickle(
        f"it asks for {name}; only dicts, lists, numbers, strings and arrays are read. The official file does not do "
        "this: delete it and download it again."
    )


def _plain(value: Any, depth: int = 0) -> Any:
    """The arrays instead of what stands for them, and string keys for bytes."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict) and depth < 8:
        return {k.decode("latin-1") if isinstance(k, bytes) else k: _plain(v, depth + 1) for k, v in value.items()}
    return value
