"""The special functions: those of gamma, the inverse of erf, the normal distribution, Bessel's functions of order 0, 1.

Each is computed in float64, whatever the dtype, from a series or an expansion that holds everywhere in its range."""

import math

from ..autograd import composite, op
from ..backend.special import LARGE, centred, horner
from .elementwise import complement
from .samples import shapes

REALS = [shapes((3, 4), low=0.1, high=5.0), shapes((3, 4), low=-2.9, high=-2.1), shapes((), low=9.0, high=20.0)]
ANY = [shapes((3, 4), low=-2.2, high=4.0), shapes((), low=8.0, high=9.0)]
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)  # B₂, B₄, …
SHIFT = 8  # the expansions below are good to the last digit from here on


def wide(xp, x):
    return x if x.dtype == "float64" else xp.astype(x, dtype="float64")


def reflected(xp, x):
    """[x < ½], p = max(x, 1 − x), the distance r of x from the nearest integer, and whether x is a pole 0, −1, −2 …"""
    x = xp.maximum(x, -(2.0**53))  # all floats below are integers, too
    r = x - xp.rint(x)
    pole = (r == 0) & (x <= 0)
    return x < 0.5, xp.where(x < 0.5, 1 - x, x), xp.where(r == 0, 0.5, r), pole


@op(samples=REALS, promote="float")
def lgamma(xp, x):
    """y = ln |Γ(x)|        x̄ = ȳ ψ(x)

    Stirling's series from 8 on, Γ(x) = Γ(x + 8) / (x (x + 1) ⋯ (x + 7)) before, Γ(x) Γ(1 − x) = π / sin πx below ½."""
    left, p, r, pole = reflected(xp, wide(xp, x))
    small = p < SHIFT
    z = xp.where(small, p + SHIFT, p)
    rising = 1
    for k in range(SHIFT):
        rising = rising * xp.where(small, p + k, 1)
    series = horner([b / (2 * k * (2 * k - 1)) for k, b in enumerate(BERNOULLI, 1)], z**-2.0) / z
    y = (z - 0.5) * (xp.log(z) - 1) + (math.log(2 * math.pi) - 1) / 2 + series - xp.log(rising)
    y = xp.where(left, xp.log(math.pi / xp.abs(xp.sin(math.pi * r))) - y, y)
    y = xp.where(pole, math.inf, y)
    return xp.astype(y, dtype=x.dtype), (lambda g: g * digamma.formula(xp, x)[0],)


@op(samples=REALS, promote="float")
def digamma(xp, x):
    """y = ψ(x) = Γ′(x) / Γ(x)        x̄ = ȳ ψ′(x)

    ψ(z) ~ ln z − 1/2z − Σ B₂ₖ / (2k z²ᵏ), ψ(x) = ψ(x + 8) − Σ 1/(x + k), ψ(x) = ψ(1 − x) − π cot πx below ½."""
    left, p, r, pole = reflected(xp, wide(xp, x))
    z = p + SHIFT
    y = xp.log(z) - 0.5 / z - horner([b / (2 * k) for k, b in enumerate(BERNOULLI, 1)], z**-2.0) / z**2
    for k in range(SHIFT):
        y = y - 1 / (p + k)
    y = xp.where(left, y - math.pi / xp.tan(math.pi * r), y)
    y = xp.where(pole, xp.where(x == 0, xp.copysign(math.inf, -x), math.nan), y)
    return xp.astype(y, dtype=x.dtype), (lambda g: g * polygamma.formula(xp, x, n=1)[0],)


@op(samples=[
    *(shapes((3, 4), low=0.9, high=5.0, n=n) for n in (1, 2, 5)), shapes((3,), low=-1.7, high=-1.3, n=2),
    shapes((), low=0.3, high=0.5, n=1),
], promote="float")  # fmt: skip
def polygamma(xp, x, *, n):
    """y = ψ⁽ⁿ⁾(x) = (−1)ⁿ⁺¹ n! ζ(n + 1, x), n ≥ 1        x̄ = ȳ ψ⁽ⁿ⁺¹⁾(x)

    ψ⁽ⁿ⁾(x) = (−1)ⁿ ψ⁽ⁿ⁾(1 − x) − π dⁿ cot πx / dxⁿ below ½"""
    left, p, r, pole = reflected(xp, wide(xp, x))
    sign = (-1) ** (n + 1)
    y = sign * math.factorial(n) * hurwitz(xp, n + 1, p)
    c, slope = 1 / xp.tan(math.pi * r), [0.0, 1.0]  # a polynomial in c = cot πx, whose slope is −π (1 + c²)
    for _ in range(n):
        d = [k * a for k, a in enumerate(slope)][1:]
        slope = [-math.pi * (a + b) for a, b in zip([*d, 0.0, 0.0], [0.0, 0.0, *d])]
    y = xp.where(left, -sign * y - math.pi * horner(slope, c), y)
    y = xp.where(pole, sign * math.inf, y)
    return xp.astype(y, dtype=x.dtype), (lambda g: g * polygamma.formula(xp, x, n=n + 1)[0],)


