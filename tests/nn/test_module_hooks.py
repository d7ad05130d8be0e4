"""Hooks of state dicts and of all modules, metadata, lazy layers, containers: what PyTorch does, done here as well."""

import copy

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn.modules import module as M

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")


def net(nn):
    return nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()))


def test_state_dicts_carry_versions_and_pass_through_hooks():
    ours, log = net(nn), []
    assert list(ours.state_dict()._metadata) == list(net(torch.nn).state_dict()._metadata)
    ours[1].register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("before", prefix, keep)))
    ours[1].register_state_dict_post_hook(lambda m, state, prefix, about: state.__setitem__(prefix + "more", about))
    state = ours.state_dict(keep_vars=True)
    assert log == [("before", "1.", True)]
    assert state["1.more"]["version"] == 1
    assert list(state)[-1] == "1.more"


def test_loading_passes_through_hooks():
    ours, log = net(nn), []
    state = {key.replace("1.0.", "1.old."): value for key, value in ours.state_dict().items()}

    def rename(module, state_dict, prefix, about, strict, missing, unexpected, errors):
        assert module is twin[1]
        for key in [key for key in state_dict if key.startswith(prefix + "old.")]:
            state_dict[key.replace("old.", "0.")] = state_dict.pop(key)

    twin = net(nn)
    with pytest.raises(RuntimeError, match="Missing key"):
        twin.load_state_dict(state)
    twin[1].register_load_state_dict_pre_hook(rename)
    twin.register_load_state_dict_post_hook(lambda m, keys: log.append(list(keys.missing_keys)))
    assert str(twin.load_state_dict(state)) == "<All keys matched successfully>"
    assert "1.old.weight" in state  # what was given is left alone
    assert log == [[]]
    twin.register_load_state_dict_post_hook(lambda m, keys: keys.unexpected_keys.clear())
    twin.load_state_dict({**state, "extra": minidl.ones(1)})
    with pytest.raises(RuntimeError, match="size mismatch"):
        twin.load_state_dict({**state, "0.bias": minidl.ones(7)})


def test_a_module_may_save_and_load_its_own_way():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(minidl.ones(2))
            self.note = "new"

        def _save_to_state_dict(self, destination, prefix, keep_vars):
            destination[prefix + "doubled"] = self.w.detach() * 2

        def _load_from_state_dict(self, state_dict, prefix, *rest):
            state_dict[prefix + "w"] = state_dict.pop(prefix + "doubled") / 2
            super()._load_from_state_dict(state_dict, prefix, *rest)

        def get_extra_state(self):
            return {"note": self.note}

        def set_extra_state(self, state):
            self.note = state["note"]

    a, b = nn.Sequential(Scaled()), nn.Sequential(Scaled())
    with minidl.no_grad():
        a[0].w.mul_(3)
    state = a.state_dict()
    assert state["0.doubled"].tolist() == [6, 6]
    state["0._extra_state"] = {"note": "read"}
    b.load_state_dict(state)
    assert b[0].w.tolist() == [3, 3]
    assert b[0].note == "read"

    class Noted(Scaled):
        _save_to_state_dict = nn.Module._save_to_state_dict
        _load_from_state_dict = nn.Module._load_from_state_dict

    noted = Noted()
    assert list(noted.state_dict()) == ["w", "_extra_state"]
    with pytest.raises(RuntimeError, match="_extra_state"):
        Noted().load_state_dict({"w": minidl.ones(2)})


def test_hooks_of_every_module_run_before_its_own():
    outcomes = []
    for lib, module in ((minidl, M), (torch, torch.nn.modules.module)):
        model, log = net(lib.nn), []
        model[0].register_forward_hook(lambda m, a, y, log=log: log.append("own"))
        handles = [
            module.register_module_forward_pre_hook(lambda m, a, log=log: log.append(f"pre {type(m).__name__}")),
            module.register_module_forward_hook(lambda m, a, y, log=log: log.append(f"post {type(m).__name__}")),
            module.register_module_full_backward_pre_hook(lambda m, g, log=log: log.append(f"up {type(m).__name__}")),
            module.register_module_full_backward_hook(lambda m, i, o, log=log: log.append(f"down {type(m).__name__}")),
        ]
        model(lib.ones(4, 2, requires_grad=True)).sum().backward()
        for handle in handles:
            handle.remove()
        seen = len(log)
        model(lib.ones(4, 2))
        assert log[seen:] == ["own"]
        outcomes.append(log[:seen])
    assert outcomes[0] == outcomes[1]


