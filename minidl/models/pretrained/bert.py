"""BERT: the encoder of the Transformer, trained to fill in words that were masked (Devlin et al. 2018).

    x = LayerNorm(word + position + sentence)          a vector for each token
    a = LayerNorm(x + Attention(x))                    each layer: every token looks at every other,
    x = LayerNorm(a + W₂ gelu(W₁ a + b₁) + b₂)         then each is transformed by itself

Attention, by several heads at once: softmax(q kᵀ / √d + mask) v with q, k, v = W_q x, W_k x, W_v x."""

from dataclasses import dataclass
from typing import Any, ClassVar

import minidl
from minidl import Tensor, nn

from .attention import attention, join_heads, padding_mask, split_heads
from .config import PretrainedConfig
from .model import PreTrainedModel, activation, one_of, positions, tuple_if_asked
from .outputs import BaseModelOutputWithPooling


@dataclass(init=False)
class BertConfig(PretrainedConfig):
    """The sizes of bert-base: 110 million weights."""

    model_type: ClassVar[str] = "bert"

    vocab_size: int = 30522
    hidden_size: int = 768  # D
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    classifier_dropout: float | None = None  # hidden_dropout_prob unless given
    tie_word_embeddings: bool = True
    is_decoder: bool = False
    add_cross_attention: bool = False


class BertEmbeddings(nn.Module):
    """x = LayerNorm(word + position + sentence)        input_ids (B, T)   →   x (B, T, D)"""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        D = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, D, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, D)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, D)
        self.LayerNorm = nn.LayerNorm(D, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self, input_ids: Tensor | None, token_type_ids: Tensor | None, position_ids: Tensor | None,
        inputs_embeds: Tensor | None,
    ) -> Tensor:  # fmt: skip
        B, T = one_of(input_ids, inputs_embeds)
        words = self.word_embeddings(input_ids) if inputs_embeds is None else inputs_embeds
        if position_ids is None:
            position_ids = positions(0, T, self.position_embeddings.num_embeddings, words.device)
        if token_type_ids is None:
            token_type_ids = minidl.zeros_like(position_ids)
        x = words + self.position_embeddings(position_ids) + self.token_type_embeddings(token_type_ids)
        return self.dropout(self.LayerNorm(x))


class BertSelfAttention(nn.Module):
    """softmax(q kᵀ / √d + mask) v, by heads of size d = D / heads        q, k, v = W_q x + b_q, …        x (B, T, D)"""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        D, self.heads = config.hidden_size, config.num_attention_heads
        if D % self.heads:
            raise ValueError(f"hidden_size {D} cannot be shared by {self.heads} heads: num_attention_heads divides it")
        self.query, self.key, self.value = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, D)
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(self, x: Tensor, mask: Tensor | None, weights: bool) -> tuple[Tensor, Tensor | None]:
        q, k, v = (split_heads(project(x), self.heads) for project in (self.query, self.key, self.value))
        y, p = attention(q, k, v, mask, self.dropout.p if self.training else 0.0, weights)
        return join_heads(y), p


class BertAddNorm(nn.Module):
    """y = LayerNorm(x + W h + b)"""

    def __init__(self, config: BertConfig, features: int) -> None:
        super().__init__()
        self.dense = nn.Linear(features, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        return self.LayerNorm(x + self.dropout(self.dense(h)))


class BertAttention(nn.Module):
    """a = LayerNorm(x + W Attention(x) + b)"""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = BertSelfAttention(config)
        self.output = BertAddNorm(config, config.hidden_size)

    def forward(self, x: Tensor, mask: Tensor | None, weights: bool) -> tuple[Tensor, Tensor | None]:
        h, p = self.self(x, mask, weights)
        return self.output(h, x), p


class BertIntermediate(nn.Module):
    """h = gelu(W a + b)        a (B, T, D)   →   h (B, T, intermediate_size)"""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
        self.activation = activation(config.hidden_act)

    def forward(self, a: Tensor) -> Tensor:
        return self.activation(self.dense(a))


class BertLayer(nn.Module):
    """a = LayerNorm(x + Attention(x))        y = LayerNorm(a + W₂ gelu(W₁ a + b₁) + b₂)        x, y (B, T, D)"""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = BertAttention(config)
        self.intermediate = BertIntermediate(config)
        self.output = BertAddNorm(config, config.intermediate_size)

    def forward(self, x: Tensor, mask: Tensor | None, weights: bool) -> tuple[Tensor, Tensor | None]:
        a, p = self.attention(x, mask, weights)
        return self.output(self.intermediate(a), a), p


class BertEncoder(nn.Module):
    """One layer after the other; also what went into each, and its attention."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))

    def forward(self, x: Tensor, mask: Tensor | None, weights: bool) -> tuple[list[Tensor], list[Tensor]]:
        states, shares = [x], []
        for layer in self.layer:
            x, p = layer(x, mask, weights)
            states.append(x)
            shares.append(p)
        return states, shares


class BertPooler(nn.Module):
    """y = tanh(W x₀ + b): the sentence, by its first token [CLS]        x (B, T, D)   →   y (B, D)"""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.dense(x[:, 0]))


class BertPreTrainedModel(PreTrainedModel):
    config_class = BertConfig
    base_model_prefix = "bert"
    ignored = r"position_ids$|pooler\.|seq_relationship\."  # a file may have what served its pre-training


class BertModel(BertPreTrainedModel):
    """BERT without a head.

        tokenizer, model = BertTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder)
        outputs = model(**tokenizer("Hello, my dog is cute", return_tensors="pt"))
        outputs.last_hidden_state  # (1, T, D)

    input_ids (B, T)   attention_mask (B, T): 0 at padding   token_type_ids (B, T): 0 in the first sentence, 1 in the
    second   position_ids (B, T): 0 … T − 1 unless given   inputs_embeds (B, T, D): vectors in place of input_ids."""

    def __init__(self, config: BertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        if config.is_decoder or config.add_cross_attention:
            raise ValueError("BertModel is an encoder: is_decoder and add_cross_attention must be False")
        if getattr(config, "position_embedding_type", "absolute") != "absolute":
            raise ValueError(f"position_embedding_type {config.position_embedding_type!r}: only 'absolute' is here")
        self.embeddings = BertEmbeddings(config)
        self.encoder = BertEncoder(config)
        self.pooler = BertPooler(config) if add_pooling_layer else None
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> Any:
        weights, states = self._wanted(output_attentions, output_hidden_states)
        x = self.embeddings(input_ids, token_type_ids, position_ids, inputs_embeds)
        xs, shares = self.encoder(x, padding_mask(attention_mask), weights)
        return BaseModelOutputWithPooling(
            last_hidden_state=xs[-1],
            pooler_output=None if self.pooler is None else self.pooler(xs[-1]),
            hidden_states=tuple(xs) if states else None,
            attentions=tuple(shares) if weights else None,
        )
