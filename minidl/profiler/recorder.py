"""What happened, as spans of time: of operations and their gradients, modules, steps of optimizers, batches of loaders.

Nothing of it stands in the engine, in nn or in optim: while a profile is on, and only then, their functions are
exchanged for timed ones (explain/listen.py; `EXCHANGED` below)."""

import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter_ns as now
from typing import Any

import numpy as np

from .. import cuda
from ..autograd import OPS, Node, Op, Tensor
from ..autograd.backward import reachable
from ..autograd.memory import captured_arrays, tick
from ..autograd.modes import modes
from ..backend import BACKENDS, BatchArray
from ..data.passes import Pass
from ..explain.listen import Listener, cease, engine, listen
from ..nn import Module
from ..optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from .work import Call, Like

FORWARD, BACKWARD, AGAIN = "forward", "backward", "create_graph"


class Span:
    """A stretch of one thread's time."""

    __slots__ = (
        "again", "call", "end", "kept", "kernel", "kind", "live", "made", "name", "operand", "origin", "outer", "phase",
        "start", "subject", "thread",
    )  # fmt: skip
    start: int  # in nanoseconds
    end: int | None  # None while it lasts
    call: Call | None  # an op's
    operand: int | None  # whose gradient this is; None if it is that of all

    def __init__(self, kind: str, name: str, thread: "Thread", subject: Any = None, origin: Any = None) -> None:
        self.kind = kind  # op, module, backward, optimizer, loader, label
        self.name, self.thread, self.subject, self.origin = name, thread, subject, origin
        self.outer: Span | None = thread.stack[-1] if thread.stack else None
        self.again: Span | None = thread.again  # the operation that create_graph runs again, on Tensors
        self.phase = thread.phase
        self.end = self.call = self.operand = None
        self.made = self.kept = self.live = 0  # bytes: of the values, of what the closures keep, of all that lives
        self.kernel = False  # or the formula?

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {self.phase}>"


class Thread:
    """One thread of the user's, and the spans it is inside of."""

    def __init__(self) -> None:
        self.name, self.ident = threading.current_thread().name, threading.get_ident()
        self.stack: list[Span] = []
        self.phase = FORWARD
        self.kernel = False  # did a kernel take the latest case?
        self.again: Span | None = None


class Recorder:
    """One stretch of recording. Profiles that overlap share it, each a window of the spans."""

    def __init__(self) -> None:
        self.began = tick()
        self.spans: list[Span] = []
        self.local = threading.local()
        self.alive: dict[int, Any] = {}  # arrays that operations made, by id: weak references
        self.closed: set[int] = set()  # of these, those that the closures keep
        self.live = 0
        self.lock = threading.RLock()  # an array may die at any moment, also inside

    @property
    def thread(self) -> Thread:
        try:
            found: Thread = self.local.thread
        except AttributeError:
            found = self.local.thread = Thread()
        return found

    def begin(self, kind: str, name: str, subject: Any = None, origin: Any = None) -> Span:
        thread = self.thread
        while thread.stack and thread.stack[-1].kind == "optimizer" and not thread.stack[-1].subject._stepping:
            self.end(thread.stack[-1])  # its step raised
        span = Span(kind, name, thread, subject, origin)
        thread.stack.append(span)
        self.spans.append(span)
        span.start = now()
        return span

    def end(self, span: Span) -> None:
        moment, stack = now(), span.thread.stack
        while span.end is None and stack:
            inner = stack.pop()
            inner.end, inner.live = moment, self.live
            if inner is span:
                break

    @contextmanager
    def span(self, kind: str, name: str, subject: Any = None, origin: Any = None) -> Iterator[Span]:
        span = self.begin(kind, name, subject, origin)
        try:
            yield span
        finally:
            self.end(span)

    # ---- memory

    def hold(self, array: Any) -> None:
        """Count an array's memory until it dies."""
        key = id(array)
        with self.lock:
            if key not in self.alive:
                try:
                    self.alive[key] = weakref.ref(array, partial(self._dead, key, array.nbytes))
                except TypeError:  # of a kind that cannot be watched
                    return
                self.live += array.nbytes

    def _dead(self, key: int, nbytes: int, _: Any) -> None:
        with self.lock:
            self.alive.pop(key, None)
            self.closed.discard(key)
            self.live -= nbytes

    def made(self, values: Any, given: Sequence[Any]) -> int:
        """The bytes of values that are no views of what was given."""
        roots, total = {id(root(a)) for a in given if type(a) in BACKENDS}, 0
        for y in values if type(values) in (tuple, list) else (values,):
            if type(y) in BACKENDS and id(root(y)) not in roots:
                total += y.nbytes
                self.hold(root(y))
            elif isinstance(y, np.generic):  # NumPy's result without axes, which the engine makes an array
                total += y.nbytes
        return total

    def kept(self, vjps: Any, given: Sequence[Any]) -> int:
        """The bytes that closures keep, and none before them kept; a user's own arrays live anyway."""
        roots, total = {id(root(a)) for a in given if type(a) in BACKENDS}, 0
        for array in map(root, captured_arrays(vjps)):
            key = id(array)
            if key not in self.closed and (key in self.alive or key not in roots):
                self.hold(array)
                self.closed.add(key)
                total += array.nbytes
        return total


