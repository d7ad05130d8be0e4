"""Attention by tiles, some heads or some queries at a time: scores, softmax and both products while they are cached.

Short sequences keep their weights p for the backward pass. Of long ones only the logarithm of each row's sum is kept,
and tiles of p are computed again: there never is a matrix L × S (Rabe & Staats 2021, Dao et al. 2022). With
D = Σ p̄ ⊙ p = Σ ȳ ⊙ y the gradient of softmax needs no pass of its own over p.
"""

import math
from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.attention import attention
from .threads import FLOATS, small, split

Array = Any
TILE = 1 << 16  # scores of a tile
KEPT = 1 << 16  # scores of one head up to which its weights are kept


@attention.kernel(NUMPY)
def attention_kernel(xp, q, k, v, mask=None, d=None, *, scale, causal=False):
    lead, (L, D), (S, E) = q.shape[:-2], q.shape[-2:], v.shape[-2:]
    M = math.prod(lead)
    fits = q.dtype.char in FLOATS and k.shape == (*lead, S, D) and v.shape[:-2] == lead
    if not fits or d is not None or small(M * L * S) or (mask is not None and mask.dtype.kind != "b"):
        return NotImplemented
    heads = lambda t: np.ascontiguousarray(t).reshape(M, *t.shape[-2:])
    qs, ks, vs = heads(q), heads(k), heads(v)
    y, sums = np.empty((M, L, E), q.dtype), np.empty((M, L, 1), q.dtype)
    kept = np.empty((M, L, S), q.dtype) if L * S <= KEPT else None
    ahead = ~np.tri(L, S, dtype=bool) if causal else None  # keys that a query must not see yet
    every = None if mask is None else np.broadcast_to(mask, (*lead, L, S))
    count, rows = max(1, TILE // max(1, L * S)), L if L * S <= TILE else max(1, TILE // S)

    def tiles(lo: int, hi: int) -> Any:
        """Slices of heads and of queries, several whole heads or a part of one."""
        for m in range(lo, hi, count):
            for i in range(0, L, rows):
                yield slice(m, min(m + count, hi)), slice(i, min(i + rows, L))

    def scores(m: slice, i: slice, out: Array) -> Array:
        s = np.matmul(qs[m, i] * scale, ks[m].swapaxes(1, 2), out=out)
        if ahead is not None:
            np.copyto(s, -np.inf, where=ahead[i])
        if every is not None:
            for h, one in zip(range(m.start, m.stop), s):
                np.copyto(one, -np.inf, where=~every[np.unravel_index(h, lead)][i])
        return s

    def room(m: slice, i: slice) -> Array:
        return np.empty((m.stop - m.start, i.stop - i.start, S), q.dtype) if kept is None else kept[m, i]

    def forward(lo: int, hi: int) -> None:
        for m, i in tiles(lo, hi):
            p = scores(m, i, room(m, i))
            top = p.max(axis=2, keepdims=True)
            top[np.isinf(top)] = 0  # a query that sees no key at all gets zeros
            p -= top
            np.exp(p, out=p)
            total = p.sum(axis=2, keepdims=True)
            total += total == 0
            if kept is not None:
                p /= total
                np.matmul(p, vs[m], out=y[m, i])
            else:
                sums[m, i] = np.log(total) + top
                y[m, i] = np.matmul(p, vs[m]) / total

    def grads(g):
        gs = heads(g)
        gq, gk, gv = np.empty_like(qs), np.zeros_like(ks), np.zeros_like(vs)

        def backward(lo: int, hi: int) -> None:
            for m, i in tiles(lo, hi):
                p = room(m, i)
                if kept is None:
                    scores(m, i, p)
                    p -= sums[m, i]
                    np.exp(p, out=p)
                one = gs[m, i]
                gv[m] += np.matmul(p.swapaxes(1, 2), one)
                s = np.matmul(one, vs[m].swapaxes(1, 2))
                s -= np.vecdot(one, y[m, i])[:, :, None]
                s *= p
                s *= scale
                np.matmul(s, ks[m], out=gq[m, i])
                gk[m] += np.matmul(s.swapaxes(1, 2), qs[m, i])

        split(backward, M, 8 * M * L * S)
        return *(t.reshape(whole.shape) for t, whole in zip((gq, gk, gv), (q, k, v))), None, None

    split(forward, M, 4 * M * L * S)
    return y.reshape(*lead, L, E), grads
