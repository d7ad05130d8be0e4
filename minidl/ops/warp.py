"""Pictures bent out of shape: each place of the result says where in the input it looks."""

import math
from typing import Any

from ..autograd import composite
from .samples import shapes

LOOK: dict[str, Any] = {"low": -1.4, "high": 1.4}  # also beyond the edges


@composite(samples=[
    shapes((2, 2, 4, 3), (2, 3, 2, 2), **LOOK),
    shapes((1, 2, 4, 5), (1, 3, 2, 2), **LOOK, padding="border", align=True),
    shapes((1, 2, 4, 5), (1, 3, 2, 2), **LOOK, mode="bicubic", padding="reflection"),
    shapes((1, 2, 4, 5), (1, 3, 2, 2), **LOOK, mode="nearest", padding="reflection", align=True),
    shapes((1, 2, 3, 2, 3), (1, 2, 1, 2, 3), **LOOK),
])  # fmt: skip
def grid_sample(xp, x, grid, *, mode="bilinear", padding="zeros", align=False):
    """y = Σ over the 2ᵈ (bicubic 4ᵈ, nearest 1) places around where the grid looks, w ⊙ x there

        w = Π over axes of what each place has of the way between: 1 − f and f, or the cubic's four shares

    The grid has coordinates from −1 to 1, the last axis of x first; these are the middles of the outermost places
    (align), or their outer edges. Outside: zeros, the border, or the reflection at it. (Jaderberg et al. 2015)

    x (N, C, *size)   grid (N, *places, d)   →   y (N, C, *places)
    """
    (N, C, *size), L = x.shape, math.prod(x.shape[2:])
    if grid.shape[-1] != len(size) or not L:
        raise ValueError(f"grid {grid.shape} must hold {len(size)} coordinates, for places of a non-empty x {x.shape}")
    P, corners = math.prod(grid.shape[1:-1]), [(1, 0, True)]  # the share, the place in flat x, whether it is inside
    for k, n in enumerate(size):
        v = xp.reshape(grid[..., len(size) - 1 - k], shape=(N, 1, P)) + 1
        v = v * ((n - 1) / 2) if align else v * (n / 2) - 0.5
        keep = lambda v, n=n: v if padding == "zeros" else held(xp, v, n, padding == "reflection", align)
        taps = [(keep(at), w) for at, w in cubic(xp, v)] if mode == "bicubic" else near(xp, keep(v), mode)
        before, corners = corners, []
        for at, share in taps:
            there = (at >= 0) & (at < n)  # nowhere, for NaN
            step = xp.astype(xp.where(there, at, 0), dtype="int64")
            corners += [(w * share, index * n + step, seen & there) for w, index, seen in before]
    flat, y = xp.reshape(x, shape=(N, C, L)), 0
    for w, index, seen in corners:
        found = xp.take_along_axis(flat, xp.broadcast_to(index, shape=(N, C, P)), axis=2)
        y = y + xp.where(seen, w * found, 0)
    return xp.reshape(y, shape=(N, C, *grid.shape[1:-1]))


def near(xp, v, mode):
    """The places next to v on one axis, and what each has of it."""
    if mode == "nearest":
        return [(xp.rint(v), 1 + 0 * v)]  # whose slope is 0
    low = xp.floor(v)
    return [(low, 1 - (v - low)), (low + 1, v - low)]


def cubic(xp, v):
    """The four places around v and their shares in Keys' cubic (1981), with slope parameter a = −3/4."""
    a, low = -0.75, xp.floor(v)
    f = v - low
    inner = lambda d: ((a + 2) * d - (a + 3)) * d * d + 1
    outer = lambda d: ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return [(low - 1, outer(1 + f)), (low, inner(f)), (low + 1, inner(1 - f)), (low + 2, outer(2 - f))]


def held(xp, v, n, reflect, align):
    """v brought inside 0 … n − 1: reflected there at the outermost middles (align) or edges, then at the border."""
    if reflect:
        start, span = (0.0, n - 1) if align else (-0.5, n)
        way = xp.abs(v - start)
        turns = xp.floor(way / max(span, 1))
        part = way - turns * span
        v = start + xp.where(xp.mod(turns, 2) == 0, part, span - part)
    return xp.where(v <= 0, 0.0, xp.where(v >= n - 1, n - 1.0, v))
