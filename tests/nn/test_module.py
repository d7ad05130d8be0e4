"""Module: registration, names, modes, hooks, state dicts, copies, errors."""

import copy
import gc
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import minidl
from minidl import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        self.head = nn.Linear(3, 2, bias=False)
        self.register_buffer("scale", minidl.ones(2))
        self.register_buffer("scratch", minidl.zeros(1), persistent=False)

    def forward(self, x):
        return self.head(self.features(x)) * self.scale


def test_what_is_registered_where():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == ["features.0.weight", "features.0.bias", "head.weight"]
    assert [name for name, _ in net.named_buffers()] == ["scale", "scratch"]
    assert [name for name, _ in net.named_modules()] == ["", "features", "features.0", "features.1", "head"]
    assert [name for name, _ in net.named_children()] == ["features", "head"]
    assert list(net.state_dict()) == ["scale", "features.0.weight", "features.0.bias", "head.weight"]
    assert [name for name, _ in net.named_parameters(prefix="m", recurse=False)] == []
    assert [name for name, _ in net.head.named_parameters(prefix="m")] == ["m.weight"]
    assert net.get_submodule("features.0") is net.features[0]
    assert net.get_parameter("head.weight") is net.head.weight
    assert net.get_buffer("scale") is net.scale
    assert "head" in dir(net)
    assert "scale" in dir(net)
    assert list(net.state_dict(prefix="a.")) == ["a." + key for key in net.state_dict()]


def test_assignment_moves_a_name_between_stores():
    m = nn.Module()
    m.x = 3
    m.x = nn.Parameter(minidl.zeros(2))
    assert "x" not in vars(m)
    m.x = None
    assert m.x is None
    assert list(m.parameters()) == []
    m.x = nn.Parameter(minidl.zeros(3))
    m.x = nn.Linear(2, 2)  # a module over a parameter replaces it
    assert list(m._parameters) == []
    assert list(m._modules) == ["x"]
    del m.x
    assert not hasattr(m, "x")
    m.b = nn.Buffer(minidl.zeros(2), persistent=False)
    assert [name for name, _ in m.named_buffers()] == ["b"]
    assert list(m.state_dict()) == []
    m.b = minidl.ones(2)
    assert m.b is m._buffers["b"]


def test_what_assignment_refuses():
    m = nn.Linear(2, 2)
    with pytest.raises(TypeError, match="cannot assign 'Tensor' float32 .* as parameter 'weight'"):
        m.weight = minidl.zeros(2, 2)
    net = Net()
    with pytest.raises(TypeError, match="as module 'head'"):
        net.head = 3
    with pytest.raises(TypeError, match="as buffer 'scale'"):
        net.scale = 3

    class Early(nn.Module):
        def __init__(self, value):
            self.member = value

    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        Early(nn.Linear(2, 2))
    with pytest.raises(AttributeError, match=r"cannot assign parameters before Module.__init__\(\) call"):
        Early(nn.Parameter(minidl.zeros(2)))
    with pytest.raises(AttributeError, match=r"super\(\).__init__"):
        getattr(Early(3), "parameters_of_mine")  # noqa: B009  # read to raise
    with pytest.raises(KeyError, match=r"without a dot"):
        m.register_parameter("a.b", None)
    with pytest.raises(ValueError, match="already exists"):
        m.register_buffer("forward", None)
    with pytest.raises(KeyError, match="already exists"):
        net.add_module("scale", nn.Linear(2, 2))
    with pytest.raises(TypeError, match="should be a string"):
        m.register_buffer(3, None)
    with pytest.raises(TypeError, match="a Module or None is needed"):
        m.add_module("x", 3)
    with pytest.raises(TypeError, match="a tensor is needed"):
        nn.Parameter([1.0])
    with pytest.raises(RuntimeError, match="floating-point"):
        nn.Parameter(minidl.tensor([1, 2]))


def test_unknown_names_and_missing_forward():
    net = Net()
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'heat'; did you mean 'head'"):
        getattr(net, "heat")  # noqa: B009  # read to raise
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)
    with pytest.raises(AttributeError, match="has no module 'feature'"):
        net.get_submodule("feature.0")
    with pytest.raises(ValueError, match="the mode is a bool"):
        net.train("yes")


def test_a_shape_error_names_the_layer_its_place_and_both_shapes():
    net = Net()
    with pytest.raises(ValueError) as told:
        net(minidl.ones(2, 5))
    text = str(told.value)
    for part in ("Linear", "Net.features.0", "(2, 5)", "(3, 4)"):
        assert part in text, text


