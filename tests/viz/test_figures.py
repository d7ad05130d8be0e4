"""Figures: axes in, axes out, labelled, no display, the numbers drawn are the numbers; models are left as they were."""

import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import minidl
from minidl import nn, viz
from minidl.nn import functional as F
from minidl.viz import gradients, histograms, landscape, race
from minidl.viz.figures import COLOURS


def net():
    minidl.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def trained(model):
    x, y = minidl.randn(8, 1, 8, 8), minidl.arange(8) % 3
    loss = lambda: F.cross_entropy(model(x), y)
    loss().backward()
    return x, loss


def unrolled(scale, steps=12):
    minidl.manual_seed(1)
    w = minidl.eye(4) * scale
    states = [minidl.randn(2, 4, requires_grad=True)]
    for _ in range(steps):
        states.append(states[-1] @ w)
    return states[-1].sum(), states[1:]


def draw(name, ax=None):
    model = net()
    x, loss = trained(model)
    if name == "gradient_flow":
        return viz.gradient_flow(model, ax=ax)
    if name == "weight_histograms":
        return viz.weight_histograms(model, ax=ax)
    if name == "activation_histograms":
        return viz.activation_histograms(model, x, ax=ax)
    if name == "loss_landscape":
        return viz.loss_landscape(model, loss, ax=ax, points=3)
    if name == "gradients_through_time":
        return viz.gradients_through_time(*unrolled(0.5), ax=ax)
    return viz.optimizer_race("himmelblau", ax=ax, steps=20, rates=(0.01,))


SINGLE = [
    "gradient_flow", "weight_histograms", "activation_histograms", "loss_landscape", "gradients_through_time",
    "optimizer_race",
]  # fmt: skip


@pytest.mark.parametrize("name", SINGLE)
def test_axes_are_taken_and_returned_and_labelled(name, tmp_path):
    ax = Figure().subplots()
    assert draw(name, ax) is ax
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title()
    made = draw(name)
    assert isinstance(made.figure, Figure)
    made.figure.savefig(tmp_path / "it.png", dpi=40)
    assert "matplotlib.pyplot" not in sys.modules or not matplotlib.pyplot.get_fignums()


def test_a_prompt_with_pyplot_gets_a_figure_that_it_shows():
    from matplotlib import pyplot

    backend, interactive = matplotlib.get_backend(), matplotlib.is_interactive()
    try:
        pyplot.switch_backend("agg")
        pyplot.ion()
        ax = viz.weight_histograms(net())
        assert pyplot.fignum_exists(ax.figure.number)
    finally:
        pyplot.close("all")
        matplotlib.interactive(interactive)
        pyplot.switch_backend(backend)


def test_text_follows_the_style():
    with matplotlib.rc_context({"axes.labelcolor": "white"}):
        ax = viz.weight_histograms(net())
    assert {text.get_color() for text in ax.texts} == {"white"}


def test_attention_maps():
    weights = F.softmax(minidl.randn(5, 3, 4), dim=-1)
    axes = viz.attention_maps(weights, list("abc"), list("wxyz"))
    assert axes.shape == (2, 4)
    assert sum(ax.has_data() for ax in axes.flat) == 5
    np.testing.assert_array_equal(axes[0, 1].images[0].get_array(), weights[1].numpy())
    assert [t.get_text() for t in axes[1, 0].get_yticklabels()] == list("abc")
    ax = Figure().subplots()
    assert viz.attention_maps(weights[0], axes=ax)[0] is ax
    for bad, match in [((weights[0, 0],), "expected"), ((weights, ["a"]), "3 queries and 1 names")]:
        with pytest.raises(ValueError, match=match):
            viz.attention_maps(*bad)
    with pytest.raises(ValueError, match="do not fit on 1 axes"):
        viz.attention_maps(weights, axes=ax)


def test_gradients_through_time_are_those_of_the_chain():
    """h ← h · c: each step back multiplies the gradient by c."""
    loss, states = unrolled(0.5)
    norms = gradients.norms_through_time(loss, states)
    np.testing.assert_allclose(norms, [8**0.5 * 0.5**k for k in range(11, -1, -1)], rtol=1e-5)
    x = minidl.randn(6, 2, 4, requires_grad=True)
    last = gradients.norms_through_time((x[2:] * 3).sum(), x)
    np.testing.assert_allclose(last, [0, 0] + [3 * 8**0.5] * 4, rtol=1e-5)
    ax = viz.gradients_through_time({"a": loss, "b": loss}, {"a": states, "b": states[:3]})
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), norms)
    viz.gradients_through_time((x[2:] * 3).sum(), x, ax=ax, label="c")
    assert ax.lines[2].get_color() == COLOURS[2]
    with pytest.raises(TypeError, match="sequence of tensors"):
        viz.gradients_through_time(loss, 3)


