"""Every optimizer with every option: beside PyTorch's, saved and resumed in the middle, in both ways of stepping."""

import copy

import numpy as np
import pytest

import minidl
from minidl import optim

CASES = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.02},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02},
        {"lr": 0.01, "momentum": 0.5, "maximize": True},
    ],
    "Adam": [
        {},
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.03},
        {"lr": 0.05, "amsgrad": True},
        {"lr": 0.05, "maximize": True, "weight_decay": 0.03},
        {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.1},
    ],
    "AdamW": [{}, {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True}, {"lr": 0.05, "maximize": True}],
    "Adamax": [{}, {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1, "eps": 1e-3}, {"maximize": True}],
    "NAdam": [
        {},
        {"lr": 0.05, "weight_decay": 0.1, "momentum_decay": 6e-3},
        {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "RAdam": [
        {"lr": 0.05},
        {"lr": 0.05, "eps": 1e-6, "weight_decay": 0.1, "betas": (0.8, 0.9)},
        {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "Adagrad": [
        {"lr": 0.1},
        {"lr": 0.1, "initial_accumulator_value": 0.1, "lr_decay": 0.1, "weight_decay": 0.1},
        {"lr": 0.1, "maximize": True, "eps": 1e-3},
    ],
    "Adadelta": [{}, {"rho": 0.95, "weight_decay": 0.1, "lr": 0.5}, {"maximize": True, "eps": 1e-4}],
    "RMSprop": [
        {},
        {"lr": 0.01, "alpha": 0.9, "centered": True, "weight_decay": 0.1},
        {"lr": 0.01, "momentum": 0.5, "centered": True},
        {"lr": 0.01, "momentum": 0.5, "maximize": True, "eps": 1e-4},
    ],
    "Rprop": [{}, {"lr": 2e-4, "etas": (0.4, 1.3), "step_sizes": (1e-4, 0.05)}, {"maximize": True}],
    "ASGD": [
        {},
        {"lr": 0.02, "lambd": 0.1, "alpha": 0.6, "t0": 10, "weight_decay": 0.1},
        {"lr": 0.02, "t0": 1, "maximize": True},
    ],
    "Adafactor": [
        {},
        {"lr": 0.1, "beta2_decay": -0.5, "d": 1.5, "weight_decay": 0.1},
        {"eps": (1e-6, 1e-2), "maximize": True},
    ],
    "Muon": [
        {"lr": 0.02},
        {"lr": 0.02, "nesterov": False, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"},
        {"lr": 0.02, "ns_steps": 2, "ns_coefficients": (3.0, -3.2, 1.2), "momentum": 0.5, "adjust_lr_fn": "original"},
    ],
    "Lion": [{"lr": 0.01}, {"lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.1}, {"lr": 0.01, "maximize": True}],
    "LBFGS": [
        {},
        {"lr": 0.3, "max_iter": 4, "history_size": 3},
        {"line_search_fn": "strong_wolfe"},
        {"lr": 5.0, "max_iter": 6, "history_size": 2, "line_search_fn": "strong_wolfe", "max_eval": 9},
        {"lr": 1e-3, "line_search_fn": "strong_wolfe", "max_iter": 3},
    ],
}
TABLE = [(name, options) for name, cases in CASES.items() for options in cases]
STEPS = {"LBFGS": 8}


class Problem:
    """A small network in either library; some of its parameters lack a gradient now and then, one always does."""

    def __init__(self, lib, name, dtype="float64"):
        rng, matrices = np.random.default_rng(0), name == "Muon"
        self.convex = name == "LBFGS"  # elsewhere its steps blow rounding up
        shapes = [(4, 3), (3, 5)] if matrices else [(4, 3), (3,), (), (3, 2, 1), (3, 1), (2,)]
        values = [rng.normal(size=s).astype(dtype) for s in shapes]
        self.lib, self.ps = lib, [lib.tensor(v, requires_grad=True) for v in values]
        self.x, self.t = (lib.tensor(rng.normal(size=s).astype(dtype)) for s in ((6, 4), (6, 3)))
        self.ps[-1].requires_grad = matrices  # a frozen part

    def loss(self, k):
        w, b, *rest = self.ps
        if self.convex:
            rest = sum((k + 1) * (p**2).sum() + (p**4).sum() for k, p in enumerate(rest[:-1]))
            return ((self.x @ w + b - self.t) ** 2).mean() + ((self.x @ w).exp()).mean() + rest
        if not rest:
            return ((((self.x @ w).tanh() @ b).tanh() - 0.5) ** 2).sum()
        h = self.x @ w + b if k % 3 else self.x @ w
        deep = (rest[1] ** 2).sum() * 0.1 if k > 4 else 0.0  # joins later
        return ((h.tanh() * rest[0] + (h @ rest[2]).tanh() - self.t) ** 2).mean() + deep

    def run(self, opt, steps):
        seen = []
        for k in steps:

            def closure(k=k):
                opt.zero_grad()
                loss = self.loss(k)
                loss.backward()
                return loss

            if type(opt).__name__ == "LBFGS":
                opt.step(closure)
            else:
                closure()
                opt.step()
            seen.append(np.concatenate([p.detach().numpy().ravel() for p in self.ps]))
        return np.array(seen)


@pytest.fixture
def torch(monkeypatch):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    monkeypatch.setattr(torch.optim, "Lion", lion(torch), raising=False)
    return torch


def lion(torch):
    """Lion as its paper has it (algorithm 2), for PyTorch lacks it."""

    class Lion(torch.optim.Optimizer):
        def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0, maximize=False):
            self.lr, (self.b1, self.b2), self.decay, self.sign = lr, betas, weight_decay, -1 if maximize else 1
            super().__init__(params, {})

        @torch.no_grad()
        def step(self):
            for p in (p for p in self.param_groups[0]["params"] if p.grad is not None):
                m, g = self.state[p].get("m", torch.zeros_like(p)), self.sign * p.grad
                c = torch.lerp(g, m, self.b1)
                p -= self.lr * (c.sign() + self.decay * p)
                self.state[p]["m"] = torch.lerp(g, m, self.b2)

    return Lion


@pytest.mark.parametrize("name, options", TABLE)
def test_fifty_steps_are_pytorchs(name, options, torch):
    steps, seen = range(STEPS.get(name, 50)), []
    for lib in (minidl, torch):
        problem = Problem(lib, name)
        seen.append(problem.run(getattr(lib.optim, name)(problem.ps, **options), steps))
    np.testing.assert_allclose(*seen, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name, options", TABLE)
def test_resuming_is_exact_to_the_bit(name, options):
    steps = range(STEPS.get(name, 20))
    middle = len(steps) // 2
    problem = Problem(minidl, name)
    opt = getattr(optim, name)(problem.ps, **options)
    problem.run(opt, steps[:middle])
    saved, weights = copy.deepcopy(opt.state_dict()), [p.detach().clone() for p in problem.ps]
    rest = problem.run(opt, steps[middle:])

    other = Problem(minidl, name)
    with minidl.no_grad():
        for p, w in zip(other.ps, weights):
            p.copy_(w)
    resumed = getattr(optim, name)(other.ps, **options)
    resumed.load_state_dict(saved)
    np.testing.assert_array_equal(other.run(resumed, steps[middle:]), rest)
    assert resumed.state_dict()["param_groups"] == opt.state_dict()["param_groups"]


@pytest.mark.parametrize("name, options", TABLE)
def test_pytorchs_state_is_taken_over_in_the_middle(name, options, torch):
    if name == "Lion":
        pytest.skip("PyTorch has no Lion, and so no state of it")
    steps = range(STEPS.get(name, 20))
    middle = len(steps) // 2
    theirs = Problem(torch, name)
    opt = getattr(torch.optim, name)(theirs.ps, **options)
    theirs.run(opt, steps[:middle])
    saved, weights = copy.deepcopy(opt.state_dict()), [p.detach().numpy().copy() for p in theirs.ps]
    rest = theirs.run(opt, steps[middle:])

    ours = Problem(minidl, name)
    with minidl.no_grad():
        for p, w in zip(ours.ps, weights):
            p.copy_(minidl.tensor(w))
    resumed = getattr(optim, name)(ours.ps, **options)
    assert set(resumed.param_groups[0]) == set(opt.param_groups[0])
    resumed.load_state_dict(saved)
    np.testing.assert_allclose(ours.run(resumed, steps[middle:]), rest, rtol=1e-9, atol=1e-9)
    kinds = lambda o: {k: set(state) - {"al"} for k, state in o.state_dict()["state"].items()}
    assert kinds(resumed) == kinds(opt)  # "al" is room that PyTorch's LBFGS keeps for its two loops


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name, options", [case for case in TABLE if case[0] not in ("LBFGS", "Muon", "Adafactor")])
def test_both_ways_of_stepping_give_the_same_bits(name, options, dtype, device, monkeypatch):
    seen = []
    for small, part, foreach in [(0, 10**9, False), (0, 5, None), (100, 5, None), (100, 10**9, True)]:
        monkeypatch.setattr("minidl.optim.flat.SMALL", small)
        monkeypatch.setattr("minidl.optim.flat.PART", part)
        problem = Problem(minidl, name, dtype)
        problem.ps = [p.detach().to(device=device).requires_grad_(p.requires_grad) for p in problem.ps]
        problem.x, problem.t = problem.x.to(device=device), problem.t.to(device=device)
        opt = getattr(optim, name)(problem.ps, foreach=foreach, **options)
        for k in range(12):
            opt.zero_grad()
            problem.loss(k).backward()
            opt.step()
        seen.append([p.detach().cpu().numpy() for p in problem.ps])
        seen[-1] += [t.cpu().numpy() for p in problem.ps for t in opt.state[p].values()]
    for other in seen[1:]:
        assert len(other) == len(seen[0])
        for a, b in zip(seen[0], other):
            np.testing.assert_array_equal(a, b)


def test_defaults_are_pytorchs(torch):
    for name in set(CASES) - {"Lion"}:
        p, q = minidl.zeros(2, 2, requires_grad=True), torch.zeros(2, 2, requires_grad=True)
        assert getattr(optim, name)([p]).defaults == getattr(torch.optim, name)([q]).defaults, name


@pytest.mark.parametrize("name, options", [(n, CASES[n][-1]) for n in CASES])
def test_a_learning_rate_may_be_a_tensor(name, options):
    seen = []
    for wrap in (float, minidl.tensor):
        problem = Problem(minidl, name)
        opt = getattr(optim, name)(problem.ps, **{**options, "lr": wrap(0.25)})
        seen.append(problem.run(opt, range(4)))
    np.testing.assert_array_equal(*seen)
