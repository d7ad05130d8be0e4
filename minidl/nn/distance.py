"""How far apart, or how alike, two tensors' rows are."""

from ..autograd import Tensor
from . import functional as F
from .module import Module


class CosineSimilarity(Module):
    """y = x₁ · x₂ / (max(‖x₁‖, ε) max(‖x₂‖, ε)) along dim

    x₁, x₂ (…, D, …), broadcast against each other   →   y without that axis"""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """y = ‖x₁ − x₂ + ε‖_p = (Σ |x₁ − x₂ + ε|ᵖ)^(1/p)

    x₁, x₂ (N, D) or (D,)   →   y (N,), or (N, 1) with keepdim"""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
