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
from .api.special import digamma as digamma
from .api.special import entr as entr
from .api.special import erfcx as erfcx
from .api.special import erfinv as erfinv
from .api.special import gammaln as gammaln
from .api.special import i0 as i0
from .api.special import i0e as i0e
from .api.special import i1 as i1
from .api.special import i1e as i1e
from .api.special import log_ndtr as log_ndtr
from .api.special import multigammaln as multigammaln
from .api.special import ndtr as ndtr
from .api.special import ndtri as ndtri
from .api.special import polygamma as polygamma
from .api.special import psi as psi
from .api.special import xlog1py as xlog1py
from .api.special import zeta as zeta

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammaln", "i0", "i0e", "i1", "i1e",
    "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp", "multigammaln", "ndtr", "ndtri", "polygamma", "psi",
    "round", "sinc", "softmax", "xlog1py", "xlogy", "zeta",
]  # fmt: skip
