"""Backward: walk what is reachable, newest record first, and pass each gradient through its vjps.

There is no global graph and no recursion: records point at their parents, and their numbers order them.
With create_graph the formulas run once more, on Tensors, so that the vjps themselves are recorded.
"""

import threading
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from ..backend import BatchArray, backend_of
from ..errors import describe, freed, must_be_alike, must_be_tensor, no_history, not_one_number
from .memory import refuse_overwritten
from .modes import enable_grad, no_grad
from .op import OPS, VALUE, value_node
from .tensor import Node, Tensor, make

_accumulating = threading.Lock()


def differentiate(
    roots: Sequence[Tensor], seeds: Sequence[Tensor], targets: Sequence[Tensor] | None, retain: bool,
    create_graph: bool, since: int = 0, known: dict[Node, Any] | None = None,
) -> dict[Any, Any]:  # fmt: skip
    """The gradients of Σ ⟨seed, root⟩, as arrays, or as recorded Tensors under create_graph.

    Of every leaf, by leaf; or of the targets only, by the record or leaf that they are, and nothing else is run.
    Records that are not younger than `since` end the walk, as leaves do; their values are `known`."""
    order = reachable((root.node for root in roots), since)
    refuse_overwritten(order, create_graph)
    xp = OPS if create_graph else backend_of(roots[0].array)
    rules = replay(order, known)[1] if create_graph else None
    wanted = None if targets is None else {t.node or t for t in targets}
    useful = None if wanted is None else leading_to(wanted, order)
    leads = None if useful is None else useful | wanted  # type: ignore[operator]  # both are sets, or neither is
    gradients: dict[Any, Any] = {}
    found: dict[Any, Any] = {}
    for root, seed in zip(roots, seeds):
        key, g = root.node or root, seed if create_graph else seed.array
        gradients[key] = gradients[key] + g if key in gradients else g

    for node in reversed(order):
        g = gradients.pop(node, None)
        if g is None:
            continue
        if node.hooks:
            g = run_hooks(node.hooks, g)
        if wanted is not None and node in wanted:
            found[node] = g
        if useful is not None and node not in useful:
            continue
        vjps = node.vjps if rules is None else rules[node]
        if vjps is None:
            raise freed(node)
        gs = (g,) if type(g) is not list else values_of(xp, node, g)
        together = vjps(*gs) if callable(vjps) else None  # one function for all operands
        for k, edge in enumerate(node.inputs):
            if together is not None:
                gx = together[k] if type(edge) is Node or isinstance(edge, Tensor) and edge.needs_grad else None
            elif vjps[k] is None or leads is not None and edge not in leads:
                continue
            else:
                gx = vjps[k](*gs)
            if gx is None:
                continue
            if type(gx) is not list:
                if gx.shape != edge.shape:
                    gx = xp.sum_to(gx, shape=edge.shape)  # the adjoint of broadcasting, once for all ops
                if gx.dtype is not edge.dtype and gx.dtype != edge.dtype:
                    gx = xp.astype(gx, dtype=edge.dtype)  # the adjoint of promotion
            before = gradients.get(edge)
            gradients[edge] = gx if before is None else before + gx
        if not retain:
            node.vjps, node.inputs = None, ()
    found.update((key, g) for key, g in gradients.items() if wanted is None or key in wanted)
    return found


def values_of(xp: Any, node: Node, pairs: list[tuple[int, Any]]) -> list[Any]:
    """The gradient of each differentiable value of a record that has several; zeros (or None, if the op fills none in)
    where none came."""
    came, like, fills = dict(pairs), pairs[0][1], getattr(node.op, "fills", True)
    kinds: Any = node.shape
    xp = backend_of(like) if type(like) is BatchArray else xp
    return [
        came[k] if k in came else xp.zeros_like(like, shape=kind[0], dtype=kind[1]) if fills else None
        for k, kind in enumerate(kinds)
        if kind is not None
    ]


def reachable(nodes: Iterable[Node | None], since: int = 0) -> list[Node]:
    """Every record that led to these and is younger than `since`, oldest first."""
    stack = [node for node in nodes if node is not None and node.number > since]
    seen = set(stack)
    while stack:
        for edge in stack.pop().inputs:
            if type(edge) is Node and edge.number > since and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return sorted(seen, key=attrgetter("number"))


def leading_to(wanted: set[Any], order: list[Node]) -> set[Node]:
    """The records through which a gradient must pass to reach something wanted."""
    useful: set[Node] = set()
    for node in order:
        if any(edge in useful or edge in wanted for edge in node.inputs):
            useful.add(node)
    return useful


def replay(order: Iterable[Node], known: dict[Node, Any] | None = None) -> tuple[dict[Node, Any], dict[Node, Any]]:
    """Run each formula again, on Tensors: the values, bound to their old records, and the recorded vjps.

    Values that died in the forward pass come back this way; formulas are pure, so they come back equal."""
    values: dict[Node, Any] = dict(known or {})
    rules: dict[Node, Any] = {}
    for node in order:
        if node.vjps is None:
            raise freed(node)
        operands = [values[edge] if type(edge) is Node else edge for edge in node.inputs]
        if node.op is VALUE:
            k = node.params["index"]
            y, rules[node] = operands[0] if k is None else operands[0][k], node.vjps
        else:
            if node.op.promote and any(isinstance(x, Tensor) and x.dtype is not node.dtype for x in operands):
                operands = node.op.promoted(OPS, operands)
            y, vjps = node.op.formula(OPS, *operands, **node.params)
            rules[node] = vjps if callable(vjps) else [v and new for v, new in zip(node.vjps, vjps)]
        if type(y) is tuple:
            values[node] = y
        else:  # where the old memory was overwritten since, the value found again has a record that says so
            record = value_node(node, None, y, y.memory) if node.memory.stamp > node.number else node
            values[node] = make(y.array, True, record, y.memory)
    return values, rules


