"""Sums, means and extremes over axes."""

from ..autograd import op
from .samples import shapes

AXES = [shapes((3, 4)), shapes((3, 4), axis=(0,)), shapes((2, 3, 4), axis=(0, -1), keepdims=True), shapes((), axis=())]


def kept(shape, axis):
    """The shape of a reduction over `axis` (None: all axes; else a tuple) that keeps the axes, as ones."""
    return tuple(1 if axis is None or k in axis or k - len(shape) in axis else n for k, n in enumerate(shape))


@op(samples=AXES)
def sum(xp, x, *, axis=None, keepdims=False):
    """y = Σ x over axes        x̄ = ȳ, repeated along them"""
    shape = x.shape
    return xp.sum(x, axis=axis, keepdims=keepdims), (
        lambda g: xp.broadcast_to(xp.reshape(g, shape=kept(shape, axis)), shape=shape),
    )
