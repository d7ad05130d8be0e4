"""The common mistakes. Each proposes what the gradient would be, had it been made here; `diagnose` tries them all."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .measure import Case, Slopes, slopes
from .patient import Candidate, Diagnosis, Patient, far


def sign(p: Patient) -> Iterator[Candidate]:
    yield Candidate(
        Diagnosis(
            "sign",
            f"the gradient of {p.name} is the negative of the right one.",
            f"look for a lost or extra minus: (a − b) gives b −g; d(1/x) = −1/x²; d cos x = −sin x.{p.formula()}",
        ),
        -p.right,
    )


def transpose(p: Patient) -> Iterator[Candidate]:
    n = p.right.ndim
    for order in sorted(itertools.permutations(range(n)), key=lambda o: sum(i != j for i, j in enumerate(o)))[1:]:
        says = f"the gradient of {p.name} has its axes in the order {order} of the right one."
        fix = f"permute it back to the shape of {p.name}, {p.shape}."
        if n == 2:
            says = f"what stands as the gradient of {p.name} is the transpose of it."
            fix = f"d{p.name} = {as_product(p) or 'what you have, transposed'}: you have its transpose."
        yield Candidate(Diagnosis("transpose", says, fix + p.formula()), p.right.transpose(order))


def as_product(p: Patient) -> str:
    """The right gradient as a product of another input with g, where it is one."""
    for other, values in zip(p.case.names, p.case.values):
        for g in p.case.seeds:
            if np.ndim(values) != 2 or g.ndim != 2:
                continue
            for text, a, b in [
                (f"{other}ᵀ @ g", values.T, g), (f"g @ {other}ᵀ", g, values.T),
                (f"gᵀ @ {other}", g.T, values), (f"g @ {other}", g, values), (f"{other} @ gᵀ", values, g.T),
            ]:  # fmt: skip
                if a.shape[1] == b.shape[0] and (a @ b).shape == p.shape and far(a @ b, p.right) <= 1e-6 * p.scale:
                    return text
    return ""


def exchanged(p: Patient) -> Iterator[Candidate]:
    for j, other in enumerate(p.case.names):
        if j != p.k and Patient(p.case, j, p.measured).fits(p.right):
            yield Candidate(
                Diagnosis(
                    "exchanged", f"what stands as the gradient of {p.name} is that of {other}, and the other way "
                    "round.",
                    f"return the gradients in the order of the inputs: {', '.join(p.case.names)}.",
                ),
                p.measured[j].gradient(p.case.upstream),
            )  # fmt: skip


def upstream_ignored(p: Patient) -> Iterator[Candidate]:
    if not p.case.scalar:
        yield Candidate(
            Diagnosis(
                "upstream", f"the gradient of {p.name} is right for an upstream gradient of ones only.",
                "the backward forgets g, what comes in from above: multiply by it (chain rule).",
            ),
            p.slopes.gradient(np.ones_like(p.case.upstream)),
        )  # fmt: skip


def overwrite(p: Patient) -> Iterator[Candidate]:
    """Only one of several contributions is there: of several uses, of several rows, of several entries."""
    starts = np.cumsum([0, *(v.size for v in p.case.seeds)])
    fix = "contributions add up: write `+=` where `=` stands (and start from zeros)."
    n = len(p.case.seeds)
    J = p.slopes.jacobian * p.case.upstream[:, None]
    parts = [J[a:b].sum(axis=0) for a, b in itertools.pairwise(starts)]  # of each output
    for i, j in itertools.combinations(range(n, -1, -1), 2) if n <= 200 else ():  # the last ones first
        if i - j < n:
            which = f"output {j + 1}" if i - j == 1 else f"outputs {j + 1} to {i}"
            yield Candidate(
                Diagnosis(
                    "overwrite", f"{p.name} is used in {n} outputs, and only the contribution of {which} is in its "
                    "gradient.",
                    fix,
                ),
                p.slopes.spread(sum(parts[j:i])),
            )  # fmt: skip
    for y, v, a in zip(p.case.outputs, p.case.seeds, starts):
        for axis in range(y.ndim):
            for row in {0, y.shape[axis] - 1} if y.shape[axis] > 1 else ():
                only = np.zeros(y.shape)
                at = (slice(None),) * axis + (row,)
                only[at] = v[at]
                padded = np.zeros_like(p.case.upstream)
                padded[a : a + y.size] = only.ravel()
                which = "the last" if row else "the first"
                yield Candidate(
                    Diagnosis(
                        "overwrite", f"of the {y.shape[axis]} contributions along axis {axis} of the output, only "
                        f"{which} is in the gradient of {p.name}.", fix,
                    ),
                    p.slopes.gradient(padded),
                )  # fmt: skip
    there = np.abs(J) > 1e-7 * np.abs(J).max(initial=0)
    if (there.sum(axis=0) > 1).any():
        last = J.shape[0] - 1 - np.argmax(there[::-1], axis=0)
        yield Candidate(
            Diagnosis(
                "overwrite", f"where an entry of {p.name} reaches several outputs (an index used twice?), only the "
                "last "
                "contribution is in its gradient.", fix + " For repeated indices: np.add.at(gw, index, g).",
            ),
            p.slopes.spread(J[last, np.arange(J.shape[1])]),
        )  # fmt: skip


@dataclass(frozen=True)
class Broadcast:
    """An input that was stretched to an output's shape: its gradient before it is summed back, and over what."""

    raw: Any  # of the output's shape
    axes: tuple[int, ...]  # to sum over
    shape: tuple[int, ...]


