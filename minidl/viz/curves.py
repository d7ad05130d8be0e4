"""Learning curves: what each epoch of a training came to."""

from collections.abc import Mapping, Sequence
from typing import Any

from .figures import COLOURS, DASHES, MARKERS, axes_of


def curves(history: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None, ax: Any = None) -> Any:
    """Draw numbers of the epochs, as `Trainer.history` and a log's lines of epochs have them; returns the axes.

    names: which of them; without names all losses."""
    if not history:
        raise ValueError("curves: the history has no epochs yet")
    if names is None:
        names = [name for name in history[0] if "loss" in name]
    missing = [name for name in names if not any(name in epoch for epoch in history)]
    if missing or not names:
        lacking = ", ".join(missing) or "loss"
        raise ValueError(f"curves: the epochs have no {lacking}; they have {', '.join(history[0])}")
    ax = axes_of(ax, 5.2, 3.4)
    for k, name in enumerate(names):
        points = [(epoch["epoch"], epoch[name]) for epoch in history if epoch.get(name) is not None]
        ax.plot(
            *zip(*points), color=COLOURS[k % len(COLOURS)], linestyle=DASHES[k % len(DASHES)],
            marker=MARKERS[k % len(MARKERS)] if len(points) < 30 else None, markersize=4, label=name.replace("_", " "),
        )  # fmt: skip
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss" if all("loss" in name for name in names) else "value")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(alpha=0.3)
    ax.legend()
    return ax
