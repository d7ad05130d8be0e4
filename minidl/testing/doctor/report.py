"""The Gradient Doctor's report: a verdict and a diagnosis for every input, and the error against the step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .cases import case_of
from .hypotheses import diagnose, unclear
from .measure import Case, Slopes, slopes, v_curve
from .patient import Diagnosis, Patient, far, place


@dataclass
class Finding:
    """One input: how its gradient compares with finite differences, and why it differs, if it does."""

    name: str
    shape: tuple[int, ...]
    verdict: str  # "exact", "close", "different" or "shape"
    claimed: Any
    numeric: Any
    difference: float = 0.0  # the largest
    at: tuple[int, ...] = ()
    wrong: int = 0  # entries that differ by more than the tolerance
    diagnoses: list[Diagnosis] = field(default_factory=list)

    @property
    def passes(self) -> bool:
        return self.verdict in ("exact", "close")

    @property
    def error(self) -> Any:
        """|claimed − numeric|, entry by entry; None where the shapes differ."""
        return None if self.verdict == "shape" else np.abs(self.claimed - self.numeric)

    @property
    def words(self) -> str:
        if self.verdict == "shape":
            return f"shape {self.claimed.shape}, and the input is {self.shape}"
        if self.verdict == "different":
            return f"max difference {self.difference:.2g} at {place(self.at) or 'its one entry'}"
        return f"{self.verdict}, within {self.difference:.0e}"


@dataclass
class Report:
    """What the doctor found. True where a plain gradcheck would pass; `healthy` where there is nothing to say."""

    case: Case
    findings: list[Finding]

    @property
    def passes(self) -> bool:
        return all(f.passes for f in self.findings)

    def __bool__(self) -> bool:
        return self.passes

    @property
    def healthy(self) -> bool:
        return self.passes and all(d.kind == "unclear" for f in self.findings for d in f.diagnoses)

    @property
    def worst(self) -> Finding:
        """The input to look at first."""
        rank = {"exact": 0, "close": 1, "different": 2, "shape": 3}
        return max(self.findings, key=lambda f: (rank[f.verdict], bool(f.diagnoses), f.difference))

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The likeliest cause of the worst of it; None where all is well."""
        found = [f.diagnoses[0] for f in (self.worst, *self.findings) if f.diagnoses]
        return found[0] if found else None

    @property
    def kind(self) -> str | None:
        return None if self.diagnosis is None else self.diagnosis.kind

    @cached_property
    def curve(self) -> list[tuple[float, float]]:
        """(step, error) along a random direction, for the worst input."""
        f = self.worst
        if f.verdict == "shape" or not np.isfinite(f.claimed).all():
            return []
        return v_curve(self.case, self.case.names.index(f.name), f.claimed)

    def text(self, colour: bool = False, unicode: bool = True) -> str:
        """At most 24 lines of 80 columns."""
        from .terminal import report

        return report(self, colour, unicode)

    def json(self) -> dict[str, Any]:
        """All of it as numbers and words."""
        return {
            "name": self.case.name,
            "note": self.case.note,
            "order": self.case.order,
            "seed": self.case.seed,
            "passes": self.passes,
            "healthy": self.healthy,
            "diagnosis": self.kind,
            "outputs": [list(y.shape) for y in self.case.outputs],
            "inputs": [
                {
                    "name": f.name,
                    "shape": list(f.shape),
                    "verdict": f.verdict,
                    "difference": finite(f.difference),
                    "at": list(f.at),
                    "wrong": f.wrong,
                    "claimed_shape": list(np.shape(f.claimed)),
                    "diagnoses": [{"kind": d.kind, "says": d.says, "fix": d.fix} for d in f.diagnoses],
                }
                for f in self.findings
            ],
            "curve": {"input": self.worst.name, "points": [list(point) for point in self.curve]},
        }

    def html(self) -> str:
        """One self-contained page."""
        from .page import page

        return page([self])

    def _repr_html_(self) -> str:
        from .page import fragment

        return fragment(self)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


def finite(x: float) -> float | None:
    """JSON has no infinity."""
    return float(x) if np.isfinite(x) else None


def explain(
    func: Callable[..., Any], inputs: Any, *, grad: Any = None, order: int = 1, seed: int = 0,
    atol: float = 1e-5, rtol: float = 1e-3, name: str = "",
) -> Report:  # fmt: skip
    """Compare the gradients of `func(*inputs)` with finite differences, and say what is wrong with those that differ.

    Without `grad`: the gradients that minidl's backward gives, of the inputs that require them and, where func is a
    module, of its parameters; with order=2 those of the gradients. With `grad`: gradients written by hand, as
    `grad(g, *inputs)` with g the gradient of the output, or `grad(*inputs)` where the output is one number, or as
    finished arrays; func and grad may then be plain NumPy. Upstream gradients are random, since ones hide errors."""
    with buffers_kept(func):
        return examine(case_of(func, inputs, grad, order=order, seed=seed, name=name), atol, rtol)


