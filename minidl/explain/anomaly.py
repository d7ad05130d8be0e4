"""The NaN tracer: `with minidl.debug():` stops at the first value that is not finite, and says where it was made.

Nothing of it stands in the engine. While a tracer is on, it listens to every result (listen.py); each vjp is wrapped
with the place its operation was called from.
"""

import linecache
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..autograd import Op, Tensor
from ..backend import BACKENDS, backend_of
from ..errors import SYMBOLS, module_path, user_names
from .hints import hint
from .listen import DIFFERENTIATE, Listener, cease, listen


class AnomalyError(RuntimeError, FloatingPointError):
    """A value that is not finite, where it first appeared. A RuntimeError as PyTorch's, by its nature a "
    "FloatingPointError.

    `op` is the operation as called, `stage` one of "forward", "backward" and "loss", `file` and `line` the user's."""

    explained = True  # the engine passes it on as it is

    def __init__(self, message: str, op: str = "", stage: str = "", file: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.op, self.stage, self.file, self.line = op, stage, file, line

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.op, self.stage, self.file, self.line)


# ------------------------------------------------------------------------------------------ on and off


class _Threads(threading.local):
    def __init__(self) -> None:
        self.modes: list[str] = []  # "all": every value; "backward": NaN in backward, as PyTorch; "off"


threads = _Threads()
_everywhere: list[str] = []  # what set_detect_anomaly(True) switched on, for all threads
_lock = threading.RLock()


def mode() -> str:
    """What this thread looks for."""
    return threads.modes[-1] if threads.modes else _everywhere[-1] if _everywhere else "off"


class debug(ContextDecorator):
    """Stop at the first value that is not finite: in the forward pass, in backward (of any order), in the loss.

        with minidl.debug():
            loss = criterion(model(x), y)
            loss.backward()

    AnomalyError names the operation as it was called, your file and line, the module, the inputs' ranges, and a
    likely cause. An infinity that was given on purpose (a mask of -inf) passes; what comes out of it must be finite.
    For this thread; blocks may be nested, and debug(False) is an exception within one. It costs nothing when off.
    Also a decorator."""

    kind = "all"

    def __init__(self, enabled: bool = True) -> None:
        self.wanted = self.kind if enabled else "off"

    def __enter__(self) -> "debug":
        listen(_tracer)
        threads.modes.append(self.wanted)
        return self

    def __exit__(self, *error: object) -> None:
        threads.modes.pop()
        cease(_tracer)

    def _recreate_cm(self) -> "debug":
        return self


class detect_anomaly(debug):
    """PyTorch's: only NaN, and only in backward, raises. `debug` sees more, and sooner."""

    kind = "backward"

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(check_nan)


