"""Are two results the same? "" where they are; else one line that says how they differ."""

import numpy as np
import torch

import minidl

from .mirror import numbers

# (relative, absolute), by the dtype of the numbers; each further derivative loses some digits.
TOLERANCE = {"float64": (1e-7, 1e-8), "float32": (2e-4, 2e-5), "float16": (1e-2, 1e-2)}


def flat(result):
    """The tensors and numbers of a nested result."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (tuple, list)):
        return [t for part in result for t in flat(part)]
    return [result]


def same_array(ours, theirs, loose=1):
    if ours.shape != theirs.shape:
        return f"shape {ours.shape}, not {theirs.shape}"
    if ours.dtype != theirs.dtype:
        return f"dtype {ours.dtype}, not {theirs.dtype}"
    rtol, atol = (loose * t for t in TOLERANCE.get(str(ours.dtype), (0, 0)))
    with np.errstate(all="ignore"):
        close = np.isclose(ours, theirs, rtol=rtol, atol=atol, equal_nan=True)
    if close.all():
        return ""
    worst = tuple(int(k[0]) for k in np.nonzero(np.atleast_1d(~close)))
    where = worst if ours.ndim else ()
    return f"{(~close).sum()} of {close.size} differ, as {ours[where]!s}, not {theirs[where]!s}"


def fields(result):
    """The names of a named tuple's parts."""
    names = getattr(result, "_fields", None)
    if names is None and type(result).__module__ == "torch.return_types":
        names = [n for n in dir(result) if not n.startswith(("_", "n_")) and n not in ("count", "index")]
    return set(names or ())


def same(ours, theirs, values=True):
    """Do two results agree: in structure, shapes, dtypes and (unless they are random) values?"""
    lacking = {name for name in fields(theirs) if not hasattr(ours, name)}
    if lacking:
        return f"the result has no {' and '.join(sorted(lacking))}"
    ours, theirs = flat(ours), flat(theirs)
    if len(ours) != len(theirs):
        return f"{len(ours)} results, not {len(theirs)}"
    for a, b in zip(ours, theirs):
        if why := same_part(a, b, values):
            return why
    return ""


def same_part(a, b, values):
    if isinstance(b, torch.Tensor) != isinstance(a, minidl.Tensor):
        return f"a {type(a).__name__}, not a {type(b).__name__}"
    if isinstance(b, torch.Tensor):
        if b.dtype.is_complex or b.layout is not torch.strided:
            return f"dtype {a.dtype}, not {b.dtype}"
        if not values:
            fits = tuple(a.shape) == tuple(b.shape) and str(a.dtype) == str(b.dtype).removeprefix("torch.")
            return "" if fits else f"{a.dtype} {tuple(a.shape)}, not {b.dtype} {tuple(b.shape)}"
        return same_array(a.array, numbers(b))
    if isinstance(b, torch.dtype):
        return "" if str(a) == str(b).removeprefix("torch.") else f"{a}, not {b}"
    if isinstance(b, (bool, int, float)) and isinstance(a, (bool, int, float)):
        alike = a == b or (a != a and b != b) or abs(a - b) <= 1e-6 * abs(b)
        return "" if alike or not values else f"{a!r}, not {b!r}"
    if isinstance(b, (bool, int, float, str, type(None))):
        return "" if a == b else f"{a!r}, not {b!r}"
    return ""
