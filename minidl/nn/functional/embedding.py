"""From numbers of things to vectors."""

import math

from ...autograd import OPS, Tensor, no_grad, write
from ...errors import DtypeError, refusal


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
    if 0 not in input.shape and not input.is_meta:
        low, high = OPS.min(input).item(), OPS.max(input).item()
        if low < 0 or high >= V:
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


def _counts(input: Tensor, like: Tensor) -> Tensor:
    """How often each of the numbers occurs among all of them, as a column."""
    flat = OPS.reshape(input, shape=(math.prod(input.shape), 1))
    same = OPS.astype(flat == OPS.reshape(flat, shape=(1, -1)), dtype=like.dtype)
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
        low, high = OPS.min(tensor).item(), OPS.max(tensor).item()
        if low < 0:
            raise refusal(RuntimeError, "one_hot", f"classes must be non-negative, and {low} is not", tensor=tensor)
        if num_classes == -1:
            num_classes = int(high) + 1
        elif num_classes < 1:
            raise refusal(RuntimeError, "one_hot", f"num_classes must be positive, got {num_classes}", tensor=tensor)
        if high >= num_classes:
            reason = f"classes must be smaller than num_classes={num_classes}, and {high} is not"
            raise refusal(RuntimeError, "one_hot", reason, tensor=tensor)
    column = OPS.reshape(tensor, shape=(*tensor.shape, 1))
    return OPS.astype(column == OPS.arange_like(tensor, n=num_classes), dtype="int64")
