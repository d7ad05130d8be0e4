"""A stand-in for CuPy over NumPy memory: it computes what NumPy computes and refuses what CuPy refuses.

Code that is right on it is very likely right on a GPU, and a machine without one can run it:

    from minidl.testing import strict_cupy
    cupy, cupyx = strict_cupy.cupy, strict_cupy.cupyx       # or: with strict_cupy.installed(): import cupy
    with strict_cupy.no_sync():
        step(cupy.asarray(batch))                            # HostSync where the host would wait for the device
    print(strict_cupy.counters)                              # syncs=0 launches=61 uploads=1 wrapped=0

As in CuPy 14
- A NumPy array is never converted silently, in either direction; results of reductions and of full indexing are 0-d
  device arrays; names and parameters that CuPy lacks are missing (the tables are in ``cupy_names``).
- What makes the host wait is counted, and refused under ``no_sync()``: ``get item tolist float() int() bool() repr()``,
  boolean masks (also ``x[mask] = v``), one-argument ``where``, ``nonzero``, ``unique``, ``bincount``, ``repeat`` with
  counts ... . ``allclose`` and ``array_equal`` return a 0-d device array, and only asking for its truth waits.
- An index out of range wraps round without a word. ``counters.wrapped`` tells that it happened.
- No floating-point warning is ever given. ``as_strided`` has ``base`` None although it shares memory, so ask
  ``x.data.mem`` (compared with ``==``) whether two arrays do. ``@=`` makes a new array.

Stricter than CuPy, on purpose
- A NumPy array or a list as an index (CuPy uploads it at each call) is refused.
- A NumPy scalar that would widen a floating array is refused: ``float32_array * np.float64(2)`` is float64.
- ``np.exp(x)`` and ``np.sum(x)`` are refused (CuPy dispatches them), and so is all of ``cupy.random``.
- An array that is not on the current device takes part in nothing but views and ``copy`` (CuPy may use peer access).
- ``empty`` holds NaN, True or the extreme integer. ``broadcast_to`` and ``diagonal`` give arrays that refuse writing.

Not seen: the order of writes to repeated indices, a singular matrix (NumPy raises, CuPy returns anything), kernels
written in CUDA C, pinned memory and streams (all work is done when a call returns). NumPy 2 is needed, as by CuPy 14.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import math
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from .. import cupy_names as names
from . import functions
from .array import METHODS, array, call_numpy, ndarray
from .device import (
    DEVICES,
    Counters,
    CUDARuntimeError,
    Device,
    HostSync,
    MemoryPointer,
    MemoryPool,
    Stream,
    counters,
    here,
    no_sync,
)
from .functions import asarray, asnumpy, cupy_function, from_numpy, missing, ufunc

__all__ = ["Counters", "HostSync", "counters", "cupy", "cupyx", "installed", "ndarray", "no_sync"]


class _Module(types.ModuleType):
    """A module with exactly the names of the table, each made when it is first asked for."""

    def __init__(self, name: str, table: str, make: Callable[[str], Any], **own: Any):
        super().__init__(name, "The stand-in for CuPy's module of this name.")
        self.__spec__ = importlib.machinery.ModuleSpec(name, None)
        self.__dict__.update(own)
        self._table, self._make = names.parse(table), make

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._table:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = self._make(name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted(self._table)


def _no_random(name: str) -> Callable[..., NoReturn]:
    def call(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"cupy.random.{name}: random numbers are drawn on the host")

    return call


def _pointwise(f: Callable[[float], float]) -> Callable[[ndarray], ndarray]:
    apply = np.frompyfunc(f, 1, 1)

    def call(x: ndarray) -> ndarray:
        dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
        return call_numpy(lambda a: np.asarray(apply(a.astype(float)), dtype=dtype), (x,), {})

    return call


def _lgamma(x: float) -> float:
    return math.inf if x == -math.inf or (x <= 0 and x == math.floor(x)) else math.lgamma(x)


def _log_softmax(x: ndarray, axis: Any = None) -> ndarray:
    shifted = cupy.subtract(x, x.max(axis, keepdims=True))
    return shifted - cupy.log(cupy.exp(shifted).sum(axis, keepdims=True))


@contextlib.contextmanager
def _errstate(**kwargs: Any) -> Iterator[None]:
    yield


def _get_array_module(*args: Any) -> types.ModuleType:
    return cupy if any(type(x) is ndarray for x in args) else np


def _methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The methods that CuPy and NumPy share, with CuPy's parameters."""
    for name in ("ptp", "repeat", "choose", "nonzero", "take", "argsort"):  # the functions know more
        yield name, lambda self, *args, _name=name, **kwargs: getattr(cupy, _name)(self, *args, **kwargs)
    yield "compress", lambda self, condition, axis=None, out=None: cupy.compress(condition, self, axis, out)
    yield "scatter_add", lambda self, slices, value: cupy.add.at(self, slices, value)
    yield "scatter_max", lambda self, slices, value: cupy.maximum.at(self, slices, value)
    yield "scatter_min", lambda self, slices, value: cupy.minimum.at(self, slices, value)
    for name, parameters in METHODS.items():
        f = getattr(np.ndarray, name, None)
        if callable(f) and name not in vars(ndarray) and not name.startswith("dump"):
            yield name, cupy_function(f".{name}", f, ("self", *parameters))


for _name, _method in _methods():
    setattr(ndarray, _name, _method)


