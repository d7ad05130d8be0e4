"""`minidl demo step`: one training step of a small network on real digits, to be walked through in a browser."""

import argparse
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
    parser.add_argument("--break", dest="fault", choices=FAULTS, help="begin with this fault planted")
    parser.add_argument("--step", action="store_true", help="accepted and not needed: the page is stepped through")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the weights and the scans (%(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/step"), metavar="FOLDER", help="default: %(default)s")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{options.graph}.html"
    page = {"digits": digits_page, "scalar": scalar_page}[options.graph](options.fault, options.seed)
    page.save(path)
    operations = sum(node["kind"] == "op" for node in page.data["nodes"])
    print(f"{operations} operations recorded, {len(page.steps)} steps to walk through.")
    print(f"Every gradient checked by finite differences: {'all right' if page.proved else 'NOT all right'}.\n")
    print("What each planted fault makes wrong first (choose one in the page):")
    for fault, first in page.first_wrong.items():
        print(f"  {fault:16} {first or 'nothing: it does no harm on this graph'}")
    print("\nOpen the page in a browser; it needs no network. The arrow keys step,")
    print("p asks you to predict, m folds modules, f shows the whole graph,")
    print("t changes between light and dark.")
    print(f"\nWritten to {path.as_posix()}")


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


def digits_page(fault: str | None = None, seed: int = 0) -> Page:
    """Eight scans through a small residual network."""
    images, labels, _, _ = digits.load()
    minidl.manual_seed(seed)
    model = ResidualNet()
    some = slice(8 * seed % 1000, 8 * seed % 1000 + 8)
    scans, written = minidl.tensor(images[some]).reshape(8, -1), minidl.tensor(labels[some])
    with viz.record():
        loss = F.cross_entropy(model(scans), written)
    return viz.step(loss, fault=fault, title="one training step on eight digits")


def scalar_page(fault: str | None = None, seed: int = 0) -> Page:
    """Three numbers, small enough to check by hand; no seed changes them."""
    a, b, c = (minidl.tensor(v, requires_grad=True) for v in (2.0, -3.0, 7.0))
    with viz.record():
        d = a * b + c
        loss = d * d * a
    return viz.step(loss, fault=fault, title="a graph to check by hand")
