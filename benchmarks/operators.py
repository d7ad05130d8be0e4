"""How long is an operation beside PyTorch's, forwards and backwards?

The same calls on the same numbers and threads, in processes that take turns; values and all gradients agree first. Of
what draws random numbers (dropout) they agree where nothing is dropped. An optimizer's step stands under "forward".
Milliseconds, medians with quartiles; a ratio below 1 means that minidl is faster.
"""

import argparse
import statistics
import sys
from typing import Any

from ._cases import OPERATIONS, SIZES, by_size, case
from ._pictures import dots
from ._processes import Case, library, measure
from ._table import Row, Table, options, run, timing


def prepare(name: str, what: str) -> Case:
    return case(library(name), what)


def ratio(row: Row, phase: str) -> float:
    return float(row["minidl"][phase][0] / row["torch"][phase][0]) if phase in row["minidl"] else float("nan")


def forward(row: Row) -> str:
    return "step" if "step" in row["minidl"] else "forward"


def cell(row: Row, name: str, phase: str) -> str:
    return timing(row[name][phase]) if phase in row[name] else ""


def both(row: Row) -> float:
    """The ratio of all phases together."""
    total = lambda name: sum(value[0] for phase, value in row[name].items() if phase != "MB")
    return float(total("minidl") / total("torch"))


def about(rows: dict[str, Row]) -> str:
    found = [both(row) for row in rows.values()]
    return (f"In {sum(r <= 1 for r in found)} of {len(found)} rows minidl is at least as fast as PyTorch, in "
            f"{sum(r <= 2 for r in found)} within twice its time; the geometric mean of the ratios is "
            f"{statistics.geometric_mean(found):.2f}.")  # fmt: skip


TABLE = Table(
    "operators",
    {
        "minidl, forward": lambda row: cell(row, "minidl", forward(row)),
        "PyTorch, forward": lambda row: cell(row, "torch", forward(row)),
        "ratio": lambda row: f"{ratio(row, forward(row)):.2f}",
        "minidl, backward": lambda row: cell(row, "minidl", "backward"),
        "PyTorch, backward": lambda row: cell(row, "torch", "backward"),
        "ratio ": lambda row: f"{ratio(row, 'backward'):.2f}" if "backward" in row["minidl"] else "",
        "both": lambda row: f"{both(row):.2f}",
    },
    about,
)


def draw(rows: dict[str, Row]) -> Any:
    xlabel = "minidl's time, divided by PyTorch's (left of the line: minidl is faster)"
    return dots(by_size(rows, both), SIZES, xlabel)


def operation(what: str, args: argparse.Namespace) -> dict[str, Row]:
    return measure("benchmarks.operators", what, dict.fromkeys(("minidl", "torch"), sys.executable), **options(args))


if __name__ == "__main__":
    cases = [name for name, one in OPERATIONS.items() if one.beside]
    run(TABLE, cases, operation, draw, argparse.ArgumentParser(description=__doc__.splitlines()[0]))
