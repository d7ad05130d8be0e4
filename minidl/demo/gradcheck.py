"""`minidl demo gradcheck`: a slope from two values, the step that serves best, and the doctor at a sick gradient."""

import math
import sys

import minidl
from minidl.files import atomic_write
from minidl.testing.doctor.command import chosen, one, reports
from minidl.testing.doctor.faults import KINDS
from minidl.testing.doctor.page import page
from minidl.testing.doctor.terminal import capabilities
from minidl.viz.figures import BLUE, VERMILION, axes_of

from .stage import Stage

PATIENTS = {  # for each fault an op in which it can be planted
    "transpose": "matmul", "mean-for-sum": "sum", "overwrite": "mul", "broadcast": "add", "kink": "relu",
}  # fmt: skip
FAULTS = {kind: f"The gradient had the fault called {kind}; doctor.html says how it is found." for kind in KINDS}


def main(argv: list[str]) -> None:
    stage = Stage("gradcheck", "Is this gradient right?", FAULTS, argv)

    stage.part("A slope from two values")
    at = round(0.3 + 0.1 * (stage.seed % 10), 1)
    stage.say(f"f(x) = x tanh x at x = {at}.  What is its slope?")
    stage.say()
    x = minidl.tensor(at, dtype="float64", requires_grad=True)
    slope = minidl.autograd.grad(x * x.tanh(), x)[0].item()
    f = lambda v: v * math.tanh(v)
    stage.say(f"backward says                    {slope:.12f}")
    stage.say("(f(x + h) - f(x - h)) / 2h says")
    steps = [10.0**-k for k in range(1, 14)]
    errors = []
    for h in steps:
        numeric = (f(at + h) - f(at - h)) / (2 * h)
        errors.append(abs(numeric - slope))
        stage.say(f"    h = {h:.0e}                   {numeric:.12f}     off by {errors[-1]:.0e}")
    best = min(range(len(steps)), key=errors.__getitem__)

    stage.part("Too large a step is wrong, too small a step is noise")
    stage.say(f"best here: h = {steps[best]:.0e}")
    stage.say("left of it the digits that f loses, divided by h; right of it h^2")
    ax = axes_of(None, 6.4, 3.8)
    ax.loglog(steps, [max(e, 1e-17) for e in errors], "o-", color=BLUE, label="|difference quotient − slope|")
    ax.loglog([steps[best]], [max(errors[best], 1e-17)], "D", color=VERMILION, markersize=9, label="best step")
    ax.set(xlabel="step h", ylabel="error", title="The V of finite differences")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    stage.show(ax, "steps")

    name = PATIENTS.get(stage.fault or "", "softmax")
    stage.part(f"The doctor looks at {name}")
    found = reports(name, seed=stage.seed, fault=stage.fault)
    print(one(found, *capabilities(sys.stdout)), flush=True)
    stage.told.append(("pre", one(found, colour=False, unicode=True)))
    with atomic_write(stage.out / "doctor.html") as file:
        file.write(page(chosen(found)).encode())
    stage.files.append("doctor.html")
    stage.finish("Random values and random upstream gradients: ones would hide errors.", "See doctor.html.")
