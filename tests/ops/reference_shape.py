"""Where values stand, one element at a time."""

import itertools
import math

import numpy as np


def built(shape, value, like=float):
    """An array from a function of the place."""
    y = np.zeros(shape, like)
    for at in np.ndindex(*shape):
        y[at] = value(at)
    return y


def broadcast_to(x, *, shape):
    back = lambda at: tuple(0 if n == 1 else i for i, n in zip(at[len(at) - x.ndim :], x.shape))
    for n, m in zip(reversed(x.shape), reversed(shape)):
        if n not in (1, m):
            raise ValueError("does not broadcast")
    return built(shape, lambda at: x[back(at)])


def sum_to(x, *, shape):
    y = np.zeros(shape)
    for at in np.ndindex(x.shape):
        y[tuple(0 if n == 1 else i for i, n in zip(at[x.ndim - len(shape) :], shape))] += x[at]
    return y


def reshape(x, *, shape):
    values = iter(x.flatten().tolist())
    return built(shape, lambda at: next(values)) if np.prod(shape) == x.size else np.reshape(x, shape)


def transpose(x, *, axes):
    axes = [a % x.ndim for a in axes]
    return built([x.shape[a] for a in axes], lambda at: x[tuple(at[axes.index(k)] for k in range(x.ndim))])


def concatenate(*xs, axis):
    parts = [row for x in xs for row in np.moveaxis(x, axis, 0)]
    if not parts:
        return xs[0].copy()
    return np.moveaxis(np.array(parts), 0, axis)


def numbers(x):
    return list(x) if isinstance(x, tuple | list) else [x]


def flip(x, *, axis):
    axes = [a % x.ndim for a in numbers(axis)]
    turned = lambda at: tuple(n - 1 - i if k in axes else i for k, (i, n) in enumerate(zip(at, x.shape)))
    return built(x.shape, lambda at: x[turned(at)])


def roll(x, *, shift, axis):
    shifts = {a % x.ndim: s for s, a in zip(numbers(shift), numbers(axis))}
    return built(x.shape, lambda at: x[tuple((i - shifts.get(k, 0)) % x.shape[k] for k, i in enumerate(at))])


def triangle(keep):
    return lambda x, k=0: built(x.shape, lambda at: x[at] if keep(at[-1] - at[-2], k) else 0.0)


def diagonal(x, *, offset, axis1, axis2):
    rest = [k for k in range(x.ndim) if k not in (axis1 % x.ndim, axis2 % x.ndim)]
    rows = [i for i in range(x.shape[axis1]) if 0 <= i + offset < x.shape[axis2]]
    y = np.zeros([x.shape[k] for k in rest] + [len(rows)])
    for at in np.ndindex(y.shape):
        place = dict(zip(rest, at)) | {axis1 % x.ndim: rows[at[-1]], axis2 % x.ndim: rows[at[-1]] + offset}
        y[at] = x[tuple(place[k] for k in range(x.ndim))]
    return y


def diag_embed(x, *, offset, axis1, axis2, shape):
    """The one array whose diagonal is x, and whose other places are 0."""
    y = np.zeros(shape)
    where = diagonal(np.arange(y.size).reshape(shape), offset=offset, axis1=axis1, axis2=axis2).astype(int)
    if where.shape != x.shape:
        raise ValueError("no such diagonal")
    y.flat[where.flatten()] = x.flatten()
    return y


def pad(x, *, pad_width):
    y = np.zeros([n + before + after for n, (before, after) in zip(x.shape, pad_width)])
    for at in np.ndindex(x.shape):
        y[tuple(i + before for i, (before, _) in zip(at, pad_width))] = x[at]
    return y


def patches(shape, kernel, stride, dilation):
    """For each entry (n, c ∏kernel, place) of the columns, the place in x (N, C, *size)."""
    N, C, *size = shape
    along = [range(0, m - d * (k - 1), s) for m, d, k, s in zip(size, dilation, kernel, stride)]
    starts = list(itertools.product(*along))
    for n in range(N):
        for row, (c, *inner) in enumerate(itertools.product(range(C), *map(range, kernel))):
            for place, start in enumerate(starts):
                yield (n, row, place), (n, c, *(i + a * d for i, a, d in zip(start, inner, dilation))), len(starts)


def im2col(x, *, kernel, stride, dilation):
    found = list(patches(x.shape, kernel, stride, dilation))
    y = np.zeros((x.shape[0], x.shape[1] * math.prod(kernel), found[0][2]))
    for at, source, _ in found:
        y[at] = x[source]
    return y


def col2im(x, *, kernel, stride, dilation, shape):
    assert x.shape[1] == shape[1] * math.prod(kernel)
    y = np.zeros(shape)
    for at, target, _ in patches(shape, kernel, stride, dilation):
        y[target] += x[at]
    return y


def filled(value):
    def like(x, shape=None, dtype=None, fill_value=value):
        return built(x.shape if shape is None else shape, lambda at: fill_value)

    return like


def as_strided(x, shape, steps, offset):
    y = np.empty(shape)
    for at in np.ndindex(*shape):
        y[at] = x[offset + sum(i * step for i, step in zip(at, steps))]
    return y


REFERENCES = {
    "as_strided": as_strided,
    "reshape": reshape,
    "broadcast_to": broadcast_to,
    "sum_to": sum_to,
    "transpose": transpose,
    "concatenate": concatenate,
    "flip": flip,
    "roll": roll,
    "tril": triangle(lambda right, k: right <= k),
    "triu": triangle(lambda right, k: right >= k),
    "diagonal": diagonal,
    "diag_embed": diag_embed,
    "pad": pad,
    "im2col": im2col,
    "col2im": col2im,
    "copy": lambda x: built(x.shape, lambda at: x[at]),
    "astype": lambda x, dtype: built(x.shape, lambda at: x[at]),
    "zeros_like": filled(0),
    "ones_like": filled(1),
    "full_like": filled(None),
    "arange_like": lambda x, n: list(range(n)),
}
