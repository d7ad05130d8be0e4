"""Comparisons and truth, one number at a time by Python's operators."""

import math
import operator

import numpy as np

from .reference_elementwise import each


def bits(function):
    """Of truth values a truth value, of integers an integer."""
    return lambda *xs: each(function, np.result_type(*xs))(*xs)


REFERENCES = {
    **{name: each(getattr(operator, name), bool) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "isnan": each(math.isnan, bool),
    "isinf": each(math.isinf, bool),
    "isfinite": each(math.isfinite, bool),
    "logical_and": each(lambda a, b: bool(a) and bool(b), bool),
    "logical_or": each(lambda a, b: bool(a) or bool(b), bool),
    "logical_xor": each(lambda a, b: bool(a) is not bool(b), bool),
    "logical_not": each(operator.not_, bool),
    "bitwise_and": bits(operator.and_),
    "bitwise_or": bits(operator.or_),
    "bitwise_xor": bits(operator.xor),
    "bitwise_left_shift": bits(lambda a, b: a * 2**b),
    "bitwise_right_shift": bits(lambda a, b: a // 2**b),
    "bitwise_not": bits(lambda x: not x if isinstance(x, bool) else -x - 1),
}
