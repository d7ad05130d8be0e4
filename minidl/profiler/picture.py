"""An icicle of a profile: each box is as wide as its time, and stands below the module that it is part of."""

import os
from dataclasses import dataclass, field
from typing import Any

from ..files import atomic_write
from ..viz.figures import BLUE, GREY, VERMILION, axes_of, ink
from .averages import BETWEEN_OPS, OTHER, Report
from .recorder import BACKWARD, FORWARD

WIDTH, ROW, LETTER = 11.0, 0.32, 0.068  # inches: the figure, a row, a letter
PASSES = {FORWARD: BLUE, BACKWARD: VERMILION, OTHER: GREY}
TONES = {"pass": 0.9, "module": 0.5, "op": 0.2}


@dataclass
class Box:
    """Some of the time, and what it consists of."""

    name: str
    colour: str
    kind: str
    type: str = ""  # a module's class
    time: int = 0
    inner: dict[str, "Box"] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return 1 + max((box.depth for box in self.inner.values()), default=0)

    @property
    def words(self) -> list[str]:
        """What to write into it, the longest first."""
        if self.type in ("", self.name):
            return [self.name]
        short = self.type if self.name.isdigit() else self.name  # a Sequential's numbers say less than the class
        return [f"{self.name} {self.type}", short, self.name]


def tree(report: Report) -> Box:
    """The time of the main thread: passes, modules inside modules, operations last."""
    types = {row.path: row.type for row in report.modules}
    root = Box("", GREY, "all")
    for path, which, taken in report.stretches():
        box = root
        box.time += taken
        for k, name in enumerate(path):
            kind = "pass" if not k else "module" if path[1 : k + 1] in types else "op"
            key = f"{kind} {name}"  # a module may be called as an operation is
            box = box.inner.setdefault(key, Box(name, PASSES[which], kind, types.get(path[1 : k + 1], "")))
            box.time += taken
    return root


def icicle(report: Report, target: Any = None) -> Any:
    """Draw on the axes given, or on new ones; write these where a file is given."""
    path = target if isinstance(target, (str, os.PathLike)) else None
    root = tree(report)
    rows = root.depth - 1
    ax = axes_of(None if path is not None else target, WIDTH, 1.2 + ROW * rows)
    unit, word = (1e9, "s") if root.time >= 1e9 else (1e6, "ms") if root.time >= 1e6 else (1e3, "µs")
    inches = 0.94 * ax.get_position().width / 0.775 * ax.figure.get_size_inches()[0]
    left = 0.0
    for box in sorted(root.inner.values(), key=place):
        draw(ax, box, left / unit, 0, 1 / unit, inches * unit / max(root.time, 1) / LETTER)
        left += box.time
    ax.set(xlim=(0, max(root.time, 1) / unit), ylim=(rows, 0), yticks=[], xlabel=f"time ({word})")
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.set_title(title(root), fontsize="medium", loc="left")
    if path is not None:
        kind = os.path.splitext(os.fspath(path))[1].lstrip(".") or "png"
        with atomic_write(path) as file:
            ax.figure.savefig(file, format=kind, dpi=150)
    return ax


def place(box: Box) -> tuple[int, int]:
    """Forward, backward, then the rest, the largest first."""
    return list(PASSES.values()).index(box.colour), -box.time if box.colour == GREY else 0


def draw(ax: Any, box: Box, left: float, depth: int, scale: float, letters: float) -> None:
    """scale: a nanosecond on the axis; letters: how many fit on a unit of it."""
    from matplotlib.patches import Rectangle

    width = box.time * scale
    outline = {"edgecolor": ax.get_facecolor(), "linewidth": 0.8 if width * letters > 1 else 0}
    ax.add_patch(Rectangle((left, depth), width, 1, facecolor=to_rgba(box), **outline))
    words = next((w for w in box.words if len(w) + 1 < width * letters), "")
    if not words and width * letters > 5:
        words = box.words[-1][: int(width * letters) - 2] + "…"
    if words:
        style = "italic" if box.kind == "op" else "normal"
        colour = "white" if box.kind == "pass" else ink(ax)
        at = left + width / 2, depth + 0.5
        ax.text(*at, words, ha="center", va="center", fontsize="small", style=style, color=colour, clip_on=True)
    for inner in sorted(box.inner.values(), key=lambda b: b.name == BETWEEN_OPS):
        draw(ax, inner, left, depth + 1, scale, letters)
        left += inner.time * scale


def to_rgba(box: Box) -> Any:
    from matplotlib.colors import to_rgba

    return to_rgba(box.colour, TONES[box.kind])


def title(root: Box) -> str:
    parts = [(box.name.strip("()"), box.time) for box in sorted(root.inner.values(), key=place)]
    shares = ", ".join(f"{name} {time / max(root.time, 1):.0%}" for name, time in parts[:5])
    return f"{root.time / 1e6:,.4g} ms: {shares}"
