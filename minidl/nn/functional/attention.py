"""Attention over keys and values."""

import math

from ...autograd import OPS, Tensor
from ...errors import refusal
from .dropout import check, scales


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(scale · q kᵀ + mask) v: each query (…, L, D) takes a mean of the values (…, S, E), by its keys (…, S, D).

    attn_mask: truths, False where a key must not be seen, or numbers to add. scale: 1/√D unless given. enable_gqa:
    several heads of queries share one of keys and values."""
    name = "scaled_dot_product_attention"
    if (
        min(query.ndim, key.ndim, value.ndim) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        raise refusal(
            RuntimeError, name, "query (…, L, D), key (…, S, D) and value (…, S, E) are expected",
            query=query, key=key, value=value,
        )  # fmt: skip
    if attn_mask is not None and is_causal:
        raise refusal(RuntimeError, name, "attn_mask must not be given with is_causal=True; put both into the mask")
    if attn_mask is not None and attn_mask.dtype.kind not in "bf":
        raise refusal(RuntimeError, name, "attn_mask is truths or floats", attn_mask=attn_mask)
    check(name, dropout_p)
    if enable_gqa:
        key, value = _shared(name, key, query.shape[-3]), _shared(name, value, query.shape[-3])
    lead = _broadcast(name, query.shape[:-2], key.shape[:-2], value.shape[:-2])
    shape = (*lead, query.shape[-2], key.shape[-2])
    factors = scales(shape, dropout_p, query) if dropout_p else None
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    return OPS.attention(query, key, value, attn_mask, factors, scale=scale, causal=bool(is_causal))


def _shared(name: str, t: Tensor, heads: int) -> Tensor:
    """Each head of t repeated until there are so many."""
    *lead, h, S, D = t.shape
    if not h or heads % h:
        raise refusal(RuntimeError, name, f"{heads} heads of queries cannot share {h} of keys and values", key=t)
    t = OPS.broadcast_to(OPS.reshape(t, shape=(*lead, h, 1, S, D)), shape=(*lead, h, heads // h, S, D))
    return OPS.reshape(t, shape=(*lead, heads, S, D))


def _broadcast(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    width = max(map(len, shapes))
    columns = list(zip(*((1,) * (width - len(s)) + s for s in shapes)))
    if any(len(set(sizes) - {1}) > 1 for sizes in columns):
        raise refusal(RuntimeError, name, f"the leading axes {', '.join(map(str, shapes))} do not broadcast")
    return tuple(next((n for n in sizes if n != 1), 1) for sizes in columns)
