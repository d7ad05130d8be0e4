"""How weights and activations are spread: a ridge for each layer, one under the other."""

from typing import Any

import numpy as np

from ..autograd import Tensor, no_grad
from ..nn import Module
from .figures import BLUE, VERMILION, axes_of, host, ink


def weight_histograms(model: Module, ax: Any = None, bins: int = 60) -> Any:
    """The values of every parameter with more than one axis, first layer on top; beside each its standard deviation."""
    values = {name: host(p).ravel() for name, p in model.named_parameters() if p.ndim > 1}
    if not values:
        raise ValueError("weight_histograms: the model has no parameter with more than one axis")
    notes = {name: f"std {v.std():.2g}" for name, v in values.items()}
    return ridges(values, notes, "weight", "Weights, layer by layer", BLUE, ax, bins)


def activation_histograms(model: Module, *inputs: Any, ax: Any = None, bins: int = 60) -> Any:
    """What each innermost layer gives for these inputs, first on top; beside each, how many are exactly zero.

    The model runs once, without recording, in the mode it is in."""
    values = activations(model, *inputs)
    if not values:
        raise ValueError("activation_histograms: no layer gave a tensor of floats")
    notes = {name: f"{(v == 0).mean():.0%} zero" if v.size else "empty" for name, v in values.items()}
    return ridges(values, notes, "activation", "Activations, layer by layer", VERMILION, ax, bins)


def activations(model: Module, *inputs: Any) -> dict[str, Any]:
    """The values of each innermost module's output, in the order of the calls."""
    found: dict[str, Any] = {}

    def note(path: str, kind: str) -> Any:
        def hook(module: Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.dtype.kind == "f":
                name, k = f"{path} {kind}".strip(), 2
                while name in found:
                    name, k = f"{path} {kind}, call {k}", k + 1
                found[name] = host(output).ravel().copy()

        return hook

    innermost = [(path, m) for path, m in model.named_modules() if not any(True for _ in m.children())]
    handles = [m.register_forward_hook(note(path, type(m).__name__)) for path, m in innermost]
    try:
        with no_grad():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found


def ridges(
    values: dict[str, Any], notes: dict[str, str], what: str, title: str, colour: str, ax: Any, bins: int
) -> Any:
    """A filled curve for each, on one scale; what is not finite is left out and said so."""
    ax = axes_of(ax, 6.8, 0.42 * len(values) + 1.5)
    finite = {name: v[np.isfinite(v)] for name, v in values.items()}
    ends = [np.percentile(v, (0.1, 99.9)) for v in finite.values() if v.size]
    low, high = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (-1.0, 1.0)
    pad = 0.05 * (high - low) or 0.5
    edges = np.linspace(low - pad, high + pad, bins + 1)
    for row, (name, v) in enumerate(finite.items()):
        counts = np.histogram(v, edges)[0].astype(float)
        height = 0.85 * np.sqrt(counts / counts.max()) if counts.max() else counts  # the root shows the tails, too
        ax.stairs(row - height, edges, baseline=row, fill=True, color=colour, alpha=0.45)
        ax.stairs(row - height, edges, baseline=row, color=colour, linewidth=1.0)
        lost = values[name].size - v.size
        note = notes[name] + (f", {lost} not finite" if lost else "")
        style = {"transform": ax.get_yaxis_transform(), "fontsize": "small", "color": ink(ax), "va": "center"}
        ax.text(1.01, row - 0.25, note, **style)
    ax.set_yticks(range(len(values)), labels=list(values), fontsize="small")
    ax.set_ylim(len(values) - 0.6, -1.05)
    ax.set_xlim(edges[0], edges[-1])
    ax.axvline(0, color=ink(ax), linewidth=0.6, alpha=0.6)
    ax.set_xlabel(f"{what}   (heights: square root of the count, each ridge to its own largest)")
    ax.set_ylabel("layer, first on top")
    ax.set_title(title)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return ax


