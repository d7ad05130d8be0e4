"""Factors of matrices, what is solved with them, and what they tell: rank, condition, exponential."""

import math
from typing import Any, NamedTuple

import numpy as np

from ..autograd import Tensor
from ..autograd.modes import no_grad
from ..backend import backend_of, move
from ..errors import ShapeError, describe
from .arguments import axis_of, both_spellings, into, ops
from .linalg import inv, linalg_cholesky, matrix_norm, mm, solve, square, symmetric
from .reduce import sum
from .shape import diagonal, movedim, reshape, tril, triu, unsqueeze


class Eigen(NamedTuple):
    """Eigenvalues, and eigenvectors in columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class SVD(NamedTuple):
    """A = U diag(S) Vh."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class TransposedSVD(NamedTuple):
    """A = U diag(S) Vᵀ."""

    U: Tensor
    S: Tensor
    V: Tensor


class QR(NamedTuple):
    """A = Q R."""

    Q: Tensor
    R: Tensor


class PLU(NamedTuple):
    """A = P L U."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactor(NamedTuple):
    """L and U in one matrix, and for each row the one (counted from 1) that it was swapped with."""

    LU: Tensor
    pivots: Tensor


class LUFactorEx(NamedTuple):
    """As LUFactor; info is the place (counted from 1) of the first pivot that is 0, or 0."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


class LeastSquares(NamedTuple):
    """The solution, and what was learnt about A on the way."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


class TriangularSolve(NamedTuple):
    """The solution, and a copy of the matrix."""

    solution: Tensor
    cloned_coefficient: Tensor


def _matrices(A: Tensor, operation: str) -> None:
    if A.ndim < 2:
        raise ShapeError(f"{operation}: at least two axes are needed, got {describe(A)}")
    if A.dtype.kind != "f":
        raise RuntimeError(f"{operation}: floats are needed, got {describe(A)}")


def _into(out: Any, kind: Any, values: Any) -> Any:
    """Several values as a named tuple; in the memory of the tensors of `out`, if they were given."""
    return kind(*values) if out is None else kind(*(into(o, v) for o, v in zip(out, values, strict=True)))


def _transposed(A: Tensor) -> Tensor:
    return movedim(A, -1, -2)


def _eye(like: Tensor, n: int) -> Tensor:
    return ops.diag_embed(ops.ones_like(like, shape=(n,)), offset=0, axis1=0, axis2=1, shape=(n, n))


# ---------------------------------------------------------------------------------------------- eigenvalues


def eigh(A: Tensor, UPLO: str = "L", *, out: Any = None) -> Eigen:
    """Eigenvalues (ascending) and eigenvectors of symmetric matrices; only the triangle UPLO, "L" or "U", is read."""
    square(A, "eigh")
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"eigh: UPLO is 'L' or 'U', got {UPLO!r}")
    found: Eigen = _into(out, Eigen, ops.eigh(symmetric(A, UPLO.upper() == "U")))
    return found


def eigvalsh(A: Tensor, UPLO: str = "L", *, out: Tensor | None = None) -> Tensor:
    """Eigenvalues of symmetric matrices, ascending."""
    return into(out, eigh(A, UPLO)[0])


def eig(A: Tensor, *, out: Any = None) -> Eigen:
    """Eigenvalues and eigenvectors of square matrices; NB: real ones only, where PyTorch always gives complex ones."""
    square(A, "eig")
    found: Eigen = _into(out, Eigen, ops.eig(A))
    return found


def eigvals(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Eigenvalues of square matrices; NB: real ones only, where PyTorch always gives complex ones."""
    return into(out, eig(A)[0])


def matrix_exp(A: Tensor) -> Tensor:
    """1 + A + A²/2! + A³/3! + …"""
    square(A, "matrix_exp")
    return ops.matrix_exp(A)


# ---------------------------------------------------------------------------------------------- singular values


def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: object = None, out: Any = None) -> SVD:
    """U diag(S) Vh = A, with S descending; U and Vh square, or as small as can be (full_matrices=False)."""
    _matrices(A, "svd")
    found: SVD = _into(out, SVD, ops.svd(A, full_matrices=full_matrices))
    return found


