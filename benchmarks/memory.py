"""How much memory does training take, by depth and by the number of steps?

What forward and backward add to the process at their peak, in MB, beside PyTorch: layers y ← relu(1.001 y + 0.1) on a
million floats (4 MB); the same in ten parts of which each is computed again in the backward pass (checkpoints); and
training steps one after the other, which should add nothing after the first. The last values and gradients agree.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ._networks import prepare_step
from ._pictures import growth
from ._processes import Case, agree, library, started
from ._table import Row, Table, run

DEPTHS, STEPS = (10, 30, 100), (1, 10, 100)


def layers(count: int) -> Callable[[Any], Any]:
    def run(y: Any) -> Any:
        for _ in range(count):
            y = (y * 1.001 + 0.1).relu()
        return y

    return run


def depth(lib: Any, count: int, parts: int = 1) -> list[Any]:
    x = lib.tensor(np.random.default_rng(0).standard_normal((1000, 1000)).astype("float32"), requires_grad=True)
    y = x
    for _ in range(parts):
        block = layers(count // parts)
        y = block(y) if parts == 1 else lib.utils.checkpoint.checkpoint(block, y, use_reentrant=False)
    loss = y.mean()
    loss.backward()
    return [float(loss.detach()), x.grad.numpy()]


def steps(lib: Any, count: int, name: str) -> list[Any]:
    step = prepare_step(lib, name)
    return [[float(step().detach()) for _ in range(count)][-1]]


AXES: dict[str, tuple[Callable[[Any, int], list[Any]], tuple[int, ...]]] = {
    "layers": (depth, DEPTHS),
    "layers, checkpoints": (lambda lib, n: depth(lib, n, parts=10), DEPTHS),
    "steps of LeNet": (lambda lib, n: steps(lib, n, "lenet64"), STEPS),
}
CASES = {f"{axis}, {n}": (axis, n) for axis, (_, sizes) in AXES.items() for n in sizes}


def prepare(name: str, what: str) -> Case:
    lib = library(name)
    if lib.__name__ == "torch":
        import torch.utils.checkpoint  # noqa: F401  not part of `import torch`
    axis, n = CASES[what]
    return Case(lambda: AXES[axis][0](lib, n), {})


def ratio(row: Row) -> float:
    return float(row["minidl"]["MB"] / row["torch"]["MB"])


def about(rows: dict[str, Row]) -> str:
    return f"The geometric mean of the ratios is {statistics.geometric_mean(map(ratio, rows.values())):.2f}."


TABLE = Table(
    "memory",
    {
        "minidl MB": lambda row: f"{row['minidl']['MB']:.0f}",
        "PyTorch MB": lambda row: f"{row['torch']['MB']:.0f}",
        "ratio": lambda row: f"{ratio(row):.2f}",
    },
    about,
)


def draw(rows: dict[str, Row]) -> Any:
    panels = {}
    for axis, (_, sizes) in AXES.items():
        there = [n for n in sizes if f"{axis}, {n}" in rows]
        of = lambda name, axis=axis, there=there: [rows[f"{axis}, {n}"][name]["MB"] for n in there]
        if there:
            panels[axis] = there, {"minidl": of("minidl"), "PyTorch": of("torch")}
    return growth(panels, "MB at the peak")


def peak(what: str, args: argparse.Namespace) -> dict[str, Row]:
    found: dict[str, list[float]] = {"minidl": [], "torch": []}
    for _ in range(args.rounds):
        with started("benchmarks.memory", what, dict.fromkeys(found, sys.executable), args.threads) as children:
            agree("benchmarks.memory", what, children, bound=1e-4)
            for child in children:
                found[child.name].append(child.ask("peak", "")["peak"])
    return {what: {name: {"MB": round(statistics.median(of), 1)} for name, of in found.items()}}


if __name__ == "__main__":
    run(TABLE, list(CASES), peak, draw, argparse.ArgumentParser(description=__doc__.splitlines()[0]))
