"""Five of the ten networks in five other frameworks on NumPy: what each has for a layer, and its optimizer.

A framework says how it keeps a parameter, and gives the layers as functions of their input and their parameters. What
it has no function for is composed of those it has, as its users would. Nothing here needs minidl, or NumPy 2.
"""

import functools
import json
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._networks import noise, prepare_step, text, weights
from ._processes import Case

Array = Any


class Composed:
    """Layers that most frameworks lack, of the functions that all have: parameters are kept as PyTorch does but for
    weights of linear maps, (in, out)."""

    def keep(self, kind: str, array: Array) -> Array:
        return array.T.copy() if kind == "Linear.weight" or kind.startswith("LSTM.weight") else array

    def given(self, x: Array) -> Any:
        """The batch, if it is numbers."""
        return x

    def linear(self, x: Any, w: Any, b: Any) -> Any:
        return x @ w + b

    def norm(self, x: Any, w: Any, b: Any) -> Any:
        mean = lambda t: t.sum(axis=-1, keepdims=True) / t.shape[-1]
        c = x - mean(x)
        return c / self.sqrt(mean(c * c) + 1e-5) * w + b

    def gelu(self, x: Any) -> Any:
        return 0.5 * x * (1 + self.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        T = q.shape[2]
        s = q @ self.swapped(k, (0, 1, 3, 2)) * (1 / math.sqrt(q.shape[-1]))
        return self.softmax(s + np.triu(np.full((T, T), -1e9, "float32"), 1)) @ v

    def lstm(self, x: Any, w: Any, u: Any, b: Any, d: Any) -> Any:
        """x (B, T, I) → (B T, H), the inputs' products all at once."""
        B, T, H = *x.shape[:2], u.shape[0]
        a = (x.reshape(B * T, -1) @ w + (b + d)).reshape(B, T, 4 * H)
        h = c = None
        states = []
        for t in range(T):
            z = a[:, t] if h is None else a[:, t] + h @ u
            i, f, g, o = (z[:, k * H : (k + 1) * H] for k in range(4))
            new = self.sigmoid(i) * self.tanh(g)
            c = new if c is None else self.sigmoid(f) * c + new
            h = self.sigmoid(o) * self.tanh(c)
            states.append(h)
        return self.stacked(states).reshape(B * T, H)

    def update(self, params: list[Any], adam: bool) -> Any:
        """Of frameworks without optimizers, or with none in place."""
        m, v, steps = [np.zeros_like(self.data(p)) for p in params], [np.zeros_like(self.data(p)) for p in params], [0]

        def apply() -> None:
            steps[0] += 1
            rate, bound = 1e-3 / (1 - 0.9 ** steps[0]), math.sqrt(1 - 0.999 ** steps[0])
            for p, a, b in zip(params, m, v):
                g, data = self.gradient(p), self.data(p)
                if adam:
                    a += 0.1 * (g - a)
                    b += 0.001 * (g * g - b)
                    data -= rate * a / (np.sqrt(b) / bound + 1e-8)
                else:
                    a *= 0.9
                    a += g
                    data -= 0.001 * a

        return apply


class MyGrad(Composed):
    def __init__(self) -> None:
        import mygrad
        from mygrad import nnet

        mygrad.turn_memory_guarding_off()  # its own advice for speed
        self.lib, self.nnet = mygrad, nnet
        self.relu, self.tanh, self.sqrt, self.sigmoid = nnet.relu, mygrad.tanh, mygrad.sqrt, nnet.sigmoid
        self.softmax, self.stacked = lambda s: nnet.softmax(s, axis=-1), lambda hs: mygrad.stack(hs, axis=1)
        self.swapped = mygrad.transpose
        self.embed, self.data, self.gradient = lambda w, i: w[i], lambda p: p.data, lambda p: p.grad

    def parameter(self, array: Array) -> Any:
        return self.lib.tensor(array)

    def conv(self, x: Any, w: Any, b: Any, pad: int) -> Any:
        return self.nnet.conv_nd(x, w, stride=1, padding=pad) + b.reshape(1, -1, 1, 1)

    def pool(self, x: Any) -> Any:
        return self.nnet.max_pool(x, (2, 2), 2)

    def batch_norm(self, x: Any, w: Any, b: Any) -> Any:
        return self.nnet.batchnorm(x, gamma=w, beta=b, eps=1e-5)

    def cross_entropy(self, x: Any, y: Array) -> Any:
        return self.nnet.softmax_crossentropy(x, y)

    def step(self, loss: Any, params: list[Any], adam: bool) -> Any:
        update = self.update(params, adam)

        def run() -> float:
            value = loss(params)
            value.backward()
            update()
            return float(value)

        return run


class Autograd(Composed):
    """It has functions of NumPy only: convolution is columns and a product, as in its own examples' spirit."""

    def __init__(self) -> None:
        import autograd
        import autograd.numpy as anp

        self.lib, self.np = autograd, anp
        self.tanh, self.sqrt, self.relu = anp.tanh, anp.sqrt, lambda x: anp.maximum(x, 0)
        self.sigmoid, self.stacked = lambda x: 0.5 * anp.tanh(0.5 * x) + 0.5, lambda hs: anp.stack(hs, axis=1)
        self.swapped, self.embed = anp.transpose, lambda w, i: w[i]
        self.parameter = self.data = lambda p: p

    def softmax(self, s: Any) -> Any:
        e = self.np.exp(s - self.np.max(s, axis=-1, keepdims=True))
        return e / self.np.sum(e, axis=-1, keepdims=True)

    def conv(self, x: Any, w: Any, b: Any, pad: int) -> Any:
        F, C, k, _ = w.shape
        x = self.np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), "constant") if pad else x
        N, n = x.shape[0], x.shape[2] - k + 1
        columns = self.np.stack([x[:, :, i : i + n, j : j + n] for i in range(k) for j in range(k)], axis=2)
        return (w.reshape(F, -1) @ columns.reshape(N, C * k * k, n * n)).reshape(N, F, n, n) + b.reshape(1, -1, 1, 1)

    def pool(self, x: Any) -> Any:
        N, C, H, W = x.shape
        return self.np.max(x.reshape(N, C, H // 2, 2, W // 2, 2), axis=(3, 5))

    def batch_norm(self, x: Any, w: Any, b: Any) -> Any:
        mean = lambda t: self.np.mean(t, axis=(0, 2, 3), keepdims=True)
        c = x - mean(x)
        return c / self.sqrt(mean(c * c) + 1e-5) * w.reshape(1, -1, 1, 1) + b.reshape(1, -1, 1, 1)

    def norm(self, x: Any, w: Any, b: Any) -> Any:
        mean = lambda t: self.np.mean(t, axis=-1, keepdims=True)
        c = x - mean(x)
        return c / self.sqrt(mean(c * c) + 1e-5) * w + b

    def cross_entropy(self, x: Any, y: Array) -> Any:
        x = x - self.np.max(x, axis=1, keepdims=True)
        return self.np.mean(self.np.log(self.np.sum(self.np.exp(x), axis=1)) - x[np.arange(len(y)), y])

    def step(self, loss: Any, params: list[Any], adam: bool) -> Any:
        found: dict[int, Array] = {}
        self.gradient = lambda p: found[id(p)]
        both, update = self.lib.value_and_grad(loss), self.update(params, adam)

        def run() -> float:
            value, gradients = both(params)
            found.update(zip(map(id, params), gradients))
            update()
            return float(value)

        return run


class PyDyNet(Composed):
    def __init__(self) -> None:
        import pydynet
        from pydynet import optim
        from pydynet.nn import functional as F

        self.lib, self.optim, self.F = pydynet, optim, F
        self.relu, self.tanh, self.sqrt, self.sigmoid = F.relu, F.tanh, pydynet.sqrt, F.sigmoid
        self.softmax, self.swapped = lambda s: F.softmax(s, axis=-1), lambda t, axes: t.transpose(*axes)

    def parameter(self, array: Array) -> Any:
        return self.lib.Tensor(array, dtype="float32", requires_grad=True)

    def given(self, x: Array) -> Any:
        return self.lib.Tensor(x) if x.dtype.kind == "f" else x

    def embed(self, w: Any, i: Array) -> Any:
        """A product: the gradient of its indexing drops all but one of the uses of a row."""
        return (self.lib.Tensor(np.eye(w.shape[0], dtype="float32")[i.ravel()]) @ w).reshape(*i.shape, -1)

    def conv(self, x: Any, w: Any, b: Any, pad: int) -> Any:
        return self.F.conv2d(x, w, pad) + b.reshape(1, -1, 1, 1)

    def pool(self, x: Any) -> Any:
        return self.F.max_pool2d(x, 2, 2)

    def batch_norm(self, x: Any, w: Any, b: Any) -> Any:
        mean = lambda t: t.mean((0, 2, 3), keepdims=True)
        c = x - mean(x)
        return c / self.sqrt(mean(self.lib.square(c)) + 1e-5) * w.reshape(1, -1, 1, 1) + b.reshape(1, -1, 1, 1)

    def stacked(self, states: list[Any]) -> Any:
        return self.lib.concat([self.lib.unsqueeze(h, 1) for h in states], axis=1)

    def cross_entropy(self, x: Any, y: Array) -> Any:
        return self.F.cross_entropy_loss(x, self.lib.Tensor(y))

    def step(self, loss: Any, params: list[Any], adam: bool) -> Any:
        plain = {"lr": 1e-3, "momentum": 0.9, "nesterov": False}
        optimizer = self.optim.Adam(params, lr=1e-3) if adam else self.optim.SGD(params, **plain)

        def run() -> float:
            optimizer.zero_grad()
            value = loss(params)
            value.backward()
            optimizer.step()
            return float(value.data)

        return run


class DeZero(Composed):
    def __init__(self) -> None:
        import dezero
        import dezero.functions as F
        from dezero import optimizers

        self.lib, self.F, self.optimizers = dezero, F, optimizers
        self.linear, self.relu, self.tanh, self.sigmoid = F.linear, F.relu, F.tanh, F.sigmoid
        self.embed, self.cross_entropy = lambda w, i: w[i], F.softmax_cross_entropy

    def parameter(self, array: Array) -> Any:
        return self.lib.Parameter(array)

    def keep(self, kind: str, array: Array) -> Any:
        return [Composed.keep(self, kind, a) for a in np.split(array, 4)] if kind.startswith("LSTM") else (
            Composed.keep(self, kind, array))  # fmt: skip

    def conv(self, x: Any, w: Any, b: Any, pad: int) -> Any:
        return self.F.conv2d(x, w, b, 1, pad)

    def pool(self, x: Any) -> Any:
        return self.F.pooling(x, 2, 2)

    def batch_norm(self, x: Any, w: Any, b: Any) -> Any:
        C = w.shape[0]
        return self.F.batch_nrom(x, w, b, np.zeros(C, "float32"), np.ones(C, "float32"), 0.9, 1e-5)

    def lstm_network(self, w: Iterator[Any], x: Array, y: Array) -> Any:
        """Step by step, as its layer does: a product for each gate. It cannot join the steps, and adds their losses."""
        table, W, U, B, D, *head = (next(w) for _ in range(7))
        T, h, c, total = x.shape[1], None, None, 0
        for t in range(T):
            now = table[x[:, t]]
            z = [self.F.linear(now, v, b) + d for v, b, d in zip(W, B, D)]
            if h is not None:
                z = [a + self.F.linear(h, u) for a, u in zip(z, U)]
            i, f, g, o = (self.tanh(a) if k == 2 else self.sigmoid(a) for k, a in enumerate(z))
            c = i * g if c is None else f * c + i * g
            h = o * self.tanh(c)
            total = total + self.cross_entropy(self.F.linear(h, *head), y.reshape(-1, T)[:, t]) * (1 / T)
        return total

    def step(self, loss: Any, params: list[Any], adam: bool) -> Any:
        layer = self.lib.Layer()
        for k, p in enumerate(flat(params)):
            setattr(layer, f"p{k}", p)
        optimizer = (self.optimizers.Adam(1e-3) if adam else self.optimizers.MomentumSGD(1e-3)).setup(layer)

        def run() -> float:
            value = loss(params)
            layer.cleargrads()
            value.backward()
            optimizer.update()
            return float(value.data)

        return run


class Chainer(Composed):
    def __init__(self) -> None:
        import chainer
        import chainer.functions as F

        chainer.config.dtype = np.float32
        self.lib, self.F = chainer, F
        self.relu, self.tanh, self.pool = F.relu, F.tanh, lambda x: F.max_pooling_2d(x, 2)
        self.cross_entropy, self.softmax, self.swapped = F.softmax_cross_entropy, lambda s: F.softmax(s, 3), F.transpose
        self.batch_norm = lambda x, w, b: F.batch_normalization(x, w, b, eps=1e-5)
        self.embed = lambda w, i: F.embed_id(i, w)

    def keep(self, kind: str, array: Array) -> Array:
        """The LSTM's gates alternate: g i f o of the first unit, of the second, and so on."""
        if kind.startswith("LSTM"):
            i, f, g, o = np.split(array, 4)
            return np.stack([g, i, f, o], axis=1).reshape(array.shape)
        return array

    def parameter(self, array: Array) -> Any:
        return self.lib.Parameter(array)

    def linear(self, x: Any, w: Any, b: Any) -> Any:
        return self.F.linear(x, w, b, n_batch_axes=x.ndim - 1)

    def conv(self, x: Any, w: Any, b: Any, pad: int) -> Any:
        return self.F.convolution_2d(x, w, b, pad=pad)

    def norm(self, x: Any, w: Any, b: Any) -> Any:
        return self.F.layer_normalization(x.reshape(-1, x.shape[-1]), w, b, eps=1e-5).reshape(x.shape)

    def attention(self, q: Any, k: Any, v: Any) -> Any:
        T = q.shape[2]
        s = self.F.matmul(q, k, transb=True) * (1 / math.sqrt(q.shape[-1]))
        hidden = np.broadcast_to(np.triu(np.ones((T, T), bool), 1), s.shape)
        return self.F.matmul(self.softmax(self.F.where(hidden, np.full(s.shape, -1e9, "float32"), s)), v)

    def lstm(self, x: Any, w: Any, u: Any, b: Any, d: Any) -> Any:
        """The function behind its LSTM link."""
        B, T, H = *x.shape[:2], u.shape[1]
        a = self.F.linear(x, w, b, n_batch_axes=2)
        h = c = np.zeros((B, H), "float32")
        states = []
        for t in range(T):
            c, h = self.F.lstm(c, a[:, t] + self.F.linear(h, u, d))
            states.append(h)
        return self.F.stack(states, axis=1).reshape(B * T, H)

    def step(self, loss: Any, params: list[Any], adam: bool) -> Any:
        link = self.lib.Link()
        with link.init_scope():
            for k, p in enumerate(params):
                setattr(link, f"p{k}", p)
        made = self.lib.optimizers.Adam(1e-3) if adam else self.lib.optimizers.MomentumSGD(1e-3)
        optimizer = made.setup(link)

        def run() -> float:
            value = loss(params)
            link.cleargrads()
            value.backward()
            optimizer.update()
            return float(value.array)

        return run


# ------------------------------------------------------------------------------------------ the networks


def mlp(P: Any, w: Iterator[Any], x: Array, y: Array) -> Any:
    h = P.relu(P.linear(x, next(w), next(w)))
    h = P.relu(P.linear(h, next(w), next(w)))
    return P.cross_entropy(P.linear(h, next(w), next(w)), y)


def lenet64(P: Any, w: Iterator[Any], x: Array, y: Array) -> Any:
    for _ in range(2):
        x = P.pool(P.relu(P.conv(x, next(w), next(w), 0)))
    return mlp(P, w, x.reshape(x.shape[0], -1), y)


def vggblock(P: Any, w: Iterator[Any], x: Array, y: Array) -> Any:
    for k in range(4):
        x = P.relu(P.batch_norm(P.conv(x, next(w), next(w), 1), next(w), next(w)))
        x = P.pool(x) if k % 2 else x
    return P.cross_entropy(P.linear(x.reshape(x.shape[0], -1), next(w), next(w)), y)


def lstm(P: Any, w: Iterator[Any], x: Array, y: Array) -> Any:
    h = P.lstm(P.embed(next(w), x), *(next(w) for _ in range(4)))
    return P.cross_entropy(P.linear(h, next(w), next(w)), y)


def gpt(P: Any, w: Iterator[Any], x: Array, y: Array) -> Any:
    (B, T), D, heads = x.shape, 128, 4
    tokens, positions, *head = (next(w) for _ in range(4))
    h = P.embed(tokens, x) + positions
    split = lambda t: P.swapped(t.reshape(B, T, heads, D // heads), (0, 2, 1, 3))
    for _ in range(4):
        n1, m1, wqkv, bqkv, wo, bo, n2, m2, w1, b1, w2, b2 = (next(w) for _ in range(12))
        qkv = P.linear(P.norm(h, n1, m1), wqkv, bqkv)
        a = P.attention(*(split(qkv[:, :, k * D : (k + 1) * D]) for k in range(3)))
        h = h + P.linear(P.swapped(a, (0, 2, 1, 3)).reshape(B, T, D), wo, bo)
        h = h + P.linear(P.gelu(P.linear(P.norm(h, n2, m2), w1, b1)), w2, b2)
    return P.cross_entropy(P.linear(P.norm(h, next(w), next(w)), *head).reshape(B * T, -1), y)


PEERS = {"autograd": Autograd, "chainer": Chainer, "dezero": DeZero, "mygrad": MyGrad, "pydynet": PyDyNet}
PROGRAMS = {"mlp": mlp, "lenet64": lenet64, "vggblock": vggblock, "lstm": lstm, "gpt": gpt}
ADAM = {"mlp", "lstm", "gpt"}
LACKS = {("dezero", "gpt")}  # it has no product of stacks of matrices


def step_of(peer: str, name: str, kinds: list[str], weights: list[Array], x: Array, y: Array) -> Any:
    """One training step; it returns its loss."""
    P = PEERS[peer]()
    made = lambda kept: [made(a) for a in kept] if isinstance(kept, list) else P.parameter(np.ascontiguousarray(kept))
    params = [made(P.keep(kind, w)) for kind, w in zip(kinds, weights)]
    network = getattr(P, f"{name}_network", functools.partial(PROGRAMS[name], P))
    return P.step(lambda ps: network(iter(ps), P.given(x), y), params, name in ADAM)


def flat(params: list[Any]) -> list[Any]:
    return [p for one in params for p in (one if isinstance(one, list) else [one])]


LOSSES = 5  # compared before the timing
SHAPES = "MINIDL_BENCHMARK_SHAPES"  # of the parameters, for a process that cannot ask minidl
BATCHES = {
    "mlp": lambda: noise((128, 784), 10), "lenet64": lambda: noise((64, 3, 32, 32), 10),
    "vggblock": lambda: noise((32, 3, 32, 32), 10), "lstm": lambda: text(32, 64), "gpt": lambda: text(16, 64),
}  # fmt: skip


def prepare(name: str, case: str) -> Case:
    if name == "minidl":
        import minidl

        once = prepare_step(minidl, case)
        step = lambda: float(once().detach())
    else:
        what, shapes = zip(*json.loads(os.environ[SHAPES]))
        step = step_of(name, case, what, list(weights(shapes)), *BATCHES[case]())
    return Case(lambda: [step() for _ in range(LOSSES)], {case: {"step": step}})
