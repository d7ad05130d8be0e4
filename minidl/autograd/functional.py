"""Derivatives of functions: vjp, jvp, jacobian, hessian, hvp, vhp, each from `grad` alone."""

from collections.abc import Callable
from typing import Any

from ..backend import backend_of
from ..errors import describe
from .backward import grad, sequence
from .modes import enable_grad
from .op import OPS
from .tensor import Tensor

Function = Callable[..., Any]
Tensors = Tensor | tuple[Any, ...]


def vjp(func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(inputs), vᵀ J): the gradient of ⟨v, func⟩. v: like the outputs; may be left out of one number."""
    xs, ys, pack, pack_y = _evaluate("vjp", func, inputs, create_graph)
    with enable_grad():
        return _plain(pack_y(ys), create_graph), pack(_grad(ys, xs, _vectors("vjp", v, ys), create_graph, strict))


def jvp(func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(inputs), J v), by differentiating u ↦ uᵀ J, which is linear, at u = 0. v: like the inputs."""
    xs, ys, _, pack_y = _evaluate("jvp", func, inputs, create_graph)
    with enable_grad():
        us = [_like(y, requires_grad=True) for y in ys]
        uJ = _grad(ys, xs, us, True, strict)
        return _plain(pack_y(ys), create_graph), pack_y(_grad(uJ, us, _vectors("jvp", v, xs), create_graph, False))


def jacobian(
    func: Function, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """J[i][j] = ∂ output i / ∂ input j, of shape (*output.shape, *input.shape), a row by each backward.

    A single output (input) has no index i (j). `vectorize` and `strategy` are accepted and change nothing."""
    xs, ys, pack, pack_y = _evaluate("jacobian", func, inputs, create_graph)
    with enable_grad():
        return pack_y([pack(_rows(y, xs, create_graph, strict)) for y in ys])


def hessian(
    func: Function, inputs: Tensors, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """H[i][j] = ∂² func / ∂ input i ∂ input j, of shape (*input i, *input j). func returns one number."""

    def gradient(*xs: Any) -> Any:
        y = _scalar("hessian", func(*xs))
        found = _grad([y], xs, [_like(y, one=True)], True, strict)
        return found[0] if isinstance(inputs, Tensor) else tuple(found)

    return jacobian(gradient, inputs, create_graph, strict)


def vhp(func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(inputs), vᵀ H): the gradient of ⟨v, ∇func⟩. func returns one number; v: like the inputs."""
    xs, ys, pack, pack_y = _evaluate("vhp", func, inputs, create_graph)
    with enable_grad():
        y = _scalar("vhp", pack_y(ys))
        first = _grad([y], xs, [_like(y, one=True)], True, strict)
        return _plain(y, create_graph), pack(_grad(first, xs, _vectors("vhp", v, xs), create_graph, strict))


def hvp(func: Function, inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """(func(inputs), H v). H is symmetric, so this is vhp."""
    return vhp(func, inputs, v, create_graph, strict)


def _evaluate(name: str, func: Function, inputs: Tensors, create_graph: bool) -> Any:
    """Inputs that need gradients, func's outputs, and how to pack a list as the inputs (the outputs) came."""
    given = sequence(inputs, f"{name}: inputs")
    for k, x in enumerate(given):
        if x.dtype.kind != "f":
            raise TypeError(f"{name}: input {k} must be a floating-point tensor, got {describe(x)}")
    with enable_grad():
        xs = [OPS.reshape(x, shape=x.shape) if create_graph and x.needs_grad else x.detach() for x in given]
        for x in xs:
            x.needs_grad = True
        result = func(*xs)
    ys = sequence(result, f"{name}: what the function returns")
    pack, pack_y = (
        (lambda items: items[0]) if isinstance(value, Tensor) else tuple for value in (inputs, result)
    )
    return xs, ys, pack, pack_y


def _grad(ys: Any, xs: Any, vs: Any, create_graph: bool, strict: bool) -> list[Tensor]:
    """grad over those outputs that depend on anything; zeros for inputs that none depends on, unless strict."""
    live = [(y, v) for y, v in zip(ys, vs) if y.needs_grad]
    if strict and len(live) < len(ys):
        raise RuntimeError("an output does not depend on the inputs, which strict=True refuses")
    if not live:
        return [_like(x) for x in xs]
    roots, seeds = zip(*live)
    return list(grad(roots, xs, seeds, True, create_graph, allow_unused=not strict, materialize_grads=not strict))


def _rows(y: Tensor, xs: list[Tensor], create_graph: bool, strict: bool) -> list[Tensor]:
    """∂y/∂x for each x: one backward for each element of y."""
    rows = []
    for place in range(y.array.size):
        seed = _like(y)
        seed.array.reshape(-1)[place] = 1
        rows.append(_grad([y], xs, [seed], create_graph, strict))
    if not rows:
        return [_like(x, shape=(*y.shape, *x.shape)) for x in xs]
    stacked = (OPS.concatenate(*(OPS.reshape(g, shape=(1, *g.shape)) for g in column), axis=0) for column in zip(*rows))
    return [OPS.reshape(J, shape=(*y.shape, *x.shape)) for x, J in zip(xs, stacked)]


def _vectors(name: str, v: Any, like: list[Tensor]) -> list[Tensor]:
    if v is None:
        if len(like) != 1 or like[0].array.size != 1:
            raise RuntimeError(f"{name}: v may be left out only where it is a single number")
        return [_like(like[0], one=True)]
    vs = sequence(v, f"{name}: v")
    if [t.shape for t in vs] != [t.shape for t in like]:
        raise RuntimeError(f"{name}: v has shapes {[t.shape for t in vs]} and must have {[t.shape for t in like]}")
    return vs


def _scalar(name: str, y: Any) -> Tensor:
    if not isinstance(y, Tensor) or y.array.size != 1:
        raise RuntimeError(f"{name}: the function must return a single number, got {describe(y)}")
    return y


def _like(t: Tensor, one: bool = False, requires_grad: bool = False, shape: Any = None) -> Tensor:
    xp: Any = backend_of(t.array)
    fill = xp.ones_like if one else xp.zeros_like
    return Tensor(fill(t.array, shape=t.shape if shape is None else shape), requires_grad)


def _plain(value: Any, create_graph: bool) -> Any:
    """The outputs, cut off from the graph unless it was asked for."""
    if create_graph:
        return value
    return value.detach() if isinstance(value, Tensor) else tuple(y.detach() for y in value)
