"""Values as a page shows them: a few numbers in full, more as a small heat map of one slice."""

import json
import math
from typing import Any

import numpy as np

CELLS = 14  # along each side of a heat map
NUMBERS, COLUMNS = 20, 5  # as many are written out, and as many in a row
LEVELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"  # 64 shades, from −m to m


class Values:
    """A table of values, each kept once."""

    def __init__(self) -> None:
        self.table: list[Any] = []
        self._at: dict[str, int] = {}

    def add(self, value: Any) -> int | None:
        """The place of a value in the table."""
        if value is None or isinstance(value, (list, tuple)):
            return None
        shown = encode(np.asarray(value))
        key = json.dumps(shown)
        if key not in self._at:
            self._at[key] = len(self.table)
            self.table.append(shown)
        return self._at[key]


def number(x: Any, digits: int = 4) -> str:
    """Four digits, which is as many as fit a box and more than a back row reads."""
    x = x.item() if hasattr(x, "item") else x
    if isinstance(x, (bool, int)):
        return str(x)
    if not math.isfinite(x):
        return str(x).replace("-", "−")
    text = f"{x:.{digits}g}"
    if "e" in text:
        lead, _, power = f"{x:.2e}".partition("e")
        text = f"{lead.rstrip('0').rstrip('.')}e{int(power)}"
    return text.replace("-", "−")


def shape(value: Any) -> str:
    """(3, 4), as Python writes it."""
    return str(tuple(np.shape(value)))


def encode(x: Any) -> dict[str, Any]:
    """s: the shape. n: rows of numbers; or h: a heat map of r × c cells with ±m at its ends, and of which slice."""
    out: dict[str, Any] = {"s": shape(x)}
    if x.size == 0:
        return {**out, "n": []}
    if x.size <= NUMBERS and x.ndim <= 2 and (x.ndim == 0 or x.shape[-1] <= COLUMNS):
        return {**out, "n": [[number(v, 4 if x.size == 1 else 3) for v in row] for row in np.atleast_2d(x)]}
    plane = np.atleast_2d(x[(0,) * max(x.ndim - 2, 0)]).astype(np.float64)
    if x.ndim > 2:
        out["i"] = f"[{', '.join(['0'] * (x.ndim - 2) + [':', ':'])}]"
    small = shrunk(plane)
    finite = np.isfinite(small)
    m = float(np.abs(small[finite]).max(initial=0.0))
    scaled = np.where(finite, small, 0.0) / (m or 1.0)
    shades = np.rint((scaled + 1) / 2 * 63).astype(int)
    out["h"] = "".join(LEVELS[k] if ok else "!" for k, ok in zip(shades.ravel(), finite.ravel()))
    out["r"], out["c"] = small.shape
    if small.shape != plane.shape:
        out["e"] = " × ".join(str(-(-n // k)) for n, k in zip(plane.shape, small.shape))
    good = x[np.isfinite(x)] if x.dtype.kind == "f" else x
    out["lo"], out["hi"] = (number(good.min(), 2), number(good.max(), 2)) if good.size else ("nan", "nan")
    return out


def shrunk(plane: Any) -> Any:
    """At most CELLS × CELLS: each cell the mean of as many neighbours as it takes."""
    for axis in (0, 1):
        step = -(-plane.shape[axis] // CELLS)
        if step > 1:
            starts = np.arange(0, plane.shape[axis], step)
            counts = np.diff([*starts, plane.shape[axis]])
            plane = np.add.reduceat(plane, starts, axis) / np.expand_dims(counts, 1 - axis)
    return plane
