"""The fast ways of stepping, beside the plain one, whatever is done to the parameters in between."""

import copy
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import nn, optim


def same(a, b):
    for p, q in zip(a, b, strict=True):
        np.testing.assert_array_equal(p.detach().cpu().numpy(), q.detach().cpu().numpy())


NAMES = ["SGD", "Adam", "AdamW", "NAdam", "ASGD", "RMSprop", "Rprop"]
MORE = {"SGD": {"momentum": 0.9, "dampening": 0.1}, "RMSprop": {"momentum": 0.5, "centered": True}}


@given(
    shapes=st.lists(st.lists(st.integers(0, 7), max_size=3).map(tuple), min_size=1, max_size=6),
    missing=st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=6),
    name=st.sampled_from(NAMES), small=st.sampled_from([0, 20, 10**4]), part=st.integers(3, 60),
)  # fmt: skip
def test_shapes_and_absent_gradients(shapes, missing, name, small, part):
    """The same bits, whichever parameters are bundled, cut into parts, or without a gradient for a step."""
    rng = np.random.default_rng(0)
    values = [rng.normal(size=s).astype(np.float32) for s in shapes]
    gradients = [[rng.normal(size=s).astype(np.float32) for s in shapes] for _ in missing]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minidl.optim.flat.SMALL", small)
        patch.setattr("minidl.optim.flat.PART", part)
        runs = []
        for foreach in (False, None):
            ps = [minidl.tensor(v.copy(), requires_grad=True) for v in values]
            opt = getattr(optim, name)(ps, lr=0.1, foreach=foreach, **MORE.get(name, {}))
            for gs, absent in zip(gradients, missing):
                for k, (p, g) in enumerate(zip(ps, gs)):
                    p.grad = None if k in absent else minidl.tensor(g)
                opt.step()
            runs.append([*ps, *(t for p in ps for t in opt.state[p].values())])
    same(*runs)


class Pair:
    """One network trained in both ways at once; each tampering is done to both."""

    def __init__(self, name="Adam", **settings):
        minidl.manual_seed(0)
        self.name, self.settings = name, {"lr": 0.05, **MORE.get(name, {}), **settings}
        first = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.Linear(2, 2, bias=False))
        self.nets = [first, copy.deepcopy(first)]
        self.opts = [self.optimizer(net.parameters(), k) for k, net in enumerate(self.nets)]

    def optimizer(self, params, k):
        return getattr(optim, self.name)(params, foreach=(None, False)[k], **self.settings)

    def do(self, tamper):
        for k, (net, opt) in enumerate(zip(self.nets, self.opts)):
            changed = tamper(net, opt, k)
            if changed is not None:
                self.nets[k], self.opts[k] = changed

    def train(self, n=2, between=lambda net: None):
        for step in range(n):
            for net, opt in zip(self.nets, self.opts):
                opt.zero_grad()
                x = minidl.ones(5, 3, dtype=next(net.parameters()).dtype) * (step + 1)
                net(x).pow(2).sum().backward()
                between(net)
                opt.step()
        same(*(list(net.parameters()) for net in self.nets))
        same(*([t for p in o.param_groups[0]["params"] for t in o.state[p].values()] for o in self.opts))


def fill(net, opt, k):
    net[0].weight.data.fill_(0.5)


def replace(net, opt, k):
    net[0].weight.data = minidl.ones(4, 3)
    net[2].bias.data = minidl.zeros(4)[::2]  # not contiguous


def by_hand(net, opt, k):
    with minidl.no_grad():
        for p in net.parameters():
            p -= 0.1 * p.grad


def reload(net, opt, k):
    net.load_state_dict({key: value * 0.5 for key, value in net.state_dict().items()})
    opt.load_state_dict(opt.state_dict())


def assign(net, opt, k):
    net.load_state_dict({key: (value * 0.5).clone() for key, value in net.state_dict().items()}, assign=True)
    opt.param_groups[0]["params"] = list(net.parameters())


def copies(net, opt, k):
    return copy.deepcopy((net, opt))


def another_optimizer(net, opt, k):
    other = optim.SGD(net.parameters(), lr=0.01, momentum=0.9, foreach=(None, False)[k])
    other.step()
    opt.step()
    other.step()


def late_group(net, opt, k):
    late = nn.Parameter(minidl.ones(3))
    opt.add_param_group({"params": [late], "lr": 1.0})
    late.grad = minidl.ones(3)


