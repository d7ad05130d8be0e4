"""Derivatives of functions: grad, vjp, jvp and the matrices that they give by rows and by columns.

Each runs the function on tensors of its own, so that nothing is left behind in anyone's `.grad`; what it returns is
itself differentiable where something outside asks for gradients, which makes grad(grad(f)) work."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..autograd import OPS, Node, Tensor, enable_grad, is_grad_enabled
from ..autograd import grad as autograd_grad
from ..autograd.backward import reachable
from ..autograd.batch import innermost
from ..autograd.memory import tick
from ..backend import BatchArray
from ..errors import describe, what_is
from .tree import leaves, mapped, rebuilt
from .vmap import vmap

Arguments = int | tuple[int, ...]


class Traced:
    """A function run on fresh copies of some of its arguments: what a derivative is taken of."""

    def __init__(self, name: str, func: Callable[..., Any], args: Sequence[Any], kwargs: Any, argnums: Arguments,
                 has_aux: bool) -> None:  # fmt: skip
        self.start, self.outer = tick(), is_grad_enabled()
        chosen = argnums if isinstance(argnums, tuple) else (argnums,)
        if not chosen or not all(-len(args) <= k < len(args) for k in chosen):
            raise RuntimeError(f"{name}: argnums={argnums} must name some of the {len(args)} arguments")
        chosen = tuple(k % len(args) for k in chosen)
        with enable_grad():
            new = {k: mapped(functools.partial(_fresh, name, self.outer), args[k]) for k in chosen}
            result = func(*(new.get(k, a) for k, a in enumerate(args)), **kwargs)
        self.aux = None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise RuntimeError(f"{name}: with has_aux, the function must return (output, aux)")
            result, self.aux = result
        self.output, self.inputs = result, new[chosen[0]] if isinstance(argnums, int) else tuple(new[k] for k in chosen)
        self.xs, self.ys = leaves(self.inputs), leaves(result)
        for y in self.ys:
            if not isinstance(y, Tensor):
                raise RuntimeError(f"{name}: the function must return tensors only, got {what_is(y)}")
        self.aux = mapped(self.plain, self.aux)

    def connected(self, ys: Sequence[Any]) -> bool:
        """Do these depend on anything outside that wants a gradient?"""
        if not self.outer:
            return False
        own = {x for x in self.xs if x.node is None}
        for node in reachable((y.node for y in ys if isinstance(y, Tensor)), self.start):
            for edge in node.inputs:
                if isinstance(edge, Node) and edge.number <= self.start:
                    return True
                if isinstance(edge, Tensor) and edge.needs_grad and edge not in own:
                    return True
        return False

    def plain(self, y: Any) -> Any:
        """A result as it goes out: without the history that only this derivative needed."""
        if not isinstance(y, Tensor) or not y.needs_grad or self.connected([y]):
            return y
        if y.node is None and not any(y is x for x in self.xs):
            return y
        return y.detach()

    def pull(self, ys: Sequence[Tensor], xs: Sequence[Tensor], vs: Sequence[Tensor], linked: bool) -> list[Tensor]:
        """The gradients of Σ ⟨v, y⟩ with respect to xs; zeros where there are none."""
        live = [(y, v) for y, v in zip(ys, vs) if y.needs_grad]
        if not live:
            return [_zeros(x) for x in xs]
        roots, seeds = zip(*live)
        linked = linked or (self.outer and any(v.needs_grad for v in seeds))
        again = linked or any(_level(v) > _level(y) for y, v in live)  # batched now, and not when it was recorded
        found = autograd_grad(roots, xs, seeds, True, again, allow_unused=True, materialize_grads=True)
        return list(found) if linked else [g.detach() for g in found]


def _fresh(name: str, outer: bool, t: Any) -> Tensor:
    """A tensor of the same values to differentiate with respect to, connected to the old one where that matters."""
    if not isinstance(t, Tensor) or t.dtype.kind != "f":
        what = describe(t) if isinstance(t, Tensor) else what_is(t)
        raise RuntimeError(f"{name}: derivatives are taken with respect to floating-point tensors, got {what}")
    t = innermost(t)
    if t.needs_grad and outer:
        view: Tensor = OPS.reshape(t, shape=t.shape)
        return view
    t = t.detach()
    t.needs_grad = True
    return t


def _level(t: Tensor) -> int:
    return t.array.level if isinstance(t.array, BatchArray) else 0


def _zeros(t: Tensor) -> Tensor:
    zeros: Tensor = OPS.zeros_like(t.detach())
    return zeros


def _fit(name: str, vs: Any, like: Any, what: str) -> list[Tensor]:
    """The leaves of vectors that must be as what they are multiplied with."""
    found, expected = leaves(vs), leaves(like)
    shapes = [v.shape if isinstance(v, Tensor) else None for v in found]
    if shapes != [t.shape for t in expected]:
        raise RuntimeError(f"{name}: {what} must have the shapes {[t.shape for t in expected]}, got {shapes}")
    return found


def grad(func: Callable[..., Any], argnums: Arguments = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives ∂func/∂ argument `argnums`. func returns one number (with has_aux, and something)."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        g, value = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Arguments = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that gives (gradient, value); with has_aux (gradient, (value, aux))."""

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        run = Traced("grad", func, args, kwargs, argnums, has_aux)
        y = run.output
        if not isinstance(y, Tensor) or y.ndim:
            what = describe(y) if isinstance(y, Tensor) else what_is(y)
            raise RuntimeError(f"grad: expected the function to return a scalar tensor, got {what}; reduce it (.sum())")
        found = run.pull([y], run.xs, [OPS.ones_like(y.detach())], run.connected([y]))
        value = run.plain(y)
        return rebuilt(run.inputs, iter(found)), (value, run.aux) if has_aux else value

    return gradient_and_value


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), vjp_fn), and aux with has_aux: vjp_fn(v) = vᵀ J, for v like the output."""
    if not primals:
        raise RuntimeError("vjp: something to differentiate with respect to is needed")
    run = Traced("vjp", func, primals, {}, tuple(range(len(primals))), has_aux)
    linked = run.connected(run.ys)

    def vjp_fn(*cotangents: Any) -> Any:
        given = cotangents[0] if len(cotangents) == 1 else cotangents
        found = run.pull(run.ys, run.xs, _fit("vjp", given, run.output, "cotangents"), linked)
        gs = rebuilt(run.inputs, iter(found))
        return gs  # one for each primal, as PyTorch gives them

    out = mapped(run.plain, run.output)
    return (out, vjp_fn, run.aux) if has_aux else (out, vjp_fn)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(func(*primals), jvp_fn): jvp_fn(*v) = J v, for v like the primals; func runs once, however many v there are."""
    return _linearized("linearize", func, primals, False)[:2]


