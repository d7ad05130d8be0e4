"""PyTorch's `linalg`: norms, inverses and factors of matrices."""

from .api.factor import cholesky_ex as cholesky_ex
from .api.factor import cond as cond
from .api.factor import eig as eig
from .api.factor import eigh as eigh
from .api.factor import eigvals as eigvals
from .api.factor import eigvalsh as eigvalsh
from .api.factor import householder_product as householder_product
from .api.factor import inv_ex as inv_ex
from .api.factor import ldl_factor as ldl_factor
from .api.factor import ldl_factor_ex as ldl_factor_ex
from .api.factor import ldl_solve as ldl_solve
from .api.factor import linalg_lu as lu
from .api.factor import linalg_lu_solve as lu_solve
from .api.factor import linalg_qr as qr
from .api.factor import linalg_svd as svd
from .api.factor import lstsq as lstsq
from .api.factor import lu_factor as lu_factor
from .api.factor import lu_factor_ex as lu_factor_ex
from .api.factor import matrix_exp as matrix_exp
from .api.factor import matrix_rank as matrix_rank
from .api.factor import multi_dot as multi_dot
from .api.factor import pinv as pinv
from .api.factor import solve_ex as solve_ex
from .api.factor import solve_triangular as solve_triangular
from .api.factor import svdvals as svdvals
from .api.factor import tensorinv as tensorinv
from .api.factor import tensorsolve as tensorsolve
from .api.factor import vecdot as vecdot
from .api.linalg import det as det
from .api.linalg import inv as inv
from .api.linalg import linalg_cholesky as cholesky
from .api.linalg import linalg_cross as cross
from .api.linalg import linalg_diagonal as diagonal
from .api.linalg import linalg_vander as vander
from .api.linalg import matmul as matmul
from .api.linalg import matrix_norm as matrix_norm
from .api.linalg import matrix_power as matrix_power
from .api.linalg import norm as norm
from .api.linalg import slogdet as slogdet
from .api.linalg import solve as solve
from .api.reduce import vector_norm as vector_norm
from .errors import LinAlgError as LinAlgError

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv", "inv_ex", "ldl_factor", "ldl_factor_ex", "ldl_solve", "lstsq", "lu", "lu_factor",
    "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power", "matrix_rank", "multi_dot",
    "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv",
    "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip
