"""The Vision Transformer: an image as a sentence of patches (Dosovitskiy et al. 2020).

    x = [CLS, W_p patch₁ + b_p, …, W_p patch_N + b_p] + position
    a = x + Attention(LayerNorm(x))                    each layer: every patch looks at every other,
    x = a + W₂ gelu(W₁ LayerNorm(a) + b₁) + b₂         then each is transformed by itself
    y = LayerNorm(x), logits = W y₀ + b

Attention, by several heads at once: softmax(q kᵀ / √d) v with q, k, v = W_q x, W_k x, W_v x."""

from dataclasses import dataclass
from typing import Any, ClassVar

import minidl
from minidl import Tensor, nn
from minidl.nn import functional as F

from .attention import attention, join_heads, split_heads
from .config import PretrainedConfig
from .losses import label_loss
from .model import PreTrainedModel, activation, tuple_if_asked
from .outputs import BaseModelOutputWithPooling, ImageClassifierOutput


@dataclass(init=False)
class ViTConfig(PretrainedConfig):
    """The sizes of ViT-Base with patches of 16 × 16: 86 million weights."""

    model_type: ClassVar[str] = "vit"

    hidden_size: int = 768  # D
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    image_size: int | list[int] = 224  # or (height, width)
    patch_size: int | list[int] = 16
    num_channels: int = 3
    qkv_bias: bool = True
    pooler_output_size: int | None = None  # hidden_size unless given
    pooler_act: str = "tanh"


def two(size: Any) -> tuple[int, int]:
    """(height, width) of a size that may be one number."""
    return (size, size) if isinstance(size, int) else tuple(size)


class ViTPatchEmbeddings(nn.Module):
    """x_n = W_p patch_n + b_p: a convolution whose steps are as wide as its kernel.

    pixels (B, C, H, W)   →   x (B, N, D), N = H W / patch², row by row"""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        patch = two(config.patch_size)
        self.projection = nn.Conv2d(config.num_channels, config.hidden_size, kernel_size=patch, stride=patch)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.projection(pixels).flatten(2).transpose(1, 2)


