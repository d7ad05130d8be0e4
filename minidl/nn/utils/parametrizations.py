"""Weights of a chosen kind: of a norm learned apart from the direction, of spectral norm one, orthogonal."""

from typing import Any

from ...api import cat, eye, matrix_exp, randn, stack, zeros_like
from ...api.factor import householder_product, linalg_qr
from ...api.linalg import solve as linalg_solve
from ...autograd import Tensor, no_grad
from ...errors import ShapeError
from .. import functional as F
from ..module import Module
from .parametrize import register_parametrization


def norm_except(v: Tensor, dim: int | None) -> Tensor:
    """‖v‖ over all axes but one, which stays (the others with size 1); over all axes where dim is None."""
    if dim is None:
        return (v * v).sum() ** 0.5
    axes = tuple(k for k in range(v.ndim) if k != dim % v.ndim)
    return (v * v).sum(axes, keepdim=True) ** 0.5 if axes else v.abs()


class WeightNorm(Module):
    """w = g v / ‖v‖        (Salimans & Kingma 2016)"""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """The weight as g v / ‖v‖ (Salimans & Kingma 2016): its norm g (original0) is learned apart from its direction v
    (original1). A norm for each index along dim, or a single one with dim=None."""
    return register_parametrization(module, name, WeightNorm(dim), unsafe=True)


class SpectralNorm(Module):
    """W / σ(W),  σ(W) = uᵀ W v the largest singular value        (Miyato et al. 2018)

    u and v follow by power iterations, one or more at each reading in training: v ← Wᵀ u/‖Wᵀ u‖, u ← W v/‖W v‖.
    The matrix W is the weight with the axis dim first and all others as one."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim {dim} is out of range for a weight of {weight.ndim} axes")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim, self.eps, self.n_power_iterations = dim % weight.ndim, eps, n_power_iterations
        if weight.ndim > 1:
            with no_grad():
                rows, columns = self.matrix(weight).shape
                where: Any = {"dtype": weight.dtype, "device": weight.device}
                self.register_buffer("_u", F.normalize(randn(rows, **where), dim=0, eps=eps))
                self.register_buffer("_v", F.normalize(randn(columns, **where), dim=0, eps=eps))
                self.iterate(self.matrix(weight), 15)

    def matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)

    @no_grad()
    def iterate(self, matrix: Tensor, times: int) -> None:
        """Bring u and v nearer to the first singular vectors."""
        for _ in range(times):
            self._u = F.normalize(matrix @ self._v, dim=0, eps=self.eps)
            self._v = F.normalize(matrix.T @ self._u, dim=0, eps=self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self.matrix(weight)
        if self.training:
            self.iterate(matrix.detach(), self.n_power_iterations)
        return weight / (self._u @ (matrix @ self._v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def default_dim(module: Module, dim: int | None) -> int:
    """The axis of the outputs: the second of a transposed convolution's weight, the first of all others."""
    return (1 if getattr(module, "transposed", False) else 0) if dim is None else dim


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """The weight divided by its spectral norm (Miyato et al. 2018), which bounds how steep the layer is."""
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{type(module).__name__}' has no parameter or buffer with name '{name}'")
    return register_parametrization(
        module, name, SpectralNorm(weight, n_power_iterations, default_dim(module, dim), eps)
    )


MAPS = ("matrix_exp", "cayley", "householder")


class Orthogonal(Module):
    """Q with QᵀQ = 1, from an unconstrained matrix X (n, k), n ≥ k (of a wide one, the transposed)

        matrix_exp: Q = e^A,  A = L − Lᵀ, L the lower triangle of X      (Lezcano-Casado & Martínez-Rubio 2019)
        cayley: Q = (1 + A/2)(1 − A/2)⁻¹
        householder: Q = H₁ … H_k, reflections along the columns of X below its diagonal

    use_trivialization: base · Q with a fixed orthogonal `base`, so that X starts where Q = 1."""

    base: Any

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.shape[-2] < X.shape[-1]
        X = X.mT if wide else X
        n, k = X.shape[-2:]
        if self.orthogonal_map == "householder":
            A = X.tril(-1)
            Q = householder_product(A, 2.0 / (1.0 + (A * A).sum(-2)))
            Q = Q * X.detach().diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
        else:
            L = X.tril()
            if n != k:
                L = cat([L, zeros_like(L[..., :1]).expand(*L.shape[:-1], n - k)], dim=-1)
            A = L - L.mT
            one = eye(n, dtype=A.dtype, device=A.device)
            Q = matrix_exp(A) if self.orthogonal_map == "matrix_exp" else linalg_solve(one - A / 2, one + A / 2)
            Q = Q[..., :k]
        Q = self.base @ Q if self.use_trivialization else Q
        return Q.mT if wide else Q

    @no_grad()
    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ShapeError(f"Expected a matrix or batch of matrices of shape {self.shape}, got {tuple(Q.shape)}")
        wide = Q.shape[-2] < Q.shape[-1]
        tall = Q.mT if wide else Q
        n, k = tall.shape[-2:]
        if self.use_trivialization:
            rest = randn(*tall.shape[:-1], n - k, dtype=Q.dtype, device=Q.device)
            self.base = _orthonormal(cat([tall, rest], dim=-1) if n != k else tall)
            return zeros_like(Q) - eye(*Q.shape[-2:], dtype=Q.dtype, device=Q.device)
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        flat = tall.reshape(-1, n, k)
        X = stack([_reflectors(matrix) for matrix in flat]).reshape(tall.shape)
        return X.mT if wide else X


def _reflectors(A: Tensor) -> Tensor:
    """The Householder vectors of a QR decomposition below the diagonal; on it the signs that make R positive."""
    A = A.clone()
    n, k = A.shape
    for j in range(k):
        x = A[j:, j].clone()
        norm = (x @ x).item() ** 0.5
        alpha = x[0].item()
        if (x[1:] @ x[1:]).item() == 0:  # nothing to reflect
            A[j, j] = -1.0 if alpha >= 0 else 1.0  # forward makes a reflection of 0, which turns this axis round
            continue
        beta = -norm if alpha >= 0 else norm
        v = x / (alpha - beta)
        v[0] = 1.0
        rest = A[j:, j + 1 :].clone()
        A[j:, j + 1 :] = rest - ((beta - alpha) / beta) * v.unsqueeze(1) * (v @ rest)
        A[j + 1 :, j] = v[1:]
        A[j, j] = 1.0 if beta > 0 else -1.0
    return A


def _orthonormal(A: Tensor) -> Tensor:
    """Square matrices with orthonormal columns: Q of A = Q R with a positive diagonal in R."""
    Q, R = linalg_qr(A)
    return Q * R.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """The weight as an orthogonal matrix (of a tall one the columns are orthonormal, of a wide one the rows).

    orthogonal_map: "matrix_exp" (the default of square ones), "cayley" or "householder" (that of others)."""
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{type(module).__name__}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(f"orthogonal_map has to be one of {', '.join(MAPS)}, got {orthogonal_map!r}")
    made = Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
