"""Arithmetic and the functions of one real number."""

from ..autograd import op
from .samples import shapes

pairs = [shapes((3, 4), (3, 4)), shapes((3, 1), (4,)), shapes((), (2,)), shapes((2, 3), ())]
away_from_zero = [shapes((3, 4), (3, 4), low=0.5), shapes((3, 1), (4,), low=0.5), shapes((), (2,), low=0.5)]


@op(samples=pairs, promote="common")
def add(xp, a, b):
    """y = a + b        ā = ȳ        b̄ = ȳ"""
    return a + b, (lambda g: g, lambda g: g)


@op(samples=pairs, promote="common")
def sub(xp, a, b):
    """y = a − b        ā = ȳ        b̄ = −ȳ"""
    return a - b, (lambda g: g, lambda g: -g)


@op(samples=pairs, promote="common")
def mul(xp, a, b):
    """y = a b        ā = ȳ b        b̄ = ȳ a"""
    return a * b, (lambda g: g * b, lambda g: g * a)


@op(samples=away_from_zero, promote="float")
def div(xp, a, b):
    """y = a / b        ā = ȳ / b        b̄ = −ȳ y / b"""
    y = a / b
    return y, (lambda g: g / b, lambda g: -g * y / b)


@op(samples=[shapes((3, 4)), shapes(())])
def neg(xp, x):
    """y = −x        x̄ = −ȳ"""
    return -x, (lambda g: -g,)


@op(samples=[shapes((3, 4)), shapes(())], promote="float")
def exp(xp, x):
    """y = eˣ        x̄ = ȳ y"""
    y = xp.exp(x)
    return y, (lambda g: g * y,)


@op(samples=[shapes((3, 4)), shapes(())], promote="float")
def sin(xp, x):
    """y = sin x        x̄ = ȳ cos x"""
    return xp.sin(x), (lambda g: g * xp.cos(x),)


@op(samples=[shapes((3, 4)), shapes(())], promote="float")
def cos(xp, x):
    """y = cos x        x̄ = −ȳ sin x"""
    return xp.cos(x), (lambda g: -g * xp.sin(x),)
@op(samples=[shapes((3, 4), axis=0), shapes((3,))])
def sum(xp, x, *, axis=None, keepdims=False):
    """y = Σ x over axes        x̄ = ȳ, repeated along them"""
    shape = x.shape
    kept = [1 if axis is None or i in axis else n for i, n in enumerate(shape)]
    return xp.sum(x, axis=axis, keepdims=keepdims), (lambda g: xp.broadcast_to(xp.reshape(g, shape=kept), shape=shape),)
@op(samples=[shapes((3, 4))])
def reshape(xp, x, *, shape):
    old = x.shape
    return xp.reshape(x, shape=shape), (lambda g: xp.reshape(g, shape=old),)
@op(samples=[shapes((3, 4))])
def sum_to(xp, x, *, shape):
    old = x.shape
    return xp.sum_to(x, shape=shape), (lambda g: xp.broadcast_to(g, shape=old),)
@op(samples=[shapes((3, 4))])
def broadcast_to(xp, x, *, shape):
    return xp.broadcast_to(x, shape=shape), (lambda g: g,)
@op(samples=[shapes((3, 4))])
def getitem(xp, x, *indices, key):
    shape = x.shape
    return xp.getitem(x, *indices, key=key), (lambda g: xp.index_add(g, *indices, key=key, shape=shape), *[None]*len(indices))
@op(samples=[shapes((3, 4))])
def put(xp, x, v, *indices, key):
    return xp.put(x, v, *indices, key=key), (lambda g: xp.put(g, 0.0, *indices, key=key), lambda g: xp.getitem(g, *indices, key=key), *[None]*len(indices))
