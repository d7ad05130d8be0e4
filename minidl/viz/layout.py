"""Where the boxes of a graph go: rows from top to bottom, every edge downwards, groups that fold.

Layered drawing (Sugiyama, Tagawa & Toda 1981), one group at a time from the inside out: rows by longest path, an order
in each row with few crossings, then x as near to the neighbours as the others in the row allow. An edge that passes a
row has a place of its own there, so lines bend only between rows and never run through a box.

A group is as wide folded as unfolded. So folding changes no order: it lowers some rows, what stands below moves up, and
strips that became empty are taken out. `Layout.place` computes that, and a page can do it with a few sums.
"""

import math
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Key = Any  # hashable

GAP_X, GAP_Y = 22.0, 34.0  # between boxes of a row, and between rows
LANE = 8.0  # how wide a place is in which an edge passes a row
PORT = 18.0  # between two edges that meet one box
PAD, HEADER = 12.0, 30.0  # inside a group: around its boxes, and for its name
FOLDED = 58.0  # how high a folded group is


def text_width(text: str, size: float) -> float:
    """How wide a text is at most in the usual monospace fonts; accents that combine take no room."""
    ems = 0.0
    for letter in text:
        if not unicodedata.combining(letter):
            ems += 1.06 if unicodedata.east_asian_width(letter) in "WF" else 0.61
    return ems * size


