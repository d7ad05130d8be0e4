"""Pooling in tiles that stay in the cache, shared out over threads; the formula's steps, without its columns."""

import itertools
import math
from functools import reduce
from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.pool import avg_pool, folded, grown, inside, key, layout, lowest, max_pool, slices
from .threads import FLOATS, ranges, split

Array = Any
TILE = 1 << 19  # numbers of x at a time


def tiles(x: Array) -> int:
    """How many samples make a tile."""
    return max(1, TILE * len(x) // max(1, x.size))


@max_pool.kernel(NUMPY)
def max_pool_kernel(xp, x, *, kernel, stride, padding, dilation, ceil_mode=False):
    count, grow = layout(x, kernel, stride, padding, dilation, ceil_mode)
    parts = slices(count, kernel, stride, dilation)
    apart = all(s >= d * (k - 1) + 1 for s, k, d in zip(stride, kernel, dilation))  # no place is in two windows
    y = np.empty((*x.shape[:2], *count), x.dtype)
    step = tiles(x)

    def forward(lo: int, hi: int) -> None:
        for a, e in ranges(lo, hi, step):
            y[a:e] = folded(np.maximum, grown(xp, x[a:e], grow, lowest(x)), parts)

    def gx(g):
        out = np.zeros(x.shape, g.dtype)

        def backward(lo: int, hi: int) -> None:
            for a, e in ranges(lo, hi, step):
                wide = grown(xp, x[a:e], grow, lowest(x))
                back = out[a:e] if wide.shape[2:] == x.shape[2:] else np.zeros(wide.shape, g.dtype)
                hand_back(wide, g[a:e], parts, apart, back)
                if back.base is not out:
                    out[a:e] = back[inside(x, grow)]

        split(backward, len(x), x.size // 3)
        return out

    split(forward, len(x), x.size // 4)
    return y, (gx,)


def hand_back(x: Array, g: Array, parts: Any, apart: bool, out: Array) -> None:
    """out += ȳ where the largest of each window stands: at the largest number of the row that has the largest.

    So the last axis is folded first, ȳ handed back to what is left, and from there along the last axis. x itself is
    asked, not y, over which a ReLU may have been written."""
    *outer, last = parts
    places = [key(*(slice(None),) * len(outer), part) for part in last]
    best = reduce(np.maximum, (x[at] for at in places))
    if outer:
        rows = np.zeros(best.shape, g.dtype)
        hand_back(best, g, outer, apart, rows)
        g = rows
    free: Array = None  # windows whose largest has not been found at an earlier place
    for at in places:
        if free is None:
            hit = x[at] == best
            free = ~hit
        elif at is places[-1]:
            hit = free
        else:
            hit = x[at] == best
            hit &= free
            free ^= hit
        if apart:
            np.multiply(g, hit, out=out[at])
        else:
            out[at] += g * hit


@avg_pool.kernel(NUMPY)
def avg_pool_kernel(xp, x, *, kernel, stride, padding, ceil_mode=False, count_include_pad=True, divisor_override=None):
    dense = (1,) * len(kernel)
    count, grow = layout(x, kernel, stride, padding, dense, ceil_mode)
    if any(map(any, grow)) or x.dtype.char not in FLOATS:
        return NotImplemented
    parts = slices(count, kernel, stride, dense)
    share = 1 / (math.prod(kernel) if divisor_override is None else divisor_override)
    y = np.empty((*x.shape[:2], *count), x.dtype)
    step = tiles(x)

    def forward(lo: int, hi: int) -> None:
        for a, e in ranges(lo, hi, step):
            np.multiply(folded(np.add, x[a:e], parts), share, out=y[a:e])

    def gx(g):
        out = np.zeros(x.shape, g.dtype)

        def backward(lo: int, hi: int) -> None:
            for a, e in ranges(lo, hi, step):
                each = g[a:e] * share
                for at in itertools.product(*parts):
                    out[a:e][key(*at)] += each

        split(backward, len(x), 2 * x.size)
        return out

    split(forward, len(x), x.size)
    return y, (gx,)
