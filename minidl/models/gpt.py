"""GPT: a Transformer that says what comes next (Radford et al. 2018, 2019)."""

from dataclasses import dataclass

import minidl
from minidl import nn
from minidl.models.attention import Attention, FeedForward


@dataclass
class GPTConfig:
    vocabulary: int = 65
    context: int = 128  # tokens that it sees at once
    layers: int = 4
    heads: int = 4
    width: int = 128
    dropout: float = 0.1


class Block(nn.Module):
    """x ← x + attention(norm(x));  x ← x + feed-forward(norm(x))"""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        D = config.width
        self.norm1, self.attention = nn.LayerNorm(D), Attention(D, config.heads, config.dropout)
        self.norm2, self.feed_forward = nn.LayerNorm(D), FeedForward(D, 4 * D)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x, cache=None):
        x = x + self.dropout(self.attention(self.norm1(x), causal=True, cache=cache))
        return x + self.dropout(self.feed_forward(self.norm2(x)))


class GPT(nn.Module):
    """p(token t + 1 | tokens up to t) = softmax(W_e hₜ),  h = norm(blocks(W_e[token] + W_p[t]))

    The embedding W_e serves at both ends. tokens (N, T)  →  scores (N, T, vocabulary)
    cache: what `empty_cache` gives, filled by each call; then only the tokens that are new need to be given."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Embedding(config.context, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.norm = nn.LayerNorm(config.width)
        for embedding in (self.tokens, self.positions):
            nn.init.normal_(embedding.weight, std=0.02)
        for block in self.blocks:  # each adds to the stream, so the more there are the less each adds at first
            for last in (block.attention.output, block.feed_forward.down):
                nn.init.normal_(last.weight, std=0.02 / (2 * config.layers) ** 0.5)

    def forward(self, tokens, cache=None):
        start = cache[0]["k"].shape[2] if cache and cache[0] else 0
        T = tokens.shape[1]
        if start + T > self.config.context:
            raise ValueError(f"GPT: {start + T} tokens are more than its context of {self.config.context}")
        places = minidl.arange(start, start + T, device=tokens.device)
        x = self.dropout(self.tokens(tokens) + self.positions(places))  # (N, T, D)
        for k, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache[k])
        return self.norm(x) @ self.tokens.weight.t()  # (N, T, vocabulary)

    def go_on(self, tokens, state=None):
        """The scores, and what the next call goes on from. Where its context is full it reads the last half again."""
        cache, seen = (self.empty_cache(), tokens) if state is None else (state[0], minidl.cat([state[1], tokens], 1))
        if seen.shape[1] > self.config.context:
            tokens = seen = seen[:, -(self.config.context // 2) :]
            cache = self.empty_cache()
        return self(tokens, cache), (cache, seen)

    def empty_cache(self) -> list:
        return [{} for _ in self.blocks]
