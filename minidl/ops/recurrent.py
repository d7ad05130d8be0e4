"""Recurrent networks: whole sequences, one direction of one layer each, and the cells they step through.

Sequences stand packed: the rows of x are those of step 0, then those of step 1, …; `sizes` says how many sequences
are still running at each step, the longest first. A batch of B sequences of one length T is sizes = (B,) · T.
Letters: P rows in all, B sequences, I numbers in, H hidden, R numbers out of each step (H, unless they are projected).
The gradients are backpropagation through time (Werbos 1990): the same steps, last first.
"""

import itertools
from typing import Any

from ..autograd import op
from .linear import linear
from .samples import shapes

SIZES = (3, 3, 2)
PACKED: list[dict[str, Any]] = [
    {"sizes": SIZES},
    {"sizes": SIZES, "reverse": True},
    {"sizes": (2,), "reverse": True},
    {"sizes": (4, 2, 1, 1)},
]


def cases(gates, states=((2,),), biases=1, more=(), **how):
    """Samples of (x, w, u, h_0, …, b, …) with every way to pack, with and without b."""
    return [
        shapes((sum(p["sizes"]), 3), (gates * 2, 3), (gates * 2, 2), *((p["sizes"][0], *s) for s in states),
               *((gates * 2,) if k % 2 else None for _ in range(biases)), *more, **how, **p)
        for k, p in enumerate(PACKED)
    ]  # fmt: skip


def spans(sizes, reverse):
    """The rows of each step, [first, last), in the order in which the steps are taken."""
    ends = itertools.accumulate(sizes)
    steps = [(end - n, end) for end, n in zip(ends, sizes)]
    return steps[::-1] if reverse else steps


def fit(xp, state, n, start, ended):
    """The state of n sequences: those that begin here take theirs from `start`, those that ended leave theirs."""
    m = state.shape[0]
    if n < m:
        ended.append(state[n:])
        return state[:n]
    return state if n == m else xp.concatenate(state, start[m:n], axis=0)


def joined(xp, parts, backwards):
    """The rows of all steps, in the order of time."""
    return xp.concatenate(*(reversed(parts) if backwards else parts), axis=0)


def whole(xp, state, ended):
    """The last states of all sequences: of those that ran to the end, then of those that ended before, last first."""
    return xp.concatenate(state, *reversed(ended), axis=0) if len(ended) else state


def turn(xp, t):
    return xp.transpose(t, axes=(1, 0))


def check(x, sizes, h, width):
    """Refuse rows that are not those of the sizes, and initial states that do not fit."""
    if not sizes or sum(sizes) != x.shape[0] or any(n < m for n, m in zip(sizes, sizes[1:])):
        raise ValueError(
            f"sizes={sizes} must add up to the {x.shape[0]} rows of x and never grow: the longest sequences come first"
        )
    if h.shape != (sizes[0], width):
        raise ValueError(f"an initial state {(sizes[0], width)} (sequences, numbers) is expected; got {h.shape}")


@op(samples=[*cases(1), *cases(1, relu=True)], promote="same")
def rnn(xp, x, w, u, h, b=None, *, sizes, reverse=False, relu=False):
    """The network of Elman (1990): h_t = φ(w x_t + u h_{t−1} + b), φ = tanh, or max(0, ·) with relu=True

        z̄_t = h̄_t ⊙ φ′,  φ′ = 1 − h_t², or [h_t > 0]        h̄_t = ȳ_t + uᵀ z̄_{t+1}
        w̄ = Σ z̄_t x_tᵀ        ū = Σ z̄_t h_{t−1}ᵀ        b̄ = Σ z̄_t        x̄_t = wᵀ z̄_t

    x (P, I)   w (H, I)   u (H, H)   h_0 (B, H)   b (H,) or None   →   y = all h_t (P, H), the last ones (B, H)
    reverse: from each sequence's end to its beginning
    """
    check(x, sizes, h, u.shape[1])
    a, (ax, aw, ab) = linear.formula(xp, x, w, b)
    steps, start, before, after = spans(sizes, reverse), h, [], []
    ended: list = []
    h = h[: sizes[-1]] if reverse else h
    for first, last in steps:
        h = fit(xp, h, last - first, start, ended)
        before.append(h)
        z = a[first:last] + h @ turn(xp, u)
        h = xp.maximum(z, 0) if relu else xp.tanh(z)
        after.append(h)

    def grads(gy, gend):
        gzs = []
        begun: list = []
        gh = gend if reverse else gend[: sizes[-1]]
        for (first, last), h in zip(reversed(steps), reversed(after)):
            gh = fit(xp, gh, last - first, gend, begun) + gy[first:last]
            gz = gh * (h > 0) if relu else gh * (1 - h * h)
            gzs.append(gz)
            gh = gz @ u
        gz = joined(xp, gzs, not reverse)
        gu = turn(xp, gz) @ joined(xp, before, reverse)
        return ax(gz), aw(gz), gu, whole(xp, gh, begun), None if b is None else ab(gz)

    return (joined(xp, after, reverse), whole(xp, h, ended)), grads