linalg_svd.__name__ = "svd"


def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Any = None) -> TransposedSVD:
    """U diag(S) Vᵀ = input; U and V as small as can be (some), or square. linalg.svd is its successor."""
    if not compute_uv:
        m, n = input.shape[-2:]
        zeros = (ops.zeros_like(input, shape=(*input.shape[:-2], k, k)) for k in (m, n))
        U, V = zeros
        found: TransposedSVD = _into(out, TransposedSVD, (U, svdvals(input), V))
        return found
    U, S, Vh = linalg_svd(input, not some)
    found = _into(out, TransposedSVD, (U, S, _transposed(Vh)))
    return found


def svdvals(A: Tensor, *, driver: object = None, out: Tensor | None = None) -> Tensor:
    """The singular values, descending."""
    return into(out, linalg_svd(A, False).S)


def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The pseudo-inverse; singular values up to max(atol, rtol × the largest) count as 0."""
    _matrices(A, "pinv")
    rtol = rcond if rtol is None else rtol
    rtol, atol = (None if t is None else float(t) for t in (rtol, atol))
    return into(out, ops.pinv(A, rtol=rtol, atol=atol or 0.0))


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse."""
    return pinv(input, rcond)


def matrix_rank(
    A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """How many singular values are above max(atol, rtol × the largest); tol is an atol with rtol 0."""
    _matrices(A, "matrix_rank")
    atol = tol if atol is None else atol
    if rtol is None:
        rtol = 0.0 if atol is not None else max(A.shape[-2:]) * float(np.finfo(A.dtype).eps)
    with no_grad():
        S = svdvals(A)
        if not S.array.size:
            return into(out, ops.zeros_like(S, shape=A.shape[:-2], dtype="int64"))
        atol, rtol = (unsqueeze(t, -1) if isinstance(t, Tensor) and t.ndim else t for t in (atol, rtol))
        bound = ops.mul(ops.max(S, axis=(-1,), keepdims=True), rtol)
        bound = bound if atol is None else ops.maximum(bound, atol)
        return into(out, sum(ops.gt(S, bound), -1))


def cond(A: Tensor, p: Any = None, *, out: Tensor | None = None) -> Tensor:
    """The condition number: the norm of A times that of its inverse; for p None and 2, by singular values."""
    if not A.array.size:
        return into(out, ops.zeros_like(A, shape=A.shape[:-2]))
    if p in (None, 2, -2):
        S = svdvals(A)
        first, last = S[..., 0], S[..., -1]
        return into(out, ops.div(last, first) if p == -2 else ops.div(first, last))
    square(A, "cond")
    return into(out, ops.mul(matrix_norm(A, p), matrix_norm(inv(A), p)))


# ---------------------------------------------------------------------------------------------- Q and R, L and U


def linalg_qr(A: Tensor, mode: str = "reduced", *, out: Any = None) -> QR:
    """Q R = A, Q orthogonal, R upper triangular; mode "reduced", "complete" (Q square) or "r" (Q empty)."""
    _matrices(A, "qr")
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr: mode is 'reduced', 'complete' or 'r', got {mode!r}")
    m, n = A.shape[-2:]
    if mode == "complete" and m > n:
        if A.needs_grad:
            raise RuntimeError("qr: mode='complete' has no gradient where there are more rows than columns; detach()")
        host = np.linalg.qr(backend_of(A.array).to_host(A.array), "complete")
        values = [Tensor(move(part, A.device)) for part in host]
    else:
        values = list(ops.qr(A))
    if mode == "r":
        if A.needs_grad:
            values[1] = values[1].detach()
        values[0] = ops.zeros_like(A, shape=(0,))
    found: QR = _into(out, QR, values)
    return found


linalg_qr.__name__ = "qr"


def qr(input: Tensor, some: bool = True, *, out: Any = None) -> QR:
    """Q R = input; Q as small as can be (some), or square. linalg.qr is its successor."""
    return linalg_qr(input, "reduced" if some else "complete", out=out)


def _swaps(A: Tensor, pivot: bool) -> tuple[Any, Any]:
    """What elimination swaps each row with, and the order of the rows after all swaps."""
    m, k = A.shape[-2], min(A.shape[-2:])
    with no_grad():
        swaps = backend_of(A.array).to_host(ops.pivots(A).array)
    if not pivot:
        swaps = np.broadcast_to(np.arange(k), swaps.shape)
    return swaps, _order(swaps, m)


def _order(swaps: Any, m: int) -> Any:
    order = np.broadcast_to(np.arange(m), (*swaps.shape[:-1], m)).copy()
    for at in np.ndindex(swaps.shape[:-1]):
        for i, p in enumerate(swaps[at]):
            order[at][[i, p]] = order[at][[p, i]]
    return order


def _with_rows(A: Tensor, order: Any) -> Tensor:
    """The rows of A in another order."""
    index = Tensor(move(order, A.device))
    return ops.take_along_axis(A, ops.broadcast_to(unsqueeze(index, -1), shape=A.shape), axis=-2)


def _permutation(like: Tensor, order: Any) -> Tensor:
    """P with P (rows in that order) = the rows as they were."""
    m = order.shape[-1]
    return Tensor(move((order[..., None, :] == np.arange(m)[:, None]).astype(like.dtype), like.device))


def linalg_lu(A: Tensor, *, pivot: bool = True, out: Any = None) -> PLU:
    """P L U = A, by elimination with the largest pivot (pivot=False: without swaps, and P is empty)."""
    _matrices(A, "lu")
    _, order = _swaps(A, pivot)
    L, U = ops.lu(_with_rows(A, order)) if min(A.shape[-2:]) else _empty_factors(A)
    P = _permutation(A, order) if pivot else ops.zeros_like(A, shape=(0,))
    found: PLU = _into(out, PLU, (P, L, U))
    return found


linalg_lu.__name__ = "lu"


def _empty_factors(A: Tensor) -> Any:
    k = min(A.shape[-2:])
    return ops.zeros_like(A, shape=(*A.shape[:-1], k)), ops.zeros_like(A, shape=(*A.shape[:-2], k, A.shape[-1]))


def lu_factor(A: Tensor, *, pivot: bool = True, out: Any = None) -> LUFactor:
    """L (below the diagonal) and U in one matrix, and the swaps of rows; for lu_solve."""
    found: LUFactor = _into(out, LUFactor, lu_factor_ex(A, pivot=pivot)[:2])
    return found


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False, out: Any = None) -> LUFactorEx:
    """As lu_factor; info tells where the first pivot is 0."""
    _matrices(A, "lu_factor")
    swaps, order = _swaps(A, pivot)
    L, U = ops.lu(_with_rows(A, order)) if min(A.shape[-2:]) else _empty_factors(A)
    k, (m, n) = L.shape[-1], A.shape[-2:]
    batch = ((0, 0),) * (A.ndim - 2)
    below = ops.pad(tril(L, -1), pad_width=(*batch, (0, 0), (0, n - k)))
    both = ops.add(below, ops.pad(U, pad_width=(*batch, (0, m - k), (0, 0))))
    zero = backend_of(A.array).to_host(diagonal(U.detach(), 0, -2, -1).array) == 0
    info = np.where(zero.any(-1), zero.argmax(-1) + 1 if k else 0, 0).astype("int32")
    if check_errors and info.any():
        raise RuntimeError(f"lu_factor: pivot {int(info.max())} (counted from 1) is 0, so A is singular")
    made = [Tensor(move(np.asarray(v), A.device)) for v in ((swaps + 1).astype("int32"), info)]
    found: LUFactorEx = _into(out, LUFactorEx, (both, *made))
    return found


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Any = None
) -> PLU:
    """P, L and U of what lu_factor gave."""
    m, k = LU_data.shape[-2], min(LU_data.shape[-2:])
    order = _order(backend_of(LU_pivots.array).to_host(LU_pivots.array) - 1, m)
    none = ops.zeros_like(LU_data, shape=(0,))
    one = ops.diag_embed(ops.ones_like(LU_data, shape=(k,)), offset=0, axis1=0, axis2=1, shape=(m, k))
    L = ops.add(tril(LU_data[..., :k], -1), one) if unpack_data else none
    U = triu(LU_data[..., :k, :]) if unpack_data else none
    found: PLU = _into(out, PLU, (_permutation(LU_data, order) if unpack_pivots else none, L, U))
    return found