def hurwitz(xp, s, q):
    """ζ(s, q) = Σ (q + k)⁻ˢ, of which the first are added and the rest is given by Euler and Maclaurin."""
    terms = 12
    z = q + terms
    y = z ** (1.0 - s) / (s - 1) + z ** (-1.0 * s) / 2
    term = s * z ** (-1.0 - s)
    for k, b in enumerate(BERNOULLI, 1):
        y = y + b / math.factorial(2 * k) * term
        term = term * (s + 2 * k - 1) * (s + 2 * k) / (z * z)
    for k in range(terms):
        y = y + (q + k) ** (-1.0 * s)
    return y


@composite(samples=[
    shapes((3, 4), (4,), low=1.5, high=4.0), shapes((), (2,), low=1.5, high=4.0),
    shapes((2, 1), (4,), low=1.5, high=4.0),
], promote="float")  # fmt: skip
def zeta(xp, s, q):
    """y = ζ(s, q) = Σ (q + k)⁻ˢ, Hurwitz's function, for s > 1 and q > 0; infinite at s = 1 and q = 0, −1, …"""
    known = (s > 1) & (q > 0)
    y = hurwitz(xp, xp.where(known, wide(xp, s), 2.0), xp.where(known, wide(xp, q), 1.0))
    beyond = xp.where((s == 1) | ((s > 1) & (q == xp.floor(q))), math.inf, math.nan)
    return xp.astype(xp.where(known, y, beyond), dtype=s.dtype)


GAMMAS = [
    shapes((2, 3), (3,), low=0.5, high=6.0, terms=60), shapes((), (2,), low=0.5, high=6.0, terms=60),
    shapes((2, 1), (3,), low=2.0, high=9.0, terms=60),
]  # fmt: skip


@composite(samples=GAMMAS, promote="float")
def igamma(xp, a, x, *, terms=120):
    """y = P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a): a series up to x = a + 1, 1 − Q beyond"""
    return incomplete(xp, a, x, terms, upper=False)


@composite(samples=GAMMAS[:1], promote="float")
def igammac(xp, a, x, *, terms=120):
    """y = Q(a, x) = ∫ₓ^∞ tᵃ⁻¹ e⁻ᵗ dt / Γ(a): a continued fraction from x = a + 1 on, 1 − P before"""
    return incomplete(xp, a, x, terms, upper=True)


def incomplete(xp, a, x, terms, upper):
    """P = xᵃe⁻ˣ/Γ(a) (1/a + x/a(a+1) + …), Q = xᵃe⁻ˣ/Γ(a) / (x + 1 − a − 1(1 − a)/(x + 3 − a − 2(2 − a)/(…)))."""
    known = (a > 0) & (x > 0) & xp.isfinite(x)
    p, q = xp.where(known, wide(xp, a), 1.0), xp.where(known, wide(xp, x), 1.0)
    near = q < p + 1
    s, t = xp.where(near, q, p), xp.where(near, p + 1, q)  # each formula where it holds, and harmless elsewhere
    total = term = 1 / p
    for k in range(1, terms):
        term = term * s / (p + k)
        total = total + term
    rest = t + 2 * terms + 1 - p
    for k in range(terms, 0, -1):
        rest = t + 2 * k - 1 - p - k * (k - p) / rest
    scale = xp.exp(p * xp.log(q) - q - lgamma.formula(xp, p)[0])
    low = xp.where(near, scale * total, 1 - scale / rest)
    y = xp.where(near, 1 - low, scale / rest) if upper else low
    edge = xp.where((x < 0) | (a < 0) | (a != a) | (x != x) | ((a == 0) & (x == 0)), math.nan, 0.0)
    ends = edge + xp.where((x == 0) & (a > 0), float(upper), float(not upper))  # at x = 0; at x = ∞ and at a = 0
    return xp.astype(xp.where(known, y, ends), dtype=a.dtype)


