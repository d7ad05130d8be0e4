"""Does the CIFAR-10 beginner's program do the same in minidl and in PyTorch, and how long does it take?

The same weights, the same batches of four in the same order, SGD with momentum. In float64 the losses must agree
to rounding, step by step. In float32 rounding grows to a few hundredths within 2,000 steps in any library: PyTorch
on one thread against PyTorch on two stands beside. Then seconds per epoch of the bare training loop, in float32.
MINIDL_DATA names the folder that holds `cifar-10-batches-py`.
"""

import argparse
import time
from typing import Any

import numpy as np

import minidl

from ._timing import machine


def network(lib: Any) -> Any:
    nn, F = lib.nn, lib.nn.functional

    class Net(nn.Module):  # type: ignore[name-defined, misc]  # the module of either library
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2, self.pool = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2, 2)
            self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x: Any) -> Any:
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x)))
            x = F.relu(self.fc1(x.view(-1, 400)))
            return self.fc3(F.relu(self.fc2(x)))

    return Net()


def run(lib: Any, weights: dict[str, Any], images: Any, labels: Any, dtype: str = "float32") -> tuple[Any, float]:
    """The loss of every step over batches of four, and the seconds of it all."""
    net = network(lib).to(getattr(lib, dtype))
    net.load_state_dict({name: lib.tensor(w) for name, w in weights.items()})
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    images = images.astype(dtype)
    losses, start = [], time.perf_counter()
    for first in range(0, len(images), 4):
        x, y = lib.from_numpy(images[first : first + 4]), lib.from_numpy(labels[first : first + 4])
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="steps to compare and to time (default: %(default)s)")
    steps = parser.parse_args().steps
    import torch

    from minidl.vision.datasets import CIFAR10

    photographs = CIFAR10(None, train=True)
    order = np.random.default_rng(0).permutation(len(photographs.data))[: 4 * steps]
    images = np.ascontiguousarray(photographs.data[order].transpose(0, 3, 1, 2) / 127.5 - 1)
    labels = np.asarray(photographs.targets, dtype=np.int64)[order]
    minidl.manual_seed(0)
    weights = {name: t.detach().numpy() for name, t in network(minidl).state_dict().items()}
    task = (weights, images, labels)
    print(machine())
    apart = np.abs(run(minidl, *task, "float64")[0] - run(torch, *task, "float64")[0]).max()
    print(f"  {steps} losses in float64, minidl and PyTorch: at most {apart:.1e} apart")
    threads = torch.get_num_threads()
    losses: dict[str, Any] = {}
    for name, lib, n in (("minidl", minidl, threads), ("PyTorch", torch, threads), ("PyTorch", torch, 1)) * 2:
        torch.set_num_threads(n)
        losses[name, n], seconds = run(lib, *task)
        each = seconds / steps
        print(f"  {name:8} {n} threads  {each * 1e3:6.2f} ms a step, {each * 12_500:6.1f} s an epoch")
    other = losses["PyTorch", threads]
    for what, name, n in (("minidl", "minidl", threads), ("PyTorch on one thread", "PyTorch", 1)):
        apart = np.abs(losses[name, n] - other).max()
        print(f"  {steps} losses in float32, PyTorch and {what}: at most {apart:.1e} apart")


if __name__ == "__main__":
    main()
