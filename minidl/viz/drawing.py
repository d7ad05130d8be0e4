"""The graph that a run recorded, as a picture (SVG) and as text that Graphviz reads (DOT).

A model is run on the device "meta", so its graph costs nothing; what a module did folds into one box."""

import math
import sys
from collections.abc import Iterator, Mapping
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from ..autograd import enable_grad
from ..backend import device
from ..files import atomic_write
from ..nn import Module
from .costs import from_shapes, is_shape, is_shapes, on_meta, tensors_in, without_numbers
from .layout import HEADER, Box, Key, Placed, Rect, arrange, text_width
from .tape import Call, Entry, Origin, Tape, names_around, record, tape_of
from .tape import _shared as shared_calls

FONT, LINE = 12.0, 16.0
MANY = 24  # entries: from here on what the innermost modules did is folded, unless a depth is given

STYLE = """
.minidl-graph{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;--paper:#fff;--ink:#1a1a1a;--faint:#5f6b76;
--line:#8895a1;--op:#e3eef7;--op-edge:#0072b2;--leaf:#fdf0d5;--leaf-edge:#b36b00;--given:#e7f4ee;--given-edge:#007a58;
--group:#f4f6f8;--group-edge:#c3ccd4}
@media (prefers-color-scheme:dark){.minidl-graph{--paper:#14181c;--ink:#f0f2f4;--faint:#aab4be;--line:#7d8a96;
--op:#12324a;--op-edge:#56b4e9;--leaf:#43310d;--leaf-edge:#e69f00;--given:#0e3a2d;--given-edge:#2fc79b;--group:#1b2127;
--group-edge:#3c4853}}
.minidl-graph text{fill:var(--ink);text-anchor:middle}.minidl-graph .faint{fill:var(--faint);font-size:11px}
.minidl-graph .name{text-anchor:start;font-size:11px;fill:var(--faint)}
.minidl-graph rect{stroke-width:1.3}.minidl-graph .paper{fill:var(--paper)}
.minidl-graph .op{fill:var(--op);stroke:var(--op-edge)}.minidl-graph .leaf{fill:var(--leaf);stroke:var(--leaf-edge)}
.minidl-graph .constant{fill:var(--given);stroke:var(--given-edge)}.minidl-graph .root{stroke-width:3}
.minidl-graph .group{fill:var(--group);stroke:var(--group-edge)}
.minidl-graph .folded{fill:var(--op);stroke:var(--op-edge);stroke-dasharray:5 2}
.minidl-graph path{fill:none;stroke:var(--line);stroke-width:1.4}.minidl-graph .head{fill:var(--line);stroke:none}
""".strip()


def graph(
    what: Any, *inputs: Any, names: Mapping[str, Any] | None = None, depth: int | None = None, input_size: Any = None
) -> "Graph":
    """The graph behind a tensor, or that of a model for some inputs (tensors, or shapes as `summary` takes them).

    depth: how many modules deep to draw; what is deeper is one box a module (0: the outermost modules). By default
    large graphs show the innermost modules as boxes, and small ones everything. names: what to call tensors and
    modules; by default as the caller's variables are. Computations inside `with viz.record():` know their modules."""
    if isinstance(what, Module):
        return Graph(tape_of_model(what, inputs, input_size), depth)
    if inputs or input_size is not None:
        raise TypeError("graph: inputs go with a Module; a tensor brings its graph along")
    called = names_around(sys._getframe(1)) if names is None else names
    return Graph(tape_of(what, called, values=False), depth)


def tape_of_model(model: Module, inputs: tuple[Any, ...], sizes: Any) -> Tape:
    """The tape of one call in evaluation mode, of shapes alone; the model stays as it is."""
    if len(inputs) == 1 and (is_shape(inputs[0]) or is_shapes(inputs[0])):
        sizes = inputs[0]
    if sizes is not None:
        inputs = from_shapes(model, sizes, None, None)
    with enable_grad(), device("meta"):
        args = on_meta(inputs)
        with without_numbers(model, "eval") as members:
            for t in members:
                t.needs_grad = t.needs_grad or (t.dtype.kind == "f" and t in set(model.parameters()))
            with record():
                output = model(*args)
            root = next((t for t in tensors_in(output) if t.node is not None), None)
            if root is None:
                raise ValueError("graph: nothing that the model returned was computed from its parameters or inputs")
            given = tensors_in(args)
            inputs_called = {"input" if len(given) == 1 else f"input {k + 1}": t for k, t in enumerate(given)}
            tape = tape_of(root, {"model": model, **inputs_called}, values=False)
        for e in tape.entries:
            if e.tensor is not None and any(e.tensor is t for t in members):  # buffers too stand beside what reads them
                e.origin = Origin(None, shared_calls([user.origin.calls for user, _ in e.uses]))
        return tape