@op(samples=[shapes((3, 4), low=-0.95, high=0.95), shapes((), low=0.9, high=0.95)], promote="float")
def erfinv(xp, x):
    """erf y = x        x̄ = ȳ √π/2 e^(y²)"""
    w = wide(xp, x)
    y = xp.copysign(unerf(xp, xp.abs(w), 1 - xp.abs(w)), w)
    return xp.astype(y, dtype=x.dtype), (lambda g: g * (math.sqrt(math.pi) / 2) * xp.exp(y * y),)


def unerf(xp, x, q):
    """y ≥ 0 with erf y = x and erfc y = q = 1 − x: Winitzki's estimate (2008), then steps of Halley's method."""
    a, inside = 0.147, (q > 0) & (q <= 1)
    q = xp.where(inside, q, 1)
    log = xp.log(q * (2 - q))
    t = 2 / (math.pi * a) + log / 2
    y = xp.sqrt(-log / a / (t + xp.sqrt(t * t - log / a)) + 1e-300)  # the root's slope at 0 is finite so
    for _ in range(4):
        over = xp.where(x < 0.5, xp.erf(y) - x, q - complement(xp, y))
        u = over / (2 / math.sqrt(math.pi) * xp.exp(-y * y))
        y = y - u / (1 + y * u)
    return xp.where(inside, y, xp.where(x == 1, math.inf, math.nan))


@op(samples=ANY, promote="float")
def erfcx(xp, x):
    """y = e^(x²) erfc x, without overflow for large x        x̄ = ȳ (2xy − 2/√π)"""
    y = scaled(xp, wide(xp, x))
    return xp.astype(y, dtype=x.dtype), (lambda g: g * (2 * x * y - 2 / math.sqrt(math.pi)),)


def scaled(xp, x):
    """As `complement`, with each part times e^(x²)."""
    b, low = xp.minimum(xp.maximum(x, 1), 6.5), xp.minimum(x, 1)
    far = tail = xp.maximum(x, 6.5)
    for k in range(20, 0, -1):
        tail = far + k / 2 / tail
    near = xp.exp(xp.minimum(low * low, 710)) * (1 - xp.erf(low))
    middle, end = horner(LARGE, centred(b)) / (1 + 2 * b), 1 / (math.sqrt(math.pi) * tail)
    return xp.where(x < 1, xp.where(low * low > 709, math.inf, near), xp.where(x < 6.5, middle, end))


@op(samples=ANY, promote="float")
def ndtr(xp, x):
    """y = Φ(x), the chance that a normal number is below x        x̄ = ȳ φ(x), φ(x) = e^(−x²/2) / √2π"""
    y = complement(xp, -wide(xp, x) / math.sqrt(2)) / 2
    return xp.astype(y, dtype=x.dtype), (lambda g: g * xp.exp(-x * x / 2) / math.sqrt(2 * math.pi),)


@op(samples=[shapes((3, 4), low=0.01, high=0.99), shapes((), low=0.03, high=0.05)], promote="float")
def ndtri(xp, x):
    """Φ(y) = x        x̄ = ȳ √2π e^(y²/2)"""
    w = wide(xp, x)
    q = 2 * xp.minimum(w, 1 - w)
    y = xp.copysign(math.sqrt(2) * unerf(xp, 1 - q, q), w - 0.5)
    return xp.astype(y, dtype=x.dtype), (lambda g: g * math.sqrt(2 * math.pi) * xp.exp(y * y / 2),)


@op(samples=[*ANY, shapes((3,), low=-36.0, high=-30.0)], promote="float")
def log_ndtr(xp, x):
    """y = ln Φ(x), also where Φ is too small        x̄ = ȳ φ(x) / Φ(x) = ȳ √(2/π) / erfcx(−x/√2)"""
    w = wide(xp, x) * -math.sqrt(0.5)
    p, m = xp.maximum(w, 0), xp.minimum(w, 0)
    y = xp.where(w > 0, xp.log(scaled(xp, p) / 2) - p * p, xp.log1p(-complement(xp, -m) / 2))
    return xp.astype(y, dtype=x.dtype), (lambda g: g * math.sqrt(2 / math.pi) / scaled(xp, w),)


