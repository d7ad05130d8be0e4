"""Does the CIFAR-10 beginner's program do the same in minidl and in PyTorch, and how long does it take?

The same weights, the same batches of four in the same order, SGD with momentum: first the losses, step by step,
then seconds per epoch of the bare training loop. MINIDL_DATA names the folder that holds `cifar-10-batches-py`.
"""

import argparse
import time

import numpy as np

import minidl

from ._timing import machine


def network(lib: object) -> object:
    nn, F = lib.nn, lib.nn.functional  # type: ignore[attr-defined]

    class Net(nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.conv1, self.conv2, self.pool = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2, 2)
            self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x: object) -> object:
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x)))
            x = F.relu(self.fc1(x.view(-1, 400)))
            return self.fc3(F.relu(self.fc2(x)))

    return Net()


def run(lib: object, weights: dict[str, np.ndarray], images: np.ndarray, labels: np.ndarray) -> tuple[list[float], float]:
    """The loss of every step over batches of four, and the seconds of it all."""
    net = network(lib)
    net.load_state_dict({name: lib.tensor(w) for name, w in weights.items()})
    criterion = lib.nn.CrossEntropyLoss()
    optimizer = lib.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    losses, start = [], time.perf_counter()
    for first in range(0, len(images), 4):
        x, y = lib.from_numpy(images[first : first + 4]), lib.from_numpy(labels[first : first + 4])
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="steps to compare and to time (default: %(default)s)")
    steps = parser.parse_args().steps
    import torch

    from minidl.vision.datasets import CIFAR10

    photographs = CIFAR10(None, train=True)
    order = np.random.default_rng(0).permutation(len(photographs.data))[: 4 * steps]
    images = ((photographs.data[order].transpose(0, 3, 1, 2) / 255 - 0.5) / 0.5).astype(np.float32)
    labels = np.asarray(photographs.targets, dtype=np.int64)[order]
    minidl.manual_seed(0)
    weights = {name: t.detach().numpy() for name, t in network(minidl).state_dict().items()}
    print(machine())
    runs = {}
    for name, lib in (("minidl", minidl), ("PyTorch", torch), ("minidl", minidl), ("PyTorch", torch)):
        losses, seconds = run(lib, weights, images, labels)
        epoch = seconds / len(losses) * 12_500
        print(f"  {name:8} {seconds / len(losses) * 1e3:6.2f} ms a step, {epoch:6.1f} s an epoch of 12,500 steps", flush=True)
        runs[name] = losses
    apart = np.abs(np.subtract(runs["minidl"], runs["PyTorch"]))
    print(f"  {len(apart)} losses: at most {apart.max():.1e} apart; the last hundred mean {np.mean(runs['minidl'][-100:]):.4f}")


if __name__ == "__main__":
    main()
