"""Losses: how far predictions are from targets."""

import math
from collections.abc import Callable
from typing import Any

from ...api import as_tensor
from ...autograd import OPS, Tensor
from ...backend import INDEX
from ...errors import DtypeError, ShapeError, refusal
from .arguments import extent, reduced, reduction_of
from .conv import linear
from .distance import cosine_similarity, pairwise_distance

SAME = "the target must have the input's shape {}"


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−log of the probability that softmax(input) gives the target.

    input (N, C, …) or (C,), any real numbers. target: classes (N, …) or (), integers; or probabilities of the
    input's shape. Targets equal to ignore_index do not count."""
    name = "cross_entropy"
    reduction = reduction_of(size_average, reduce, reduction, name)
    if not 0 <= label_smoothing <= 1:
        raise refusal(RuntimeError, name, f"label_smoothing must be between 0 and 1, got {label_smoothing}")
    _class_weights(name, input, weight)
    if target.shape == input.shape and target.dtype.kind == "f":
        if ignore_index >= 0:
            reason = f"ignore_index={ignore_index} goes with targets that are classes; here they are probabilities"
            raise refusal(RuntimeError, name, reason, target=target)
        return OPS.soft_cross_entropy(input, target, weight, reduction=reduction, label_smoothing=label_smoothing)
    _check_classes(name, input, target, ignore_index)
    return OPS.cross_entropy(
        input, target, weight, reduction=reduction, ignore_index=ignore_index, label_smoothing=label_smoothing
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−input at the target class: cross_entropy for an input that log_softmax has been taken of."""
    reduction = reduction_of(size_average, reduce, reduction, "nll_loss")
    _class_weights("nll_loss", input, weight)
    _check_classes("nll_loss", input, target, ignore_index)
    return OPS.nll_loss(input, target, weight, reduction=reduction, ignore_index=ignore_index)


def _class_weights(name: str, input: Tensor, weight: Tensor | None) -> None:
    if not input.ndim:
        raise refusal(ValueError, name, "an input (N, C, …) or (C,) is expected", input=input)
    if input.dtype.kind != "f":
        raise refusal(DtypeError, name, "an input of floats is expected", input=input)
    C = input.shape[min(input.ndim - 1, 1)]
    if weight is not None and weight.shape != (C,):
        reason = f"weight must hold one number for each of {C} classes"
        raise refusal(ShapeError, name, reason, input=input, weight=weight)
    if weight is not None and weight.dtype != input.dtype:
        raise refusal(DtypeError, name, "weight must have the input's dtype", input=input, weight=weight)
    if weight is not None and weight.needs_grad:
        raise refusal(NotImplementedError, name, "no gradient is defined for class weights; detach them", weight=weight)


def _check_classes(name: str, input: Tensor, target: Tensor, ignore_index: int) -> None:
    """Refuse targets that are no classes of the input: by dtype, by shape, by value."""
    axis = min(input.ndim - 1, 1)
    C, expected = input.shape[axis], (*input.shape[:axis], *input.shape[axis + 1 :])
    if target.dtype.kind == "f" and target.ndim == input.ndim and target.shape != input.shape:
        raise refusal(ShapeError, name, f"probabilities must have the input's shape {input.shape}, or else integers"
                      f" {expected} are classes", input=input, target=target)  # fmt: skip
    if target.dtype.kind not in "iu":
        fix = "target.long()" if target.shape == expected else f"integers {expected}, or probabilities {input.shape}"
        raise refusal(DtypeError, name, f"classes are integers; pass {fix}", input=input, target=target)
    if target.shape != expected:
        fix = ""
        if target.shape == input.shape:
            fix = f"; one-hot targets become classes with .argmax({axis}), probabilities with .float()"
        elif math.prod(target.shape) == math.prod(expected):
            fix = f"; target.reshape({expected}) has it"
        raise refusal(ShapeError, name, f"the target must have shape {expected}{fix}", input=input, target=target)
    low, high = extent(target)
    if 0 <= low and (high < C or 0 in expected):
        return
    bad = ((target < 0) | (target >= C)) & (target != ignore_index)
    k = OPS.argmax(bad).item()
    label = OPS.reshape(target, shape=(-1,))[k].item()
    if 0 <= label < C or label == ignore_index:
        return
    reason = f"target {label}{_place(k, target.shape)} is out of bounds for {C} classes (0 to {C - 1})"
    raise refusal(IndexError, name, reason, input=input, target=target)


def _place(k: int, shape: tuple[int, ...]) -> str:
    """` at position (1, 2)`, of the k-th element."""
    if not shape:
        return ""
    place = []
    for n in reversed(shape):
        k, at = divmod(k, n)
        place.append(at)
    return f" at position {place[0] if len(place) == 1 else tuple(reversed(place))}"


def _same_shapes(name: str, input: Tensor, target: Tensor) -> None:
    """Broadcasting (n,) against (n, 1) gives n² differences where n were meant; only numbers may be broadcast."""
    if input.shape != target.shape:
        if not input.ndim or not target.ndim:
            return
        fix = "reshape one of them"
        if math.prod(input.shape) == math.prod(target.shape):
            fix = f"target.reshape({input.shape}) has it"
        elif math.prod(target.shape) == 1:
            fix = f"target.expand({input.shape}) has it"
        raise refusal(
            ShapeError, name, f"input {input.shape} and target {target.shape} must have the same shape; {fix}",
            input=input, target=target,
        )  # fmt: skip


def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """(input − target)²."""
    reduction = reduction_of(size_average, reduce, reduction, "mse_loss")
    _same_shapes("mse_loss", input, target)
    if weight is not None:
        return _weighted("mse_loss", OPS.mse_loss(input, target, reduction="none"), weight, reduction)
    return OPS.mse_loss(input, target, reduction=reduction)


def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """|input − target|."""
    reduction = reduction_of(size_average, reduce, reduction, "l1_loss")
    _same_shapes("l1_loss", input, target)
    if weight is not None:
        return _weighted("l1_loss", OPS.l1_loss(input, target, reduction="none"), weight, reduction)
    return OPS.l1_loss(input, target, reduction=reduction)


def _weighted(name: str, losses: Tensor, weight: Tensor, reduction: str) -> Tensor:
    """Losses times weights of the same shape; their mean is the weighted one."""
    if losses.shape != weight.shape:
        raise refusal(ShapeError, name, f"weight must have the input's shape {losses.shape}", weight=weight)
    y = losses * weight
    return OPS.sum(y) / OPS.sum(weight) if reduction == "mean" else reduced(y, reduction)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """½ d²/β where |d| < β, else |d| − ½ β, with d = input − target."""
    reduction = reduction_of(size_average, reduce, reduction, "smooth_l1_loss")
    _same_shapes("smooth_l1_loss", input, target)
    if beta < 0:
        raise refusal(RuntimeError, "smooth_l1_loss", f"beta must be at least 0, got {beta}")
    if beta == 0:
        return OPS.l1_loss(input, target, reduction=reduction)
    return OPS.smooth_l1_loss(input, target, reduction=reduction, beta=float(beta))


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """½ d² where |d| < δ, else δ (|d| − ½ δ), with d = input − target."""
    reduction = reduction_of(None, None, reduction, "huber_loss")
    _same_shapes("huber_loss", input, target)
    if not delta > 0:
        raise refusal(RuntimeError, "huber_loss", f"delta must be greater than 0, got {delta}")
    if weight is not None:
        losses = OPS.huber_loss(input, target, reduction="none", delta=float(delta))
        return _weighted("huber_loss", losses, weight, reduction)
    return OPS.huber_loss(input, target, reduction=reduction, delta=float(delta))


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """−log of the probability that the input, in [0, 1], gives the target, in [0, 1]."""
    name = "binary_cross_entropy"
    reduction = reduction_of(size_average, reduce, reduction, name)
    if target.shape != input.shape:
        raise refusal(ShapeError, name, SAME.format(input.shape), input=input, target=target)
    low, high = extent(input)
    if not (low >= 0 and high <= 1):
        reason = (
            f"all elements of the input should be between 0 and 1, and these reach from {low} to {high}; "
            "for numbers of any size use binary_cross_entropy_with_logits"
        )
        raise refusal(RuntimeError, name, reason, input=input)
    return OPS.binary_cross_entropy(input, target, weight, reduction=reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """binary_cross_entropy of sigmoid(input), safe for every input; positive targets count pos_weight times."""
    name = "binary_cross_entropy_with_logits"
    reduction = reduction_of(size_average, reduce, reduction, name)
    if target.shape != input.shape:
        raise refusal(ShapeError, name, SAME.format(input.shape), input=input, target=target)
    return OPS.binary_cross_entropy_with_logits(input, target, weight, pos_weight, reduction=reduction)


def kl_div(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", log_target: bool = False,
) -> Tensor:  # fmt: skip
    """target (log target − input): the input is a log-probability, the target a probability (or its log).

    reduction="batchmean", the sum over the number of samples, is the divergence; "mean" divides by all elements."""
    batchmean = reduction == "batchmean"
    reduction = reduction_of(size_average, reduce, "sum" if batchmean else reduction, "kl_div")
    y = OPS.kl_div(input, target, reduction=reduction, log_target=bool(log_target))
    return y / input.shape[0] if batchmean and input.ndim else y


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None,
    eps: float = 1e-8, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """rate − target log rate; the input is log rate, or (not log_input) the rate. `full` adds Stirling's log target!"""
    reduction = reduction_of(size_average, reduce, reduction, "poisson_nll_loss")
    y = OPS.exp(input) - target * input if log_input else input - target * OPS.log(input + eps)
    if full:
        safe = OPS.where(target > 1, target, 1.0)
        stirling = safe * OPS.log(safe) - safe + 0.5 * OPS.log(2 * math.pi * safe)
        y = y + OPS.where(target > 1, stirling, 0.0)
    return reduced(y, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """½ (log var + (input − target)² / var); `full` adds ½ log 2π.

    var counts as at least eps; its gradient does not know of that."""
    reduction = reduction_of(None, None, reduction, "gaussian_nll_loss")
    if isinstance(var, Tensor):
        if var.shape != input.shape and var.shape == input.shape[:-1]:
            var = OPS.reshape(var, shape=(*var.shape, 1))
        if extent(var)[0] < 0:
            raise refusal(ValueError, "gaussian_nll_loss", "var has negative entries", var=var)
        fixed = var.detach()
        var = var + OPS.where(fixed < eps, eps - fixed, 0.0)
    d = input - target
    y = 0.5 * (OPS.log(var) + d * d / var)
    return reduced(y + 0.5 * math.log(2 * math.pi) if full else y, reduction)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """input where the target is 1, max(0, margin − input) where it is −1."""
    reduction = reduction_of(size_average, reduce, reduction, "hinge_embedding_loss")
    near, far = OPS.where(target != -1, input, 0.0), OPS.where(target != 1, OPS.relu(margin - input), 0.0)
    return reduced(near + far, reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, margin − target (input1 − input2)): target 1 wants the first to be larger, −1 the second."""
    reduction = reduction_of(size_average, reduce, reduction, "margin_ranking_loss")
    return reduced(OPS.relu(-target * (input1 - input2) + margin), reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """1 − cos where the target is 1, max(0, cos − margin) where it is −1."""
    reduction = reduction_of(size_average, reduce, reduction, "cosine_embedding_loss")
    cos = cosine_similarity(input1, input2, -1, 1e-12)
    y = OPS.where(target == 1, 1 - cos, 0.0) + OPS.where(target == -1, OPS.relu(cos - margin), 0.0)
    return reduced(y, reduction)


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + e^(−target · input)) for targets ±1."""
    reduction = reduction_of(size_average, reduce, reduction, "soft_margin_loss")
    return reduced(-OPS.logsigmoid(target * input), reduction)


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """binary_cross_entropy_with_logits, averaged over the classes (the last axis)."""
    reduction = reduction_of(size_average, reduce, reduction, "multilabel_soft_margin_loss")
    y = OPS.binary_cross_entropy_with_logits(input, target, weight, None, reduction="none")
    return reduced(OPS.mean(y, axis=(-1,)), reduction)


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Σ over wrong classes of max(0, margin − x_target + x)ᵖ, divided by the number of classes (the hinge loss)."""
    name = "multi_margin_loss"
    reduction = reduction_of(size_average, reduce, reduction, name)
    if p not in (1, 2):
        raise refusal(ValueError, name, f"p is 1 or 2, got {p}")
    if input.ndim < 2 and target.shape in ((), (1,)):  # one sample, whose only class may stand alone
        input, target = OPS.reshape(input, shape=(-1,)), OPS.reshape(target, shape=())
    _class_weights(name, input, weight)
    _check_classes(name, input, target, -1)
    places = OPS.reshape(target, shape=(*target.shape, 1))
    gap = OPS.relu(margin - OPS.take_along_axis(input, places, axis=-1) + input)
    gap = gap if p == 1 else gap * gap
    if weight is not None:
        gap = gap * OPS.reshape(OPS.embedding(OPS.reshape(weight, shape=(-1, 1)), target), shape=places.shape)
    wrong = places != OPS.arange_like(target, n=input.shape[-1])
    return reduced(OPS.sum(gap * wrong, axis=(-1,)) / input.shape[-1], reduction)


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """Σ over right classes t and wrong ones c of max(0, 1 − x_t + x_c), divided by the number of classes.

    input (N, C) or (C,). target, of the same shape: the right classes, and −1 behind the last of them."""
    name, C = "multilabel_margin_loss", input.shape[-1] if input.ndim else 1
    reduction = reduction_of(size_average, reduce, reduction, name)
    if input.ndim > 2 or input.shape != target.shape or target.dtype.kind not in "iu":
        reason = "an input (N, C) or (C,) and a target of integers in that shape are expected"
        raise refusal(RuntimeError, name, reason, input=input, target=target)
    low, high = extent(target)
    if low < -1 or high >= C:
        raise refusal(RuntimeError, name, f"classes lie in [0, {C}), and −1 ends them", target=target)
    lead = input.shape[:-1]
    real = OPS.cumprod(OPS.astype(OPS.reshape(target, shape=(*lead, C)) >= 0, dtype="int64"), axis=-1) > 0
    places = OPS.where(real, OPS.reshape(target, shape=(*lead, C)), 0)
    row, column = (*lead, 1, C), (*lead, C, 1)
    right = (OPS.reshape(places, shape=column) == OPS.arange_like(target, n=C)) & OPS.reshape(real, shape=column)
    wrong = ~OPS.any(right, axis=(-2,), keepdims=True)
    x = OPS.reshape(input, shape=(*lead, C))
    hits = OPS.reshape(OPS.take_along_axis(x, places, axis=-1), shape=column)
    gaps = OPS.relu(1 - hits + OPS.reshape(x, shape=row)) * (wrong & OPS.reshape(real, shape=column))
    return reduced(OPS.sum(gaps, axis=(-2, -1)) / C, reduction)


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """−log of the probability of reading the targets in the input, however they spread over it (Graves et al. 2006).

    log_probs (T, N, C) or (T, C), of log_softmax. targets (N, S), or one after the other in one axis. "mean" divides
    each loss by the length of its target first. zero_infinity: a target too long for its input counts 0 and not ∞.

    NB: the gradient is PyTorch's, ∂l/∂log_probs + e^log_probs within the input's length: what the scores beneath
    log_softmax get. As log_softmax takes the second part away again, they get the derivative either way."""
    name = "ctc_loss"
    reduction = reduction_of(None, None, reduction, name)
    if log_probs.ndim not in (2, 3) or log_probs.dtype.kind != "f" or log_probs.dtype.itemsize < 4:
        raise refusal(RuntimeError, name, "log_probs (T, N, C) or (T, C) of float32 or float64 are expected",
                      log_probs=log_probs)  # fmt: skip
    if targets.dtype.kind not in "iu":
        raise refusal(DtypeError, name, "targets are classes: pass targets.long()", targets=targets)
    single = log_probs.ndim == 2
    x = OPS.reshape(log_probs, shape=(log_probs.shape[0], 1, log_probs.shape[1])) if single else log_probs
    T, N, C = x.shape
    if not 0 <= blank < C:
        raise refusal(RuntimeError, name, f"blank must be one of the {C} classes, got {blank}")
    lengths = [_lengths(name, what, value, N) for what, value in
               (("input_lengths", input_lengths), ("target_lengths", target_lengths))]  # fmt: skip
    n, m = (extent(t) for t in lengths)
    if n[0] < 0 or n[1] > T:
        raise refusal(RuntimeError, name, f"input_lengths lie in [0, {T}], got {n[0]} to {n[1]}", log_probs=log_probs)
    if m[0] < 0:
        raise refusal(RuntimeError, name, f"target_lengths cannot be negative, got {m[0]}")
    t = _rows(name, targets, lengths[1], N, m[1])
    p = OPS.sum(OPS.exp(OPS.minimum(x, 10.0)), axis=(2,), keepdims=True)  # 1, where they are logarithms of softmax
    losses = OPS.ctc_loss(x - (p - p.detach()), t, *lengths, blank=blank)
    if zero_infinity:
        losses = OPS.where(losses == math.inf, 0.0, losses)
    if reduction == "mean":
        return OPS.mean(losses / OPS.astype(OPS.maximum(lengths[1], 1), dtype=x.dtype))
    return OPS.sum(losses) if reduction == "sum" else OPS.reshape(losses, shape=()) if single else losses


def _lengths(name: str, what: str, value: Any, N: int) -> Tensor:
    t = OPS.reshape(value if isinstance(value, Tensor) else as_tensor(value), shape=(-1,))
    if t.shape != (N,) or t.dtype.kind not in "iu":
        raise refusal(RuntimeError, name, f"{what} must hold one integer for each of the {N} samples", lengths=t)
    return t


def _rows(name: str, targets: Tensor, lengths: Tensor, N: int, longest: int) -> Tensor:
    """The targets as (N, S); those that come one after the other are cut at their lengths."""
    if targets.ndim == 2 and targets.shape[0] == N:
        if longest > targets.shape[1]:
            raise refusal(RuntimeError, name, f"a target length {longest} exceeds the targets", targets=targets)
        return targets
    total = OPS.sum(lengths).item()
    if targets.ndim != 1 or targets.shape[0] < total:
        reason = f"targets are (N, S) or {total} numbers, one target after the other"
        raise refusal(RuntimeError, name, reason, targets=targets)
    ends = OPS.reshape(OPS.cumsum(lengths, axis=0), shape=(N, 1))
    places = ends - OPS.reshape(lengths, shape=(N, 1)) + OPS.arange_like(targets, n=longest)
    return OPS.getitem(targets, OPS.where(places < ends, places, 0), key=(INDEX,))


def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = None,
    weight: Tensor | None = None, reduction: str = "mean", ignore_index: int | None = None,
    label_smoothing: float = 0.0, options: Any = None,
) -> Tensor:  # fmt: skip
    """cross_entropy of linear(input, linear_weight, linear_bias).

    `options`, by which PyTorch saves memory, change nothing."""
    if ignore_index is not None and target.dtype.kind == "f":
        raise refusal(RuntimeError, "linear_cross_entropy", "ignore_index goes with targets that are classes")
    if linear_weight.ndim > 2 and input.ndim < 2:
        reason = "rows (N, in_features) are expected where linear_weight has more axes than two"
        raise refusal(ShapeError, "linear_cross_entropy", reason, input=input, linear_weight=linear_weight)
    shape = linear_weight.shape[:-1]  # (C, …): more axes than one are the logits'
    rows = OPS.reshape(linear_weight, shape=(math.prod(shape), linear_weight.shape[-1]))
    y = linear(input, rows, None if linear_bias is None else OPS.reshape(linear_bias, shape=(-1,)))
    y = OPS.reshape(y, shape=(*y.shape[:-1], *shape))
    ignored = -100 if ignore_index is None else ignore_index
    how = {"weight": weight, "reduction": reduction, "ignore_index": ignored, "label_smoothing": label_smoothing}
    return cross_entropy(y, target, **how)  # type: ignore[arg-type]


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0, swap: bool = False,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """triplet_margin_loss with a distance of one's own."""
    reduction = reduction_of(None, None, reduction, "triplet_margin_with_distance_loss")
    if margin <= 0:
        raise refusal(ValueError, "triplet_margin_with_distance_loss", f"margin must be greater than 0, got {margin}")
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = OPS.minimum(far, distance(positive, negative))
    return reduced(OPS.relu(margin + near - far), reduction)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, margin + ‖anchor − positive‖ − ‖anchor − negative‖); swap: or − ‖positive − negative‖, if less."""
    reduction = reduction_of(size_average, reduce, reduction, "triplet_margin_loss")
    if margin <= 0:
        raise refusal(ValueError, "triplet_margin_loss", f"margin must be greater than 0, got {margin}")
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = OPS.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced(OPS.relu(margin + near - far), reduction)


