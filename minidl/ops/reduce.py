"""Sums, means, extremes and running totals over axes.

`axis` is None (all axes) or a tuple; for what picks or orders along one axis it is a number."""

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
