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
import inspect
import math
import operator
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, NamedTuple, NoReturn

import numpy as np

from . import cupy_names as names

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


_here = _Here()


@contextlib.contextmanager
def no_sync(*, uploads: bool = False) -> Iterator[None]:
    """Refuse, in this thread, what makes the host wait; with ``uploads``, copies to the device too (graph capture)."""
    before = _here.forbid_syncs, _here.forbid_uploads
    _here.forbid_syncs, _here.forbid_uploads = True, uploads or before[1]
    try:
        yield
    finally:
        _here.forbid_syncs, _here.forbid_uploads = before


def _sync(what: str) -> None:
    counters.syncs += 1
    if _here.forbid_syncs:
        raise HostSync(f"{what} makes the host wait for the device")


def _upload(what: str) -> None:
    counters.uploads += 1
    if _here.forbid_uploads:
        raise HostSync(f"{what} copies from the host to the device")


# ---- from device arrays to NumPy and back -------------------------------------------------------------------------

_PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None), slice, type(Ellipsis), range, type))


def _unwrap(x: Any, met: list[Any]) -> Any:
    """What NumPy is given for the argument ``x``; device arrays and NumPy scalars are noted in ``met``."""
    kind = type(x)
    if kind is ndarray:
        met.append(x)
        return x._a
    if kind in _PLAIN:
        return x
    if kind is list or kind is tuple:
        return kind([_unwrap(part, met) for part in x])
    if isinstance(x, np.generic):
        met.append(x)
        return x
    if isinstance(x, (int, float, complex, str, np.dtype, type)):
        return x
    raise TypeError(f"Unsupported type {kind}")


def _settle(met: list[Any], kinds: type = np.generic) -> list[ndarray]:
    """The arrays of ``met``, after refusing a NumPy scalar that would widen the floating ones."""
    arrays = [x for x in met if type(x) is ndarray]
    for scalar in met:
        if type(scalar) is not ndarray and isinstance(scalar, kinds):
            for x in arrays:
                if x.dtype.kind in "fc" and np.result_type(x.dtype, scalar.dtype) != x.dtype:
                    raise TypeError(
                        f"a numpy.{scalar.dtype} scalar would turn this {x.dtype} array into "
                        f"{np.result_type(x.dtype, scalar.dtype)}: pass a Python number"
                    )
    return arrays


def _wrong_device(x: ndarray) -> NoReturn:
    raise ValueError(
        f"The device where the array resides ({x._device}) is different from the current device ({_here.device}). "
        "Peer access is unavailable between these devices."
    )


def _check_devices(arrays: list[ndarray]) -> None:
    for x in arrays:
        if x._device != _here.device:
            _wrong_device(x)


def _make(a: np.ndarray, device: int, base: ndarray | None = None) -> ndarray:
    x = ndarray.__new__(ndarray)
    x._a, x._device, x.base = a, device, base
    return x


def _view(x: ndarray, a: np.ndarray) -> ndarray:
    return _make(a, x._device, x if x.base is None else x.base)


