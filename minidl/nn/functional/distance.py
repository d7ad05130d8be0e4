"""How near two vectors are."""

from ...api.arguments import axis_of
from ...autograd import OPS, Tensor
from ...backend import INDEX
from ...errors import refusal
from .normalization import length


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """⟨x₁, x₂⟩ / (max(‖x₁‖, ε) max(‖x₂‖, ε)) along a dim."""
    axis = axis_of(dim, max(x1.ndim, x2.ndim), "cosine_similarity")
    if not x1.ndim and not x2.ndim:
        x1, x2 = OPS.reshape(x1, shape=(1,)), OPS.reshape(x2, shape=(1,))
        return OPS.reshape(cosine_similarity(x1, x2, 0, eps), shape=())
    x1, x2 = x1 + OPS.zeros_like(x2), x2 + OPS.zeros_like(x1)  # the lengths are those of what both broadcast to
    unit = lambda x: x / length(x, 2, axis, eps)
    return OPS.sum(unit(x1) * unit(x2), axis=(axis,))


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x₁ − x₂ + ε‖ₚ along the last axis."""
    d = length(x1 - x2 + eps, p, -1, 0.0)
    return d if keepdim else OPS.reshape(d, shape=d.shape[:-1])


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The distances ‖xᵢ − xⱼ‖ₚ of all pairs i < j of rows, as one axis: those of row 0 first."""
    if input.ndim != 2:
        raise refusal(RuntimeError, "pdist", "an input (N, D) is expected", input=input)
    if p < 0:
        raise refusal(RuntimeError, "pdist", f"p must not be negative, got {p}", input=input)
    n = input.shape[0]
    k = OPS.arange_like(input, n=n)
    pairs = OPS.reshape(k, shape=(n, 1)) < k
    order = OPS.argsort(OPS.where(OPS.reshape(pairs, shape=(-1,)), 0, 1), axis=0)[: n * (n - 1) // 2]  # stable
    rows = lambda i: OPS.getitem(input, i, key=(INDEX,))
    d = rows(OPS.floor_divide(order, max(n, 1))) - rows(OPS.mod(order, max(n, 1)))
    if p == 0:
        return OPS.sum(OPS.where(d == 0, 0 * d, 0 * d + 1), axis=(1,))  # whose slope is 0
    return OPS.vector_norm(d, ord=p, axis=(1,))
