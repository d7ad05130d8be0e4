"""The tape of a run as plain data: what was computed, in which order, from what, and where in the user's code.

The engine's records say which operation met which operands; they know nothing of lines of code or of modules, so that
recording stays cheap. Who wants those computes inside `with record():`, which listens to Python's own profiling events
and costs nothing outside the block.
"""

import inspect
import itertools
import linecache
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType, FrameType
from typing import Any

import numpy as np

from ..autograd import Node, Op, Tensor, no_grad
from ..autograd.backward import differentiate, reachable, replay
from ..autograd.memory import refuse_overwritten
from ..autograd.op import VALUE
from ..backend import backend_of
from ..errors import freed, must_be_tensor, no_history
from ..nn import Module, Parameter

# ------------------------------------------------------------------------------------ where it happened


@dataclass(frozen=True)
class Source:
    """A place in the user's code: the line, and which columns of it (start, stop) made the call."""

    file: str
    line: int
    text: str
    columns: tuple[int, int] | None
    function: str


@dataclass(frozen=True)
class Call:
    """One call of a module (or of backward under create_graph); two calls of one module are two."""

    number: int
    name: str  # inside the caller's module: "0", "conv1"; the outermost's class
    kind: str  # the class


@dataclass(frozen=True)
class Origin:
    source: Source | None
    calls: tuple[Call, ...] = ()  # outermost first


_origins: "weakref.WeakKeyDictionary[Node, Origin]" = weakref.WeakKeyDictionary()
_call_numbers = itertools.count(1)
_OP, _MODULE, _BACKWARD = Op.__call__.__code__, Module.__call__.__code__, differentiate.__code__


@contextmanager
def record() -> Iterator[None]:
    """Inside, every recorded operation also notes the line of code and the module it was called from.

    `step` and `graph` show both. What is computed outside such a block is drawn all the same, without them.
    Another profiler (cProfile) of this thread pauses meanwhile."""
    calls: list[tuple[Call, Any]] = []

    def listen(frame: FrameType, event: str, value: Any) -> None:
        code = frame.f_code
        if code is _OP:
            if event == "return" and value is not None:
                origin = None
                for t in value if type(value) is tuple else (value,):
                    for node in _made(t):
                        origin = origin or Origin(_source(frame), tuple(call for call, _ in calls))
                        _origins.setdefault(node, origin)
        elif code is _MODULE or code is _BACKWARD:
            if event == "call":
                calls.append(_entered(frame, calls[-1][1] if calls else None))
            elif event == "return" and calls:
                calls.pop()

    before = sys.getprofile()
    sys.setprofile(listen)
    try:
        yield
    finally:
        sys.setprofile(before)


def _made(t: Any) -> Iterator[Node]:
    node = t.node if isinstance(t, Tensor) else None
    while node is not None:
        yield node
        node = node.inputs[0] if node.op is VALUE else None


def _entered(frame: FrameType, outer: Any) -> tuple[Call, Any]:
    if frame.f_code is _BACKWARD:
        return Call(next(_call_numbers), "grad", "backward"), None
    module = frame.f_locals["self"]
    kind = type(module).__name__
    names = (name for name, m in outer.named_modules() if m is module and name) if outer is not None else iter(())
    return Call(next(_call_numbers), next(names, kind), kind), module


