"""A batch normalisation folded into the layer before it: in evaluation both are affine, so one layer does for two."""

import copy
from typing import Any

from ...api import zeros_like
from ...autograd import Tensor, no_grad
from ..module import Module
from ..parameter import Parameter


@no_grad()
def _fused(
    w: Tensor, b: Tensor | None, mean: Tensor, var: Tensor, eps: float, gamma: Any, beta: Any, axis: int
) -> tuple[Parameter, Parameter]:
    """γ (w x + b − μ)/√(σ² + ε) + β as a weight and a bias."""
    scale = (var + eps) ** -0.5 * (1.0 if gamma is None else gamma)
    shape = [1] * w.ndim
    shape[axis] = -1
    bias = ((zeros_like(mean) if b is None else b) - mean) * scale + (0.0 if beta is None else beta)
    learned = b is None or b.requires_grad
    return Parameter(w * scale.reshape(shape), w.requires_grad), Parameter(bias.to(dtype=w.dtype), learned)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """The weight and the bias of a convolution that also does the normalisation after it."""
    return _fused(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 1 if transpose else 0)


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """The weight and the bias of a linear layer that also does the normalisation after it."""
    return _fused(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def _fuse(layer: Any, bn: Any, axis: int) -> Any:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(layer)
    parts = (layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = _fused(*parts, axis)
    return fused


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Module:
    """A copy of the convolution that also does the normalisation after it; both in evaluation."""
    return _fuse(conv, bn, 1 if transpose else 0)


def fuse_linear_bn_eval(linear: Module, bn: Module) -> Module:
    """A copy of the linear layer that also does the normalisation after it; both in evaluation."""
    return _fuse(linear, bn, 0)
