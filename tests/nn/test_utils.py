"""nn.utils beside PyTorch's: parametrizations, fused and stateless modules, norms of gradients."""

import copy

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn.utils import parametrizations, parametrize

from .twins import compare

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")

LAYERS = [
    (lambda nn: nn.Linear(3, 5), (4, 3)),
    (lambda nn: nn.Linear(5, 3), (4, 5)),
    (lambda nn: nn.Linear(4, 4), (3, 4)),
    (lambda nn: nn.Conv2d(2, 3, 2), (1, 2, 4, 3)),
    (lambda nn: nn.ConvTranspose1d(2, 3, 2), (1, 2, 4)),
]
WAYS = [
    ("weight_norm", {}), ("weight_norm", {"dim": None}), ("weight_norm", {"dim": 1}), ("spectral_norm", {}),
    ("spectral_norm", {"n_power_iterations": 3}),
]  # fmt: skip
MAPS = [
    {}, {"orthogonal_map": "cayley"}, {"orthogonal_map": "matrix_exp"}, {"orthogonal_map": "householder"},
    {"orthogonal_map": "householder", "use_trivialization": False},
]  # fmt: skip


def pair(make, wrap):
    """A layer here and in PyTorch, both wrapped, with one state."""
    ours, theirs = wrap(make(nn).double(), minidl.nn.utils), wrap(make(torch.nn).double(), torch.nn.utils)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@pytest.mark.parametrize("make, shape", LAYERS)
@pytest.mark.parametrize("way, options", WAYS, ids=str)
def test_parametrizations_are_pytorchs(make, shape, way, options, rng):
    ours, theirs = pair(make, lambda m, utils: getattr(utils.parametrizations, way)(m, **options))
    for training in (True, False, True):
        ours.train(training)
        theirs.train(training)
        compare(ours, theirs, torch, rng, rng.normal(size=shape))
    np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), rtol=1e-9)
    assert type(ours).__name__ == type(theirs).__name__


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
@pytest.mark.parametrize("make, shape", LAYERS[2:])
@pytest.mark.parametrize("way, options", WAYS, ids=str)
def test_the_older_ones_are_pytorchs(make, shape, way, options, rng):
    ours, theirs = pair(make, lambda m, utils: getattr(utils, way)(m, **options))
    for training in (True, False, True):
        ours.train(training)
        theirs.train(training)
        compare(ours, theirs, torch, rng, rng.normal(size=shape))
    x = rng.normal(size=shape)
    plain = [getattr(u, f"remove_{way}")(m) for u, m in ((minidl.nn.utils, ours), (torch.nn.utils, theirs))]
    assert sorted(plain[0].state_dict()) == sorted(plain[1].state_dict())
    compare(ours.eval(), theirs.eval(), torch, rng, x)
    with pytest.raises(ValueError, match="not found"):
        getattr(minidl.nn.utils, f"remove_{way}")(ours)


@pytest.mark.parametrize("make, shape", LAYERS[:3])
@pytest.mark.parametrize("options", MAPS, ids=str)
def test_orthogonal_weights_are_pytorchs(make, shape, options, rng):
    ours, theirs = pair(make, lambda m, utils: utils.parametrizations.orthogonal(m, **options))
    with torch.no_grad():
        away = torch.tensor(rng.normal(size=tuple(theirs.weight.shape)) * 0.1).tril(-1)
        theirs.parametrizations.weight.original.add_(away)
    ours.load_state_dict(theirs.state_dict())
    compare(ours, theirs, torch, rng, rng.normal(size=shape))
    w = ours.weight.detach().numpy()
    small = min(w.shape)
    product = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(product, np.eye(small), atol=1e-12)
    fresh = make(nn).double()
    q = np.linalg.qr(rng.normal(size=(5, 5)))[0][: fresh.weight.shape[0], : fresh.weight.shape[1]]
    if options.get("use_trivialization", True) or options["orthogonal_map"] == "householder":
        u, _, v = np.linalg.svd(q, full_matrices=False)
        parametrizations.orthogonal(fresh, **options)
        fresh.weight = minidl.tensor(u @ v)
        np.testing.assert_allclose(fresh.weight.detach().numpy(), u @ v, atol=1e-12)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T

    def right_inverse(self, x):
        return x.triu()


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x

    def right_inverse(self, x):
        return x / 2


