"""How does a training step grow with the batch, the length of sequences, the width and the depth?

Forward, loss, backward and update in both libraries, one size after the other; the losses of the first three steps
agree first. Milliseconds, medians with quartiles.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from ._networks import gpt, lenet, mlp, recurrent, training
from ._pictures import growth
from ._processes import Case, library, measure
from ._table import Row, Table, options, run, timing

AXES: dict[str, tuple[Callable[[Any, int], Any], tuple[int, ...]]] = {
    "MLP, batch": (lambda lib, n: mlp(lib, batch=n), (8, 32, 128, 512)),
    "LeNet, batch": (lambda lib, n: lenet(lib, n), (1, 4, 16, 64, 256)),
    "LSTM, length": (lambda lib, n: recurrent(lib, "LSTM", n), (16, 32, 64, 128, 256)),
    "GPT, length": (lambda lib, n: gpt(lib, B=4, T=n, layers=2), (32, 64, 128, 256, 512)),
    "MLP, width": (lambda lib, n: mlp(lib, sizes=(n, n, n, n, 10)), (32, 128, 512, 1024)),
    "MLP, depth": (lambda lib, n: mlp(lib, batch=32, sizes=(64,) * n + (10,)), (2, 8, 32, 128)),
}


def prepare(name: str, axis: str) -> Case:
    lib = library(name)
    make, sizes = AXES[axis]
    steps = {f"{axis}, {n}": training(lib, *make(lib, n)) for n in sizes}
    values = lambda: [[float(step().detach()) for _ in range(3)] for step in steps.values()]
    return Case(values, {label: {"step": step} for label, step in steps.items()})


def ratio(row: Row) -> float:
    return float(row["minidl"]["step"][0] / row["torch"]["step"][0])


def about(rows: dict[str, Row]) -> str:
    grown = []
    for axis, (_, sizes) in AXES.items():
        first, last = (rows.get(f"{axis}, {n}") for n in (sizes[0], sizes[-1]))
        if first and last:
            times = [last[name]["step"][0] / first[name]["step"][0] for name in ("minidl", "torch")]
            grown.append(f"{axis} × {sizes[-1] / sizes[0]:.0f}: {times[0]:.1f} and {times[1]:.1f} times")
    return "From the smallest to the largest minidl's step and PyTorch's grow by: " + "; ".join(grown) + "."


TABLE = Table(
    "scaling",
    {
        "minidl ms": lambda row: timing(row["minidl"]["step"]),
        "PyTorch ms": lambda row: timing(row["torch"]["step"]),
        "ratio": lambda row: f"{ratio(row):.2f}",
    },
    about,
)


def draw(rows: dict[str, Row]) -> Any:
    panels = {}
    for axis, (_, sizes) in AXES.items():
        there = [n for n in sizes if f"{axis}, {n}" in rows]
        took = lambda name, axis=axis, there=there: [rows[f"{axis}, {n}"][name]["step"][0] for n in there]
        if there:
            panels[axis] = there, {"minidl": took("minidl"), "PyTorch": took("torch")}
    return growth(panels, "ms a step")


def grow(axis: str, args: argparse.Namespace) -> dict[str, Row]:
    return measure("benchmarks.scaling", axis, dict.fromkeys(("minidl", "torch"), sys.executable), **options(args))


if __name__ == "__main__":
    run(TABLE, list(AXES), grow, draw, argparse.ArgumentParser(description=__doc__.splitlines()[0]))
