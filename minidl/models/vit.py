"""The Vision Transformer: a picture as a sentence of patches (Dosovitskiy et al. 2021)."""

from dataclasses import dataclass

import minidl
from minidl import nn
from minidl.models.attention import Attention, FeedForward


@dataclass
class VisionTransformerConfig:
    image: int = 32  # pixels along each side
    patch: int = 4
    channels: int = 3
    classes: int = 10
    layers: int = 6
    heads: int = 4
    width: int = 128
    dropout: float = 0.1


class Block(nn.Module):
    """x ← x + attention(norm(x));  x ← x + feed-forward(norm(x))"""

    def __init__(self, config: VisionTransformerConfig) -> None:
        super().__init__()
        D = config.width
        self.norm1, self.attention = nn.LayerNorm(D), Attention(D, config.heads)
        self.norm2, self.feed_forward = nn.LayerNorm(D), FeedForward(D, 2 * D)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.feed_forward(self.norm2(x)))


class VisionTransformer(nn.Module):
    """x₀ = [class; W patch₁; …; W patch_P] + positions,  y = W_o norm(blocks(x₀))[first]

    pictures (N, C, H, W)  →  scores (N, classes)"""

    def __init__(self, config: VisionTransformerConfig) -> None:
        super().__init__()
        self.config = config
        if config.image % config.patch:
            raise ValueError(f"VisionTransformer: {config.image} pixels are no multiple of patches of {config.patch}")
        D, patches = config.width, (config.image // config.patch) ** 2
        self.patches = nn.Conv2d(config.channels, D, config.patch, stride=config.patch)
        self.first = nn.Parameter(minidl.zeros(1, 1, D))
        self.positions = nn.Parameter(minidl.randn(1, patches + 1, D) * 0.02)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.layers)])
        self.norm, self.output = nn.LayerNorm(D), nn.Linear(D, config.classes)

    def forward(self, pictures):
        x = self.patches(pictures).flatten(2).transpose(1, 2)  # (N, P, D)
        first = self.first.expand(x.shape[0], -1, -1)
        x = self.dropout(minidl.cat([first, x], 1) + self.positions)  # (N, P + 1, D)
        for block in self.blocks:
            x = block(x)
        return self.output(self.norm(x[:, 0]))
