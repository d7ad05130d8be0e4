"""Softmax over very many classes, most of them rare."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..api import cat, where
from ..api.arguments import guarded
from ..autograd import Tensor
from ..errors import refusal
from . import functional as F
from .container import ModuleList, Sequential
from .linear import Linear
from .module import Module


class AdaptiveLogProbabilities(NamedTuple):
    """The log-probability of each target, and the mean of their negatives."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """log p(c) = log softmax(head(x))_c for frequent c; for others log p(cluster of c) + log p(c | cluster)

    (Grave et al. 2017). Classes come sorted by how frequent they are, the most frequent first; cutoffs split them. The
    head scores the first ones and the clusters; cluster k scores its own classes from in_features/div_valueᵏ numbers.

    x (N, in_features), t (N,) classes, or (in_features,) and ()   →   output (N,): log p(t), loss: −its mean"""

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs or cutoffs != sorted(set(cutoffs)) or not 0 < cutoffs[0] <= cutoffs[-1] < n_classes:
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive integers sorted in an "
                f"increasing order, where each value is between 1 and n_classes-1={n_classes - 1}; got {cutoffs}"
            )
        where: Any = {"device": device, "dtype": dtype}
        self.in_features, self.n_classes, self.cutoffs = in_features, n_classes, [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, **where)
        self.tail = ModuleList()
        for k, (low, high) in enumerate(itertools.pairwise(self.cutoffs)):
            inner = int(in_features // div_value ** (k + 1))
            parts = Linear(in_features, inner, False, **where), Linear(inner, high - low, False, **where)
            self.tail.append(Sequential(*parts))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for layer in (self.head, *(layer for cluster in self.tail for layer in cluster)):
            layer.reset_parameters()

    @guarded
    def forward(self, input_: Tensor, target_: Tensor) -> AdaptiveLogProbabilities:
        if target_.ndim > 1 or input_.ndim != target_.ndim + 1 or input_.shape[:-1] != target_.shape:
            reason = "x (N, in_features) with targets (N,), or (in_features,) with one target, are expected"
            raise refusal(RuntimeError, "AdaptiveLogSoftmaxWithLoss", reason, input=input_, target=target_)
        x, t = (input_, target_) if target_.ndim else (input_.unsqueeze(0), target_.unsqueeze(0))
        if 0 not in t.shape and (t.min().item() < 0 or t.max().item() >= self.n_classes):
            reason = f"Target values should be in [0, {self.n_classes - 1}]"
            raise refusal(RuntimeError, "AdaptiveLogSoftmaxWithLoss", reason, target=target_)
        head = F.log_softmax(self.head(x), 1)
        place, inside = t, []
        for k, (low, high) in enumerate(itertools.pairwise(self.cutoffs)):
            here = (t >= low) & (t < high)
            place = where(here, self.shortlist_size + k, place)
            rows = here.nonzero().squeeze(1)
            if rows.shape[0]:  # only a cluster's own rows go through it
                scores = F.log_softmax(self.tail[k](x[rows]), 1).gather(1, (t[rows] - low).unsqueeze(1)).squeeze(1)
                inside.append((rows, scores))
        output = head.gather(1, place.unsqueeze(1)).squeeze(1)
        for rows, scores in inside:
            output = output.index_add(0, rows, scores)
        return AdaptiveLogProbabilities(output if target_.ndim else output.squeeze(0), (-output).mean())

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes: (N, in_features) → (N, n_classes)."""
        head, few = F.log_softmax(self.head(input), 1), self.shortlist_size
        clusters = enumerate(self.tail)
        parts = [F.log_softmax(tail(input), 1) + head[:, few + k : few + k + 1] for k, tail in clusters]
        return cat([head[:, :few], *parts], dim=1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each example: (N, in_features) → (N,)."""
        return self.log_prob(input).argmax(1)