def root(array: Any) -> Any:
    """The array that owns the memory."""
    while type(array) is BatchArray:
        array = array.values
    base = array.base
    return base if type(base) in BACKENDS else array


# ------------------------------------------------------------------------------------------- listening

_CALL = Op.__call__.__code__
_recorder: Recorder | None = None
_users = 0
_lock = threading.RLock()
_handles: list[Any] = []


def current() -> Recorder | None:
    return _recorder


def start() -> Recorder:
    """The recorder, which the first profile switches on."""
    global _recorder, _users
    with _lock:
        _users += 1
        if _recorder is None:
            _recorder = Recorder()
            listen(_timer)
            for owner, name, function in EXCHANGED:
                setattr(owner, name, function)
            for op in _ops_with_kernels():
                op.kernels.update({xp: _noting(kernel) for xp, kernel in op.kernels.items()})
            _handles.append(register_optimizer_step_pre_hook(_before_step))
            _handles.append(register_optimizer_step_post_hook(_after_step))
        return _recorder


def stop() -> None:
    global _recorder, _users
    with _lock:
        _users -= 1
        if not _users:
            _recorder = None
            cease(_timer)
            for (owner, name, _), own in zip(EXCHANGED, _OWN):
                setattr(owner, name, own)
            for op in _ops_with_kernels():
                op.kernels.update({xp: getattr(kernel, "own", kernel) for xp, kernel in op.kernels.items()})
            while _handles:
                _handles.pop().remove()


def _ops_with_kernels() -> list[Op]:
    return [op for op in vars(OPS).values() if op.kernels]


