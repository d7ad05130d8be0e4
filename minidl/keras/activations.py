"""Activations, by Keras's names."""

from typing import Any

from ..api import clamp, exp, where
from ..autograd import Tensor
from ..nn import functional as F
from .config import look_up


def linear(x: Tensor) -> Tensor:
    """x"""
    return x


def relu(x: Tensor, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Tensor:
    """x from the threshold on, at most max_value; below it negative_slope · (x − threshold)"""
    if not threshold and max_value is None:
        return F.leaky_relu(x, negative_slope) if negative_slope else F.relu(x)
    y = where(x >= threshold, x, negative_slope * (x - threshold))
    return y if max_value is None else clamp(y, max=max_value)


def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """x, or negative_slope · x below 0"""
    return F.leaky_relu(x, negative_slope)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """eˣ / Σ eˣ"""
    return F.softmax(x, dim=axis)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """ln softmax x"""
    return F.log_softmax(x, dim=axis)


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """x Φ(x)"""
    return F.gelu(x, approximate="tanh" if approximate else "none")


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x, or α (eˣ − 1) below 0"""
    return F.elu(x, alpha)


def softplus(x: Tensor) -> Tensor:
    """ln(1 + eˣ)"""
    return F.softplus(x)


def exponential(x: Tensor) -> Tensor:
    """eˣ"""
    return exp(x)


def hard_sigmoid(x: Tensor) -> Tensor:
    """x/6 + ½, between 0 and 1"""
    return F.hardsigmoid(x)


sigmoid, tanh, selu, silu, mish, softsign, relu6 = F.sigmoid, F.tanh, F.selu, F.silu, F.mish, F.softsign, F.relu6
swish = silu

NAMES: dict[str, Any] = {
    f.__name__: f
    for f in (linear, relu, leaky_relu, softmax, log_softmax, gelu, elu, softplus, exponential, hard_sigmoid, sigmoid,
              tanh, selu, silu, mish, softsign, relu6)
} | {"swish": silu}  # fmt: skip


def get(identifier: Any) -> Any:
    """The activation of a name; None is linear, and a function stands for itself."""
    return linear if identifier is None else look_up("activation", identifier, NAMES)
