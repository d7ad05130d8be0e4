"""Losses, by Keras's names: (y_true, y_pred) → a value for each example, and classes that average them.

Probabilities are kept ε = 10⁻⁷ away from 0 and 1 before their logarithm is taken."""

import math
from typing import Any

from ..api import as_tensor, where
from ..autograd import Tensor
from ..nn import functional as F
from .config import Configured, look_up

EPSILON = 1e-7
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "none", None)


def prepared(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Both as float tensors of one shape: where one has an axis of size 1 more at the end, the other gets it."""
    p = as_tensor(y_pred)
    p = p if p.dtype.kind == "f" else p.to("float32")
    t = as_tensor(y_true).to(p.device).to(p.dtype)
    if t.ndim == p.ndim - 1 and p.shape[-1] == 1:
        t = t.unsqueeze(-1)
    elif t.ndim == p.ndim + 1 and t.shape[-1] == 1:
        t = t.squeeze(-1)
    return t, p


def alike(name: str, y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Prepared, and refused if the shapes differ: broadcasting would average over pairs that do not belong together."""
    t, p = prepared(y_true, y_pred)
    if t.shape != p.shape:
        hint = ""
        if name == "categorical_crossentropy" and p.ndim and t.ndim in (p.ndim, p.ndim - 1):
            hint = "; for whole numbers as targets take sparse_categorical_crossentropy, or to_categorical"
        raise ValueError(
            f"{name}: y_true {tuple(t.shape)} and y_pred {tuple(p.shape)} must have the same shape{hint}"
        )
    return t, p


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """−mean(t ln p + (1 − t) ln(1 − p)) over the last axis"""
    t, p = alike("binary_crossentropy", y_true, y_pred)
    t = t * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else t
    if from_logits:
        values = F.binary_cross_entropy_with_logits(p, t, reduction="none")
    else:
        p = p.clamp(EPSILON, 1 - EPSILON)
        values = -(t * p.log() + (1 - t) * (1 - p).log())
    return values.mean(dim=axis) if values.ndim else values


def log_probabilities(p: Tensor, from_logits: bool, axis: int) -> Tensor:
    if from_logits:
        return F.log_softmax(p, dim=axis)
    return (p / p.sum(dim=axis, keepdim=True)).clamp(EPSILON, 1 - EPSILON).log()


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """−Σ t ln p, t one-hot or any distribution, p made to add up to 1"""
    t, p = alike("categorical_crossentropy", y_true, y_pred)
    if p.ndim and p.shape[axis] == 1:
        raise ValueError(
            "categorical_crossentropy: the model has one output, whose probability would always be 1; for two classes "
            "take binary_crossentropy"
        )
    t = t * (1 - label_smoothing) + label_smoothing / t.shape[axis] if label_smoothing else t
    return -(t * log_probabilities(p, from_logits, axis)).sum(dim=axis)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """−ln p_t, t the number of the class"""
    p = as_tensor(y_pred)
    t = as_tensor(y_true).to(p.device).to("int64")
    if t.ndim == p.ndim and t.shape[axis] == 1:
        t = t.squeeze(axis)
    rows = tuple(n for k, n in enumerate(p.shape) if k != axis % p.ndim)
    if tuple(t.shape) != rows:
        raise ValueError(
            f"sparse_categorical_crossentropy: y_true {tuple(t.shape)} must be {rows}, a number for each row of y_pred "
            f"{tuple(p.shape)}" + ("; is it one-hot? take categorical_crossentropy" if t.shape == p.shape else "")
        )
    classes = p.shape[axis]
    skipped: Any = None if ignore_class is None else t == ignore_class
    t = t if skipped is None else where(skipped, t * 0, t)
    if t.numel() and (int(t.min()) < 0 or int(t.max()) >= classes):
        raise ValueError(
            f"sparse_categorical_crossentropy: targets go from {int(t.min())} to {int(t.max())}, but y_pred has "
            f"{classes} classes, 0 to {classes - 1}"
        )
    values = -log_probabilities(p, from_logits, axis).gather(axis, t.unsqueeze(axis)).squeeze(axis)
    return values if skipped is None else where(skipped, values * 0, values)


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean (p − t)²"""
    t, p = alike("mean_squared_error", y_true, y_pred)
    return _last((p - t) * (p - t))


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean |p − t|"""
    t, p = alike("mean_absolute_error", y_true, y_pred)
    return _last((p - t).abs())


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 mean |t − p| / max(|t|, ε)"""
    t, p = alike("mean_absolute_percentage_error", y_true, y_pred)
    return 100 * _last(((t - p) / t.abs().clamp(min=EPSILON)).abs())


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean (ln(1 + t) − ln(1 + p))²"""
    t, p = alike("mean_squared_logarithmic_error", y_true, y_pred)
    d = (p.clamp(min=EPSILON) + 1).log() - (t.clamp(min=EPSILON) + 1).log()
    return _last(d * d)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """mean of ½ d² where |d| ≤ δ, of δ |d| − ½ δ² elsewhere        d = p − t"""
    t, p = alike("huber", y_true, y_pred)
    return _last(F.huber_loss(p, t, reduction="none", delta=delta))


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean ln cosh(p − t)"""
    t, p = alike("log_cosh", y_true, y_pred)
    d = p - t
    return _last(d + F.softplus(-2.0 * d) - math.log(2))


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean max(0, 1 − t p), t in ±1; 0 and 1 are taken for −1 and 1"""
    t, p = alike("hinge", y_true, y_pred)
    return _last((1 - _signs(t) * p).clamp(min=0))


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean max(0, 1 − t p)²"""
    t, p = alike("squared_hinge", y_true, y_pred)
    d = (1 - _signs(t) * p).clamp(min=0)
    return _last(d * d)


def _signs(t: Tensor) -> Tensor:
    binary: Any = (t == 0) | (t == 1)
    return 2 * t - 1 if bool(binary.all()) else t


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """Σ t ln(t / p)"""
    t, p = alike("kl_divergence", y_true, y_pred)
    t, p = t.clamp(EPSILON, 1), p.clamp(EPSILON, 1)
    return (t * (t / p).log()).sum(dim=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean p − t ln(p + ε)"""
    t, p = alike("poisson", y_true, y_pred)
    return _last(p - t * (p + EPSILON).log())


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """−Σ of both as unit vectors, so that less is more alike"""
    t, p = alike("cosine_similarity", y_true, y_pred)
    unit = lambda v: v / ((v * v).sum(dim=axis, keepdim=True).clamp(min=EPSILON**2)).sqrt()
    return -(unit(t) * unit(p)).sum(dim=axis)


def _last(values: Tensor) -> Tensor:
    return values.mean(dim=-1) if values.ndim else values


class Loss(Configured):
    """The base of all: a subclass writes `call(y_true, y_pred)`, a value for each example.

    reduction: "sum_over_batch_size", their mean; "sum"; "none", as they are"""

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", **kwargs: Any) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"{type(self).__name__}: reduction is one of {REDUCTIONS}, got {reduction!r}")
        self.name, self.reduction = name or type(self).__name__, reduction

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no call(y_true, y_pred)")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None) -> Tensor:
        values = self.call(y_true, as_tensor(y_pred))
        if mask is not None and mask.ndim <= values.ndim:
            m = mask.to(values.dtype)
            if self.reduction in ("sum_over_batch_size", "mean"):
                m = m * (m.numel() / max(float(m.sum()), 1.0))  # so that the mean is over the steps that count
            values = weighted(values, m)
        if sample_weight is not None:
            values = weighted(values, as_tensor(sample_weight).to(values.device).to(values.dtype))
        if self.reduction == "sum":
            return values.sum()
        return values if self.reduction in ("none", None) else values.mean()


def weighted(values: Tensor, weights: Tensor) -> Tensor:
    """Each value times its weight; a weight for each example counts for all its steps."""
    if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
        weights = weights.squeeze(-1)
    if tuple(weights.shape) != tuple(values.shape[: weights.ndim]):
        raise ValueError(f"sample weights {tuple(weights.shape)} do not fit the values {tuple(values.shape)}")
    return values * weights.reshape(*weights.shape, *(1 for _ in range(values.ndim - weights.ndim)))


class LossFunctionWrapper(Loss):
    """A function of (y_true, y_pred) as a loss."""

    def __init__(self, fn: Any, reduction: str | None = "sum_over_batch_size", name: str | None = None) -> None:
        super().__init__(name or getattr(fn, "__name__", "loss"), reduction)
        self.fn = fn

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        return self.fn(y_true, y_pred)


def _class(name: str, function: Any, *settings: str) -> Any:
    """The loss class of a function, whose settings are the constructor's first arguments."""
    defaults = dict(zip(reversed(function.__code__.co_varnames[: function.__code__.co_argcount]),
                        reversed(function.__defaults__ or ())))  # fmt: skip

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(settings, args))
        self.settings = {key: kwargs.pop(key, given.get(key, defaults[key])) for key in settings}
        Loss.__init__(self, **{"name": function.__name__, **kwargs})

    def get_config(self: Any) -> dict[str, Any]:
        return {**self.settings, "reduction": self.reduction, "name": self.name}

    def call(self: Any, y_true: Any, y_pred: Any) -> Tensor:
        return function(y_true, y_pred, **self.settings)

    body = {"__init__": __init__, "call": call, "get_config": get_config, "__module__": __name__}
    return type(name, (Loss,), {**body, "__doc__": function.__doc__})


