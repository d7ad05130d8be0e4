"""Pair by pair, with Python's own comparisons and bits."""

import math
import operator

import numpy as np


def each(function, kind=bool):
    return lambda *arrays: np.vectorize(function, otypes=[kind])(*arrays)


def bits(function):
    return lambda *arrays: each(function, arrays[0].dtype)(*arrays)


REFERENCES = {
    **{name: each(getattr(operator, name)) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "isnan": each(math.isnan),
    "isinf": each(math.isinf),
    "isfinite": each(math.isfinite),
    "logical_not": each(operator.not_),
    "logical_and": each(lambda a, b: a and b),
    "logical_or": each(lambda a, b: a or b),
    "logical_xor": each(lambda a, b: bool(a) != bool(b)),
    "bitwise_and": bits(operator.and_),
    "bitwise_or": bits(operator.or_),
    "bitwise_xor": bits(operator.xor),
    "bitwise_not": bits(lambda a: not a if isinstance(a, bool | np.bool_) else -a - 1),
}
