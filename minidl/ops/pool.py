"""Pooling: the largest or the mean of each window. A window is read as slices, so nothing is copied to be compared.

`padding` and the kernel are pairs; with ceil_mode a last window may reach beyond the padded input, if it starts inside.
"""

from typing import Any

from ..autograd import op
from .samples import distinct, shapes

WINDOWS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 4, 4), {"kernel": (2, 2), "stride": (2, 2)}),
    ((1, 2, 5, 6), {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 1)}),
    ((1, 2, 6, 5), {"kernel": (2, 2), "stride": (3, 2), "ceil_mode": True}),
]
DILATED: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1, 2, 7, 6), {"kernel": (3, 2), "stride": (1, 2), "padding": (1, 0), "dilation": (2, 3)})
]


def places(n, kernel, stride, padding, dilation=1, ceil_mode=False):
    """How many windows fit along an axis of length n."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    return count - 1 if ceil_mode and (count - 1) * stride >= n + padding else count


def layout(x, kernel, stride, padding, dilation=(1, 1), ceil_mode=False):
    """The result's (Ho, Wo), and how far x must grow on each side so that every window lies inside."""
    if x.ndim != 4:
        raise ValueError(f"x (N, C, H, W) or (C, H, W) is expected; got {x.shape}")
    size, grow = [], []
    for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation):
        count = places(n, k, s, p, d, ceil_mode)
        if count < 1:
            raise ValueError(f"a kernel {kernel} is larger than x {x.shape[2:]} with padding={padding}")
        if 2 * p > d * (k - 1) + 1:
            raise ValueError(f"padding={padding} is more than half of the kernel {kernel}")
        size.append(count)
        grow.append((p, max((count - 1) * s + d * (k - 1) + 1 - n - p, 0)))
    return size, grow


def slices(count, kernel, stride, dilation=1):
    """For each row of the window, where all windows have it."""
    return [slice(i * dilation, i * dilation + stride * (count - 1) + 1, stride) for i in range(kernel)]


def folded(f, parts):
    """f(…f(f(a, b), c)…) over parts a, b, c …"""
    y = parts[0]
    for part in parts[1:]:
        y = f(y, part)
    return y


def grown(xp, x, grow, fill):
    """x in the middle of a constant."""
    if not any(map(any, grow)):
        return x
    wide = [a + n + b for n, (a, b) in zip(x.shape[2:], grow)]
    return xp.put(xp.full_like(x, fill_value=fill, shape=(*x.shape[:2], *wide)), x, key=inside(x, grow))


def inside(x, grow):
    return (slice(None), slice(None), *(slice(a, a + n) for n, (a, _) in zip(x.shape[2:], grow)))


@op(samples=[shapes(distinct(*shape), **params) for shape, params in WINDOWS + DILATED])
def max_pool2d(xp, x, *, kernel, stride, padding=(0, 0), dilation=(1, 1), ceil_mode=False):
    """y = the largest of each window        x̄ = ȳ added where it stands (the first place, in a tie)

    x (N, C, H, W)   →   y (N, C, Ho, Wo)        rows first, then columns: kh + kw comparisons instead of kh · kw
    """
    (Ho, Wo), grow = layout(x, kernel, stride, padding, dilation, ceil_mode)
    wide = grown(xp, x, grow, -float("inf"))
    down, across = slices(Ho, kernel[0], stride[0], dilation[0]), slices(Wo, kernel[1], stride[1], dilation[1])
    high = folded(xp.maximum, [wide[:, :, i] for i in down])
    y = folded(xp.maximum, [high[:, :, :, j] for j in across])

    def gx(g):
        free, parts = True, []  # hit: the largest stands here and not at an earlier place
        for i in down:
            for j in across:
                hit = (wide[:, :, i, j] == y) & free
                free = free & ~hit
                parts.append(xp.reshape(g * hit, shape=(*g.shape[:2], 1, Ho * Wo)))
        cols = xp.reshape(xp.concatenate(*parts, axis=2), shape=(x.shape[0], x.shape[1] * len(parts), Ho * Wo))
        back = xp.col2im(cols, kernel=kernel, stride=stride, dilation=dilation, shape=wide.shape)
        return back[inside(x, grow)]

    return y, (gx,)


