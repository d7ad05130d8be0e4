"""DistilBERT: BERT with half the layers, trained to imitate it (Sanh et al. 2019).

    x = LayerNorm(word + position)                     no sentences, no pooler
    a = LayerNorm(x + Attention(x))                    each layer, as BERT's
    x = LayerNorm(a + W₂ gelu(W₁ a + b₁) + b₂)

Attention, by several heads at once: softmax(q kᵀ / √d + mask) v with q, k, v = W_q x, W_k x, W_v x."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import minidl
from minidl import Tensor, nn
from minidl.nn import functional as F

from .attention import attention, join_heads, padding_mask, split_heads
from .config import PretrainedConfig
from .losses import label_loss
from .model import PreTrainedModel, activation, one_of, positions, tuple_if_asked
from .outputs import BaseModelOutput, SequenceClassifierOutput


@dataclass(init=False)
class DistilBertConfig(PretrainedConfig):
    """The sizes of distilbert-base: 66 million weights."""

    model_type: ClassVar[str] = "distilbert"
    aliases: ClassVar[dict[str, str]] = {
        "hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers"
    }  # fmt: skip

    vocab_size: int = 30522
    max_position_embeddings: int = 512
    sinusoidal_pos_embds: bool = False  # position codes of sines and cosines instead of learned ones
    n_layers: int = 6
    n_heads: int = 12
    dim: int = 768  # D
    hidden_dim: int = 3072
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: str = "gelu"
    initializer_range: float = 0.02
    seq_classif_dropout: float = 0.2
    pad_token_id: int | None = 0
    tie_word_embeddings: bool = True


class DistilBertEmbeddings(nn.Module):
    """x = LayerNorm(word + position)        input_ids (B, T)   →   x (B, T, D)"""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.dim, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.dim)
        self.LayerNorm = nn.LayerNorm(config.dim, eps=1e-12)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, input_ids: Tensor | None, position_ids: Tensor | None, inputs_embeds: Tensor | None) -> Tensor:
        _, T = one_of(input_ids, inputs_embeds)
        words = self.word_embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        if position_ids is None:
            position_ids = positions(0, T, self.position_embeddings.num_embeddings, words.device)
        return self.dropout(self.LayerNorm(words + self.position_embeddings(position_ids)))


class DistilBertAttention(nn.Module):
    """softmax(q kᵀ / √d + mask) v W_o + b_o, by heads of size d = D / heads        x (B, T, D)"""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        D, self.heads = config.dim, config.n_heads
        if D % self.heads:
            raise ValueError(f"dim {D} cannot be shared by {self.heads} heads: n_heads divides it")
        self.q_lin, self.k_lin, self.v_lin, self.out_lin = (nn.Linear(D, D) for _ in range(4))
        self.dropout = nn.Dropout(config.attention_dropout)

    def forward(self, x: Tensor, mask: Tensor | None, weights: bool) -> tuple[Tensor, Tensor | None]:
        q, k, v = (split_heads(project(x), self.heads) for project in (self.q_lin, self.k_lin, self.v_lin))
        y, p = attention(q, k, v, mask, self.dropout.p if self.training else 0.0, weights)
        return self.out_lin(join_heads(y)), p


class DistilBertFFN(nn.Module):
    """y = W₂ gelu(W₁ a + b₁) + b₂"""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.lin1, self.lin2 = nn.Linear(config.dim, config.hidden_dim), nn.Linear(config.hidden_dim, config.dim)
        self.activation, self.dropout = activation(config.activation), nn.Dropout(config.dropout)

    def forward(self, a: Tensor) -> Tensor:
        return self.dropout(self.lin2(self.activation(self.lin1(a))))


class DistilBertLayer(nn.Module):
    """a = LayerNorm(x + Attention(x))        y = LayerNorm(a + W₂ gelu(W₁ a + b₁) + b₂)        x, y (B, T, D)"""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.attention = DistilBertAttention(config)
        self.sa_layer_norm = nn.LayerNorm(config.dim, eps=1e-12)
        self.ffn = DistilBertFFN(config)
        self.output_layer_norm = nn.LayerNorm(config.dim, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor | None, weights: bool) -> tuple[Tensor, Tensor | None]:
        h, p = self.attention(x, mask, weights)
        a = self.sa_layer_norm(x + h)
        return self.output_layer_norm(a + self.ffn(a)), p


class DistilBertTransformer(nn.Module):
    """One layer after the other; also what went into each, and its attention."""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(DistilBertLayer(config) for _ in range(config.n_layers))

    def forward(self, x: Tensor, mask: Tensor | None, weights: bool) -> tuple[list[Tensor], list[Tensor]]:
        states, shares = [x], []
        for layer in self.layer:
            x, p = layer(x, mask, weights)
            states.append(x)
            shares.append(p)
        return states, shares


class DistilBertPreTrainedModel(PreTrainedModel):
    config_class = DistilBertConfig
    base_model_prefix = "distilbert"
    ignored = r"position_ids$"

    def init_weights(self, module: nn.Module) -> None:
        super().init_weights(module)
        if isinstance(module, DistilBertEmbeddings) and self.config.sinusoidal_pos_embds:
            with minidl.no_grad():
                module.position_embeddings.weight.copy_(waves(*module.position_embeddings.weight.shape))
            module.position_embeddings.weight.requires_grad_(False)


def waves(positions: int, D: int) -> Tensor:
    """p(t, 2i) = sin(t / 10000^(2i/D)), p(t, 2i + 1) = cos(the same): (positions, D) (Vaswani et al. 2017)"""
    i = minidl.arange(0, D, 2, dtype=minidl.float64)
    angle = minidl.arange(positions, dtype=minidl.float64).unsqueeze(1) * minidl.exp(-math.log(10000) * i / D)
    return minidl.stack((minidl.sin(angle), minidl.cos(angle)), dim=2).flatten(1)[:, :D].float()


class DistilBertModel(DistilBertPreTrainedModel):
    """DistilBERT without a head.

    input_ids (B, T)   attention_mask (B, T): 0 at padding   position_ids (B, T): 0 … T − 1 unless given
    inputs_embeds (B, T, D): vectors in place of input_ids"""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__(config)
        self.embeddings = DistilBertEmbeddings(config)
        self.transformer = DistilBertTransformer(config)
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        position_ids: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> Any:
        weights, states = self._wanted(output_attentions, output_hidden_states)
        x = self.embeddings(input_ids, position_ids, inputs_embeds)
        xs, shares = self.transformer(x, padding_mask(attention_mask), weights)
        return BaseModelOutput(
            last_hidden_state=xs[-1],
            hidden_states=tuple(xs) if states else None,
            attentions=tuple(shares) if weights else None,
        )


class DistilBertForSequenceClassification(DistilBertPreTrainedModel):
    """Which label has the text? logits = W relu(W_p x₀ + b_p) + b

    labels: as BertForSequenceClassification's."""

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__(config)
        self.distilbert = DistilBertModel(config)
        self.pre_classifier = nn.Linear(config.dim, config.dim)
        self.classifier = nn.Linear(config.dim, config.num_labels)
        self.dropout = nn.Dropout(config.seq_classif_dropout)
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        position_ids: Tensor | None = None,
        **wanted: bool | None,
    ) -> Any:
        out = self.distilbert(input_ids, attention_mask, inputs_embeds, position_ids, return_dict=True, **wanted)
        pooled = F.relu(self.pre_classifier(out.last_hidden_state[:, 0]))
        logits = self.classifier(self.dropout(pooled))
        loss = None if labels is None else label_loss(logits, labels, self.config)
        return SequenceClassifierOutput(
            loss=loss, logits=logits, hidden_states=out.hidden_states, attentions=out.attentions
        )
