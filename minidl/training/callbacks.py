"""What looks on while a Trainer trains, and may log, save or stop: five small classes, and the base for one's own."""

import csv
import io
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..saving import save
from .checkpoint import BEST, CHECKPOINT, WEIGHTS, remove_leftovers
from .log import Log
from .loop import Diverged, Step, unusable
from .progress import Progress, as_text, clock_time
from .stop import Stopped

if TYPE_CHECKING:
    from .trainer import Trainer


class Callback:
    """Methods that a Trainer calls: each is there to be overridden, and does nothing by itself.

    What it remembers goes into checkpoints by state_dict, so that a run taken up again goes on as if never stopped."""

    last = False  # called after the others, as what saves must be

    def on_begin(self, trainer: "Trainer") -> None:
        """Before the first step of a fit; a run that is taken up has its state already."""

    def on_step(self, trainer: "Trainer", step: Step) -> None:
        """After each step; step has its loss, gradient_norm and lr."""

    def on_epoch(self, trainer: "Trainer", numbers: dict[str, Any]) -> None:
        """After each epoch and its validation: train_loss, validation_loss, and so on for each metric."""

    def on_end(self, trainer: "Trainer", why: BaseException | None) -> None:
        """When a fit ends; why: the Stopped, the Diverged or the other error that ended it, or None."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class Best:
    """The best value so far of one of the numbers of an epoch."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode says which values of {monitor} are better, 'min' or 'max', got {mode!r}")
        self.monitor, self.sign, self.min_delta = monitor, 1 if mode == "max" else -1, min_delta
        self.value: float | None = None

    def better(self, numbers: dict[str, Any]) -> bool:
        """Is this epoch the best until now, by more than min_delta? NaN is not."""
        if self.monitor not in numbers:
            raise ValueError(f"there is no {self.monitor!r} among the numbers of an epoch: {', '.join(numbers)}")
        value = float(numbers[self.monitor])
        first = self.value is None and not math.isnan(value)
        if first or self.value is not None and self.sign * (value - self.value) > self.min_delta:
            self.value = value
            return True
        return False


