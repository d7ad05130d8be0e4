"""CuPy's functions and ufuncs: NumPy's, with CuPy's parameters, refusals and waiting."""

from __future__ import annotations

import inspect
import sys
import threading
import types
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from .. import cupy_names as names
from .array import (
    array,
    call_numpy,
    check_devices,
    check_kind,
    device_index,
    indexed,
    ndarray,
    new_array,
    poisoned,
    quietly,
    settle,
    unwrap,
    wrap,
)
from .device import counters, here, sync, upload


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What makes the host wait, at every call; the rest of them do so for some arguments (see _before).
_SYNCS = _words("""
    argwhere array2string array_repr array_str asarray_chkfinite bincount compress delete extract flatnonzero
    histogram histogram2d histogramdd in1d intersect1d isin mask_indices nonzero place polyfit ravel_multi_index
    roots setdiff1d setxor1d sliding_window_view tril_indices tril_indices_from trim_zeros triu_indices
    triu_indices_from union1d unique unique_all unique_counts unique_inverse unique_values unravel_index
""")  # fmt: skip
_JOINS = _words("concatenate concat stack hstack vstack dstack column_stack row_stack")
_RETURNS_ARRAY = _words("allclose array_equal array_equiv count_nonzero")  # where NumPy returns a Python number
_WARNS = _words("mean median var std average cov corrcoef nanmean nanmedian nanvar nanstd nanmax nanmin")
_NOT_EMULATED = _words("""
    apply_along_axis apply_over_axes broadcast c_ frombuffer fromfile fromfunction fromiter fromstring from_dlpack
    genfromtxt load loadtxt mgrid ndindex ogrid piecewise poly1d r_ save savetxt savez savez_compressed
    set_printoptions vectorize DataSource exceptions polynomial testing typing flatiter
""")  # fmt: skip
_warnings_lock = threading.Lock()


def _before(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """What CuPy does, or refuses, before the arithmetic that NumPy does for it here."""
    first = args[0] if args else None
    if name in _SYNCS:
        sync(f"cupy.{name}")
        if name == "sliding_window_view":
            upload(f"cupy.{name}")
    elif name in _JOINS:
        met: list[Any] = []
        unwrap(first, met)
        if not isinstance(first, (list, tuple)) or any(type(x) is not ndarray for x in (*first, *met)):
            raise TypeError("Only cupy arrays can be concatenated")
        small = sum(x.nbytes for x in met) < 2 * 1024 * 1024 * len(met)
        if len(met) > 8 and small and len({x.dtype for x in met}) == 1:
            upload(f"cupy.{name} of more than 8 arrays")
    elif name == "where":
        if type(first) is not ndarray:
            raise AttributeError(f"cupy.where needs a device array as its condition, not {type(first)}")
        if len(args) + len(kwargs) == 1:
            sync("cupy.where of one argument")
    elif name == "repeat" and not isinstance(
        kwargs.get("repeats", args[-1] if len(args) < 3 else args[1]), (int, np.integer)
    ):
        sync("cupy.repeat with an array of counts")
    elif name == "choose" and kwargs.get("mode", "raise" if len(args) < 4 else args[3]) == "raise":
        sync("cupy.choose in the mode 'raise'")
    elif name == "put" and kwargs.get("mode", "wrap") == "raise":
        sync("cupy.put in the mode 'raise'")
    elif name == "average" and (len(args) > 2 or kwargs.get("weights") is not None):
        sync("cupy.average with weights")
    elif name == "array_equal" and kwargs.get("equal_nan"):
        sync("cupy.array_equal of NaNs")
    elif name == "einsum" and kwargs.keys() - {"dtype", "optimize"}:
        raise TypeError(f"Did not understand the following kwargs: {list(kwargs)}")


def _hushed(f: Callable[..., Any]) -> Callable[..., Any]:
    """Without the warnings NumPy gives in Python code: of empty slices and too few degrees of freedom."""

    def call(a: Any, *args: Any, **kwargs: Any) -> Any:
        if a.size and "ddof" not in kwargs and f.__name__[:3] != "nan":
            return f(a, *args, **kwargs)
        with _warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return f(a, *args, **kwargs)

    return call


def cupy_function(name: str, f: Callable[..., Any], parameters: tuple[str, ...]) -> Callable[..., Any]:
    """NumPy's ``f`` with CuPy's parameters, in CuPy's order."""
    known = {p for p in parameters if p[0] != "*"}
    anything = any(p.startswith("**") for p in parameters)
    most = len(parameters) if not any(p[0] == "*" and p[1] != "*" for p in parameters) else sys.maxsize
    takes_array = parameters and parameters[0] in ("a", "x", "m", "arr", "ary", "array", "v", "self")
    try:
        theirs = [] if most == sys.maxsize else list(inspect.signature(f).parameters)  # *args are in nobody's order
    except (TypeError, ValueError):
        theirs = []
    # from the first place where the two orders differ, arguments are passed by name
    first = next((i for i, pair in enumerate(zip(parameters, theirs, strict=False))
                  if any(p in parameters and p in theirs and parameters.index(p) != theirs.index(p) for p in pair)),
                 sys.maxsize)  # fmt: skip
    call_f = _hushed(f) if name.lstrip(".") in _WARNS else f
    if name in _RETURNS_ARRAY:
        call_f = lambda *args, **kwargs: np.asarray(f(*args, **kwargs))
    short = name.lstrip(".")
    checked = short in _SYNCS or short in _JOINS or short in (
        "where", "repeat", "choose", "put", "average", "array_equal", "einsum")  # fmt: skip

    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) > most:
            raise TypeError(f"{short}() takes {most} positional arguments but {len(args)} were given")
        if kwargs and not anything and not kwargs.keys() <= known:
            raise TypeError(f"{short}() got an unexpected keyword argument {min(kwargs.keys() - known)!r}")
        if takes_array and args and isinstance(args[0], (list, tuple)):
            raise TypeError(f"Unsupported type {type(args[0])}")
        if checked:
            _before(short, args, kwargs)
        if len(args) > first:
            named = zip(parameters[first:], args[first:], strict=False)
            kwargs |= {key: value for key, value in named if key in theirs or value is not None}
            args = args[:first]
        return call_numpy(call_f, args, kwargs)

    call.__name__ = call.__qualname__ = short
    return call


