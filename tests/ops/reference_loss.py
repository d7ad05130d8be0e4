"""Losses by their definitions, one sample at a time."""

import math

import numpy as np

from .reference_softmax import REFERENCES as SOFTMAX


def reduce(losses, reduction, weight=None):
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    weight = losses.size if weight is None else weight
    return losses.sum() / weight if weight else np.asarray(math.nan)


def elementwise(function):
    def of_arrays(*xs, reduction="mean", **params):
        xs = [1.0 if x is None else x for x in xs]
        each = np.vectorize(lambda *numbers: function(*map(float, numbers), **params), otypes=[float])
        return reduce(each(*xs), reduction)

    return of_arrays


def huber(x, t, delta=1.0):
    d = abs(x - t)
    return d * d / 2 if d < delta else delta * (d - delta / 2)


def bce(x, t, w):
    log = lambda p: max(math.log(p), -100) if p > 0 else -100
    return -w * (t * log(x) + (1 - t) * log(1 - x))


def bce_with_logits(x, t, w, p):
    log_sigmoid = lambda z: -math.log(1 + math.exp(-z))
    return -w * (p * t * log_sigmoid(x) + (1 - t) * log_sigmoid(-x))


def kl(x, t, log_target=False):
    if log_target:
        return math.exp(t) * (t - x)
    return t * math.log(t) - t * x if t > 0 else -t * x


def nll_loss(x, t, w=None, reduction="mean", ignore_index=-100, label_smoothing=0.0):
    classes = x.shape[1 if x.ndim > 1 else 0]
    w = [1.0] * classes if w is None else w
    losses, total = np.zeros(t.shape), 0.0
    for place in np.ndindex(t.shape):
        label = int(t[place])
        if label == ignore_index:
            continue
        row = x if x.ndim == 1 else x[(place[0], slice(None), *place[1:])]
        smooth = sum(w[c] * row[c] for c in range(classes)) / classes
        losses[place] = -(1 - label_smoothing) * w[label] * row[label] - label_smoothing * smooth
        total += w[label]
    return reduce(losses, reduction, total)


def cross_entropy(x, t, w=None, **params):
    return nll_loss(SOFTMAX["log_softmax"](x, axis=min(x.ndim - 1, 1)), t, w, **params)


def soft_cross_entropy(x, t, w=None, reduction="mean", label_smoothing=0.0):
    axis = min(x.ndim - 1, 1)
    z, classes = SOFTMAX["log_softmax"](x, axis=axis), x.shape[axis]
    losses = np.zeros(x.shape[:axis] + x.shape[axis + 1 :])
    for c in range(classes):
        q = (1 - label_smoothing) * t.take(c, axis) + label_smoothing / classes
        losses = losses - (1.0 if w is None else w[c]) * q * z.take(c, axis)
    return reduce(losses, reduction)


REFERENCES = {
    "mse_loss": elementwise(lambda x, t: (x - t) ** 2),
    "l1_loss": elementwise(lambda x, t: math.fabs(x - t)),
    "huber_loss": elementwise(huber),
    "smooth_l1_loss": elementwise(lambda x, t, beta=1.0: huber(x, t, beta) / beta),
    "nll_loss": nll_loss,
    "cross_entropy": cross_entropy,
    "soft_cross_entropy": soft_cross_entropy,
    "binary_cross_entropy": elementwise(bce),
    "binary_cross_entropy_with_logits": elementwise(bce_with_logits),
    "kl_div": elementwise(kl),
}
