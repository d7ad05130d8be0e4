"""Dropout: noise in training that keeps units from relying on each other."""

from ..autograd import Tensor
from . import functional as F
from .module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: the probability lies between 0 and 1, got {p}")
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """y = m ⊙ x / (1 − p)        m drawn anew each time, 0 with probability p, else 1 (Srivastava et al. 2014)

    In evaluation y = x. x of any shape."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """Dropout of whole channels (Tompson et al. 2015): one m for each (n, c).

    x (N, C, L) or (C, L)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """Dropout of whole channels (Tompson et al. 2015): one m for each (n, c), since neighbouring pixels are alike.

    x (N, C, H, W) or (C, H, W)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """Dropout of whole channels (Tompson et al. 2015): one m for each (n, c).

    x (N, C, D, H, W) or (C, D, H, W)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """y = a (m ⊙ x + (1 − m) α′) + b        α′ = −λα, SELU's lowest value (Klambauer et al. 2017)

    a = 1/√((1 − p)(1 + p α′²)), b = −a p α′: mean 0 and variance 1 stay what they are. x of any shape."""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels: one m for each (n, c).

    x (N, C, …)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
