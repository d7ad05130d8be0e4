"""Cases: from a function that minidl records, from a gradient written by hand, and for second derivatives."""

import inspect
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ...autograd import Tensor, grad
from ...autograd.backward import reachable
from ...backend import backend_of, move
from .measure import Case


def case_of(
    func: Callable[..., Any], inputs: Any, gradient: Any = None, *, order: int = 1, seed: int = 0, name: str = ""
) -> Case:
    """What `func(*inputs)` and its gradients are put to.

    With `gradient` the gradients written by hand are checked, and func may be plain NumPy; else those that
    minidl's backward gives, of every input that requires gradients and, if func is a module, of its parameters."""
    given = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    called = name or getattr(func, "name", "") or getattr(func, "__name__", "") or type(func).__name__
    if order not in (1, 2):
        raise ValueError(f"gradcheck: the order of the derivatives is 1 or 2, got {order!r}")
    if gradient is not None:
        if order == 2:
            raise ValueError("gradcheck: a gradient written by hand is of first order; order 2 needs minidl's backward")
        return _by_hand(func, given, gradient, called, seed)
    if not any(isinstance(x, Tensor) for x in flat(given)):  # arrays: make leaves of them
        given = tuple(Tensor(x.astype(np.float64), True) if _is_float(x) else x for x in given)
    names = names_of(func, given)
    leaves, labels = [], []
    for x, label in zip(given, names):
        inside = [t for t in flat([x]) if t.requires_grad]
        leaves += inside
        labels += [label] if len(inside) == 1 else [f"{label}[{i}]" for i in range(len(inside))]
    for label, parameter in getattr(func, "named_parameters", list)():
        if parameter.requires_grad and all(parameter is not t for t in leaves):
            leaves.append(parameter)
            labels.append(label)
    if not leaves:
        raise ValueError("gradcheck: at least one input must be a tensor with requires_grad=True, and none is")
    values = func
    if order == 2:
        func, values, leaves, labels = _gradients(func, given, leaves, labels, seed)
    case = _recorded(func, values, given, leaves, labels, called, seed)
    case.order = order
    case.source = source_of(func)
    return case