def linalg_lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Tensor | None = None
) -> Tensor:
    """X with A X = B (Aᵀ X = B if adjoint, X A = B if not left), by the factors of A that lu_factor gave."""
    P, L, U = lu_unpack(LU, pivots)
    A = ops.matmul(P, ops.matmul(L, U))
    return into(out, solve(_transposed(A) if adjoint else A, B, left=left))


linalg_lu_solve.__name__ = "lu_solve"


def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Tensor | None = None) -> Tensor:
    """X with A X = b, by the factors of A that lu_factor gave. linalg.lu_solve is its successor."""
    return linalg_lu_solve(LU_data, LU_pivots, b, out=out)


class LDLFactor(NamedTuple):
    """L and D in one matrix, and for each row the one (counted from 1; negative: of a block of two) it changed with."""

    LD: Tensor
    pivots: Tensor


class LDLFactorEx(NamedTuple):
    """As LDLFactor; info is the place (counted from 1) of the first pivot that is 0, or 0."""

    LD: Tensor
    pivots: Tensor
    info: Tensor


def ldl_factor(A: Tensor, *, hermitian: bool = False, out: Any = None) -> LDLFactor:
    """Factors of a symmetric matrix, of which the lower triangle is read; for ldl_solve."""
    found: LDLFactor = _into(out, LDLFactor, ldl_factor_ex(A, hermitian=hermitian, check_errors=True)[:2])
    return found


