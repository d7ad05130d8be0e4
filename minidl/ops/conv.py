"""Convolution as a matrix product: im2col lays every patch out as a column, the filters are the rows.

The transposed convolution is the same product the other way round: the two are each other's input gradient.
Letters: N samples, C channels in, F filters (channels out), G groups, K = C/G · kh · kw numbers in a patch, L places.
"""

from ..autograd import op
from .samples import shapes


def places(size, kernel, stride, padding, dilation):
    """How many places the kernel has along each spatial axis."""
    steps = zip(size, kernel, stride, padding, dilation)
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in steps)


def padded(xp, x, padding):
    return xp.pad(x, pad_width=((0, 0), (0, 0), *((p, p) for p in padding))) if any(padding) else x


def cropped(x, padding):
    (ph, pw), (H, W) = padding, x.shape[2:]
    return x[:, :, ph : H - ph, pw : W - pw] if any(padding) else x


def check(x, w, b, groups, kernel_axis):
    """Refuse operands that do not fit; `kernel_axis` says which axis of w counts the channels of x."""
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"x (N, C, H, W) and a 4-d w are expected; got x {x.shape} and w {w.shape}")
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
    shapes((2, 3, 5, 5), (4, 3, 3, 3), (4,)),
    shapes((2, 4, 6, 5), (6, 2, 3, 2), None, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2),
    shapes((1, 2, 4, 4), (2, 1, 2, 2), (2,), stride=(3, 3), groups=2),
], promote="same")  # fmt: skip
def conv2d(xp, x, w, b=None, *, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """Slide the filters w over x: y = w cols + b,  cols = im2col(x), in each group of channels.

        x̄ = col2im(wᵀ ȳ)        w̄ = Σ_n ȳ colsᵀ        b̄ = Σ ȳ

    x (N, C, H, W)   w (F, C/G, kh, kw)   b (F,) or None   →   y (N, F, Ho, Wo)
    """
    check(x, w, b, groups, kernel_axis=1)
    N, F, G, kernel = x.shape[0], w.shape[0], groups, w.shape[2:]
    Ho, Wo = places(x.shape[2:], kernel, stride, padding, dilation)
    if Ho < 1 or Wo < 1:
        raise ValueError(
            f"the kernel {kernel} with dilation={dilation} is larger than x {x.shape[2:]} with padding={padding}"
        )
    K, L = w.shape[1] * kernel[0] * kernel[1], Ho * Wo
    full = (N, x.shape[1], x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1])
    how = {"kernel": kernel, "stride": stride, "dilation": dilation}

    turn = lambda t: xp.transpose(t, axes=(0, 1, 3, 2))
    rows = xp.reshape(w, shape=(1, G, F // G, K))
    patches = lambda: xp.reshape(xp.im2col(padded(xp, x, padding), **how), shape=(N, G, K, L))
    flat = lambda g: xp.reshape(g, shape=(N, G, F // G, L))
    y = xp.reshape(rows @ patches(), shape=(N, F, Ho, Wo))

    def gx(g):
        cols = xp.reshape(turn(rows) @ flat(g), shape=(N, G * K, L))
        return cropped(xp.col2im(cols, **how, shape=full), padding)

    gw = lambda g: xp.reshape(xp.sum(flat(g) @ turn(patches()), axis=(0,)), shape=w.shape)
    gb = lambda g: xp.sum(g, axis=(0, 2, 3))
    return (y if b is None else y + xp.reshape(b, shape=(F, 1, 1))), (gx, gw, None if b is None else gb)


@op(samples=[
    shapes((2, 3, 4, 4), (3, 2, 3, 3), (2,)),
    shapes((2, 4, 3, 4), (4, 3, 3, 2), None, stride=(2, 1), padding=(1, 0), output_padding=(1, 0), groups=2),
    shapes((1, 2, 2, 3), (2, 1, 2, 2), (2,), stride=(3, 3), output_padding=(2, 1), dilation=(1, 2), groups=2),
], promote="same")  # fmt: skip
def conv_transpose2d(
    xp, x, w, b=None, *, stride=(1, 1), padding=(0, 0), output_padding=(0, 0), dilation=(1, 1), groups=1
):
    """The input gradient of conv2d as an operation of its own: y = col2im(wᵀ x) + b, in each group of channels.

        x̄ = w im2col(ȳ)        w̄ = Σ_n x im2col(ȳ)ᵀ        b̄ = Σ ȳ

    x (N, F, H, W)   w (F, C/G, kh, kw)   b (C,) or None   →   y (N, C, Ho, Wo)

    Ho = s (H − 1) + d (kh − 1) + 1 − 2 padding + output_padding: the last tells apart the sizes that conv2d maps to H.
    """
    check(x, w, b, groups, kernel_axis=0)
    (N, F, H, W), G, kernel = x.shape, groups, w.shape[2:]
    C, K, L = w.shape[1] * G, w.shape[1] * kernel[0] * kernel[1], H * W
    steps = zip((H, W), kernel, stride, dilation, output_padding)
    how = {"kernel": kernel, "stride": stride, "dilation": dilation}
    full = (N, C, *(s * (n - 1) + d * (k - 1) + 1 + o for n, k, s, d, o in steps))
    if full[2] <= 2 * padding[0] or full[3] <= 2 * padding[1]:
        raise ValueError(f"padding={padding} leaves nothing of the {full[2:]} places of the result")

    turn = lambda t: xp.transpose(t, axes=(0, 1, 3, 2))
    rows = xp.reshape(w, shape=(1, G, F // G, K))
    flat = xp.reshape(x, shape=(N, G, F // G, L))
    cols = xp.reshape(turn(rows) @ flat, shape=(N, G * K, L))
    y = cropped(xp.col2im(cols, **how, shape=full), padding)

    def patches(g):
        return xp.reshape(xp.im2col(padded(xp, g, padding), **how), shape=(N, G, K, L))

    gx = lambda g: xp.reshape(rows @ patches(g), shape=x.shape)
    gw = lambda g: xp.reshape(xp.sum(flat @ turn(patches(g)), axis=(0,)), shape=w.shape)
    gb = lambda g: xp.sum(g, axis=(0, 2, 3))
    return (y if b is None else y + xp.reshape(b, shape=(C, 1, 1))), (gx, gw, None if b is None else gb)
