"""Optimizers: trajectories beside PyTorch's, saving, errors, what they announce."""

import copy

import numpy as np
import pytest

import minidl
from minidl import nn, optim

SETTINGS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.02}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    ("SGD", {"lr": 0.01, "momentum": 0.5, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.03}),
    ("Adam", {"lr": 0.05, "amsgrad": True}),
    ("Adam", {"lr": 0.05, "maximize": True, "weight_decay": 0.03}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.05, "maximize": True}),
]


def steps(lib, opt, w, b, x, t, n):
    """n steps of a loss with curvature, the bias without a gradient in every third."""
    out = []
    for k in range(n):
        opt.zero_grad()
        h = ((x @ w) + b).tanh() if k % 3 else (x @ w).tanh()
        ((h - t) ** 2).sum().backward()
        opt.step()
        out.append(np.concatenate([w.detach().numpy().ravel(), b.detach().numpy().ravel()]))
    return np.array(out)


@pytest.mark.parametrize("name, settings", SETTINGS)
def test_trajectories_are_pytorchs(name, settings, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    w, b, x, t = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    made = []
    for lib in (minidl, torch):
        W, B = (lib.tensor(a.copy(), requires_grad=True) for a in (w, b))
        opt = getattr(lib.optim, name)([W, B], **settings)
        made.append(steps(lib, opt, W, B, lib.tensor(x), lib.tensor(t), 50))
    np.testing.assert_allclose(*made, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name, settings", SETTINGS)
def test_resuming_is_exact_to_the_bit(name, settings, rng):
    x, t = minidl.tensor(rng.normal(size=(6, 4))), minidl.tensor(rng.normal(size=(6, 3)))
    w0, b0 = rng.normal(size=(4, 3)), rng.normal(size=3)

    def fresh():
        w, b = (minidl.tensor(a.copy(), requires_grad=True) for a in (w0, b0))
        return w, b, getattr(optim, name)([w, b], **settings)

    w, b, opt = fresh()
    steps(minidl, opt, w, b, x, t, 6)
    saved = copy.deepcopy(opt.state_dict())
    w2, b2, other = fresh()
    with minidl.no_grad():
        w2.copy_(w)
        b2.copy_(b)
    other.load_state_dict(saved)
    rest = steps(minidl, other, w2, b2, x, t, 2)
    again = steps(minidl, opt, w, b, x, t, 2)
    np.testing.assert_array_equal(rest, again)
    assert other.state_dict()["param_groups"] == opt.state_dict()["param_groups"]


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
    for wrong, why in [
        (lambda: optim.lr_scheduler.StepLR(optim.SGD([p]), 0), "positive number of epochs"),
        (lambda: optim.lr_scheduler.CosineAnnealingLR(optim.SGD([p]), 0), "positive number of epochs"),
        (lambda: optim.SGD([p]).load_state_dict({}), "'state' and 'param_groups'"),
    ]:
        with pytest.raises(ValueError, match=why):
            wrong()
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


SCHEDULES = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 1 / (1 + epoch)}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.9}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ("LinearLR", {"start_factor": 0.1, "total_iters": 4}),
]


@pytest.mark.parametrize("name, settings", SCHEDULES)
def test_schedules_are_pytorchs(name, settings):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    rates = []
    for lib in (minidl, torch):
        p = lib.zeros(1, requires_grad=True)
        q = lib.zeros(1, requires_grad=True)
        opt = lib.optim.SGD([{"params": [p]}, {"params": [q], "lr": 0.3}], lr=0.1)
        schedule = getattr(lib.optim.lr_scheduler, name)(opt, **settings)
        rates.append([schedule.get_last_lr()])
        for _ in range(15):
            opt.step()
            schedule.step()
            rates[-1].append(schedule.get_last_lr())
            assert schedule.get_last_lr() == [g["lr"] for g in opt.param_groups]
    np.testing.assert_allclose(*rates, rtol=1e-12)


def test_a_schedule_saves_resumes_and_warns():
    p = nn.Parameter(minidl.ones(1))
    opt = optim.SGD([p], lr=1.0)
    schedule = optim.lr_scheduler.StepLR(opt, 2)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        schedule.step()
    opt.step()
    schedule.step()
    saved = schedule.state_dict()
    assert "optimizer" not in saved
    other = optim.SGD([p], lr=1.0)
    other.load_state_dict(opt.state_dict())
    again = optim.lr_scheduler.StepLR(other, 99)
    again.load_state_dict(saved)
    assert (again.step_size, again.last_epoch) == (2, 2)
    with pytest.raises(ValueError, match="needs 'initial_lr'"):
        optim.lr_scheduler.StepLR(optim.SGD([p]), 2, last_epoch=3)