def ldl_factor_ex(
    A: Tensor, *, hermitian: bool = False, check_errors: bool = False, out: Any = None
) -> LDLFactorEx:
    """As ldl_factor; info tells where the first pivot is 0. Constants: PyTorch has no derivative of them either."""
    _matrices(A, "ldl_factor")
    square(A, "ldl_factor")
    n, batch = A.shape[-1], A.shape[:-2]
    LD = np.tril(backend_of(A.array).to_host(A.array)).reshape(math.prod(batch), n, n)
    pivots, info = np.zeros((len(LD), n), "int32"), np.zeros(len(LD), "int32")
    for k, one in enumerate(LD):
        info[k] = _bunch_kaufman(one, pivots[k])
    if check_errors and info.any():
        raise RuntimeError(f"ldl_factor: pivot {int(info.max())} (counted from 1) is 0, so A is singular")
    shaped = (LD.reshape(A.shape), pivots.reshape(*batch, n), info.reshape(batch))
    found: LDLFactorEx = _into(out, LDLFactorEx, [Tensor(move(np.asarray(v), A.device)) for v in shaped])
    return found


def _bunch_kaufman(A: Any, pivots: Any) -> int:
    """Leave L and D in the lower triangle A, and say which rows changed places (Bunch & Kaufman 1977, as in LAPACK)."""
    n, k, zero, alpha = len(A), 0, 0, (1 + math.sqrt(17)) / 8
    A += np.tril(A, -1).T
    while k < n:
        corner, column = abs(A[k, k]), np.abs(A[k + 1 :, k])
        far = k + 1 + int(column.argmax()) if len(column) else k
        largest = column.max(initial=0)
        width, place = 1, k
        if max(corner, largest) == 0:
            zero = zero or k + 1
        elif corner < alpha * largest:
            row = np.abs(np.delete(A[far, k:], far - k)).max()
            if corner * row < alpha * largest**2:
                width, place = (1 if abs(A[far, far]) >= alpha * row else 2), far
        here, rest = k + width - 1, slice(k + width, n)
        A[[here, place], k:] = A[[place, here], k:]
        A[k:, [here, place]] = A[k:, [place, here]]
        pivots[k : k + width] = (place + 1) * (1 if width == 1 else -1)
        W, D = A[rest, k : k + width].copy(), A[k : k + width, k : k + width]
        if D.any():
            L = np.linalg.solve(D, W.T).T
            A[rest, rest] -= L @ W.T
            A[rest, k : k + width] = L
        k += width
    A[np.triu_indices(n, 1)] = 0
    return zero


