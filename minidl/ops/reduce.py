"""Sums, means, extremes and running totals over axes.

`axis` is None (all axes) or a tuple; for what picks or orders along one axis it is a number."""

import math

from ..autograd import op
from .samples import bools, distinct, ints, shapes

AXES = [shapes((3, 4)), shapes((3, 4), axis=(0,)), shapes((2, 3, 4), axis=(0, -1), keepdims=True), shapes((), axis=())]
ALONG = [shapes((3, 4), axis=0), shapes((2, 3, 1), axis=-2), shapes((4,), axis=0)]


def kept(shape, axis):
    """The shape of a reduction over `axis` (None: all axes; else a tuple) that keeps the axes, as ones."""
    return tuple(1 if axis is None or k in axis or k - len(shape) in axis else n for k, n in enumerate(shape))


def length(shape, axis):
    """How many values each result of a reduction takes in."""
    n = 1
    for size, one in zip(shape, kept(shape, axis)):
        n *= size if one == 1 else 1
    return n


def part(ndim, axis, start, stop):
    """The key of a slice along one axis."""
    return tuple(slice(start, stop) if k == axis % ndim else slice(None) for k in range(ndim))


@op(samples=AXES)
def sum(xp, x, *, axis=None, keepdims=False):
    """y = Σ x over axes        x̄ = ȳ, repeated along them"""
    shape = x.shape
    return xp.sum(x, axis=axis, keepdims=keepdims), (
        lambda g: xp.broadcast_to(xp.reshape(g, shape=kept(shape, axis)), shape=shape),
    )


@op(samples=AXES)
def mean(xp, x, *, axis=None, keepdims=False):
    """y = Σ x / n over axes        x̄ = ȳ / n, repeated along them"""
    shape, n = x.shape, length(x.shape, axis)
    return xp.mean(x, axis=axis, keepdims=keepdims), (
        lambda g: xp.broadcast_to(xp.reshape(g / n, shape=kept(shape, axis)), shape=shape),
    )


@op(samples=AXES)
def prod(xp, x, *, axis=None, keepdims=False):
    """y = Π x over axes        x̄ᵢ = ȳ Πⱼ﹤ᵢ xⱼ Πⱼ﹥ᵢ xⱼ, right where some x are 0"""
    shape = x.shape
    one = kept(shape, axis)
    axes = [k for k in range(x.ndim) if axis is None or k in axis or k - x.ndim in axis]
    order = [k for k in range(x.ndim) if k not in axes] + axes  # the axes multiplied over come last, as one
    back = sorted(range(x.ndim), key=lambda k: order[k])

    def gx(g):
        rows = xp.transpose(x, axes=order)
        flat = xp.reshape(rows, shape=(*rows.shape[: x.ndim - len(axes)], length(shape, axis)))
        others = before(xp, flat, -1) * xp.flip(before(xp, xp.flip(flat, axis=-1), -1), axis=-1)
        others = xp.transpose(xp.reshape(others, shape=rows.shape), axes=back)
        return xp.reshape(g, shape=one) * others

    return xp.prod(x, axis=axis, keepdims=keepdims), (gx,)


def before(xp, x, axis):
    """For each place, the product of all values before it along an axis."""
    first, rest = part(x.ndim, axis, 0, 1), part(x.ndim, axis, 0, -1)
    return xp.cumprod(xp.concatenate(xp.ones_like(x[first]), x[rest], axis=axis), axis=axis)


@op(samples=AXES)
def max(xp, x, *, axis=None, keepdims=False):
    """y = max x over axes        x̄ = ȳ shared evenly by the places where x = y"""
    return extreme(xp, x, xp.max(x, axis=axis, keepdims=keepdims), axis)


@op(samples=AXES)
def min(xp, x, *, axis=None, keepdims=False):
    """y = min x over axes        x̄ = ȳ shared evenly by the places where x = y"""
    return extreme(xp, x, xp.min(x, axis=axis, keepdims=keepdims), axis)


def extreme(xp, x, y, axis):
    one = kept(x.shape, axis)

    def gx(g):
        top = xp.reshape(y, shape=one)
        ties = (x == top) | (xp.isnan(x) & xp.isnan(top))
        share = xp.astype(ties, dtype=x.dtype)
        share = share / xp.sum(share, axis=axis, keepdims=True)
        return xp.where(ties, xp.reshape(g, shape=one) * share, 0)

    return y, (gx,)


