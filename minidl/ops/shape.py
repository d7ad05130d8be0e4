"""Shape, axes, broadcasting: where values stand, never what they are."""

import itertools

from ..autograd import op
from ..backend import INDEX
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


@op(samples=[shapes((3, 4)), shapes(())])
def copy(xp, x):
    """y = x in memory of its own        x̄ = ȳ"""
    return xp.copy(x), (lambda g: g,)


@op(samples=[shapes((2, 3, 4), axes=(2, 0, 1)), shapes((2, 3), axes=(-1, 0)), shapes((), axes=())])
def transpose(xp, x, *, axes):
    """y = x with its axes in another order        x̄ = ȳ with the axes back"""
    back = sorted(range(x.ndim), key=lambda k: axes[k] % x.ndim)
    return xp.transpose(x, axes=axes), (lambda g: xp.transpose(g, axes=back),)


@op(
    samples=[shapes((2, 3), (2, 1), (2, 4), axis=1), shapes((3,), (2,), axis=-1), shapes((2, 3), axis=0)],
    promote="common",
)
def concatenate(xp, *xs, axis):
    """y = x₁, x₂, … one after the other along an axis        x̄ₖ = its part of ȳ"""
    before = lambda k: (slice(None),) * (axis % xs[0].ndim)
    ends = [0]
    for x in xs:
        ends.append(ends[-1] + x.shape[axis])
    keys = [(*before(axis), slice(start, stop)) for start, stop in itertools.pairwise(ends)]
    return xp.concatenate(*xs, axis=axis), tuple(lambda g, key=key: g[key] for key in keys)


@op(samples=[
    shapes((12,), shape=(3, 2), steps=(4, 1), offset=1), shapes((5,), shape=(3, 3), steps=(1, 1), offset=0),
    shapes((4,), shape=(), steps=(), offset=3),
])  # fmt: skip
def as_strided(xp, x, *, shape, steps, offset):
    """y[i, j, …] = x[offset + i steps₀ + j steps₁ + …], of a vector x        x̄ = zeros with ȳ added there"""
    n = x.shape

    def gx(g):
        places = xp.arange_like(g, n=1)[0] + offset
        for size, step in zip(shape, steps):
            places = places[..., None] + xp.arange_like(g, n=size) * step
        return xp.index_add(g, places, key=(INDEX,), shape=n)

    return xp.as_strided(x, shape=shape, steps=steps, offset=offset), (gx,)


@op(samples=[shapes((3, 4), axis=0), shapes((2, 3, 4), axis=(0, -1))])
def flip(xp, x, *, axis):
    """y = x reversed along axes        x̄ = ȳ reversed back"""
    return xp.flip(x, axis=axis), (lambda g: xp.flip(g, axis=axis),)


@op(samples=[shapes((3, 4), shift=1, axis=0), shapes((2, 3, 4), shift=(1, -2), axis=(0, -1))])
def roll(xp, x, *, shift, axis):
    """y = x shifted along axes, what leaves at one end coming in at the other        x̄ = ȳ shifted back"""
    back = tuple(-k for k in shift) if isinstance(shift, tuple) else -shift
    return xp.roll(x, shift=shift, axis=axis), (lambda g: xp.roll(g, shift=back, axis=axis),)


@op(samples=[shapes((3, 4)), shapes((2, 4, 3), k=1), shapes((3, 3), k=-1)])
def tril(xp, x, *, k=0):
    """y = x on and below diagonal k, else 0        x̄ = the same part of ȳ"""
    return xp.tril(x, k=k), (lambda g: xp.tril(g, k=k),)


@op(samples=[shapes((3, 4)), shapes((2, 4, 3), k=1), shapes((3, 3), k=-1)])
def triu(xp, x, *, k=0):
    """y = x on and above diagonal k, else 0        x̄ = the same part of ȳ"""
    return xp.triu(x, k=k), (lambda g: xp.triu(g, k=k),)


@op(samples=[
    shapes((3, 4), offset=0, axis1=0, axis2=1),
    shapes((2, 4, 3), offset=-1, axis1=-1, axis2=0),
    shapes((3, 2, 4), offset=1, axis1=1, axis2=2),
])  # fmt: skip
def diagonal(xp, x, *, offset, axis1, axis2):
    """y = x where the place on axis2 is that on axis1 plus the offset, as the last axis        x̄ = ȳ there, else 0"""
    old = {"offset": offset, "axis1": axis1 % x.ndim, "axis2": axis2 % x.ndim, "shape": x.shape}
    return xp.diagonal(x, offset=offset, axis1=axis1, axis2=axis2), (lambda g: xp.diag_embed(g, **old),)


