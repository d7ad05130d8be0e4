"""Activation functions. e^x is only taken of numbers that are not positive, so that it never overflows."""

import math

from ..autograd import op
from .samples import shapes

ANY = [shapes((3, 4)), shapes(()), shapes((2, 1, 3))]
WIDE = [shapes((4, 5), low=-6, high=6), shapes((), low=-6, high=6)]  # reaches the flat ends


@op(samples=ANY)
def relu(xp, x):
    """y = max(x, 0)        x̄ = ȳ where y > 0, else 0"""
    y = xp.maximum(x, 0)
    return y, (lambda g: g * (y > 0),)


@op(samples=[shapes((3, 4), slope=0.01), shapes((), slope=-0.3), shapes((2, 3), slope=2.0)], promote="float")
def leaky_relu(xp, x, *, slope=0.01):
    """y = x where x > 0, else slope · x        x̄ = ȳ · (1 or slope)"""
    y = xp.maximum(x, 0) + slope * xp.minimum(x, 0)
    return y, (lambda g: g * xp.where(x > 0, 1.0, slope),)


@op(samples=[shapes((3, 4), ()), shapes((2, 3, 4), (3, 1)), shapes((3, 1), (4,))], promote="float")
def prelu(xp, x, w):
    """leaky_relu with a slope that is learnt (He et al. 2015): y = max(x, 0) + w min(x, 0)

        x̄ = ȳ · (1 or w)        w̄ = ȳ min(x, 0)
    """
    low = xp.minimum(x, 0)
    return xp.maximum(x, 0) + w * low, (lambda g: g * xp.where(x > 0, 1.0, w), lambda g: g * low)


@op(samples=[shapes((3, 4)), shapes((), alpha=0.5), shapes((2, 3), alpha=2.0, scale=1.5, rate=0.7)], promote="float")
def elu(xp, x, *, alpha=1.0, scale=1.0, rate=1.0):
    """y = scale · (x where x > 0, else α (e^(rate x) − 1))        x̄ = ȳ scale · (1 or α rate e^(rate x))

    α = scale = rate = 1 is ELU (Clevert et al. 2016); SELU and CELU are other choices of the three.
    """
    low = rate * xp.minimum(x, 0)
    gx = lambda g: g * scale * xp.where(x > 0, 1.0, alpha * rate * xp.exp(low))
    return scale * (xp.maximum(x, 0) + alpha * xp.expm1(low)), (gx,)


@op(samples=WIDE + ANY, promote="float")
def sigmoid(xp, x):
    """y = σ(x) = 1 / (1 + e⁻ˣ)        x̄ = ȳ y (1 − y)"""
    y = xp.sigmoid(x)
    return y, (lambda g: g * (y * (1 - y)),)


@op(samples=WIDE + ANY, promote="float")
def logsigmoid(xp, x):
    """y = log σ(x) = min(x, 0) − log(1 + e^−|x|)        x̄ = ȳ σ(−x)"""
    y = xp.minimum(x, 0) - xp.log1p(xp.exp(-xp.abs(x)))
    return y, (lambda g: g * xp.sigmoid(-x),)


@op(samples=[*ANY, shapes((3, 4), low=-4, high=4, beta=2.0, threshold=3.0)], promote="float")
def softplus(xp, x, *, beta=1.0, threshold=20.0):
    """y = log(1 + e^βx) / β, and x itself where βx > threshold        x̄ = ȳ σ(βx), and ȳ there"""
    z = beta * x
    linear = z > threshold
    y = (xp.maximum(z, 0) + xp.log1p(xp.exp(-xp.abs(z)))) / beta
    return xp.where(linear, x, y), (lambda g: g * xp.where(linear, 1.0, xp.sigmoid(z)),)


@op(samples=WIDE + ANY, promote="float")
def silu(xp, x):
    """y = x s,  s = σ(x)        x̄ = ȳ s (1 + x (1 − s))        also called swish (Ramachandran et al. 2017)"""
    s = xp.sigmoid(x)
    return x * s, (lambda g: g * (s * (1 + x * (1 - s))),)


@op(samples=WIDE + ANY, promote="float")
def gelu(xp, x):
    """y = x Φ(x),  Φ the normal distribution's        x̄ = ȳ (Φ + x φ)        (Hendrycks & Gimpel 2016)"""
    cdf = 0.5 * (1 + xp.erf(x * math.sqrt(0.5)))
    pdf = lambda: xp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    return x * cdf, (lambda g: g * (cdf + x * pdf()),)


