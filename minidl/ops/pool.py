"""Pooling: the largest or the mean of each window. A window is read as slices, so nothing is copied to be compared.

One formula serves signals, pictures and volumes: `kernel`, `stride`, `padding` and `dilation` have one number for each
axis in space. With ceil_mode a last window may reach beyond the padded input, if it starts inside.
"""

import itertools
import math
from typing import Any

from ..autograd import composite, op
from ..backend import INDEX
from .samples import distinct, ints, shapes

WINDOWS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 4, 4), {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}),
    ((1, 2, 5, 6), {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 1)}),
    ((1, 2, 6, 5), {"kernel": (2, 2), "stride": (3, 2), "padding": (0, 0), "ceil_mode": True}),
    ((2, 2, 5), {"kernel": (3,), "stride": (2,), "padding": (1,)}),
    ((1, 2, 3, 4, 4), {"kernel": (2, 2, 3), "stride": (1, 2, 1), "padding": (0, 0, 1)}),
]
DILATED = [
    shapes(distinct(*shape), **params, dilation=(1,) * len(params["kernel"])) for shape, params in WINDOWS
] + [shapes(distinct(1, 2, 7, 6), kernel=(3, 2), stride=(1, 2), padding=(1, 0), dilation=(2, 3))]


def places(n, kernel, stride, padding, dilation=1, ceil_mode=False):
    """How many windows fit along an axis of length n."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    return count - 1 if ceil_mode and (count - 1) * stride >= n + padding else count


def layout(x, kernel, stride, padding, dilation, ceil_mode=False):
    """How many windows there are along each axis, and how far x must grow on each side so that all lie inside."""
    if x.ndim != len(kernel) + 2:
        raise ValueError(f"x with {len(kernel)} axes after N and C is expected; got {x.shape}")
    size, grow = [], []
    for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation):
        count = places(n, k, s, p, d, ceil_mode)
        if count < 1:
            raise ValueError(f"a kernel {kernel} is larger than x {x.shape[2:]} with padding={padding}")
        if 2 * p > d * (k - 1) + 1:
            raise ValueError(f"padding={padding} is more than half of the kernel {kernel}")
        size.append(count)
        grow.append((p, max((count - 1) * s + d * (k - 1) + 1 - n - p, 0)))
    return tuple(size), grow


def slices(count, kernel, stride, dilation):
    """For each axis: where all windows have their first place, their second, …"""
    return [
        [slice(i * d, i * d + s * (n - 1) + 1, s) for i in range(k)]
        for n, k, s, d in zip(count, kernel, stride, dilation)
    ]


def key(*parts):
    """The key of a part of the axes after N and C."""
    return (slice(None), slice(None), *parts)


def folded(f, x, parts):
    """f(…f(f(a, b), c)…) over the places a, b, c … of each window: first along one axis, then along the next.

    A window takes Σ kernel steps instead of ∏ kernel."""
    for axis, along in enumerate(parts):
        lead = (slice(None),) * axis
        y = x[key(*lead, along[0])]
        for part in along[1:]:
            y = f(y, x[key(*lead, part)])
        x = y
    return x


def grown(xp, x, grow, fill):
    """x in the middle of a constant."""
    if not any(map(any, grow)):
        return x
    wide = [a + n + b for n, (a, b) in zip(x.shape[2:], grow)]
    return xp.put(xp.full_like(x, fill_value=fill, shape=(*x.shape[:2], *wide)), x, key=inside(x, grow))


def inside(x, grow):
    return key(*(slice(a, a + n) for n, (a, _) in zip(x.shape[2:], grow)))


def lowest(x):
    """What is smaller than any value of this dtype, or as small."""
    if x.dtype.kind == "f":
        return -math.inf
    return 0 if x.dtype.kind == "u" else -(2 ** (8 * x.dtype.itemsize - 1))


@op(samples=DILATED)
def max_pool(xp, x, *, kernel, stride, padding, dilation, ceil_mode=False):
    """y = the largest of each window        x̄ = ȳ added where it stands (the first place, in a tie)

    x (N, C, *size)   →   y (N, C, *places)
    """
    count, grow = layout(x, kernel, stride, padding, dilation, ceil_mode)
    wide = grown(xp, x, grow, lowest(x))
    parts = slices(count, kernel, stride, dilation)
    largest = lambda: folded(xp.maximum, wide, parts)

    def gx(g):
        y = largest()  # found anew, since a ReLU that follows may have been written over it
        free, hits, L = True, [], math.prod(count)  # hit: the largest stands here and not at an earlier place
        for at in itertools.product(*parts):
            hit = (wide[key(*at)] == y) & free
            free = free & ~hit
            hits.append(xp.reshape(g * hit, shape=(*g.shape[:2], 1, L)))
        cols = xp.reshape(xp.concatenate(*hits, axis=2), shape=(x.shape[0], x.shape[1] * len(hits), L))
        back = xp.col2im(cols, kernel=kernel, stride=stride, dilation=dilation, shape=wide.shape)
        return back[inside(x, grow)]

    return largest(), (gx,)


@op(samples=DILATED)
def max_pool_places(xp, x, *, kernel, stride, padding, dilation, ceil_mode=False):
    """y = where the largest of each window stands (the first place, in a tie), counted through all of x's places"""
    count, grow = layout(x, kernel, stride, padding, dilation, ceil_mode)
    cols = xp.im2col(grown(xp, x, grow, lowest(x)), kernel=kernel, stride=stride, dilation=dilation)
    shape = (*x.shape[:2], math.prod(kernel), *count)
    rest = xp.argmax(xp.reshape(cols, shape=shape), axis=2)  # the place in the window, of which the last axis goes
    y, step = 0, 1  # fastest
    for k in reversed(range(len(kernel))):
        start = xp.arange_like(rest, n=count[k]) * stride[k] - padding[k]
        at = xp.reshape(start, shape=(-1, *(1,) * (len(kernel) - 1 - k))) + xp.mod(rest, kernel[k]) * dilation[k]
        y, rest, step = y + at * step, xp.floor_divide(rest, kernel[k]), step * x.shape[2 + k]
    return y, None


