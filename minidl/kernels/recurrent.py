"""Whole sequences with the state transposed: a step is one product (gates, H) · (H, batch) and whole rows of gates.

What does not wait for the state is computed for all steps at once: the products with the inputs before the loop, the
gates' derivatives and the weights' gradients after it. σ(a) = ½ tanh(½ a) + ½, so that one tanh serves all gates; the
halves of a go into the weights. Sequences of one length; the formula serves packed ones.
"""

from typing import Any

import numpy as np

from ..backend import NUMPY
from ..ops.recurrent import check, gru, lstm, rnn
from .threads import FLOATS

Array = Any


def declines(x: Array, sizes: Any) -> bool:
    return sizes[:1] != sizes[-1:] or x.dtype.char not in FLOATS or not x.size


class Sequence:
    """The steps of x, in the order in which they are taken, and what belongs to all of them."""

    def __init__(self, x: Array, w: Array, sizes: Any, reverse: bool) -> None:
        self.T, self.B = len(sizes), sizes[0]
        self.x, self.w, self.reverse = x, w, reverse

    def steps(self, rows: Array) -> Array:
        """Rows (T B, n) as (T, n, B), in the order of the steps."""
        t = rows.reshape(self.T, self.B, -1)
        return (t[::-1] if self.reverse else t).swapaxes(1, 2)

    def rows(self, t: Array) -> Array:
        """(T, n, B), in the order of the steps, as rows (T B, n), in the order of time."""
        return np.ascontiguousarray((t[::-1] if self.reverse else t).swapaxes(1, 2)).reshape(self.T * self.B, -1)

    def projected(self, w: Array, b: Array | None) -> Array:
        """w x + b for all steps: (T, gates, B)."""
        a = np.matmul(w, self.steps(self.x))
        if b is not None:
            a += b[:, None]
        return a

    def columns(self, h: Array) -> tuple[Array, Array]:
        """What [w u b] is multiplied by in each step, x_t, h_{t−1} and 1 one below the other, (T + 1, I + H + 1, B);
        and in it the states before each step and after the last, (T + 1, H, B)."""
        I = self.x.shape[1]
        columns = np.ones((self.T + 1, I + h.shape[1] + 1, self.B), self.x.dtype)
        columns[:-1, :I] = self.steps(self.x)
        columns[0, I:-1] = h.T
        return columns, columns[:, I:-1]

    def room(self, h: Array) -> Array:
        """For the states before each step and after the last: (T + 1, H, B)."""
        states = np.empty((self.T + 1, h.shape[1], self.B), self.x.dtype)
        states[0] = h.T
        return states

    def across(self, t: Array) -> Array:
        """(T, n, B), in the order of the steps, as (n, T B), in the order of time: whole lines are copied."""
        t = t[::-1] if self.reverse else t
        return np.ascontiguousarray(t.transpose(1, 0, 2)).reshape(t.shape[1], -1)

    def gradients(self, a: Array, s: Array, before: Array) -> tuple[Array, Array, Array]:
        """x̄, w̄, ū from the gates' gradients on the input's side and on the state's, (gates, T B)."""
        return a.T @ self.w, a @ self.x, s @ before

    def before(self, states: Array) -> Array:
        """The states from which the steps start, as rows in the order of time."""
        return self.rows(states[:-1])


def total(a: Array) -> Array:
    """The sum of each line of a."""
    return a @ np.ones(a.shape[1], a.dtype)


def joined(w: Array, u: Array, b: Array | None) -> Array:
    """[w u b], with zeros where there is no b."""
    return np.concatenate([w, u, np.zeros_like(w[:, :1]) if b is None else b[:, None]], axis=1)


def halved(n: int, *parts: Array | None) -> list[Any]:
    """The first n rows of each, halved: those of the gates that go through σ."""
    made: list[Any] = []
    for t in parts:
        if t is not None:
            t = t.copy()
            t[:n] *= 0.5
        made.append(t)
    return made


def sigmoids(z: Array, s: Array) -> None:
    """Where z holds halves of a in its part s: tanh everywhere, then s to σ(a)."""
    np.tanh(z, out=z)
    s *= 0.5
    s += 0.5


@rnn.kernel(NUMPY)
def rnn_kernel(xp, x, w, u, h, b=None, *, sizes, reverse=False, relu=False):
    check(x, sizes, h, u.shape[1])
    if declines(x, sizes):
        return NotImplemented
    run, weights = Sequence(x, w, sizes, reverse), joined(w, u, b)
    columns, states = run.columns(h)
    for column, z in zip(columns, states[1:]):
        np.matmul(weights, column, out=z)
        np.maximum(z, 0, out=z) if relu else np.tanh(z, out=z)

    def grads(gy, gend):
        after, gys = states[1:], np.ascontiguousarray(run.steps(gy))
        gz = (after > 0).astype(x.dtype) if relu else 1 - after * after
        gh, turned = gend.T.copy(), np.ascontiguousarray(u.T)
        for t in reversed(range(run.T)):
            gh += gys[t]
            gz[t] *= gh
            np.matmul(turned, gz[t], out=gh)
        a = run.across(gz)
        gx, gw, gu = run.gradients(a, a, run.before(states))
        return gx, gw, gu, gh.T.copy(), None if b is None else total(a)

    return (run.rows(states[1:]), states[-1].T.copy()), grads


