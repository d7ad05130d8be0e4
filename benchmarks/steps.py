"""How long is a training step beside PyTorch's? Ten small networks: forward, loss, backward and update.

The same program text runs in both libraries, from the same weights on the same batch; the first losses must agree
before anything is timed. Each timing is a process of its own, the two libraries in turn, on the same number of threads.
Reported: the median over the processes' medians, and the memory that the steps add at their peak.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ._timing import machine

LOSSES = 5  # compared before the timing


def mlp(lib: Any) -> Any:
    nn = lib.nn
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    return model, classify(lib, model, (128, 784), 10), adam


def lenet(lib: Any, batch: int) -> Any:
    nn = lib.nn
    model = nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    return model, classify(lib, model, (batch, 3, 32, 32), 10), momentum


def vggblock(lib: Any) -> Any:
    nn = lib.nn
    block = lambda c, f: [nn.Conv2d(c, f, 3, padding=1), nn.BatchNorm2d(f), nn.ReLU()]
    model = nn.Sequential(
        *block(3, 32), *block(32, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 8 * 8, 10),
    )  # fmt: skip
    return model, classify(lib, model, (32, 3, 32, 32), 10), momentum


def recurrent(lib: Any, kind: str) -> Any:
    """Predict the next of 65 characters: sequences of 64, in batches of 32."""
    nn = lib.nn
    embed, cell, head = nn.Embedding(65, 64), getattr(nn, kind)(64, 128, batch_first=True), nn.Linear(128, 65)
    x, y = characters(lib, 32, 64)

    def loss() -> Any:
        hidden, _ = cell(embed(x))
        return nn.functional.cross_entropy(head(hidden).reshape(-1, 65), y)

    return nn.ModuleList([embed, cell, head]), loss, adam


def gpt(lib: Any) -> Any:
    """Four blocks of width 128 with 4 heads, on 16 sequences of 64 characters."""
    nn, F = lib.nn, lib.nn.functional
    B, T, D, heads = 16, 64, 128, 4
    x, y = characters(lib, B, T)
    tokens, positions, head = nn.Embedding(65, D), nn.Embedding(T, D), nn.Linear(D, 65)
    block = lambda: nn.ModuleList([
        nn.LayerNorm(D), nn.Linear(D, 3 * D), nn.Linear(D, D), nn.LayerNorm(D), nn.Linear(D, 4 * D), nn.Linear(4 * D, D)
    ])  # fmt: skip
    blocks, last = nn.ModuleList([block() for _ in range(4)]), nn.LayerNorm(D)
    split = lambda t: t.view(B, T, heads, D // heads).transpose(1, 2)

    def loss() -> Any:
        h = tokens(x) + positions(lib.arange(T))
        for norm1, qkv, out, norm2, up, down in blocks:
            q, k, v = (split(t) for t in qkv(norm1(h)).split(D, dim=2))
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            h = h + out(a.transpose(1, 2).reshape(B, T, D))
            h = h + down(F.gelu(up(norm2(h)), approximate="tanh"))
        return F.cross_entropy(head(last(h)).reshape(-1, 65), y)

    return nn.ModuleList([tokens, positions, head, blocks, last]), loss, adam


def tiny(lib: Any) -> Any:
    """So small that only overhead is left."""
    nn = lib.nn
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    rng = np.random.default_rng(0)
    x, y = (lib.from_numpy(rng.standard_normal((32, n)).astype("float32")) for n in (2, 1))
    return model, lambda: ((model(x) - y) ** 2).mean(), momentum


def scalar(lib: Any) -> Any:
    """A chain of a thousand operations on one number."""
    model = lib.nn.Linear(1, 1)

    def loss() -> Any:
        w, y = model.weight.reshape(()), model.bias.reshape(())
        for k in range(500):
            y = y * w if k % 2 else y + w
            y = y.tanh() if k % 10 == 0 else y * 0.5
        return y

    return model, loss, momentum


STEPS: dict[str, Callable[[Any], Any]] = {
    "mlp": mlp, "lenet4": lambda lib: lenet(lib, 4), "lenet64": lambda lib: lenet(lib, 64), "vggblock": vggblock,
    "lstm": lambda lib: recurrent(lib, "LSTM"), "gru": lambda lib: recurrent(lib, "GRU"),
    "rnn": lambda lib: recurrent(lib, "RNN"), "gpt": gpt, "tiny": tiny, "scalar": scalar,
}  # fmt: skip


def classify(lib: Any, model: Any, shape: tuple[int, ...], classes: int) -> Callable[[], Any]:
    rng = np.random.default_rng(0)
    x = lib.from_numpy(rng.standard_normal(shape).astype("float32"))
    y = lib.from_numpy(rng.integers(0, classes, shape[0]))
    return lambda: lib.nn.functional.cross_entropy(model(x), y)


def characters(lib: Any, batch: int, length: int) -> Any:
    text = np.random.default_rng(0).integers(0, 65, (batch, length + 1))
    return lib.from_numpy(text[:, :-1].copy()), lib.from_numpy(text[:, 1:].reshape(-1).copy())


def adam(lib: Any, parameters: Any) -> Any:
    return lib.optim.Adam(parameters, lr=1e-3)


def momentum(lib: Any, parameters: Any) -> Any:
    return lib.optim.SGD(parameters, lr=0.001, momentum=0.9)


def prepare(lib: Any, name: str) -> Callable[[], Any]:
    """One step of the named network, its weights drawn by NumPy so that both libraries have the same."""
    model, loss, optimizer = STEPS[name](lib)
    rng = np.random.default_rng(1)
    with lib.no_grad():
        for p in model.parameters():
            bound = 0.5 / np.sqrt(p.shape[-1])
            p.copy_(lib.from_numpy(rng.uniform(-bound, bound, tuple(p.shape)).astype("float32")))
    update = optimizer(lib, model.parameters())

    def step() -> Any:
        update.zero_grad()
        value = loss()
        value.backward()
        update.step()
        return value

    return step


def child(library: str, name: str, seconds: float) -> None:
    """Print what one process measures, as JSON."""
    if library == "minidl":
        import minidl as lib
    else:
        import torch as lib
    step = prepare(lib, name)
    before = peak_memory(reset=True)
    losses = [float(step().detach()) for _ in range(LOSSES)]
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({"losses": losses, "seconds": statistics.median(times), "peak": peak_memory() - before}))


def peak_memory(reset: bool = False) -> float:
    """The most megabytes this process has held (since `reset`, where the system can forget: Linux)."""
    if sys.platform.startswith("linux"):
        if reset:
            with open("/proc/self/clear_refs", "w", encoding="ascii") as memory:
                memory.write("5")
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(library: str, name: str, seconds: float, threads: int) -> dict[str, Any]:
    limits = {f"{which}_NUM_THREADS": str(threads) for which in ("OMP", "OPENBLAS", "MKL")}
    command = [sys.executable, "-m", "benchmarks.steps", "--child", library, name, "--seconds", str(seconds)]
    done = subprocess.run(command, env=os.environ | limits, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="STEP", help=f"which of {', '.join(STEPS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="processes per library and step (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="per process (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="for both (default: %(default)s)")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(*args.child, args.seconds)
    unknown = set(args.names) - set(STEPS)
    if unknown:
        parser.error(f"no step is called {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    print(machine())
    print(f"{'step':10}{'minidl ms':>11}{'PyTorch ms':>12}{'ratio':>8}{'MB':>8}{'MB':>8}   (medians of {args.rounds})")
    ratios = []
    for name in args.names or STEPS:
        both: dict[str, list[dict[str, Any]]] = {"minidl": [], "torch": []}
        for _ in range(args.rounds):
            for library, found in both.items():
                found.append(measure(library, name, args.seconds, args.threads))
        ours, theirs = (both[library][0]["losses"] for library in both)
        if not np.allclose(ours, theirs, rtol=1e-4, atol=1e-5):
            raise SystemExit(f"{name}: the losses differ, {ours} and {theirs}; nothing was compared")
        time_of = {library: statistics.median(run["seconds"] for run in runs) * 1e3 for library, runs in both.items()}
        peak = {library: statistics.median(run["peak"] for run in runs) for library, runs in both.items()}
        ratios.append(time_of["minidl"] / time_of["torch"])
        print(
            f"{name:10}{time_of['minidl']:11.2f}{time_of['torch']:12.2f}{ratios[-1]:8.2f}{peak['minidl']:8.0f}"
            f"{peak['torch']:8.0f}",
            flush=True,
        )
    print(f"geometric mean of the ratios: {statistics.geometric_mean(ratios):.2f}")


if __name__ == "__main__":
    main()
