"""Pictures of batches of images."""

import math
import os
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from ..autograd import Tensor
from .arrays import host, tensor_of


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images (B, C, H, W), or a list of images of one size, side by side in one image, `nrow` in a row.

    normalize: shift to [0, 1], from `value_range` or from the least and the greatest value, of all images or, with
    scale_each, of each. One channel becomes three."""
    if not isinstance(tensor, Tensor) and not (
        isinstance(tensor, (list, tuple)) and tensor and all(isinstance(t, Tensor) for t in tensor)
    ):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    where = tensor.device if isinstance(tensor, Tensor) else tensor[0].device
    if isinstance(tensor, Tensor):
        x = host(tensor)
    else:
        shapes = {tuple(t.shape) for t in tensor}
        if len(shapes) > 1:
            raise ValueError(f"make_grid: images of one size are needed, got {', '.join(map(str, sorted(shapes)))}")
        x = np.stack([host(t) for t in tensor])
    if not 2 <= x.ndim <= 4:
        raise ValueError(f"make_grid: (H, W), (C, H, W) or (B, C, H, W) is needed, got shape {x.shape}")
    x = x.reshape((1,) * (4 - x.ndim) + x.shape)
    x = np.repeat(x, 3, axis=1) if x.shape[1] == 1 else x  # B C H W
    if normalize:
        x = _normalized(x, value_range, scale_each)
    count, channels, h, w = x.shape
    if count == 1 or count == 0:
        return tensor_of(x[0].copy() if count else np.zeros(x.shape[1:], x.dtype), where)
    columns = min(nrow, count)
    rows, height, width = math.ceil(count / columns), h + padding, w + padding
    grid = np.full((channels, height * rows + padding, width * columns + padding), pad_value, x.dtype)
    for k in range(count):
        top, left = k // columns * height + padding, k % columns * width + padding
        grid[:, top : top + h, left : left + w] = x[k]
    return tensor_of(grid, where)


def _normalized(x: Any, value_range: Any, scale_each: bool) -> Any:
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
    if x.dtype.kind != "f":
        raise TypeError(f"make_grid: normalize needs floating-point images, got {x.dtype}")
    if value_range is not None:
        low, high = value_range
    elif scale_each:
        low, high = x.min((1, 2, 3), keepdims=True), x.max((1, 2, 3), keepdims=True)
    else:
        low, high = x.min(), x.max()
    return ((np.clip(x, low, high) - low) / np.maximum(high - low, 1e-5)).astype(x.dtype)


def save_image(
    tensor: Tensor | Sequence[Tensor], fp: str | os.PathLike[str] | IO[bytes], format: str | None = None, **kwargs: Any
) -> None:
    """The grid of some images (see make_grid) in a file; values from 0 to 1 are from black to white."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("save_image needs Pillow: pip install pillow") from error
    grid = host(make_grid(tensor, **kwargs))
    bytes_ = np.clip(grid.astype(np.float64) * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(np.ascontiguousarray(bytes_)).save(fp, format=format)
