"""Writing on, token by token: the likeliest each time, or drawn from what the model finds likely."""

import math
from typing import Any

import minidl
from minidl import Tensor
from minidl.nn import functional as F


def generate(
    model: Any,
    input_ids: Tensor,
    attention_mask: Tensor | None = None,
    *,
    max_new_tokens: int | None = None,
    max_length: int | None = None,
    do_sample: bool = False,
    temperature: float = 1.0,
    top_k: int | None = 50,
    top_p: float = 1.0,
    repetition_penalty: float = 1.0,
    num_return_sequences: int = 1,
    eos_token_id: int | list[int] | None = None,
    pad_token_id: int | None = None,
    use_cache: bool = True,
    generator: Any = None,
) -> Tensor:
    """The tokens of input_ids (B, T), and what the model writes after them: (B · num_return_sequences, T + new).

    max_new_tokens: at most so many; or max_length, those of input_ids included, 20 unless given.
    do_sample: draw each token (with `generator`, or minidl's own stream) instead of taking the likeliest. Of scores z:
        p = softmax(z / temperature) over the top_k highest, and of those over the likeliest whose p together reach
        top_p (Holtzman et al. 2019). top_k None or 0, and top_p 1, leave nothing out.
    repetition_penalty: scores of tokens that were there already are divided by it where positive, multiplied where
        negative (Keskar et al. 2019).
    eos_token_id: where a sequence ends, the configuration's unless given; after it comes pad_token_id (or again it).
    attention_mask: 0 at padding, which must be on the left, where the sequences do not continue.
    use_cache: keep keys and values of what was read, so that each step reads one token and not all again."""
    config = model.config
    if input_ids.ndim != 2 or not input_ids.shape[1]:
        raise ValueError(f"generate: input_ids (B, T) with T ≥ 1 is expected, got {tuple(input_ids.shape)}")
    _check(temperature, top_p, attention_mask)
    eos = config.eos_token_id if eos_token_id is None else eos_token_id
    ends = [] if eos is None else list(eos) if isinstance(eos, list | tuple) else [eos]
    pad = config.pad_token_id if pad_token_id is None else pad_token_id
    pad = (ends[0] if ends else 0) if pad is None else pad
    T = input_ids.shape[1]
    new = (20 if max_length is None else max_length) - T if max_new_tokens is None else max_new_tokens
    if new <= 0:
        raise ValueError(f"generate: the input has {T} tokens and the whole may have {T + new}; give max_new_tokens")

    ids = input_ids.repeat_interleave(num_return_sequences, dim=0)
    mask = minidl.ones_like(ids) if attention_mask is None else attention_mask.long()
    mask = mask if attention_mask is None else mask.repeat_interleave(num_return_sequences, dim=0)
    longest, most = int(mask.sum(1).max()) + new, config.n_positions
    if longest > most:
        raise ValueError(f"generate: {longest} tokens in all are more than the model's {most} positions; ask for fewer")
    running = minidl.ones_like(ids[:, :1])  # 1 until a sequence has ended
    past = None
    with minidl.no_grad():
        for _ in range(new):
            read = ids if past is None else ids[:, -1:]
            at = (mask.cumsum(1) - 1).clamp(min=0)[:, -read.shape[1] :]
            out = model(
                read, past, mask, position_ids=at, use_cache=use_cache, logits_to_keep=1, return_dict=True
            )  # fmt: skip
            past = out.past_key_values
            z = out.logits[:, -1]
            if repetition_penalty != 1.0:
                z = penalised(z, ids, mask, repetition_penalty)
            if do_sample:
                p = F.softmax(likely(z / temperature, top_k, top_p), dim=-1)
                token = minidl.multinomial(p, 1, generator=generator)
            else:
                token = z.argmax(-1, keepdim=True)
            token = token * running + pad * (1 - running)
            ids = minidl.cat((ids, token), dim=1)
            mask = minidl.cat((mask, minidl.ones_like(token)), dim=1)
            for end in ends:
                running = running * (token != end).long()
            if not bool(running.any()):
                break
    return ids


def likely(z: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    """Scores (B, V) with −∞ for all but the top_k highest, and of those the likeliest that together reach top_p."""
    V = z.shape[-1]
    if top_k and top_k < V:
        lowest = minidl.topk(z, top_k).values[:, -1:]
        z = z.masked_fill(z < lowest, -math.inf)
    if top_p < 1:
        ranked, order = minidl.sort(z, dim=-1, descending=True)
        before = F.softmax(ranked, dim=-1).cumsum(-1) - F.softmax(ranked, dim=-1)  # what the likelier ones have
        out = minidl.zeros_like(z).scatter(1, order, (before >= top_p).to(z.dtype))
        z = z.masked_fill(out > 0, -math.inf)
    return z


def penalised(z: Tensor, ids: Tensor, mask: Tensor, penalty: float) -> Tensor:
    """Scores (B, V) lowered for the tokens in ids (B, T), where they are no padding."""
    said = minidl.zeros_like(z).scatter_add(1, ids, mask.to(z.dtype)) > 0
    return minidl.where(said, minidl.where(z > 0, z / penalty, z * penalty), z)


def _check(temperature: float, top_p: float, attention_mask: Tensor | None) -> None:
    if temperature <= 0:
        raise ValueError(f"generate: temperature is positive, got {temperature}; do_sample=False takes the likeliest")
    if not 0 < top_p <= 1:
        raise ValueError(f"generate: top_p lies in (0, 1], got {top_p}")
    if attention_mask is not None and not bool((attention_mask[:, -1] != 0).all()):
        raise ValueError(
            "generate: the padding must be on the left, because the text goes on at the right: "
            "tokenizer.padding_side = 'left'"
        )
