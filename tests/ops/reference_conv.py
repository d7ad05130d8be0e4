"""Convolution by its definition: every output, every channel, every place of the kernel."""

import numpy as np


def within(at, size):
    return all(0 <= i < n for i, n in zip(at, size))


def conv(x, w, b=None, *, stride, padding, dilation, groups=1):
    (N, C, *size), (F, per_group, *kernel) = x.shape, w.shape
    assert C == per_group * groups
    steps = zip(size, padding, dilation, kernel, stride)
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in steps]
    assert min(*kernel, *out) > 0
    y = np.zeros((N, F, *out))
    for n, f, *at in np.ndindex(y.shape):
        first = f // (F // groups) * per_group
        for c, *inner in np.ndindex(per_group, *kernel):
            place = [i * s - p + a * d for i, s, p, a, d in zip(at, stride, padding, inner, dilation)]
            if within(place, size):
                y[n, f, *at] += w[f, c, *inner] * x[n, first + c, *place]
        y[n, f, *at] += 0 if b is None else b[f]
    return y


def conv_transpose(x, w, b=None, *, stride, padding, output_padding, dilation, groups=1):
    (N, F, *out), (_, per_group, *kernel) = x.shape, w.shape
    steps = zip(out, stride, padding, dilation, kernel, output_padding)
    size = [(n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, s, p, d, k, o in steps]
    assert min(*kernel, *size) > 0
    y = np.zeros((N, per_group * groups, *size))
    for n, f, *at in np.ndindex(x.shape):
        first = f // (F // groups) * per_group
        for c, *inner in np.ndindex(per_group, *kernel):
            place = [i * s - p + a * d for i, s, p, a, d in zip(at, stride, padding, inner, dilation)]
            if within(place, size):
                y[n, first + c, *place] += w[f, c, *inner] * x[n, f, *at]
    return y if b is None else y + b.reshape(-1, *[1] * len(out))


REFERENCES = {"conv": conv, "conv_transpose": conv_transpose}
