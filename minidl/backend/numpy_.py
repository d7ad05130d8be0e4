"""The algebra on NumPy arrays: the names that NumPy lacks, each in a few lines."""

import itertools
import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from . import special
from .base import Array, Backend, register

# A key is a tuple for x[key] in which INDEX marks the places that index arrays fill, in order.
INDEX = "index"


def fill(key: tuple[Any, ...], indices: tuple[Array, ...]) -> tuple[Any, ...]:
    """The key with its index arrays in place."""
    rest = iter(indices)
    return tuple(next(rest) if part is INDEX else part for part in key)


def own_names(np: Any, add_at: Any) -> dict[str, Any]:
    """What the algebra needs beyond the library `np` (NumPy or CuPy's module), written once for both.

    `add_at(x, key, v)` is x[key] += v with repeated indices added up."""

    def sum_to(x: Array, shape: tuple[int, ...]) -> Array:
        lead = x.ndim - len(shape)
        axes = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 != x.shape[i + lead])
        return x.sum(axis=axes, keepdims=True).reshape(shape) if axes else x

    def astype(x: Array, dtype: Any) -> Array:
        return x.astype(dtype, copy=False)

    def getitem(x: Array, *indices: Array, key: tuple[Any, ...]) -> Array:
        if indices:
            return x[fill(key, indices)]
        return x[key if ... in key else (*key, ...)]  # NumPy copies a single number out, unless there is an ellipsis

    def index_add(g: Array, *indices: Array, key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
        y = np.zeros_like(g, shape=shape)
        if indices:
            add_at(y, fill(key, indices), g)
        else:
            y[key] = g  # slices never repeat a place
        return y

    def put(x: Array, v: Any, *indices: Array, key: tuple[Any, ...]) -> Array:
        y = x.copy()
        y[fill(key, indices)] = v
        return y

    def scatter_add(g: Array, index: Array, axis: int, shape: tuple[int, ...]) -> Array:
        y = np.zeros_like(g, shape=shape)
        grid = [np.arange(n).reshape([-1 if i == k else 1 for k in range(g.ndim)]) for i, n in enumerate(index.shape)]
        grid[axis] = index
        add_at(y, tuple(grid), g)
        return y

    def diag_embed(d: Array, offset: int, axis1: int, axis2: int, shape: tuple[int, ...]) -> Array:
        y = np.zeros_like(d, shape=shape)
        rows = np.arange(d.shape[-1]) + max(-offset, 0)
        moved = y.transpose([i for i in range(y.ndim) if i not in (axis1, axis2)] + [axis1, axis2])  # a view
        moved[..., rows, rows + offset] = d
        return y

    def im2col(x: Array, kernel: Any, stride: Any, dilation: Any) -> Array:
        (N, C, *size), (n, c, *steps) = x.shape, x.strides
        places = [(m - d * (k - 1) - 1) // s + 1 for m, k, s, d in zip(size, kernel, stride, dilation)]
        jumps = [t * d for t, d in zip(steps, dilation)] + [t * s for t, s in zip(steps, stride)]
        patches = windows(x, (N, C, *kernel, *places), (n, c, *jumps))
        return patches.copy().reshape(N, C * math.prod(kernel), math.prod(places))

    def col2im(cols: Array, kernel: Any, stride: Any, dilation: Any, shape: tuple[int, ...]) -> Array:
        N, C, *size = shape
        places = [(m - d * (k - 1) - 1) // s + 1 for m, k, s, d in zip(size, kernel, stride, dilation)]
        cols = cols.reshape(N, C, *kernel, *places)
        x = np.zeros_like(cols, shape=shape)
        for at in itertools.product(*map(range, kernel)):
            steps = zip(at, dilation, stride, places)
            x[:, :, *(slice(i * d, i * d + s * n, s) for i, d, s, n in steps)] += cols[:, :, *at]
        return x

    def sigmoid(x: Array) -> Array:
        e = np.exp(-np.abs(x))
        y = np.maximum(e, x >= 0)
        e += 1
        y /= e
        return y

    def eig(x: Array) -> tuple[Array, Array]:
        w, v = np.linalg.eig(x)
        if w.dtype.kind == "c":
            raise NotImplementedError(
                "this matrix has complex eigenvalues, and complex numbers are not supported; those of symmetric "
                "matrices (eigh) and the singular values (svd) are real"
            )
        return w, v

    def pinv(x: Array, rtol: float | None, atol: float) -> Array:
        if rtol is None:
            rtol = 0.0 if atol else max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
        u, s, vt = np.linalg.svd(x, full_matrices=False)
        kept = s > np.maximum(s[..., :1] * rtol, atol)
        s = np.where(kept, 1 / np.where(kept, s, 1), 0)
        return np.matmul(vt.swapaxes(-1, -2) * s[..., None, :], u.swapaxes(-1, -2))

    def pivots(x: Array) -> Array:
        m, n = x.shape[-2:]
        a = x.reshape(math.prod(x.shape[:-2]), m, n).copy()
        stack, k = np.arange(len(a)), min(m, n)
        swaps = np.zeros((len(a), k), "int64")
        for i in range(k):
            swaps[:, i] = p = i + np.abs(a[:, i:, i]).argmax(axis=1)
            top = a[:, i].copy()
            a[:, i] = row = a[stack, p]
            a[stack, p] = top
            pivot = a[:, i : i + 1, i]
            factor = a[:, i + 1 :, i] / np.where(pivot == 0, 1, pivot)
            a[:, i + 1 :] -= factor[:, :, None] * row[:, None]
        return swaps.reshape(*x.shape[:-2], k)

    def strided(x: Array, shape: tuple[int, ...], steps: tuple[int, ...], offset: int) -> Array:
        apart = x.strides[0]
        return windows(x[offset:] if offset else x, shape, tuple(step * apart for step in steps))

    windows = np.lib.stride_tricks.as_strided
    return {
        "sum_to": sum_to, "astype": astype, "getitem": getitem, "index_add": index_add, "put": put,
        "scatter_add": scatter_add, "diag_embed": diag_embed, "im2col": im2col, "col2im": col2im,
        "sigmoid": sigmoid, "as_strided": strided,
        "copy": lambda x: x.copy(),
        "reshape": lambda x, shape: x.reshape(shape),
        "pad": lambda x, pad_width: np.pad(x, pad_width),
        "arange_like": lambda x, n: np.arange(n),
        "inv": np.linalg.inv,
        "solve": np.linalg.solve,
        "det": np.linalg.det,
        "cholesky": np.linalg.cholesky,
        "slogdet": lambda x: tuple(np.linalg.slogdet(x)),
        "eigh": lambda x: tuple(np.linalg.eigh(x)),
        "eig": eig,
        "svd": lambda x, full_matrices: tuple(np.linalg.svd(x, full_matrices=full_matrices)),
        "qr": lambda x: tuple(np.linalg.qr(x)),
        "pinv": pinv, "pivots": pivots,
        "concatenate": lambda *xs, axis: np.concatenate(xs, axis=axis),
        "einsum": lambda *xs, subscripts: np.einsum(subscripts, *xs, optimize=len(xs) > 1),
    }  # fmt: skip


def mean(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """np.mean, which warns of empty slices from lines of its own; here they are NaN without a word."""
    return np.mean(x, axis=axis, keepdims=keepdims) if x.size else np.sum(x, axis=axis, keepdims=keepdims) + np.nan


class NumpyBackend(Backend):
    device_type = "cpu"

    def __init__(self) -> None:
        own = own_names(np, np.add.at)
        own["erf"] = lambda x: special.erf(np, x)
        own["mean"] = mean
        own["sort"] = lambda x, axis: np.sort(x, axis=axis, kind="stable")
        own["argsort"] = lambda x, axis: np.argsort(x, axis=axis, kind="stable")
        super().__init__(np, np.ndarray, own)

    def asarray(self, values: Any, index: int = 0) -> Array:
        return np.asarray(values)

    def to_host(self, array: Array) -> Any:
        return array

    def index_of(self, array: Array) -> None:
        return None

    def shares_memory(self, a: Array, b: Array) -> bool:
        return _root(a) is _root(b)

    def address(self, array: Array) -> int:
        return int(array.__array_interface__["data"][0])

    def extent(self, array: Array) -> tuple[int, int]:
        owner = array
        while (owner := getattr(owner, "base", None)) is not None:  # as_strided puts an object of its own between
            array = owner if isinstance(owner, np.ndarray) else array
        return byte_bounds(array)


def _root(array: Any) -> Any:
    """The object at the end of the chain of bases."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


NUMPY = register(NumpyBackend())