def forget_one_state(net, opt, k):
    del opt.state[net[2].weight]


def set_state(net, opt, k):
    for name, t in opt.state[net[0].bias].items():
        opt.state[net[0].bias][name] = t.detach().clone() + 1
    for t in opt.state[net[2].bias].values():
        t.fill_(2.0)


def share_memory(net, opt, k):
    net[2].weight.data = net[0].weight.data[:2, :3].contiguous().new_ones(2, 4)
    net[3].weight.data = net[2].weight.data[:, :2]  # two parameters in one memory


def other_setting(net, opt, k):
    opt.param_groups[0].update(lr=0.2, betas=(0.5, 0.6), amsgrad=True, momentum=0.3, weight_decay=0.1)


TAMPERINGS = [
    fill, replace, by_hand, reload, assign, copies, another_optimizer, late_group, forget_one_state, set_state,
    share_memory, other_setting,
]  # fmt: skip


@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda f: f.__name__)
def test_what_is_done_between_steps_is_seen(tamper, name):
    pair = Pair(name)
    pair.train()
    pair.do(tamper)
    pair.train(3)
    pair.do(tamper)
    pair.train(2)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("dtypes", [("half",), ("double",), ("double", "float"), ("half", "float")])
def test_the_dtype_may_change_between_steps(name, dtypes):
    pair = Pair(name)
    pair.train()
    for dtype in dtypes:
        pair.do(lambda net, opt, k, to=dtype: getattr(net, to)() and None)
        pair.train(2)


def test_parameters_and_state_follow_the_device(device):
    pair = Pair()
    pair.train()
    for net in pair.nets:
        net.to(device)
    for _ in range(2):
        for net, opt in zip(pair.nets, pair.opts):
            opt.zero_grad()
            net(minidl.ones(5, 3, device=device)).pow(2).sum().backward()
            opt.step()
        same(*(list(net.parameters()) for net in pair.nets))


def test_clipping_between_backward_and_step():
    pair = Pair()
    pair.train(4, between=lambda net: nn.utils.clip_grad_norm_(net.parameters(), 0.1))


def test_gradients_of_some_forgotten_in_turn():
    pair = Pair("SGD")

    def forget(net):
        net[2].weight.grad = None

    pair.train(2)
    pair.train(3, between=forget)
    pair.train(1)
    pair.train(1, between=forget)
    pair.train(3)


def test_parameters_never_move():
    """Whoever holds p.data, a state_dict or a NumPy view of a parameter sees each step, as in PyTorch."""
    net = nn.Linear(3, 2)
    held, state, view = net.weight.data, net.state_dict()["weight"], net.weight.detach().numpy()
    array, opt = net.weight.array, optim.Adam(net.parameters())
    for _ in range(3):
        net(minidl.ones(1, 3)).sum().backward()
        opt.step()
    assert net.weight.array is array
    for seen in (held.numpy(), state.numpy(), view):
        np.testing.assert_array_equal(seen, net.weight.detach().numpy())


def test_state_that_is_held_goes_on_and_is_saved_alone():
    net = nn.Sequential(*(nn.Linear(30, 30) for _ in range(20)))
    opt = optim.Adam(net.parameters())
    for _ in range(2):
        net(minidl.ones(1, 30)).sum().backward()
        opt.step()
    p = net[0].bias
    held = opt.state[p]["exp_avg"]
    opt.step()
    assert opt.state[p]["exp_avg"] is held
    assert float(opt.state[p]["step"]) == 3
    file = io.BytesIO()
    minidl.save({"state": opt.state[p]}, file)
    assert len(file.getvalue()) < 5000  # not the moments of all the others with it


@pytest.mark.parametrize("foreach", [None, False])
def test_a_step_before_backward_is_noticed(foreach):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    opt = optim.Adam(net.parameters(), foreach=foreach)
    for _ in range(2):
        loss = net(minidl.ones(1, 2)).sum()
        loss.backward(retain_graph=True)
        opt.step()
    with pytest.raises(RuntimeError, match="overwritten"):
        loss.backward()


def test_a_gradient_of_another_shape_is_refused():
    p = nn.Parameter(minidl.ones(3))
    p.grad = minidl.ones(3)
    p.data = minidl.ones(2, 3)
    with pytest.raises(RuntimeError, match="was its data replaced"):
        optim.SGD([p]).step()
