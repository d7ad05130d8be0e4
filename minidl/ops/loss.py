"""Losses. The reduction is "none", "sum" or "mean"; targets that are classes are integers."""

import math

from ..autograd import op
from ..backend import INDEX
from .samples import Values, ints, shapes
from .softmax import log_softmax

REDUCTIONS = ("none", "sum", "mean")
PAIRS = [shapes((3, 4), (3, 4), reduction=r) for r in REDUCTIONS] + [shapes((2, 3), (3,)), shapes((), ())]
WEIGHTS = ints(3, low=1, high=4)  # no gradient reaches class weights, so they are drawn as integers
CLASSES = [
    shapes((4, 3), ints(4, high=3), None),
    shapes((5, 3), ints(5, high=3), WEIGHTS),
    shapes((4, 3), ints(4, high=3), WEIGHTS, ignore_index=1, label_smoothing=0.1),
    shapes((2, 3, 2, 2), ints(2, 2, 2, high=3), WEIGHTS, reduction="none", ignore_index=0, label_smoothing=0.3),
    shapes((2, 3, 5), ints(2, 5, high=3), None, reduction="sum", label_smoothing=0.2),
    shapes((3,), ints(high=3), None),
]


def probabilities(*shape):
    return Values(shape, 0.1, 0.9)


def reduced(xp, l, reduction):
    """The losses l, or their sum or mean, and the factor by which the gradient of that reaches each of them."""
    if reduction == "none":
        return l, 1.0
    if reduction == "sum":
        return xp.sum(l), 1.0
    n = math.prod(l.shape)
    return (xp.mean(l), 1 / n) if n else (xp.sum(l) * math.nan, 1.0)  # the mean of nothing


@op(samples=PAIRS, promote="float")
def mse_loss(xp, x, t, *, reduction="mean"):
    """l = d²,  d = x − t        x̄ = 2 d l̄        t̄ = −x̄"""
    d = x - t
    y, share = reduced(xp, d * d, reduction)
    gx = lambda g: g * (2 * share) * d
    return y, (gx, lambda g: -gx(g))


@op(samples=PAIRS, promote="float")
def l1_loss(xp, x, t, *, reduction="mean"):
    """l = |d|,  d = x − t        x̄ = l̄ sign d        t̄ = −x̄"""
    d = x - t
    y, share = reduced(xp, xp.abs(d), reduction)
    gx = lambda g: g * share * xp.sign(d)
    return y, (gx, lambda g: -gx(g))


@op(samples=[*PAIRS, shapes((3, 4), (3, 4), delta=0.5)], promote="float")
def huber_loss(xp, x, t, *, reduction="mean", delta=1.0):
    """l = ½ d² where |d| < δ, else δ (|d| − ½ δ),  d = x − t        x̄ = l̄ c,  c = d held in ±δ        t̄ = −x̄

    In one piece: l = c (d − ½ c).        (Huber 1964)
    """
    d = x - t
    c = xp.minimum(xp.maximum(d, -delta), delta)
    y, share = reduced(xp, c * (d - 0.5 * c), reduction)
    gx = lambda g: g * share * c
    return y, (gx, lambda g: -gx(g))


@op(samples=[*PAIRS, shapes((3, 4), (3, 4), beta=0.5)], promote="float")
def smooth_l1_loss(xp, x, t, *, reduction="mean", beta=1.0):
    """The Huber loss over δ = β, so that its slope far out is 1: l = c (d − ½ c) / β        x̄ = l̄ c / β"""
    y, (gx, gt) = huber_loss.formula(xp, x, t, reduction=reduction, delta=beta)
    return y / beta, (lambda g: gx(g / beta), lambda g: gt(g / beta))


