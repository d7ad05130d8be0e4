"""Spans added up: by operation, and by module. Whatever is outside operations has rows of its own, so that the rows of
a table add up to the time that passed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .recorder import BACKWARD, FORWARD, Span, Thread
from .work import work

BETWEEN_OPS, OTHER = "(between)", "other"  # what is neither forward nor backward
BETWEEN = {
    "module": "(in modules, between ops)",
    "backward": "(in backward, between ops)",
    "outside": "(outside modules and ops)",
}


@dataclass
class Row:
    """All calls of one operation in one pass, or all time of one other kind. Attributes as PyTorch calls them, too."""

    name: str
    phase: str = ""  # forward, backward, create_graph
    kind: str = "op"
    count: int = 0
    self_ns: int = 0
    total_ns: int = 0  # with what was called inside
    made: int = 0  # bytes of results
    kept: int = 0  # bytes that closures keep for backward
    multiply_adds: int = 0
    known: bool = True  # could all multiply-adds be counted?
    kernels: int = 0  # how many of the calls a kernel served,
    formulas: int = 0  # and how many the formula
    input_shapes: list[Any] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.name if self.phase in ("", FORWARD) else f"{self.name} ({self.phase})"

    self_cpu_time_total = property(lambda row: row.self_ns / 1e3)  # µs
    cpu_time_total = property(lambda row: row.total_ns / 1e3)
    cpu_time = property(lambda row: row.total_ns / 1e3 / max(row.count, 1))
    self_cpu_memory_usage = cpu_memory_usage = property(lambda row: row.made)
    flops = property(lambda row: 2 * row.multiply_adds)

    @property
    def gflops(self) -> float:
        """Billions of floating-point operations a second, a multiply-add being two."""
        return 2 * self.multiply_adds / self.self_ns if self.self_ns else 0.0

    @property
    def by(self) -> str:
        """What computed it; nothing is said of what is no formula."""
        if self.kernels and self.formulas:
            return f"kernel {self.kernels}/{self.kernels + self.formulas}"
        return "kernel" if self.kernels else "formula" if self.formulas else ""


@dataclass
class ModuleRow:
    """All calls of a module at one place of the model, forward and backward."""

    path: tuple[str, ...]  # ("Net", "features", "0")
    type: str
    count: int = 0
    self_ns: dict[str, int] = field(default_factory=lambda: {FORWARD: 0, BACKWARD: 0})
    total_ns: dict[str, int] = field(default_factory=lambda: {FORWARD: 0, BACKWARD: 0})
    made: int = 0  # the bytes and multiply-adds of it and all inside
    kept: int = 0
    multiply_adds: dict[str, int] = field(default_factory=lambda: {FORWARD: 0, BACKWARD: 0})

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def both(self) -> int:
        return sum(self.total_ns.values())


class Report:
    """The spans of a window of time, with what each took itself."""

    def __init__(self, spans: Iterable[Span], began: int, ended: int, main: Thread) -> None:
        self.began, self.ended, self.main = began, ended, main
        self.spans = [span for span in spans if span.start < ended]
        inside = set(map(id, self.spans))
        self.inner: dict[int, list[Span]] = {}  # by id of the outer span; 0 where there is none
        for span in self.spans:
            key = id(span.outer) if id(span.outer) in inside else 0
            self.inner.setdefault(key, []).append(span)
        self.stacks: dict[int, tuple[Span, ...]] = {}
        self.names: dict[int, dict[int, str]] = {}
        self.roots: dict[int, str] = {}

    @property
    def wall(self) -> int:
        return self.ended - self.began

    def within(self, span: Span | None) -> list[Span]:
        return self.inner.get(0 if span is None else id(span), [])

    def length(self, span: Span) -> int:
        return (self.ended if span.end is None else min(span.end, self.ended)) - span.start

    def own(self, span: Span) -> int:
        return self.length(span) - sum(map(self.length, self.within(span)))

    @cached_property
    def outside(self) -> int:
        """What the main thread did in none of the spans."""
        return self.wall - sum(self.length(span) for span in self.within(None) if span.thread is self.main)

    @cached_property
    def others(self) -> int:
        """What other threads computed meanwhile."""
        return sum(self.length(span) for span in self.within(None) if span.thread is not self.main)

    @property
    def threads(self) -> list[Thread]:
        return list({id(t): t for t in (self.main, *(span.thread for span in self.spans))}.values())

    def pass_of(self, span: Span) -> str:
        """In which pass the time was spent; under create_graph it is backward's."""
        return FORWARD if span.phase == FORWARD else BACKWARD

    def work_of(self, span: Span) -> tuple[int, bool]:
        """Multiply-adds, and whether they could be counted."""
        call = span.call if span.origin is None else span.origin.call
        if call is None:
            return 0, True
        counted: Any = work(call)
        found = counted.forward
        if span.origin is not None:
            found = counted.backward
            if isinstance(found, tuple):
                found = found[span.operand] if span.operand is not None and span.operand < len(found) else None
        return found or 0, found is not None

    # ---- by operation

    def rows(self, by_shape: bool = False) -> list[Row]:
        rows: dict[Any, Row] = {}
        seen: set[Any] = set()

        def row(name: str, phase: str, kind: str, shapes: Any = ()) -> Row:
            key = name, phase, kind, repr(shapes)
            return rows.setdefault(key, Row(name, phase, kind, input_shapes=list(shapes)))

        for span in self.spans:
            if span.kind in ("module", "backward"):
                between = row(BETWEEN[span.kind], "", span.kind)
                between.self_ns += self.own(span)
                between.total_ns += self.own(span)
                continue
            call = span.call if span.origin is None else span.origin.call
            shapes = call.shapes if by_shape and call is not None else ()
            r = row(span.name, span.phase if span.kind == "op" else "", span.kind, shapes)
            r.self_ns += self.own(span)
            r.total_ns += self.length(span)
            r.made += span.made
            r.kept += span.kept
            if span.kind == "op":
                done, known = self.work_of(span)
                r.multiply_adds, r.known = r.multiply_adds + done, r.known and known
            place = id(span) if span.origin is None else (id(span.origin), id(span.outer))
            if place not in seen:  # the gradients of all operands are one call
                seen.add(place)
                r.count += 1
                r.kernels += span.kernel
                r.formulas += call is not None and not span.kernel
        outside = row(BETWEEN["outside"], "", "outside")
        outside.self_ns = outside.total_ns = self.outside
        return list(rows.values())

    # ---- by module

    def modules_of(self, span: Span) -> tuple[Span, ...]:
        """The calls of modules that a span is part of, outermost first: for a gradient, those of its operation."""
        found = self.stacks.get(id(span))
        if found is None:
            if span.kind == "backward":
                outer: tuple[Span, ...] = ()
            elif span.origin is not None:
                outer = self.modules_of(span.origin)
            elif span.again is not None and span.outer is not None and span.outer.kind == "backward":
                outer = self.modules_of(span.again)
            else:
                outer = () if span.outer is None else self.modules_of(span.outer)
            found = self.stacks[id(span)] = (*outer, span) if span.kind == "module" else outer
        return found

    def path_of(self, span: Span) -> tuple[str, ...]:
        return tuple(self.names_of(self.modules_of(span)))

    def names_of(self, calls: Sequence[Span]) -> Iterator[str]:
        """What each module is called inside the one before it, the first by its class."""
        for k, call in enumerate(calls):
            if not k:
                if id(call.subject) not in self.roots:
                    alike = sum(name.split(" ")[0] == call.name for name in self.roots.values())
                    self.roots[id(call.subject)] = f"{call.name} ({alike + 1})" if alike else call.name
                yield self.roots[id(call.subject)]
                continue
            outer = calls[k - 1].subject
            if id(outer) not in self.names:
                self.names[id(outer)] = {id(m): name for name, m in outer.named_modules()}
            yield self.names[id(outer)].get(id(call.subject)) or call.name

    @cached_property
    def modules(self) -> list[ModuleRow]:
        """In the order of the first calls, each before what is inside it."""
        rows: dict[tuple[str, ...], ModuleRow] = {}
        for span in self.spans:
            path = self.path_of(span)
            if span.kind in ("optimizer", "loader", "label", "backward") or not path:
                continue
            calls = self.modules_of(span)
            for k in range(1, len(path) + 1):
                rows.setdefault(path[:k], ModuleRow(path[:k], calls[k - 1].name))
            where, taken = self.pass_of(span), self.own(span)
            rows[path].self_ns[where] += taken
            rows[path].count += span.kind == "module"
            done = self.work_of(span)[0] if span.kind == "op" else 0
            for k in range(1, len(path) + 1):
                r = rows[path[:k]]
                r.total_ns[where] += taken
                r.multiply_adds[where] += done
                r.made += span.made
                r.kept += span.kept
        first = {path: k for k, path in enumerate(rows)}
        return sorted(rows.values(), key=lambda r: [first[r.path[:k]] for k in range(1, len(r.path) + 1)])

    def elsewhere(self) -> list[tuple[str, dict[str, int]]]:
        """The time that belongs to no module, by what it was: with that of `modules` it is all there is."""
        found: dict[str, dict[str, int]] = {}
        for span in self.spans:
            steps = span.kind in ("optimizer", "loader", "label", "backward")
            if steps or not self.path_of(span):
                name = span.name if steps and span.kind != "backward" else "(ops in no module)"
                name = BETWEEN["backward"] if span.kind == "backward" else name
                where = BACKWARD if span.kind == "backward" else self.pass_of(span)
                times = found.setdefault(name, {FORWARD: 0, BACKWARD: 0})
                times[where] += self.own(span)
        found[BETWEEN["outside"]] = {FORWARD: self.outside, BACKWARD: 0}
        return list(found.items())

    # ---- as a tree, for pictures

    def stretches(self) -> Iterator[tuple[tuple[str, ...], str, int]]:
        """(path, pass, nanoseconds) of every span's own time in the main thread."""
        for span in self.spans:
            if span.thread is not self.main:
                continue
            taken, path = self.own(span), self.path_of(span)
            if span.kind in ("optimizer", "loader"):
                yield (span.name,), OTHER, taken
            elif span.kind == "backward":
                yield ("backward", BETWEEN_OPS), BACKWARD, taken
            elif span.kind == "label":
                yield (span.name,), OTHER, taken
            else:
                where = self.pass_of(span)
                last = (span.name,) if span.kind == "op" else (BETWEEN_OPS,)
                yield (where, *path, *last), where, taken
        yield (BETWEEN["outside"],), OTHER, self.outside
