"""Convolution a few samples at a time: their columns go through one scratch that stays in the cache.

The reference lays out the columns of the whole batch, k² times its memory. Here a tile of samples is laid out and
multiplied, and the tiles are shared out over threads. Nothing is kept for the backward pass, where it would be much:
copying the columns again is cheaper than reading them back. For stride 1 the input gradient is a convolution itself,
of ȳ with the filters flipped; for others the columns are added up where they came from.
"""

import math
from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.conv import check, conv, places
from .threads import FLOATS, SINGLE, ranges, small, split

Array = Any
# How many samples a tile has at most, and numbers its columns: 1 MiB of float32, the second-level cache of a core.
TILE, SCRATCH = 8, 1 << 18
# Adding columns up takes one pass for each place of the kernel, the convolution of ȳ F / C times the products.
MANY_PLACES = 16


class Tiles:
    """Patches of x as columns, tile by tile, for one thread."""

    def __init__(
        self, x: Array, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int, whole: bool = False
    ) -> None:
        self.x = x = np.ascontiguousarray(x)
        self.groups = groups
        out = places(x.shape[2:], kernel, stride, padding, dilation)
        N, C, L = x.shape[0], x.shape[1], math.prod(out)
        K = C * math.prod(kernel)
        self.rows = K // groups
        self.size = N if whole else max(1, min(N, TILE, SCRATCH // max(1, K * L)))
        self.whole, self.filled = whole, False
        self.pointwise = K == C and out == x.shape[2:] and not any(padding)
        self.wide = x
        if any(padding):
            self.wide = np.zeros((self.size, C, *(n + 2 * p for n, p in zip(x.shape[2:], padding))), x.dtype)
        self.inner = tuple(slice(p, p + n) for n, p in zip(x.shape[2:], padding))
        n, c, *steps = self.wide.strides
        self.strides = (n, c, *(s * d for s, d in zip(steps, dilation)), *(s * e for s, e in zip(steps, stride)))
        self.columns = None if self.pointwise else np.empty((self.size, C, *kernel, *out), x.dtype)

    def __call__(self, lo: int, hi: int) -> Array:
        """The columns of samples lo … hi: (hi − lo, G, K, L), overwritten by the next call unless there are no more."""
        x, first = self.x, lo * self.x.strides[0]
        if self.columns is None:
            return x[lo:hi].reshape(hi - lo, self.groups, x.shape[1] // self.groups, -1)
        columns = self.columns[: hi - lo]
        if not self.filled:
            if self.wide is not self.x:
                self.wide[(slice(hi - lo), slice(None), *self.inner)] = x[lo:hi]
                x, first = self.wide, 0
            np.copyto(columns, np.ndarray(columns.shape, x.dtype, x, first, self.strides))
            self.filled = self.whole
        return columns.reshape(hi - lo, self.groups, self.rows, -1)


def convolve(
    x: Array, w: Array, b: Array | None, out: Array, how: dict[str, Any], whole: Tiles | None = None
) -> Array:
    """out ← w cols(x) + b."""
    G, F = how["groups"], w.shape[0]
    rows = w.reshape(G, F // G, -1)
    y = out.reshape(len(x), G, F // G, -1)
    b = None if b is None else b.reshape(G, F // G, 1)

    def work(lo: int, hi: int) -> None:
        tiles = whole or Tiles(x, w.shape[2:], **how)
        for a, e in ranges(lo, hi, tiles.size):
            np.matmul(rows, tiles(a, e), out=y[a:e])
            if b is not None:
                y[a:e] += b

    split(work, len(x), cost(x, w, y))
    return out


def weight_gradient(x: Array, g: Array, w: Array, how: dict[str, Any], whole: Tiles | None = None) -> Array:
    """w̄ = Σ ȳ cols(x)ᵀ."""
    G, F = how["groups"], w.shape[0]
    g = g.reshape(len(x), G, F // G, -1)
    parts = {}

    def work(lo: int, hi: int) -> None:
        tiles = whole or Tiles(x, w.shape[2:], **how)
        total = np.zeros((G, F // G, w[0].size), g.dtype)
        for a, e in ranges(lo, hi, tiles.size):
            total += np.matmul(g[a:e], tiles(a, e).swapaxes(2, 3)).sum(axis=0)
        parts[lo] = total

    split(work, len(x), cost(x, w, g))
    return np.sum([parts[lo] for lo in sorted(parts)], axis=0).reshape(w.shape)


def input_gradient(x: Array, g: Array, w: Array, how: dict[str, Any]) -> Array:
    """x̄ = col2im(wᵀ ȳ); for stride 1 the convolution of ȳ with the filters flipped."""
    G, F, kernel = how["groups"], w.shape[0], w.shape[2:]
    around = tuple(d * (k - 1) - p for d, k, p in zip(how["dilation"], kernel, how["padding"]))
    if max(how["stride"]) == 1 and min(around) >= 0 and math.prod(kernel) < MANY_PLACES:
        flipped = w.reshape(G, F // G, *w.shape[1:])[(..., *(slice(None, None, -1) for _ in kernel))].swapaxes(1, 2)
        flipped = flipped.reshape(x.shape[1], F // G, *kernel)
        return convolve(g, flipped, None, np.empty(x.shape, g.dtype), how | {"padding": around})
    return add_columns(x, g, w, how)


def add_columns(x: Array, g: Array, w: Array, how: dict[str, Any]) -> Array:
    """col2im(wᵀ ȳ), tile by tile."""
    G, F, C, kernel, out = how["groups"], w.shape[0], x.shape[1], w.shape[2:], g.shape[2:]
    turned = np.ascontiguousarray(w.reshape(G, F // G, -1).swapaxes(1, 2))
    gs = g.reshape(len(x), G, F // G, -1)
    wide = tuple(n + 2 * p for n, p in zip(x.shape[2:], how["padding"]))
    inner = tuple(slice(p, p + n) for n, p in zip(x.shape[2:], how["padding"]))
    gx = np.empty(x.shape, g.dtype)
    size = max(1, min(2 * TILE, SCRATCH // (turned.size // (F // G) * math.prod(out))))

    def work(lo: int, hi: int) -> None:
        for a, e in ranges(lo, hi, size):
            columns = np.matmul(turned, gs[a:e]).reshape(e - a, C, *kernel, *out)
            gx[a:e] = folded(columns, wide, how)[(slice(None), slice(None), *inner)]

    split(work, len(x), cost(x, w, g))
    return gx


def folded(columns: Array, wide: Any, how: dict[str, Any]) -> Array:
    """Columns (t, C, kernel…, places…) added up into (t, C, wide…): along the last axis in space, then the one before.

    This takes Σ kernel sums, each over many columns, instead of ∏ kernel."""
    for axis in reversed(range(len(wide))):
        shape, s, d = columns.shape, how["stride"][axis], how["dilation"][axis]
        at, k, n = 2 + axis, shape[2 + axis], shape[3 + 2 * axis]  # the kernel's axis, its length, that of the places
        kept = shape[:at] + shape[at + 1 : at + 1 + axis], shape[at + 2 + axis :]
        sums = np.zeros((*kept[0], wide[axis], *kept[1]), columns.dtype)
        before = (slice(None),) * (at + axis)
        for j in range(k):
            sums[(*before, slice(j * d, j * d + s * (n - 1) + 1, s))] += columns[(*(slice(None),) * at, j)]
        columns = sums
    return columns


def bias_gradient(g: Array) -> Array:
    """b̄ = Σ ȳ; a product with ones is the fastest sum along rows."""
    rows = g.reshape(-1, math.prod(g.shape[2:]))
    with SINGLE:
        return (rows @ np.ones(rows.shape[1], g.dtype)).reshape(g.shape[:2]).sum(axis=0)


def cost(x: Array, w: Array, y: Array) -> int:
    """About how many elements go through, a product counted as what it takes the time of."""
    return int(x.size + y.size * (1 + w[0].size // 32))


@conv.kernel(NUMPY)
def conv_kernel(xp, x, w, b=None, *, stride, padding, dilation, groups=1):
    check(x, w, b, groups, kernel_axis=1)
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    size = places(x.shape[2:], w.shape[2:], stride, padding, dilation)
    out = np.empty((len(x), len(w), *(max(n, 0) for n in size)), x.dtype)
    if not out.size or x.dtype.char not in FLOATS:
        return NotImplemented
    whole = Tiles(x, w.shape[2:], **how, whole=True) if small(cost(x, w, out)) else None  # kept: it costs little
    y = convolve(x, w, b, out, how, whole)
    gx = lambda g: input_gradient(x, g, w, how)
    gw = lambda g: weight_gradient(x, g, w, how, whole)
    return y, (gx, gw, None if b is None else bias_gradient)