def examine(case: Case, atol: float = 1e-5, rtol: float = 1e-3) -> Report:
    """The report on a case."""
    again = case.flat(case.values)
    differs = ~((case.flat(case.values) == again) | np.isnan(again))
    if differs.any():
        raise ValueError(
            f"gradcheck: {case.name} gives other values each time for the same inputs, so differences say nothing; "
            "is there "
            "dropout (model.eval()) or another draw of random numbers in it?"
        )
    measured = [slopes(case, k) for k in range(len(case.values))]
    return Report(case, [_finding(Patient(case, k, list(measured)), atol, rtol) for k in range(len(case.values))])


def _finding(p: Patient, atol: float, rtol: float) -> Finding:
    columns = np.flatnonzero(p.slopes.kinks)
    p.kinks = [tuple(map(int, np.unravel_index(p.slopes.entries[c], p.shape))) for c in columns]
    if p.claimed.shape != p.shape:
        return Finding(p.name, p.shape, "shape", p.claimed, p.right, float("inf"), (), 0, diagnose(p))
    bound = p.case.resolution(p.scale)
    if not far(p.claimed, p.right) <= bound or np.isnan(p.right[p.looked]).any():
        _second_opinion(p, bound)
    error = np.where(p.looked, np.abs(p.claimed - p.right), 0.0)
    error = np.where(np.isnan(error), np.inf, error)
    at = np.unravel_index(int(np.argmax(error)), p.shape) if error.size else ()
    worst = float(error.max(initial=0))
    wrong = int((~(error <= atol + rtol * np.abs(np.nan_to_num(p.right)))).sum())
    verdict = "exact" if worst <= bound else "different" if wrong else "close"
    found = Finding(p.name, p.shape, verdict, p.claimed, p.right, worst, tuple(map(int, at)), wrong)
    if p.unclear and not p.looked.any():
        found.diagnoses = [unclear(p)]
    elif verdict != "exact" or p.kinks:
        found.diagnoses = diagnose(p)
        if verdict != "different" and found.diagnoses[0].kind in ("unknown", "some entries", "scale"):
            found.diagnoses = []  # within the tolerance, and nothing that has a name
    return found


def _second_opinion(p: Patient, bound: float) -> None:
    """Before calling a gradient wrong: another step may see more clearly, entry by entry.

    Where steps disagree with one another as much as with the claim, differences cannot tell, and accuse nobody."""
    v, m, finite = p.case.upstream, p.slopes, np.isfinite(p.case.flat(p.case.values)).all()
    claimed, seen, gaps = p.claimed.ravel()[m.entries], [v @ m.jacobian], []
    for factor in (0.1, 0.01) if p.case.noise < 1e-12 else (0.3, 3):
        other = slopes(p.case, p.k, step=p.case.step * factor)
        seen.append(v @ other.jacobian)
        gaps.append(np.abs(seen[-1] - seen[-2]))
        closer = np.abs(seen[-1] - claimed) < np.nan_to_num(np.abs(v @ m.jacobian - claimed), nan=np.inf)
        closer &= ~m.kinks
        m.jacobian[:, closer] = other.jacobian[:, closer]
    error = np.abs(v @ m.jacobian - claimed)
    torn = np.isnan(v @ m.jacobian) | ((error > bound) & (error <= 10 * np.fmin(*gaps)))
    torn &= ~m.kinks & finite
    p.unclear = int(torn.sum())
    kept = ~torn
    J, left, right = m.jacobian[:, kept], m.left[:, kept], m.right[:, kept]
    p.measured[p.k] = Slopes(m.shape, m.entries[kept], J, left, right, m.kinks[kept])
    for name in ("right", "scale", "looked"):
        p.__dict__.pop(name, None)


class buffers_kept:
    """A module's buffers (running statistics) come out as they went in, though it runs many times."""

    def __init__(self, func: Any) -> None:
        self.buffers = [b for _, b in getattr(func, "named_buffers", list)()]

    def __enter__(self) -> None:
        self.before = [b.array.copy() for b in self.buffers]

    def __exit__(self, *error: object) -> None:
        for b, old in zip(self.buffers, self.before):
            b.array = old
