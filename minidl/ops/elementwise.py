"""Arithmetic, and the functions of one and two real numbers."""

import math

from ..autograd import op
from ..backend.special import LARGE, centred, horner
from .samples import bools, ints, shapes

PAIRS = [shapes((3, 4), (3, 4)), shapes((3, 1), (4,)), shapes((), (2,)), shapes((2, 3), ())]
DIVISIONS = [shapes((3, 4), (3, 4), low=0.5), shapes((3, 1), (4,), low=0.5), shapes((), (2,), low=0.5)]
ANY = [shapes((3, 4)), shapes(()), shapes((2, 1, 3))]
POSITIVE = [shapes((3, 4), low=0.2), shapes((), low=0.2)]
UNIT = [shapes((3, 4), low=-0.9, high=0.9), shapes((), low=-0.9, high=0.9)]
LN2, LN10 = math.log(2), math.log(10)


@op(samples=PAIRS, promote="common")
def add(xp, a, b):
    """y = a + b        ā = ȳ        b̄ = ȳ"""
    return a + b, (lambda g: g, lambda g: g)


@op(samples=PAIRS, promote="common")
def sub(xp, a, b):
    """y = a − b        ā = ȳ        b̄ = −ȳ"""
    return a - b, (lambda g: g, lambda g: -g)


@op(samples=PAIRS, promote="common")
def mul(xp, a, b):
    """y = a b        ā = ȳ b        b̄ = ȳ a"""
    return a * b, (lambda g: g * b, lambda g: g * a)


@op(samples=DIVISIONS, promote="float")
def div(xp, a, b):
    """y = a / b        ā = ȳ / b        b̄ = −ȳ (a / b) / b"""
    return a / b, (lambda g: g / b, lambda g: -g * (a / b) / b)  # keeps no y, which may be written into


@op(samples=ANY)
def neg(xp, x):
    """y = −x        x̄ = −ȳ"""
    return -x, (lambda g: -g,)


@op(samples=DIVISIONS, promote="common")
def floor_divide(xp, a, b):
    """y = ⌊a / b⌋        ā = 0        b̄ = 0"""
    return xp.floor_divide(a, b), (lambda g: xp.zeros_like(g), lambda g: xp.zeros_like(g))


@op(samples=[*DIVISIONS, shapes((3, 4), (4,), low=-3.0)], promote="common")
def mod(xp, a, b):
    """y = a − b ⌊a / b⌋, with the sign of b        ā = ȳ        b̄ = −ȳ ⌊a / b⌋"""
    return xp.mod(a, b), (lambda g: g, lambda g: -g * xp.floor_divide(a, b))


@op(samples=[*DIVISIONS, shapes((3, 4), (4,), low=-3.0)], promote="common")
def fmod(xp, a, b):
    """y = a − b trunc(a / b), with the sign of a        ā = ȳ        b̄ = −ȳ trunc(a / b)"""
    return xp.fmod(a, b), (lambda g: g, lambda g: -g * xp.trunc(a / b))


@op(samples=[*DIVISIONS, shapes((3, 4), ints(4, low=-2, high=4), low=0.5)], promote="common")
def pow(xp, a, b):
    """y = aᵇ        ā = ȳ b aᵇ⁻¹        b̄ = ȳ y ln a

    0⁰ = 1, and there both gradients are 0: the constants x⁰ and (for b ≥ 0) 0ᵇ do not vary."""
    y = a**b if isinstance(b, (int, float)) or b.dtype.kind != "i" else whole_power(xp, a, b)
    ga = lambda g: g * b * a ** (one_for_zero(xp, b) - 1)
    gb = lambda g: g * y * logarithm(xp, one_for_zero(xp, a))
    return y, (ga, gb)


def whole_power(xp, a, b):
    """aᵇ of whole numbers, without its fraction: 0 for b < 0, unless a is 1 or −1."""
    y, even = a ** xp.maximum(b, 0), 1 - 2 * xp.mod(b, 2)
    a = a + xp.zeros_like(y)
    return xp.where(b >= 0, y, xp.where(a == 1, 1, xp.where(a == -1, even, 0)))