def _linearized(name: str, func: Callable[..., Any], primals: Any, has_aux: bool) -> Any:
    """J v from backward alone: u ↦ uᵀ J is linear in u, and its derivative along v is J v."""
    if not isinstance(primals, tuple) or not primals:
        raise RuntimeError(f"{name}: primals must be a tuple of at least one, got {what_is(primals)}")
    run = Traced(name, func, primals, {}, tuple(range(len(primals))), has_aux)
    linked = run.connected(run.ys)
    with enable_grad():
        us = [_zeros(y) for y in run.ys]
        for u, y in zip(us, run.ys):
            u.needs_grad = y.dtype.kind == "f"
        live = [(y, u) for y, u in zip(run.ys, us) if y.needs_grad]
        uJ = [_zeros(x) for x in run.xs]
        if live:
            uJ = list(autograd_grad(*([y for y, _ in live], run.xs, [u for _, u in live]), True, True,
                                    allow_unused=True, materialize_grads=True))  # fmt: skip

    def jvp_fn(*tangents: Any) -> Any:
        given = _fit(name, tangents, run.inputs, "tangents")
        moving = [u for u in us if u.needs_grad]
        found = iter(run.pull(uJ, moving, given, linked) if moving else [])
        return rebuilt(run.output, iter([next(found) if u.needs_grad else u for u in us]))

    return mapped(run.plain, run.output), jvp_fn, run.aux


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """(func(*primals), J v), and aux with has_aux, for tangents v like the primals."""
    out, jvp_fn, aux = _linearized("jvp", func, primals, has_aux)
    if not isinstance(tangents, tuple):
        raise RuntimeError(f"jvp: tangents must be a tuple like the primals, got {what_is(tangents)}")
    moved = jvp_fn(*tangents)
    return (out, moved, aux) if has_aux else (out, moved)


