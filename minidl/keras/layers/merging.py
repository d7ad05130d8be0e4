"""Layers of several inputs."""

import functools
from typing import Any

from ...api import cat, maximum, minimum
from ...autograd import Tensor
from ...nn import functional as F
from .base import Layer


class Merge(Layer):
    """What layers of several inputs share: a list of tensors comes in."""

    def build_for(self, shape: Any, args: Any = ()) -> None:
        if not args or not isinstance(args[0], (list, tuple)) or len(args[0]) < 2:
            raise ValueError(f"{self.titled} is called on a list of at least two inputs")
        super().build_for(shape, args)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        known = [m for m in mask or () if m is not None]
        return functools.reduce(lambda a, b: a & b, known) if len(known) == len(inputs) else None

    supports_masking = True


class Add(Merge):
    """y = x₁ + x₂ + …"""

    def call(self, inputs: Any) -> Tensor:
        return functools.reduce(lambda a, b: a + b, inputs)


class Subtract(Merge):
    """y = x₁ − x₂"""

    def call(self, inputs: Any) -> Tensor:
        a, b = inputs
        return a - b


class Multiply(Merge):
    """y = x₁ ⊙ x₂ ⊙ …"""

    def call(self, inputs: Any) -> Tensor:
        return functools.reduce(lambda a, b: a * b, inputs)


class Average(Merge):
    """y = (x₁ + x₂ + …) / n"""

    def call(self, inputs: Any) -> Tensor:
        return functools.reduce(lambda a, b: a + b, inputs) / len(inputs)


class Maximum(Merge):
    """y = the larger, entry by entry"""

    def call(self, inputs: Any) -> Tensor:
        return functools.reduce(maximum, inputs)


class Minimum(Merge):
    """y = the smaller, entry by entry"""

    def call(self, inputs: Any) -> Tensor:
        return functools.reduce(minimum, inputs)


class Concatenate(Merge):
    """y = x₁, x₂, … one after the other along an axis"""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        return cat(list(inputs), dim=self.axis)


class Dot(Merge):
    """y = Σ x₁ x₂        over one axis of each, example by example; normalize: of unit vectors"""

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axes = (axes, axes) if isinstance(axes, int) else tuple(axes)
        self.normalize = normalize

    def call(self, inputs: Any) -> Tensor:
        a, b = (t.movedim(axis, -1) for t, axis in zip(inputs, self.axes))
        if self.normalize:
            a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
        (n, *left, k), (_, *right, _) = a.shape, b.shape
        y = a.reshape(n, -1, k) @ b.reshape(n, -1, k).transpose(1, 2)
        return y.reshape(n, *left, *right) if left or right else y.reshape(n, 1)


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of the inputs."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first input less the second."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of the inputs."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of the inputs."""
    return Average(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """The inputs one after the other."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """The product of two inputs, summed over an axis."""
    return Dot(axes, **kwargs)(inputs)