def test_shared_members_are_listed_once_and_saved_twice():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert len(list(net.named_parameters(remove_duplicate=False))) == 4
    assert len(net.state_dict()) == 4
    twin = copy.deepcopy(net)
    assert twin[1].weight is twin[0].weight
    assert twin[0].weight is not net[0].weight
    again = pickle.loads(pickle.dumps(net))
    assert again[1].weight is again[0].weight
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, layer)
    assert len(list(net.modules())) == 2
    assert len(list(net.parameters())) == 2
    net.double()
    assert net[1].weight.dtype == "float64"
    assert net[1] is net[0]


def test_copies_share_nothing():
    net = Net()
    net(minidl.ones(1, 4)).sum().backward()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        for (name, p), (other, q) in zip(net.named_parameters(), twin.named_parameters(), strict=True):
            assert name == other
            assert isinstance(q, nn.Parameter)
            assert q.requires_grad
            np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())
        with minidl.no_grad():
            twin.head.weight.fill_(7.0)
        assert not (net.head.weight == 7.0).any()
        twin(minidl.ones(1, 4)).sum().backward()
        assert list(twin.state_dict()) == list(net.state_dict())


def test_modes_freezing_and_gradients():
    net = Net()
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert net.train().features[0].training
    net.requires_grad_(False)
    assert not net(minidl.ones(1, 4)).requires_grad
    net.requires_grad_()
    net(minidl.ones(1, 4)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert float(net.head.weight.grad.abs().sum()) == 0
    net.zero_grad()
    assert net.head.weight.grad is None
    seen = []
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "ReLU", "Sequential", "Linear", "Net"]


def test_to_keeps_identities_and_whole_numbers():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = list(net.parameters())
    net(minidl.ones(2, 2)).sum().backward()
    assert net.double() is net
    assert all(a is b for a, b in zip(before, net.parameters(), strict=True))
    assert {str(p.dtype) for p in net.parameters()} == {"float64"}
    assert {str(p.grad.dtype) for p in net.parameters()} == {"float64"}
    assert net[1].num_batches_tracked.dtype == "int64"
    assert net[1].running_mean.dtype == "float64"
    assert net.to(minidl.zeros(1)).float()[0].weight.dtype == "float32"
    assert net.to("cpu", minidl.float64)[0].weight.dtype == "float64"
    assert net.to(device="cpu", dtype=minidl.float32)[0].weight.dtype == "float32"
    assert net.half()[0].weight.dtype == "float16"
    with pytest.raises(TypeError, match="floating-point"):
        net.to(minidl.int64)


def test_state_dict_shares_memory_and_loads_exactly():
    a, b = Net(), Net()
    state = a.state_dict()
    assert not any(t.requires_grad for t in state.values())
    assert a.state_dict(keep_vars=True)["head.weight"] is a.head.weight
    result = b.load_state_dict(state)
    assert repr(result) == "<All keys matched successfully>"
    assert result.missing_keys == []
    for key, value in b.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[key].numpy())
    with minidl.no_grad():
        a.head.weight.fill_(3.0)
    assert (state["head.weight"] == 3.0).all()
    assert not (b.head.weight == 3.0).any()
    c = Net()
    c.load_state_dict(state, assign=True)
    assert isinstance(c.head.weight, nn.Parameter)
    assert c.head.weight.requires_grad
    c.load_state_dict({key: value.numpy() for key, value in state.items()})  # arrays do as well


def test_pytorchs_own_state_dict_loads_directly():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    make = lambda nn: nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    ours, theirs = make(nn), make(torch.nn)
    ours.load_state_dict(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[key].numpy(), value.numpy())


def test_a_state_dict_that_does_not_fit_says_all_that_is_wrong():
    net = Net()
    state = OrderedDict(net.state_dict())
    before = net.features[0].bias.detach().clone()
    state["features.0.bias"] = minidl.ones(3) * 5
    state["head.weight"] = minidl.zeros(5, 3)
    state["extra"] = minidl.zeros(1)
    del state["scale"]
    with pytest.raises(RuntimeError) as told:
        net.load_state_dict(state)
    text = str(told.value)
    assert "Missing key(s) in state_dict: \"scale\"" in text
    assert "Unexpected key(s) in state_dict: \"extra\"" in text
    assert "size mismatch for head.weight" in text
    assert "(5, 3)" in text
    assert "(2, 3)" in text
    np.testing.assert_array_equal(net.features[0].bias.detach().numpy(), before.numpy())  # nothing was loaded
    state["head.weight"] = minidl.zeros(2, 3)
    result = net.load_state_dict(state, strict=False)
    assert (result.missing_keys, result.unexpected_keys) == (["scale"], ["extra"])
    with pytest.raises(TypeError, match="a dict"):
        net.load_state_dict([1])


