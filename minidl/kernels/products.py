"""Products of matrices on Python threads: each computes a range of the rows, of the columns or of the batch.

BLAS's own threads start faster (by some 50 µs), but spin on beside the threads of other kernels: these products
serve where such kernels run too (threads.py), and leave networks of products alone to BLAS.
"""

from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.linalg import matmul
from ..ops.linear import linear
from .threads import FLOATS, SINGLE, split, splitting

Array = Any
# A core does this many multiply-adds in the time in which a pointwise pass goes over one element.
PER_ELEMENT = 64


def product(a: Array, b: Array, bias: Array | None = None) -> Array:
    """a b for matrices, each row + bias, or for stacks of them."""
    if not splitting():
        y: Array = np.matmul(a, b)
        if bias is not None:
            y += bias
        return y
    size = max(a.size * b.shape[-1], b.size * a.shape[-2]) // PER_ELEMENT
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.empty((*batch, a.shape[-2], b.shape[-1]), a.dtype)
    whole = lambda t, lo, hi: t if t.ndim < y.ndim or t.shape[0] == 1 else t[lo:hi]

    def matrices(lo: int, hi: int) -> None:
        np.matmul(whole(a, lo, hi), whole(b, lo, hi), out=y[lo:hi])

    def columns(lo: int, hi: int) -> None:
        part = np.matmul(a, b[..., lo:hi], out=y[..., lo:hi])
        if bias is not None:
            part += bias[lo:hi]

    def rows(lo: int, hi: int) -> None:
        part = np.matmul(a[..., lo:hi, :], b, out=y[..., lo:hi, :])
        if bias is not None:
            part += bias

    with SINGLE:
        if batch and batch[0] > 1:
            split(matrices, batch[0], size, lasting=False)
        elif y.shape[-1] > y.shape[-2]:
            split(columns, y.shape[-1], size, lasting=False)
        else:
            split(rows, y.shape[-2], size, lasting=False)
    return y


@linear.kernel(NUMPY)
def linear_kernel(xp, x, w, b=None):
    """The bias is added in place, and its gradient is a product with ones."""
    fits = x.ndim > 1 and w.ndim == 2 and x.shape[-1] == w.shape[1] and x.size and w.size and x.dtype.char in FLOATS
    if not fits or (b is not None and b.shape != w.shape[:1]):
        return NotImplemented
    flat, shape, outputs = x.reshape(-1, x.shape[-1]), x.shape, w.shape[0]
    y = product(flat, w.T, b)
    rows = lambda g: g.reshape(-1, outputs)
    gx = lambda g: product(rows(g), w).reshape(shape)
    gw = lambda g: product(rows(g).T, flat)
    gb = lambda g: product(np.ones((1, g.size // outputs), g.dtype), rows(g))[0]
    return (y if len(shape) == 2 else y.reshape(*shape[:-1], outputs)), (gx, gw, None if b is None else gb)


@matmul.kernel(NUMPY)
def matmul_kernel(xp, a, b):
    if not splitting() or a.ndim < 2 or b.ndim < 2 or a.ndim != b.ndim or a.shape[-1] != b.shape[-2]:
        return NotImplemented
    return product(a, b), (lambda g: product(g, b.swapaxes(-1, -2)), lambda g: product(a.swapaxes(-1, -2), g))