@op(samples=[shapes(distinct(*shape), **params) for shape, params in WINDOWS + DILATED])
def max_pool2d_places(xp, x, *, kernel, stride, padding=(0, 0), dilation=(1, 1), ceil_mode=False):
    """y = where the largest of each window stands, as row · W + column (the first place, in a tie)"""
    (Ho, Wo), grow = layout(x, kernel, stride, padding, dilation, ceil_mode)
    (kh, kw), (N, C, _, W) = kernel, x.shape
    wide = grown(xp, x, grow, -float("inf"))
    cols = xp.im2col(wide, kernel=kernel, stride=stride, dilation=dilation)
    first = xp.argmax(xp.reshape(cols, shape=(N, C, kh * kw, Ho, Wo)), axis=2)
    at = lambda n, k: xp.reshape(xp.arange_like(first, n=n) * stride[k] - padding[k], shape=(n, 1)[: 2 - k])
    row = at(Ho, 0) + xp.floor_divide(first, kw) * dilation[0]
    return row * W + at(Wo, 1) + xp.mod(first, kw) * dilation[1], None


@op(samples=[shapes(shape, **params) for shape, params in WINDOWS]
    + [shapes((1, 2, 5, 6), kernel=(3, 2), stride=(2, 2), padding=(1, 1), ceil_mode=True, count_include_pad=False),
       shapes((1, 2, 4, 4), kernel=(2, 2), stride=(2, 1), divisor_override=3)])  # fmt: skip
def avg_pool2d(
    xp, x, *, kernel, stride, padding=(0, 0), ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """y = Σ window / n        x̄ = ȳ / n added at each place of the window

    n counts the window's places inside the padded input (inside the input, if not count_include_pad).
    x (N, C, H, W)   →   y (N, C, Ho, Wo)
    """
    (Ho, Wo), grow = layout(x, kernel, stride, padding, ceil_mode=ceil_mode)
    wide = grown(xp, x, grow, 0.0)
    high = folded(lambda a, b: a + b, [wide[:, :, i] for i in slices(Ho, kernel[0], stride[0])])
    y = folded(lambda a, b: a + b, [high[:, :, :, j] for j in slices(Wo, kernel[1], stride[1])])

    def count(k, n):
        """How many places of each window count, along axis k."""
        low, high = (-padding[k], x.shape[2 + k] + padding[k]) if count_include_pad else (0, x.shape[2 + k])
        start = xp.arange_like(x, n=n) * stride[k] - padding[k]
        inside = xp.minimum(start + kernel[k], high) - xp.maximum(start, low)
        return xp.reshape(xp.astype(inside, dtype=x.dtype), shape=(n, 1)[: 2 - k])

    if divisor_override is not None:
        share = 1 / divisor_override
    elif any(map(any, grow)):
        share = 1 / (count(0, Ho) * count(1, Wo))
    else:
        share = 1 / (kernel[0] * kernel[1])

    def gx(g):
        each = xp.reshape(g * share, shape=(*g.shape[:2], 1, Ho * Wo))
        each = xp.broadcast_to(each, shape=(*g.shape[:2], kernel[0] * kernel[1], Ho * Wo))
        cols = xp.reshape(each, shape=(x.shape[0], x.shape[1] * kernel[0] * kernel[1], Ho * Wo))
        return xp.col2im(cols, kernel=kernel, stride=stride, dilation=(1, 1), shape=wide.shape)[inside(x, grow)]

    return y * share, (gx,)


@op(samples=[shapes((2, 3, 5, 7), size=(3, 2)), shapes((1, 2, 2, 4), size=(4, 4)), shapes((2, 3, 4), size=(1, 3))])
def adaptive_avg_pool2d(xp, x, *, size):
    """y = P x Qᵀ, where row i of P takes the mean over the places from ⌊i n/m⌋ up to ⌈(i + 1) n/m⌉ of n

        x̄ = Pᵀ ȳ Q        x (…, H, W)   →   y (…, Ho, Wo),  size = (Ho, Wo)
    """

    def means(n, m):
        """The m × n matrix that takes m means of n values."""
        k, i = xp.arange_like(x, n=n), xp.reshape(xp.arange_like(x, n=m), shape=(m, 1))
        start, stop = xp.floor_divide(i * n, m), -xp.floor_divide(-(i + 1) * n, m)
        return xp.astype((k >= start) & (k < stop), dtype=x.dtype) / xp.astype(stop - start, dtype=x.dtype)

    turn = lambda t: xp.transpose(t, axes=(1, 0))
    P, Q = means(x.shape[-2], size[0]), means(x.shape[-1], size[1])
    return xp.matmul(xp.matmul(P, x), turn(Q)), (lambda g: xp.matmul(xp.matmul(turn(P), g), Q),)
