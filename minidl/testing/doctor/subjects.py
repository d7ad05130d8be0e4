"""What `minidl gradcheck` knows by name: every op on its samples, every layer of minidl.nn on sensible arguments."""

import difflib
import re
import unicodedata
from dataclasses import replace
from typing import Any

import numpy as np

from ...autograd import OPS, Op, Tensor
from ...backend import default_generator
from ...ops.samples import Sample
from ..checks import registry
from .cases import case_of, host
from .layers import LAYERS
from .measure import Case


def names() -> list[str]:
    """Every op and every layer that has a gradient to check."""
    return [op.name for op in registry() if differentiable(op)] + sorted(LAYERS)


def differentiable(op: Op) -> bool:
    return any(a is not None and a.kind in FLOATING for sample in op.samples for a in sample.args)


FLOATING = ("float", "distinct", "definite")


def cases(name: str, order: int = 1, seed: int = 0, square: bool = False, only: int | None = None) -> list[Case]:
    """The cases of an op or a layer by its name, or `only` one of them; with `square`, every axis is three long."""
    name = name.removeprefix("nn.")
    if name in LAYERS:
        made: list[Case | None] = [_layer(name, LAYERS[name].inputs, order, seed)]
    elif name in vars(OPS):
        op = getattr(OPS, name)
        found = [s for s in op.samples if any(a is not None and a.kind in FLOATING for a in s.args)]
        found = found if only is None or not found else [found[only % len(found)]]
        made = [_op(op, squared(s) if square else s, order, seed) for s in found]
        if not found:
            raise ValueError(f"{name} has no floating-point input, so there is no gradient to check")
    else:
        close = difflib.get_close_matches(name, names(), 3, 0.5)
        close = close or difflib.get_close_matches(name.lower(), names(), 3, 0.4)
        raise ValueError(
            f"no op and no layer is called {name!r}" + (f"; did you mean {' or '.join(close)}?" if close else "")
        )
    return [case for case in made if case is not None and case.outputs]


def squared(sample: Sample) -> Sample:
    """The sample with every axis three long: then a sum along the wrong axis has the right shape."""
    cube = lambda a: None if a is None else replace(a, shape=(3,) * len(a.shape))
    return replace(sample, args=tuple(map(cube, sample.args)))


def _op(op: Op, sample: Sample, order: int, seed: int) -> Case | None:
    rng = np.random.default_rng(seed)
    for _ in range(50):  # not all that can be drawn is in every domain: some matrices have complex eigenvalues
        inputs = [None if x is None else Tensor(x, x.dtype.kind == "f") for x in sample.draw(rng)]
        try:
            ys = op(*inputs, **sample.params)
            if all(np.isfinite(host(y)).all() for y in (ys if isinstance(ys, tuple) else (ys,))):
                break
        except (ValueError, RuntimeError):  # NotImplementedError is one
            continue

    def call(*xs: Any) -> Any:
        ys = op(*xs, **sample.params)
        ys = ys if isinstance(ys, tuple) else (ys,)
        return tuple(y for k, y in enumerate(ys) if y.dtype.kind == "f" and k not in op.constant)

    call.arguments = labels(op, len(inputs))  # type: ignore[attr-defined]
    call.formula = op.formula  # type: ignore[attr-defined]
    outputs = call(*inputs)
    if not outputs or (order == 2 and not any(y.requires_grad for y in outputs)):
        return None
    case = case_of(call, inputs, order=order, seed=seed, name=op.name)
    case.note = ", ".join(f"{k}={getattr(v, '__name__', v)}" for k, v in sample.params.items())
    case.formulas = formulas(op)
    return case


def labels(op: Op, n: int) -> list[str]:
    """The formula's own letters; for `*xs`: x1, x2 …"""
    letters = op.arguments
    if len(letters) == n:
        return list(letters)
    several = letters[-1].rstrip("s") or "x"
    return [*letters[:-1], *(f"{several}{k + 1}" for k in range(n - len(letters) + 1))]


def formulas(op: Op) -> dict[str, str]:
    """`x̄ = …` for each operand, as the docstring has it."""
    text = unicodedata.normalize("NFD", op.__doc__ or "")
    found: dict[str, str] = {}
    for letter, formula in re.findall(r"(\w)\N{COMBINING MACRON} = (.*?)(?=\s{3,}|\n|$)", text):
        found.setdefault(letter, unicodedata.normalize("NFC", f"{letter}\N{COMBINING MACRON} = {formula}"))
    return found


def _layer(name: str, sample: Sample, order: int, seed: int) -> Case:
    """A layer with every parameter drawn at random: the ones and zeros that layers start with would hide errors."""
    rng = np.random.default_rng(seed)
    layer = LAYERS[name].make().double()
    for parameter in layer.parameters():
        parameter.array = rng.uniform(0.5, 1.5, parameter.shape) * rng.choice([-1, 1], parameter.shape)
    inputs = [Tensor(x, x.dtype.kind == "f") for x in sample.draw(rng)]
    buffers = [(b, b.array.copy()) for _, b in layer.named_buffers()]

    def call(*xs: Any) -> Any:
        """The layer as it was at first: the same dropout mask, the same running statistics."""
        state = default_generator.get_state()
        default_generator.manual_seed(seed)
        for b, array in buffers:
            b.array = array.copy()
        try:
            return layer(*xs)
        finally:
            default_generator.set_state(state)

    call.named_parameters = layer.named_parameters  # type: ignore[attr-defined]
    call.forward = layer.forward  # type: ignore[attr-defined]
    case = case_of(call, inputs, order=order, seed=seed, name=name)
    case.note = repr(layer).replace("\n", " ") if len(repr(layer)) < 60 else ""
    return case
