"""Dense, Embedding, Dropout, and what changes shapes."""

import math
from typing import Any

from ...api import as_tensor
from ...autograd import Tensor
from ...nn import functional as F
from ...nn.functional.random import kept
from .. import activations
from ..graph import OPERATORS, KerasTensor
from ..masks import put_mask
from .base import Layer


def Input(
    shape: Any = None, batch_size: int | None = None, dtype: Any = "float32", name: str | None = None,
    batch_shape: Any = None,
) -> KerasTensor:  # fmt: skip
    """Where a functional model begins. shape: of one example, None for an axis of any size."""
    if shape is None and batch_shape is None:
        raise ValueError("Input: the shape of one example is needed, Input(shape=(28, 28, 1))")
    if isinstance(shape, int):
        raise ValueError(f"Input: the shape is a tuple, write shape=({shape},)")
    full = tuple(batch_shape) if batch_shape is not None else (batch_size, *shape)
    return KerasTensor(full, dtype, name or InputLayer(full[1:]).name)


class InputLayer(Layer):
    """y = x: says the shape that a Sequential begins with."""

    takes_integers = supports_masking = True

    def __init__(self, shape: Any = None, **kwargs: Any) -> None:
        super().__init__(**{"input_shape": shape, **kwargs} if shape is not None else kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        return inputs


class Dense(Layer):
    """y = φ(x K + b)        x (…, in)   kernel K (in, units)   bias b (units,)   →   y (…, units)"""

    supports_masking = True

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        check_units(self, units)
        self.units, self.use_bias, self.activation = units, use_bias, activations.get(activation)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer

    def build(self, input_shape: Any) -> None:
        n = last_of(self, input_shape)
        self.kernel = self.add_weight((n, self.units), self.kernel_initializer, regularizer=self.kernel_regularizer)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight((self.units,), self.bias_initializer, regularizer=self.bias_regularizer)

    def call(self, inputs: Tensor) -> Tensor:
        check_last(self, inputs, self.kernel.shape[0])
        return self.activation(F.linear(inputs, self.kernel.T, self.bias))


class Embedding(Layer):
    """y = E[x]        x (batch, …) whole numbers from 0 to input_dim − 1   embeddings E (input_dim, output_dim)

    mask_zero: number 0 fills up sequences; recurrent layers pass it over, and losses do not count it"""

    takes_integers = True

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None, mask_zero: bool = False, weights: Any = None,
        input_length: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if input_length is not None:
            kwargs.setdefault("input_shape", (input_length,))
        super().__init__(**kwargs)
        self.input_dim, self.output_dim, self.mask_zero = input_dim, output_dim, mask_zero
        self.embeddings_initializer, self.embeddings_regularizer = embeddings_initializer, embeddings_regularizer
        self.build(None)
        self.built = True
        if weights is not None:
            self.set_weights(weights if isinstance(weights, (list, tuple)) else [weights])

    def build(self, input_shape: Any) -> None:
        shape, penalty = (self.input_dim, self.output_dim), self.embeddings_regularizer
        self.embeddings = self.add_weight(shape, self.embeddings_initializer, regularizer=penalty)

    def call(self, inputs: Tensor) -> Tensor:
        y = F.embedding(inputs if inputs.dtype.kind in "iu" else inputs.to("int64"), self.embeddings)
        if self.mask_zero:
            seen: Any = inputs != 0
            put_mask(y, seen)
        return y


class Masking(Layer):
    """y = x, and steps in which all numbers equal mask_value are passed over from here on."""

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: Tensor) -> Tensor:
        seen: Any = (inputs != self.mask_value).any(dim=-1)
        y = inputs * seen.unsqueeze(-1).to(inputs.dtype)
        put_mask(y, seen)
        return y


class Flatten(Layer):
    """y = x with all axes after the batch's as one, channels last as they are."""

    takes_integers = True

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format

    def call(self, inputs: Tensor) -> Tensor:
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = inputs.movedim(1, -1)
        return inputs.reshape(inputs.shape[0], math.prod(inputs.shape[1:]))