def test_parametrizations_stack_and_come_off():
    layer = nn.Linear(3, 3)
    plain, kept = type(layer), layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert minidl.equal(layer.weight, layer.weight.T)
    before = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_allclose(layer.weight.tolist(), before.tolist(), rtol=1e-6)
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    assert parametrize.type_before_parametrizations(layer) is plain
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer.weight = minidl.eye(3)
    assert layer.weight.tolist() == minidl.eye(3).tolist()
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight
    twin = copy.deepcopy(layer)
    twin.weight = minidl.ones(3, 3)
    assert layer.weight.tolist() == minidl.eye(3).tolist()
    layer(minidl.ones(1, 3)).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is plain
    assert layer.weight.tolist() == minidl.eye(3).tolist()
    assert list(layer.state_dict()) == ["bias", "weight"]
    assert isinstance(layer.weight, nn.Parameter)
    del kept
    with pytest.raises(ValueError, match="does not have a parametrization"):
        parametrize.remove_parametrizations(layer, "weight")
    with pytest.raises(ValueError, match="does not have a parameter"):
        parametrize.register_parametrization(layer, "nothing", Doubled())

    class Flat(nn.Module):
        def forward(self, x):
            return x.flatten()

    with pytest.raises(ValueError, match="unsafe=True"):
        parametrize.register_parametrization(layer, "weight", Flat())


def test_a_layer_that_shares_a_parametrization():
    one, two = nn.Linear(3, 3), nn.Linear(3, 3)
    parametrize.register_parametrization(one, "weight", Symmetric())
    parametrize.transfer_parametrizations_and_params(one, two)
    assert minidl.equal(one.weight, two.weight)


@pytest.mark.parametrize("bias", [True, False])
def test_batch_norms_are_fused(bias, rng):
    def settled(bn):
        bn.running_mean.normal_()
        bn.running_var.uniform_(0.5, 2)
        with minidl.no_grad():
            bn.weight.normal_()
        return bn.eval()

    x = minidl.tensor(rng.normal(size=(2, 4, 5, 5)))
    for conv in (nn.Conv2d(4, 6, 3, groups=2, bias=bias), nn.ConvTranspose2d(4, 6, 3, bias=bias)):
        conv, bn = conv.double().eval(), settled(nn.BatchNorm2d(6).double())
        fused = nn.utils.fuse_conv_bn_eval(conv, bn, conv.transposed)
        assert minidl.allclose(fused(x), bn(conv(x)))
    linear, bn = nn.Linear(5, 3, bias=bias).double().eval(), settled(nn.BatchNorm1d(3).double())
    x = minidl.tensor(rng.normal(size=(2, 5)))
    assert minidl.allclose(nn.utils.fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)))


def test_functional_call_leaves_the_module_as_it_was(rng):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    given = {key: minidl.zeros(value.shape, requires_grad=True) for key, value in before.items()}
    call = nn.utils.stateless.functional_call
    y = call(net, given, minidl.ones(1, 3))
    assert y.tolist() == [[0, 0]]
    y.sum().backward()
    assert given["2.bias"].grad.tolist() == [1, 1]
    assert all(p.grad is None for p in net.parameters())
    part = call(net, {"2.bias": minidl.ones(2)}, (minidl.ones(1, 3),))
    assert minidl.allclose(part, net(minidl.ones(1, 3)) - before["2.bias"] + 1)
    for key, value in net.state_dict().items():
        assert minidl.equal(value, before[key])
    with pytest.raises(RuntimeError, match="unexpected x"):
        call(net, {"x": minidl.ones(1)}, minidl.ones(1, 3))
    with pytest.raises(RuntimeError, match="missing"):
        call(net, {"2.bias": minidl.ones(2)}, minidl.ones(1, 3), strict=True)


def test_skip_init_draws_nothing():
    minidl.manual_seed(0)
    first = minidl.rand(1)
    minidl.manual_seed(0)
    layer = nn.utils.skip_init(nn.Linear, 3, 4)
    assert type(layer) is nn.Linear
    assert layer.weight.shape == (4, 3)
    assert minidl.equal(first, minidl.rand(1))


@pytest.mark.parametrize("norm", [1.0, 2.0, 3.5, float("inf")])
def test_norms_of_gradients_are_pytorchs(norm, rng):
    values = [rng.normal(size=shape) for shape in ((3, 4), (5,), ())]
    found = []
    for lib in (minidl, torch):
        parameters = [lib.nn.Parameter(lib.tensor(v)) for v in values]
        for p, v in zip(parameters, values):
            p.grad = lib.tensor(v * 3)
        total = lib.nn.utils.get_total_norm([p.grad for p in parameters], norm)
        clipped = lib.nn.utils.clip_grad_norm_(parameters, 1.0, norm)
        assert float(clipped) == float(total)
        found.append([float(total), *(p.grad.tolist() for p in parameters)])
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-9)
