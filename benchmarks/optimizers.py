"""How long is one update of all parameters?

minidl as it comes (small parameters end to end, large ones in parts) and with foreach=False (one parameter after the
other), against PyTorch's three ways: its default, which on a processor is one after the other, foreach and fused.
All on one thread. First of all, the weights after ten steps are the same.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

import minidl

from ._timing import alternate, machine

Shapes = list[tuple[int, ...]]


def linear(*sizes: int) -> Shapes:
    return [shape for i, o in zip(sizes, sizes[1:]) for shape in ((o, i), (o,))]


def resnet() -> Shapes:
    """24 convolutions with their norms: 1.8 million weights."""
    widths = [(3, 64), *[(64, 64)] * 8, (64, 96), *[(96, 96)] * 7, (96, 128), *[(128, 128)] * 6]
    return [shape for i, o in widths for shape in ((o, i, 3, 3), (o,), (o,))]


def gpt(layers: int = 4, width: int = 128) -> Shapes:
    block: Shapes = [(width,), (width,), *linear(width, 3 * width), *linear(width, width), (width,), (width,)]
    return [(65, width), (64, width), *(block + linear(width, 4 * width, width)) * layers, (width,), (width,)]


MODELS = {
    "tiny 2-16-16-1": linear(2, 16, 16, 1),
    "mlp 784-512-256-10": linear(784, 512, 256, 10),
    "resnet, 24 convolutions": resnet(),
    "gpt, 4 layers of 128": gpt(),
    "gpt, 6 layers of 384": gpt(6, 384),
}
OPTIMIZERS: dict[str, dict[str, Any]] = {"SGD": {"lr": 1e-3, "momentum": 0.9}, "Adam": {"lr": 1e-3}}
WAYS = {"minidl": {}, "minidl, one by one": {"foreach": False}}
THEIRS = {"PyTorch": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}


def optimizer(lib: Any, name: str, shapes: Shapes, options: dict[str, Any]) -> tuple[Callable[[], object], list[Any]]:
    """A step of parameters that have their gradients."""
    rng = np.random.default_rng(0)
    params = [lib.tensor(rng.normal(size=s).astype("float32"), requires_grad=True) for s in shapes]
    for p in params:
        p.grad = lib.tensor(rng.normal(size=tuple(p.shape)).astype("float32"))
    return getattr(lib.optim, name)(params, **OPTIMIZERS[name], **options).step, params


def main() -> None:
    try:
        import torch

        torch.set_num_threads(1)
    except ImportError:
        torch = None
    print(machine())
    print("Microseconds of one step: the median of 101 rounds, in turn, and its quartiles")
    for model, shapes in MODELS.items():
        for name in OPTIMIZERS:
            made = {way: optimizer(minidl, name, shapes, options) for way, options in WAYS.items()}
            if torch is not None:
                made.update({way: optimizer(torch, name, shapes, options) for way, options in THEIRS.items()})
            for _ in range(10):
                for step, _ in made.values():
                    step()
            weights = [np.concatenate([p.detach().numpy().ravel() for p in params]) for _, params in made.values()]
            assert np.array_equal(weights[0], weights[1])
            for other in weights[2:]:
                np.testing.assert_allclose(weights[0], other, rtol=1e-4, atol=1e-5)
            times = alternate({way: step for way, (step, _) in made.items()}, 101)
            size = sum(int(np.prod(s)) for s in shapes)
            print(f"{model}, {name}: {len(shapes)} parameters, {size} numbers")
            for way, time in times.items():
                ratio = f"{time.median / times['PyTorch'].median:8.2f} × PyTorch" if torch is not None else ""
                print(f"  {way:20} {time.text(digits=1):32}{ratio}", flush=True)


if __name__ == "__main__":
    main()
