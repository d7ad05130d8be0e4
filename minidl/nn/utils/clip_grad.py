"""Clipping gradients, so that one bad batch does not throw everything away."""

import math
from typing import Any

from ...api import stack, tensor
from ...autograd import Tensor, no_grad


def _gradients(parameters: Any) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]


@no_grad()
def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all tensors as one vector: (Σ |xᵢ|ᵖ)^(1/p)"""
    tensors, norm_type = [tensors] if isinstance(tensors, Tensor) else list(tensors), float(norm_type)
    if not tensors:
        return tensor(0.0)
    total = _norm(stack([_norm(t, norm_type).to(tensors[0].device) for t in tensors]), norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"the gradients' norm of order {norm_type} is {total.item()}, so they cannot be clipped; "
            "error_if_nonfinite=False scales them all the same"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients by min(1, max_norm / (total_norm + 10⁻⁶))."""
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for g in _gradients(parameters):
        g.mul_(factor.to(g.device))


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients by one factor so that their joint norm is at most max_norm; returns the norm before.

        ‖g‖ = (Σ |gᵢ|ᵖ)^(1/p)        g ← g · min(1, max_norm / (‖g‖ + 10⁻⁶))        (Pascanu, Mikolov & Bengio 2013)
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


def _norm(t: Tensor, p: float) -> Tensor:
    if p == math.inf:
        return t.abs().max()
    return (t * t).sum() ** 0.5 if p == 2 else (t.abs() ** p).sum() ** (1 / p)


@no_grad()
def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Every entry of every gradient into [−clip_value, clip_value]."""
    for g in _gradients(parameters):
        g.clamp_(-float(clip_value), float(clip_value))
