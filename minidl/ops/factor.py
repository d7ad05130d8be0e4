"""Factors of matrices, and what they give: eigenvalues, singular values, pseudo-inverses, exponentials.

Where two eigenvalues (singular values) are equal, the vectors are not unique and vary without bound: their gradient
is infinite, that of the values alone is not."""

from ..autograd import composite, op
from .linalg import swap
from .samples import definite, shapes

MATRICES = [shapes((4, 3)), shapes((3, 4)), shapes((2, 3, 3))]


def quotient(xp, a, b):
    """a / b, where 0 / 0 is 0."""
    return a / xp.where((a == 0) & (b == 0), 1, b)


def gaps(w):
    """wⱼ − wᵢ"""
    return w[..., None, :] - w[..., :, None]


def off_diagonal(xp, x):
    return xp.tril(x, k=-1) + xp.triu(x, k=1)


@op(samples=[shapes(definite(3)), shapes(definite(2, 4)), shapes((2, 3, 3))])
def eigh(xp, x):
    """v diag(w) vᵀ = (x + xᵀ)/2, v orthogonal, w ascending        x̄ = v (diag w̄ + vᵀv̄ / (wⱼ − wᵢ)) vᵀ, symmetrised"""
    w, v = xp.eigh((x + swap(xp, x)) / 2)

    def gx(gw, gv):
        turn = quotient(xp, off_diagonal(xp, xp.matmul(swap(xp, v), gv)), gaps(w))
        y = xp.matmul(xp.matmul(v, turn) + v * gw[..., None, :], swap(xp, v))
        return (y + swap(xp, y)) / 2

    return (w, v), (gx,)


@op(samples=[shapes(definite(3)), shapes(definite(2, 4))])
def eig(xp, x):
    """x v = v diag(w), columns of v of length 1        x̄ = v⁻ᵀ (diag w̄ + (vᵀv̄ − vᵀv diag(vᵀv̄)) / (wⱼ − wᵢ)) vᵀ"""
    w, v = xp.eig(x)

    def gx(gw, gv):
        vg, vt = xp.matmul(swap(xp, v), gv), swap(xp, v)
        along = xp.diagonal(vg, offset=0, axis1=-2, axis2=-1)[..., None, :]
        turn = quotient(xp, off_diagonal(xp, vg - xp.matmul(vt, v) * along), gaps(w))
        return xp.matmul(xp.inv(vt), xp.matmul(turn, vt) + gw[..., :, None] * vt)

    return (w, v), (gx,)


@op(samples=[*MATRICES, shapes((3, 3), full_matrices=True)])
def svd(xp, x, *, full_matrices=False):
    """u diag(s) vᵀ = x, s descending; gives u, s and vᵀ        (Giles 2008)

        x̄ = u (diag s̄ + S(uᵀū) diag s + diag s S(vᵀv̄)) vᵀ + (1 − u uᵀ) ū diag s⁻¹ vᵀ + u diag s⁻¹ v̄ᵀ (1 − v vᵀ)
        S(t) = (t − tᵀ) / (sⱼ² − sᵢ²)

    x (…, m, n)   →   u (…, m, k)   s (…, k)   vᵀ (…, k, n), k = min(m, n); full: u (…, m, m), vᵀ (…, n, n)"""
    u, s, vt = xp.svd(x, full_matrices=full_matrices)
    m, n = x.shape[-2:]
    k = min(m, n)
    squares = gaps(s) * (s[..., None, :] + s[..., :, None])
    turn = lambda a, g: quotient(xp, xp.matmul(swap(xp, a), g) - xp.matmul(swap(xp, g), a), squares)
    beyond = lambda a, g: quotient(xp, g - xp.matmul(a, xp.matmul(swap(xp, a), g)), s[..., None, :])

    def gx(gu, gs, gvt):
        a, b, ga, gb = u[..., :k], swap(xp, vt)[..., :k], gu[..., :k], swap(xp, gvt)[..., :k]
        middle = turn(a, ga) * s[..., None, :] + s[..., :, None] * turn(b, gb)
        left = xp.matmul(a, middle) + a * gs[..., None, :] + (beyond(a, ga) if m > k else 0)
        y = xp.matmul(left, swap(xp, b))
        return y + xp.matmul(a, swap(xp, beyond(b, gb))) if n > k else y

    return (u, s, vt), (gx,)


