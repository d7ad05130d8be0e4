"""`minidl demo vanishing`: what is left of a gradient after many steps back, in time and in depth."""

from statistics import median
from typing import Any

import minidl
from minidl import nn, viz
from minidl.viz.figures import COLOURS, DASHES, MARKERS, axes_of
from minidl.viz.gradients import gradient_sizes, norms_through_time, remains

from .stage import Stage

FAULTS = {
    "forget-gate": "The LSTM's forget gate was shut (bias -6): its memory is wiped at each step, like a plain RNN's.",
    "saturate": "3 was added to every bias of the cells: tanh works where it is flat, and passes nothing back.",
    "explode": "The cells' recurrent weights were multiplied by 4: what is multiplied at each step back grows.",
    "init": "The deep networks' weights were drawn 4 times too small: each layer shrinks what passes.",
}
STEPS, SIZE, DEPTH, WIDE, DRAWS = 60, 24, 20, 32, 8
DISTANCES = (0, 10, 20, 40, 59)


def main(argv: list[str]) -> None:
    stage = Stage("vanishing", "Gradients that fade", FAULTS, argv)
    minidl.manual_seed(stage.seed)

    stage.part("Back through time")
    stage.say(f"The loss is at the last of {STEPS} steps. How large is its gradient")
    stage.say("at the input of a step so many steps earlier, beside the last one's?")
    stage.say()
    stage.say(f"{'steps back':12}" + "".join(f"{d:>11}" for d in DISTANCES))
    x = minidl.randn(STEPS, 8, SIZE)
    losses, inputs = {}, {}
    for name, cell in cells(stage.fault).items():
        inputs[name] = x.clone().requires_grad_()
        losses[name] = (cell(inputs[name])[0][-1] ** 2).sum()
        norms = norms_through_time(losses[name], inputs[name])
        stage.say(f"{name:12}" + "".join(f"{norms[-1 - d] / norms[-1]:11.1e}" for d in DISTANCES))
    stage.say()
    ax = viz.gradients_through_time(losses, inputs)
    ax.set_ylabel("gradient's norm at the input of step t")
    stage.show(ax, "time")

    stage.part("Cell by cell")
    stage.say(f"The same, the median of {DRAWS} cells of each kind: as they are usually drawn,")
    stage.say("and begun so that they remember (the plain one with orthogonal weights).")
    stage.say()
    stage.say(f"{'steps back':20}" + "".join(f"{d:>10}" for d in DISTANCES[1:]))
    found: dict[str, dict[str, list[list[float]]]] = {}
    for way in ("usual", "to remember"):
        for _ in range(DRAWS):
            for name, cell in cells(stage.fault, remember=way == "to remember").items():
                steps = minidl.randn(STEPS, 8, SIZE, requires_grad=True)
                norms = norms_through_time((cell(steps)[0][-1] ** 2).sum(), steps)
                found.setdefault(name, {}).setdefault(way, []).append(norms)
    for name, ways in found.items():
        for way, runs in ways.items():
            left = [median(at) for at in zip(*map(remains, runs))]
            stage.say(f"{f'{name.split()[0]}, {way}':20}" + "".join(f"{left[d]:10.1e}" for d in DISTANCES[1:]))
    stage.say()
    stage.show(viz.gradients_by_lag(found)[0], "cells")

    stage.part("Down the layers")
    stage.say(f"{DEPTH} layers of {WIDE} units. The gradient of the first layer's weights,")
    stage.say("beside the last layer's:")
    stage.say()
    ax = axes_of(None, 6.4, 3.8)
    for k, (name, net) in enumerate(networks(stage.fault).items()):
        (net(minidl.randn(64, WIDE)) ** 2).mean().backward()
        sizes = [rms for path, rms, _ in gradient_sizes(net) if path.endswith("weight")]
        stage.say(f"{name:34} {sizes[0] / sizes[-1]:10.1e}")
        ax.semilogy(range(1, DEPTH + 1), sizes, marker=MARKERS[k], color=COLOURS[k], linestyle=DASHES[k], label=name)
    ax.set(xlabel="layer  (the loss is at the right)", ylabel="gradient of its weights, rms", title="Gradient by depth")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    stage.say()
    stage.show(ax, "depth")
    stage.finish(
        "Each step back multiplies by the same matrix and by a slope below 1.",
        "An LSTM adds instead of multiplying: while its forget gate is open,",
        "the gradient passes. Residual networks do the same in depth.",
    )


def cells(fault: str | None, remember: bool | None = None) -> dict[str, Any]:
    """A plain recurrence, and the two that were made to remember; the forget gate open at first (Gers et al. 2000).

    remember: the same for all three; of the plain one, orthogonal weights, which by themselves keep a gradient's size
    (Saxe, McClelland & Ganguli 2014)."""
    made: dict[str, Any] = {"RNN (tanh)": nn.RNN(SIZE, SIZE), "GRU": nn.GRU(SIZE, SIZE), "LSTM": nn.LSTM(SIZE, SIZE)}
    with minidl.no_grad():
        if remember:
            nn.init.orthogonal_(made["RNN (tanh)"].weight_hh_l0)
        if remember is not False:
            made["LSTM"].bias_hh_l0[SIZE : 2 * SIZE] = 3.0
            made["GRU"].bias_hh_l0[SIZE : 2 * SIZE] = 2.0  # its update gate: keep
        if fault == "forget-gate":
            made["LSTM"].bias_hh_l0[SIZE : 2 * SIZE] = -6.0
        for cell in made.values():
            if fault == "saturate":
                cell.bias_ih_l0.add_(3.0)
            elif fault == "explode":
                cell.weight_hh_l0.mul_(4.0)
    return made


class Residual(nn.Module):
    """y = x + f(x)"""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return x + self.inner(x)


def networks(fault: str | None) -> dict[str, Any]:
    scale = 0.25 if fault == "init" else 1.0

    def stack(activation: Any, gain: float, residual: bool = False) -> Any:
        layers = []
        for _ in range(DEPTH):
            linear = nn.Linear(WIDE, WIDE)
            nn.init.normal_(linear.weight, std=scale * gain / WIDE**0.5)
            layer = nn.Sequential(linear, activation())
            layers.append(Residual(layer) if residual else layer)
        return nn.Sequential(*layers)

    return {
        "sigmoid": stack(nn.Sigmoid, 1.0),
        "tanh, Xavier's start": stack(nn.Tanh, 1.0),
        "ReLU, He's start": stack(nn.ReLU, 2**0.5),
        "tanh, with residual connections": stack(nn.Tanh, 0.5, residual=True),
    }
