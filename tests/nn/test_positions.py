"""Position codes beside their formulas, one number at a time."""

import math

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.testing import gradcheck


def theta(k, dim, base=10000.0):
    return base ** (-2 * k / dim)


@pytest.mark.parametrize("dim", [4, 5])
def test_sinusoids(dim, rng):
    x = rng.normal(size=(6, 2, dim))
    y = nn.SinusoidalPositions(dim)(minidl.tensor(x), start=3).numpy()
    for t in range(6):
        for c in range(dim):
            wave = (math.sin, math.cos)[c % 2]((t + 3) * theta(c // 2, dim))
            np.testing.assert_allclose(y[t, :, c], x[t, :, c] + wave, rtol=1e-12)
    first = nn.SinusoidalPositions(dim, batch_first=True)(minidl.tensor(x.swapaxes(0, 1)), start=3)
    np.testing.assert_allclose(first.numpy().swapaxes(0, 1), y)
    np.testing.assert_allclose(nn.SinusoidalPositions(dim)(minidl.tensor(x[:, 0]), 3).numpy(), y[:, 0])


def test_learned_positions(rng):
    layer = nn.LearnedPositions(5, 3).double()
    x = minidl.tensor(rng.normal(size=(2, 4, 3)))
    np.testing.assert_allclose(layer(x, start=1).tolist(), (x + layer.weight[1:3].unsqueeze(1)).tolist())
    layer(x).sum().backward()
    assert layer.weight.grad.sum(1).tolist() == [12, 12, 0, 0, 0]
    with pytest.raises(ValueError, match="go beyond the 5"):
        layer(x, start=4)
    with pytest.raises(ValueError, match=r"\(T, N, 3\)"):
        layer(minidl.ones(2, 4))


@pytest.mark.parametrize("interleaved", [True, False])
def test_rotations(interleaved, rng):
    layer = nn.RotaryPositions(6, base=100.0, interleaved=interleaved)
    x = rng.normal(size=(2, 5, 6))
    y = layer(minidl.tensor(x), start=2).numpy()
    for t in range(5):
        for k in range(3):
            a, b = (2 * k, 2 * k + 1) if interleaved else (k, k + 3)
            angle = (t + 2) * theta(k, 6, 100.0)
            turned = (x[:, t, a] + 1j * x[:, t, b]) * np.exp(1j * angle)
            np.testing.assert_allclose(y[:, t, a] + 1j * y[:, t, b], turned, rtol=1e-12)
    q, k = (minidl.tensor(np.broadcast_to(rng.normal(size=6), (8, 6)).copy()) for _ in range(2))
    scores = (layer(q) @ layer(k).T).numpy()  # of one query and one key, everywhere
    for shift in range(-7, 8):
        along = np.diagonal(scores, shift)
        np.testing.assert_allclose(along, along[0], rtol=1e-9)
    gradcheck(layer, [minidl.tensor(x, requires_grad=True)])
    with pytest.raises(ValueError, match="even"):
        nn.RotaryPositions(5)


@pytest.mark.parametrize("heads", [1, 4, 6])
def test_alibi(heads):
    bias = nn.ALiBi(heads).double()(3, 5).numpy()
    slopes = {1: [2**-8], 4: [2**-2, 2**-4, 2**-6, 2**-8], 6: [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]}[heads]
    for h, m in enumerate(slopes):
        for i in range(3):
            for j in range(5):
                assert math.isclose(bias[h, i, j], -m * abs(i + 2 - j), abs_tol=1e-12)
    causal = nn.ALiBi(heads, causal=True)(4)
    assert minidl.isinf(causal).sum() == heads * 6
    q = minidl.randn(2, heads, 4, 3)
    assert nn.functional.scaled_dot_product_attention(q, q, q, attn_mask=causal).shape == q.shape
    assert not nn.ALiBi(heads).state_dict()
