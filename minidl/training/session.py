"""One process's part in a run: from its beginning, or from its checkpoint, to its end or until something stops it."""

import errno
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..backend import Generator
from ..data import DataLoader
from ..nn import CrossEntropyLoss
from ..optim.lr_scheduler import LambdaLR
from ..saving import save
from .checkpoint import Run, seed_all
from .datasets import Images
from .log import Log
from .loop import Diverged, Step, evaluate, train_epoch, unusable
from .networks import NETWORKS
from .options import make_optimizer
from .progress import Progress, clock_time
from .stop import Stop
from .watcher import watch

CHECKPOINT, WEIGHTS, LOG = "checkpoint.safetensors", "model.safetensors", "log.jsonl"


class Session:
    """What `minidl train` works with."""

    def __init__(self, folder: Path, options: dict[str, Any], data: Images, device: str, workers: int) -> None:
        self.folder, self.options, self.data, self.device = folder, options, data, device
        self.log = Log(folder / LOG)
        seed_all(options["seed"])
        model = NETWORKS[options["model"]](data.shape, data.classes).to(device)
        optimizer = make_optimizer(model.parameters(), options)
        self.batches = math.ceil(len(data.train) / options["batch"])  # in an epoch
        self.steps = options["epochs"] * self.batches  # in all
        self.scheduler = LambdaLR(optimizer, self.rate)
        loader: Any = lambda part, shuffle: DataLoader(
            part, options["batch"], shuffle, num_workers=workers, generator=Generator().manual_seed(options["seed"])
        )
        self.test_data = loader(data.test, False)
        self.run = Run(
            model, optimizer, self.scheduler, loader(data.train, True), {**options, "fingerprint": data.fingerprint()}
        )
        self.loss_of = CrossEntropyLoss()
        self.prepare = data.normaliser(device)
        self.bar = Progress(self.steps)
        self.earlier, self.began = 0.0, time.monotonic()  # seconds of the processes before this one
        self.saved = "none"  # where the run stands in its checkpoint

    def rate(self, step: int) -> float:
        """The share of the learning rate that a step is made with: 1, or from 1 to 0 along half a cosine."""
        if self.options["schedule"] == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * min(step / self.steps, 1.0)))

    # ---- beginning

    def begin(self) -> None:
        with self.writing():
            for name in (CHECKPOINT, WEIGHTS):
                (self.folder / name).unlink(missing_ok=True)
            self.remove_leftovers()
            self.log.cut(0)
        self.checkpoint()

    def take_up(self, saved: dict[str, Any]) -> None:
        run = self.run
        if saved["options"].get("fingerprint") != run.options["fingerprint"]:
            raise ValueError(
                f"the data set {self.options['data_set']} is not what {self.folder} was begun with: it has other "
                "numbers. Name the folder that has the same data with --data FOLDER, or begin another run with --out"
            )
        run.load_state_dict(saved)
        for group, base in zip(run.optimizer.param_groups, self.scheduler.base_lrs):
            group["lr"] = base * self.rate(run.step)  # a longer run has another curve
        with self.writing():
            self.remove_leftovers()
            lines = self.log.cut(run.logged)
        if lines < run.logged:
            print(f"note: {self.log.path} has lost {run.logged - lines} lines; the run itself is complete")
            run.logged = lines
        self.earlier = max((line["seconds"] for line in self.log.read()), default=0.0)
        self.bar = Progress(self.steps, run.step)
        self.saved = place(run)

    def remove_leftovers(self) -> None:
        """Files that a kill left half-written."""
        for name in (CHECKPOINT, WEIGHTS, LOG):
            for part in self.folder.glob(f".{name}.*.part"):
                part.unlink(missing_ok=True)

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
            # What is not finite is found and said in words, so NumPy need not warn of it.
            looking = watch(run.model, run.optimizer, self.loss_of, tell=self.tell)
            with Stop() as stop, np.errstate(all="ignore"), looking:
                return self.finished() if self.reach_the_end(stop) else self.stopped(stop)
        except Diverged as error:
            return self.diverged(error)

    def reach_the_end(self, stop: Stop) -> bool:
        """Train all epochs; False where the run was asked to stop before."""
        while self.run.epoch < self.options["epochs"]:
            for step in self.rest_of_epoch():
                self.after(step)
                if stop.asked:
                    return False
            if not self.end_epoch(stop):
                return False
        return True

    def rest_of_epoch(self) -> Iterator[Step]:
        """The steps that the epoch still has; none where the run was stopped during the test that ends it."""
        run, batches = self.run, cast(DataLoader[Any], self.run.data)
        over = run.batch == self.batches and batches.state_dict()["batches"] is None
        return iter(()) if over else train_epoch(run, self.prepared(batches), self.loss_of)

    def prepared(self, batches: Any) -> Iterator[Any]:
        return ((self.prepare(x), y.to(self.device)) for x, y in batches)

    def after(self, step: Step) -> None:
        """Show a step; every so often also log it and save the run."""
        run = self.run
        self.bar.show(
            f"epoch {run.epoch + 1}/{self.options['epochs']}", run.batch, self.batches, run.step,
            run.loss / run.seen, run.correct / run.seen, self.options["batch"],
        )  # fmt: skip
        if run.step % self.options["every"] == 0:
            self.write(
                "step", epoch=run.epoch + 1, step=run.step, loss=step.loss, gradient_norm=step.gradient_norm, lr=step.lr
            )
            self.checkpoint()

    def end_epoch(self, stop: Stop) -> bool:
        """Test, log, and save the weights and the run; False where it was asked to stop before the test was over."""
        run = self.run
        tested = evaluate(run.model, self.prepared(self.test_data), self.loss_of, lambda: not stop.asked)
        if tested is None:
            return False
        loss, accuracy = tested
        losses = {"train_loss": run.loss / run.seen, "train_accuracy": run.correct / run.seen}
        losses |= {"test_loss": loss, "test_accuracy": accuracy}
        run.end_epoch()
        seconds = self.write("epoch", epoch=run.epoch, step=run.step, **losses)
        self.checkpoint(weights=True)
        text = "  ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in losses.items())
        self.bar.say(f"epoch {run.epoch}/{self.options['epochs']}  {text}  {clock_time(seconds)}")
        return True

    # ---- what stays

    def write(self, event: str, **values: Any) -> float:
        """A line in the log; returns the seconds that the run has taken until now."""
        seconds = round(self.earlier + time.monotonic() - self.began, 3)
        with self.writing():
            self.log.write(event=event, **values, seconds=seconds)
        self.run.logged += 1
        return seconds

    def checkpoint(self, weights: bool = False) -> None:
        """Save the run, and with it the log up to here. What no run could go on from does not take the place."""
        if bad := unusable(self.run):
            raise Diverged(f"after {place(self.run)} the values of {bad} are not finite")
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

    def stopped(self, stop: Stop) -> int:
        self.checkpoint()
        self.bar.say(f"Stopped after {place(self.run)}, and saved.")
        print(self.resume_line(), flush=True)
        return stop.status

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


def place(run: Run) -> str:
    return f"step {run.step} (epoch {run.epoch + (run.batch > 0)})"
