"""Normalisation: over the batch, over the features of one example."""

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
        made = lambda: Parameter(empty(num_features, device=device, dtype=dtype))
        self.register_parameter("weight", made() if affine else None)
        self.register_parameter("bias", made() if affine and bias else None)
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
            return 1.0 / self.num_batches_tracked.item()
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
        made = lambda: Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
        self.register_parameter("weight", made() if elementwise_affine else None)
        self.register_parameter("bias", made() if elementwise_affine and bias else None)
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


def reset_affine(module: Module) -> None:
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)
