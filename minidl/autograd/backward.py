"""Backward: walk what is reachable, newest record first, and pass each gradient through its vjps.

There is no global graph and no recursion: records point at their parents, and their numbers order them.
With create_graph the formulas run once more, on Tensors, so that the vjps themselves are recorded.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..backend import BACKENDS, backend_of
from ..errors import describe
from .memory import Memory, look_at_watched
from .modes import enable_grad, no_grad
from .op import OPS
from .tensor import Node, Output, Tensor, make

_accumulating = threading.Lock()


def differentiate(
    roots: Sequence[Tensor], seeds: Sequence[Tensor], targets: Sequence[Tensor] | None, retain: bool, create_graph: bool
) -> dict[Any, Any]:
    """The gradients of Σ ⟨seed, root⟩ by edge: arrays, or recorded Tensors under create_graph.

    Of every leaf, and then also of what has hooks; or of the targets, and nothing else is run."""
    order = reachable(root.node for root in roots)
    refuse_overwritten(order, create_graph)
    xp = OPS if create_graph else backend_of(roots[0].array)
    rules = replay(order)[1] if create_graph else {}
    wanted = None if targets is None else {key_of(t.node or t) for t in targets}
    useful = None if wanted is None else leading_to(wanted, order)
    gradients: dict[Any, Any] = {}
    found: dict[Any, Any] = {}

    for root, seed in zip(roots, seeds):
        key, g = key_of(root.node or root), seed if create_graph else seed.array
        gradients[key] = gradients[key] + g if key in gradients else g
    for node in reversed(order):
        if type(node.shape) is list:
            keys: Any = [(node, k) for k in range(len(node.shape))]
            gs = [gradients.pop(key, None) for key in keys]
            if all(g is None for g in gs):
                continue
            like = next(g for g in gs if g is not None)
            differentiable = [k for k, d in enumerate(node.dtype) if d.kind == "f" and k not in node.op.constant]
            if node.hooks:
                gs = [g if g is None else run_hooks(node.hooks, g, k) for k, g in enumerate(gs)]
            if wanted is not None:
                found.update((key, g) for key, g in zip(keys, gs) if key in wanted and g is not None)
            gs = [
                xp.zeros_like(like, shape=node.shape[k], dtype=node.dtype[k]) if gs[k] is None else gs[k]
                for k in differentiable
            ]
        else:
            g = gradients.pop(node, None)
            if g is None:
                continue
            if node.hooks:
                g = run_hooks(node.hooks, g, 0)
            if wanted is not None and node in wanted:
                found[node] = g
            gs = (g,)
        if useful is not None and node not in useful:
            continue
        if node.vjps is None:
            raise freed(node)
        vjps = rules[node] if create_graph else node.vjps
        contributions = vjps(*gs) if callable(vjps) else None
        for k, edge in enumerate(node.inputs):
            kind = type(edge)
            if kind is not Node and kind is not Output and not (isinstance(edge, Tensor) and edge.needs_grad):
                continue
            key = edge if kind is Node else key_of(edge)
            if useful is not None and key not in wanted and _node_of(edge) not in useful:  # type: ignore[operator]
                continue
            if contributions is not None:
                gx = contributions[k]
            else:
                vjp = vjps[k]
                gx = None if vjp is None else vjp(*gs)
            if gx is None:
                continue
            if gx.shape != edge.shape:
                gx = xp.sum_to(gx, shape=edge.shape)  # the adjoint of broadcasting, once for all ops
            if gx.dtype is not edge.dtype and gx.dtype != edge.dtype:
                gx = xp.astype(gx, dtype=edge.dtype)  # the adjoint of promotion
            before = gradients.get(key)
            gradients[key] = gx if before is None else before + gx
        if not retain:
            node.vjps, node.inputs = None, ()
    found.update((key, g) for key, g in gradients.items() if wanted is None or key in wanted)
    return found


def reachable(nodes: Iterable[Any]) -> list[Node]:
    """Every record that led to these, oldest first."""
    seen = {_node_of(edge) for edge in nodes}
    seen.discard(None)
    stack = list(seen)
    while stack:
        for edge in stack.pop().inputs:  # type: ignore[union-attr]  # None was discarded
            kind = type(edge)
            if kind is Node:
                node = edge
            elif kind is Output:
                node = edge.node
            else:
                continue
            if node not in seen:
                seen.add(node)
                stack.append(node)
    return sorted(seen, key=_number)  # type: ignore[arg-type]


def leading_to(wanted: set[Any], order: list[Node]) -> set[Node]:
    """The records through which a gradient must pass to reach something wanted."""
    useful: set[Node] = set()
    for node in order:
        if any(_node_of(edge) in useful or key_of(edge) in wanted for edge in node.inputs if _takes_gradient(edge)):
            useful.add(node)
    return useful


def replay(order: Iterable[Node]) -> tuple[dict[Node, Any], dict[Node, Any]]:
    """Run each formula again, on Tensors: the values, bound to their old records, and the recorded vjps.

    Values that died in the forward pass come back this way; nothing random can differ, formulas are pure."""
    values: dict[Node, Any] = {}
    rules: dict[Node, Any] = {}
    for node in order:
        if node.vjps is None:
            raise freed(node)
        operands = [
            values[edge] if type(edge) is Node
            else edge if type(edge) is not Output
            else values[edge.node] if edge.index is None
            else values[edge.node][edge.index]
            for edge in node.inputs
        ]  # fmt: skip
        if node.op.promote is not None:
            operands = node.op.promoted(OPS, operands)
        y, rules[node] = node.op.formula(OPS, *operands, **node.params)
        if type(y) is tuple:
            values[node] = tuple(
                make(v.array, True, Output(node, k), v.memory) if v.dtype.kind == "f" and k not in node.op.constant else v
                for k, v in enumerate(y)
            )
        else:
            overwritten = node.memory.stamp > node.number
            values[node] = make(y.array, True, Output(node, None, y.memory) if overwritten else node, y.memory)
    return values, rules


def rematerialise(t: Tensor) -> Tensor:
    """The value of a recorded tensor computed again from the leaves, bound to the same record."""
    with no_grad():
        values = replay(reachable([t.node]))[0]
    value = values[_node_of(t.node)]
    return value[t.node.index] if isinstance(value, tuple) else value  # type: ignore[no-any-return, union-attr]


def refuse_overwritten(order: list[Node], create_graph: bool) -> None:
    """Raise before anything is computed if a value that is needed has been written since it was read.

    A plain backward needs what the vjps captured; create_graph needs every leaf and constant."""
    if Memory.watched:
        look_at_watched()
    if not order or Memory.latest < order[0].number:
        return  # nothing at all has been written since the oldest record
    for node in order:
        if node.vjps is None:
            continue
        own = node.memory if type(node.memory) is list else [node.memory]
        if any(m.stamp > node.number and captures(node, m) for m in own):
            raise overwritten(node, "its result")
        for name, edge in zip(_names(node), node.inputs):
            maker = _node_of(edge)
            if maker is None and not isinstance(edge, Tensor):
                continue
            stamp = edge.memory.stamp
            if maker is not None and maker.number < stamp < node.number:
                raise RuntimeError(
                    f"backward of {node.op.name}: {name} ({describe(edge)}) was overwritten in place, through another "
                    "view of its memory or under no_grad, before it was used here, so its history is missing that "
                    "write; use the tensor that was written, or write out of place"
                )
            if stamp > node.number and ((create_graph and maker is None) or captures(node, edge.memory)):
                raise overwritten(node, name, edge)


def captures(node: Node, memory: Memory) -> bool:
    """Did the vjps keep an array that lies where this memory was written?"""
    start, stop = memory.extent
    extents = (backend_of(array).extent(array) for array in captured_arrays(node.vjps))
    return any(low < stop and start < high for low, high in extents)


def captured_arrays(value: Any) -> Iterator[Any]:
    """The arrays that functions hold in their closures, however nested."""
    stack, seen = [value], set()
    while stack:
        value = stack.pop()
        if type(value) in BACKENDS:
            yield value
        elif isinstance(value, (tuple, list)):
            stack.extend(value)
        elif callable(value) and id(value) not in seen:
            seen.add(id(value))
            stack.extend(cell.cell_contents for cell in getattr(value, "__closure__", None) or ())
            stack.extend(getattr(value, "__defaults__", None) or ())


def run_hooks(hooks: dict[Any, Any], g: Any, index: int) -> Any:
    """Pass a gradient through the hooks on one value; a hook may return another in its place."""
    raw = not isinstance(g, Tensor)
    for _, (place, hook) in sorted(hooks.items()):
        if place == index:
            seen = Tensor(g) if raw else g
            changed = hook(seen)
            if changed is not None:
                if not isinstance(changed, Tensor) or changed.shape != seen.shape:
                    raise RuntimeError(f"a hook must return None or a tensor like {describe(seen)}, got {describe(changed)}")
                g = changed.array if raw else changed
    return g


def accumulate(leaf: Tensor, g: Any) -> None:
    """leaf.grad += g, in memory of the leaf's own."""
    if leaf.hooks:
        g = run_hooks(leaf.hooks, g, 0)
    with _accumulating:
        if isinstance(g, Tensor):
            leaf.grad = g if leaf.grad is None else leaf.grad + g  # type: ignore[operator]  # bound with its op
        elif leaf.grad is None:
            leaf.grad = Tensor(g.copy())
        elif leaf.grad.needs_grad or leaf.grad.base is not None:
            leaf.grad = Tensor(leaf.grad.array + g)
        else:
            leaf.grad.array += g
            leaf.grad.memory.written(leaf.grad.array)


