"""The counts, the reasons and the page PARITY.md, out of what was run."""

import collections
import dataclasses
import functools
import re
import textwrap
from pathlib import Path

import torch

from .mirror import Missing, find
from .names import LEFT_OUT, families, in_scope
from .outcomes import summary

PAGE = Path(__file__).with_name("PARITY.md")

# The least that the page may show, in per cent; a figure here only ever rises.
BARS = {
    "operators: samples that agree in value and first gradient": 99.0,
    "operators: those that agree in second order": 98.0,
    "operators: refused as PyTorch does": 99.0,
    "modules: samples that agree in value and first gradient": 99.0,
    "modules: those that agree in second order": 98.0,
    "modules: refused as PyTorch does": 99.0,
    "optimizers and schedules: same trajectory": 99.0,
    "optimizers and schedules: refused as PyTorch does": 99.0,
}


# Why some of what differs is meant to.
MEANT = {
    "as_strided_scatter": "PyTorch's gradient fails its own gradcheck: it blanks other places than it overwrote",
    "special.bessel_j0": "PyTorch's own has 7 digits where |x| > 5; here all 16",
    "special.bessel_j1": "PyTorch's own has 7 digits where |x| > 5; here all 16",
    "special.bessel_y0": "PyTorch's own has 7 digits where x > 5; here all 16",
    "special.bessel_y1": "PyTorch's own has 6 digits where x > 5; here all 16",
    "logcumsumexp": "in float32 PyTorch's gradient has 3 digits there; here all 7",
    "nn.functional.interpolate/bilinear": "of uint8: PyTorch rounds after each axis, with 8-bit weights",
    "nn.functional.interpolate/bicubic": "of uint8: PyTorch rounds after each axis, with 8-bit weights",
}


@dataclasses.dataclass
class Results:
    outcomes: list

    def counts(self, kind):
        return summary(o for o in self.outcomes if kind_of(o.name) == kind)

    @functools.cached_property
    def by_name(self):
        found = collections.defaultdict(list)
        for o in self.outcomes:
            found[o.name].append(o)
        return found

    @functools.cached_property
    def states(self):
        """What became of each name of the list: same, differs, there (no sample of PyTorch's), missing, left out."""
        return {name: self.state(name) for name in in_scope()}

    def state(self, name):
        if not exists(name):
            return "left out" if name in LEFT_OUT else "missing"
        ran = self.by_name.get(name)
        return "there" if not ran else "differs" if any(o.why for o in ran) else "same"


def kind_of(name):
    if name.startswith("optim."):
        return "optimizers and schedules"
    return "modules" if re.match(r"nn\.[A-Z]", name) else "operators"


def exists(name):
    try:
        find(name)
    except Missing:
        return False
    return True


def share(part, whole):
    return f"{part} of {whole} ({100 * part / max(whole, 1):.2f} %)"


def lines_of_counts(results):
    lines, states = [], collections.Counter(results.states.values())
    total = len(results.states)
    for kind in ("operators", "modules", "optimizers and schedules"):
        c = results.counts(kind)
        if kind == "optimizers and schedules":
            lines.append((f"{kind}: same trajectory", share(c["agree"], c["samples"])))
        else:
            lines.append((f"{kind}: samples that agree in value and first gradient", share(c["agree"], c["samples"])))
            lines.append((f"{kind}: those that agree in second order", share(c["second agree"], c["second"])))
        lines.append((f"{kind}: refused as PyTorch does", share(c["errors agree"], c["errors"])))
    return lines + [
        ("names in the list: same on every sample", share(states["same"], total)),
        ("names in the list: there, and PyTorch has no samples of it", share(states["there"], total)),
        ("names in the list: differ on some sample", share(states["differs"], total)),
        ("names in the list: missing", share(states["missing"], total)),
        ("names in the list: left out", share(states["left out"], total)),
    ]


def table(results):
    return "\n".join(f"{what:62}{count}" for what, count in lines_of_counts(results))


def reasons(outcomes):
    """A line for each way an operator fails: how often, why, the first sample that shows it."""
    found = collections.OrderedDict()
    for o in outcomes:
        if o.why:
            found.setdefault((o.op, o.why if o.why.startswith("missing") else f"{o.how}: {o.why}"), []).append(o)
    for (operator, _), failing in found.items():
        first = failing[0]
        dtypes = ",".join(sorted({o.dtype for o in failing} - {""}))
        yield f"{operator}: {first.how} {dtypes} ({len(failing)}): {first.why}   [{first.sample}]"


def cell(text):
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def page(results):
    """PARITY.md."""
    by_op = collections.defaultdict(list)
    for o in results.outcomes:
        by_op[o.op].append(o)
    version = torch.__version__.split("+")[0]
    lines = ["# minidl beside PyTorch", "",
             f"Written by `python -m tests.parity` against PyTorch {version}: PyTorch's own samples of its"
             " operators, modules and optimizers, run on both sides.", "", "| | |", "|---|---|"]
    lines += [f"| {what} | {count} |" for what, count in lines_of_counts(results)]
    lines += ["", "## Differs", "", "| of | agree | how the first of the others differs |", "|---|---|---|"]
    for operator, ran in by_op.items():
        telling = [o for o in ran if o.why and results.states[o.name] not in ("missing", "left out")]
        if telling:
            agree = f"{sum(not o.why for o in ran)} of {len(ran)}"
            why = f"{telling[0].how}: {cell(telling[0].why)}"
            lines.append(f"| {operator} | {agree} | {why}{f'. {MEANT[operator]}' if operator in MEANT else ''} |")
    lines += ["", "## Missing", "", *wrapped(results, "missing")]
    lines += ["", "## Left out", "", "| name | why |", "|---|---|"]
    lines += [f"| {name} | {why} |" for name, why in LEFT_OUT.items()]
    lines += ["", "Whole families, outside the list:", "", "| family | names | why |", "|---|---|---|"]
    lines += [f"| {name} | {len(names)} | {why} |" for name, why, names in families()]
    lines += ["", "## Same on every sample", "", *wrapped(results, "same")]
    lines += ["", "## There, and PyTorch has no samples of it", "", *wrapped(results, "there")]
    return "\n".join(lines) + "\n"


def wrapped(results, state):
    names = [name for name, found in results.states.items() if found == state]
    return textwrap.wrap(" ".join(names) or "none", 118, break_on_hyphens=False)


def known():
    """The operators that PARITY.md says differ or lack a name."""
    text = PAGE.read_text(encoding="utf-8")
    differs = text.partition("## Differs")[2].partition("##")[0]
    missing = text.partition("## Missing")[2].partition("##")[0].split()
    return set(re.findall(r"^\| (\S+) \|", differs, re.M)) - {"of"}, {*missing, *LEFT_OUT}


def figures():
    """The percentages of the page."""
    rows = re.findall(r"^\| ([^|]+) \| \d+ of \d+ \(([\d.]+) %\) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    return {what: float(percent) for what, percent in rows}