@op(samples=[shapes((3, 4), low=0.1), shapes((), low=0.1)], promote="float")
def entr(xp, x):
    """y = −x ln x, 0 at 0, −∞ below        x̄ = −ȳ (ln x + 1)"""
    some = xp.where(x > 0, x, 1)
    y = xp.where(x > 0, -x * xp.log(some), xp.where(x == 0, 0, xp.where(x < 0, -math.inf, x)))
    return y, (lambda g: g * xp.where(x > 0, -xp.log(some) - 1, xp.where(x == 0, math.inf, math.nan)),)


@op(samples=[shapes((3, 4), (4,), low=-0.5), shapes((), (2,), low=-0.5), shapes((2, 1), (3,), low=0.2)],
    promote="float")  # fmt: skip
def xlog1py(xp, a, b):
    """y = a ln(1 + b), 0 where a = 0        ā = ȳ ln(1 + b)        b̄ = ȳ a / (1 + b)"""
    zero = (a == 0) & (b == b)
    y = xp.where(zero, 0, a * xp.log1p(b))
    return y, (lambda g: xp.where((a == 0) & (b <= -1), 0, g * xp.log1p(b)), lambda g: g * a / (1 + b))


BESSEL = [shapes((3, 4), low=-6.0, high=6.0), shapes((), low=7.0, high=8.0)]
SCALED = [*BESSEL, shapes((2,), low=19.0, high=21.0), shapes((), low=-40.0, high=-30.0)]


def bessel(xp, x, n):
    """e^(−|x|) Iₙ(x): the power series up to 20, Hankel's expansion beyond."""
    size = xp.abs(x)
    s, t = xp.minimum(xp.maximum(x, -20), 20), xp.maximum(size, 20)
    series = [1 / (math.factorial(k) * math.factorial(k + n)) for k in range(60)]
    hankel = [1.0]
    for k in range(1, 30):
        hankel.append(hankel[-1] * ((2 * k - 1) ** 2 - 4 * n * n) / (8 * k))
    near = xp.exp(-xp.abs(s)) * (s / 2) ** n * horner(series, s * s / 4)
    far = horner(hankel, 1 / t) / xp.sqrt(2 * math.pi * t)
    return xp.where(size < 20, near, xp.copysign(far, x) if n % 2 else far)


def raised(xp, x):
    """e^|x|."""
    return xp.exp(xp.abs(x))


@op(samples=BESSEL, promote="float")
def i0(xp, x):
    """y = I₀(x), the modified Bessel function of order 0        x̄ = ȳ I₁(x)"""
    w = wide(xp, x)
    return xp.astype(raised(xp, w) * bessel(xp, w, 0), dtype=x.dtype), (
        lambda g: g * raised(xp, w) * bessel(xp, w, 1),
    )


@op(samples=SCALED, promote="float")
def i0e(xp, x):
    """y = e^(−|x|) I₀(x)        x̄ = ȳ (e^(−|x|) I₁(x) − y sign x)"""
    w = wide(xp, x)
    y = bessel(xp, w, 0)
    return xp.astype(y, dtype=x.dtype), (lambda g: g * (bessel(xp, w, 1) - y * xp.sign(w)),)


@op(samples=BESSEL, promote="float")
def i1(xp, x):
    """y = I₁(x)        x̄ = ȳ (I₀(x) − y / x), ȳ/2 at 0"""
    w = wide(xp, x)
    y = raised(xp, w) * bessel(xp, w, 1)
    return xp.astype(y, dtype=x.dtype), (lambda g: g * (raised(xp, w) * bessel(xp, w, 0) - over(xp, y, w)),)


@op(samples=SCALED, promote="float")
def i1e(xp, x):
    """y = e^(−|x|) I₁(x)        x̄ = ȳ (e^(−|x|) I₀(x) − y (sign x + 1/x)), ȳ/2 at 0"""
    w = wide(xp, x)
    y = bessel(xp, w, 1)
    return xp.astype(y, dtype=x.dtype), (
        lambda g: g * (bessel(xp, w, 0) - y * xp.sign(w) - over(xp, y, w)),
    )


def over(xp, y, x):
    """I₁(x) / x, ½ at 0."""
    return xp.where(x == 0, 0.5, y / xp.where(x == 0, 1, x))
