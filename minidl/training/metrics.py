"""Metrics: how good the predictions are, in the numbers people quote.

Each is an object that sees a data set batch by batch, `update(predictions, targets)`, then `compute()`, and `reset()`
before the next; and a function of the same name that does all three at once. The values are scikit-learn's. The order
of the arguments is that of the losses: what the model said first, what is true second.

Predictions of classes are scores (N, C, …), of which the highest wins, or numbers of classes (N, …); targets are
numbers of classes (N, …), or probabilities (N, C, …), of which the highest counts. Arrays do as well as tensors."""

from typing import Any

import numpy as np

from ..api import tensor
from ..autograd import Tensor, no_grad
from ..backend import backend_of
from ..errors import describe
from ..nn import functional as F


class Metric:
    """`update(predictions, targets)` for each batch, `compute()` at the end, `reset()` before the next data set.

    What it has seen is in the attributes that `reset` sets: numbers, arrays, and lists of arrays, which state_dict
    saves, so that a run that was killed in the middle of an epoch goes on with the same sums."""

    def reset(self) -> None:
        raise NotImplementedError(f"{type(self).__name__}: define `def reset(self)`")

    def update(self, predictions: Any, targets: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__}: define `def update(self, predictions, targets)`")

    def compute(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: define `def compute(self)`")

    def __call__(self, predictions: Any, targets: Any) -> Any:
        """Of these alone; what was seen before is forgotten."""
        self.reset()
        self.update(predictions, targets)
        return self.compute()

    def state_dict(self) -> dict[str, Any]:
        copied = lambda v: list(v) if isinstance(v, list) else np.copy(v) if isinstance(v, np.ndarray) else v
        return {name: copied(value) for name, value in vars(self).items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if set(state) != set(vars(self)):
            what = ", ".join(state) or "nothing"
            raise ValueError(f"{type(self).__name__}: this is the state of another metric, with {what}")
        vars(self).update(state)


# ---------------------------------------------------------------------------------------------- what is compared


def host(value: Any) -> Any:
    """The numbers as a NumPy array, wherever they are."""
    if isinstance(value, Tensor):
        return backend_of(value.array).to_host(value.array)
    return np.asarray(value)


def classes_of(
    who: str, predictions: Any, targets: Any, threshold: float | None = None, ignore_index: int | None = None
) -> tuple[Any, Any]:
    """The predicted and the true class of each example, as two flat arrays of integers."""
    p, t = host(predictions), host(targets)
    if t.dtype.kind == "f" and threshold is None and t.shape == p.shape and t.ndim > 1:
        t = t.argmax(1)  # probabilities, as after mixup
    if p.ndim == t.ndim + 1 and p.shape[: min(t.ndim, 1)] + p.shape[2:] == t.shape:
        if p.shape[min(t.ndim, 1)] == 0:
            raise ValueError(f"{who}: the scores {describe(p)} are of no classes")
        p = p.argmax(min(t.ndim, 1))
    elif p.shape == t.shape and p.dtype.kind == "f":
        if threshold is None:
            raise ValueError(
                f"{who}: one score for each example ({describe(p)}) says its class by a threshold: 0.5 for "
                "probabilities, 0.0 for what comes before a sigmoid; give threshold=, or numbers of classes"
            )
        p = p > threshold
    if p.shape != t.shape:
        raise ValueError(
            f"{who}: predictions (N, C, …) or (N, …) and targets (N, …) are needed, got {describe(p)} and {describe(t)}"
        )
    if t.dtype.kind == "f" and not (t == np.trunc(t)).all():
        raise TypeError(f"{who}: the targets are numbers of classes, and these floats are not whole")
    p, t = p.reshape(-1).astype(np.int64), t.reshape(-1).astype(np.int64)
    if ignore_index is not None:
        p, t = p[t != ignore_index], t[t != ignore_index]
    if t.size and min(p.min(), t.min()) < 0:
        hint = "" if t.min() >= 0 else f"; ignore_index={t.min()} leaves such targets out"
        raise ValueError(f"{who}: classes count from 0, got {min(p.min(), t.min())}{hint}")
    return p, t


def grown(old: Any, size: int) -> Any:
    """The array with at least so many entries along each axis, zeros where there was nothing."""
    if not old.ndim or len(old) >= size:
        return old
    new = np.zeros((size,) * old.ndim, old.dtype)
    new[tuple(slice(n) for n in old.shape)] = old
    return new


def check_range(who: str, classes: int | None, *labels: Any) -> None:
    if classes is not None and any(x.size and x.max() >= classes for x in labels):
        raise ValueError(f"{who}: class {max(x.max() for x in labels if x.size)} is out of range for {classes} classes")


def check_average(who: str, average: Any, known: tuple[Any, ...]) -> None:
    if average not in known:
        raise ValueError(f"{who}: average is one of {', '.join(map(repr, known))}, got {average!r}")


# ---------------------------------------------------------------------------------------------- classes


class Accuracy(Metric):
    """The share of examples whose class was found: Σ [p = t] / N, NaN of none.

    threshold: where predictions are one score for each example, class 1 lies above it. ignore_index: targets that do
    not count."""

    def __init__(self, threshold: float | None = None, ignore_index: int | None = None) -> None:
        self.threshold, self.ignore_index = threshold, ignore_index
        self.reset()

    def reset(self) -> None:
        self.hits, self.seen = 0, 0

    def update(self, predictions: Any, targets: Any) -> None:
        p, t = classes_of("Accuracy", predictions, targets, self.threshold, self.ignore_index)
        self.hits += int((p == t).sum())
        self.seen += len(t)

    def compute(self) -> float:
        return self.hits / self.seen if self.seen else float("nan")


class TopK(Metric):
    """The share of examples whose class is among the k highest scores.

    Of equal scores the later class ranks higher, as in scikit-learn. Scores (N, C), targets (N)."""

    def __init__(self, k: int = 5) -> None:
        if k < 1:
            raise ValueError(f"TopK: k is 1 or more, got {k}")
        self.k = k
        self.reset()

    def reset(self) -> None:
        self.hits, self.seen = 0, 0

    def update(self, predictions: Any, targets: Any) -> None:
        s, t = host(predictions), host(targets)
        if t.shape == s.shape and t.dtype.kind == "f" and t.ndim == 2:
            t = t.argmax(1)
        if s.ndim != 2 or t.shape != s.shape[:1]:
            raise ValueError(f"TopK: scores (N, C) and targets (N) are needed, got {describe(s)} and {describe(t)}")
        t = t.astype(np.int64)
        check_range("TopK", s.shape[1], t)
        own = np.take_along_axis(s, t[:, None], 1)
        above = (s > own) | ((s == own) & (np.arange(s.shape[1]) > t[:, None]))
        self.hits += int(((above.sum(1) < self.k) & (own[:, 0] == own[:, 0])).sum())  # NaN is no hit
        self.seen += len(t)

    def compute(self) -> float:
        return self.hits / self.seen if self.seen else float("nan")


class ConfusionMatrix(Metric):
    """How often which class was taken for which: entry (t, p) counts examples of class t that were called p.

    classes: how many there are; None: as many as were met. normalize: None for counts; "true", "pred" or "all" for
    shares of a row, of a column, or of all, and 0 where there were none."""

    def __init__(
        self, classes: int | None = None, normalize: str | None = None, threshold: float | None = None,
        ignore_index: int | None = None,
    ) -> None:  # fmt: skip
        if normalize not in (None, "true", "pred", "all"):
            raise ValueError(f"ConfusionMatrix: normalize is None, 'true', 'pred' or 'all', got {normalize!r}")
        self.classes, self.normalize = classes, normalize
        self.threshold, self.ignore_index = threshold, ignore_index
        self.reset()

    def reset(self) -> None:
        self.counts = np.zeros((self.classes or 0,) * 2, np.int64)

    def update(self, predictions: Any, targets: Any) -> None:
        p, t = classes_of("ConfusionMatrix", predictions, targets, self.threshold, self.ignore_index)
        check_range("ConfusionMatrix", self.classes, p, t)
        self.counts = grown(self.counts, 1 + max(p.max(initial=-1), t.max(initial=-1)))
        np.add.at(self.counts, (t, p), 1)

    def compute(self) -> Any:
        if self.normalize is None:
            return self.counts.copy()
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        total = self.counts.sum(axis=axis, keepdims=True)
        return np.divide(self.counts, total, out=np.zeros(self.counts.shape), where=total > 0)


class FBeta(Metric):
    """F_β, the harmonic mean of precision and recall in which recall counts β times as much.

        F_β = (1 + β²) tp / ((1 + β²) tp + β² fn + fp)

    average: "macro", the mean over the classes; "weighted", by how often each is true; "micro", over all decisions
    together (accuracy, where each example has one class); "binary", of class 1; None, an array of each class.
    classes: how many there are, where those that were never met are to count too; zero_division: what a class is given
    of which nothing can be said."""

    def __init__(
        self, beta: float = 1.0, average: str | None = "macro", classes: int | None = None, zero_division: float = 0.0,
        threshold: float | None = None, ignore_index: int | None = None,
    ) -> None:  # fmt: skip
        check_average(type(self).__name__, average, ("macro", "weighted", "micro", "binary", None))
        self.beta, self.average, self.classes, self.zero_division = beta, average, classes, zero_division
        self.threshold, self.ignore_index = threshold, ignore_index
        self.reset()

    def reset(self) -> None:
        self.right, self.said, self.true = (np.zeros(self.classes or 0, np.int64) for _ in range(3))

    def update(self, predictions: Any, targets: Any) -> None:
        who = type(self).__name__
        p, t = classes_of(who, predictions, targets, self.threshold, self.ignore_index)
        check_range(who, self.classes, p, t)
        C = max(1 + p.max(initial=-1), 1 + t.max(initial=-1), len(self.true))
        if self.average == "binary" and C > 2:
            raise ValueError(f"{who}: average='binary' is for the classes 0 and 1, got class {C - 1}")
        count = lambda labels: np.bincount(labels, minlength=C)
        self.right = grown(self.right, C) + count(t[p == t])
        self.said, self.true = grown(self.said, C) + count(p), grown(self.true, C) + count(t)

    def compute(self) -> Any:
        right, said, true = self.right, self.said, self.true
        if self.average == "binary":
            right, said, true = (grown(n, 2)[1:2] for n in (right, said, true))
        elif self.classes is None:
            met = (said + true) > 0
            right, said, true = right[met], said[met], true[met]
        if self.average == "micro":
            right, said, true = (n.sum(keepdims=True) for n in (right, said, true))
        each = self.share(right, said, true)
        if self.average is None:
            return each
        weights = true if self.average == "weighted" else np.ones(len(each))
        return float((each * weights).sum() / weights.sum()) if weights.sum() else self.zero_division

    def share(self, right: Any, said: Any, true: Any) -> Any:
        b = self.beta**2
        return self.ratio((1 + b) * right, b * true + said)

    def ratio(self, above: Any, below: Any) -> Any:
        return np.divide(above, below, out=np.full(len(above), float(self.zero_division)), where=below > 0)


class F1(FBeta):
    """The harmonic mean of precision and recall: 2 tp / (2 tp + fn + fp). For the arguments see FBeta."""

    def __init__(
        self, average: str | None = "macro", classes: int | None = None, zero_division: float = 0.0,
        threshold: float | None = None, ignore_index: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(1.0, average, classes, zero_division, threshold, ignore_index)


class Precision(F1):
    """Of what was called a class, the share that is: tp / (tp + fp). For the arguments see FBeta."""

    def share(self, right: Any, said: Any, true: Any) -> Any:
        return self.ratio(right, said)


class Recall(F1):
    """Of what is a class, the share that was called so: tp / (tp + fn). For the arguments see FBeta."""

    def share(self, right: Any, said: Any, true: Any) -> Any:
        return self.ratio(right, true)


# ---------------------------------------------------------------------------------------------- scores


class AUC(Metric):
    """The area under the ROC curve: how likely a positive example scores higher than a negative one.

        AUC = (#{s⁺ > s⁻} + ½ #{s⁺ = s⁻}) / (n⁺ n⁻)        by ranks; NaN where there are none of either

    scores (N), targets (N) of 0 and 1; or scores and targets (N, L) of several labels; or for classes the probabilities
    (N, C), and targets (N). multi_class: "ovr", each class against the rest; "ovo", each against each (Hand & Till
    2001). average: "macro", the mean over classes or labels; "weighted", by how often each is true; "micro", all
    decisions together; None, an array of each. It keeps every score until `reset`."""

    def __init__(self, average: str | None = "macro", multi_class: str = "ovr") -> None:
        check_average("AUC", average, ("macro", "weighted", "micro", None))
        if multi_class not in ("ovr", "ovo"):
            raise ValueError(f"AUC: multi_class is 'ovr' or 'ovo', got {multi_class!r}")
        if multi_class == "ovo" and average not in ("macro", "weighted"):
            raise ValueError(f"AUC: each class against each has the averages 'macro' and 'weighted', got {average!r}")
        self.average, self.multi_class = average, multi_class
        self.reset()

    def reset(self) -> None:
        self.scores: list[Any] = []
        self.targets: list[Any] = []

    def update(self, predictions: Any, targets: Any) -> None:
        s, t = host(predictions), host(targets)
        if s.ndim not in (1, 2) or t.shape not in (s.shape, s.shape[:1]):
            raise ValueError(
                f"AUC: scores (N) or (N, C) are needed and targets of the same shape or (N), got {describe(s)} and "
                f"{describe(t)}"
            )
        if np.isnan(s).any():
            raise ValueError(f"AUC: {int(np.isnan(s).sum())} of the {s.size} scores are NaN, which has no rank")
        self.scores.append(np.array(s))
        self.targets.append(np.array(t))

    def compute(self) -> Any:
        if not self.scores:
            return float("nan")
        s, t = np.concatenate(self.scores), np.concatenate(self.targets)
        if s.ndim == 2 and s.shape[1] == 2 and t.ndim == 1:
            s = s[:, 1]  # two classes: the probability of the second
        if s.ndim == 1:
            return binary_auc(s, zeros_and_ones(t))
        if t.ndim == 1:
            check_range("AUC", s.shape[1], t)
            if self.multi_class == "ovo":
                return self.each_against_each(s, t)
            t = t[:, None] == np.arange(s.shape[1])
        t = zeros_and_ones(t)
        if self.average == "micro":
            return binary_auc(s.reshape(-1), t.reshape(-1))
        each = np.array([binary_auc(s[:, k], t[:, k]) for k in range(s.shape[1])])
        if self.average is None:
            return each
        weights = t.sum(0) if self.average == "weighted" else np.ones(len(each))
        if not weights.sum():
            return float("nan")
        return float((each * weights)[weights > 0].sum() / weights.sum())

    def each_against_each(self, s: Any, t: Any) -> float:
        areas, shares = [], []
        for a in range(s.shape[1]):
            for b in range(a + 1, s.shape[1]):
                of = (t == a) | (t == b)
                areas.append((binary_auc(s[of, a], t[of] == a) + binary_auc(s[of, b], t[of] == b)) / 2)
                shares.append(of.mean())
        return float(np.average(areas, weights=shares if self.average == "weighted" else None))


def zeros_and_ones(t: Any) -> Any:
    if not np.isin(t, (0, 1)).all():
        raise ValueError("AUC: where each score has a target of its own, that is 0 or 1")
    return t.astype(bool)


def binary_auc(s: Any, positive: Any) -> float:
    """The area by the ranks of the positive examples; equal scores share the mean of their ranks."""
    _, place, ties = np.unique(s, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[place]
    n = int(positive.sum())
    pairs = n * (len(s) - n)
    return float((ranks[positive].sum() - n * (n + 1) / 2) / pairs) if pairs else float("nan")


class Perplexity(Metric):
    """exp of the mean cross-entropy: among how many equally likely words the model is as unsure as it is.

    logits (N, C, …), targets (N, …), e.g. (B, V, T) and (B, T); ignore_index: targets that do not count."""

    def __init__(self, ignore_index: int = -100) -> None:
        self.ignore_index = ignore_index
        self.reset()

    def reset(self) -> None:
        self.surprise, self.seen = 0.0, 0

    @no_grad()
    def update(self, predictions: Any, targets: Any) -> None:
        scores, t = (x if isinstance(x, Tensor) else tensor(x) for x in (predictions, targets))
        each = F.cross_entropy(scores.detach(), t, ignore_index=self.ignore_index, reduction="none")
        self.surprise += float(host(each).sum(dtype=np.float64))
        self.seen += int((host(t) != self.ignore_index).sum())

    def compute(self) -> float:
        return float(np.exp(self.surprise / self.seen)) if self.seen else float("nan")


# ---------------------------------------------------------------------------------------------- numbers


def values_of(who: str, predictions: Any, targets: Any) -> tuple[Any, Any]:
    p, t = host(predictions), host(targets)
    if p.shape != t.shape:
        hint = "; squeeze or unsqueeze one" if p.size == t.size else ""
        raise ValueError(
            f"{who}: predictions and targets of one shape are needed, got {describe(p)} and {describe(t)}{hint}"
        )
    return p.astype(np.float64), t.astype(np.float64)


class MeanSquaredError(Metric):
    """Σ (p − t)² / n, over all numbers."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.total, self.seen = 0.0, 0

    def update(self, predictions: Any, targets: Any) -> None:
        p, t = values_of(type(self).__name__, predictions, targets)
        self.total += float(self.of(p - t).sum())
        self.seen += t.size

    def of(self, difference: Any) -> Any:
        return difference**2

    def compute(self) -> float:
        return self.total / self.seen if self.seen else float("nan")


class MeanAbsoluteError(MeanSquaredError):
    """Σ |p − t| / n, over all numbers."""

    def of(self, difference: Any) -> Any:
        return np.abs(difference)


class R2(Metric):
    """The share of the targets' variance that the predictions explain.

        R² = 1 − Σ (t − p)² / Σ (t − t̄)²

    predictions and targets (N) or (N, D). average over D: "uniform", the plain mean; "variance", by each one's
    variance; None, an array. Targets that are all the same give 1 where they are met and 0 elsewhere; fewer than two
    examples give NaN. Means are updated as they come in (Chan, Golub & LeVeque 1979), so large offsets lose nothing."""

    def __init__(self, average: str | None = "uniform") -> None:
        check_average("R2", average, ("uniform", "variance", None))
        self.average = average
        self.reset()

    def reset(self) -> None:
        self.seen = 0
        self.mean = self.spread = self.missed = np.zeros(0)

    def update(self, predictions: Any, targets: Any) -> None:
        p, t = values_of("R2", predictions, targets)
        if t.ndim not in (1, 2):
            raise ValueError(f"R2: predictions and targets (N) or (N, D) are needed, got {describe(t)}")
        p, t = (x[:, None] if x.ndim == 1 else x for x in (p, t))
        if not self.seen:
            self.mean, self.spread, self.missed = (np.zeros(t.shape[1]) for _ in range(3))
        if t.shape[1] != len(self.mean):
            raise ValueError(f"R2: batches of {len(self.mean)} columns until now, and this has {t.shape[1]}")
        n, m = self.seen, len(t)
        if not m:
            return
        mean = t.mean(0)
        self.missed = self.missed + ((t - p) ** 2).sum(0)
        self.spread = self.spread + ((t - mean) ** 2).sum(0) + (mean - self.mean) ** 2 * (n * m / (n + m))
        self.mean = self.mean + (mean - self.mean) * (m / (n + m))
        self.seen += m

    def compute(self) -> Any:
        if self.seen < 2:
            return float("nan")
        missed, spread = self.missed, self.spread
        met = np.where(missed == 0, 1.0, 0.0)
        each = np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), met)
        if self.average is None:
            return each
        weighted = self.average == "variance" and spread.any()
        return float(np.average(each, weights=spread if weighted else None))


# ---------------------------------------------------------------------------------------------- as functions


def accuracy(predictions: Any, targets: Any, threshold: float | None = None, ignore_index: int | None = None) -> float:
    """The share of examples whose class was found; see Accuracy."""
    return Accuracy(threshold, ignore_index)(predictions, targets)


def top_k(predictions: Any, targets: Any, k: int = 5) -> float:
    """The share of examples whose class is among the k highest scores; see TopK."""
    return TopK(k)(predictions, targets)


def confusion_matrix(
    predictions: Any, targets: Any, classes: int | None = None, normalize: str | None = None,
    threshold: float | None = None, ignore_index: int | None = None,
) -> Any:  # fmt: skip
    """Entry (t, p): how many examples of class t were called p; see ConfusionMatrix."""
    return ConfusionMatrix(classes, normalize, threshold, ignore_index)(predictions, targets)


def f1(predictions: Any, targets: Any, average: str | None = "macro", **how: Any) -> Any:
    """The harmonic mean of precision and recall; see F1, whose arguments it takes."""
    return F1(average, **how)(predictions, targets)


def f_beta(predictions: Any, targets: Any, beta: float = 1.0, average: str | None = "macro", **how: Any) -> Any:
    """The mean of precision and recall in which recall counts β times as much; see FBeta."""
    return FBeta(beta, average, **how)(predictions, targets)


def precision(predictions: Any, targets: Any, average: str | None = "macro", **how: Any) -> Any:
    """Of what was called a class, the share that is; see Precision."""
    return Precision(average, **how)(predictions, targets)


def recall(predictions: Any, targets: Any, average: str | None = "macro", **how: Any) -> Any:
    """Of what is a class, the share that was called so; see Recall."""
    return Recall(average, **how)(predictions, targets)


def auc(predictions: Any, targets: Any, average: str | None = "macro", multi_class: str = "ovr") -> Any:
    """The area under the ROC curve; see AUC."""
    return AUC(average, multi_class)(predictions, targets)


def perplexity(predictions: Any, targets: Any, ignore_index: int = -100) -> float:
    """exp of the mean cross-entropy; see Perplexity."""
    return Perplexity(ignore_index)(predictions, targets)


def r2(predictions: Any, targets: Any, average: str | None = "uniform") -> Any:
    """The share of the targets' variance that the predictions explain; see R2."""
    return R2(average)(predictions, targets)


def mean_squared_error(predictions: Any, targets: Any) -> float:
    """Σ (p − t)² / n; see MeanSquaredError."""
    return MeanSquaredError()(predictions, targets)


def mean_absolute_error(predictions: Any, targets: Any) -> float:
    """Σ |p − t| / n; see MeanAbsoluteError."""
    return MeanAbsoluteError()(predictions, targets)
