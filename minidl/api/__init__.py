"""PyTorch's signatures over the ops: functions and Tensor methods."""

from ..autograd import Tensor
from .indexing import getitem, setitem

Tensor.__getitem__, Tensor.__setitem__ = getitem, setitem