def test_forward_hooks_see_and_replace():
    m, seen = nn.Linear(2, 2), []
    x = minidl.ones(1, 2)
    plain = m(x).detach()
    with m.register_forward_pre_hook(lambda mod, args: seen.append(("pre", mod is m, len(args)))):
        m(x)
    handle = m.register_forward_hook(lambda mod, args, out: out * 2)
    np.testing.assert_allclose(m(x).detach().numpy(), 2 * plain.numpy())
    handle.remove()
    handle.remove()  # twice does no harm
    np.testing.assert_allclose(m(x).detach().numpy(), plain.numpy())
    assert seen == [("pre", True, 1)]
    m.register_forward_pre_hook(lambda mod, args: (args[0] * 0,))
    np.testing.assert_allclose(m(x).detach().numpy(), m.bias.detach().numpy()[None])

    class Two(nn.Module):
        def forward(self, x, *, k=1):
            return x * k

    two = Two()
    two.register_forward_pre_hook(lambda mod, args, kwargs: (args, {"k": 5}), with_kwargs=True)
    two.register_forward_hook(lambda mod, args, kwargs, out: seen.append(kwargs), with_kwargs=True)
    assert float(two(minidl.tensor(2.0))) == 10
    assert seen[-1] == {"k": 5}
    order = []
    two.register_forward_hook(lambda *_: order.append("second"))
    two.register_forward_hook(lambda *_: order.append("first"), prepend=True)
    two(minidl.tensor(2.0))
    assert order == ["first", "second"]


def test_a_hook_that_always_runs_runs_after_an_error():
    m, ran = nn.Linear(2, 2), []
    m.register_forward_hook(lambda *_: ran.append(True), always_call=True)
    with pytest.raises(ValueError):
        m(minidl.ones(1, 3))
    assert ran == [True]


def test_backward_hooks_see_and_replace():
    m, seen = nn.Linear(2, 3), []
    x = minidl.ones(1, 2, requires_grad=True)
    handle = m.register_full_backward_hook(lambda mod, gi, go: seen.append((mod is m, gi, go)))
    m(x).sum().backward()
    (same, (gx,), (gy,)), weight = seen[0], m.weight.detach().numpy()
    assert same
    np.testing.assert_allclose(gx.numpy(), weight.sum(0)[None], rtol=1e-6)
    np.testing.assert_array_equal(gy.numpy(), np.ones((1, 3)))
    np.testing.assert_allclose(x.grad.numpy(), weight.sum(0)[None], rtol=1e-6)
    handle.remove()
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 10,))
    m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 2,))
    x.grad = None
    m(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 20 * weight.sum(0)[None], rtol=1e-6)
    (g,) = minidl.autograd.grad(m(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), 20 * weight.sum(0)[None], rtol=1e-6)
    assert g.requires_grad


def test_backward_hooks_with_several_inputs_and_without_gradients():
    class Product(nn.Module):
        def forward(self, a, b, c):
            return a * b, c

    m, seen = Product(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    a, b = minidl.tensor(2.0, requires_grad=True), minidl.tensor(3.0, requires_grad=True)
    y, c = m(a, b, minidl.tensor(1.0))
    y.backward()
    (gi, go) = seen[0]
    assert [None if g is None else float(g) for g in gi] == [3.0, 2.0, None]
    assert [None if g is None else float(g) for g in go] == [1.0, None]
    layer = nn.Linear(2, 2)
    layer.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    layer(minidl.ones(1, 2)).sum().backward()  # the input needs no gradient, the hook runs all the same
    assert seen[1][0] == (None,)


def test_hooked_modules_copy_and_leave_no_cycles():
    m = nn.Linear(2, 2)
    m.register_forward_hook(print_nothing)
    assert len(copy.deepcopy(m)._forward_hooks) == 1
    assert len(pickle.loads(pickle.dumps(m))._forward_hooks) == 1
    m.register_full_backward_hook(print_nothing)
    gc.collect()
    gc.disable()
    try:
        m(minidl.ones(1, 2, requires_grad=True)).sum().backward()
        assert gc.collect() == 0
    finally:
        gc.enable()


def print_nothing(*_): ...


def test_a_parameter_is_a_leaf_in_the_memory_of_its_data():
    data = minidl.zeros(2)
    p = nn.Parameter(data)
    assert p.is_leaf
    assert p.requires_grad
    data.fill_(3.0)
    assert (p == 3.0).all()
    assert type(p * 1) is minidl.Tensor
    assert repr(p) == "Parameter containing:\ntensor([3., 3.], requires_grad=True)"
    p.note = "a parameter takes attributes"
    x = minidl.ones(2, requires_grad=True)
    q = nn.Parameter(x * 2)
    assert q.is_leaf
    y = (x.exp()).sum()
    nn.Parameter(x.detach())  # making one writes nothing
    y.backward()
    assert not nn.Parameter(minidl.zeros(1), requires_grad=False).requires_grad
    assert not nn.Parameter(minidl.tensor([1]), requires_grad=False).requires_grad
