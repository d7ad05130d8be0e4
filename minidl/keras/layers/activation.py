"""Activations as layers."""

from typing import Any

from ...autograd import Tensor
from ...nn import functional as F
from .. import activations
from .base import Layer


class Activation(Layer):
    """y = φ(x), φ by name or a function"""

    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)


class ReLU(Layer):
    """y = x from the threshold on, at most max_value; below it negative_slope · (x − threshold)"""

    supports_masking = True

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Tensor) -> Tensor:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """y = x, or negative_slope · x below 0; `alpha` is its older name"""

    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, alpha: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = negative_slope if alpha is None else alpha

    def call(self, inputs: Tensor) -> Tensor:
        return F.leaky_relu(inputs, self.negative_slope)


class PReLU(Layer):
    """y = x, or α x below 0, α learned (He et al. 2015)        alpha like one example, 1 in each of shared_axes"""

    supports_masking = True

    def __init__(self, alpha_initializer: Any = "zeros", shared_axes: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = alpha_initializer
        self.shared_axes = (shared_axes,) if isinstance(shared_axes, int) else tuple(shared_axes or ())

    def build(self, input_shape: Any) -> None:
        shape = [1 if k in self.shared_axes else n for k, n in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(shape, self.alpha_initializer)

    def call(self, inputs: Tensor) -> Tensor:
        return F.relu(inputs) - self.alpha * F.relu(-inputs)


class ELU(Layer):
    """y = x, or α (eˣ − 1) below 0"""

    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Tensor) -> Tensor:
        return F.elu(inputs, self.alpha)


class Softmax(Layer):
    """y = eˣ / Σ eˣ        over an axis"""

    supports_masking = True

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Tensor) -> Tensor:
        return F.softmax(inputs, dim=self.axis)