@op(samples=[*MATRICES, shapes((2, 2, 4))])
def qr(xp, x):
    """q r = x, q orthogonal, r upper triangular        x̄ = (q̄ + q L) r⁻ᵀ        (Walter & Lehmann 2013)

    L is the lower triangle of r r̄ᵀ − q̄ᵀ q, mirrored. Of a wide x the first columns are factored, and the rest of r is
    qᵀ times the rest.   x (…, m, n)   →   q (…, m, k)   r (…, k, n), k = min(m, n)"""
    m, n = x.shape[-2:]
    if n > m:
        rest = x[..., m:]
        (q, r), (gleft,) = qr.formula(xp, x[..., :m])
        return (q, xp.concatenate(r, xp.matmul(swap(xp, q), rest), axis=-1)), (
            lambda gq, gr: xp.concatenate(
                gleft(gq + xp.matmul(rest, swap(xp, gr[..., m:])), gr[..., :m]), xp.matmul(q, gr[..., m:]), axis=-1
            ),
        )
    q, r = xp.qr(x)

    def gx(gq, gr):
        t = xp.matmul(r, swap(xp, gr)) - xp.matmul(swap(xp, gq), q)
        t = gq + xp.matmul(q, xp.tril(t) + swap(xp, xp.tril(t, k=-1)))
        return swap(xp, xp.solve(r, swap(xp, t)))

    return (q, r), (gx,)


@op(samples=[shapes(definite(3)), shapes((2, 3, 3)), shapes((1, 1))])
def slogdet(xp, x):
    """The sign of |x|, and y = ln ||x||        x̄ = ȳ x⁻ᵀ"""
    sign, y = xp.slogdet(x)
    return (sign, y), (lambda gsign, g: g[..., None, None] * swap(xp, xp.inv(x)),)


@op(samples=[shapes((4, 3)), shapes((3, 4), rtol=1e-8, atol=1e-9), shapes((2, 3, 3))])
def pinv(xp, x, *, rtol=None, atol=0.0):
    """y = v diag(s)⁻¹ uᵀ, over the s above a tolerance        (Golub & Pereyra 1973)

        x̄ = −yᵀ ȳ yᵀ + (1 − x y) ȳᵀ y yᵀ + yᵀ y ȳᵀ (1 − y x)"""
    if 0 in x.shape:
        return swap(xp, x), (lambda g: swap(xp, g),)
    y = xp.pinv(x, rtol=rtol, atol=atol)
    times = lambda a, b: xp.matmul(a, b)

    def gx(g):
        yt, gt = swap(xp, y), swap(xp, g)
        rows, columns = times(gt, times(y, yt)), times(times(yt, y), gt)
        return rows - times(x, times(y, rows)) + columns - times(times(columns, y), x) - times(yt, times(g, yt))

    return y, (gx,)


@op(samples=[shapes((3, 3)), shapes((2, 2, 2)), shapes((1, 1)), shapes((3, 3), low=-3.0, high=3.0)])
def matrix_exp(xp, x):
    """y = 1 + x + x²/2! + x³/3! + …        x̄ = the upper right block of exp [[xᵀ, ȳ], [0, xᵀ]]        (Mathias 1996)"""
    n = x.shape[-1]

    def gx(g):
        xt = swap(xp, x)
        block = xp.concatenate(
            xp.concatenate(xt, g, axis=-1), xp.concatenate(xp.zeros_like(x), xt, axis=-1), axis=-2
        )
        return exponential(xp, block)[..., :n, n:]

    return exponential(xp, x), (gx,)


def exponential(xp, x):
    """(exp x/2ᵏ)^(2ᵏ), with k so large that the series of x/2ᵏ is short."""
    n, most = x.shape[-1], 14
    if not n:
        return x
    size = xp.max(xp.sum(xp.abs(x), axis=(-1,), keepdims=True), axis=(-2,), keepdims=True)
    halvings = xp.ceil(xp.log2(xp.minimum(xp.maximum(size, 1), 2.0**most)))
    x = x * xp.exp2(-halvings)
    one = xp.diag_embed(xp.ones_like(x, shape=(n,)), offset=0, axis1=0, axis2=1, shape=(n, n))
    y = one + x / 18
    for k in range(17, 0, -1):
        y = one + xp.matmul(x, y) / k
    for k in range(most):
        y = xp.where(k < halvings, xp.matmul(y, y), y)
    return y


@op(samples=[shapes((4, 3)), shapes((2, 3, 4))])
def pivots(xp, x):
    """For each column, the row that Gauss's elimination with the largest pivot swaps it with."""
    return xp.pivots(x), None


@composite(samples=[shapes(definite(3)), shapes((2, 4, 2), low=1.0), shapes((2, 3), low=1.0)])
def lu(xp, x):
    """l u = x, l lower triangular with ones on its diagonal, u upper: Gauss's elimination, without swaps

    x (…, m, n)   →   l (…, m, k)   u (…, k, n), k = min(m, n)"""
    columns, rows = [], []
    for k in range(min(x.shape[-2:])):
        pivot = x[..., k : k + 1, k : k + 1]
        columns.append(x[..., k : k + 1] / xp.where(pivot == 0, 1, pivot))
        rows.append(x[..., k : k + 1, :])
        x = x - columns[-1] * rows[-1]
    l, u = xp.concatenate(*columns, axis=-1), xp.concatenate(*rows, axis=-2)
    one = xp.diag_embed(xp.ones_like(x, shape=(len(rows),)), offset=0, axis1=0, axis2=1, shape=l.shape[-2:])
    return xp.tril(l, k=-1) + one, xp.triu(u)
