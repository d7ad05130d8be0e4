"""Dtypes and PyTorch's promotion rules.

minidl's dtypes are NumPy's. Promotion is PyTorch's, which differs from NumPy's in two ways: a tensor
without axes (and a Python scalar even more) only counts where its *category* is higher, and integers
that meet a function of real numbers become the default float, not float64.
"""

from typing import Any

import numpy as np

float16, float32, float64 = np.dtype("float16"), np.dtype("float32"), np.dtype("float64")
uint8, int8, int16, int32, int64 = (np.dtype(n) for n in ("uint8", "int8", "int16", "int32", "int64"))
bool_ = np.dtype("bool")
DTYPES = (float16, float32, float64, uint8, int8, int16, int32, int64, bool_)

_default = float32


def get_default_dtype() -> np.dtype[Any]:
    """The dtype of floats that do not say theirs: float32 unless `set_default_dtype` changed it."""
    return _default


def set_default_dtype(dtype: Any) -> None:
    global _default
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"set_default_dtype: a floating-point dtype is needed, got {dtype}")
    _default = dtype


def check_dtype(dtype: Any, operation: str) -> np.dtype[Any]:
    """`dtype` (a name, a NumPy dtype or a Python type) as one of minidl's dtypes."""
    found = np.dtype(dtype).newbyteorder("=")
    if found not in DTYPES:
        raise TypeError(f"{operation}: dtype {found} is not supported; use one of {', '.join(map(str, DTYPES))}")
    return found


def scalar_dtype(value: Any) -> np.dtype[Any]:
    """The dtype that a Python number would have as a tensor of its own."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, int):
        return int64
    if isinstance(value, float):
        return _default
    raise TypeError(f"a tensor, an array or a real number is needed, got {type(value).__name__}")


def promote_types(a: Any, b: Any) -> np.dtype[Any]:
    """The smallest dtype that both cast to; integers never widen a float (float16 with int64 is float16)."""
    a, b = np.dtype(a), np.dtype(b)
    if a == b or b == bool_:
        return a
    if a == bool_:
        return b
    if (a.kind == "f") != (b.kind == "f"):
        return a if a.kind == "f" else b
    return np.promote_types(a, b)


def settled(xp: Any, x: Any, dtype: np.dtype[Any]) -> Any:
    """An operand in the dtype that was found; a Python number as it is, but whole ones wrap around, as PyTorch's do."""
    if hasattr(x, "dtype"):
        return x if x.dtype == dtype else xp.astype(x, dtype=dtype)
    if dtype.kind in "iu" and type(x) is int:
        limits = np.iinfo(dtype)
        if not limits.min <= x <= limits.max:
            return (x - limits.min) % 2 ** (8 * dtype.itemsize) + limits.min
    return x


_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}


def result_type(*operands: Any) -> np.dtype[Any]:
    """PyTorch's result dtype of arrays (or tensors) and Python scalars that meet in one operation."""
    groups: list[np.dtype[Any] | None] = [None, None, None]  # with axes, without axes, Python scalars
    for x in operands:
        if hasattr(x, "dtype"):
            k, dtype = (0 if x.ndim else 1), x.dtype
        else:
            k, dtype = 2, scalar_dtype(x)
        seen = groups[k]
        groups[k] = dtype if seen is None else promote_types(seen, dtype)
    result = None
    for dtype in reversed(groups):  # scalars first: each further group outranks them in its own category
        if result is None:
            result = dtype
        elif dtype is not None and _RANK[dtype.kind] >= _RANK[result.kind]:
            # bool has no width of its own, so two bools, or a bool under an integer, still promote
            result = dtype
    if result is None:
        raise TypeError("result_type: at least one operand is needed")
    return result


def can_cast(source: Any, target: Any) -> bool:
    """May a result of `source` be written into `target`? Yes, unless its category is higher."""
    return _RANK[np.dtype(source).kind] <= _RANK[np.dtype(target).kind]
