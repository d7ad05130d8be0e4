"""Each result from the list of the values that lead to it."""

import itertools
import math
import statistics

import numpy as np


def over(function, kind=float):
    """A reduction: `function` of the list of values for each place of the result."""

    def reduce(x, *, axis=None, keepdims=False, **params):
        axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
        axes = sorted(k % x.ndim for k in axes)
        rest = [k for k in range(x.ndim) if k not in axes]
        y = np.empty([x.shape[k] for k in rest], kind)
        for place in np.ndindex(y.shape):
            key = [slice(None)] * x.ndim
            for k, i in zip(rest, place, strict=True):
                key[k] = i
            y[place] = function(x[tuple(key)].ravel().tolist(), **params)
        return np.expand_dims(y, tuple(axes)) if keepdims else y

    return reduce


def along(function):
    """`function` of each list of values along an axis, giving a list as long."""
    return lambda x, *, axis: np.apply_along_axis(lambda row: np.array(function(row.tolist())), axis, x)


def place_of(choose):
    return lambda values: values.index(choose(values))


def variance(values, correction=1):
    mean = math.fsum(values) / len(values)
    return math.fsum((v - mean) ** 2 for v in values) / (len(values) - correction)


def norm(values, ord=2):
    sizes = [abs(v) for v in values]
    if math.isinf(ord):
        return max(sizes) if ord > 0 else min(sizes)
    return math.fsum(s**ord for s in sizes) ** (1 / ord)


REFERENCES = {
    "sum": over(math.fsum),
    "mean": over(statistics.fmean),
    "prod": over(math.prod),
    "max": over(max),
    "min": over(min),
    "argmax": over(place_of(max), int),
    "argmin": over(place_of(min), int),
    "any": over(any, bool),
    "all": over(all, bool),
    "var": over(variance),
    "std": over(lambda values, **params: math.sqrt(variance(values, **params))),
    "logsumexp": over(lambda values: math.log(math.fsum(map(math.exp, values)))),
    "median": over(statistics.median_low),
    "vector_norm": over(norm),
    "cumsum": along(lambda row: list(itertools.accumulate(row))),
    "cumprod": along(lambda row: list(itertools.accumulate(row, lambda a, b: a * b))),
    "sort": along(sorted),
    "argsort": along(lambda row: sorted(range(len(row)), key=row.__getitem__)),
}