class Graph:
    """A drawn graph: `svg` and `dot` are texts, `save(path)` writes either by its ending. Notebooks show it."""

    def __init__(self, tape: Tape, depth: int | None = None) -> None:
        self.tape = tape
        ops = set(tape.ops)
        self.groups = {call: inside for call, inside in tape.groups.items() if not ops <= set(inside)}
        self.folded = self._to_fold(depth)
        self.labels = {e: label(e) for e in tape.entries}

    def groups_of(self, entry: Entry) -> tuple[Call, ...]:
        """The calls of modules that an entry is drawn in, outermost first; one that did everything is none of them."""
        return tuple(call for call in self.tape.groups_of(entry) if call in self.groups)

    def _to_fold(self, depth: int | None) -> set[Call]:
        """The calls to draw as one box."""
        if depth is not None:
            level = {call: self.groups_of(inside[0]).index(call) for call, inside in self.groups.items()}
            return {call for call in level if level[call] >= depth}
        if len(self.tape.entries) < MANY:
            return set()
        outer = {call for e in self.tape.entries for call in self.groups_of(e)[:-1]}
        return {call for call in self.groups if call not in outer}

    def shown(self, entry: Entry) -> Entry | Call:
        """The entry, or the outermost folded call that it is drawn as a part of."""
        return next((call for call in self.groups_of(entry) if call in self.folded), entry)

    # ------------------------------------------------------------------------------ SVG

    @property
    def svg(self) -> str:
        """A picture on its own, light or dark as the reader's system is."""
        placed = self.placed()
        width, height = math.ceil(placed.width), math.ceil(placed.height)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="minidl-graph" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-label="{escape(self.title, quote=True)}">',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            *(self._open(call, rect) for call, rect in sorted(placed.groups.items(), key=lambda item: -item[1].width)),
            *map(edge, placed.edges.values()),
            *(self._box(key, rect) for key, rect in placed.boxes.items()),
            "</svg>",
        ]
        return "\n".join(parts)

    def _repr_svg_(self) -> str:
        return self.svg

    @property
    def title(self) -> str:
        ops, last = len(self.tape.ops), " ".join(self.labels[self.tape.root])
        return f"A graph of {ops} operation{'s' if ops != 1 else ''} that ends in {last}"

    def placed(self) -> Placed:
        """Where everything goes."""
        boxes: dict[Entry | Call, Box] = {}
        for entry in self.tape.entries:
            key = self.shown(entry)
            groups = self.groups_of(entry)
            outer = groups[: groups.index(key)] if isinstance(key, Call) else groups
            text = self._titles(key) if isinstance(key, Call) else self.labels[entry]
            boxes[key] = Box(key, max(text_width(t, FONT) for t in text) + 20, LINE * len(text) + 10, outer)
        widths: dict[Key, float] = {call: max(text_width(t, FONT) for t in self._titles(call)) for call in self.groups}
        edges = ((self.shown(a), self.shown(b)) for a, b in self.tape.edges)
        return arrange(list(boxes.values()), edges, widths).place()

    def _titles(self, call: Call) -> tuple[str, str]:
        last = self.groups[call][-1]
        name = call.kind if call.name == call.kind else f"{call.name}: {call.kind}"
        return name, shape_text(last)

    def _box(self, key: Any, rect: Rect) -> str:
        if isinstance(key, Call):
            count = sum(e.kind == "op" for e in self.groups[key])
            return drawn_box(rect, "folded", self._titles(key), f"{count} operation{'s' if count != 1 else ''} inside")
        kind = key.kind + (" root" if key is self.tape.root else "")
        return drawn_box(rect, kind, self.labels[key], key.formula)

    def _open(self, call: Any, rect: Rect) -> str:
        name = escape(self._titles(call)[0])
        return (
            f'<rect class="group" x="{rect.x:.1f}" y="{rect.y:.1f}" width="{rect.width:.1f}" '
            f'height="{rect.height:.1f}" rx="8"/>'
            f'<text class="name" x="{rect.x + 10:.1f}" y="{rect.y + HEADER / 2 + 3:.1f}">{name}</text>'
        )

    # ------------------------------------------------------------------------------ DOT

    @property
    def dot(self) -> str:
        """The same graph for Graphviz: `dot -Tpdf`."""
        entries = [e for e in self.tape.entries if self.shown(e) is e]
        body = [f"  {self._id(e)} [{self._attributes(e)}];" for e in entries if not self.groups_of(e)]
        body += list(self._clusters((), 1))
        arrows = dict.fromkeys((self._id(a), self._id(b)) for a, b in self.tape.edges)
        body += [f"  {a} -> {b};" for a, b in arrows if a != b]
        head = '  rankdir=TB; node [shape=box, style="rounded,filled", fontname=monospace, fillcolor="#e3eef7"];'
        return "\n".join(["digraph minidl {", head, *body, "}"])

    def _clusters(self, path: tuple[Call, ...], level: int) -> Iterator[str]:
        indent = "  " * level
        for call, inside in self.groups.items():
            outer = self.groups_of(inside[0])
            if outer[: outer.index(call)] != path:
                continue
            if call in self.folded:
                name = quoted("\n".join(self._titles(call)))
                yield f'{indent}g{call.number} [label={name}, style="filled,dashed"];'
                continue
            yield f"{indent}subgraph cluster_{call.number} {{"
            yield f"{indent}  label={quoted(self._titles(call)[0])}; color=gray;"
            for e in inside:
                if self.groups_of(e) == (*path, call):
                    yield f"{indent}  {self._id(e)} [{self._attributes(e)}];"
            yield from self._clusters((*path, call), level + 1)
            yield f"{indent}}}"

    def _id(self, entry: Entry) -> str:
        key = self.shown(entry)
        return f"g{key.number}" if isinstance(key, Call) else f"n{key.index}"

    def _attributes(self, entry: Entry) -> str:
        fill = {"leaf": ', fillcolor="#fdf0d5"', "constant": ', fillcolor="#e7f4ee"'}.get(entry.kind, "")
        return f"label={quoted(chr(10).join(self.labels[entry]))}{fill}" + (
            ", penwidth=3" if entry is self.tape.root else ""
        )

    # ------------------------------------------------------------------------------ files

    def save(self, path: "str | PathLike[str]") -> Path:
        """Write `name.svg` or `name.dot`."""
        path = Path(path)
        texts = {".svg": lambda: self.svg, ".dot": lambda: self.dot, ".gv": lambda: self.dot}
        if path.suffix not in texts:
            raise ValueError(f"Graph.save: the file ends in .svg or .dot, got {path.name!r}")
        with atomic_write(path, "w", encoding="utf-8") as file:
            file.write(texts[path.suffix]() + "\n")
        return path

    def __repr__(self) -> str:
        return f"<{self.title}; .svg, .dot, .save(path)>"


