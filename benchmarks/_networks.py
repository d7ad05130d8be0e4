"""Ten small networks to train: the same program text runs in minidl and in PyTorch.

`prepare_step` gives a step: forward, loss, backward and update, from the same weights on the same batch.
The batch is a tensor of its own, as a DataLoader makes it: memory shared with a NumPy array (`from_numpy`) costs minidl
a checksum in every step, up to 0.4 ms for 0.8 MB, which finds what is written into the array.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np


def mlp(lib: Any, batch: int = 128, sizes: Sequence[int] = (784, 512, 256, 10)) -> Any:
    nn = lib.nn
    layers = [layer for i, o in zip(sizes, sizes[1:]) for layer in (nn.Linear(i, o), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    return model, classify(lib, model, (batch, sizes[0]), sizes[-1]), adam


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


def recurrent(lib: Any, kind: str, length: int = 64) -> Any:
    """Predict the next of 65 characters: sequences in batches of 32."""
    nn = lib.nn
    embed, cell, head = nn.Embedding(65, 64), getattr(nn, kind)(64, 128, batch_first=True), nn.Linear(128, 65)
    x, y = characters(lib, 32, length)

    def loss() -> Any:
        hidden, _ = cell(embed(x))
        return nn.functional.cross_entropy(head(hidden).reshape(-1, 65), y)

    return nn.ModuleList([embed, cell, head]), loss, adam


def gpt(lib: Any, B: int = 16, T: int = 64, layers: int = 4, D: int = 128) -> Any:
    """Blocks with 4 heads on B sequences of T characters."""
    nn, F = lib.nn, lib.nn.functional
    heads = 4
    x, y = characters(lib, B, T)
    tokens, positions, head = nn.Embedding(65, D), nn.Embedding(T, D), nn.Linear(D, 65)
    block = lambda: nn.ModuleList([
        nn.LayerNorm(D), nn.Linear(D, 3 * D), nn.Linear(D, D), nn.LayerNorm(D), nn.Linear(D, 4 * D), nn.Linear(4 * D, D)
    ])  # fmt: skip
    blocks, last = nn.ModuleList([block() for _ in range(layers)]), nn.LayerNorm(D)
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
    x, y = (lib.tensor(rng.standard_normal((32, n)).astype("float32")) for n in (2, 1))
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
    x, y = (lib.tensor(t) for t in noise(shape, classes))
    return lambda: lib.nn.functional.cross_entropy(model(x), y)


def characters(lib: Any, batch: int, length: int) -> Any:
    return tuple(lib.tensor(t) for t in text(batch, length))


def noise(shape: tuple[int, ...], classes: int) -> Any:
    """Numbers without meaning, and a class for each."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(shape).astype("float32"), rng.integers(0, classes, shape[0])


def text(batch: int, length: int) -> Any:
    """Characters, and those that follow them."""
    drawn = np.random.default_rng(0).integers(0, 65, (batch, length + 1))
    return drawn[:, :-1].copy(), drawn[:, 1:].reshape(-1).copy()


def adam(lib: Any, parameters: Any) -> Any:
    return lib.optim.Adam(parameters, lr=1e-3)


def momentum(lib: Any, parameters: Any) -> Any:
    return lib.optim.SGD(parameters, lr=0.001, momentum=0.9)


def weights(shapes: Iterable[Any]) -> Iterator[Any]:
    """Drawn by NumPy, so that all libraries have the same."""
    rng = np.random.default_rng(1)
    for shape in shapes:
        bound = 0.5 / np.sqrt(shape[-1])
        yield rng.uniform(-bound, bound, tuple(shape)).astype("float32")


def prepare_step(lib: Any, name: str) -> Callable[[], Any]:
    """One step of the named network."""
    model, loss, optimizer = STEPS[name](lib)
    return training(lib, model, loss, optimizer)


def training(lib: Any, model: Any, loss: Callable[[], Any], optimizer: Any) -> Callable[[], Any]:
    params = list(model.parameters())
    with lib.no_grad():
        for p, w in zip(params, weights(p.shape for p in params)):
            p.copy_(lib.from_numpy(w))
    update = optimizer(lib, params)

    def step() -> Any:
        update.zero_grad()
        value = loss()
        value.backward()
        update.step()
        return value

    return step


def kinds(lib: Any, name: str) -> list[tuple[str, tuple[int, ...]]]:
    """What each parameter is, "Linear.weight", and its shape."""
    model, *_ = STEPS[name](lib)
    of = {id(p): f"{type(m).__name__}.{k}" for m in model.modules() for k, p in m.named_parameters(recurse=False)}
    return [(of[id(p)], tuple(p.shape)) for p in model.parameters()]