def ldl_solve(
    LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False, out: Tensor | None = None
) -> Tensor:
    """X with A X = B, by the factors of A that ldl_factor gave."""
    if LD.dtype != B.dtype:
        raise RuntimeError(f"ldl_solve: one dtype is needed, got {describe(LD)} and {describe(B)}")
    host = backend_of(LD.array).to_host(LD.array)
    A, n = np.zeros_like(host), LD.shape[-1]
    swaps = backend_of(pivots.array).to_host(pivots.array)
    for at in np.ndindex(LD.shape[:-2]):
        _multiplied(host[at], swaps[at], A[at])
    return into(out, solve(Tensor(move(A, LD.device)), B)) if n else into(out, ops.copy(B))


def _multiplied(LD: Any, pivots: Any, A: Any) -> None:
    """Into A the matrix of which L and D are the factors."""
    k = len(LD)
    while k:
        width = 1 if pivots[k - 1] > 0 else 2
        k, place = k - width, abs(pivots[k - 1]) - 1
        D = np.tril(LD[k : k + width, k : k + width])
        D = D + np.tril(D, -1).T
        L = LD[k + width :, k : k + width]
        A[k + width :, k + width :] += L @ D @ L.T
        A[k + width :, k : k + width] = L @ D
        A[k : k + width, k + width :] = (L @ D).T
        A[k : k + width, k : k + width] = D
        here = k + width - 1
        A[[here, place], k:] = A[[place, here], k:]
        A[k:, [here, place]] = A[k:, [place, here]]


