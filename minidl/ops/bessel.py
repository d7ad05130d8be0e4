"""The functions of Bessel and Airy on the real line, computed in float64: power series near 0, one integral beyond.

    K_ν(z) = e^(−z)/√z ∫₀^∞ e^(−u²/2) cosh νt / √(1 + s) du        s = u²/4z,  t = 2 arsinh √s        (Re z ≥ 0)

It is what ∫ e^(−z cosh t) cosh νt dt becomes by u = 2√z sinh(t/2). On the negative imaginary axis it is Hankel's
function, H_ν(x) = J_ν(x) + i Y_ν(x) = 2/πi e^(−iνπ/2) K_ν(−ix). As the integrand is smooth and its tail Gaussian, the
sum over equal steps has all digits."""

import math

from ..autograd import op
from ..backend.special import horner
from .samples import shapes
from .special import over, wide

EULER = 0.5772156649015329
STEP, STEPS = 0.4, 22  # e^(−u²/2) is 0 to the last digit beyond
TERMS = 30
HARMONIC = tuple(math.fsum(1 / j for j in range(1, k + 1)) for k in range(TERMS + 2))
NODES = tuple((STEP * k, STEP * math.exp(-((STEP * k) ** 2) / 2)) for k in range(1, STEPS))


def decaying(xp, x, order):
    """eˣ K_ν(x) for x from 1.8 on."""
    total = STEP / 2  # of u = 0
    for u, weight in NODES:
        s = u * u / (4 * x)
        total = total + weight * xp.cosh(2 * order * xp.arcsinh(xp.sqrt(s))) / xp.sqrt(1 + s)
    return total / xp.sqrt(x)


def turning(xp, x, order, turn):
    """The real and the imaginary part of i^turn e^(ix − iπ/4) F for x from 4 on; F is that integral, with is for s."""
    real, imaginary = STEP / 2, 0
    for u, weight in NODES:
        s = u * u / (4 * x)
        a = xp.sqrt((xp.sqrt(1 + s * s) + 1) / 2)  # a + ib = √(1 + is)
        b, c = s / (2 * a), math.sqrt(0.5) * xp.sqrt(s)  # c + ic = √(is)
        far, angle = 2 * order * xp.log(xp.hypot(a + c, b + c)), 2 * order * xp.arctan2(b + c, a + c)  # ν arsinh
        p, q = xp.cosh(far) * xp.cos(angle), xp.sinh(far) * xp.sin(angle)
        size = weight / (a * a + b * b)
        real, imaginary = real + size * (p * a + q * b), imaginary + size * (q * a - p * b)
    c, s = math.sqrt(0.5) * (xp.cos(x) + xp.sin(x)), math.sqrt(0.5) * (xp.sin(x) - xp.cos(x))  # of x − π/4
    for _ in range(turn % 4):
        c, s = -s, c
    return c * real - s * imaginary, c * imaginary + s * real


def near(xp, x, sign):
    """The sums of tᵏ/k!², of tᵏ/k!(k+1)!, of tᵏ h_k/k!², of tᵏ (h_k + h_k₊₁)/k!(k+1)!, t = ±x²/4, h_k = 1 + ⋯ + 1/k."""
    t, F, H = sign * x * x / 4, [math.factorial(k) for k in range(TERMS + 1)], HARMONIC
    return (
        horner([1 / F[k] ** 2 for k in range(TERMS)], t),
        horner([1 / (F[k] * F[k + 1]) for k in range(TERMS)], t),
        horner([H[k] / F[k] ** 2 for k in range(TERMS)], t),
        horner([(H[k] + H[k + 1]) / (F[k] * F[k + 1]) for k in range(TERMS)], t),
    )


def oscillating(xp, x, order):
    """J of order 0 or 1, and Y for x > 0."""
    small, s, t = xp.abs(x) < 5, xp.minimum(xp.maximum(x, -5), 5), xp.maximum(xp.abs(x), 5)
    zero, one, with_zero, with_one = near(xp, s, -1)
    log = 2 / math.pi * (xp.log(xp.abs(s) / 2) + EULER)
    c, d = turning(xp, t, order, -order)
    scale = 2 / (math.pi * xp.sqrt(t))
    if order:
        y = log * s / 2 * one - 2 / (math.pi * s) - s / (2 * math.pi) * with_one
        return xp.where(small, s / 2 * one, xp.copysign(scale, x) * c), xp.where(small, y, scale * d)
    return xp.where(small, zero, scale * c), xp.where(small, log * zero - 2 / math.pi * with_zero, scale * d)


def falling(xp, x, order):
    """eˣ K of order 0 or 1, for x > 0."""
    s, t = xp.minimum(xp.maximum(x, 0), 2), xp.maximum(x, 2)
    zero, one, with_zero, with_one = near(xp, s, 1)
    log = xp.log(s / 2) + EULER
    k = 1 / s + s / 2 * (log * one - with_one / 2) if order else with_zero - log * zero
    return xp.where(x < 2, xp.exp(s) * k, decaying(xp, t, order))


@op(samples=[shapes((3, 4), low=-6.0, high=9.0, order=0), shapes((2, 3), low=-7.0, high=6.0, order=1),
             shapes((), low=50.0, high=60.0, order=1)], promote="float")  # fmt: skip
