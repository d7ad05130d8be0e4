"""Shape, axes, broadcasting: where values stand, never what they are."""

from ..autograd import op
from .samples import shapes


@op(samples=[shapes((2, 6), shape=(3, 4)), shapes((), shape=(1, 1)), shapes((2, 3), shape=(6,))])
def reshape(xp, x, *, shape):
    """y = x in another shape        x̄ = ȳ in the old one"""
    old = x.shape
    return xp.reshape(x, shape=shape), (lambda g: xp.reshape(g, shape=old),)


@op(samples=[shapes((3, 1), shape=(2, 3, 4)), shapes((), shape=(2,)), shapes((3,), shape=(3,))])
def broadcast_to(xp, x, *, shape):
    """y = x repeated along new axes and those of length one        x̄ = Σ ȳ over them (the engine's part)"""
    return xp.broadcast_to(x, shape=shape), (lambda g: g,)


@op(samples=[shapes((2, 3, 4), shape=(3, 1)), shapes((2, 3), shape=()), shapes((2, 3), shape=(2, 3))])
def sum_to(xp, x, *, shape):
    """The adjoint of broadcast_to: y = Σ x over the axes that shape lacks or has as one        x̄ = ȳ, repeated"""
    old = x.shape
    return xp.sum_to(x, shape=shape), (lambda g: xp.broadcast_to(g, shape=old),)


@op(samples=[shapes((3, 4), dtype="float64")])
def astype(xp, x, *, dtype):
    """y = x in another dtype        x̄ = ȳ, cast back (the engine's part)"""
    return xp.astype(x, dtype=dtype), (lambda g: g,)
