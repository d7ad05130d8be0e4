"""Reading and writing by index. A key is the tuple of x[key], with INDEX where an index array goes."""

from ..autograd import op
from ..backend import INDEX
from .samples import ints, shapes

KEYS = [
    shapes((3, 4), key=(slice(0, 2), slice(None, None, 2))),
    shapes((3, 4), key=(1, None, ...)),
    shapes((3, 4), ints(2, 2, low=-3, high=3), key=(INDEX,)),  # repeated indices add up
    shapes((3, 4, 2), ints(3, high=3), ints(3, high=2), key=(INDEX, slice(None), INDEX)),
]


@op(samples=KEYS)
def getitem(xp, x, *indices, key):
    """y = x[key]        x̄ = zeros with ȳ added at [key]"""
    shape = x.shape
    gx = lambda g: xp.index_add(g, *indices, key=key, shape=shape)
    return xp.getitem(x, *indices, key=key), (gx, *(None for _ in indices))


@op(samples=[
    shapes((2, 2), key=(slice(0, 2), slice(None, None, 2)), shape=(3, 4)),
    shapes((4,), ints(2, high=3), key=(INDEX,), shape=(3, 4)),
    shapes((2, 2, 4), ints(2, 2, low=-3, high=3), key=(INDEX,), shape=(3, 4)),
])  # fmt: skip
def index_add(xp, x, *indices, key, shape):
    """y = zeros of a shape with x added at [key]        x̄ = ȳ[key]"""
    gx = lambda g: xp.getitem(g, *indices, key=key)
    return xp.index_add(x, *indices, key=key, shape=shape), (gx, *(None for _ in indices))


@op(samples=[
    shapes((3, 4), (2, 2), key=(slice(0, 2), slice(None, None, 2))),
    shapes((3, 4), (4,), key=(slice(None),)),
    shapes((3, 4), (2, 4), ints(2, kind="permutation", high=3), key=(INDEX,)),
])  # fmt: skip
def put(xp, x, v, *indices, key):
    """y = x with v written at [key]        x̄ = ȳ with zeros there        v̄ = ȳ[key]"""
    gx = lambda g: xp.put(g, 0.0, *indices, key=key)
    gv = lambda g: xp.getitem(g, *indices, key=key)
    return xp.put(x, v, *indices, key=key), (gx, gv, *(None for _ in indices))


@op(samples=[shapes((3, 4), ints(2, 4, high=3), axis=0), shapes((3, 4), ints(3, 5, high=4), axis=-1)], keep=("index",))
def take_along_axis(xp, x, index, *, axis):
    """y[i, k] = x[i, index[i, k]] along an axis        x̄ = zeros with ȳ added there"""
    shape = x.shape
    return xp.take_along_axis(x, index, axis=axis), (lambda g: xp.scatter_add(g, index, axis=axis, shape=shape), None)


@op(samples=[
    shapes((2, 4), ints(2, 4, high=3), axis=0, shape=(3, 4)),
    shapes((2, 5), ints(2, 5, high=4), axis=-1, shape=(3, 4)),
], keep=("index",))  # fmt: skip
def scatter_add(xp, x, index, *, axis, shape):
    """The adjoint of take_along_axis: y = zeros of a shape with x[i, k] added at [i, index[i, k]]        x̄ = ȳ there"""
    along = axis % x.ndim
    key = tuple(slice(None) if k == along else slice(0, n) for k, n in enumerate(index.shape))
    gx = lambda g: xp.take_along_axis(g[key], index, axis=axis)
    return xp.scatter_add(x, index, axis=axis, shape=shape), (gx, None)