class ufunc:
    """``cupy.ufunc``: no ``where=``, ``reduce`` and ``accumulate`` of add and multiply only, ``at`` of a few."""

    _at_dtypes = types.MappingProxyType({
        "add": "ilILqQefd", "subtract": "iI", "maximum": "ilILqQfd", "minimum": "ilILqQfd",
        "bitwise_and": "ilILqQ", "bitwise_or": "ilILqQ", "bitwise_xor": "ilILqQ",
    })  # fmt: skip

    def __init__(self, name: str):
        f: Any = getattr(np, name)
        self.name = self.__name__ = f"cupy_{name}"
        self.nin, self.nout = getattr(f, "nin", 1), getattr(f, "nout", 1)
        self.nargs = self.nin + self.nout
        self._np, self._short = f, name

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs and not kwargs.keys() <= {"out", "dtype", "casting"}:
            raise TypeError(f"Wrong arguments {kwargs}")
        met: list[Any] = []
        values = []
        for x in args:
            if isinstance(x, (list, tuple)) or x is None or x is Ellipsis or isinstance(x, str):
                raise TypeError(f"Unsupported type {type(x)}")
            values.append(unwrap(x, met))
        if kwargs:
            kwargs = {key: unwrap(x, met) for key, x in kwargs.items()}
        for m in met:
            if type(m) is not ndarray:
                met = settle(met)
                break
        counters.launches += len(args) > self.nin or kwargs.get("out") is not None
        return wrap(quietly(self._np, values, kwargs), met)

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        if self._short not in self._at_dtypes:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        arrays = [a]
        key = device_index(indices, arrays)
        if any(x.dtype.kind != "b" for x in arrays[1:]) and a.dtype.char not in self._at_dtypes[self._short]:
            raise TypeError(f"cupy.{self._short}.at does not support {a.dtype}")
        if type(b) is ndarray:
            arrays.append(b)
            b = b._a.astype(a.dtype)
        elif not isinstance(b, (int, float, np.generic)):
            raise TypeError(f"Unsupported type {type(b)}")
        check_devices(arrays)
        indexed(self._np.at, a._a, key, b)
        counters.launches += 1

    def reduce(self, array: ndarray, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        method = {"add": "sum", "multiply": "prod"}.get(self._short)
        if method is None:
            raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")
        return getattr(array, method)(axis, dtype, out, keepdims)

    def accumulate(self, array: ndarray, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        method = {"add": "cumsum", "multiply": "cumprod"}.get(self._short)
        if method is None:
            raise NotImplementedError(f"`{self.name}.accumulate` is not supported yet")
        return getattr(array, method)(axis, dtype, out)

    def reduceat(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"`{self.name}.reduceat` is not emulated by the stand-in device")

    def outer(self, A: Any, B: Any, **kwargs: Any) -> Any:
        A, B = array(A), array(B)
        return self(A.reshape(A.shape + (1,) * B.ndim), B.reshape((1,) * A.ndim + B.shape), **kwargs)


# ---- functions of CuPy that are not NumPy's -----------------------------------------------------------------------


def asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, blocking: bool = False) -> ndarray:
    if type(a) is ndarray and dtype is None and order is None and not copy and a._device == here.device:
        return a
    return array(a, dtype, copy, order, blocking=blocking)


def asnumpy(a: Any, stream: Any = None, order: Any = "C", out: Any = None, *, blocking: bool = True) -> np.ndarray:
    if type(a) is ndarray:
        return a.get(stream, order, out, blocking)
    result = np.asarray(a, order=order)
    if out is None:
        return result
    out[...] = result
    return out


def empty_like(
    prototype: ndarray, dtype: Any = None, order: Any = "K", subok: Any = None, shape: Any = None
) -> ndarray:
    if type(prototype) is not ndarray:
        raise TypeError(f"Unsupported type {type(prototype)}")
    return new_array(poisoned(np.empty_like(prototype._a, dtype=dtype, order=order, shape=shape)), here.device)


def reshape(a: ndarray, newshape: Any, order: Any = "C", *, copy: Any = None) -> ndarray:
    if type(a) is not ndarray:
        raise TypeError(f"Unsupported type {type(a)}")
    return a.reshape(newshape, order=order, copy=copy)


def sort(a: ndarray, axis: Any = -1, kind: Any = None) -> ndarray:
    check_kind(kind)
    return call_numpy(np.sort, (a, axis), {"kind": "stable"})


def argsort(a: ndarray, axis: Any = -1, kind: Any = None) -> ndarray:
    check_kind(kind)
    return call_numpy(np.argsort, (a, axis), {"kind": "stable"})


def wrapping_take(f: Callable[..., Any], a: ndarray, indices: Any, axis: Any, *rest: Any) -> Any:
    if isinstance(indices, (list, tuple, np.ndarray)):
        raise TypeError(f"Unsupported type {type(indices)} as an index: it would be copied to the device at each use")
    try:
        return call_numpy(f, (a, indices, *rest), {"axis": axis})
    except IndexError:
        counters.wrapped += 1
        return call_numpy(f, (a, indices % (a.size if axis is None else a.shape[axis]), *rest), {"axis": axis})


def take(a: ndarray, indices: Any, axis: Any = None, out: Any = None) -> ndarray:
    if out is None:
        return wrapping_take(np.take, a, indices, axis)
    out[...] = wrapping_take(np.take, a, indices, axis)
    return out


def as_strided(x: ndarray, shape: Any = None, strides: Any = None) -> ndarray:
    return new_array(np.lib.stride_tricks.as_strided(x._a, shape, strides), x._device)


def missing(name: str) -> Callable[..., NoReturn]:
    def call(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{name} is in CuPy, but the stand-in device does not emulate it")

    return call


def from_numpy(prefix: str, space: Any, table: str) -> Callable[[str], Any]:
    parameters, elementwise = names.parse(table), set(names.UFUNCS.split())

    def make(name: str) -> Any:
        value = None if name in _NOT_EMULATED else getattr(space, name, None)
        if value is None and name not in ("newaxis",):
            return missing(f"{prefix}.{name}")
        if space is np and name in elementwise:
            return ufunc(name)
        if not callable(value) or isinstance(value, type):
            return value
        return cupy_function(name, value, parameters[name])

    return make
