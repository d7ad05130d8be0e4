"""The loop: one step after the other, each handed to whoever drives it, which may log, save or stop between two."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..autograd import Tensor, no_grad
from ..nn import Module
from .checkpoint import Run, random_states, set_random_states


@dataclass(frozen=True)
class Step:
    """What one step saw: the loss before it, the norm of the whole gradient, and the learning rate it was made with."""

    loss: float
    gradient_norm: float
    lr: float


class Diverged(ArithmeticError):
    """The loss, or its gradient, is no number any more. The run stands as it did before that step."""


def train_epoch(run: Run, batches: Iterable[Any], loss_of: Callable[[Tensor, Tensor], Tensor]) -> Iterator[Step]:
    """Train on what is left of the epoch, batch by batch; yields after each step, when the run can be saved."""
    run.model.train()
    for x, y in batches:
        before = changed_by_forward(run.model)
        run.optimizer.zero_grad()
        scores = run.model(x)
        loss = loss_of(scores, y)
        if not math.isfinite(loss.item()):
            restore(run.model, before)
            raise Diverged(f"{the_next(run)} the loss is {loss.item()}, so that step was not made")
        loss.backward()
        norm, unfinished = gradient_norm(run.model)
        if unfinished:
            restore(run.model, before)
            raise Diverged(f"{the_next(run)} the gradient of {unfinished} is not finite, so that step was not made")
        lr = run.optimizer.param_groups[0]["lr"]
        run.optimizer.step()
        if run.scheduler is not None:
            run.scheduler.step()
        n = len(y)
        run.loss += loss.item() * n
        run.correct += hits(scores, y)
        run.seen += n
        run.batch += 1
        run.step += 1
        yield Step(loss.item(), norm, lr)


def the_next(run: Run) -> str:
    return f"in step {run.step + 1} (epoch {run.epoch + 1})"


@no_grad()
def evaluate(
    model: Module, batches: Iterable[Any], loss_of: Callable[[Tensor, Tensor], Tensor],
    go_on: Callable[[], bool] = lambda: True,
) -> tuple[float, float] | None:  # fmt: skip
    """The mean loss and the accuracy over the batches, in evaluation mode; NaN where there are none.

    go_on is asked before every batch; None is returned once it says no."""
    model.eval()
    loss, correct, seen = 0.0, 0, 0
    for x, y in batches:
        if not go_on():
            return None
        scores = model(x)
        loss += loss_of(scores, y).item() * len(y)
        correct += hits(scores, y)
        seen += len(y)
    return (loss / seen, correct / seen) if seen else (math.nan, math.nan)


def hits(scores: Tensor, y: Tensor) -> int:
    """How many examples have their highest score at their class."""
    return int((scores.detach().argmax(1) == y).sum().item())


def gradient_norm(model: Module) -> tuple[float, str | None]:
    """‖g‖ of all gradients together, and the first parameter whose gradient is not finite."""
    named = [(name, p.grad) for name, p in model.named_parameters() if p.grad is not None]
    norm = math.sqrt(sum((g * g).sum().item() for _, g in named))
    return norm, None if math.isfinite(norm) else not_finite(named)  # or only a square was too large


def unusable(run: Run) -> str | None:
    """The first part of a run from which no run could go on, as it is not finite."""
    state = run.optimizer.state.values()
    moments = [(f"the optimizer's {name}", t) for entry in state for name, t in entry.items() if isinstance(t, Tensor)]
    return not_finite([*run.model.named_parameters(), *run.model.named_buffers(), *moments])


def not_finite(named: Iterable[tuple[str, Tensor]]) -> str | None:
    return next((name for name, t in named if not t.detach().isfinite().all().item()), None)


def changed_by_forward(model: Module) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What a forward pass in training changes: running statistics and the random streams."""
    return {name: b.clone() for name, b in model.named_buffers()}, random_states()


@no_grad()
def restore(model: Module, before: tuple[dict[str, Tensor], dict[str, Any]]) -> None:
    buffers, states = before
    for name, b in model.named_buffers():
        b.copy_(buffers[name])
    set_random_states(states)
