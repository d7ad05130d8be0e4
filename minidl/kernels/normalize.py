"""Normalisation block by block: a block is read once, and all that is computed of it happens in the cache.

The gradient in coefficients: x̄ = A ȳ + B (x − μ) + D, numbers of a channel or of a row. Only μ and r are kept.
"""

import math
from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.normalize import batch_norm, layer_norm
from .threads import FLOATS, SINGLE, ranges, small, split

Array = Any
# Numbers of x in a block. Each call costs a hand-over of the interpreter, which takes longer than to fetch numbers
# from the third-level cache: so there are few, long ones.
CHANNELS, ROWS = 1 << 19, 1 << 18
LONG = 16  # places below which there is little to gain from sums along them


@batch_norm.kernel(NUMPY)
def batch_norm_kernel(xp, x, w=None, b=None, *, eps=1e-5):
    N, C, L = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    if small(x.size) or L < LONG or x.dtype.char not in FLOATS:
        return NotImplemented
    rows, n = np.ascontiguousarray(x).reshape(N, C, L), N * L
    y, ones = np.empty_like(rows), np.ones(L, x.dtype)
    mu, var, r = (np.empty(C, x.dtype) for _ in range(3))
    step = max(1, CHANNELS // n)
    column = lambda t: t[:, None]
    total = lambda block, other: np.vecdot(block.reshape(-1, N, L), other).sum(axis=1)

    def forward(lo: int, hi: int) -> None:
        blocks = np.empty((step, n), x.dtype)
        for a, e in ranges(lo, hi, step):
            block = gathered(rows[:, a:e], blocks)
            mu[a:e] = total(block, ones) / n
            block -= column(mu[a:e])
            var[a:e] = total(block, block.reshape(-1, N, L)) / n
            r[a:e] = (var[a:e] + eps) ** -0.5
            block *= column(r[a:e] if w is None else r[a:e] * w[a:e])
            if b is not None:
                block += column(b[a:e])
            y[:, a:e] = block.reshape(-1, N, L).swapaxes(0, 1)

    def grads(g):
        gs = np.ascontiguousarray(g).reshape(N, C, L)
        gx = np.empty_like(gs)
        gw, gb = np.empty(C, g.dtype), np.empty(C, g.dtype)

        def backward(lo: int, hi: int) -> None:
            blocks, others = np.empty((step, n), g.dtype), np.empty((step, n), g.dtype)
            for a, e in ranges(lo, hi, step):
                block, out = gathered(gs[:, a:e], blocks), gathered(rows[:, a:e], others)
                out -= column(mu[a:e])
                gb[a:e] = total(block, ones)
                gw[a:e] = total(block, out.reshape(-1, N, L)) * r[a:e]
                scale = r[a:e] if w is None else r[a:e] * w[a:e]
                out *= column(-scale * r[a:e] * gw[a:e] / n)
                block *= column(scale)
                out += block
                out -= column(scale * gb[a:e] / n)
                gx[:, a:e] = out.reshape(-1, N, L).swapaxes(0, 1)

        split(backward, C, 4 * x.size)
        return gx.reshape(x.shape), None if w is None else gw, None if b is None else gb

    split(forward, C, 3 * x.size)
    return (y.reshape(x.shape), mu, var), grads


def gathered(part: Array, into: Array) -> Array:
    """(N, c, L) with the numbers of a channel in one row: NumPy takes a third of the time for one long row."""
    N, c, L = part.shape
    np.copyto(into[:c].reshape(c, N, L), part.swapaxes(0, 1))
    return into[:c]


@layer_norm.kernel(NUMPY)
def layer_norm_kernel(xp, x, w=None, b=None, *, last=1, eps=1e-5):
    D = math.prod(x.shape[x.ndim - last :])
    if small(x.size) or D < LONG or x.dtype.char not in FLOATS or any(t is not None and t.size != D for t in (w, b)):
        return NotImplemented
    rows, shape, n = np.ascontiguousarray(x).reshape(-1, D), x.shape, x.size
    weight, shift = (None if t is None else t.reshape(D) for t in (w, b))
    y, ones = np.empty_like(rows), np.ones(D, x.dtype)
    mu, r = np.empty((len(rows), 1), x.dtype), np.empty((len(rows), 1), x.dtype)
    step = max(1, ROWS // D)

    def forward(lo: int, hi: int) -> None:
        for a, e in ranges(lo, hi, step):
            out = y[a:e]
            np.divide(rows[a:e] @ ones, D, out=mu[a:e, 0])
            np.subtract(rows[a:e], mu[a:e], out=out)
            r[a:e, 0] = (np.vecdot(out, out) / D + eps) ** -0.5
            out *= r[a:e]
            if weight is not None:
                out *= weight
            if shift is not None:
                out += shift

    def grads(g):
        gs = np.ascontiguousarray(g).reshape(-1, D)
        gx, sums = np.empty_like(gs), {}

        def backward(lo: int, hi: int) -> None:
            gw, gb = np.zeros(D, gs.dtype), np.zeros(D, gs.dtype)
            scale = ones if weight is None else weight
            scratch = np.empty((min(step, hi - lo), D), gs.dtype)
            for a, e in ranges(lo, hi, step):
                block, out, xc = gs[a:e], gx[a:e], scratch[: e - a]
                np.subtract(rows[a:e], mu[a:e], out=xc)
                np.multiply(block, xc, out=out)
                gw += r[a:e, 0] @ out
                gb += np.ones(e - a, gs.dtype) @ block
                xc *= r[a:e] * r[a:e] * (out @ scale / D)[:, None]  # x̂ mean(n ⊙ x̂)
                xc += (block @ scale / D)[:, None]  # mean(n)
                np.multiply(block, scale, out=out)
                out -= xc
                out *= r[a:e]
            sums[lo] = gw, gb

        with SINGLE:
            split(backward, len(rows), n // 2)
        total = lambda k: np.sum([sums[lo][k] for lo in sorted(sums)], axis=0).reshape(shape[len(shape) - last :])
        return gx.reshape(shape), None if w is None else total(0), None if b is None else total(1)

    with SINGLE:  # whether the work is split or not
        split(forward, len(rows), n // 2)
    return y.reshape(shape), grads
