"""Out of a tensor: Python numbers, lists, NumPy arrays, other dtypes and devices, copies and pickles."""

import builtins
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend import NUMPY, BatchArray, backend_of, move
from ..errors import ShapeError, describe
from .arguments import ops
from .creation import Device, to
from .shape import flip, unbind

# ---------------------------------------------------------------------------------------------- Python values


def item(input: Tensor) -> Any:
    """The only number of a tensor, as a Python number."""
    if input.array.size != 1:
        raise RuntimeError(f"item: exactly one element is needed, and this is {describe(input)}")
    return input.array.item()


def tolist(input: Tensor) -> Any:
    """Nested lists of Python numbers (one number, of a tensor without axes)."""
    return backend_of(input.array).to_host(input.array).tolist()


def __bool__(self: Tensor) -> builtins.bool:
    if self.array.size != 1:
        what = "no element has no truth value" if not self.array.size else "several has no single truth value"
        raise RuntimeError(f"a tensor with {what}; use .any() or .all() [{describe(self)}]")
    return builtins.bool(self.array.item())


def _number(self: Tensor, kind: str) -> Any:
    if self.array.size != 1:
        raise ShapeError(f"{kind}: only a tensor with one element is a number, and this is {describe(self)}")
    return self.array.item()


def __int__(self: Tensor) -> builtins.int:
    return builtins.int(_number(self, "int"))


def __float__(self: Tensor) -> builtins.float:
    return builtins.float(_number(self, "float"))


def __complex__(self: Tensor) -> complex:
    return complex(_number(self, "complex"))


def __index__(self: Tensor) -> builtins.int:
    if self.dtype.kind not in "iub" or self.array.size != 1:
        raise TypeError(f"only one whole number can be an index, and this is {describe(self)}")
    return builtins.int(self.array.item())


def __len__(self: Tensor) -> builtins.int:
    if not self.ndim:
        raise TypeError("len: a tensor without axes has no length")
    return self.shape[0]


def __iter__(self: Tensor) -> Iterator[Tensor]:
    if not self.ndim:
        raise TypeError("iteration: a tensor without axes has no entries")
    return iter(unbind(self, 0))


def __reversed__(self: Tensor) -> Tensor:
    return flip(self, *range(self.ndim)) if self.ndim else self


def __delitem__(self: Tensor, key: Any) -> None:
    raise TypeError("del: entries of a tensor cannot be deleted; select those to keep, as x[mask]")


def __contains__(self: Tensor, element: Any) -> builtins.bool:
    if not isinstance(element, (Tensor, builtins.int, builtins.float)):
        raise RuntimeError(f"in: a tensor holds numbers, so a {builtins.type(element).__name__} cannot be in it")
    return builtins.bool(ops.eq(self, element).array.any())


# ---------------------------------------------------------------------------------------------- NumPy


def numpy(input: Tensor, *, force: builtins.bool = False) -> Any:
    """The numbers as a NumPy array in the same memory; force=True also detaches and brings them to the host."""
    if force:
        return backend_of(input.array).to_host(input.array)
    if input.needs_grad:
        raise RuntimeError("numpy: this tensor requires gradients, which NumPy would lose; use .detach().numpy()")
    return _shared(input, "numpy")


def _shared(input: Tensor, operation: str) -> Any:
    """The tensor's own array, watched from now on for writes that nobody announces."""
    if isinstance(input.array, BatchArray):
        backend_of(input.array).to_host(input.array)  # which says why it cannot
    if backend_of(input.array) is not NUMPY:
        raise TypeError(f"{operation}: this tensor is on {input.device}; bring it to the host with .cpu() first")
    array = input.array.view()  # not the tensor's own object, which may be put aside
    input.memory.expose(array)
    return array


def __array__(self: Tensor, dtype: Any = None, copy: builtins.bool | None = None) -> Any:
    if self.needs_grad:
        raise RuntimeError("__array__: this tensor requires gradients, which NumPy would lose; use .detach().numpy()")
    if backend_of(self.array) is not NUMPY:
        raise TypeError(f"__array__: this tensor is on {self.device}; bring it to the host with .cpu() first")
    if copy or (dtype is not None and np.dtype(dtype) != self.dtype):
        if copy is False:
            raise ValueError(f"__array__: {self.dtype} numbers cannot be seen as {np.dtype(dtype)} without a copy")
        return np.array(self.array, dtype)
    return _shared(self, "__array__")


def __dlpack__(self: Tensor, **keywords: Any) -> Any:
    if self.needs_grad:
        raise BufferError("__dlpack__: this tensor requires gradients, which would be lost; detach() it first")
    if backend_of(self.array) is NUMPY:
        self.memory.expose(self.array)
    return self.array.__dlpack__(**keywords)


