"""repr: the numbers in columns, as few digits as tell them apart, the middle of large tensors left out."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..autograd import Node, Tensor
from ..backend import BatchArray, backend_of, get_default_dtype


@dataclass(frozen=True)
class PrintOptions:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_options = PrintOptions()
_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}


def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """How tensors are printed: digits, from how many elements on the middle is left out, and how wide lines are."""
    global _options
    if profile is not None and profile not in _PROFILES:
        raise ValueError(f"set_printoptions: profile is one of {', '.join(_PROFILES)}, got {profile!r}")
    chosen = _options if profile is None else _PROFILES[profile]
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    _options = replace(chosen, **changes, sci_mode=sci_mode)


def get_printoptions() -> dict[str, Any]:
    """The options in force."""
    return dict(vars(_options))


class _Column:
    """How to write each number so that all are equally wide (but for inf and nan, which may stick out)."""

    def __init__(self, values: Any) -> None:
        self.floating = values.dtype.kind == "f"
        usual = values[np.isfinite(values) & (values != 0)] if self.floating else values
        sizes = np.abs(usual).astype(np.float64) if self.floating else np.ones(1)
        low, high = sizes.min(initial=math.inf), sizes.max(initial=0)
        self.whole = self.floating and bool((sizes == np.ceil(sizes)).all())
        apart = high > 1000 * low or high > 1e8
        self.scientific = bool(sizes.size and (apart or (not self.whole and low < 1e-4)))
        if _options.sci_mode is not None:
            self.scientific = _options.sci_mode
        self.width = max((len(self._text(v)) for v in usual.tolist()), default=1)

    def _text(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{_options.precision}e}"
        if not math.isfinite(value):
            return f"{value:.0f}"
        return f"{value:.0f}." if self.whole else f"{value:.{_options.precision}f}"

    def __call__(self, value: Any) -> str:
        return self._text(value).rjust(self.width)


def _rows(array: Any, column: _Column, indent: int, summarize: bool) -> str:
    if array.ndim == 0:
        return column(array.item())
    edge = _options.edgeitems
    cut = summarize and array.shape[0] > 2 * edge
    parts = [*array[:edge], *array[-edge:]] if cut else list(array)
    if array.ndim == 1:
        per_line = max(1, (_options.linewidth - indent) // (column.width + 2))
        words = [column(v.item()) for v in parts]
        if cut:
            words.insert(edge, " ...")
        lines = [", ".join(words[k : k + per_line]) for k in range(0, len(words), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    texts = [_rows(part, column, indent + 1, summarize) for part in parts]
    if cut:
        texts.insert(edge, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(texts) + "]"


def _shown(array: Any) -> Any:
    """The part of an array that a summary shows."""
    edge = _options.edgeitems
    for axis in range(array.ndim):
        if array.shape[axis] > 2 * edge:
            ends = np.r_[0:edge, array.shape[axis] - edge : array.shape[axis]]
            array = array.take(ends, axis)
    return array


def made_by(node: Node) -> str:
    """The name of the operation; the record of one value of several stands behind that operation's."""
    return str(node.inputs[0].op.name if node.op.name == "value" and node.inputs else node.op.name)


def text(self: Tensor) -> str:
    """`tensor([1., 2.], requires_grad=True)`."""
    name = "Parameter containing:\ntensor" if type(self).__name__ == "Parameter" else "tensor"
    if isinstance(self.array, BatchArray):
        return f"tensor(of {self.array.count} samples, size={tuple(self.shape)}, dtype={self.dtype})"
    suffixes = []
    host = np.empty(0) if self.is_meta else backend_of(self.array).to_host(self.array)
    if self.device.type != "cpu":
        suffixes.append(f"device='{self.device}'")
    usual = self.dtype in (get_default_dtype(), np.int64, np.bool_)
    if not host.size:
        body = "..." if self.is_meta else "[]"
        if self.ndim != 1 or self.is_meta:
            suffixes.append(f"size={tuple(self.shape)}")
        usual = self.dtype == get_default_dtype()
    else:
        summarize = host.size > _options.threshold
        column = _Column((_shown(host) if summarize else host).ravel())
        body = _rows(host, column, len("tensor("), summarize)
    if not usual:
        suffixes.append(f"dtype={self.dtype}")
    if self.node is not None:
        suffixes.append(f"grad_fn=<{made_by(self.node)}>")
    elif self.needs_grad:
        suffixes.append("requires_grad=True")
    out, width = name + "(" + body, len((name + "(" + body).rpartition("\n")[2])
    for suffix in suffixes:
        if width + len(suffix) + 2 > _options.linewidth:
            out, width = out + ",\n" + " " * len("tensor(") + suffix, len("tensor(") + len(suffix)
        else:
            out, width = out + ", " + suffix, width + len(suffix) + 2
    return out + ")"


def __format__(self: Tensor, spec: str) -> str:
    """A tensor without axes is formatted as its number."""
    if not self.ndim:
        return format(self.array.item(), spec)
    if spec:
        raise TypeError(f"format: {spec!r} formats one number, and this tensor has shape {self.shape}")
    return text(self)
