"""Parameters as one vector, and back."""

import math
from collections.abc import Iterable

from ...api import cat
from ...autograd import Tensor, no_grad


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened and joined."""
    return cat([p.reshape(-1) for p in parameters])


@no_grad()
def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy consecutive slices of a vector into the parameters."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: a tensor is needed, got {type(vec).__name__}")
    parameters = list(parameters)
    size = sum(math.prod(p.shape) for p in parameters)
    if vec.shape != (size,):
        raise ValueError(f"vector_to_parameters: the parameters hold {size} numbers, the vector has shape {vec.shape}")
    start = 0
    for p in parameters:
        stop = start + math.prod(p.shape)
        p.copy_(vec[start:stop].reshape(p.shape))
        start = stop
