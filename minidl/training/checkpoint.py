"""A training run between two steps, and the one file that holds all of it.

What the next step computes depends on the model, the optimizer, the schedule, the place in the data, the random
streams, and whatever callbacks remember. A checkpoint has all of these, so the run that goes on from it is the run
that was never stopped, bit for bit."""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..api import get_rng_state, manual_seed, set_rng_state
from ..nn import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler
from ..optim.swa_utils import AveragedModel
from ..saving import load, save
from .metrics import Metric

CHECKPOINT, WEIGHTS, BEST = "checkpoint.safetensors", "model.safetensors", "best.safetensors"
KIND = "minidl training run 2"  # what the file says it is; the number changes when its parts do


@dataclass
class Run:
    """What is trained, and how far it is."""

    model: Module
    optimizer: Optimizer
    scheduler: LRScheduler | None = None
    data: Any = None  # batches to learn from; a DataLoader knows its place in the epoch
    options: dict[str, Any] = field(default_factory=dict)  # how the run was asked for
    epoch: int = 0  # epochs that are over
    batch: int = 0  # batches of the present epoch that are over
    step: int = 0  # steps in all
    loss: float = 0.0  # the sum over the examples that the present epoch has seen
    seen: int = 0
    over: bool = False  # somebody said that it is enough
    metrics: dict[str, Metric] = field(default_factory=dict)  # of the present epoch
    ema: AveragedModel | None = None
    callbacks: list[Any] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)  # the numbers of each epoch
    place: Any = None  # in data that the run has not been given yet

    @property
    def evaluated(self) -> Module:
        """What is tested, and used in the end: the average, where there is one."""
        return self.model if self.ema is None else self.ema.module

    def state_dict(self) -> dict[str, Any]:
        return {
            "kind": KIND,
            "options": self.options,
            "progress": {name: getattr(self, name) for name in PROGRESS},
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "data": self.data.state_dict() if hasattr(self.data, "state_dict") else self.place,
            "metrics": {name: metric.state_dict() for name, metric in self.metrics.items()},
            "callbacks": {name: state for name, c in self.named_callbacks() if (state := c.state_dict())},
            "history": [dict(numbers) for numbers in self.history],
            "random": random_states(),
        }

    def named_callbacks(self) -> list[tuple[str, Any]]:
        """Each under its class and, of several, its number."""
        kinds = [type(c).__name__ for c in self.callbacks]
        return [(f"{kind} {kinds[:k].count(kind)}", c) for k, (kind, c) in enumerate(zip(kinds, self.callbacks))]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Become the run that a checkpoint holds; the random streams go on from where they were."""
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            first = " ".join(str(error).split())
            raise ValueError(f"the checkpoint is of another model or another optimizer: {first}") from None
        for name, part in (("scheduler", self.scheduler), ("ema", self.ema)):
            if (part is None) != (state[name] is None):
                raise ValueError(f"of the checkpoint and this run, only one has a part named {name}")
            if part is not None:
                part.load_state_dict(state[name])
        self.load_each("metrics", self.metrics, state["metrics"])
        self.load_each("callbacks", {n: c for n, c in self.named_callbacks() if c.state_dict()}, state["callbacks"])
        if self.data is None:
            self.place = state["data"]
        elif hasattr(self.data, "state_dict") and state["data"] is not None:
            self.data.load_state_dict(state["data"])
        for name in PROGRESS:
            setattr(self, name, state["progress"][name])
        self.history[:] = state["history"]
        set_random_states(state["random"])

    def load_each(self, what: str, parts: dict[str, Any], states: dict[str, Any]) -> None:
        if set(parts) != set(states):
            has = lambda names: ", ".join(sorted(names)) or "none"
            raise ValueError(f"the checkpoint has the {what} {has(states)}, and this run has {has(parts)}")
        for name, part in parts.items():
            part.load_state_dict(states[name])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the checkpoint: complete and under its name, or not at all."""
        save(self.state_dict(), path)

    def end_epoch(self) -> None:
        self.epoch += 1
        self.begin_epoch()

    def begin_epoch(self) -> None:
        self.batch, self.loss, self.seen = 0, 0.0, 0
        for metric in self.metrics.values():
            metric.reset()


PROGRESS = ("epoch", "batch", "step", "loss", "seen", "over")


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The state that a checkpoint holds, for `Run.load_state_dict`; other files are refused in words."""
    state = load(path)
    if not isinstance(state, dict) or state.get("kind") != KIND:
        what = "a file of weights" if isinstance(state, dict) else f"a {type(state).__name__}"
        raise ValueError(f"{os.fspath(path)} is no checkpoint of a training run, but {what} or of another version")
    return state


def remove_leftovers(folder: Path, *names: str) -> None:
    """Files that a kill left half-written."""
    for name in names:
        for part in folder.glob(f".{name}.*.part"):
            part.unlink(missing_ok=True)


def seed_all(seed: int) -> None:
    """Start every random stream of the process over: minidl's, NumPy's global one and Python's."""
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
