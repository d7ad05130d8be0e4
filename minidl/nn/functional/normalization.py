"""Normalisation, and the running statistics of batch normalisation."""

import math
from collections.abc import Sequence

from ...api.arguments import axis_of, into
from ...autograd import OPS, Tensor, no_grad, write
from ...errors import ShapeError, refusal
from .pooling import avg_pool2d


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel (axis 1): by the batch's statistics when training, else by the running ones.

    Training moves the running statistics by a share `momentum` towards the batch's (its variance unbiased)."""
    _per_channel("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            reason = "running_mean and running_var must be given when not training"
            raise refusal(RuntimeError, "batch_norm", reason, input=input)
        return OPS.batch_norm_eval(input, running_mean, running_var, weight, bias, eps=eps)
    n = math.prod(input.shape) // max(input.shape[1], 1)
    if n == 1:
        reason = "expected more than 1 value per channel when training: one has no variance (a batch of one? .eval()?)"
        raise refusal(ValueError, "batch_norm", reason, input=input)
    if eps <= 0:
        raise refusal(ValueError, "batch_norm", f"eps must be positive when training, got {eps}")
    y, mean, var = OPS.batch_norm(input, weight, bias, eps=eps)
    if n:
        _move(running_mean, mean, momentum)
        _move(running_var, var * (n / (n - 1)), momentum)
    return y


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample (Ulyanov et al. 2016)."""
    _per_channel("instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    (N, C, *space), n = input.shape, math.prod(input.shape[2:])
    if n == 1:
        reason = "expected more than 1 place per channel: one has no variance"
        raise refusal(ValueError, "instance_norm", reason, input=input)
    if running_mean is not None and running_var is not None:
        _, mean, var = OPS.batch_norm(OPS.reshape(input.detach(), shape=(1, N * C, *space)), None, None, eps=eps)
        over_samples = lambda t: OPS.mean(OPS.reshape(t, shape=(N, C)), axis=(0,))
        _move(running_mean, over_samples(mean), momentum)
        _move(running_var, over_samples(var) * (n / (n - 1)), momentum)
    return OPS.group_norm(input, weight, bias, groups=C, eps=eps)


def _move(running: Tensor | None, towards: Tensor, momentum: float) -> None:
    """running ← (1 − momentum) running + momentum towards, in place."""
    if running is not None:
        with no_grad():
            write(OPS.mul, running, 1 - momentum)
            write(OPS.add, running, towards * momentum)


def _per_channel(name: str, input: Tensor, **given: Tensor | None) -> None:
    if input.ndim < 2:
        raise refusal(ShapeError, name, "an input (N, C, …) is expected", input=input)
    C = input.shape[1]
    for key, t in given.items():
        if t is not None and t.shape != (C,):
            raise refusal(
                RuntimeError, name, f"{key} should contain {C} elements, one for each channel (axis 1 of the input)",
                input=input, **{key: t},
            )  # fmt: skip


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise over the last axes, those of `normalized_shape`."""
    shape = _last("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return OPS.layer_norm(input, weight, bias, last=len(shape), eps=eps)


def rms_norm(
    input: Tensor, normalized_shape: int | Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divide by the root of the mean square over the last axes; eps None: the dtype's own."""
    shape = _last("rms_norm", input, normalized_shape, weight=weight)
    if eps is None:
        eps = {2: 2.0**-10, 4: 2.0**-23, 8: 2.0**-52}[input.dtype.itemsize]
    return OPS.rms_norm(input, weight, last=len(shape), eps=eps)


def _last(name: str, input: Tensor, normalized_shape: int | Sequence[int], **given: Tensor | None) -> tuple[int, ...]:
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or input.shape[-len(shape) :] != shape:
        reason = f"with normalized_shape={shape}, an input (…, {str(shape)[1:]} is expected"
        raise refusal(RuntimeError, name, reason, input=input)
    for key, t in given.items():
        if t is not None and t.shape != shape:
            raise refusal(RuntimeError, name, f"{key} must have the normalized_shape {shape}", input=input, **{key: t})
    return shape


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalise each sample's groups of channels."""
    _per_channel("group_norm", input, weight=weight, bias=bias)
    if num_groups < 1 or input.shape[1] % num_groups:
        raise refusal(
            RuntimeError, "group_norm", f"{input.shape[1]} channels do not divide into {num_groups} groups", input=input
        )
    return OPS.group_norm(input, weight, bias, groups=num_groups, eps=eps)


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + α mean of x² over `size` neighbouring channels)^β (Krizhevsky et al. 2012)."""
    if input.ndim < 3:
        raise refusal(ValueError, "local_response_norm", "an input (N, C, L, …) is expected", input=input)
    if 0 in input.shape:
        return input
    N, C, *space = input.shape
    squares = OPS.reshape(input * input, shape=(N, 1, C, math.prod(space)))
    before, after = size // 2, (size - 1) // 2
    squares = OPS.pad(squares, pad_width=((0, 0), (0, 0), (before, after), (0, 0)))
    means = OPS.reshape(avg_pool2d(squares, (size, 1), 1), shape=input.shape)
    return input / (means * alpha + k) ** beta


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """x / max(‖x‖ₚ, ε) along a dim."""
    if not input.ndim:
        return into(out, OPS.reshape(normalize(OPS.reshape(input, shape=(1,)), p, dim, eps), shape=()))
    return into(out, input / length(input, p, axis_of(dim, input.ndim, "normalize"), eps))


def length(x: Tensor, p: float, axis: int, eps: float) -> Tensor:
    """max(‖x‖ₚ, ε) along an axis that is kept; the maximum is taken before the root, whose slope at 0 is infinite."""
    how = {"axis": (axis,), "keepdims": True}
    if p == math.inf:
        return OPS.maximum(OPS.max(OPS.abs(x), **how), eps)
    if p == 1:
        return OPS.maximum(OPS.sum(OPS.abs(x), **how), eps)
    if p == 2:
        return OPS.sqrt(OPS.maximum(OPS.sum(x * x, **how), eps * eps))
    if p == 0:
        return OPS.sum(OPS.astype(x != 0, dtype=x.dtype), **how)
    if p == -math.inf:
        return OPS.maximum(OPS.min(OPS.abs(x), **how), eps)
    if p < 0:  # the root of a number above 0, or of ∞
        return OPS.maximum(OPS.sum(OPS.abs(x) ** p, **how) ** (1 / p), eps)
    return OPS.maximum(OPS.sum(OPS.abs(x) ** p, **how), eps**p) ** (1 / p)
