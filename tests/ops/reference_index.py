"""Reading and writing by index, one element at a time; which element a key means, NumPy says of a table of places."""

import numpy as np

from minidl.backend import INDEX


def places(shape, key, indices):
    """The flat place in an array of this shape of every element that x[key] has."""
    rest = iter(indices)
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)[tuple(next(rest) if k is INDEX else k for k in key)]


def getitem(x, *indices, key):
    return x.flatten()[places(x.shape, key, indices)]


def index_add(x, *indices, key, shape):
    at = places(shape, key, indices)
    y = np.zeros(np.prod(shape, dtype=int))
    for place, value in zip(at.flatten(), np.broadcast_to(x, at.shape).flatten()):
        y[place] += value
    return y.reshape(shape)


def put(x, v, *indices, key):
    at = places(x.shape, key, indices)
    y = x.flatten()
    for place, value in zip(at.flatten(), np.broadcast_to(v, at.shape).flatten()):
        y[place] = value
    return y.reshape(x.shape)


def moved(at, index, axis):
    """The place along another axis entry that index[at] means."""
    return (*at[: axis % index.ndim], index[at], *at[axis % index.ndim + 1 :])


def take_along_axis(x, index, *, axis):
    y = np.zeros(index.shape)
    for at in np.ndindex(index.shape):
        y[at] = x[moved(at, index, axis)]
    return y


def scatter_add(x, index, *, axis, shape):
    y = np.zeros(shape)
    for at in np.ndindex(index.shape):
        y[moved(at, index, axis)] += x[at]
    return y


REFERENCES = {
    "getitem": getitem,
    "index_add": index_add,
    "put": put,
    "take_along_axis": take_along_axis,
    "scatter_add": scatter_add,
}