def _wrap(result: Any, arrays: list[ndarray]) -> Any:
    """The device's form of what NumPy returned: an argument itself, a view of one, or a new array."""
    if isinstance(result, np.ndarray):
        owner = result.base
        for x in arrays:
            if result is x._a:
                return x
            if owner is not None and (owner is x._a or owner is x._a.base):
                return _view(x, result)
    elif isinstance(result, np.generic):
        result = np.asarray(result)
    elif isinstance(result, (list, tuple)):
        parts = [_wrap(part, arrays) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    elif result is not None:
        return result
    _check_devices(arrays)
    counters.launches += 1
    return None if result is None else _make(result, _here.device)


@np.errstate(all="ignore")
def _quietly(f: Callable[..., Any], args: Any, kwargs: Any = {}) -> Any:  # noqa: B006
    return f(*args, **kwargs)


def _call(f: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """``f`` of NumPy on device arrays."""
    met: list[Any] = []
    args = [_unwrap(x, met) for x in args]
    if kwargs:
        kwargs = {key: _unwrap(x, met) for key, x in kwargs.items()}
    for x in met:
        if type(x) is not ndarray:  # an integer scalar may be an axis; a floating one is an operand
            met = _settle(met, np.inexact)
            break
    counters.launches += kwargs.get("out") is not None
    return _wrap(_quietly(f, args, kwargs), met)


# ---- indexing -----------------------------------------------------------------------------------------------------


def _index(key: Any, arrays: list[ndarray]) -> tuple[Any, ...]:
    """The index as NumPy takes it; the device arrays in it are noted in ``arrays``."""
    parts = []
    for part in key if type(key) is tuple else (key,):
        if type(part) is ndarray:
            if part.dtype.kind not in "biu":
                raise IndexError(f"arrays used as indices must be of integer or boolean type. (actual: {part.dtype})")
            if part.dtype.kind == "b":
                _sync("indexing by a boolean mask")
            arrays.append(part)
            part = part._a
        elif isinstance(part, (bool, np.bool_)):
            _sync("indexing by a boolean mask")
        elif isinstance(part, (np.ndarray, list, tuple)):
            raise TypeError(f"Unsupported type {type(part)} as an index: it would be copied to the device at each use")
        parts.append(part)
    return tuple(parts)


def _wrapped(key: tuple[Any, ...], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """The index with its integer arrays taken modulo the axes they index, as CuPy does out of range."""
    counters.wrapped += 1
    width = sum(part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else part is not None
                for part in key if part is not Ellipsis)  # fmt: skip
    parts, axis = [], 0
    for part in key:
        if part is Ellipsis:
            axis += len(shape) - width
        elif isinstance(part, np.ndarray):
            if part.dtype.kind != "b":
                part = part % (shape[axis] or 1)
            axis += part.ndim if part.dtype.kind == "b" else 1
        elif part is not None:
            axis += 1
        parts.append(part)
    return tuple(parts)


def _indexed(f: Callable[..., Any], a: np.ndarray, key: tuple[Any, ...], *rest: Any) -> Any:
    """``f(a, key, ...)``, once more with indices that wrap if one is out of range."""
    try:
        return _quietly(f, (a, key, *rest))
    except IndexError:
        return _quietly(f, (a, _wrapped(key, a.shape), *rest))


def _is_basic(key: tuple[Any, ...]) -> bool:
    return all(type(k) in (int, slice) or k is None or k is Ellipsis or isinstance(k, np.integer) for k in key)


# ---- the array ----------------------------------------------------------------------------------------------------


class Flags(NamedTuple):
    c_contiguous: bool
    f_contiguous: bool
    owndata: bool
    fnc = property(lambda self: self.f_contiguous and not self.c_contiguous)
    forc = property(lambda self: self.f_contiguous or self.c_contiguous)

    def __getitem__(self, name: Any) -> bool:
        return getattr(self, name.lower())


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


def _refuse(self: ndarray, *args: Any, **kwargs: Any) -> NoReturn:
    raise TypeError(
        "Implicit conversion to a NumPy array is not allowed. "
        "Please use `.get()` to construct a NumPy array explicitly."
    )


class ndarray:
    """``cupy.ndarray``. The operators and the methods that are the same in NumPy are added below."""

    __slots__ = ("__weakref__", "_a", "_device", "base")
    __module__ = "cupy"
    __hash__ = None  # type: ignore[assignment]
    __array_priority__ = 100
    __array_ufunc__ = None
    __array__ = __array_function__ = _refuse
    _a: np.ndarray
    _device: int
    base: ndarray | None

    dtype = property(attrgetter("_a.dtype"))
    strides = property(attrgetter("_a.strides"))
    ndim = property(attrgetter("_a.ndim"))
    size = property(attrgetter("_a.size"))
    itemsize = property(attrgetter("_a.itemsize"))
    nbytes = property(attrgetter("_a.nbytes"))
    device = property(lambda self: Device(self._device))
    T = property(lambda self: _view(self, self._a.T))
    mT = property(lambda self: _view(self, self._a.swapaxes(-1, -2)))
    real = property(lambda self: _wrap(self._a.real, [self]))
    imag = property(lambda self: _wrap(self._a.imag, [self]))
    flags = property(lambda self: Flags(self._a.flags.c_contiguous, self._a.flags.f_contiguous, self.base is None))

    def __init__(self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str = "C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("the stand-in device has no memory pointers: use as_strided")
        self._a, self._device, self.base = np.empty(shape, dtype, order), _here.device, None  # type: ignore[call-overload]
        kind = _supported(self._a).dtype.kind
        poison = {"f": np.nan, "c": complex(np.nan, np.nan), "b": True}
        limits = np.iinfo(self.dtype) if kind in "iu" else None
        self._a.fill(poison[kind] if limits is None else limits.min or limits.max)

    def __getattr__(self, name: str) -> NoReturn:
        if name in _METHODS:
            raise NotImplementedError(f"cupy.ndarray.{name} is not emulated by the stand-in device")
        raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")

    @property
    def shape(self) -> tuple[int, ...]:
        return self._a.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        self._a = self._a.view()
        self._a.shape = shape

    @property
    def data(self) -> MemoryPointer:
        root: Any = self._a
        while getattr(root, "base", None) is not None:
            root = root.base
        memory = Memory(root.ctypes.data, root.nbytes, self._device)
        return MemoryPointer(self._a.ctypes.data, memory, self._device)

    # To the host

    def get(self, stream: Any = None, order: Any = "C", out: Any = None, blocking: bool = True) -> np.ndarray:
        _sync(".get()")
        if out is None:
            return np.array(self._a, order=order)
        if out.dtype != self.dtype or out.shape != self.shape:
            raise ValueError(f"{self.dtype}{self.shape} cannot be copied into {out.dtype}{out.shape}")
        out[...] = self._a
        return out

    def set(self, arr: np.ndarray, stream: Any = None) -> None:
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype or arr.shape != self.shape:
            raise TypeError(f"{arr.dtype}{arr.shape} cannot be set to {self.dtype}{self.shape}")
        _upload(".set()")
        self._a[...] = arr

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        _sync(".item()")
        return self._a.item()

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        _sync("bool()")
        return self.size == 1 and bool(self._a.item())

    def __deepcopy__(self, memo: Any) -> ndarray:
        counters.launches += 1
        return _make(self._a.copy(), self._device)

    def __copy__(self) -> ndarray:
        return self.copy()

    def __reduce__(self) -> Any:
        return array, (self.get(order="A"),)

    # Indexing

    def __len__(self) -> int:
        return len(self._a)

    def __iter__(self) -> Iterator[ndarray]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> ndarray:
        if type(key) is int or type(key) is slice:
            return _view(self, self._a[key, ...])
        arrays = [self]
        key = _index(key, arrays)
        if _is_basic(key):  # the ellipsis makes a view of a single element too
            return _view(self, self._a[key if Ellipsis in key else (*key, ...)])
        result = np.asarray(_indexed(operator.getitem, self._a, key))
        _check_devices(arrays)
        counters.launches += 1
        return _make(result, self._device)

    def __setitem__(self, key: Any, value: Any) -> None:
        arrays = [self]
        key = _index(key, arrays)
        if type(value) is ndarray:
            arrays.append(value)
            value = value._a
        elif not isinstance(value, (int, float, complex, np.generic)):
            raise TypeError(f"Unsupported type {type(value)}")
        _check_devices(arrays)
        _indexed(operator.setitem, self._a, key, value)
        counters.launches += 1

    # Methods that differ from NumPy's

    def astype(self, dtype: Any, order: Any = "K", casting: Any = None, subok: Any = None, copy: bool = True) -> ndarray:
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        return _call(np.ndarray.astype, (self, dtype), {"order": order or "K", "copy": copy})

    def copy(self, order: Any = "C") -> ndarray:
        """A copy on the current device, wherever this array is: the one way from device to device."""
        counters.launches += 1
        return _make(self._a.copy(order), _here.device)

    def reshape(self, *shape: Any, order: Any = "C", copy: Any = None) -> ndarray:
        result = self._a.reshape(*shape, order=order)
        shared = result.base is not None and np.may_share_memory(result, self._a)
        if copy is False and not shared:
            raise ValueError("Unable to avoid copy while reshaping an array as requested.")
        return _view(self, result) if shared and not copy else _wrap(result.copy() if copy else result, [])

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        _check_kind(kind)
        _check_devices([self])
        self._a.sort(axis, kind="stable")
        counters.launches += 1

    def put(self, indices: Any, values: Any, mode: str = "wrap") -> None:
        if mode == "raise":
            _sync(".put() in the mode 'raise'")
        _call(np.ndarray.put, (self, indices, values), {"mode": mode})

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        return _view(self, self._a.view() if dtype is None else self._a.view(dtype))


def _check_kind(kind: Any) -> None:
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")


def _supported(a: np.ndarray) -> np.ndarray:
    if a.dtype.kind not in "biufc" or a.dtype.char in "gG":
        raise ValueError(f"Unsupported dtype {a.dtype}")
    return a


def _operand(x: ndarray, other: Any) -> Any:
    """The other side of an operator that is no device array: a scalar, or NotImplemented."""
    if isinstance(other, np.generic):
        _settle([x, other])
        return other
    if isinstance(other, (int, float, complex)):
        return other
    theirs = getattr(other, "__array_ufunc__", NotImplemented)
    if theirs is None or (theirs is NotImplemented and getattr(other, "__array_priority__", 0) > 100):
        return NotImplemented
    raise TypeError(f"Unsupported type {type(other)}")


def _operators() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The special methods of ``ndarray``."""

    def binary(f: Callable[..., Any], reflected: bool = False, equality: Any = None) -> Callable[..., Any]:
        @np.errstate(all="ignore")
        def method(self: ndarray, other: Any) -> Any:
            if type(other) is ndarray:
                if other._device != _here.device:
                    _wrong_device(other)
                b = other._a
            else:
                if equality is not None and (other is None or type(other).__eq__ is object.__eq__):
                    return _make(np.full(self.shape, equality), self._device)
                b = _operand(self, other)
                if b is NotImplemented:
                    return b
            if self._device != _here.device:
                _wrong_device(self)
            result = f(b, self._a) if reflected else f(self._a, b)
            if type(result) is tuple:
                return _wrap(result, [self])
            counters.launches += 1
            return _make(np.asarray(result), self._device)

        return method

    def in_place(f: Callable[..., Any]) -> Callable[..., Any]:
        @np.errstate(all="ignore")
        def method(self: ndarray, other: Any) -> ndarray:
            b = other._a if type(other) is ndarray else _operand(self, other)
            if b is NotImplemented:
                raise TypeError(f"Unsupported type {type(other)}")
            _check_devices([self, other] if type(other) is ndarray else [self])
            f(self._a, b, out=self._a)
            counters.launches += 1
            return self

        return method

    def to_host(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
        def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
            _sync(name)
            return f(self._a, *args, **kwargs)

        return method

    symbols = dict(add="add", sub="subtract", mul="multiply", truediv="divide", floordiv="floor_divide",
                   mod="remainder", pow="power", lshift="left_shift", rshift="right_shift",
                   xor="bitwise_xor", divmod="divmod", matmul="matmul")  # fmt: skip
    symbols |= {"and": "bitwise_and", "or": "bitwise_or"}
    for symbol, name in symbols.items():
        yield f"__{symbol}__", binary(getattr(np, name))
        yield f"__r{symbol}__", binary(getattr(np, name), reflected=True)
        if symbol not in ("divmod", "matmul"):  # CuPy has no @= : Python then makes a new array
            yield f"__i{symbol}__", in_place(getattr(np, name))
    for symbol, name in dict(lt="less", le="less_equal", gt="greater", ge="greater_equal").items():
        yield f"__{symbol}__", binary(getattr(np, name))
    yield "__eq__", binary(np.equal, equality=False)
    yield "__ne__", binary(np.not_equal, equality=True)
    for symbol, f in dict(neg=np.negative, pos=np.positive, abs=np.absolute, invert=np.invert).items():
        yield f"__{symbol}__", lambda self, f=f: _call(f, (self,), {})
    for cast in (int, float, complex, bytes, repr, str, format):
        yield f"__{cast.__name__}__", to_host(f"{cast.__name__}()", cast)
    for name in ("tolist", "tobytes", "tofile", "dump", "dumps"):
        yield name, to_host(f".{name}()", getattr(np.ndarray, name))


_METHODS = names.parse(names.METHODS)


def _methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The methods that CuPy and NumPy share, with CuPy's parameters."""
    for name in "ptp repeat choose nonzero take argsort".split():  # the functions know more
        yield name, lambda self, *args, _name=name, **kwargs: getattr(cupy, _name)(self, *args, **kwargs)
    yield "compress", lambda self, condition, axis=None, out=None: cupy.compress(condition, self, axis, out)
    yield "scatter_add", lambda self, slices, value: cupy.add.at(self, slices, value)
    yield "scatter_max", lambda self, slices, value: cupy.maximum.at(self, slices, value)
    yield "scatter_min", lambda self, slices, value: cupy.minimum.at(self, slices, value)
    for name, parameters in _METHODS.items():
        f = getattr(np.ndarray, name, None)
        if callable(f) and name not in vars(ndarray):
            yield name, _function(f".{name}", f, ("self", *parameters))


# ---- functions ----------------------------------------------------------------------------------------------------

# What makes the host wait, at every call; the rest of them do so for some arguments (see _before).
_SYNCS = frozenset("""
    argwhere array2string array_repr array_str asarray_chkfinite bincount compress delete extract flatnonzero
    histogram histogram2d histogramdd in1d intersect1d isin mask_indices nonzero place polyfit ravel_multi_index roots
    setdiff1d setxor1d sliding_window_view tril_indices tril_indices_from trim_zeros triu_indices triu_indices_from
    union1d unique unique_all unique_counts unique_inverse unique_values unravel_index
""".split())  # fmt: skip
_JOINS = frozenset("concatenate concat stack hstack vstack dstack column_stack row_stack".split())
_RETURNS_ARRAY = frozenset("allclose array_equal array_equiv count_nonzero".split())  # NumPy: a Python number
_WARNS = frozenset("mean median var std average cov corrcoef nanmean nanmedian nanvar nanstd nanmax nanmin".split())
_NOT_EMULATED = frozenset("""
    apply_along_axis apply_over_axes broadcast c_ frombuffer fromfile fromfunction fromiter fromstring from_dlpack
    genfromtxt load loadtxt mgrid ndindex ogrid piecewise poly1d r_ save savetxt savez savez_compressed
    set_printoptions vectorize DataSource exceptions polynomial testing typing flatiter
""".split())  # fmt: skip
_warnings_lock = threading.Lock()


def _before(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """What CuPy does, or refuses, before the arithmetic that NumPy does for it here."""
    first = args[0] if args else None
    if name in _SYNCS:
        _sync(f"cupy.{name}")
    elif name in _JOINS:
        met: list[Any] = []
        _unwrap(first, met)
        if not isinstance(first, (list, tuple)) or any(type(x) is not ndarray for x in (*first, *met)):
            raise TypeError("Only cupy arrays can be concatenated")
        small = sum(x.nbytes for x in met) < 2 * 1024 * 1024 * len(met)
        if len(met) > 8 and small and len({x.dtype for x in met}) == 1:
            _upload(f"cupy.{name} of more than 8 arrays")
    elif name == "where":
        if type(first) is not ndarray:
            raise AttributeError(f"cupy.where needs a device array as its condition, not {type(first)}")
        if len(args) + len(kwargs) == 1:
            _sync("cupy.where of one argument")
    elif name == "repeat" and not isinstance(kwargs.get("repeats", args[-1] if len(args) < 3 else args[1]), int):
        _sync("cupy.repeat with an array of counts")
    elif name == "choose" and kwargs.get("mode", "raise" if len(args) < 4 else args[3]) == "raise":
        _sync("cupy.choose in the mode 'raise'")
    elif name == "put" and kwargs.get("mode", "wrap") == "raise":
        _sync("cupy.put in the mode 'raise'")
    elif name == "average" and (len(args) > 2 or kwargs.get("weights") is not None):
        _sync("cupy.average with weights")
    elif name == "array_equal" and kwargs.get("equal_nan"):
        _sync("cupy.array_equal of NaNs")
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


def _function(name: str, f: Callable[..., Any], parameters: tuple[str, ...]) -> Callable[..., Any]:
    """NumPy's ``f`` with CuPy's parameters, in CuPy's order."""
    known = {p for p in parameters if p[0] != "*"}
    anything = any(p.startswith("**") for p in parameters)
    most = len(parameters) if not any(p[0] == "*" and p[1] != "*" for p in parameters) else sys.maxsize
    takes_array = parameters and parameters[0] in ("a", "x", "m", "arr", "ary", "array", "v", "self")
    try:
        theirs = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        theirs = []
    # from the first place where the two orders differ, arguments are passed by name
    first = next((i for i, pair in enumerate(zip(parameters, theirs, strict=False))
                  if any(p in parameters and p in theirs and parameters.index(p) != theirs.index(p) for p in pair)),
                 sys.maxsize)  # fmt: skip
    call_f = _hushed(f) if name.lstrip(".") in _WARNS else f
    if name in _RETURNS_ARRAY:
        call_f = lambda *args, **kwargs: np.asarray(f(*args, **kwargs))  # noqa: E731
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
        return _call(call_f, args, kwargs)

    call.__name__ = call.__qualname__ = short
    return call


class ufunc:
    """``cupy.ufunc``: no ``where=``, ``reduce`` and ``accumulate`` of add and multiply only, ``at`` of a few."""

    _AT = dict.fromkeys(("maximum", "minimum"), "ilILqQfd") | dict.fromkeys(
        ("bitwise_and", "bitwise_or", "bitwise_xor"), "ilILqQ") | dict(add="ilILqQefd", subtract="iI")  # fmt: skip

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
            values.append(_unwrap(x, met))
        for key in kwargs:
            kwargs[key] = _unwrap(kwargs[key], met)
        for m in met:
            if type(m) is not ndarray:
                met = _settle(met)
                break
        counters.launches += len(args) > self.nin or kwargs.get("out") is not None
        return _wrap(_quietly(self._np, values, kwargs), met)

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        if self._short not in self._AT:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        arrays = [a]
        key = _index(indices, arrays)
        if any(x.dtype.kind != "b" for x in arrays[1:]) and a.dtype.char not in self._AT[self._short]:
            raise TypeError(f"cupy.{self._short}.at does not support {a.dtype}")
        if type(b) is ndarray:
            arrays.append(b)
            b = b._a.astype(a.dtype)
        elif not isinstance(b, (int, float, np.generic)):
            raise TypeError(f"Unsupported type {type(b)}")
        _check_devices(arrays)
        _indexed(self._np.at, a._a, key, b)
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


def array(obj: Any, dtype: Any = None, copy: Any = True, order: Any = "K", subok: bool = False, ndmin: int = 0,
          *, blocking: bool = False) -> ndarray:  # fmt: skip
    """An array on the current device. From the host this is an upload, but for a scalar, which a kernel carries."""
    if type(obj) is ndarray and obj._device != _here.device:
        obj, copy = obj.copy(order or "K"), None
    met: list[Any] = []
    if isinstance(obj, (list, tuple)) and any(type(x) is ndarray for x in obj):
        _unwrap(obj, met)  # a list of device arrays is stacked on the device
        if any(type(x) is not ndarray for x in obj):
            _refuse(met[0])
    if type(obj) is ndarray or met:
        return _call(np.array, (obj,), dict(dtype=dtype, copy=copy, order=order or "K", ndmin=ndmin))
    a = np.array(obj, dtype=dtype, copy=True, order=order or "K", ndmin=ndmin)
    if _supported(a).ndim:
        _upload("cupy.array of host data")
    else:
        counters.launches += 1
    return _make(a, _here.device)


def asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, blocking: bool = False) -> ndarray:
    if type(a) is ndarray and dtype is None and order is None and not copy and a._device == _here.device:
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


def _empty_like(prototype: ndarray, dtype: Any = None, order: Any = "K", subok: Any = None, shape: Any = None) -> ndarray:
    if type(prototype) is not ndarray:
        raise TypeError(f"Unsupported type {type(prototype)}")
    like = np.empty_like(prototype._a, dtype=dtype, order=order, shape=shape)
    result = ndarray(like.shape, like.dtype)
    return _make(np.copyto(like, result._a) or like, _here.device)


def _reshape(a: ndarray, newshape: Any, order: Any = "C", *, copy: Any = None) -> ndarray:
    if type(a) is not ndarray:
        raise TypeError(f"Unsupported type {type(a)}")
    return a.reshape(newshape, order=order, copy=copy)


def _sort(a: ndarray, axis: Any = -1, kind: Any = None) -> ndarray:
    _check_kind(kind)
    return _call(np.sort, (a, axis), {"kind": "stable"})


def _argsort(a: ndarray, axis: Any = -1, kind: Any = None) -> ndarray:
    _check_kind(kind)
    return _call(np.argsort, (a, axis), {"kind": "stable"})


def _taking(f: Callable[..., Any], a: ndarray, indices: Any, axis: Any, *rest: Any) -> Any:
    if isinstance(indices, (list, tuple, np.ndarray)):
        raise TypeError(f"Unsupported type {type(indices)} as an index: it would be copied to the device at each use")
    try:
        return _call(f, (a, indices, *rest), {"axis": axis})
    except IndexError:
        counters.wrapped += 1
        return _call(f, (a, indices % (a.size if axis is None else a.shape[axis]), *rest), {"axis": axis})


def _take(a: ndarray, indices: Any, axis: Any = None, out: Any = None) -> ndarray:
    if out is None:
        return _taking(np.take, a, indices, axis)
    out[...] = _taking(np.take, a, indices, axis)
    return out


def _as_strided(x: ndarray, shape: Any = None, strides: Any = None) -> ndarray:
    return _make(np.lib.stride_tricks.as_strided(x._a, shape, strides), x._device)


def _get_array_module(*args: Any) -> Any:
    return cupy if any(type(x) is ndarray for x in args) else np


def _missing(name: str) -> Callable[..., NoReturn]:
    def call(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{name} is in CuPy, but the stand-in device does not emulate it")

    return call


# ---- devices ------------------------------------------------------------------------------------------------------


class CUDARuntimeError(RuntimeError):
    pass


class Device:
    """``cupy.cuda.Device``: the current one, or by number; usable in a ``with`` statement."""

    def __init__(self, device: Any = None):
        self.id = _here.device if device is None else int(device)

    def use(self) -> Device:
        if not 0 <= self.id < DEVICES:
            raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        _here.device = self.id
        return self

    def __enter__(self) -> Device:
        _here.outer.append(_here.device)
        try:
            return self.use()
        except CUDARuntimeError:
            _here.outer.pop()
            raise

    def __exit__(self, *exception: Any) -> None:
        _here.device = _here.outer.pop()

    def synchronize(self) -> None:
        _sync("Device.synchronize()")

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

    def use(self) -> Stream:
        return self

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

    def synchronize(self) -> None:
        _sync("Stream.synchronize()")


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


# ---- the modules --------------------------------------------------------------------------------------------------


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


def _from_numpy(prefix: str, space: Any, table: str) -> Callable[[str], Any]:
    parameters, elementwise = names.parse(table), set(names.UFUNCS.split())

    def make(name: str) -> Any:
        value = None if name in _NOT_EMULATED else getattr(space, name, None)
        if value is None and name not in ("newaxis",):
            return _missing(f"{prefix}.{name}")
        if space is np and name in elementwise:
            return ufunc(name)
        if not callable(value) or isinstance(value, type):
            return value
        return _function(name, value, parameters[name])

    return make


def _no_random(name: str) -> Callable[..., NoReturn]:
    def call(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"cupy.random.{name}: random numbers are drawn on the host")

    return call


def _pointwise(f: Callable[[float], float]) -> Callable[[ndarray], ndarray]:
    apply = np.frompyfunc(f, 1, 1)

    def call(x: ndarray) -> ndarray:
        dtype = x.dtype if x.dtype.kind == "f" else np.dtype(float)
        return _call(lambda a: np.asarray(apply(a.astype(float)), dtype=dtype), (x,), {})

    return call


def _lgamma(x: float) -> float:
    return math.inf if x == -math.inf or (x <= 0 and x == math.floor(x)) else math.lgamma(x)


def _log_softmax(x: ndarray, axis: Any = None) -> ndarray:
    shifted = x - x.max(axis, keepdims=True)
    return shifted - cupy.log(cupy.exp(shifted).sum(axis, keepdims=True))


@contextlib.contextmanager
def _errstate(**kwargs: Any) -> Iterator[None]:
    yield


for _maker in (_operators, _methods):
    for _name, _method in _maker():
        setattr(ndarray, _name, _method)

_stub = lambda prefix: lambda name: _missing(f"{prefix}.{name}")  # noqa: E731
_runtime = _Module(
    "cupy.cuda.runtime", "", _stub("cupy.cuda.runtime"), CUDARuntimeError=CUDARuntimeError, is_hip=False,
    getDeviceCount=lambda: DEVICES, getDevice=lambda: _here.device, setDevice=lambda device: Device(device).use() and None,
    deviceSynchronize=lambda: Device().synchronize(), memGetInfo=lambda: (2**33, 2**33),
    getDeviceProperties=lambda device: {"name": b"stand-in", "totalGlobalMem": 2**33},
    runtimeGetVersion=lambda: 12000, driverGetVersion=lambda: 12000,
)  # fmt: skip
_cuda = _Module(
    "cupy.cuda", names.CUDA, _stub("cupy.cuda"), Device=Device, Stream=Stream, MemoryPool=MemoryPool,
    runtime=_runtime, is_available=lambda: True, get_device_id=lambda: _here.device,
    get_current_stream=lambda device_id=-1: Stream.null, MemoryPointer=MemoryPointer,
)  # fmt: skip
_tricks = _Module(
    "cupy.lib.stride_tricks", names.STRIDES, _from_numpy("stride_tricks", np.lib.stride_tricks, names.STRIDES),
    as_strided=_as_strided,
)  # fmt: skip
_pool = MemoryPool()

#: The module to use for ``cupy``.
cupy = _Module(
    "cupy", f"{names.FUNCTIONS} {names.UFUNCS}", _from_numpy("cupy", np, names.FUNCTIONS), __version__=names.VERSION,
    ndarray=ndarray, ufunc=ufunc, bool=np.bool_, array=array, asarray=asarray, asnumpy=asnumpy, reshape=_reshape,
    asanyarray=lambda a, dtype=None, order=None, *, copy=None, blocking=False: asarray(a, dtype, order, copy=copy),
    empty=lambda shape, dtype=float, order="C": ndarray(shape, dtype, order=order), empty_like=_empty_like,
    copy=lambda a, order="K": a.copy(order), sort=_sort, argsort=_argsort, take=_take,
    take_along_axis=lambda a, indices, axis: _taking(np.take_along_axis, a, indices, axis),
    put_along_axis=lambda arr, indices, values, axis: _taking(np.put_along_axis, arr, indices, axis, values),
    get_array_module=_get_array_module, is_available=lambda: True, cuda=_cuda,
    get_default_memory_pool=lambda: _pool, get_default_pinned_memory_pool=lambda: _pool,
    linalg=_Module("cupy.linalg", names.LINALG, _from_numpy("cupy.linalg", np.linalg, names.LINALG)),
    fft=_Module("cupy.fft", names.FFT, _from_numpy("cupy.fft", np.fft, names.FFT)),
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
    modules = [cupy, _cuda, _runtime, cupy.linalg, cupy.fft, cupy.random, cupy.lib, _tricks, cupyx, cupyx.scipy, _special]
    before = {module.__name__: sys.modules.get(module.__name__) for module in modules}
    sys.modules.update({module.__name__: module for module in modules})
    try:
        yield cupy
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
