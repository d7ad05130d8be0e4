"""Softmax and its logarithm. The largest entry is subtracted first, so that no e^x overflows."""

from ..autograd import op
from .samples import shapes

AXES = [shapes((3, 4)), shapes((2, 3, 4), axis=1), shapes((4, 2), axis=0), shapes(())]


def largest(xp, x, axis):
    """max x along an axis, kept as an axis of one; 0 where there is nothing to compare."""
    if x.ndim and x.shape[axis]:
        return xp.max(x, axis=(axis,), keepdims=True)
    return x if x.ndim == 0 else 0.0


def total(xp, x, axis):
    return xp.sum(x, axis=(axis,) if x.ndim else (), keepdims=True)


@op(samples=AXES, promote="float")
def softmax(xp, x, *, axis=-1):
    """y = e / Σ e,  e = e^(x − max x)        x̄ = y (ȳ − Σ ȳ y)        sums along an axis"""
    e = xp.exp(x - largest(xp, x, axis))
    y = e / total(xp, e, axis)
    return y, (lambda g: y * (g - total(xp, g * y, axis)),)


@op(samples=AXES, promote="float")
def log_softmax(xp, x, *, axis=-1):
    """y = z − log Σ e^z,  z = x − max x        x̄ = ȳ − e^y Σ ȳ        sums along an axis"""
    z = x - largest(xp, x, axis)
    y = z - xp.log(total(xp, xp.exp(z), axis))
    return y, (lambda g: g - xp.exp(y) * total(xp, g, axis),)
