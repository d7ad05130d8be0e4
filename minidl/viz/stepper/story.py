"""What happens, step by step, in words: forward in order of execution, then backward, a contribution at a time."""

import re
import unicodedata
from collections import Counter
from typing import Any

import numpy as np

from ...autograd.op import VALUE
from ..tape import Entry, Tape
from .passes import Contribution, Fault, Pass, error, first_wrong, is_wrong
from .values import Values, encode, number, shape

BAR = "\u0304"  # x̄ is x and this


class Story:
    """The steps of a page, as plain data. Sentences under "say" give no value away; those under "tell" may.

    Everything about values is hidden in predict mode until the learner has committed to one."""

    def __init__(self, tape: Tape, good: Pass, values: Values) -> None:
        self.tape, self.good, self.values = tape, good, values
        self.names = names(tape)
        self.total = Counter(c.target for c in good.contributions)

    def steps(self) -> list[dict[str, Any]]:
        inputs = [e for e in self.tape.entries if e.kind != "op"]
        leaves = [e for e in inputs if e.kind == "leaf"]
        steps = [self.opening(inputs, leaves)]
        steps += [self.forward(e) for e in self.tape.ops]
        steps.append(self.seed())
        so_far: list[Contribution] = []
        for c in self.good.contributions:
            first = not any(b.user is c.user for b in so_far)
            steps.append(self.backward(c, first, so_far))
            so_far.append(c)
        steps.append(self.closing(leaves))
        return steps

    # ---- one method for each kind of step

    def opening(self, inputs: list[Entry], leaves: list[Entry]) -> dict[str, Any]:
        ops = len(self.tape.ops)
        return {
            "k": "start", "title": f"The tape: {several(ops, 'operation')} recorded by your run",
            "say": [
                f"It begins with {several(len(inputs), 'tensor')} that no operation made; {len(leaves)} of them "
                f"want{'s' if len(leaves) == 1 else ''} a gradient: {self.listed(leaves)}.",
                "Step forward (→) through the operations in the order in which they ran, then backward, where each "
                "passes its gradient on to what it was computed from.",
                "Boxes with round ends are tensors that no operation made, dashed where they want no gradient. A small "
                "picture is a value, the second one its gradient: orange is positive, blue negative.",
            ],
        }  # fmt: skip

    def forward(self, e: Entry) -> dict[str, Any]:
        say = []
        if e.operands:
            say.append(f"It takes {self.listed(e.operands)}.")
        for o in dict.fromkeys(o for o in e.operands if isinstance(o, Entry)):
            for c in self.good.contributions:
                if c.user is e and c.target is o and c.summed_axes:
                    say.append(
                        f"Broadcast: {self.names[o]} {shape(o.value)} is repeated along {axes(c)} to fit "
                        f"{shape(c.raw)}. Backward will have to undo that."
                    )
                    break
        if self.total[e] > 1:
            say.append(f"A fork: its result is used by {self.users(e)}. Remember that for the way back.")
        result = "" if e.several else f" The result has shape {shape(e.value)}."
        ask = self.question(e.value, f"the result of {made_by(e, self.names)}")
        step = {
            "k": "forward", "e": e.index, "title": f"Forward: {self.full(e)}", "say": say,
            "tell": [f"{self.operation(e)}.{result}"], "ask": ask,
        }  # fmt: skip
        return {k: v for k, v in step.items() if v}

    def seed(self) -> dict[str, Any]:
        root = self.names[self.tape.root]
        return {
            "k": "seed", "e": self.tape.root.index, "title": f"Backward begins at {root}, with the gradient 1",
            "say": [
                f"A gradient says how much {root} changes when a value changes a little. "
                f"{root} changes exactly as much as itself, so its own gradient is 1.",
                "From here the tape is read backwards. Every operation waits for the whole gradient of its "
                "result, then works out one contribution for each operand.",
            ],
        }  # fmt: skip

    def backward(self, c: Contribution, first: bool, so_far: list[Contribution]) -> dict[str, Any]:
        user, target = self.names[c.user], self.names[c.target]
        letter = c.user.arguments[c.place]
        say, tell = [], []
        if first:
            say.append(self.why_now(c.user))
        else:
            still = "Still {0}: the same upstream gradient, now for {1}, the operand {2}."
            say.append(Phrase(still, user, target, letter))
        if c.summed_axes:
            say.append(Phrase(
                "Un-broadcast: forward, {0} {1} was repeated along {2} to fit {3}. Each copy sends a gradient back: "
                "they are summed over {2}, {3} → {1}.",
                target, shape(c.added), axes(c), shape(c.raw),
            ))  # fmt: skip
        total = self.total[c.target]
        if total > 1:
            say.append(self.fork(c, total))
        if c.arrival == total:
            leaf = c.target.kind == "leaf"
            done = "is {0}.grad" if leaf else "is passed on when its turn comes"
            say.append(Phrase("Complete: nothing more will arrive at {0}; this " + done + ".", target))
        raw, added, before, after = c.raw, c.added, c.before, c.after
        if c.target.several:  # [(which value, its gradient)]: those of several values stay apart
            ((_, added),) = added
            raw, before, after = added, None, None
        if before is not None and np.size(after) == 1:
            tell.append(f"{number(before)} + {number(added)} = {number(after)}")
        add = self.values.add
        step = {
            "k": "backward", "e": c.user.index, "to": c.target.index, "place": c.place, "bar": bar(letter),
            "title": Phrase("Backward: {0} passes a gradient to {1}", user, target),
            "say": say, "tell": tell, "up": add(c.upstream), "raw": add(raw), "added": add(added),
            "before": add(before), "after": add(after), "n": [c.arrival, total], "first": first,
            "ask": self.question(added, f"the contribution to {target}"),
        }  # fmt: skip
        if c.summed_axes:
            step["axes"] = axes(c)
        if step["raw"] == step["added"]:
            del step["raw"]
        if step["before"] is None:
            del step["before"], step["after"]
        return {k: v for k, v in step.items() if v or v == 0}

    def closing(self, leaves: list[Entry]) -> dict[str, Any]:
        return {
            "k": "end", "title": "Backward is done: every leaf has its gradient",
            "say": [
                f"{self.listed(leaves)}: these gradients are what an optimizer takes its step with.",
                "They are added to .grad and stay there: that is why a training loop calls zero_grad().",
                "Choose a planted fault above to see what goes wrong first in an engine that has it.",
            ],
        }  # fmt: skip

    # ---- sentences

    def why_now(self, e: Entry) -> str:
        name = self.names[e]
        if e is self.tape.root:
            return f"Why now: {name} is the end of the tape. Nothing used it, so nothing has to be waited for."
        return Phrase(
            "Why now: everything that used the result of {0} ({1}) has passed its gradient on, so "
            "nothing is missing. Reverse order of execution makes sure of that: users always ran later.",
            name, self.users(e),
        )  # fmt: skip

    def fork(self, c: Contribution, total: int) -> str:
        target = self.names[c.target]
        if c.target.several:
            return Phrase(
                "{0} has several results, used by {1}. This is arrival {2} of {3}: the gradient of one of them, to "
                "which nothing is added.", target, self.users(c.target), c.arrival, total,
            )  # fmt: skip
        if c.arrival < total:
            return Phrase(
                "A fork: {0} is used {1} times, by {2}. This is arrival {3} of {1}; its gradient is not complete "
                "before all have come.",
                target, total, self.users(c.target), c.arrival,
            )  # fmt: skip
        return Phrase(
            "Add, do not overwrite: {0} is used {1} times, by {2}, so it changes {4} along {1} paths, and its gradient "
            "is the sum over the paths. This is arrival {3} of {1}.",
            target, total, self.users(c.target), c.arrival, self.names[self.tape.root],
        )  # fmt: skip

    def full(self, e: Entry) -> str:
        return f"{e.variable} = {made_by(e, self.names)}" if e.kind == "op" and e.variable else self.names[e]

    def users(self, e: Entry) -> str:
        counts = Counter(user for user, _ in e.uses)
        words = [self.names[u] + (" (twice)" if n == 2 else f" ({n} times)" if n > 2 else "")
                 for u, n in counts.items()]  # fmt: skip
        return joined(words)

    def listed(self, operands: list[Any]) -> str:
        words = [
            f"{self.names[o]} {shape(o.value)}" if isinstance(o, Entry) and not o.several
            else self.names[o] if isinstance(o, Entry) else str(o)
            for o in operands if o is not None
        ]  # fmt: skip
        return joined(words[:12] + [f"{len(words) - 12} more"] * (len(words) > 12))

    def operation(self, e: Entry) -> str:
        """mul(a, 3), with the static arguments that say something."""
        if e.op is VALUE:
            return made_by(e, self.names)
        operands = [self.names[o] if isinstance(o, Entry) else str(o) for o in e.operands if o is not None]
        static = [f"{k}={short(v)}" for k, v in (e.node.params if e.node else {}).items() if k != "notify"]
        return f"{e.name}({', '.join(operands + static)})"

    def question(self, value: Any, what: str) -> list[Any] | None:
        """[question, answer, tolerance] for predict mode: a number where numbers are shown, else a shape."""
        if isinstance(value, (list, tuple)) or not np.size(value):
            return None
        if "n" not in encode(np.asarray(value)):
            return [Phrase("Which shape has {0}?", what), shape(value)]
        at = np.unravel_index(int(np.abs(value).argmax()), np.shape(value))
        v = float(value[at])
        if not np.isfinite(v):
            return None
        entry = f" at [{', '.join(str(int(k)) for k in at)}]" if at else ""
        return [Phrase("What is {0}{1}?", what, entry), number(v), float(f"{max(abs(v) * 0.02, 1e-3):.2g}")]

    # ---- faults

    def fault(self, fault: Fault) -> dict[str, Any]:
        """A spoilt pass: for each node in its order how far off it is, and what to say at the first that is wrong."""
        first = first_wrong(self.good, fault.spoilt)
        marks = []
        for e in fault.spoilt.order:
            g, reference = fault.spoilt.gradients[e], self.good.gradients.get(e)
            off = 0.0 if reference is None else error(g, reference)
            mark: dict[str, Any] = {"e": e.index}
            if is_wrong(off):
                mark["off"] = "shape" if off is None else f"{off:.0%}" if off < 100 else f"{off:.0e} times"
                mark["v"] = self.values.add(g)
                mark["say"] = self.difference(g, reference, off)
            marks.append(mark)
        if fault.spoilt.stopped:
            marks.append({"e": fault.spoilt.stopped[0].index, "off": "stops", "say": self.stopped(fault)})
        verdict = (
            f"The first wrong node is {self.names[first]}." if first is not None
            else "On this graph the fault changes nothing: "
            + {
                "depth-first": "no result of an operation is used twice, so nothing has to be waited for.",
                "overwrite": "nothing is used twice, so nothing arrives twice.",
                "no-unbroadcast": "no operand was repeated by the engine's broadcasting (an op that sums over a batch, "
                "as linear does for its bias, does so in its own formula).",
                "wrong-transpose": "no gradient here transposes anything.",
                "stale-array": "no gradient here needs a stored value that could be overwritten.",
            }[fault.key]
        )  # fmt: skip
        wrong = sum("off" in m for m in marks)
        return {
            "key": fault.key, "title": fault.title, "what": fault.what, "hint": fault.hint, "marks": marks,
            "first": None if first is None else first.index, "verdict": verdict,
            "count": f"{wrong} of {len(marks)} gradients are wrong." if wrong else "",
        }  # fmt: skip

    def stopped(self, fault: Fault) -> str:
        e, message = fault.spoilt.stopped or (self.tape.root, "")
        return f"Here {self.names[e]} raises: {message}"

    def difference(self, g: Any, reference: Any, off: float | None) -> str:
        if isinstance(g, list):
            return "The gradient of one of its results is wrong, or missing."
        if off is None:
            return f"Its gradient has shape {shape(g)} and its value {shape(reference)}."
        if np.size(g) == 1:
            wrong, true = number(np.ravel(g)[0]), number(np.ravel(reference)[0])
            return Phrase("The gradient is {0}; right is {1}.", wrong, true)
        at = np.unravel_index(int(np.nanargmax(np.abs(g - reference))), np.shape(g))
        where = ", ".join(str(int(k)) for k in at)
        return Phrase("Worst at [{0}]: {1}; right is {2}.", where, number(g[at]), number(reference[at]))


