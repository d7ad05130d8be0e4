"""What a tensor's shape is: a tuple that also knows how many numbers such a tensor has."""

import math
from typing import Any


class Size(tuple[int, ...]):
    """A shape. What is cut from it, or joined to it, is one as well."""

    __slots__ = ()

    def numel(self) -> int:
        """How many elements a tensor of this shape has."""
        return math.prod(self)

    def __getitem__(self, key: Any) -> Any:
        part = tuple.__getitem__(self, key)
        return Size(part) if type(part) is tuple else part

    def __add__(self, other: Any) -> "Size":
        return Size(tuple.__add__(self, other))

    def __mul__(self, times: Any) -> "Size":
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__