def _stub(prefix: str) -> Callable[[str], Any]:
    return lambda name: missing(f"{prefix}.{name}")


_runtime = _Module(
    "cupy.cuda.runtime", "", _stub("cupy.cuda.runtime"), CUDARuntimeError=CUDARuntimeError, is_hip=False,
    getDeviceCount=lambda: DEVICES, getDevice=lambda: here.device,
    setDevice=lambda device: [Device(device).use()].clear(),
    deviceSynchronize=lambda: Device().synchronize(), memGetInfo=lambda: (2**33, 2**33),
    getDeviceProperties=lambda device: {"name": b"stand-in", "totalGlobalMem": 2**33},
    runtimeGetVersion=lambda: 12000, driverGetVersion=lambda: 12000,
)  # fmt: skip
_cuda = _Module(
    "cupy.cuda", names.CUDA, _stub("cupy.cuda"), Device=Device, Stream=Stream, MemoryPool=MemoryPool,
    runtime=_runtime, is_available=lambda: True, get_device_id=lambda: here.device,
    get_current_stream=lambda device_id=-1: Stream.null, MemoryPointer=MemoryPointer,
)  # fmt: skip
_tricks = _Module(
    "cupy.lib.stride_tricks", names.STRIDES, from_numpy("stride_tricks", np.lib.stride_tricks, names.STRIDES),
    as_strided=functions.as_strided,
)  # fmt: skip
_pool = MemoryPool()

#: The module to use for ``cupy``.
cupy = _Module(
    "cupy", f"{names.FUNCTIONS} {names.UFUNCS}", from_numpy("cupy", np, names.FUNCTIONS), __version__=names.VERSION,
    ndarray=ndarray, ufunc=ufunc, bool=np.bool_, array=array, asarray=asarray, asnumpy=asnumpy,
    reshape=functions.reshape,
    asanyarray=lambda a, dtype=None, order=None, *, copy=None, blocking=False: asarray(a, dtype, order, copy=copy),
    empty=lambda shape, dtype=float, order="C": ndarray(shape, dtype, order=order), empty_like=functions.empty_like,
    copy=lambda a, order="K": a.copy(order), sort=functions.sort, argsort=functions.argsort, take=functions.take,
    take_along_axis=lambda a, indices, axis: functions.wrapping_take(np.take_along_axis, a, indices, axis),
    put_along_axis=lambda a, indices, values, axis: functions.wrapping_take(
        np.put_along_axis, a, indices, axis, values),
    get_array_module=_get_array_module, is_available=lambda: True, cuda=_cuda,
    get_default_memory_pool=lambda: _pool, get_default_pinned_memory_pool=lambda: _pool,
    linalg=_Module("cupy.linalg", names.LINALG, from_numpy("cupy.linalg", np.linalg, names.LINALG)),
    fft=_Module("cupy.fft", names.FFT, from_numpy("cupy.fft", np.fft, names.FFT)),
    random=_Module("cupy.random", names.RANDOM, _no_random),
    lib=_Module("cupy.lib", "stride_tricks", _stub("cupy.lib"), stride_tricks=_tricks),
)  # fmt: skip

_special = _Module(
    "cupyx.scipy.special", names.SPECIAL, _stub("cupyx.scipy.special"),
    erf=_pointwise(math.erf), erfc=_pointwise(math.erfc), gammaln=_pointwise(_lgamma),
    ndtr=_pointwise(lambda x: 0.5 * math.erfc(-x / math.sqrt(2))), expit=lambda x: 0.5 * (1 + cupy.tanh(0.5 * x)),
    logit=lambda x: cupy.log(x) - cupy.log1p(-x), log_expit=lambda x: -cupy.logaddexp(-x, 0),
    xlogy=lambda x, y: cupy.where(x == 0, 0 * x, x * cupy.log(cupy.where(x == 0, 1, y))),
    log_softmax=_log_softmax, softmax=lambda x, axis=None: cupy.exp(_log_softmax(x, axis)),
    **{name: getattr(cupy, name) for name in ("cbrt", "exp2", "expm1", "i0", "log1p", "round", "sinc")},
)  # fmt: skip

#: The module to use for ``cupyx``.
cupyx = _Module(
    "cupyx", names.CUPYX, _stub("cupyx"), rsqrt=lambda x: 1 / cupy.sqrt(x), errstate=_errstate,
    scatter_add=lambda a, slices, value: cupy.add.at(a, slices, value),
    scatter_max=lambda a, slices, value: cupy.maximum.at(a, slices, value),
    scatter_min=lambda a, slices, value: cupy.minimum.at(a, slices, value),
    empty_pinned=lambda shape, dtype=float, order="C": np.zeros(shape, dtype, order),
    zeros_pinned=lambda shape, dtype=float, order="C": np.zeros(shape, dtype, order),
    scipy=_Module("cupyx.scipy", "special get_array_module", _stub("cupyx.scipy"),
                  special=_special, get_array_module=_get_array_module),
)  # fmt: skip


@contextlib.contextmanager
def installed() -> Iterator[types.ModuleType]:
    """Let ``import cupy`` and ``import cupyx.scipy.special`` find the stand-in, and put back what was there."""
    parts = (cupy.linalg, cupy.fft, cupy.random, cupy.lib, _tricks, _cuda, _runtime, cupyx.scipy, _special)
    modules = {module.__name__: module for module in (cupy, cupyx, *parts)}
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield cupy
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