@op(samples=WIDE + ANY, promote="float")
def gelu_tanh(xp, x):
    """GELU's approximation: y = ½ x (1 + t)    t = tanh u    u = √(2/π) (x + 0.044715 x³)

        x̄ = ½ ȳ (1 + t + x (1 − t²) u′)        u′ = √(2/π) (1 + 3 · 0.044715 x²)

    Beyond ±10, where t is ±1 to the last bit, x counts as ±10 in u, so that its powers stay finite.
    """
    a, b = math.sqrt(2 / math.pi), math.sqrt(2 / math.pi) * 0.044715
    c = xp.minimum(xp.maximum(x, -10), 10)
    c2 = c * c
    t = xp.tanh(c * (a + b * c2))
    half = 0.5 * (1 + t)
    return x * half, (lambda g: g * (half + 0.5 * x * ((1 - t * t) * (a + 3 * b * c2))),)


@op(samples=WIDE + ANY, promote="float")
def mish(xp, x):
    """y = x t,  t = tanh(softplus x) = s (1 + q) / (1 + q²),  s = σ(x), q = σ(−x)        (Misra 2019)

        x̄ = ȳ (t + x (1 − t²) s)
    """
    s, q = xp.sigmoid(x), xp.sigmoid(-x)
    t = s * (1 + q) / (1 + q * q)
    return x * t, (lambda g: g * (t + x * (1 - t * t) * s),)


@op(samples=[shapes((4, 5)), shapes((), low=-0.5, high=2.5, min_val=0.0, max_val=2.0)])
def hardtanh(xp, x, *, min_val=-1.0, max_val=1.0):
    """y = x, held between two bounds        x̄ = ȳ strictly between them, else 0"""
    gx = lambda g: g * ((x > min_val) & (x < max_val))
    return xp.minimum(xp.maximum(x, min_val), max_val), (gx,)


@op(samples=WIDE, promote="float")
def hardsigmoid(xp, x):
    """y = x/6 + ½, held between 0 and 1        x̄ = ȳ/6 where −3 < x < 3        (Howard et al. 2019)"""
    gx = lambda g: g * ((x > -3) & (x < 3)) / 6
    return xp.minimum(xp.maximum(x + 3, 0), 6) / 6, (gx,)


@op(samples=WIDE, promote="float")
def hardswish(xp, x):
    """y = x h,  h = hardsigmoid x        x̄ = ȳ (h + x h′),  h′ = 1/6 where −3 < x < 3        (Howard et al. 2019)"""
    h, (gh,) = hardsigmoid.formula(xp, x)
    return x * h, (lambda g: g * h + gh(g * x),)


@op(samples=ANY, promote="float")
def softsign(xp, x):
    """y = x / d,  d = 1 + |x|        x̄ = ȳ / d²"""
    d = 1 + xp.abs(x)
    return x / d, (lambda g: g / d / d,)


@op(samples=WIDE + ANY, promote="float")
def tanhshrink(xp, x):
    """y = x − tanh x        x̄ = ȳ tanh² x"""
    t = xp.tanh(x)
    return x - t, (lambda g: g * (t * t),)


@op(samples=[shapes((4, 5)), shapes((), width=0.3)], promote="float")
def softshrink(xp, x, *, width=0.5):
    """y = x moved towards 0 by a width, 0 within it        x̄ = ȳ where |x| > width"""
    y = x - xp.minimum(xp.maximum(x, -width), width)
    return y, (lambda g: g * (xp.abs(x) > width),)


@op(samples=[shapes((4, 5)), shapes((), width=0.3)], promote="float")
def hardshrink(xp, x, *, width=0.5):
    """y = x where |x| > width, else 0        x̄ = ȳ there"""
    outside = xp.abs(x) > width
    return xp.where(outside, x, 0.0), (lambda g: g * outside,)


@op(samples=[shapes((4, 5), bound=0.3, value=-2.0), shapes((), bound=0.0, value=1.0)])
def threshold(xp, x, *, bound, value):
    """y = x where x > bound, else a fixed value        x̄ = ȳ there, else 0"""
    above = x > bound
    return xp.where(above, x, value), (lambda g: g * above,)


@op(samples=[shapes((3, 4), axis=-1), shapes((2, 4, 3), axis=1)], promote="float")
def glu(xp, x, *, axis=-1):
    """y = a s,  s = σ(b),  x = [a, b] along an axis        ā = ȳ s    b̄ = ȳ a s (1 − s)    (Dauphin et al. 2017)"""
    if x.ndim == 0 or x.shape[axis] % 2:
        raise ValueError(f"the axis {axis} is split in two halves, so its size must be even")
    half = x.shape[axis] // 2
    before = (slice(None),) * (axis % x.ndim)
    s = xp.sigmoid(x[(*before, slice(half, None))])
    a = x[(*before, slice(half))]
    return a * s, (lambda g: xp.concatenate(g * s, g * (a * s * (1 - s)), axis=axis),)
