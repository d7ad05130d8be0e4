"""PyTorch's `linalg`: norms, inverses and factors of matrices."""

from .api.linalg import cholesky as cholesky
from .api.linalg import cross as cross
from .api.linalg import det as det
from .api.linalg import inv as inv
from .api.linalg import matmul as matmul
from .api.linalg import matrix_norm as matrix_norm
from .api.linalg import matrix_power as matrix_power
from .api.linalg import norm as norm
from .api.linalg import slogdet as slogdet
from .api.linalg import solve as solve
from .api.reduce import vector_norm as vector_norm
