"""viz.graph: the operations that ran, once each, as SVG and DOT; modules fold; models stay as they were."""

import re
import xml.etree.ElementTree as ET

import pytest

import minidl
from minidl import nn, viz
from minidl.demo.networks import CNN
from minidl.viz.layout import Rect


def texts(svg):
    return [t.text for t in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def loss_of(x, w):
    h = (w @ x).tanh()
    return ((h - 1) ** 2).mean() + h.sum()


def test_a_tensor_s_graph_in_the_callers_words():
    x, w = minidl.randn(3, requires_grad=True), minidl.randn(4, 3)
    loss = loss_of(x, w)
    graph = viz.graph(loss)
    svg = graph.svg
    assert graph._repr_svg_() == svg
    for word in ("x", "w", "4×3", "matmul", "tanh", "sub", "pow", "mean", "sum", "loss = add", "a number"):
        assert word in texts(svg)
    assert svg.count('class="op') == 7 and svg.count('class="leaf') == 1 and svg.count('class="constant') == 1
    assert 'class="op root"' in svg and "prefers-color-scheme:dark" in svg
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")  # nothing is fetched
    assert repr(graph) == "<A graph of 7 operations that ends in loss = add a number; .svg, .dot, .save(path)>"
    assert texts(viz.graph(loss, names={"input": x}).svg).count("input") == 1


def test_dot_has_each_edge_once():
    x = minidl.ones(2, requires_grad=True)
    dot = viz.graph((x * x).sum(), names={'a "b"\\': x}).dot
    assert dot.startswith("digraph minidl {") and dot.endswith("}")
    assert re.findall(r"n\d -> n\d", dot) == ["n0 -> n1", "n1 -> n2"]
    assert r'label="a \"b\"\\\n2"' in dot


def test_a_model_s_graph_costs_nothing_and_leaves_it_alone():
    with minidl.device("meta"):
        huge = nn.Sequential(nn.Linear(100_000, 100_000), nn.ReLU(), nn.Linear(100_000, 10))
    assert "100000×100000" in texts(viz.graph(huge, (1, 100_000)).svg)
    net = CNN()
    net.features[1].requires_grad_(False)
    state = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    graph = viz.graph(net, minidl.zeros(2, 1, 8, 8))
    assert net.training and all((v.numpy() == state[k]).all() for k, v in net.state_dict().items())
    assert not net.features[1].weight.requires_grad and net.features[0].weight.requires_grad
    assert {"input", "features: Sequential", "1: BatchNorm2d", "2: Linear"} <= set(texts(graph.svg))
    assert "weight" not in texts(graph.svg)


@pytest.mark.parametrize("depth, there, absent", [
    (0, ["features: Sequential", "classify: Sequential"], ["0: Conv2d", "weight"]),
    (1, ["features: Sequential", "0: Conv2d"], ["running_mean"]),
    (2, ["features: Sequential", "0: Conv2d", "running_mean", "weight"], []),
])  # fmt: skip
def test_depth_folds_by_module(depth, there, absent):
    graph = viz.graph(CNN(), (2, 1, 8, 8), depth=depth)
    for text in (texts(graph.svg), graph.dot):
        assert all(word in text for word in there)
        assert not any(word in text for word in absent)
    placed = graph.placed()
    boxes = list(placed.boxes.values())
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    whole = Rect(0, 0, placed.width, placed.height)
    assert all(whole.contains(r) for r in (*boxes, *placed.groups.values()))
    for (a, b), parts in placed.edges.items():
        assert parts[0][1] <= parts[-1][2] and a != b
    clusters = graph.dot.count("subgraph")
    assert clusters == len(placed.groups)


def test_computations_with_record_know_their_modules():
    net, x = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), minidl.ones(4, 2)
    with viz.record():
        loss = net(x).sum() * 2
    assert "Sequential" in texts(viz.graph(loss, depth=0).svg)
    assert "0: Linear" in texts(viz.graph(loss, depth=1).svg)


def test_files(tmp_path):
    x = minidl.ones(2, requires_grad=True)
    graph = viz.graph((x * 2).sum())
    assert graph.save(tmp_path / "a.svg").read_text(encoding="utf-8") == graph.svg + "\n"
    assert graph.save(str(tmp_path / "a.dot")).read_text(encoding="utf-8").startswith("digraph")
    with pytest.raises(ValueError, match="ends in .svg or .dot"):
        graph.save(tmp_path / "a.png")


def test_what_has_no_graph_is_said_in_words():
    with pytest.raises(RuntimeError, match="does not require gradients"):
        viz.graph(minidl.ones(2))
    with pytest.raises(TypeError, match="tensor"):
        viz.graph(3)
    with pytest.raises(TypeError, match="inputs go with a Module"):
        viz.graph(minidl.ones(2, requires_grad=True) * 2, (1, 2))
    with pytest.raises(ValueError, match="nothing that the model returned"):
        viz.graph(nn.Identity(), (1, 2))
    with pytest.raises(ValueError, match=r"Sequential\.1"):
        viz.graph(nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 1)), (1, 2))
