"""The affine map of neural networks."""

import math

from ..autograd import op
from .samples import shapes


@op(samples=[
    shapes((3, 4), (5, 4), (5,)), shapes((2, 3, 4), (5, 4), None), shapes((4,), (5, 4), (5,)),
], promote="same")  # fmt: skip
def linear(xp, x, w, b=None):
    """y = x wᵀ + b        x̄ = ȳ w        w̄ = ȳᵀ x        b̄ = Σ ȳ

    x (…, I)   w (O, I)   b (O,) or None   →   y (…, O)        one product of matrices, whatever stands before I
    """
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[1]:
        takes = f"w (out, in) = {w.shape} takes {w.shape[-1] if w.ndim else 'a matrix'}"
        raise ValueError(f"the last axis of x {x.shape} has {x.shape[-1] if x.ndim else 'no'} entries and {takes}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b {b.shape} must hold one number for each of the {w.shape[0]} rows of w {w.shape}")
    shape = (*x.shape[:-1], w.shape[0])
    rows = lambda t: t if t.ndim == 2 else xp.reshape(t, shape=(math.prod(t.shape[:-1]), t.shape[-1]))
    turn = lambda t: xp.transpose(t, axes=(1, 0))
    flat = rows(x)
    y = flat @ turn(w) if b is None else flat @ turn(w) + b
    gx = lambda g: xp.reshape(rows(g) @ w, shape=(*g.shape[:-1], w.shape[1]))
    gw = lambda g: turn(rows(g)) @ flat
    gb = lambda g: xp.sum(rows(g), axis=(0,))
    return (y if len(shape) == 2 else xp.reshape(y, shape=shape)), (gx, gw, None if b is None else gb)