def _basis(t: Tensor) -> Tensor:
    """(n, *shape): for each of the n elements of a tensor, 1 there and 0 elsewhere."""
    n = 1
    for size in t.shape:
        n *= size
    k = OPS.arange_like(t.detach(), n=n)
    basis: Tensor = OPS.reshape(OPS.astype(OPS.reshape(k, shape=(n, 1)) == k, dtype=t.dtype), shape=(n, *t.shape))
    return basis


def _picked(args: tuple[Any, ...], argnums: Arguments, func: Callable[..., Any], kwargs: Any) -> Any:
    """The arguments asked for, and a function of them alone."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(-len(args) <= k < len(args) for k in chosen):
        raise RuntimeError(f"argnums={argnums} must name some of the {len(args)} arguments")
    places = {k % len(args): j for j, k in enumerate(chosen)}

    def of_those(*xs: Any) -> Any:
        return func(*(xs[places[k]] if k in places else a for k, a in enumerate(args)), **kwargs)

    return tuple(args[k] for k in chosen), of_those


def jacrev(
    func: Callable[..., Any], argnums: Arguments = 0, *, has_aux: bool = False, chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:  # fmt: skip
    """The function that gives J = ∂func/∂ argument, (*output.shape, *input.shape), by rows: vᵀ J for every unit v.

    For nests of outputs and inputs, a nest of matrices: for each output, one for each input."""

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        xs, alone = _picked(args, argnums, func, kwargs)
        out, vjp_fn, *aux = vjp(alone, *xs, has_aux=has_aux)
        ys, made = leaves(out), []
        for k, y in enumerate(ys):

            def rows(v: Tensor, k: int = k) -> Any:
                return vjp_fn(rebuilt(out, iter([v if j == k else _zeros(t) for j, t in enumerate(ys)])))

            gs = vmap(rows, chunk_size=chunk_size)(_basis(y))
            gs = mapped(lambda g, x, y=y: OPS.reshape(g, shape=(*y.shape, *x.shape)), gs, xs)
            made.append(gs if isinstance(argnums, tuple) else gs[0])
        J = rebuilt(out, iter(made))
        return (J, *aux) if has_aux else J

    return jacobian


def jacfwd(
    func: Callable[..., Any], argnums: Arguments = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """The function that gives J = ∂func/∂ argument, (*output.shape, *input.shape), by columns: J v for every unit v."""

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        xs, alone = _picked(args, argnums, func, kwargs)
        out, jvp_fn, aux = _linearized("jacfwd", alone, xs, has_aux)
        flat, ys, columns = leaves(xs), leaves(out), []
        for k, x in enumerate(flat):

            def column(v: Tensor, k: int = k) -> Any:
                return leaves(jvp_fn(*rebuilt(xs, iter([v if j == k else _zeros(t) for j, t in enumerate(flat)]))))

            moved = vmap(column, randomness=randomness)(_basis(x))
            turned = [OPS.transpose(t, axes=(*range(1, t.ndim), 0)) for t in moved]
            columns.append([OPS.reshape(t, shape=(*y.shape, *x.shape)) for t, y in zip(turned, ys)])
        made = []
        for row in zip(*columns):
            gs = rebuilt(xs, iter(row))
            made.append(gs if isinstance(argnums, tuple) else gs[0])
        J = rebuilt(out, iter(made))
        return (J, aux) if has_aux else J

    return jacobian


def hessian(func: Callable[..., Any], argnums: Arguments = 0) -> Callable[..., Any]:
    """The function that gives ∂²func/∂ argument², (*output.shape, *input.shape, *input.shape)."""
    return jacfwd(jacrev(func, argnums), argnums)
