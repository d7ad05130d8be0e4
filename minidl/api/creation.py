"""New tensors: from values, from NumPy arrays, filled, counted, and like others."""

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd import Node, Tensor
from ..autograd.batch import like_samples
from ..autograd.memory import tick
from ..autograd.modes import modes
from ..backend import (
    backend_of,
    check_dtype,
    device,
    get_default_device,
    get_default_dtype,
    move,
    promote_types,
)
from ..backend.dtypes import scalar_dtype
from .arguments import DType, Number, into, named, ops, shape_of

Device = device | str | int | None


def made(values: Any, where: Device, requires_grad: bool) -> Tensor:
    """A new leaf on a device that owns these values."""
    return Tensor(move(values, get_default_device() if where is None else where), requires_grad)


def new(values: Callable[[Any, Any], Any], shape: Any, dtype: Any, where: Device, requires_grad: bool) -> Tensor:
    """A new leaf of `values(shape, dtype)`, which are not made at all where only shapes are kept."""
    where = get_default_device() if where is None else device(where)
    return made((_one_for_all if where.type == "meta" else values)(shape, dtype), where, requires_grad)


def _one_for_all(shape: Any, dtype: Any) -> Any:
    return np.broadcast_to(np.zeros((), dtype), shape)


# ---------------------------------------------------------------------------------------------- from values


