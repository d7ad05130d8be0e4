"""Convolution a few samples at a time: their columns go through one scratch that stays in the cache.

The reference lays out the columns of the whole batch, k² times its memory. Here a thread lays out those of a few
samples, multiplies them and goes on. Nothing is kept for the backward pass, where it would be much: copying the columns
again is cheaper than reading them back. For stride 1 the input gradient is a convolution itself, of ȳ with the filters
flipped; for others the columns are added up where they came from.

Where the kernel moves in steps of 1, the numbers under one place of it are the padded input read on from another
number. So columns are copied in long runs, over the ends of rows, and the weight gradient of many channels needs none.
All products are cut so small that BLAS takes the matrices as they lie.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.conv import check, conv, places
from .threads import FLOATS, SINGLE, ranges, small, split

Array = Any
# How many samples have their columns laid out at a time at most, and how many numbers there are in these columns.
TILE, SCRATCH = 32, 1 << 19
# Multiply-adds up to which OpenBLAS takes matrices as they lie. Larger ones it first copies into an order of its own,
# which pays where both have many rows; with few filters the copies take as long as the product.
IN_PLACE = 10**6
VECTOR = 16  # float32 that a processor computes with at once: narrower products are better made together
MANY_CHANNELS = 8  # from here on a weight gradient by places of the kernel beats one by columns
# Adding columns up takes one pass for each place of the kernel, the convolution of ȳ copies F / C times the columns.
MANY_PLACES, MANY_FILTERS = 16, 2


class Patches:
    """The numbers that lie under the kernel at each of its places.

    runs: where it moves in steps of 1, take all numbers from one row of places to the next, so that what lies under one
    number of the kernel is one run of memory. The columns past the end of a row then belong to no place."""

    def __init__(self, x: Array, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> None:
        N, C, *size = x.shape
        self.out = places(size, kernel, stride, padding, dilation)
        wide = tuple(n + 2 * p for n, p in zip(size, padding))
        self.x: Array = np.zeros((N, C, *wide), x.dtype) if any(padding) else np.ascontiguousarray(x)
        if any(padding):
            inside: Any = (..., *(slice(p, p + n) for n, p in zip(size, padding)))
            self.x[inside] = x
        self.runs = max(stride) == 1
        self.pitch = wide[1:] if self.runs else self.out[1:]  # how far apart places are along all axes but the first
        self.shape = (N, groups, C // groups, *kernel)
        n, c, *steps = self.x.strides
        self.steps = tuple(s * e for s, e in zip(steps, stride))
        self.strides = (n, c * (C // groups), c, *(s * d for s, d in zip(steps, dilation)))

    def length(self, rows: int) -> int:
        """How many columns there are from the first place of some rows to the last."""
        last = 0
        for n, pitch in zip((rows, *self.out[1:]), (*self.pitch, 1)):
            last = (last + n - 1) * pitch
        return last + 1

    def view(self, r: int, s: int) -> Array:
        """All patches of rows r … s of places: (N, G, C / G, kernel…, rows, places…), of `runs` (…, length)."""
        across, steps = ((self.length(s - r),), self.steps[-1:]) if self.runs else ((s - r, *self.out[1:]), self.steps)
        strides = (*self.strides, *steps)
        return np.ndarray((*self.shape, *across), self.x.dtype, self.x, r * self.steps[0], strides)

    def columns(self, whole: bool = False, ones: bool = False) -> Iterator[tuple[slice, slice, Array]]:
        """The columns (n, G, K, rows, pitch…) of some samples and rows, overwritten by the next; or `whole`, of all.

        ones: with a row of ones under each column, which the bias is multiplied with."""
        (N, G, *patch), R, distance = self.shape, self.out[0], math.prod(self.pitch)
        K = math.prod(patch)
        rows = R if whole else max(1, min(R, SCRATCH // (G * K * distance)))
        tile = N if whole else max(1, min(N, TILE, SCRATCH // (G * K * distance * rows)))
        itself = self.runs and G * K == self.x.shape[1] and not ones  # each number is a patch
        if not itself:
            scratch = np.empty((tile, G, K + ones, rows * distance), self.x.dtype)
            scratch[:, :, K:] = 1
            scratch[..., self.length(rows) if self.runs else rows * distance :] = 0  # what is multiplied, but not used
        for r, s in ranges(0, R, rows):
            patches = self.view(r, s)
            for a, e in ranges(0, N, tile):
                columns = found = patches[a:e]
                if not itself:
                    columns = scratch[: e - a, ..., : (s - r) * distance]
                    here = columns[:, :, :K].reshape(e - a, G, *patch, -1)
                    np.copyto(here[..., : found.shape[-1]] if self.runs else here.reshape(found.shape), found)
                yield slice(a, e), slice(r, s), columns.reshape(e - a, G, K + ones, s - r, *self.pitch)


def convolve(x: Array, w: Array, b: Array | None, out: Array, how: dict[str, Any]) -> Array:
    """out ← w cols(x) + b."""
    filters = with_bias(w, b, how["groups"])
    y = out.reshape(len(x), *filters.shape[:2], *out.shape[2:])

    def work(lo: int, hi: int) -> None:
        patches = Patches(x[lo:hi], w.shape[2:], **how)
        multiply(filters, patches.columns(ones=b is not None), y[lo:hi])

    split(work, len(x), cost(x, w, y))
    return out


def with_bias(w: Array, b: Array | None, G: int) -> Array:
    """The filters as rows, each with its bias at the end: (G, F, K) or (G, F, K + 1)."""
    rows = w.reshape(G, len(w) // G, -1)
    return rows if b is None else np.concatenate([rows, b.reshape(G, -1, 1)], axis=2)


def multiply(w: Array, tiles: Iterable[tuple[slice, slice, Array]], y: Array) -> None:
    """y ← w columns, but for those that belong to no place: (G, F, K) (n, G, K, rows, pitch…) → (n, G, F, rows, …)."""
    (G, F, K), (N, W), within = w.shape, (len(y), y.shape[-1]), tuple(map(slice, y.shape[4:]))
    parts = F * K * W // IN_PLACE + 1
    if W >= VECTOR and F % parts == 0 and F // parts >= VECTOR:  # a product for each part of w and each row of places
        w = w.reshape(G, parts, *(1,) * (y.ndim - 4), F // parts, K)
        y = y.reshape(N, G, parts, F // parts, *y.shape[3:])
        for samples, rows, columns in tiles:
            columns = columns[(..., *within)].swapaxes(2, -2)[:, :, None]
            np.matmul(w, columns, out=y[samples, :, :, :, rows].swapaxes(3, -2))
        return
    for samples, rows, columns in tiles:
        part, flat = y[samples, :, :, rows], columns.reshape(*columns.shape[:3], -1)
        if columns.shape[3:] == part.shape[3:]:
            np.matmul(w, flat, out=part.reshape(*part.shape[:3], -1))
        else:
            part[...] = np.matmul(w, flat).reshape(*part.shape[:3], *columns.shape[3:])[(..., *within)]


def weight_gradient(x: Array, g: Array, w: Array, how: dict[str, Any]) -> Array:
    """w̄ = Σ ȳ cols(x)ᵀ."""
    G, (F, C, *kernel) = how["groups"], w.shape
    g = g.reshape(len(x), G, F // G, *g.shape[2:])
    by_places = max(how["stride"]) == 1 and C >= MANY_CHANNELS
    sums = {}

    def work(lo: int, hi: int) -> None:
        patches, total = Patches(x[lo:hi], kernel, **how), 0
        turned = turned_rows(g[lo:hi], patches.pitch)
        if by_places:
            under = np.moveaxis(patches.view(0, patches.out[0]), 2, -2)  # (n, G, kernel…, C / G, length)
            turned = turned.reshape(*turned.shape[:2], *(1,) * len(kernel), *turned.shape[2:])
            length, size = under.shape[-1], C * F // G
            for a, e in ranges(0, hi - lo, max(1, SCRATCH // w.size)):
                for k, m in ranges(0, length, piece(length, size)):
                    total = total + np.matmul(under[a:e, ..., k:m], turned[a:e, ..., k:m, :]).sum(axis=0)
        else:
            distance = math.prod(patches.pitch)
            for samples, rows, columns in patches.columns():
                columns = columns.reshape(*columns.shape[:3], -1)
                part = turned[samples, :, rows.start * distance : rows.stop * distance]
                total = total + np.matmul(columns, part).sum(axis=0)
        sums[lo] = total

    split(work, len(x), cost(x, w, g))
    total = np.sum([sums[lo] for lo in sorted(sums)], axis=0)
    total = np.moveaxis(total, -2, 1) if by_places else total  # (G, C / G, kernel…, F / G), or (G, K, F / G)
    return np.moveaxis(total, -1, 1).reshape(w.shape)


def spread(g: Array, pitch: Any) -> Array:
    """ȳ with places so far apart, zeros in between: (n, G, F, rows, places…) → (n, G, F, rows · pitch…)."""
    count = g.shape[3] * math.prod(pitch)
    wide: Array = np.zeros((*g.shape[:3], count + VECTOR), g.dtype)  # rows a power of two apart share places in caches
    wide[..., :count].reshape(*g.shape[:4], *pitch)[(..., *map(slice, g.shape[4:]))] = g
    return wide[..., :count]


def turned_rows(g: Array, pitch: Any) -> Array:
    """The same with places as rows; of few filters as they lie, which is as fast."""
    turned = spread(g, pitch).swapaxes(2, 3)
    return turned if turned.shape[3] < VECTOR else np.ascontiguousarray(turned)


def piece(length: int, size: int) -> int:
    """Of products that sum over `length`: the part of it that BLAS takes in place, unless that is too little."""
    step = -(-length // -(-length * size // IN_PLACE))
    return step if step >= 4 * VECTOR else length


def input_gradient(x: Array, g: Array, w: Array, how: dict[str, Any]) -> Array:
    """x̄ = col2im(wᵀ ȳ); for stride 1 the convolution of ȳ with the filters flipped."""
    G, F, kernel = how["groups"], w.shape[0], w.shape[2:]
    around = tuple(d * (k - 1) - p for d, k, p in zip(how["dilation"], kernel, how["padding"]))
    few = math.prod(kernel) < MANY_PLACES or F <= MANY_FILTERS * x.shape[1]
    if max(how["stride"]) == 1 and min(around) >= 0 and few:
        flipped = w.reshape(G, F // G, *w.shape[1:])[(..., *(slice(None, None, -1) for _ in kernel))].swapaxes(1, 2)
        flipped = flipped.reshape(x.shape[1], F // G, *kernel)
        return convolve(g, flipped, None, np.empty(x.shape, g.dtype), how | {"padding": around})
    return add_columns(x, g, w, how)


def add_columns(x: Array, g: Array, w: Array, how: dict[str, Any]) -> Array:
    """col2im(wᵀ ȳ), tile by tile."""
    (N, C, *size), G, F, kernel, runs = x.shape, how["groups"], w.shape[0], w.shape[2:], max(how["stride"]) == 1
    turned = np.ascontiguousarray(w.reshape(G, F // G, -1).swapaxes(1, 2))
    wide = tuple(n + 2 * p for n, p in zip(size, how["padding"]))
    inner = tuple(slice(p, p + n) for n, p in zip(size, how["padding"]))
    pitch = wide[1:] if runs else g.shape[3:]
    steps = tuple(d * math.prod(wide[k + 1 :]) for k, d in enumerate(how["dilation"]))
    length = math.prod(wide) - sum((k - 1) * step for k, step in zip(kernel, steps))  # first place to last, as runs
    gs = g.reshape(N, G, F // G, *g.shape[2:])
    gx = np.empty(x.shape, g.dtype)
    tile = max(1, min(TILE, SCRATCH // (turned.size // (F // G) * g.shape[2] * math.prod(pitch))))

    def work(lo: int, hi: int) -> None:
        for a, e in ranges(lo, hi, tile):
            if runs:
                columns = np.matmul(turned, spread(gs[a:e], pitch)[..., :length])
                back = added_runs(columns.reshape(e - a, C, *kernel, length), steps).reshape(e - a, C, *wide)
            else:
                columns = np.matmul(turned, gs[a:e].reshape(e - a, G, F // G, -1))
                back = added(columns.reshape(e - a, C, *kernel, *g.shape[2:]), wide, how)
            gx[a:e] = back[(slice(None), slice(None), *inner)]

    split(work, N, cost(x, w, g))
    return gx


def added_runs(columns: Array, steps: Any) -> Array:
    """Columns (n, C, kernel…, places) added up, each so many numbers further on: (n, C, all numbers).

    Along the last axis of the kernel first, then the one before: Σ kernel sums in place of ∏ kernel."""
    for step in reversed(steps):
        *lead, k, n = columns.shape
        sums = np.zeros((*lead, n + (k - 1) * step), columns.dtype)
        for j in range(k):
            sums[..., j * step : j * step + n] += columns[..., j, :]
        columns = sums
    return columns


def added(columns: Array, wide: Any, how: dict[str, Any]) -> Array:
    """The same for strides: (n, C, kernel…, places…) → (n, C, wide…)."""
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
    gx = lambda g: input_gradient(x, g, w, how)
    gb = None if b is None else bias_gradient
    if not small(cost(x, w, out)):
        return convolve(x, w, b, out, how), (gx, lambda g: weight_gradient(x, g, w, how), gb)

    # so little that all columns at once cost nothing, and are kept
    patches = Patches(x, w.shape[2:], **how)
    tile = next(patches.columns(whole=True, ones=b is not None))
    shape = (len(x), groups, len(w) // groups, *size)
    with SINGLE:
        multiply(with_bias(w, b, groups), [tile], out.reshape(shape))

    def gw(g):
        columns = tile[2].reshape(len(x), groups, tile[2].shape[2], -1)[:, :, : w[0].size]
        turned = turned_rows(g.reshape(shape), patches.pitch)
        with SINGLE:
            return np.matmul(columns, turned).sum(axis=0).swapaxes(1, 2).reshape(w.shape)

    return out, (gx, gw, gb)
