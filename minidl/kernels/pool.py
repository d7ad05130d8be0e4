"""Pooling in tiles that stay in the cache, shared out over threads; the formula's steps, without its columns."""

import itertools
import math
from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.pool import avg_pool, folded, grown, inside, key, layout, lowest, max_pool, slices
from .threads import FLOATS, WORTH_SPLITTING, ranges, split

Array = Any


def tiles(x: Array) -> int:
    """How many samples make a tile."""
    return max(1, WORTH_SPLITTING * len(x) // max(1, x.size))


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
        out = np.empty(x.shape, g.dtype)

        def backward(lo: int, hi: int) -> None:
            for a, e in ranges(lo, hi, step):
                wide, free = grown(xp, x[a:e], grow, lowest(x)), None
                best = folded(np.maximum, wide, parts)  # not y, over which a ReLU may have been written
                back = np.zeros(wide.shape, g.dtype)
                for at in itertools.product(*parts):
                    hit = wide[key(*at)] == best
                    if free is None:
                        free = ~hit
                    else:  # the largest stands here and not at an earlier place
                        hit &= free
                        free ^= hit
                    if apart:
                        np.multiply(g[a:e], hit, out=back[key(*at)])
                    else:
                        back[key(*at)] += g[a:e] * hit
                out[a:e] = back[inside(x, grow)]

        split(backward, len(x), 2 * x.size)
        return out

    split(forward, len(x), x.size)
    return y, (gx,)


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
