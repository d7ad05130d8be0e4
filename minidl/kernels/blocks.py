"""Formulas that treat every number, or every row, by itself: the formula as it is, block by block.

A block is small enough that all passes over it but the first find it in the cache, and threads take turns at blocks.
"""

from typing import Any

import numpy as np

from ..autograd import OPS
from ..backend import NUMPY
from .threads import FLOATS, ranges, small, split

BLOCK = 1 << 15
POINTWISE = (
    "leaky_relu", "elu", "logsigmoid", "softplus", "gelu", "mish", "hardtanh", "hardsigmoid", "hardswish",
    "softsign", "tanhshrink", "softshrink", "hardshrink", "exp", "erf",
)  # fmt: skip
ROWWISE = ("softmax", "log_softmax")


def by_blocks(op: Any, rowwise: bool) -> Any:
    formula = op.formula

    def kernel(xp, x, **params):
        if small(x.size) or not x.size or x.dtype.char not in FLOATS:
            return NotImplemented
        if rowwise and (not x.ndim or params.get("axis", -1) not in (-1, x.ndim - 1)):
            return NotImplemented
        flat = np.ascontiguousarray(x).reshape((-1, x.shape[-1]) if rowwise else -1)
        y, backs = np.empty_like(flat), {}
        step = max(1, BLOCK * len(flat) // flat.size)

        def forward(lo: int, hi: int) -> None:
            for a, e in ranges(lo, hi, step):
                y[a:e], (backs[a, e],) = formula(xp, flat[a:e], **params)

        def gx(g):
            gs = np.ascontiguousarray(g).reshape(flat.shape)
            out, pieces = np.empty_like(gs), sorted(backs)

            def backward(lo: int, hi: int) -> None:
                for a, e in pieces[lo:hi]:
                    out[a:e] = backs[a, e](gs[a:e])

            split(backward, len(pieces), x.size)
            return out.reshape(x.shape)

        split(forward, len(flat), x.size)
        return y.reshape(x.shape), (gx,)

    return kernel


for _name in POINTWISE + ROWWISE:
    _op = getattr(OPS, _name)
    _op.kernel(NUMPY)(by_blocks(_op, _name in ROWWISE))
