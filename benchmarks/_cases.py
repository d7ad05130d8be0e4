"""The operations that are timed, each in some sizes: the same calls in minidl and in PyTorch.

A case is made for a library and a size: it gives a function without arguments, and the tensors whose gradients are
asked for. `op` names minidl's operation that it is about, for its kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._networks import weights
from ._processes import Case

Size = tuple[int, ...]
Made = tuple[Callable[[], Any], list[Any]]


@dataclass
class Operation:
    make: Callable[..., Made]
    sizes: dict[str, Size]
    op: str = ""
    plain: Callable[..., Made] | None = None  # what to compare instead, where `make` draws random numbers
    beside: bool = True  # PyTorch; else only beside the formula


class Draw:
    """Tensors of one library, the same numbers in each."""

    def __init__(self, lib: Any) -> None:
        self.lib, self.F, self.rng, self.leaves = lib, lib.nn.functional, np.random.default_rng(0), []

    def __call__(self, *shape: int, scale: float = 1.0) -> Any:
        """One whose gradient is asked for."""
        leaf = self.fixed(*shape, scale=scale).requires_grad_()
        self.leaves.append(leaf)
        return leaf

    def fixed(self, *shape: int, scale: float = 1.0) -> Any:
        return self.lib.tensor((scale * self.rng.standard_normal(shape)).astype("float32"))

    def whole(self, high: int, *shape: int) -> Any:
        return self.lib.tensor(self.rng.integers(0, high, shape))


def simple(call: Callable[..., Any], **given: Any) -> Callable[..., Made]:
    """call(draw, *size) makes the function."""

    def make(lib: Any, *size: int) -> Made:
        draw = Draw(lib)
        return call(draw, *size, **given), draw.leaves

    return make


def conv(d: Draw, N: int, C: int, H: int, O: int, k: int, s: int, p: int) -> Any:
    x, w, b = d(N, C, H, H), d(O, C, k, k, scale=(C * k * k) ** -0.5), d(O)
    return lambda: d.F.conv2d(x, w, b, stride=s, padding=p)


def pool(d: Draw, N: int, C: int, H: int, k: int, s: int, *, name: str) -> Any:
    x = d(N, C, H, H)
    return lambda: getattr(d.F, name)(x, k, s)


def batch_norm(d: Draw, N: int, C: int, H: int) -> Any:
    x, w, b = d(N, C, H, H), d(C), d(C)
    return lambda: d.F.batch_norm(x, None, None, w, b, training=True)


def group_norm(d: Draw, N: int, C: int, H: int) -> Any:
    x, w, b = d(N, C, H, H), d(C), d(C)
    return lambda: d.F.group_norm(x, 8, w, b)


def layer_norm(d: Draw, N: int, D: int) -> Any:
    x, w, b = d(N, D), d(D), d(D)
    return lambda: d.F.layer_norm(x, (D,), w, b)


def pointwise(d: Draw, N: int, D: int, *, name: str, **given: Any) -> Any:
    x, f = d(N, D, scale=2.0), getattr(d.F, name, None) or getattr(d.lib, name)
    return lambda: f(x, **given)


def linear(d: Draw, N: int, I: int, O: int) -> Any:
    x, w, b = d(N, I), d(O, I, scale=I**-0.5), d(O)
    return lambda: d.F.linear(x, w, b)


def matmul(d: Draw, B: int, N: int, K: int, M: int) -> Any:
    a, b = d(B, N, K), d(B, K, M)
    return lambda: a @ b


def cross_entropy(d: Draw, N: int, C: int) -> Any:
    x, t = d(N, C, scale=3.0), d.whole(C, N)
    return lambda: d.F.cross_entropy(x, t)


def loss(d: Draw, N: int, D: int, *, name: str) -> Any:
    x, t = d(N, D), d.fixed(N, D)
    t = t.sigmoid() if "cross" in name else t.softmax(-1) if "kl" in name else t
    return lambda: getattr(d.F, name)(x, t)


def attention(d: Draw, B: int, H: int, T: int, D: int, *, causal: bool = False, dropout: float = 0.0) -> Any:
    q, k, v = (d(B, H, T, D) for _ in range(3))
    return lambda: d.F.scaled_dot_product_attention(q, k, v, is_causal=causal, dropout_p=dropout)


def recurrent(lib: Any, T: int, B: int, I: int, H: int, *, name: str, layers: int = 1, both: bool = False) -> Made:
    draw = Draw(lib)
    x, net = draw(T, B, I), getattr(lib.nn, name)(I, H, layers, bidirectional=both)
    params = list(net.parameters())
    with lib.no_grad():
        for p, w in zip(params, weights(p.shape for p in params)):
            p.copy_(lib.from_numpy(w))
    return lambda: net(x)[0], [*draw.leaves, *params]


def embedding(d: Draw, V: int, D: int, N: int) -> Any:
    w, i = d(V, D), d.whole(V, N)
    return lambda: d.F.embedding(i, w)


def dropout(d: Draw, N: int, D: int, *, p: float = 0.1) -> Any:
    x = d(N, D)
    return lambda: d.F.dropout(x, p, training=True)


def update(lib: Any, width: int, layers: int, *, name: str, **given: Any) -> Made:
    """A step of an optimizer over matrices and vectors; no gradients of it."""
    draw = Draw(lib)
    params = [draw(*shape) for _ in range(layers) for shape in ((width, width), (width,))]
    for p in params:
        p.grad = draw.fixed(*p.shape)
    step = getattr(lib.optim, name)(params, lr=1e-3, **given).step

    def run() -> Any:
        step()
        return params

    return run, []


def among(call: Callable[..., Any]) -> Callable[..., Any]:
    """In a network whose other kernels split their work, where products do so too: after a large tanh."""

    def make(d: Draw, *size: int) -> Any:
        f, large = call(d, *size), d.fixed(512, 1024)

        def run() -> Any:
            d.lib.tanh(large)
            return f()

        return run

    return make


ROWS = {"64 × 128": (64, 128), "1,024 × 512": (1024, 512), "4,096 × 1,024": (4096, 1024)}
IMAGES = {"4×6×28²": (4, 6, 28), "64×6×28²": (64, 6, 28), "32×64×32²": (32, 64, 32)}
POOLS = {label: (*size, 2, 2) for label, size in IMAGES.items()}
WORDS = {"2×4×32, d 32": (2, 4, 32, 32), "16×4×64, d 32": (16, 4, 64, 32), "8×6×256, d 64": (8, 6, 256, 64)}
LONG = {"1×4×1,024, d 64": (1, 4, 1024, 64), "1×4×2,048, d 64": (1, 4, 2048, 64), "1×2×4,096, d 64": (1, 2, 4096, 64)}
STEPS = {"16×8, 32→32": (16, 8, 32, 32), "64×32, 64→128": (64, 32, 64, 128), "64×64, 256→256": (64, 64, 256, 256)}
PRODUCTS = {"128, 784→512": (128, 784, 512), "1,024, 128→512": (1024, 128, 512), "2,048, 1,024²": (2048, 1024, 1024)}
STACKS = {"8 × 32³": (8, 32, 32, 32), "64 × 64³": (64, 64, 64, 64), "16 × 256³": (16, 256, 256, 256)}
MODELS = {"2 × 64²": (64, 2), "8 × 256²": (256, 8), "6 × 1,024²": (1024, 6)}

OPERATIONS: dict[str, Operation] = {
    "conv2d": Operation(simple(conv), {
        "64×3×32² → 6, k 5": (64, 3, 32, 6, 5, 1, 0), "32×32×32² → 32, k 3": (32, 32, 32, 32, 3, 1, 1),
        "32×64×32² → 128, k 3, s 2": (32, 64, 32, 128, 3, 2, 1),
    }, "conv"),
    "max_pool2d": Operation(simple(pool, name="max_pool2d"), POOLS, "max_pool"),
    "avg_pool2d": Operation(simple(pool, name="avg_pool2d"), POOLS, "avg_pool"),
    "batch_norm": Operation(simple(batch_norm), IMAGES, "batch_norm"),
    "group_norm": Operation(simple(group_norm), {"4×16×28²": (4, 16, 28), "32×64×32²": (32, 64, 32),
                                                 "32×128×16²": (32, 128, 16)}, "group_norm"),
    "layer_norm": Operation(simple(layer_norm), ROWS, "layer_norm"),
    "linear": Operation(simple(linear), PRODUCTS, "linear"),
    "matmul": Operation(simple(matmul), STACKS),
    "matmul, beside kernels": Operation(simple(among(matmul)), STACKS, "matmul", beside=False),
    "softmax": Operation(simple(pointwise, name="softmax", dim=-1), ROWS, "softmax"),
    "log_softmax": Operation(simple(pointwise, name="log_softmax", dim=-1), ROWS, "log_softmax"),
    "cross_entropy": Operation(simple(cross_entropy), {"64 × 10": (64, 10), "1,024 × 65": (1024, 65),
                                                       "4,096 × 1,000": (4096, 1000)}, "cross_entropy"),
    **{name: Operation(simple(loss, name=name), ROWS) for name in (
        "mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits")},
    "gelu, tanh": Operation(simple(pointwise, name="gelu", approximate="tanh"), ROWS, "gelu_tanh"),
    "gelu, erf": Operation(simple(pointwise, name="gelu"), ROWS, "gelu"),
    **{name: Operation(simple(pointwise, name=name), ROWS, name) for name in ("relu", "sigmoid", "tanh", "silu")},
    "attention": Operation(simple(attention), WORDS, "attention"),
    "attention, causal": Operation(simple(attention, causal=True), WORDS, "attention"),
    "attention, dropout": Operation(simple(attention, dropout=0.1), WORDS, plain=simple(attention)),
    "attention, long": Operation(simple(attention, causal=True), LONG, "attention"),
    **{name: Operation(lambda lib, *size, name=name: recurrent(lib, *size, name=name), STEPS, name.lower())
       for name in ("RNN", "GRU", "LSTM")},
    "LSTM, 2 layers": Operation(lambda lib, *size: recurrent(lib, *size, name="LSTM", layers=2), STEPS, "lstm"),
    "LSTM, both ways": Operation(lambda lib, *size: recurrent(lib, *size, name="LSTM", both=True), STEPS, "lstm"),
    "GRU, 2 layers, both ways": Operation(
        lambda lib, *size: recurrent(lib, *size, name="GRU", layers=2, both=True), STEPS, "gru"),
    "embedding": Operation(simple(embedding), {"65 × 64, 2,048": (65, 64, 2048), "5,000 × 256, 4,096":
                           (5000, 256, 4096), "50,000 × 256, 4,096": (50000, 256, 4096)}, "embedding"),
    "dropout": Operation(simple(dropout), ROWS, plain=simple(dropout, p=0.0)),
    "SGD, momentum": Operation(lambda lib, *size: update(lib, *size, name="SGD", momentum=0.9), MODELS),
    "Adam": Operation(lambda lib, *size: update(lib, *size, name="Adam"), MODELS),
    "AdamW": Operation(lambda lib, *size: update(lib, *size, name="AdamW"), MODELS),
    # The kernels of the other formulas that take each number by itself
    **{name: Operation(simple(pointwise, name=name), ROWS, name, beside=False)
       for name in ("leaky_relu", "elu", "logsigmoid", "softplus", "mish", "hardtanh", "hardsigmoid", "hardswish",
                    "softsign", "tanhshrink", "softshrink", "hardshrink", "exp", "erf")},
}  # fmt: skip


def case(lib: Any, name: str, prefix: str = "") -> Case:
    """Forward and backward of an operation, in each of its sizes; of an update the step alone."""
    operation = OPERATIONS[name]
    made = {label: operation.make(lib, *size) for label, size in operation.sizes.items()}
    same = made if operation.plain is None else {
        label: operation.plain(lib, *size) for label, size in operation.sizes.items()
    }  # fmt: skip
    values = lambda: [v for f, leaves in same.values() for v in once(lib, f, leaves)]
    return Case(values, {f"{name}, {label}": phases(lib, *one) for label, one in made.items()})


SIZES = ("smallest", "middle", "largest")


def by_size(rows: dict[str, Any], value: Callable[[Any], float]) -> dict[str, list[float]]:
    """For a picture: the values of each operation, in the order of its sizes."""
    found = {
        name: [value(rows[row]) for label in one.sizes if (row := f"{name}, {label}") in rows]
        for name, one in OPERATIONS.items()
    }  # fmt: skip
    return {name: values for name, values in found.items() if values}


def seed(lib: Any, y: Any) -> Any:
    """What comes back from the layers above."""
    return lib.tensor(np.asarray(np.random.default_rng(2).standard_normal(tuple(y.shape)), "float32"))


def once(lib: Any, f: Callable[[], Any], leaves: list[Any]) -> list[Any]:
    y = f()
    if not leaves:
        return [(1 * p.detach()).numpy() for p in y]
    y.backward(seed(lib, y))
    found = [(1 * y.detach()).numpy(), *(leaf.grad.numpy().copy() for leaf in leaves)]
    for leaf in leaves:
        leaf.grad = None
    return found


def phases(lib: Any, f: Callable[[], Any], leaves: list[Any]) -> dict[str, Callable[[], object]]:
    if not leaves:
        return {"step": f}
    g, state = seed(lib, f()), []

    def forward() -> None:
        for leaf in leaves:
            leaf.grad = None
        state[:] = [f()]

    def backward() -> None:
        state.pop().backward(g)

    return {"forward": forward, "backward": backward}
