"""How a step is taken fast: small parameters end to end, large ones in parts; the bits are the same either way.

An optimizer's `update` is a formula on arrays, and it does not ask whose weights they are. So a step

- takes the small parameters of a group together (a `Bundle`): their moments lie in one array each, of which the
  entries of `optimizer.state` are views, and their weights and gradients are gathered for the step. This saves the
  cost of a call, a dozen times for each parameter;
- takes a large parameter in parts that stay in the processor's cache from the first line of the formula to the last.

The parameters themselves never move: whoever holds `p.data`, a state_dict or a NumPy view of a parameter sees
each step. A bundle looks before each step whether it still describes the parameters and their state (data, state,
dtypes or counters may have been changed from outside) and where it does not, a new one is made."""

from collections import Counter
from operator import attrgetter, getitem, is_
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import Memory, Tensor
from ..autograd.memory import tick
from ..backend import NUMPY, Array, backend_of
from ..errors import describe
from ..kernels.threads import ranges, split

if TYPE_CHECKING:
    from .optimizer import Optimizer

ARRAY = attrgetter("array")
SMALL = 8 * 1024  # up to this size a parameter is cheaper to gather than to call a formula for: 0.8 of the time, gpt
PART = 128 * 1024  # elements of a large one at a time, which fit into the cache, and for which two threads pay


