"""Products of matrices on Python threads: each computes a range of the rows, of the columns or of the batch.

BLAS's own threads start faster (by some 50 µs), but spin on beside the threads of other kernels: these products
serve where such kernels run too (threads.py), and leave networks of products alone to BLAS.
"""

from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.linalg import matmul
from ..ops.linear import linear
from .threads import SINGLE, small, split, splitting

Array = Any
# A core does this many multiply-adds in the time in which a pointwise pass goes over one element.
PER_ELEMENT = 64


def product(a: Array, b: Array) -> Array:
    """a b for matrices, or for stacks of them."""
    size = max(a.size * b.shape[-1], b.size * a.shape[-2]) // PER_ELEMENT
    if small(size):
        with SINGLE:
            return np.matmul(a, b)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.empty((*batch, a.shape[-2], b.shape[-1]), a.dtype)
    if batch and batch[0] > 1:
        whole = lambda t, lo, hi: t if t.ndim < y.ndim or t.shape[0] == 1 else t[lo:hi]
        work = lambda lo, hi: np.matmul(whole(a, lo, hi), whole(b, lo, hi), out=y[lo:hi])
        split(work, batch[0], size, lasting=False)
    elif y.shape[-1] > y.shape[-2]:
        split(lambda lo, hi: np.matmul(a, b[..., lo:hi], out=y[..., lo:hi]), y.shape[-1], size, lasting=False)
    else:
        split(lambda lo, hi: np.matmul(a[..., lo:hi, :], b, out=y[..., lo:hi, :]), y.shape[-2], size, lasting=False)
    return y


@linear.kernel(NUMPY)
def linear_kernel(xp, x, w, b=None):
    if not splitting() or x.ndim < 2 or w.ndim != 2 or x.shape[-1] != w.shape[1] or not x.size:
        return NotImplemented
    if b is not None and b.shape != w.shape[:1]:
        return NotImplemented
    flat, shape = x.reshape(-1, x.shape[-1]), (*x.shape[:-1], w.shape[0])
    y = product(flat, w.T)
    if b is not None:
        y += b
    rows = lambda g: g.reshape(-1, w.shape[0])
    gx = lambda g: product(rows(g), w).reshape(*g.shape[:-1], w.shape[1])
    gw = lambda g: product(rows(g).T, flat)
    gb = lambda g: rows(g).sum(axis=0)
    return y.reshape(shape), (gx, gw, None if b is None else gb)


@matmul.kernel(NUMPY)
def matmul_kernel(xp, a, b):
    if not splitting() or a.ndim < 2 or b.ndim < 2 or a.ndim != b.ndim or a.shape[-1] != b.shape[-2]:
        return NotImplemented
    return product(a, b), (lambda g: product(g, b.swapaxes(-1, -2)), lambda g: product(a.swapaxes(-1, -2), g))
