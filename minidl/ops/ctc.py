"""Connectionist temporal classification: reading a sequence whose place in time nobody has marked."""

import math

from ..autograd import composite
from .samples import Values, ints, shapes


@composite(samples=[
    shapes((4, 2, 3), ints(2, 2, low=1, high=3), ints(2, low=4, high=5), Values((2,), 1, 3, "int")),
    shapes((3, 1, 3), ints(1, 1, low=0, high=2), ints(1, low=2, high=4), Values((1,), 0, 2, "int"), blank=2),
])  # fmt: skip
def ctc_loss(xp, x, t, n, m, *, blank=0):
    """l = −log Σ Π_k e^x[k, a_k] over all alignments a: n classes that read t when repeats and blanks are dropped

    With blanks around every target (s = 0, 1, … 2m) let α_k(s) be the log of the sum over beginnings that end at s:

        α_k(s) = x_k(s) + log (e^α_k₋₁(s) + e^α_k₋₁(s−1) + e^α_k₋₁(s−2))        the last: where s is no blank, and not
        l = −log (e^α_n₋₁(2m) + e^α_n₋₁(2m−1))                                  the same class as s − 2

    x (T, N, C), logarithms   t (N, S), classes   n, m (N,): how many of T and of S count   →   l (N,)
    (Graves et al. 2006). What cannot be has a large finite number for its logarithm, as −∞ would have no derivative.
    """
    (T, N, _), S = x.shape, t.shape[1]
    never = -1e30 if x.dtype.itemsize > 2 else -3e3
    blanks = xp.full_like(t, fill_value=blank, shape=(N, S, 1))
    pairs = xp.reshape(xp.concatenate(blanks, xp.reshape(t, shape=(N, S, 1)), axis=2), shape=(N, 2 * S))
    labels = xp.concatenate(pairs, xp.full_like(t, fill_value=blank, shape=(N, 1)), axis=1)  # (N, 2S + 1)
    before = xp.concatenate(xp.full_like(t, fill_value=blank, shape=(N, 2)), labels, axis=1)[:, :-2]
    apart = (labels != blank) & (labels != before)
    p = xp.take_along_axis(x, xp.broadcast_to(labels, shape=(T, N, 2 * S + 1)), axis=2)
    p, s = xp.maximum(p, never), xp.arange_like(t, n=2 * S + 1)

    def total(a, b, c):
        top = xp.maximum(xp.maximum(a, b), c)
        return top + xp.log(xp.exp(a - top) + xp.exp(b - top) + xp.exp(c - top))

    a, edge = xp.where(s < 2, p[0], never), xp.full_like(x, fill_value=never, shape=(N, 2))
    column = lambda v: xp.reshape(v, shape=(N, 1))
    for k in range(1, T):
        wide = xp.concatenate(edge, a, axis=1)
        a = xp.where(k < column(n), p[k] + total(a, wide[:, 1:-1], xp.where(apart, wide[:, :-2], never)), a)
    a = xp.where(column(n) > 0, a, edge[:, :1] * (s > 0))  # without any time, only nothing is read
    ends = xp.where((s == 2 * column(m)) | (s == 2 * column(m) - 1), a, never)
    top = xp.max(ends, axis=(1,), keepdims=True)
    l = -xp.reshape(top, shape=(N,)) - xp.log(xp.sum(xp.exp(ends - top), axis=(1,)))
    return xp.where(l > -never / 2, math.inf, l)
