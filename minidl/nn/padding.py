"""Padding: growing the last axes at both ends. padding is one number, or (left, right, top, bottom, front, back)."""

from typing import Any

from ..autograd import Tensor
from ..errors import refusal
from . import functional as F
from .conv import tuple_of
from .module import Module


class _Pad(Module):
    """What padding layers share; a subclass says over how many axes, and with what."""

    axes: int
    mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = tuple_of(padding, 2 * self.axes)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.axes + 1, self.axes + 2):
            reason = f"expected {self.axes + 1}D or {self.axes + 2}D input (got {input.ndim}D input)"
            raise refusal(ValueError, type(self).__name__, reason, input=input)
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Grow the last axis by a value.

    x (N, C, L) or (C, L)"""

    axes = 1


class ConstantPad2d(_ConstantPad):
    """Grow the last two axes by a value.

    x (N, C, H, W) or (C, H, W)"""

    axes = 2


class ConstantPad3d(_ConstantPad):
    """Grow the last three axes by a value.

    x (N, C, D, H, W) or (C, D, H, W)"""

    axes = 3


class ZeroPad1d(ConstantPad1d):
    """Grow the last axis by zeros.

    x (N, C, L) or (C, L)"""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Grow the last two axes by zeros.

    x (N, C, H, W) or (C, H, W)"""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Grow the last three axes by zeros.

    x (N, C, D, H, W) or (C, D, H, W)"""

    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class CircularPad1d(_Pad):
    """Grow the last axis by the other end's values: the axis is a ring.

    x (N, C, L) or (C, L)"""

    axes, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Grow the last two axes by the other end's values: the axis is a ring.

    x (N, C, H, W) or (C, H, W)"""

    axes, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Grow the last three axes by the other end's values: the axis is a ring.

    x (N, C, D, H, W) or (C, D, H, W)"""

    axes, mode = 3, "circular"


class ReflectionPad1d(_Pad):
    """Grow the last axis by the values mirrored at the edge, which itself is not repeated.

    x (N, C, L) or (C, L)"""

    axes, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Grow the last two axes by the values mirrored at the edge, which itself is not repeated.

    x (N, C, H, W) or (C, H, W)"""

    axes, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Grow the last three axes by the values mirrored at the edge, which itself is not repeated.

    x (N, C, D, H, W) or (C, D, H, W)"""

    axes, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Grow the last axis by the edge's value.

    x (N, C, L) or (C, L)"""

    axes, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Grow the last two axes by the edge's value.

    x (N, C, H, W) or (C, H, W)"""

    axes, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Grow the last three axes by the edge's value.

    x (N, C, D, H, W) or (C, D, H, W)"""

    axes, mode = 3, "replicate"
