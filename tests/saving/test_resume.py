"""A run that was saved, ended and resumed continues bit for bit: model, optimizer, schedule and random state."""

import inspect
from collections import OrderedDict

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.optim import lr_scheduler
from tests.saving.values import same

OPTIMIZERS = [
    kind for _, kind in inspect.getmembers(optim, inspect.isclass)
    if issubclass(kind, optim.Optimizer) and kind is not optim.Optimizer
]  # fmt: skip
SCHEDULERS = {
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [1, 3, 3]},
    "ExponentialLR": {"gamma": 0.9},
    "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 2},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 10},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "cycle_momentum": False},
    "LinearLR": {"total_iters": 4},
    "PolynomialLR": {"total_iters": 4},
    "ConstantLR": {"total_iters": 2},
    "LambdaLR": {"lr_lambda": lambda epoch: 0.9**epoch},
    "ReduceLROnPlateau": {"patience": 0},
}


class Run:
    def __init__(self, optimizer, scheduler, seed):
        minidl.manual_seed(seed)
        self.net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 1))
        matrices_alone = optimizer is optim.Muon
        params = [p for p in self.net.parameters() if p.ndim == 2 or not matrices_alone]
        self.optimizer = optimizer(params, lr=0.05)
        self.metrics = [1.0] if scheduler == "ReduceLROnPlateau" else []
        self.scheduler = scheduler and getattr(lr_scheduler, scheduler)(self.optimizer, **SCHEDULERS[scheduler])

    def closure(self):
        self.optimizer.zero_grad()
        loss = (self.net(minidl.randn(8, 4)) ** 2.0).mean()
        loss.backward()
        return loss

    def train(self, steps):
        losses = []
        for _ in range(steps):
            losses.append(self.optimizer.step(self.closure).item())
            if self.scheduler:
                self.scheduler.step(*self.metrics)
        return losses

    def state(self):
        return {
            "model": self.net.state_dict(), "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler and self.scheduler.state_dict(), "random": minidl.get_rng_state(),
        }  # fmt: skip

    def restore(self, state):
        self.net.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler:
            self.scheduler.load_state_dict(state["scheduler"])
        minidl.set_rng_state(state["random"])


def resumes(tmp_path, optimizer, scheduler, suffix):
    run = Run(optimizer, scheduler, 0)
    run.train(3)
    minidl.save(run.state(), tmp_path / f"run{suffix}")
    wanted = run.train(3)
    other = Run(optimizer, scheduler, 1)
    other.restore(minidl.load(tmp_path / f"run{suffix}"))
    assert other.train(3) == wanted
    assert same(other.state()["model"], run.state()["model"])
    assert same(other.state()["random"], run.state()["random"])


@pytest.mark.parametrize("suffix", [".safetensors", ".npz"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda kind: kind.__name__)
def test_every_optimizer_resumes(tmp_path, optimizer, suffix):
    resumes(tmp_path, optimizer, None, suffix)


@pytest.mark.parametrize("scheduler", [name for name in SCHEDULERS if hasattr(lr_scheduler, name)])
def test_every_schedule_resumes(tmp_path, scheduler):
    resumes(tmp_path, optim.SGD, scheduler, ".ckpt")


def test_a_state_dict_keeps_its_names_order_and_ties(tmp_path):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.head = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
            self.head.weight = self.embed.weight

    net = Tied()
    minidl.save(net.state_dict(), tmp_path / "net.safetensors")
    found = minidl.load(tmp_path / "net.safetensors")
    assert type(found) is OrderedDict
    assert list(found) == ["embed.weight", "head.weight"]
    assert found["embed.weight"] is found["head.weight"]
    other = Tied()
    other.load_state_dict(found)
    assert np.array_equal(other.head.weight.detach().numpy(), net.embed.weight.detach().numpy())
    assert other.head.weight is other.embed.weight


def test_parameters_come_back_as_tensors(tmp_path):
    minidl.save(list(nn.Linear(2, 3).parameters()), tmp_path / "a")
    found = minidl.load(tmp_path / "a")
    assert [type(t) for t in found] == [minidl.Tensor] * 2
    assert all(t.requires_grad for t in found)


def test_pytorchs_weights_go_into_our_module(tmp_path):
    torch = pytest.importorskip("torch", reason="reads what PyTorch writes: needs torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 2))
    torch.save(theirs.state_dict(), tmp_path / "net.pt")
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    net.load_state_dict(minidl.load(tmp_path / "net.pt"))
    x = np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4)
    wanted = theirs.eval()(torch.from_numpy(x)).detach().numpy()
    assert np.allclose(net.eval()(minidl.from_numpy(x)).detach().numpy(), wanted, atol=1e-6)


def test_a_write_into_shared_memory_is_noticed_by_backward(tmp_path):
    torch = pytest.importorskip("torch", reason="reads what PyTorch writes: needs torch")
    w = torch.arange(4.0)
    torch.save({"a": w, "b": w[:2]}, tmp_path / "w.pt")
    found = minidl.load(tmp_path / "w.pt")
    a = found["a"].requires_grad_()
    y = (a * a).sum()
    with minidl.no_grad():
        found["b"].mul_(2.0)
    with pytest.raises(RuntimeError, match="overwritten"):
        y.backward()