BinaryCrossentropy = _class("BinaryCrossentropy", binary_crossentropy, "from_logits", "label_smoothing", "axis")
CategoricalCrossentropy = _class(
    "CategoricalCrossentropy", categorical_crossentropy, "from_logits", "label_smoothing", "axis"
)
SparseCategoricalCrossentropy = _class(
    "SparseCategoricalCrossentropy", sparse_categorical_crossentropy, "from_logits", "ignore_class"
)
MeanSquaredError = _class("MeanSquaredError", mean_squared_error)
MeanAbsoluteError = _class("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _class("MeanAbsolutePercentageError", mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _class("MeanSquaredLogarithmicError", mean_squared_logarithmic_error)
Huber = _class("Huber", huber, "delta")
LogCosh = _class("LogCosh", log_cosh)
Hinge = _class("Hinge", hinge)
SquaredHinge = _class("SquaredHinge", squared_hinge)
KLDivergence = _class("KLDivergence", kl_divergence)
Poisson = _class("Poisson", poisson)
CosineSimilarity = _class("CosineSimilarity", cosine_similarity, "axis")

NAMES: dict[str, Any] = {
    f.__name__: f
    for f in (binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy, mean_squared_error,
              mean_absolute_error, mean_absolute_percentage_error, mean_squared_logarithmic_error, huber, log_cosh,
              hinge, squared_hinge, kl_divergence, poisson, cosine_similarity)
} | {
    "mse": mean_squared_error, "mae": mean_absolute_error, "mape": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error, "kld": kl_divergence, "bce": binary_crossentropy, "logcosh": log_cosh,
    "kullback_leibler_divergence": kl_divergence, "huber_loss": huber,
    "MeanSquaredError": MeanSquaredError, "MeanAbsoluteError": MeanAbsoluteError, "Huber": Huber,
    "BinaryCrossentropy": BinaryCrossentropy, "CategoricalCrossentropy": CategoricalCrossentropy,
    "SparseCategoricalCrossentropy": SparseCategoricalCrossentropy,
}  # fmt: skip


def get(identifier: Any) -> Any:
    """The loss of a name, as an object; a function is wrapped in one."""
    found = look_up("loss", identifier, NAMES, Loss)
    return found if isinstance(found, Loss) else LossFunctionWrapper(found)
