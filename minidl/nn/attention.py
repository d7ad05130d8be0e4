"""Attention by several heads."""

import math
from typing import Any

from ..api import empty
from ..autograd import Tensor
from . import functional as F
from . import init
from .linear import Linear
from .module import Module
from .parameter import Parameter


class HeadsProblem(ValueError, AssertionError):
    """Heads that do not divide the embedding; also an AssertionError, as in PyTorch."""


class MultiheadAttention(Module):
    """y = W_o [head₁; …; head_h] + b_o        (Vaswani et al. 2017)

        headᵢ = softmax(qᵢ kᵢᵀ/√d + mask) vᵢ,  d = embed_dim/h
        q = W_q query + b_q,  k = W_k key + b_k,  v = W_v value + b_v

    query (L, N, E), key (S, N, kdim), value (S, N, vdim), or (N, L, …) with batch_first, or all without N
    →   y like query, and the weights: their mean over the heads (N, L, S), with average_attn_weights=False those of
    each head (N, h, L, S), with need_weights=False None.
    attn_mask (L, S) or (N · h, L, S) and key_padding_mask (N, S): True where a key is not seen, or numbers to add.
    is_causal says that attn_mask is the causal one, which need not be read then.
    in_proj_weight (3E, E) is W_q, W_k and W_v one below the other (q_proj_weight … where kdim or vdim differ), Glorot
    uniform; biases start at 0. add_bias_kv: a learned key and value more; add_zero_attn: a key and value of zeros."""

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"MultiheadAttention: embed_dim and num_heads must be greater than 0, got {embed_dim} and {num_heads}"
            )
        super().__init__()
        if embed_dim % num_heads:
            raise HeadsProblem(
                f"MultiheadAttention: embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}"
            )
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        E, made = embed_dim, lambda *shape: Parameter(empty(shape, device=device, dtype=dtype))
        for name, width in (("q", E), ("k", self.kdim), ("v", self.vdim)):
            self.register_parameter(f"{name}_proj_weight", None if self._qkv_same_embed_dim else made(E, width))
        self.register_parameter("in_proj_weight", made(3 * E, E) if self._qkv_same_embed_dim else None)
        self.register_parameter("in_proj_bias", made(3 * E) if bias else None)
        self.out_proj = Linear(E, E, bias, device, dtype)
        self.register_parameter("bias_k", made(1, 1, E) if add_bias_kv else None)
        self.register_parameter("bias_v", made(1, 1, E) if add_bias_kv else None)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        swapped = self.batch_first and query.ndim == 3
        if swapped:  # what is one tensor stays one: then a single product projects it
            once = {id(t): t.transpose(0, 1) if t.ndim > 1 else t for t in (query, key, value)}
            query, key, value = (once[id(t)] for t in (query, key, value))
        y, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias,
            self.bias_k, self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias,
            training=self.training, key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim, q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (y.transpose(0, 1) if swapped else y), weights


def causal_mask(size: int, dtype: Any = None, device: Any = None) -> Tensor:
    """(size, size) to be added to scores: 0 up to the diagonal, −∞ above, so that no step sees a later one."""
    return empty(size, size, dtype=dtype, device=device).fill_(-math.inf).triu(1)
