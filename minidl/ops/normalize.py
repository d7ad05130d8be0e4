"""Normalisation: subtract the mean, divide by the standard deviation; what differs is over which axes."""

import math

from ..autograd import op
from .samples import Values, shapes


def per_channel(xp, t, x):
    """One number for each channel (axis 1 of x), in a shape that broadcasts against x; None stays None."""
    return None if t is None else xp.reshape(t, shape=(x.shape[1], *(1,) * (x.ndim - 2)))


def check_last(x, w, b, last):
    shape = x.shape[-last:]
    if x.ndim < last or (w is not None and w.shape != shape) or (b is not None and b.shape != shape):
        raise ValueError(f"w and b of shape {shape}, as the last {last} axes of x, are expected")


def affine(xhat, w, b):
    """w ⊙ x̂ + b, in memory of its own: what follows may write into it, and x̂ is needed for the gradients."""
    if w is None:
        return xhat * 1 if b is None else xhat + b
    return w * xhat if b is None else w * xhat + b


@op(samples=[shapes((4, 3), (3,), (3,)), shapes((2, 3, 4, 2), (3,), None, eps=1e-3), shapes((2, 3, 4), None, (3,))],
    constant=(1, 2))  # fmt: skip
def batch_norm(xp, x, w=None, b=None, *, eps=1e-5):
    """Normalise each channel over the batch and all places, then scale and shift (Ioffe & Szegedy 2015).

        x̂ = (x − μ) r        μ = mean(x)        r = (σ² + ε)^−½        σ² = mean((x − μ)²)
        y = w ⊙ x̂ + b
        x̄ = r (n − mean(n) − x̂ mean(n ⊙ x̂))    n = ȳ ⊙ w
        w̄ = Σ ȳ ⊙ x̂          b̄ = Σ ȳ

    x (N, C, …)   w, b (C,) or None   →   y (N, C, …), μ (C,), σ² (C,)        μ and σ² are for the running statistics
    """
    axes, C = (0, *range(2, x.ndim)), x.shape[1]
    w, b = per_channel(xp, w, x), per_channel(xp, b, x)
    mean = lambda t: xp.mean(t, axis=axes, keepdims=True)
    mu   = mean(x)
    xc   = x - mu
    var  = mean(xc * xc)
    r    = (var + eps) ** -0.5
    xhat = xc * r
    flat = lambda t: xp.reshape(t, shape=(C,))
    total = lambda t: flat(xp.sum(t, axis=axes))

    def gx(g):
        n = g if w is None else g * w
        return r * (n - mean(n) - xhat * mean(n * xhat))

    gw, gb = None if w is None else lambda g: total(g * xhat), None if b is None else total
    return (affine(xhat, w, b), flat(mu), flat(var)), (gx, gw, gb)


@op(samples=[
    shapes((4, 3), (3,), Values((3,), 0.5), (3,), (3,)),
    shapes((2, 3, 4, 2), (3,), Values((3,), 0.5), None, None, eps=1e-2),
])  # fmt: skip
def batch_norm_eval(xp, x, mu, var, w=None, b=None, *, eps=1e-5):
    """Batch normalisation with given statistics: an affine map of each channel.

        y = w ⊙ x̂ + b,  x̂ = (x − μ) r,  r = (σ² + ε)^−½
        x̄ = ȳ ⊙ w r        μ̄ = −Σ x̄        σ̄² = −½ Σ x̄ ⊙ x̂ r        w̄ = Σ ȳ ⊙ x̂        b̄ = Σ ȳ

    x (N, C, …)   μ, σ² (C,)   w, b (C,) or None   →   y (N, C, …)
    """
    axes = (0, *range(2, x.ndim))
    mu, var, w, b = (per_channel(xp, t, x) for t in (mu, var, w, b))
    r = (var + eps) ** -0.5
    scale = r if w is None else w * r
    xhat = lambda: (x - mu) * r
    total = lambda t: xp.sum(t, axis=axes)
    row = lambda t: xp.reshape(t, shape=(x.shape[1],))
    y = (x - mu) * scale
    return (y if b is None else y + b), (
        lambda g: g * scale,
        lambda g: -total(g * scale),
        lambda g: -0.5 * total(g * scale * xhat()) * row(r),
        None if w is None else lambda g: total(g * xhat()),
        None if b is None else total,
    )


