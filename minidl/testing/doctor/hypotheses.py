"""What is wrong with a gradient: hypotheses, each tried on the numbers.

A hypothesis proposes what the gradient would be if one common mistake had been made. The one that the claimed
gradient equals is the diagnosis. Nothing here knows how the claimed gradient was computed.
"""

import numpy as np

from .mistakes import MISTAKES
from .patient import Diagnosis, Patient, far, place


def diagnose(p: Patient) -> list[Diagnosis]:
    """The mistakes that explain the claimed gradient, the likeliest first; never empty.

    More than one may do, where they come to the same numbers."""
    if p.case.inside:
        fix = "the vjp of the operation that took it is wrong: check that operation alone."
        return [Diagnosis("shape", p.case.inside + "; it was left out.", fix)]
    if p.claimed.shape == p.shape:
        if not np.isfinite([p.claimed[p.looked], p.right[p.looked]]).all():
            return [not_finite(p)]
        special = [d for d in (at_a_kink(p), float32_noise(p)) if d]
        if special:
            return special
    found = []
    for propose in MISTAKES:
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


def unclear(p: Patient) -> Diagnosis:
    return Diagnosis(
        "unclear",
        f"differences with different steps disagree about {p.name} as much as the gradient does: the function is "
        "too steep here.",
        "check it elsewhere: away from poles, cliffs and singular matrices.",
    )


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
            "something in the backward computes in float32; keep it in float64 for the check (for training, it will "
            "do).",
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
            "some entries", f"{wrong.sum()} of {p.looked.sum()} entries are wrong, the first at {at}, and the "
            "others right: "
            "a border, a mask, an index or one branch of a `where`.",
            f"work one wrong entry out by hand.{p.formula()}",
        )  # fmt: skip
    second = "the first derivative is right, so a value was frozen (detached, or computed outside the formula). "
    return Diagnosis(
        "unknown", f"the gradient of {p.name} is wrong, and no common mistake gives these numbers.",
        (second if p.case.order > 1 else "") + "differentiate one entry by hand on a smaller input; check each factor "
        f"of the chain rule alone.{p.formula()}",
    )  # fmt: skip
