"""The Transformer that translates: an encoder reads one language, a decoder writes the other (Vaswani et al. 2017)."""

import math
from dataclasses import dataclass

import minidl
from minidl import nn
from minidl.models.attention import Attention, FeedForward


@dataclass
class TransformerConfig:
    source: int = 6000  # tokens of the language that is read
    target: int = 6000  # and of the one that is written
    layers: int = 3  # of the encoder, and of the decoder
    heads: int = 4
    width: int = 128
    hidden: int = 512  # of the feed-forward networks
    dropout: float = 0.1
    pad: int = 0  # the token that fills up a batch


def position_codes(length: int, width: int, device=None):
    """p[t, 2k] = sin(t / 10000^(2k / D)), p[t, 2k + 1] = cos(the same): (length, D)"""
    t = minidl.arange(length, device=device).float().unsqueeze(1)
    k = minidl.arange(0, width, 2, device=device).float()
    angle = t * minidl.exp(-math.log(10000.0) * k / width)
    return minidl.stack([minidl.sin(angle), minidl.cos(angle)], dim=2).flatten(1)


class EncoderLayer(nn.Module):
    """x ← x + attention(norm(x));  x ← x + feed-forward(norm(x))"""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        D = config.width
        self.norm1, self.attention = nn.LayerNorm(D), Attention(D, config.heads, config.dropout)
        self.norm2, self.feed_forward = nn.LayerNorm(D), FeedForward(D, config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x, mask):
        x = x + self.dropout(self.attention(self.norm1(x), mask=mask))
        return x + self.dropout(self.feed_forward(self.norm2(x)))


class DecoderLayer(nn.Module):
    """x ← x + what it wrote so far;  x ← x + what it looks up in the memory;  x ← x + feed-forward(norm(x))"""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        D = config.width
        self.norm1, self.attention = nn.LayerNorm(D), Attention(D, config.heads, config.dropout)
        self.norm2, self.lookup = nn.LayerNorm(D), Attention(D, config.heads, config.dropout)
        self.norm3, self.feed_forward = nn.LayerNorm(D), FeedForward(D, config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x, memory, mask, cache=None):
        own, other = (None, None) if cache is None else (cache["own"], cache["memory"])
        x = x + self.dropout(self.attention(self.norm1(x), causal=True, cache=own))
        x = x + self.dropout(self.lookup(self.norm2(x), memory, mask=mask, cache=other))
        return x + self.dropout(self.feed_forward(self.norm3(x)))


class Transformer(nn.Module):
    """memory = encoder(√D W_s[source] + p),  scores = W_t decoder(√D W_t[target] + p, memory)

    source (N, S), target (N, T): tokens, the shorter ones filled up with `pad`; target begins with the token that
    begins a sentence  →  scores (N, T, tokens of the target): at t, of the token that follows target t."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        D = config.width
        self.source, self.target = nn.Embedding(config.source, D), nn.Embedding(config.target, D)
        self.encoder = nn.ModuleList([EncoderLayer(config) for _ in range(config.layers)])
        self.decoder = nn.ModuleList([DecoderLayer(config) for _ in range(config.layers)])
        self.encoded, self.decoded = nn.LayerNorm(D), nn.LayerNorm(D)
        self.dropout = nn.Dropout(config.dropout)
        for embedding in (self.source, self.target):
            nn.init.normal_(embedding.weight, std=D**-0.5)

    def forward(self, source, target):
        return self.decode(target, *self.encode(source))

    def embed(self, embedding, tokens, start=0):
        D = self.config.width
        codes = position_codes(start + tokens.shape[1], D, tokens.device)[start:]
        return self.dropout(embedding(tokens) * math.sqrt(D) + codes)

    def encode(self, source):
        """What the encoder makes of the source (N, S, D), and where it has tokens (N, 1, 1, S)."""
        mask = (source != self.config.pad).unsqueeze(1).unsqueeze(1)
        x = self.embed(self.source, source)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.encoded(x), mask

    def decode(self, target, memory, mask, cache=None):
        """Scores of what follows each token. cache: of `empty_cache`; then only tokens that are new are given."""
        start = cache[0]["own"]["k"].shape[2] if cache and cache[0]["own"] else 0
        x = self.embed(self.target, target, start)
        for k, layer in enumerate(self.decoder):
            x = layer(x, memory, mask, None if cache is None else cache[k])
        return self.decoded(x) @ self.target.weight.t()

    def empty_cache(self) -> list:
        return [{"own": {}, "memory": {}} for _ in self.decoder]
