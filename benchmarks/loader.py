"""What do DataLoader's workers gain, and what do they cost?

Examples per second by the number of workers, against PyTorch's loader: an artificial transform that keeps the
processor busy (workers should gain as there are cores), arrays ready in memory (workers can only lose; the
question is how much shared memory takes of it), and a TensorDataset. Then what starting the workers costs a pass.
"""

from collections.abc import Callable

import numpy as np

import minidl
from minidl.data import DataLoader, TensorDataset

from ._timing import alternate, machine

WORKERS = (0, 1, 2, 4)


class Busy:
    """About a millisecond of plain Python an example."""

    def __len__(self) -> int:
        return 256

    def __getitem__(self, k: int) -> np.ndarray:
        x = k
        for _ in range(10_000):
            x = (x * 1103515245 + 12345) % 2147483648
        return np.full(64, x, dtype="float32")


class Images:
    """3 × 96 × 96 floats, copied as they are."""

    def __init__(self) -> None:
        self.data = np.random.default_rng(0).random((1024, 3, 96, 96), dtype="float32")

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, k: int) -> np.ndarray:
        return self.data[k]


def passes(make: Callable[..., object], **options: object) -> dict[str, Callable[[], object]]:
    """One whole pass by workers that are there already, for each number of them."""

    def run(loader: object) -> Callable[[], object]:
        return lambda: sum(1 for _ in loader)  # type: ignore[attr-defined]  # a loader of either library

    return {
        str(n): run(make(num_workers=n, persistent_workers=n > 0, batch_size=16, **options)) for n in WORKERS
    }


def row(what: str, examples: int, candidates: dict[str, Callable[[], object]], rounds: int = 9) -> None:
    times = alternate(candidates, rounds)
    print(f"  {what:34}" + "".join(f"{examples / t.median:10,.0f}" for t in times.values()), flush=True)


def main() -> None:
    print(machine())
    print("Examples per second in batches of 16, medians over passes in turn. By the number of workers:")
    print(f"  {'':34}" + "".join(f"{n:10}" for n in WORKERS))
    rows = np.random.default_rng(0).random((20_000, 784), dtype="float32")
    libraries = {"minidl": (DataLoader, TensorDataset(minidl.from_numpy(rows)))}
    try:
        import torch
        from torch.utils import data

        libraries["PyTorch"] = (data.DataLoader, data.TensorDataset(torch.from_numpy(rows)))
    except ImportError:
        pass
    for name, (loader, tensors) in libraries.items():
        for what, dataset in [("busy transform", Busy()), ("images in memory", Images()), ("TensorDataset", tensors)]:
            candidates = passes(lambda loader=loader, dataset=dataset, **options: loader(dataset, **options))
            row(f"{name}, {what}", len(dataset), candidates, 5 if what == "busy transform" else 9)
    print("Starting workers, and ending them, for a pass of one batch, ms:")
    for name, (loader, tensors) in libraries.items():
        whole = {
            str(n): lambda n=n, loader=loader, tensors=tensors: next(iter(loader(tensors, num_workers=n)))
            for n in WORKERS
        }
        print(f"  {name:34}" + "".join(f"{t.median * 1e3:10.1f}" for t in alternate(whole, 9).values()), flush=True)


if __name__ == "__main__":
    main()
