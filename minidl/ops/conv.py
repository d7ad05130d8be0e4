"""Convolution as a matrix product: im2col lays every patch out as a column, the filters are the rows.

One formula serves signals, pictures and volumes: what differs is how many axes there are in space.
The transposed convolution is the same product the other way round: the two are each other's input gradient.
Letters: N samples, C channels in, F filters (channels out), G groups, K = C/G · ∏ kernel numbers in a patch, L places.
"""

import math

from ..autograd import op
from .samples import shapes


def places(size, kernel, stride, padding, dilation):
    """How many places the kernel has along each spatial axis."""
    steps = zip(size, kernel, stride, padding, dilation)
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in steps)


def padded(xp, x, padding):
    return xp.pad(x, pad_width=((0, 0), (0, 0), *((p, p) for p in padding))) if any(padding) else x


def cropped(x, padding):
    key = (slice(None), slice(None), *(slice(p, n - p) for n, p in zip(x.shape[2:], padding)))
    return x[key] if any(padding) else x


def check(x, w, b, groups, kernel_axis):
    """Refuse operands that do not fit; `kernel_axis` says which axis of w counts the channels of x."""
    if x.ndim < 3 or w.ndim != x.ndim:
        raise ValueError(f"x (N, C, …) and a w with as many axes are expected; got x {x.shape} and w {w.shape}")
    C, channels = x.shape[1], w.shape[kernel_axis] * (groups if kernel_axis == 1 else 1)
    if C != channels:
        raise ValueError(
            f"x has {C} channels, w {w.shape} expects {channels} with groups={groups}; the channels of x {x.shape} "
            "are its axis 1"
        )
    outputs = w.shape[0] if kernel_axis == 1 else w.shape[1] * groups
    if w.shape[0] % groups:
        raise ValueError(f"axis 0 of w {w.shape} must be divisible by groups={groups}")
    if b is not None and b.shape != (outputs,):
        raise ValueError(f"b must hold one number for each of the {outputs} channels of the result; got {b.shape}")


