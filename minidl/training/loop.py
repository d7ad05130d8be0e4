"""The loop: one step after the other, each handed to whoever drives it, which may log, save or stop between two."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..api import tensor
from ..autograd import Tensor, no_grad
from ..nn import Module
from ..nn.utils import clip_grad_norm_, clip_grad_value_
from .checkpoint import Run, random_states, set_random_states
from .metrics import Accuracy, Metric


@dataclass(frozen=True)
class Step:
    """What one step saw: the loss before it, the norm of the whole gradient, and the learning rate it was made with."""

    loss: float
    gradient_norm: float
    lr: float


class Diverged(ArithmeticError):
    """The loss, or its gradient, is no number any more. The run stands as it did before that step."""


def train_epoch(
    run: Run, batches: Iterable[Any], loss_of: Callable[..., Tensor], *, accumulate: int = 1, clip: float | None = None,
    clip_value: float | None = None, l1: float = 0.0, by_step: bool = True,
) -> Iterator[Step]:  # fmt: skip
    """Train on what is left of the epoch; yields after each step, when the run can be saved.

    A batch is (x, y), or (x₁, x₂, …, y) for a model of several inputs. accumulate: a step takes so many batches, and
    its gradient is that of all of them as one batch. clip: the largest norm of the gradient; clip_value: its largest
    entry. l1: λ in loss + λ Σ|w|, over the parameters with more than one axis. by_step: the schedule goes by steps."""
    run.model.train()
    batches = iter(batches)
    while group := list(itertools.islice(batches, accumulate)):
        before = changed_by_forward(run.model)
        sizes = [len(y) for *_, y in group]
        run.optimizer.zero_grad()
        seen, total = [], 0.0
        for (*x, y), n in zip(group, sizes):
            scores = run.model(*x)
            loss = loss_of(scores, y)
            if not math.isfinite(loss.item()):
                take_back(run, before)
                raise Diverged(f"{the_next(run)} the loss is {loss.item()}, so that step was not made")
            if len(group) == 1:
                loss.backward()
            else:
                (loss * (n / sum(sizes))).backward()  # the mean of the whole, as loss is the mean of its batch
            total += loss.item() * n
            if run.metrics:
                seen.append((scores.detach(), y))
        if l1:
            weights = [p for p in run.model.parameters() if p.requires_grad and p.ndim > 1]
            sum((l1 * w.abs().sum() for w in weights), tensor(0.0)).backward()
        norm, unfinished = gradient_norm(run.model)
        if unfinished:
            take_back(run, before)
            raise Diverged(f"{the_next(run)} the gradient of {unfinished} is not finite, so that step was not made")
        if clip is not None:
            clip_grad_norm_(run.model.parameters(), clip)
        if clip_value is not None:
            clip_grad_value_(run.model.parameters(), clip_value)
        lr = float(run.optimizer.param_groups[0]["lr"])
        run.optimizer.step()
        if run.scheduler is not None and by_step:
            run.scheduler.step()
        if run.ema is not None:
            run.ema.update_parameters(run.model)
        for metric in run.metrics.values():
            for scores, y in seen:
                metric.update(scores, y)
        run.loss += total
        run.seen += sum(sizes)
        run.batch += len(group)
        run.step += 1
        yield Step(total / sum(sizes) if len(group) > 1 else loss.item(), norm, lr)


def the_next(run: Run) -> str:
    return f"in step {run.step + 1} (epoch {run.epoch + 1})"


@no_grad()
def evaluate(
    model: Module, batches: Iterable[Any], loss_of: Callable[..., Tensor], go_on: Callable[[], bool] = lambda: True,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, Any] | None:  # fmt: skip
    """The mean loss over the examples, and the metrics, in evaluation mode; NaN where there are none.

    go_on is asked before every batch; None is returned once it says no."""
    model.eval()
    metrics = {"accuracy": Accuracy()} if metrics is None else metrics
    loss, seen = 0.0, 0
    for metric in metrics.values():
        metric.reset()
    for *x, y in batches:
        if not go_on():
            return None
        scores = model(*x)
        loss += loss_of(scores, y).item() * len(y)
        seen += len(y)
        for metric in metrics.values():
            metric.update(scores, y)
    return {"loss": loss / seen if seen else math.nan, **{name: metric.compute() for name, metric in metrics.items()}}


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


def take_back(run: Run, before: tuple[dict[str, Tensor], dict[str, Any]]) -> None:
    """As if the step had not been tried."""
    run.optimizer.zero_grad()
    restore(run.model, before)


@no_grad()
def restore(model: Module, before: tuple[dict[str, Tensor], dict[str, Any]]) -> None:
    buffers, states = before
    for name, b in model.named_buffers():
        b.copy_(buffers[name])
    set_random_states(states)