def fitted(text: str, size: float, width: float) -> str:
    """The text, or as much of its beginning as fits with an ellipsis."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


@dataclass(frozen=True)
class Box:
    """What is to be placed. `groups` are the keys of the groups it lies in, outermost first."""

    key: Key
    width: float
    height: float
    groups: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "Rect") -> bool:
        apart_x = self.x + self.width <= other.x or other.x + other.width <= self.x
        apart_y = self.y + self.height <= other.y or other.y + other.height <= self.y
        return not (apart_x or apart_y)

    def contains(self, other: "Rect") -> bool:
        return (
            self.x <= other.x and other.x + other.width <= self.x + self.width
            and self.y <= other.y and other.y + other.height <= self.y + self.height
        )  # fmt: skip


@dataclass(eq=False)
class Group:
    """A group and its rows; an item of a row is a Box or a Group. x is absolute, once the layout is made."""

    key: Key
    path: tuple[Key, ...] = ()
    rows: list[list[Any]] = field(default_factory=list)
    x: float = 0.0
    width: float = 0.0
    folded_width: float = 0.0
    inside: dict[Key, "Group"] = field(default_factory=dict)


# A stretch of an edge: straight down, at x, through a row of a group.
Stretch = tuple[float, Key, int]


@dataclass
class Placed:
    """One state of folding: what is to be drawn, and where."""

    boxes: dict[Key, Rect]
    groups: dict[Key, Rect]  # the open ones
    folded: dict[Key, Rect]
    edges: dict[tuple[Key, Key], list[tuple[float, float, float]]]  # (x, top, bottom) of each straight part
    width: float
    height: float


@dataclass
class Layout:
    root: Group
    groups: dict[Key, Group]
    boxes: dict[Key, Box]
    xs: dict[Key, float]  # the left end of each box
    edges: dict[tuple[Key, Key], list[Stretch]]  # by (from, to): the rows between that it passes
    sources: set[Key]  # the boxes that no edge leads to: they stand at the bottom of a high row, near what takes them

    def place(self, closed: Collection[Key] = ()) -> Placed:
        """Every rectangle and line, with these groups folded."""
        out = Placed({}, {}, {}, {}, 0.0, 0.0)
        rows: dict[tuple[Key, int], tuple[float, float]] = {}
        out.height = self._fill(self.root, 0.0, set(closed), out, rows)
        rows = {place: self._reach(place, rows) for place in rows}
        for (u, v), stretches in self.edges.items():
            start, end = self.shown(u, closed), self.shown(v, closed)
            if start == end:
                continue
            a, b = (out.folded.get(k) or out.boxes[k] for k in (start, end))
            hidden = {self.groups[k].key for k in (start, end) if k in self.groups}
            middle = [
                (x, *rows[group, row]) for x, group, row in stretches
                if group not in hidden and not hidden & set(self.groups[group].path)
            ]  # fmt: skip
            a_row, b_row = rows[self._rows[start]], rows[self._rows[end]]
            first = (a.x + a.width / 2, a.y + a.height, a_row[1])
            last = (b.x + b.width / 2, b_row[0], b.y)
            out.edges[u, v] = [first, *middle, last]
        self._squeeze(out, closed)
        self._spread_arrivals(out, closed)
        return out

    def _squeeze(self, out: Placed, closed: Collection[Key]) -> None:
        """Take out the strips, from top to bottom, that folding has left empty."""
        out.boxes = {k: r for k, r in out.boxes.items() if self.shown(k, closed) == k}
        taken = [(r.x, r.x + r.width) for r in (*out.boxes.values(), *out.folded.values())]
        for key, r in out.groups.items():
            taken += [(r.x, r.x + max(self.groups[key].folded_width, PAD)), (r.x + r.width - PAD, r.x + r.width)]
        taken += [(x, x) for parts in out.edges.values() for x, _, _ in parts[1:-1]]
        cuts: list[tuple[float, float]] = []  # from where on, how much
        end = 0.0
        for start, stop in sorted(taken):
            gap = GAP_X if end else PAD
            if start - end > gap:
                cuts.append((end + gap, start - end - gap))
            end = max(end, stop)

        def moved(x: float) -> float:
            return x - sum(max(0.0, min(x - at, length)) for at, length in cuts)

        for rects in (out.boxes, out.folded, out.groups):
            for key, r in rects.items():
                rects[key] = Rect(moved(r.x), r.y, moved(r.x + r.width) - moved(r.x), r.height)
        for parts in out.edges.values():
            parts[:] = [(moved(x), top, bottom) for x, top, bottom in parts]
        out.width = moved(end) + PAD

    def _spread_arrivals(self, out: Placed, closed: Collection[Key]) -> None:
        """Edges meet a box side by side, in the order in which they come."""
        arriving: dict[Key, dict[Any, list[Any]]] = {}
        for (u, v), parts in out.edges.items():  # those that come down one line arrive as one
            end = self.shown(v, closed)
            arriving.setdefault(end, {}).setdefault((parts[-2][0], self.shown(u, closed)), []).append(parts)
        for end, lines in arriving.items():
            rect = out.folded.get(end) or out.boxes[end]
            step = min(PORT, rect.width / (len(lines) + 1))
            for k, line in enumerate(sorted(lines, key=lambda line: line[0])):
                x = rect.x + rect.width / 2 + (k - (len(lines) - 1) / 2) * step
                for parts in lines[line]:
                    parts[-1] = (x, *parts[-1][1:])

    def shown(self, key: Key, closed: Collection[Key]) -> Key:
        """The box, or the outermost folded group that hides it."""
        return next((g for g in self.boxes[key].groups if g in closed), key)

    def _reach(self, place: tuple[Key, int], rows: dict[tuple[Key, int], tuple[float, float]]) -> tuple[float, float]:
        """Where edges run straight in a row: into an open group as far as its first row, and out again."""
        (group, r), (top, bottom) = place, rows[place]
        while r == 0 and group is not self.root.key:
            group, r = self._rows[group]
            top = rows[group, r][0]
        group, r = place
        while r == len(self.groups[group].rows) - 1 and group is not self.root.key:
            group, r = self._rows[group]
            bottom = rows[group, r][1]
        return top, bottom

    def __post_init__(self) -> None:
        everything = list(self.groups.values())
        self._rows = {item.key: (g.key, r) for g in everything for r, row in enumerate(g.rows) for item in row}

    def _fill(
        self, group: Group, top: float, closed: set[Key], out: Placed, rows: dict[tuple[Key, int], tuple[float, float]]
    ) -> float:
        """Place the rows of an open group whose upper edge is `top`; returns its height."""
        y = top + (HEADER if group is not self.root else PAD)
        for r, row in enumerate(group.rows):
            heights = []
            for item in row:
                if isinstance(item, Box):
                    out.boxes[item.key] = Rect(self.xs[item.key], y, item.width, item.height)
                    heights.append(item.height)
                elif item.key in closed:
                    x = item.x + (item.width - item.folded_width) / 2
                    out.folded[item.key] = Rect(x, y, item.folded_width, FOLDED)
                    heights.append(FOLDED)
                else:
                    heights.append(self._fill(item, y, closed, out, rows))
                    out.groups[item.key] = Rect(item.x, y, item.width, heights[-1])
            bottom = y + max(heights)
            for item in row:
                if item.key in self.sources:
                    out.boxes[item.key] = Rect(self.xs[item.key], bottom - item.height, item.width, item.height)
            rows[group.key, r] = (y, bottom)
            y += max(heights) + GAP_Y
        return y - GAP_Y + PAD - top


def arrange(
    boxes: Sequence[Box], edges: Iterable[tuple[Key, Key]], labels: dict[Key, float] | None = None
) -> Layout:
    """Lay out a graph without cycles. labels: for each group, how wide its name is (its folded box fits it)."""
    by_key = {box.key: box for box in boxes}
    root = Group(key=None)
    groups: dict[Key, Group] = {None: root}
    for box in boxes:
        outer = root
        for depth, key in enumerate(box.groups):
            if key not in groups:
                groups[key] = outer.inside[key] = Group(key, box.groups[:depth])
                groups[key].folded_width = max((labels or {}).get(key, 0.0) + 2 * PAD, 80.0)
            outer = groups[key]
    pairs = list(dict.fromkeys((u, v) for u, v in edges if u != v))
    xs: dict[Key, float] = {}
    stretches: dict[tuple[Key, Key], list[Stretch]] = {pair: [] for pair in pairs}
    _Level(root, by_key, pairs, xs, stretches).arrange()
    return Layout(root, groups, by_key, xs, stretches, set(by_key) - {v for _, v in pairs})


class _Level:
    """The layout of one group's items, once the groups among them are done: at first relative to its left end."""

    def __init__(self, group: Group, boxes: dict[Key, Box], pairs: Any, xs: Any, stretches: Any) -> None:
        self.group, self.all_boxes, self.pairs, self.xs, self.stretches = group, boxes, pairs, xs, stretches
        self.depth = len(group.path) + (group.key is not None)
        within = lambda box: group.key is None or group.key in box.groups
        self.item_of: dict[Key, Key] = {}  # of each box inside: itself, or the group at this level that holds it
        self.items: dict[Key, Any] = {}
        for box in boxes.values():
            if within(box):
                inner = box.groups[self.depth] if len(box.groups) > self.depth else None
                self.item_of[box.key] = box.key if inner is None else inner
                self.items[self.item_of[box.key]] = box if inner is None else group.inside[inner]

    def arrange(self) -> None:
        self.below = {k: _Level(g, self.all_boxes, self.pairs, self.xs, self.stretches)
                      for k, g in self.group.inside.items()}  # fmt: skip
        for level in self.below.values():
            level.arrange()
        self.rank()
        self.pass_rows()
        self.order()
        self.spread()

    # ---- rows

    def rank(self) -> None:
        """Each item below all it depends on; what depends on nothing right above the first that takes it."""
        links = {(self.item_of[u], self.item_of[v]) for u, v in self.pairs if u in self.item_of and v in self.item_of}
        links = {(a, b) for a, b in links if a != b}
        before: dict[Key, list[Key]] = {k: [] for k in self.items}
        after: dict[Key, list[Key]] = {k: [] for k in self.items}
        for a, b in links:
            before[b].append(a)
            after[a].append(b)
        waiting = {k: len(v) for k, v in before.items()}
        ready = [k for k, n in waiting.items() if not n]
        self.row: dict[Key, int] = {}
        sequence = []
        while ready:
            key = ready.pop()
            sequence.append(key)
            self.row[key] = max((self.row[b] + 1 for b in before[key]), default=0)
            for b in after[key]:
                waiting[b] -= 1
                if not waiting[b]:
                    ready.append(b)
        if len(sequence) < len(self.items):
            raise ValueError("the graph to lay out has a cycle")
        for key in reversed(sequence):
            if not before[key] and after[key]:
                self.row[key] = min(self.row[b] for b in after[key]) - 1
        lowest = min(self.row.values())
        self.row = {k: r - lowest for k, r in self.row.items()}
        self.count = max(self.row.values()) + 1
        self.rows: list[list[Key]] = [[] for _ in range(self.count)]
        for key in self.items:  # in the order they came: that of the tape
            self.rows[self.row[key]].append(key)

    def pass_rows(self) -> None:
        """A place in every row that an edge passes, shared by all edges from one box."""
        self.lanes: set[Key] = set()
        links: dict[tuple[Key, Key], Key] = {}  # (upper, lower), one row below the other: which box's edge it is
        for u, v in self.pairs:
            a, b = self.item_of.get(u), self.item_of.get(v)
            if a == b:
                continue
            first = self.row[a] + 1 if a is not None else 0
            last = self.row[b] if b is not None else self.count
            upper: Key = a
            for r in range(first, last):
                lane = ("lane", u, r)
                if lane not in self.lanes:
                    self.lanes.add(lane)
                    self.rows[r].append(lane)
                if upper is not None:
                    links[upper, lane] = u
                self.stretches[u, v].append((lane, self.group.key, r))
                upper = lane
            if upper is not None and b is not None:
                links[upper, b] = u
        self.links = links
        self.up: dict[Key, list[Key]] = {k: [] for row in self.rows for k in row}
        self.down: dict[Key, list[Key]] = {k: [] for row in self.rows for k in row}
        for upper, lower in links:
            self.up[lower].append(upper)
            self.down[upper].append(lower)
        fed = {v for _, v in self.pairs}
        leaves = {u for u, _ in self.pairs} - fed
        self.side = {*leaves, *(("lane", u, r) for u in leaves for r in range(self.count))}  # and their lines

    # ---- the order in a row

    def order(self) -> None:
        best, fewest = [list(row) for row in self.rows], self.crossings()
        for sweep in range(12):
            downwards = sweep % 2 == 0
            rows = self.rows[1:] if downwards else self.rows[-2::-1]
            place = {k: i for row in self.rows for i, k in enumerate(row)}
            for row in rows:
                near = self.up if downwards else self.down
                middle = {k: sum(place[n] for n in near[k]) / len(near[k]) if near[k] else place[k] for k in row}
                row.sort(key=middle.__getitem__)
                place.update((k, i) for i, k in enumerate(row))
            crossings = self.crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in self.rows], crossings
        self.rows = best

    def crossings(self) -> int:
        total = 0
        for upper, lower in pairwise(self.rows):
            place = {k: i for i, k in enumerate(lower)}
            ends = [place[n] for k in upper for n in sorted(self.down[k], key=place.__getitem__)]
            total += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
        return total

    # ---- x

    def width_of(self, key: Key) -> float:
        return LANE if key in self.lanes else self.items[key].width

    def spread(self) -> None:
        """Centres near those of the neighbours above and below, in turn; never closer than the gap."""
        centre: dict[Key, float] = {}
        for row in self.rows:
            x = 0.0
            for key in row:
                centre[key] = x + self.width_of(key) / 2
                x += self.width_of(key) + GAP_X
        for sweep in range(48):
            order = self.rows if sweep % 2 == 0 else self.rows[::-1]
            for row in order:
                wish, weight = [], []
                for key in row:
                    near = self.wishes(key, centre, up=sweep > 11 or sweep % 2 == 0, down=sweep > 11 or sweep % 2 == 1)
                    total = sum(m for _, m in near)
                    wish.append(sum(x * m for x, m in near) / total if near else centre[key])
                    weight.append((0.2 if key in self.side else 4.0 if key in self.lanes else 1.0) if near else 0.1)
                widths = [self.width_of(key) for key in row]
                centre.update(zip(row, _apart(wish, weight, widths)))
        self.straighten(centre)
        left = min(centre[k] - self.width_of(k) / 2 for row in self.rows for k in row)
        right = max(centre[k] + self.width_of(k) / 2 for row in self.rows for k in row)
        group = self.group
        group.width = max(right - left + 2 * PAD, group.folded_width)
        shift = (group.width - (right - left)) / 2 - left
        group.rows = [[self.items[k] for k in row if k not in self.lanes] for row in self.rows]
        self.lane_x = {k: centre[k] + shift for row in self.rows for k in row if k in self.lanes}
        self.middle = {k: centre[k] + shift for k in self.items}  # before the group itself moves
        for key, item in self.items.items():
            x = centre[key] + shift - self.width_of(key) / 2
            if isinstance(item, Box):
                self.xs[key] = x
            else:
                self.below[key].move(x)
        if group.key is None:
            self.settle()

    def straighten(self, centre: dict[Key, float]) -> None:
        """Let an edge run straight down for as many rows as the boxes beside it allow, then bend once."""
        at = {k: (r, i) for r, row in enumerate(self.rows) for i, k in enumerate(row)}
        sources = dict.fromkeys(k[1] for row in self.rows for k in row if k in self.lanes)
        for u in sources:
            chain = [("lane", u, r) for r in range(self.count) if ("lane", u, r) in self.lanes]
            above = self.up[chain[0]]
            x = centre[above[0]] if above else centre[chain[0]]
            while chain:
                low, high, run = -math.inf, math.inf, 0
                for lane in chain:
                    r, i = at[lane]
                    row = self.rows[r]
                    room = lambda k: (self.width_of(k) + LANE) / 2 + GAP_X
                    left = max(low, centre[row[i - 1]] + room(row[i - 1])) if i else low
                    right = min(high, centre[row[i + 1]] - room(row[i + 1])) if i + 1 < len(row) else high
                    if left > right:
                        break
                    low, high, run = left, right, run + 1
                if not run:  # squeezed in already
                    x, run = centre[chain[0]], 1
                else:
                    x = min(max(x, low), high)
                for lane in chain[:run]:
                    centre[lane] = x
                chain = chain[run:]

    def wishes(self, key: Key, centre: dict[Key, float], up: bool, down: bool) -> list[tuple[float, float]]:
        """Where each neighbour would have this item, so that the line between them is straight, and what that counts.

        Long lines matter most. Leaves go where what takes them is, and not the other way round."""
        found = []
        for above, neighbours in ((True, self.up[key] if up else ()), (False, self.down[key] if down else ())):
            for n in neighbours:
                u = self.links[(n, key) if above else (key, n)]
                straight = centre[n] + self.port(n, u, not above) - self.port(key, u, above)
                long = key in self.lanes and n in self.lanes
                found.append((n in self.side, (straight, 8.0 if long else 1.0)))
        spine = [wish for side, wish in found if not side]
        return spine or [wish for _, wish in found]

    def port(self, key: Key, u: Key, entering: bool) -> float:
        """How far right of its middle an item is met by the edges from u, or left by them."""
        if key not in self.below:
            return 0.0
        level = self.below[key]
        lane = ("lane", u, 0 if entering else level.count - 1)
        if lane in level.lane_x:
            return level.lane_x[lane] - level.group.width / 2
        if entering:
            ends = {level.item_of[v] for w, v in self.pairs if w == u and v in level.item_of}
        else:
            ends = {level.item_of[u]}
        middles = [level.middle[k] + level.port(k, u, entering) for k in ends]
        return sum(middles) / len(middles) - level.group.width / 2

    def move(self, dx: float) -> None:
        """This group and all inside, to the right."""
        self.group.x += dx
        for key, item in self.items.items():
            if isinstance(item, Box):
                self.xs[key] += dx
            else:
                self.below[key].move(dx)
        self.lane_x = {k: x + dx for k, x in self.lane_x.items()}

    def settle(self) -> None:
        """Put the final x into the stretches, in the order in which an edge meets them."""
        levels: dict[Key, _Level] = {}
        stack = [self]
        while stack:
            level = stack.pop()
            levels[level.group.key] = level
            stack.extend(level.below.values())
        for (u, v), parts in self.stretches.items():
            from_u = {k: n for n, k in enumerate(reversed([None, *self.all_boxes[u].groups]))}
            to_v = {k: n for n, k in enumerate([None, *self.all_boxes[v].groups])}

            def turn(part: Any, from_u: Any = from_u, to_v: Any = to_v) -> tuple[int, int, int]:
                _, group, r = part
                inside_u, inside_v = group in from_u, group in to_v
                if inside_u and inside_v:
                    return 1, 0, r
                return (0, from_u[group], r) if inside_u else (2, to_v[group], r)

            parts.sort(key=turn)
            self.stretches[u, v] = [(levels[g].lane_x[lane], g, r) for lane, g, r in parts]


def _apart(wish: Sequence[float], weight: Sequence[float], widths: Sequence[float]) -> list[float]:
    """The centres nearest to the wished ones (least squares) that keep the order and the gaps.

    With the gaps taken off this is isotonic regression: neighbours that would overlap are pooled."""
    offsets, x = [], 0.0
    for k, width in enumerate(widths):
        x += (widths[k - 1] + width) / 2 + GAP_X if k else 0.0
        offsets.append(x)
    pools: list[list[float]] = []  # [weighted mean, weight, how many]
    for w, m, o in zip(wish, weight, offsets):
        pools.append([w - o, m, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            b, a = pools.pop(), pools.pop()
            total = a[1] + b[1]
            pools.append([(a[0] * a[1] + b[0] * b[1]) / total, total, a[2] + b[2]])
    means = [mean for mean, _, n in pools for _ in range(int(n))]
    return [mean + o for mean, o in zip(means, offsets)]
