"""Parameter: the tensor that a module learns. Buffer: one that it keeps but does not learn."""

from typing import Any

from ..api import empty
from ..autograd import Tensor, no_grad
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


class _Uninitialized:
    """What stands where a parameter or buffer will be once its shape is known."""

    becomes: type

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Take memory of a shape, and be an ordinary parameter or buffer from now on."""
        t: Any = self
        waiting = t.array
        with no_grad():
            made = empty(shape, device=t.device if device is None else device, dtype=dtype or waiting.dtype)
        share(t, made)
        t.__class__ = self.becomes

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer: call the module once, so that it sees "
            "what it is given, or load values into it"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape is not known yet: a Lazy… layer infers it from its first input."""

    becomes = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Parameter":
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer whose shape is not known yet."""

    becomes = Buffer

    def __init__(
        self, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> None:
        super().__init__(empty(0, device=device, dtype=dtype), persistent=persistent)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Buffer":
        if id(self) not in memo:
            memo[id(self)] = type(self)(False, self.device, self.dtype, self.persistent)
        return memo[id(self)]


def is_lazy(t: Any) -> bool:
    """Is this a parameter or a buffer whose shape is not known yet?"""
    return isinstance(t, _Uninitialized)


def _own(t: Tensor, data: Any, requires_grad: bool) -> None:
    """Make `t` a leaf in the memory of `data`."""
    Tensor.__init__(t)
    if isinstance(data, Tensor):
        share(t, data.detach())
    elif data is not None:
        raise TypeError(f"{type(t).__name__}: a tensor is needed, got {describe(data)}; see minidl.tensor(...)")
    t.requires_grad = requires_grad
