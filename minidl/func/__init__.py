"""PyTorch's torch.func: functions of functions. Derivatives of functions, in place of tensors' `.grad`; and `vmap`."""

from .derivatives import grad as grad
from .derivatives import grad_and_value as grad_and_value
from .derivatives import hessian as hessian
from .derivatives import jacfwd as jacfwd
from .derivatives import jacrev as jacrev
from .derivatives import jvp as jvp
from .derivatives import linearize as linearize
from .derivatives import vjp as vjp
from .modules import functional_call as functional_call
from .modules import stack_module_state as stack_module_state
from .vmap import vmap as vmap
