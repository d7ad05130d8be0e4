"""Optimizers on classic surfaces of two variables, each with its own best learning rate."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import optim
from ..api import tensor
from ..autograd import Tensor
from ..nn import Parameter
from .figures import COLOURS, MARKERS, axes_of, host


@dataclass(frozen=True)
class Surface:
    """A function to descend, where to start, and the part of the plane to look at."""

    formula: str
    function: Callable[[Any, Any], Any]
    start: tuple[float, float]
    x: tuple[float, float]
    y: tuple[float, float]
    lowest: float  # in that part
    minima: tuple[tuple[float, float], ...] = ()


SURFACES = {
    "rosenbrock": Surface(
        "(1 − x)² + 100 (y − x²)²", lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
        (-1.5, 2.0), (-2, 2), (-1, 3), 0, ((1, 1),),
    ),
    "himmelblau": Surface(
        "(x² + y − 11)² + (x + y² − 7)²", lambda x, y: (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2,
        (0.0, -1.0), (-5, 5), (-5, 5), 0,
        ((3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)),
    ),
    "beale": Surface(
        "(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²",
        lambda x, y: (1.5 - x + x * y) ** 2 + (2.25 - x + x * y * y) ** 2 + (2.625 - x + x * y * y * y) ** 2,
        (1.0, 1.5), (-1, 4), (-1.5, 2), 0, ((3, 0.5),),
    ),
    "saddle": Surface("x² − y²", lambda x, y: x * x - y * y, (-1.5, 1e-3), (-2, 2), (-2, 2), -4),
}  # fmt: skip

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
OPTIMIZERS: dict[str, Callable[[Any, float], Any]] = {
    "SGD": lambda ps, lr: optim.SGD(ps, lr=lr),
    "SGD, momentum 0.9": lambda ps, lr: optim.SGD(ps, lr=lr, momentum=0.9),
    "Nesterov 0.9": lambda ps, lr: optim.SGD(ps, lr=lr, momentum=0.9, nesterov=True),
    "Adagrad": lambda ps, lr: optim.Adagrad(ps, lr=lr),
    "RMSprop": lambda ps, lr: optim.RMSprop(ps, lr=lr),
    "Adam": lambda ps, lr: optim.Adam(ps, lr=lr),
}


@dataclass(frozen=True)
class Path:
    """Where one optimizer went with one learning rate."""

    lr: float
    places: Any  # (steps + 1, 2)
    values: Any  # the surface there
    arrived: int | None  # the first step at which less than 1/10000 of the descent is left


def optimizer_race(
    surface: str = "rosenbrock",
    optimizers: Mapping[str, Callable[[Any, float], Any]] | None = None,
    ax: Any = None,
    steps: int = 300,
    rates: tuple[float, ...] = RATES,
) -> Any:
    """The paths of optimizers over a surface: "rosenbrock", "himmelblau", "beale" or "saddle".

    optimizers: by name, (parameters, lr) -> optimizer. Each runs with all `rates`, and the best run is drawn: the first
    to arrive, or else the lowest; one that leaves the picture counts only where no other stays."""
    return draw(surface, race(surface, optimizers, steps, rates), ax)


def draw(surface: str, paths: Mapping[str, "Path"], ax: Any = None) -> Any:
    """The surface, and paths over it."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    s = surface_of(surface)
    ax = axes_of(ax, 7.2, 6.2)
    x, y = np.meshgrid(np.linspace(*s.x, 240), np.linspace(*s.y, 240))
    height = host(s.function(tensor(x), tensor(y))) - s.lowest
    top, bottom = height.max(), max(height.max() * 1e-5, 1e-3)
    levels = np.geomspace(bottom, top, 22)
    slate = LinearSegmentedColormap.from_list("slate", ["#6f7f8f", "#f4f6f8"])  # colour is for the paths
    ax.contourf(x, y, np.maximum(height, bottom), levels=levels, cmap=slate, norm=LogNorm(bottom, top))
    for k, (name, path) in enumerate(paths.items()):
        end = f"f = {path.values[-1]:.2g} after {len(path.values) - 1}"
        done = end if path.arrived is None else f"{path.arrived} steps"
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        ax.plot(*path.places.T, color="white", linewidth=3.4, zorder=3 + k, alpha=0.8)
        ax.plot(
            *path.places.T, color=colour, linewidth=1.8, marker=marker, markersize=6, markeredgecolor="white",
            markevery=[*range(0, min(len(path.places), 41), 8), -1],
            label=f"{name}, lr {path.lr:g}: {done}", zorder=3 + k,
        )  # fmt: skip
    ax.plot(*s.start, "s", color="white", markeredgecolor="black", markersize=7, label="start", zorder=21)
    if s.minima:
        ax.plot(*zip(*s.minima), linestyle="", marker="*", color="white", markeredgecolor="black", markersize=14,
                label="minimum", zorder=19)  # fmt: skip
    ax.set(xlim=s.x, ylim=s.y, xlabel="x", ylabel="y")
    ax.set_title(f"{surface.capitalize()}: f(x, y) = {s.formula}", fontsize="medium")
    ax.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.11), ncols=2, frameon=False)
    return ax


def surface_of(name: str) -> Surface:
    if name not in SURFACES:
        raise ValueError(f"optimizer_race: there is no surface {name!r}; there are {', '.join(map(repr, SURFACES))}")
    return SURFACES[name]


def race(
    surface: str, optimizers: Mapping[str, Callable[[Any, float], Any]] | None = None, steps: int = 300,
    rates: tuple[float, ...] = RATES,
) -> dict[str, Path]:  # fmt: skip
    """Each optimizer's best run: the one that arrives first, or else comes lowest."""
    s = surface_of(surface)
    found = {}
    for name, make in (OPTIMIZERS if optimizers is None else optimizers).items():
        runs = [descend(s, make, lr, steps) for lr in rates]
        found[name] = min(runs, key=lambda run: rank(run, s))
    return found


def rank(path: Path, s: Surface) -> tuple[bool, float, float]:
    last = float(path.values[-1])
    stays = all(low <= v.min() and v.max() <= high for v, (low, high) in zip(path.places.T, (s.x, s.y)))
    arrived = math.inf if path.arrived is None else path.arrived
    return not stays and bool(s.minima), arrived, (last if math.isfinite(last) else math.inf)


def descend(s: Surface, make: Callable[[Any, float], Any], lr: float, steps: int) -> Path:
    """One run; it ends where it leaves the neighbourhood of the picture."""
    p = Parameter(tensor(s.start, dtype="float64"))
    optimizer = make([p], lr)
    places, values, arrived = [host(p).copy()], [value(s, p)], None
    reach = s.lowest + 1e-4 * (values[0] - s.lowest)
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        s.function(p[0], p[1]).backward()
        optimizer.step()
        place = host(p).copy()
        far = any(not low - (high - low) <= v <= high + (high - low) for v, (low, high) in zip(place, (s.x, s.y)))
        if far and s.minima:
            return Path(lr, np.array(places), np.array([*values[:-1], math.inf]), None)
        places.append(place)
        values.append(value(s, p))
        if arrived is None and values[-1] <= reach:
            arrived = step
        if far or (arrived is not None and step >= arrived + 20):
            break
    return Path(lr, np.array(places), np.array(values), arrived)


def value(s: Surface, p: Tensor) -> float:
    q = p.detach()
    return float(s.function(q[0], q[1]))
