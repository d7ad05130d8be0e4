"""What a convolution looks for, and what it finds: its kernels and its feature maps as small pictures in one."""

import math
from typing import Any

import numpy as np

from ..autograd import Tensor, no_grad
from ..nn import Module
from .figures import MAP, axes_of, host


def convolution_filters(layer: Any, most: int = 64, ax: Any = None) -> Any:
    """The kernels of a convolution, the first `most` of them. layer: it, or its weight (O, C, kh, kw)

    Of a first layer a picture each: in colour where C is 3, mid-grey being 0. Deeper in, a row for each kernel, and in
    it a picture for each of its C inputs; at most `most` again."""
    weight = host(getattr(layer, "weight", layer))
    if weight.ndim != 4 or not weight.size:
        raise ValueError(f"convolution_filters: a weight (O, C, kh, kw) is needed, got shape {weight.shape}")
    O, C, *_ = weight.shape
    weight, top = weight[:most], float(np.abs(weight).max()) or 1.0
    if C == 3:
        ax = mosaic(0.5 + weight.transpose(0, 2, 3, 1) / (2 * top), square(len(weight)), ax)
    else:
        columns = square(len(weight)) if C == 1 else min(C, most)
        pictures = weight[:, :columns].reshape(-1, *weight.shape[2:]) if C > 1 else weight[:, 0]
        ax = mosaic(pictures, columns, ax, cmap="RdBu_r", vmin=-top, vmax=top, label="weight")
        if C > 1:
            ax.set(xlabel=f"input{some(columns, C)}", ylabel="kernel")
    ax.set_title(f"{O} kernels of {weight.shape[2]} × {weight.shape[3]}{some(len(weight), O)}")
    return ax


@no_grad()
def feature_maps(model: Module, x: Tensor, layer: str | None = None, most: int = 64, ax: Any = None) -> Any:
    """What a layer gives for one picture, the first `most` channels, each a picture.

    x (C, H, W), or (1, C, H, W). layer: its path in the model, as named_modules() has it; None: the first with
    kernels. The model runs once, in the mode it is in."""
    x = x.unsqueeze(0) if x.ndim == 3 else x
    if x.ndim != 4 or len(x) != 1:
        raise ValueError(f"feature_maps: one picture (C, H, W) is needed, got shape {tuple(x.shape)}")
    modules = dict(model.named_modules())
    if layer is None:
        layer = next((path for path, m in modules.items() if getattr(getattr(m, "weight", None), "ndim", 0) == 4), None)
        if layer is None:
            raise ValueError("feature_maps: the model has no layer with kernels; name one with layer=")
    if layer not in modules:
        raise ValueError(f"feature_maps: the model has no layer {layer!r}; it has {', '.join(filter(None, modules))}")
    found: list[Any] = []
    handle = modules[layer].register_forward_hook(lambda module, args, output: found.append(output))
    try:
        model(x)
    finally:
        handle.remove()
    maps: Any = host(found[0])[0] if found else np.zeros(0)
    if maps.ndim != 3:
        raise ValueError(f"feature_maps: {layer} gives no maps (1, C, H, W) for it, but {maps.shape}")
    ax = mosaic(maps[:most], square(len(maps[:most])), ax, cmap=MAP, label="activation")
    size = f"{len(maps)} maps of {maps.shape[1]} × {maps.shape[2]}{some(most, len(maps))}"
    ax.set_title(f"{layer} {type(modules[layer]).__name__}: {size}")
    return ax


def mosaic(pictures: Any, columns: int, ax: Any, label: str = "", **how: Any) -> Any:
    """Pictures (N, h, w) or (N, h, w, 3) row by row, a gap between them."""
    n, h, w = pictures.shape[:3]
    rows, gap = math.ceil(n / columns), max(1, round(max(h, w) / 12))
    ground = 1.0 if pictures.ndim == 4 else np.nan
    shape = (rows * (h + gap) - gap, columns * (w + gap) - gap, *pictures.shape[3:])
    whole = np.full(shape, ground, np.float32)
    for k, picture in enumerate(pictures):
        top, left = k // columns * (h + gap), k % columns * (w + gap)
        whole[top : top + h, left : left + w] = picture
    size = 4.6 / max(whole.shape[:2])
    ax = axes_of(ax, size * whole.shape[1] + (1.3 if label else 0.3), size * whole.shape[0] + 0.7)
    image = ax.imshow(whole, interpolation="nearest", **how)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)
    if label:
        ax.figure.colorbar(image, ax=ax, label=label, shrink=0.85)
    return ax


def square(n: int) -> int:
    """How many columns: about as many as rows, and no row half empty where that can be."""
    side = math.ceil(math.sqrt(n))
    return next((c for c in range(side, 2 * side) if n % c == 0), side)


def some(shown: int, of: int) -> str:
    return f", the first {shown}" if shown < of else ""
