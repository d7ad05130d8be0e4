"""Optimizers: trajectories beside PyTorch's, saving, errors, what they announce."""

import copy
import pickle

import numpy as np
import pytest

import minidl
from minidl import nn, optim


def test_groups_have_settings_of_their_own():
    a, b = (nn.Parameter(minidl.ones(2)) for _ in range(2))
    opt = optim.SGD([{"params": [a]}, {"params": b, "lr": 1.0}], lr=0.1)
    a.grad, b.grad = minidl.ones(2), minidl.ones(2)
    opt.step()
    np.testing.assert_allclose(a.detach().numpy(), 0.9)
    np.testing.assert_allclose(b.detach().numpy(), 0.0)
    c = nn.Parameter(minidl.ones(1))
    opt.add_param_group({"params": [c], "momentum": 0.5})
    assert [g["momentum"] for g in opt.param_groups] == [0, 0, 0.5]
    assert opt.state_dict()["param_groups"][2]["params"] == [2]
    assert repr(opt).startswith("SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n")


def test_named_parameters_keep_their_names():
    net = nn.Linear(2, 2)
    opt = optim.SGD(net.named_parameters())
    assert opt.param_groups[0]["param_names"] == ["weight", "bias"]
    assert opt.param_groups[0]["params"][1] is net.bias


def test_absent_gradients_and_frozen_parameters_stay():
    a, b = (nn.Parameter(minidl.ones(2)) for _ in range(2))
    opt = optim.Adam([a, b])
    a.grad = minidl.ones(2)
    opt.step()
    assert not (a == 1).any()
    assert (b == 1).all()
    assert list(opt.state_dict()["state"]) == [0]


def test_tied_weights_step_once():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    opt = optim.SGD(net.parameters(), lr=1.0)
    before = net[0].weight.detach().clone()
    net(minidl.ones(1, 2)).sum().backward()
    grad = net[0].weight.grad.clone()
    opt.step()
    np.testing.assert_allclose(net[1].weight.detach().numpy(), (before - grad).numpy())


def test_closure_and_zero_grad():
    p = nn.Parameter(minidl.ones(1))
    opt = optim.SGD([p], lr=0.5)

    def closure():
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert float(opt.step(closure)) == 1.0
    np.testing.assert_allclose(p.detach().numpy(), 0.0)
    opt.zero_grad(set_to_none=False)
    assert float(p.grad) == 0.0
    opt.zero_grad()
    assert p.grad is None


def test_a_step_between_forward_and_backward_is_noticed():
    p = nn.Parameter(minidl.ones(2))
    x = minidl.ones(2, requires_grad=True)
    opt = optim.SGD([p], lr=0.1)
    p.grad = minidl.ones(2)
    loss = (p * x).sum()
    opt.step()
    with pytest.raises(RuntimeError, match="overwritten"):
        loss.backward()


