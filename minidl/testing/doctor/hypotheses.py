"""What is wrong with a gradient: hypotheses, each tried on the numbers.

A hypothesis proposes what the gradient would be if one common mistake had been made. The one that the claimed
gradient equals is the diagnosis. Nothing here knows how the claimed gradient was computed.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .measure import Case, Slopes, slopes


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


def diagnose(p: Patient) -> list[Diagnosis]:
    """The mistakes that explain the claimed gradient, the likeliest first; never empty.

    More than one may do, where they come to the same numbers."""
    if p.claimed.shape == p.shape:
        if not np.isfinite([p.claimed[p.looked], p.right[p.looked]]).all():
            return [not_finite(p)]
        special = [d for d in (at_a_kink(p), float32_noise(p)) if d]
        if special:
            return special
    found = []
    for propose in HYPOTHESES:
        for candidate in propose(p):
            g = np.asarray(candidate.gradient)
            if g.shape == p.shape and far(g, p.right) <= 1e-6 * p.scale:
                continue  # here this would be no mistake
            if p.fits(g):
                found.append(candidate.diagnosis)
            elif p.fits(-g) and candidate.diagnosis.kind != "sign":
                d = candidate.diagnosis
                also = " The sign is wrong as well."
                found.append(Diagnosis(d.kind, d.says + also, d.fix))
    unique = list({d.kind: d for d in reversed(found)}.values())[::-1]
    return unique or [unexplained(p)]


# --------------------------------------------------------------------- not the gradient: the place, the numbers


def at_a_kink(p: Patient) -> Diagnosis | None:
    """Do all differences stand where the function has no derivative?"""
    if not p.kinks:
        return None
    wrong = np.abs(p.claimed - p.right) > 10 * p.case.rounding * (1 + p.scale)
    if any(tuple(at) not in p.kinks for at in np.argwhere(wrong).tolist()):
        return None
    at = p.kinks[0]
    column = int(np.flatnonzero(p.slopes.entries == int(np.ravel_multi_index(at, p.shape)) if p.shape else [True])[0])
    left, right = (float(p.case.upstream @ side[:, column]) for side in (p.slopes.left, p.slopes.right))
    left, right = (0.0 if abs(slope) < 1e-5 * max(abs(left), abs(right)) else slope for slope in (left, right))
    low, high = sorted((left, right))
    g = float(p.claimed[at]) + 0.0
    value = f"{p.name}{place(at)} = {p.case.values[p.k][at]:.6g}"
    slack = 1e-6 * (1 + max(abs(low), abs(high)))
    legal = low - slack <= g <= high + slack
    return Diagnosis(
        "kink",
        f"the function has a kink at {value}: its slope is {left:.4g} from the left and {right:.4g} from the right"
        + (f", and backward takes {g:.4g}, as it may." if legal else f", and backward says {g:.4g}."),
        "check it away from the kink: move that entry, or draw the inputs at random."
        if legal else "at a kink a gradient should lie between the two slopes.",
    )  # fmt: skip


def float32_noise(p: Patient) -> Diagnosis | None:
    """Is the difference no larger than what single precision rounds off?"""
    worst = far(p.claimed, p.right)
    rough = p.case.noise >= 1e-12
    if rough and worst <= 3 * p.case.rounding * max(p.scale, 1e-30):
        return Diagnosis(
            "float32",
            f"the function's own values are rough: they carry a relative rounding of {p.case.noise:.0e}, so finite "
            "differences cannot tell more.",
            "make the inputs (and the parameters) float64 for the check: x.double(), model.double().",
        )
    g, t = p.claimed[p.looked], p.right[p.looked]
    single = np.array_equal(g.astype(np.float32).astype(np.float64), g)
    if worst <= (1e-5 if single else 2e-6) * max(p.scale, 1e-30) and np.abs(t).max(initial=0) > 0:
        how = "and every number of it is one that float32 can hold" if single else "as rounding in float32 leaves it"
        return Diagnosis(
            "float32",
            f"right, but only to {worst / p.scale:.0e} of its size, {how}.",
            "something in the backward computes in float32; keep it in float64 for the check (for training, it will do).",
        )
    return None


def not_finite(p: Patient) -> Diagnosis:
    claimed = int((~np.isfinite(p.claimed[p.looked])).sum())
    who, bad = (f"the gradient of {p.name}", claimed) if claimed else ("the finite differences", 0)
    bad = bad or int((~np.isfinite(p.right[p.looked])).sum())
    return Diagnosis(
        "not finite",
        f"{bad} of {p.looked.sum()} entries of {who} are nan or infinite.",
        "run it under `with minidl.debug():`, which stops where the first of them is made.",
    )


# --------------------------------------------------------------------------------------------- the mistakes


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
                    "exchanged", f"what stands as the gradient of {p.name} is that of {other}, and the other way round.",
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
    if len(p.case.seeds) > 1:
        for i, (a, b) in reversed(list(enumerate(itertools.pairwise(starts)))):
            only = np.zeros_like(p.case.upstream)
            only[a:b] = p.case.upstream[a:b]
            yield Candidate(
                Diagnosis(
                    "overwrite", f"{p.name} is used {len(p.case.seeds)} times, and only the contribution of use {i + 1} "
                    "is in its gradient.", fix,
                ),
                p.slopes.gradient(only),
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
                        "overwrite", f"of the {y.shape[axis]} contributions along axis {axis} of the output, only {which} "
                        f"is in the gradient of {p.name}.", fix,
                    ),
                    p.slopes.gradient(padded),
                )  # fmt: skip
    J = p.slopes.jacobian * p.case.upstream[:, None]
    if J.size and ((J != 0).sum(axis=0) > 1).any():
        last = J.shape[0] - 1 - np.argmax((np.abs(J) > 1e-12)[::-1], axis=0)
        yield Candidate(
            Diagnosis(
                "overwrite", f"where an entry of {p.name} reaches several outputs (an index used twice?), only the last "
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
                        "broadcast", f"the gradient of {p.name} has shape {p.claimed.shape}; summed over axis {list(axes)} "
                        "it is right.",
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
    for a, b in itertools.combinations(range(len(p.shape)), 2):
        found = turned(p.case, p.k, a, b, lambda case, values, seeds: numeric_gradient(case, values, seeds, p.k))
        for gradient in found:
            yield Candidate(
                Diagnosis(
                    "axis", f"the gradient of {p.name} is that of the same function along axis {b} in place of {a} "
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
        found = gradient(case, values, seeds) if [v.shape for v in seeds] == shapes else None
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
                "mean-for-sum", f"the gradient of {p.name} is the right one divided by {n}, {what}: a mean where a sum belongs.",
                f"do not divide: drop the 1/{n}, or write sum() for mean().{p.formula()}",
            ),
            p.right / n,
        )  # fmt: skip
        yield Candidate(
            Diagnosis(
                "mean-for-sum", f"the gradient of {p.name} is {n} times the right one, {what}: a sum where a mean belongs.",
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


HYPOTHESES = [
    zero, sign, transpose, exchanged, upstream_ignored, broadcast, overwrite, axis, mean_for_sum, scale, reshaped,
]  # fmt: skip


def unexplained(p: Patient) -> Diagnosis:
    if p.claimed.shape != p.shape:
        return Diagnosis(
            "shape", f"the gradient of {p.name} has shape {p.claimed.shape}, and {p.name} is {p.shape}.",
            f"a gradient has the shape of what it is the gradient of.{p.formula()}",
        )  # fmt: skip
    wrong = ~(np.abs(p.claimed - p.right) <= 1e-5 * (1 + p.scale)) & p.looked
    if 0 < wrong.sum() <= p.looked.sum() // 2:
        at = place(np.argwhere(wrong)[0].tolist())
        return Diagnosis(
            "some entries", f"{wrong.sum()} of {p.looked.sum()} entries are wrong, the first at {at}, and the others right: "
            "a border, a mask, an index or one branch of a `where`.",
            f"work one wrong entry out by hand.{p.formula()}",
        )  # fmt: skip
    second = "the first derivative is right, so a value was frozen (detached, or computed outside the formula). "
    return Diagnosis(
        "unknown", f"the gradient of {p.name} is wrong, and no common mistake gives these numbers.",
        (second if p.case.order > 1 else "") + "differentiate one entry by hand on a smaller input; check each factor of "
        f"the chain rule alone.{p.formula()}",
    )  # fmt: skip


def place(at: Any) -> str:
    return f"[{', '.join(map(str, at))}]" if len(at) else ""
