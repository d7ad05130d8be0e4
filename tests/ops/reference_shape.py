"""Every value put where it belongs, one at a time."""

import numpy as np


def place_by_place(shape, source, dtype=float):
    """An array whose value at each place is source(place)."""
    y = np.zeros(shape, dtype)
    for place in np.ndindex(*shape):
        y[place] = source(place)
    return y


def broadcast_to(x, *, shape):
    lead = len(shape) - x.ndim
    return place_by_place(shape, lambda p: x[tuple(0 if n == 1 else p[lead + k] for k, n in enumerate(x.shape))])


def sum_to(x, *, shape):
    y, lead = np.zeros(shape), x.ndim - len(shape)
    for place in np.ndindex(*x.shape):
        y[tuple(0 if n == 1 else place[lead + k] for k, n in enumerate(shape))] += x[place]
    return y


def transpose(x, *, axes):
    axes = [a % x.ndim for a in axes]
    return place_by_place([x.shape[a] for a in axes], lambda p: x[tuple(p[axes.index(k)] for k in range(x.ndim))])


def concatenate(*xs, axis):
    rows = [np.moveaxis(x, axis, 0) for x in xs]
    y = np.array([part for x in rows for part in x]).reshape(-1, *rows[0].shape[1:])
    return np.moveaxis(y, 0, axis)


def flip(x, *, axis):
    axes = [a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis)]
    return place_by_place(x.shape, lambda p: x[tuple(-1 - i if k in axes else i for k, i in enumerate(p))])


def roll(x, *, shift, axis):
    if isinstance(axis, int):
        shift, axis = (shift,), (axis,)
    by = {a % x.ndim: s for a, s in zip(axis, shift, strict=True)}
    return place_by_place(x.shape, lambda p: x[tuple((i - by.get(k, 0)) % x.shape[k] for k, i in enumerate(p))])


def triangle(keep):
    return lambda x, *, k=0: place_by_place(x.shape, lambda p: x[p] if keep(p[-1] - p[-2], k) else 0)


def diagonal(x, *, offset, axis1, axis2):
    moved = np.moveaxis(x, (axis1, axis2), (-2, -1))
    rows = [r for r in range(moved.shape[-2]) if 0 <= r + offset < moved.shape[-1]]
    return np.stack([moved[..., r, r + offset] for r in rows], -1)


def diag_embed(d, *, offset, axis1, axis2, shape):
    y = np.zeros(shape)
    moved = np.moveaxis(y, (axis1, axis2), (-2, -1))
    rows = [r for r in range(moved.shape[-2]) if 0 <= r + offset < moved.shape[-1]]
    for k, r in enumerate(rows):
        moved[..., r, r + offset] = d[..., k]
    return y


def pad(x, *, pad_width):
    y = np.zeros([n + sum(w) for n, w in zip(x.shape, pad_width, strict=True)])
    for p in np.ndindex(*x.shape):
        y[tuple(i + before for i, (before, _) in zip(p, pad_width, strict=True))] = x[p]
    return y


def patches(shape, kernel, stride, dilation):
    """For every patch and every value in it: its column and row, and its place in the image."""
    (N, C, H, W), (kh, kw), (sh, sw), (dh, dw) = shape, kernel, stride, dilation
    Ho, Wo = (H - dh * (kh - 1) - 1) // sh + 1, (W - dw * (kw - 1) - 1) // sw + 1
    for n, c, i, j, r, s in np.ndindex(N, C, kh, kw, Ho, Wo):
        yield (n, (c * kh + i) * kw + j, r * Wo + s), (n, c, r * sh + i * dh, s * sw + j * dw)


def im2col(x, **geometry):
    pairs = list(patches(x.shape, **geometry))
    y = np.zeros(np.max([column for column, _ in pairs], 0) + 1)
    for column, place in pairs:
        y[column] = x[place]
    return y


def col2im(cols, *, shape, **geometry):
    y = np.zeros(shape)
    for column, place in patches(shape, **geometry):
        y[place] += cols[column]
    return y


def filled(number):
    return lambda x, *, shape=None, dtype=None: place_by_place(
        x.shape if shape is None else shape, lambda p: number, dtype or x.dtype
    )


REFERENCES = {
    "reshape": lambda x, *, shape: np.array(x.ravel().tolist()).reshape(shape),
    "transpose": transpose,
    "broadcast_to": broadcast_to,
    "sum_to": sum_to,
    "astype": lambda x, *, dtype: np.array(x.tolist(), dtype).reshape(x.shape),
    "copy": lambda x: np.array(x.tolist()).reshape(x.shape),
    "concatenate": concatenate,
    "flip": flip,
    "roll": roll,
    "tril": triangle(lambda d, k: d <= k),
    "triu": triangle(lambda d, k: d >= k),
    "diagonal": diagonal,
    "diag_embed": diag_embed,
    "pad": pad,
    "im2col": im2col,
    "col2im": col2im,
    "zeros_like": filled(0),
    "ones_like": filled(1),
    "full_like": lambda x, *, fill_value, **params: filled(fill_value)(x, **params),
    "arange_like": lambda x, *, n: np.array(list(range(n)), int),
}
