"""Attention in several heads, as every Transformer has it (Vaswani et al. 2017)."""

import math

import minidl
from minidl import nn
from minidl.nn import functional as F


class Attention(nn.Module):
    """Each query takes a mean of the values, weighted by how well their keys fit it, in h heads side by side.

        Q = x W_q   K = m W_k   V = m W_v        weights = softmax(Q Kᵀ / √d + mask)        y = (weights V) W_o

    x (N, T, D) asks, m (N, S, D) answers; m = x is self-attention. mask: truths that broadcast to (N, h, T, S), False
    where a query must not look. cache: a dict that keeps K and V between calls, so that a text can grow by one token
    at a time. After forward under `watched = True`, `weights` has them: (N, h, T, S)."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.watched = False
        self.weights: minidl.Tensor | None = None

    def forward(self, x, memory=None, mask=None, causal=False, cache=None):
        q = self.split(self.query(x))  # (N, h, T, D / h)
        if cache is not None and memory is not None and cache:
            k, v = cache["k"], cache["v"]  # the memory does not change
        else:
            m = x if memory is None else memory
            k, v = self.split(self.key(m)), self.split(self.value(m))  # (N, h, S, D / h)
            if cache is not None:
                if memory is None and cache:
                    k, v = minidl.cat([cache["k"], k], 2), minidl.cat([cache["v"], v], 2)
                cache["k"], cache["v"] = k, v
        T, S = q.shape[2], k.shape[2]
        if causal and (self.watched or T != S):  # query t is token S − T + t, and sees the tokens up to itself
            mask, causal = minidl.ones(T, S, dtype=minidl.bool, device=x.device).tril(S - T), False
        if self.watched:
            scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
            if mask is not None:
                scores = scores.masked_fill(~mask, -math.inf)
            weights = scores.softmax(-1)
            self.weights = weights
            y = F.dropout(weights, self.dropout, self.training) @ v
        else:  # the same in one operation
            p = self.dropout if self.training else 0.0
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p, is_causal=causal)
        return self.output(y.transpose(1, 2).flatten(2))  # (N, T, D)

    def split(self, x):
        """(N, T, D) → (N, h, T, D / h)"""
        N, T, D = x.shape
        return x.reshape(N, T, self.heads, D // self.heads).transpose(1, 2)


class FeedForward(nn.Module):
    """y = W₂ φ(W₁ x + b₁) + b₂ at each place by itself; φ is GELU (Hendrycks & Gimpel 2016)"""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(F.gelu(self.up(x), approximate="tanh"))


def watch(model: nn.Module, on: bool = True) -> "list[Attention]":
    """Let every attention of a network keep its weights, or no more; returns these layers, first to last."""
    layers = [module for module in model.modules() if isinstance(module, Attention)]
    for layer in layers:
        layer.watched, layer.weights = on, None
    return layers
