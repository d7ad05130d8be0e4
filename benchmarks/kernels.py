"""What does each kernel gain over the formula that it stands in for?

Two processes of minidl take turns: one as it is, one without this single kernel. Values and all gradients agree first.
Milliseconds, medians with quartiles; a gain of 2 means half the time. "served by" says whether the kernel takes that
size: where there is little work it leaves it to the formula. The kernel of `matmul` serves beside others that split
their work (`minidl/kernels/products.py`), and is timed so, with a tanh before it.
"""

import argparse
import statistics
import sys
from typing import Any

from ._cases import OPERATIONS, SIZES, by_size, case
from ._pictures import dots
from ._processes import Case, measure
from ._table import Row, Table, options, run, timing

LIBRARIES = ("kernel", "formula")


def kernels() -> dict[str, str]:
    """The cases of every operation that has a kernel, by name."""
    from minidl.autograd import OPS
    from minidl.backend import NUMPY

    with_kernel = {name for name, op in vars(OPS).items() if NUMPY in op.kernels}
    return {case: one.op for case, one in OPERATIONS.items() if one.op in with_kernel}


def prepare(name: str, what: str) -> Case:
    import minidl
    from minidl.autograd import OPS
    from minidl.backend import NUMPY

    if name == "formula":
        del getattr(OPS, OPERATIONS[what].op).kernels[NUMPY]
    return case(minidl, what)


def served(what: str) -> dict[str, str]:
    """Who computes it in each size."""
    import minidl

    one, found = OPERATIONS[what], {}
    for label, size in one.sizes.items():
        f, _ = one.make(minidl, *size)
        f()
        with minidl.profiler.profile() as p:
            f()
        (row,) = (r for r in p.key_averages() if r.name == one.op)
        found[f"{what}, {label}"] = row.by
    return found


def gain(row: Row, *phases: str) -> float:
    total = lambda name: sum(row[name][phase][0] for phase in phases)
    return float(total("formula") / total("kernel"))


def about(rows: dict[str, Row]) -> str:
    taken = [gain(row, "forward", "backward") for row in rows.values() if row["by"].startswith("kernel")]
    if not taken:
        return "No kernel serves any of these."
    return (f"Kernels serve {len(taken)} of {len(rows)} rows. There they gain {min(taken):.2f} to {max(taken):.1f} "
            f"times, {statistics.geometric_mean(taken):.2f} in the geometric mean; {sum(g < 1 for g in taken)} "
            "lose.")  # fmt: skip


TABLE = Table(
    "kernels",
    {
        "kernel, forward": lambda row: timing(row["kernel"]["forward"]),
        "formula, forward": lambda row: timing(row["formula"]["forward"]),
        "gain": lambda row: f"{gain(row, 'forward'):.2f}",
        "kernel, backward": lambda row: timing(row["kernel"]["backward"]),
        "formula, backward": lambda row: timing(row["formula"]["backward"]),
        "gain ": lambda row: f"{gain(row, 'backward'):.2f}",
        "both": lambda row: f"{gain(row, 'forward', 'backward'):.2f}",
        "served by": lambda row: row["by"],
    },
    about,
)


def draw(rows: dict[str, Row]) -> Any:
    xlabel = "the formula's time, divided by the kernel's (right of the line: the kernel gains)"
    return dots(by_size(rows, lambda row: gain(row, "forward", "backward")), SIZES, xlabel)


def kernel(what: str, args: argparse.Namespace) -> dict[str, Row]:
    rows = measure("benchmarks.kernels", what, dict.fromkeys(LIBRARIES, sys.executable), **options(args))
    by = served(what)
    return {label: row | {"by": by[label]} for label, row in rows.items()}


if __name__ == "__main__":
    run(TABLE, list(kernels()), kernel, draw, argparse.ArgumentParser(description=__doc__.splitlines()[0]))
