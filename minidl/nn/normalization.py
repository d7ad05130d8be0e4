"""Normalisation: over the batch, over the features of one example."""

import warnings
from typing import Any

from ..api import empty, ones, tensor, zeros
from ..api.arguments import guarded
from ..autograd import Tensor, no_grad
from ..errors import ShapeError, refusal
from . import functional as F
from . import init
from .conv import tuple_of
from .module import Module
from .parameter import Parameter


class _BatchNorm(Module):
    """What batch norms share; a subclass says which numbers of axes it takes."""

    takes: dict[int, str]
    _optional_keys = frozenset({"num_batches_tracked"})  # files older than 2018 lack it

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        add_affine(self, num_features, affine, affine and bias, device, dtype)
        if track_running_stats:
            self.register_buffer("running_mean", zeros(num_features, device=device, dtype=dtype))
            self.register_buffer("running_var", ones(num_features, device=device, dtype=dtype))
            self.register_buffer("num_batches_tracked", tensor(0, dtype="int64", device=device))
        else:
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                self.register_buffer(name, None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running mean and variance."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the running statistics; scale 1, shift 0."""
        self.reset_running_stats()
        reset_affine(self)

    def _momentum(self) -> float:
        """How much this batch counts in the running statistics; counts the batch."""
        if not (self.training and self.track_running_stats):
            return 0.0 if self.momentum is None else self.momentum
        with no_grad():
            self.num_batches_tracked.add_(1)
        if self.momentum is None:  # the plain average over all batches
            return 1.0 if self.num_batches_tracked.is_meta else 1.0 / self.num_batches_tracked.item()
        return self.momentum

    @guarded
    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self.takes:
            raise refusal(ShapeError, "batch_norm", f"{' or '.join(self.takes.values())} is expected", input=input)
        by_batch = self.training or self.running_mean is None
        keep = not self.training or self.track_running_stats  # in training without tracking, leave them alone
        return F.batch_norm(
            input,
            self.running_mean if keep else None,
            self.running_var if keep else None,
            self.weight,
            self.bias,
            by_batch,
            self._momentum(),
            self.eps,
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """y = γ (x − μ)/√(σ² + ε) + β        per channel, over the batch (Ioffe & Szegedy 2015)

    In training μ and σ² are the batch's (σ² divided by n), and the running ones move towards them:
    running ← (1 − momentum) running + momentum · batch (σ² divided by n − 1); momentum None averages all batches.
    In evaluation μ and σ² are the running ones.

    x (N, C) or (N, C, L)   weight γ, bias β, running_mean, running_var (C,)   →   y like x"""

    takes = {2: "(N, C)", 3: "(N, C, L)"}


class BatchNorm2d(_BatchNorm):
    """y = γ (x − μ)/√(σ² + ε) + β        per channel, over the batch and the picture (Ioffe & Szegedy 2015)

    In training μ and σ² are the batch's (σ² divided by n), and the running ones move towards them:
    running ← (1 − momentum) running + momentum · batch (σ² divided by n − 1); momentum None averages all batches.
    In evaluation μ and σ² are the running ones.

    x (N, C, H, W)   weight γ, bias β, running_mean, running_var (C,)   →   y like x"""

    takes = {4: "(N, C, H, W)"}


class BatchNorm3d(_BatchNorm):
    """y = γ (x − μ)/√(σ² + ε) + β        per channel, over the batch and the volume (Ioffe & Szegedy 2015)

    In training μ and σ² are the batch's, in evaluation the running ones, as in BatchNorm2d.

    x (N, C, D, H, W)   weight γ, bias β, running_mean, running_var (C,)   →   y like x"""

    takes = {5: "(N, C, D, H, W)"}


class _InstanceNorm(_BatchNorm):
    """What instance norms share. With running statistics they are used in evaluation."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    @guarded
    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self.takes:
            raise refusal(ShapeError, "instance_norm", f"{' or '.join(self.takes.values())} is expected", input=input)
        alone = input.ndim == min(self.takes)  # one example, without an axis for the batch
        channels = input.shape[0 if alone else 1]
        if channels != self.num_features:
            reason = f"expected input's channels to match num_features ({self.num_features}), but got {channels}"
            if self.affine:
                raise refusal(ValueError, "instance_norm", reason, input=input)
            warnings.warn(f"instance_norm: {reason}; without affine=True num_features is not used", stacklevel=3)
        y = F.instance_norm(
            input.unsqueeze(0) if alone else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y.squeeze(0) if alone else y


class InstanceNorm1d(_InstanceNorm):
    """y = γ (x − μ)/√(σ² + ε) + β        per channel of each example (Ulyanov, Vedaldi & Lempitsky 2016)

    γ and β are learned only with affine=True. With track_running_stats the means over the batch of μ and σ² (divided
    by n − 1) move the running ones by momentum, and evaluation uses those.

    x (N, C, L) or (C, L)   weight γ, bias β, running_mean, running_var (C,)   →   y like x"""

    takes = {2: "(C, L)", 3: "(N, C, L)"}


class InstanceNorm2d(_InstanceNorm):
    """y = γ (x − μ)/√(σ² + ε) + β        per channel of each example (Ulyanov, Vedaldi & Lempitsky 2016)

    As InstanceNorm1d. x (N, C, H, W) or (C, H, W)   →   y like x"""

    takes = {3: "(C, H, W)", 4: "(N, C, H, W)"}


class InstanceNorm3d(_InstanceNorm):
    """y = γ (x − μ)/√(σ² + ε) + β        per channel of each example (Ulyanov, Vedaldi & Lempitsky 2016)

    As InstanceNorm1d. x (N, C, D, H, W) or (C, D, H, W)   →   y like x"""

    takes = {4: "(C, D, H, W)", 5: "(N, C, D, H, W)"}


class LayerNorm(Module):
    """y = γ ⊙ (x − μ)/√(σ² + ε) + β        over the last axes of each example (Ba, Kiros & Hinton 2016)

    x (…, *normalized_shape)   weight γ, bias β (*normalized_shape)   →   y like x"""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = tuple_of(normalized_shape, 1)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        add_affine(self, self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        reset_affine(self)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """y = γ ⊙ x/√(mean(x²) + ε)        over the last axes of each example (Zhang & Sennrich 2019)

    x (…, *normalized_shape)   weight γ (*normalized_shape)   →   y like x. ε is the dtype's own unless given."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = tuple_of(normalized_shape, 1)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        made = lambda: Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
        self.register_parameter("weight", made() if elementwise_affine else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """y = γ (x − μ)/√(σ² + ε) + β        μ and σ² over each of num_groups groups of channels (Wu & He 2018)

    x (N, C, …), C = num_channels   weight γ, bias β (C,)   →   y like x"""

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        add_affine(self, num_channels, affine, affine and bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0."""
        reset_affine(self)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """y_c = x_c / (k + α/n Σ x²)^β        the sum over the n channels around c (Krizhevsky, Sutskever & Hinton 2012)

    x (N, C, …), n = size   →   y like x"""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class CrossMapLRN2d(LocalResponseNorm):
    """LocalResponseNorm of pictures (N, C, H, W), by its older name."""


def add_affine(module: Module, shape: Any, scale: bool, shift: bool, device: Any, dtype: Any) -> None:
    """Give it a weight and a bias of this shape, or None in their places."""
    for name, wanted in (("weight", scale), ("bias", shift)):
        module.register_parameter(name, Parameter(empty(shape, device=device, dtype=dtype)) if wanted else None)


def reset_affine(module: Module) -> None:
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)
