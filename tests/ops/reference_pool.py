"""Pooling by its definition: every window as a list of the places it has."""

import math

import numpy as np


def count(n, k, s, p, d, ceil_mode):
    windows = (n + 2 * p - d * (k - 1) - 1) / s
    windows = (math.ceil if ceil_mode else math.floor)(windows) + 1
    while ceil_mode and (windows - 1) * s >= n + p:  # each window starts inside the input or its left padding
        windows -= 1
    return windows


def windows(x, kernel, stride, padding=(0, 0), dilation=(1, 1), ceil_mode=False):
    """(output place, [(row, column) of the window, also where these lie outside])."""
    Ho, Wo = (count(*how, ceil_mode) for how in zip(x.shape[2:], kernel, stride, padding, dilation))
    for i, j in np.ndindex(Ho, Wo):
        yield (i, j), [
            (i * stride[0] - padding[0] + a * dilation[0], j * stride[1] - padding[1] + e * dilation[1])
            for a, e in np.ndindex(*kernel)
        ]


def gather(x, one, dtype, **how):
    made = {place: one(places) for place, places in windows(x, **how)}
    Ho, Wo = (max(k) + 1 for k in zip(*made))
    y = np.zeros((*x.shape[:2], Ho, Wo), dtype)
    for place, value in made.items():
        y[(..., *place)] = value
    return y


def inside(x, places):
    return [(i, j) for i, j in places if 0 <= i < x.shape[2] and 0 <= j < x.shape[3]]


def max_pool2d(x, **how):
    return gather(x, lambda places: np.max([x[:, :, i, j] for i, j in inside(x, places)], axis=0), float, **how)


def max_pool2d_places(x, **how):
    def one(places):
        places = inside(x, places)
        best = np.argmax([x[:, :, i, j] for i, j in places], axis=0)
        return np.asarray([i * x.shape[3] + j for i, j in places])[best]

    return gather(x, one, int, **how)


def avg_pool2d(x, count_include_pad=True, divisor_override=None, padding=(0, 0), **how):
    def one(places):
        near = [(i, j) for i, j in places if i < x.shape[2] + padding[0] and j < x.shape[3] + padding[1]]
        n = divisor_override or len(near if count_include_pad else inside(x, places))
        return sum(x[:, :, i, j] for i, j in inside(x, places)) / n

    return gather(x, one, float, padding=padding, **how)


def adaptive_avg_pool2d(x, size):
    H, W = x.shape[-2:]
    y = np.zeros((*x.shape[:-2], *size))
    for i, j in np.ndindex(*size):
        rows = slice(math.floor(i * H / size[0]), math.ceil((i + 1) * H / size[0]))
        columns = slice(math.floor(j * W / size[1]), math.ceil((j + 1) * W / size[1]))
        y[..., i, j] = x[..., rows, columns].mean(axis=(-2, -1))
    return y


REFERENCES = {
    "max_pool2d": max_pool2d,
    "max_pool2d_places": max_pool2d_places,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
}