@op(samples=[
    shapes((3,), offset=0, axis1=0, axis2=1, shape=(3, 4)),
    shapes((4, 2), offset=-1, axis1=2, axis2=0, shape=(3, 4, 3)),
])  # fmt: skip
def diag_embed(xp, x, *, offset, axis1, axis2, shape):
    """The adjoint of diagonal: y = zeros of a shape with x on that diagonal        x̄ = that diagonal of ȳ"""
    gx = lambda g: xp.diagonal(g, offset=offset, axis1=axis1, axis2=axis2)
    return xp.diag_embed(x, offset=offset, axis1=axis1, axis2=axis2, shape=shape), (gx,)


@op(samples=[shapes((3, 4), pad_width=((1, 2), (0, 1))), shapes((2,), pad_width=((0, 0),))])
def pad(xp, x, *, pad_width):
    """y = x with zeros around it        x̄ = the part of ȳ where x lies"""
    key = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, pad_width))
    return xp.pad(x, pad_width=pad_width), (lambda g: g[key],)


@op(samples=[
    shapes((2, 3, 5, 4), kernel=(3, 2), stride=(1, 1), dilation=(1, 1)),
    shapes((1, 2, 6, 7), kernel=(2, 3), stride=(2, 3), dilation=(1, 2)),
    shapes((2, 1, 5), kernel=(2,), stride=(2,), dilation=(2,)),
    shapes((1, 2, 3, 2, 4), kernel=(2, 1, 3), stride=(1, 2, 1), dilation=(2, 1, 1)),
])  # fmt: skip
def im2col(xp, x, *, kernel, stride, dilation):
    """y = every patch that a kernel sees, as a column        x̄ = ȳ added back where the patches overlap

    x (N, C, *size)   →   y (N, C ∏kernel, ∏places)"""
    old = {"kernel": kernel, "stride": stride, "dilation": dilation, "shape": x.shape}
    return xp.im2col(x, kernel=kernel, stride=stride, dilation=dilation), (lambda g: xp.col2im(g, **old),)


@op(samples=[
    shapes((2, 18, 9), kernel=(3, 2), stride=(1, 1), dilation=(1, 1), shape=(2, 3, 5, 4)),
    shapes((1, 12, 3), kernel=(2, 3), stride=(2, 3), dilation=(1, 2), shape=(1, 2, 6, 7)),
    shapes((2, 2, 2), kernel=(2,), stride=(2,), dilation=(2,), shape=(2, 1, 5)),
])  # fmt: skip
def col2im(xp, x, *, kernel, stride, dilation, shape):
    """The adjoint of im2col: y = the columns added up where their patches lie        x̄ = the patches of ȳ

    x (N, C ∏kernel, ∏places)   →   y (N, C, *size)"""
    gx = lambda g: xp.im2col(g, kernel=kernel, stride=stride, dilation=dilation)
    return xp.col2im(x, kernel=kernel, stride=stride, dilation=dilation, shape=shape), (gx,)


@op(samples=[shapes((3, 4)), shapes((), shape=(2, 3), dtype="float32")])
def zeros_like(xp, x, *, shape=None, dtype=None):
    """y = 0"""
    return xp.zeros_like(x, shape=shape, dtype=dtype), None


@op(samples=[shapes((3, 4)), shapes((), shape=(2, 3), dtype="float32")])
def ones_like(xp, x, *, shape=None, dtype=None):
    """y = 1"""
    return xp.ones_like(x, shape=shape, dtype=dtype), None


@op(samples=[shapes((3, 4), fill_value=2.5), shapes((), fill_value=3, shape=(2, 3), dtype="float32")])
def full_like(xp, x, *, fill_value, shape=None, dtype=None):
    """y = one number everywhere"""
    return xp.full_like(x, fill_value=fill_value, shape=shape, dtype=dtype), None


@op(samples=[shapes((3, 4), n=5), shapes((), n=0)])
def arange_like(xp, x, *, n):
    """y = 0, 1, … n − 1, on the device of x"""
    return xp.arange_like(x, n=n), None
