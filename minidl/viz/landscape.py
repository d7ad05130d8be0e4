"""The loss around where training has come to."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import no_grad
from ..backend import backend_of
from ..nn import Module
from .figures import MAP, VERMILION, axes_of, host


def loss_landscape(
    model: Module, loss: Callable[[], Any], ax: Any = None, span: float = 1.0, points: int = 21, seed: int = 0
) -> Any:
    """The loss on a plane through the parameters, along two random directions (Li et al. 2018).

    Each direction is scaled, filter by filter, to the size of the weights, so that networks can be compared; biases
    and the parameters of norms stay. loss: a function without arguments that runs the model and returns its loss."""
    from matplotlib.colors import PowerNorm

    steps, losses = landscape(model, loss, span, points, seed)
    ax = axes_of(ax, 5.8, 4.6)
    lowest, highest = losses.min(), np.quantile(losses, 0.98)  # a corner that explodes should not hide the rest
    levels = lowest + (highest - lowest or 1.0) * np.linspace(0, 1, 21) ** 2
    shown = np.clip(losses, lowest, levels[-1])
    filled = ax.contourf(steps, steps, shown, levels=levels, cmap=MAP, norm=PowerNorm(0.5, levels[0], levels[-1]))
    ax.contour(steps, steps, shown, levels=levels[1::2], colors="white", linewidths=0.5, alpha=0.6)
    ax.plot([0], [0], "*", markersize=16, color="white", markeredgecolor="black", label="the model")
    row, column = divmod(int(losses.argmin()), points)
    ax.plot(
        [steps[column]], [steps[row]], "o", markersize=7, markerfacecolor="none", markeredgecolor=VERMILION,
        markeredgewidth=2, label="lowest point seen",
    )  # fmt: skip
    ax.figure.colorbar(filled, ax=ax, label="loss", ticks=levels[::4], format="%.2g")
    ax.set_xlabel("step along direction 1")
    ax.set_ylabel("step along direction 2")
    ax.set_title("Loss landscape")
    ax.set_aspect("equal")
    ax.legend(fontsize="small", loc="upper right", framealpha=0.9)
    return ax


def landscape(
    model: Module, loss: Callable[[], Any], span: float = 1.0, points: int = 21, seed: int = 0
) -> tuple[Any, Any]:
    """(steps, losses[second direction, first direction]); parameters and buffers are as before afterwards."""
    if points < 2 or span <= 0:
        raise ValueError(f"loss_landscape: span > 0 and at least 2 points are needed, got {span} and {points}")
    rng = np.random.default_rng(seed)
    members = [*model.parameters(), *model.buffers()]
    before = [host(t).copy() for t in members]
    weights = [k for k, t in enumerate(members) if t.requires_grad and t.ndim > 1]
    directions = [{k: direction(before[k], rng) for k in weights} for _ in range(2)]
    steps = np.linspace(-span, span, points)
    losses = np.empty((points, points))

    def put(k: int, values: Any) -> None:
        members[k].array[...] = backend_of(members[k].array).asarray(values)

    try:
        with no_grad():
            for i, b in enumerate(steps):
                for j, a in enumerate(steps):
                    for k in weights:
                        put(k, before[k] + (a * directions[0][k] + b * directions[1][k]).astype(before[k].dtype))
                    losses[i, j] = float(loss())
    finally:
        for k, values in enumerate(before):
            put(k, values)
            members[k].memory.written(members[k].array)
    return steps, losses


def direction(weight: Any, rng: Any) -> Any:
    """Normal numbers, each filter (entry of the first axis) of the same length as the weight's."""
    d = rng.standard_normal(weight.shape)
    length = lambda t: (t.reshape(len(t), -1).astype(float) ** 2).sum(1) ** 0.5
    scale = length(weight) / (length(d) + 1e-10)
    return d * scale.reshape(-1, *(1,) * (weight.ndim - 1))
