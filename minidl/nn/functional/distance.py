"""How near two vectors are."""

from ...api.arguments import axis_of
from ...autograd import OPS, Tensor
from .normalization import length


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """⟨x₁, x₂⟩ / (max(‖x₁‖, ε) max(‖x₂‖, ε)) along a dim."""
    axis = axis_of(dim, max(x1.ndim, x2.ndim), "cosine_similarity") - max(x1.ndim, x2.ndim)
    unit = lambda x: x / length(x, 2, axis, eps)
    return OPS.sum(unit(x1) * unit(x2), axis=(axis,))


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x₁ − x₂ + ε‖ₚ along the last axis."""
    d = length(x1 - x2 + eps, p, -1, 0.0)
    return d if keepdim else OPS.reshape(d, shape=d.shape[:-1])