def _source(frame: FrameType | None) -> Source | None:
    """The innermost line that is not the library's own."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith("minidl.") or module.startswith("minidl.demo"):
            break
        frame = frame.f_back
    if frame is None:
        return None
    code, line = frame.f_code, frame.f_lineno
    text = linecache.getline(code.co_filename, line, frame.f_globals).rstrip()
    if not text:
        return None
    return Source(code.co_filename, line, text, _columns(code, frame.f_lasti, line, text), code.co_name)


def _columns(code: CodeType, instruction: int, line: int, text: str) -> tuple[int, int] | None:
    """Which characters of the line the call is; positions come in bytes."""
    for k, (first, last, start, stop) in enumerate(code.co_positions()):
        if k == instruction // 2:
            if start is None or stop is None or first != line:
                return None
            decode = lambda n: len(text.encode()[:n].decode(errors="ignore"))
            return decode(start), decode(stop) if last == line else len(text)
    return None


# ----------------------------------------------------------------------------------------- what happened


@dataclass(eq=False)
class Entry:
    """One line of the tape: an operation with its result, or a leaf or constant that operations took."""

    index: int
    kind: str  # "op", "leaf" (gradients are wanted) or "constant"
    name: str  # the op's; the leaf's in the user's code
    operands: list[Any] = field(default_factory=list)  # the Entry it came from; else the number, or None
    value: Any = None  # as a NumPy array; a tuple of them where an op has several
    variable: str = ""  # what the user calls the result
    node: Node | None = None
    tensor: Tensor | None = None  # a leaf's
    pick: int | None = None  # this entry is only the k-th value of its op
    uses: list[tuple["Entry", int]] = field(default_factory=list)  # which entries took it, as which operand
    origin: Origin = field(default_factory=lambda: Origin(None))

    @property
    def op(self) -> Any:
        return None if self.node is None else self.node.op

    @property
    def several(self) -> bool:
        return isinstance(self.value, tuple)

    @property
    def shape(self) -> tuple[int, ...]:
        return () if self.several else self.value.shape

    @property
    def formula(self) -> str:
        """The op's own text: its docstring."""
        return inspect.getdoc(self.op) or "" if isinstance(self.op, Op) else ""

    @property
    def opaque(self) -> bool:
        """Is it a Function of the user's own, which cannot be run again at other values?"""
        return self.kind == "op" and self.op is not VALUE and not isinstance(self.op, Op)

    @property
    def arguments(self) -> list[str]:
        """What the formula calls each operand."""
        names = list(self.op.arguments) if self.op is not None else []
        if len(names) == len(self.operands):
            return names
        stem = names[-1].removesuffix("s") if names else "x"
        return [f"{stem}{k + 1}" for k in range(len(self.operands))]

    @property
    def wants_grad(self) -> bool:
        return self.kind != "constant"

    def __repr__(self) -> str:
        return f"<{self.index} {self.variable or self.name} {self.shape}>"


@dataclass(eq=False)
class Tape:
    """Entries in the order of execution, each leaf right before its first use; the last one is the root."""

    entries: list[Entry]
    root: Entry

    @property
    def ops(self) -> list[Entry]:
        return [e for e in self.entries if e.kind == "op"]

    @cached_property
    def groups(self) -> dict[Call, list[Entry]]:
        """The calls of modules that did or own more than one entry, and these; what folds in a drawing.

        The entries of a call stand together on the tape, so folding one never makes a circle."""
        members: dict[Call, list[Entry]] = {}
        for entry in self.entries:
            for call in entry.origin.calls:
                members.setdefault(call, []).append(entry)
        return {call: inside for call, inside in members.items() if 1 < len(inside) < len(self.entries)}

    def groups_of(self, entry: Entry) -> tuple[Call, ...]:
        """The groups an entry lies in, outermost first."""
        return tuple(call for call in entry.origin.calls if call in self.groups)

    @property
    def edges(self) -> list[tuple[Entry, Entry]]:
        """(operand, operation), each pair once."""
        pairs = [(o, e) for e in self.entries for o in e.operands if isinstance(o, Entry)]
        return list(dict.fromkeys(pairs))


def tape_of(root: Tensor, names: Mapping[str, Any] | None = None, values: bool = True) -> Tape:
    """The tape that ends in `root`. names: what the user calls tensors and modules; modules name their parameters.

    values: compute again what the forward pass has let go, from the leaves; without, only shapes are known."""
    must_be_tensor("the tensor to draw", root)
    if root.node is None:
        raise no_history("viz", root)
    order = reachable([root.node])
    for node in order:
        if node.vjps is None:
            raise freed(node)
    found: Mapping[Node, Any] = {}
    if values:
        refuse_overwritten(order, True)
        with no_grad():
            found = replay(order)[0]
    called = _names(names or {})
    entries: list[Entry] = []
    by_key: dict[Any, Entry] = {}
    picked = _only_values(order)

    def enter(key: Any, **what: Any) -> Entry:
        entry = by_key[key] = Entry(len(entries), variable=called.get(key, ""), **what)
        entries.append(entry)
        return entry

    for node in order:
        if node.op is VALUE and (node.params["index"] is None or node.inputs[0] in picked):
            entry = by_key[node] = by_key[node.inputs[0]]
            entry.variable = called.get(node, entry.variable)
            continue
        operands: list[Any] = []
        for edge in node.inputs:
            if isinstance(edge, Tensor) and edge not in by_key:
                kind = "leaf" if edge.needs_grad else "constant"
                enter(edge, kind=kind, name=called.get(edge, ""), value=host(edge), tensor=edge)
            operands.append(by_key[edge] if isinstance(edge, (Tensor, Node)) else edge)
        k = picked.get(node)
        value = _value(node, found.get(node), k)
        entry = enter(node, kind="op", name=node.op.name, operands=operands, value=value, node=node, pick=k)
        entry.origin = _origins.get(node, entry.origin)
        for place, operand in enumerate(operands):
            if isinstance(operand, Entry):
                operand.uses.append((entry, place))
    for entry in entries:
        if entry.tensor is not None and (isinstance(entry.tensor, Parameter) or not entry.name):
            entry.origin = Origin(None, _shared([user.origin.calls for user, _ in entry.uses]))
    _name_leaves(entries)
    return Tape(entries, by_key[root.node])


