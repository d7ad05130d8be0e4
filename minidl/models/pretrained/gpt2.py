"""GPT-2: the decoder of the Transformer, trained to say the next token (Radford et al. 2019).

    x = token + position                               a vector for each token
    x = x + Attention(LayerNorm(x))                    each layer: every token looks at itself and what is before it,
    x = x + W₂ gelu(W₁ LayerNorm(x) + b₁) + b₂         then each is transformed by itself
    logits = E LayerNorm(x)                            E: the token embeddings, once more

Attention, by several heads at once: softmax(q kᵀ / √d + mask) v with (q, k, v) = LayerNorm(x) W + b."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import minidl
from minidl import Tensor, nn

from .attention import attention, causal_mask, join_heads, padding_mask, split_heads
from .config import PretrainedConfig
from .generation import generate
from .losses import language_loss
from .model import PreTrainedModel, activation, one_of, positions, tuple_if_asked
from .outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

Cache = tuple[tuple[Tensor, Tensor], ...]  # for each layer the keys and values (B, heads, S, d) of what it has seen


@dataclass(init=False)
class GPT2Config(PretrainedConfig):
    """The sizes of the small GPT-2: 124 million weights."""

    model_type: ClassVar[str] = "gpt2"
    aliases: ClassVar[dict[str, str]] = {
        "hidden_size": "n_embd", "max_position_embeddings": "n_positions", "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    }  # fmt: skip

    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768  # D
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None  # 4 D unless given
    activation_function: str = "gelu_new"
    resid_pdrop: float = 0.1
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    scale_attn_weights: bool = True  # by 1/√d
    scale_attn_by_inverse_layer_idx: bool = False  # and by 1/(layer + 1)
    use_cache: bool = True
    bos_token_id: int | None = 50256
    eos_token_id: int | None = 50256
    pad_token_id: int | None = None
    tie_word_embeddings: bool = True
    add_cross_attention: bool = False


class Conv1D(nn.Module):
    """y = x W + b, as GPT-2's files have it: W (inputs, outputs), the transpose of Linear's."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(minidl.empty(inputs, outputs))
        self.bias = nn.Parameter(minidl.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias

    def extra_repr(self) -> str:
        return f"inputs={self.weight.shape[0]}, outputs={self.weight.shape[1]}"


class GPT2Attention(nn.Module):
    """softmax(q kᵀ / √d + mask) v W_o + b_o, by heads of size d        (q, k, v) = x W + b        x (B, T, D)

    past: keys and values of the tokens before, which x looks at too."""

    def __init__(self, config: GPT2Config, layer: int) -> None:
        super().__init__()
        D, self.heads = config.n_embd, config.n_head
        if D % self.heads:
            raise ValueError(f"n_embd {D} cannot be shared by {self.heads} heads: n_head divides it")
        self.c_attn, self.c_proj = Conv1D(3 * D, D), Conv1D(D, D)
        self.attn_dropout, self.resid_dropout = nn.Dropout(config.attn_pdrop), nn.Dropout(config.resid_pdrop)
        # `attention` scales by 1/√d; these variants scale the queries beforehand.
        self.scale = 1.0 if config.scale_attn_weights else math.sqrt(D // self.heads)
        self.scale /= layer + 1 if config.scale_attn_by_inverse_layer_idx else 1

    def forward(
        self, x: Tensor, mask: Tensor | None, past: tuple[Tensor, Tensor] | None, weights: bool
    ) -> tuple[Tensor, Tensor | None, tuple[Tensor, Tensor]]:
        q, k, v = (split_heads(t, self.heads) for t in self.c_attn(x).chunk(3, dim=-1))
        if past is not None:
            k, v = minidl.cat((past[0], k), dim=2), minidl.cat((past[1], v), dim=2)
        q = q if self.scale == 1 else q * self.scale
        y, p = attention(q, k, v, mask, self.attn_dropout.p if self.training else 0.0, weights)
        return self.resid_dropout(self.c_proj(join_heads(y))), p, (k, v)


class GPT2MLP(nn.Module):
    """y = W₂ gelu(W₁ x + b₁) + b₂"""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        D, inner = config.n_embd, config.n_inner or 4 * config.n_embd
        self.c_fc, self.c_proj = Conv1D(inner, D), Conv1D(D, inner)
        self.act, self.dropout = activation(config.activation_function), nn.Dropout(config.resid_pdrop)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.c_proj(self.act(self.c_fc(x))))


class GPT2Block(nn.Module):
    """a = x + Attention(LayerNorm(x))        y = a + MLP(LayerNorm(a))        x, y (B, T, D)"""

    def __init__(self, config: GPT2Config, layer: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.attn = GPT2Attention(config, layer)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = GPT2MLP(config)

    def forward(
        self, x: Tensor, mask: Tensor | None, past: tuple[Tensor, Tensor] | None, weights: bool
    ) -> tuple[Tensor, Tensor | None, tuple[Tensor, Tensor]]:
        h, p, seen = self.attn(self.ln_1(x), mask, past, weights)
        a = x + h
        return a + self.mlp(self.ln_2(a)), p, seen


class GPT2PreTrainedModel(PreTrainedModel):
    config_class = GPT2Config
    base_model_prefix = "transformer"
    ignored = r"\.attn\.(masked_)?bias$"  # the causal mask, which old files carry

    def init_weights(self, module: nn.Module) -> None:
        """As the base; what ends a branch starts smaller by √(2 layers), so that the sums over depth stay in scale."""
        super().init_weights(module)
        if isinstance(module, Conv1D):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
            nn.init.zeros_(module.bias)
        if isinstance(module, GPT2Attention | GPT2MLP):
            std = self.config.initializer_range / math.sqrt(2 * self.config.n_layer)
            nn.init.normal_(module.c_proj.weight, std=std)


class GPT2Model(GPT2PreTrainedModel):
    """GPT-2 without a head.

    input_ids (B, T)   attention_mask (B, S): 0 at padding, of what was seen before (past_key_values) too
    position_ids (B, T): those that follow what was seen   inputs_embeds (B, T, D): vectors in place of input_ids
    past_key_values: what a call with use_cache=True gave, so that the next call takes only the tokens after it."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__(config)
        if config.add_cross_attention:
            raise ValueError("GPT2Model looks at nothing but its own tokens: add_cross_attention must be False")
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.drop = nn.Dropout(config.embd_pdrop)
        self.h = nn.ModuleList(GPT2Block(config, k) for k in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        input_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> Any:
        weights, states = self._wanted(output_attentions, output_hidden_states)
        _, T = one_of(input_ids, inputs_embeds)
        x = self.wte(input_ids) if inputs_embeds is None else inputs_embeds
        seen = past_key_values[0][0].shape[2] if past_key_values else 0
        if position_ids is None:
            position_ids = positions(seen, seen + T, self.config.n_positions, x.device)
        x = x + self.wpe(position_ids)
        if token_type_ids is not None:
            x = x + self.wte(token_type_ids)
        mask = causal_mask(T, seen + T, x.device) if T > 1 else None
        padding = padding_mask(attention_mask)
        if padding is not None:
            mask = padding if mask is None else mask & padding

        x, xs, shares, kept = self.drop(x), [], [], []
        for k, block in enumerate(self.h):
            xs.append(x)
            x, p, pair = block(x, mask, past_key_values[k] if past_key_values else None, weights)
            shares.append(p)
            kept.append(pair)
        x = self.ln_f(x)
        use_cache = self.config.use_cache and not self.training if use_cache is None else use_cache
        return BaseModelOutputWithPast(
            last_hidden_state=x,
            past_key_values=tuple(kept) if use_cache else None,
            hidden_states=(*xs, x) if states else None,
            attentions=tuple(shares) if weights else None,
        )


class GPT2LMHeadModel(GPT2PreTrainedModel):
    """Which token is next? Scores over the vocabulary after every position.

        model.generate(**tokenizer("Once upon a time", return_tensors="pt"), max_new_tokens=20)

    labels (B, T): the input_ids themselves (the loss moves them by one), −100 where the loss should not look.
    logits_to_keep: scores of only so many positions from the end."""

    tied = {"lm_head.weight": "transformer.wte.weight"}

    def __init__(self, config: GPT2Config) -> None:
        super().__init__(config)
        self.transformer = GPT2Model(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.post_init()

    @tuple_if_asked
    def forward(
        self,
        input_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int = 0,
        **wanted: bool | None,
    ) -> Any:
        out = self.transformer(
            input_ids, past_key_values, attention_mask, token_type_ids, position_ids, inputs_embeds,
            return_dict=True, **wanted,
        )  # fmt: skip
        logits = self.lm_head(out.last_hidden_state[:, -logits_to_keep:])
        loss = None if labels is None else language_loss(logits[:, :-1], labels[:, 1:])
        return CausalLMOutputWithPast(
            loss=loss, logits=logits, past_key_values=out.past_key_values,
            hidden_states=out.hidden_states, attentions=out.attentions,
        )  # fmt: skip

    generate = generate
