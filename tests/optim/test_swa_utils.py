"""Averages of weights, beside PyTorch's."""

import copy

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.optim import swa_utils


def network(lib, values=None):
    net = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4), lib.nn.Linear(4, 2)).double()
    if values is not None:
        net.load_state_dict({key: lib.tensor(value) for key, value in values.items()})
    return net


AVERAGES = [
    {},
    {"avg_fn": ("get_ema_avg_fn", 0.9)},
    {"multi_avg_fn": ("get_ema_multi_avg_fn", 0.8)},
    {"multi_avg_fn": ("get_swa_multi_avg_fn",)},
    {"avg_fn": ("get_swa_avg_fn",)},
    {"use_buffers": True},
    {"avg_fn": ("get_ema_avg_fn",), "use_buffers": True},
]


@pytest.mark.parametrize("settings", AVERAGES)
def test_averages_are_pytorchs(settings, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    values = {key: value.numpy() for key, value in network(minidl).state_dict().items()}
    noise = [{key: rng.normal(size=value.shape) for key, value in values.items()} for _ in range(4)]
    x = rng.normal(size=(20, 3))
    seen = []
    for lib in (minidl, torch):
        utils = lib.optim.swa_utils
        made = {k: v if v is True else getattr(utils, v[0])(*v[1:]) for k, v in settings.items()}
        net = network(lib, values)
        average = utils.AveragedModel(net, **made)
        for step in noise:
            with lib.no_grad():
                for key, t in net.state_dict().items():
                    t.add_(lib.tensor(np.abs(np.asarray(step[key]))).to(t.dtype))
            average.update_parameters(net)
        utils.update_bn([lib.tensor(x[:10]), [lib.tensor(x[10:]), None]], average)
        seen.append({key: value.numpy() for key, value in average.state_dict().items()})
        seen[-1]["y"] = average.eval()(lib.tensor(x)).detach().numpy()
        assert int(average.n_averaged) == 4
    assert seen[0].keys() == seen[1].keys()
    exact = settings.get("multi_avg_fn") != ("get_swa_multi_avg_fn",)  # there PyTorch rounds 1 / (n + 1) to float32
    for key, value in seen[0].items():
        np.testing.assert_allclose(value, seen[1][key], rtol=1e-9 if exact else 1e-7, atol=1e-12, err_msg=key)


def test_the_average_is_a_copy_and_saves():
    net = nn.Linear(2, 1)
    average = swa_utils.AveragedModel(net)
    with minidl.no_grad():
        net.weight += 1
    assert not (average.module.weight == net.weight).any()
    average.update_parameters(net)
    other = swa_utils.AveragedModel(nn.Linear(2, 1))
    other.load_state_dict(copy.deepcopy(average.state_dict()))
    assert (other.module.weight == net.weight).all()
    assert int(other.n_averaged) == 1


def test_update_bn_leaves_momentum_and_mode():
    net = network(minidl).eval()
    swa_utils.update_bn([minidl.ones(3, 3, dtype=minidl.float64)], net)
    assert (net.training, net[1].momentum) == (False, 0.1)
    swa_utils.update_bn([], nn.Linear(1, 1))


def test_what_is_refused():
    with pytest.raises(ValueError, match="Invalid decay value 2"):
        swa_utils.get_ema_avg_fn(2)
    with pytest.raises(AssertionError, match="Only one of"):
        swa_utils.AveragedModel(nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max)
