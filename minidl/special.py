"""PyTorch's `special`: the functions of analysis that have names."""

from .api.elementwise import erf as erf
from .api.elementwise import erfc as erfc
from .api.elementwise import exp2 as exp2
from .api.elementwise import expm1 as expm1
from .api.elementwise import log1p as log1p
from .api.elementwise import log_softmax as log_softmax
from .api.elementwise import logit as logit
from .api.elementwise import round as round
from .api.elementwise import sigmoid as expit
from .api.elementwise import sinc as sinc
from .api.elementwise import softmax as softmax
from .api.elementwise import xlogy as xlogy
from .api.reduce import logsumexp as logsumexp
from .api.special import airy_ai as airy_ai
from .api.special import bessel_j0 as bessel_j0
from .api.special import bessel_j1 as bessel_j1
from .api.special import bessel_y0 as bessel_y0
from .api.special import bessel_y1 as bessel_y1
from .api.special import chebyshev_polynomial_t as chebyshev_polynomial_t
from .api.special import chebyshev_polynomial_u as chebyshev_polynomial_u
from .api.special import chebyshev_polynomial_v as chebyshev_polynomial_v
from .api.special import chebyshev_polynomial_w as chebyshev_polynomial_w
from .api.special import digamma as digamma
from .api.special import entr as entr
from .api.special import erfcx as erfcx
from .api.special import erfinv as erfinv
from .api.special import gammainc as gammainc
from .api.special import gammaincc as gammaincc
from .api.special import gammaln as gammaln
from .api.special import hermite_polynomial_h as hermite_polynomial_h
from .api.special import hermite_polynomial_he as hermite_polynomial_he
from .api.special import i0 as i0
from .api.special import i0 as modified_bessel_i0
from .api.special import i0e as i0e
from .api.special import i1 as i1
from .api.special import i1 as modified_bessel_i1
from .api.special import i1e as i1e
from .api.special import laguerre_polynomial_l as laguerre_polynomial_l
from .api.special import legendre_polynomial_p as legendre_polynomial_p
from .api.special import log_ndtr as log_ndtr
from .api.special import modified_bessel_k0 as modified_bessel_k0
from .api.special import modified_bessel_k1 as modified_bessel_k1
from .api.special import multigammaln as multigammaln
from .api.special import ndtr as ndtr
from .api.special import ndtri as ndtri
from .api.special import polygamma as polygamma
from .api.special import psi as psi
from .api.special import scaled_modified_bessel_k0 as scaled_modified_bessel_k0
from .api.special import scaled_modified_bessel_k1 as scaled_modified_bessel_k1
from .api.special import shifted_chebyshev_polynomial_t as shifted_chebyshev_polynomial_t
from .api.special import shifted_chebyshev_polynomial_u as shifted_chebyshev_polynomial_u
from .api.special import shifted_chebyshev_polynomial_v as shifted_chebyshev_polynomial_v
from .api.special import shifted_chebyshev_polynomial_w as shifted_chebyshev_polynomial_w
from .api.special import spherical_bessel_j0 as spherical_bessel_j0
from .api.special import xlog1py as xlog1py
from .api.special import zeta as zeta

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "chebyshev_polynomial_u",
    "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2",
    "expit", "expm1", "gammainc", "gammaincc", "gammaln", "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e",
    "i1", "i1e", "laguerre_polynomial_l", "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit",
    "logsumexp", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0", "modified_bessel_k1",
    "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round", "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w", "sinc", "softmax", "spherical_bessel_j0",
    "xlog1py", "xlogy", "zeta",
]  # fmt: skip
