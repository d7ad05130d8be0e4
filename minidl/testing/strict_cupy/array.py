"""``cupy.ndarray`` over NumPy memory: conversion refused, waiting counted, indices that wrap."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np

from .. import cupy_names as names
from .device import Device, Memory, MemoryPointer, counters, here, sync, upload

METHODS = names.parse(names.METHODS)

# ---- from device arrays to NumPy and back -------------------------------------------------------------------------

_PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None), slice, type(Ellipsis), range, type))


def unwrap(x: Any, met: list[Any]) -> Any:
    """What NumPy is given for the argument ``x``; device arrays and NumPy scalars are noted in ``met``."""
    kind = type(x)
    if kind is ndarray:
        met.append(x)
        return x._a
    if kind in _PLAIN:
        return x
    if isinstance(x, (list, tuple)):  # a tensor's shape is a tuple of a class of its own
        return (list if kind is list else tuple)(unwrap(part, met) for part in x)
    if isinstance(x, np.generic):
        met.append(x)
        return x
    if isinstance(x, (int, float, complex, str, np.dtype, type)):
        return x
    raise TypeError(f"Unsupported type {kind}")


def settle(met: list[Any], kinds: str = "biufc") -> list[ndarray]:
    """The arrays of ``met``, after refusing a NumPy scalar that would widen the floating ones."""
    arrays = [x for x in met if type(x) is ndarray]
    for scalar in met:
        if type(scalar) is not ndarray and scalar.dtype.kind in kinds:
            for x in arrays:
                if x.dtype.kind in "fc" and np.result_type(x.dtype, scalar.dtype) != x.dtype:
                    raise TypeError(
                        f"a numpy.{scalar.dtype} scalar would turn this {x.dtype} array into "
                        f"{np.result_type(x.dtype, scalar.dtype)}: pass a Python number"
                    )
    return arrays


def wrong_device(x: ndarray) -> NoReturn:
    raise ValueError(
        f"The device where the array resides ({x._device}) is different from the current device ({here.device}). "
        "Peer access is unavailable between these devices."
    )


def check_devices(arrays: list[ndarray]) -> None:
    for x in arrays:
        if x._device != here.device:
            wrong_device(x)


def new_array(a: np.ndarray, device: int, base: ndarray | None = None) -> ndarray:
    x = ndarray.__new__(ndarray)
    x._a, x._device, x.base = a, device, base
    return x


def view_of(x: ndarray, a: np.ndarray) -> ndarray:
    return new_array(a, x._device, x if x.base is None else x.base)


def wrap(result: Any, arrays: list[ndarray]) -> Any:
    """The device's form of what NumPy returned: an argument itself, a view of one, or a new array."""
    if isinstance(result, np.ndarray):
        owner = result.base
        for x in arrays:
            if result is x._a:
                return x
            if owner is not None and (owner is x._a or owner is x._a.base):
                return view_of(x, result)
    elif isinstance(result, np.generic):
        result = np.asarray(result)
    elif isinstance(result, (list, tuple)):
        parts = [wrap(part, arrays) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    elif result is not None:
        return result
    check_devices(arrays)
    counters.launches += 1
    return None if result is None else new_array(result, here.device)


@np.errstate(all="ignore")
def quietly(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return f(*args, **kwargs)


def call_numpy(f: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """``f`` of NumPy on device arrays."""
    met: list[Any] = []
    args = [unwrap(x, met) for x in args]
    if kwargs:
        kwargs = {key: unwrap(x, met) for key, x in kwargs.items()}
    for x in met:
        if type(x) is not ndarray:  # an integer scalar may be an axis; a floating one is an operand
            met = settle(met, "fc")
            break
    counters.launches += kwargs.get("out") is not None
    return wrap(quietly(f, args, kwargs), met)


# ---- indexing -----------------------------------------------------------------------------------------------------


def device_index(key: Any, arrays: list[ndarray]) -> tuple[Any, ...]:
    """The index as NumPy takes it; the device arrays in it are noted in ``arrays``."""
    parts = []
    for part in key if type(key) is tuple else (key,):
        if type(part) is ndarray:
            if part.dtype.kind not in "biu":
                raise IndexError(f"arrays used as indices must be of integer or boolean type. (actual: {part.dtype})")
            if part.dtype.kind == "b":
                sync("indexing by a boolean mask")
            arrays.append(part)
            part = part._a
        elif isinstance(part, (bool, np.bool_)):
            sync("indexing by a boolean mask")
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


def indexed(f: Callable[..., Any], a: np.ndarray, key: tuple[Any, ...], *rest: Any) -> Any:
    """``f(a, key, ...)``, once more with indices that wrap if one is out of range."""
    try:
        return quietly(f, (a, key, *rest), {})
    except IndexError:
        return quietly(f, (a, _wrapped(key, a.shape), *rest), {})


def _is_basic(key: tuple[Any, ...]) -> bool:
    return all(type(k) in (int, slice) or k is None or k is Ellipsis or isinstance(k, np.integer) for k in key)


# ---- the array ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flags:
    c_contiguous: bool
    f_contiguous: bool
    owndata: bool

    @property
    def fnc(self) -> bool:
        return self.f_contiguous and not self.c_contiguous

    @property
    def forc(self) -> bool:
        return self.f_contiguous or self.c_contiguous

    def __getitem__(self, name: str) -> bool:
        return getattr(self, name.lower())


def refuse(self: ndarray, *args: Any, **kwargs: Any) -> NoReturn:
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
    __array__ = __array_function__ = refuse
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
    T = property(lambda self: view_of(self, self._a.T))
    mT = property(lambda self: view_of(self, self._a.swapaxes(-1, -2)))
    real = property(lambda self: wrap(self._a.real, [self]))
    imag = property(lambda self: wrap(self._a.imag, [self]))
    flags = property(lambda self: Flags(self._a.flags.c_contiguous, self._a.flags.f_contiguous, self.base is None))

    def __init__(self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: Any = "C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("the stand-in device has no memory pointers: use as_strided")
        self._a, self._device, self.base = poisoned(np.empty(shape, dtype, order=order)), here.device, None

    def __getattr__(self, name: str) -> NoReturn:
        if name in METHODS:
            raise NotImplementedError(f"cupy.ndarray.{name} is not emulated by the stand-in device")
        raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")

    @property
    def shape(self) -> tuple[int, ...]:
        return self._a.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        view = self._a.reshape(shape)
        if view.size and not np.shares_memory(view, self._a):
            raise AttributeError("incompatible shape: memory that is not in order cannot be reshaped in place")
        self._a = view

    @property
    def data(self) -> MemoryPointer:
        root: Any = self._a
        while getattr(root, "base", None) is not None:
            root = root.base
        memory = Memory(root.ctypes.data, root.nbytes, self._device)
        return MemoryPointer(self._a.ctypes.data, memory, self._device)

    # To the host

    def get(self, stream: Any = None, order: Any = "C", out: Any = None, blocking: bool = True) -> np.ndarray:
        sync(".get()")
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
        upload(".set()")
        self._a[...] = arr

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        sync(".item()")
        return self._a.item()

    def __bool__(self) -> bool:
        if self.size > 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        sync("bool()")
        return self.size == 1 and bool(self._a.item())

    def __deepcopy__(self, memo: Any) -> ndarray:
        counters.launches += 1
        return new_array(self._a.copy(), self._device)

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
            return view_of(self, self._a[key, ...])
        arrays = [self]
        key = device_index(key, arrays)
        if _is_basic(key):  # the ellipsis makes a view of a single element too
            return view_of(self, self._a[key if Ellipsis in key else (*key, ...)])
        result = np.asarray(indexed(operator.getitem, self._a, key))
        check_devices(arrays)
        counters.launches += 1
        return new_array(result, self._device)

    def __setitem__(self, key: Any, value: Any) -> None:
        arrays = [self]
        key = device_index(key, arrays)
        if type(value) is ndarray:
            arrays.append(value)
            value = value._a
        elif not isinstance(value, (int, float, complex, np.generic)):
            raise TypeError(f"Unsupported type {type(value)}")
        check_devices(arrays)
        indexed(operator.setitem, self._a, key, value)
        counters.launches += 1

    # Methods that differ from NumPy's

    def astype(
        self, dtype: Any, order: Any = "K", casting: Any = None, subok: Any = None, copy: bool = True
    ) -> ndarray:
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        return call_numpy(np.ndarray.astype, (self, dtype), {"order": order or "K", "copy": copy})

    def copy(self, order: Any = "C") -> ndarray:
        """A copy on the current device, wherever this array is: the one way from device to device."""
        counters.launches += 1
        return new_array(self._a.copy(order), here.device)

    def reshape(self, *shape: Any, order: Any = "C", copy: Any = None) -> ndarray:
        result = self._a.reshape(*shape, order=order)
        shared = result.base is not None and np.may_share_memory(result, self._a)
        if copy is False and not shared:
            raise ValueError("Unable to avoid copy while reshaping an array as requested.")
        return view_of(self, result) if shared and not copy else wrap(result.copy() if copy else result, [])

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        check_kind(kind)
        check_devices([self])
        self._a.sort(axis, kind="stable")
        counters.launches += 1

    def put(self, indices: Any, values: Any, mode: str = "wrap") -> None:
        if mode == "raise":
            sync(".put() in the mode 'raise'")
        call_numpy(np.ndarray.put, (self, indices, values), {"mode": mode})

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        return view_of(self, self._a.view() if dtype is None else self._a.view(dtype))


def check_kind(kind: Any) -> None:
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")


def poisoned(a: np.ndarray) -> np.ndarray:
    """Filled with what shows when it is read before it is written: NaN, True or the extreme integer."""
    kind = supported(a).dtype.kind
    limits = np.iinfo(a.dtype) if kind in "iu" else None
    a.fill({"f": np.nan, "c": complex(np.nan, np.nan), "b": True}[kind] if limits is None else limits.min or limits.max)
    return a


def supported(a: np.ndarray) -> np.ndarray:
    if a.dtype.kind not in "biufc" or a.dtype.char in "gG":
        raise ValueError(f"Unsupported dtype {a.dtype}")
    return a


def scalar_operand(x: ndarray, other: Any) -> Any:
    """The other side of an operator that is no device array: a scalar, or NotImplemented."""
    if isinstance(other, np.generic):
        settle([x, other])
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
                if other._device != here.device:
                    wrong_device(other)
                b = other._a
            else:
                if equality is not None and (other is None or type(other).__eq__ is object.__eq__):  # type: ignore[comparison-overlap]
                    return new_array(np.full(self.shape, equality), self._device)
                b = scalar_operand(self, other)
                if b is NotImplemented:
                    return b
            if self._device != here.device:
                wrong_device(self)
            result = f(b, self._a) if reflected else f(self._a, b)
            if type(result) is tuple:
                return wrap(result, [self])
            counters.launches += 1
            return new_array(np.asarray(result), self._device)

        return method

    def in_place(f: Callable[..., Any]) -> Callable[..., Any]:
        @np.errstate(all="ignore")
        def method(self: ndarray, other: Any) -> ndarray:
            b = other._a if type(other) is ndarray else scalar_operand(self, other)
            if b is NotImplemented:
                raise TypeError(f"Unsupported type {type(other)}")
            check_devices([self, other] if type(other) is ndarray else [self])
            f(self._a, b, out=self._a)
            counters.launches += 1
            return self

        return method

    def to_host(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
        def method(self: ndarray, *args: Any, **kwargs: Any) -> Any:
            sync(name)
            return f(self._a, *args, **kwargs)

        return method

    symbols = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
               "mod": "remainder", "pow": "power", "lshift": "left_shift", "rshift": "right_shift",
               "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "divmod": "divmod",
               "matmul": "matmul"}  # fmt: skip
    for symbol, name in symbols.items():
        yield f"__{symbol}__", binary(getattr(np, name))
        yield f"__r{symbol}__", binary(getattr(np, name), reflected=True)
        if symbol not in ("divmod", "matmul"):  # CuPy has no @= : Python then makes a new array
            yield f"__i{symbol}__", in_place(getattr(np, name))
    for symbol, name in {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}.items():
        yield f"__{symbol}__", binary(getattr(np, name))
    yield "__eq__", binary(np.equal, equality=False)
    yield "__ne__", binary(np.not_equal, equality=True)
    for symbol, f in {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}.items():
        yield f"__{symbol}__", lambda self, f=f: call_numpy(f, (self,), {})
    for cast in (int, float, complex, bytes, repr, str, format):
        yield f"__{cast.__name__}__", to_host(f"{cast.__name__}()", cast)
    for name in ("tolist", "tobytes", "tofile"):
        yield name, to_host(f".{name}()", getattr(np.ndarray, name))


def array(obj: Any, dtype: Any = None, copy: Any = True, order: Any = "K", subok: bool = False, ndmin: int = 0,
          *, blocking: bool = False) -> ndarray:  # fmt: skip
    """An array on the current device. From the host this is an upload, but for a scalar, which a kernel carries."""
    if type(obj) is ndarray and obj._device != here.device:
        obj, copy = obj.copy(order or "K"), None
    met: list[Any] = []
    if isinstance(obj, (list, tuple)) and any(type(x) is ndarray for x in obj):
        unwrap(obj, met)  # a list of device arrays is stacked on the device
        if any(type(x) is not ndarray for x in obj):
            refuse(met[0])
    if type(obj) is ndarray or met:
        return call_numpy(np.array, (obj,), {"dtype": dtype, "copy": copy, "order": order or "K", "ndmin": ndmin})
    a = np.array(obj, dtype=dtype, copy=True, order=order or "K", ndmin=ndmin)
    if supported(a).ndim:
        upload("cupy.array of host data")
    else:
        counters.launches += 1
    return new_array(a, here.device)


for _name, _method in _operators():
    setattr(ndarray, _name, _method)
