"""Products and inverses of matrices, one number at a time."""

import itertools
import math

import numpy as np


def matmul(a, b):
    if a.ndim == 1:
        return matmul(a[None], b)[..., 0, :] if b.ndim > 1 else matmul(a[None], b)[..., 0]
    if b.ndim == 1:
        return matmul(a, b[:, None])[..., 0]
    if a.shape[-1] != b.shape[-2]:
        raise ValueError("inner sizes differ")
    y = np.zeros((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]))
    a, b = (np.broadcast_to(t, (*y.shape[:-2], *t.shape[-2:])) for t in (a, b))
    for *batch, i, j in np.ndindex(y.shape):
        y[(*batch, i, j)] = math.fsum(a[(*batch, i, k)] * b[(*batch, k, j)] for k in range(a.shape[-1]))
    return y


def einsum(*xs, subscripts):
    """The sum over every choice of a number for each letter."""
    left, right = subscripts.split("->")
    terms = left.split(",")
    sizes = {}
    for letters, x in zip(terms, xs):
        for letter, n in zip(letters, x.shape):
            if sizes.get(letter, 1) not in (1, n) and n != 1:
                raise ValueError("sizes differ")
            sizes[letter] = n if sizes.get(letter, 1) == 1 else sizes[letter]
    y = np.zeros([sizes[letter] for letter in right])
    place = lambda letters, x, at: tuple(at[c] if n > 1 else 0 for c, n in zip(letters, x.shape))
    for numbers in itertools.product(*map(range, sizes.values())):
        at = dict(zip(sizes, numbers))
        y[place(right, y, at)] += math.prod(x[place(letters, x, at)] for letters, x in zip(terms, xs))
    return y


def matrices(function):
    """The function on every matrix of a stack."""

    def of_stack(*xs):
        batch = np.broadcast_shapes(*(x.shape[:-2] for x in xs))
        stacks = [np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in xs]
        found = [function(*(s[at] for s in stacks)) for at in np.ndindex(batch)]
        return np.reshape(np.array(found, float), (*batch, *np.shape(found[0])))

    return of_stack


def solve(a, b):
    """Gauss and Jordan, with the largest pivot."""
    a, b = a.copy(), b.copy()
    for k in range(len(a)):
        p = max(range(k, len(a)), key=lambda i: abs(a[i, k]))
        a[[k, p]], b[[k, p]] = a[[p, k]], b[[p, k]]
        b[k], a[k] = b[k] / a[k, k], a[k] / a[k, k]
        for i in range(len(a)):
            if i != k:
                b[i], a[i] = b[i] - a[i, k] * b[k], a[i] - a[i, k] * a[k]
    return b


def cholesky(a):
    y = np.zeros(a.shape)
    for i in range(len(a)):
        for j in range(i + 1):
            rest = (a[i, j] + a[j, i]) / 2 - math.fsum(y[i, :j] * y[j, :j])
            y[i, j] = math.sqrt(rest) if i == j else rest / y[j, j]
    return y


def det(a):
    """Leibniz: over all permutations, with their signs."""
    total = 0.0
    for order in itertools.permutations(range(len(a))):
        swaps = sum(order[i] > order[j] for i in range(len(a)) for j in range(i, len(a)))
        total += (-1) ** swaps * math.prod(a[i, j] for i, j in enumerate(order))
    return total


REFERENCES = {
    "matmul": matmul,
    "einsum": einsum,
    "inv": matrices(lambda a: solve(a, np.eye(len(a)))),
    "solve": matrices(solve),
    "cholesky": matrices(cholesky),
    "det": matrices(det),
}