@op(samples=[
    shapes((2, 3, 5, 5), (4, 3, 3, 3), (4,), stride=(1, 1), padding=(0, 0), dilation=(1, 1)),
    shapes((2, 4, 6, 5), (6, 2, 3, 2), None, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2),
    shapes((1, 2, 4, 4), (2, 1, 2, 2), (2,), stride=(3, 3), padding=(0, 0), dilation=(1, 1), groups=2),
    shapes((2, 2, 5), (3, 2, 2), (3,), stride=(2,), padding=(1,), dilation=(2,)),
    shapes((1, 2, 3, 4, 3), (2, 2, 2, 3, 1), (2,), stride=(1, 2, 1), padding=(0, 1, 0), dilation=(2, 1, 1)),
], promote="same")  # fmt: skip
def conv(xp, x, w, b=None, *, stride, padding, dilation, groups=1):
    """Slide the filters w over x: y = w cols + b,  cols = im2col(x), in each group of channels.

        x̄ = col2im(wᵀ ȳ)        w̄ = Σ_n ȳ colsᵀ        b̄ = Σ ȳ

    x (N, C, *size)   w (F, C/G, *kernel)   b (F,) or None   →   y (N, F, *places)
    """
    check(x, w, b, groups, kernel_axis=1)
    N, F, G, kernel, size = x.shape[0], w.shape[0], groups, w.shape[2:], x.shape[2:]
    out = places(size, kernel, stride, padding, dilation)
    if min(out) < 1:
        raise ValueError(f"the kernel {kernel} with dilation={dilation} is larger than x {size} with padding={padding}")
    K, L = w.shape[1] * math.prod(kernel), math.prod(out)
    full = (*x.shape[:2], *(n + 2 * p for n, p in zip(size, padding)))
    how = {"kernel": kernel, "stride": stride, "dilation": dilation}

    turn = lambda t: xp.transpose(t, axes=(0, 1, 3, 2))
    rows = xp.reshape(w, shape=(1, G, F // G, K))
    patches = lambda: xp.reshape(xp.im2col(padded(xp, x, padding), **how), shape=(N, G, K, L))
    flat = lambda g: xp.reshape(g, shape=(N, G, F // G, L))
    y = xp.reshape(rows @ patches(), shape=(N, F, *out))

    def gx(g):
        cols = xp.reshape(turn(rows) @ flat(g), shape=(N, G * K, L))
        return cropped(xp.col2im(cols, **how, shape=full), padding)

    gw = lambda g: xp.reshape(xp.sum(flat(g) @ turn(patches()), axis=(0,)), shape=w.shape)
    gb = lambda g: xp.sum(g, axis=(0, *range(2, g.ndim)))
    return (y if b is None else y + xp.reshape(b, shape=(F, *(1,) * len(out)))), (gx, gw, None if b is None else gb)


@op(samples=[
    shapes((2, 3, 4, 4), (3, 2, 3, 3), (2,), stride=(1, 1), padding=(0, 0), output_padding=(0, 0), dilation=(1, 1)),
    shapes((2, 4, 3, 4), (4, 3, 3, 2), None, stride=(2, 1), padding=(1, 0), output_padding=(1, 0), dilation=(1, 1),
           groups=2),
    shapes((1, 2, 2, 3), (2, 1, 2, 2), (2,), stride=(3, 3), padding=(0, 0), output_padding=(2, 1), dilation=(1, 2),
           groups=2),
    shapes((2, 3, 4), (3, 2, 3), (2,), stride=(2,), padding=(1,), output_padding=(1,), dilation=(1,)),
    shapes((1, 2, 2, 1, 3), (2, 2, 2, 3, 1), (2,), stride=(1, 2, 1), padding=(0, 1, 0), output_padding=(0, 1, 0),
           dilation=(2, 1, 1)),
    shapes((1, 1, 3), (1, 1, 2), None, stride=(1,), padding=(0,), output_padding=(2,), dilation=(3,)),
], promote="same")  # fmt: skip
def conv_transpose(xp, x, w, b=None, *, stride, padding, output_padding, dilation, groups=1):
    """The input gradient of conv as an operation of its own: y = col2im(wᵀ x) + b, in each group of channels.

        x̄ = w im2col(ȳ)        w̄ = Σ_n x im2col(ȳ)ᵀ        b̄ = Σ ȳ

    x (N, F, *places)   w (F, C/G, *kernel)   b (C,) or None   →   y (N, C, *size)

    size = s (places − 1) + d (kernel − 1) + 1 − 2 padding + output_padding: the last tells apart the sizes that conv
    maps to the same places.
    """
    check(x, w, b, groups, kernel_axis=0)
    (N, F, *out), G, kernel = x.shape, groups, w.shape[2:]
    C, K, L = w.shape[1] * G, w.shape[1] * math.prod(kernel), math.prod(out)
    how = {"kernel": kernel, "stride": stride, "dilation": dilation}
    reach = tuple(s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in zip(out, kernel, stride, dilation))
    full, more = (N, C, *reach), ((0, 0), (0, 0), *((0, o) for o in output_padding))
    if any(n + o <= 2 * p for n, o, p in zip(reach, output_padding, padding)):
        raise ValueError(f"padding={padding} leaves nothing of the {reach} places of the result")

    turn = lambda t: xp.transpose(t, axes=(0, 1, 3, 2))
    rows = xp.reshape(w, shape=(1, G, F // G, K))
    flat = xp.reshape(x, shape=(N, G, F // G, L))
    cols = xp.reshape(turn(rows) @ flat, shape=(N, G * K, L))
    y = xp.col2im(cols, **how, shape=full)
    y = cropped(xp.pad(y, pad_width=more) if any(output_padding) else y, padding)

    def patches(g):
        reached = padded(xp, g, padding)[(slice(None), slice(None), *(slice(n) for n in reach))]
        return xp.reshape(xp.im2col(reached, **how), shape=(N, G, K, L))

    gx = lambda g: xp.reshape(rows @ patches(g), shape=x.shape)
    gw = lambda g: xp.reshape(xp.sum(flat @ turn(patches(g)), axis=(0,)), shape=w.shape)
    gb = lambda g: xp.sum(g, axis=(0, *range(2, g.ndim)))
    return (y if b is None else y + xp.reshape(b, shape=(C, *(1,) * len(out)))), (gx, gw, None if b is None else gb)
