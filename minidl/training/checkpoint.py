"""A training run between two steps, and the one file that holds all of it.

What the next step computes depends on the model, the optimizer, the schedule, the place in the data and the
random streams. A checkpoint has all of these, so the run that goes on from it is the run that was never stopped,
bit for bit."""

import os
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..api import get_rng_state, manual_seed, set_rng_state
from ..data import DataLoader
from ..nn import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from ..saving import load, save

KIND = "minidl training run 1"  # what the file says it is; the number changes when its parts do


@dataclass
class Run:
    """What is trained, and how far it is."""

    model: Module
    optimizer: Optimizer
    scheduler: LRScheduler | None = None
    data: DataLoader | None = None  # of the examples to learn from; knows its place in the epoch
    options: dict[str, Any] = field(default_factory=dict)  # how the run was asked for
    epoch: int = 0  # epochs that are over
    batch: int = 0  # batches of the present epoch that are over
    step: int = 0  # steps in all
    loss: float = 0.0  # sums over the examples that the present epoch has seen
    correct: int = 0
    seen: int = 0
    logged: int = 0  # lines in the log

    def state_dict(self) -> dict[str, Any]:
        return {
            "kind": KIND,
            "options": self.options,
            "progress": {name: getattr(self, name) for name in PROGRESS},
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "data": None if self.data is None else self.data.state_dict(),
            "random": random_states(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Become the run that a checkpoint holds; the random streams go on from where they were."""
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            first = " ".join(str(error).split())
            raise ValueError(f"the checkpoint is of another model or another optimizer: {first}") from None
        for name, part in (("scheduler", self.scheduler), ("data", self.data)):
            if (part is None) != (state[name] is None):
                raise ValueError(f"of the checkpoint and this run, only one has a {name}")
            if part is not None:
                part.load_state_dict(state[name])
        for name in PROGRESS:
            setattr(self, name, state["progress"][name])
        set_random_states(state["random"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the checkpoint: complete and under its name, or not at all."""
        save(self.state_dict(), path)

    def end_epoch(self) -> None:
        self.epoch += 1
        self.batch, self.loss, self.correct, self.seen = 0, 0.0, 0, 0


PROGRESS = ("epoch", "batch", "step", "loss", "correct", "seen", "logged")


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The state that a checkpoint holds, for `Run.load_state_dict`; other files are refused in words."""
    state = load(path)
    if not isinstance(state, dict) or state.get("kind") != KIND:
        what = "a file of weights" if isinstance(state, dict) else f"a {type(state).__name__}"
        raise ValueError(f"{os.fspath(path)} is no checkpoint of a training run, but {what} or of another version")
    return state


def seed_all(seed: int) -> None:
    """Start every random stream of the process over."""
    manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def random_states() -> dict[str, Any]:
    """Where every random stream of the process stands: minidl's, and NumPy's and Python's, which data sets may use."""
    return {"minidl": get_rng_state(), "numpy": np.random.get_state(legacy=False), "python": random.getstate()}


def set_random_states(states: dict[str, Any]) -> None:
    set_rng_state(states["minidl"])
    np.random.set_state(states["numpy"])
    random.setstate(states["python"])
