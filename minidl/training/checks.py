"""The checks of the linter: each looks at one thing and yields what it finds.

What the model computed is read from the graph it recorded, so a check does not depend on how the model is written:
nn.Softmax, F.softmax and t.softmax() are the same op."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from ..autograd import Node, Tensor, no_grad
from ..autograd.backward import reachable
from ..nn import Module, Parameter
from .findings import Finding

# What a mistake looks like in numbers.
LARGE, SMALL = 10.0, 0.005  # the root mean square of inputs: normalised ones have about 1, pictures in [0, 1] some 0.5
VANISHED = 1e-5  # of the largest gradient among the layers' weights, in root mean square
EXPLODED = 1e4  # times the weights themselves

MOVED = {"value", "tap", "reshape", "transpose", "copy", "astype", "getitem", "broadcast_to"}  # the same numbers still
CLASSIFYING = {"cross_entropy": 0, "soft_cross_entropy": 0, "nll_loss": 0}
WITH_LOGITS = "binary_cross_entropy_with_logits"


# ---------------------------------------------------------------------------------------------- what the loss is fed


def losses(loss: Tensor) -> Iterator[Node]:
    """The records of losses that take scores."""
    if loss.node is not None:
        yield from (n for n in reachable([loss.node]) if n.op.name in {*CLASSIFYING, WITH_LOGITS})


def fed_by(node: Node) -> Node | None:
    """The record of what a loss is fed, seen through what only moves numbers."""
    edge = node.inputs[0]
    while isinstance(edge, Node) and edge.op.name in MOVED:
        edge = edge.inputs[0]
    return edge if isinstance(edge, Node) else None


def check_softmax(loss: Tensor, places: dict[Node, str]) -> Iterator[Finding]:
    """The last activation is one that its loss takes itself, or lacks the one that its loss needs."""
    for node in losses(loss):
        fed, name = fed_by(node), node.op.name
        made_by = fed.op.name if fed is not None else None
        where = place_of(fed, node, places)
        if name == WITH_LOGITS:
            if made_by == "sigmoid":
                yield Finding(
                    "softmax", "sigmoid comes before binary_cross_entropy_with_logits, which applies it itself: it is "
                    "applied twice", where, "give the loss the scores, without the sigmoid",
                )  # fmt: skip
        elif name == "nll_loss":
            if made_by == "softmax":
                yield Finding(
                    "softmax", "softmax comes before nll_loss, which expects the logarithms of probabilities", where,
                    "use log_softmax there, or cross_entropy on the scores",
                )  # fmt: skip
            elif made_by in ("linear", "add", "matmul", "relu"):
                yield Finding(
                    "softmax", f"nll_loss is fed scores ({made_by}) and expects the logarithms of probabilities", where,
                    "use cross_entropy, or log_softmax before nll_loss",
                )  # fmt: skip
        elif made_by in ("softmax", "log_softmax"):
            harm = "gradients become small and training slow" if made_by == "softmax" else "the second changes nothing"
            yield Finding(
                "softmax", f"{made_by} comes before cross_entropy, which applies log_softmax itself: {harm}", where,
                f"give the loss the scores, without the {made_by}; apply softmax only to read probabilities",
            )  # fmt: skip
        elif made_by in ("sigmoid", "relu"):
            yield Finding(
                "softmax", f"{made_by} comes before cross_entropy, so the scores cannot be "
                + ("negative" if made_by == "relu" else "outside of 0 to 1, and no class can become certain"), where,
                f"take the last {made_by} out: scores may be any numbers",
            )  # fmt: skip


def place_of(fed: Node | None, node: Node, places: dict[Node, str]) -> str:
    """The module whose output this is; else what stands between the model and the loss."""
    return places.get(fed or node) or places.get(node) or f"between the model's output and {node.op.name}"


# ---------------------------------------------------------------------------------------------- labels


def check_labels(scores: Tensor, y: Any, ignore_index: int = -100) -> Iterator[Finding]:
    """Labels that are no class numbers for scores (N, C, …)."""
    if not isinstance(y, Tensor) or scores.ndim < 1 or y.requires_grad:
        return
    axis = min(scores.ndim - 1, 1)
    C, expected = scores.shape[axis], (*scores.shape[:axis], *scores.shape[axis + 1 :])
    where = f"the labels, {y.dtype} {y.shape}, beside scores {scores.shape}"
    if y.shape == scores.shape and y.shape != expected:
        if one_hot(y, axis):
            yield Finding(
                "labels", f"the labels are one-hot: {C} numbers for each example, one of them 1", where,
                f"cross_entropy takes the numbers of the classes: y.argmax({axis})",
            )  # fmt: skip
    elif y.shape != expected:
        if math.prod(y.shape) == math.prod(expected):
            yield Finding("labels", "the labels have another shape than the examples", where, f"y.reshape({expected})")
    elif y.dtype.kind == "f":
        whole = bool((y == y.round()).all().item())
        yield Finding(
            "labels", "the labels are floats, and classes are numbered by integers", where,
            "y.long()" if whole else "for values that are not classes use a loss such as mse_loss",
        )  # fmt: skip
    elif y.dtype.kind in "iu" and y.numel():
        counted = y[y != ignore_index]
        if not counted.numel():
            return
        low, high = counted.min().item(), counted.max().item()
        if low < 0 or high >= C:
            fix = f"the last layer needs {high + 1} outputs, or the labels are wrong"
            if low == 1 and high == C:
                fix = "classes count from 0: y - 1"
            elif low < 0:
                fix = f"classes count from 0; what is not to be counted is {ignore_index} (ignore_index)"
            yield Finding("labels", f"labels from {low} to {high} for {C} classes, 0 to {C - 1}", where, fix)


def check_one_hot(loss: Tensor) -> Iterator[Finding]:
    """One-hot floats, which the loss took for probabilities."""
    for node in losses(loss):
        t = node.inputs[1]
        if node.op.name == "soft_cross_entropy" and isinstance(t, Tensor) and not t.requires_grad:
            axis = min(t.ndim - 1, 1)
            if t.shape[axis] > 1 and one_hot(t, axis):
                yield Finding(
                    "labels", "the labels are one-hot floats, which cross_entropy takes for probabilities: right, but "
                    "slower", f"the labels, {t.dtype} {t.shape}", f"the numbers of the classes: y.argmax({axis})",
                )  # fmt: skip


def one_hot(t: Tensor, axis: int) -> bool:
    ones = (t == 1).sum(axis)
    return bool((((t == 0) | (t == 1)).all().item()) and (ones == 1).all().item())


# ---------------------------------------------------------------------------------------------- inputs


def check_inputs(nodes: Iterable[Node], names: dict[Parameter, str], n: int) -> Iterator[Finding]:
    """What reaches the first weights, a batch of n, is far from mean 0 and variance 1, or no number at all."""
    seen: set[int] = set()
    for node in nodes:
        weights = [edge for edge in node.inputs if isinstance(edge, Parameter) and edge.ndim >= 2]
        for x in node.inputs:
            if not weights or not isinstance(x, Tensor) or isinstance(x, Parameter) or x.requires_grad:
                continue
            if x.dtype.kind != "f" or x.ndim < 2 or x.shape[0] != n or not x.numel() or id(x.memory) in seen:
                continue
            seen.add(id(x.memory))
            where = f"the input of {names.get(weights[0], node.op.name)}, {x.dtype} {x.shape}"
            if not x.isfinite().all().item():
                yield Finding("inputs", "the inputs are not all finite", where, "look for NaN and inf in the data")
                continue
            wide = x.double()
            rms, mean, std = ((wide * wide).mean() ** 0.5).item(), wide.mean().item(), wide.std().item()
            if rms > LARGE or 0 < rms < SMALL:
                size = "large" if rms > LARGE else "small"
                yield Finding(
                    "inputs", f"the inputs are not normalised: mean {mean:.3g}, deviation {std:.3g}, too {size} for "
                    "weights drawn for about 0 and 1", where,
                    "x = (x - mean) / std, with both taken from the training data" + (
                        "; were they divided by 255 twice?" if size == "small" else ""),
                )  # fmt: skip


# ---------------------------------------------------------------------------------------------- parameters


def check_parameters(model: Module, used: set[Parameter] | None, optimizer: Any = None) -> Iterator[Finding]:
    """Parameters that will not learn: frozen, never reached by the loss (`used`: those that are), or not optimized."""
    named = list(model.named_parameters())
    frozen = [name for name, p in named if not p.requires_grad]
    if named and len(frozen) == len(named):
        yield Finding(
            "frozen", "every parameter is frozen, so nothing can learn", listed(frozen), "model.requires_grad_(True)"
        )
    elif frozen:
        yield Finding(
            "frozen", f"{len(frozen)} of {len(named)} parameters are frozen and will not learn", listed(frozen),
            "requires_grad_(True) on them, unless this is meant",
        )  # fmt: skip
    unused = [name for name, p in named if used is not None and p.requires_grad and p not in used]
    if unused:
        yield Finding(
            "unused", f"the loss does not depend on {len(unused)} of {len(named)} parameters", listed(unused),
            "use them in forward, or take them out of the model; has a detach(), .data or no_grad cut them off?",
        )  # fmt: skip
    if optimizer is not None:
        held = {p for group in optimizer.param_groups for p in group["params"]}
        left = [name for name, p in named if p.requires_grad and p not in held]
        if left:
            yield Finding(
                "unused", f"the optimizer does not have {len(left)} of {len(named)} parameters", listed(left),
                "make the optimizer after the model is complete and moved, from model.parameters()",
            )  # fmt: skip


def listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


# ---------------------------------------------------------------------------------------------- gradients


@no_grad()
def check_gradients(gradients: dict[str, tuple[Parameter, Tensor]]) -> Iterator[Finding]:
    """Layers whose weights get next to no gradient beside the others', or one that dwarfs them.

    Only weights with two axes or more: a bias before a batch norm has a gradient of 0 by right."""
    sizes = {}
    for name, (p, g) in gradients.items():
        if not g.isfinite().all().item():
            yield Finding(
                "exploded", "the gradient is not finite", name,
                "look for log(0), division by 0 and overflow; a smaller learning rate; clip_grad_norm_",
            )  # fmt: skip
        elif p.ndim >= 2 and p.numel():
            sizes[name] = size(g), size(p)
    nothing_passes = any(not p.detach().any().item() for name, (p, _) in gradients.items() if name.endswith("weight"))
    largest = max((g for g, _ in sizes.values()), default=0.0)
    vanished = [name for name, (g, _) in sizes.items() if g < VANISHED * largest or largest == 0]
    if vanished and not nothing_passes:  # layers that start at zero, on purpose, pass nothing back at first
        most = max(sizes[name][0] for name in vanished)
        yield Finding(
            "vanished", f"next to no gradient arrives, {most:.1e} in root mean square beside {largest:.1e} elsewhere",
            listed(vanished),
            "relu for sigmoid and tanh, batch or layer normalisation, shortcuts around layers; for exactly 0, units "
            "that are off for every example: a smaller learning rate or leaky_relu",
        )  # fmt: skip
    exploded = [name for name, (g, w) in sizes.items() if g > EXPLODED * max(w, 1e-3)]
    if exploded:
        most, w = sizes[exploded[0]]
        yield Finding(
            "exploded", f"the gradient is {most:.1e} in root mean square, and the weights {w:.1e}", listed(exploded),
            "smaller initial weights, normalised inputs, batch or layer normalisation, clip_grad_norm_",
        )  # fmt: skip


def size(t: Tensor) -> float:
    """The root mean square, of numbers whose squares may overflow."""
    t = t.detach().double()
    return ((t * t).mean() ** 0.5).item()


# ---------------------------------------------------------------------------------------------- modes


def noisy(model: Module) -> list[tuple[str, Module]]:
    """The modules that do otherwise in training than in evaluation: dropout, and what keeps running statistics."""
    drops = lambda m: "Dropout" in type(m).__name__ and getattr(m, "p", 1) > 0
    return [(name, m) for name, m in model.named_modules() if drops(m) or m._buffers.get("running_mean") is not None]


def forgotten_eval(name: str, module: Module) -> Finding:
    does = "drops units" if "Dropout" in type(module).__name__ else "uses, and learns, the statistics of this batch"
    return Finding(
        "eval", f"evaluation in training mode: under no_grad, {type(module).__name__} still {does}",
        name or "the model", "model.eval() before evaluating, model.train() after it",
    )  # fmt: skip


def forgotten_train(name: str, module: Module) -> Finding:
    return Finding(
        "train", f"training in evaluation mode: {type(module).__name__} does what it does in evaluation",
        name or "the model", "model.train() before training goes on, as after each model.eval()",
    )  # fmt: skip


def forgotten_zero_grad(name: str) -> Finding:
    return Finding(
        "zero_grad", "the gradient of an earlier backward is still there, and the next one is added to it", name,
        "optimizer.zero_grad() in each step, before loss.backward()",
    )  # fmt: skip


def has_gradient(p: Tensor) -> bool:
    return p.grad is not None and bool(p.grad.detach().any().item())
