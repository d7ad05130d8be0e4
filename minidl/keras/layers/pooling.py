"""Pooling, channels last."""

import math
from typing import Any

from ...api import ones
from ...autograd import Tensor
from ...nn import functional as F
from .base import pair
from .conv import Spatial, same_edges

MAXIMA = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
MEANS: dict[int, Any] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class Pooling(Spatial):
    """What poolings share. "same" pools what there is: what is put around never counts."""

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        name = type(self).__name__
        self.pool_size = pair(pool_size, self.rank, "pool_size", name)
        self.strides = self.pool_size if strides is None else pair(strides, self.rank, "strides", name)
        self.padding = str(padding).lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(f"{name}: padding is 'valid' or 'same', got {padding!r}")

    def pooled(self, x: Tensor, edges: list[int]) -> Tensor:
        raise NotImplementedError

    def call(self, inputs: Tensor) -> Tensor:
        x, edges = self.first(inputs), [0]
        if self.padding == "same":
            edges = same_edges(x.shape[2:], self.pool_size, self.strides, (1,) * self.rank)
        elif any(n < k for n, k in zip(x.shape[2:], self.pool_size)):
            raise ValueError(
                f"{self.titled}: a window of {self.pool_size} does not fit into {tuple(x.shape[2:])}; the "
                "pictures have become too small: fewer poolings, or padding='same'"
            )
        return self.last(self.pooled(x, edges))


class MaxPooling(Pooling):
    """The largest of each window"""

    def pooled(self, x: Tensor, edges: list[int]) -> Tensor:
        x = F.pad(x, edges, value=-math.inf) if any(edges) else x
        return MAXIMA[self.rank](x, self.pool_size, self.strides)


class AveragePooling(Pooling):
    """The mean of each window"""

    def pooled(self, x: Tensor, edges: list[int]) -> Tensor:
        mean = lambda t: MEANS[self.rank](t, self.pool_size, self.strides)
        if not any(edges):
            return mean(x)
        inside = ones(1, 1, *x.shape[2:], dtype=x.dtype, device=x.device)
        return mean(F.pad(x, edges)) / mean(F.pad(inside, edges))


class GlobalPooling(Spatial):
    """What global poolings share: all places as one."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.keepdims = keepdims
        self.places = tuple(range(1, self.rank + 1)) if self.channel_axis == -1 else tuple(range(2, self.rank + 2))


class GlobalMaxPooling(GlobalPooling):
    """The largest number of each channel"""

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.amax(dim=self.places, keepdim=self.keepdims)


class GlobalAveragePooling(GlobalPooling):
    """The mean of each channel"""

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.mean(dim=self.places, keepdim=self.keepdims)


class MaxPooling1D(MaxPooling):
    """y[n, t, c] = the largest of a window        x (batch, steps, channels)"""

    rank = 1


class MaxPooling2D(MaxPooling):
    """y[n, h, w, c] = the largest of a window        x (batch, height, width, channels)"""

    rank = 2


class MaxPooling3D(MaxPooling):
    """As MaxPooling2D, with an axis more"""

    rank = 3


class AveragePooling1D(AveragePooling):
    """y[n, t, c] = the mean of a window        x (batch, steps, channels)"""

    rank = 1


class AveragePooling2D(AveragePooling):
    """y[n, h, w, c] = the mean of a window        x (batch, height, width, channels)"""

    rank = 2


class AveragePooling3D(AveragePooling):
    """As AveragePooling2D, with an axis more"""

    rank = 3


class GlobalMaxPooling1D(GlobalMaxPooling):
    """x (batch, steps, channels)   →   y (batch, channels)"""

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """x (batch, height, width, channels)   →   y (batch, channels)"""

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """As GlobalMaxPooling2D, with an axis more"""

    rank = 3


class GlobalAveragePooling1D(GlobalAveragePooling):
    """x (batch, steps, channels)   →   y (batch, channels), over the steps that the mask shows"""

    rank = 1

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        axis = self.places[0]
        seen = mask.to(inputs.dtype).unsqueeze(-1 if axis == 1 else 1)
        return (inputs * seen).sum(dim=axis, keepdim=self.keepdims) / seen.sum(dim=axis, keepdim=self.keepdims)


class GlobalAveragePooling2D(GlobalAveragePooling):
    """x (batch, height, width, channels)   →   y (batch, channels)"""

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """As GlobalAveragePooling2D, with an axis more"""

    rank = 3
