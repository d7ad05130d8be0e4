"""Metrics: numbers gathered batch by batch and reported over an epoch."""

import math
from typing import Any

import numpy as np

from ..api import as_tensor
from ..autograd import Tensor, no_grad
from . import losses
from .config import Configured
from .losses import prepared, weighted


class Metric(Configured):
    """The base of all: a subclass writes `update_state(y_true, y_pred)`, `result()` and `reset_state()`."""

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or type(self).__name__.lower()
        self.reset_state()

    def reset_state(self) -> None:
        """Forget what was gathered."""
        raise NotImplementedError

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take in one batch."""
        raise NotImplementedError

    def result(self) -> float:
        """The number so far."""
        raise NotImplementedError

    def __call__(self, *args: Any, **kwargs: Any) -> float:
        self.update_state(*args, **kwargs)
        return self.result()


class Averaging(Metric):
    """What means share: Σ w v and Σ w so far."""

    def reset_state(self) -> None:
        self.total = self.count = 0.0

    def add(self, values: Any, sample_weight: Any) -> None:
        with no_grad():
            v = as_tensor(values).to("float32")
            w = v * 0 + 1
            if sample_weight is not None:
                weights = as_tensor(sample_weight).to(v.device).to("float32")
                w = w * weights if weights.ndim == 0 else weighted(w, weights)
            self.total += float((v * w).sum())
            self.count += float(w.sum())

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0


class Mean(Averaging):
    """Σ w v / Σ w of all values v so far"""

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        self.add(values, sample_weight)


class MeanMetricWrapper(Averaging):
    """The mean of a function of (y_true, y_pred) that gives a value for each example"""

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **settings: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", None))
        self.fn, self.settings = fn, settings

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        with no_grad():
            self.add(self.fn(y_true, y_pred, **self.settings), sample_weight)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Share of entries on the right side of the threshold"""
    t, p = prepared(y_true, y_pred)
    hits: Any = t == (p > threshold).to(t.dtype)
    return hits.to("float32").mean(dim=-1)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Is the largest output the one of the one-hot target?"""
    t, p = prepared(y_true, y_pred)
    hits: Any = t.argmax(dim=-1) == p.argmax(dim=-1)
    return hits.to("float32")


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Is the largest output that of the target's number?"""
    p = as_tensor(y_pred)
    hits: Any = _numbers(y_true, p) == p.argmax(dim=-1)
    return hits.to("float32")


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Is the target's number among the k largest outputs?"""
    p = as_tensor(y_pred)
    t = _numbers(y_true, p)
    higher: Any = p > p.gather(-1, t.unsqueeze(-1))
    return (higher.sum(dim=-1) < k).to("float32")


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Is the one-hot target among the k largest outputs?"""
    t, p = prepared(y_true, y_pred)
    return sparse_top_k_categorical_accuracy(t.argmax(dim=-1), p, k)


def _numbers(y_true: Any, p: Tensor) -> Tensor:
    t = as_tensor(y_true).to(p.device).to("int64")
    return t.squeeze(-1) if t.ndim == p.ndim and t.shape[-1] == 1 else t


def _class(name: str, function: Any, short: str, **defaults: Any) -> Any:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        kwargs = {**dict(zip((*defaults, "name"), args)), **kwargs}
        settings = {key: kwargs.pop(key, value) for key, value in defaults.items()}
        MeanMetricWrapper.__init__(self, function, kwargs.pop("name", None) or short, **kwargs, **settings)

    def get_config(self: Any) -> dict[str, Any]:
        return {"name": self.name, **self.settings}

    body = {"__init__": __init__, "get_config": get_config, "__doc__": function.__doc__, "__module__": __name__}
    return type(name, (MeanMetricWrapper,), body)


BinaryAccuracy = _class("BinaryAccuracy", binary_accuracy, "binary_accuracy", threshold=0.5)
CategoricalAccuracy = _class("CategoricalAccuracy", categorical_accuracy, "categorical_accuracy")
SparseCategoricalAccuracy = _class(
    "SparseCategoricalAccuracy", sparse_categorical_accuracy, "sparse_categorical_accuracy"
)
TopKCategoricalAccuracy = _class(
    "TopKCategoricalAccuracy", top_k_categorical_accuracy, "top_k_categorical_accuracy", k=5
)
SparseTopKCategoricalAccuracy = _class(
    "SparseTopKCategoricalAccuracy", sparse_top_k_categorical_accuracy, "sparse_top_k_categorical_accuracy", k=5
)
MeanSquaredError = _class("MeanSquaredError", losses.mean_squared_error, "mean_squared_error")
MeanAbsoluteError = _class("MeanAbsoluteError", losses.mean_absolute_error, "mean_absolute_error")
BinaryCrossentropy = _class(
    "BinaryCrossentropy", losses.binary_crossentropy, "binary_crossentropy", from_logits=False, label_smoothing=0.0
)
CategoricalCrossentropy = _class(
    "CategoricalCrossentropy", losses.categorical_crossentropy, "categorical_crossentropy", from_logits=False
)
SparseCategoricalCrossentropy = _class(
    "SparseCategoricalCrossentropy", losses.sparse_categorical_crossentropy, "sparse_categorical_crossentropy",
    from_logits=False,
)  # fmt: skip


class RootMeanSquaredError(Averaging):
    """√ mean (p − t)²"""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        t, p = prepared(y_true, y_pred)
        self.add((p - t) * (p - t), sample_weight)

    def result(self) -> float:
        return math.sqrt(super().result())


class Counts(Metric):
    """What metrics of a threshold share: how many entries are positive, rightly or wrongly."""

    def __init__(self, thresholds: float | None = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name)
        self.threshold = 0.5 if thresholds is None else thresholds

    def reset_state(self) -> None:
        self.hits = self.false = self.missed = 0.0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        with no_grad():
            t, p = prepared(y_true, y_pred)
            said = (p > self.threshold).to("float32")
            w: Any = said * 0 + 1
            if sample_weight is not None:
                w = weighted(w, as_tensor(sample_weight).to("float32"))
            self.hits += float((w * said * t).sum())
            self.false += float((w * said * (1 - t)).sum())
            self.missed += float((w * (1 - said) * t).sum())


class Precision(Counts):
    """Of what was called positive, the share that is"""

    def result(self) -> float:
        said = self.hits + self.false
        return self.hits / said if said else 0.0


class Recall(Counts):
    """Of what is positive, the share that was found"""

    def result(self) -> float:
        real = self.hits + self.missed
        return self.hits / real if real else 0.0


class AUC(Metric):
    """The area under the curve of the true against the false positive rate, by trapezoids between thresholds"""

    def __init__(self, num_thresholds: int = 200, name: str | None = None, dtype: Any = None) -> None:
        inner = [(k + 1) / (num_thresholds - 1) for k in range(num_thresholds - 2)]
        self.thresholds = np.array([-losses.EPSILON, *inner, 1 + losses.EPSILON], dtype="float32")
        super().__init__(name)

    def reset_state(self) -> None:
        self.positives = np.zeros(len(self.thresholds))  # above each threshold
        self.negatives = np.zeros(len(self.thresholds))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        t, p = (v.detach().cpu().numpy() for v in prepared(y_true, y_pred))
        w = np.ones(p.shape)
        if sample_weight is not None:
            given = np.asarray(sample_weight, dtype=float)
            w = w * given.reshape(*given.shape, *(1 for _ in range(p.ndim - given.ndim)))
        for total, which in ((self.positives, t > 0), (self.negatives, t <= 0)):
            order = np.sort(p[which]) if sample_weight is None else None
            if order is not None:
                total += len(order) - np.searchsorted(order, self.thresholds, side="right")
            else:
                total += ((p[which][:, None] > self.thresholds) * w[which][:, None]).sum(0)

    def result(self) -> float:
        if not (self.positives[0] and self.negatives[0]):
            return 0.0
        found, false = self.positives / self.positives[0], self.negatives / self.negatives[0]
        return float(((false[:-1] - false[1:]) * (found[:-1] + found[1:]) / 2).sum())


NAMES: dict[str, Any] = {
    **losses.NAMES,
    "binary_accuracy": BinaryAccuracy, "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy, "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy, "AUC": AUC, "auc": AUC,
    "Precision": Precision, "precision": Precision, "Recall": Recall, "recall": Recall,
    "root_mean_squared_error": RootMeanSquaredError, "rmse": RootMeanSquaredError,
}  # fmt: skip


def get(identifier: Any, y_true: Any = None, y_pred: Any = None) -> Any:
    """The metric of a name, as an object. "accuracy" is the one that fits the shapes of a target and an output."""
    if identifier in ("accuracy", "acc"):
        return _accuracy(y_true, y_pred)(name=identifier)
    found = NAMES.get(identifier, NAMES.get(identifier.lower())) if isinstance(identifier, str) else identifier
    if found is None:
        names = ", ".join(repr(name) for name in ("accuracy", *NAMES))
        raise ValueError(f"metric {identifier!r} is not known; there are {names}")
    made = found() if isinstance(found, type) else found
    made = made if isinstance(made, Metric) else MeanMetricWrapper(made, getattr(made, "name", None))
    if isinstance(identifier, str):
        made.name = identifier
    return made


def _accuracy(y_true: Any, y_pred: Any) -> Any:
    if y_pred.shape[-1] == 1:
        return BinaryAccuracy
    sparse = y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1
    return SparseCategoricalAccuracy if sparse else CategoricalAccuracy