def _shared(calls: Sequence[tuple[Call, ...]]) -> tuple[Call, ...]:
    """The calls that all of these are inside of: where a parameter, or a constant nobody named, is drawn."""
    levels = itertools.takewhile(lambda level: len(set(level)) == 1, zip(*calls))
    return tuple(level[0] for level in levels)


def _only_values(order: Sequence[Node]) -> dict[Node, int]:
    """The ops with several values of which the graph uses one: which one. These need no entries for their values."""
    used: dict[Node, set[int]] = {}
    for node in order:
        if node.op is VALUE and node.params["index"] is not None:
            used.setdefault(node.inputs[0], set()).add(node.params["index"])
    return {node: min(ks) for node, ks in used.items() if len(ks) == 1}


def _value(node: Node, found: Any, k: int | None) -> Any:
    if found is None:  # shapes alone: an array of that shape that holds a single zero
        empty = lambda shape, dtype: np.broadcast_to(np.zeros((), dtype), shape)
        kinds: Any = node.shape  # of an op with several values a list of (shape, dtype)
        if not isinstance(kinds, list):
            return empty(kinds, node.dtype)
        return tuple(empty(*kind) for kind in kinds if kind is not None) if k is None else empty(*kinds[k])
    if isinstance(found, tuple):
        return tuple(host(v) for v in found) if k is None else host(found[k])
    return host(found)


def host(value: Any) -> Any:
    """Numbers on the host: of a Tensor, or of any backend's array."""
    array = value.array if isinstance(value, Tensor) else value
    backend = backend_of(array)
    if backend.device_type == "meta":  # the shape alone: an array of that shape that holds a single zero
        return np.broadcast_to(np.zeros((), array.dtype), array.shape)
    return backend.to_host(array)


def _names(given: Mapping[str, Any]) -> dict[Any, str]:
    """What each tensor, or the record of a result, is called; of several names the shortest."""
    called: dict[Any, str] = {}

    def call(t: Any, name: str) -> None:
        key = t.node or t
        if key not in called or len(name) < len(called[key]):
            called[key] = name

    tensors = [(name, t) for name, t in given.items() if isinstance(t, Tensor)]
    modules = {name: m for name, m in given.items() if isinstance(m, Module)}
    inner = {m for module in modules.values() for m in module.modules() if m is not module}
    for name, module in modules.items():
        if module in inner:
            continue
        alone = sum(m not in inner for m in modules.values()) == 1
        for path, parameter in [*module.named_parameters(), *module.named_buffers()]:
            called[parameter] = path if alone else f"{name}.{path}"
    for name, t in tensors:
        if t not in called and not name.startswith("_"):
            call(t, name)
    return called


def names_around(frame: FrameType | None) -> dict[str, Any]:
    """The tensors and modules that a caller's variables hold."""
    if frame is None:
        return {}
    variables = {**frame.f_globals, **frame.f_locals}
    return {name: v for name, v in variables.items() if isinstance(v, (Tensor, Module))}


def _name_leaves(entries: Iterable[Entry]) -> None:
    """Leaves nobody named are called by the letter of the formula that takes them first, constants too."""
    counts: dict[str, int] = {}
    for entry in entries:
        if entry.kind != "op" and not entry.name:
            user, place = entry.uses[0]
            letter = user.arguments[place]
            counts[letter] = counts.get(letter, 0) + 1
            entry.name = letter if counts[letter] == 1 else f"{letter}{counts[letter]}"