@op(samples=[
    shapes((2, 3, 8), (8,), (8,)), shapes((4, 3, 5), (3, 5), None, last=2, eps=1e-3), shapes((2, 3), None, (3,)),
])  # fmt: skip
def layer_norm(xp, x, w=None, b=None, *, last=1, eps=1e-5):
    """Normalise over the last axes, then scale and shift (Ba, Kiros & Hinton 2016).

        x̂ = (x − μ) r        μ = mean(x)        r = (var(x) + ε)^−½
        y = w ⊙ x̂ + b
        x̄ = r (n − mean(n) − x̂ mean(n ⊙ x̂))    n = ȳ ⊙ w
        w̄ = Σ ȳ ⊙ x̂          b̄ = Σ ȳ

    x (…, *D), D as many axes as `last` says   w, b D or None   →   y (…, *D)
    """
    check_last(x, w, b, last)
    mean = lambda t: xp.mean(t, axis=tuple(range(-last, 0)), keepdims=True)
    xc   = x - mean(x)
    r    = (mean(xc * xc) + eps) ** -0.5
    xhat = xc * r

    def gx(g):
        n = g if w is None else g * w
        return r * (n - mean(n) - xhat * mean(n * xhat))

    gw, gb = None if w is None else lambda g: g * xhat, None if b is None else lambda g: g
    return affine(xhat, w, b), (gx, gw, gb)


@op(samples=[shapes((2, 3, 8), (8,), eps=1e-5), shapes((4, 3, 5), (3, 5), last=2, eps=1e-3), shapes((2, 3), None)])
def rms_norm(xp, x, w=None, *, last=1, eps=1e-6):
    """Divide by the root of the mean square over the last axes, then scale (Zhang & Sennrich 2019).

        y = w ⊙ x̂,  x̂ = x r,  r = (mean(x²) + ε)^−½        x̄ = r (n − x̂ mean(n ⊙ x̂)),  n = ȳ ⊙ w        w̄ = Σ ȳ ⊙ x̂

    x (…, *D), D as many axes as `last` says   w D or None   →   y (…, *D)
    """
    check_last(x, w, None, last)
    mean = lambda t: xp.mean(t, axis=tuple(range(-last, 0)), keepdims=True)
    r    = (mean(x * x) + eps) ** -0.5
    xhat = x * r

    def gx(g):
        n = g if w is None else g * w
        return r * (n - xhat * mean(n * xhat))

    return affine(xhat, w, None), (gx, None if w is None else lambda g: g * xhat)


@op(samples=[shapes((2, 4, 3), (4,), (4,), groups=2), shapes((3, 6, 2, 2), (6,), None, groups=3, eps=1e-3),
             shapes((3, 4), None, (4,), groups=1)])  # fmt: skip
def group_norm(xp, x, w=None, b=None, *, groups, eps=1e-5):
    """layer_norm of each sample's groups of channels, then scale and shift each channel (Wu & He 2018).

        y = w ⊙ x̂ + b        w̄ = Σ ȳ ⊙ x̂        b̄ = Σ ȳ        x̄ from layer_norm, given ȳ ⊙ w

    x (N, C, …)   w, b (C,) or None   →   y (N, C, …)
    """
    if x.ndim < 2 or x.shape[1] % groups:
        raise ValueError(f"x (N, C, …) with C divisible by groups={groups} is expected; got {x.shape}")
    w, b = per_channel(xp, w, x), per_channel(xp, b, x)
    rows = lambda t: xp.reshape(t, shape=(x.shape[0], groups, math.prod(x.shape[1:]) // groups))
    back = lambda t: xp.reshape(t, shape=x.shape)
    xhat, (gx, _, _) = layer_norm.formula(xp, rows(x), None, None, eps=eps)
    xhat = back(xhat)
    total = lambda t: xp.sum(t, axis=(0, *range(2, x.ndim)))
    return affine(xhat, w, b), (
        lambda g: back(gx(rows(g if w is None else g * w))),
        None if w is None else lambda g: total(g * xhat),
        None if b is None else total,
    )
