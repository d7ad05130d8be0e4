"""Dropout: zeros at random while training, the rest scaled so that the mean stays."""

import math

from ...autograd import OPS, Tensor, write
from ...errors import refusal, what_is
from .random import kept


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability p, else x / (1 − p) (Srivastava et al. 2014)."""
    return _dropped("dropout", input, p, training, inplace, input.shape)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, L) or (C, L)."""
    return _channels("dropout1d", input, p, training, inplace, 1)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, H, W) or (C, H, W)."""
    return _channels("dropout2d", input, p, training, inplace, 2)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    return _channels("dropout3d", input, p, training, inplace, 3)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for SELU: what is dropped becomes SELU's lowest value; mean and variance stay (Klambauer et al. 2017)."""
    return _alpha("alpha_dropout", input, p, training, inplace, input.shape)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """alpha_dropout of whole channels."""
    shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
    return _alpha("feature_alpha_dropout", input, p, training, inplace, shape)


def scales(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """What dropout multiplies by: 0 with probability p, else 1 / (1 − p)."""
    return kept(shape, p, like) * (1 / (1 - p)) if p < 1 else OPS.zeros_like(like, shape=shape)


def check(name: str, p: float) -> None:
    if not isinstance(p, (int, float)):
        raise refusal(TypeError, name, f"the probability p must be a number, got {what_is(p)}")
    if not 0 <= p <= 1:
        raise refusal(ValueError, name, f"the probability p has to be between 0 and 1, but got {p}")


def _dropped(name: str, input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...]) -> Tensor:
    check(name, p)
    if not training or p == 0:
        return input
    factors = scales(shape, p, input)
    return write(OPS.mul, input, factors) if inplace else OPS.mul(input, factors)


def _channels(name: str, input: Tensor, p: float, training: bool, inplace: bool, space: int) -> Tensor:
    lead = input.ndim - space
    if lead not in (1, 2):
        raise refusal(RuntimeError, name, f"{space + 2} axes (N, C, …) or {space + 1} (C, …) are expected", input=input)
    return _dropped(name, input, p, training, inplace, (*input.shape[:lead], *(1,) * space))


def _alpha(name: str, input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...]) -> Tensor:
    check(name, p)
    if not training or p == 0:
        return input
    low = -1.7580993408473766  # −scale · α of SELU
    a = 1 / math.sqrt((1 - p) * (1 + p * low * low)) if p < 1 else 0.0
    keep = kept(shape, p, input)
    scale, shift = keep * a, (1 - keep) * (a * low) - a * p * low
    return write(OPS.add, write(OPS.mul, input, scale), shift) if inplace else input * scale + shift
