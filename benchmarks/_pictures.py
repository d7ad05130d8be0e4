"""The pictures of the tables: bars and dots of ratios, and lines on two logarithmic axes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minidl.files import atomic_write
from minidl.viz.figures import COLOURS, DASHES, GREY, MARKERS, figure

TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
Series = dict[str, Sequence[float]]  # by what it is of


def ratios(labels: Sequence[str], series: Series, xlabel: str) -> Any:
    """Horizontal bars, one for each label and series, on a logarithmic axis: left or right of the line at 1."""
    high = 0.8 / len(series)
    fig = figure(7.5, 0.8 + 0.24 * len(labels) * (0.55 + 0.45 * len(series)))
    ax = fig.subplots()
    for k, (name, values) in enumerate(series.items()):
        places = [n + high * (k + 0.5) - 0.4 for n in range(len(labels))]
        ax.barh(places, [v - 1 for v in values], high, left=1, color=COLOURS[k], label=name)
        for at, value in zip(places, values):
            if value != value:
                continue  # not measured
            side = "left" if value >= 1 else "right"
            ax.text(value, at, f" {value:.2f} ", va="center", ha=side, fontsize="x-small")
    ax.axvline(1, color=GREY, linewidth=1)
    ax.set_xscale("log")
    ticks = [t for t in TICKS if low(series) / 2 < t < top(series) * 2]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.set(ylim=(len(labels) - 0.5, -0.5), xlabel=xlabel, xlim=(low(series) * 0.8, top(series) * 1.25))
    ax.set_yticks(range(len(labels)), labels, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
    if len(series) > 1:
        fig.legend(loc="outside upper center", ncols=3, frameon=False, fontsize="small")
    return fig


def dots(rows: dict[str, Sequence[float]], sizes: Sequence[str], xlabel: str) -> Any:
    """A line for each name, and on it a dot for each size; both sides of the line at 1 on a logarithmic axis."""
    fig = figure(7.5, 1.0 + 0.24 * len(rows))
    ax = fig.subplots()
    for k, size in enumerate(sizes):
        there = [(values[k], n) for n, values in enumerate(rows.values()) if k < len(values)]
        ax.plot(*zip(*there), linestyle="", marker=MARKERS[k], markersize=5, color=COLOURS[k], label=size)
    for n, values in enumerate(rows.values()):
        ax.plot([min(values), max(values)], [n, n], color=GREY, linewidth=0.8, zorder=0)
    ax.axvline(1, color=GREY, linewidth=1)
    ax.set_xscale("log")
    ends = ax.get_xlim()
    ticks = [t for t in TICKS if ends[0] <= t <= ends[1]]
    ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
    ax.minorticks_off()
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=xlabel, xlim=ends)
    ax.set_yticks(range(len(rows)), list(rows), fontsize="small")
    ax.grid(axis="x", alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    fig.legend(loc="outside upper center", ncols=len(sizes), frameon=False, fontsize="small")
    return fig


def low(series: Series) -> float:
    return min(1.0, *(v for values in series.values() for v in values if v == v))


def top(series: Series) -> float:
    return max(1.0, *(v for values in series.values() for v in values if v == v))


def growth(panels: dict[str, tuple[Sequence[float], Series]], ylabel: str) -> Any:
    """A panel for each thing that grows: its values along x, both axes logarithmic, a line for each series."""
    across = min(3, len(panels))
    down = -(-len(panels) // across)
    fig = figure(3.2 * across, 2.7 * down)
    for ax, (title, (xs, series)) in zip(fig.subplots(down, across, squeeze=False).flat, panels.items()):
        for k, (name, values) in enumerate(series.items()):
            ax.plot(xs, values, color=COLOURS[k], linestyle=DASHES[k], marker=MARKERS[k], markersize=4, label=name)
        ax.set(xscale="log", yscale="log", ylabel=ylabel)
        ax.set_title(title, fontsize="medium")
        ax.set_xticks(xs, [f"{x:g}" for x in xs])
        ends = ax.get_ylim()
        ticks = [t for power in range(-3, 7) for d in (1, 2, 5) if ends[0] <= (t := d * 10.0**power) <= ends[1]]
        ax.set_yticks(ticks, [f"{t:,g}" for t in ticks])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    fig.axes[0].legend(frameon=False, fontsize="small")
    for ax in fig.axes[len(panels):]:
        ax.set_visible(False)
    return fig


def write(fig: Any, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    with atomic_write(path) as file:
        fig.savefig(file, format="png", dpi=110, metadata={"Software": None})
