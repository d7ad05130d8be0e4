"""Looking a picture up at a place: one place, one channel at a time, in plain numbers."""

import itertools
import math

import numpy as np


def look(picture, place, mode, padding, align):
    taps = []
    for v, n in zip(place, picture.shape):
        v = (v + 1) / 2 * (n - 1) if align else ((v + 1) * n - 1) / 2
        if mode == "bicubic":
            low = math.floor(v)
            taps.append([(hold(low + k, n, padding, align), keys(v - low - k)) for k in (-1, 0, 1, 2)])
        elif mode == "nearest":
            taps.append([(round(hold(v, n, padding, align)), 1)])
        else:
            v = hold(v, n, padding, align)
            taps.append([(math.floor(v) + k, 1 - abs(v - math.floor(v) - k)) for k in (0, 1)])
    total = 0
    for corner in itertools.product(*taps):
        at = tuple(int(i) for i, _ in corner)
        if all(0 <= i < n for i, n in zip(at, picture.shape)):
            total += picture[at] * math.prod(w for _, w in corner)
    return total


def keys(d, a=-0.75):
    """Keys' cubic at a distance d."""
    d = abs(d)
    return (a + 2) * d**3 - (a + 3) * d**2 + 1 if d <= 1 else a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a


def hold(v, n, padding, align):
    if padding == "zeros":
        return v
    low, high = (0, n - 1) if align else (-0.5, n - 0.5)
    while padding == "reflection" and not low <= v <= high:
        v = 2 * low - v if v < low else 2 * high - v
    return min(max(v, 0), n - 1)


def grid_sample(x, grid, mode="bilinear", padding="zeros", align=False):
    if grid.shape[-1] != x.ndim - 2 or 0 in x.shape[2:]:
        raise ValueError("a coordinate for each axis in space, and something there to look at")
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for n, c, *at in np.ndindex(y.shape):
        y[n, c, *at] = look(x[n, c], grid[n, *at][::-1], mode, padding, align)
    return y


REFERENCES = {"grid_sample": grid_sample}