@op(samples=[shapes(distinct(3, 4)), *(shapes(distinct(3, 4), axis=a, keepdims=k) for a in (0, -1) for k in (0, 1))])
def argmax(xp, x, *, axis=None, keepdims=False):
    """y = where the (first) largest value stands"""
    return xp.argmax(x, axis=axis, keepdims=keepdims), None


@op(samples=[shapes(distinct(3, 4)), *(shapes(distinct(3, 4), axis=a, keepdims=k) for a in (0, -1) for k in (0, 1))])
def argmin(xp, x, *, axis=None, keepdims=False):
    """y = where the (first) smallest value stands"""
    return xp.argmin(x, axis=axis, keepdims=keepdims), None


@op(samples=[shapes(bools(3, 4)), shapes(bools(3, 4), axis=(0,), keepdims=True), shapes(ints(3, 2, high=2), axis=(1,))])
def any(xp, x, *, axis=None, keepdims=False):
    """y = [some x ≠ 0]"""
    return xp.any(x, axis=axis, keepdims=keepdims), None


@op(samples=[shapes(bools(3, 4)), shapes(bools(3, 4), axis=(0,), keepdims=True), shapes(ints(3, 2, high=2), axis=(1,))])
def all(xp, x, *, axis=None, keepdims=False):
    """y = [every x ≠ 0]"""
    return xp.all(x, axis=axis, keepdims=keepdims), None


@op(samples=ALONG)
def cumsum(xp, x, *, axis):
    """yᵢ = x₀ + … + xᵢ along an axis        x̄ᵢ = ȳᵢ + … + ȳₙ"""
    return xp.cumsum(x, axis=axis), (lambda g: xp.flip(xp.cumsum(xp.flip(g, axis=axis), axis=axis), axis=axis),)


@op(samples=[*ALONG, shapes((5, 2), axis=0)])
def cumprod(xp, x, *, axis):
    """yᵢ = x₀ ⋯ xᵢ along an axis

        x̄ᵢ = (x₀ ⋯ xᵢ₋₁) sᵢ        sᵢ = ȳᵢ + xᵢ₊₁ sᵢ₊₁

    The recurrence runs in log n doubling steps (Hillis & Steele 1986), without a division that zeros would break."""
    n, ndim = x.shape[axis], x.ndim

    def ahead(t, k):
        """tᵢ₊ₖ, and zeros beyond the end."""
        return xp.pad(t[part(ndim, axis, k, None)], pad_width=[(0, k * (i == axis % ndim)) for i in range(ndim)])

    def gx(g):
        s, a, k = g, ahead(x, 1) if n else x, 1  # s sums k terms, a is the product that leads to the next ones
        while k < n:
            s, a, k = s + a * ahead(s, k), a * ahead(a, k), 2 * k
        return before(xp, x, axis) * s

    return xp.cumprod(x, axis=axis), (gx,)


@op(samples=[shapes(distinct(3, 4), axis=0), shapes(distinct(2, 3, 4), axis=-1)])
def sort(xp, x, *, axis):
    """y = x in ascending order along an axis        x̄ = ȳ, each value back where it came from"""
    order, shape = xp.argsort(x, axis=axis), x.shape
    return xp.take_along_axis(x, order, axis=axis), (lambda g: xp.scatter_add(g, order, axis=axis, shape=shape),)


@op(samples=[shapes(distinct(3, 4), axis=0), shapes(distinct(2, 3, 4), axis=-1)])
def argsort(xp, x, *, axis):
    """y = the places of the values in ascending order; equal ones keep their order"""
    return xp.argsort(x, axis=axis), None


SPREADS = [*AXES[:3], shapes((3, 4), axis=(1,), correction=0), shapes((5,), correction=2.0)]


@op(samples=SPREADS)
def var(xp, x, *, axis=None, keepdims=False, correction=1):
    """y = Σ (x − μ)² / (n − c) over axes        x̄ = ȳ 2 (x − μ) / (n − c)        ÷ 0 where n ≤ c"""
    n, one = length(x.shape, axis), kept(x.shape, axis)
    scale = 1 / (n - correction) if n > correction else math.inf
    xc = x - xp.sum(x, axis=axis, keepdims=True) * (1 / n if n else math.nan)
    y = xp.sum(xc * xc, axis=axis, keepdims=keepdims) * scale
    return y, (lambda g: xp.reshape(g, shape=one) * xc * (2 * scale),)


