"""The cases of the walk: every op on every sample, and the cases that follow from them."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

import minidl.ops  # noqa: F401  # registers the ops
from minidl.backend import NUMPY
from minidl.testing.checks import registry

OPS = registry()
CASES = [(op, k) for op in OPS for k in range(len(op.samples))]
REFUSALS = (ValueError, TypeError, IndexError, RuntimeError, NotImplementedError)


def size(argument):
    """`3x4`, `3x4 int`, `none`."""
    if argument is None:
        return "none"
    text = "x".join(map(str, argument.shape)) or "0d"
    return text if argument.kind == "float" else f"{text} {argument.kind}"


def label(op, k):
    """`layer_norm: 4x5, 5, 5; eps=0.001`."""
    sample = op.samples[k]
    params = ", ".join(f"{name}={value}" for name, value in sample.params.items())
    return f"{op.name}: {', '.join(map(size, sample.args))}{'; ' if params else ''}{params}".replace("None", "none")


every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
every_case = pytest.mark.parametrize(
    "op, sample", [pytest.param(op, op.samples[k], id=label(op, k)) for op, k in CASES]
)


def keywords(op):
    """The op's static keywords with their defaults."""
    parameters = inspect.signature(op.formula).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def never_changed(op):
    """The keywords that have their default in every sample."""
    return [
        name for name, default in keywords(op).items()
        if default is not inspect.Parameter.empty
        and all(same(sample.params.get(name, default), default) for sample in op.samples)
    ]  # fmt: skip


def same(a, b):
    return type(a) is type(b) and bool(np.all(a == b))


def never_left_out_or_never_given(op):
    """The optional arrays (`b=None`) that every sample gives, or none does."""
    parameters = [p for p in list(inspect.signature(op.formula).parameters.values())[1:] if p.default is None]
    places = [op.arguments.index(p.name) for p in parameters if p.kind is not p.KEYWORD_ONLY]
    given = lambda sample, k: k < len(sample.args) and sample.args[k] is not None
    return [op.arguments[k] for k in places if len({given(sample, k) for sample in op.samples}) < 2]


def evaluate(op, sample, values):
    """(value shapes, shapes of the gradients as the formula gives them, not yet summed) or None if it is refused."""
    try:
        operands = op.promoted(NUMPY, values) if op.promote else values
        y, vjps = op.evaluate(NUMPY, operands, sample.params)
        ys = y if isinstance(y, tuple) else (y,)
        gs = [np.ones_like(v) for k, v in enumerate(ys) if v.dtype.kind == "f" and k not in op.constant]
        if vjps is None:
            found = [None] * len(values)
        else:
            found = list(vjps(*gs)) if callable(vjps) else [None if vjp is None else vjp(*gs) for vjp in vjps]
        return [np.shape(v) for v in ys], [None if g is None else np.shape(g) for g in found]
    except Exception:  # whatever a formula does with shapes that it was not made for
        return None


def reshaped(values, k, shape):
    """The same arguments, the k-th of them cut down to a shape or repeated up to it."""
    x = values[k]
    cut = x.ndim == len(shape) and x.size > np.prod(shape)
    x = x[tuple(slice(0, n) for n in shape)] if cut else np.broadcast_to(x, shape)
    return [*values[:k], x.copy(), *values[k + 1 :]]


def smaller(shape):
    """The shape with one axis cut to 1, for each; and without its first axis."""
    return [(*shape[:a], 1, *shape[a + 1 :]) for a, n in enumerate(shape) if n > 1]


def larger(shape, sizes):
    """The shape with an axis of 1 grown, or a new one in front."""
    grown = [(*shape[:a], n, *shape[a + 1 :]) for a, m in enumerate(shape) if m == 1 for n in sizes]
    return grown + [(n, *shape) for n in sizes] + [(m, n, *shape) for n in sizes for m in sizes]


def never_broadcast(op):
    """The arguments that may be broadcast against the others, but are so in no sample.

    An argument is broadcast where a larger one, repeated, would give the same shapes of results; it may
    be, where a part of it with an axis cut to 1 still gives them, and a gradient that needs summing."""
    may, is_ = set(), set()
    for sample in op.samples:
        values = sample.draw(np.random.default_rng(0))
        if sum(x is not None for x in values) < 2:
            continue
        whole = evaluate(op, sample, values)
        if whole is None:
            continue
        sizes = sorted({n for x in values if x is not None for n in x.shape} | {n for shape in whole[0] for n in shape})
        for k, x in enumerate(values):
            if x is None:
                continue
            tried = [evaluate(op, sample, reshaped(values, k, shape)) for shape in larger(x.shape, sizes)]
            if any(t is not None and t[0] == whole[0] for t in tried):
                is_.add(k)
            for shape in smaller(x.shape):
                t = evaluate(op, sample, reshaped(values, k, shape))
                if t is not None and t[0] == whole[0] and t[1][k] not in (None, shape):
                    may.add(k)
    name = lambda k: op.arguments[min(k, len(op.arguments) - 1)]  # the last may be one for many
    return sorted({name(k) for k in may} - {name(k) for k in is_})


def emptied(sample):
    """Samples with 0 wherever this one has a certain size, for each size."""
    sizes = {n for a in sample.args if a is not None and a.kind not in ("int", "permutation") for n in a.shape}
    zero = lambda shape, n: tuple(0 if m == n else m for m in shape)
    for n in sorted(sizes - {0, 1}):
        args = tuple(a if a is None else replace(a, shape=zero(a.shape, n)) for a in sample.args)
        params = {name: zero(v, n) if name == "shape" else v for name, v in sample.params.items()}
        yield replace(sample, args=args, params=params)


def scalars(sample):
    """The sample without any axes."""
    given = [a for a in sample.args if a is not None]
    if not sample.params and any(a.shape for a in given) and all(a.kind in ("float", "bool", "int") for a in given):
        yield replace(sample, args=tuple(a if a is None else replace(a, shape=()) for a in sample.args))