def one_for_zero(xp, x):
    return x or 1 if isinstance(x, (int, float)) else xp.where(x == 0, 1, x)


def logarithm(xp, x):
    """ln x, of a plain number too."""
    if isinstance(x, (int, float)):
        return math.log(x) if x > 0 else math.nan
    return xp.log(x)


@op(samples=[shapes((3, 4), low=-2.0), shapes(())])
def abs(xp, x):
    """y = |x|        x̄ = ȳ sign x"""
    return xp.abs(x), (lambda g: g * xp.sign(x),)


@op(samples=ANY, promote="float")
def exp(xp, x):
    """y = eˣ        x̄ = ȳ y"""
    y = xp.exp(x)
    return y, (lambda g: g * y,)


@op(samples=ANY, promote="float")
def expm1(xp, x):
    """y = eˣ − 1, exact near 0        x̄ = ȳ (y + 1)"""
    y = xp.expm1(x)
    return y, (lambda g: g * (y + 1),)


@op(samples=ANY, promote="float")
def exp2(xp, x):
    """y = 2ˣ        x̄ = ȳ y ln 2"""
    y = xp.exp2(x)
    return y, (lambda g: g * y * LN2,)


@op(samples=POSITIVE, promote="float")
def log(xp, x):
    """y = ln x        x̄ = ȳ / x"""
    return xp.log(x), (lambda g: g / x,)


@op(samples=POSITIVE, promote="float")
def log1p(xp, x):
    """y = ln(1 + x), exact near 0        x̄ = ȳ / (1 + x)"""
    return xp.log1p(x), (lambda g: g / (1 + x),)


@op(samples=POSITIVE, promote="float")
def log2(xp, x):
    """y = ln x / ln 2        x̄ = ȳ / (x ln 2)"""
    return xp.log2(x), (lambda g: g / (x * LN2),)


@op(samples=POSITIVE, promote="float")
def log10(xp, x):
    """y = ln x / ln 10        x̄ = ȳ / (x ln 10)"""
    return xp.log10(x), (lambda g: g / (x * LN10),)


@op(samples=POSITIVE, promote="float")
def sqrt(xp, x):
    """y = √x        x̄ = ȳ / 2y"""
    y = xp.sqrt(x)
    return y, (lambda g: g / (2 * y),)


@op(samples=ANY, promote="float")
def sin(xp, x):
    """y = sin x        x̄ = ȳ cos x"""
    return xp.sin(x), (lambda g: g * xp.cos(x),)


@op(samples=ANY, promote="float")
def cos(xp, x):
    """y = cos x        x̄ = −ȳ sin x"""
    return xp.cos(x), (lambda g: -g * xp.sin(x),)


@op(samples=UNIT, promote="float")
def tan(xp, x):
    """y = tan x        x̄ = ȳ (1 + y²)"""
    y = xp.tan(x)
    return y, (lambda g: g * (1 + y * y),)


@op(samples=UNIT, promote="float")
def arcsin(xp, x):
    """y = arcsin x        x̄ = ȳ (1 − x²)^−½"""
    return xp.arcsin(x), (lambda g: g * (1 - x * x) ** -0.5,)


@op(samples=UNIT, promote="float")
def arccos(xp, x):
    """y = arccos x        x̄ = −ȳ (1 − x²)^−½"""
    return xp.arccos(x), (lambda g: -g * (1 - x * x) ** -0.5,)


@op(samples=ANY, promote="float")
def arctan(xp, x):
    """y = arctan x        x̄ = ȳ / (1 + x²)"""
    return xp.arctan(x), (lambda g: g / (1 + x * x),)


@op(samples=ANY, promote="float")
def sinh(xp, x):
    """y = sinh x        x̄ = ȳ cosh x"""
    return xp.sinh(x), (lambda g: g * xp.cosh(x),)


