"""Factors of matrices by Jacobi's rotations, Gram & Schmidt and Gauss; an exponential by its long series.

The sign of an eigenvector is a choice: the references take the one that LAPACK makes, by NumPy's own vectors."""

import math
from fractions import Fraction

import numpy as np

from .reference_linalg import det, matrices, solve


def several(function):
    """The function, which gives several arrays, on every matrix of a stack."""

    def of_stack(x, **keywords):
        found = [function(x[at], **keywords) for at in np.ndindex(x.shape[:-2])]
        if not x.size:
            raise ValueError("nothing to factor")
        return tuple(np.array(part).reshape((*x.shape[:-2], *np.shape(part[0]))) for part in zip(*found))

    return of_stack


def jacobi(a):
    """Eigenvalues and -vectors of a symmetric matrix, by rotations that make one entry 0 each."""
    n, a, v = len(a), (a + a.T) / 2, np.eye(len(a))
    for _ in range(30):
        for p in range(n):
            for q in range(p + 1, n):
                angle = math.atan2(2 * a[p, q], a[q, q] - a[p, p]) / 2
                turn = np.eye(n)
                turn[p, p] = turn[q, q] = math.cos(angle)
                turn[p, q], turn[q, p] = math.sin(angle), -math.sin(angle)
                a, v = turn.T @ a @ turn, v @ turn
    order = np.argsort(np.diag(a))
    return np.diag(a)[order], v[:, order]


def signed(v, like):
    """The columns of v, each with the sign that makes it look like that of another matrix."""
    return v * np.sign((v * like).sum(0))


def eigh(a):
    w, v = jacobi(a)
    return w, signed(v, np.linalg.eigh((a + a.T) / 2)[1])


def eig(a):
    w, v = jacobi(a)
    theirs, like = np.linalg.eig(a)
    order = [int(np.argmin(np.abs(w - one))) for one in theirs]
    return w[order], signed(v[:, order], like)


def svd(a, full_matrices=False):
    """From the eigenvectors of aᵀa, or of aaᵀ if that is smaller."""
    if a.shape[0] < a.shape[1]:
        u, s, vt = svd(a.T)
        u, vt, like = vt.T, u.T, np.linalg.svd(a)[0]
        sign = np.sign((u * like).sum(0))
        return u * sign, s, vt * sign[:, None]
    w, v = jacobi(a.T @ a)
    s = np.sqrt(w[::-1])
    v = signed(v[:, ::-1], np.linalg.svd(a)[2].T)
    return a @ v / s, s, v.T


def qr(a):
    """Gram & Schmidt, twice over."""
    like, k = np.linalg.qr(a)[0], min(a.shape)
    q = np.zeros((len(a), k))
    for j in range(k):
        q[:, j] = a[:, j]
        for _ in range(2):
            q[:, j] -= q[:, :j] @ (q[:, :j].T @ q[:, j])
        q[:, j] /= math.sqrt(q[:, j] @ q[:, j])
    q = signed(q, like)
    return q, np.triu(q.T @ a)


def pinv(a, rtol=None, atol=0.0):
    """By the normal equations, which full rank allows."""
    return solve(a.T @ a, a.T) if a.shape[0] >= a.shape[1] else solve(a @ a.T, a).T


def matrix_exp(a):
    """The series in fractions, a hundred terms."""
    n = len(a)
    if not n:
        raise ValueError("nothing to add up")
    a = [[Fraction(v).limit_denominator(10**15) for v in row] for row in a]
    y = term = [[Fraction(int(i == j)) for j in range(n)] for i in range(n)]
    for k in range(1, 100):
        term = [[sum(term[i][m] * a[m][j] for m in range(n)) / k for j in range(n)] for i in range(n)]
        term = [[round(v * 10**40) / Fraction(10**40) for v in row] for row in term]
        y = [[p + q for p, q in zip(*rows)] for rows in zip(y, term)]
    return [[float(v) for v in row] for row in y]


def pivots(a):
    """Elimination in exact fractions."""
    a = [[Fraction(v) for v in row] for row in a]
    swaps = []
    for i in range(min(len(a), len(a[0]))):
        p = max(range(i, len(a)), key=lambda r: abs(a[r][i]))
        swaps.append(p)
        a[i], a[p] = a[p], a[i]
        for r in range(i + 1, len(a)):
            a[r] = [v - a[r][i] / a[i][i] * top for v, top in zip(a[r], a[i])]
    return swaps


def lu(a):
    """Doolittle's sums."""
    m, n = a.shape
    k = min(m, n)
    l, u = np.eye(m, k), np.zeros((k, n))
    for i in range(max(m, n)):
        for j in range(i, n):
            if i < k:
                u[i, j] = a[i, j] - l[i, :i] @ u[:i, j]
        for r in range(i + 1, m):
            if i < k:
                l[r, i] = (a[r, i] - l[r, :i] @ u[:i, i]) / u[i, i]
    return l, u


REFERENCES = {
    "eigh": several(eigh),
    "eig": several(eig),
    "svd": several(svd),
    "qr": several(qr),
    "slogdet": several(lambda a: (np.sign(det(a)), math.log(abs(det(a))))),
    "pinv": lambda x, **keywords: matrices(pinv)(x),
    "matrix_exp": matrices(matrix_exp),
    "pivots": matrices(pivots),
    "lu": several(lu),
}