def householder_product(A: Tensor, tau: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The first columns of H₁ H₂ ⋯, Hᵢ = 1 − tauᵢ vᵢ vᵢᵀ, vᵢ column i of A below the diagonal, with a 1 above it."""
    m, n = A.shape[-2:]
    V = ops.add(tril(A, -1), ops.diag_embed(ops.ones_like(A, shape=(n,)), offset=0, axis1=0, axis2=1, shape=(m, n)))
    Q = ops.broadcast_to(_eye(A, m)[:, :n], shape=A.shape)
    for i in reversed(range(tau.shape[-1])):
        v = V[..., i : i + 1]
        Q = ops.sub(Q, ops.mul(ops.mul(tau[..., i, None, None], v), ops.matmul(_transposed(v), Q)))
    return into(out, Q if tau.shape[-1] else ops.where(ops.zeros_like(A, dtype=bool), A, Q))


orgqr = householder_product


def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False, *, out: Tensor | None = None
) -> Tensor:
    """Q other (other Q if not left), with the square Q (Qᵀ if transpose) of the Householder vectors in input."""
    if input.ndim < 2 or other.ndim < 2:
        raise ShapeError(f"ormqr: matrices are needed, got {describe(input)} and {describe(other)}")
    m, k = input.shape[-2], tau.shape[-1]
    wide = ops.pad(input[..., :k], pad_width=((0, 0),) * (input.ndim - 1) + ((0, m - k),))
    Q = householder_product(wide, ops.pad(tau, pad_width=((0, 0),) * (tau.ndim - 1) + ((0, m - k),)))
    Q = _transposed(Q) if transpose else Q
    return into(out, ops.matmul(Q, other) if left else ops.matmul(other, Q))


class Householder(NamedTuple):
    """What geqrf gives."""

    a: Tensor
    tau: Tensor


def geqrf(input: Tensor, *, out: Any = None) -> Householder:
    """R, and below the diagonal the Householder vectors (with factors tau) whose product is Q. No gradient."""
    _matrices(input, "geqrf")
    if input.needs_grad:
        raise NotImplementedError("geqrf: it has no gradient; linalg.qr has")
    host = backend_of(input.array).to_host(input.array)
    a, tau = np.linalg.qr(host, "raw")
    values = [Tensor(move(np.ascontiguousarray(t), input.device)) for t in (a.swapaxes(-1, -2), tau)]
    found: Householder = _into(out, Householder, values)
    return found


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """As linalg.lu_factor, which is its successor."""
    if not get_infos:
        return lu_factor(A, pivot=pivot, out=out)
    return _into(out, LUFactorEx, lu_factor_ex(A, pivot=pivot))


def svd_lowrank(A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None) -> TransposedSVD:
    """The first q singular values and vectors of A − M, from q random directions (Halko, Martinsson & Tropp 2011)."""
    from .random import randn

    A = A if M is None else ops.sub(A, M)
    m, n = A.shape[-2:]
    if m < n:
        U, S, V = svd_lowrank(_transposed(A), q, niter)
        return TransposedSVD(V, S, U)
    start = randn(n, min(6 if q is None else q, m, n), dtype=A.dtype, device=A.device)
    Q = linalg_qr(ops.matmul(A, start)).Q
    for _ in range(niter or 0):
        Q = linalg_qr(ops.matmul(_transposed(A), Q)).Q
        Q = linalg_qr(ops.matmul(A, Q)).Q
    U, S, Vh = linalg_svd(ops.matmul(_transposed(Q), A), False)
    return TransposedSVD(ops.matmul(Q, U), S, _transposed(Vh))


def pca_lowrank(A: Tensor, q: int | None = None, center: bool = True, niter: int = 2) -> TransposedSVD:
    """The first q principal components: svd_lowrank of A, less the mean of each column."""
    q = min(6, *A.shape[-2:]) if q is None else q
    if not 0 <= q <= min(A.shape[-2:]):
        raise ValueError(f"pca_lowrank: q must lie between 0 and {min(A.shape[-2:])}, got {q}")
    return svd_lowrank(A, q, niter, ops.mean(A, axis=(-2,), keepdims=True) if center else None)


# ---------------------------------------------------------------------------------------------- solving


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Tensor | None = None
) -> Tensor:
    """X with A X = B (X A = B if not left), of the upper or lower triangle of A (with ones on the diagonal)."""
    square(A, "solve_triangular")
    inner = int(unitriangular)
    T = triu(A, inner) if upper else tril(A, -inner)
    if unitriangular:
        T = ops.add(T, _eye(A, A.shape[-1]))
    return into(out, solve(T, B, left=left))


def triangular_solve(
    input: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False, *,
    out: Any = None,
) -> TriangularSolve:  # fmt: skip
    """X with A X = input (Aᵀ X if transpose). linalg.solve_triangular is its successor."""
    T = _transposed(A) if transpose else A
    X = solve_triangular(T, input, upper=upper != transpose, unitriangular=unitriangular)
    found: TriangularSolve = _into(out, TriangularSolve, (X, ops.copy(A)))
    return found


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """X with L Lᵀ X = B (Uᵀ U X = B if upper)."""
    T = _transposed(L) if upper else L
    Y = solve_triangular(T, B, upper=False)
    return into(out, solve_triangular(_transposed(T), Y, upper=True))


def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The inverse of L Lᵀ (of Uᵀ U if upper)."""
    square(L, "cholesky_inverse")
    return into(out, cholesky_solve(_eye(L, L.shape[-1]), L, upper))


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> LeastSquares:
    """The X that makes A X − B smallest, the shortest one of several."""
    _matrices(A, "lstsq")
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"lstsq: driver is 'gels', 'gelsy', 'gelsd' or 'gelss', got {driver!r}")
    m, n = A.shape[-2:]
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    b = unsqueeze(B, -1) if vector else B
    if b.shape[-2] != m:
        raise ShapeError(f"lstsq: A {describe(A)} and B {describe(B)} must have equally many rows")
    rtol = max(m, n) * float(np.finfo(A.dtype).eps) if rcond is None else rcond
    X = ops.matmul(pinv(A, rtol=rtol), b)
    rank, none = matrix_rank(A, rtol=rtol), ops.getitem(ops.reshape(A, shape=(A.array.size,)), key=(slice(0, 0),))
    residuals = none
    if m > n and driver not in (None, "gelsy") and bool((rank.array == n).all()):
        error = ops.sub(ops.matmul(A, X), b)
        residuals = sum(ops.mul(error, error), -2)
    singular = (svdvals(A) if driver in ("gelsd", "gelss") else none).detach()
    rank = ops.zeros_like(rank, shape=(0,)) if driver == "gels" else rank
    return LeastSquares(ops.reshape(X, shape=X.shape[:-1]) if vector else X, residuals, rank, singular)