@op(samples=ANY, promote="float")
def cosh(xp, x):
    """y = cosh x        x̄ = ȳ sinh x"""
    return xp.cosh(x), (lambda g: g * xp.sinh(x),)


@op(samples=ANY, promote="float")
def tanh(xp, x):
    """y = tanh x        x̄ = ȳ (1 − y²)"""
    y = xp.tanh(x)
    return y, (lambda g: g * (1 - y * y),)


@op(samples=ANY, promote="float")
def arcsinh(xp, x):
    """y = arsinh x        x̄ = ȳ (x² + 1)^−½"""
    return xp.arcsinh(x), (lambda g: g * (x * x + 1) ** -0.5,)


@op(samples=[shapes((3, 4), low=1.2, high=3.0)], promote="float")
def arccosh(xp, x):
    """y = arcosh x        x̄ = ȳ (x² − 1)^−½"""
    return xp.arccosh(x), (lambda g: g * (x * x - 1) ** -0.5,)


@op(samples=UNIT, promote="float")
def arctanh(xp, x):
    """y = artanh x        x̄ = ȳ / (1 − x²)"""
    return xp.arctanh(x), (lambda g: g / (1 - x * x),)


@op(samples=ANY, promote="float")
def erf(xp, x):
    """y = 2/√π ∫₀ˣ e^(−t²) dt        x̄ = ȳ 2/√π e^(−x²)"""
    return xp.erf(x), (lambda g: g * (2 / math.sqrt(math.pi)) * xp.exp(-x * x),)


@op(samples=ANY)
def sign(xp, x):
    """y = −1, 0 or 1        x̄ = 0"""
    return xp.sign(x), (lambda g: xp.zeros_like(g),)


@op(samples=ANY)
def floor(xp, x):
    """y = ⌊x⌋        x̄ = 0"""
    return xp.floor(x), (lambda g: xp.zeros_like(g),)


@op(samples=ANY)
def ceil(xp, x):
    """y = ⌈x⌉        x̄ = 0"""
    return xp.ceil(x), (lambda g: xp.zeros_like(g),)


@op(samples=ANY)
def rint(xp, x):
    """y = x rounded, halves to even        x̄ = 0"""
    return xp.rint(x), (lambda g: xp.zeros_like(g),)


@op(samples=ANY)
def trunc(xp, x):
    """y = x without its fraction        x̄ = 0"""
    return xp.trunc(x), (lambda g: xp.zeros_like(g),)


@op(samples=PAIRS, promote="common")
def maximum(xp, a, b):
    """y = max(a, b)        ā = ȳ where a > b        b̄ = ȳ where b > a        half each where they are equal"""
    ga = lambda g: xp.where(a == b, g / 2, xp.where(a < b, 0, g))
    gb = lambda g: xp.where(a == b, g / 2, xp.where(b < a, 0, g))
    return xp.maximum(a, b), (ga, gb)


@op(samples=PAIRS, promote="common")
def minimum(xp, a, b):
    """y = min(a, b)        ā = ȳ where a < b        b̄ = ȳ where b < a        half each where they are equal"""
    ga = lambda g: xp.where(a == b, g / 2, xp.where(a > b, 0, g))
    gb = lambda g: xp.where(a == b, g / 2, xp.where(b > a, 0, g))
    return xp.minimum(a, b), (ga, gb)


@op(samples=PAIRS, promote="float")
def arctan2(xp, a, b):
    """y = the angle of the point (b, a)        ā = ȳ b / (a² + b²)        b̄ = −ȳ a / (a² + b²)     0 at 0"""

    def over_square(g):
        square = a * a + b * b
        return xp.where(square == 0, 0, g / xp.where(square == 0, 1, square))

    return xp.arctan2(a, b), (lambda g: over_square(g) * b, lambda g: -over_square(g) * a)


@op(samples=PAIRS, promote="float")
def hypot(xp, a, b):
    """y = √(a² + b²), without overflow        ā = ȳ a / y        b̄ = ȳ b / y"""
    y = xp.hypot(a, b)
    return y, (lambda g: g * a / y, lambda g: g * b / y)


