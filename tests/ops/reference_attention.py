"""Attention, one query at a time."""

import math

import numpy as np


def attention(q, k, v, mask=None, d=None, scale=1.0, causal=False):
    L, S = q.shape[-2], k.shape[-2]
    lead = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    wide = lambda t: np.broadcast_to(t, (*lead, *t.shape[-2:]))
    q, k, v = wide(q), wide(k), wide(v)
    mask = np.broadcast_to(True if mask is None else mask, (*lead, L, S))
    d = np.broadcast_to(1.0 if d is None else d, (*lead, L, S))
    y = np.zeros((*lead, L, v.shape[-1]))
    for place in np.ndindex(*lead, L):
        *batch, i = place
        at, weights = tuple(batch), np.zeros(S)
        for j in range(S):
            truth = mask.dtype == bool
            if (truth and not mask[(*at, i, j)]) or (causal and j > i):
                continue
            score = scale * float(np.dot(q[(*at, i)], k[(*at, j)])) + (0.0 if truth else mask[(*at, i, j)])
            weights[j] = math.exp(score)
        total = weights.sum()
        for j in range(S):
            y[place] += (weights[j] / total if total else 0.0) * d[(*at, i, j)] * v[(*at, j)]
    return y


REFERENCES = {"attention": attention}
