"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from collections import OrderedDict

import pytest

import minidl
from minidl import nn


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_sequential():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4)
    net = nn.Sequential(a, b, c)
    assert net(minidl.ones(5, 2)).shape == (5, 4)
    assert len(net) == 3
    assert net[0] is a
    assert net[-1] is c
    assert list(net) == [a, b, c]
    assert isinstance(net[1:], nn.Sequential)
    assert list(net[1:]) == [b, c]
    assert list(net[:2]._modules) == ["0", "1"]
    with pytest.raises(IndexError, match="out of range"):
        net[3]
    net.append(nn.Tanh()).extend([nn.Sigmoid()]).insert(0, nn.Identity())
    assert [type(m).__name__ for m in net] == ["Identity", "Linear", "ReLU", "Linear", "Tanh", "Sigmoid"]
    assert list(net._modules) == [str(k) for k in range(6)]
    del net[0], net[-1]
    assert names(net) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    net[1] = nn.ELU()
    assert isinstance(net[1], nn.ELU)
    assert isinstance(net.pop(-1), nn.Tanh)
    assert len(net + nn.Sequential(nn.ReLU())) == 4
    assert len(net * 2) == 6
    named = nn.Sequential(OrderedDict(first=a, second=c))
    assert named.first is a
    assert names(named) == ["first.weight", "first.bias", "second.weight", "second.bias"]
    assert named[1] is c
    assert list(named[1:]._modules) == ["second"]
    assert nn.Sequential()(3) == 3
    with pytest.raises(TypeError, match="a Module or None"):
        nn.Sequential(3)
    with pytest.raises(TypeError, match=r"the class ReLU itself \(make one: ReLU\(...\)\)"):
        nn.Sequential(nn.ReLU)


def test_module_list():
    layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])
    assert len(list(layers.parameters())) == 6
    assert layers[-1] is layers[2]
    assert isinstance(layers[:2], nn.ModuleList)
    layers += [nn.ReLU()]
    layers.insert(1, nn.Tanh())
    assert [type(m).__name__ for m in layers] == ["Linear", "Tanh", "Linear", "Linear", "ReLU"]
    del layers[1:3]
    assert len(layers) == 3
    assert list(layers._modules) == ["0", "1", "2"]
    assert len(layers + layers) == 6
    assert isinstance(layers.pop(), nn.ReLU)
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        layers(1)
    with pytest.raises(TypeError, match="an iterable"):
        layers.extend(3)
    with pytest.raises(IndexError, match="out of range"):
        layers[9]


def test_module_dict():
    d = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.ReLU()})
    d["c"] = nn.Tanh()
    assert list(d) == ["a", "b", "c"]
    assert "b" in d
    assert len(d) == 3
    assert list(d.keys()) == ["a", "b", "c"]
    assert [name for name, _ in d.items()] == ["a", "b", "c"]
    assert isinstance(d.pop("c"), nn.Tanh)
    del d["b"]
    d.update([("z", nn.ReLU())])
    assert names(d) == ["a.weight", "a.bias"]
    with pytest.raises(KeyError, match="there is no 'q'; there are 'a', 'z'"):
        d["q"]
    d.clear()
    assert list(d.values()) == []


def test_parameter_list_and_dict():
    ps = nn.ParameterList([nn.Parameter(minidl.zeros(2)), minidl.ones(3)])
    assert names(ps) == ["0", "1"]
    assert isinstance(ps[1], nn.Parameter)
    assert ps[-1] is ps[1]
    ps.append(minidl.zeros(1))
    ps[0] = nn.Parameter(minidl.ones(4))
    assert [p.shape for p in ps] == [(4,), (3,), (1,)]
    assert list(ps.state_dict()) == ["0", "1", "2"]
    pd = nn.ParameterDict({"a": minidl.zeros(2)})
    pd["b"] = nn.Parameter(minidl.zeros(1))
    assert names(pd) == ["a", "b"]
    assert pd.get("c") is None
    assert "a" in pd
    assert pd.pop("a").shape == (2,)
    with pytest.raises(KeyError, match="there is no 'a'"):
        pd["a"]
    with pytest.raises(TypeError, match="a parameter or a tensor"):
        ps.append(3)
