"""What `minidl gradcheck` knows by name: every op on its samples, every layer of minidl.nn on sensible arguments."""

import difflib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ... import nn
from ...autograd import OPS, Op, Tensor
from ...backend import default_generator
from ...ops.samples import Sample, Values, ints, shapes
from ..checks import registry
from .cases import case_of, host
from .measure import Case


def on(*inputs: Any, low: float = -2.0, high: float = 2.0) -> Sample:
    return shapes(*inputs, low=low, high=high)


@dataclass(frozen=True)
class Layer:
    """How to make a layer, and what to run it on. The first input is always differentiated, targets need not be."""

    make: Callable[[], Any]
    inputs: Sample


PROBABILITIES = Values((3, 4), 0.1, 0.9)
LABELS = ints(3, high=4)
ACTIVATIONS = (
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid", "Mish",
    "PReLU", "ReLU", "ReLU6", "SELU", "Sigmoid", "SiLU", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink",
    "Identity",
)  # fmt: skip



def encoder() -> Any:
    return nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0)


def decoder() -> Any:
    return nn.TransformerDecoderLayer(4, 2, 3, dropout=0.0)


LAYERS: dict[str, Layer] = {
    **{name: Layer(getattr(nn, name), on((3, 4), low=-4, high=4)) for name in ACTIVATIONS},
    "AdaptiveAvgPool1d": Layer(lambda: nn.AdaptiveAvgPool1d(3), on((2, 2, 5))),
    "AdaptiveAvgPool2d": Layer(lambda: nn.AdaptiveAvgPool2d((2, 3)), on((2, 2, 4, 5))),
    "AvgPool1d": Layer(lambda: nn.AvgPool1d(3, 2, 1), on((2, 2, 5))),
    "AvgPool2d": Layer(lambda: nn.AvgPool2d((2, 3), 2, 1), on((1, 2, 5, 5))),
    "BCELoss": Layer(lambda: nn.BCELoss(), on(PROBABILITIES, PROBABILITIES)),
    "BCEWithLogitsLoss": Layer(lambda: nn.BCEWithLogitsLoss(), on((3, 4), PROBABILITIES)),
    "BatchNorm1d": Layer(lambda: nn.BatchNorm1d(4), on((4, 4))),
    "BatchNorm2d": Layer(lambda: nn.BatchNorm2d(2), on((2, 2, 3, 3))),
    "Conv1d": Layer(lambda: nn.Conv1d(2, 3, 3, padding=1), on((2, 2, 5))),
    "Conv2d": Layer(lambda: nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=1), on((2, 2, 4, 4))),
    "CrossEntropyLoss": Layer(lambda: nn.CrossEntropyLoss(label_smoothing=0.1), on((3, 4), LABELS)),
    "Dropout": Layer(lambda: nn.Dropout(0.4), on((3, 4))),
    "Embedding": Layer(lambda: nn.Embedding(5, 3), on(ints(2, 4, high=5))),
    "GRU": Layer(lambda: nn.GRU(3, 2), on((3, 2, 3), (1, 2, 2))),
    "GRUCell": Layer(lambda: nn.GRUCell(3, 2), on((2, 3), (2, 2))),
    "LSTM": Layer(lambda: nn.LSTM(2, 2, bidirectional=True), on((3, 2, 2))),
    "LSTMCell": Layer(lambda: nn.LSTMCell(3, 2), on((2, 3))),
    "MultiheadAttention": Layer(lambda: nn.MultiheadAttention(4, 2), on((3, 2, 4), (2, 2, 4), (2, 2, 4))),
    "RNN": Layer(lambda: nn.RNN(3, 2, num_layers=2), on((3, 2, 3))),
    "RNNCell": Layer(lambda: nn.RNNCell(3, 2), on((2, 3), (2, 2))),
    "Transformer": Layer(lambda: nn.Transformer(2, 1, 1, 1, 3, dropout=0.0), on((3, 2, 2), (2, 2, 2))),
    "TransformerDecoder": Layer(lambda: nn.TransformerDecoder(decoder(), 1), on((2, 2, 4), (3, 2, 4))),
    "TransformerDecoderLayer": Layer(lambda: decoder(), on((2, 2, 4), (3, 2, 4))),
    "TransformerEncoder": Layer(lambda: nn.TransformerEncoder(encoder(), 1, enable_nested_tensor=False), on((3, 2, 4))),
    "TransformerEncoderLayer": Layer(lambda: encoder(), on((3, 2, 4))),
    "Flatten": Layer(lambda: nn.Flatten(), on((2, 3, 4))),
    "GLU": Layer(lambda: nn.GLU(), on((3, 4))),
    "HuberLoss": Layer(lambda: nn.HuberLoss(delta=0.7), on((3, 4), (3, 4))),
    "KLDivLoss": Layer(lambda: nn.KLDivLoss(reduction="batchmean"), on((3, 4), PROBABILITIES)),
    "L1Loss": Layer(lambda: nn.L1Loss(), on((3, 4), (3, 4))),
    "LayerNorm": Layer(lambda: nn.LayerNorm(4), on((4, 4))),
    "Linear": Layer(lambda: nn.Linear(4, 3), on((5, 4))),
    "LogSoftmax": Layer(lambda: nn.LogSoftmax(-1), on((3, 4))),
    "MSELoss": Layer(lambda: nn.MSELoss(), on((3, 4), (3, 4))),
    "MaxPool1d": Layer(lambda: nn.MaxPool1d(3, 2, 1), on((2, 2, 5))),
    "MaxPool2d": Layer(lambda: nn.MaxPool2d(2), on((1, 2, 4, 5))),
    "NLLLoss": Layer(lambda: nn.NLLLoss(), on((3, 4), LABELS)),
    "Sequential": Layer(lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), on((5, 3))),
    "SmoothL1Loss": Layer(lambda: nn.SmoothL1Loss(beta=0.7), on((3, 4), (3, 4))),
    "Softmax": Layer(lambda: nn.Softmax(-1), on((3, 4))),
    "Softmin": Layer(lambda: nn.Softmin(-1), on((3, 4))),
    "Threshold": Layer(lambda: nn.Threshold(0.3, 2.0), on((3, 4))),
    "Unflatten": Layer(lambda: nn.Unflatten(1, (2, -1)), on((3, 4))),
}


def names() -> list[str]:
    """Every op and every layer that has a gradient to check."""
    return [op.name for op in registry() if differentiable(op)] + sorted(LAYERS)


def differentiable(op: Op) -> bool:
    return any(a is not None and a.kind in FLOATING for sample in op.samples for a in sample.args)


FLOATING = ("float", "distinct", "definite")


def cases(name: str, order: int = 1, seed: int = 0, square: bool = False) -> list[Case]:
    """The cases of an op or a layer by its name; with `square`, all of an input's axes are made three long."""
    name = name.removeprefix("nn.")
    if name in LAYERS:
        made: list[Case | None] = [_layer(name, LAYERS[name].inputs, order, seed)]
    elif name in vars(OPS):
        op = getattr(OPS, name)
        found = [s for s in op.samples if any(a is not None and a.kind in FLOATING for a in s.args)]
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
