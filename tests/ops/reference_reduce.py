"""Reductions, one result at a time from a list of Python numbers."""

import math
import statistics

import numpy as np


def over(function, dtype=float):
    """The function on the list of values along the axes, for every place of the others."""

    def of_array(x, *, axis=None, keepdims=False, **params):
        axes = range(x.ndim) if axis is None else [a % x.ndim for a in np.atleast_1d(axis)] if x.ndim else []
        y = np.empty([1 if k in axes else n for k, n in enumerate(x.shape)], dtype)
        for at in np.ndindex(y.shape):
            part = x[tuple(slice(None) if k in axes else i for k, i in enumerate(at))]
            y[at] = function(part.flatten().tolist(), **params)
        return y if keepdims else y.reshape([n for k, n in enumerate(x.shape) if k not in axes])

    return of_array


def along(function, dtype=float):
    """The function on each list along one axis, which gives a list as long."""

    def of_array(x, *, axis):
        moved = np.moveaxis(x, axis, -1)
        y = np.empty(moved.shape, dtype)
        for at in np.ndindex(moved.shape[:-1]):
            y[at] = function(moved[at].tolist())
        return np.moveaxis(y, -1, axis)

    return of_array


def variance(values, correction=1):
    if len(values) <= correction:
        return math.nan
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - correction)


def norm(values, ord=2):
    sizes = [abs(v) for v in values]
    if ord == math.inf:
        return max(sizes)
    if ord == -math.inf:
        return min(sizes)
    if ord == 0:
        return sum(s > 0 for s in sizes)
    return math.fsum(s**ord for s in sizes) ** (1 / ord)


REFERENCES = {
    "sum": over(math.fsum),
    "mean": over(lambda values: math.fsum(values) / len(values) if values else math.nan),
    "prod": over(math.prod),
    "max": over(max),
    "min": over(min),
    "argmax": over(lambda values: values.index(max(values)), int),
    "argmin": over(lambda values: values.index(min(values)), int),
    "any": over(any, bool),
    "all": over(all, bool),
    "var": over(variance),
    "std": over(lambda values, correction=1: math.sqrt(variance(values, correction))),
    "logsumexp": over(lambda values: math.log(math.fsum(map(math.exp, values))) if values else -math.inf),
    "vector_norm": over(norm),
    "median": over(statistics.median_low),
    "cumsum": along(lambda values: [math.fsum(values[: k + 1]) for k in range(len(values))]),
    "cumprod": along(lambda values: [math.prod(values[: k + 1]) for k in range(len(values))]),
    "sort": along(sorted),
    "argsort": along(lambda values: sorted(range(len(values)), key=values.__getitem__), int),
}
