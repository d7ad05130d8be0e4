"""Backward over a tape, contribution by contribution: as the engine does it, with a fault planted, and by differences.

The right pass calls the functions that the user's own forward pass left behind. A fault is run, not imitated: the
formulas are evaluated again on copies, and one thing in the way back is done as a beginner's engine does it.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...autograd import Node, Tensor
from ...autograd.backward import values_of
from ...autograd.memory import captured_arrays
from ...autograd.op import VALUE
from ...backend import NUMPY, backend_of
from ..tape import Entry, Tape, host

Rule = Callable[[Any], list[Any]]  # the gradient of a value -> of each operand, None where none is wanted


@dataclass(eq=False)
class Contribution:
    """What one operation sends to one of its operands."""

    user: Entry
    place: int  # which operand
    target: Entry
    upstream: Any  # the gradient of the operation's value
    raw: Any  # what the formula makes of it
    added: Any  # summed to the shape of the operand
    before: Any  # what had arrived there already, or None
    after: Any
    arrival: int  # 1 for the first that arrives

    @property
    def summed_axes(self) -> tuple[int, ...]:
        """The axes of `raw` that un-broadcasting sums over."""
        if self.target.several:
            return ()
        new, old = np.shape(self.raw), np.shape(self.added)
        extra = len(new) - len(old)
        return tuple(k for k in range(len(new)) if k < extra or old[k - extra] != new[k])


@dataclass(eq=False)
class Pass:
    """One way back over the tape."""

    contributions: list[Contribution] = field(default_factory=list)
    order: list[Entry] = field(default_factory=list)  # operations as they pass on, leaves as they are complete
    gradients: dict[Entry, Any] = field(default_factory=dict)  # as passed on by an operation; a leaf's at the end
    stopped: tuple[Entry, str] | None = None  # where an exception ended it, and what it said


def right(tape: Tape) -> Pass:
    """What `backward()` does. Hooks are not run: a look must not change what the program does."""
    seed = backend_of(_array(tape.root)).ones_like(_array(tape.root))
    return _to_host(walk(tape, {e: _own_rule(e) for e in tape.ops}, seed))


def _array(e: Entry) -> Any:
    """An array of the device on which the entry was computed."""
    tensor = next(t for t in _leaves(e) if isinstance(t, Tensor))
    return tensor.array if e.kind != "op" else backend_of(tensor.array).asarray(e.value)


def _leaves(e: Entry) -> Iterator[Any]:
    stack = [e]
    while stack:
        e = stack.pop()
        yield e.tensor
        stack += [o for o in e.operands if isinstance(o, Entry)]


def _own_rule(e: Entry) -> Rule:
    node: Any = e.node
    if node.op is VALUE:
        return lambda g: [[(node.params["index"], g)]]
    vjps = (lambda *gs: gs) if node.op.name == "tap" else node.vjps  # a tap would call module hooks
    wanted = [type(edge) is Node or (isinstance(edge, Tensor) and edge.needs_grad) for edge in node.inputs]
    return _rule(e, vjps, wanted)


def _rule(e: Entry, vjps: Any, wanted: list[bool]) -> Rule:
    node: Any = e.node

    def pull(g: Any) -> list[Any]:
        gs: Any = (g,)
        if type(node.shape) is list:  # an op with several values: zeros for those of which no gradient came
            pairs: Any = g if e.several else [(e.pick, g)]
            gs = values_of(backend_of(pairs[0][1]), node, pairs)
        if callable(vjps):
            return [gx if want else None for gx, want in zip(vjps(*gs), wanted)]
        return [vjp(*gs) if want and vjp is not None else None for vjp, want in zip(vjps, wanted)]

    return pull


def walk(
    tape: Tape, rules: Mapping[Entry, Rule], seed: Any, *,
    depth_first: bool = False, overwrite: bool = False, unbroadcast: bool = True, dtype: Any = None,
) -> Pass:  # fmt: skip
    """Back from the root. The three options are faults; without them this is the engine's loop, taken apart."""
    done, xp = Pass(), backend_of(seed)
    gradients: dict[Entry, Any] = {tape.root: seed}
    arrivals: dict[Entry, int] = {}
    dtypes = lambda e: dtype or e.value.dtype

    def pass_on(e: Entry) -> Iterator[Entry]:
        g = done.gradients[e] = gradients[e]
        done.order.append(e)
        for place, raw in enumerate(rules[e](g)):
            target = e.operands[place]
            if raw is None or not isinstance(target, Entry):
                continue
            added = raw
            if type(raw) is not list:
                raw = added = xp.asarray(raw)  # NumPy gives a scalar where a result has no axes
                if unbroadcast and raw.shape != target.shape:
                    added = xp.sum_to(raw, shape=target.shape)
                if added.dtype != dtypes(target):
                    added = xp.astype(added, dtype=dtypes(target))
            before = gradients.get(target)
            after = added if before is None or overwrite else before + added
            if type(after) is not list:
                after = xp.asarray(after)
            gradients[target] = after
            arrivals[target] = arrivals.get(target, 0) + 1
            if target.kind == "leaf":  # it is complete after its last arrival
                done.order = [*(o for o in done.order if o is not target), target]
            done.contributions.append(Contribution(e, place, target, g, raw, added, before, after, arrivals[target]))
            yield target

    current = tape.root
    try:
        if depth_first:
            steps = [pass_on(tape.root)]
            while steps:
                target = next(steps[-1], None)
                if target is None:
                    steps.pop()
                elif target.kind == "op" and target not in done.gradients:
                    current = target
                    steps.append(pass_on(target))
        else:
            for current in reversed(tape.ops):
                if current in gradients:
                    for _ in pass_on(current):
                        pass
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        done.stopped = current, str(error).splitlines()[0]
    for e in tape.entries:
        if e.kind == "leaf" and e in gradients:
            done.gradients[e] = gradients[e]
    return done


