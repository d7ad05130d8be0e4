"""Products by loops over the numbers; the rest by elimination, and by what defines it."""

import itertools
import math

import numpy as np


def matmul(a, b):
    A, B = a[None] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    batch = np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    A, B = np.broadcast_to(A, batch + A.shape[-2:]), np.broadcast_to(B, batch + B.shape[-2:])
    y = np.zeros((*batch, A.shape[-2], B.shape[-1]))
    for p in np.ndindex(*batch, A.shape[-2], B.shape[-1]):
        y[p] = math.fsum(A[p[:-1]] * B[(*p[:-2], slice(None), p[-1])])
    y = y[..., 0] if b.ndim == 1 else y
    return y[..., 0] if a.ndim == b.ndim == 1 else y[..., 0, :] if a.ndim == 1 else y


def einsum(*xs, subscripts):
    left, out = subscripts.split("->")
    sizes = {}
    for x, term in zip(xs, left.split(","), strict=True):
        for c, n in zip(term, x.shape, strict=True):
            sizes[c] = max(n, sizes.get(c, 1))
    y = np.zeros([sizes[c] for c in out])
    for values in itertools.product(*(range(n) for n in sizes.values())):
        at = dict(zip(sizes, values, strict=True))
        product = 1.0
        for x, term in zip(xs, left.split(","), strict=True):
            product *= x[tuple(at[c] if n > 1 else 0 for c, n in zip(term, x.shape, strict=True))]
        y[tuple(at[c] for c in out)] += product
    return y


def eliminate(a, b):
    """a⁻¹ b and |a|, of one matrix, by elimination with the largest pivot."""
    a, b, n, det = a.astype(float), b.astype(float), len(a), 1.0
    for k in range(n):
        p = k + int(np.argmax(np.abs(a[k:, k])))
        if p != k:
            a[[k, p]], b[[k, p]], det = a[[p, k]], b[[p, k]], -det
        det *= a[k, k]
        b[k], a[k] = b[k] / a[k, k], a[k] / a[k, k]
        for r in range(n):
            if r != k:
                b[r], a[r] = b[r] - a[r, k] * b[k], a[r] - a[r, k] * a[k]
    return b, det


def solve(a, b):
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    y = np.zeros(b.shape)
    for p in np.ndindex(*batch):
        y[p] = eliminate(a[p].copy(), b[p].copy())[0]
    return y


def det(x):
    y = np.zeros(x.shape[:-2])
    for p in np.ndindex(*y.shape):
        y[p] = eliminate(x[p].copy(), np.eye(x.shape[-1]))[1]
    return y


def cholesky(x):
    y, n = np.zeros(x.shape), x.shape[-1]
    for p in np.ndindex(*x.shape[:-2]):
        L = y[p]
        for i in range(n):
            for j in range(i + 1):
                rest = x[p][i, j] - L[i, :j] @ L[j, :j]
                L[i, j] = math.sqrt(rest) if i == j else rest / L[j, j]
    return y


REFERENCES = {
    "matmul": matmul,
    "einsum": einsum,
    "inv": lambda x: solve(x, np.broadcast_to(np.eye(x.shape[-1]), x.shape)),
    "solve": solve,
    "det": det,
    "cholesky": cholesky,
}
