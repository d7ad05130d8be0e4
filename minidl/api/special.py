"""The special functions: those of gamma, the inverse of erf, the normal distribution, Bessel's functions."""

import math
from collections.abc import Callable
from typing import Any

from ..autograd import Tensor
from .arguments import Operand, as_float, into, ops


def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln |Γ(x)|."""
    return into(out, ops.lgamma(input))


gammaln = lgamma


def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ψ(x) = Γ′(x) / Γ(x)."""
    return into(out, ops.digamma(input))


psi = digamma


def polygamma(n: int, input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The n-th derivative of ψ."""
    if n < 0:
        raise RuntimeError(f"polygamma: n is how often ψ is differentiated, 0 or more, got {n!r}")
    return into(out, ops.polygamma(input, n=n) if n else ops.digamma(input))


def polygamma_method(input: Tensor, n: int) -> Tensor:
    """The n-th derivative of ψ."""
    return polygamma(n, input)


polygamma_method.__name__ = "polygamma"

def mvlgamma(input: Tensor, p: int, *, out: Tensor | None = None) -> Tensor:
    """ln Γₚ(x) = p (p − 1)/4 ln π + Σ ln Γ(x − k/2), k from 0 to p − 1."""
    if p < 1:
        raise RuntimeError(f"mvlgamma: p must be at least 1, got {p}")
    x = as_float(input)
    y = ops.lgamma(x)
    for k in range(1, p):
        y = ops.add(y, ops.lgamma(ops.sub(x, k / 2)))
    return into(out, ops.add(y, p * (p - 1) / 4 * math.log(math.pi)))


multigammaln = mvlgamma


def zeta(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """Hurwitz's ζ(x, q) = Σ (q + k)⁻ˣ."""
    return into(out, ops.zeta(*_tensors(input, other)))


def _terms(a: Tensor) -> int:
    """How many terms the series for P needs: they shrink from about √a on."""
    largest = 0.0 if a.is_meta or not a.array.size else float(ops.max(a.detach()).array)
    return 60 + int(12 * math.sqrt(largest)) if 0 < largest < 1e6 else 120


def igamma(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The lower part of Γ: ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a), of a = input and x = other."""
    return into(out, ops.igamma(input, other, terms=_terms(input)))


gammainc = igamma


def igammac(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The upper part of Γ: ∫ₓ^∞ tᵃ⁻¹ e⁻ᵗ dt / Γ(a), of a = input and x = other."""
    return into(out, ops.igammac(input, other, terms=_terms(input)))


gammaincc = igammac


def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """y with erf y = x."""
    return into(out, ops.erfinv(input))


def erfcx(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e^(x²) erfc x."""
    return into(out, ops.erfcx(input))


def ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The chance that a standard normal number is below x."""
    return into(out, ops.ndtr(input))


def ndtri(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The number below which a standard normal one is with chance x."""
    return into(out, ops.ndtri(input))


def log_ndtr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln ndtr(x), without underflow."""
    return into(out, ops.log_ndtr(input))


def entr(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """−x ln x, 0 at 0 and −∞ below."""
    return into(out, ops.entr(input))


def xlog1py(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input ln(1 + other), which is 0 where input is 0, whatever other is (unless NaN)."""
    return into(out, ops.xlog1py(*_tensors(input, other)))


def _tensors(input: Operand, other: Operand) -> tuple[Operand, Operand]:
    """Where one of two is a plain number, that as a tensor: its logarithms would be float64."""
    if isinstance(input, Tensor) and not isinstance(other, Tensor):
        return input, ops.full_like(as_float(input), shape=(), fill_value=other)
    if isinstance(other, Tensor) and not isinstance(input, Tensor):
        return ops.full_like(as_float(other), shape=(), fill_value=input), other
    return input, other


def i0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of order 0."""
    return into(out, ops.i0(input))


def i0e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e^(−|x|) i0(x)."""
    return into(out, ops.i0e(input))


def i1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The modified Bessel function of order 1."""
    return into(out, ops.i1(input))


def i1e(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """e^(−|x|) i1(x)."""
    return into(out, ops.i1e(input))

def bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """J₀(x), Bessel's function of order 0."""
    return into(out, ops.bessel_j(input, order=0))


def bessel_j1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """J₁(x), Bessel's function of order 1."""
    return into(out, ops.bessel_j(input, order=1))


def bessel_y0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Y₀(x), Bessel's second function of order 0; NaN for x < 0."""
    return into(out, ops.bessel_y(input, order=0))


def bessel_y1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Y₁(x), Bessel's second function of order 1; NaN for x < 0."""
    return into(out, ops.bessel_y(input, order=1))


def modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """K₀(x), the modified Bessel function that falls, of order 0; NaN for x < 0."""
    return into(out, ops.bessel_k(input, order=0, scaled=False))


def modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """K₁(x), the modified Bessel function that falls, of order 1; NaN for x < 0."""
    return into(out, ops.bessel_k(input, order=1, scaled=False))


def scaled_modified_bessel_k0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """eˣ K₀(x)."""
    return into(out, ops.bessel_k(input, order=0, scaled=True))


def scaled_modified_bessel_k1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """eˣ K₁(x)."""
    return into(out, ops.bessel_k(input, order=1, scaled=True))


def spherical_bessel_j0(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin x / x."""
    return into(out, ops.spherical_bessel_j0(input))


def airy_ai(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Ai(x), Airy's function."""
    return into(out, ops.airy_ai(input))


def _polynomial(
    x: Operand, n: Operand, first: Callable[[Any], Any], step: Callable[[int, Any, Any, Any], Any]
) -> Tensor:
    """The n-th of the polynomials 1, first(x), …, each made from the two before it by `step`; 0 for n < 0."""
    x, n = (as_float(t) if isinstance(t, Tensor) else t for t in _tensors(x, n))
    degree = ops.trunc(n) if isinstance(n, Tensor) else ops.full_like(x, fill_value=float(n), shape=())
    most = int(ops.max(degree).array) if degree.array.size else 0
    p, q = ops.ones_like(x), first(x)
    y = ops.where(ops.eq(degree, 0), p, ops.where(ops.eq(degree, 1), q, ops.zeros_like(x)))
    for k in range(1, most):
        p, q = q, step(k, x, q, p)
        y = ops.where(ops.eq(degree, k + 1), q, y)
    return y


def _twice(k: int, x: Any, q: Any, p: Any) -> Any:
    return 2 * x * q - p


def chebyshev_polynomial_t(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Tₙ(x) = cos(n arccos x)."""
    return into(out, _polynomial(input, n, lambda x: x, _twice))


def chebyshev_polynomial_u(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Uₙ(x) = sin((n + 1) θ) / sin θ, x = cos θ."""
    return into(out, _polynomial(input, n, lambda x: 2 * x, _twice))


def chebyshev_polynomial_v(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Vₙ(x) = cos((n + ½) θ) / cos(θ/2), x = cos θ."""
    return into(out, _polynomial(input, n, lambda x: 2 * x - 1, _twice))


def chebyshev_polynomial_w(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Wₙ(x) = sin((n + ½) θ) / sin(θ/2), x = cos θ."""
    return into(out, _polynomial(input, n, lambda x: 2 * x + 1, _twice))


def hermite_polynomial_h(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Hₙ(x), the physicists' Hermite polynomial."""
    return into(out, _polynomial(input, n, lambda x: 2 * x, lambda k, x, q, p: 2 * x * q - 2 * k * p))


def hermite_polynomial_he(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Heₙ(x), the probabilists' Hermite polynomial."""
    return into(out, _polynomial(input, n, lambda x: x, lambda k, x, q, p: x * q - k * p))


def laguerre_polynomial_l(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Lₙ(x), Laguerre's polynomial."""
    return into(out, _polynomial(input, n, lambda x: 1 - x, lambda k, x, q, p: ((2 * k + 1 - x) * q - k * p) / (k + 1)))


def legendre_polynomial_p(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Pₙ(x), Legendre's polynomial."""
    return into(out, _polynomial(input, n, lambda x: x, lambda k, x, q, p: ((2 * k + 1) * x * q - k * p) / (k + 1)))


def _shifted(x: Operand) -> Operand:
    return ops.sub(ops.mul(as_float(x), 2), 1) if isinstance(x, Tensor) else 2 * x - 1


def shifted_chebyshev_polynomial_t(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Tₙ(2x − 1)."""
    return chebyshev_polynomial_t(_shifted(input), n, out=out)


def shifted_chebyshev_polynomial_u(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Uₙ(2x − 1)."""
    return chebyshev_polynomial_u(_shifted(input), n, out=out)


def shifted_chebyshev_polynomial_v(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Vₙ(2x − 1)."""
    return chebyshev_polynomial_v(_shifted(input), n, out=out)


def shifted_chebyshev_polynomial_w(input: Operand, n: Operand, *, out: Tensor | None = None) -> Tensor:
    """Wₙ(2x − 1)."""
    return chebyshev_polynomial_w(_shifted(input), n, out=out)
