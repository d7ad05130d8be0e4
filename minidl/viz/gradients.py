"""How large gradients are: down the layers, and back through time."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from ..autograd import OPS, Tensor, grad
from ..nn import Module
from .figures import BLUE, COLOURS, DASHES, VERMILION, axes_of, figure, host, ink


def gradient_flow(model: Module, ax: Any = None) -> Any:
    """The size of each parameter's gradient after `backward()`, from the input's end (top) to the loss's (bottom).

    A dot is the root mean square, the line reaches to the largest entry. Dots that wander left on their way up are
    gradients that vanish; right, that explode."""
    sizes = gradient_sizes(model)
    if not sizes:
        raise ValueError("gradient_flow: no parameter has a gradient; call backward() first")
    ax = axes_of(ax, 6.4, min(0.26 * len(sizes) + 1.4, 12.0))
    names, rms, largest = zip(*sizes)
    rows = range(len(sizes))
    shown = [v for v in (*rms, *largest) if 0 < v < math.inf]
    floor = min(shown, default=1e-3) / 10  # where zeros are drawn: a logarithm has no place for them
    held = lambda values: [v if 0 < v < math.inf else floor for v in values]
    ax.hlines(rows, held(rms), held(largest), color=BLUE, alpha=0.5, linewidth=1.5)
    ax.plot(held(rms), rows, "o", color=BLUE, label="root mean square")
    ax.plot(held(largest), rows, "|", color=BLUE, markersize=9, label="largest")
    dead = [k for k in rows if not 0 < rms[k] < math.inf]
    if dead:
        ax.plot([floor] * len(dead), dead, "X", color=VERMILION, markersize=8, label="zero, NaN or infinite")
    ax.set_xscale("log")
    ax.set_yticks(rows, labels=names, fontsize="small" if len(names) < 44 else "xx-small")
    ax.set_ylim(len(sizes) - 0.5, -0.5)
    ax.set_xlabel("size of the gradient's entries")
    ax.set_ylabel("parameter, from input to loss")
    ax.set_title("Gradient flow")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(frameon=False, fontsize="small", loc="best")
    return ax


def gradient_sizes(model: Module) -> list[tuple[str, float, float]]:
    """(name, root mean square, largest magnitude) of every parameter's gradient, in the order of the model."""
    found = []
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and 0 not in parameter.shape:
            g = abs(host(parameter.grad).astype("float64"))
            found.append((name, float((g * g).mean() ** 0.5), float(g.max())))
    return found


def gradients_through_time(loss: Any, states: Any, ax: Any = None, label: str | None = None) -> Any:
    """‖∂loss/∂hₜ‖ at each step t: how much of what the loss says is heard that long ago.

    states: the tensors of the steps in order, or one tensor whose first axis is time (the input of an RNN, say); a dict
    of such gives a line each, with `loss` a dict of the same keys."""
    ax = axes_of(ax, 6.4, 3.6)
    runs = states if isinstance(states, Mapping) else {label: states}
    losses = loss if isinstance(loss, Mapping) else dict.fromkeys(runs, loss)
    first = len(ax.lines)
    for k, (name, steps) in enumerate(runs.items(), first):
        norms = norms_through_time(losses[name], steps)
        shown = [n if n > 0 else math.nan for n in norms]
        style = {"color": COLOURS[k % len(COLOURS)], "linestyle": DASHES[k % len(DASHES)]}
        ax.plot(range(1, len(norms) + 1), shown, marker="o", markersize=3, label=name, **style)
        if norms[-1] > 0 and norms[0] == 0:
            ax.annotate("0 before", (1, min(n for n in norms if n > 0)), color=ink(ax), fontsize="small")
    ax.set_yscale("log")
    ax.set_xlabel("time step t  (the loss is at the right)")
    ax.set_ylabel("‖∂loss / ∂h$_t$‖")
    ax.set_title("Gradient through time")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.3)
    if any(name for name in runs):
        ax.legend(frameon=False)
    return ax


def gradients_by_lag(cells: Mapping[str, Mapping[str, Sequence[Sequence[float]]]], axes: Any = None) -> Any:
    """What is left of the gradient k steps back, ‖∂loss/∂x_{T−k}‖ / ‖∂loss/∂x_T‖: a panel for each cell, side by side.

        viz.gradients_by_lag({"RNN": {"untrained": [norms, …], "trained": [norms, …]}, "LSTM": {…}})

    norms: of one run, as `norms_through_time` gives them. The line is the median over the runs, the band their range.
    Returns the axes, one for each cell."""
    if axes is None:
        axes = figure(2.9 * len(cells) + 0.8, 3.2).subplots(1, len(cells), sharey=True, squeeze=False)[0]
    for ax, (cell, ways) in zip(axes, cells.items()):
        for k, (way, runs) in enumerate(ways.items()):
            left = list(zip(*(remains(norms) for norms in runs)))  # at each lag, of each run
            lags, middle = range(len(left)), [median(at) or math.nan for at in left]
            ax.plot(lags, middle, color=COLOURS[k], linestyle=DASHES[k], label=way)
            shown = [(lag, min(at), max(at)) for lag, at in enumerate(left) if min(at) > 0]
            ax.fill_between(*zip(*shown), color=COLOURS[k], alpha=0.2, linewidth=0)
        ax.set_yscale("log")
        ax.set_xlabel("steps back")
        ax.set_title(cell)
        ax.grid(alpha=0.3)
        ax.legend(frameon=False, fontsize="small", loc="lower left")
    axes[0].set_ylabel("gradient that is left")
    return axes


def remains(norms: Sequence[float]) -> list[float]:
    """The norms from the last step back, in parts of the last one's."""
    if not norms[-1] > 0:
        raise ValueError(f"gradients_by_lag: norms are compared with the last step's, which is {norms[-1]}")
    return [norm / norms[-1] for norm in reversed(norms)]


def norms_through_time(loss: Tensor, states: Any) -> list[float]:
    """The gradient's Euclidean norm at each step; 0 where the loss does not depend on it. The graph is kept."""
    if isinstance(states, Tensor):
        (g,) = grad(loss, states, retain_graph=True, allow_unused=True, materialize_grads=True)
        return [norm(g[t]) for t in range(g.shape[0])]
    if not isinstance(states, (list, tuple)) or not states:
        raise TypeError("gradients_through_time: states are a sequence of tensors, or one tensor with time first")
    found = grad(loss, list(states), retain_graph=True, allow_unused=True, materialize_grads=True)
    return [norm(g) for g in found]


def norm(g: Tensor) -> float:
    return float(host(OPS.vector_norm(g.detach())))