def bessel_j(xp, x, *, order):
    """y = J_n(x), Bessel's function of order n = 0 or 1        x̄ = −ȳ J₁(x), ȳ (J₀(x) − y/x)"""
    w = wide(xp, x)
    y, other = (oscillating(xp, w, n)[0] for n in (order, 1 - order))
    gx = lambda g: g * (other - over(xp, y, w)) if order else -g * other
    return xp.astype(y, dtype=x.dtype), (gx,)


@op(samples=[shapes((3, 4), low=0.2, high=9.0, order=0), shapes((2, 3), low=0.3, high=7.0, order=1),
             shapes((), low=50.0, high=60.0, order=1)], promote="float")  # fmt: skip
def bessel_y(xp, x, *, order):
    """y = Y_n(x), Bessel's second function of order n = 0 or 1, of x > 0        x̄ = −ȳ Y₁(x), ȳ (Y₀(x) − y/x)"""
    w = wide(xp, x)
    y, other = (positive(xp, w, oscillating(xp, w, n)[1], -math.inf) for n in (order, 1 - order))
    gx = lambda g: g * (other - y / w) if order else -g * other
    return xp.astype(y, dtype=x.dtype), (gx,)


@op(samples=[
    shapes((3, 4), low=0.2, high=5.0, order=0, scaled=False), shapes((2, 3), low=0.2, high=5.0, order=1, scaled=False),
    shapes((), low=30.0, high=60.0, order=0, scaled=True), shapes((2, 3), low=0.2, high=5.0, order=1, scaled=True),
], promote="float")  # fmt: skip
def bessel_k(xp, x, *, order, scaled):
    """y = K_n(x), the modified function of order n = 0 or 1, of x > 0; scaled: y = eˣ K_n(x)

    x̄ = −ȳ K₁(x), −ȳ (K₀(x) + y/x); scaled: + ȳ y"""
    w = wide(xp, x)
    less = 1 if scaled else xp.exp(-w)
    y, other = (positive(xp, w, falling(xp, w, n) * less, math.inf) for n in (order, 1 - order))
    gx = lambda g: g * ((y if scaled else 0) - other - (y / w if order else 0))
    return xp.astype(y, dtype=x.dtype), (gx,)


def positive(xp, x, y, at_zero):
    """y where x > 0; no number is the value of less."""
    return xp.where(x < 0, math.nan, xp.where(x == 0, at_zero, y))


@op(samples=[shapes((3, 4), low=-9.0, high=9.0), shapes(())], promote="float")
def spherical_bessel_j0(xp, x):
    """y = sin x / x, 1 at 0        x̄ = ȳ (cos x − y)/x"""
    w = wide(xp, x)
    at = xp.where(w == 0, 1, w)
    y = xp.where(w == 0, 1, xp.where(xp.isinf(w), 0, xp.sin(w) / at))
    return xp.astype(y, dtype=x.dtype), (lambda g: xp.where(w == 0, 0, g * (xp.cos(w) - y) / at),)


@op(samples=[shapes((3, 4), low=-9.0, high=6.0), shapes((), low=-3.0, high=2.0)], promote="float")
def airy_ai(xp, x):
    """y = Ai(x), Airy's function: y″ = x y, falling where x > 0        x̄ = ȳ Ai′(x)

    Ai(x) = √(x/3)/π K_⅓(ζ), Ai(−x) = Re √(x/3) e^(iπ/6) H_⅓(ζ), ζ = ⅔ x^(3/2); Ai′ likewise, of order ⅔"""
    w = wide(xp, x)
    return xp.astype(airy(xp, w, 0), dtype=x.dtype), (lambda g: g * airy(xp, w, 1),)


RISE, FALL = 3 ** (-2 / 3) / math.gamma(2 / 3), 3 ** (-1 / 3) / math.gamma(1 / 3)  # Ai(0), −Ai′(0)


def airy(xp, x, order):
    """Ai (order 0) or Ai′ (order 1)."""
    high, low, s = xp.maximum(x, 2), xp.maximum(-x, 4), xp.minimum(xp.maximum(x, -4), 2)
    a, b = [RISE], [-FALL]
    for k in range(1, TERMS):
        a.append(a[-1] / (3 * k * (3 * k - 1)))
        b.append(b[-1] / (3 * k * (3 * k + 1)))
    z, v = [2 / 3 * t * xp.sqrt(t) for t in (high, low)], (order + 1) / 3
    cube, right = s * s * s, xp.exp(-z[0]) * decaying(xp, z[0], v) / math.pi
    left = 2 / math.pi * turning(xp, z[1], v, -order)[0] / xp.sqrt(z[1])
    if order:
        a, b = [3 * k * c for k, c in enumerate(a)][1:], [(3 * k + 1) * c for k, c in enumerate(b)]
        middle, right, left = s * s * horner(a, cube) + horner(b, cube), -high * right, low * left
        right, left = right / math.sqrt(3), left / math.sqrt(3)
    else:
        middle, right, left = horner(a, cube) + s * horner(b, cube), xp.sqrt(high / 3) * right, xp.sqrt(low / 3) * left
    return xp.where(x > 2, right, xp.where(x < -4, left, middle))
