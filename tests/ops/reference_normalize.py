"""Normalisation: what is normalised together as a list, by NumPy's own mean and standard deviation."""

import numpy as np


def standard(values, eps):
    return (values - np.mean(values)) / np.sqrt(np.std(values) ** 2 + eps)


def affine(y, w, b, channel_axis=True):
    for c in range(y.shape[1] if channel_axis else 0):
        y[:, c] = y[:, c] * (1 if w is None else w[c]) + (0 if b is None else b[c])
    return y


def batch_norm(x, w=None, b=None, eps=1e-5):
    y = x.copy()
    for c in range(x.shape[1]):
        y[:, c] = standard(x[:, c], eps)
    channels = [x[:, c] for c in range(x.shape[1])]
    return affine(y, w, b), np.array([np.mean(v) for v in channels]), np.array([np.var(v) for v in channels])


def batch_norm_eval(x, mu, var, w=None, b=None, eps=1e-5):
    y = x.copy()
    for c in range(x.shape[1]):
        y[:, c] = (x[:, c] - mu[c]) / np.sqrt(var[c] + eps)
    return affine(y, w, b)


def over_last(x, last, one):
    assert x.ndim >= last
    y = np.empty(x.shape)
    for place in np.ndindex(x.shape[: x.ndim - last]):
        y[place] = one(x[place])
    return y


def layer_norm(x, w=None, b=None, last=1, eps=1e-5):
    return over_last(x, last, lambda v: standard(v, eps) * (1 if w is None else w) + (0 if b is None else b))


def rms_norm(x, w=None, last=1, eps=1e-6):
    return over_last(x, last, lambda v: v / np.sqrt(np.sum(v**2) / v.size + eps) * (1 if w is None else w))


def group_norm(x, w=None, b=None, groups=1, eps=1e-5):
    y, size = x.copy(), x.shape[1] // groups
    for n in range(x.shape[0]):
        for k in range(groups):
            y[n, k * size : (k + 1) * size] = standard(x[n, k * size : (k + 1) * size], eps)
    return affine(y, w, b)


REFERENCES = {
    "batch_norm": batch_norm,
    "batch_norm_eval": batch_norm_eval,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
}