def tensor(
    data: Any, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """A tensor that holds a copy of numbers, nested sequences of numbers, an array or a tensor.

    Python floats get the default dtype, integers int64; arrays and tensors keep theirs."""
    wanted = None if dtype is None else check_dtype(dtype, "tensor")
    if isinstance(data, Tensor):
        values, device = backend_of(data.array).to_host(data.array), data.device if device is None else device
    else:
        values = _values(data, wanted)
        if wanted is not None and wanted.kind in "iu":
            _in_range(values, wanted)
    return made(np.array(values, wanted, subok=False), device, requires_grad)


def _in_range(values: Any, wanted: Any) -> None:
    """Refuse numbers that an integer dtype does not hold; NumPy would take them modulo 2ⁿ."""
    limits = np.iinfo(wanted)
    if values.dtype.kind in "iu" and values.size and not limits.min <= values.min() <= values.max() <= limits.max:
        raise RuntimeError(f"tensor: {wanted} holds {limits.min} to {limits.max}, got {values.min()} to {values.max()}")


def as_tensor(data: Any, dtype: DType | None = None, device: Device = None) -> Tensor:
    """`data` itself where it is a tensor of that dtype and device; a NumPy array's memory; else a new tensor."""
    if isinstance(data, Tensor):
        return to(data, dtype=dtype, device=device)
    if isinstance(data, np.ndarray) and data.dtype.isnative:
        return to(from_numpy(data), dtype=dtype, device=device)
    return tensor(data, dtype=dtype, device=device)


asarray = as_tensor


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor in the array's own memory: a write into one is seen in the other, and by backward."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: a NumPy array is needed, got {type(ndarray).__name__}; use tensor() for values")
    check_dtype(ndarray.dtype, "from_numpy")
    if not ndarray.dtype.isnative:
        raise TypeError(f"from_numpy: dtype {ndarray.dtype} has its bytes in foreign order; convert with .astype first")
    t = Tensor(ndarray)
    t.memory.expose(ndarray, read=False)
    return t


def _values(data: Any, wanted: Any) -> Any:
    """Whatever was given as a NumPy array; Python's numbers in the dtype wanted, or the one PyTorch would infer."""
    if isinstance(data, (bool, int, float)) and not isinstance(data, np.generic):
        if isinstance(data, int) and not -(2**63) <= data < 2**63 and (wanted is None or wanted.kind != "f"):
            raise RuntimeError(f"tensor: {data} is too large for an int64; write it as a float")
        return _checked(np.asarray(data, wanted if wanted is not None and wanted.kind == "f" else scalar_dtype(data)))
    if isinstance(data, (list, tuple, builtins.range)) or _sequence(data):
        dtypes: set[Any] = set()
        try:
            plain = _plain(data, dtypes)
        except RecursionError:
            raise ValueError("tensor: these sequences are nested without end, or much too deep") from None
        dtype = None
        for found in dtypes:
            dtype = found if dtype is None else promote_types(dtype, found)
        if wanted is not None and wanted.kind == "f":  # straight to it: no digit is lost on the way
            dtype = wanted
        try:
            return _checked(np.array(plain, get_default_dtype() if dtype is None else dtype))
        except (ValueError, OverflowError) as error:
            raise ValueError(f"tensor: {_ragged(plain) or error}") from None
    if isinstance(data, np.ndarray) or hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return _checked(np.asarray(data))
    if isinstance(data, np.generic):
        return _checked(np.asarray(data))
    raise TypeError(f"tensor: numbers, nested sequences of numbers or an array are needed, got {type(data).__name__}")


def _checked(values: Any) -> Any:
    if values.dtype.kind not in "biuf":
        kind = "complex numbers" if values.dtype.kind == "c" else f"dtype {values.dtype}"
        raise TypeError(f"tensor: {kind} are not supported; real numbers and truth values are")
    return values.astype(check_dtype(values.dtype, "tensor"), copy=False)


def _sequence(data: Any) -> bool:
    """A deque and what else is like a list."""
    return isinstance(data, Sequence) and not isinstance(data, (str, bytes))


def _plain(data: Any, dtypes: set[Any]) -> Any:
    """Nested lists without tensors; the dtypes met on the way are collected."""
    if isinstance(data, (list, tuple, builtins.range)):
        kinds = set(map(type, data))
        if kinds <= {float, int, bool}:
            dtypes.update(scalar_dtype(kind()) for kind in kinds)
            return data
        return [_plain(part, dtypes) for part in data]
    if _sequence(data):
        return _plain(list(data), dtypes)
    if isinstance(data, Tensor):
        values = backend_of(data.array).to_host(data.array)
        if values.size == 1:  # is a number, whatever its axes
            values = values.reshape(())
    elif isinstance(data, (np.ndarray, np.generic)):
        values = data
    else:
        if not isinstance(data, (bool, int, float)):
            raise TypeError(f"tensor: numbers or sequences of numbers are needed, got {type(data).__name__}")
        dtypes.add(scalar_dtype(data))
        return data
    dtypes.add(_checked(np.asarray(values)).dtype)
    return values


def _ragged(data: Any, path: str = "") -> str | None:
    """Where nested sequences stop being a grid, in words."""
    if not isinstance(data, (list, tuple, builtins.range)):
        return None
    shapes = [np.shape(part) if not isinstance(part, (list, tuple, builtins.range)) else (len(part),) for part in data]
    for k, shape in enumerate(shapes):
        if shape[:1] != shapes[0][:1]:
            one, other = (f"{s[0]} entries" if s else "a number" for s in (shapes[0], shape))
            return f"rows must be of one length, but data{path}[0] is {one} and data{path}[{k}] is {other}"
    return next((found for k, part in enumerate(data) if (found := _ragged(part, f"{path}[{k}]"))), None)


# ---------------------------------------------------------------------------------------------- filled


def _float(dtype: DType | None, operation: str) -> Any:
    return get_default_dtype() if dtype is None else check_dtype(dtype, operation)


def zeros(
    *sizes: Any, size: Any = None, out: Tensor | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Zeros."""
    return into(out, new(np.zeros, shape_of(sizes, "zeros", size), _float(dtype, "zeros"), device, requires_grad))


def ones(
    *sizes: Any, size: Any = None, out: Tensor | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Ones."""
    return into(out, new(np.ones, shape_of(sizes, "ones", size), _float(dtype, "ones"), device, requires_grad))


def empty(
    *sizes: Any, size: Any = None, out: Tensor | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Memory whose contents mean nothing yet."""
    return into(out, new(np.empty, shape_of(sizes, "empty", size), _float(dtype, "empty"), device, requires_grad))


def full(
    size: Sequence[int], fill_value: Any, *, out: Tensor | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """One number everywhere; its kind decides the dtype."""
    value = fill_value.item() if isinstance(fill_value, (Tensor, np.generic)) else fill_value
    wanted = scalar_dtype(value) if dtype is None else check_dtype(dtype, "full")
    fill = lambda shape, kind: np.full(shape, value, kind)
    return into(out, new(fill, shape_of((size,), "full"), wanted, device, requires_grad))


def _like(
    fill: Any, input: Tensor, size: Any, dtype: DType | None, where: Device, requires_grad: bool, operation: str
) -> Tensor:
    wanted = input.dtype if dtype is None else check_dtype(dtype, operation)
    shape = input.shape if size is None else shape_of(size, operation)
    return like_samples(new(fill, shape, wanted, input.device if where is None else where, requires_grad), input)


def zeros_like(
    input: Tensor, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
    memory_format: object = None,
) -> Tensor:  # fmt: skip
    """Zeros in the shape of input."""
    return _like(np.zeros, input, None, dtype, device, requires_grad, "zeros_like")


def ones_like(
    input: Tensor, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
    memory_format: object = None,
) -> Tensor:  # fmt: skip
    """Ones in the shape of input."""
    return _like(np.ones, input, None, dtype, device, requires_grad, "ones_like")


def empty_like(
    input: Tensor, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
    memory_format: object = None,
) -> Tensor:  # fmt: skip
    """Memory in the shape of input whose contents mean nothing yet."""
    return _like(np.empty, input, None, dtype, device, requires_grad, "empty_like")


def full_like(
    input: Tensor, fill_value: Any, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False, memory_format: object = None,
) -> Tensor:  # fmt: skip
    """One number in the shape of input."""
    fill = lambda shape, kind: np.broadcast_to(np.asarray(fill_value).astype(kind), shape).copy()
    return _like(fill, input, None, dtype, device, requires_grad, "full_like")


def new_zeros(
    input: Tensor, *sizes: Any, size: Any = None, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Zeros of the dtype and device of input."""
    return _like(np.zeros, input, named(sizes, size), dtype, device, requires_grad, "new_zeros")


def new_ones(
    input: Tensor, *sizes: Any, size: Any = None, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Ones of the dtype and device of input."""
    return _like(np.ones, input, named(sizes, size), dtype, device, requires_grad, "new_ones")


def new_empty(
    input: Tensor, *sizes: Any, size: Any = None, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Uninitialised memory of the dtype and device of input."""
    return _like(np.empty, input, named(sizes, size), dtype, device, requires_grad, "new_empty")


def new_full(
    input: Tensor, size: Sequence[int], fill_value: Any, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """One number everywhere, of the dtype and device of input."""
    fill = lambda shape, kind: np.full(shape, fill_value, kind)
    return _like(fill, input, (size,), dtype, device, requires_grad, "new_full")


def new_tensor(
    input: Tensor, data: Any, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of these values, of the dtype and device of input."""
    where = input.device if device is None else device
    return tensor(data, dtype=input.dtype if dtype is None else dtype, device=where, requires_grad=requires_grad)


def eye(
    n: int, m: int | None = None, *, out: Tensor | None = None, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Ones on the diagonal, zeros elsewhere."""
    rows, columns = shape_of((n, n if m is None else m), "eye")
    fill = lambda shape, kind: np.eye(*shape, dtype=kind)
    return into(out, new(fill, (rows, columns), _float(dtype, "eye"), device, requires_grad))


# ---------------------------------------------------------------------------------------------- counted


def arange(
    start: Number, end: Number | None = None, step: Number = 1, *, out: Tensor | None = None,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, … up to end, which is left out; arange(end) starts at 0."""
    start, end, step = (
        v.item() if isinstance(v, (Tensor, np.generic)) else v
        for v in ((0, start, step) if end is None else (start, end, step))
    )
    wanted = None if dtype is None else check_dtype(dtype, "arange")
    if wanted == "int64":
        start, end, step = int(start), int(end), int(step)
    if not step:
        raise RuntimeError("arange: the step cannot be 0")
    if out is not None and out.dtype.kind in "iu" and not int(step):
        raise ValueError(f"arange: step must be nonzero, but {step} as {out.dtype} is 0")
    if not all(math.isfinite(v) for v in (start, end, step)):
        raise RuntimeError(f"arange: finite numbers are needed, got {start}, {end} and {step}")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: steps of {step} do not lead from {start} to {end}")
    whole = all(isinstance(v, int) for v in (start, end, step))
    if wanted is None:
        wanted = np.dtype("int64") if whole else get_default_dtype()
    n = -((start - end) // step) if whole else math.ceil((end - start) / step)
    if wanted.kind in "iu":
        start, step = int(start), int(step)
    values = start + step * np.arange(n)
    return into(out, made(values.astype(wanted), device, requires_grad))


def linspace(
    start: Number, end: Number, steps: int, *, out: Tensor | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers evenly apart, from start to end, both included."""
    if steps < 0:
        raise RuntimeError(f"linspace: steps cannot be negative, got {steps}")
    wanted = _float(dtype, "linspace")
    return into(out, made(_apart(start, end, steps, wanted).astype(wanted), device, requires_grad))


def _apart(start: Number, end: Number, steps: int, dtype: Any) -> Any:
    """Numbers evenly apart; between whole ends, where the results are to be whole."""
    kind: Any = float if dtype.kind == "f" else int
    return np.linspace(kind(start), kind(end), steps)


def logspace(
    start: Number, end: Number, steps: int, base: "float | Tensor" = 10.0, *, out: Tensor | None = None,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """base to the power of numbers evenly apart."""
    if steps < 0:
        raise RuntimeError(f"logspace: steps cannot be negative, got {steps}")
    wanted = _float(dtype, "logspace")
    return into(out, made((float(base) ** _apart(start, end, steps, wanted)).astype(wanted), device, requires_grad))


def range(
    start: Number = 0, end: Number | None = None, step: Number = 1, *, out: Tensor | None = None,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """start, start + step, … up to end, which is included; arange leaves it out."""
    start, end = (0, start) if end is None else (start, end)
    wanted = get_default_dtype() if dtype is None else check_dtype(dtype, "range")
    if not step or (end - start) * step < 0:
        raise RuntimeError(f"range: steps of {step} do not lead from {start} to {end}")
    n = math.floor((end - start) / step) + 1
    return into(out, made((start + step * np.arange(n)).astype(wanted), device, requires_grad))


def scalar_tensor(
    s: Number, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False
) -> Tensor:
    """One number as a tensor without axes, of the default dtype."""
    return made(np.asarray(s).astype(_float(dtype, "scalar_tensor")), device, requires_grad)


def _window(
    n: int, periodic: bool, shape: Any, operation: str, dtype: DType | None, device: Device, requires_grad: bool
) -> Tensor:
    """A window's numbers, from x = k / (n − 1); a periodic one is the first n numbers of one longer by one."""
    wanted = _float(dtype, operation)
    if n < 0 or wanted.kind != "f":
        raise RuntimeError(f"{operation}: a length of 0 or more and a floating dtype are needed, got {n} and {wanted}")
    last = n if periodic else n - 1
    values = np.ones(n) if n < 2 else shape(np.arange(n) / last)
    return made(values.astype(wanted), device, requires_grad)


def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """1 − |2x − 1|: up and down again."""
    triangle = lambda x: 1 - np.abs(2 * x - 1)
    return _window(window_length, periodic, triangle, "bartlett_window", dtype, device, requires_grad)


def hann_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """(1 − cos 2πx) / 2."""
    wave = lambda x: np.sin(np.pi * x) ** 2
    return _window(window_length, periodic, wave, "hann_window", dtype, device, requires_grad)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """alpha − beta cos 2πx."""
    wave = lambda x: alpha - beta * np.cos(2 * np.pi * x)
    return _window(window_length, periodic, wave, "hamming_window", dtype, device, requires_grad)


def blackman_window(
    window_length: int, periodic: bool = True, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """0.42 − 0.5 cos 2πx + 0.08 cos 4πx."""
    wave = lambda x: np.maximum(0.42 - 0.5 * np.cos(2 * np.pi * x) + 0.08 * np.cos(4 * np.pi * x), 0)
    return _window(window_length, periodic, wave, "blackman_window", dtype, device, requires_grad)


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """I₀(beta √(1 − (2x − 1)²)) / I₀(beta)."""
    bell = lambda x: np.i0(beta * np.sqrt(np.maximum(1 - (2 * x - 1) ** 2, 0))) / np.i0(beta)
    return _window(window_length, periodic, bell, "kaiser_window", dtype, device, requires_grad)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType = "int64", device: Device = None
) -> Tensor:
    """Where the lower triangle of a matrix lies: rows above columns."""
    return made(np.stack(np.tril_indices(row, offset, col)).astype(check_dtype(dtype, "tril_indices")), device, False)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DType = "int64", device: Device = None
) -> Tensor:
    """Where the upper triangle of a matrix lies: rows above columns."""
    return made(np.stack(np.triu_indices(row, offset, col)).astype(check_dtype(dtype, "triu_indices")), device, False)


# ---------------------------------------------------------------------------------------------- elsewhere, otherwise


def to(
    input: Tensor, *args: Any, dtype: DType | None = None, device: Device = None, non_blocking: bool = False,
    copy: bool = False, memory_format: object = None, other: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The tensor in another dtype, on another device, or both: to(dtype), to(device), to(device, dtype), to(other)."""
    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        other = rest.pop(0)
    if other is not None:
        dtype, device = other.dtype, other.device
    elif rest:
        if _is_dtype(rest[0]):
            dtype = rest.pop(0)
        elif rest[0] is None or isinstance(rest[0], (str, int, _device)):
            device = rest.pop(0)
            if rest and (rest[0] is None or _is_dtype(rest[0])):
                dtype = rest.pop(0)
    if rest and isinstance(rest[0], bool):
        rest.pop(0)  # non_blocking: every copy blocks
        copy = bool(rest.pop(0)) if rest else copy
    if rest:
        raise TypeError(f"to: a dtype, a device or a tensor is needed, got {', '.join(map(repr, args))}")
    y = input
    if device is not None:
        y = on_device(y, device)
    if dtype is not None:
        wanted = check_dtype(dtype, "to")
        y = y if y.dtype == wanted else ops.astype(y, dtype=wanted)
    return ops.copy(y) if copy and y is input else y


_device = device


def _is_dtype(value: Any) -> bool:
    if isinstance(value, str):
        return value in _DTYPE_NAMES
    return isinstance(value, np.dtype) or isinstance(value, type)


_DTYPE_NAMES = {"float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"}


def on_device(input: Tensor, where: Device) -> Tensor:
    """The tensor on another device; itself where it is there already. Its gradient travels back."""
    array = move(input.array, where)
    if array is input.array:
        return input
    out = Tensor(array)
    if input.needs_grad and modes.recording:
        input.memory.look()  # as every record does before it reads
        home, node = input.device, Node()
        node.op, node.inputs, node.params, node.hooks = _TRANSFER, [input.node or input], {"where": where}, None
        node.vjps, node.number = (lambda g: move(g, home),), tick()
        node.shape, node.dtype, node.memory = array.shape, array.dtype, out.memory
        out.node, out.needs_grad = node, True
    return out


class _Transfer:
    """The pseudo-op of such a record: a formula stays on one device, so it has none in ops/."""

    name, promote, arguments, constant = "to", None, ("input",), ()

    @staticmethod
    def formula(xp: Any, x: Tensor, *, where: Device) -> Any:
        """What is run again, on Tensors, where derivatives of derivatives are wanted."""
        home = x.device
        return on_device(x, where), (lambda g: on_device(g, home),)


_TRANSFER = _Transfer()
