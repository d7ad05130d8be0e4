"""From numbers of things to vectors."""

import math

from ...autograd import OPS, Tensor, no_grad, write
from ...backend import INDEX
from ...errors import DtypeError, refusal
from .arguments import extent


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of the weight (V, D) that the input numbers: (…) → (…, D).

    padding_idx: a row that gets no gradient. max_norm: rows that are looked up are first scaled down, in the weight
    itself, to this norm. scale_grad_by_freq: a row's gradient is divided by how often it was looked up."""
    if input.dtype.kind not in "iu":
        raise refusal(DtypeError, "embedding", "rows are numbered by integers; pass input.long()", input=input)
    if weight.ndim != 2:
        raise refusal(RuntimeError, "embedding", "a weight (V, D) is expected", weight=weight)
    V = weight.shape[0]
    if sparse:
        raise refusal(NotImplementedError, "embedding", "gradients are dense here; leave sparse=False")
    low, high = extent(input)
    if 0 not in input.shape and (low < 0 or high >= V):
        bad = low if low < 0 else high
        reason = f"index {bad} is out of range for {V} rows (0 to {V - 1})"
        raise refusal(IndexError, "embedding", reason, input=input, weight=weight)
    if padding_idx is not None:
        if not -V <= padding_idx < V:
            reason = f"padding_idx={padding_idx} is not one of the {V} rows"
            raise refusal(ValueError, "embedding", reason, weight=weight)
        padding_idx %= V
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    y = OPS.embedding(weight, input, padding_idx=padding_idx)
    if scale_grad_by_freq and y.needs_grad:
        y = y.detach() + (y - y.detach()) / _counts(input, y)  # the same values, a smaller gradient
    return y


def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
    per_sample_weights: Tensor | None = None, include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """The sum, mean or maximum of each bag of the weight's rows: (B, D).

    input (B, L): bags of one size; or (n,): one bag after the other, each beginning at one of the offsets (the last of
    which, with include_last_offset, only ends them). per_sample_weights, with "sum", multiply the rows. Rows numbered
    padding_idx do not count; a bag of none gives zeros."""
    name, V = "embedding_bag", weight.shape[0]
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        reason = "per_sample_weights must have the input's shape"
        raise refusal(ValueError, name, reason, input=input, per_sample_weights=per_sample_weights)
    if per_sample_weights is not None and mode != "sum":
        raise refusal(NotImplementedError, name, f'per_sample_weights go with mode="sum", not with {mode!r}')
    if mode not in ("sum", "mean", "max"):
        raise refusal(ValueError, name, f'mode is "sum", "mean" or "max", got {mode!r}')
    if mode == "max" and scale_grad_by_freq:
        raise refusal(ValueError, name, "max mode does not scale the gradient by the frequency")
    places, real = _bags(name, input, offsets, include_last_offset)  # (B, L): where each row is named, and whether
    numbers = OPS.getitem(OPS.reshape(input, shape=(-1,)), places, key=(INDEX,)) if 0 not in input.shape else places
    if padding_idx is not None:
        if not -V <= padding_idx < V:
            raise refusal(ValueError, name, f"padding_idx={padding_idx} is not one of the {V} rows", weight=weight)
        real = real & (numbers != padding_idx % V)
    rows = embedding(numbers, weight, None, max_norm, norm_type, False, sparse)  # (B, L, D)
    if scale_grad_by_freq and rows.needs_grad:
        rows = rows.detach() + (rows - rows.detach()) / _counts(numbers, rows, real)
    share = OPS.reshape(OPS.astype(real, dtype=rows.dtype), shape=(*real.shape, 1))
    if mode == "max":
        low = OPS.where(share > 0, rows.detach(), -math.inf)
        best = OPS.argmax(low, axis=1, keepdims=True) if real.shape[1] else OPS.zeros_like(places, shape=(0,))
        kept = OPS.any(real, axis=(1,))
        D = weight.shape[1]
        if not real.shape[1]:
            return OPS.zeros_like(rows, shape=(real.shape[0], D))
        top = OPS.reshape(OPS.take_along_axis(rows, best, axis=1), shape=(real.shape[0], D))
        return OPS.where(OPS.reshape(kept, shape=(-1, 1)), top, 0.0)
    if per_sample_weights is not None:
        given = OPS.getitem(OPS.reshape(per_sample_weights, shape=(-1,)), places, key=(INDEX,))
        rows = rows * OPS.reshape(given, shape=(*real.shape, 1))
    y = OPS.sum(OPS.where(share > 0, rows, 0.0), axis=(1,))
    return y if mode == "sum" else y / OPS.maximum(OPS.sum(share, axis=(1,)), 1)


