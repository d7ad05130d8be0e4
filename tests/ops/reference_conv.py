"""Convolution by its definition: every output, every channel, every place of the kernel."""

import numpy as np


def conv2d(x, w, b=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    (N, C, H, W), (F, per_group, kh, kw) = x.shape, w.shape
    assert C == per_group * groups
    Ho = (H + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    Wo = (W + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    assert min(kh, kw, Ho, Wo) > 0
    y = np.zeros((N, F, Ho, Wo))
    for n, f, i, j in np.ndindex(y.shape):
        first = f // (F // groups) * per_group
        for c, a, e in np.ndindex(per_group, kh, kw):
            row = i * stride[0] - padding[0] + a * dilation[0]
            column = j * stride[1] - padding[1] + e * dilation[1]
            if 0 <= row < H and 0 <= column < W:
                y[n, f, i, j] += w[f, c, a, e] * x[n, first + c, row, column]
        y[n, f, i, j] += 0 if b is None else b[f]
    return y


def conv_transpose2d(
    x, w, b=None, stride=(1, 1), padding=(0, 0), output_padding=(0, 0), dilation=(1, 1), groups=1
):
    (N, F, H, W), (_, per_group, kh, kw) = x.shape, w.shape
    size = [
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, s, p, d, k, o in zip((H, W), stride, padding, dilation, (kh, kw), output_padding)
    ]
    y = np.zeros((N, per_group * groups, *size))
    for n, f, i, j in np.ndindex(x.shape):
        first = f // (F // groups) * per_group
        for c, a, e in np.ndindex(per_group, kh, kw):
            row = i * stride[0] - padding[0] + a * dilation[0]
            column = j * stride[1] - padding[1] + e * dilation[1]
            if 0 <= row < size[0] and 0 <= column < size[1]:
                y[n, first + c, row, column] += w[f, c, a, e] * x[n, f, i, j]
    return y if b is None else y + b[:, None, None]


REFERENCES = {"conv2d": conv2d, "conv_transpose2d": conv_transpose2d}
