"""`minidl gradcheck`: every op's and every layer's gradients, or one with a fault to find."""

import argparse
import json
import sys
from pathlib import Path

from ...files import atomic_write
from . import subjects
from .faults import KINDS, plant
from .report import Report, examine
from .terminal import Ink, capabilities, plain
from .terminal import report as report_text


def main(argv: list[str]) -> int:
    """0 where every gradient is right, 1 where the doctor has something to say."""
    options = parser().parse_args(argv)
    colour, unicode = capabilities(sys.stdout)
    everything = options.name == "all"
    names = subjects.names() if everything else [options.name]
    found: dict[str, list[Report]] = {}
    ink = Ink(colour, unicode)
    quiet = options.json or not everything
    if not quiet:
        print(ink(f"{'':27}{'cases':>5}  {'difference':>10}  verdict", "dim"))
    for name in names:
        found[name] = reports(name, options.order, options.seed, options.fault, optional=everything)
        if not quiet and found[name]:
            print(row(name, found[name], options.fault, ink), flush=True)
    healthy = all(r.healthy for rs in found.values() for r in rs)
    if options.html:
        from .page import page

        with atomic_write(Path(options.html)) as file:
            file.write(page([r for rs in found.values() for r in chosen(rs)]).encode())
    if options.json:
        cases = [r.json() for rs in found.values() for r in rs]
        print(json.dumps({"healthy": healthy, "planted": options.fault, "cases": cases}, indent=1))
    elif everything:
        print(summary(found, options.fault, ink))
    else:
        print(one(found[options.name], colour, unicode))
    if options.html and not options.json:
        print(f"written: {options.html}" if unicode else plain(f"written: {options.html}"))
    return 0 if healthy else 1


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="minidl gradcheck",
        description="Compare gradients with finite differences, and say what is wrong with those that differ.",
        epilog="Exit status: 0 every gradient is right, 1 something is wrong, 2 the question was.",
    )
    p.add_argument("name", nargs="?", default="all", metavar="OP|LAYER|all", help="such as softmax or Linear (all)")
    p.add_argument("--order", type=int, choices=(1, 2), default=1, help="of the derivatives (1)")
    p.add_argument("--break", dest="fault", choices=KINDS, metavar="KIND", help=f"plant a fault: {', '.join(KINDS)}")
    p.add_argument("--seed", type=int, default=0, help="of inputs and upstream gradients (0)")
    out = p.add_mutually_exclusive_group()
    out.add_argument("--json", action="store_true", help="print all of it for a machine")
    out.add_argument("--html", metavar="FILE", help="also write one page, to be opened without a network")
    return p


def reports(name: str, order: int = 1, seed: int = 0, fault: str | None = None, optional: bool = False) -> list[Report]:
    """The reports on every case of an op or a layer; with a fault, on the first case that can have it."""
    if seed < 0:
        raise ValueError(f"--seed {seed}: a seed is 0 or more")
    made = subjects.cases(name, order, seed)
    if fault is None:
        return [examine(case) for case in made]
    for square in (False, True) if fault == "axis" else (False,):
        try:
            made = subjects.cases(name, order, seed, square) if square else made
        except (ValueError, RuntimeError, TypeError, IndexError):  # it does not take a cube
            break
        for case in made:
            faulty = plant(case, fault)
            if faulty is not None:
                return [examine(faulty)]
    if optional:
        return []
    raise ValueError(f"--break {fault}: {WHY_NOT[fault].format(name)}; try another KIND, or another op")


WHY_NOT = {
    "sign": "the gradient of {} is zero",
    "transpose": "no input of {} has two axes",
    "mean-for-sum": "no input of {} has more than one element",
    "overwrite": "the gradient of {} is zero",
    "broadcast": "{} broadcasts none of its inputs",
    "axis": "{} treats all axes alike",
    "kink": "{} is smooth",
    "float32": "the gradient of {} has nothing to round",
}


def chosen(rs: list[Report]) -> list[Report]:
    """The one to show of several cases: the first that has something wrong, else the one with most inputs."""
    ill = [r for r in rs if not r.healthy]
    return ill[:1] or sorted(rs, key=lambda r: (-len(r.findings), -sum(f.claimed.size for f in r.findings)))[:1]


def one(rs: list[Report], colour: bool, unicode: bool) -> str:
    if not rs:
        return "no output of it depends on an input: there is no gradient to check"
    (r,), ill = chosen(rs), sum(not r.healthy for r in rs)
    others = len(rs) - 1
    more = f"and {others} more case{'s' * (others > 1)}: {'all exact' if not ill else f'{ill} of {len(rs)} are wrong'}"
    return report_text(r, colour, unicode, more if others else "")


def row(name: str, rs: list[Report], fault: str | None, ink: Ink) -> str:
    (r,) = chosen(rs)
    worst = max((f.difference for x in rs for f in x.findings), default=0.0)
    verdicts = {f.verdict for x in rs for f in x.findings}
    verdict = next(v for v in ("shape", "different", "close", "exact") if v in verdicts)
    said = f"{verdict}: {r.kind}" if r.kind else verdict
    colour = "green" if r.healthy else "yellow" if r.passes else "red"
    mark = "✓" if r.healthy or r.kind == fault else "✗"
    mark = ink(mark if ink.unicode else plain(mark).ljust(2), colour)
    return f"{mark} {name:25}{len(rs):5}  {worst:10.0e}  {ink(said, colour)}"


def summary(found: dict[str, list[Report]], fault: str | None, ink: Ink) -> str:
    there = {name: rs for name, rs in found.items() if rs}
    cases = sum(map(len, there.values()))
    if fault:
        named = sum(rs[0].kind == fault for rs in there.values())
        never = len(found) - len(there)
        return ink(f"{fault} planted in {len(there)} ops and layers: named in {named}. (It cannot be in {never}.)")
    ill = [name for name, rs in there.items() if not all(r.healthy for r in rs)]
    if not ill:
        return ink(f"{len(there)} ops and layers, {cases} cases: every gradient is right.", "green")
    return ink(f"{len(ill)} of {len(there)} ops and layers have something wrong: {', '.join(ill[:8])}.", "red")


