"""Parameter: the tensor that a module learns. Buffer: one that it keeps but does not learn."""

from typing import Any

from ..autograd import Tensor
from ..autograd.tensor import share
from ..errors import describe


class Parameter(Tensor):
    """A tensor that registers itself as a module's parameter when it is assigned to an attribute.

    It is a leaf in the memory of `data` and requires gradients unless told otherwise."""

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        _own(self, data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Parameter":
        """The values, and no gradient, as in PyTorch."""
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]


class Buffer(Tensor):
    """A tensor that registers itself as a module's buffer; saved with the module unless persistent=False."""

    persistent: bool

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        _own(self, data, False)
        self.persistent = persistent


def _own(t: Tensor, data: Any, requires_grad: bool) -> None:
    """Make `t` a leaf in the memory of `data`."""
    Tensor.__init__(t)
    if isinstance(data, Tensor):
        share(t, data.detach())
    elif data is not None:
        raise TypeError(f"{type(t).__name__}: a tensor is needed, got {describe(data)}; see minidl.tensor(...)")
    t.requires_grad = requires_grad
