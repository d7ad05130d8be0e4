"""How long is a training step beside PyTorch's?

Ten small networks: forward, loss, backward and update. The same program text runs in both libraries, from the same
weights on the same batch, on the same number of threads; the first five losses must agree before anything is timed.
"kept" is PyTorch with the memory setting that minidl makes for itself (freed blocks stay in the process). Times are
milliseconds, medians with quartiles; MB is what the steps add to the process at their peak.
"""

import argparse
import statistics
import sys
from typing import Any

from ._networks import STEPS, prepare_step
from ._pictures import ratios
from ._processes import Case, library, measure
from ._table import Row, Table, options, run, timing

LIBRARIES = ("minidl", "torch", "torch, kept")
LOSSES = 5  # compared before the timing


def prepare(name: str, case: str) -> Case:
    step = prepare_step(library(name), case)
    return Case(lambda: [float(step().detach()) for _ in range(LOSSES)], {case: {"step": step}})


def ratio(row: Row, to: str = "torch") -> float:
    return float(row["minidl"]["step"][0] / row[to]["step"][0])


def about(rows: dict[str, Row]) -> str:
    mean = lambda to: statistics.geometric_mean(ratio(row, to) for row in rows.values())
    return (f"Geometric mean of the ratios: {mean('torch'):.2f} to PyTorch as it comes, {mean('torch, kept'):.2f} to "
            "PyTorch with the same memory setting.")  # fmt: skip


TABLE = Table(
    "steps",
    {
        "minidl ms": lambda row: timing(row["minidl"]["step"]),
        "PyTorch ms": lambda row: timing(row["torch"]["step"]),
        "ratio": lambda row: f"{ratio(row):.2f}",
        "kept ms": lambda row: timing(row["torch, kept"]["step"]),
        "ratio to kept": lambda row: f"{ratio(row, 'torch, kept'):.2f}",
        "minidl MB": lambda row: f"{row['minidl']['MB']:.0f}",
        "PyTorch MB": lambda row: f"{row['torch']['MB']:.0f}",
        "kept MB": lambda row: f"{row['torch, kept']['MB']:.0f}",
    },
    about,
)


def draw(rows: dict[str, Row]) -> Any:
    against = {"PyTorch as it comes": "torch", "PyTorch, same memory setting": "torch, kept"}
    series = {label: [ratio(row, to) for row in rows.values()] for label, to in against.items()}
    return ratios(list(rows), series, "minidl's time, divided by that of (left of the line: minidl is faster)")


def step(case: str, args: argparse.Namespace) -> dict[str, Row]:
    return measure("benchmarks.steps", case, dict.fromkeys(LIBRARIES, sys.executable), **options(args))


if __name__ == "__main__":
    run(TABLE, list(STEPS), step, draw, argparse.ArgumentParser(description=__doc__.splitlines()[0]))