def _recorded(
    func: Any, plain: Any, given: Any, leaves: list[Tensor], labels: list[str], called: str, seed: int
) -> Case:
    """The gradients are those of minidl's backward. `plain` gives the same values, and need not record them."""

    def evaluate(values: Sequence[Any]) -> list[Any]:
        with lent(leaves, values):
            return [host(y) for y in outputs_of(plain(*given))]

    def backward(values: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
        with lent(leaves, values):
            ys = outputs_of(func(*given))
            pairs = [(y, like(y, v)) for y, v in zip(ys, seeds) if y.requires_grad]
            if not pairs:
                return [None] * len(leaves)
            roots, gs = zip(*pairs)
            misshapen = watch_shapes(roots)
            found = grad(roots, leaves, gs, allow_unused=True)
            raw = {id(edge): gx for edge, gx in misshapen if isinstance(edge, Tensor)}
            inner = [(edge, gx) for edge, gx in misshapen if not isinstance(edge, Tensor)]
            case.inside = _inside(*inner[0]) if inner else ""
            return [raw.get(id(x), None if g is None else host(g)) for x, g in zip(leaves, found)]

    case = Case(called, labels, [host(x).astype(np.float64) for x in leaves], evaluate, backward, seed=seed)
    return case


def _inside(edge: Any, gx: Any) -> str:
    turned = " (it looks transposed)" if np.shape(gx) == edge.shape[::-1] else ""
    return f"inside the graph, what {edge.op.name} gave, {edge.shape}, got a gradient of shape {np.shape(gx)}{turned}"


def watch_shapes(roots: Sequence[Tensor]) -> list[tuple[Any, Any]]:
    """Let backward go on where a vjp returns what cannot be summed to its operand's shape: note it, and pass zeros."""
    found: list[tuple[Any, Any]] = []

    def fitting(gx: Any, edge: Any) -> Any:
        if gx is None or type(gx) is list or not hasattr(edge, "shape") or sums_to(np.shape(gx), edge.shape):
            return gx
        xp = backend_of(gx)
        found.append((edge, np.asarray(xp.to_host(gx))))
        return xp.zeros_like(gx, shape=edge.shape, dtype=edge.dtype)

    for node in reachable(y.node for y in roots):
        vjps, edges = node.vjps, node.inputs
        if callable(vjps):
            node.vjps = lambda *gs, vjps=vjps, edges=edges: tuple(map(fitting, vjps(*gs), edges))
        else:
            node.vjps = [
                v and (lambda *gs, v=v, edge=edge: fitting(v(*gs), edge)) for v, edge in zip(vjps, edges)
            ]  # fmt: skip
    return found


def sums_to(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Can a gradient of this shape be summed back over broadcast axes?"""
    extra = len(shape) - len(to)
    return extra >= 0 and all(m in (1, n) for n, m in zip(shape[extra:], to))


def _by_hand(func: Any, given: tuple[Any, ...], gradient: Any, called: str, seed: int) -> Case:
    """The gradients are what their author returns: a function, or the finished arrays."""
    checked = [k for k, x in enumerate(given) if _is_float(x) and (not isinstance(x, Tensor) or _wanted(x, given))]
    if not checked:
        raise ValueError("gradcheck: at least one input must be an array or a tensor of floating-point numbers")
    tensors = [isinstance(x, Tensor) for x in given]
    scalar = not callable(gradient) or not _takes_upstream(gradient, len(given))

    def arguments(values: Sequence[Any]) -> list[Any]:
        args = list(given)
        for k, x in zip(checked, values):
            old = args[k]
            args[k] = like(old, x) if tensors[k] else float(x) if isinstance(old, float) else x.astype(old.dtype)
        return args

    def evaluate(values: Sequence[Any]) -> list[Any]:
        ys = func(*arguments(values))
        found = [host(y) for y in (ys if isinstance(ys, (tuple, list)) else [ys])]
        if scalar and (len(found) != 1 or found[0].size != 1):
            raise ValueError(
                f"gradcheck: the output has shape {found[0].shape}, so its gradient depends on what comes in from "
                "above: "
                "write grad(g, *inputs), with g the gradient of the output"
            )
        return found

    def backward(values: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
        if not callable(gradient):
            found = gradient
        else:
            args = arguments(values)
            if not scalar:
                gs = [like(args[checked[0]], v) if any(tensors) else v for v in seeds]
                args = [gs[0] if len(gs) == 1 else tuple(gs), *args]
            found = gradient(*args)
        found = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(found) == len(given):
            found = [found[k] for k in checked]
        if len(found) != len(checked):
            raise ValueError(f"gradcheck: {len(found)} gradients came back for {len(checked)} inputs; return as many")
        return [None if g is None else host(g) for g in found]

    names = names_of(func, given)
    values = [np.asarray(host(given[k]), np.float64) for k in checked]
    case = Case(called, [names[k] for k in checked], values, evaluate, backward, seed=seed, scalar=scalar)
    case.source = source_of(gradient if callable(gradient) else func)
    return case


def _wanted(x: Tensor, given: tuple[Any, ...]) -> bool:
    """Those that require gradients; all, where none does."""
    return x.requires_grad or not any(t.requires_grad for t in flat(given))


def _takes_upstream(gradient: Any, inputs: int) -> bool:
    """grad(g, *inputs), or grad(*inputs) of a function that gives one number?"""
    try:
        parameters = inspect.signature(gradient).parameters.values()
    except (ValueError, TypeError):
        return True
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return True
    needed = [p for p in places if p.default is p.empty]
    if len(needed) not in (inputs, inputs + 1):
        raise ValueError(
            f"gradcheck: the gradient must be called as grad(g, *inputs), or grad(*inputs) for a function that "
            "gives one "
            f"number; with {inputs} input{'s' * (inputs != 1)} it takes {len(needed)} arguments"
        )
    return len(needed) == inputs + 1


def _gradients(func: Any, given: Any, leaves: list[Tensor], labels: list[str], seed: int) -> Any:
    """First derivatives as a function of the leaves and the upstream gradients: recorded, to be differentiated
    again, and as bare numbers, which take a third of the time."""
    rng = np.random.default_rng(seed + 1)
    ys = [y for y in outputs_of(func(*given)) if y.requires_grad]
    gs = [like(y, rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1, 1], y.shape)) for y in ys]
    for g in gs:
        g.requires_grad = True

    def gradients(*_: Any, record: bool = True) -> tuple[Tensor, ...]:
        outputs = [y for y in outputs_of(func(*given)) if y.requires_grad]
        found = grad(outputs, leaves, gs, create_graph=record, allow_unused=True) if outputs else ()
        return tuple(g for g in found if g is not None)

    names = ["g"] if len(gs) == 1 else [f"g{k}" for k in range(len(gs))]
    return gradients, partial(gradients, record=False), leaves + gs, labels + names


# ------------------------------------------------------------------------------------------------- helpers


@contextmanager
def lent(leaves: Sequence[Tensor], values: Sequence[Any]) -> Any:
    """The leaves, holding other values for a while."""
    kept = [x.array for x in leaves]
    try:
        for x, value in zip(leaves, values):
            x.array = move(np.array(value, x.dtype), x.device)
        yield
    finally:
        for x, array in zip(leaves, kept):
            x.array = array


def host(t: Any) -> Any:
    """A NumPy array of its own."""
    return backend_of(t.array).to_host(t.array).copy() if isinstance(t, Tensor) else np.array(t)


def like(t: Any, values: Any) -> Any:
    """A constant tensor with these values, of the dtype and on the device of another."""
    return Tensor(move(np.asarray(values).astype(t.dtype), t.device))


def flat(given: Any) -> list[Tensor]:
    """The tensors, however nested in tuples and lists."""
    inside = lambda x: [x] if isinstance(x, Tensor) else flat(x) if isinstance(x, (tuple, list)) else []
    return [t for x in given for t in inside(x)]


def outputs_of(result: Any) -> list[Tensor]:
    """The floating outputs, however nested; whatever else a function returns is passed over."""
    found = [y for y in flat([result]) if y.dtype.kind == "f"]
    if not found:
        raise TypeError(f"gradcheck: func must return a tensor of floating-point numbers, got {type(result).__name__}")
    return found


def names_of(func: Any, given: Sequence[Any]) -> list[str]:
    """What func calls its inputs; x1, x2 … where it does not say."""
    target = func.forward if hasattr(func, "named_parameters") else func
    names = list(getattr(func, "arguments", []))  # an op's
    if not names:
        try:
            parameters = inspect.signature(target).parameters.values()
            names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        except (ValueError, TypeError):
            names = []
    if len(names) < len(given):
        names = [f"{names[-1] if names else 'x'}{k + 1}" for k in range(len(given))]
    return names[: len(given)]


def source_of(func: Any) -> str:
    """The text of a function, of an op's formula, of a module's forward; empty where there is none to read."""
    target = getattr(func, "formula", None) or (func.forward if hasattr(func, "named_parameters") else func)
    try:
        return inspect.cleandoc("\n" + inspect.getsource(target))
    except (OSError, TypeError):
        return ""


def _is_float(x: Any) -> bool:
    return isinstance(x, float) or (hasattr(x, "dtype") and np.dtype(x.dtype).kind == "f")
