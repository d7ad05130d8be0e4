"""Arithmetic and the functions of one real number."""

from ..autograd import op
from .samples import shapes

PAIRS = [shapes((3, 4), (3, 4)), shapes((3, 1), (4,)), shapes((), (2,)), shapes((2, 3), ())]
DIVISIONS = [shapes((3, 4), (3, 4), low=0.5), shapes((3, 1), (4,), low=0.5), shapes((), (2,), low=0.5)]
ANY = [shapes((3, 4)), shapes(()), shapes((2, 1, 3))]


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
    """y = a / b        ā = ȳ / b        b̄ = −ȳ y / b"""
    y = a / b
    return y, (lambda g: g / b, lambda g: -g * y / b)


@op(samples=ANY)
def neg(xp, x):
    """y = −x        x̄ = −ȳ"""
    return -x, (lambda g: -g,)


@op(samples=ANY, promote="float")
def exp(xp, x):
    """y = eˣ        x̄ = ȳ y"""
    y = xp.exp(x)
    return y, (lambda g: g * y,)


@op(samples=ANY, promote="float")
def sin(xp, x):
    """y = sin x        x̄ = ȳ cos x"""
    return xp.sin(x), (lambda g: g * xp.cos(x),)


@op(samples=ANY, promote="float")
def cos(xp, x):
    """y = cos x        x̄ = −ȳ sin x"""
    return xp.cos(x), (lambda g: -g * xp.sin(x),)