def __dlpack_device__(self: Tensor) -> Any:
    return self.array.__dlpack_device__()


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor in the memory of another library's array."""
    array = np.from_dlpack(ext_tensor)
    t = Tensor(array)
    t.memory.expose(array, read=False)
    return t


# ---------------------------------------------------------------------------------------------- dtypes and devices

TENSOR_TYPES = {
    "HalfTensor": "float16", "FloatTensor": "float32", "DoubleTensor": "float64", "ByteTensor": "uint8",
    "CharTensor": "int8", "ShortTensor": "int16", "IntTensor": "int32", "LongTensor": "int64", "BoolTensor": "bool",
}  # fmt: skip


def type(input: Tensor, dtype: Any = None, non_blocking: builtins.bool = False) -> Any:
    """The name of the tensor's type ("minidl.FloatTensor"), or the tensor in another dtype."""
    if dtype is None:
        name = next(name for name, kind in TENSOR_TYPES.items() if kind == input.dtype)
        where = input.device.type
        return f"minidl.{name}" if where == "cpu" else f"minidl.{where}.{name}"
    if isinstance(dtype, str):
        place, _, name = dtype.rpartition(".")
        if name in TENSOR_TYPES:
            return to(input, device="cuda" if place.endswith("cuda") else "cpu", dtype=TENSOR_TYPES[name])
    return to(input, dtype=dtype)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """In the dtype and on the device of another tensor."""
    return to(input, other)


def double(input: Tensor, memory_format: object = None) -> Tensor:
    """In float64."""
    return to(input, dtype="float64")


def float(input: Tensor, memory_format: object = None) -> Tensor:
    """In float32."""
    return to(input, dtype="float32")


def half(input: Tensor, memory_format: object = None) -> Tensor:
    """In float16."""
    return to(input, dtype="float16")


def long(input: Tensor, memory_format: object = None) -> Tensor:
    """In int64."""
    return to(input, dtype="int64")


def int(input: Tensor, memory_format: object = None) -> Tensor:
    """In int32."""
    return to(input, dtype="int32")


def short(input: Tensor, memory_format: object = None) -> Tensor:
    """In int16."""
    return to(input, dtype="int16")


def char(input: Tensor, memory_format: object = None) -> Tensor:
    """In int8."""
    return to(input, dtype="int8")


def byte(input: Tensor, memory_format: object = None) -> Tensor:
    """In uint8."""
    return to(input, dtype="uint8")


def bool(input: Tensor, memory_format: object = None) -> Tensor:
    """True where not 0."""
    return to(input, dtype="bool")


def cpu(input: Tensor, memory_format: object = None) -> Tensor:
    """On the host."""
    return to(input, device="cpu")


def cuda(
    input: Tensor, device: Device = None, non_blocking: builtins.bool = False, memory_format: object = None
) -> Tensor:
    """On a GPU."""
    return to(input, device="cuda" if device is None else device)


# ---------------------------------------------------------------------------------------------- copies and pickles


def __deepcopy__(self: Tensor, memo: dict[builtins.int, Any]) -> Tensor:
    """A leaf with memory of its own, and its gradient; a result is part of a graph, which is not copied."""
    known = memo.get(id(self))
    if known is not None:
        return known
    if self.node is not None:
        raise RuntimeError("deepcopy: only leaves can be copied, and this is a result; detach() it")
    new = _rebuilt(builtins.type(self), self.array.copy(), self.needs_grad)
    memo[id(self)] = new
    if self.grad is not None:
        new.grad = __deepcopy__(self.grad.detach(), {})
    for name, value in getattr(self, "__dict__", {}).items():
        setattr(new, name, value)
    return new


def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    """Pickled as its numbers, its device and whether it requires gradients."""
    if self.node is not None:
        raise RuntimeError("pickle: only leaves can be copied, and this is a result; detach() it")
    host = np.ascontiguousarray(backend_of(self.array).to_host(self.array)).reshape(self.shape)
    state = getattr(self, "__dict__", None) or None
    return _from_pickle, (builtins.type(self), host, str(self.device), self.needs_grad), state


def _from_pickle(kind: Any, host: Any, where: str, requires_grad: builtins.bool) -> Tensor:
    return _rebuilt(kind, move(host, where), requires_grad)


def _rebuilt(kind: Any, array: Any, requires_grad: builtins.bool) -> Tensor:
    """A leaf of a Tensor class around an array, without running the class's own __init__."""
    t: Tensor = Tensor.__new__(kind)
    Tensor.__init__(t, array, requires_grad)
    return t
