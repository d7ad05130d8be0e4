"""Normalisation, with Keras's ε = 10⁻³, and its momentum, which says how much of the past stays."""

from typing import Any

from ...autograd import OPS, Tensor, no_grad
from ...nn import functional as F
from .. import initializers
from .base import Layer
from .core import check_last


class Normalizing(Layer):
    """What the normalisations share: a scale γ and a shift β."""

    supports_masking = True

    def __init__(
        self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
        gamma_regularizer: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale
        self.beta_initializer, self.gamma_initializer = beta_initializer, gamma_initializer
        self.beta_regularizer, self.gamma_regularizer = beta_regularizer, gamma_regularizer

    def affine(self, shape: tuple[int, ...]) -> None:
        self.gamma = self.beta = None
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, regularizer=self.gamma_regularizer)
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, regularizer=self.beta_regularizer)


class BatchNormalization(Normalizing):
    """y = γ (x − μ)/√(σ² + ε) + β        per channel, over all other axes (Ioffe & Szegedy 2015)

    In training μ and σ² are the batch's and the moving ones follow: m ← momentum · m + (1 − momentum) · batch, σ²
    divided by n in both. Otherwise, and whenever trainable is False, they are the moving ones.

    x (…, C)   gamma, beta, moving_mean, moving_variance (C,)"""

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        moving_mean_initializer: Any = "zeros", moving_variance_initializer: Any = "ones", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(axis, epsilon, center, scale, **kwargs)
        self.momentum = momentum
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Any) -> None:
        self.channels = input_shape[self.axis]
        self.affine((self.channels,))
        kept = lambda initializer: self.add_weight((self.channels,), initializer, trainable=False)
        self.moving_mean = kept(self.moving_mean_initializer)
        self.moving_variance = kept(self.moving_variance_initializer)

    def call(self, inputs: Tensor, training: bool = False, mask: Any = None) -> Tensor:
        check_last(self, inputs, self.channels, self.axis)
        x = inputs.movedim(self.axis, -1)
        rows = x.reshape(-1, self.channels)
        if not (training and self.trainable):
            past = self.moving_mean, self.moving_variance
            y = F.batch_norm(rows, *past, self.gamma, self.beta, eps=self.epsilon)
        elif mask is not None:
            raise NotImplementedError(
                f"{self.titled} cannot leave out the steps that a mask hides; put it before the Embedding with "
                "mask_zero, or use LayerNormalization"
            )
        else:
            y, mean, var = OPS.batch_norm(rows, self.gamma, self.beta, eps=self.epsilon)
            with no_grad():
                for moving, batch in ((self.moving_mean, mean), (self.moving_variance, var)):
                    moving.copy_(moving * self.momentum + batch.detach() * (1 - self.momentum))
        return y.reshape(x.shape).movedim(-1, self.axis)


class LayerNormalization(Normalizing):
    """y = γ (x − μ)/√(σ² + ε) + β        over the last axis (or axes) of each example (Ba, Kiros & Hinton 2016)

    x (…, C)   gamma, beta (C,)"""

    def build(self, input_shape: Any) -> None:
        axes = (self.axis,) if isinstance(self.axis, int) else tuple(self.axis)
        axes = tuple(sorted(a % len(input_shape) for a in axes))
        if axes != tuple(range(len(input_shape) - len(axes), len(input_shape))):
            raise NotImplementedError(f"{self.titled}: the axes must be the last ones, got axis={self.axis}")
        self.shape = tuple(input_shape[a] for a in axes)
        self.affine(self.shape)

    def call(self, inputs: Tensor) -> Tensor:
        return F.layer_norm(inputs, self.shape, self.gamma, self.beta, self.epsilon)


class GroupNormalization(Normalizing):
    """y = γ (x − μ)/√(σ² + ε) + β        μ and σ² over each of `groups` groups of channels (Wu & He 2018)"""

    def __init__(self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(axis, epsilon, **kwargs)
        self.groups = groups

    def build(self, input_shape: Any) -> None:
        n = input_shape[self.axis]
        self.parts = n if self.groups == -1 else self.groups
        if n % self.parts:
            raise ValueError(f"{self.titled}: {n} channels do not divide into groups={self.groups}")
        self.affine((n,))

    def call(self, inputs: Tensor) -> Tensor:
        y = F.group_norm(inputs.movedim(self.axis, 1), self.parts, self.gamma, self.beta, self.epsilon)
        return y.movedim(1, self.axis)
