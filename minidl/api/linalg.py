"""Products, inverses and norms of matrices."""

import math
import string
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..autograd import Tensor
from ..backend import check_dtype
from ..errors import ShapeError, describe
from .arguments import Dim, DType, Number, as_float, axes_of, axis_of, both_spellings, into, ops
from .reduce import sum, vector_norm
from .shape import diagonal, movedim, tril, triu, unsqueeze


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of matrices, with batch axes broadcast; a vector is a row on the left, a column on the right."""
    return into(out, ops.matmul(input, other))


def _with_axes(operation: str, **operands: tuple[Tensor, int]) -> None:
    kinds = {1: "a vector", 2: "a matrix", 3: "a batch of matrices"}
    for name, (t, ndim) in operands.items():
        if t.ndim != ndim:
            raise ShapeError(f"{operation}: {name} must be {kinds[ndim]}, got {describe(t)}; matmul takes other shapes")


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices."""
    _with_axes("mm", input=(input, 2), mat2=(mat2, 2))
    return into(out, ops.matmul(input, mat2))


def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A matrix times a vector."""
    _with_axes("mv", input=(input, 2), vec=(vec, 1))
    return into(out, ops.matmul(input, vec))


def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The products of two batches of matrices, pair by pair."""
    _with_axes("bmm", input=(input, 3), mat2=(mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise ShapeError(f"bmm: the batches differ in size: input {describe(input)}, mat2 {describe(mat2)}")
    return into(out, ops.matmul(input, mat2))


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of two vectors."""
    _with_axes("dot", input=(input, 1), tensor=(tensor, 1))
    return into(out, ops.matmul(input, tensor))


vdot = dot


def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last axes of both."""
    if not input.ndim or not other.ndim:
        return into(out, ops.mul(input, other))
    return into(out, tensordot(input, other, dims=([-1], [-1])))


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Each number of one vector times each of another."""
    _with_axes("outer", input=(input, 1), vec2=(vec2, 1))
    return into(out, ops.mul(unsqueeze(input, 1), vec2))


ger = outer


def _sum_of(input: Tensor, product: Tensor, beta: Number, alpha: Number, operation: str, out: Tensor | None) -> Tensor:
    if product.dtype.kind != "f":  # whole numbers stay whole
        alpha, beta = int(alpha), int(beta)
    kind, product = product.dtype, product if alpha == 1 else ops.mul(product, alpha)
    if beta == 0:  # not even NaN in the input counts
        return into(out, product)
    y = ops.add(input if beta == 1 else ops.mul(input, beta), product)
    if y.shape != product.shape:
        raise ShapeError(f"{operation}: input {describe(input)} does not broadcast to the product's {product.shape}")
    return into(out, y if y.dtype == kind or kind.kind == "f" else ops.astype(y, dtype=kind))


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """beta input + alpha (mat1 @ mat2)."""
    return _sum_of(input, mm(mat1, mat2), beta, alpha, "addmm", out)


def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """beta input + alpha (mat @ vec)."""
    return _sum_of(input, mv(mat, vec), beta, alpha, "addmv", out)


def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """beta input + alpha outer(vec1, vec2)."""
    return _sum_of(input, outer(vec1, vec2), beta, alpha, "addr", out)


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """beta input + alpha bmm(batch1, batch2)."""
    return _sum_of(input, bmm(batch1, batch2), beta, alpha, "baddbmm", out)


def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1, out: Tensor | None = None
) -> Tensor:
    """beta input + alpha times the sum of the products of two batches of matrices."""
    product = bmm(batch1, batch2)
    return _sum_of(input, sum(product, 0, dtype=product.dtype), beta, alpha, "addbmm", out)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """The product of several matrices."""
    y = matrices[0]
    for m in matrices[1:]:
        y = mm(y, m)
    return y


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sums of products over the last `dims` axes of a and the first of b, or over the axes listed for each."""
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot: dims = {dims} is out of range [a {describe(a)}, b {describe(b)}]")
        left, right = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        one, two = dims
        left = [axis_of(d, a.ndim, "tensordot") for d in ([one] if isinstance(one, int) else one)]
        right = [axis_of(d, b.ndim, "tensordot") for d in ([two] if isinstance(two, int) else two)]
    for k, m in zip(left, right, strict=False):  # an axis of length one meets all entries of the other
        if (a.shape[k] == 1) != (b.shape[m] == 1):
            a, b = (a, sum(b, m, True, dtype=b.dtype)) if a.shape[k] == 1 else (sum(a, k, True, dtype=a.dtype), b)
    if [a.shape[k] for k in left] != [b.shape[k] for k in right]:
        raise ShapeError(
            f"tensordot: the axes summed over must be equally long, got {[a.shape[k] for k in left]} "
            f"and {[b.shape[k] for k in right]} [a {describe(a)}, b {describe(b)}]"
        )
    rest_a, rest_b = ([k for k in range(t.ndim) if k not in axes] for t, axes in ((a, left), (b, right)))
    n = math.prod(a.shape[k] for k in left)
    shape = (*(a.shape[k] for k in rest_a), *(b.shape[k] for k in rest_b))
    rows = math.prod(a.shape[k] for k in rest_a)
    A = ops.reshape(ops.transpose(a, axes=(*rest_a, *left)), shape=(rows, n))
    B = ops.reshape(ops.transpose(b, axes=(*right, *rest_b)), shape=(n, math.prod(b.shape[k] for k in rest_b)))
    return into(out, ops.reshape(ops.matmul(A, B), shape=shape))


def einsum(equation: str, *operands: Any) -> Tensor:
    """Products summed over the letters that the result lacks: "ij,jk->ik", with "..." for any axes in front."""
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    left, arrow, out = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {equation!r} has {len(terms)} terms, and there are {len(operands)} operands")
    used = set(left + out) - set("., ")
    if not all(c in string.ascii_letters for c in used):
        raise ValueError(f"einsum: the axes of {equation!r} must be named by letters")
    free = [c for c in string.ascii_letters if c not in used]
    width = max(
        (t.ndim - len(term.replace("...", "")) for t, term in zip(operands, terms, strict=True) if "..." in term),
        default=0,
    )
    dots = "".join(free[:width])
    xs, named = [], []
    for t, term in zip(operands, terms, strict=True):
        own = len(term.replace("...", ""))
        extra = t.ndim - own if "..." in term else 0
        if extra < 0 or own + extra != t.ndim:
            raise ShapeError(f"einsum: term {term!r} names {own} axes, and its operand is {describe(t)}")
        x, letters = _without_repeats(t, term.replace("...", dots[width - extra :]), equation)
        xs.append(x)
        named.append(letters)
    if not arrow:  # the letters that occur once, in order, after the axes of the ellipsis
        out = dots + "".join(sorted(c for c in used if "".join(terms).count(c) == 1))
    elif "..." in out:
        out = out.replace("...", dots)
    if len(set(out)) != len(out) or not set(out) <= set("".join(named)):
        raise ValueError(f"einsum: each letter of the result must occur on the left, and only once, in {equation!r}")
    sizes: dict[str, int] = {}
    for x, letters in zip(xs, named, strict=True):
        for c, n in zip(letters, x.shape, strict=True):
            if n != 1 and sizes.setdefault(c, n) != n:
                raise ShapeError(f"einsum: letter {c!r} of {equation!r} stands for {sizes[c]} and for {n} entries")
    if len(xs) == 1 and len(out) < len(named[0]) and xs[0].dtype.kind != "f":
        xs = [ops.astype(xs[0], dtype="int64")]  # as any sum
    y = ops.einsum(*xs, subscripts=",".join(named) + "->" + out)
    return y


def _without_repeats(x: Tensor, letters: str, equation: str) -> tuple[Tensor, str]:
    """A letter that stands twice in one term means the diagonal of its axes."""
    for c in dict.fromkeys(letters):
        while letters.count(c) > 1:
            a = letters.index(c)
            b = letters.index(c, a + 1)
            if x.shape[a] != x.shape[b]:
                raise ShapeError(f"einsum: {c!r} stands for {x.shape[a]} and for {x.shape[b]} entries in {equation!r}")
            x = diagonal(x, 0, a, b)
            letters = letters[:a] + letters[a + 1 : b] + letters[b + 1 :] + c
    return x, letters


def linalg_diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """A diagonal of two axes, the last two unless told otherwise, as a last axis: a view."""
    return diagonal(A, offset, dim1, dim2)


linalg_diagonal.__name__ = "diagonal"


def trace(input: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix."""
    _with_axes("trace", input=(input, 2))
    return sum(diagonal(input))


def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The vector product along a dim with three entries (the first there is, unless given)."""
    if dim is None:
        dim = next((k for k, n in enumerate(input.shape) if n == 3), -1)
    return linalg_cross(input, other, dim=dim, out=out)


def linalg_cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The vector product along a dim with three entries."""
    axis = axis_of(dim, input.ndim, "cross")
    if input.ndim != other.ndim or input.shape[axis] != 3 or other.shape[axis] != 3:
        raise RuntimeError(f"cross: dim {axis} must have 3 entries [input {describe(input)}, other {describe(other)}]")
    a, b = movedim(input, axis, 0), movedim(other, axis, 0)
    (a1, a2), (b1, b2) = ([ops.roll(t, shift=-k, axis=0) for k in (1, 2)] for t in (a, b))
    y = ops.sub(ops.mul(a1, b2), ops.mul(a2, b1))
    return into(out, movedim(y, 0, axis))


linalg_cross.__name__ = "cross"


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Every number of one times all of the other."""
    n = max(input.ndim, other.ndim)
    a, b = ((1,) * (n - t.ndim) + t.shape for t in (input, other))
    one = ops.reshape(input, shape=tuple(s for k in a for s in (k, 1)))
    two = ops.reshape(other, shape=tuple(s for k in b for s in (1, k)))
    return into(out, ops.reshape(ops.mul(one, two), shape=tuple(p * q for p, q in zip(a, b, strict=True))))


# ---------------------------------------------------------------------------------------------- square matrices


def square(A: Tensor, operation: str) -> None:
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ShapeError(f"{operation}: square matrices are needed, got {describe(A)}")
    if A.dtype.kind != "f":
        raise RuntimeError(f"{operation}: floats are needed, got {describe(A)}")


def symmetric(A: Tensor, upper: bool) -> Tensor:
    """The symmetric matrix that one triangle stands for; a symmetric A itself, whose gradient is then symmetric."""
    if bool((A.array == A.array.swapaxes(-1, -2)).all()):
        return A
    half, rest = (triu(A), triu(A, 1)) if upper else (tril(A), tril(A, -1))
    return ops.add(half, movedim(rest, -1, -2))


def inv(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The inverses of square matrices."""
    square(A, "inv")
    return into(out, ops.inv(A))


inverse = inv


def linalg_cholesky(A: Tensor, *, upper: bool = False, out: Tensor | None = None) -> Tensor:
    """The lower (or upper) triangular L with L Lᵀ = A, of symmetric positive definite matrices."""
    square(A, "cholesky")
    y = ops.cholesky(symmetric(A, upper))
    return into(out, movedim(y, -1, -2) if upper else y)


linalg_cholesky.__name__ = "cholesky"


def cholesky(input: Tensor, upper: bool = False, *, out: Tensor | None = None) -> Tensor:
    """The lower (or upper) triangular L with L Lᵀ = input. linalg.cholesky is its successor."""
    return linalg_cholesky(input, upper=upper, out=out)


def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Tensor | None = None) -> Tensor:
    """X with A X = B (or X A = B); B holds columns, or is a vector."""
    square(A, "solve")
    if B.dtype != A.dtype:
        raise RuntimeError(f"solve: both operands must have one dtype, got {A.dtype} and {B.dtype}")
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    b = unsqueeze(B, -1) if vector else B
    if b.shape[-2 if left or vector else -1] != A.shape[-1]:
        raise ShapeError(f"solve: the sizes of A {describe(A)} and B {describe(B)} do not fit")
    y = ops.solve(A, b) if left else movedim(ops.solve(movedim(A, -1, -2), movedim(b, -1, -2)), -1, -2)
    return into(out, ops.reshape(y, shape=y.shape[:-1]) if vector else y)


def det(A: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The determinants of square matrices."""
    square(A, "det")
    return into(out, ops.det(A))


class SignAndLogarithm(NamedTuple):
    """What slogdet gives."""

    sign: Tensor
    logabsdet: Tensor


def slogdet(A: Tensor, *, out: Any = None) -> SignAndLogarithm:
    """The signs of determinants, and the logarithms of their sizes, which do not overflow."""
    square(A, "slogdet")
    values = ops.slogdet(A)
    return SignAndLogarithm(*(values if out is None else map(into, out, values)))


def logdet(input: Tensor) -> Tensor:
    """The logarithms of determinants; NaN where they are negative."""
    sign, y = slogdet(input)
    return ops.where(ops.lt(sign, 0), math.nan, y)


def matrix_power(A: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """A A … A, n times; of the inverse, for negative n."""
    square(A, "matrix_power")
    if n < 0:
        A, n = ops.inv(A), -n
    y = None
    while n:  # n in binary: squares of squares
        if n & 1:
            y = A if y is None else ops.matmul(y, A)
        n >>= 1
        if n:
            A = ops.matmul(A, A)
    if y is None:
        one = ops.diag_embed(ops.ones_like(A, shape=(A.shape[-1],)), offset=0, axis1=0, axis2=1, shape=A.shape[-2:])
        y = ops.copy(ops.broadcast_to(one, shape=A.shape))
        y = ops.add(y, ops.mul(A, 0)) if A.needs_grad else y  # it does not vary, but is part of the graph
    return into(out, y)


def _floats(A: Tensor, dtype: DType | None, operation: str) -> Tensor:
    x = A if dtype is None else ops.astype(A, dtype=check_dtype(dtype, operation))
    if x.dtype.kind != "f":
        raise RuntimeError(f"{operation}: floats are needed, got {describe(A)}")
    return x


@both_spellings
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Sequence[int] = (-2, -1), keepdim: bool = False, *, dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Norms of matrices: "fro"; the largest (smallest) column sum for ±1, row sum for ±inf, singular value for ±2;
    "nuc", the sum of the singular values."""
    rows, columns = axes_of(tuple(dim), A.ndim, "matrix_norm") or (0, 1)
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim, dtype=dtype, out=out)
    if not A.array.size and ord in (1, 2, math.inf):
        return vector_norm(A, 2, (rows, columns), keepdim, dtype=dtype, out=out)
    if ord in ("nuc", 2, -2):
        S = ops.svd(movedim(_floats(A, dtype, "matrix_norm"), (rows, columns), (-2, -1)))[1]
        y = sum(S, -1) if ord == "nuc" else S[..., 0 if ord == 2 else -1]
        shape = tuple(1 if k in (rows, columns) else n for k, n in enumerate(A.shape))
        return into(out, ops.reshape(y, shape=shape) if keepdim else y)
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"matrix_norm: order is 'fro', 'nuc', ±1, ±2 or ±inf, got {ord!r}")
    over, along = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = vector_norm(A, 1, over, True, dtype=dtype)
    y = (ops.max if ord > 0 else ops.min)(sums, axis=(along,), keepdims=True)
    shape = tuple(n for k, n in enumerate(y.shape) if k not in (rows, columns))
    return into(out, y if keepdim else ops.reshape(y, shape=shape))


@both_spellings
def norm(
    A: Tensor, ord: Any = None, dim: Dim = None, keepdim: bool = False, *, out: Tensor | None = None,
    dtype: DType | None = None,
) -> Tensor:  # fmt: skip
    """A vector norm over one dim (or all, without ord), a matrix norm over two."""
    if dim is None and ord is not None and A.ndim == 2 or (isinstance(dim, Sequence) and len(dim) == 2):
        both = (0, 1) if not isinstance(dim, Sequence) else dim
        return matrix_norm(A, "fro" if ord is None else ord, both, keepdim, dtype=dtype, out=out)
    if isinstance(ord, str):
        raise RuntimeError(f"norm: order {ord!r} is for matrices, and this is {describe(A)} with dim {dim}")
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype, out=out)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: object = None) -> Tensor:
    """The distances between every row of x1 and every row of x2, in each batch."""
    return vector_norm(ops.sub(unsqueeze(x1, -2), unsqueeze(x2, -3)), p, -1)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each number of a vector, a row each."""
    n = x.shape[-1] if N is None else N
    powers = ops.astype(ops.arange_like(x, n=n), dtype=x.dtype)
    return ops.pow(unsqueeze(x, -1), powers if increasing else ops.flip(powers, axis=0))


def linalg_vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers of each number of a vector, a row each, ascending."""
    x = x if x.dtype.kind == "f" else ops.astype(x, dtype="int64")
    return vander(x if x.ndim else ops.reshape(x, shape=(1,)), N, increasing=True)


linalg_vander.__name__ = "vander"


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """The covariances between rows; columns count fweights times, and weigh aweights."""
    if input.ndim > 2:
        raise RuntimeError(f"cov: at most two axes are expected, got {describe(input)}")
    x = as_float(input if input.ndim > 1 else ops.reshape(input, shape=(1, input.array.size)))
    n = x.shape[1]
    for name, weights in (("fweights", fweights), ("aweights", aweights)):
        if weights is None:
            continue
        if weights.shape != (n,) or (weights.dtype.kind == "f") == (name == "fweights"):
            kind = "whole numbers" if name == "fweights" else "floats"
            raise RuntimeError(f"cov: {name} must be {n} {kind}, one per column, got {describe(weights)}")
        if bool(ops.lt(weights, 0).array.any()):
            raise RuntimeError(f"cov: {name} cannot be negative")
    w = fweights if aweights is None else aweights if fweights is None else ops.mul(fweights, aweights)
    total: Any = n if w is None else sum(w)
    xc = ops.sub(x, ops.div(sum(x if w is None else ops.mul(x, w), 1, True), total))
    if w is None or not correction:
        norm = ops.sub(total, correction) if isinstance(total, Tensor) else max(total - correction, 0)
    elif aweights is None:
        norm = ops.sub(total, correction)
    else:
        norm = ops.sub(total, ops.div(ops.mul(sum(ops.mul(w, aweights)), correction), total))
    norm = ops.clamp(norm, 0, None) if isinstance(norm, Tensor) else float(norm)
    y = ops.matmul(xc if w is None else ops.mul(xc, ops.astype(w, dtype=x.dtype)), movedim(xc, 0, 1))
    y = ops.div(y, norm if isinstance(norm, Tensor) else ops.full_like(y, fill_value=norm, shape=()))
    return ops.reshape(y, shape=()) if y.shape == (1, 1) else y


def corrcoef(input: Tensor) -> Tensor:
    """The correlations between rows."""
    c = cov(input)
    if not c.ndim:
        return ops.div(c, c)
    s = ops.sqrt(diagonal(c))
    return ops.div(ops.div(c, unsqueeze(s, 1)), s)


def _panels(y: Tensor, x: Tensor | None, dx: float, dim: int) -> Tensor:
    """The area between each value and the next, along the last axis."""
    last = movedim(y, dim, -1)
    both = ops.add(last[..., 1:], last[..., :-1])
    if x is None:
        return ops.mul(both, dx / 2)
    places = x if x.ndim == 1 else movedim(x, dim, -1)
    return ops.div(ops.mul(both, ops.sub(places[..., 1:], places[..., :-1])), 2)


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The area under values y at places x (or dx apart), by trapezoids."""
    return sum(_panels(y, x, dx, dim), -1)


trapz = trapezoid


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1.0, dim: int = -1) -> Tensor:
    """The area up to each value after the first."""
    panels = _panels(y, x, dx, dim)
    return movedim(ops.cumsum(panels, axis=panels.ndim - 1), -1, dim)


def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> list[Tensor]:
    """The slopes along dims, from each value's neighbours; at the edges from one side.

    spacing: how far apart values are (one number, or one per dim), or their places (a vector per dim)."""
    spacing = 1 if spacing is None else spacing
    dims = list(range(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    axes = [axis_of(d, input.ndim, "gradient") for d in dims]
    apart = [spacing] * len(axes) if isinstance(spacing, (int, float)) else list(spacing)
    if len(apart) != len(axes) or edge_order not in (1, 2) or len(set(axes)) != len(axes):
        raise RuntimeError("gradient: a spacing for each of different dims and an edge_order of 1 or 2 are needed")
    return [_slope(input, axis, h, edge_order) for axis, h in zip(axes, apart, strict=True)]


def _slope(input: Tensor, axis: int, spacing: Any, edge_order: int) -> Tensor:
    f = movedim(as_float(input), axis, -1)
    n = f.shape[-1]
    if n < edge_order + 1:
        raise RuntimeError(f"gradient: dim {axis} needs at least {edge_order + 1} entries, and has {n}")
    if isinstance(spacing, Tensor) and spacing.ndim:
        h = ops.sub(spacing[1:], spacing[:-1])
    else:
        h = ops.full_like(f, fill_value=float(spacing), shape=(n - 1,))
    steps = ops.div(ops.sub(f[..., 1:], f[..., :-1]), h)  # the slope of each panel
    a, b = h[:-1], h[1:]
    inner = ops.div(ops.add(ops.mul(steps[..., :-1], b), ops.mul(steps[..., 1:], a)), ops.add(a, b))
    first, last = steps[..., :1], steps[..., -1:]
    if edge_order == 2:  # the straight line through the slopes of the two panels beside the edge
        bend = ops.div(ops.sub(steps[..., 1:], steps[..., :-1]), ops.add(a, b))
        first = ops.sub(first, ops.mul(bend[..., :1], h[:1]))
        last = ops.add(last, ops.mul(bend[..., -1:], h[-1:]))
    return movedim(ops.concatenate(first, inner, last, axis=f.ndim - 1), -1, axis)
