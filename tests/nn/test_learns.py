"""The parts together: a small network learns real digits, and a step leaves nothing to the garbage collector."""

import gc

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.utils.data import DataLoader, TensorDataset


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(8 * 4 * 4, 10))

    def forward(self, x):
        return self.head(self.features(x))


def digits():
    datasets = pytest.importorskip("sklearn.datasets", reason="the digits ship with scikit-learn")
    images, labels = datasets.load_digits(return_X_y=True)
    return minidl.tensor(images[:300].reshape(-1, 1, 8, 8) / 16, dtype=minidl.float32), minidl.tensor(labels[:300])


def train(net, opt, loader, epochs):
    for _ in range(epochs):
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            opt.step()
    return float(loss)


def test_a_small_network_learns_digits():
    x, y = digits()
    minidl.manual_seed(0)
    net = Small()
    loader = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True)
    train(net, optim.Adam(net.parameters(), lr=5e-3), loader, epochs=6)
    with minidl.no_grad():
        accuracy = (net.eval()(x).argmax(dim=1) == y).float().mean().item()
    assert accuracy > 0.9


def test_the_same_seed_gives_the_same_run():
    x, y = minidl.randn(20, 1, 8, 8), minidl.arange(20) % 10
    runs = []
    for _ in range(2):
        minidl.manual_seed(1)
        net = Small()
        loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
        train(net, optim.SGD(net.parameters(), lr=0.1, momentum=0.9), loader, epochs=2)
        runs.append([t.numpy() for t in net.state_dict().values()])
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_training_step_leaves_nothing_to_the_garbage_collector():
    net, x, y = Small(), minidl.randn(6, 1, 8, 8), minidl.arange(6)
    opt = optim.AdamW(net.parameters())
    loader = DataLoader(TensorDataset(x, y), batch_size=3)
    train(net, opt, loader, epochs=1)
    gc.collect()
    gc.disable()
    try:
        train(net, opt, loader, epochs=1)
        assert gc.collect() == 0
    finally:
        gc.enable()
