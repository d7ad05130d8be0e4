"""Joining axes into one, and splitting one into several."""

from typing import Any

from ..api.arguments import guarded
from ..autograd import Tensor
from .module import Module


class Flatten(Module):
    """Axes start_dim to end_dim joined into one; as it stands, each example becomes a vector: (N, …) → (N, d)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    @guarded
    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis split into several: Unflatten(1, (2, 3)) takes (N, 6) to (N, 2, 3). One size may be −1."""

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"Unflatten: dim is a whole number (axes have no names here), got {dim!r}")
        if not hasattr(unflattened_size, "__iter__") or not all(isinstance(n, int) for n in unflattened_size):
            raise TypeError(f"Unflatten: unflattened_size must be a tuple of ints, got {unflattened_size!r}")
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    @guarded
    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
