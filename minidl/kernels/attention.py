"""Attention by tiles, some heads or some queries at a time: scores, softmax and both products while they are cached.

Short sequences keep e = e^s for the backward pass, and 1/Σ e: to scale y and ȳ by it takes fewer numbers than to scale
e. Of long ones only log Σ e is kept, and tiles of p are computed again: there never is a matrix L × S (Rabe & Staats
2021, Dao et al. 2022). With D = Σ p̄ ⊙ p = Σ ȳ ⊙ y the gradient of softmax needs no pass of its own over p.
"""

import math
from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.attention import attention
from .threads import FLOATS, small, split

Array = Any
TILE = 1 << 17  # scores of a tile
KEPT = 1 << 16  # scores of one head up to which they are kept
MODEST = 60.0  # scores within ± this need not be moved towards 0: neither their e^s nor sums of those overflow


@attention.kernel(NUMPY)
def attention_kernel(xp, q, k, v, mask=None, d=None, *, scale, causal=False):
    lead, (L, D), (S, E) = q.shape[:-2], q.shape[-2:], v.shape[-2:]
    M = math.prod(lead)
    fits = q.dtype.char in FLOATS and k.shape == (*lead, S, D) and v.shape[:-2] == lead
    if not fits or d is not None or small(M * L * S) or (mask is not None and mask.dtype.kind != "b"):
        return NotImplemented
    heads = lambda t: np.ascontiguousarray(t).reshape(M, *t.shape[-2:])
    qs, ks, vs = heads(np.multiply(q, scale, order="C")), heads(k), heads(v)
    y, sums = np.empty((M, L, E), q.dtype), np.empty((M, L, 1), q.dtype)  # sums: 1/Σ e, or log Σ e
    kept = np.empty((M, L, S), q.dtype) if L * S <= KEPT else None
    ahead = np.where(np.tri(L, S, dtype=bool), 0, -np.inf).astype(q.dtype) if causal else None
    every = None if mask is None else np.broadcast_to(mask, (*lead, L, S))
    count, rows = max(1, TILE // max(1, L * S)), L if L * S <= TILE else max(1, TILE // S)

    def tiles(lo: int, hi: int) -> Any:
        """Slices of heads, of queries, several whole heads or a part of one, and of the keys that those see."""
        for m in range(lo, hi, count):
            for i in range(0, L, rows):
                end = min(i + rows, L)
                yield slice(m, min(m + count, hi)), slice(i, end), slice(min(end, S) if causal else S)

    def scores(m: slice, i: slice, j: slice, out: Array) -> tuple[Array, bool]:
        """… and are they modest?"""
        s = np.matmul(qs[m, i], ks[m, j].swapaxes(1, 2), out=out)
        modest = bool(-MODEST < s.min(initial=0) and s.max(initial=0) < MODEST)
        if ahead is not None:
            s += ahead[i, j]
        if every is not None:
            for h, one in zip(range(m.start, m.stop), s):
                np.copyto(one, -np.inf, where=~every[np.unravel_index(h, lead)][i, j])
        return s, modest

    def room(m: slice, i: slice, j: slice) -> Array:
        return np.empty((m.stop - m.start, i.stop - i.start, j.stop), q.dtype) if kept is None else kept[m, i, j]

    def forward(lo: int, hi: int) -> None:
        ones = np.ones((S, 1), q.dtype)
        for m, i, j in tiles(lo, hi):
            e, modest = scores(m, i, j, room(m, i, j))
            top = 0
            if not modest:
                top = e.max(axis=2, keepdims=True)
                top[np.isinf(top)] = 0  # a query that sees no key at all gets zeros
                e -= top
            np.exp(e, out=e)
            total = np.matmul(e, ones[j])
            total += total == 0
            out = np.matmul(e, vs[m, j], out=y[m, i])
            out /= total
            sums[m, i] = 1 / total if kept is not None else np.log(total) + top

    def grads(g):
        gs = heads(g)
        gq, gk, gv = np.empty_like(qs), np.zeros_like(ks), np.zeros_like(vs)

        def add(total: Array, a: Array, b: Array) -> None:
            if rows == L:
                np.matmul(a, b, out=total)  # there are no other queries
            else:
                total += np.matmul(a, b)

        def backward(lo: int, hi: int) -> None:
            for m, i, j in tiles(lo, hi):
                p, one = room(m, i, j), gs[m, i]
                if kept is None:
                    scores(m, i, j, p)
                    p -= sums[m, i]
                    np.exp(p, out=p)
                else:
                    one = one * sums[m, i]  # p one = e / Σ e ȳ
                add(gv[m, j], p.swapaxes(1, 2), one)
                s = np.matmul(one, vs[m, j].swapaxes(1, 2))
                s -= np.vecdot(one, y[m, i])[:, :, None]
                s *= p
                np.matmul(s, ks[m, j], out=gq[m, i])
                add(gk[m, j], s.swapaxes(1, 2), qs[m, i])
            gq[lo:hi] *= scale

        split(backward, M, 8 * M * L * S)
        return gq.reshape(*lead, L, D), gk.reshape(*lead, S, D), gv.reshape(*lead, S, E), None, None

    split(forward, M, 4 * M * L * S)
    return y.reshape(*lead, L, E), grads
