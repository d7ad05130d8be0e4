"""What all figures share: where they are drawn, and colours that colour-blind eyes tell apart."""

from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend import backend_of

# Okabe & Ito 2008, in an order that keeps neighbours apart also without any colour.
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F",
)  # fmt: skip
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, GREY)
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)))
MARKERS = "osD^vPX"
MAP = "viridis"  # light is much, in grey too


def axes_of(ax: Any, width: float, height: float) -> Any:
    """The axes given; else those of a new figure."""
    return figure(width, height).subplots() if ax is None else ax


def figure(width: float, height: float) -> Any:
    """A new figure. A notebook, or a prompt with pyplot, gets one that it will show; others get the plain object."""
    import matplotlib

    if matplotlib.is_interactive():
        from matplotlib import pyplot

        return pyplot.figure(figsize=(width, height), layout="constrained")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Any, dpi: int = 120) -> None:
    """Write a figure as a PNG: whole, or not at all."""
    from ..files import atomic_write

    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=dpi)


def host(value: Any) -> Any:
    """The numbers as a NumPy array."""
    if isinstance(value, Tensor):
        return backend_of(value.array).to_host(value.array)
    return np.asarray(value)


def ink(ax: Any) -> Any:
    """The colour of text on these axes: it follows the style, light or dark."""
    return ax.xaxis.label.get_color()
