"""Convolutions."""

import math
from typing import Any

from ..api import empty
from ..api.arguments import guarded
from ..autograd import Tensor
from ..errors import refusal
from . import functional as F
from . import init
from .linear import uniform_bias_
from .module import Module
from .parameter import Parameter

MODES = ("zeros", "reflect", "replicate", "circular")


def tuple_of(value: Any, n: int) -> tuple[int, ...]:
    """A number for every axis, or one number per axis."""
    return tuple(value) if hasattr(value, "__iter__") else (value,) * n


class _Conv(Module):
    """What convolutions over one, two, … axes share; a subclass says how many, and which function computes it."""

    axes: int
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name, n = type(self).__name__, self.axes
        if groups <= 0:
            raise ValueError(f"{name}: groups must be a positive integer, got {groups}")
        if in_channels % groups:
            raise ValueError(f"{name}: in_channels {in_channels} must be divisible by groups {groups}")
        if out_channels % groups:
            raise ValueError(f"{name}: out_channels {out_channels} must be divisible by groups {groups}")
        if padding_mode not in MODES:
            raise ValueError(f"{name}: padding_mode is one of {', '.join(map(repr, MODES))}, got {padding_mode!r}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = tuple_of(kernel_size, n), tuple_of(stride, n)
        self.padding = padding if isinstance(padding, str) else tuple_of(padding, n)
        self.dilation, self.padding_mode = tuple_of(dilation, n), padding_mode
        self.output_padding = (0,) * n
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"{name}: padding is a number, one per axis, 'same' or 'valid', got {padding!r}")
            if padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError(f"{name}: padding='same' is not supported for strided convolutions ({self.stride})")
        self.weight = Parameter(empty(self._weight_shape(), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.out_channels, self.in_channels // self.groups, *self.kernel_size)

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        uniform_bias_(self.bias, self.weight)

    def _edges(self) -> list[int]:
        """How much to pad each side, the last axis first, as F.pad wants it."""
        edges: list[int] = []
        for k in reversed(range(self.axes)):
            if isinstance(self.padding, str):
                total = self.dilation[k] * (self.kernel_size[k] - 1) if self.padding == "same" else 0
                edges += [total // 2, total - total // 2]
            else:
                edges += [self.padding[k], self.padding[k]]
        return edges

    def _convolve(self, function: Any, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._edges(), mode=self.padding_mode), (0,) * self.axes
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class Conv1d(_Conv):
    """y[n, o, t] = b[o] + Σ over c, i of w[o, c, i] x[n, c, s t + d i]        (cross-correlation; x padded by p)

    x (N, C, L) or (C, L)   weight (O, C/groups, k)   bias (O,)   →   y (N, O, (L + 2p − d (k − 1) − 1)/s + 1)
    Both start uniform in ±1/√(C/groups · k). padding="same" keeps L."""

    axes = 1

    def forward(self, input: Tensor) -> Tensor:
        return self._convolve(F.conv1d, input)


class Conv2d(_Conv):
    """y[n, o, h, w] = b[o] + Σ over c, i, j of weight[o, c, i, j] x[n, c, s h + d i, s w + d j]        (x padded by p)

    x (N, C, H, W) or (C, H, W)   weight (O, C/groups, kh, kw)   bias (O,)   →   y (N, O, Ho, Wo),
    Ho = (H + 2p − d (kh − 1) − 1)/s + 1, rounded down (LeCun et al. 1989). Both start uniform in
    ±1/√(C/groups · kh kw). groups splits the channels; padding="same" keeps H and W."""

    axes = 2

    def forward(self, input: Tensor) -> Tensor:
        return self._convolve(F.conv2d, input)


class Conv3d(_Conv):
    """y[n, o, d, h, w] = b[o] + Σ over c, i, j, k of weight[o, c, i, j, k] x[n, c, s d + i, s h + j, s w + k]

    x (N, C, D, H, W) or (C, D, H, W)   weight (O, C/groups, kd, kh, kw)   bias (O,)   →   y (N, O, Do, Ho, Wo)
    Stride, padding, dilation, sizes and initial values as in Conv2d (Tran et al. 2015)."""

    axes = 3

    def forward(self, input: Tensor) -> Tensor:
        return self._convolve(F.conv3d, input)


class _ConvTranspose(_Conv):
    """What transposed convolutions share."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}, got {padding_mode!r}')
        if isinstance(padding, str):
            raise TypeError(f"{type(self).__name__}: padding is a number or one per axis, got {padding!r}")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.output_padding = tuple_of(output_padding, self.axes)

    def _weight_shape(self) -> tuple[int, ...]:
        return (self.in_channels, self.out_channels // self.groups, *self.kernel_size)

    @guarded
    def _transpose(self, function: Any, input: Tensor, output_size: Any) -> Tensor:
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return function(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _extra(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output_padding that gives a size: the stride leaves a choice of so many."""
        name, wanted = type(self).__name__, tuple(output_size)[-self.axes :]
        if len(output_size) not in (self.axes, input.ndim) or len(wanted) != self.axes:
            reason = f"output_size has {self.axes} sizes, or {input.ndim} with the leading axes; got {len(output_size)}"
            raise refusal(ValueError, name, reason, input=input)
        padding: Any = self.padding
        steps = zip(input.shape[-self.axes :], self.stride, padding, self.dilation, self.kernel_size)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in steps]
        if any(not low <= n < low + s for n, low, s in zip(wanted, least, self.stride)):
            most = tuple(low + s - 1 for low, s in zip(least, self.stride))
            reason = f"requested an output size of {wanted}, but valid sizes range from {tuple(least)} to {most}"
            raise refusal(ValueError, name, reason, input=input)
        return tuple(n - low for n, low in zip(wanted, least))


class ConvTranspose1d(_ConvTranspose):
    """The input gradient of Conv1d as a layer: y[n, o, s t + d i − p] += w[c, o, i] x[n, c, t], and b[o] to all

    x (N, C, L) or (C, L)   weight (C, O/groups, k)   bias (O,)   →   y (N, O, s (L − 1) + d (k − 1) + 1 − 2p + extra)
    extra is output_padding, or what makes y as long as output_size says. Starts as Conv1d, with fan_in O/groups · k."""

    axes = 1

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return self._transpose(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTranspose):
    """The input gradient of Conv2d as a layer (Zeiler et al. 2010): each input puts a filter into y, s places apart.

    x (N, C, H, W) or (C, H, W)   weight (C, O/groups, kh, kw)   bias (O,)   →   y (N, O, Ho, Wo),
    Ho = s (H − 1) + d (kh − 1) + 1 − 2p + extra; extra is output_padding, or what makes y as large as output_size says.
    Both start uniform in ±1/√(O/groups · kh kw)."""

    axes = 2

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return self._transpose(F.conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTranspose):
    """The input gradient of Conv3d as a layer; as ConvTranspose2d, with an axis more.

    x (N, C, D, H, W) or (C, D, H, W)   weight (C, O/groups, kd, kh, kw)   bias (O,)   →   y (N, O, Do, Ho, Wo)"""

    axes = 3

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return self._transpose(F.conv_transpose3d, input, output_size)
