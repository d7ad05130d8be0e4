"""Attention over keys and values."""

import math

from ...autograd import OPS, Tensor
from ...errors import ShapeError, refusal
from .activation import softmax
from .conv import linear
from .dropout import check, dropout, scales
from .shape import pad


class HeadsError(ShapeError, AssertionError):
    """Operands of multi-head attention that do not fit; PyTorch asserts that they do."""


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


def multi_head_attention_forward(
    query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int,
    in_proj_weight: Tensor | None, in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None,
    add_zero_attn: bool, dropout_p: float, out_proj_weight: Tensor, out_proj_bias: Tensor | None,
    training: bool = True, key_padding_mask: Tensor | None = None, need_weights: bool = True,
    attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None, static_k: Tensor | None = None,
    static_v: Tensor | None = None, average_attn_weights: bool = True, is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Attention by several heads, each on its own projection of the inputs, and a projection of what they found
    (Vaswani et al. 2017). query (L, N, E), key and value (S, N, …), or all without N → (L, N, E), weights (N, L, S).

    attn_mask (L, S) or (N · heads, L, S): True (or −∞, to be added) where a key must not be seen. key_padding_mask
    (N, S): True where a key is only padding. is_causal says that attn_mask is the causal one."""
    name, unbatched = "multi_head_attention_forward", query.ndim == 2
    _fit(name, query, key, value, key_padding_mask, attn_mask, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if unbatched:
        query, key, value = (OPS.reshape(t, shape=(t.shape[0], 1, t.shape[1])) for t in (query, key, value))
        if key_padding_mask is not None:
            key_padding_mask = OPS.reshape(key_padding_mask, shape=(1, *key_padding_mask.shape))
    if is_causal and attn_mask is None:
        raise refusal(RuntimeError, name, "is_causal=True is a hint about attn_mask, which is needed with it")
    causal = is_causal and key_padding_mask is None and not need_weights
    (L, N, E), h = query.shape, num_heads
    mask = None if causal or attn_mask is None else _additive(name, attn_mask, query)
    unseen = None if key_padding_mask is None else _additive(name, key_padding_mask, query)
    mask = mask if mask is None or mask.ndim == 2 else OPS.reshape(mask, shape=(N, h, *mask.shape[1:]))

    weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    q, k, v = _projected((query, key, value), weights if use_separate_proj_weight else in_proj_weight, in_proj_bias)
    if bias_k is not None and bias_v is not None:
        row = lambda b: OPS.broadcast_to(OPS.reshape(b, shape=(1, 1, E)), shape=(1, N, E))
        k, v = OPS.concatenate(k, row(bias_k), axis=0), OPS.concatenate(v, row(bias_v), axis=0)
        mask, unseen = _one_more(mask), _one_more(unseen)
    heads = lambda t: OPS.transpose(OPS.reshape(t, shape=(t.shape[0], N, h, E // h)), axes=(1, 2, 0, 3))
    fixed = lambda t: OPS.reshape(t, shape=(N, h, *t.shape[1:]))
    q = heads(q)  # (N, h, L, E/h)
    k, v = (heads(t) if still is None else fixed(still) for t, still in ((k, static_k), (v, static_v)))
    if add_zero_attn:
        k, v = (OPS.pad(t, pad_width=((0, 0), (0, 0), (0, 1), (0, 0))) for t in (k, v))
        mask, unseen = _one_more(mask), _one_more(unseen)
    S = k.shape[2]
    if unseen is not None:
        unseen = OPS.reshape(unseen, shape=(N, 1, 1, S))
        mask = unseen if mask is None else mask + unseen
    p = dropout_p if training else 0.0

    if need_weights:
        scores = OPS.matmul(q * math.sqrt(h / E), OPS.transpose(k, axes=(0, 1, 3, 2)))
        shares = dropout(softmax(scores if mask is None else scores + mask, -1), p)
        y = OPS.matmul(shares, v)
    else:
        shares, y = None, scaled_dot_product_attention(q, k, v, mask, p, causal)
    y = OPS.reshape(OPS.transpose(y, axes=(2, 0, 1, 3)), shape=(L, N, E))
    y = linear(y, out_proj_weight, out_proj_bias)
    if shares is not None and average_attn_weights:
        shares = OPS.mean(shares, axis=(1,))
    if unbatched:
        y = OPS.reshape(y, shape=(L, y.shape[2]))
        shares = None if shares is None else OPS.reshape(shares, shape=shares.shape[1:])
    return y, shares


def _fit(name, query, key, value, key_padding_mask, attn_mask, embed_dim, num_heads, separate):
    """Refuse operands of multi-head attention that do not fit together."""
    n = query.ndim
    if n not in (2, 3) or key.ndim != n or value.ndim != n:
        raise refusal(
            HeadsError, name, "query, key and value are all batched 3-D, or all unbatched 2-D tensors",
            query=query, key=key, value=value,
        )  # fmt: skip
    if query.shape[-1] != embed_dim:
        reason = f"was expecting embedding dimension of {embed_dim}, but got {query.shape[-1]}"
        raise refusal(HeadsError, name, reason, query=query)
    if embed_dim % num_heads:
        raise refusal(HeadsError, name, f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    same = key.shape[:-1] == value.shape[:-1] if separate else key.shape == value.shape
    if not same:
        reason = "key and value must have the same shape (but for the last axis, with weights of their own)"
        raise refusal(HeadsError, name, reason, key=key, value=value)
    (L, S), N = (query.shape[0], key.shape[0]), query.shape[1] if n == 3 else 1
    if attn_mask is not None and attn_mask.shape not in ((L, S), (N * num_heads, L, S)):
        reason = f"attn_mask must have shape {(L, S)} or {(N * num_heads, L, S)}"
        raise refusal(RuntimeError, name, reason, attn_mask=attn_mask)
    if key_padding_mask is not None and key_padding_mask.shape != ((N, S) if n == 3 else (S,)):
        reason = f"key_padding_mask must have shape {(N, S) if n == 3 else (S,)}"
        raise refusal(HeadsError, name, reason, key_padding_mask=key_padding_mask)


def _additive(name: str, mask: Tensor, like: Tensor) -> Tensor:
    """A mask as numbers to add: −∞ where it says True."""
    if mask.dtype.kind not in "bf":
        raise refusal(HeadsError, name, "a mask is truths or floats", mask=mask)
    return mask if mask.dtype.kind == "f" else OPS.where(mask, OPS.full_like(like, fill_value=-math.inf, shape=()), 0.0)


def _projected(inputs, weight, bias):
    """q, k and v: one weight (3 E, E) for all, or one for each; where all three inputs are one, one product."""
    query, key, value = inputs
    if isinstance(weight, tuple):
        parts = weight
    elif query is key and key is value:
        y = linear(query, weight, bias)
        E = y.shape[-1] // 3
        return tuple(y[:, :, k * E : (k + 1) * E] for k in range(3))
    else:
        E = weight.shape[0] // 3
        parts = tuple(weight[k * E : (k + 1) * E] for k in range(3))
    E = parts[0].shape[0]
    biases = (None,) * 3 if bias is None else tuple(bias[k * E : (k + 1) * E] for k in range(3))
    return tuple(linear(x, w, b) for x, w, b in zip(inputs, parts, biases))


def _one_more(mask: Tensor | None) -> Tensor | None:
    """The mask with a key at the end that everyone sees."""
    return mask if mask is None else pad(mask, (0, 1))