def _bags(name: str, input: Tensor, offsets: Tensor | None, include_last: bool) -> tuple[Tensor, Tensor]:
    """Of bags padded to one length: the place of each member in the flat input, and whether it is one."""
    if input.ndim == 2:
        if offsets is not None:
            raise refusal(ValueError, name, "offsets go with an input of one axis; here each row is a bag", input=input)
        places = OPS.reshape(OPS.arange_like(input, n=math.prod(input.shape)), shape=input.shape)
        return places, places >= 0
    if input.ndim != 1 or offsets is None or offsets.ndim != 1:
        reason = "an input (B, L), or an input (n,) with offsets (B,) is expected"
        raise refusal(ValueError, name, reason, input=input, offsets=offsets)
    n, ends = input.shape[0], OPS.full_like(offsets, fill_value=input.shape[0], shape=(1,))
    if include_last:
        starts, ends = offsets[:-1], offsets[1:]
    else:
        starts, ends = offsets, OPS.concatenate(offsets[1:], ends, axis=0)
    if offsets.shape[0] and offsets[0].item() != 0:
        raise refusal(RuntimeError, name, f"the first of the offsets must be 0, got {offsets[0].item()}")
    if offsets.shape[0] and offsets[-1].item() > n:
        raise refusal(RuntimeError, name, f"an offset {offsets[-1].item()} lies beyond the {n} inputs", input=input)
    longest = max(extent(ends - starts)[1], 0)
    places = OPS.reshape(starts, shape=(-1, 1)) + OPS.arange_like(input, n=longest)
    real = places < OPS.reshape(ends, shape=(-1, 1))
    return OPS.where(real, places, 0), real


def _counts(input: Tensor, like: Tensor, real: Tensor | None = None) -> Tensor:
    """How often each of the numbers occurs among all of them (among the real ones), as a column."""
    flat = OPS.reshape(input, shape=(math.prod(input.shape), 1))
    same = OPS.astype(flat == OPS.reshape(flat, shape=(1, -1)), dtype=like.dtype)
    if real is not None:
        same = OPS.maximum(same * OPS.astype(OPS.reshape(real, shape=(1, -1)), dtype=like.dtype), 1e-30)
    return OPS.reshape(OPS.sum(same, axis=(1,)), shape=(*input.shape, 1))


def _shorten(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    with no_grad():
        rows = weight.detach()
        if norm_type == math.inf:
            norms = OPS.max(OPS.abs(rows), axis=(1,), keepdims=True)
        else:
            norms = OPS.sum(OPS.abs(rows) ** norm_type, axis=(1,), keepdims=True) ** (1 / norm_type)
        used = OPS.any(
            OPS.reshape(input, shape=(-1, 1)) == OPS.arange_like(input, n=weight.shape[0]), axis=(0,)
        )
        used = OPS.reshape(used, shape=(-1, 1))
        write(OPS.mul, weight, OPS.where(used & (norms > max_norm), max_norm / (norms + 1e-7), 1.0))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at each class and 0 elsewhere, along a new last axis; num_classes −1: one more than the largest."""
    if tensor.dtype.kind not in "iu":
        raise refusal(DtypeError, "one_hot", "classes are integers; pass tensor.long()", tensor=tensor)
    if 0 in tensor.shape:
        if num_classes < 1:
            raise refusal(RuntimeError, "one_hot", "without elements, num_classes must be given", tensor=tensor)
    else:
        low, high = extent(tensor)
        if low < 0:
            raise refusal(RuntimeError, "one_hot", f"classes must be non-negative, and {low} is not", tensor=tensor)
        if num_classes == -1:
            num_classes = int(OPS.max(tensor).item()) + 1
        elif num_classes < 1:
            raise refusal(RuntimeError, "one_hot", f"num_classes must be positive, got {num_classes}", tensor=tensor)
        if high >= num_classes:
            reason = f"classes must be smaller than num_classes={num_classes}, and {high} is not"
            raise refusal(RuntimeError, "one_hot", reason, tensor=tensor)
    column = OPS.reshape(tensor, shape=(*tensor.shape, 1))
    return OPS.astype(column == OPS.arange_like(tensor, n=num_classes), dtype="int64")
