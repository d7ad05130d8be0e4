"""Dropout: noise in training that keeps units from relying on each other."""

from ..autograd import Tensor
from . import functional as F
from .module import Module


class Dropout(Module):
    """y = m ⊙ x / (1 − p)        m drawn anew each time, 0 with probability p, else 1 (Srivastava et al. 2014)

    In evaluation y = x. x of any shape."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: the probability lies between 0 and 1, got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