def _to_host(done: Pass) -> Pass:
    here = lambda g: g if g is None or isinstance(g, list) else host(g)
    done.gradients = {e: here(g) for e, g in done.gradients.items()}
    for c in done.contributions:
        c.upstream, c.raw, c.added, c.before, c.after = map(here, (c.upstream, c.raw, c.added, c.before, c.after))
    return done


# ------------------------------------------------------------------------------------ the tape, run again


class Rerun:
    """The formulas of a tape evaluated once more, on copies of its leaves, in a namespace of choice."""

    def __init__(self, tape: Tape, xp: Any = NUMPY, dtype: Any = None) -> None:
        self.tape, self.xp, self.dtype = tape, xp, dtype
        self.values: dict[Entry, Any] = {}
        self.vjps: dict[Entry, Any] = {}
        for e in tape.entries:
            self.values[e] = self.evaluate(e, self.values) if e.kind == "op" else self.cast(np.array(e.value))

    def cast(self, x: Any) -> Any:
        return x.astype(self.dtype) if self.dtype is not None and x.dtype.kind == "f" else x

    def evaluate(self, e: Entry, values: Mapping[Entry, Any]) -> Any:
        node: Any = e.node
        operands = [values[o] if isinstance(o, Entry) else o for o in e.operands]
        if node.op is VALUE:
            return operands[0][node.params["index"]]
        if e.opaque:
            self.vjps[e] = node.vjps
            return tuple(map(self.cast, e.value)) if e.several else self.cast(np.array(e.value))
        params = dict(node.params)
        if node.op.name == "tap":
            params["notify"] = None
        if self.dtype is not None and np.dtype(params.get("dtype", int)).kind == "f":
            params["dtype"] = np.dtype(self.dtype)
        if node.op.promote:
            operands = node.op.promoted(NUMPY, operands)
        y, self.vjps[e] = node.op.formula(self.xp, *operands, **params)
        if isinstance(y, tuple):
            return tuple(map(np.asarray, y)) if e.pick is None else np.asarray(y[e.pick])
        return np.asarray(y)

    def rules(self) -> dict[Entry, Rule]:
        wants = lambda o: isinstance(o, Entry) and o.wants_grad
        return {
            e: _own_rule(e) if e.op is VALUE else _rule(e, self.vjps[e], [wants(o) for o in e.operands])
            for e in self.tape.ops
        }

    def back(self, **fault: bool) -> Pass:
        return walk(self.tape, self.rules(), np.ones_like(self.values[self.tape.root]), dtype=self.dtype, **fault)


