"""The page: everything a browser needs in one file, drawn from a table of plain data by the script beside this."""

import html
import json
import math
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...autograd import Tensor
from ...errors import must_be_tensor, not_one_number
from ...files import atomic_write
from ...nn import Module
from .. import layout
from ..layout import Box, Layout, fitted, text_width
from ..tape import Call, Entry, Tape, names_around, tape_of
from .passes import Check, Pass, differences, error, faults, right
from .story import Phrase, Story, about, formula
from .values import Values, number, shape

ASSETS = Path(__file__).parent
FAULTS = ("depth-first", "overwrite", "no-unbroadcast", "wrong-transpose", "stale-array")

TITLE, TEXT = 17.0, 16.0  # sizes of letters in a box: what a back row can read
SWATCH, HEIGHT, MARGIN = 38.0, 60.0, 12.0
MOST = 600  # operations of one page
WIDEST = 230.0  # of a label; a longer one is cut, and whole in the panel


class Page:
    """The finished page. A notebook shows it; `save` writes it.

    `data` is what it is drawn from: the nodes, the steps in words, the values, and the planted faults."""

    def __init__(self, data: dict[str, Any], drawn: Layout) -> None:
        self.data, self.layout, self.html = data, drawn, assemble(data)

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.data["steps"]

    @property
    def proved(self) -> bool:
        """Do finite differences bear out the gradient of every node that has no kink?"""
        return all(node["check"][0] != WRONG for node in self.data["nodes"] if "check" in node)

    @property
    def first_wrong(self) -> dict[str, str | None]:
        """For each planted fault the first node whose gradient it makes wrong; None where it does no harm."""
        nodes, found = self.data["nodes"], {f["key"]: f["first"] for f in self.data["faults"]}
        return {key: None if e is None else nodes[e]["name"] for key, e in found.items()}

    def save(self, path: str | os.PathLike[str]) -> "Page":
        with atomic_write(path, "w", encoding="utf-8") as file:
            file.write(self.html)
        return self

    def _repr_html_(self) -> str:
        return (
            '<iframe title="Backprop Stepper" style="width:100%;height:760px;border:1px solid #8888" '
            f'srcdoc="{html.escape(self.html)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<backprop stepper, {len(self.layout.boxes)} nodes, {len(self.html.encode()) / 1000:.0f} kB>"


def step(
    loss: Tensor, path: str | os.PathLike[str] | None = None, *, model: Module | None = None,
    names: Mapping[str, Any] | None = None, fault: str | None = None, title: str = "",
) -> Page:  # fmt: skip
    """Step through the graph of a loss: forward in execution order, backward in reverse topological order.

        with viz.record():                     # notes lines of code and modules; may be left out
            loss = F.cross_entropy(model(x), t)
        viz.step(loss, "step.html")

    Call it before `loss.backward()`, or give that retain_graph=True. Nothing of the run is changed: no `.grad` is
    touched, and hooks are not run. Tensors and modules are called as the caller's variables are; `model` and `names`
    ({"name": tensor or module}) say otherwise. fault: begin with this one planted: "depth-first", "overwrite",
    "no-unbroadcast", "wrong-transpose" or "stale-array". Returns the page, which a notebook shows."""
    must_be_tensor("step: loss", loss)
    if loss.array.size != 1:
        raise not_one_number("step", loss)
    if fault is not None and fault not in FAULTS:
        raise ValueError(f"step: there is no fault {fault!r}; choose one of {', '.join(FAULTS)}")
    called = dict(names) if names is not None else names_around(sys._getframe(1))
    if model is not None:
        called = {k: v for k, v in called.items() if not isinstance(v, Module)} | {"model": model}
    tape = tape_of(loss, called)
    if len(tape.ops) > MOST:
        raise ValueError(
            f"step: this graph has {len(tape.ops)} operations, and more than {MOST} nobody steps through; take fewer "
            "layers or time steps, or a part of the graph"
        )
    drawn = arrange(tape)
    with np.errstate(all="ignore"):  # NaN and inf are shown, not complained about
        data = contents(tape, drawn)
    data["begin"] = fault
    data["title"] = title or f"{Story(tape, Pass(), Values()).names[tape.root]}: {len(tape.ops)} operations"
    page = Page(data, drawn)
    return page if path is None else page.save(path)


def assemble(data: dict[str, Any]) -> str:
    """The whole file."""

    def read(name: str) -> str:
        return re.sub(r"^ +", "", (ASSETS / name).read_text(encoding="utf-8"), flags=re.MULTILINE)

    patterns: dict[str, int] = {}

    def packed(value: Any) -> Any:
        """Sentences as [number of their pattern, *words]."""
        if isinstance(value, Phrase):
            return {"p": patterns.setdefault(value.pattern, len(patterns)), "w": value.words}
        if isinstance(value, dict):
            return {k: packed(v) for k, v in value.items()}
        return [packed(v) for v in value] if isinstance(value, list) else value

    small = {**data, "steps": packed(data["steps"]), "faults": packed(data["faults"]), "patterns": list(patterns)}
    text = json.dumps(small, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    page = read("page.html").replace("/*STYLE*/", read("style.css")).replace("/*SCRIPT*/", read("script.js"))
    return page.replace("<!--TITLE-->", html.escape(data["title"])).replace("/*DATA*/", text)


# ------------------------------------------------------------------------------------------ the drawing


def label(e: Entry, story: Story, tape: Tape) -> str:
    """The name in the box; a parameter's without the path that the group around it says."""
    name = story.full(e)
    if e.kind != "op" and tape.groups_of(e):
        inner = [call.name for call in e.origin.calls[1:]]
        name = name.removeprefix(".".join(inner) + ".") if e.origin.calls[-1] in tape.groups else name
    return fitted(name, TITLE, WIDEST)


def single(e: Entry) -> bool:
    return not e.several and np.size(e.value) == 1 and not e.shape


def arrange(tape: Tape) -> Layout:
    """The layout of a tape: a box for each entry, a group for each call of a module."""
    story, keys = Story(tape, Pass(), Values()), group_keys(tape)
    boxes = []
    for e in tape.entries:
        second = 17 * 0.61 * TEXT if single(e) else text_width(subtitle(e), TEXT)
        width = max(text_width(label(e, story, tape), TITLE), second) + 2 * MARGIN
        if not single(e):
            width += 2 * SWATCH + MARGIN + 4
        boxes.append(Box(e.index, math.ceil(width), HEIGHT, tuple(keys[c] for c in tape.groups_of(e))))
    labels = {key: text_width(group_label(c), TITLE) + 40 for c, key in keys.items()}
    return layout.arrange(boxes, [(a.index, b.index) for a, b in tape.edges], labels)


def group_keys(tape: Tape) -> dict[Call, str]:
    """A name for each group, the same whenever the same program runs."""
    return {call: f"m{k}" for k, call in enumerate(tape.groups)}


def group_label(call: Call) -> str:
    return call.kind if call.name == call.kind else f"{call.name}: {call.kind}"


def subtitle(e: Entry) -> str:
    if e.several:
        return f"{len(e.value)} values"
    return number(e.value) if single(e) else fitted(shape(e.value), TEXT, WIDEST)


def contents(tape: Tape, drawn: Layout) -> dict[str, Any]:
    """Everything the script shows, as plain data; values, formulas and lines of code once each."""
    good, values = right(tape), Values()
    story = Story(tape, good, values)
    checked = differences(tape)
    formulas: dict[str, int] = {}
    pieces: list[Any] = []
    sources: dict[Any, int] = {}
    nodes = []
    for e in tape.entries:
        node: dict[str, Any] = {
            "label": label(e, story, tape), "name": story.names[e], "kind": e.kind, "sub": subtitle(e),
            "v": values.add(e.value),
        }  # fmt: skip
        if single(e):
            node["one"] = 1
        if e in good.gradients:
            node["g"] = values.add(good.gradients[e])
        if e in checked:
            node["check"] = badge(checked[e], good.gradients.get(e))
        if e.kind == "op" and e.formula:
            if e.name not in formulas:
                formulas[e.name] = len(pieces)
                pieces.append(formula(e))
            node["f"] = formulas[e.name]
            node["op"], node["letters"] = e.name, e.arguments
        if e.origin.source is not None:
            node["src"] = sources.setdefault(e.origin.source, len(sources))
        if e.origin.calls:
            node["in"] = ".".join(c.name for c in e.origin.calls)
        nodes.append(node)
    steps = story.steps()
    for s in steps:
        if s["k"] == "backward" and "f" in nodes[s["e"]]:
            entry = tape.entries[s["e"]]
            piece = about(pieces[nodes[s["e"]]["f"]], entry.arguments[s["place"]])
            if piece:
                s["piece"] = piece
    operands = {e.index: [o.index if isinstance(o, Entry) else None for o in e.operands] for e in tape.ops}
    return {
        "nodes": nodes, "root": tape.root.index, "operands": operands, "formulas": pieces,
        "sources": [
            {"file": Path(s.file).name, "line": s.line, "text": s.text.strip(), "cols": columns(s), "in": s.function}
            for s in sources
        ],
        "steps": steps, "faults": [story.fault(f) for f in faults(tape, good)], "values": values.table,
        "layout": exported(tape, drawn),
    }  # fmt: skip


def columns(source: Any) -> list[int] | None:
    """The columns of the call in the line without its indentation."""
    if source.columns is None:
        return None
    indent = len(source.text) - len(source.text.lstrip())
    return [max(source.columns[0] - indent, 0), max(source.columns[1] - indent, 0)]


RIGHT, WRONG, KINK = 1, 0, 2


def badge(checked: Check, own: Any) -> list[Any]:
    """[verdict, text] of a finite-difference badge."""
    if not math.isfinite(checked.off):
        return [KINK, "the loss or its gradient is not finite here, so finite differences say nothing"]
    if not checked.off < 1e-4:
        if checked.kink:
            return [KINK, "a kink (relu at 0, a tie of max): a slope to either side, and backward takes one"]
        return [WRONG, f"finite differences disagree by {checked.off:.0e}"]
    text = f"finite differences agree to {max(checked.off, 1e-12):.0e}"
    rounding = 0.0 if own is None else error(np.asarray(own), checked.gradient)
    if rounding is not None and rounding > 1e-3:
        text += f" in float64; {own.dtype} rounding is off by {rounding:.0e}"
    return [RIGHT, text]


def exported(tape: Tape, drawn: Layout) -> dict[str, Any]:
    """The layout for the script, which adds up the heights of rows as `Layout.place` does."""
    labels = {key: group_label(c) for c, key in group_keys(tape).items()}
    r = lambda x: round(x, 1)
    groups = {
        (g.key or "root"): {
            "label": labels.get(str(g.key), ""), "x": r(g.x), "w": r(g.width), "fw": r(g.folded_width),
            "in": list(g.path), "rows": [[item.key for item in row] for row in g.rows],
        }
        for g in drawn.groups.values()
    }  # fmt: skip
    return {
        "groups": groups, "width": r(drawn.root.width),
        "boxes": {k: [r(drawn.xs[k]), r(b.width), r(b.height), list(b.groups)] for k, b in drawn.boxes.items()},
        "edges": [[u, v, [[r(x), g or "root", row] for x, g, row in parts]]
                  for (u, v), parts in drawn.edges.items()],
        "sources": [k for k in drawn.boxes if k in drawn.sources],
        "pad": layout.PAD, "header": layout.HEADER, "gap": layout.GAP_Y, "gapx": layout.GAP_X,
        "folded": layout.FOLDED, "port": layout.PORT,
    }  # fmt: skip
