"""What the functions' arguments have in common: numbers that may be pairs, batches that may be absent."""

import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ...autograd import OPS, Tensor, write
from ...autograd.batch import every_sample
from ...errors import ShapeError, refusal, what_is

Ints: TypeAlias = int | Sequence[int]
SPACES = {1: "C, L", 2: "C, H, W", 3: "C, D, H, W"}  # the axes of one sample, by how many lie in space


def several(value: Ints, n: int, name: str, operation: str, least: int | None = None) -> tuple[int, ...]:
    """One integer n times, or n of them."""
    try:
        found = tuple(map(operator.index, value)) if isinstance(value, (tuple, list)) else (operator.index(value),)  # type: ignore[arg-type]
    except TypeError:
        raise refusal(TypeError, operation, f"{name} is an integer or {n} of them, got {value!r}") from None
    found = found * n if len(found) == 1 else found
    if len(found) != n:
        raise refusal(ShapeError, operation, f"{name} is an integer or {n} of them, got {value!r}")
    if least is not None and min(found) < least:
        raise refusal(RuntimeError, operation, f"{name} must be at least {least}, got {value!r}")
    return found


def batched(x: Tensor, ndim: int, operation: str, names: str) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """x with a batch axis, and the function that takes it off again where there was none."""
    if x.ndim == ndim:
        return x, lambda y: y
    if x.ndim != ndim - 1:
        raise refusal(ShapeError, operation, f"input (N, {names}) or ({names}) is expected", input=x)
    return OPS.reshape(x, shape=(1, *x.shape)), lambda y: OPS.reshape(y, shape=y.shape[1:])


def extent(t: Tensor) -> tuple[Any, Any]:
    """The smallest and the largest value, to be checked; of nothing, and of what has no values, 0 and 0."""
    t = every_sample(t.detach())
    return (OPS.min(t).item(), OPS.max(t).item()) if 0 not in t.shape and not t.is_meta else (0, 0)


def perhaps_in_place(op: Any, x: Tensor, inplace: bool, **params: Any) -> Tensor:
    for name, value in params.items():
        if not isinstance(value, (int, float)):
            raise refusal(TypeError, op.name, f"{name} must be a number, got {what_is(value)}", input=x)
    return write(op, x, **params) if inplace else op(x, **params)


def reduction_of(size_average: bool | None, reduce: bool | None, reduction: str, operation: str) -> str:
    """"none", "mean" or "sum"; `size_average` and `reduce` said the same before there was `reduction`."""
    if size_average is not None or reduce is not None:
        return "none" if reduce is False else "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f'{operation}: reduction is "none", "mean" or "sum", got {reduction!r}')
    return reduction


def reduced(y: Tensor, reduction: str) -> Tensor:
    return y if reduction == "none" else OPS.sum(y) if reduction == "sum" else OPS.mean(y)
