"""The first half of the demo: every op's derivatives against finite differences, a row a family."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..testing.checks import BOUNDS, Trial, registry


@dataclass(frozen=True)
class Row:
    """What was found for one op, or the worst of one file of formulas."""

    name: str
    ops: int
    samples: int
    first_order: float
    second_order: float
    seconds: float

    @property
    def proved(self) -> bool:
        return self.first_order <= BOUNDS["first order"] and self.second_order <= BOUNDS["second order"]


def prove() -> Iterator[tuple[str, Row]]:
    """For every op: the file it stands in, and its row."""
    for op in sorted(registry(), key=lambda op: (op.__module__, op.name)):
        start = time.perf_counter()
        trials = [Trial(op, sample) for sample in op.samples]
        first = max(trial.first_order() for trial in trials)
        second = max(trial.second_order() for trial in trials)
        family = op.__module__.rpartition(".")[2]
        yield family, Row(op.name, 1, len(trials), first, second, time.perf_counter() - start)


def together(name: str, rows: list[Row]) -> Row:
    """The worst of several rows."""
    return Row(
        name,
        sum(row.ops for row in rows),
        sum(row.samples for row in rows),
        max(row.first_order for row in rows),
        max(row.second_order for row in rows),
        sum(row.seconds for row in rows),
    )