@op(samples=CLASSES, promote="float", keep=("t", "w"))
def nll_loss(xp, x, t, w=None, *, reduction="mean", ignore_index=-100, label_smoothing=0.0):
    """The negative log-likelihood of classes t, given log-probabilities x.

        l_i = −Σ_c q_ic x_ic        q_ic = v_i where c = t_i, else 0        v_i = w_{t_i}, 0 for a t_i to be ignored
        mean: Σ l / Σ v             x̄_ic = −q_ic l̄_i

    Label smoothing spreads a share ε of each target over the classes (Szegedy et al. 2016): q becomes
    (1 − ε) q_ic + ε w_c / C.

    x (N, C, …)   t (N, …)   w (C,), constant, or None   →   l (N, …)
    """
    axis = min(x.ndim - 1, 1)
    expected = x.shape[:axis] + x.shape[axis + 1 :]
    if t.shape != expected:
        raise ValueError(f"classes t {expected} are expected for x {x.shape}; got {t.shape}")
    C, row = x.shape[axis], (*t.shape[:axis], 1, *t.shape[axis:])  # a target's shape beside its classes
    column = lambda a: xp.reshape(a, shape=(C, *(1,) * (x.ndim - axis - 1)))
    flat, wide = lambda a: xp.reshape(a, shape=t.shape), lambda a: xp.reshape(a, shape=row)
    kept = t != ignore_index
    safe = xp.where(kept, t, 0)
    one = xp.astype(kept, dtype=x.dtype)
    w = None if w is None else xp.astype(w, dtype=x.dtype)
    v = one if w is None else one * xp.getitem(w, safe, key=(INDEX,))
    l = -v * xp.where(kept, flat(xp.take_along_axis(x, wide(safe), axis=axis)), 0.0)
    if label_smoothing:
        weights = column(xp.ones_like(x, shape=(C,)) if w is None else w)
        e = xp.broadcast_to(weights * (label_smoothing / C), shape=x.shape)
        l = (1 - label_smoothing) * l - one * flat(xp.sum(e * x, axis=(axis,)))
    y, share = (xp.sum(l), 1 / xp.sum(v)) if reduction == "mean" else reduced(xp, l, reduction)

    def gx(g):
        hit = wide(safe) == column(xp.arange_like(t, n=C))
        gl = xp.where(kept, -g * share, 0)  # 0 also where nothing is kept, and the mean is NaN
        if label_smoothing:
            return wide(gl * v * (1 - label_smoothing)) * hit + wide(gl * one) * e
        return wide(gl * v) * hit

    return y * share, (gx, None, None)


@op(samples=CLASSES, promote="float", keep=("t", "w"))
def cross_entropy(xp, x, t, w=None, *, reduction="mean", ignore_index=-100, label_smoothing=0.0):
    """nll_loss of log_softmax x: l_i = −Σ_c q_ic log p_ic,  p = softmax x        x̄_ic = l̄_i (p_ic Σ q_i − q_ic)

    x (N, C, …), any real numbers   t (N, …)   w (C,) or None   →   l (N, …)
    """
    z, (gz,) = log_softmax.formula(xp, x, axis=min(x.ndim - 1, 1))
    y, (gl, _, _) = nll_loss.formula(
        xp, z, t, w, reduction=reduction, ignore_index=ignore_index, label_smoothing=label_smoothing
    )
    return y, (lambda g: gz(gl(g)), None, None)


@op(samples=[
    shapes((4, 3), probabilities(4, 3), None),
    shapes((2, 3, 4), probabilities(2, 3, 4), WEIGHTS, reduction="none", label_smoothing=0.3),
    shapes((3,), probabilities(3), WEIGHTS, reduction="sum"),
], promote="float")  # fmt: skip
def soft_cross_entropy(xp, x, t, w=None, *, reduction="mean", label_smoothing=0.0):
    """Cross-entropy with the targets t given as probabilities.

        l_i = −Σ_c q_ic z_ic        z = log_softmax x        q_ic = w_c ((1 − ε) t_ic + ε / C)
        x̄_ic = l̄_i (p_ic Σ q_i − q_ic)        t̄_ic = −(1 − ε) w_c l̄_i z_ic

    x, t (N, C, …)   w (C,) or None   →   l (N, …)
    """
    axis = min(x.ndim - 1, 1)
    z, (gz,) = log_softmax.formula(xp, x, axis=axis)
    w = 1.0 if w is None else xp.reshape(w, shape=(-1, *(1,) * (x.ndim - axis - 1)))
    q = w * ((1 - label_smoothing) * t + label_smoothing / max(x.shape[axis], 1))
    l = -xp.sum(q * z, axis=(axis,))
    row = (*l.shape[:axis], 1, *l.shape[axis:])
    y, share = reduced(xp, l, reduction)
    gl = lambda g: xp.reshape(xp.broadcast_to(-g * share, shape=row[:axis] + row[axis + 1 :]), shape=row)
    return y, (lambda g: gz(gl(g) * q), lambda g: gl(g) * z * w * (1 - label_smoothing), None)


