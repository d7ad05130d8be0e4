"""Reading by NumPy's own indexing of the places; writing and adding one value at a time."""

import numpy as np


def filled(key, indices):
    rest = iter(indices)
    return tuple(next(rest) if isinstance(part, str) else part for part in key)


def places(shape, key, indices):
    """The flat place that each selected value has."""
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)[filled(key, indices)]


def getitem(x, *indices, key):
    return np.array([x.ravel()[p] for p in places(x.shape, key, indices).ravel()]).reshape(
        places(x.shape, key, indices).shape
    )


def index_add(x, *indices, key, shape):
    y, where = np.zeros(shape), places(shape, key, indices)
    for p, v in zip(where.ravel(), np.broadcast_to(x, where.shape).ravel(), strict=True):
        y.ravel()[p] += v
    return y


def put(x, v, *indices, key):
    y, where = x.copy(), places(x.shape, key, indices)
    for p, value in zip(where.ravel(), np.broadcast_to(v, where.shape).ravel(), strict=True):
        y.ravel()[p] = value
    return y


def take_along_axis(x, index, *, axis):
    y, axis = np.zeros(index.shape), axis % x.ndim
    for p in np.ndindex(*index.shape):
        y[p] = x[(*p[:axis], index[p], *p[axis + 1 :])]
    return y


def scatter_add(x, index, *, axis, shape):
    y, axis = np.zeros(shape), axis % x.ndim
    for p in np.ndindex(*index.shape):
        y[(*p[:axis], index[p], *p[axis + 1 :])] += x[p]
    return y


REFERENCES = {
    "getitem": getitem,
    "index_add": index_add,
    "put": put,
    "take_along_axis": take_along_axis,
    "scatter_add": scatter_add,
}
