"""The losses that the models compute where labels are given."""

import minidl
from minidl import Tensor
from minidl.nn import functional as F

from .config import PretrainedConfig


def language_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the right tokens, averaged over those whose label is not −100. logits (…, V), labels (…)"""
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=-100)


def label_loss(logits: Tensor, labels: Tensor, config: PretrainedConfig) -> Tensor:
    """The loss of a classifier, by config.problem_type; where that is None, by the labels. logits (B, K)

    "regression" (K = 1)              mean square error           labels (B,) or (B, K), numbers
    "single_label_classification"     cross-entropy               labels (B,), whole numbers
    "multi_label_classification"      binary cross-entropy        labels (B, K), floats"""
    K, kind = logits.shape[-1], config.problem_type
    if kind is None:
        single = not (labels.is_floating_point() or labels.dtype == minidl.bool)
        kind = "regression" if K == 1 else "single_label_classification" if single else "multi_label_classification"
    if kind == "single_label_classification":
        return F.cross_entropy(logits, labels.reshape(-1))
    if labels.numel() != logits.numel():
        raise ValueError(f"{kind}: labels {tuple(labels.shape)} are not one for each of logits {tuple(logits.shape)}")
    labels = labels.reshape(logits.shape).to(logits.dtype)
    if kind == "regression":
        return F.mse_loss(logits, labels)
    if kind == "multi_label_classification":
        return F.binary_cross_entropy_with_logits(logits, labels)
    raise ValueError(f"there is no problem_type {kind!r}; see label_loss for the three that there are")


def span_loss(start_logits: Tensor, end_logits: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Mean of the cross-entropies of an answer's first and last token; positions beyond the text do not count.

    logits (B, T)   start, end (B,)"""
    T = start_logits.shape[1]
    at = lambda position: position.reshape(-1).clamp(0, T)
    return (
        F.cross_entropy(start_logits, at(start), ignore_index=T) + F.cross_entropy(end_logits, at(end), ignore_index=T)
    ) / 2
