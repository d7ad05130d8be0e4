"""The attention of the Transformer (Vaswani et al. 2017): the formula, and the masks that say who sees whom."""

import math
from typing import Any

import minidl
from minidl import Tensor
from minidl.nn import functional as F


def attention(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, dropout: float = 0.0, weights: bool = False
) -> tuple[Tensor, Tensor | None]:
    """y = p v,   p = softmax(q kᵀ / √d + mask)

    q (B, h, T, d)   k, v (B, h, S, d)   →   y (B, h, T, d), p (B, h, T, S) if `weights` are asked for, else None
    mask: truths that broadcast to (B, h, T, S), where a query sees a key; or numbers to add. dropout: of the p.
    A query that sees no key at all (one that is padding itself) gets zeros."""
    if not weights:  # the same in one operation, which need not keep p
        return F.scaled_dot_product_attention(q, k, v, mask, dropout), None
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # (B, h, T, S)
    if mask is None:
        p = F.softmax(scores, dim=-1)
    elif mask.is_floating_point():
        p = F.softmax(scores + mask, dim=-1)
    else:
        lowest = minidl.finfo(scores.dtype).min
        p = F.softmax(scores.masked_fill(~mask, lowest), dim=-1).masked_fill(~mask, 0.0)
    p = F.dropout(p, dropout)
    return p @ v, p


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, heads · d) → (B, heads, T, d)"""
    B, T, D = x.shape
    return x.reshape(B, T, heads, D // heads).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, heads, T, d) → (B, T, heads · d)"""
    B, heads, T, d = x.shape
    return x.transpose(1, 2).reshape(B, T, heads * d)


def padding_mask(attention_mask: Tensor | None) -> Tensor | None:
    """A tokenizer's attention_mask (B, S), 1 for a token and 0 for padding, as a mask for `attention` (B, 1, 1, S).

    (B, T, S), a mask for each query, and (B, h, T, S), truths or numbers to add, are taken too."""
    if attention_mask is None:
        return None
    if attention_mask.ndim == 4 and attention_mask.is_floating_point():
        return attention_mask
    shape = tuple(attention_mask.shape)
    if not 2 <= len(shape) <= 4:
        raise ValueError(f"attention_mask: (B, S), (B, T, S) or (B, heads, T, S) is expected, got {shape}")
    shape = (shape[0], 1, 1, shape[1]) if len(shape) == 2 else (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape
    return (attention_mask != 0).reshape(shape)


def causal_mask(T: int, S: int, device: Any = None) -> Tensor:
    """(T, S): the last T of S tokens see themselves and what is before them."""
    at = minidl.arange(S, device=device)
    return at <= at[S - T :].unsqueeze(1)