# -------------------------------------------------------------------------------------------- the faults


class Careless:
    """A namespace whose transpose, on the way back, is a reshape: the shapes fit, the numbers do not."""

    on_the_way_back = False

    def __getattr__(self, name: str) -> Any:
        return getattr(NUMPY, name)

    def transpose(self, x: Any, axes: Any) -> Any:
        if not self.on_the_way_back:
            return NUMPY.transpose(x, axes=axes)
        return NUMPY.reshape(x, shape=tuple(x.shape[k] for k in axes))


@dataclass(eq=False)
class Fault:
    """A planted fault, and the pass that it spoils."""

    key: str
    title: str
    what: str  # what is done wrong, in a sentence
    spoilt: Pass
    hint: str  # what to learn from it


def faults(tape: Tape, good: Pass) -> list[Fault]:
    """Every planted fault, run on this tape."""
    careless = Careless()
    turned = Rerun(tape, xp=careless)
    careless.on_the_way_back = True
    stale, name = _stale(tape, good)
    return [
        Fault(
            "depth-first", "depth-first instead of topological order",
            "Each operation passes its gradient on at once, when the first contribution reaches it (recursion from "
            "operand to operand), instead of waiting until all operations that use its result have done so.",
            Rerun(tape).back(depth_first=True),
            "At a fork the first arrival is only a part of the gradient: topological order waits for the rest.",
        ),
        Fault(
            "overwrite", "overwrite instead of add",
            "A contribution that arrives replaces what had arrived before: `x.grad = g` where `x.grad += g` belongs.",
            Rerun(tape).back(overwrite=True),
            "What is used twice reaches the loss along two paths, and the gradient is the sum over the paths.",
        ),
        Fault(
            "no-unbroadcast", "no un-broadcast",
            "Where broadcasting repeated an operand, its gradient is not summed back to the operand's shape.",
            Rerun(tape).back(unbroadcast=False),
            "A gradient has the shape of its value: sum over the axes along which the value was repeated.",
        ),
        Fault(
            "wrong-transpose", "wrong transpose: a reshape in its place",
            "On the way back every transpose is a reshape to the transposed shape: no shape error gives it away.",
            turned.back(),
            "aᵀ and a reshaped hold the same numbers in different places; check the numbers, not only the shapes.",
        ),
        Fault(
            "stale-array", "stale array: overwritten before backward",
            f"Between forward and backward, `{name} += 1` was run in place." if name else
            "Nothing to overwrite: no gradient of this graph needs a stored value.",
            stale,
            "Backward needs the values of the forward pass. minidl stamps every write and refuses to go on; "
            "engines without such stamps give wrong numbers and no message.",
        ),
    ]  # fmt: skip


def _stale(tape: Tape, good: Pass) -> tuple[Pass, str]:
    """Overwrite the newest leaf (else the newest result) that a gradient still needs."""
    rerun = Rerun(tape)
    kept = list(captured_arrays(list(rerun.vjps.values())))
    candidates = [e for e in reversed(tape.entries) if e is not tape.root and not e.several]
    for e in sorted(candidates, key=lambda e: ("leaf", "op", "constant").index(e.kind)):
        array = rerun.values[e]
        writable = array.flags.writeable and array.dtype.kind == "f" and array.size
        if writable and any(np.shares_memory(array, k) for k in kept):
            np.add(array, 1, out=array)
            spoilt = rerun.back()
            if first_wrong(good, spoilt) is not None:
                return spoilt, e.variable or e.name
            np.subtract(array, 1, out=array)
    return rerun.back(), ""


def parts(pairs: list[tuple[int, Any]]) -> dict[int, Any]:
    """The gradient of each of several values, from (which, contribution)."""
    found: dict[int, Any] = {}
    for k, g in pairs:
        found[k] = found[k] + g if k in found else g
    return found


