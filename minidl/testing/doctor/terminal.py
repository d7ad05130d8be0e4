"""The report as text: at most 24 lines of 80 columns, legible without colour and without Unicode."""

import math
import os
import textwrap
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .report import Finding, Report

WIDTH, INPUTS, ROWS = 79, 5, 7

# What a console without Unicode shows; what is not here loses its accents, or becomes a question mark.
PLAIN = {
    "✓": "ok", "✗": "X", "→": "->", "−": "-", "·": ".", "│": "|", "└": "+", "─": "-", "●": "o", "…": "...", "⊙": "*",
    "Σ": "sum ", "∂": "d", "√": "sqrt ", "μ": "mu", "σ": "sigma", "ε": "eps", "ᵀ": ".T", "²": "^2",
    "³": "^3", "½": "1/2",
    "⁻": "^-", "¹": "1", "≤": "<=", "≥": ">=", "×": "x", "∞": "inf", "π": "pi", "δ": "delta", "α": "alpha", "β": "beta",
    "λ": "lambda", "Φ": "Phi", "φ": "phi", "ₖ": "_k", "ᵢ": "_i", "ⱼ": "_j", "∈": "in", "⟨": "<", "⟩": ">", "°": "",
    "\N{COMBINING MACRON}": "_bar", "\N{COMBINING CIRCUMFLEX ACCENT}": "hat",
    "░": ".", "▒": ":", "▓": "+", "█": "#", "≠": "!=", "∘": "o", "′": "'", "ᵧ": "_y",
    "Π": "prod ", "∨": "or", "∧": "and",
}  # fmt: skip
COLOURS = {"red": 31, "green": 32, "yellow": 33, "dim": 2, "bold": 1}
SHADES = " ░▒▓█"


def capabilities(stream: Any, environment: Any = os.environ) -> tuple[bool, bool]:
    """(colour, Unicode): what this stream can show."""
    terminal = bool(getattr(stream, "isatty", bool)()) and environment.get("TERM") != "dumb"
    colour = terminal and not environment.get("NO_COLOR")
    try:
        "✗─●█ᵀ\N{COMBINING MACRON}".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return colour, False
    return colour, True


