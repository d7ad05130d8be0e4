"""The affine map of neural networks."""

import math

from ..autograd import op
from .samples import shapes


def check_dtypes(x, w, b):
    """Refuse to compute in a wider dtype than the parameters have: it would spread through all that follows."""
    if x.dtype != w.dtype or (b is not None and b.dtype != w.dtype):
        raise ValueError(f"x is {x.dtype}, the parameters are {w.dtype}; convert x (x.float()) or these (module.double())")


@op(samples=[
    shapes((3, 4), (5, 4), (5,)), shapes((2, 3, 4), (5, 4), None), shapes((4,), (5, 4), (5,)),
])  # fmt: skip
def linear(xp, x, w, b=None):
    """y = x wᵀ + b        x̄ = ȳ w        w̄ = ȳᵀ x        b̄ = Σ ȳ

    x (…, I)   w (O, I)   b (O,) or None   →   y (…, O)        one product of matrices, whatever stands before I
    """
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[1] or (b is not None and b.shape != w.shape[:1]):
        raise ValueError(
            f"x (…, {w.shape[-1] if w.ndim else 'in'}) is expected for w (out, in) = {w.shape}, and b (out,); got "
            f"x {x.shape}" + ("" if b is None else f", b {b.shape}")
        )
    check_dtypes(x, w, b)
    shape = (*x.shape[:-1], w.shape[0])
    rows = lambda t: t if t.ndim == 2 else xp.reshape(t, shape=(math.prod(t.shape[:-1]), t.shape[-1]))
    turn = lambda t: xp.transpose(t, axes=(1, 0))
    flat = rows(x)
    y = flat @ turn(w) if b is None else flat @ turn(w) + b
    gx = lambda g: xp.reshape(rows(g) @ w, shape=(*g.shape[:-1], w.shape[1]))
    gw = lambda g: turn(rows(g)) @ flat
    gb = lambda g: xp.sum(rows(g), axis=(0,))
    return (y if len(shape) == 2 else xp.reshape(y, shape=shape)), (gx, gw, None if b is None else gb)