@op(samples=PAIRS, promote="float")
def copysign(xp, a, b):
    """y = |a| with the sign of b        ā = ȳ sign a sign b        b̄ = 0"""
    ga = lambda g: xp.copysign(g, b) * xp.sign(g) * xp.sign(a)
    return xp.copysign(a, b), (ga, lambda g: xp.zeros_like(g))


@op(
    samples=[shapes(bools(3, 4), (3, 4), (3, 4)), shapes(bools(3, 1), (4,), ()), shapes(bools(), (2,), (3, 1))],
    promote="common",
    keep=("condition",),
)
def where(xp, condition, a, b):
    """y = a where the condition holds, else b        ā = ȳ there        b̄ = ȳ elsewhere"""
    return xp.where(condition, a, b), (
        None,
        lambda g: xp.where(condition, g, 0),
        lambda g: xp.where(condition, 0, g),
    )


@op(samples=[
    shapes((3, 4), (3, 4), (3, 4)), shapes((3, 4), (4,), None), shapes((3, 1), None, (4,)), shapes((2,), (), (2, 1)),
], promote="common")  # fmt: skip
def clamp(xp, x, low=None, high=None):
    """y = min(max(x, low), high)        x̄ = ȳ where low ≤ x ≤ high; else ȳ goes to the bound that y is"""
    y = x if low is None else xp.maximum(x, low)
    y = y if high is None else xp.minimum(y, high)
    over = None if high is None else (x > high) if low is None else (x > high) | (low > high)
    under = None if low is None else (x < low) if high is None else (x < low) & (low <= high)
    without = lambda g, places: g if places is None else xp.where(places, 0, g)
    return y, (
        lambda g: without(without(g, over), under),
        None if low is None else lambda g: xp.where(under, g, 0),
        None if high is None else lambda g: xp.where(over, g, 0),
    )


@op(samples=PAIRS, promote="float")
def logaddexp(xp, a, b):
    """y = ln(eᵃ + eᵇ)        ā = ȳ σ(a − b)        b̄ = ȳ σ(b − a)"""
    d = xp.where((a == b) & xp.isinf(a), 0, a - b)  # infinities of one sign do not differ
    y = xp.maximum(a, b) + xp.log1p(xp.exp(-xp.abs(d)))
    return y, (lambda g: g * xp.sigmoid(d), lambda g: g * xp.sigmoid(-d))


@op(samples=[shapes((3, 4), (4,), low=0.2), shapes((), (2,), low=0.2)], promote="float")
def xlogy(xp, a, b):
    """y = a ln b, 0 where a = 0        ā = ȳ ln b        b̄ = ȳ a / b"""
    zero = (a == 0) & (b == b)
    y = xp.where(zero, 0, a * xp.log(b))
    return y, (lambda g: xp.where((a == 0) & (b <= 0), 0, g * xp.log(b)), lambda g: g * a / b)


@op(samples=[shapes((3, 4), low=-3.0, high=3.0), shapes((), low=7.0, high=9.0)], promote="float")
def erfc(xp, x):
    """y = 1 − erf x, exact where that is small        x̄ = −ȳ 2/√π e^(−x²)"""
    return complement(xp, x), (lambda g: -g * (2 / math.sqrt(math.pi)) * xp.exp(-x * x),)


def complement(xp, x):
    """1 − erf x below 1, the polynomial of erf itself up to 6.5, then the continued fraction
    e^(−x²) / √π (x + ½/(x + 1/(x + 3⁄2/(x + …))))."""
    b = xp.minimum(xp.maximum(x, 1), 6.5)
    middle = xp.exp(-b * b) * horner(LARGE, centred(b)) / (1 + 2 * b)
    far = tail = xp.maximum(x, 6.5)
    for k in range(20, 0, -1):
        tail = far + k / 2 / tail
    end = xp.exp(-far * far) / (math.sqrt(math.pi) * tail)
    return xp.where(x < 1, 1 - xp.erf(x), xp.where(x < 6.5, middle, end))