# ------------------------------------------------------------------------------------------------ words


class Phrase(str):
    """A sentence that remembers the pattern it was made from, so that a page can keep each pattern once."""

    pattern: str
    words: tuple[Any, ...]

    def __new__(cls, pattern: str, *words: Any) -> "Phrase":
        self = super().__new__(cls, pattern.format(*words))
        self.pattern, self.words = pattern, words
        return self


def names(tape: Tape) -> dict[Entry, str]:
    """What each node is called in sentences: as the user does, else by its operation, numbered."""
    counts = Counter(e.name for e in tape.ops if not e.variable and e.op is not VALUE)
    seen: Counter[str] = Counter()
    found = {}
    for e in tape.entries:
        found[e] = e.variable or e.name
        if e.op is VALUE and not e.variable:
            found[e] = made_by(e, found)
        elif e.kind == "op" and not e.variable:
            seen[e.name] += 1
            found[e] = e.name + (subscript(seen[e.name]) if counts[e.name] > 1 else "")
    return found


def made_by(e: Entry, names: dict[Entry, str]) -> str:
    """The op's name; of one of several values, which."""
    return f"{names[e.operands[0]]}[{e.node.params['index']}]" if e.node is not None and e.op is VALUE else e.name


def subscript(n: int) -> str:
    return str(n).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def bar(letter: str) -> str:
    """x̄; of `x2` too: x̄₂."""
    stem, digits = re.fullmatch(r"(.*?)(\d*)", letter).groups()  # type: ignore[union-attr]  # it matches anything
    text = unicodedata.normalize("NFC", stem[:1] + BAR) + stem[1:]
    return text + (subscript(int(digits)) if digits else "")


def joined(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def several(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def axes(c: Contribution) -> str:
    found = [str(k) for k in c.summed_axes]
    return f"ax{'is' if len(found) == 1 else 'es'} {joined(found)}"


def short(value: Any) -> str:
    text = "…" if hasattr(value, "shape") else str(value).replace("slice(None, None, None)", ":")
    text = re.sub(r"slice\((\w+), (\w+), None\)", lambda m: f"{m[1]}:{m[2]}".replace("None", ""), text)
    return text if len(text) <= 40 else text[:39] + "…"


def formula(e: Entry) -> list[list[str]]:
    """The op's own text, line by line, each in the pieces that stand apart in it."""
    lines = [line for line in e.formula.splitlines() if line.strip()]
    return [[piece for piece in re.split(r"\s{2,}", line.strip()) if piece] for line in lines]


def about(pieces: list[list[str]], letter: str) -> list[int] | None:
    """Which piece is the gradient of an operand: the first that begins with its letter under a bar."""
    stem = unicodedata.normalize("NFD", letter.rstrip("0123456789")[:1] + BAR)
    for i, line in enumerate(pieces):
        for j, piece in enumerate(line):
            if unicodedata.normalize("NFD", piece).startswith(stem):
                return [i, j]
    return None