@op(samples=[shapes((3, 8), (3, 2)), shapes((8,), (4, 2)), shapes((2, 3, 4), (1, 1))], promote="same")
def lstm_cell(xp, a, c):
    """One step of long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

        i, f, o = σ(a_i), σ(a_f), σ(a_o)   g = tanh(a_g)        c′ = f ⊙ c + i ⊙ g        h = o ⊙ tanh c′

        c̄′ grows by h̄ ⊙ o ⊙ (1 − tanh² c′)        c̄ = c̄′ ⊙ f
        ā_i = c̄′ ⊙ g ⊙ i (1 − i)   ā_f = c̄′ ⊙ c ⊙ f (1 − f)   ā_g = c̄′ ⊙ i ⊙ (1 − g²)   ā_o = h̄ ⊙ tanh c′ ⊙ o (1 − o)

    a (…, 4H), in the order i f g o   c (…, H)   →   h (…, H), c′ (…, H)
    """
    H = c.shape[-1]
    if a.shape[-1] != 4 * H:
        raise ValueError(f"a holds the four gates of each of the {H} numbers of c; got {a.shape} and {c.shape}")
    s = xp.sigmoid(a)
    i, f, o = s[..., :H], s[..., H : 2 * H], s[..., 3 * H :]
    g = xp.tanh(a[..., 2 * H : 3 * H])
    cnew = f * c + i * g
    t = xp.tanh(cnew)

    def grads(gh, gc):
        gc = gc + gh * o * (1 - t * t)
        ga = (gc * g * i * (1 - i), gc * c * f * (1 - f), gc * i * (1 - g * g), gh * t * o * (1 - o))
        return xp.concatenate(*ga, axis=-1), gc * f

    return (o * t, cnew), grads


PROJECTED = [
    shapes((8, 3), (8, 3), (8, 1), (3, 1), (3, 2), None, (1, 2), sizes=SIZES, reverse=reverse)
    for reverse in (False, True)
]


