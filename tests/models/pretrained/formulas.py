"""The formulas of the models in NumPy, float64, one head at a time: what their numbers are compared with."""

import math

import numpy as np

erf = np.vectorize(math.erf)


class Weights:
    """The weights of a model by their names in files, and the formulas over them."""

    def __init__(self, model, eps):
        self.w = {name: t.numpy().astype(np.float64) for name, t in model.state_dict().items()}
        self.eps = eps

    def __getitem__(self, name):
        return self.w[name]

    def linear(self, x, name):
        y = x @ self.w[f"{name}.weight"].T
        return y + self.w[f"{name}.bias"] if f"{name}.bias" in self.w else y

    def conv1d(self, x, name):
        return x @ self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def norm(self, x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + self.eps)
        return x * self.w[f"{name}.weight"] + self.w[f"{name}.bias"]


def gelu(x):
    return x * (1 + erf(x / np.sqrt(2))) / 2


def gelu_new(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def attention(q, k, v, heads, see):
    """softmax(q kᵀ / √d) v for each row, head and query by itself; see (B, T, S): 1 where a query sees a key."""
    y = np.zeros_like(q)
    shares = np.zeros((len(q), heads, q.shape[1], k.shape[1]))
    d = q.shape[-1] // heads
    for b, h, t in np.ndindex(len(q), heads, q.shape[1]):
        part = slice(h * d, (h + 1) * d)
        e = np.exp(k[b, :, part] @ q[b, t, part] / np.sqrt(d)) * see[b, t]
        shares[b, h, t] = e / e.sum()
        y[b, t, part] = shares[b, h, t] @ v[b, :, part]
    return y, shares


def near(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b, rtol=2e-4, atol=2e-5)
