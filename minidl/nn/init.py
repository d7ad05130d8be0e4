"""Initial values. Every function fills a tensor in place, without recording, and returns it."""

import math
import warnings
from typing import Any

from ..api import eye, where, zeros
from ..api.arguments import guard
from ..autograd import Tensor, no_grad
from ..backend import Generator
from ..legacy import old_names

_CONVOLUTIONS = [f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much weights must be larger for a nonlinearity to keep its input's variance."""
    if nonlinearity in ("linear", "sigmoid", *_CONVOLUTIONS):
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"calculate_gain: the negative slope of leaky_relu is a number, got {param!r}")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"calculate_gain: no gain is known for {nonlinearity!r}")


@no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """U(a, b)"""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(mean, std²)"""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """N(mean, std²) conditioned on [a, b]: values outside are drawn again."""
    if a >= b:
        raise ValueError(f"trunc_normal_: a < b is needed, got [{a}, {b}]")
    inside = _phi((b - mean) / std) - _phi((a - mean) / std)
    if inside < 1e-3:
        raise ValueError(
            f"trunc_normal_: only {inside:.1e} of N({mean}, {std}²) lies in [{a}, {b}]; move the bounds nearer the mean"
        )
    tensor.normal_(mean, std, generator=generator)
    while not tensor.is_meta:
        outside: Any = (tensor < a) | (tensor > b)
        if not outside.any():
            break
        tensor.copy_(where(outside, tensor.clone().normal_(mean, std, generator=generator), tensor))
    return tensor


def _phi(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2


@no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """val everywhere"""
    return tensor.fill_(val)


@no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere"""
    return tensor.fill_(1.0)


@no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere"""
    return tensor.zero_()


@no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix, for a linear layer that passes on as many inputs as it can."""
    if tensor.ndim != 2:
        raise ValueError(f"eye_: a matrix is needed, got {tensor.ndim} axes")
    return tensor.copy_(eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


@no_grad()
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution's weight that passes on as many channels as it can, in each group."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"dirac_: a convolution's weight has 3, 4 or 5 axes, got {tensor.ndim}")
    out_channels, in_channels = tensor.shape[:2]
    if out_channels % groups:
        raise ValueError(f"dirac_: {out_channels} output channels do not divide into {groups} groups")
    centre = tuple(n // 2 for n in tensor.shape[2:])
    per_group = out_channels // groups
    tensor.zero_()
    for g in range(groups):
        for d in range(min(per_group, in_channels)):
            tensor[(g * per_group + d, d, *centre)] = 1.0
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output sees, and how many outputs each input reaches."""
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out need a weight with at least 2 axes, got shape {tuple(tensor.shape)}")
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


@no_grad()
def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """U(−a, a) with a = gain √(6 / (fan_in + fan_out))        (Glorot & Bengio 2010)"""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    a = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return tensor.uniform_(-a, a, generator=generator)


@no_grad()
def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """N(0, σ²) with σ = gain √(2 / (fan_in + fan_out))        (Glorot & Bengio 2010)"""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return tensor.normal_(0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator=generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"kaiming: the mode is 'fan_in' or 'fan_out', got {mode!r}")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


@no_grad()
def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """U(−b, b) with b = gain √(3 / fan)        (He et al. 2015); `a` is the slope of leaky_relu"""
    if 0 in tensor.shape:
        return _nothing_to_fill(tensor)
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return tensor.uniform_(-bound, bound, generator=generator)


@no_grad()
def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """N(0, σ²) with σ = gain / √fan        (He et al. 2015); `a` is the slope of leaky_relu"""
    if 0 in tensor.shape:
        return _nothing_to_fill(tensor)
    return tensor.normal_(0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator=generator)


def _nothing_to_fill(tensor: Tensor) -> Tensor:
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=4)
    return tensor


@no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """gain Q: the rows (or columns, the fewer) orthonormal; axes after the first count as one  (Saxe et al. 2013)"""
    if tensor.ndim < 2:
        raise ValueError(f"orthogonal_: at least 2 axes are needed, got shape {tuple(tensor.shape)}")
    if 0 in tensor.shape or tensor.is_meta:
        return tensor
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    wide = rows < columns
    n, k = (columns, rows) if wide else (rows, columns)
    q = zeros(n, k, dtype="float64").normal_(generator=generator)
    for j in range(k):  # Gram-Schmidt, twice: once leaves rounding errors of size cond(q) ε
        v = q[:, j]
        for _ in range(2):
            v = v - q[:, :j] @ (q[:, :j].T @ v)
        q[:, j] = v / (v @ v) ** 0.5
    return tensor.copy_(((q.T if wide else q) * gain).reshape(tensor.shape))


@no_grad()
def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """N(0, std²) with a fraction `sparsity` of each column zero        (Martens 2010)"""
    if tensor.ndim != 2:
        raise ValueError(f"sparse_: a matrix is needed, got {tensor.ndim} axes")
    rows, columns = tensor.shape
    zeros_per_column = math.ceil(sparsity * rows)
    tensor.normal_(0.0, std, generator=generator)
    if tensor.is_meta:
        return tensor
    order = zeros(rows, columns).uniform_(generator=generator).argsort(dim=0)
    for column in range(columns):
        tensor[order[:zeros_per_column, column], column] = 0.0
    return tensor


guard(globals())


__getattr__ = old_names(__name__)
