"""Devices: where a tensor's numbers live. `"cpu"`, `"cuda"`, `"cuda:N"`, and `"meta"`: shapes without numbers."""

import importlib
import threading
import warnings
from collections.abc import Callable

from .base import Array, Backend, backend_of, register
from .batch import BatchArray
from .numpy_ import NUMPY


class device:
    """A kind of device and which one of that kind: `device("cuda:1")`, `device("cuda", 1)`.

    In `with device("meta"):` new tensors that do not say theirs are made there."""

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, where: "str | int | device", index: int | None = None) -> None:
        if isinstance(where, device):
            self.type, self.index = where.type, where.index
            return
        if isinstance(where, int):
            index, where = where, "cuda"
        if not isinstance(where, str):
            raise TypeError(f"device: a name such as 'cpu' or 'cuda:0' is needed, got {where!r}")
        kind, colon, number = where.partition(":")
        if colon:
            if index is not None or not number.isdecimal():
                raise ValueError(f"device: cannot read {where!r}; write 'cpu', 'cuda' or 'cuda:N'")
            index = int(number)
        if kind not in _MAKERS:
            raise ValueError(f"device: no device is called {kind!r}; there are {', '.join(map(repr, _MAKERS))}")
        self.type, self.index = kind, index

    def __repr__(self) -> str:
        return f"device(type={self.type!r}" + (")" if self.index is None else f", index={self.index})")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> "device":
        _default.chosen.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _default.chosen.pop()


class _Default(threading.local):
    """Where new tensors go, in this thread: the last of these."""

    def __init__(self) -> None:
        self.chosen = [device("cpu")]


def get_default_device() -> device:
    """Where new tensors are made unless they say otherwise."""
    return _default.chosen[-1]


def set_default_device(where: "str | int | device | None") -> None:
    """Make new tensors there unless they say otherwise, in this thread; None: on the CPU."""
    _default.chosen[-1] = device("cpu" if where is None else where)


def device_of(array: Array) -> device:
    """The device an array lives on."""
    while type(array) is BatchArray:
        array = array.values
    backend = backend_of(array)
    return device(backend.device_type, backend.index_of(array))


def backend_for(where: "str | int | device | None") -> tuple[Backend, int]:
    """The backend and the device number for a device; raises in words where there is none."""
    if where is None:
        return NUMPY, 0
    where = device(where)
    backend = _loaded.get(where.type)
    if backend is None:
        backend = _loaded[where.type] = register(_MAKERS[where.type]())
    return backend, where.index or 0


def move(array: Array, where: "str | int | device | None") -> Array:
    """The array on another device; itself where it is there already."""
    if type(array) is BatchArray:
        values = move(array.values, where)
        return array if values is array.values else array.like(values)
    backend, index = backend_for(where)
    here = backend_of(array)
    if here is backend and (where is None or device(where).index in (None, here.index_of(array))):
        return array
    if backend is here:
        return backend.asarray(array, index)
    return backend.asarray(here.to_host(array), index)


def add_device_type(name: str, make: Callable[[], Backend]) -> None:
    """Let `device(name)` exist; `make` builds its backend when it is first used."""
    _MAKERS[name] = make


def cuda_problem() -> str | None:
    """Why "cuda" cannot be used here, in words; None where it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CuPy warns of missing parts of CUDA; the sentence below says it better
            cupy = importlib.import_module("cupy")
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "cupy":
            return (
                "CuPy is not installed. With an NVIDIA driver for CUDA 12: pip install 'minidl[gpu-cuda12]' "
                "(CUDA 13: 'minidl[gpu-cuda13]'). Without a GPU, use device 'cpu'."
            )
        return f"CuPy is installed but cannot be imported ({error}). Use device 'cpu'."
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:  # CuPy's driver errors share no public base class
        return f"CuPy {cupy.__version__} is installed, but finds no usable driver ({error}): use device 'cpu'."
    return None if count else f"CuPy {cupy.__version__} is installed, but no GPU is visible: use device 'cpu'."


def _cuda() -> Backend:
    problem = cuda_problem()
    if problem:
        raise RuntimeError(f"device 'cuda': {problem}")
    from .cupy_ import CupyBackend

    return CupyBackend(importlib.import_module("cupy"), importlib.import_module("cupyx"))


def _meta() -> Backend:
    from .meta import META

    return META


_MAKERS: dict[str, Callable[[], Backend]] = {"cpu": lambda: NUMPY, "cuda": _cuda, "meta": _meta}
_loaded: dict[str, Backend] = {"cpu": NUMPY}
_default = _Default()
