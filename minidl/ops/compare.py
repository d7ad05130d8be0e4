"""Comparisons, truth tables and bits: nothing here is differentiable."""

from ..autograd import op
from .samples import bools, ints, shapes

PAIRS = [shapes(ints(3, 4, high=3), ints(4, high=3)), shapes((3, 1), (4,)), shapes((), (2,))]
TRUTHS = [shapes(bools(3, 4), bools(4)), shapes(bools(), bools(2))]
SHIFTS = [shapes(ints(3, 4, low=-9, high=9), ints(4, high=5)), shapes(ints(high=9), ints(2, high=5))]
BITS = [shapes(ints(3, 4, high=9), ints(4, high=9)), *TRUTHS]


@op(samples=PAIRS, promote="common")
def eq(xp, a, b):
    """y = [a = b]"""
    return a == b, None


@op(samples=PAIRS, promote="common")
def ne(xp, a, b):
    """y = [a ≠ b]"""
    return a != b, None


@op(samples=PAIRS, promote="common")
def lt(xp, a, b):
    """y = [a < b]"""
    return a < b, None


@op(samples=PAIRS, promote="common")
def le(xp, a, b):
    """y = [a ≤ b]"""
    return a <= b, None


@op(samples=PAIRS, promote="common")
def gt(xp, a, b):
    """y = [a > b]"""
    return a > b, None


@op(samples=PAIRS, promote="common")
def ge(xp, a, b):
    """y = [a ≥ b]"""
    return a >= b, None


@op(samples=[shapes((3, 4)), shapes(())])
def isnan(xp, x):
    """y = [x is not a number]"""
    return xp.isnan(x), None


@op(samples=[shapes((3, 4)), shapes(())])
def isinf(xp, x):
    """y = [x = ±∞]"""
    return xp.isinf(x), None


@op(samples=[shapes((3, 4)), shapes(())])
def isfinite(xp, x):
    """y = [x is a finite number]"""
    return xp.isfinite(x), None


@op(samples=[shapes(bools(3, 4)), shapes(bools())])
def logical_not(xp, x):
    """y = ¬x"""
    return xp.logical_not(x), None


@op(samples=TRUTHS)
def logical_and(xp, a, b):
    """y = a ∧ b"""
    return xp.logical_and(a, b), None


@op(samples=TRUTHS)
def logical_or(xp, a, b):
    """y = a ∨ b"""
    return xp.logical_or(a, b), None


@op(samples=TRUTHS)
def logical_xor(xp, a, b):
    """y = a ⊕ b"""
    return xp.logical_xor(a, b), None


def check_whole(*xs):
    """Refuse floats in words."""
    for x in xs:
        if isinstance(x, float) or (not isinstance(x, int) and x.dtype.kind == "f"):
            raise TypeError("bits are those of whole numbers and truth values; convert floats with .long() or .bool()")


@op(samples=BITS, promote="common")
def bitwise_and(xp, a, b):
    """y = a & b, bit by bit"""
    check_whole(a, b)
    return a & b, None


@op(samples=BITS, promote="common")
def bitwise_or(xp, a, b):
    """y = a | b, bit by bit"""
    check_whole(a, b)
    return a | b, None


@op(samples=BITS, promote="common")
def bitwise_xor(xp, a, b):
    """y = a ^ b, bit by bit"""
    check_whole(a, b)
    return a ^ b, None


@op(samples=[shapes(ints(3, 4, low=-9, high=9)), shapes(bools(3))])
def bitwise_not(xp, x):
    """y = x with every bit flipped"""
    check_whole(x)
    return ~x, None


@op(samples=SHIFTS, promote="common")
def bitwise_left_shift(xp, a, b):
    """y = a 2ᵇ, of whole numbers"""
    check_whole(a, b)
    return a << b, None


@op(samples=SHIFTS, promote="common")
def bitwise_right_shift(xp, a, b):
    """y = ⌊a / 2ᵇ⌋, of whole numbers"""
    check_whole(a, b)
    return a >> b, None