def entry_of(optimizer: "Optimizer", p: Tensor, group: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The parameter's state, with what is missing made; and were any moments made just now?"""
    entry = optimizer.state[p]
    if not entry:
        entry.update((name, Tensor(np.array(x, np.float32))) for name, x in optimizer.counters(group).items())
    xp, first = backend_of(p.array), False
    for name, value in optimizer.moments(p.array, group).items():
        moment = entry.get(name)
        if moment is None:
            first = True
            like = xp.zeros_like(p.array, shape=value if isinstance(value, tuple) else p.array.shape)
            entry[name] = Tensor(like if isinstance(value, tuple) or not value else like + value)
        elif moment.device != p.device:  # the parameter was moved since
            entry[name] = moment.to(device=p.device)
    return entry, first


def update_alone(optimizer: "Optimizer", p: Tensor, group: dict[str, Any], parts: bool = False) -> None:
    """One step of one parameter: the plain way, and with `parts` the way of a large one."""
    entry, first = entry_of(optimizer, p, group)
    w, g = p.array, p._grad.array  # type: ignore[union-attr]  # it has a gradient
    if g.shape != w.shape:
        raise RuntimeError(
            f"{type(optimizer).__name__}: a parameter ({describe(p)}) has a gradient of shape {g.shape}; was its data "
            "replaced since backward?"
        )
    t = optimizer.advance({name: entry[name].array for name in optimizer.counters(group)}, group, first)
    state = {name: entry[name].array for name in optimizer.moments(w, group)}
    if parts and w.size > PART and all(a.flags.c_contiguous for a in (w, g, *state.values())):
        in_parts(optimizer, w.reshape(-1), g.reshape(-1), {k: m.reshape(-1) for k, m in state.items()}, group, t)
    elif w.ndim == 0:  # arithmetic without axes gives NumPy's numbers, not arrays
        optimizer.update(w.reshape(1), g.reshape(1), {k: m.reshape(1) for k, m in state.items()}, group, t)
    else:
        optimizer.update(w, g, state, group, t)
    p.memory.written(w)  # a backward that still needs the old values will say so


def in_parts(
    optimizer: "Optimizer", w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: Any
) -> None:
    """The update of long flat arrays; on a GPU in one go, where a call costs more than a cache saves."""
    if backend_of(w) is not NUMPY or w.size <= PART:
        return optimizer.update(w, g, state, group, t)

    def work(lo: int, hi: int) -> None:
        for start, end in ranges(lo * PART, min(hi * PART, w.size), PART):
            part = slice(start, end)
            optimizer.update(w[part], g[part], {name: m[part] for name, m in state.items()}, group, t)

    split(work, -(-w.size // PART), 4 * w.size, lasting=False)


class Bundle:
    """Small parameters of one dtype on one device, all of which have taken the same steps."""

    def __init__(self, optimizer: "Optimizer", params: list[Tensor], group: dict[str, Any]) -> None:
        self.params, self.arrays = params, [p.array for p in params]
        self.ravels = [a.reshape(-1) for a in self.arrays]  # views: bundled parameters are contiguous
        xp = self.xp = backend_of(self.arrays[0])
        found = [entry_of(optimizer, p, group) for p in params]
        self.entries, self.first = [entry for entry, _ in found], found[0][1]
        ends = np.cumsum([a.size for a in self.ravels]).tolist()
        self.places = [slice(stop - a.size, stop) for stop, a in zip(ends, self.ravels)]
        self.memories = [p.memory for p in params]
        self.known: list[tuple[dict[str, Any], str, Tensor, Array]] = []  # entries and the views they are to hold
        self.moments: dict[str, Array] = {}
        for name in optimizer.moments(self.arrays[0], group):
            self.moments[name] = flat = xp.concatenate(*(e[name].array.reshape(-1) for e in self.entries), axis=0)
            self.hold(name, [flat[place].reshape(a.shape) for place, a in zip(self.places, self.arrays)])
        self.counters = {name: np.array([e[name].array for e in self.entries]) for name in optimizer.counters(group)}
        for name, numbers in self.counters.items():
            self.hold(name, [numbers[k : k + 1].reshape(()) for k in range(len(params))])
        columns: Any = zip(*self.known) if self.known else ((), (), (), ())
        self.owners, self.names, self.tensors, self.views = columns
        for p in params:
            p.memory.written(p.array)

    def hold(self, name: str, views: list[Array]) -> None:
        """Let the tensors of the state, which the user may have, see what the bundle will write."""
        for entry, view in zip(self.entries, views):
            t = entry[name]
            t.array = view
            self.known.append((entry, name, t, view))

    def fits(self, optimizer: "Optimizer", group: dict[str, Any]) -> bool:
        """Does it still describe its parameters?"""
        try:  # in C throughout, for this is done at each step
            return (
                all(map(is_, map(ARRAY, self.params), self.arrays))
                and all(map(is_, map(optimizer.state.get, self.params), self.entries))
                and all(map(is_, map(getitem, self.owners, self.names), self.tensors))
                and all(map(is_, map(ARRAY, self.tensors), self.views))
                and all(len(set(numbers.tolist())) == 1 for numbers in self.counters.values())
                and optimizer.moments(self.arrays[0], group).keys() == self.moments.keys()
            )
        except KeyError:  # an entry of the state was taken away
            return False

    def step(self, optimizer: "Optimizer", group: dict[str, Any]) -> None:
        xp = self.xp
        t = optimizer.advance(self.counters, group, self.first)
        self.first = False
        g = xp.concatenate(*[p._grad.array.reshape(-1) for p in self.params], axis=0)  # type: ignore[union-attr]
        w = xp.concatenate(*self.ravels, axis=0)
        in_parts(optimizer, w, g, self.moments, group, t)
        for ravel, place in zip(self.ravels, self.places):
            ravel[...] = w[place]
        Memory.latest = now = tick()  # further writes into the arrays that `written` was told of: all announced at once
        for memory in self.memories:
            memory.stamp = now


class Plan:
    """How the parameters of one group take their steps: which in bundles, and which alone."""

    def __init__(self) -> None:
        self.ids: list[int] | None = None
        self.bundles: list[Bundle] = []
        self.alone: list[Tensor] = []

    def step(self, optimizer: "Optimizer", params: list[Tensor], group: dict[str, Any]) -> None:
        ids = [id(p) for p in params]
        if self.ids is not None and ids != self.ids:  # not those of last time; bundled if that lasts
            self.alone, self.bundles, self.made = params, [], False
        elif self.ids is None or not self.made or not all(b.fits(optimizer, group) for b in self.bundles):
            self.make(optimizer, params, group)
        self.ids = ids
        for bundle in self.bundles:
            bundle.step(optimizer, group)
        for p in self.alone:
            update_alone(optimizer, p, group, parts=True)

    def make(self, optimizer: "Optimizer", params: list[Tensor], group: dict[str, Any]) -> None:
        """Bundle what is small, contiguous, in memory of its own, and alike in dtype, device and past."""
        blocks = [backend_of(p.array).extent(p.array) for p in params]
        shared = {block for block, n in Counter(blocks).items() if n > 1}
        self.alone, self.made = [], True
        kinds: dict[Any, list[Tensor]] = {}
        for p, block in zip(params, blocks):
            w, entry = p.array, optimizer.state[p]
            names = optimizer.moments(w, group)
            moments = {name: entry[name].array for name in names if entry.get(name) is not None}
            if (
                0 < w.size <= SMALL and w.flags.c_contiguous and block not in shared
                and all(type(m) is type(w) and m.dtype == w.dtype and m.shape == w.shape for m in moments.values())
            ):  # fmt: skip
                past = tuple(entry[name].array.item() for name in optimizer.counters(group)) if entry else ()
                kinds.setdefault((w.dtype, str(p.device), tuple(moments), past), []).append(p)
            else:
                self.alone.append(p)
        self.alone += [p for alike in kinds.values() if len(alike) == 1 for p in alike]
        self.bundles = [Bundle(optimizer, alike, group) for alike in kinds.values() if len(alike) > 1]
