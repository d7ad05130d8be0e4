"""Faults to find: a case with one common mistake planted in the gradient of one of its inputs."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .measure import Case, column, slopes
from .mistakes import broadcasts, summed, turned
from .patient import far

Fault = Callable[[Any, Any, Any], Any]  # (right gradient, values, seeds) -> wrong gradient


def plant(case: Case, kind: str) -> Case | None:
    """The case with this fault in the gradient of the first input where it changes anything; None where it cannot.

    A fault that comes to the same numbers as one of another kind is no fault of its own, and is not planted."""
    for k in range(len(case.values)):
        for faulty in FAULTS[kind](case, k):
            if kind == "kink" or (differs(faulty, case, k) and not same_as_another(faulty, case, kind, k)):
                return faulty
    return None


def differs(faulty: Case, case: Case, k: int) -> bool:
    """Is there a gradient to speak of, and does the fault change it by more than finite differences can be off?"""
    every = faulty.backward.right(faulty.values, faulty.seeds)  # type: ignore[attr-defined]
    wrong, right = faulty.claimed[k], every[k]
    largest = max((np.abs(g).max(initial=0) for g in every if g is not None), default=0)
    if right is None or not wrong.any() or not np.isfinite(right).all():
        return False
    scale = float(np.abs(right).max(initial=0))
    if not scale > 1e-4 * largest:
        return False
    return wrong.shape != right.shape or far(wrong, right) > 2 * case.resolution(scale)


# Where two come to the same numbers, the one further left has it.
RANK = ("sign", "transpose", "broadcast", "overwrite", "axis", "mean-for-sum", "kink", "float32")


def same_as_another(faulty: Case, case: Case, kind: str, k: int) -> bool:
    g = faulty.claimed[k]
    for other in RANK[: RANK.index(kind)]:
        if other == "overwrite" or kind in ("overwrite", "float32"):
            continue  # uses the input twice; no other does
        for made in FAULTS[other](case, k):
            h = made.claimed[k]
            scale = np.abs(h).max(initial=1e-300)
            if g.shape == h.shape and min(far(g, h), far(g, -h)) <= 1e-5 * scale:
                return True
    return False


def with_gradient(case: Case, k: int, fault: Fault) -> Case:
    """The same function, the gradient of its k-th input passed through a fault."""
    right = case.backward

    def backward(values: Any, seeds: Any) -> list[Any]:
        found = [np.zeros(np.shape(x)) if g is None else np.asarray(g, np.float64)
                 for g, x in zip(right(values, seeds), values)]  # fmt: skip
        found[k] = fault(found[k], values, seeds)
        return found

    backward.right = right  # type: ignore[attr-defined]
    return replace(case, backward=backward)


def sign(case: Case, k: int) -> Iterator[Case]:
    yield with_gradient(case, k, lambda g, values, seeds: -g)


def transpose(case: Case, k: int) -> Iterator[Case]:
    n = np.ndim(case.values[k])
    for order in sorted(itertools.permutations(range(n)), key=lambda o: sum(i != j for i, j in enumerate(o)))[1:]:
        yield with_gradient(case, k, lambda g, values, seeds, order=order: g.transpose(order).copy())  # type: ignore[misc]


def mean_for_sum(case: Case, k: int) -> Iterator[Case]:
    n = max(case.values[k].size, *(y.size for y in case.outputs))
    if n > 1:
        yield with_gradient(case, k, lambda g, values, seeds: g / n)


def overwrite(case: Case, k: int) -> Iterator[Case]:
    """The inputs are used twice; what the second use contributes takes the place of what the first did."""
    half = len(case.outputs)
    both = lambda values, seeds: [case.backward(values, seeds[:half]), case.backward(values, seeds[half:])]

    def right(values: Any, seeds: Any) -> list[Any]:
        return [None if a is None else a + b for a, b in zip(*both(values, seeds))]

    note = f"used twice; {case.note}".rstrip("; ")
    twice = replace(case, evaluate=lambda values: [*case.evaluate(values)] * 2, backward=right, note=note)

    def last(g: Any, values: Any, seeds: Any) -> Any:
        second = both(values, seeds)[1][k]
        return np.zeros_like(g) if second is None else second

    yield with_gradient(twice, k, last)


def broadcast(case: Case, k: int) -> Iterator[Case]:
    """The gradient keeps the shape that the input was stretched to."""
    for b in broadcasts(case, slopes(case, k)):
        yield with_gradient(case, k, lambda g, values, seeds, b=b: b.raw)  # type: ignore[misc]


def axis(case: Case, k: int) -> Iterator[Case]:
    """Summed over the wrong axis, or the gradient of the same function along another axis."""
    for b in broadcasts(case, slopes(case, k)):
        for other in itertools.combinations(range(b.raw.ndim), len(b.axes)):
            if other != b.axes:
                yield with_gradient(case, k, lambda g, values, seeds, b=b, other=other: summed(b, other))  # type: ignore[misc]
    for i, j in itertools.combinations(range(np.ndim(case.values[k])), 2):
        for g in turned(case, k, i, j, lambda c, values, seeds: c.backward(values, seeds)[k]):
            yield with_gradient(case, k, lambda _, values, seeds, g=g: g)  # type: ignore[misc]


def kink(case: Case, k: int) -> Iterator[Case]:
    """One entry is moved to where the function has no derivative, if such a place is found."""
    x = case.values[k]
    others = [v for y in (*case.values[:3], x) for v in np.ravel(y)[:12]]  # where two are equal, max(a, b) has one
    places = list(dict.fromkeys([0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 3.0, -3.0, 6.0, 0.1, -0.1, *map(float, others)]))
    for entry in range(min(x.size, 4)):
        for at in places:
            moved = x.copy()
            if moved.reshape(-1)[entry] == at:
                continue
            moved.reshape(-1)[entry] = at
            values = [moved if j == k else y for j, y in enumerate(case.values)]
            try:
                middle = case.flat(values)
                slope, left, right, apart = column(case, values, k, entry, case.step, middle)
            except (ValueError, RuntimeError):  # outside the function's domain
                continue
            smooth = np.isfinite(middle).all() and np.isfinite([left, right]).all()
            gap = np.abs(case.upstream @ (right - left)) if smooth and middle.shape == case.upstream.shape else 0
            if apart and 1e-3 < gap < 1e3:
                yield replace(case, values=values)
                return


def float32(case: Case, k: int) -> Iterator[Case]:
    """The backward computes in single precision."""
    single = lambda a: np.asarray(a).astype(np.float32).astype(np.float64)
    rounded = lambda g, values, seeds: single(case.backward(values, [single(v) for v in seeds])[k])
    if case.claimed[k] is not None:
        yield with_gradient(case, k, rounded)


FAULTS: dict[str, Callable[[Case, int], Iterator[Case]]] = {
    "sign": sign,
    "transpose": transpose,
    "mean-for-sum": mean_for_sum,
    "overwrite": overwrite,
    "broadcast": broadcast,
    "axis": axis,
    "kink": kink,
    "float32": float32,
}
KINDS = tuple(FAULTS)
