"""Activations: functions of one number, and those that compare numbers along an axis."""

import warnings
from typing import Any

from ...api.arguments import axis_of
from ...autograd import OPS, Tensor, write
from ...errors import refusal
from .arguments import perhaps_in_place
from .random import gumbel, uniform


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x); the derivative at 0 is 0."""
    if input.dtype.kind == "b":
        raise refusal(RuntimeError, "relu", "truth values have no negative part; convert them first", input=input)
    return perhaps_in_place(OPS.relu, input, inplace)


def relu_(input: Tensor) -> Tensor:
    return write(OPS.relu, input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x held between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x, or negative_slope · x where x is negative."""
    return perhaps_in_place(OPS.leaky_relu, input, inplace, slope=negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    return leaky_relu(input, negative_slope, True)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """leaky_relu with a learnt slope: one for all, or one for each channel (axis 1)."""
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or (weight.shape and weight.shape[0] not in (1, channels)):
        reason = f"weight holds one slope, or one for each of {channels} channels"
        raise refusal(RuntimeError, "prelu", reason, input=input, weight=weight)
    if weight.shape == (1,):
        weight = OPS.reshape(weight, shape=())
    elif weight.ndim == 1:
        weight = OPS.reshape(weight, shape=(-1, *(1,) * (input.ndim - 2)))
    return OPS.prelu(input, weight)


def rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """leaky_relu with a slope for each element, drawn between two bounds; their mean when not training."""
    if not lower <= upper:
        raise refusal(RuntimeError, "rrelu", f"lower={lower} is greater than upper={upper}", input=input)
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = uniform(input.shape, input, lower, upper)
    return write(OPS.prelu, input, slopes) if inplace else OPS.prelu(input, slopes)


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    return rrelu(input, lower, upper, training, True)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x, or α (eˣ − 1) where x is negative."""
    return perhaps_in_place(OPS.elu, input, inplace, alpha=alpha)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    return elu(input, alpha, True)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """elu with the α and the scale that keep mean 0 and variance 1 from layer to layer."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return perhaps_in_place(OPS.elu, input, inplace, alpha=alpha, scale=scale)


def selu_(input: Tensor) -> Tensor:
    return selu(input, True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x, or α (e^(x/α) − 1) where x is negative."""
    if not alpha:
        raise refusal(RuntimeError, "celu", "alpha cannot be 0", input=input)
    return perhaps_in_place(OPS.elu, input, inplace, alpha=alpha, rate=1 / alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    return celu(input, alpha, True)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x), exactly or (approximate="tanh") nearly."""
    if approximate not in ("none", "tanh"):
        raise refusal(RuntimeError, "gelu", f'approximate is "none" or "tanh", got {approximate!r}', input=input)
    return OPS.gelu(input) if approximate == "none" else OPS.gelu_tanh(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x σ(x)."""
    return perhaps_in_place(OPS.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(softplus x)."""
    return perhaps_in_place(OPS.mish, input, inplace)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ)."""
    return OPS.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    return OPS.tanh(input)


def logsigmoid(input: Tensor) -> Tensor:
    """log σ(x), safe for every x."""
    return OPS.logsigmoid(input)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + e^βx) / β, and x itself where βx is above the threshold."""
    return OPS.softplus(input, beta=float(beta), threshold=float(threshold))


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x held between two bounds."""
    if min_val > max_val:
        raise refusal(ValueError, "hardtanh", f"min_val={min_val} is greater than max_val={max_val}", input=input)
    if input.dtype.kind in "iu":
        min_val, max_val = int(min_val), int(max_val)  # integers stay integers
        if min_val < 0 and input.dtype.kind == "u":
            raise refusal(RuntimeError, "hardtanh", f"min_val={min_val} is below what the dtype holds", input=input)
    return perhaps_in_place(OPS.hardtanh, input, inplace, min_val=min_val, max_val=max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    return hardtanh(input, min_val, max_val, True)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """x/6 + ½ held between 0 and 1."""
    return perhaps_in_place(OPS.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x hardsigmoid(x)."""
    return perhaps_in_place(OPS.hardswish, input, inplace)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return OPS.softsign(input)


def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh x."""
    return OPS.tanhshrink(input)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, 0 within it."""
    if not lambd >= 0:
        raise refusal(RuntimeError, "softshrink", f"lambd must be at least 0, got {lambd}", input=input)
    return OPS.softshrink(input, width=lambd)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where |x| > lambd, else 0."""
    return OPS.hardshrink(input, width=lambd)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is above the threshold, else a value."""
    return perhaps_in_place(OPS.threshold, input, inplace, bound=threshold, value=value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    return perhaps_in_place(OPS.threshold, input, True, bound=threshold, value=value)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a σ(b), where a and b are the halves of the input along a dim."""
    if not input.ndim:
        raise refusal(RuntimeError, "glu", "a tensor without axes has no halves", input=input)
    return OPS.glu(input, axis=axis_of(dim, input.ndim, "glu"))


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """e^x / Σ e^x along a dim."""
    return _along(OPS.softmax, "softmax", input, dim, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax of −x."""
    return _along(OPS.softmax, "softmin", -input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """log(softmax(x)), safe for every x."""
    return _along(OPS.log_softmax, "log_softmax", input, dim, dtype)


def _along(op: Any, name: str, input: Tensor, dim: int | None, dtype: Any) -> Tensor:
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
        warnings.warn(f"{name}: without dim, {dim} is taken; name it (the classes are often dim=-1)", stacklevel=3)
    if dtype is not None:
        input = OPS.astype(input, dtype=dtype)
    elif input.dtype.kind != "f":
        raise refusal(
            NotImplementedError, name, "floats are expected; convert with .float(), or pass dtype=", input=input
        )
    return op(input, axis=axis_of(dim, input.ndim, name))


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the classes that softmax(logits) weighs, relaxed at temperature tau; `hard`: one-hot forward,
    the relaxed one's gradient (Jang et al. 2017, Maddison et al. 2017)."""
    axis = axis_of(dim, logits.ndim, "gumbel_softmax")
    soft = OPS.softmax((logits + gumbel(logits.shape, logits)) / tau, axis=axis)
    if not hard:
        return soft
    best = OPS.argmax(soft, axis=axis, keepdims=True)
    classes = OPS.reshape(OPS.arange_like(best, n=soft.shape[axis]), shape=(-1, *(1,) * (soft.ndim - axis - 1)))
    return OPS.astype(classes == best, dtype=soft.dtype) - soft.detach() + soft