def label(entry: Entry) -> tuple[str, ...]:
    """What a box says: the operation and what the user calls its result, or the leaf's name; and the shape."""
    first = entry.name if entry.kind == "op" else entry.name.rpartition(".")[2] if entry.origin.calls else entry.name
    if entry.kind == "op" and entry.variable:
        first = f"{entry.variable} = {entry.name}"
    return first, shape_text(entry)


def shape_text(entry: Entry) -> str:
    if entry.several:
        return f"{len(entry.value)} values"
    return "×".join(map(str, entry.shape)) or "a number"


def edge(parts: list[tuple[float, float, float]]) -> str:
    """A line of straight parts with bends between them, and the head of an arrow."""
    x, top, bottom = parts[0]
    path = f"M{x:.1f} {top:.1f}V{bottom:.1f}"
    for new, top, end in parts[1:]:
        middle = (bottom + top) / 2
        path += f"C{x:.1f} {middle:.1f} {new:.1f} {middle:.1f} {new:.1f} {top:.1f}V{end:.1f}"
        x, bottom = new, end
    return f'<path d="{path}"/><path class="head" d="M{x:.1f} {bottom:.1f}l-3.5 -7h7z"/>'


def drawn_box(rect: Rect, kind: str, text: tuple[str, ...], hint: str) -> str:
    x, top = rect.x + rect.width / 2, rect.y + (rect.height - LINE * len(text)) / 2 + 12
    style = ("", ' class="faint"')
    written = "".join(
        f'<text{style[k > 0]} x="{x:.1f}" y="{top + k * LINE:.1f}">{escape(t)}</text>' for k, t in enumerate(text)
    )
    title = f"<title>{escape(hint)}</title>" if hint else ""
    return (
        f'<g>{title}<rect class="{kind}" x="{rect.x:.1f}" y="{rect.y:.1f}" width="{rect.width:.1f}" '
        f'height="{rect.height:.1f}" rx="5"/>{written}</g>'
    )


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