def plain(text: str) -> str:
    """The same in ASCII."""
    text = "".join(PLAIN.get(c, c) for c in unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFKD", text).encode("ascii", "replace").decode()


class Ink:
    """Writes in colour or not, in Unicode or not; nothing is told by colour alone."""

    def __init__(self, colour: bool, unicode: bool) -> None:
        self.colour, self.unicode = colour, unicode

    def __call__(self, text: str, colour: str = "") -> str:
        text = text if self.unicode else plain(text)
        return f"\033[{COLOURS[colour]}m{text}\033[0m" if self.colour and colour else text

    def wrapped(self, text: str, first: str, colour: str = "", most: int = 4) -> list[str]:
        """Folded to the width, at most so many lines, with a hanging indent."""
        if not self.unicode:
            text, first = plain(text), plain(first)
        indent = " " * len(first)
        lines = textwrap.wrap(
            text, WIDTH, initial_indent=first, subsequent_indent=indent, max_lines=most, placeholder=" ..."
        )
        return [self(line, colour) for line in lines]


def report(r: "Report", colour: bool = False, unicode: bool = True, more: str = "") -> str:
    """One report: a line for each input, the diagnosis, the error against the step, the map of the error."""
    ink = Ink(colour, unicode)
    order = "second order" if r.case.order == 2 else "first order"
    right = f"{order}, seed {r.case.seed}"
    title = r.case.name + (f"  {r.case.note}" if r.case.note else "")
    title = (title if unicode else plain(title))[: WIDTH - len(right) - 1]
    lines = [ink(title, "bold") + " " * (WIDTH - len(title) - len(right)) + ink(right, "dim")]
    shown = list(r.findings)
    if len(shown) > INPUTS:
        shown = sorted(shown, key=lambda f: (f is not r.worst, not f.diagnoses))[:INPUTS]
    width = min(36, max(len(f.name) + len(str(f.shape)) for f in shown) + 2)
    for f in shown:
        lines.append(_input(f, width, ink))
    if len(r.findings) > len(shown):
        rest = [f for f in r.findings if not any(f is s for s in shown)]
        lines.append(ink(f"  … {len(rest)} more, {sum(f.passes for f in rest)} of them right", "dim"))
    if more:
        lines.append(ink("  " + more[: WIDTH - 2], "dim"))
    f = r.worst
    if f.verdict == "different":
        g, t = float(f.claimed[f.at]) + 0.0, float(f.numeric[f.at]) + 0.0
        share = f"; {f.wrong} of {f.claimed.size} differ"
        lines.append(ink(f"    it says {g:.6g} there, finite differences {t:.6g}{share}"[:WIDTH]))
    if f.diagnoses or r.diagnosis:
        d = r.diagnosis
        assert d is not None
        others = [o.kind for o in f.diagnoses[1:3] if o.kind != "scale"]
        lines += ink.wrapped(f"{d.kind}: {d.says}", "  ✗ ", "red" if not r.passes else "yellow", 3)
        lines += ink.wrapped(d.fix + (f" (The same numbers: {', '.join(others)}.)" if others else ""), "    → ", "", 3)
    lines += _plots(r, f, ink)
    return "\n".join(line.rstrip() for line in lines[:24])


def _input(f: "Finding", width: int, ink: Ink) -> str:
    shape, room = str(f.shape), width - len(str(f.shape)) - 1
    dots = "…" if ink.unicode else "..."
    name = f.name if len(f.name) <= room else dots + f.name[len(dots) - room :]
    label = f"{name} {shape}".ljust(width)
    mark, colour = ("✗", "red") if not f.passes else ("·", "yellow") if f.diagnoses else ("✓", "green")
    words = f.words
    if f.diagnoses and f.passes:
        words += f": {f.diagnoses[0].kind}"
    mark = mark if ink.unicode else plain(mark).ljust(2)
    return f"  {ink(mark, colour)} {ink(label)} {ink(words[: WIDTH - width - 6])}"


def _plots(r: "Report", f: "Finding", ink: Ink) -> list[str]:
    """The V-curve on the left; on the right, where something is wrong, the map of the error."""
    left = v_rows(r.curve, f.name) if r.curve else []
    right = heat_rows(f) if f.error is not None and f.verdict != "exact" and f.claimed.size > 1 else []
    if not left and not right:
        return []
    if not left:
        return [ink("    " + row) for row in right]
    right += [""] * (len(left) - len(right))
    return [ink((a.ljust(43) + b)[:WIDTH]) for a, b in zip(left, right)]


def v_rows(curve: list[tuple[float, float]], name: str) -> list[str]:
    """Error against step, both logarithmic: two columns a decade."""
    logs = [(math.log10(h), math.log10(max(e, 1e-17))) for h, e in curve]
    low, high = min(-10.0, *(e for _, e in logs)), max(-3.0, *(e for _, e in logs))
    grid = [[" "] * 24 for _ in range(ROWS)]
    for x, y in logs:
        grid[round((high - y) / (high - low) * (ROWS - 1))][min(23, max(0, round((x + 12) * 2)))] = "●"
    labels = {0: f"1e{round(high):+d}", ROWS - 1: f"1e{round(low):+d}"}
    rows = [f"  error of {name} against the step h"[:41]]
    rows += [f"  {labels.get(k, ''):>6} │{''.join(line)}" for k, line in enumerate(grid)]
    return [*rows, "         └" + "─" * 24, "          1e-12       1e-6       1"]


def heat_rows(f: "Finding") -> list[str]:
    """|claimed − numeric| by entry, the darker the larger; large arrays by the largest of each block."""
    small = shrunk(f.error, ROWS, 30)
    top = float(small.max(initial=0)) or 1.0
    wide = 2 if small.shape[1] <= 15 else 1
    levels = np.ceil(np.clip(np.nan_to_num(small / top, posinf=1.0), 0, 1) * (len(SHADES) - 1) - 1e-9).astype(int)
    rows = ["│" + "".join(SHADES[level] * wide for level in row) + "│" for row in levels]
    return [f"where, in {f.name} {f.shape}"[:36], *rows, f" █ = {top:.2g}"]


def shrunk(error: Any, rows: int, columns: int) -> Any:
    """As a matrix (last axis across) of at most that size: each block by its largest entry."""
    matrix = error.reshape(-1, error.shape[-1]) if error.ndim else error.reshape(1, 1)
    for axis, most in ((0, rows), (1, columns)):
        n = matrix.shape[axis]
        if n > most:
            edges = np.linspace(0, n, most + 1).astype(int)[:-1]
            matrix = np.maximum.reduceat(matrix, edges, axis=axis)
    return matrix
