"""Padding, and pictures in other sizes."""

import math
from collections.abc import Sequence
from typing import Any

from ...autograd import OPS, Tensor
from ...backend import INDEX
from ...errors import refusal
from .arguments import several

PICKS = {
    "reflect": lambda i, n: (n - 1) - OPS.abs((n - 1) - OPS.abs(i)),
    "replicate": lambda i, n: OPS.minimum(OPS.maximum(i, 0), n - 1),
    "circular": lambda i, n: OPS.mod(i, n),
}


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Grow axes (negative: crop), two numbers for each axis from the last one: (left, right, top, bottom, …).

    mode: "constant" fills with the value, "reflect" mirrors without repeating the edge, "replicate" repeats the edge,
    "circular" goes round."""
    sides = several(tuple(pad), len(pad), "pad", "pad") if len(pad) else ()
    if len(sides) % 2 or len(sides) > 2 * input.ndim:
        reason = f"two numbers for each of up to {input.ndim} axes are expected, got {tuple(pad)}"
        raise refusal(RuntimeError, "pad", reason, input=input)
    widths = [(0, 0)] * (input.ndim - len(sides) // 2) + list(zip(sides[::2], sides[1::2]))[::-1]
    if any(n + before + after < 0 for n, (before, after) in zip(input.shape, widths)):
        raise refusal(RuntimeError, "pad", f"pad={tuple(pad)} crops more than there is", input=input)
    if mode == "constant":
        return _filled(input, widths, 0.0 if value is None else value)
    if mode not in PICKS:
        reason = f'mode is "constant", "reflect", "replicate" or "circular", got {mode!r}'
        raise refusal(NotImplementedError, "pad", reason)
    if value:
        raise refusal(ValueError, "pad", f'a value goes with mode="constant", not with {mode!r}')
    for axis, (before, after) in enumerate(widths):
        n = input.shape[axis]
        most = {"reflect": n - 1, "circular": n}.get(mode, before + after)
        if max(before, after) > most or (n == 0 and (before or after)):
            reason = f"mode={mode!r} can pad axis {axis} by at most {most} on each side"
            raise refusal(RuntimeError, "pad", reason, input=input)
        if before or after:
            places = OPS.arange_like(input, n=n + before + after) - before
            input = _picked(input, PICKS[mode](places, n), axis)
    return input


def _filled(x: Tensor, widths: list[tuple[int, int]], value: float) -> Tensor:
    if any(min(w) < 0 for w in widths):
        x = x[tuple(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in zip(x.shape, widths))]
        widths = [(max(b, 0), max(a, 0)) for b, a in widths]
    if not any(map(any, widths)):
        return OPS.copy(x)
    if not value:
        return OPS.pad(x, pad_width=tuple(widths))
    shape = tuple(b + n + a for n, (b, a) in zip(x.shape, widths))
    key = tuple(slice(b, b + n) for n, (b, _) in zip(x.shape, widths))
    return OPS.put(OPS.full_like(x, fill_value=value, shape=shape), x, key=key)


def _picked(x: Tensor, places: Tensor, axis: int) -> Tensor:
    return OPS.getitem(x, places, key=(*(slice(None),) * axis, INDEX))


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(…, C r², H, W) → (…, C, H r, W r): channels become places (Shi et al. 2016)."""
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise refusal(RuntimeError, "pixel_shuffle", f"an input (…, C · {r}², H, W) is expected", input=input)
    *lead, C, H, W = input.shape
    x = OPS.reshape(input, shape=(math.prod(lead), C // (r * r), r, r, H, W))
    return OPS.reshape(OPS.transpose(x, axes=(0, 1, 4, 2, 5, 3)), shape=(*lead, C // (r * r), H * r, W * r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels (axis 1) dealt out to groups in turn (Zhang et al. 2018)."""
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        reason = f"an input (N, C, …) with C divisible by groups={groups} is expected"
        raise refusal(RuntimeError, "channel_shuffle", reason, input=input)
    N, C, *space = input.shape
    x = OPS.reshape(input, shape=(N, groups, C // groups, math.prod(space)))
    return OPS.reshape(OPS.transpose(x, axes=(0, 2, 1, 3)), shape=input.shape)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(…, C, H r, W r) → (…, C r², H, W): the inverse of pixel_shuffle."""
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-1] % r or input.shape[-2] % r:
        raise refusal(RuntimeError, "pixel_unshuffle", f"an input (…, C, H · {r}, W · {r}) is expected", input=input)
    *lead, C, H, W = input.shape
    x = OPS.reshape(input, shape=(math.prod(lead), C, H // r, r, W // r, r))
    return OPS.reshape(OPS.transpose(x, axes=(0, 1, 3, 5, 2, 4)), shape=(*lead, C * r * r, H // r, W // r))


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Another size for the axes after the first two, "nearest" or "linear" ("bilinear" in two axes)."""
    given, linear = input.shape[2:], {"linear": 1, "bilinear": 2}.get(mode)
    if (size is None) == (scale_factor is None):
        raise refusal(ValueError, "interpolate", "either size or scale_factor is expected", input=input)
    if mode != "nearest" and linear is None:
        raise refusal(NotImplementedError, "interpolate", f'mode is "nearest", "linear" or "bilinear", got {mode!r}')
    if linear not in (None, len(given)) or not given:
        raise refusal(NotImplementedError, "interpolate", f"mode={mode!r} does not go with this many axes", input=input)
    if align_corners is not None and linear is None:
        raise refusal(ValueError, "interpolate", "align_corners goes with the linear modes only", input=input)
    if antialias:
        raise refusal(NotImplementedError, "interpolate", "antialias is not there; average before going down in size")
    if size is not None:
        sizes: tuple[int, ...] = several(size, len(given), "size", "interpolate", least=1)
        steps = [n / m for n, m in zip(given, sizes)]
    else:
        factors: Any = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * len(given)
        sizes = tuple(math.floor(n * f) for n, f in zip(given, factors))
        steps = [n / m if recompute_scale_factor else 1 / f for n, m, f in zip(given, sizes, factors)]
    for k, (n, m, step) in enumerate(zip(given, sizes, steps)):
        i = OPS.astype(OPS.arange_like(input, n=m), dtype="float64")
        if linear is None:
            places = OPS.minimum(OPS.astype(OPS.floor(i * step), dtype="int64"), n - 1)
            input = _picked(input, places, 2 + k)
            continue
        if align_corners:
            at = i * ((n - 1) / (m - 1)) if m > 1 else i * 0.0
        else:
            at = OPS.maximum((i + 0.5) * step - 0.5, 0.0)
        low = OPS.minimum(OPS.astype(OPS.floor(at), dtype="int64"), n - 1)
        share = OPS.reshape(OPS.astype(at - low, dtype=input.dtype), shape=(m, *(1,) * (len(given) - k - 1)))
        high = OPS.minimum(low + 1, n - 1)
        input = _picked(input, low, 2 + k) * (1 - share) + _picked(input, high, 2 + k) * share
    return input


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """interpolate, under its old name."""
    return interpolate(input, size, scale_factor, mode, align_corners)
