"""Lazy layers: they learn how many features or channels come in from their first input, and become the plain layer."""

from typing import Any, ClassVar

from ..autograd import Tensor, no_grad
from ..errors import refusal
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .linear import Linear
from .module import Module
from .normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .parameter import UninitializedBuffer, UninitializedParameter, is_lazy


class LazyModuleMixin(Module):
    """What lazy modules share. A subclass writes `initialize_parameters(*inputs)`, which gives every uninitialized
    parameter its shape; after the first call the module is of the class `cls_to_become`, if one is named."""

    cls_to_become: ClassVar[type[Module] | None] = None

    def has_uninitialized_params(self) -> bool:
        """Is there a parameter or a buffer whose shape is not known yet?"""
        return any(is_lazy(t) for t in (*self._parameters.values(), *self._buffers.values()))

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs an initialize_parameters(*inputs)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.cls_to_become is not None or self.has_uninitialized_params():
            self.initialize_parameters(*args, **kwargs)
            if self.has_uninitialized_params():
                raise RuntimeError(f"{type(self).__name__}.initialize_parameters left parameters without a shape")
        if self.cls_to_become is None:
            return super().__call__(*args, **kwargs)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        return self(*args, **kwargs)


def _waiting(module: Module, size: str, device: Any, dtype: Any, **parameters: bool) -> None:
    """The module's parameters of unknown shape; nothing comes in yet."""
    setattr(module, size, 0)
    for name, wanted in parameters.items():
        module._parameters[name] = UninitializedParameter(device=device, dtype=dtype) if wanted else None


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear whose in_features is the size of the last axis of its first input."""

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, bias, device, dtype)
        self.out_features = out_features
        _waiting(self, "in_features", device, dtype, weight=True, bias=bias)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take the sizes of an input."""
        fresh, self.in_features = self.has_uninitialized_params(), input.shape[-1]
        if fresh:
            with no_grad():
                self.weight.materialize((self.out_features, self.in_features))  # type: ignore[attr-defined]
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))  # type: ignore[attr-defined]
                self.reset_parameters()


class _LazyConv(LazyModuleMixin):
    """What lazy convolutions share; a subclass names the convolution."""

    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        plain: Any = super().__init__
        plain(0, out_channels, kernel_size, *args, **kwargs)
        _waiting(self, "in_channels", self.weight.device, self.weight.dtype, weight=True, bias=self.bias is not None)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_channels:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take the sizes of an input."""
        if input.ndim not in (self.axes + 1, self.axes + 2):
            reason = f"{self.axes + 1} or {self.axes + 2} axes are expected, the channels' before those of space"
            raise refusal(RuntimeError, type(self).__name__, reason, input=input)
        channels = input.shape[-self.axes - 1]
        if channels % self.groups:
            raise ValueError(f"{type(self).__name__}: {channels} channels must be divisible by groups {self.groups}")
        fresh, self.in_channels = self.has_uninitialized_params(), channels
        if fresh:
            self.weight.materialize(self._weight_shape())
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d whose in_channels is that of its first input; arguments as Conv1d's without it."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d whose in_channels is that of its first input; arguments as Conv2d's without it."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d whose in_channels is that of its first input; arguments as Conv3d's without it."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConv, ConvTranspose1d):
    """A ConvTranspose1d whose in_channels is that of its first input; arguments as ConvTranspose1d's without it."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConv, ConvTranspose2d):
    """A ConvTranspose2d whose in_channels is that of its first input; arguments as ConvTranspose2d's without it."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConv, ConvTranspose3d):
    """A ConvTranspose3d whose in_channels is that of its first input; arguments as ConvTranspose3d's without it."""

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    """What lazy normalisations share; a subclass names the normalisation."""

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        plain: Any = super().__init__
        plain(0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        _waiting(self, "num_features", device, dtype, weight=affine, bias=affine and bias)
        if track_running_stats:
            for name in ("running_mean", "running_var"):
                self._buffers[name] = UninitializedBuffer(device=device, dtype=dtype)

    def reset_running_stats(self) -> None:
        if not self.has_uninitialized_params() and self.num_features:
            super().reset_running_stats()  # type: ignore[misc]

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.num_features:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Take the number of channels of an input."""
        fresh, self.num_features = self.has_uninitialized_params(), input.shape[1]
        if fresh:
            for t in (self.weight, self.bias, self.running_mean, self.running_var):
                if is_lazy(t):
                    t.materialize((self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A BatchNorm1d whose num_features is the number of channels of its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A BatchNorm2d whose num_features is the number of channels of its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A BatchNorm3d whose num_features is the number of channels of its first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An InstanceNorm1d whose num_features is the number of channels of its first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An InstanceNorm2d whose num_features is the number of channels of its first input."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An InstanceNorm3d whose num_features is the number of channels of its first input."""

    cls_to_become = InstanceNorm3d
