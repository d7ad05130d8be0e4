"""The special functions: those of gamma, the inverse of erf, the normal distribution, Bessel's functions."""

import math

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
