"""Padding, and channels that become places."""

import math
from collections.abc import Sequence

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
    if mode == "circular":  # crop first: what is left is the ring
        input = _filled(input, [(min(before, 0), min(after, 0)) for before, after in widths], 0.0)
        widths = [(max(before, 0), max(after, 0)) for before, after in widths]
    for axis, (before, after) in enumerate(widths):
        n = input.shape[axis]
        most = {"reflect": n - 1, "circular": n, "replicate": math.inf if n else 0}[mode]
        if max(before, after) > max(most, 0):
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


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """channel_shuffle, under the name of what PyTorch runs for it."""
    return channel_shuffle(input, groups)


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
