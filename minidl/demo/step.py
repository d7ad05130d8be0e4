"""`minidl demo step`: one training step of a small network on real digits, to be walked through in a browser."""

import argparse
import time
from pathlib import Path

import minidl
from minidl import nn, viz
from minidl.nn import functional as F

from ..viz.stepper import FAULTS, Page
from . import digits

GRAPHS = ("digits", "scalar")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="minidl demo step",
        description="Record one run and write a page that steps through it, forward and backward.",
    )
    parser.add_argument("graph", nargs="?", choices=GRAPHS, default=GRAPHS[0], help="which run (%(default)s)")
    parser.add_argument("--fault", choices=FAULTS, help="begin with this fault planted")
    parser.add_argument("--out", type=Path, default=Path("runs/step"), metavar="FOLDER", help="default: %(default)s")
    options = parser.parse_args(argv)
    start = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{options.graph}.html"
    page = {"digits": digits_page, "scalar": scalar_page}[options.graph](options.fault)
    page.save(path)
    operations = sum(node["kind"] == "op" for node in page.data["nodes"])
    print(f"{operations} operations recorded, {len(page.steps)} steps to walk through, "
          f"every gradient checked by finite differences: {'yes' if page.proved else 'NO'}")  # fmt: skip
    for fault, first in page.first_wrong.items():
        print(f"  planted: {fault:16} {f'first wrong node: {first}' if first else 'harmless on this graph'}")
    print(f"Written to {path.resolve()} ({path.stat().st_size / 1000:.0f} kB, works offline), "
          f"in {time.perf_counter() - start:.1f} seconds.")  # fmt: skip
    print("Open it in a browser: the arrow keys step, p asks you to predict, m folds modules, f shows the whole graph.")


class ResidualNet(nn.Module):
    """A small network with a fork: its middle layer is added to what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(64, 12)
        self.middle = nn.Linear(12, 12)
        self.leave = nn.Linear(12, 10)
        self.gain = nn.Parameter(minidl.ones(12))

    def forward(self, x: minidl.Tensor) -> minidl.Tensor:  # (N, 64)
        h = self.enter(x).tanh()  # (N, 12)
        h = h + self.middle(h).relu()  # used twice: a fork
        return self.leave(h * self.gain)  # gain (12,) is repeated for each of the N samples


def digits_page(fault: str | None) -> Page:
    """Eight scans through a small residual network."""
    images, labels, _, _ = digits.load()
    minidl.manual_seed(0)
    model = ResidualNet()
    scans, written = minidl.tensor(images[:8]).reshape(8, -1), minidl.tensor(labels[:8])
    with viz.record():
        loss = F.cross_entropy(model(scans), written)
    return viz.step(loss, fault=fault, title="one training step on eight digits")


def scalar_page(fault: str | None) -> Page:
    """Five numbers, small enough to check by hand."""
    a, b, c = (minidl.tensor(v, requires_grad=True) for v in (2.0, -3.0, 7.0))
    with viz.record():
        d = a * b + c
        loss = d * d * a
    return viz.step(loss, fault=fault, title="a graph to check by hand")
