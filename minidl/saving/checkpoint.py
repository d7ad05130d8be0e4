"""save and load. The formats, with zip, JSON and pickletools behind them, are imported at their first use."""

import io
import os
from collections.abc import Callable
from typing import IO, Any

from ..autograd import Memory, Tensor
from ..backend import backend_for, move
from ..files import atomic_write


def save(obj: Any, f: str | os.PathLike[str] | IO[bytes], format: str | None = None) -> None:
    """Save tensors, numbers and strings, and dicts, lists, tuples and sets of them in any nesting.

        minidl.save({"model": net.state_dict(), "optimizer": opt.state_dict(), "epoch": 7,
                     "random": minidl.get_rng_state()}, "run.ckpt")

    f: a path, or a file opened for writing bytes. A path gets its file in one step, once that is complete.
    format: "safetensors" or "npz"; by default what the path ends in says it, and otherwise it is safetensors. A dict of
        tensors under strings is a file that every other program for the format reads, under the same names.

    Tensors come back with their values, dtype, shape and requires_grad, on the CPU. A view saves only what it shows.
    The same tensor under two keys (tied weights) is one tensor again; views that merely overlap are apart."""
    from . import npz, safetensors, structure

    path = None if hasattr(f, "write") else os.fsdecode(f)
    if format is None:
        format = "npz" if path is not None and path.endswith(".npz") else "safetensors"
    kind: Any = {"safetensors": safetensors, "npz": npz}.get(format)
    if kind is None:
        raise ValueError(f"save: there is no format {format!r}; use 'safetensors' or 'npz'")
    try:
        contents = structure.flatten(obj, kind.fits)
    except (TypeError, ValueError) as error:
        raise type(error)(f"save: {error}") from None
    except RecursionError:
        raise ValueError("save: the value is nested too deeply for Python's recursion limit") from None
    if path is None:
        kind.write(f, *contents)
    else:
        with atomic_write(path) as file:
            kind.write(file, *contents)


def load(f: str | os.PathLike[str] | IO[bytes], map_location: Any = None, *, weights_only: bool = True) -> Any:
    """What `save` saved; also other programs' safetensors, npz and npy files, and PyTorch's (.pt, .pth) of weights.

    f: a path, or a file opened for reading bytes. Its content says which format it is, not its name.
    map_location: the device for the tensors, the CPU by default; or as in PyTorch a dict of devices by device, or a
        function of (tensor, "cpu"). Tensors of one PyTorch storage share it here too, on the CPU.
    weights_only: nothing else is ever loaded, whatever this says. No file is unpickled and none runs code.

    A file that is broken, or lies about sizes, is refused in words before memory is taken. bfloat16 becomes float32,
    which holds every bfloat16 exactly; uint16, uint32 and uint64, which tensors are not, come as NumPy arrays."""
    if hasattr(f, "read"):
        return _load(_from_here(f), str(getattr(f, "name", "the file")), map_location)
    with open(f, "rb") as file:
        return _load(file, os.fsdecode(f), map_location)


def _load(file: IO[bytes], name: str, map_location: Any) -> Any:
    tensor = _maker(map_location)
    try:
        return _read(file, tensor)
    except OSError:
        raise
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"load: {name}: {error}") from None


def _read(file: IO[bytes], tensor: Callable[..., Tensor]) -> Any:
    from . import archive, npz, pytorch, safetensors, structure

    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(16)
    file.seek(0)
    if start[8:9] == b"{":
        return structure.unflatten(*safetensors.read(file, size), tensor)
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        members = archive.Archive(file)
        root = pytorch.root_of(members)
        return structure.unflatten(*npz.read(members), tensor) if root is None else pytorch.read(members, root, tensor)
    if start.startswith(npz.MAGIC):
        array = npz.read_npy(file, size)
        return tensor(array, False) if structure.is_tensors(array) else array
    raise ValueError(_what_it_is(start))


def _what_it_is(start: bytes) -> str:
    if start.startswith(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."):
        return (
            "it is in PyTorch's format from before version 1.6, which is not read; in PyTorch, "
            "torch.save(torch.load(old), new) writes the present one"
        )
    if start.startswith(b"\x80"):
        return "it is a pickle, which could run any code and is not read; save it as safetensors or npz"
    if not start:
        return "it is empty"
    return f"it is no safetensors, npz, npy or PyTorch file; it starts with {start!r}"


def _maker(map_location: Any) -> Callable[..., Tensor]:
    """The function that turns an array into a tensor where map_location wants it."""
    where = map_location.get("cpu") if isinstance(map_location, dict) else map_location
    if not callable(where):
        backend_for(where)  # says so where there is no such device

    def tensor(array: Any, requires_grad: bool, memory: Memory | None = None) -> Tensor:
        t = Tensor(array)
        if memory is not None:
            t.memory = memory  # so that backward notices a write through any tensor of the storage
        if callable(where):
            moved = where(t, "cpu")
            t = t if moved is None else moved
        elif where is not None:
            t = Tensor(moved) if (moved := move(t.array, where)) is not t.array else t
        if requires_grad:
            t.requires_grad = True
        return t

    return tensor


def _from_here(f: Any) -> Any:
    """The rest of an open file as a file of its own."""
    if isinstance(f, io.TextIOBase):
        raise TypeError("load: the file is open as text; open it with mode 'rb'")
    whole = hasattr(f, "seekable") and f.seekable() and f.tell() == 0 and hasattr(f, "readinto")
    return f if whole else io.BytesIO(f.read())
