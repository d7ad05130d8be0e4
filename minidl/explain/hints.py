"""Why an operation gave what is not finite: the causes people meet, told from the ranges of its inputs."""

import math
from typing import Any

LOGS = {"log", "log2", "log10", "xlogy", "logit"}
EXPS = {"exp", "exp2", "expm1", "sinh", "cosh"}
GENERAL = "look at the ranges above: which of them is not what it should be?"


def hint(op: str, stage: str, ranges: Any, params: dict[str, Any], bad: Any, incoming: Any = ()) -> str:
    """A likely cause and its cure."""
    x = ranges[0] if ranges else None
    last = ranges[-1] if ranges else None
    if x is None:
        return GENERAL
    found = _forward(op, x, last, ranges, params, bad) if stage == "forward" else _backward(op, x, last, ranges, bad)
    return found or (_flow(incoming) if stage == "backward" else "") or GENERAL


def _forward(op: str, x: Any, last: Any, ranges: Any, params: dict[str, Any], bad: Any) -> str:
    largest = _largest(x.kind)
    if op in LOGS or op == "log1p":
        edge = -1 if op == "log1p" else 0
        if last.low <= edge:
            what = "zero" if last.low == edge == 0 else "a negative number" if edge == 0 else "-1 or less"
            return (
                f"the logarithm of {what}. Keep its input above zero, as in log(x + 1e-8) or clamp(x, min=1e-8); for "
                "probabilities use log_softmax, cross_entropy or binary_cross_entropy_with_logits, which take logits."
            )
    if op in {"div", "reciprocal", "mod", "fmod", "floor_divide"} and last.zeros:
        over = "zero divided by zero" if bad.nans else "a division by zero"
        return f"{over}. Add a small number to the divisor (x / (s + 1e-8)), or leave the zeros out."
    if op in EXPS and x.high == x.high and not x.infs:
        return (
            f"an overflow: e^x is beyond {largest:.1e}, the largest number here, from x = {math.log(largest):.1f} "
            "on, and x "
            f"reaches {max(abs(x.low), abs(x.high)):.4g}. Subtract the largest entry first, as softmax, logsumexp and "
            "binary_cross_entropy_with_logits do."
        )
    if op == "sqrt" and x.low < 0:
        return "the square root of a negative number. If rounding made a sum of squares negative: clamp(x, min=0)."
    if op == "pow":
        if x.low < 0 and bad.nans:
            return "a negative number to a fractional power is not real."
        if x.zeros and last.low < 0:
            return "zero to a negative power: a division by zero. Add a small number to the base."
    if op in {"softmax", "log_softmax", "attention", "logsumexp", "cross_entropy"} and any(r.infs for r in ranges):
        return (
            "a row in which every entry is masked (-inf) has no softmax: 0 / 0. Let each row keep an entry, or mask "
            "with "
            "a large finite number such as -1e9."
        )
    if op in {"var", "std"} and _freedom(params) > 0:
        return (
            f"the variance of {_freedom(params)} element or fewer with correction={_freedom(params)} is 0 / 0: give "
            "it more, "
            "or correction=0 (unbiased=False)."
        )
    if op == "mean" and bad.nans and not any(r.nans or r.infs for r in ranges):
        return "the mean of no elements is 0 / 0."
    if op == "mul" and any(r.infs for r in ranges) and any(r.zeros for r in ranges):
        return "zero times infinity. Find what made the infinity; mask with `where`, not by multiplying with 0."
    if op in {"sub", "add", "sum", "matmul", "linear", "mean"} and any(r.infs for r in ranges) and bad.nans:
        return "infinity minus infinity. Find what made the infinities."
    if op in {"arccos", "arcsin", "arctanh", "erfinv"} and max(abs(x.low), abs(x.high)) >= 1:
        return "its input must lie between -1 and 1; clamp it."
    if op == "binary_cross_entropy":
        return "its input must be probabilities between 0 and 1; binary_cross_entropy_with_logits takes any number."
    if bad.infs and not any(r.nans or r.infs for r in ranges):
        reach = max((max(abs(r.low), abs(r.high)) for r in ranges if r.size), default=0.0)
        return (
            f"an overflow: the result is beyond {largest:.1e}, the largest number here; the inputs reach "
            f"{reach:.4g}. Do the "
            "weights grow? Lower the learning rate, clip the gradients, normalise."
        )
    if any(r.nans for r in ranges):
        return "nan came in: it was made by something that is not an operation, or outside the block."
    return ""


def _backward(op: str, x: Any, last: Any, ranges: Any, bad: Any) -> str:
    if op == "sqrt" and x.zeros:
        trap = " (`where` does not help: both its branches are computed, and 0 times infinity is nan.)"
        return f"the slope of sqrt at 0 is infinite. Keep away from it: sqrt(x + 1e-8).{trap if bad.nans else ''}"
    if op in {"vector_norm", "std", "hypot"}:
        return "the slope of a norm (or standard deviation) at zero is infinite. Add a small number under the root."
    if op == "pow" and x.zeros:
        return "the slope of x**p at 0 is infinite for p < 1: add a small number to x."
    if op in LOGS and last.zeros:
        return (
            "the slope of the logarithm at 0 is infinite. If `where` was to keep the zeros out: it does not, both "
            "branches are "
            "computed, and 0 times infinity is nan. Make the input safe first: log(where(x > 0, x, 1))."
        )
    if op in {"div", "reciprocal"} and last.zeros:
        return (
            "a division by zero. If `where` was to keep the zeros out: both branches are computed, and 0 times "
            "infinity is nan. "
            "Make the divisor safe first: x / where(s == 0, 1, s)."
        )
    if op == "div" and last.size:
        return f"the slope is 1/b², and the divisor comes as near to zero as {min(abs(last.low), abs(last.high)):.1e}."
    if op in {"arccos", "arcsin"} and max(abs(x.low), abs(x.high)) >= 1:
        return "the slope at -1 and at 1 is infinite: clamp the input to a little less."
    if op in EXPS:
        return "an overflow: the slope of e^x is e^x, and times what comes in it is beyond the largest number."
    return ""


def _flow(incoming: Any) -> str:
    reach = max((max(abs(r.low), abs(r.high)) for r in incoming if r.size), default=0.0)
    if reach > 1e10:
        return f"exploding gradients: {reach:.1e} comes in from above. Clip the gradients, scale the loss down."
    return ""


def _largest(kind: str) -> float:
    return {"float16": 65504.0, "float64": 1.8e308}.get(kind.split()[0], 3.4e38)


def _freedom(params: dict[str, Any]) -> int:
    value = params.get("correction", params.get("ddof", 1))
    return int(value) if isinstance(value, (int, float)) else 1