@op(samples=[*cases(4, states=((2,), (2,)), more=(None,)), *PROJECTED], promote="same")
def lstm(xp, x, w, u, h, c, b=None, p=None, *, sizes, reverse=False):
    """Long short-term memory: h_t, c_t = lstm_cell(w x_t + u h_{t−1} + b, c_{t−1}),  then h_t ← p h_t (Sak et al. 2014)

        ā_t, c̄_{t−1} = the cell's, given pᵀ h̄_t and c̄_t        h̄_t = ȳ_t + uᵀ ā_{t+1}
        w̄ = Σ ā_t x_tᵀ    ū = Σ ā_t h_{t−1}ᵀ    b̄ = Σ ā_t    x̄_t = wᵀ ā_t    p̄ = Σ h̄_t m_tᵀ,  m_t what p is applied to

    x (P, I)   w (4H, I)   u (4H, R)   h_0 (B, R)   c_0 (B, H)   b (4H,) or None   p (R, H) or None
    →   y = all h_t (P, R), the last h (B, R), the last c (B, H)        reverse: from each sequence's end
    """
    check(x, sizes, h, u.shape[1])
    check(x, sizes, c, u.shape[0] // 4)
    a, (ax, aw, ab) = linear.formula(xp, x, w, b)
    steps, hstart, cstart = spans(sizes, reverse), h, c
    before, memories, after, backs = [], [], [], []
    hended: list = []
    cended: list = []
    h, c = (h[: sizes[-1]], c[: sizes[-1]]) if reverse else (h, c)
    for first, last in steps:
        h, c = fit(xp, h, last - first, hstart, hended), fit(xp, c, last - first, cstart, cended)
        before.append(h)
        (h, c), back = lstm_cell.formula(xp, a[first:last] + h @ turn(xp, u), c)
        backs.append(back)
        if p is not None:
            memories.append(h)
            h = h @ turn(xp, p)
        after.append(h)

    def grads(gy, ghend, gcend):
        gas, ghs = [], []
        hbegun: list = []
        cbegun: list = []
        gh, gc = (ghend, gcend) if reverse else (ghend[: sizes[-1]], gcend[: sizes[-1]])
        for (first, last), back in zip(reversed(steps), reversed(backs)):
            gh = fit(xp, gh, last - first, ghend, hbegun) + gy[first:last]
            gc = fit(xp, gc, last - first, gcend, cbegun)
            ghs.append(gh)
            ga, gc = back(gh if p is None else gh @ p, gc)
            gas.append(ga)
            gh = ga @ u
        ga = joined(xp, gas, not reverse)
        gu = turn(xp, ga) @ joined(xp, before, reverse)
        gp = None if p is None else turn(xp, joined(xp, ghs, not reverse)) @ joined(xp, memories, reverse)
        gb = None if b is None else ab(ga)
        return ax(ga), aw(ga), gu, whole(xp, gh, hbegun), whole(xp, gc, cbegun), gb, gp

    return (joined(xp, after, reverse), whole(xp, h, hended), whole(xp, c, cended)), grads


@op(samples=[shapes((3, 6), (3, 6), (3, 2)), shapes((6,), (2, 3, 6), (3, 2)), shapes((4, 3), (3,), (1, 1)),
             shapes((2, 6), (1, 6), (2,))], promote="same")  # fmt: skip
def gru_cell(xp, a, s, h):
    """One step of a gated recurrent unit (Cho et al. 2014), with the reset gate after the product with h.

        r, z = σ(a_r + s_r), σ(a_z + s_z)        n = tanh(a_n + r ⊙ s_n)        h′ = n + z ⊙ (h − n)

        n̄ = h̄′ ⊙ (1 − z) ⊙ (1 − n²), before tanh        r̄ = n̄ ⊙ s_n ⊙ r (1 − r)        z̄ = h̄′ ⊙ (h − n) ⊙ z (1 − z)
        ā = (r̄, z̄, n̄)        s̄ = (r̄, z̄, n̄ ⊙ r)        h̄ = h̄′ ⊙ z

    a (…, 3H), from the input, in the order r z n   s (…, 3H), from the state   h (…, H)   →   h′ (…, H)
    """
    H = h.shape[-1]
    if a.shape[-1] != 3 * H or s.shape[-1] != 3 * H:
        raise ValueError(f"a and s hold the three gates of each of the {H} numbers of h; got {a.shape} and {s.shape}")
    gates = xp.sigmoid(a[..., : 2 * H] + s[..., : 2 * H])
    r, z, sn = gates[..., :H], gates[..., H:], s[..., 2 * H :]
    n = xp.tanh(a[..., 2 * H :] + r * sn)

    def grads(g):
        gn = g * (1 - z) * (1 - n * n)
        gr, gz = gn * sn * r * (1 - r), g * (h - n) * z * (1 - z)
        return xp.concatenate(gr, gz, gn, axis=-1), xp.concatenate(gr, gz, gn * r, axis=-1), g * z

    return n + z * (h - n), grads


@op(samples=cases(3, biases=2), promote="same")
def gru(xp, x, w, u, h, b=None, d=None, *, sizes, reverse=False):
    """Gated recurrent units: h_t = gru_cell(w x_t + b, u h_{t−1} + d, h_{t−1})

        ā_t, s̄_t, h̄_{t−1} = the cell's, given h̄_t        h̄_t = ȳ_t + uᵀ s̄_{t+1} + the cell's
        w̄ = Σ ā_t x_tᵀ    ū = Σ s̄_t h_{t−1}ᵀ    b̄ = Σ ā_t    d̄ = Σ s̄_t    x̄_t = wᵀ ā_t

    x (P, I)   w (3H, I)   u (3H, H)   h_0 (B, H)   b, d (3H,) or None   →   y = all h_t (P, H), the last ones (B, H)
    reverse: from each sequence's end to its beginning
    """
    check(x, sizes, h, u.shape[1])
    if d is not None and d.shape != u.shape[:1]:
        raise ValueError(f"d {d.shape} must hold one number for each of the {u.shape[0]} rows of u {u.shape}")
    a, (ax, aw, ab) = linear.formula(xp, x, w, b)
    steps, start, before, after, backs = spans(sizes, reverse), h, [], [], []
    ended: list = []
    h = h[: sizes[-1]] if reverse else h
    for first, last in steps:
        h = fit(xp, h, last - first, start, ended)
        before.append(h)
        s = h @ turn(xp, u)
        h, back = gru_cell.formula(xp, a[first:last], s if d is None else s + d, h)
        backs.append(back)
        after.append(h)

    def grads(gy, gend):
        gas, gss = [], []
        begun: list = []
        gh = gend if reverse else gend[: sizes[-1]]
        for (first, last), back in zip(reversed(steps), reversed(backs)):
            ga, gs, gh = back(fit(xp, gh, last - first, gend, begun) + gy[first:last])
            gas.append(ga)
            gss.append(gs)
            gh = gh + gs @ u
        ga, gs = joined(xp, gas, not reverse), joined(xp, gss, not reverse)
        gu = turn(xp, gs) @ joined(xp, before, reverse)
        gb, gd = None if b is None else ab(ga), None if d is None else xp.sum(gs, axis=(0,))
        return ax(ga), aw(ga), gu, whole(xp, gh, begun), gb, gd

    return (joined(xp, after, reverse), whole(xp, h, ended)), grads