def broadcasts(case: Case, measured: Slopes) -> Iterator[Broadcast]:
    """Where each output entry depends on one entry of the input, by its place: the input was broadcast there."""
    if not measured.whole:
        return
    start = 0
    for y, v in zip(case.outputs, case.seeds):
        J = measured.jacobian[start : start + y.size] * v.reshape(-1, 1)
        start += y.size
        sizes = [n for n in measured.shape if n != 1]
        for kept in itertools.combinations(range(y.ndim), len(sizes)):
            if [y.shape[a] for a in kept] != sizes or y.size == J.shape[1]:
                continue
            axes = tuple(a for a in range(y.ndim) if a not in kept)
            feeds = np.arange(J.shape[1]).reshape([1 if a in axes else n for a, n in enumerate(y.shape)])
            feeds = np.broadcast_to(feeds, y.shape).ravel()
            raw = J[np.arange(y.size), feeds]
            others = J.copy()
            others[np.arange(y.size), feeds] = 0
            if np.abs(others).max(initial=0) <= 1e-7 * np.abs(raw).max(initial=0) and np.abs(raw).max(initial=0) > 0:
                yield Broadcast(raw.reshape(y.shape), axes, measured.shape)


def broadcast(p: Patient) -> Iterator[Candidate]:
    for b in broadcasts(p.case, p.slopes):
        fix = f"sum it over axis {list(b.axes)}: what broadcasting repeats in the forward, the backward adds up."
        says = f"{p.name} {p.shape} was broadcast to {b.raw.shape}, and its gradient was not summed back."
        yield Candidate(Diagnosis("broadcast", says, fix), b.raw)
        for n in range(1, len(b.axes)):
            for some in itertools.combinations(b.axes, n):
                yield Candidate(Diagnosis("broadcast", says, fix), b.raw.sum(axis=some))
    if p.claimed.shape != p.shape and p.slopes.whole:
        extra = p.claimed.ndim - len(p.shape)
        axes = tuple(range(extra)) + tuple(
            a + extra for a, n in enumerate(p.shape) if extra >= 0 and n == 1 and p.claimed.shape[a + extra] != 1
        )
        if extra >= 0 and axes:
            back = p.claimed.sum(axis=axes).reshape(p.shape) if _sums_to(p.claimed.shape, axes, p.shape) else None
            if back is not None and far(back, p.right) <= 1e-6 * max(p.scale, 1e-300):
                yield Candidate(
                    Diagnosis(
                        "broadcast", f"the gradient of {p.name} has shape {p.claimed.shape}; summed over axis "
                        f"{list(axes)} it is right.",
                        "sum it back to the input's shape: what broadcasting repeats, the backward adds up.",
                    ),
                    p.claimed,
                )  # fmt: skip
        try:
            stretched = np.broadcast_to(p.claimed, p.shape)
        except ValueError:
            return
        if far(stretched, p.right) <= 1e-6 * max(p.scale, 1e-300):
            yield Candidate(
                Diagnosis(
                    "broadcast", f"the gradient of {p.name} has shape {p.claimed.shape}, and is right once it is "
                    f"broadcast to {p.shape}.",
                    "the adjoint of a sum is to repeat: expand g over the axes that were summed.",
                ),
                p.claimed,
            )  # fmt: skip


