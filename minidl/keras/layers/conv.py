"""Convolutions, channels last. The formulas are nn.functional's, channels first: views are turned on the way.

Padding "same" gives ceil(n / stride) places, and where it cannot be even, the last side gets one more."""

import math
from typing import Any

from ...autograd import Tensor
from ...nn import functional as F
from .. import activations
from .base import Layer, pair
from .core import check_last

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSES = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
PLACES = {1: "steps", 2: "height, width", 3: "depth, height, width"}


class Spatial(Layer):
    """What layers over places share: where the channels stand, and how much is put around."""

    rank: int

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(f"{type(self).__name__}: data_format is 'channels_last' or 'channels_first'")
        self.data_format = data_format or "channels_last"
        self.takes_axes = (self.rank + 2,)
        places, last = PLACES[self.rank], self.data_format == "channels_last"
        self.axes_are = f"(batch, {places}, channels)" if last else f"(batch, channels, {places})"
        self.channel_axis = -1 if last else 1

    def first(self, x: Tensor) -> Tensor:
        """Channels first, for the formulas."""
        return x.movedim(-1, 1) if self.channel_axis == -1 else x

    def last(self, y: Tensor) -> Tensor:
        """Channels where the user has them."""
        return y.movedim(1, -1) if self.channel_axis == -1 else y