@op(samples=[shapes(shape, **params) for shape, params in WINDOWS]
    + [shapes((1, 2, 5, 6), kernel=(3, 2), stride=(2, 2), padding=(1, 1), ceil_mode=True, count_include_pad=False),
       shapes((1, 2, 4, 4), kernel=(2, 2), stride=(2, 1), padding=(0, 0), divisor_override=3)])  # fmt: skip
def avg_pool(xp, x, *, kernel, stride, padding, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """y = Σ window / n        x̄ = ȳ / n added at each place of the window

    n counts the window's places inside the padded input (inside the input, if not count_include_pad).
    x (N, C, *size)   →   y (N, C, *places)
    """
    dense = (1,) * len(kernel)
    count, grow = layout(x, kernel, stride, padding, dense, ceil_mode)
    wide = grown(xp, x, grow, 0)
    y = folded(lambda a, b: a + b, wide, slices(count, kernel, stride, dense))
    K, L = math.prod(kernel), math.prod(count)

    def covered(k):
        """How many places of each window count, along axis k."""
        low, high = (-padding[k], x.shape[2 + k] + padding[k]) if count_include_pad else (0, x.shape[2 + k])
        start = xp.arange_like(x, n=count[k]) * stride[k] - padding[k]
        n = xp.minimum(start + kernel[k], high) - xp.maximum(start, low)
        return xp.reshape(xp.astype(n, dtype=x.dtype), shape=(-1, *(1,) * (len(kernel) - 1 - k)))

    n = K if divisor_override is None else divisor_override
    if divisor_override is None and any(map(any, grow)):
        n = 1
        for k in range(len(kernel)):
            n = n * covered(k)

    def gx(g):
        each = xp.broadcast_to(xp.reshape(g / n, shape=(*g.shape[:2], 1, L)), shape=(*g.shape[:2], K, L))
        cols = xp.reshape(each, shape=(x.shape[0], x.shape[1] * K, L))
        return xp.col2im(cols, kernel=kernel, stride=stride, dilation=dense, shape=wide.shape)[inside(x, grow)]

    return y / n, (gx,)


@composite(samples=[
    shapes((2, 3, 4), ints(3, 2, high=4), (3, 2), axis=-1),
    shapes((2, 4, 3), ints(5, 1, high=4), (5, 1), axis=1),
])  # fmt: skip
def resample(xp, x, i, w, *, axis):
    """yₘ = Σₖ wₘₖ x[iₘₖ] along an axis: each new place is a mix of K old ones; where w is 0, whatever stands in x

    This is every way of changing a size: the means of windows, and all interpolation, differ in i and w alone.
    x (…, n, …)   i, integers, and w (m, K)   →   y (…, m, …)
    """
    lead, after = (slice(None),) * (axis % x.ndim), (1,) * (x.ndim - 1 - axis % x.ndim)
    if i.ndim != 2 or i.shape != w.shape or not i.shape[1]:
        raise ValueError(f"i and w have one shape (m, K) with K ≥ 1; got {i.shape} and {w.shape}")
    w, y = xp.astype(w, dtype=x.dtype), 0
    for k in range(i.shape[1]):
        share = xp.reshape(w[:, k], shape=(-1, *after))
        y = y + xp.where(share == 0, 0, share * xp.getitem(x, i[:, k], key=(*lead, INDEX)))
    return y