def rematerialise(node: Node) -> Tensor:
    """The value of a record, computed again from the leaves and bound to that record."""
    with no_grad():
        return replay(reachable([node]))[0][node]


def run_hooks(hooks: dict[float, Any], g: Any) -> Any:
    """Pass a gradient through hooks, in the order they came; each may return another in its place."""
    raw = not isinstance(g, Tensor)
    for _, hook in sorted(hooks.items()):
        seen = Tensor(g) if raw else g
        changed = hook(seen)
        if changed is not None:
            must_be_alike("what a hook returns", changed, seen)
            g = changed.array if raw else changed
    return g


def accumulate(leaf: Tensor, g: Any) -> None:
    """leaf.grad += g, in memory of the leaf's own."""
    with _accumulating:
        before = leaf._grad
        if isinstance(g, Tensor):
            leaf._grad = g if before is None else before + g
        elif before is None:
            leaf._grad = Tensor(g.copy())
        elif before.needs_grad or before.base is not None:
            leaf._grad = Tensor(before.array + g)
        else:
            before.array += g
            before.memory.written(before.array)


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of the tensors to the `.grad` of the leaves they depend on, or of `inputs` alone.

    grad_tensors: the gradients to start from; ones where a tensor has a single element. The graph is
    freed on the way unless retain_graph. With create_graph the gradients can be differentiated again."""
    roots = sequence(tensors, "backward: tensors")
    targets = None if inputs is None else sequence(inputs, "backward: inputs")
    by_key = {t.node or t: t for t in targets or ()}
    for key, g in _run("backward", roots, grad_tensors, targets, retain_graph, create_graph).items():
        accumulate(by_key.get(key, key), g)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of Σ ⟨grad_output, output⟩ with respect to the inputs; no `.grad` is touched.

    An input that was not used raises; it gives None under allow_unused, zeros under materialize_grads.
    `only_inputs` is always so, as in PyTorch."""
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched is not supported; call grad once for each gradient")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True gives zeros for unused inputs, so allow_unused cannot be False")
    targets = sequence(inputs, "grad: inputs")
    for k, t in enumerate(targets):
        if not t.needs_grad:
            raise RuntimeError(f"grad: input {k} ({describe(t)}) does not require gradients")
    found = _run("grad", sequence(outputs, "grad: outputs"), grad_outputs, targets, retain_graph, create_graph)
    results: list[Tensor | None] = []
    for k, t in enumerate(targets):
        g = found.get(t.node or t)
        if g is None and materialize_grads:
            g = backend_of(t.array).zeros_like(t.array)
        if g is None and not allow_unused:
            raise RuntimeError(f"grad: the outputs do not depend on input {k}; allow_unused=True gives None for it")
        results.append(g if g is None or isinstance(g, Tensor) else Tensor(g.copy()))
    return tuple(results)


def _run(
    operation: str, roots: list[Any], seeds: Any, targets: list[Any] | None, retain: bool | None, create_graph: bool
) -> dict[Any, Any]:
    """Check the roots and where to start from, differentiate, and pass leaves' gradients through their hooks."""
    given = [None] * len(roots) if seeds is None else sequence(seeds, f"{operation}: gradients to start from", True)
    if len(given) != len(roots):
        raise RuntimeError(f"{operation}: {len(roots)} tensors but {len(given)} gradients to start from")
    made = [_seed(operation, root, seed) for root, seed in zip(roots, given)]
    with enable_grad() if create_graph else no_grad():
        found = differentiate(roots, made, targets, create_graph if retain is None else retain, create_graph)
        return {k: run_hooks(k.hooks, g) if isinstance(k, Tensor) and k.hooks else g for k, g in found.items()}


def _seed(operation: str, root: Tensor, seed: Tensor | None) -> Tensor:
    if not root.needs_grad:
        raise no_history(operation, root)
    if seed is None:
        if root.array.size != 1:
            raise not_one_number(operation, root)
        return Tensor(backend_of(root.array).ones_like(root.array))
    if seed.shape != root.shape:
        raise RuntimeError(f"{operation}: the gradient ({describe(seed)}) must be shaped as {describe(root)} is")
    return seed if seed.dtype == root.dtype else OPS.astype(seed, dtype=root.dtype)


def sequence(value: Any, what: str, absent: bool = False) -> list[Any]:
    """One tensor or several as a list; some may be None, where they may be absent."""
    found = list(value) if isinstance(value, Iterable) and not isinstance(value, Tensor) else [value]
    for t in found:
        if t is not None or not absent:
            must_be_tensor(what, t)
    if not found:
        raise RuntimeError(f"{what} must be at least one tensor, got none")
    return found