@lstm.kernel(NUMPY)
def lstm_kernel(xp, x, w, u, h, c, b=None, p=None, *, sizes, reverse=False):
    check(x, sizes, h, u.shape[1])
    check(x, sizes, c, u.shape[0] // 4)
    if declines(x, sizes) or p is not None:
        return NotImplemented
    H, dtype = u.shape[1], x.dtype
    run, order = Sequence(x, w, sizes, reverse), np.r_[3 * H : 4 * H, : 2 * H, 2 * H : 3 * H]
    (weights,) = halved(3 * H, joined(w, u, b)[order])  # of o i f, which go through σ, then of g
    columns, states = run.columns(h)
    cells, gates = run.room(c), np.empty((run.T, 4 * H, run.B), dtype)
    tanhs, part = np.empty((run.T, H, run.B), dtype), np.empty((H, run.B), dtype)
    for t in range(run.T):
        z, cell = np.matmul(weights, columns[t], out=gates[t]), cells[t + 1]
        sigmoids(z, z[: 3 * H])
        np.multiply(z[2 * H : 3 * H], cells[t], out=cell)
        cell += np.multiply(z[H : 2 * H], z[3 * H :], out=part)
        np.multiply(z[:H], np.tanh(cell, out=tanhs[t]), out=states[t + 1])

    def grads(gy, ghend, gcend):
        o, i, f, g = (gates[:, k * H : (k + 1) * H] for k in range(4))
        gz, gys = np.empty_like(gates), np.ascontiguousarray(run.steps(gy))
        slopes = gz[:, : 3 * H]
        np.multiply(gates[:, : 3 * H], gates[:, : 3 * H], out=slopes)
        np.subtract(gates[:, : 3 * H], slopes, out=slopes)  # σ′ = σ − σ²
        slopes[:, :H] *= tanhs
        slopes[:, H : 2 * H] *= g
        slopes[:, 2 * H :] *= cells[:-1]
        slope = gz[:, 3 * H :]
        np.multiply(g, g, out=slope)
        np.subtract(1, slope, out=slope)
        slope *= i
        through = tanhs * tanhs
        np.subtract(1, through, out=through)
        through *= o  # from h to c
        gh, gc, turned = ghend.T.copy(), gcend.T.copy(), np.ascontiguousarray(u[order].T)
        for t in reversed(range(run.T)):
            z = gz[t]
            gh += gys[t]
            gc += np.multiply(gh, through[t], out=part)
            z[:H] *= gh
            inner = z[H:].reshape(3, H, -1)
            inner *= gc
            np.matmul(turned, z, out=gh)
            gc *= f[t]
        a, back = run.across(gz), np.argsort(order)
        gx, gw, gu = a.T @ w[order], a @ x, a @ run.before(states)
        gb = None if b is None else total(a)[back]
        return gx, gw[back], gu[back], gh.T.copy(), gc.T.copy(), gb, None

    return (run.rows(states[1:]), states[-1].T.copy(), cells[-1].T.copy()), grads


@gru.kernel(NUMPY)
def gru_kernel(xp, x, w, u, h, b=None, d=None, *, sizes, reverse=False):
    check(x, sizes, h, u.shape[1])
    if declines(x, sizes) or (d is not None and d.shape != u.shape[:1]):
        return NotImplemented
    H, dtype = u.shape[1], x.dtype
    run = Sequence(x, w, sizes, reverse)
    wh, uh, bh, dh = halved(2 * H, w, u, b, d)
    states, gates = run.room(h), run.projected(wh, bh)
    if dh is not None:
        gates[:, : 2 * H] += dh[: 2 * H, None]  # n's goes inside the reset
    asked, apart = np.empty((run.T, 3 * H, run.B), dtype), np.empty((run.T, H, run.B), dtype)
    part = np.empty((H, run.B), dtype)
    for t in range(run.T):
        z, s, n = gates[t], asked[t], gates[t, 2 * H :]
        np.matmul(uh, states[t], out=s)
        z[: 2 * H] += s[: 2 * H]
        sigmoids(z[: 2 * H], z[: 2 * H])
        if dh is not None:
            s[2 * H :] += dh[2 * H :, None]
        n += np.multiply(z[:H], s[2 * H :], out=part)
        np.tanh(n, out=n)
        np.subtract(states[t], n, out=apart[t])
        np.multiply(z[H : 2 * H], apart[t], out=states[t + 1])
        states[t + 1] += n

    def grads(gy, gend):
        r, z, n = (gates[:, k * H : (k + 1) * H] for k in range(3))
        gs, gys = np.empty_like(gates), np.ascontiguousarray(run.steps(gy))
        np.subtract(1, gates[:, : 2 * H], out=gs[:, : 2 * H])
        gs[:, : 2 * H] *= gates[:, : 2 * H]  # σ′ = σ (1 − σ)
        gs[:, :H] *= asked[:, 2 * H :]
        gs[:, H : 2 * H] *= apart
        gn = (1 - z) * (1 - n * n)
        gh, rest, turned = gend.T.copy(), np.empty_like(part), np.ascontiguousarray(u.T)
        for t in reversed(range(run.T)):
            gh += gys[t]
            s = gs[t]
            gn[t] *= gh
            s[:H] *= gn[t]
            s[H : 2 * H] *= gh
            np.multiply(gn[t], r[t], out=s[2 * H :])
            np.multiply(gh, z[t], out=rest)
            np.matmul(turned, s, out=gh)
            gh += rest
        s = run.across(gs)
        a = np.concatenate([s[: 2 * H], run.across(gn)])
        gx, gw, gu = run.gradients(a, s, run.before(states))
        gb, gd = None if b is None else total(a), None if d is None else total(s)
        return gx, gw, gu, gh.T.copy(), gb, gd

    return (run.rows(states[1:]), states[-1].T.copy()), grads
