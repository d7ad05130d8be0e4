"""Activation functions in place: all passes go over y itself and one scratch, block by block.

Nothing is kept for the backward pass but x, or y where the slope is a function of y: what takes no memory is computed
again. Blocks are as large as the third-level cache allows, not the second: between two calls a thread needs the
interpreter's lock, and waits long where the other thread has it.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import OPS
from ..backend import NUMPY
from ..ops.activation import relu
from .threads import FLOATS, ranges, small, split

Array = Any
BLOCK = 1 << 18
A, B = math.sqrt(2 / math.pi), math.sqrt(2 / math.pi) * 0.044715


def tanh(x: Array, y: Array, _: Array) -> None:
    np.tanh(x, out=y)


def tanh_slope(y: Array, d: Array, _: Array) -> None:
    """1 − y²"""
    np.multiply(y, y, out=d)
    np.subtract(1, d, out=d)


def sigmoid(x: Array, y: Array, _: Array) -> None:
    """1 / (1 + e⁻ˣ): where e⁻ˣ overflows, 0"""
    np.negative(x, out=y)
    with np.errstate(over="ignore"):
        np.exp(y, out=y)
    y += 1
    np.divide(1, y, out=y)


def sigmoid_slope(y: Array, d: Array, _: Array) -> None:
    """y − y²"""
    np.multiply(y, y, out=d)
    np.subtract(y, d, out=d)


def silu(x: Array, y: Array, _: Array) -> None:
    sigmoid(x, y, _)
    y *= x


def silu_slope(x: Array, d: Array, s: Array) -> None:
    """s (1 + x (1 − s)),  s = σ(x)"""
    sigmoid(x, s, d)
    np.subtract(1, s, out=d)
    d *= x
    d += 1
    d *= s


def gelu_tanh(x: Array, y: Array, c: Array) -> None:
    """½ x (1 + t),  t = tanh(c q),  q = a + b c²,  c = x held between ±10"""
    np.clip(x, -10, 10, out=c)
    np.multiply(c, c, out=y)
    y *= B
    y += A
    y *= c
    np.tanh(y, out=y)
    y += 1
    y *= 0.5
    y *= x


def gelu_tanh_slope(x: Array, d: Array, t: Array) -> None:
    """½ (1 + x (1 − t) q′) (1 + t),  q′ = a + 3 b c² = 3 q − 2 a"""
    c, q = t, d
    np.clip(x, -10, 10, out=c)
    np.multiply(c, c, out=q)
    q *= B
    q += A
    c *= q
    np.tanh(c, out=t)
    d *= 3
    d -= 2 * A
    d *= x
    np.subtract(1, t, out=t)
    d *= t
    d += 1
    np.subtract(2, t, out=t)  # 1 + t
    d *= t
    d *= 0.5


Pass = Callable[[Array, Array, Array], None]


def in_place(op: Any, value: Pass, slope: Pass, of_y: bool) -> None:
    """The kernel of an op of which value(x, out, scratch) writes y, and slope(x or y, out, scratch) ∂y/∂x."""

    @op.kernel(NUMPY)
    def kernel(xp, x):
        if small(4 * x.size) or x.dtype.char not in FLOATS:
            return NotImplemented
        flat, shape, n = np.ascontiguousarray(x).reshape(-1), x.shape, x.size
        y = np.empty_like(flat)
        kept = y if of_y else flat

        def blocks(lo: int, hi: int) -> Any:
            """Slices of a block each, and scratch of its size."""
            scratch = np.empty(min(BLOCK, hi - lo), kept.dtype)
            return ((slice(a, e), scratch[: e - a]) for a, e in ranges(lo, hi, BLOCK))

        def forward(lo: int, hi: int) -> None:
            for i, scratch in blocks(lo, hi):
                value(flat[i], y[i], scratch)

        def gx(g):
            gs = np.ascontiguousarray(g).reshape(-1)
            out = np.empty_like(gs)

            def backward(lo: int, hi: int) -> None:
                for i, scratch in blocks(lo, hi):
                    slope(kept[i], out[i], scratch)
                    out[i] *= gs[i]

            split(backward, n, n)
            return out.reshape(shape)

        split(forward, n, n)
        return y.reshape(shape), (gx,)


IN_PLACE: dict[str, tuple[Pass, Pass, bool]] = {
    "tanh": (tanh, tanh_slope, True), "sigmoid": (sigmoid, sigmoid_slope, True), "silu": (silu, silu_slope, False),
    "gelu_tanh": (gelu_tanh, gelu_tanh_slope, False),
}  # fmt: skip
for _name, _passes in IN_PLACE.items():
    in_place(getattr(OPS, _name), *_passes)


@relu.kernel(NUMPY)
def relu_kernel(xp, x):
    """The larger of x and of zeros: of x and the number 0 it takes NumPy three times as long."""
    if small(2 * x.size) or x.dtype.char not in FLOATS:
        return NotImplemented
    flat = np.ascontiguousarray(x).reshape(-1)
    y, zeros = np.empty_like(flat), np.zeros(min(BLOCK, x.size), x.dtype)

    def forward(lo: int, hi: int) -> None:
        for a, e in ranges(lo, hi, BLOCK):
            np.maximum(flat[a:e], zeros[: e - a], out=y[a:e])

    def gx(g):
        gs = np.ascontiguousarray(g).reshape(-1)
        out = np.empty_like(gs)

        def backward(lo: int, hi: int) -> None:
            for a, e in ranges(lo, hi, BLOCK):
                np.multiply(gs[a:e], y[a:e] > 0, out=out[a:e])

        split(backward, len(gs), x.size // 3)
        return out.reshape(x.shape)

    split(forward, len(flat), x.size // 6)
    return y.reshape(x.shape), (gx,)