# ---------------------------------------------------------------------------------------------- products


def multi_dot(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """The product of several matrices, in the order that takes the fewest multiplications; vectors at the ends."""
    found = list(tensors)
    if len(found) < 2:
        raise RuntimeError(f"multi_dot: at least two matrices are needed, got {len(found)}")
    first, last = found[0].ndim == 1, found[-1].ndim == 1
    found[0] = unsqueeze(found[0], 0) if first else found[0]
    found[-1] = unsqueeze(found[-1], 1) if last else found[-1]
    sizes = [found[0].shape[0], *(t.shape[1] for t in found)]
    costs = {(i, i): (0, i) for i in range(len(found))}  # of the product from i to j, and where it is best cut
    for span in range(1, len(found)):
        for i in range(len(found) - span):
            j = i + span
            costs[i, j] = min(
                (costs[i, k][0] + costs[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        k = costs[i, j][1]
        return found[i] if i == j else mm(product(i, k), product(k + 1, j))

    y = product(0, len(found) - 1)
    shape = y.shape[int(first) : 2 - int(last)]
    return into(out, ops.reshape(y, shape=shape) if first or last else y)


@both_spellings
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Sums of products along a dim."""
    return into(out, sum(ops.mul(x, y), dim))


def tensorinv(A: Tensor, ind: int = 2, *, out: Tensor | None = None) -> Tensor:
    """The inverse of the map that tensordot with A over its last axes is; `ind` axes come first."""
    if ind <= 0:
        raise RuntimeError(f"tensorinv: ind must be positive, got {ind}")
    rows, columns = A.shape[:ind], A.shape[ind:]
    n = math.prod(columns)
    if math.prod(rows) != n:
        raise ShapeError(f"tensorinv: the first {ind} axes and the rest must have equal products [A {describe(A)}]")
    return into(out, ops.reshape(inv(reshape(A, n, n)), shape=(*columns, *rows)))


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None, *, out: Tensor | None = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first."""
    if dims is not None:
        A = movedim(A, [axis_of(d, A.ndim, "tensorsolve") for d in dims], list(range(A.ndim - len(dims), A.ndim)))
    shape, n = A.shape[B.ndim :], math.prod(B.shape)
    if math.prod(shape) != n:
        raise ShapeError(f"tensorsolve: A {describe(A)} is not square beside B {describe(B)}")
    return into(out, ops.reshape(solve(reshape(A, n, n), reshape(B, n)), shape=shape))


# ---------------------------------------------------------------------------------------------- with a report


class CholeskyEx(NamedTuple):
    """The factor, and 0 where there is one."""

    L: Tensor
    info: Tensor


class InverseEx(NamedTuple):
    """The inverse, and 0 where there is one."""

    inverse: Tensor
    info: Tensor


class SolveEx(NamedTuple):
    """The solution, and 0 where there is one."""

    result: Tensor
    info: Tensor


def _reported(function: Any, A: Tensor, check_errors: bool, like: Tensor) -> tuple[Tensor, Tensor]:
    """The result and 0; where there is none, NaN and 1 (or the error, if it is to be checked)."""
    info = ops.zeros_like(A, shape=A.shape[:-2], dtype="int32")
    try:
        return function(), info
    except RuntimeError:
        if check_errors:
            raise
        return ops.full_like(like, fill_value=math.nan), ops.add(info, 1)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False, out: Any = None) -> CholeskyEx:
    """As linalg.cholesky; info tells where it failed, instead of an error."""
    found: CholeskyEx = _into(
        out, CholeskyEx, _reported(lambda: linalg_cholesky(A, upper=upper), A, check_errors, A)
    )
    return found


def inv_ex(A: Tensor, *, check_errors: bool = False, out: Any = None) -> InverseEx:
    """As linalg.inv; info tells where it failed, instead of an error."""
    found: InverseEx = _into(out, InverseEx, _reported(lambda: inv(A), A, check_errors, A))
    return found


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False, out: Any = None) -> SolveEx:
    """As linalg.solve; info tells where it failed, instead of an error."""
    found: SolveEx = _into(out, SolveEx, _reported(lambda: solve(A, B, left=left), A, check_errors, B))
    return found
