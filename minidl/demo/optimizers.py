"""`minidl demo optimizers`: a race over three surfaces, each optimizer with the learning rate that suits it best."""

from typing import Any

import minidl
from minidl import optim
from minidl.viz import race

from .stage import Stage

FAULTS = {
    "sign": "'Adam' added its step instead of subtracting it: it climbed.",
    "bias-correction": "'Adam' did not divide its averages by 1 - beta^t: its first step is 3.2 times too long.",
    "momentum": "'SGD, momentum 0.9' overwrote its velocity with each gradient: no momentum is left.",
}
SURFACES = ("rosenbrock", "himmelblau", "saddle")
STEPS = 200
RATES = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)


class Uphill(optim.Adam):
    """Adam with the sign of its step turned round."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, lr=lr, maximize=True)


class Uncorrected(optim.Optimizer):
    """Adam without its correction for averages that start at 0."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})

    def step(self, closure: Any = None) -> None:
        with minidl.no_grad():
            for p in self.param_groups[0]["params"]:
                state = self.state[p]
                m, v = state.get("m", p * 0), state.get("v", p * 0)
                state["m"], state["v"] = m * 0.9 + p.grad * 0.1, v * 0.999 + p.grad**2 * 0.001
                p.sub_(state["m"] / (state["v"].sqrt() + 1e-8) * self.param_groups[0]["lr"])


def main(argv: list[str]) -> None:
    stage = Stage("optimizers", "A race over classic surfaces", FAULTS, argv)
    minidl.manual_seed(stage.seed)
    racers: dict[str, Any] = dict(race.OPTIMIZERS)
    if stage.fault == "sign":
        racers["Adam"] = Uphill
    elif stage.fault == "bias-correction":
        racers["Adam"] = Uncorrected
    elif stage.fault == "momentum":
        racers["SGD, momentum 0.9"] = race.OPTIMIZERS["SGD"]
    if stage.fault:
        stage.say("One of these optimizers is broken. Which one, and how?")
    for name in SURFACES:
        surface = race.SURFACES[name]
        stage.part(f"{name}: f(x, y) = {surface.formula}")
        stage.say(f"from {surface.start}, f = {surface.function(*surface.start):.4g}, {STEPS} steps at most")
        stage.say()
        stage.say(f"{'optimizer':20} {'best lr':>8} {'steps':>7} {'f at the end':>14}")
        paths = race.race(name, racers, STEPS, RATES)
        for racer, path in paths.items():
            steps = "-" if path.arrived is None else str(path.arrived)
            stage.say(f"{racer:20} {path.lr:8g} {steps:>7} {path.values[-1]:14.3g}")
        stage.say()
        stage.show(race.draw(name, paths), name)
    stage.finish(
        "A narrow valley: momentum keeps what the zigzags have in common.",
        "Several minima: which one is found depends on the optimizer.",
        "A saddle: along the way out the gradient is tiny at first, and SGD",
        "crawls; RMSprop and Adam divide it by its size, so they leave at once.",
    )