def error(g: Any, reference: Any) -> float | None:
    """How far a gradient is off, as a share of the largest entry of the right one; None where the shapes differ."""
    if isinstance(reference, list):  # of an op with several values: a gradient for each
        mine, right = parts(g), parts(reference)
        offs = [error(mine.get(k, np.zeros_like(right[k])), right[k]) for k in right]
        return None if None in offs else max((off for off in offs if off is not None), default=0.0)
    if np.shape(g) != np.shape(reference):
        return None
    if not np.size(g):
        return 0.0
    with np.errstate(all="ignore"):
        off = np.abs(g.astype(np.float64) - reference.astype(np.float64))
        off = np.where((g == reference) | (np.isnan(g) & np.isnan(reference)), 0.0, off)
        scale = max(float(np.nanmax(np.abs(reference), initial=0.0)), 1e-12)
    return float(np.nan_to_num(off.max(), nan=np.inf)) / scale


def is_wrong(off: float | None) -> bool:
    return off is None or off > 1e-3


def first_wrong(good: Pass, spoilt: Pass) -> Entry | None:
    """The first node of a spoilt pass whose gradient is wrong; that at which it broke down, if none was before."""
    for e in spoilt.order:
        if e in good.gradients and is_wrong(error(spoilt.gradients[e], good.gradients[e])):
            return e
    return spoilt.stopped[0] if spoilt.stopped else None


# ----------------------------------------------------------------------------------- finite differences

STEP = 1e-5


@dataclass(frozen=True)
class Check:
    """What finite differences say of the gradient of a node."""

    off: float  # relative
    kink: bool  # the loss has two slopes here, one to each side
    gradient: Any  # in float64


def differences(tape: Tape, seconds: float = 20.0) -> dict[Entry, Check]:
    """How far the gradient of each node is from finite differences, in float64.

        ⟨v̄, u⟩ against (L(v + εu) − L(v − εu)) / 2ε        v the value of the node, u a random direction

    What comes after the node is computed again. The formulas are those of the run; its float32 would drown ε. On a
    graph so large that this takes longer than `seconds`, the nodes furthest from the root go unchecked."""
    start, base = time.monotonic(), Rerun(tape, dtype=np.float64)
    fixed: set[Entry] = set()  # what a Function of the user's own was computed from goes unchecked
    for e in reversed(tape.entries):
        if any(user.opaque or user in fixed for user, _ in e.uses):
            fixed.add(e)
    here = float(np.sum(base.values[tape.root]))
    found: dict[Entry, Check] = {}
    for e, g in base.back().gradients.items():
        if isinstance(g, list) or not np.size(g) or e in fixed:
            continue
        if time.monotonic() - start > seconds:
            break
        u = np.random.default_rng(e.index).uniform(-1, 1, e.shape)
        up, down = (_loss_with(base, e, base.values[e] + sign * STEP * u) for sign in (1, -1))
        slope, right_slope, left_slope = (up - down) / (2 * STEP), (up - here) / STEP, (here - down) / STEP
        along = float((g * u).sum())
        typical = float(np.sqrt((g * g).sum() * (u * u).sum() / u.size))
        scale = max(abs(slope), abs(along), 1e-2 * typical, 1e-5 * abs(here), 1e-7)  # below, rounding is all there is
        kink = abs(right_slope - left_slope) > max(1e-2 * scale, 1e-4 * abs(here))
        found[e] = Check(abs(slope - along) / scale, kink, g)
    return found


def _loss_with(base: Rerun, moved: Entry, value: Any) -> float:
    """The loss, had this node had another value."""
    values = {moved: value}
    seen: dict[Entry, Any] = {**base.values, **values}
    for e in base.tape.entries[moved.index + 1 :]:
        if e.kind == "op" and any(isinstance(o, Entry) and o in values for o in e.operands):
            values[e] = seen[e] = base.evaluate(e, seen)
    return float(np.sum(seen[base.tape.root]))
