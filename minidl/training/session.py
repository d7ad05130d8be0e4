"""One process's part in a run: from its beginning, or from its checkpoint, to its end or until something stops it."""

import errno
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..backend import Generator
from ..data import DataLoader
from ..nn import CrossEntropyLoss
from ..saving import save
from .callbacks import Callback
from .checkpoint import CHECKPOINT, WEIGHTS, remove_leftovers, seed_all
from .datasets import Images
from .log import Log
from .loop import Diverged, Step, unusable
from .metrics import Accuracy
from .networks import NETWORKS
from .options import make_optimizer
from .progress import Progress, as_text, clock_time
from .schedules import constant, cosine
from .stop import Stopped
from .trainer import Trainer, place
from .watcher import watch

LOG = "log.jsonl"


class Session(Callback):
    """What `minidl train` works with: a Trainer, and what goes into the folder and onto the screen meanwhile."""

    last = True

    def __init__(self, folder: Path, options: dict[str, Any], data: Images, device: str, workers: int) -> None:
        self.folder, self.options, self.data = folder, options, data
        self.log, self.lines = Log(folder / LOG), 0
        seed_all(options["seed"])
        model = NETWORKS[options["model"]](data.shape, data.classes).to(device)
        optimizer = make_optimizer(model.parameters(), options)
        self.batches = math.ceil(len(data.train) / options["batch"])  # in an epoch
        self.steps = options["epochs"] * self.batches  # in all
        self.loss_of = CrossEntropyLoss()
        self.trainer = Trainer(
            model, optimizer, self.loss_of, [self], metrics={"accuracy": Accuracy()},
            schedule=constant() if options["schedule"] == "constant" else cosine(self.steps), device=device,
            prepare=data.normaliser(device),
        )  # fmt: skip
        loader: Any = lambda part, shuffle: DataLoader(
            part, options["batch"], shuffle, num_workers=workers, generator=Generator().manual_seed(options["seed"])
        )
        self.test_data = loader(data.test, False)
        self.run = self.trainer.run
        self.train_data = self.run.data = loader(data.train, True)
        self.run.options = {**options, "fingerprint": data.fingerprint(), "known": data.known}
        self.bar = Progress(self.steps)
        self.earlier, self.began = 0.0, time.monotonic()  # seconds of the processes before this one
        self.saved = "none"  # where the run stands in its checkpoint

    # ---- beginning

    def begin(self) -> None:
        with self.writing():
            for name in (CHECKPOINT, WEIGHTS):
                (self.folder / name).unlink(missing_ok=True)
            remove_leftovers(self.folder, CHECKPOINT, WEIGHTS, LOG)
            self.log.cut(0)
        self.checkpoint()

    def take_up(self, saved: dict[str, Any]) -> None:
        run = self.run
        if saved["options"].get("fingerprint") != run.options["fingerprint"]:
            raise ValueError(
                f"the data set {self.options['data_set']} is not what {self.folder} was begun with: it has other "
                "numbers. Name the folder that has the same data with --data FOLDER, or begin another run with --out"
            )
        self.trainer.load_state_dict(saved)
        with self.writing():
            remove_leftovers(self.folder, CHECKPOINT, WEIGHTS, LOG)
            lines = self.log.cut(self.lines)
        if lines < self.lines:
            print(f"note: {self.log.path} has lost {self.lines - lines} lines; the run itself is complete")
            self.lines = lines
        self.earlier = max((line["seconds"] for line in self.log.read()), default=0.0)
        self.bar = Progress(self.steps, run.step)
        self.saved = place(run)

    # ---- training

    def train(self) -> int:
        """Train to the end, or until told to stop; returns the exit status."""
        run, epochs = self.run, self.options["epochs"]
        size = sum(p.numel() for p in run.model.parameters())
        print(
            f"{self.options['model']}, {size:,} parameters, on {self.options['data_set']}, {len(self.data.train):,} "
            f"examples and {len(self.data.test):,} to test on; {epochs} epochs of {self.batches} steps"
            + (f"; goes on from {place(run)}" if run.step else ""),
            flush=True,
        )
        try:
            with watch(run.model, run.optimizer, self.loss_of, tell=self.tell):
                self.trainer.fit(self.train_data, self.test_data, epochs, progress=False)
        except Stopped as stopped:
            self.bar.say(f"Stopped after {place(run)}, and saved.")
            print(self.resume_line(), flush=True)
            return stopped.status
        except Diverged as error:
            return self.diverged(error)
        return self.finished()

    def on_step(self, trainer: Trainer, step: Step) -> None:
        """Show a step; every so often also log it and save the run."""
        run = self.run
        self.bar.show(
            f"epoch {run.epoch + 1}/{self.options['epochs']}", run.batch, self.batches, run.step,
            self.options["batch"], loss=run.loss / run.seen, accuracy=run.metrics["accuracy"].compute(),
        )  # fmt: skip
        if run.step % self.options["every"] == 0:
            self.write(
                "step", epoch=run.epoch + 1, step=run.step, loss=step.loss, gradient_norm=step.gradient_norm, lr=step.lr
            )
            self.checkpoint()

    def on_epoch(self, trainer: Trainer, numbers: dict[str, Any]) -> None:
        """Log, and save the weights and the run."""
        run = self.run
        losses = {name.replace("validation", "test"): value for name, value in numbers.items()}
        seconds = self.write("epoch", epoch=run.epoch, step=run.step, **losses)
        self.checkpoint(weights=True)
        self.bar.say(f"epoch {run.epoch}/{self.options['epochs']}  {as_text(losses)}  {clock_time(seconds)}")

    def on_end(self, trainer: Trainer, why: BaseException | None) -> None:
        if isinstance(why, Stopped):
            self.checkpoint()

    def state_dict(self) -> dict[str, Any]:
        return {"lines": self.lines}

    # ---- what stays

    def write(self, event: str, **values: Any) -> float:
        """A line in the log; returns the seconds that the run has taken until now."""
        seconds = round(self.earlier + time.monotonic() - self.began, 3)
        with self.writing():
            self.log.write(event=event, **values, seconds=seconds)
        self.lines += 1
        return seconds

    def checkpoint(self, weights: bool = False) -> None:
        """Save the run, and with it the log up to here. What no run could go on from does not take the place."""
        self.trainer.check_finite()
        with self.writing():
            self.log.sync()
            if weights:
                save(self.run.model.state_dict(), self.folder / WEIGHTS)
            self.run.save(self.folder / CHECKPOINT)
        self.saved = place(self.run)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Something that the disk may refuse. Should the folder have been deleted meanwhile, it is made again."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            fix = "make room" if full else "see to it that the folder is there and can be written"
            what = f"the checkpoint of {self.saved} is whole: {fix}, then {self.resume_line()}"
            if not (self.folder / CHECKPOINT).exists():
                what = f"nothing is saved yet: {fix}, or take another folder with --out FOLDER"
            self.bar.clear()
            raise OSError(f"{self.folder} cannot be written to ({why}); {what}") from error

    def resume_line(self) -> str:
        return f"resume with: minidl train --resume {self.folder}"

    # ---- the ends

    def tell(self, finding: Any) -> None:
        self.bar.say(f"note: {finding}")

    def diverged(self, error: Diverged) -> int:
        if not unusable(self.run):
            self.checkpoint()
        self.bar.clear()
        print(
            f"minidl train: {error}. The last good checkpoint, of {self.saved}, is "
            f"{self.folder / CHECKPOINT}. Hints: a smaller --lr than {self.options['lr']:g}, a larger --batch, "
            "another --optimizer, in a run of its own with --out FOLDER.",
            file=sys.stderr,
        )
        return 1

    def finished(self) -> int:
        line = [line for line in self.log.read() if line["event"] == "epoch"][-1:]
        for entry in line:
            show = lambda value: "not finite" if value is None else f"{value:.4f}"
            print(
                f"Done: {self.options['epochs']} epochs in {clock_time(entry['seconds'])}; test accuracy "
                f"{show(entry['test_accuracy'])}, test loss {show(entry['test_loss'])}."
            )
        print(f"weights: {self.folder / WEIGHTS}\ncheckpoint: {self.folder / CHECKPOINT}\nlog: {self.folder / LOG}")
        print(f"more epochs: minidl train --resume {self.folder} --epochs {2 * self.options['epochs']}", flush=True)
        return 0