class Reshape(Layer):
    """y = x in another shape of one example; −1 for what is left over."""

    takes_integers = True

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Tensor) -> Tensor:
        have, want = math.prod(inputs.shape[1:]), math.prod(n for n in self.target_shape if n != -1)
        if have != want and not (self.target_shape.count(-1) == 1 and want and have % want == 0):
            raise ValueError(
                f"{self.titled}: the {have} numbers of one example {tuple(inputs.shape[1:])} do not fill "
                f"target_shape={self.target_shape}"
            )
        shape = [have // want if n == -1 else n for n in self.target_shape]
        return inputs.reshape(inputs.shape[0], *shape)


class Permute(Layer):
    """y = x with the axes of one example, counted from 1, in another order."""

    takes_integers = True

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute: dims holds each of 1 … n once, got {self.dims}")

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.permute(0, *self.dims)


class RepeatVector(Layer):
    """y_t = x for n steps        x (batch, features)   →   y (batch, n, features)"""

    takes_axes, axes_are = (2,), "(batch, features)"

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = n

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.unsqueeze(1).repeat(1, self.n, 1)


class Lambda(Layer):
    """y = function(x)"""

    takes_integers = supports_masking = True

    def __init__(self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = None,
                 **kwargs: Any) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.function, self.arguments = function, dict(arguments or {})

    def call(self, inputs: Any) -> Any:
        return self.function(inputs, **self.arguments)


class Operation(Layer):
    """An operator between results of layers: what x + y becomes in the functional form."""

    takes_integers = True

    def __init__(self, operator: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.operator = operator

    def call(self, left: Any, right: Any) -> Any:
        return OPERATORS[self.operator](left, right)


class Identity(InputLayer):
    """y = x"""


class Dropout(Layer):
    """y = m ⊙ x / (1 − rate) in training, m 0 with probability rate, else 1; otherwise y = x

    noise_shape: the shape of m, None for an axis as long as the input's"""

    supports_masking = True

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(rate, bool) or not 0 <= rate <= 1:
            raise ValueError(f"{type(self).__name__}: rate lies between 0 and 1, got {rate!r}")
        self.rate, self.noise_shape = rate, noise_shape

    def noise(self, shape: Any) -> Any:
        if self.noise_shape is None:
            return shape
        return tuple(n if k is None else k for n, k in zip(shape, self.noise_shape))

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        return dropped(inputs, self.rate, self.noise(inputs.shape)) if training and self.rate else inputs


def dropped(x: Tensor, rate: float, shape: Any) -> Tensor:
    """x with a share of its entries 0, the others larger for it."""
    return x * 0 if rate == 1 else x * (kept(tuple(shape), rate, x) / (1 - rate))


class SpatialDropout1D(Dropout):
    """Dropout of whole channels        x (batch, steps, channels)"""

    takes_axes, axes_are = (3,), "(batch, steps, channels)"

    def noise(self, shape: Any) -> Any:
        return (shape[0], *(1 for _ in shape[1:-1]), shape[-1])


class SpatialDropout2D(SpatialDropout1D):
    """Dropout of whole channels        x (batch, height, width, channels)"""

    takes_axes, axes_are = (4,), "(batch, height, width, channels)"


class GaussianNoise(Layer):
    """y = x + N(0, stddev²) in training"""

    supports_masking = True

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = stddev

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or inputs.is_meta:
            return inputs
        return inputs + inputs.detach().clone().normal_(0.0, self.stddev)


class GaussianDropout(Layer):
    """y = x ⊙ N(1, rate / (1 − rate)) in training"""

    supports_masking = True

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or inputs.is_meta:
            return inputs
        return inputs * inputs.detach().clone().normal_(1.0, math.sqrt(self.rate / (1 - self.rate)))


class Rescaling(Layer):
    """y = scale · x + offset"""

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Tensor) -> Tensor:
        number = lambda v: as_tensor(v, dtype="float32").to(inputs.device) if hasattr(v, "__len__") else v
        return inputs * number(self.scale) + number(self.offset)


def check_units(layer: Layer, units: Any) -> None:
    """Refuse what is no number of outputs."""
    if isinstance(units, bool) or not isinstance(units, int) or units <= 0:
        raise ValueError(f"{type(layer).__name__}: units is a positive whole number, got {units!r}")


def last_of(layer: Layer, shape: Any) -> int:
    """How many numbers stand in the input's last axis."""
    n = shape[-1] if isinstance(shape, tuple) and shape else None
    if not isinstance(n, int):
        raise ValueError(f"{layer.titled} needs an input whose last axis has a known size, got {shape}")
    return n


def check_last(layer: Layer, x: Tensor, n: int, axis: int = -1) -> None:
    """Refuse an input with other channels than the weights were made for."""
    if x.shape[axis] != n:
        raise ValueError(
            f"{layer.titled} was built for inputs with {n} in axis {axis}, got the shape {tuple(x.shape)}"
        )
