"""The report as one page: inline SVG, no script, no network; light or dark as the reader's system is."""

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .terminal import shrunk

if TYPE_CHECKING:
    from .report import Finding, Report

STYLE = """
.gd { --ink: #1b1f24; --soft: #59636e; --line: #d8dee4; --page: #ffffff; --card: #f6f8fa; --code: #f0f3f6;
  --wrong: #b3400d; --right: #00694c; --warn: #8a5a00; --curve: #0065a3; --hot: 179, 64, 13;
  color: var(--ink); background: var(--page); font: 16px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { .gd { --ink: #e6edf3; --soft: #9da7b1; --line: #3d444d; --page: #0d1117;
  --card: #151b23; --code: #1c232c; --wrong: #ff9a66; --right: #4ccfa4; --warn: #e3b341; --curve: #6cb6ff;
  --hot: 255, 138, 76; } }
.gd h1 { font-size: 1.5rem; margin: 0 0 .25rem; } .gd h2 { font-size: 1.25rem; margin: 0; }
.gd .soft { color: var(--soft); font-size: .9rem; } .gd code, .gd pre { font: .875rem/1.45 ui-monospace, monospace; }
.gd section { border: 1px solid var(--line); border-radius: 8px; padding: 1.25rem; margin: 1.25rem 0; }
.gd .told { border-left: 4px solid var(--wrong); background: var(--card); padding: .6rem 1rem; margin: 1rem 0; }
.gd .told.note { border-color: var(--warn); } .gd .told.note b { color: var(--warn); }
.gd .told b { color: var(--wrong); } .gd .told p { margin: .2rem 0; }
.gd table { border-collapse: collapse; width: 100%; margin: .75rem 0; } .gd td, .gd th { text-align: left;
  padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.gd th { color: var(--soft); font-weight: 500; font-size: .875rem; }
.gd .ok { color: var(--right); } .gd .ill { color: var(--wrong); } .gd .warn { color: var(--warn); }
.gd .plots { display: flex; flex-wrap: wrap; gap: 1.5rem; } .gd figure { margin: 0; flex: 1 1 22rem; min-width: 0; }
.gd figcaption { font-size: .9rem; color: var(--soft); margin-bottom: .25rem; }
.gd svg { width: 100%; max-width: 36rem; height: auto; display: block; }
.gd svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
.gd pre { background: var(--code); padding: .8rem 1rem; border-radius: 6px; overflow-x: auto; margin: .5rem 0 0; }
.gd summary { cursor: pointer; color: var(--soft); margin-top: 1rem; }
"""


def page(reports: "Sequence[Report]") -> str:
    """A whole page of reports: those with something wrong in full, the others in full only where they are few."""
    ill = [r for r in reports if not r.healthy]
    full = list(reports) if len(reports) <= 3 else ill
    said = "Every gradient is right."
    if ill:
        said = "Something is wrong." if len(reports) == 1 else f"Something is wrong in {len(ill)} of {len(reports)}."
    about = "Gradients against finite differences, with random inputs and upstream gradients, in float64."
    parts = [f"<h1>Gradient Doctor</h1><p class='soft'>{said} {about}</p>"]
    if len(reports) > 1:
        rows = "".join(
            f"<tr><td>{escape(r.case.name)}</td><td class='soft'>{escape(r.case.note)}</td>"
            f"<td class='{_class(r)}'>{'✓' if r.healthy else '✗'} {escape(r.kind or r.worst.verdict)}</td></tr>"
            for r in reports
        )
        parts.append(f"<table><tr><th>what</th><th>how</th><th>verdict</th></tr>{rows}</table>")
    parts += [_section(r) for r in full]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='color-scheme' content='light dark'><title>Gradient Doctor</title>"
        f"<style>{STYLE} body {{ margin: 0 }} main "
        f"{{ max-width: 62rem; margin: 0 auto; padding: 1.5rem }}</style></head>"
        f"<body class='gd'><main>{''.join(parts)}</main></body></html>\n"
    )


def fragment(report: "Report") -> str:
    """For a notebook."""
    return f"<div class='gd'><style>{STYLE}</style>{_section(report)}</div>"


def _class(x: Any) -> str:
    ill = x.diagnoses if hasattr(x, "diagnoses") else not x.healthy
    return "ill" if not x.passes else "warn" if ill else "ok"


