"""Layouts: nothing overlaps, edges go down and round the boxes, labels fit, in every state of folding."""

import itertools

import hypothesis.strategies as st
import pytest
from hypothesis import given

from minidl.viz.layout import FOLDED, Box, arrange, fitted, text_width
from minidl.viz.stepper import page
from minidl.viz.stepper.passes import Pass
from minidl.viz.stepper.story import Story
from minidl.viz.stepper.values import Values
from minidl.viz.tape import tape_of

from .graphs import ALL, lstm


def check(drawn, closed=()):
    """Everything that a drawing must be."""
    placed = drawn.place(closed)
    shown = {**placed.boxes, **placed.folded}
    for (a, r), (b, q) in itertools.combinations(shown.items(), 2):
        assert not r.overlaps(q), f"{a} and {b} overlap"
    for key, r in {**shown, **placed.groups}.items():
        assert r.x >= 0 and r.y >= 0 and r.x + r.width <= placed.width and r.y + r.height <= placed.height, key
    for key, r in placed.groups.items():
        for inner, q in {**shown, **placed.groups}.items():
            path = drawn.groups[inner].path if inner in drawn.groups else drawn.boxes[inner].groups
            assert r.contains(q) if key in path else inner == key or not r.overlaps(q) or q.contains(r), (key, inner)
    for (u, v), parts in placed.edges.items():
        heights = [y for _, top, bottom in parts for y in (top, bottom)]
        assert heights == sorted(heights), f"the edge {u} -> {v} turns upwards"
        start, end = shown[drawn.shown(u, closed)], shown[drawn.shown(v, closed)]
        assert heights[0] == start.y + start.height and heights[-1] == end.y
        assert end.x <= parts[-1][0] <= end.x + end.width
        for x, top, bottom in parts:
            for key, r in shown.items():
                through = r.x < x < r.x + r.width and top < r.y + r.height - 1e-6 and bottom > r.y + 1e-6
                assert not through, f"the edge {u} -> {v} runs through {key}"
    return placed


@pytest.mark.parametrize("name", ALL)
def test_every_graph_in_every_state_of_folding(name):
    tape = tape_of(*ALL[name]())
    drawn = page.arrange(tape)
    groups = [g for g in drawn.groups if g is not None]
    placed = check(drawn)
    assert set(placed.boxes) == {e.index for e in tape.entries}
    assert len(placed.edges) == len(tape.edges)
    for closed in [*([g] for g in groups), groups, groups[1:]]:
        folded = check(drawn, closed)
        assert folded.height <= placed.height + 1e-6 and folded.width <= placed.width + 1e-6
        assert all(r.height == FOLDED for r in folded.folded.values())


@pytest.mark.parametrize("name", ALL)
def test_labels_fit_into_their_boxes(name):
    tape = tape_of(*ALL[name]())
    drawn, story = page.arrange(tape), Story(tape, Pass(), Values())
    for e in tape.entries:
        room = drawn.boxes[e.index].width - 2 * page.MARGIN - (0 if page.single(e) else 2 * page.SWATCH + page.MARGIN)
        assert text_width(page.label(e, story, tape), page.TITLE) <= room
        assert text_width(page.subtitle(e), page.TEXT) <= room
    for call, key in page.group_keys(tape).items():
        group = drawn.groups[key]
        assert text_width(page.group_label(call), page.TITLE) <= group.folded_width


def test_a_long_unrolled_network():
    tape = tape_of(*lstm(steps=4))
    assert len(tape.ops) > 60
    drawn = page.arrange(tape)
    check(drawn)
    check(drawn, [g for g in drawn.groups if g is not None])


@given(st.data())
def test_any_graph(data):
    """Random graphs with nested groups; the boxes of a group stand together, as those of a call do."""
    n = data.draw(st.integers(1, 14))
    size = st.integers(20, 200)
    cuts = data.draw(st.lists(st.integers(0, n), max_size=4))
    spans = sorted({tuple(sorted(p)) for p in zip(cuts[::2], cuts[1::2])}, key=lambda s: s[0] - s[1])
    spans = [s for k, s in enumerate(spans) if all(s[1] <= t[0] or t[1] <= s[0] or t[0] <= s[0] and s[1] <= t[1]
                                                    for t in spans[:k])]  # fmt: skip
    inside = lambda k: tuple(f"g{i}" for i, (a, b) in enumerate(spans) if a <= k < b)
    boxes = [Box(k, data.draw(size), data.draw(size), inside(k)) for k in range(n)]
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
    edges = data.draw(st.lists(st.sampled_from(pairs), max_size=25)) if pairs else []
    drawn = arrange(boxes, edges)
    groups = [g for g in drawn.groups if g is not None]
    check(drawn)
    check(drawn, data.draw(st.lists(st.sampled_from(groups))) if groups else [])


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="cycle"):
        arrange([Box("a", 10, 10), Box("b", 10, 10)], [("a", "b"), ("b", "a")])


def test_texts_are_measured_generously_and_cut_where_they_must_be():
    assert text_width("abc", 10) == pytest.approx(18.3)
    assert text_width("x\u0304", 10) == text_width("x", 10)
    assert text_width("学", 10) > text_width("x", 10)
    assert fitted("short", 10, 100) == "short"
    cut = fitted("features.0.weight", 10, 60)
    assert "features.0.weight".startswith(cut[:-1]) and cut.endswith("…") and text_width(cut, 10) <= 60