@op(samples=SPREADS)
def std(xp, x, *, axis=None, keepdims=False, correction=1):
    """y = √var(x) over axes        x̄ = ȳ (x − μ) / ((n − c) y), 0 where y = 0"""
    v, (gv,) = var.formula(xp, x, axis=axis, keepdims=keepdims, correction=correction)
    y = xp.sqrt(v)
    return y, (lambda g: gv(xp.where(y == 0, 0, g / (2 * xp.where(y == 0, 1, y)))),)


@op(samples=[*AXES, shapes(distinct(3, 4), axis=(-1,))], promote="float")
def logsumexp(xp, x, *, axis=None, keepdims=False):
    """y = ln Σ eˣ over axes, without overflow        x̄ = ȳ eˣ⁻ʸ"""
    one = kept(x.shape, axis)
    top = 0.0  # nothing to compare, nothing to shift
    if 0 not in x.shape:
        top = xp.max(x, axis=axis, keepdims=True)
        top = xp.where(xp.isfinite(top), top, 0)  # a row of -inf only, or one with +inf, needs no shift
    y = xp.log(xp.sum(xp.exp(x - top), axis=axis, keepdims=True)) + top
    shift = xp.where(y == -math.inf, 0, y)
    return y if keepdims else xp.reshape(y, shape=squeezed(x.shape, axis)), (
        lambda g: xp.reshape(g, shape=one) * xp.exp(x - shift),
    )


def squeezed(shape, axis):
    """The shape of a reduction that drops its axes."""
    return tuple(n for k, n in enumerate(shape) if axis is not None and k not in axis and k - len(shape) not in axis)


@op(samples=[shapes(distinct(5)), shapes(distinct(3, 4)), shapes(())])
def median(xp, x):
    """y = the value in the middle, the lower of two; NaN if there is one        x̄ = ȳ, shared where x = y"""
    n = length(x.shape, None)
    ranked = xp.sort(xp.reshape(x, shape=(n,)), axis=0)
    return extreme(xp, x, xp.where(ranked[n - 1] == ranked[n - 1], ranked[(n - 1) // 2], ranked[n - 1]), None)


NORMS = [
    sample
    for p in (0, 0.5, 1, 3, math.inf, -math.inf)
    for sample in (shapes((3, 4), ord=p, axis=(0,)), shapes((2, 3, 4), ord=p, axis=(0, -1), keepdims=True))
]


@op(samples=[*AXES, *NORMS])
def vector_norm(xp, x, *, ord=2, axis=None, keepdims=False):
    """y = (Σ |x|ᵖ)^(1/p) over axes        x̄ = ȳ sign x (|x| / y)ᵖ⁻¹, 0 where x or y is 0

    p = ±∞ is the largest or smallest |x|, p = 0 how many are not 0."""
    one, size = kept(x.shape, axis), xp.abs(x)
    if ord in (math.inf, -math.inf):
        pick = max if ord > 0 else min
        y, (gsize,) = pick.formula(xp, size, axis=axis, keepdims=keepdims)
        return y, (lambda g: gsize(g) * xp.sign(x),)
    if ord == 0:
        return xp.sum(xp.astype(x != 0, dtype=x.dtype), axis=axis, keepdims=keepdims), (lambda g: xp.zeros_like(x),)
    if ord == 1:
        return xp.sum(size, axis=axis, keepdims=keepdims), (lambda g: xp.reshape(g, shape=one) * xp.sign(x),)
    if ord == 2:
        y = xp.sqrt(xp.sum(x * x, axis=axis, keepdims=keepdims))
        return y, (lambda g: xp.reshape(g / xp.where(y == 0, 1, y), shape=one) * x,)
    y = xp.sum(size**ord, axis=axis, keepdims=keepdims) ** (1 / ord)

    def gx(g):
        ratio = xp.where(x == 0, 1, size) / xp.reshape(xp.where(y == 0, 1, y), shape=one)
        return xp.reshape(g, shape=one) * xp.sign(x) * ratio ** (ord - 1)

    return y, (gx,)