def _noting(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel, which also notes whether it took the case."""

    def noting(xp: Any, *arrays: Any, **params: Any) -> Any:
        result = kernel(xp, *arrays, **params)
        if _recorder is not None:
            _recorder.thread.kernel = result is not NotImplemented
        return result

    noting.own = kernel  # type: ignore[attr-defined]
    return noting


# ---------------------------------------------------------------------------------- operations and gradients


def _timed_evaluate(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    def timed(op: Op, xp: Any, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
        recorder = _recorder
        if recorder is None:
            return evaluate(op, xp, arrays, params)
        thread = recorder.thread
        thread.kernel = False
        span = recorder.begin("op", op.name)
        try:
            y, vjps = evaluate(op, xp, arrays, params)
            _wait(xp)
        finally:
            recorder.end(span)
        span.kernel, span.call = thread.kernel, Call.of(op, arrays, params)
        span.made = recorder.made(y, arrays)
        wanted = _wanted() if vjps is not None and modes.recording else ()
        if True in wanted:
            needed = vjps if callable(vjps) else [vjp for vjp, want in zip(vjps, wanted) if want]
            span.kept = recorder.kept(needed, arrays)
            vjps = _timed_vjps(vjps, span)
        span.live = recorder.live
        return y, vjps

    return timed


def _wanted() -> Sequence[bool]:
    """For which operands the call that is being evaluated will record a gradient."""
    frame: Any = sys._getframe(2)
    while frame is not None and frame.f_code is not _CALL:
        frame = frame.f_back
    return () if frame is None else frame.f_locals["wanted"]


def _wait(xp: Any) -> None:
    """A GPU is asked and answers later: its time is over when it has answered."""
    if getattr(xp, "device_type", "") == "cuda":
        cuda.synchronize()


def _timed_vjps(vjps: Any, origin: Span) -> Any:
    if callable(vjps):
        return _timed_vjp(vjps, origin, None)
    return tuple(vjp and _timed_vjp(vjp, origin, k) for k, vjp in enumerate(vjps))


def _timed_vjp(vjp: Callable[..., Any], origin: Span, k: int | None) -> Callable[..., Any]:
    """A closure, as the engine looks into closures for the arrays that they keep."""

    def timed(*gs: Any) -> Any:
        recorder = _recorder
        if recorder is None:
            return vjp(*gs)
        with recorder.span("op", origin.name, origin=origin) as span:
            found = vjp(*gs)
            if type(gs[0]) in BACKENDS:
                _wait(BACKENDS[type(gs[0])])
        span.operand, span.kernel = k, origin.kernel
        span.made = recorder.made(found, gs)
        span.live = recorder.live
        return found

    timed.origin = origin  # type: ignore[attr-defined]
    return timed


def _origin_of(vjps: Any) -> Any:
    """The operation whose gradients a profile timed already."""
    first = vjps if callable(vjps) else next((vjp for vjp in vjps or () if vjp), None)
    return getattr(first, "origin", None)


def _timed_differentiate(differentiate: Callable[..., Any]) -> Callable[..., Any]:
    def timed(roots: Any, seeds: Any, targets: Any, retain: bool, create_graph: bool) -> Any:
        recorder = _recorder
        if recorder is None:
            return differentiate(roots, seeds, targets, retain, create_graph)
        thread = recorder.thread
        before, thread.phase = (thread.phase, thread.again), AGAIN if create_graph else BACKWARD
        thread.again = None
        try:
            with recorder.span("backward", "backward"):
                for node in reachable(root.node for root in roots):
                    _adopt(node, recorder)
                return differentiate(roots, seeds, targets, retain, create_graph)
        finally:
            thread.phase, thread.again = before

    return timed


def _adopt(node: Node, recorder: Recorder) -> None:
    """Time also what was recorded before the profile began, or by a Function."""
    if node.op.name == "value" or (isinstance(node.op, Op) and node.number > recorder.began):
        return
    vjps = node.vjps
    if vjps is None or _origin_of(vjps) is not None:
        return
    origin = Span("op", node.op.name, recorder.thread)
    origin.outer, origin.phase = None, FORWARD
    if isinstance(node.op, Op):
        operands = tuple(_like(edge) for edge in node.inputs)
        if None not in operands or node.op.optional:
            origin.call = Call(node.op, operands, repr(node.params) if node.params else "", node.params)
    node.vjps = _timed_vjps(vjps, origin)


def _like(edge: Any) -> Any:
    """What the formula saw, up to the dtype before promotion."""
    if isinstance(edge, Tensor):
        return Like.of(edge.array)
    return Like(tuple(edge.shape), edge.dtype) if isinstance(edge, Node) else edge


def _timed_replay(order: Iterable[Node], known: dict[Node, Any] | None = None) -> Any:
    """Under create_graph formulas and vjps run as operations: they belong where the first run of them belongs."""
    recorder = _recorder
    if recorder is None:
        return _replay(order, known)
    thread = recorder.thread

    def told() -> Iterator[Node]:
        for node in order:
            thread.again = _origin_of(node.vjps)
            yield node
        thread.again = None

    values, rules = _replay(told(), known)
    for node, vjps in rules.items():
        origin = _origin_of(node.vjps)
        if origin is not None:
            told_vjp = lambda vjp, origin=origin: vjp and _part_of(thread, origin, vjp)
            rules[node] = told_vjp(vjps) if callable(vjps) else [told_vjp(vjp) for vjp in vjps]
    return values, rules


def _part_of(thread: Thread, origin: Span, vjp: Callable[..., Any]) -> Callable[..., Any]:
    def told(*gs: Any) -> Any:
        thread.again = origin
        try:
            return vjp(*gs)
        finally:
            thread.again = None

    return told


_timer = Listener(_timed_evaluate, _timed_differentiate, nearest=True)


# -------------------------------------------------------------------------- modules, optimizers, loaders


def _timed_accumulate(leaf: Tensor, g: Any) -> None:
    recorder = _recorder
    if recorder is None:
        return _accumulate(leaf, g)
    thread = recorder.thread
    before, thread.phase = thread.phase, BACKWARD
    try:
        with recorder.span("op", "accumulate_grad") as span:
            _accumulate(leaf, g)
    finally:
        thread.phase = before
    if leaf._grad is not None:
        span.made = recorder.made(leaf._grad.array, ())
        span.live = recorder.live


def _timed_call(module: Module, *args: Any, **kwargs: Any) -> Any:
    recorder = _recorder
    if recorder is None:
        return _call(module, *args, **kwargs)
    span = recorder.begin("module", type(module).__name__, module)
    try:
        return _call(module, *args, **kwargs)
    finally:
        recorder.end(span)


def _timed_next(self: Any) -> Any:
    recorder = _recorder
    if recorder is None:
        return _next(self)
    span = recorder.begin("loader", "DataLoader")
    try:
        return _next(self)
    finally:
        recorder.end(span)


def _before_step(optimizer: Any, args: Any, kwargs: Any) -> None:
    if _recorder is not None:
        _recorder.begin("optimizer", f"{type(optimizer).__name__}.step", optimizer)


def _after_step(optimizer: Any, args: Any, kwargs: Any) -> None:
    if _recorder is not None:
        stack = _recorder.thread.stack
        for span in itertools.islice(reversed(stack), 1):
            if span.kind == "optimizer" and span.subject is optimizer:
                _recorder.end(span)


EXCHANGED: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (Module, "__call__", _timed_call),
    (Pass, "__next__", _timed_next),
    (engine, "accumulate", _timed_accumulate),
    (engine, "replay", _timed_replay),
)
_OWN = tuple(vars(owner)[name] for owner, name, _ in EXCHANGED)
_call, _next, _accumulate, _replay = _OWN


def is_plain() -> bool:
    """Is everything that a profile exchanges what it was?"""
    own = all(vars(owner)[name] is function for (owner, name, _), function in zip(EXCHANGED, _OWN))
    kernels = [kernel for op in _ops_with_kernels() for kernel in op.kernels.values()]
    return own and not _handles and not any(hasattr(kernel, "own") for kernel in kernels)
