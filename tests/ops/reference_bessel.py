"""Bessel's functions by the integrals of Bessel and Schläfli, over many steps; Airy's by its series in sixty digits."""

import math
from decimal import Decimal, localcontext

import numpy as np

from .reference_elementwise import each

CIRCLE = 2 * math.pi * np.arange(400) / 400
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def over_range(function, low, high):
    """An integral, by Gauss's rule."""
    t = (NODES + 1) / 2 * (high - low) + low
    return float(WEIGHTS @ function(t)) * (high - low) / 2


def bessel_j(x, n):
    return float(np.mean(np.cos(n * CIRCLE - x * np.sin(CIRCLE))))


def bessel_y(x, n):
    turning = over_range(lambda t: np.sin(x * np.sin(t) - n * t), 0, math.pi)
    falling = over_range(lambda t: (np.exp(n * t) + (-1) ** n * np.exp(-n * t)) * np.exp(-x * np.sinh(t)),
                         0, math.asinh(60 / x))  # fmt: skip
    return (turning - falling) / math.pi


def bessel_k(x, n, scaled):
    t = np.arange(0, math.acosh(1 + 60 / x), 1e-3)
    values = np.exp(-x * (np.cosh(t) - 1)) * np.cosh(n * t)
    return float(values.sum() - values[0] / 2) * 1e-3 * (1 if scaled else math.exp(-x))


def airy_ai(x):
    """The power series, whose terms cancel: in sixty digits."""
    with localcontext() as context:
        context.prec = 60
        x = Decimal(x)
        third = Decimal(1) / 3
        value, slope = Decimal("0.355028053887817239260063186004"), Decimal("-0.258819403792806798405183560189")
        total, f, g = Decimal(0), value, slope * x
        for k in range(1, 300):
            total += f + g
            f *= x**3 / (9 * k * (k - third))
            g *= x**3 / (9 * k * (k + third))
        return float(total)


REFERENCES = {
    "bessel_j": lambda x, order: each(lambda v: bessel_j(v, order))(x),
    "bessel_y": lambda x, order: each(lambda v: bessel_y(v, order))(x),
    "bessel_k": lambda x, order, scaled: each(lambda v: bessel_k(v, order, scaled))(x),
    "spherical_bessel_j0": each(lambda x: math.sin(x) / x),
    "airy_ai": each(airy_ai),
}
