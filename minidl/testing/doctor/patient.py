"""The gradient of one input, on the couch: what is claimed, what finite differences say, whether a guess fits."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .measure import Case, Slopes


@dataclass(frozen=True)
class Diagnosis:
    """A kind of mistake, what it did here, and what to do about it."""

    kind: str
    says: str
    fix: str


@dataclass(frozen=True)
class Candidate:
    """What the gradient would be under one mistake."""

    diagnosis: Diagnosis
    gradient: Any


@dataclass
class Patient:
    """The gradient of one input: what is claimed, and what finite differences say."""

    case: Case
    k: int
    measured: list[Slopes]  # of every input of the case
    kinks: list[tuple[int, ...]] = field(default_factory=list)
    unclear: int = 0  # entries left out, where the function is too steep for differences

    @property
    def name(self) -> str:
        return self.case.names[self.k]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.slopes.shape

    @property
    def slopes(self) -> Slopes:
        return self.measured[self.k]

    @cached_property
    def claimed(self) -> Any:
        g = self.case.claimed[self.k]
        return np.zeros(self.shape) if g is None else g

    @cached_property
    def right(self) -> Any:
        return self.slopes.gradient(self.case.upstream)

    @cached_property
    def looked(self) -> Any:
        """The entries that were checked: all, in inputs of up to WHOLE entries."""
        mask = np.zeros(self.right.size, bool)
        mask[self.slopes.entries] = True
        return mask.reshape(self.shape)

    @cached_property
    def scale(self) -> float:
        return float(np.nanmax(np.abs(self.right), initial=0))

    def fits(self, gradient: Any) -> bool:
        """Is this the claimed gradient, as closely as the numbers can tell?"""
        if np.shape(gradient) != self.claimed.shape:
            return False
        scale = float(np.nanmax(np.abs(gradient), initial=0))
        return far(self.claimed, gradient) <= max(1e-6, 3 * self.case.rounding) * max(scale, 1e-3 * self.scale, 1e-300)

    def formula(self) -> str:
        text = self.case.formulas.get(self.name)
        return f" The formula: {text}" if text else ""


def far(a: Any, b: Any) -> float:
    """The largest difference; entries that were not looked at (NaN in b) do not count, NaN in a does."""
    d = np.abs(a - b)[~np.isnan(b)]
    return float("inf") if np.isnan(d).any() else float(d.max(initial=0))


def place(at: Any) -> str:
    return f"[{', '.join(map(str, at))}]" if len(at) else ""
