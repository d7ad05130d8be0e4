"""The embedding's gradient as sums of runs: rows of ȳ sorted by the row they belong to, each run added up at once."""

import numpy as np

from ..backend import NUMPY
from ..ops.embedding import embedding
from .products import product
from .threads import FLOATS, small

FEW = 512  # rows up to which a product with ones and zeros beats sorting


@embedding.kernel(NUMPY)
def embedding_kernel(xp, w, i, *, padding_idx=None):
    if w.ndim != 2 or i.dtype.kind not in "iu" or w.dtype.char not in FLOATS or small(i.size * w.shape[1]):
        return NotImplemented
    V, D = w.shape
    y = np.take(w, i, axis=0)

    def gw(g):
        rows, numbers = g.reshape(-1, D), i.reshape(-1)
        numbers = np.where(numbers < 0, numbers + V, numbers)
        if V <= FEW:
            belongs = np.zeros((len(rows), V), g.dtype)
            belongs[np.arange(len(rows)), numbers] = 1
            out = product(belongs.T, rows)
        else:
            order = np.argsort(numbers, kind="stable")
            numbers = numbers[order]
            first = np.flatnonzero(np.diff(numbers, prepend=-1))
            out = np.zeros((V, D), g.dtype)
            out[numbers[first]] = np.add.reduceat(rows[order], first, axis=0)
        if padding_idx is not None:
            out[padding_idx] = 0
        return out

    return y, (gw, None)
