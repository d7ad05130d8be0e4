"""Trainer: the loop with what goes around it, for whoever does not want to write that again."""

import copy
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..api import cat
from ..autograd import Tensor, no_grad
from ..nn import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import CyclicLR, LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from ..optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from .callbacks import Callback, Checkpoint, ProgressBar
from .checkpoint import CHECKPOINT, Run, load_checkpoint, random_states, set_random_states
from .loop import Diverged, Step, evaluate, train_epoch, unusable
from .metrics import Metric
from .stop import FINISHED, SAVED, Stop, Stopped


class Trainer:
    """Train a model: `Trainer(model, optimizer, loss).fit(loader, validation, epochs=10)`.

        trainer = Trainer(model, optim.AdamW(model.parameters(), lr=1e-3), nn.CrossEntropyLoss(label_smoothing=0.1),
                          [EarlyStopping(patience=3), Checkpoint("runs/a")], metrics={"accuracy": Accuracy()},
                          schedule=cosine(steps=2000, warmup=100), clip=1.0, ema=0.999)
        trainer.fit(loader, validation, epochs=20, resume="runs/a")

    loss(model(x), y) is the mean over the batch; batches are (x, y), or (x₁, x₂, …, y) for a model of several inputs.
    callbacks: see Callback; metrics: a dict of Metric by name, or a list of them. Weight decay is the optimizer's,
    label smoothing the loss's.
    schedule: a function of the step, the share of the rate that it is made with; or an LRScheduler of this optimizer.
    schedule_by: "step" or "epoch", where the usual is not meant: functions, OneCycleLR and CyclicLR go by steps, others
    by epochs.
    clip: the largest norm of the gradient; clip_value: its largest entry. accumulate: a step takes so many batches, and
    has the gradient of them as one batch. l1: λ in loss + λ Σ|w|, over the parameters with more than one axis.
    ema: a decay, 0.999 say: a ← decay a + (1 − decay) w after each step, and a is what is evaluated and predicts.
    device: where the model and each batch are moved. prepare: what is done to x there, before the model."""

    def __init__(
        self, model: Module, optimizer: Optimizer, loss: Callable[..., Tensor], callbacks: Sequence[Callback] = (), *,
        metrics: Mapping[str, Metric] | Sequence[Metric] = (), schedule: Any = None, schedule_by: str | None = None,
        clip: float | None = None, clip_value: float | None = None, accumulate: int = 1, l1: float = 0.0,
        ema: float | None = None, device: Any = None, prepare: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        for name, limit in (("clip", clip), ("clip_value", clip_value)):
            if limit is not None and not limit > 0:
                raise ValueError(f"Trainer: {name} is a number above 0, got {limit}")
        if accumulate < 1:
            raise ValueError(f"Trainer: accumulate is 1 batch for a step or more, got {accumulate}")
        if schedule_by not in (None, "step", "epoch"):
            raise ValueError(f"Trainer: schedule_by is 'step' or 'epoch', got {schedule_by!r}")
        if not isinstance(metrics, Mapping):
            metrics = {type(metric).__name__.lower(): metric for metric in metrics}
        self.device, self.prepare, self.loss_of = device, prepare, loss
        self.clip, self.clip_value, self.accumulate, self.l1 = clip, clip_value, accumulate, l1
        model = model if device is None else model.to(device)
        average = None if ema is None else AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema))
        self.share = None if schedule is None or isinstance(schedule, LRScheduler) else schedule
        scheduler = schedule if self.share is None else LambdaLR(optimizer, self.share)
        if scheduler is not None and scheduler.optimizer is not optimizer:
            raise ValueError("Trainer: the schedule belongs to another optimizer")
        by_step = self.share is not None or isinstance(scheduler, (OneCycleLR, CyclicLR))
        self.schedule_by = schedule_by or ("step" if by_step else "epoch")
        self.callbacks = list(callbacks)
        self.run = Run(
            model, optimizer, scheduler, metrics={name: copy.deepcopy(m) for name, m in metrics.items()}, ema=average,
            callbacks=self.callbacks,
        )  # fmt: skip
        self.metrics = {name: copy.deepcopy(m) for name, m in metrics.items()}  # of what is only evaluated
        self.validation: Iterable[Any] | None = None
        self.epochs = 0
        self.taken_up = False

    @property
    def model(self) -> Module:
        return self.run.model

    @property
    def optimizer(self) -> Optimizer:
        return self.run.optimizer

    @property
    def history(self) -> list[dict[str, Any]]:
        """The numbers of each epoch."""
        return self.run.history

    # ---- training

    def fit(
        self, loader: Iterable[Any], validation: Iterable[Any] | None = None, epochs: int = 1, *,
        resume: str | os.PathLike[str] | None = None, progress: bool = True,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Train until `epochs` epochs are over in all, those of earlier fits included; returns the history.

        resume: go on from the checkpoint in this folder, where there is one. A run that was killed and resumed ends
        with the same bits as one that was not, whatever the moment, provided that the same program makes the Trainer,
        after `seed_all(0)`, and that `loader` is a DataLoader, or gives the same batches each time.
        progress: show how far it is.

        Diverged is raised when the loss or its gradient is no number; the model is then as it was before that step.
        Ctrl-C finishes the present step and raises Stopped, a KeyboardInterrupt; fit again goes on from there."""
        run = self.run
        self.validation, self.epochs = validation, epochs
        if resume is not None:
            self.resume(resume)
        if run.data is not loader:
            run.data, where, run.place = loader, run.place, None
            if where is not None and hasattr(loader, "load_state_dict"):
                loader.load_state_dict(where)
            elif not self.taken_up:
                run.begin_epoch()
        run.over, self.taken_up = run.over and self.taken_up, False
        looking = [*self.callbacks, *([ProgressBar()] if progress else [])]
        looking.sort(key=lambda callback: callback.last)
        saves = any(isinstance(callback, Checkpoint) for callback in looking)
        # What is not finite is found and said in words, so NumPy need not warn of it.
        with Stop(SAVED if saves else FINISHED) as stop, np.errstate(all="ignore"):
            why: BaseException | None = None
            for callback in looking:
                callback.on_begin(self)
            try:
                self.reach_the_end(looking, stop)
            except BaseException as error:
                why = error
                raise
            finally:
                for callback in reversed(looking):  # what saves does so before another changes the weights
                    callback.on_end(self, why)
        return self.history

    def stop(self) -> None:
        """For callbacks: let this epoch be the last."""
        self.run.over = True

    def reach_the_end(self, looking: Sequence[Callback], stop: Stop) -> None:
        run = self.run
        while run.epoch < self.epochs and not run.over:
            for step in self.rest_of_epoch():
                for callback in looking:
                    callback.on_step(self, step)
                if stop.asked:
                    raise Stopped(f"stopped after {place(run)}", stop.status)
            numbers = self.end_epoch(lambda: not stop.asked)
            if numbers is None:
                raise Stopped(f"stopped after {place(run)}", stop.status)
            for callback in looking:
                callback.on_epoch(self, numbers)

    def rest_of_epoch(self) -> Iterator[Step]:
        """The steps that the epoch still has; none where the run was stopped during the validation that ends it."""
        run, loader, where = self.run, self.run.data, None
        if not hasattr(loader, "state_dict"):
            batches = itertools.islice(loader, run.batch, None)
        else:
            if run.batch:
                state = loader.state_dict()
                if state["batches"] is None:
                    return
                loader.load_state_dict({**state, "batches": run.batch})
            batches = iter(loader)
            where = loader.state_dict()
        try:
            yield from self.steps(map(self.prepared, batches))
        except (Exception, KeyboardInterrupt):
            if where is not None:  # batches that were taken, and not learned from, are to be taken again
                loader.load_state_dict({**where, "batches": run.batch})
            raise

    def steps(self, batches: Iterator[Any]) -> Iterator[Step]:
        """Learn from the batches: one Step after the other, after each of which the run can be saved."""
        return train_epoch(
            self.run, batches, self.loss_of, accumulate=self.accumulate, clip=self.clip, clip_value=self.clip_value,
            l1=self.l1, by_step=self.schedule_by == "step",
        )  # fmt: skip

    def end_epoch(self, go_on: Callable[[], bool]) -> dict[str, Any] | None:
        """Validate, let the schedule go on, and count the epoch; None where it was to end before that was over."""
        run = self.run
        if not run.seen:
            raise ValueError("Trainer.fit: the loader gave no batches")
        numbers = {"train_loss": run.loss / run.seen}
        numbers |= {f"train_{name}": metric.compute() for name, metric in run.metrics.items()}
        if self.validation is not None:
            found = self.evaluated(self.validation, go_on)
            if found is None:
                return None
            numbers |= {f"validation_{name}": value for name, value in found.items()}
        if isinstance(run.scheduler, ReduceLROnPlateau):
            run.scheduler.step(numbers.get("validation_loss", numbers["train_loss"]))
        elif run.scheduler is not None and self.schedule_by == "epoch":
            run.scheduler.step()
        run.end_epoch()
        run.history.append({"epoch": run.epoch, "step": run.step, **numbers})
        return numbers

    def prepared(self, batch: Any) -> Any:
        """A batch (x, …, y) where the model is."""
        if not isinstance(batch, (list, tuple)) or len(batch) < 2:
            raise TypeError(f"Trainer: a batch is (x, y), got {type(batch).__name__}")
        *x, y = (part if self.device is None else moved(part, self.device) for part in batch)
        return (*(x if self.prepare is None else map(self.prepare, x)), y)

    def batches_in_an_epoch(self) -> int | None:
        try:
            return len(self.run.data)
        except TypeError:
            return None

    def check_finite(self) -> None:
        """Refuse to save what no run could go on from."""
        if bad := unusable(self.run):
            raise Diverged(f"after {place(self.run)} the values of {bad} are not finite")

    # ---- using the model

    def evaluate(self, loader: Iterable[Any]) -> dict[str, Any]:
        """The mean loss and the metrics over the batches, in evaluation mode."""
        found = self.evaluated(loader)
        assert found is not None
        return found

    def evaluated(self, loader: Iterable[Any], go_on: Callable[[], bool] = lambda: True) -> dict[str, Any] | None:
        """Training goes on afterwards as if there had been no evaluation: the random streams stay where they were."""
        model, states = self.run.evaluated, random_states()
        was_training = model.training
        try:
            return evaluate(model, map(self.prepared, loader), self.loss_of, go_on, self.metrics)
        finally:
            model.train(was_training)
            set_random_states(states)

    @no_grad()
    def predict(self, loader: Any) -> Any:
        """What the model gives, in evaluation mode, one batch after the other; of batches (x, y), for x.

        A tensor is one batch of x."""
        model, states = self.run.evaluated, random_states()
        was_training = model.training
        model.eval()
        outputs = []
        try:
            for batch in [loader] if isinstance(loader, Tensor) else loader:
                parts = list(batch) if isinstance(batch, (list, tuple)) else [batch]
                x = parts[:-1] if len(parts) > 1 else parts
                x = x if self.device is None else moved(x, self.device)
                outputs.append(model(*(x if self.prepare is None else map(self.prepare, x))))
        finally:
            model.train(was_training)
            set_random_states(states)
        if not outputs:
            raise ValueError("Trainer.predict: the loader gave no batches")
        return cat(outputs)

    # ---- what stays

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, between two steps: for minidl.save, and load_state_dict."""
        return self.run.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Become the run that the state is of; the next fit goes on with it."""
        run = self.run
        run.data = None  # the next fit has it, and takes it to its place
        run.load_state_dict(state)
        if isinstance(run.scheduler, LambdaLR) and self.share is not None:
            for group, base in zip(run.optimizer.param_groups, run.scheduler.base_lrs):
                group["lr"] = base * self.share(run.step)  # a longer run may have another curve
        self.taken_up = True

    def resume(self, folder: str | os.PathLike[str]) -> bool:
        """Load the checkpoint in a folder, or the file itself; False where there is none."""
        path = Path(folder)
        path = path / CHECKPOINT if path.is_dir() else path
        if not path.exists():
            return False
        self.load_state_dict(load_checkpoint(path))
        return True


def moved(part: Any, device: Any) -> Any:
    """The tensors of a nested batch on a device."""
    if isinstance(part, Tensor):
        return part.to(device)
    if isinstance(part, dict):
        return {key: moved(value, device) for key, value in part.items()}
    return type(part)(moved(value, device) for value in part) if isinstance(part, (list, tuple)) else part


def place(run: Run) -> str:
    return f"step {run.step} (epoch {run.epoch + (run.batch > 0)})"
