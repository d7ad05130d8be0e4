"""Learning rates as functions of the step: the share of the optimizer's rate that the step is made with.

`Trainer(..., schedule=cosine(steps=1000, warmup=100))`; any function of the step does, as does any scheduler of
minidl.optim.lr_scheduler."""

import math
from collections.abc import Callable

Share = Callable[[int], float]


def constant(warmup: int = 0) -> Share:
    """(t + 1) / warmup in the first `warmup` steps, then 1"""
    return lambda step: min((step + 1) / warmup, 1.0) if warmup else 1.0


def cosine(steps: int, warmup: int = 0, floor: float = 0.0) -> Share:
    """After the warm-up from 1 to `floor` along half a cosine, to be there after `steps` (Loshchilov & Hutter 2017)

    floor + (1 − floor) ½ (1 + cos π t / T)        t from the end of the warm-up, T = steps − warmup"""
    return falling(steps, warmup, floor, lambda part: 0.5 * (1 + math.cos(math.pi * part)))


def linear(steps: int, warmup: int = 0, floor: float = 0.0) -> Share:
    """After the warm-up from 1 to `floor` along a line, to be there after `steps`"""
    return falling(steps, warmup, floor, lambda part: 1 - part)


def falling(steps: int, warmup: int, floor: float, shape: Callable[[float], float]) -> Share:
    if not 0 <= warmup < steps:
        raise ValueError(f"a schedule: the warm-up is part of the steps, got {warmup} of {steps}")
    rising = constant(warmup)

    def share(step: int) -> float:
        if step < warmup:
            return rising(step)
        return floor + (1 - floor) * shape(min((step - warmup) / (steps - warmup), 1.0))

    return share
