"""Softmax by its definition, one row at a time."""

import math

import numpy as np


def rows(function):
    """A function of one list of numbers, along an axis."""

    def of_arrays(x, axis=-1):
        if x.ndim == 0:
            return np.asarray(function([float(x)])[0])
        moved = np.moveaxis(x, axis, -1)
        y = np.empty(moved.shape)
        for place in np.ndindex(moved.shape[:-1]):
            y[place] = function([float(v) for v in moved[place]])
        return np.moveaxis(y, -1, axis)

    return of_arrays


def softmax(row):
    total = math.fsum(math.exp(v) for v in row)
    return [math.exp(v) / total for v in row]


REFERENCES = {
    "softmax": rows(softmax),
    "log_softmax": rows(lambda row: [math.log(p) for p in softmax(row)]),
}