class set_detect_anomaly(detect_anomaly):
    """detect_anomaly in all threads: at once when called, until the end of the block when used in `with`."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(mode and check_nan)
        self.before = list(_everywhere)
        self.put([self.wanted] if mode else [])

    def put(self, modes: list[str]) -> None:
        with _lock:
            if bool(modes) != bool(_everywhere):
                (listen if modes else cease)(_tracer)
            _everywhere[:] = modes

    def __enter__(self) -> "set_detect_anomaly":
        return self

    def __exit__(self, *error: object) -> None:
        self.put(self.before)


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """set_detect_anomaly, for good."""
    set_detect_anomaly(mode, check_nan)


def is_anomaly_enabled() -> bool:
    """Is detect_anomaly on?"""
    return bool(threads.modes or _everywhere)


def is_anomaly_check_nan_enabled() -> bool:
    """Would detect_anomaly stop at NaN? So unless it was switched on with check_nan=False."""
    return not is_anomaly_enabled() or mode() != "off"


# ------------------------------------------------------------------------------------------- the ranges


@dataclass(frozen=True)
class Range:
    """What an array held: enough to say why something became of it."""

    name: str
    kind: str  # float32 (2, 3)
    low: float = 0.0
    high: float = 0.0
    zeros: int = 0
    nans: int = 0
    infs: int = 0
    size: int = 0

    @classmethod
    def of(cls, name: str, value: Any) -> "Range":
        if not _is_array(value):
            x = np.asarray(np.nan if value is None else value)
            kind = repr(value)
        else:
            x = _host(value)
            kind = f"{x.dtype} {x.shape}"
        if not x.size or x.dtype.kind == "b" or value is None:
            return cls(name, kind)
        finite = x if x.dtype.kind != "f" else x[np.isfinite(x)]
        low, high = (finite.min(), finite.max()) if finite.size else (np.nan, np.nan)
        missing = x.size - finite.size
        nans = int(np.isnan(x).sum()) if missing else 0
        zeros = int(x.size - np.count_nonzero(x))
        return cls(name, kind, float(low), float(high), zeros, nans, missing - nans, int(x.size))

    def __str__(self) -> str:
        if not self.size or not self.kind[-1] == ")":
            return f"{self.name}: {self.kind}"
        counts = (self.nans, "nan"), (self.infs, "inf"), (self.zeros, "zero" + "s" * (self.zeros > 1))
        bad = [f"{n} {what}" for n, what in counts if n]
        finite = f"from {self.low:.4g} to {self.high:.4g}" if self.low == self.low else "nothing finite"
        return f"{self.name}: {self.kind}, {finite}" + "".join(f", {b}" for b in bad)


@dataclass
class Site:
    """One call of an operation: by what name, from where, on what."""

    op: Op
    called: str
    file: str
    line: int
    module: str
    within: str  # the op whose backward was being computed, under create_graph
    ranges: list[Range]
    params: dict[str, Any]
    names: list[str] = field(default_factory=list)

    def where(self) -> str:
        text = linecache.getline(self.file, self.line).strip()
        path = f"\n  in {self.module}" if self.module else ""
        return f"{self.file}:{self.line}" + (f": {text}" if text else "") + path


def _site(op: Op, arrays: Sequence[Any], params: dict[str, Any]) -> Site:
    """Read the stack: the first frame outside minidl, the modules on the way, the backward that this is part of."""
    frame: Any = sys._getframe(2)
    called, layer, inside, within = op.name, None, True, ""
    file, line, modules = "", 0, []
    while frame is not None:
        ours = frame.f_globals.get("__name__", "").startswith("minidl.")
        code = frame.f_code
        owner = frame.f_locals.get("self") if ours and code.co_name == "__call__" else None
        if hasattr(owner, "_modules"):
            modules.append(owner)
            layer = layer or (owner if inside else None)
        elif inside and ours and not code.co_name.startswith("_") and not isinstance(owner, Op):
            called = SYMBOLS.get(op.name, op.name) if code.co_name == "operator" else code.co_name
        if not within and code is DIFFERENTIATE.__code__:
            node = frame.f_locals.get("node")
            within = getattr(getattr(node, "op", None), "name", "") or "value"
            called = op.name
        if inside and not ours:
            inside, file, line = False, code.co_filename, frame.f_lineno
        frame = frame.f_back
    if layer is not None:
        called = type(layer).__name__
    if within:
        called = op.name
    words = list(user_names(op).values())
    names = words if len(words) == len(arrays) else [f"operand {k + 1}" for k in range(len(arrays))]
    ranges = [Range.of(n, a) for n, a in zip(names, arrays) if a is not None]
    return Site(op, called, file, line, module_path(modules[::-1]), within, ranges, params, names)


# ----------------------------------------------------------------------------------------- forward


def _watched(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    def evaluate_and_look(self: Op, xp: Any, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
        wanted = mode()
        if wanted == "off":
            return evaluate(self, xp, arrays, params)
        with np.errstate(all="ignore"):  # the error says more than a warning
            y, vjps = evaluate(self, xp, arrays, params)
        site = _site(self, arrays, params)
        if wanted == "all":
            for value in y if type(y) is tuple else (y,):
                if not _finite(value):
                    _judge(site, value, arrays, params)
        if vjps is None:
            return y, vjps
        if callable(vjps):
            return y, _Together(vjps, site).function
        return y, tuple(vjp and _watched_vjp(vjp, site, k) for k, vjp in enumerate(vjps))

    return evaluate_and_look


def _judge(site: Site, value: Any, arrays: Sequence[Any], params: dict[str, Any]) -> None:
    """Was this made here, or given? A NaN is never let pass; an infinity is, where one came in on purpose."""
    bad = Range.of("result", value)
    given = [a for a in [*arrays, *params.values()] if isinstance(a, float) and not np.isfinite(a)]
    dirty = [r for r in site.ranges if r.nans or r.infs]
    leaves = _leaves(sys._getframe(2))
    learned = [(name, t) for name, t in leaves if t.requires_grad and not _finite(t.array)]
    if not bad.nans and (given or dirty) and not learned:
        return
    what = f"{site.called} gave {_count(value)}"
    if site.within:
        what = f"{site.op.name}, a step of the backward of {site.within} (create_graph), gave {_count(value)}"
    if learned:
        name, t = learned[0]
        cause = (
            f"the parameter {name} held {_count(t.array)} before this operation: the last update of it went wrong. "
            "Lower the learning rate, or clip the gradients (nn.utils.clip_grad_norm_)."
        )
    elif any(not _finite(t.array) for _, t in leaves if _nan(t.array)):
        name, t = next((name, t) for name, t in leaves if _nan(t.array))
        cause = f"{name} held {_count(t.array)} before any operation: mend it where the data come from."
    else:
        cause = hint(site.op.name, "forward", site.ranges, params, bad)
    raise _anomaly(what, site, cause, "forward")


def _leaves(frame: Any) -> list[tuple[str, Tensor]]:
    """The leaves among the arguments of the call that is being evaluated, by the names users know them by."""
    code = Op.__call__.__code__
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    if frame is None:
        return []
    args, op, found = frame.f_locals["args"], frame.f_locals["self"], []
    words = list(user_names(op).values())
    owners = []
    while frame is not None:
        owner = frame.f_locals.get("self")
        if hasattr(owner, "named_parameters") and owner not in owners:
            owners.append(owner)
        frame = frame.f_back
    for k, t in enumerate(args):
        if isinstance(t, Tensor) and t.node is None and t.dtype.kind == "f":
            paths = [name for owner in owners[::-1] for name, p in owner.named_parameters() if p is t]
            found.append((paths[0] if paths else words[k] if k < len(words) else f"operand {k + 1}", t))
    return found


# ----------------------------------------------------------------------------------------- backward


class _Together:
    """One vjp for all operands."""

    def __init__(self, vjps: Callable[..., Any], site: Site) -> None:
        def function(*gs: Any) -> Any:
            found = vjps(*gs)
            for k, gx in enumerate(found):
                _look(gx, gs, site, k)
            return found

        self.function = function


def _watched_vjp(vjp: Callable[..., Any], site: Site, k: int) -> Callable[..., Any]:
    def function(*gs: Any) -> Any:
        gx = vjp(*gs)
        _look(gx, gs, site, k)
        return gx

    return function


def _look(gx: Any, gs: Sequence[Any], site: Site, k: int) -> None:
    """Is the gradient that a vjp gave finite? (PyTorch's mode asks about NaN alone.)"""
    wanted = mode()
    if wanted == "off" or not _is_array(gx) or (_finite(gx) if wanted == "all" else not _nan(gx)):
        return
    name = site.names[k] if k < len(site.names) else f"operand {k + 1}"
    number = lambda j: f" {j + 1}" if len(gs) > 1 else ""
    incoming = [Range.of("gradient coming in" + number(j), g) for j, g in enumerate(gs) if _is_array(g)]
    what = f"backward of {site.called} gave {_count(gx)} in the gradient of {name}"
    if site.within:
        what = f"backward of {site.op.name}, itself a step of the backward of {site.within} (second order), "
        what += f"gave {_count(gx)}"
    if any(r.nans or r.infs for r in incoming):
        bad = next(g for g in gs if not _finite(g))
        what = f"the gradient coming in to the backward of {site.called} holds {_count(bad)}"
        cause = "it is a sum of contributions, or a hook's, that went beyond the largest number; scale the loss down."
    else:
        cause = hint(site.op.name, "backward", site.ranges, site.params, Range.of(name, gx), incoming)
    if wanted == "backward":
        what = f"Function '{_torch_name(site.op.name)}' returned nan values in its {k}th output: {what}"
    shown = Site(**{**vars(site), "ranges": [*site.ranges, *incoming]})
    raise _anomaly(what, shown, cause, "backward")


def _torch_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_")) + "Backward0"


def _differentiate_and_look(
    differentiate: Callable[..., Any], roots: Any, seeds: Any, targets: Any, retain: bool, create_graph: bool
) -> Any:
    wanted = mode()
    if wanted == "all":
        for root in roots:
            if not _finite(root.array):
                raise _outside(
                    f"the loss is {_count(root.array)}, so its gradients would be, too",
                    "it was computed outside `with minidl.debug():`, or from an infinity given on purpose; put the "
                    "forward "
                    "pass inside the block, and it will stop at the operation.", "loss",
                )  # fmt: skip
        for seed in seeds:
            if not _finite(seed.array):
                what = f"the gradient given to backward holds {_count(seed.array)}"
                raise _outside(what, "start from finite numbers.", "loss")
    found = differentiate(roots, seeds, targets, retain, create_graph)
    for key, g in found.items() if wanted == "all" else ():
        array = g.array if isinstance(g, Tensor) else g
        if _is_array(array) and not _finite(array):
            what = f"the gradient of a {'leaf' if isinstance(key, Tensor) else 'tensor'} ({array.dtype} {array.shape})"
            raise _outside(
                f"{what} holds {_count(array)}, of a sum of contributions or of an operation called outside the block",
                "put the forward pass inside `with minidl.debug():` too; scale the loss down if the sum "
                "overflows.", "backward",
            )  # fmt: skip
    return found


_tracer = Listener(_watched, lambda differentiate: partial(_differentiate_and_look, differentiate))


# -------------------------------------------------------------------------------------------- words


def _anomaly(what: str, site: Site, cause: str, stage: str) -> AnomalyError:
    lines = [what, f"  called at {site.where()}", *(f"  {r}" for r in site.ranges), f"  hint: {cause}"]
    return AnomalyError("\n".join(lines), site.called, stage, site.file, site.line)


def _outside(what: str, cause: str, stage: str) -> AnomalyError:
    """An anomaly found at a call of backward."""
    frame: Any = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("minidl."):
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, line).strip()
    return AnomalyError(f"{what}\n  called at {file}:{line}: {text}\n  hint: {cause}", "backward", stage, file, line)


def _count(value: Any) -> str:
    """`nan in 2 of 6 values, first at [0, 2]`; `nan` where there is only one."""
    x = _host(value)
    bad = ~np.isfinite(x)
    kinds = [k for k, m in (("nan", np.isnan(x)), ("inf", np.isposinf(x)), ("-inf", np.isneginf(x))) if m.any()]
    what = " and ".join(kinds)
    if x.size == 1:
        return what
    at = [int(i) for i in np.argwhere(bad)[0]]
    return f"{what} in {int(bad.sum())} of {x.size} values, first at {at}"


def _is_array(value: Any) -> bool:
    return type(value) in BACKENDS or isinstance(value, np.generic)


def _host(value: Any) -> Any:
    return backend_of(value).to_host(value) if type(value) in BACKENDS else np.asarray(value)


def _finite(value: Any) -> bool:
    return not _is_array(value) or value.dtype.kind != "f" or bool(np.isfinite(_host(value)).all())


def _nan(value: Any) -> bool:
    return _is_array(value) and value.dtype.kind == "f" and bool(np.isnan(_host(value)).any())
