"""Initial values: bounds and moments, patterns, refusals; gradient clipping and parameter vectors."""

import math

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn import init, utils

SHAPES = {"matrix": (60, 80), "convolution": (20, 15, 4, 4)}


def fans(shape):
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_bounds_and_moments(shape):
    minidl.manual_seed(0)
    fan_in, fan_out = fans(shape)
    x = minidl.empty(shape)
    leaky = math.sqrt(2 / (1 + 0.2**2))
    for fill, low, high, std in [
        (lambda: init.uniform_(x, -2, 3), -2, 3, 5 / 12**0.5),
        (lambda: init.xavier_uniform_(x, gain=2.0), *2 * (math.sqrt(24 / (fan_in + fan_out)),), None),
        (lambda: init.kaiming_uniform_(x, a=0.2), *2 * (leaky * math.sqrt(3 / fan_in),), None),
        (lambda: init.kaiming_uniform_(x, mode="fan_out", nonlinearity="relu"), *2 * (math.sqrt(6 / fan_out),), None),
    ]:
        assert fill() is x
        low = -low if std is None else low
        v, std = x.numpy(), (high - low) / 12**0.5
        assert low <= v.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < v.max() <= high
        assert abs(v.mean() - (low + high) / 2) < 5 * std / v.size**0.5
        assert abs(v.std() - std) < 0.03 * std
    for fill, mean, std in [
        (lambda: init.normal_(x, 1.0, 0.5), 1.0, 0.5),
        (lambda: init.xavier_normal_(x), 0.0, math.sqrt(2 / (fan_in + fan_out))),
        (lambda: init.kaiming_normal_(x, nonlinearity="tanh"), 0.0, 5 / 3 / math.sqrt(fan_in)),
        (lambda: init.kaiming_normal_(x, mode="fan_out"), 0.0, math.sqrt(2 / fan_out)),
        (lambda: init.trunc_normal_(x, std=0.5, a=-9, b=9), 0.0, 0.5),
    ]:
        v = fill().numpy()
        assert abs(v.mean() - mean) < 5 * std / v.size**0.5
        assert abs(v.std() - std) < 0.04 * std
        assert np.abs(v - mean).max() > 3 * std
    v = init.trunc_normal_(x, 0.5, 1.0, -1.0, 1.0).numpy()
    assert -1 <= v.min() < -0.95
    assert 0.95 < v.max() <= 1


def test_patterns():
    assert init.constant_(minidl.empty(3), 2.5).tolist() == [2.5] * 3
    assert init.ones_(minidl.empty(2)).tolist() == [1, 1]
    assert init.zeros_(minidl.empty(2)).tolist() == [0, 0]
    np.testing.assert_array_equal(init.eye_(minidl.empty(2, 3)).numpy(), np.eye(2, 3))
    conv = nn.Conv2d(4, 4, 3, padding=1, bias=False, groups=1)
    init.dirac_(conv.weight)
    x = minidl.randn(1, 4, 5, 5)
    np.testing.assert_allclose(conv(x).detach().numpy(), x.numpy(), rtol=1e-6)
    for shape in ((5, 3), (3, 5), (4, 2, 3)):
        q = init.orthogonal_(minidl.empty(shape, dtype=minidl.float64), gain=2.0).numpy().reshape(shape[0], -1)
        small = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
        np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)
    s = init.sparse_(minidl.empty(10, 6), 0.33).numpy()
    assert ((s == 0).sum(0) == 4).all()


def test_a_generator_and_a_parameter():
    a, b = (init.normal_(minidl.empty(5), generator=minidl.Generator().manual_seed(3)).tolist() for _ in range(2))
    assert a == b
    p = nn.Parameter(minidl.zeros(3, 4))
    init.xavier_uniform_(p, generator=minidl.Generator().manual_seed(3))
    assert p.is_leaf
    assert p.requires_grad
    assert float(p.abs().sum()) > 0


def test_what_is_refused():
    for wrong, why in [
        (lambda: init.xavier_normal_(minidl.empty(3)), "at least 2 axes"),
        (lambda: init.eye_(minidl.empty(3)), "a matrix"),
        (lambda: init.dirac_(minidl.empty(3, 3)), "3, 4 or 5 axes"),
        (lambda: init.orthogonal_(minidl.empty(3)), "at least 2 axes"),
        (lambda: init.sparse_(minidl.empty(3), 0.1), "a matrix"),
        (lambda: init.kaiming_normal_(minidl.empty(3, 3), mode="fan"), "fan_in"),
        (lambda: init.calculate_gain("swish"), "no gain is known"),
        (lambda: init.trunc_normal_(minidl.empty(3), 0, 1, 2, 1), "a < b"),
        (lambda: init.trunc_normal_(minidl.empty(3), 0, 1, 50, 60), "nearer"),
    ]:
        with pytest.raises(ValueError, match=why):
            wrong()
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_uniform_(minidl.empty(0, 3))


def test_gains_are_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"):
        assert init.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


def with_grads(lib, grads):
    made = []
    for g in grads:
        p = lib.nn.Parameter(lib.zeros(g.shape))
        p.grad = lib.tensor(g.copy())
        made.append(p)
    return [*made, lib.nn.Parameter(lib.zeros(2))]  # one without a gradient


@pytest.mark.parametrize("order", [2.0, 1.0, 3.5, float("inf")])
def test_clipping_is_pytorchs(order, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    grads = [rng.normal(size=s).astype("float32") for s in ((3, 4), (2,), ())]
    for limit in (0.1, 100.0):
        ours, theirs = with_grads(minidl, grads), with_grads(torch, grads)
        a = utils.clip_grad_norm_(ours, limit, order)
        b = torch.nn.utils.clip_grad_norm_(theirs, limit, order)
        np.testing.assert_allclose(float(a), float(b), rtol=1e-6)
        for p, q in zip(ours[:-1], theirs, strict=False):
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-5)
    utils.clip_grad_value_(ours, 0.01)
    assert all(float(p.grad.abs().max()) <= 0.01 + 1e-9 for p in ours[:-1])


def test_clipping_edge_cases():
    assert float(utils.clip_grad_norm_([], 1.0)) == 0
    p = nn.Parameter(minidl.zeros(2))
    p.grad = minidl.tensor([float("nan"), 1.0])
    with pytest.raises(RuntimeError, match="cannot be clipped"):
        utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)


def test_parameters_as_a_vector():
    net = nn.Linear(2, 3)
    v = utils.parameters_to_vector(net.parameters())
    assert v.shape == (9,)
    utils.vector_to_parameters(v * 0 + 1, net.parameters())
    assert (net.weight == 1).all()
    assert (net.bias == 1).all()
    with pytest.raises(ValueError, match="hold 9 numbers"):
        utils.vector_to_parameters(minidl.zeros(8), net.parameters())
    with pytest.raises(TypeError, match="a tensor"):
        utils.vector_to_parameters([1.0], net.parameters())
