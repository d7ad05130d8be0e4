"""Functions of numbers, one number at a time by Python's math."""

import math
from fractions import Fraction

import numpy as np


def each(function, dtype=float):
    """The function on every element of arrays that broadcast; an absent one stays None."""

    def of_arrays(*xs):
        given = np.broadcast_arrays(*(x for x in xs if x is not None))
        y = np.empty(given[0].shape, dtype)
        for at in np.ndindex(y.shape):
            numbers = iter(given)
            y[at] = function(*(None if x is None else next(numbers)[at].item() for x in xs))
        return y

    return of_arrays


def sign(x):
    return (x > 0) - (x < 0)


def floored(a, b):
    return math.floor(Fraction(a) / Fraction(b))  # exact: 0.7 // 0.1 is not a matter of rounding


def clamp(x, low, high):
    y = x if low is None else max(x, low)
    return y if high is None else min(y, high)


REFERENCES = {
    "add": each(lambda a, b: math.fsum([a, b])),
    "sub": each(lambda a, b: math.fsum([a, -b])),
    "mul": each(lambda a, b: math.prod([a, b])),
    "div": each(lambda a, b: float(Fraction(a) / Fraction(b))),
    "floor_divide": each(floored),
    "mod": each(lambda a, b: float(Fraction(a) - floored(a, b) * Fraction(b))),
    "fmod": each(math.fmod),
    "pow": each(math.pow),
    "neg": each(lambda x: 0.0 - x),
    "abs": each(math.fabs),
    "sign": each(sign),
    "exp": each(math.exp),
    "expm1": each(math.expm1),
    "exp2": each(lambda x: 2.0**x),
    "log": each(math.log),
    "log1p": each(math.log1p),
    "log2": each(math.log2),
    "log10": each(math.log10),
    "sqrt": each(math.sqrt),
    "sin": each(math.sin),
    "cos": each(math.cos),
    "tan": each(math.tan),
    "arcsin": each(math.asin),
    "arccos": each(math.acos),
    "arctan": each(math.atan),
    "arctan2": each(math.atan2),
    "sinh": each(math.sinh),
    "cosh": each(math.cosh),
    "tanh": each(math.tanh),
    "arcsinh": each(math.asinh),
    "arccosh": each(math.acosh),
    "arctanh": each(math.atanh),
    "erf": each(math.erf),
    "erfc": each(math.erfc),
    "floor": each(math.floor),
    "ceil": each(math.ceil),
    "rint": each(round),
    "trunc": each(int),
    "maximum": each(max),
    "minimum": each(min),
    "hypot": each(math.hypot),
    "copysign": each(math.copysign),
    "where": each(lambda condition, a, b: a if condition else b),
    "clamp": each(clamp),
    "logaddexp": each(lambda a, b: math.log(math.exp(a) + math.exp(b))),
    "xlogy": each(lambda a, b: a * math.log(b) if a else 0.0),
}
