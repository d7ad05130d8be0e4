"""What finite differences say: the Jacobian, kinks, and the error as the step shrinks. Backward plays no part here.

A case is a function with the values of those inputs whose gradients are claimed. Everything is NumPy in float64:
what runs the function, on whatever device and in whatever library, stands behind `evaluate` and `backward`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

Arrays = Sequence[Any]

WHOLE = 3000  # inputs with more entries are checked at a random choice of them
CHOSEN = 300


@dataclass
class Case:
    """A function, where it is looked at, and the gradients that are claimed for it.

    evaluate(values) gives every output; backward(values, seeds) the claimed gradient of Σ ⟨seed, output⟩ for each
    input, in whatever shape its author gave it, or None."""

    name: str
    names: list[str]
    values: list[Any]
    evaluate: Callable[[Arrays], list[Any]]
    backward: Callable[[Arrays, Arrays], list[Any]]
    formulas: dict[str, str] = field(default_factory=dict)  # by input: the gradient as the docstring writes it
    source: str = ""
    note: str = ""
    seed: int = 0
    scalar: bool = False  # the hand-written gradient takes no upstream gradient
    order: int = 1
    inside: str = ""  # a gradient of the wrong shape that was met on the way through the graph

    @cached_property
    def outputs(self) -> list[Any]:
        return [np.asarray(y, np.float64) for y in self.evaluate(self.values)]

    @cached_property
    def seeds(self) -> list[Any]:
        """The upstream gradients: of both signs, no two alike, none near zero. (Ones would hide errors.)"""
        rng = np.random.default_rng(self.seed)
        if self.scalar:
            return [np.ones(y.shape) for y in self.outputs]
        return [rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1, 1], y.shape) for y in self.outputs]

    @cached_property
    def claimed(self) -> list[Any]:
        found = self.backward(self.values, self.seeds)
        return [None if g is None else np.asarray(g, np.float64) for g in found]

    def flat(self, values: Arrays) -> Any:
        """All outputs in one row of numbers."""
        ys = [np.asarray(y, np.float64).ravel() for y in self.evaluate(values)]
        return np.concatenate(ys) if ys else np.zeros(0)

    def moved(self, k: int, step: Any) -> list[Any]:
        return [x + step if j == k else x for j, x in enumerate(self.values)]

    @cached_property
    def upstream(self) -> Any:
        return np.concatenate([v.ravel() for v in self.seeds]) if self.seeds else np.zeros(0)

    @cached_property
    def noise(self) -> float:
        """How rough the values are, relative to their size: 1e-16 where all is float64, 1e-8 where float32 is inside.

        From third differences along a line (Hamming), which rounding makes as large for a short step as for a longer
        one, and curvature does not. Of two lines the smoother counts: the other may have run over a kink."""
        found = [(self._roughness(seed, 1e-5), self._roughness(seed, 1e-6)) for seed in (1, 2)]
        return max(2e-16, min(short if long < 30 * short else 0.0 for long, short in found))

    def _roughness(self, seed: int, step: float) -> float:
        rng = np.random.default_rng(seed)
        us = [rng.uniform(-1, 1, x.shape) for x in self.values]
        try:
            rows = np.array([self.flat([x + step * t * u for x, u in zip(self.values, us)]) for t in range(10)])
        except (ValueError, ArithmeticError, RuntimeError):  # a step out of the function's domain
            return 0.0
        size = np.abs(rows[0]).max(initial=0)
        if not rows.size or not np.isfinite(rows).all() or size == 0:
            return 0.0
        return float(np.median(np.abs(np.diff(rows, 3, axis=0)), axis=0).max() / np.sqrt(20) / size)

    @property
    def step(self) -> float:
        """Where truncation and rounding are both small."""
        return 1e-4 if self.noise < 1e-12 else float(min(0.1, self.noise**0.2))

    @property
    def rounding(self) -> float:
        """What the differences can be off by, relative to the largest of them."""
        return 3e-9 if self.noise < 1e-12 else float(min(0.1, 100 * self.noise / self.step))

    def resolution(self, scale: float) -> float:
        """The smallest difference that can be seen in a gradient whose largest entry is `scale`."""
        values = np.abs(self.flat(self.values) * self.upstream)
        return self.rounding * scale + float(20 * self.noise * values[np.isfinite(values)].sum() / self.step)


@dataclass
class Slopes:
    """d output / d input for one input, by finite differences: a row an output entry, a column an input entry."""

    shape: tuple[int, ...]
    entries: Any  # which entries of the input the columns are, flat
    jacobian: Any
    left: Any  # slopes from the left and from the right, where they differ; the same as jacobian elsewhere
    right: Any
    kinks: Any  # by column: has the function no derivative there?

    @property
    def whole(self) -> bool:
        return len(self.entries) == int(np.prod(self.shape))

    def gradient(self, upstream: Any) -> Any:
        """Jᵀ v at the entries looked at, NaN elsewhere, in the shape of the input."""
        return self.spread(upstream @ self.jacobian)

    def spread(self, columns: Any) -> Any:
        full = np.full(int(np.prod(self.shape)), np.nan)
        full[self.entries] = columns
        return full.reshape(self.shape)


def slopes(case: Case, k: int, values: Arrays | None = None, step: float | None = None) -> Slopes:
    """The Jacobian of a case in its k-th input, column by column, and the columns in which it has a kink."""
    values = list(case.values if values is None else values)
    x = np.asarray(values[k], np.float64)
    entries = np.arange(x.size)
    if x.size > WHOLE:
        entries = np.sort(np.random.default_rng(case.seed).choice(x.size, CHOSEN, replace=False))
    middle = case.flat(values)
    h = case.step if step is None else step
    found = [column(case, values, k, int(e), h, middle) for e in entries]
    side = lambda i: np.stack([f[i] for f in found], axis=1) if found else np.zeros((middle.size, 0))
    return Slopes(x.shape, entries, side(0), side(1), side(2), np.array([f[3] for f in found], bool))


def column(case: Case, values: list[Any], k: int, entry: int, h: float, middle: Any) -> tuple[Any, Any, Any, bool]:
    """The slope in one entry; from either side, too, where the two stay apart however small the step."""
    smooth = 1e-5 if case.noise < 1e-12 else 20 * case.rounding
    gaps = []
    for _ in range(4 if case.noise < 1e-12 else 1):
        y = {0: middle}
        for side in (-2, -1, 1, 2):
            x = np.array(values[k], np.float64)
            x.reshape(-1)[entry] += side * h
            try:
                y[side] = case.flat([*values[:k], x, *values[k + 1 :]])
            except (ValueError, ArithmeticError, RuntimeError):  # a step out of the function's domain
                y[side] = np.full_like(middle, np.nan)
        # Five points for the slope, three for each side of it; as differences, so that a constant has exactly 0.
        with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN: differences cannot tell
            slope = (8 * (y[1] - y[-1]) - (y[2] - y[-2])) / (12 * h)
            right = (4 * (y[1] - y[0]) - (y[2] - y[0])) / (2 * h)
            left = (4 * (y[0] - y[-1]) - (y[0] - y[-2])) / (2 * h)
        gap = np.abs(right - left)
        gaps.append(gap.max(initial=0))
        if not gaps[-1] > smooth * (1 + np.abs(slope).max(initial=0)):  # NaN is no kink
            return slope, slope, slope, False
        h /= 30
    apart = len(gaps) > 1 and gaps[-1] > 0.1 * gaps[-2]
    return (left + right) / 2 if apart else slope, left if apart else slope, right if apart else slope, apart


def v_curve(case: Case, k: int, gradient: Any) -> list[tuple[float, float]]:
    """(step h, error) of the central difference along a random direction, against a gradient of the k-th input.

    For a right gradient it falls with h², until rounding makes it rise with 1/h; for a wrong one it stays up."""
    u = np.random.default_rng(case.seed + 2).uniform(-1, 1, case.values[k].shape)
    size = float(np.sqrt((u * u).sum()))
    u = u / size if size else u
    wanted, points = float((np.asarray(gradient) * u).sum()), []
    for h in 10.0 ** -np.arange(0.5, 12.1, 0.5):
        try:
            ahead, behind = (case.flat(case.moved(k, s * h * u)) for s in (1, -1))
        except (ValueError, RuntimeError):  # too long a step left the domain
            continue
        error = abs(float(case.upstream @ (ahead - behind)) / (2 * h) - wanted)
        if np.isfinite(error):
            points.append((float(h), error))
    return points
