"""A gradient check as pictures: the error against the step of the differences, and where in the gradient it sits."""

from typing import Any

import numpy as np

from ..testing.doctor import Report
from .figures import BLUE, MAP, VERMILION, axes_of


def v_curve(*reports: Report, ax: Any = None) -> Any:
    """Error against step h, both logarithmic, a line for each report of `gradcheck(..., explain=True)`.

    For a right gradient the error falls with h² until rounding, which grows as 1/h, takes over: a V. For a wrong
    one it stays where it is. ax: matplotlib axes to draw on, a new figure's unless given; returned."""
    if not reports or not all(isinstance(r, Report) for r in reports):
        raise TypeError("v_curve: pass what gradcheck(..., explain=True) returns (or error.report, where it raised)")
    ax = axes_of(ax, 5.2, 3.6)
    for k, r in enumerate(reports):
        steps, errors = zip(*sorted(r.curve)) if r.curve else ((), ())
        label = f"{r.case.name}: {r.worst.name}" + (f" ({r.kind})" if r.kind else "")
        ax.loglog(
            steps, np.maximum(errors, 1e-17), ("o", "s", "^", "D")[k % 4] + ("-", "--", ":", "-.")[k % 4], markersize=4,
            color=BLUE if r.healthy else VERMILION, label=label,
        )  # fmt: skip
    ax.set(xlabel="step h", ylabel="|difference quotient − gradient|", title="A right gradient makes a V")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return ax


def gradient_error(report: Report, input: str | None = None, ax: Any = None) -> Any:
    """|claimed − numeric| by entry, of one input (the worst, unless named): leading axes down, the last across.

    ax: matplotlib axes to draw on, a new figure's unless given; returned."""
    if not isinstance(report, Report):
        raise TypeError("gradient_error: pass what gradcheck(..., explain=True) returns (or error.report)")
    found = {f.name: f for f in report.findings}
    if input is not None and input not in found:
        raise ValueError(f"gradient_error: there is no input {input!r}; there are {', '.join(found)}")
    f = report.worst if input is None else found[input]
    ax = axes_of(ax, 4.6, 3.6)
    if f.error is None:
        message = f"the gradient has shape {f.claimed.shape},\nand {f.name} is {f.shape}"
        ax.text(0.5, 0.5, message, ha="center", va="center", transform=ax.transAxes)
        ax.set(xticks=[], yticks=[])
    else:
        matrix = f.error.reshape(-1, f.error.shape[-1]) if f.error.ndim else f.error.reshape(1, 1)
        aspect = "equal" if max(matrix.shape) < 4 * min(matrix.shape) else "auto"
        image = ax.imshow(matrix, cmap=MAP, vmin=0, aspect=aspect)
        ax.figure.colorbar(image, ax=ax, label="|claimed − numeric|")
        ax.set(xlabel="last axis", ylabel="row" if f.error.ndim < 3 else "leading axes, folded")
        for axis, n in ((ax.xaxis, matrix.shape[1]), (ax.yaxis, matrix.shape[0])):
            axis.set_major_locator(_whole(n))
    ax.set_title(f"{report.case.name}: {f.name}" + (f", {f.diagnoses[0].kind}" if f.diagnoses else ""))
    return ax


def _whole(n: int) -> Any:
    from matplotlib.ticker import FixedLocator

    return FixedLocator(list(range(0, n, max(1, n // 8))))