def same_edges(sizes: Any, kernel: Any, strides: Any, dilation: Any) -> list[int]:
    """How much "same" puts on each side, the last axis first, as F.pad wants it."""
    edges: list[int] = []
    for n, k, s, d in reversed(list(zip(sizes, kernel, strides, dilation))):
        total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        edges += [total // 2, total - total // 2]
    return edges


class Conv(Spatial):
    """What convolutions share."""

    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self, filters: Any, kernel_size: Any, strides: Any = 1, padding: Any = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, groups: int = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        name = type(self).__name__
        self.filters, self.groups, self.use_bias = filters, groups, use_bias
        self.kernel_size = pair(kernel_size, self.rank, "kernel_size", name)
        self.strides = pair(strides, self.rank, "strides", name)
        self.dilation_rate = pair(dilation_rate, self.rank, "dilation_rate", name)
        self.padding = padding.lower() if isinstance(padding, str) else padding
        if self.padding not in self.paddings:
            raise ValueError(f"{name}: padding is one of {', '.join(map(repr, self.paddings))}, got {padding!r}")
        if filters is not None and (not isinstance(filters, int) or filters <= 0 or filters % groups):
            raise ValueError(f"{name}: filters is a positive number that groups={groups} divides, got {filters!r}")
        self.activation = activations.get(activation)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        self.kernel_regularizer, self.bias_regularizer = kernel_regularizer, bias_regularizer

    def channels(self, input_shape: Any) -> int:
        """How many channels come in."""
        n = input_shape[self.channel_axis]
        if n is None:
            raise ValueError(f"{self.titled}: the number of channels must be known, got {input_shape}")
        if n % self.groups:
            raise ValueError(f"{self.titled}: {n} channels do not divide into groups={self.groups}")
        return n

    def build(self, input_shape: Any) -> None:
        self.in_channels = self.channels(input_shape)
        self.make(self.kernel_shape(self.in_channels), self.filters)

    def kernel_shape(self, n: int) -> tuple[int, ...]:
        return (*self.kernel_size, n // self.groups, self.filters)

    def make(self, shape: tuple[int, ...], out: int) -> None:
        self.kernel = self.add_weight(shape, self.kernel_initializer, regularizer=self.kernel_regularizer)
        self.make_bias(out)

    def make_bias(self, out: int) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight((out,), self.bias_initializer, regularizer=self.bias_regularizer)

    def padded(self, x: Tensor) -> Tensor:
        if self.padding == "valid":
            return x
        sizes = x.shape[2:]
        if self.padding == "causal":
            edges = [self.dilation_rate[0] * (self.kernel_size[0] - 1), 0]
        else:
            edges = same_edges(sizes, self.kernel_size, self.strides, self.dilation_rate)
        return F.pad(x, edges) if any(edges) else x

    def convolve(self, x: Tensor, weight: Tensor, groups: int, bias: Any) -> Tensor:
        return CONVOLUTIONS[self.rank](
            self.padded(x), weight, bias, stride=self.strides, dilation=self.dilation_rate, groups=groups
        )

    def call(self, inputs: Tensor) -> Tensor:
        check_last(self, inputs, self.in_channels, self.channel_axis)
        y = self.convolve(self.first(inputs), out_in_first(self.kernel), self.groups, self.bias)
        return self.activation(self.last(y))


def out_in_first(kernel: Tensor) -> Tensor:
    """(…places, in, out) as (out, in, …places)."""
    n = kernel.ndim
    return kernel.permute(n - 1, n - 2, *range(n - 2))


class Conv1D(Conv):
    """y[n, t, o] = φ(b[o] + Σ over i, c of K[i, c, o] x[n, s t + d i, c])

    x (batch, steps, channels)   kernel (k, channels / groups, filters)   bias (filters,)
    padding: "valid", "same", or "causal", which looks back only"""

    rank, paddings = 1, ("valid", "same", "causal")


class Conv2D(Conv):
    """y[n, h, w, o] = φ(b[o] + Σ over i, j, c of K[i, j, c, o] x[n, s h + d i, s w + d j, c])

    x (batch, height, width, channels)   kernel (kh, kw, channels / groups, filters)   bias (filters,)"""

    rank = 2


class Conv3D(Conv):
    """As Conv2D, with an axis more: kernel (kd, kh, kw, channels / groups, filters)"""

    rank = 3


class ConvTranspose(Conv):
    """What transposed convolutions share: each input puts its filter into y, the stride apart.

    "same" gives stride · n places; "valid" all that any filter reaches."""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
        data_format: str | None = None, dilation_rate: Any = 1, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, **kwargs)
        if output_padding is not None:
            raise NotImplementedError(f"{type(self).__name__}: output_padding is not there; leave it None")

    def kernel_shape(self, n: int) -> tuple[int, ...]:
        return (*self.kernel_size, self.filters, n)

    def call(self, inputs: Tensor) -> Tensor:
        check_last(self, inputs, self.in_channels, self.channel_axis)
        x = self.first(inputs)
        y = TRANSPOSES[self.rank](
            x, out_in_first(self.kernel), None, stride=self.strides, dilation=self.dilation_rate
        )
        edges: list[int] = []  # what is cut off, or added where the stride leaves gaps
        for n, k, s, d in reversed(list(zip(x.shape[2:], self.kernel_size, self.strides, self.dilation_rate))):
            reach = (k - 1) * d + 1
            have = (n - 1) * s + reach
            want = n * s if self.padding == "same" else have + max(s - reach, 0)
            left = (reach - s) // 2 if self.padding == "same" and s < reach else 0
            edges += [-left, want - have + left]
        y = F.pad(y, edges) if any(edges) else y
        y = self.last(y)
        if self.bias is not None:
            shape = [1] * y.ndim
            shape[self.channel_axis] = self.filters
            y = y + self.bias.reshape(*shape)
        return self.activation(y)


class Conv1DTranspose(ConvTranspose):
    """x (batch, steps, channels)   kernel (k, filters, channels)"""

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """x (batch, height, width, channels)   kernel (kh, kw, filters, channels)"""

    rank = 2


class Conv3DTranspose(ConvTranspose):
    """x (batch, depth, height, width, channels)   kernel (kd, kh, kw, filters, channels)"""

    rank = 3


class DepthwiseConv2D(Conv):
    """Every channel convolved with depth_multiplier filters of its own: kernel (kh, kw, channels, depth_multiplier)"""

    rank = 2

    def __init__(
        self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            None, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            depthwise_initializer, bias_initializer, **kwargs,
        )  # fmt: skip
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Any) -> None:
        n = self.in_channels = self.channels(input_shape)
        self.make((*self.kernel_size, n, self.depth_multiplier), n * self.depth_multiplier)

    def call(self, inputs: Tensor) -> Tensor:
        check_last(self, inputs, self.in_channels, self.channel_axis)
        y = self.convolve(self.first(inputs), by_channel(self.kernel), self.in_channels, self.bias)
        return self.activation(self.last(y))


