"""What an op is checked on: shapes and ranges, from which the checks draw their values."""

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Values:
    """One array argument: its shape, and how values are drawn (uniform in [low, high) unless `kind` says)."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    kind: str = "float"  # or "int", "bool", "permutation" (integers, none twice), "distinct" (no ties), "definite"

    def draw(self, rng: Any, dtype: str = "float64") -> Any:
        """The values, from a NumPy generator."""
        n, span = math.prod(self.shape), self.high - self.low
        if self.kind == "int":
            return rng.integers(self.low, self.high, n).reshape(self.shape)
        if self.kind == "bool":
            return (rng.random(n) < 0.5).reshape(self.shape)
        if self.kind == "permutation":
            return rng.permutation(int(self.high))[:n].reshape(self.shape)
        places = (rng.permutation(n) + 0.5 * rng.random(n)) / n if self.kind == "distinct" else rng.random(n)
        x = (self.low + span * places).reshape(self.shape).astype(dtype)
        if self.kind == "definite":  # symmetric matrices with eigenvalues of at least one
            x = x @ x.swapaxes(-1, -2)
            diagonal = range(self.shape[-1])
            x[..., diagonal, diagonal] += 1
        return x


@dataclass(frozen=True)
class Sample:
    """The arguments of one call: arrays (None for one left out) and static keywords."""

    args: tuple[Values | None, ...]
    params: dict[str, Any] = field(default_factory=dict)

    def draw(self, rng: Any, dtype: str = "float64") -> list[Any]:
        return [None if a is None else a.draw(rng, dtype) for a in self.args]


def shapes(*args: Any, low: float = -2.0, high: float = 2.0, kind: str = "float", **params: Any) -> Sample:
    """A sample of float arrays of these shapes; `ints`, `bools`, `distinct` and None may stand among them."""
    made = (a if a is None or isinstance(a, Values) else Values(a, low, high, kind) for a in args)
    return Sample(tuple(made), params)


def ints(*shape: int, low: int = 0, high: int, kind: str = "int") -> Values:
    return Values(shape, low, high, kind)


def bools(*shape: int) -> Values:
    return Values(shape, kind="bool")


def distinct(*shape: int) -> Values:
    """Values without ties, for ops that pick one of several (max, sort)."""
    return Values(shape, kind="distinct")


def definite(*batch_and_size: int) -> Values:
    """Symmetric positive definite matrices."""
    return Values((*batch_and_size, batch_and_size[-1]), kind="definite")
