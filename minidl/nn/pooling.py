"""Pooling: one number for each window."""

from typing import Any

from ..autograd import Tensor
from . import functional as F
from .conv import tuple_of
from .module import Module


class _MaxPool(Module):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def _pool(self, function: Any, input: Tensor) -> Any:
        return function(
            input, self.kernel_size, self.stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode, return_indices=self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The maximum of each window; the stride defaults to the window's size, padding counts as −∞.

    x (N, C, L) or (C, L)   →   y (N, C, Lo)"""

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool1d, input)


class MaxPool2d(_MaxPool):
    """The maximum of each window; the stride defaults to the window's size, padding counts as −∞.

    x (N, C, H, W) or (C, H, W)   →   y (N, C, Ho, Wo)"""

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool2d, input)


class MaxPool3d(_MaxPool):
    """The maximum of each window; the stride defaults to the window's size, padding counts as −∞.

    x (N, C, D, H, W) or (C, D, H, W)   →   y (N, C, Do, Ho, Wo)"""

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.max_pool3d, input)


class AvgPool1d(Module):
    """The mean of each window; the stride defaults to the window's size.

    x (N, C, L) or (C, L)   →   y (N, C, Lo). count_include_pad: padded zeros count in the mean."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = tuple_of(kernel_size, 1), tuple_of(kernel_size if stride is None else stride, 1)
        self.padding, self.ceil_mode, self.count_include_pad = tuple_of(padding, 1), ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        self.divisor_override = divisor_override

    def _pool(self, function: Any, input: Tensor) -> Tensor:
        return function(
            input, self.kernel_size, self.stride, self.padding,
            self.ceil_mode, self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window; the stride defaults to the window's size.

    x (N, C, H, W) or (C, H, W)   →   y (N, C, Ho, Wo)
    count_include_pad: padded zeros count in the mean; divisor_override: divide the sum by this instead."""

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.avg_pool2d, input)


class AvgPool3d(_AvgPool):
    """The mean of each window; the stride defaults to the window's size.

    x (N, C, D, H, W) or (C, D, H, W)   →   y (N, C, Do, Ho, Wo)
    count_include_pad: padded zeros count in the mean; divisor_override: divide the sum by this instead."""

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.avg_pool3d, input)


class _AdaptivePool(Module):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """The means of `output_size` windows that cover the axis evenly.

    x (N, C, L) or (C, L)   →   y (N, C, output_size)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """The means of windows that cover the picture evenly, as many as `output_size` says (None: as many as before).

    x (N, C, H, W) or (C, H, W)   →   y (N, C, *output_size)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptivePool):
    """The means of boxes that cover the volume evenly, as many as `output_size` says (None: as many as before).

    x (N, C, D, H, W) or (C, D, H, W)   →   y (N, C, *output_size)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The maxima of `output_size` windows that cover the axis evenly; with return_indices also where they stand.

    x (N, C, L) or (C, L)   →   y (N, C, output_size)"""

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maxima of windows that cover the picture evenly; with return_indices also where they stand in it.

    x (N, C, H, W) or (C, H, W)   →   y (N, C, *output_size)"""

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The maxima of boxes that cover the volume evenly; with return_indices also where they stand in it.

    x (N, C, D, H, W) or (C, D, H, W)   →   y (N, C, *output_size)"""

    def forward(self, input: Tensor) -> Any:
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)


class _LPPool(Module):
    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def _pool(self, function: Any, input: Tensor) -> Tensor:
        return function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The p-norm of each window: y = (Σ xᵖ)^(1/p), p = norm_type.

    x (N, C, L) or (C, L)   →   y (N, C, Lo)"""

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.lp_pool1d, input)


class LPPool2d(_LPPool):
    """The p-norm of each window: y = (Σ xᵖ)^(1/p), p = norm_type.

    x (N, C, H, W) or (C, H, W)   →   y (N, C, Ho, Wo)"""

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.lp_pool2d, input)


class LPPool3d(_LPPool):
    """The p-norm of each window: y = (Σ xᵖ)^(1/p), p = norm_type.

    x (N, C, D, H, W) or (C, D, H, W)   →   y (N, C, Do, Ho, Wo)"""

    def forward(self, input: Tensor) -> Tensor:
        return self._pool(F.lp_pool3d, input)


class _MaxUnpool(Module):
    axes: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = tuple_of(kernel_size, self.axes)
        self.stride = tuple_of(kernel_size if stride is None else stride, self.axes)
        self.padding = tuple_of(padding, self.axes)

    def _unpool(self, function: Any, input: Tensor, indices: Tensor, output_size: Any) -> Tensor:
        return function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Maxima back where MaxPool1d(return_indices=True) found them, zeros elsewhere (Zeiler & Fergus 2014).

    x, indices (N, C, L)   →   y (N, C, (L − 1) stride − 2 padding + kernel_size), or as output_size says"""

    axes = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return self._unpool(F.max_unpool1d, input, indices, output_size)


class MaxUnpool2d(_MaxUnpool):
    """Maxima back where MaxPool2d(return_indices=True) found them, zeros elsewhere (Zeiler & Fergus 2014).

    x, indices (N, C, H, W)   →   y (N, C, Ho, Wo), Ho = (H − 1) stride − 2 padding + kernel_size, or output_size's"""

    axes = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return self._unpool(F.max_unpool2d, input, indices, output_size)


class MaxUnpool3d(_MaxUnpool):
    """Maxima back where MaxPool3d(return_indices=True) found them, zeros elsewhere (Zeiler & Fergus 2014).

    x, indices (N, C, D, H, W)   →   y (N, C, Do, Ho, Wo), as in MaxUnpool2d"""

    axes = 3

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return self._unpool(F.max_unpool3d, input, indices, output_size)


class _FractionalMaxPool(Module):
    axes: int

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio, and not both")
        self.kernel_size = tuple_of(kernel_size, self.axes)
        self.output_size = None if output_size is None else tuple_of(output_size, self.axes)
        self.output_ratio: Any = None if output_ratio is None else tuple_of(output_ratio, self.axes)
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"{name}: output_ratio must be between 0 and 1 (got {output_ratio})")
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def _pool(self, function: Any, input: Tensor) -> Any:
        sizes = (self.kernel_size, self.output_size, self.output_ratio)
        return function(input, *sizes, self.return_indices, _random_samples=self._random_samples)


class FractionalMaxPool2d(_FractionalMaxPool):
    """The maxima of windows whose places are drawn at random, so that sizes shrink by any ratio (Graham 2014).

    x (N, C, H, W) or (C, H, W)   →   y (N, C, *output_size), or of sizes output_ratio times those of x"""

    axes = 2

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.fractional_max_pool2d, input)


class FractionalMaxPool3d(_FractionalMaxPool):
    """The maxima of boxes whose places are drawn at random, so that sizes shrink by any ratio (Graham 2014).

    x (N, C, D, H, W) or (C, D, H, W)   →   y (N, C, *output_size), or of sizes output_ratio times those of x"""

    axes = 3

    def forward(self, input: Tensor) -> Any:
        return self._pool(F.fractional_max_pool3d, input)