def test_hooks_of_registration():
    log = []
    handles = [
        M.register_module_parameter_registration_hook(lambda m, name, p: log.append(name)),
        M.register_module_buffer_registration_hook(lambda m, name, b: log.append(name)),
        M.register_module_module_registration_hook(lambda m, name, c: log.append(name)),
    ]
    nn.Sequential(nn.BatchNorm1d(2))
    for handle in handles:
        handle.remove()
    assert log == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked", "0"]
    nn.Linear(2, 2)
    assert len(log) == 6


def test_submodules_are_replaced_by_path():
    model = net(nn)
    model.set_submodule("1.1", nn.Tanh())
    assert isinstance(model[1][1], nn.Tanh)
    with pytest.raises(AttributeError, match="no module 'nine'"):
        model.set_submodule("1.nine", nn.Tanh(), strict=True)
    assert model.type("float64")[0].weight.dtype == minidl.float64


LAZY = [
    ("Linear", (2, 5), (3,)), ("Conv1d", (2, 4, 6), (6, 3)), ("Conv2d", (2, 4, 6, 6), (6, 3)),
    ("Conv3d", (1, 2, 3, 3, 3), (2, 2)), ("ConvTranspose1d", (2, 4, 5), (6, 3)),
    ("ConvTranspose2d", (2, 4, 3, 3), (6, 2)),
    ("ConvTranspose3d", (1, 2, 2, 2, 2), (3, 2)), ("BatchNorm1d", (2, 4, 5), ()), ("BatchNorm2d", (2, 4, 5, 5), ()),
    ("BatchNorm3d", (2, 4, 2, 2, 2), ()), ("InstanceNorm1d", (2, 4, 5), ()), ("InstanceNorm2d", (2, 4, 5, 5), ()),
    ("InstanceNorm3d", (2, 4, 2, 2, 2), ()),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
@pytest.mark.parametrize("name, shape, args", LAZY, ids=[case[0] for case in LAZY])
def test_lazy_layers_become_plain_ones(name, shape, args, rng):
    ours, theirs = (getattr(lib, "Lazy" + name)(*args) for lib in (nn, torch.nn))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.has_uninitialized_params()
    with pytest.raises(RuntimeError, match="uninitialized"):
        _ = ours.weight.shape
    twin, loaded = copy.deepcopy(ours).double(), copy.deepcopy(ours).double()
    x = rng.normal(size=shape)
    theirs = theirs.double()
    s = theirs(torch.tensor(x))
    y = ours.double()(minidl.tensor(x))
    assert type(ours) is getattr(nn, name)
    assert y.shape == tuple(s.shape)
    assert repr(ours) == repr(theirs)
    assert twin.has_uninitialized_params()
    before = {key: value.numpy().copy() for key, value in theirs.state_dict().items()}
    theirs.load_state_dict(theirs.state_dict())
    loaded.load_state_dict({key: minidl.tensor(value) for key, value in before.items()})
    loaded.eval()
    theirs.eval()
    np.testing.assert_allclose(
        loaded(minidl.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-8, atol=1e-10
    )
    assert type(loaded) is getattr(nn, name)


def test_lazy_layers_of_ones_own():
    class Scale(nn.modules.lazy.LazyModuleMixin):
        def __init__(self):
            super().__init__()
            self.w = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.w.materialize(x.shape[-1:])
            nn.init.ones_(self.w)

        def forward(self, x):
            return x * self.w

    layer = Scale()
    assert layer(minidl.ones(2, 3)).tolist() == [[1, 1, 1]] * 2
    assert type(layer.w) is nn.Parameter
    assert layer(minidl.ones(4, 3)).shape == (4, 3)


def test_parameter_dicts_are_dicts():
    d = nn.ParameterDict({"b": minidl.ones(1), "a": minidl.zeros(2)})
    assert list(reversed(d)) == list(d)[::-1]
    assert list(d | {"c": minidl.ones(3)}) == [*d, "c"]
    assert list({"c": minidl.ones(3)} | d) == ["c", *d]
    assert d.copy()["a"] is d["a"]
    assert d.setdefault("a", minidl.ones(5)) is d["a"]
    assert d.setdefault("z", minidl.ones(5)).shape == (5,)
    assert d.popitem()[0] == "z"
    d |= {"y": minidl.ones(1)}
    assert list(d.fromkeys(["p", "q"], minidl.ones(1))) == ["p", "q"]
    assert len(d) == 3
    several = nn.Sequential(nn.ReLU(), nn.Tanh())
    several *= 2
    assert [type(m).__name__ for m in several] == ["ReLU", "Tanh", "ReLU", "Tanh"]