@op(samples=[shapes(probabilities(3, 4), probabilities(3, 4), None, reduction=r) for r in REDUCTIONS]
    + [shapes(probabilities(3, 4), probabilities(3, 4), (4,))], promote="float")  # fmt: skip
def binary_cross_entropy(xp, x, t, w=None, *, reduction="mean"):
    """l = −w (t log x + (1 − t) log (1 − x)), no logarithm below −100        x̄ = w l̄ (x − t) / (x (1 − x))

    t̄ = w l̄ (log (1 − x) − log x)        w̄ = l̄ l / w        x, t: probabilities        w None: 1
    """
    yes, no = xp.maximum(xp.log(x), -100), xp.maximum(xp.log1p(-x), -100)
    l, v = -(t * yes + (1 - t) * no), 1.0 if w is None else w
    y, share = reduced(xp, v * l, reduction)
    gx = lambda g: g * share * v * (x - t) / xp.maximum(x * (1 - x), 1e-12)
    gt = lambda g: g * share * v * (no - yes)
    return y, (gx, gt, None if w is None else lambda g: g * share * l)


@op(samples=[shapes((3, 4), probabilities(3, 4), None, None, reduction=r) for r in REDUCTIONS]
    + [shapes((3, 4), probabilities(3, 4), (4,), Values((4,), 0.5)), shapes((3, 4), probabilities(3, 4), (3, 1), None)],
    promote="float")  # fmt: skip
def binary_cross_entropy_with_logits(xp, x, t, w=None, p=None, *, reduction="mean"):
    """binary_cross_entropy of σ(x), safe for every x; positive targets count p times, each element w times.

        l = w ((1 − t) x + c s)        c = 1 + (p − 1) t        s = log(1 + e⁻ˣ)
        x̄ = w l̄ (1 − t − c σ(−x))      t̄ = w l̄ ((p − 1) s − x)      w̄ = l̄ l / w      p̄ = w l̄ t s      w, p None: 1
    """
    s = xp.log1p(xp.exp(-xp.abs(x))) - xp.minimum(x, 0)
    v, extra = 1.0 if w is None else w, 0.0 if p is None else p - 1
    c = 1 + extra * t
    l = (1 - t) * x + c * s
    y, share = reduced(xp, v * l, reduction)
    gx = lambda g: g * share * v * (1 - t - c * xp.sigmoid(-x))
    gt = lambda g: g * share * v * (extra * s - x)
    gw, gp = lambda g: g * share * l, lambda g: g * share * v * t * s
    return y, (gx, gt, None if w is None else gw, None if p is None else gp)


@op(samples=[shapes((3, 4), probabilities(3, 4), reduction=r) for r in REDUCTIONS]
    + [shapes((3, 4), (3, 4), log_target=True)], promote="float")  # fmt: skip
def kl_div(xp, x, t, *, reduction="mean", log_target=False):
    """l = t (log t − x): what x, a log-probability, lacks of t        x̄ = −t l̄        t̄ = l̄ (log t + 1 − x)

    0 log 0 = 0. With log_target t is a logarithm too: l = e^t (t − x)        t̄ = l̄ (l + e^t).
    """
    q, log_q = (xp.exp(t), t) if log_target else (t, xp.log(xp.where(t == 0, 1.0, t)))
    l = q * (log_q - x)
    y, share = reduced(xp, l, reduction)
    gt = lambda g: g * share * (l + q if log_target else xp.log(t) + 1 - x)
    return y, (lambda g: -g * share * q, gt)