def backward(
    tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
) -> None:
    """Add the gradients of the tensors to the `.grad` of the leaves they depend on (of `inputs`, if given).

    grad_tensors: the gradients to start from, ones where a tensor has a single element. The graph is
    freed on the way unless retain_graph. With create_graph the gradients can be differentiated again."""
    roots, targets = _sequence(tensors), None if inputs is None else _sequence(inputs)
    seeds = _seeds("backward", roots, grad_tensors)
    with enable_grad() if create_graph else no_grad():
        found = differentiate(roots, seeds, targets, create_graph if retain_graph is None else retain_graph, create_graph)
        by_key = {key_of(t.node or t): t for t in targets or ()}
        for key, g in found.items():
            t = by_key.get(key, key)
            if isinstance(t, Tensor):
                accumulate(t, g)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of Σ ⟨grad_output, output⟩ with respect to `inputs`; no `.grad` is touched.

    An input that was not used raises; it gives None under allow_unused and zeros under materialize_grads."""
    roots, targets = _sequence(outputs), _sequence(inputs)
    seeds = _seeds("grad", roots, grad_outputs)
    for k, t in enumerate(targets):
        if not t.needs_grad:
            raise RuntimeError(f"grad: input {k} ({describe(t)}) does not require gradients")
    with enable_grad() if create_graph else no_grad():
        found = differentiate(roots, seeds, targets, create_graph if retain_graph is None else retain_graph, create_graph)
        results: list[Any] = []
        for k, t in enumerate(targets):
            g = found.get(key_of(t.node or t))
            if g is not None and t.node is None and t.hooks:
                g = run_hooks(t.hooks, g, 0)
            if g is None and materialize_grads:
                g = backend_of(t.array).zeros_like(t.array)  # type: ignore[attr-defined]  # a name of the algebra
            if g is None and not allow_unused:
                raise RuntimeError(f"grad: the outputs do not depend on input {k}; allow_unused=True gives None for it")
            results.append(g if g is None or isinstance(g, Tensor) else Tensor(g.copy()))
    return tuple(results)


def _seeds(operation: str, roots: list[Tensor], seeds: Any) -> list[Tensor]:
    given = [None] * len(roots) if seeds is None else _sequence(seeds)
    if len(given) != len(roots):
        raise RuntimeError(f"{operation}: {len(roots)} tensors but {len(given)} gradients to start from")
    made = []
    for root, seed in zip(roots, given):
        if not root.needs_grad:
            raise RuntimeError(
                f"{operation}: this tensor ({describe(root)}) does not require gradients and no recorded operation made it; "
                "was it computed under no_grad, detached, or made of tensors without requires_grad?"
            )
        if seed is None:
            if root.array.size != 1:
                raise RuntimeError(
                    f"{operation}: only a tensor with one element starts from a gradient of one; this is "
                    f"{describe(root)}, so reduce it (.sum(), .mean()) or pass a gradient of its shape"
                )
            seed = Tensor(backend_of(root.array).ones_like(root.array))  # type: ignore[attr-defined]
        elif seed.shape != root.shape:
            raise RuntimeError(f"{operation}: the gradient is {describe(seed)} and the tensor is {describe(root)}; shapes must be equal")
        made.append(seed if seed.dtype == root.dtype else OPS.astype(seed, dtype=root.dtype))
    return made


def _sequence(value: Any) -> list[Any]:
    return [value] if isinstance(value, Tensor) else list(value)


def key_of(edge: Any) -> Any:
    """What gradients are collected under: the record, (record, index) where it has several values, or the leaf."""
    if type(edge) is not Output:
        return edge
    return edge.node if edge.index is None else (edge.node, edge.index)


def _node_of(edge: Any) -> Node | None:
    return edge if type(edge) is Node else edge.node if type(edge) is Output else None


def _takes_gradient(edge: Any) -> bool:
    return type(edge) in (Node, Output) or (isinstance(edge, Tensor) and edge.needs_grad)


def _number(node: Node) -> int:
    return node.number


def _names(node: Node) -> list[str]:
    names = node.op.arguments
    return names if len(names) == len(node.inputs) else [f"operand {k + 1}" for k in range(len(node.inputs))]


def freed(node: Node) -> RuntimeError:
    return RuntimeError(
        f"backward of {node.op.name}: this part of the graph was freed by an earlier backward; "
        "pass retain_graph=True to that one, or compute the value again"
    )


def overwritten(node: Node, name: str, edge: Any = None) -> RuntimeError:
    return RuntimeError(
        f"backward of {node.op.name}: {name}{'' if edge is None else f' ({describe(edge)})'} was overwritten in place after "
        f"{node.op.name} had read it, and its gradient needs the old value; clone it first, or write out of place"
    )
