"""The engine: Tensor, op, backward. An op is a formula; everything else follows from it."""

from . import function as function
from . import functional as functional
from .backward import backward as backward
from .backward import grad as grad
from .backward import rematerialise as rematerialise
from .function import Function as Function
from .function import once_differentiable as once_differentiable
from .inplace import write as write
from .memory import Memory as Memory
from .modes import enable_grad as enable_grad
from .modes import inference_mode as inference_mode
from .modes import is_grad_enabled as is_grad_enabled
from .modes import is_inference_mode_enabled as is_inference_mode_enabled
from .modes import no_grad as no_grad
from .modes import set_grad_enabled as set_grad_enabled
from .op import OPS as OPS
from .op import Composite as Composite
from .op import Op as Op
from .op import composite as composite
from .op import op as op
from .tensor import Node as Node
from .tensor import Tensor as Tensor
