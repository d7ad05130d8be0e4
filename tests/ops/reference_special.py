"""The special functions by sums without end, cut late; by Python's math and statistics; by bisection."""

import math
from statistics import NormalDist

import numpy as np

from .reference_elementwise import each

FAR = 3000  # terms summed one by one


def zeta(s, q):
    """The terms one by one, then the integral of the rest with half a term and its slope."""
    z = q + FAR
    rest = z ** (1 - s) / (s - 1) + z**-s / 2 + s * z ** (-s - 1) / 12
    return math.fsum((q + k) ** -s for k in range(FAR)) + rest


def digamma(x):
    z = x + FAR
    return math.log(z) - 0.5 / z - 1 / (12 * z * z) - math.fsum(1 / (x + k) for k in range(FAR))


def erfinv(x):
    low, high = -7.0, 7.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < x else (low, middle)
    return low


def bessel(n, scaled):
    """Iₙ(x) = mean of e^(x cos θ) cos nθ over the circle; the sum over equal steps is exact when they are many."""
    steps = 400

    def value(x):
        less = abs(x) if scaled else 0
        angles = [2 * math.pi * k / steps for k in range(steps)]
        return math.fsum(math.exp(x * math.cos(t) - less) * math.cos(n * t) for t in angles) / steps

    return value


def lower(a, x):
    """Gauss's rule, after t = x v⁸ has taken the pole at 0 away."""
    total = 0.0
    for node, weight in zip(*np.polynomial.legendre.leggauss(80)):
        v = (node + 1) / 2
        total += weight / 2 * 8 * v ** (8 * a - 1) * math.exp(-x * v**8)
    return total * x**a / math.gamma(a)


NORMAL = NormalDist()
REFERENCES = {
    "lgamma": each(math.lgamma),
    "digamma": each(digamma),
    "polygamma": lambda x, n: each(lambda v: (-1) ** (n + 1) * math.factorial(n) * zeta(n + 1, v))(x),
    "zeta": each(zeta),
    "igamma": lambda a, x, terms=0: each(lower)(a, x),
    "igammac": lambda a, x, terms=0: 1 - each(lower)(a, x),
    "erfinv": each(erfinv),
    "erfcx": each(lambda x: math.exp(x * x) * math.erfc(x)),
    "ndtr": each(NORMAL.cdf),
    "ndtri": each(NORMAL.inv_cdf),
    "log_ndtr": each(lambda x: math.log(math.erfc(-x / math.sqrt(2)) / 2)),
    "entr": each(lambda x: -x * math.log(x)),
    "xlog1py": each(lambda a, b: a * math.log(1 + b) if a else 0.0),
    "i0": each(bessel(0, False)),
    "i0e": each(bessel(0, True)),
    "i1": each(bessel(1, False)),
    "i1e": each(bessel(1, True)),
}