def by_channel(kernel: Tensor) -> Tensor:
    """(…places, in, m) as (in · m, 1, …places), for as many groups as channels."""
    n, (*places, channels, m) = kernel.ndim, kernel.shape
    return kernel.permute(n - 2, n - 1, *range(n - 2)).reshape(channels * m, 1, *places)


class SeparableConv(Conv):
    """A depthwise convolution, then one with a kernel of a single place (Chollet 2017)

    depthwise_kernel (…places, channels, m), m = depth_multiplier   pointwise_kernel (…1, channels · m, filters)"""

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
        dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
            depthwise_initializer, bias_initializer, **kwargs,
        )  # fmt: skip
        self.depth_multiplier, self.pointwise_initializer = depth_multiplier, pointwise_initializer

    def build(self, input_shape: Any) -> None:
        n, m = self.channels(input_shape), self.depth_multiplier
        self.in_channels = n
        self.depthwise_kernel = self.add_weight((*self.kernel_size, n, m), self.kernel_initializer)
        ones = (1,) * self.rank
        self.pointwise_kernel = self.add_weight((*ones, n * m, self.filters), self.pointwise_initializer)
        self.make_bias(self.filters)

    def call(self, inputs: Tensor) -> Tensor:
        check_last(self, inputs, self.in_channels, self.channel_axis)
        y = self.convolve(self.first(inputs), by_channel(self.depthwise_kernel), self.in_channels, None)
        y = CONVOLUTIONS[self.rank](y, out_in_first(self.pointwise_kernel), self.bias)
        return self.activation(self.last(y))


class SeparableConv1D(SeparableConv):
    """x (batch, steps, channels)   →   y (batch, steps, filters)"""

    rank, paddings = 1, ("valid", "same", "causal")


class SeparableConv2D(SeparableConv):
    """x (batch, height, width, channels)   →   y (batch, height, width, filters)"""

    rank = 2


class UpSampling(Spatial):
    """What up-sampling layers share: every place stands for several."""

    def __init__(
        self, size: Any = 2, data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.size, self.interpolation = pair(size, self.rank, "size", type(self).__name__), interpolation
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError(f"{type(self).__name__}: interpolation is 'nearest' or 'bilinear', got {interpolation!r}")

    def call(self, inputs: Tensor) -> Tensor:
        x = self.first(inputs)
        sizes = [n * k for n, k in zip(x.shape[2:], self.size)]
        smooth = {"align_corners": False} if self.interpolation == "bilinear" else {}
        return self.last(F.interpolate(x, size=sizes, mode=self.interpolation, **smooth))


class UpSampling1D(UpSampling):
    """x (batch, steps, channels)   →   y (batch, steps · size, channels)"""

    rank = 1


class UpSampling2D(UpSampling):
    """x (batch, height, width, channels)   →   y (batch, height · size, width · size, channels)"""

    rank = 2


class ZeroPadding(Spatial):
    """What paddings and croppings share: how much at each side."""

    sign = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        given = padding if hasattr(padding, "__iter__") else (padding,) * self.rank
        if self.rank == 1 and len(given) == 2 and not hasattr(given[0], "__iter__"):
            given = (given,)
        self.edges = [tuple(p) if hasattr(p, "__iter__") else (p, p) for p in given]
        if len(self.edges) != self.rank or any(len(p) != 2 or min(p) < 0 for p in self.edges):
            raise ValueError(f"{type(self).__name__}: a number, or {self.rank} or pairs of them, got {padding}")

    def call(self, inputs: Tensor) -> Tensor:
        around = [self.sign * n for edge in reversed(self.edges) for n in edge]
        return self.last(F.pad(self.first(inputs), around))


class ZeroPadding1D(ZeroPadding):
    """Zeros before the first and after the last step"""

    rank = 1


class ZeroPadding2D(ZeroPadding):
    """Zeros around pictures: n, (rows, columns) or ((top, bottom), (left, right))"""

    rank = 2


class Cropping1D(ZeroPadding):
    """The first and last steps cut off"""

    rank, sign = 1, -1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, **kwargs)


class Cropping2D(ZeroPadding):
    """The edges of pictures cut off: n, (rows, columns) or ((top, bottom), (left, right))"""

    rank, sign = 2, -1

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)
