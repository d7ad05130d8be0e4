"""Measurements in processes of their own, one for each library, which take turns.

Each child prepares its case, then answers its parent line by line: first with values, which are compared with the
other libraries' before anything is timed, then with times, a short while each in turn; the others wait meanwhile.
"""

import contextlib
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._timing import Timing, peak_memory

ROOT = Path(__file__).parents[1]
TURNS = 3  # of each process in a round
PAUSE = 0.15  # seconds between turns: OpenBLAS's threads spin on for 0.1 after a product, and would take a core


Phases = dict[str, Callable[[], object]]
Rows = dict[str, dict[str, Any]]


@dataclass
class Case:
    """What a child measures, for each row of the table: its phases are timed one after the other, again and again."""

    values: Callable[[], list[Any]]  # arrays to compare
    rows: dict[str, Phases]


def library(name: str) -> Any:
    """minidl, torch, or torch with minidl's setting of the memory allocator ("kept")."""
    if name == "minidl":
        import minidl

        return minidl
    if name == "torch, kept":
        done = runpy.run_path(str(ROOT / "minidl/backend/allocator.py"))["status"]
        if done != "on":
            raise RuntimeError(f"the setting of the memory allocator is {done}")
    import torch

    return torch


# --------------------------------------------------------------------------------------------- the child


def serve(module: str, name: str, case: str) -> None:
    made = importlib.import_module(module).prepare(name, case)
    before = peak_memory(reset=True)
    for line in sys.stdin:
        word, argument = line.rstrip("\n").split(" ", 1)
        answer: dict[str, Any] = {}
        if word == "values":
            np.savez(argument, *made.values())
        elif word == "peak":
            answer = {"peak": peak_memory() - before}
        else:
            share = float(argument) / len(made.rows)
            answer = {"seconds": {row: clock(phases, share) for row, phases in made.rows.items()}}
        print(json.dumps(answer), flush=True)


def clock(phases: Phases, seconds: float) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in phases}
    rounds, end = 0, time.perf_counter() + seconds
    while not rounds or time.perf_counter() < end:
        rounds += 1
        for name, phase in phases.items():
            start = time.perf_counter()
            phase()
            taken[name].append(time.perf_counter() - start)
    return taken


# -------------------------------------------------------------------------------------------- the parent


class Process:
    def __init__(self, module: str, name: str, case: str, threads: int, python: str) -> None:
        self.name = name
        limits = {f"{which}_NUM_THREADS": str(threads) for which in ("OMP", "OPENBLAS", "MKL")}
        self.child = subprocess.Popen(
            [python, "-m", "benchmarks._processes", module, name, case],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env=os.environ | limits,
        )  # fmt: skip

    def ask(self, word: str, argument: object) -> Any:
        assert self.child.stdin and self.child.stdout and self.child.stderr
        with contextlib.suppress(BrokenPipeError):  # it has failed, and says why below
            self.child.stdin.write(f"{word} {argument}\n")
            self.child.stdin.flush()
        for line in self.child.stdout:
            if line.startswith("{"):  # a library may greet
                return json.loads(line)
        raise RuntimeError(f"{self.name}: " + self.child.stderr.read().strip().splitlines()[-1])

    def close(self) -> None:
        self.child.kill()
        self.child.communicate()


@contextlib.contextmanager
def started(module: str, case: str, names: dict[str, str], threads: int) -> Iterator[list[Process]]:
    """A process for each library: names gives the Python that it runs on."""
    children: list[Process] = []
    try:
        for name, python in names.items():
            children.append(Process(module, name, case, threads, python))
        yield children
    finally:
        for child in children:
            child.close()


def agree(module: str, case: str, children: list[Process], bound: float) -> None:
    """All give the first one's values, or nothing is timed."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for k, child in enumerate(children):
            child.ask("values", path := f"{folder}/{k}.npz")
            with np.load(path) as file:
                found.append([file[name] for name in file.files])
    for child, values in zip(children[1:], found[1:]):
        for k, (a, b) in enumerate(zip(found[0], values, strict=True)):
            off = np.abs(a - b).max(initial=0) if a.shape == b.shape else np.inf
            if not off <= bound * max(1e-2, np.abs(a).max(initial=0)):  # NaN is no agreement
                raise SystemExit(f"{module} {case}: value {k}, {b.shape}, of {child.name} differs by {off} from "
                                 f"{children[0].name}'s, {a.shape}; nothing was timed")  # fmt: skip


def measure(
    module: str, case: str, names: dict[str, str], *, rounds: int, seconds: float, threads: int = 2, bound: float = 1e-4
) -> Rows:
    """Values first, then times in turn; `rounds` times, in new processes each time, `seconds` for each of them.

    For each row what each library took: {"forward": milliseconds (median, quartiles), …, "MB": that all rows add to the
    process at their peak}."""
    times: dict[Any, list[float]] = {}  # by row, library and phase
    peaks: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        with started(module, case, names, threads) as children:
            agree(module, case, children, bound)
            for child in children:
                child.ask("time", 0)  # whatever is made on the first calls
            for _ in range(TURNS):
                for child in children:
                    time.sleep(PAUSE)
                    for row, phases in child.ask("time", seconds / TURNS)["seconds"].items():
                        for phase, taken in phases.items():
                            times.setdefault((row, child.name, phase), []).extend(taken)
            for child in children:
                peaks[child.name].append(child.ask("peak", "")["peak"])
    rows: Rows = {}
    for (row, name, phase), taken in times.items():
        t = Timing.of(taken)
        of = rows.setdefault(row, {}).setdefault(name, {"MB": round(float(np.median(peaks[name])), 1)})
        of[phase] = [round(1e3 * s, 4) for s in (t.median, t.low, t.high)]
    return rows


if __name__ == "__main__":
    serve(*sys.argv[1:])