class EarlyStopping(Callback):
    """Stop when a number has not become better for `patience` epochs, and have the weights of the best epoch again.

    monitor: "validation_loss", or another of the numbers; mode: are less ("min") or more ("max") better? min_delta: by
    how much. restore_best: put the weights of the best epoch into the model once training has come to its end.
    best, best_epoch: the number and its epoch."""

    def __init__(
        self, monitor: str = "validation_loss", mode: str = "min", patience: int = 5, min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:  # fmt: skip
        self.number = Best(monitor, mode, min_delta)
        self.patience, self.restore_best = patience, restore_best
        self.waited, self.best_epoch = 0, 0
        self.weights: dict[str, Any] | None = None

    @property
    def best(self) -> float | None:
        return self.number.value

    def on_begin(self, trainer: "Trainer") -> None:
        if not trainer.run.over:
            self.waited = min(self.waited, self.patience - 1)  # another fit after the one it ended

    def on_epoch(self, trainer: "Trainer", numbers: dict[str, Any]) -> None:
        if self.number.better(numbers):
            self.waited, self.best_epoch = 0, trainer.run.epoch
            if self.restore_best:
                copies = {name: part.state_dict() for name, part in parts(trainer).items()}
                self.weights = {n: {k: t.detach().clone() for k, t in state.items()} for n, state in copies.items()}
        else:
            self.waited += 1
            if self.waited >= self.patience:
                trainer.stop()

    def on_end(self, trainer: "Trainer", why: BaseException | None) -> None:
        if self.weights is not None and why is None:
            for name, part in parts(trainer).items():
                part.load_state_dict(self.weights[name])

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited, "weights": self.weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.number.value, self.best_epoch = state["best"], state["best_epoch"]
        self.waited, self.weights = state["waited"], state["weights"]


def parts(trainer: "Trainer") -> dict[str, Any]:
    """What has weights."""
    run = trainer.run
    return {"model": run.model} if run.ema is None else {"model": run.model, "ema": run.ema}


class Checkpoint(Callback):
    """Save the run into a folder after each epoch, and every so many steps: `fit(..., resume=folder)` goes on there.

    checkpoint.safetensors: all of the run. model.safetensors: the weights after the last epoch. best.safetensors: those
    of the best epoch by `monitor`, where given. Each file is replaced in one move, so a kill leaves the old or the new
    one. A run that stops because its loss is no number, or at Ctrl-C, is saved as it stood before; numbers that are
    not finite never take the place of good ones."""

    last = True

    def __init__(
        self, folder: str | os.PathLike[str], every: int | None = None, monitor: str | None = None, mode: str = "min"
    ) -> None:
        self.folder, self.every = Path(folder), every
        self.number = None if monitor is None else Best(monitor, mode)

    def on_begin(self, trainer: "Trainer") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.folder, CHECKPOINT, WEIGHTS, BEST)

    def on_step(self, trainer: "Trainer", step: Step) -> None:
        if self.every is not None and trainer.run.step % self.every == 0:
            self.save(trainer)

    def on_epoch(self, trainer: "Trainer", numbers: dict[str, Any]) -> None:
        trainer.check_finite()
        if self.number is not None and self.number.better(numbers):
            save(trainer.run.evaluated.state_dict(), self.folder / BEST)
        save(trainer.run.evaluated.state_dict(), self.folder / WEIGHTS)
        self.save(trainer)

    def save(self, trainer: "Trainer") -> None:
        trainer.check_finite()
        trainer.run.save(self.folder / CHECKPOINT)

    def on_end(self, trainer: "Trainer", why: BaseException | None) -> None:
        if isinstance(why, (Stopped, Diverged)) and not unusable(trainer.run):
            self.save(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {} if self.number is None else {"best": self.number.value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        assert self.number is not None
        self.number.value = state["best"]


class JsonLog(Callback):
    """A line of JSON for each epoch, and for every so many steps: {"event": "epoch", "epoch": 1, "train_loss": …}.

    A run that is taken up again drops the lines that its checkpoint has not seen."""

    def __init__(self, path: str | os.PathLike[str], every: int | None = None) -> None:
        self.log, self.every = Log(path), every
        self.lines = 0
        self.began, self.earlier = time.monotonic(), 0.0

    def on_begin(self, trainer: "Trainer") -> None:
        self.log.path.parent.mkdir(parents=True, exist_ok=True)
        self.lines = self.log.cut(self.lines)
        self.earlier = max((line["seconds"] for line in self.log.read()), default=0.0)
        self.began = time.monotonic()

    def write(self, event: str, **values: Any) -> None:
        seconds = round(self.earlier + time.monotonic() - self.began, 3)
        self.log.write(event=event, **values, seconds=seconds)
        self.lines += 1

    def on_step(self, trainer: "Trainer", step: Step) -> None:
        run = trainer.run
        if self.every is not None and run.step % self.every == 0:
            self.write("step", epoch=run.epoch + 1, step=run.step, **vars(step))

    def on_epoch(self, trainer: "Trainer", numbers: dict[str, Any]) -> None:
        self.write("epoch", epoch=trainer.run.epoch, step=trainer.run.step, **numbers)
        self.log.sync()

    def state_dict(self) -> dict[str, Any]:
        return {"lines": self.lines}


class CsvLog(Callback):
    """A line for each epoch, under one with the names of the numbers."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.log = Log(path)
        self.lines = 0

    def on_begin(self, trainer: "Trainer") -> None:
        self.log.path.parent.mkdir(parents=True, exist_ok=True)
        self.lines = self.log.cut(self.lines)

    def on_epoch(self, trainer: "Trainer", numbers: dict[str, Any]) -> None:
        row = {"epoch": trainer.run.epoch, "step": trainer.run.step, **numbers}
        for values in [list(row), list(row.values())][bool(self.lines) :]:
            text = io.StringIO()
            csv.writer(text, lineterminator="").writerow(values)
            self.log.append(text.getvalue())
            self.lines += 1
        self.log.sync()

    def state_dict(self) -> dict[str, Any]:
        return {"lines": self.lines}


class ProgressBar(Callback):
    """How far the run is, and the numbers of each epoch: a bar on a terminal, now and then a line elsewhere."""

    def on_begin(self, trainer: "Trainer") -> None:
        run = trainer.run
        self.batches = trainer.batches_in_an_epoch()
        per_epoch = 0 if self.batches is None else -(-self.batches // trainer.accumulate)
        self.bar = Progress(trainer.epochs * per_epoch, run.step)
        self.began = time.monotonic()

    def on_step(self, trainer: "Trainer", step: Step) -> None:
        run = trainer.run
        of = run.batch if self.batches is None else self.batches
        title = f"epoch {run.epoch + 1}/{trainer.epochs}"
        size = run.seen / run.batch * trainer.accumulate
        self.bar.show(title, run.batch, of, run.step, size, loss=run.loss / run.seen)

    def on_epoch(self, trainer: "Trainer", numbers: dict[str, Any]) -> None:
        seconds = clock_time(time.monotonic() - self.began)
        self.bar.say(f"epoch {trainer.run.epoch}/{trainer.epochs}  {as_text(numbers)}  {seconds}")

    def on_end(self, trainer: "Trainer", why: BaseException | None) -> None:
        self.bar.clear()
