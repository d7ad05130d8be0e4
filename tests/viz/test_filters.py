"""Kernels and feature maps: the numbers drawn are the layer's, each at its place, and the model stays as it was."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import minidl
from minidl import nn, viz
from minidl.viz.filters import mosaic


@pytest.fixture(autouse=True)
def seeded():
    before = minidl.get_rng_state()
    minidl.manual_seed(0)
    yield
    minidl.set_rng_state(before)


def drawn(ax):
    return np.ma.filled(ax.images[0].get_array(), np.nan)


def test_kernels_of_grey_pictures_stand_in_a_square():
    layer = nn.Conv2d(1, 6, 5)
    ax = viz.convolution_filters(layer)
    whole, w = drawn(ax), layer.weight.detach().numpy()
    assert whole.shape == (2 * 5 + 1, 3 * 5 + 2)
    np.testing.assert_array_equal(whole[:5, :5], w[0, 0])
    np.testing.assert_array_equal(whole[6:, 12:], w[5, 0])
    assert np.isnan(whole[5]).all()  # the gap
    low, high = ax.images[0].get_clim()
    assert -low == high == abs(w).max()
    assert ax.get_title() == "6 kernels of 5 × 5"


def test_kernels_of_photographs_are_in_colour_and_zero_is_grey():
    ax = viz.convolution_filters(np.stack([np.zeros((3, 3, 3)), np.full((3, 3, 3), 0.2)]))
    whole = drawn(ax)
    assert whole.shape == (3, 7, 3)
    assert (whole[:, :3] == 0.5).all() and (whole[:, 4:] == 1).all()


def test_deeper_kernels_have_a_row_each():
    w = np.arange(4 * 5 * 3 * 3).reshape(4, 5, 3, 3)
    ax = viz.convolution_filters(w, most=2)
    whole = drawn(ax)
    assert whole.shape == (2 * 3 + 1, 2 * 3 + 1)
    np.testing.assert_array_equal(whole[4:, 4:], w[1, 1])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("input, the first 2", "kernel")
    assert ax.get_title() == "4 kernels of 3 × 3, the first 2"


def test_feature_maps_are_what_the_layer_gives():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()
    x = minidl.randn(1, 8, 8)
    ax = Figure().subplots()
    assert viz.feature_maps(model, x, ax=ax) is ax
    expected = model[0](x.unsqueeze(0))[0].detach().numpy()
    np.testing.assert_array_equal(drawn(ax)[:6, :6], expected[0])
    np.testing.assert_array_equal(drawn(ax)[7:, 7:], expected[3])
    relu = drawn(viz.feature_maps(model, x.unsqueeze(0), "2", most=2))
    assert relu.shape == (6, 13) and np.nanmin(relu) == 0
    assert not model._modules["2"]._forward_hooks


def test_a_mosaic_need_not_be_full():
    ax = mosaic(np.ones((3, 2, 2)), 2, None)
    assert np.isnan(drawn(ax)[3:, 3:]).all() and np.nansum(drawn(ax)) == 12


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda net: viz.convolution_filters(net[4]), r"\(O, C, kh, kw\) is needed, got shape \(3, 144\)"),
        (lambda net: viz.feature_maps(net, minidl.zeros(2, 1, 8, 8)), r"one picture \(C, H, W\)"),
        (lambda net: viz.feature_maps(net, minidl.zeros(1, 8, 8), "conv"), "no layer 'conv'; it has 0, 1, 2, 3, 4"),
        (lambda net: viz.feature_maps(net, minidl.zeros(1, 8, 8), "4"), r"4 gives no maps .* but \(3,\)"),
        (lambda net: viz.feature_maps(net[3:], minidl.zeros(1, 12, 12)), "no layer with kernels"),
    ],
)
def test_what_cannot_be_is_said(call, said):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    with pytest.raises(ValueError, match=said):
        call(net)
