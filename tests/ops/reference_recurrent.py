"""Recurrent networks one sequence, one step and one number at a time."""

import math

import numpy as np


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def affine(w, x, b=None):
    return [float(np.dot(row, x)) + (0.0 if b is None else b[k]) for k, row in enumerate(w)]


def run(step, x, sizes, reverse, *states):
    """Step through each sequence by itself: all outputs, packed as x is, and the last states."""
    assert sizes and sum(sizes) == len(x) and list(sizes) == sorted(sizes, reverse=True)
    assert all(len(s) == sizes[0] for s in states)
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    y, ends = np.zeros((len(x), states[0].shape[1])), [s.copy() for s in states]
    for k in range(sizes[0]):
        rows = [starts[t] + k for t in range(len(sizes)) if k < sizes[t]]
        state = [s[k] for s in states]
        for row in reversed(rows) if reverse else rows:
            state = step(x[row], *state)
            y[row] = state[0]
        for end, s in zip(ends, state):
            end[k] = s
    return (y, *ends)


def rnn(x, w, u, h, b=None, sizes=(), reverse=False, relu=False):
    act = (lambda z: max(z, 0.0)) if relu else math.tanh
    assert h.shape[1] == u.shape[1] == u.shape[0]
    step = lambda x, h: [[act(p + q) for p, q in zip(affine(w, x, b), affine(u, h))]]
    return run(step, x, sizes, reverse, h)


def cell(a, c):
    """One cell's h and c from its gates (a list of 4H) and its state (H)."""
    H = len(c)
    i, f, g, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
    new = [sigmoid(f[k]) * c[k] + sigmoid(i[k]) * math.tanh(g[k]) for k in range(H)]
    return [sigmoid(o[k]) * math.tanh(new[k]) for k in range(H)], new


def rows(function, widths, *arrays):
    """A function of rows, over arrays that broadcast against each other but for their last axes."""
    lead = np.broadcast_shapes(*(a.shape[:-1] for a in arrays))
    arrays = [np.broadcast_to(a, (*lead, a.shape[-1])) for a in arrays]
    outs = [np.zeros((*lead, n)) for n in widths]
    for place in np.ndindex(*lead):
        for out, value in zip(outs, function(*(a[place] for a in arrays))):
            out[place] = value
    return tuple(outs)


def lstm_cell(a, c):
    assert a.shape[-1] == 4 * c.shape[-1]
    return rows(cell, (c.shape[-1],) * 2, a, c)


def lstm(x, w, u, h, c, b=None, p=None, sizes=(), reverse=False):
    assert h.shape[1] == u.shape[1] and c.shape[1] * 4 == len(u)

    def step(x, h, c):
        h, c = cell([p + q for p, q in zip(affine(w, x, b), affine(u, h))], c)
        return (h if p is None else affine(p, h)), c

    return run(step, x, sizes, reverse, h, c)


def gated(a, s, h):
    H, new = len(h), []
    for k in range(H):
        r, z = sigmoid(a[k] + s[k]), sigmoid(a[H + k] + s[H + k])
        n = math.tanh(a[2 * H + k] + r * s[2 * H + k])
        new.append((1 - z) * n + z * h[k])
    return (new,)


def gru_cell(a, s, h):
    assert a.shape[-1] == s.shape[-1] == 3 * h.shape[-1]
    return rows(gated, (h.shape[-1],), a, s, h)[0]


def gru(x, w, u, h, b=None, d=None, sizes=(), reverse=False):
    assert h.shape[1] == u.shape[1] and h.shape[1] * 3 == len(u)
    return run(lambda x, h: gated(affine(w, x, b), affine(u, h, d), h), x, sizes, reverse, h)


REFERENCES = {"rnn": rnn, "lstm_cell": lstm_cell, "lstm": lstm, "gru_cell": gru_cell, "gru": gru}
