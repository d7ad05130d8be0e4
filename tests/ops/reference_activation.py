"""Activations one number at a time, with `math`."""

import math

import numpy as np


def each(function):
    """A function of numbers, for arrays; static keywords pass through."""

    def of_arrays(*xs, **params):
        return np.vectorize(lambda *numbers: function(*map(float, numbers), **params), otypes=[float])(*xs)

    return of_arrays


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def normal_cdf(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def softplus(x, beta=1.0, threshold=20.0):
    return x if beta * x > threshold else math.log(1 + math.exp(beta * x)) / beta


def elu(x, alpha=1.0, scale=1.0, rate=1.0):
    return scale * x if x > 0 else scale * alpha * (math.exp(rate * x) - 1)


def glu(x, axis=-1):
    a, b = np.split(x, 2, axis=axis)
    return a * each(sigmoid)(b)


REFERENCES = {
    "relu": each(lambda x: x if x > 0 else 0.0),
    "leaky_relu": each(lambda x, slope=0.01: x if x > 0 else slope * x),
    "prelu": each(lambda x, w: x if x > 0 else w * x),
    "elu": each(elu),
    "sigmoid": each(sigmoid),
    "logsigmoid": each(lambda x: math.log(sigmoid(x))),
    "softplus": each(softplus),
    "silu": each(lambda x: x * sigmoid(x)),
    "gelu": each(lambda x: x * normal_cdf(x)),
    "gelu_tanh": each(lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
    "mish": each(lambda x: x * math.tanh(softplus(x))),
    "hardtanh": each(lambda x, min_val=-1.0, max_val=1.0: sorted((min_val, x, max_val))[1]),
    "hardsigmoid": each(lambda x: sorted((0.0, x / 6 + 0.5, 1.0))[1]),
    "hardswish": each(lambda x: x * sorted((0.0, x / 6 + 0.5, 1.0))[1]),
    "softsign": each(lambda x: x / (1 + math.fabs(x))),
    "tanhshrink": each(lambda x: x - math.tanh(x)),
    "softshrink": each(lambda x, width=0.5: 0.0 if -width <= x <= width else x - math.copysign(width, x)),
    "hardshrink": each(lambda x, width=0.5: 0.0 if -width <= x <= width else x),
    "threshold": each(lambda x, bound, value: x if x > bound else value),
    "glu": glu,
}