def test_what_is_refused():
    p = nn.Parameter(minidl.ones(2))
    with pytest.raises(ValueError, match="empty parameter list"):
        optim.SGD([])
    with pytest.raises(TypeError, match="one tensor"):
        optim.SGD(p)
    with pytest.raises(TypeError, match="can only optimize tensors"):
        optim.SGD([3])
    with pytest.raises(ValueError, match="more than once"):
        optim.SGD([p, p])
    with pytest.raises(ValueError, match="more than once"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.raises(ValueError, match="non-leaf"):
        optim.SGD([p * 2])
    with pytest.raises(TypeError, match="sets have no fixed order"):
        optim.SGD([{"params": {p}}])
    with pytest.raises(ValueError, match="needs the entry 'params'"):
        optim.SGD([{"lr": 1}])
    for bad in ({"lr": -1}, {"momentum": -1}, {"weight_decay": -1}, {"lr": float("nan")}, {"nesterov": True}):
        with pytest.raises(ValueError, match="SGD"):
            optim.SGD([p], **bad)
    for bad in ({"lr": -1}, {"betas": (1.0, 0.9)}, {"betas": (0.9, -1)}, {"eps": -1}, {"weight_decay": -1}):
        with pytest.raises(ValueError, match="Adam"):
            optim.Adam([p], **bad)
    for wrong, why in [
        (lambda: optim.SGD(nn.Linear(2, 2)), r"got Linear; write module.parameters\(\)"),
        (lambda: optim.SGD(None), "an iterable of parameters"),
        (lambda: optim.SGD([p], lr="fast"), "lr is a number, got 'fast'"),
        (lambda: optim.Adam([p], betas=0.9), "betas are two numbers"),
    ]:
        with pytest.raises(TypeError, match=why):
            wrong()
    with pytest.raises(ValueError, match="'state' and 'param_groups'"):
        optim.SGD([p]).load_state_dict({})
    opt = optim.SGD([p])
    with pytest.raises(ValueError, match="groups of"):
        opt.load_state_dict(optim.SGD([nn.Parameter(minidl.ones(1)), nn.Parameter(minidl.ones(1))]).state_dict())

    class Mine(optim.Optimizer):
        pass

    p.grad = minidl.ones(2)
    with pytest.raises(NotImplementedError, match="Mine has no update"):
        Mine([p], {}).step()


def test_state_dicts_go_to_and_from_pytorch(rng):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    w = rng.normal(size=3)
    ours, theirs = minidl.tensor(w.copy(), requires_grad=True), torch.tensor(w.copy(), requires_grad=True)
    a, b = optim.Adam([ours], lr=0.1), torch.optim.Adam([theirs], lr=0.1)
    (theirs**3).sum().backward()
    b.step()
    assert set(b.state_dict()["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
    a.load_state_dict(b.state_dict())
    with minidl.no_grad():
        ours.copy_(minidl.tensor(theirs.detach().numpy()))
    for p, opt in ((ours, a), (theirs, b)):
        opt.zero_grad()
        (p**3).sum().backward()
        opt.step()
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12)
    assert set(a.state_dict()["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}


@pytest.fixture
def net():
    minidl.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))


def train(net, opt, n=3):
    for k in range(n):
        opt.zero_grad()
        net(minidl.ones(4, 2) * (k + 1)).pow(2).sum().backward()
        opt.step()
    return [p.detach().numpy().copy() for p in net.parameters()]


def test_hooks_run_around_each_step_once(net):
    opt, calls = optim.Adam(net.parameters()), []
    first = opt.register_step_pre_hook(lambda o, args, kwargs: calls.append(("before", o is opt, args, kwargs)))
    opt.register_step_post_hook(lambda o, args, kwargs: calls.append("after"))
    with optim.optimizer.register_optimizer_step_post_hook(lambda o, args, kwargs: calls.append("after any")):
        opt.step()
    assert calls == [("before", True, (), {}), "after", "after any"]
    first.remove()
    opt.step()
    assert calls[3:] == ["after"]

    class Mine(optim.SGD):
        def step(self, closure=None):
            calls.append("mine")
            return super().step(closure)

    mine = Mine(net.parameters())
    mine.register_step_pre_hook(lambda o, args, kwargs: ((lambda: 7.0,), {}))
    mine.register_step_post_hook(lambda o, args, kwargs: calls.append("after mine"))
    assert mine.step() == 7.0
    assert calls[4:] == ["mine", "after mine"]
    mine.register_step_pre_hook(lambda o, args, kwargs: 1)
    with pytest.raises(RuntimeError, match="returns None or the new"):
        mine.step()


def test_hooks_see_and_change_the_saved_state(net):
    opt, calls = optim.Adam(net.parameters()), []
    opt.register_state_dict_pre_hook(lambda o: calls.append("before saving"))
    opt.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    opt.register_state_dict_post_hook(lambda o, state: calls.append(sorted(state)), prepend=True)
    opt.register_load_state_dict_pre_hook(lambda o, state: calls.append(state.pop("note")))
    opt.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    state = opt.state_dict()
    opt.load_state_dict(state)
    assert calls == ["before saving", ["param_groups", "state"], 1, "loaded"]
    assert state["note"] == 1


def test_an_optimizer_of_your_own(net):
    class Heavy(optim.Optimizer):
        """Momentum in six lines, with all that the base brings."""

        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def moments(self, w, group):
            return {"m": 0.0}

        def update(self, w, g, state, group, t):
            state["m"][...] = 0.9 * state["m"] + g
            w -= group["lr"] * state["m"]

    other = copy.deepcopy(net)
    a = train(net, Heavy(net.parameters(), 0.01))
    b = train(other, optim.SGD(other.parameters(), 0.01, momentum=0.9))
    for x, y in zip(a, b):
        np.testing.assert_allclose(x, y, rtol=1e-6)


def test_copies_and_pickles_go_on_alike(net):
    opt = optim.Adam(net.parameters(), lr=0.1)
    opt.register_step_pre_hook(lambda *_: None)
    train(net, opt)
    copied = copy.deepcopy((net, opt))
    pickled = pickle.loads(pickle.dumps((net, opt)))
    expected = train(net, opt)
    for other, its in (copied, pickled):
        assert its.param_groups[0]["params"][0] is other[0].weight
        assert not its._step_pre_hooks
        for a, b in zip(train(other, its), expected):
            np.testing.assert_array_equal(a, b)


def test_ways_that_are_not_there_are_refused():
    p = nn.Parameter(minidl.ones(2))
    with pytest.raises(NotImplementedError, match="differentiable=True"):
        optim.SGD([p], differentiable=True)
    with pytest.raises(NotImplementedError, match="capturable=True"):
        optim.Adam([p], capturable=True)
    with pytest.raises(RuntimeError, match="cannot be `True` together"):
        optim.Adam([p], foreach=True, fused=True)
    with pytest.raises(NotImplementedError, match="dense; use Adam"):
        optim.SparseAdam([p])
    for ok in ({"foreach": True}, {"foreach": False}, {"fused": True}):
        optim.Adam([p], **ok)


P = nn.Parameter
REFUSED = [
    (lambda p: optim.Adadelta([p], rho=1.1), "Invalid rho value: 1.1"),
    (lambda p: optim.Adagrad([p], lr_decay=-0.5), "Invalid lr_decay value: -0.5"),
    (lambda p: optim.Adam([p], betas=(1.0, 0.0)), "Invalid beta parameter at index 0: 1.0"),
    (lambda p: optim.Adamax([p], betas=(0.0, 1.0)), "Invalid beta parameter at index 1: 1.0"),
    (lambda p: optim.NAdam([p], momentum_decay=-0.2), "Invalid momentum_decay value: -0.2"),
    (lambda p: optim.RAdam([p], weight_decay=-1), "Invalid weight_decay value: -1"),
    (lambda p: optim.RMSprop([p], momentum=-1.0), "Invalid momentum value: -1.0"),
    (lambda p: optim.Rprop([p], etas=(1.0, 0.5)), "Invalid eta values: 1.0, 0.5"),
    (lambda p: optim.ASGD([p], lr=-1), "Invalid learning rate: -1"),
    (lambda p: optim.SGD([p], lr=minidl.ones(2)), "Tensor lr must be 1-element"),
    (lambda p: optim.Lion([p], betas=(0.9, 2)), "Invalid beta parameter at index 1: 2"),
    (lambda p: optim.Muon([p]), "only supports 2D parameters"),
    (lambda p: optim.Muon([P(minidl.ones(2, 2))], adjust_lr_fn="x"), "is not supported; 'original'"),
    (lambda p: optim.Muon([P(minidl.ones(2, 2))], ns_steps=100), "ns_steps is less than 100"),
    (lambda p: optim.Adafactor([p], d=0.5), "d should be >= 1 but is: 0.5"),
    (lambda p: optim.Adafactor([p], beta2_decay=0.8), "beta2_decay should be <= 0 but is: 0.8"),
    (lambda p: optim.Adafactor([p], eps=(-1, 1e-3)), "epsilon values are at least 0"),
    (lambda p: optim.LBFGS([{"params": [p]}, {"params": [P(minidl.ones(1))]}]), "parameter groups"),
    (lambda p: optim.SGD([("a", p), P(minidl.ones(1))]), "with/without names"),
    (lambda p: optim.SGD([("a", p)]).add_param_group({"params": P(minidl.ones(1))}), "with/without names"),
]


@pytest.mark.parametrize("wrong, why", REFUSED)
def test_wrong_settings_are_refused(wrong, why):
    with pytest.raises(ValueError, match=why):
        wrong(P(minidl.ones(2)))


def test_lbfgs_says_what_it_needs():
    p = P(minidl.ones(2))
    with pytest.raises(TypeError, match="needs a closure"):
        optim.LBFGS([p]).step()
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optim.LBFGS([p], line_search_fn="x").step(lambda: 1.0)


def test_lbfgs_finds_the_valley_of_rosenbrock():
    p = P(minidl.tensor([-1.2, 1.0], dtype=minidl.float64))
    opt = optim.LBFGS([p], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = 100 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2
        loss.backward()
        return loss

    opt.step(closure)
    np.testing.assert_allclose(p.detach().numpy(), [1, 1], atol=1e-4)
    assert opt.state[p]["n_iter"] < 60
