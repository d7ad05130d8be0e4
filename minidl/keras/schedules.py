"""Learning rates that change with the number of steps taken."""

import math
from typing import Any

from .config import Configured


class LearningRateSchedule(Configured):
    """The base of all: a subclass writes `__call__(step)`."""

    def __call__(self, step: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(step)")


class ExponentialDecay(LearningRateSchedule):
    """lr · rate^(step / decay_steps), in stairs with staircase"""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
        name: Any = None,
    ) -> None:  # fmt: skip
        self.start, self.steps, self.rate, self.staircase = initial_learning_rate, decay_steps, decay_rate, staircase

    def __call__(self, step: int) -> float:
        power = step / self.steps
        return self.start * self.rate ** (math.floor(power) if self.staircase else power)


class InverseTimeDecay(ExponentialDecay):
    """lr / (1 + rate · step / decay_steps), in stairs with staircase"""

    def __call__(self, step: int) -> float:
        time = step / self.steps
        return self.start / (1 + self.rate * (math.floor(time) if self.staircase else time))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[k] up to boundaries[k], the last one after the last"""

    def __init__(self, boundaries: Any, values: Any, name: Any = None) -> None:
        if len(values) != len(boundaries) + 1:
            raise ValueError(f"PiecewiseConstantDecay: {len(boundaries)} boundaries part {len(boundaries) + 1} values")
        self.boundaries, self.values = list(boundaries), list(values)

    def __call__(self, step: int) -> float:
        return next((v for b, v in zip(self.boundaries, self.values) if step <= b), self.values[-1])


class PolynomialDecay(LearningRateSchedule):
    """(lr − end) (1 − step / decay_steps)^power + end"""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: Any = None,
    ) -> None:  # fmt: skip
        self.start, self.steps, self.end, self.power, self.cycle = (
            initial_learning_rate, decay_steps, end_learning_rate, power, cycle
        )  # fmt: skip

    def __call__(self, step: int) -> float:
        steps = self.steps * (max(1, math.ceil(step / self.steps)) if self.cycle else 1)
        return (self.start - self.end) * (1 - min(step, steps) / steps) ** self.power + self.end


class CosineDecay(LearningRateSchedule):
    """lr ((1 − α) ½ (1 + cos π step/decay_steps) + α), after warmup_steps in which lr rises to warmup_target"""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0, name: Any = None,
        warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        self.start, self.steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.target, self.warmup = warmup_target, warmup_steps

    def __call__(self, step: int) -> float:
        top = self.start
        if self.target is not None:
            if step < self.warmup:
                return self.start + (self.target - self.start) * step / self.warmup
            step, top = step - self.warmup, self.target
        part = min(step, self.steps) / self.steps
        return top * ((1 - self.alpha) * 0.5 * (1 + math.cos(math.pi * part)) + self.alpha)