class ViTEmbeddings(nn.Module):
    """x = [CLS, patches] + position        pixels (B, C, H, W)   →   x (B, 1 + N, D)"""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        D = config.hidden_size
        self.size, self.patch, self.channels = two(config.image_size), two(config.patch_size), config.num_channels
        self.grid = (self.size[0] // self.patch[0], self.size[1] // self.patch[1])
        self.patch_embeddings = ViTPatchEmbeddings(config)
        self.cls_token = nn.Parameter(minidl.zeros(1, 1, D))
        self.position_embeddings = nn.Parameter(minidl.zeros(1, 1 + self.grid[0] * self.grid[1], D))
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, pixels: Tensor, interpolate_pos_encoding: bool) -> Tensor:
        if pixels.ndim != 4 or pixels.shape[1] != self.channels:
            raise ValueError(f"pixel_values (B, {self.channels}, H, W) are expected, got {tuple(pixels.shape)}")
        B, size = pixels.shape[0], tuple(pixels.shape[2:])
        position: Tensor = self.position_embeddings
        if size != self.size:
            if not interpolate_pos_encoding:
                raise ValueError(
                    f"the images are {size[0]} × {size[1]} and the model's {self.size[0]} × {self.size[1]}; resize "
                    "them, or interpolate_pos_encoding=True stretches the position codes"
                )
            position = self.stretched((size[0] // self.patch[0], size[1] // self.patch[1]))
        x = minidl.cat((self.cls_token.expand(B, -1, -1), self.patch_embeddings(pixels)), dim=1)
        return self.dropout(x + position)

    def stretched(self, grid: tuple[int, int]) -> Tensor:
        """The position codes for a grid of another size, between those of the model's."""
        first, rest = self.position_embeddings[:, :1], self.position_embeddings[:, 1:]
        plane = rest.reshape(1, *self.grid, -1).permute(0, 3, 1, 2)  # (1, D, rows, columns)
        plane = F.interpolate(plane, size=grid, mode="bicubic", align_corners=False)
        return minidl.cat((first, plane.flatten(2).transpose(1, 2)), dim=1)


class ViTSelfAttention(nn.Module):
    """softmax(q kᵀ / √d) v, by heads of size d = D / heads        q, k, v = W_q x + b_q, …        x (B, T, D)"""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        D, self.heads, bias = config.hidden_size, config.num_attention_heads, config.qkv_bias
        if D % self.heads:
            raise ValueError(f"hidden_size {D} cannot be shared by {self.heads} heads: num_attention_heads divides it")
        self.query, self.key, self.value = nn.Linear(D, D, bias), nn.Linear(D, D, bias), nn.Linear(D, D, bias)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(self, x: Tensor, weights: bool) -> tuple[Tensor, Tensor | None]:
        q, k, v = (split_heads(project(x), self.heads) for project in (self.query, self.key, self.value))
        y, p = attention(q, k, v, None, self.dropout.p if self.training else 0.0, weights)
        return join_heads(y), p


class ViTDense(nn.Module):
    """y = φ(W x + b), or W x + b: a Linear that files call .dense"""

    def __init__(self, inputs: int, outputs: int, act: str | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)
        self.activation = activation(act) if act else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.activation(self.dense(x)))


class ViTAttention(nn.Module):
    """W_o Attention(x) + b_o"""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.attention = ViTSelfAttention(config)
        self.output = ViTDense(config.hidden_size, config.hidden_size, dropout=config.hidden_dropout_prob)

    def forward(self, x: Tensor, weights: bool) -> tuple[Tensor, Tensor | None]:
        h, p = self.attention(x, weights)
        return self.output(h), p


class ViTLayer(nn.Module):
    """a = x + Attention(LayerNorm(x))        y = a + W₂ gelu(W₁ LayerNorm(a) + b₁) + b₂        x, y (B, T, D)"""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        D, inner = config.hidden_size, config.intermediate_size
        self.attention = ViTAttention(config)
        self.intermediate = ViTDense(D, inner, config.hidden_act)
        self.output = ViTDense(inner, D, dropout=config.hidden_dropout_prob)
        self.layernorm_before = nn.LayerNorm(D, eps=config.layer_norm_eps)
        self.layernorm_after = nn.LayerNorm(D, eps=config.layer_norm_eps)

    def forward(self, x: Tensor, weights: bool) -> tuple[Tensor, Tensor | None]:
        h, p = self.attention(self.layernorm_before(x), weights)
        a = x + h
        return a + self.output(self.intermediate(self.layernorm_after(a))), p


class ViTEncoder(nn.Module):
    """One layer after the other; also what went into each, and its attention."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(ViTLayer(config) for _ in range(config.num_hidden_layers))

    def forward(self, x: Tensor, weights: bool) -> tuple[list[Tensor], list[Tensor]]:
        states, shares = [x], []
        for layer in self.layer:
            x, p = layer(x, weights)
            states.append(x)
            shares.append(p)
        return states, shares


class ViTPreTrainedModel(PreTrainedModel):
    config_class = ViTConfig
    base_model_prefix = "vit"
    ignored = r"pooler\.|mask_token$"  # a file may have what the model has not
    renames = (  # transformers 5 has these names in memory, and the older ones in its files
        (r"^(vit\.)?layers\.", r"\1encoder.layer."),
        (r"\.attention\.q_proj\.", ".attention.attention.query."),
        (r"\.attention\.k_proj\.", ".attention.attention.key."),
        (r"\.attention\.v_proj\.", ".attention.attention.value."),
        (r"\.attention\.o_proj\.", ".attention.output.dense."),
        (r"\.mlp\.fc1\.", ".intermediate.dense."),
        (r"\.mlp\.fc2\.", ".output.dense."),
    )

    def init_weights(self, module: nn.Module) -> None:
        super().init_weights(module)
        if isinstance(module, ViTEmbeddings):
            for parameter in (module.cls_token, module.position_embeddings):
                nn.init.trunc_normal_(parameter, std=self.config.initializer_range)


class ViTModel(ViTPreTrainedModel):
    """The ViT without a head.

    pixel_values (B, C, H, W): images of the model's size, for Google's models of values (v − 0.5)/0.5 with v in [0, 1]:
    vision.transforms Resize(224), ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3).
    interpolate_pos_encoding: take images of other sizes, with position codes stretched to them."""

    def __init__(self, config: ViTConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        D = config.hidden_size
        self.embeddings = ViTEmbeddings(config)
        self.encoder = ViTEncoder(config)
        self.layernorm = nn.LayerNorm(D, eps=config.layer_norm_eps)
        pooler = ViTDense(D, config.pooler_output_size or D, config.pooler_act) if add_pooling_layer else None
        self.pooler = pooler
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        pixel_values: Tensor,
        interpolate_pos_encoding: bool = False,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> Any:
        weights, states = self._wanted(output_attentions, output_hidden_states)
        xs, shares = self.encoder(self.embeddings(pixel_values, interpolate_pos_encoding), weights)
        y = self.layernorm(xs[-1])
        return BaseModelOutputWithPooling(
            last_hidden_state=y,
            pooler_output=None if self.pooler is None else self.pooler(y[:, 0]),
            hidden_states=tuple(xs) if states else None,
            attentions=tuple(shares) if weights else None,
        )


class ViTForImageClassification(ViTPreTrainedModel):
    """What is in the image? A linear layer on what became of [CLS].

    labels (B,): classes, config.num_labels of them; see BertForSequenceClassification for the other kinds."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__(config)
        self.vit = ViTModel(config, add_pooling_layer=False)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        pixel_values: Tensor,
        labels: Tensor | None = None,
        interpolate_pos_encoding: bool = False,
        **wanted: bool | None,
    ) -> Any:
        out = self.vit(pixel_values, interpolate_pos_encoding, return_dict=True, **wanted)
        logits = self.classifier(out.last_hidden_state[:, 0])
        loss = None if labels is None else label_loss(logits, labels, self.config)
        return ImageClassifierOutput(
            loss=loss, logits=logits, hidden_states=out.hidden_states, attentions=out.attentions
        )
