"""lint: one look at a model and a batch before the training that they are for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..autograd import Node, Tensor, enable_grad, is_grad_enabled
from ..autograd import grad as gradients_of
from ..autograd.backward import reachable
from ..nn import Module
from ..nn import functional as F
from . import checks
from .checkpoint import random_states, set_random_states
from .findings import Finding, Findings


def lint(model: Any, batch: Any, loss_fn: Callable[..., Tensor] | None = None, optimizer: Any = None, *,
         verbose: bool = True) -> Findings:  # fmt: skip
    """Run one batch through model and loss, forwards and backwards, and say what is probably a mistake.

        minidl.lint(net, (x, y), nn.CrossEntropyLoss())

    batch: (x, y), or x alone. loss_fn: by default cross_entropy for labels that are integers (nll_loss after
    log_softmax), and mse_loss for floats. optimizer: also look at whether it has all parameters.
    Nothing is changed: not the gradients, the running statistics, the modes or the random streams.
    Returns what was found, and prints it if verbose: softmax before cross-entropy, labels that are no classes, inputs
    that are not normalised, frozen and unused parameters, gradients that vanish or explode, a forgotten zero_grad or
    eval."""
    x, y = batch if isinstance(batch, (tuple, list)) and len(batch) == 2 else (batch, None)
    if not isinstance(x, Tensor) or not isinstance(model, Module):
        raise TypeError(f"lint: a Module and a batch (x, y) of tensors are needed, got {kind(model)} and {kind(batch)}")
    found = Findings(find(model, x, y, loss_fn, optimizer))
    if verbose:
        print(found)
    return found


def find(model: Module, x: Tensor, y: Any, loss_fn: Any, optimizer: Any) -> Iterator[Finding]:
    if not is_grad_enabled():
        yield from (checks.forgotten_eval(name, m) for name, m in checks.noisy(model)[:1] if m.training)
    stale = [name for name, p in model.named_parameters() if checks.has_gradient(p)]
    if stale:
        yield checks.forgotten_zero_grad(checks.listed(stale))
    with untouched(model), enable_grad(), np.errstate(all="ignore"):
        with places_in(model) as places:
            scores = model(x)
        if not isinstance(scores, Tensor):
            raise TypeError(f"lint: the model returns {kind(scores)}; a tensor is needed: give lint the part that does")
        if y is None:
            loss = (scores * scores).mean()
        else:
            wrong = list(checks.check_labels(scores, y, getattr(loss_fn, "ignore_index", -100)))
            try:
                loss = loss_of(scores, y, loss_fn)
            except (ValueError, TypeError, IndexError, RuntimeError):
                if not wrong:
                    raise
                yield from wrong  # which is why the loss cannot be computed
                loss = (scores * scores).mean()
        if loss.ndim:
            loss = loss.mean()
        named = dict(model.named_parameters())
        learning = {name: p for name, p in named.items() if p.requires_grad}
        yield from checks.check_softmax(loss, places)
        yield from checks.check_one_hot(loss)
        order = reachable([loss.node] if loss.node is not None else [])
        yield from checks.check_inputs(order, {p: name for name, p in named.items()}, len(x) if x.ndim else 1)
        found: Any = [None] * len(learning)
        if loss.requires_grad:
            found = gradients_of(loss, list(learning.values()), allow_unused=True)
    got = {name: (p, g) for (name, p), g in zip(learning.items(), found) if g is not None}
    yield from checks.check_parameters(model, {p for p, _ in got.values()}, optimizer)
    if y is not None:
        yield from checks.check_gradients(got)


def loss_of(scores: Tensor, y: Any, loss_fn: Any) -> Tensor:
    """The loss that was given, or the one that goes with such scores and labels."""
    if loss_fn is not None:
        return loss_fn(scores, y)
    if y.dtype.kind in "iub" or (y.shape == scores.shape and y.ndim > 1 and y.shape[1] > 1 and checks.one_hot(y, 1)):
        ends_in = scores.node.op.name if scores.node is not None else None
        return F.nll_loss(scores, y) if ends_in == "log_softmax" else F.cross_entropy(scores, y)
    return F.mse_loss(scores, y)


@contextmanager
def untouched(model: Module) -> Iterator[None]:
    """A block that leaves the modules and the random streams as they were; running statistics are written in copies."""
    states, before = random_states(), [(m, dict(vars(m))) for m in model.modules()]
    buffers = {m: dict(m._buffers) for m, _ in before}
    copies = {id(b): b.clone() for held in buffers.values() for b in held.values() if b is not None}
    for m, held in buffers.items():
        m._buffers = {name: None if b is None else copies[id(b)] for name, b in held.items()}
    try:
        yield
    finally:
        for m, attributes in before:
            vars(m).clear()
            vars(m).update(attributes)
        set_random_states(states)


@contextmanager
def places_in(model: Module) -> Iterator[dict[Node, str]]:
    """Which module's output each record is; filled while the model runs inside the block."""
    places: dict[Node, str] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(module: Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.node is not None:
                places.setdefault(output.node, name)

        return hook

    handles = [m.register_forward_hook(note(described(name, m, model))) for name, m in model.named_modules()]
    try:
        yield places
    finally:
        for handle in handles:
            handle.remove()


def described(name: str, module: Module, model: Module) -> str:
    return f"{type(model).__name__}" + (f".{name} ({type(module).__name__})" if name else "'s output")


def kind(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"({', '.join(type(v).__name__ for v in value)})"
    return type(value).__name__