def test_gradients_by_lag():
    """A panel for each cell; a line is the median over runs, from the last step back, in parts of that step's."""
    runs = [[1.0, 2.0, 4.0], [0.0, 1.0, 2.0], [3.0, 3.0, 3.0]]
    axes = viz.gradients_by_lag({"RNN": {"untrained": runs, "trained": runs[:1]}, "LSTM": {"trained": runs[2:]}})
    assert [ax.get_title() for ax in axes] == ["RNN", "LSTM"]
    assert axes[0].get_xlabel() == "steps back" and axes[0].get_ylabel()
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), [1, 0.5, 0.25])
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), [1, 1, 1])
    assert [line.get_label() for line in axes[0].lines] == ["untrained", "trained"]
    ax = Figure().subplots()
    assert viz.gradients_by_lag({"RNN": {"a": runs}}, [ax])[0] is ax
    with pytest.raises(ValueError, match="the last step's, which is 0.0"):
        viz.gradients_by_lag({"RNN": {"a": [[1.0, 0.0]]}})


def test_gradient_sizes():
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=r"call backward\(\)"):
        viz.gradient_flow(model)
    model.weight.grad, model.bias.grad = minidl.tensor([[3.0, -4.0], [0.0, 0.0]]), minidl.zeros(2)
    assert gradients.gradient_sizes(model) == [("weight", 2.5, 4.0), ("bias", 0.0, 0.0)]
    labels = [t.get_text() for t in viz.gradient_flow(model).get_legend().get_texts()]
    assert "zero, NaN or infinite" in labels


def test_the_landscape_is_that_of_the_loss_and_the_model_is_as_before():
    model = net()
    _, loss = trained(model)
    before = {k: v.numpy().copy() for k, v in model.state_dict().items()}
    model.eval()
    steps, losses = landscape.landscape(model, loss, points=5, seed=3)
    assert losses[2, 2] == pytest.approx(float(loss()), rel=1e-6)
    assert not np.isclose(losses[0, 0], losses[4, 4])
    again = landscape.landscape(model, loss, points=5, seed=3)[1]
    np.testing.assert_array_equal(losses, again)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
    d = landscape.direction(before["0.weight"], np.random.default_rng(0))
    lengths = lambda w: (w.reshape(4, -1).astype(float) ** 2).sum(1)
    np.testing.assert_allclose(lengths(d), lengths(before["0.weight"]), rtol=1e-6)

    def fails():
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        landscape.landscape(model, fails)
    np.testing.assert_array_equal(model[0].weight.detach().numpy(), before["0.weight"])
    with pytest.raises(ValueError, match="at least 2 points"):
        landscape.landscape(model, loss, points=1)


def test_activations_by_layer():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    twice = nn.Sequential(model, nn.Linear(4, 3), model)
    found = histograms.activations(twice, minidl.ones(2, 3))
    assert list(found) == ["0.0 Linear", "0.1 ReLU", "1 Linear", "0.0 Linear, call 2", "0.1 ReLU, call 2"]
    assert not any(m._forward_hooks for m in twice.modules())
    model[0].weight.data[0] = float("nan")
    assert "2 not finite" in [t.get_text() for t in viz.activation_histograms(model, minidl.ones(2, 3)).texts][0]
    for wrong in (lambda: viz.weight_histograms(nn.ReLU()), lambda: viz.activation_histograms(nn.Sequential(), 1)):
        with pytest.raises(ValueError):
            wrong()


@pytest.mark.parametrize("name", race.SURFACES)
def test_surfaces_have_their_minima_where_they_are_said_to_be(name):
    s = race.SURFACES[name]
    for x, y in s.minima:
        assert s.function(x, y) == pytest.approx(s.lowest, abs=1e-9)
    x, y = np.meshgrid(np.linspace(*s.x, 101), np.linspace(*s.y, 101))
    assert s.function(x, y).min() >= s.lowest
    assert s.x[0] < s.start[0] < s.x[1] and s.y[0] < s.start[1] < s.y[1]


def test_the_race():
    paths = race.race("himmelblau", steps=60)
    assert set(paths) == set(race.OPTIMIZERS)
    for path in paths.values():
        assert path.values[-1] < path.values[0] and len(path.places) == len(path.values)
    assert paths["SGD"].arrived is not None
    wild = race.race("rosenbrock", {"SGD": race.OPTIMIZERS["SGD"]}, 10, rates=(1.0,))["SGD"]
    assert wild.values[-1] == np.inf
    with pytest.raises(ValueError, match="'rosenbrock', 'himmelblau'"):
        viz.optimizer_race("hill")
