"""Products and inverses of matrices."""

import math

from ..autograd import op
from .samples import definite, shapes


@op(samples=[
    shapes((3, 4), (4, 2)), shapes((2, 3, 4), (4, 2)), shapes((5, 1, 3, 4), (2, 4, 2)), shapes((3, 4), (2, 4, 5)),
    shapes((4,), (4,)), shapes((4,), (4, 2)), shapes((3, 4), (4,)), shapes((2, 3, 4), (4,)), shapes((4,), (2, 4, 3)),
], promote="same")  # fmt: skip
def matmul(xp, a, b):
    """y = a b        ā = ȳ bᵀ        b̄ = aᵀ ȳ        (summed over broadcast batch axes: the engine's part)

    a (…, n, k)   b (…, k, m)   →   y (…, n, m); a vector is a row on the left and a column on the right"""
    check_product(a, b)
    if a.ndim > 2 and b.ndim == 2:  # one matrix meets many: all their rows make one long matrix
        y, (ga, gb) = matmul.formula(xp, flat(xp, a), b)
        rows, full = a.shape[:-1], a.shape
        return xp.reshape(y, shape=(*rows, b.shape[1])), (
            lambda g: xp.reshape(ga(flat(xp, g)), shape=full),
            lambda g: gb(flat(xp, g)),
        )
    y = xp.matmul(a, b)
    A, B = a[None, :] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    column, row = y.shape[: y.ndim - (b.ndim > 1)] + (1,) * (a.ndim == 1), y.shape[y.ndim - (b.ndim > 1) :] or (1,)
    matrix = lambda g: xp.reshape(g, shape=column + row)
    ga = lambda g: xp.matmul(matrix(g), swap(xp, B))
    gb = lambda g: xp.matmul(swap(xp, A), matrix(g))
    return y, (ga, gb if b.ndim > 1 else lambda g: gb(g)[..., 0])


def check_product(a, b):
    if not a.ndim or not b.ndim:
        raise ValueError("a product of matrices needs at least one axis on both sides; use * for a number")
    k, other = a.shape[-1], b.shape[-2 if b.ndim > 1 else -1]
    if k != other:
        raise ValueError(
            f"the inner sizes differ: the last axis of a has {k} and the {'second last' if b.ndim > 1 else 'only'} "
            f"axis of b has {other}; they must be equal (transpose one?)"
        )


def flat(xp, x):
    """All rows of many matrices as one matrix."""
    return xp.reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))


def swap(xp, x):
    """The matrices in x, transposed."""
    return xp.transpose(x, axes=(*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


@op(samples=[
    shapes((3, 4), (4, 2), subscripts="ij,jk->ik"),
    shapes((2, 3, 4), (2, 4, 5), subscripts="bij,bjk->bki"),
    shapes((3, 4), subscripts="ij->j"),
    shapes((3,), (4,), (3, 4), subscripts="i,j,ij->"),
    shapes((3, 1), (4, 2), subscripts="ij,jk->ki"),
    shapes((2, 3), (3,), subscripts="ab,c->c"),
], promote="common")  # fmt: skip
def einsum(xp, *xs, subscripts):
    """y = Σ x₁ x₂ … over the letters that are not in the result        x̄ₖ = Σ ȳ Π xⱼ, j ≠ k, over those not in xₖ

    subscripts: "ij,jk->ik", written out in full: no ellipsis, and no letter twice in one operand."""
    left, out = subscripts.split("->")
    terms = left.split(",")

    def rule(k):
        mine, shape = terms[k], xs[k].shape

        def gx(g):
            others = [x for j, x in enumerate(xs) if j != k]
            letters = [t for j, t in enumerate(terms) if j != k]
            known = [c for c in mine if c in out + "".join(letters)]  # the rest were summed: ȳ repeats along them
            g = xp.einsum(g, *others, subscripts=",".join([out, *letters]) + "->" + "".join(known))
            sizes = iter(g.shape)
            g = xp.reshape(g, shape=tuple(next(sizes) if c in known else 1 for c in mine))
            return xp.broadcast_to(g, shape=tuple(n if g.shape[i] == 1 else g.shape[i] for i, n in enumerate(shape)))

        return gx

    return xp.einsum(*xs, subscripts=subscripts), tuple(rule(k) for k in range(len(xs)))


@op(samples=[shapes(definite(3)), shapes(definite(2, 4))])
def inv(xp, x):
    """y = x⁻¹        x̄ = −yᵀ ȳ yᵀ"""
    y = xp.inv(x)
    return y, (lambda g: -xp.matmul(swap(xp, y), xp.matmul(g, swap(xp, y))),)


@op(samples=[shapes(definite(3)), shapes(definite(2, 4))])
def cholesky(xp, x):
    """y lower triangular with y yᵀ = (x + xᵀ)/2        x̄ = y⁻ᵀ Φ(yᵀȳ) y⁻¹, symmetrised        (Murray 2016)

    Φ takes the lower triangle and half of the diagonal."""
    y = xp.cholesky((x + swap(xp, x)) / 2)

    def gx(g):
        p = xp.matmul(swap(xp, y), g)
        p = (xp.tril(p) + xp.tril(p, k=-1)) / 2
        y1 = xp.inv(y)
        s = xp.matmul(swap(xp, y1), xp.matmul(p, y1))
        return (s + swap(xp, s)) / 2

    return y, (gx,)


SQUARES = [shapes(definite(3), (3, 2)), shapes(definite(2, 4), (4, 1)), shapes(definite(3), (2, 3, 2))]


@op(samples=SQUARES, promote="common")
def solve(xp, a, b):
    """y = a⁻¹ b        b̄ = a⁻ᵀ ȳ        ā = −b̄ yᵀ"""
    y = xp.solve(a, b)
    gb = lambda g: xp.solve(swap(xp, a), g)
    return y, (lambda g: -xp.matmul(gb(g), swap(xp, y)), gb)


@op(samples=[shapes((3, 3)), shapes((2, 2, 2)), shapes((1, 1)), shapes(definite(5))])
def det(xp, x):
    """y = |x|        x̄ = ȳ adj(x)ᵀ        adj(x) = |x| x⁻¹, also of a singular x up to 4 × 4"""
    y = xp.det(x)
    adj = lambda: adjugate(xp, x) if x.shape[-1] <= 4 else y[..., None, None] * xp.inv(x)
    return y, (lambda g: g[..., None, None] * swap(xp, adj()),)


def adjugate(xp, x):
    """m with x m = |x| 1, without a division by |x| (Faddeev & LeVerrier); loses digits where x is large."""
    n = x.shape[-1]
    one = xp.diag_embed(xp.ones_like(x, shape=(n,)), offset=0, axis1=0, axis2=1, shape=(n, n))
    m = xp.broadcast_to(one, shape=x.shape)
    for k in range(1, n):
        xm = xp.matmul(x, m)
        trace = xp.sum(xp.diagonal(xm, offset=0, axis1=-2, axis2=-1), axis=(-1,), keepdims=True)
        m = trace[..., None] / k * one - xm
    return m
