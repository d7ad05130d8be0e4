"""Where a thing stands in its sequence: codes that are added to it, rotations of queries and keys, biases of scores.

Attention itself does not know the order of what it sees."""

import math
from typing import Any

from ..api import arange, cos, empty, sin, stack, tensor, where
from ..api.arguments import guarded
from ..autograd import Tensor
from ..errors import refusal
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


def angles(length: int, dim: int, base: float = 10000.0, start: int = 0, like: Tensor | None = None) -> Tensor:
    """t θ_k for the steps t and the frequencies θ_k = base^(−2k/dim), k < dim/2: (length, dim/2)"""
    where: Any = {} if like is None else {"dtype": like.dtype, "device": like.device}
    t = arange(start, start + length, **where)
    theta = tensor([base ** (-2 * k / dim) for k in range((dim + 1) // 2)], **where)
    return t.unsqueeze(1) * theta


def sinusoids(length: int, dim: int, base: float = 10000.0, start: int = 0, like: Tensor | None = None) -> Tensor:
    """sin t θ_k and cos t θ_k in turn, θ_k = base^(−2k/dim): (length, dim)"""
    a = angles(length, dim, base, start, like)
    return stack([sin(a), cos(a)], dim=-1).flatten(1)[:, :dim]


def rotated(x: Tensor, base: float = 10000.0, interleaved: bool = True, start: int = 0) -> Tensor:
    """Each pair of features turned by t θ_k, t the step: (…, T, D) → (…, T, D). See RotaryPositions."""
    T, D = x.shape[-2:]
    a = angles(T, D, base, start, x)
    c, s = cos(a), sin(a)
    p, q = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., : D // 2], x[..., D // 2 :])
    turned = [p * c - q * s, p * s + q * c]
    return stack(turned, dim=-1).flatten(-2) if interleaved else stack(turned, dim=-2).flatten(-2)


class SinusoidalPositions(Module):
    """y_t = x_t + p_t,  p_t = (sin t θ₀, cos t θ₀, sin t θ₁, …),  θ_k = base^(−2k/dim)        (Vaswani et al. 2017)

    A shift by any number of steps is one rotation of all p_t. Nothing is learned, and no length is too long.

    x (T, N, dim), (N, T, dim) with batch_first, or (T, dim)   →   y like x        start: the first step's number"""

    def __init__(self, dim: int, base: float = 10000.0, dropout: float = 0.0, batch_first: bool = False) -> None:
        super().__init__()
        self.dim, self.base, self.dropout, self.batch_first = dim, base, dropout, batch_first

    @guarded
    def forward(self, input: Tensor, start: int = 0) -> Tensor:
        T = _steps(self, input)
        return _added(self, input, sinusoids(T, self.dim, self.base, start, input))

    def extra_repr(self) -> str:
        return f"{self.dim}, base={self.base}, dropout={self.dropout}, batch_first={self.batch_first}"


class LearnedPositions(Module):
    """y_t = x_t + w_t        a learned vector for each step (Gehring et al. 2017)

    x (T, N, dim), (N, T, dim) with batch_first, or (T, dim), T ≤ length   weight (length, dim), starting as
    N(0, 0.02²)   →   y like x        start: the first step's number"""

    def __init__(
        self,
        length: int,
        dim: int,
        dropout: float = 0.0,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.length, self.dim, self.dropout, self.batch_first = length, dim, dropout, batch_first
        self.weight = Parameter(empty((length, dim), device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the vectors anew."""
        init.normal_(self.weight, std=0.02)

    @guarded
    def forward(self, input: Tensor, start: int = 0) -> Tensor:
        T = _steps(self, input)
        if start + T > self.length:
            reason = f"{T} steps from {start} on go beyond the {self.length} that have a vector"
            raise refusal(ValueError, "LearnedPositions", reason, input=input)
        return _added(self, input, self.weight[start : start + T])

    def extra_repr(self) -> str:
        return f"{self.length}, {self.dim}, dropout={self.dropout}, batch_first={self.batch_first}"


class RotaryPositions(Module):
    """(y₂ₖ, y₂ₖ₊₁) = (x₂ₖ, x₂ₖ₊₁) turned by t θ_k,  θ_k = base^(−2k/dim)        (Su et al. 2021)

    For queries and keys, not for values: the product of a query at s and a key at t then depends on t − s alone.
    interleaved=False turns the pairs (xₖ, xₖ₊dim/2) instead, as the published weights of some models expect.

    x (…, T, dim), dim even   →   y like x        start: the first step's number, when keys before it are kept"""

    def __init__(self, dim: int, base: float = 10000.0, interleaved: bool = True) -> None:
        super().__init__()
        if dim % 2:
            raise ValueError(f"RotaryPositions: features turn in pairs, so dim must be even, got {dim}")
        self.dim, self.base, self.interleaved = dim, base, interleaved

    @guarded
    def forward(self, input: Tensor, start: int = 0) -> Tensor:
        if input.ndim < 2 or input.shape[-1] != self.dim:
            raise refusal(ValueError, "RotaryPositions", f"(…, T, {self.dim}) is expected", input=input)
        return rotated(input, self.base, self.interleaved, start)

    def extra_repr(self) -> str:
        return f"{self.dim}, base={self.base}, interleaved={self.interleaved}"


class ALiBi(Module):
    """s_ij − m_h |i − j|        a bias against what is far away, steeper in some heads (Press, Smith & Lewis 2022)

    m_h = 2^(−8h/H) for heads h = 1 … H, H a power of two; for other H those of the power below, and of the one above
    every second. Nothing is learned, and models run on longer sequences than they were trained on.

    L queries, S keys (as many unless given)   →   (H, L, S) to be added to scores, as the attn_mask of
    scaled_dot_product_attention; the last query stands at the last key. causal: −∞ for keys after a query."""

    def __init__(self, num_heads: int, causal: bool = False) -> None:
        super().__init__()
        self.num_heads, self.causal = num_heads, causal
        self.register_buffer("slopes", tensor(_slopes(num_heads)), persistent=False)

    def forward(self, queries: int, keys: int | None = None) -> Tensor:
        S = queries if keys is None else keys
        i = arange(S - queries, S, device=self.slopes.device).unsqueeze(1)
        j = arange(S, device=self.slopes.device)
        bias = (i - j).abs() * -self.slopes.reshape(-1, 1, 1)
        return where(j > i, -math.inf, bias) if self.causal else bias

    def extra_repr(self) -> str:
        return f"{self.num_heads}, causal={self.causal}"


def _slopes(heads: int) -> list[float]:
    below = 2 ** int(math.log2(heads))
    of = lambda n: [2 ** (-8 * h / n) for h in range(1, n + 1)]
    return of(below) + of(2 * below)[::2][: heads - below]


def _steps(module: Any, x: Tensor) -> int:
    """How many steps there are."""
    if x.ndim not in (2, 3) or x.shape[-1] != module.dim:
        batched = f"(N, T, {module.dim})" if module.batch_first else f"(T, N, {module.dim})"
        reason = f"{batched} or (T, {module.dim}) is expected"
        raise refusal(ValueError, type(module).__name__, reason, input=x)
    return x.shape[1 if module.batch_first and x.ndim == 3 else 0]


def _added(module: Any, x: Tensor, codes: Tensor) -> Tensor:
    y = x + (codes.unsqueeze(1) if x.ndim == 3 and not module.batch_first else codes)
    return F.dropout(y, module.dropout, module.training) if module.dropout else y
