"""What became of one sample: where the two sides differ, and how that is told and counted."""

import collections
import contextlib
import dataclasses
import functools
import random
import re
import warnings
import zlib

import numpy as np
import torch

import minidl

from .compare import same_array
from .mirror import numbers
from .names import in_scope


@dataclasses.dataclass
class Outcome:
    """One sample on one side and the other."""

    op: str
    name: str  # in the list
    how: str  # function, method, in place, operator, alias, error; "... refused" where PyTorch refuses the sample
    dtype: str
    number: int
    sample: str
    value: str = ""  # why it differs; "" where it agrees
    first: str | None = None  # of the gradient; None where there is none to compare
    second: str | None = None
    twice: bool = False  # does PyTorch differentiate it twice?

    @property
    def why(self):
        order = [("", self.value), ("gradient: ", self.first), ("second gradient: ", self.second)]
        return next((stage + text for stage, text in order if text), "")


@functools.cache
def scope():
    return set(in_scope())


def seed(text):
    """The same samples each time. (Past PyTorch's own way to iterate, which reads the call stack at each sample.)"""
    number = zlib.crc32(text.encode())
    torch.default_generator.manual_seed(number)
    np.random.seed(number)
    random.seed(number)


@contextlib.contextmanager
def quiet():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def gradients(leaves, ours, theirs, twice, outcome):
    """First and second derivatives in random directions, by the leaves (theirs, ours) that require them."""
    leaves = [(t, m) for t, m in leaves if t.requires_grad]
    pairs = [(t, m) for t, m in zip(theirs, ours) if isinstance(t, torch.Tensor) and t.requires_grad]
    if not leaves or not pairs:
        return
    rng = np.random.default_rng(outcome.number)
    weights = [np.asarray(rng.normal(size=tuple(t.shape))).astype(str(m.dtype)) for t, m in pairs]
    seeds = [torch.from_numpy(w.copy()) for w in weights]
    outputs, inputs = [t for t, _ in pairs], [t for t, _ in leaves]
    try:
        their_first = torch.autograd.grad(outputs, inputs, seeds, create_graph=twice, allow_unused=True)
    except Exception:
        return  # PyTorch has none for this sample
    if any(not m.requires_grad for _, m in pairs):
        outcome.first = "the result requires no gradient"
        return
    try:
        our_first = minidl.autograd.grad([m for _, m in pairs], [m for _, m in leaves],
                                         [minidl.from_numpy(w) for w in weights], create_graph=twice, allow_unused=True)
    except Exception as error:
        outcome.first = raised(error)
        return
    outcome.first = same_gradients(our_first, their_first, 10)
    if outcome.first or not twice:
        return
    again = [(t, m, np.asarray(rng.normal(size=tuple(t.shape)))) for t, m in zip(their_first, our_first)
             if t is not None and t.requires_grad]
    if not again:
        return
    seeds = [torch.from_numpy(w.copy()) for _, _, w in again]
    try:
        their_second = torch.autograd.grad([t for t, _, _ in again], inputs, seeds, allow_unused=True)
    except Exception:
        return  # likewise
    try:
        usable = [(m, w) for _, m, w in again if m is not None and m.requires_grad]
        our_second = [None] * len(leaves)
        if usable:
            our_second = minidl.autograd.grad([m for m, _ in usable], [m for _, m in leaves],
                                              [minidl.from_numpy(w) for _, w in usable], allow_unused=True)
    except Exception as error:
        outcome.second = raised(error)
        return
    outcome.second = same_gradients(our_second, their_second, 100)


def same_gradients(ours, theirs, loose):
    for number, (mine, other) in enumerate(zip(ours, theirs)):
        if mine is None and other is None:
            continue
        a = np.zeros(tuple(other.shape), str(other.dtype).removeprefix("torch.")) if mine is None else mine.array
        b = np.zeros_like(a) if other is None else numbers(other)
        if why := same_array(a, b, loose):
            return f"of input {number}: {why}"
    return ""


def lacks(error):
    """Does minidl not have a name? (Asked for by one of PyTorch's own wrappers around its functions.)"""
    return isinstance(error, AttributeError) and re.fullmatch(
        r"(?:module|type object|'Tensor' object)? ?(?:'minidl)?\.?(.*?)'? has no attribute '(\w+)'", str(error))


def raised(error, kind=None):
    if found := lacks(error):
        where = "Tensor" if "Tensor" in found[1] else found[1] or "torch"
        return f"missing: {where}.{found[2]}"
    return f"raises {type(error).__name__}{f', not {kind.__name__}' if kind else ''}: {line(error)}"


def line(error):
    return " ".join(str(error).split())[:110]


def shown(*args, **keywords):
    def show(value):
        if isinstance(value, torch.Tensor):
            return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
        if isinstance(value, (tuple, list)):
            inner = ", ".join(map(show, value))
            return f"[{inner}]"
        return re.sub(r"<function (\S+) .*>", r"\1", repr(value))

    parts = [*map(show, args), *(f"{k}={show(v)}" for k, v in keywords.items())]
    return ", ".join(parts)[:150]


def summary(outcomes):
    """Counts: samples, those that agree in value and first gradient, those with a second one, and those that agree."""
    counts = collections.Counter()
    for o in outcomes:
        if o.how == "error" or o.how.endswith("refused"):
            counts["errors"] += 1
            counts["errors agree"] += not o.value
            continue
        counts["samples"] += 1
        counts["agree"] += not (o.value or o.first)
        if o.second is not None or (o.twice and (o.value or o.first)):
            counts["second"] += 1
            counts["second agree"] += o.second == ""
    return counts