def _sums_to(shape: tuple[int, ...], axes: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return math.prod(n for a, n in enumerate(shape) if a not in axes) == math.prod(to)


def axis(p: Patient) -> Iterator[Candidate]:
    """Summed over other axes than it should be; or the gradient of the same function along other axes."""
    for b in broadcasts(p.case, p.slopes):
        for other in itertools.combinations(range(b.raw.ndim), len(b.axes)):
            if other != b.axes:
                yield Candidate(
                    Diagnosis(
                        "axis", f"the gradient of {p.name} was summed over axis {list(other)} of {b.raw.shape}.",
                        f"sum over axis {list(b.axes)}, which {p.name} was broadcast along.",
                    ),
                    summed(b, other),
                )  # fmt: skip
    if p.claimed.shape != p.shape:
        for n in range(1, len(p.shape) + 1):
            for axes in itertools.combinations(range(len(p.shape)), n):
                for keep in (False, True):
                    yield Candidate(
                        Diagnosis(
                            "axis", f"the gradient of {p.name} was summed over its own axis {list(axes)}.",
                            "that axis was not broadcast: leave it as it is.",
                        ),
                        p.right.sum(axis=axes, keepdims=keep),
                    )  # fmt: skip
        return
    for i, j in itertools.combinations(range(len(p.shape)), 2):
        found = turned(p.case, p.k, i, j, lambda case, values, seeds: numeric_gradient(case, values, seeds, p.k))
        for gradient in found:
            yield Candidate(
                Diagnosis(
                    "axis", f"the gradient of {p.name} is that of the same function along axis {j} in place of {i} "
                    "(or the other way round).",
                    f"in the backward, sum (or normalise, or expand) along the forward's axis.{p.formula()}",
                ),
                gradient,
            )  # fmt: skip


def summed(b: Broadcast, axes: tuple[int, ...]) -> Any:
    """Summed over these axes, in the shape of the input where it has as many entries."""
    g = b.raw.sum(axis=axes)
    return g.reshape(b.shape) if g.size == math.prod(b.shape) and g.shape == tuple(n for n in b.shape if n != 1) else g


def turned(case: Case, k: int, a: int, b: int, gradient: Any) -> Iterator[Any]:
    """The gradient at the input with two axes exchanged, turned back: as if the function ran along the other axis."""
    x = np.asarray(case.values[k])
    values = [np.ascontiguousarray(np.swapaxes(x, a, b)) if j == k else v for j, v in enumerate(case.values)]
    try:
        shapes = [np.shape(y) for y in case.evaluate(values)]
    except Exception:  # whatever a function does with a shape that it was not made for
        return
    for turn in (True, False):
        seeds = [np.swapaxes(v, a, b) if turn and v.ndim == x.ndim else v for v in case.seeds]
        found: Any = gradient(case, values, seeds) if [v.shape for v in seeds] == shapes else None
        if np.shape(found) == values[k].shape:
            yield np.swapaxes(found, a, b)


def numeric_gradient(case: Case, values: Any, seeds: Any, k: int) -> Any:
    return slopes(case, k, values).gradient(np.concatenate([v.ravel() for v in seeds]))


def mean_for_sum(p: Patient) -> Iterator[Candidate]:
    """Divided, or multiplied, by the number of something that was added up."""
    counts: dict[int, str] = {}
    for what, shape in [*(("the output", y.shape) for y in p.case.outputs), (p.name, p.shape)]:
        for n in range(len(shape), 0, -1):
            for axes in itertools.combinations(range(len(shape)), n):
                size = math.prod(shape[a] for a in axes)
                along = "" if n == len(shape) else f" along axis {list(axes)}"
                counts.setdefault(size, f"the number of elements of {what}{along}")
    for n, what in counts.items():
        if n < 2:
            continue
        yield Candidate(
            Diagnosis(
                "mean-for-sum", f"the gradient of {p.name} is the right one divided by {n}, {what}: a mean where a "
                "sum belongs.",
                f"do not divide: drop the 1/{n}, or write sum() for mean().{p.formula()}",
            ),
            p.right / n,
        )  # fmt: skip
        yield Candidate(
            Diagnosis(
                "mean-for-sum", f"the gradient of {p.name} is {n} times the right one, {what}: a sum where a mean "
                "belongs.",
                f"the forward divides by {n}, so the backward must too.{p.formula()}",
            ),
            p.right * n,
        )  # fmt: skip


def zero(p: Patient) -> Iterator[Candidate]:
    yield Candidate(
        Diagnosis(
            "zero", f"the gradient of {p.name} is zero, and the output depends on it.",
            "was it detached, computed under no_grad, or left out of what backward returns?",
        ),
        np.zeros(p.shape),
    )  # fmt: skip


def scale(p: Patient) -> Iterator[Candidate]:
    if p.claimed.shape != p.shape or not (p.right[p.looked] ** 2).sum():
        return
    c = float((p.claimed[p.looked] * p.right[p.looked]).sum() / (p.right[p.looked] ** 2).sum())
    if c and p.looked.sum() > 1:
        yield Candidate(
            Diagnosis(
                "scale", f"the gradient of {p.name} is {c:.6g} times the right one, everywhere.",
                f"a constant factor is lost or extra in the backward.{p.formula()}",
            ),
            c * p.right,
        )  # fmt: skip


def reshaped(p: Patient) -> Iterator[Candidate]:
    if p.claimed.shape != p.shape and p.claimed.size == p.right.size:
        yield Candidate(
            Diagnosis(
                "reshape", f"the gradient of {p.name} has the right numbers in shape {p.claimed.shape}.",
                f"reshape it to {p.shape}.",
            ),
            p.right.reshape(p.claimed.shape),
        )  # fmt: skip


MISTAKES = [
    zero, sign, transpose, exchanged, upstream_ignored, broadcast, overwrite, axis, mean_for_sum, scale, reshaped,
]  # fmt: skip
