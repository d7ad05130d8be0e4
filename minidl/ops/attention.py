"""Attention: each query takes a mean of the values, weighted by how well their keys match it."""

from ..autograd import op
from .samples import bools, shapes

QKV = [(2, 3, 4), (2, 5, 4), (2, 5, 3)]


@op(samples=[
    shapes(*QKV, None, None, scale=0.5),
    shapes(*QKV, (3, 5), (2, 3, 5), scale=0.7),
    shapes(*QKV, bools(2, 3, 5), (3, 5), scale=0.5),
    shapes((3, 4), (2, 1, 5, 4), (3, 5, 2), (5,), (2, 1, 1, 1), scale=0.5),
    shapes((2, 2, 3, 4), (2, 1, 4, 4), (4, 2), None, None, scale=0.5, causal=True),
])  # fmt: skip
def attention(xp, q, k, v, mask=None, d=None, *, scale, causal=False):
    """y = (p ⊙ d) v,  p = softmax(s),  s = scale · q kᵀ + mask        (Vaswani et al. 2017)

        v̄ = (p ⊙ d)ᵀ ȳ        p̄ = ȳ vᵀ ⊙ d        s̄ = p ⊙ (p̄ − Σ p̄ ⊙ p)        q̄ = scale · s̄ k        k̄ = scale · s̄ᵀ q
        d̄ = p ⊙ ȳ vᵀ          the mask's, where it is added: s̄

    q (…, L, D)   k (…, S, D)   v (…, S, E)   mask (…, L, S): numbers to add, or truths (False: leave out), or None
    d (…, L, S): what dropout scales each weight by, or None   →   y (…, L, E)
    causal: query i sees keys 0 … i. A query that sees no key at all gets zeros.
    """
    turn = lambda t: xp.transpose(t, axes=(*range(t.ndim - 2), t.ndim - 1, t.ndim - 2))
    s = xp.matmul(q * scale, turn(k))
    unseen = -float("inf")
    if causal:
        s = xp.where(xp.tril(xp.ones_like(s, shape=s.shape[-2:])) > 0, s, unseen)
    boolean = mask is not None and mask.dtype.kind == "b"
    if mask is not None:
        s = xp.where(mask, s, unseen) if boolean else s + mask
    if k.shape[-2]:  # without keys there is nothing to compare
        top = xp.max(s, axis=(-1,), keepdims=True)
        s = s - xp.where(xp.isinf(top), 0.0, top)
    e = xp.exp(s)
    total = xp.sum(e, axis=(-1,), keepdims=True)
    p = e / (total + (total == 0))
    pd = p if d is None else p * d

    def grads(g):
        gd = xp.matmul(g, turn(v))
        gp = gd if d is None else gd * d
        gs = p * (gp - xp.sum(gp * p, axis=(-1,), keepdims=True))
        gq = xp.matmul(gs, k) * scale
        gk = xp.matmul(turn(gs), q) * scale
        return gq, gk, xp.matmul(turn(pd), g), None if mask is None or boolean else gs, None if d is None else gd * p

    return xp.matmul(pd, v), grads
