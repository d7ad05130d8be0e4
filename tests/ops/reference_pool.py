"""Pooling by its definition: every window as a list of the places it has."""

import math

import numpy as np


def count(n, k, s, p, d, ceil_mode):
    windows = (n + 2 * p - d * (k - 1) - 1) / s
    windows = (math.ceil if ceil_mode else math.floor)(windows) + 1
    while ceil_mode and (windows - 1) * s >= n + p:  # each window starts inside the input or its left padding
        windows -= 1
    return windows


def windows(x, kernel, stride, padding, dilation=None, ceil_mode=False):
    """(output place, [the places of the window, also where these lie outside])."""
    dilation = dilation or (1,) * len(kernel)
    size = [count(*how, ceil_mode) for how in zip(x.shape[2:], kernel, stride, padding, dilation)]
    assert min(size) > 0
    for at in np.ndindex(*size):
        starts = [i * s - p for i, s, p in zip(at, stride, padding)]
        yield at, [tuple(i + a * d for i, a, d in zip(starts, inner, dilation)) for inner in np.ndindex(*kernel)]


def gather(x, one, dtype, **how):
    made = {place: one(places) for place, places in windows(x, **how)}
    y = np.zeros((*x.shape[:2], *(max(k) + 1 for k in zip(*made))), dtype)
    for place, value in made.items():
        y[(..., *place)] = value
    return y


def inside(x, places):
    return [at for at in places if all(0 <= i < n for i, n in zip(at, x.shape[2:]))]


def max_pool(x, **how):
    return gather(x, lambda places: np.max([x[:, :, *at] for at in inside(x, places)], axis=0), float, **how)


def max_pool_places(x, **how):
    def one(places):
        places = inside(x, places)
        best = np.argmax([x[:, :, *at] for at in places], axis=0)
        return np.asarray([np.ravel_multi_index(at, x.shape[2:]) for at in places])[best]

    return gather(x, one, int, **how)


def avg_pool(x, count_include_pad=True, divisor_override=None, *, padding, **how):
    def one(places):
        near = [at for at in places if all(i < n + p for i, n, p in zip(at, x.shape[2:], padding))]
        n = divisor_override or len(near if count_include_pad else inside(x, places))
        return sum(x[:, :, *at] for at in inside(x, places)) / n

    return gather(x, one, float, padding=padding, **how)


def resample(x, i, w, axis):
    assert i.shape == w.shape and i.shape[1]
    moved = np.moveaxis(x, axis, 0)
    y = np.stack([sum(share * moved[k] for k, share in zip(ks, shares)) for ks, shares in zip(i, w)])
    return np.moveaxis(y, 0, axis)


REFERENCES = {
    "max_pool": max_pool,
    "max_pool_places": max_pool_places,
    "avg_pool": avg_pool,
    "resample": resample,
}