def _section(r: "Report") -> str:
    f = r.worst
    rows = "".join(
        f"<tr><td><code>{escape(x.name)}</code></td><td><code>{x.shape}</code></td>"
        f"<td class='{_class(x)}'>{'✓' if not x.diagnoses and x.passes else '✗'} {escape(x.words)}</td>"
        f"<td>{escape(x.diagnoses[0].kind) if x.diagnoses else ''}</td></tr>"
        for x in r.findings
    )
    told = ""
    if r.diagnosis:
        d = r.diagnosis
        note = " note" if r.passes else ""
        same = [o.kind for o in f.diagnoses[1:3] if o.kind != "scale"]
        also = f"<p class='soft'>The same numbers would come of: {escape(', '.join(same))}.</p>" if same else ""
        told = f"<p><b>{escape(d.kind)}</b>: {escape(d.says)}</p><p>→ {escape(d.fix)}</p>{also}"
        told = f"<div class='told{note}'>{told}</div>"
    if f.verdict == "different":
        told += (
            f"<p class='soft'>At <code>{escape(f.name)}{list(f.at) or ''}</code> the gradient says "
            f"<code>{f.claimed[f.at]:.8g}</code>, and finite differences <code>{f.numeric[f.at]:.8g}</code>; "
            f"{f.wrong} of {f.claimed.size} entries differ.</p>"
        )
    plots = []
    if r.curve:
        plots.append(
            f"<figure><figcaption>Error of the gradient of <code>{escape(f.name)}</code> against the step h of the "
            f"differences: a right one falls until rounding takes over.</figcaption>{curve_svg(r.curve)}</figure>"
        )
    if f.error is not None and f.verdict != "exact" and f.claimed.size > 1:
        plots.append(
            f"<figure><figcaption>Where: |claimed − numeric| in <code>{escape(f.name)}</code>, full colour is "
            f"{f.difference:.2g}.</figcaption>{heat_svg(f)}</figure>"
        )
    source = f"<details open><summary>What ran</summary><pre>{escape(r.case.source)}</pre></details>"
    order = "second" if r.case.order == 2 else "first"
    return (
        f"<section><h2 class='{_class(r)}'>{'✓' if r.healthy else '✗'} {escape(r.case.name)}</h2>"
        f"<p class='soft'>{escape(r.case.note)}{' · ' if r.case.note else ''}{order} order · seed "
        f"{r.case.seed}</p>{told}"
        f"<table><tr><th>input</th><th>shape</th><th>verdict</th><th>diagnosis</th></tr>{rows}</table>"
        f"<div class='plots'>{''.join(plots)}</div>{source if r.case.source else ''}</section>"
    )


def curve_svg(curve: list[tuple[float, float]]) -> str:
    """Error against step, both logarithmic."""
    logs = [(math.log10(h), math.log10(max(e, 1e-17))) for h, e in curve]
    low, high = min(-12, math.floor(min(e for _, e in logs))), max(0, math.ceil(max(e for _, e in logs)))
    x = lambda v: 52 + (v + 12) / 12 * 376
    y = lambda v: 10 + (high - v) / (high - low) * 210
    lines = []
    for v in range(low, high + 1, max(2, (high - low) // 6)):
        lines.append(f"<line x1='52' x2='428' y1='{y(v):.1f}' y2='{y(v):.1f}' stroke='var(--line)'/>"
                     f"<text x='46' y='{y(v) + 4:.1f}' text-anchor='end'>{_power(v)}</text>")  # fmt: skip
    for v in range(-12, 1, 3):
        lines.append(f"<text x='{x(v):.1f}' y='238' text-anchor='middle'>{_power(v)}</text>")
    path = " ".join(f"{'ML'[k > 0]}{x(a):.1f},{y(b):.1f}" for k, (a, b) in enumerate(logs))
    dots = "".join(f"<circle cx='{x(a):.1f}' cy='{y(b):.1f}' r='3' fill='var(--curve)'/>" for a, b in logs)
    return (
        "<svg viewBox='0 0 440 262' role='img' aria-label='error against step size'>" + "".join(lines)
        + f"<path d='{path}' fill='none' stroke='var(--curve)' stroke-width='1.5'/>{dots}"
        "<text x='240' y='257' text-anchor='middle'>step h</text></svg>"
    )  # fmt: skip


def heat_svg(f: "Finding") -> str:
    """The error as a matrix, last axis across."""
    small = np.nan_to_num(shrunk(f.error, 32, 48), posinf=0.0)
    rows, columns = small.shape
    top = float(small.max(initial=0)) or 1.0
    cell = min(36.0, 376 / columns, 210 / rows)
    left = 52
    cells = "".join(
        f"<rect x='{left + j * cell:.1f}' y='{10 + i * cell:.1f}' width='{cell:.1f}' height='{cell:.1f}' "
        f"fill='rgba(var(--hot), {small[i, j] / top:.3f})' stroke='var(--line)' stroke-width='.5'>"
        f"<title>{small[i, j]:.3g}</title></rect>"
        for i in range(rows)
        for j in range(columns)
    )
    folded = " (leading axes folded)" if len(f.shape) > 2 else ""
    middle, below = left + columns * cell / 2, rows * cell + 28
    across = f"<text x='{middle:.1f}' y='{below:.1f}' text-anchor='middle'>last axis</text>"
    down = f"<text x='{left - 8}' y='22' text-anchor='end'>row 0</text>"
    width = max(440.0, left + columns * cell + 12)
    return (
        f"<svg viewBox='0 0 {width:.0f} {rows * cell + 40:.0f}' role='img' aria-label='error by entry{folded}'>"
        f"{cells}{across}{down}</svg>"
    )


def _power(v: float) -> str:
    return "1" if v == 0 else f"1e{v:+d}"
