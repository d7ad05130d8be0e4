"""Normalisers: fitted on what is learned from, and then applied to everything, new data included."""

from typing import Any

import numpy as np

from ..api import tensor
from ..autograd import Tensor
from ..backend import backend_of
from ..errors import describe


class Normalizer:
    """What Standardizer and MinMaxScaler share: y = (x − shift) / scale, along each axis that is not in dim.

        scaler = Standardizer().fit(train_x)          # (N, D): each column by its own numbers
        train_x, test_x = scaler(train_x), scaler(test_x)
        x = scaler.inverse(y)

    dim: the axes that are averaged over: 0 for a table (N, D), (0, 2, 3) for pictures (N, C, H, W). NaN are left out,
    and stay NaN. What never changes is shifted and not scaled. Arrays come back as arrays, tensors as tensors."""

    def __init__(self, dim: int | tuple[int, ...] = 0) -> None:
        self.dim = (dim,) if isinstance(dim, int) else tuple(dim)
        self.shift: Tensor | None = None
        self.scale: Tensor | None = None

    def fit(self, x: Any) -> Any:
        """Take the numbers from these examples: those that are learned from, and no others. Returns itself."""
        who = f"{type(self).__name__}.fit"
        values = backend_of(x.array).to_host(x.array) if isinstance(x, Tensor) else np.asarray(x)
        if values.dtype.kind not in "fiub":
            raise TypeError(f"{who}: numbers are needed, got {values.dtype}")
        if not values.size or max(self.dim) >= values.ndim:
            raise ValueError(f"{who}: examples with the axes {self.dim} are needed, got {describe(values)}")
        values = values.astype(np.float64)
        if np.isnan(values).all(self.dim).any():
            raise ValueError(f"{who}: a column has nothing but NaN; drop it, or see minidl.data.clean")
        shift, scale = self.measure(values)
        self.shift, self.scale = tensor(shift), tensor(np.where(scale > 0, scale, 1.0))
        return self

    def measure(self, x: Any) -> tuple[Any, Any]:
        raise NotImplementedError(f"{type(self).__name__}: define `def measure(self, x)`")

    def transform(self, x: Any) -> Any:
        return self.applied(x, lambda x, shift, scale: (x - shift) / scale)

    __call__ = transform

    def inverse(self, y: Any) -> Any:
        """What transform made y of: y · scale + shift"""
        return self.applied(y, lambda y, shift, scale: y * scale + shift)

    def applied(self, x: Any, formula: Any) -> Any:
        if self.shift is None or self.scale is None:
            raise RuntimeError(f"{type(self).__name__}: fit it first, on the examples to learn from")
        if not isinstance(x, Tensor):
            x = np.asarray(x)
            x = x if x.dtype.kind == "f" else x.astype(np.float64)
            return formula(x, self.shift.numpy().astype(x.dtype), self.scale.numpy().astype(x.dtype))
        x = x if x.dtype.kind == "f" else x.float()
        return formula(x, self.shift.to(x.device, x.dtype), self.scale.to(x.device, x.dtype))

    def state_dict(self) -> dict[str, Any]:
        """Two tensors, for minidl.save."""
        if self.shift is None or self.scale is None:
            raise RuntimeError(f"{type(self).__name__}: there is nothing to save before fit")
        return {"shift": self.shift, "scale": self.scale}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if set(state) != {"shift", "scale"}:
            raise ValueError(f"{type(self).__name__}: a state of shift and scale is needed, got {', '.join(state)}")
        self.shift, self.scale = state["shift"], state["scale"]


class Standardizer(Normalizer):
    """To mean 0 and deviation 1: y = (x − μ) / σ        μ = mean(x), σ² = mean((x − μ)²)

    For the arguments see Normalizer."""

    def measure(self, x: Any) -> tuple[Any, Any]:
        mean = np.nanmean(x, self.dim, keepdims=True)
        flat = np.nanmax(x, self.dim, keepdims=True) == np.nanmin(x, self.dim, keepdims=True)
        return mean, np.where(flat, 0.0, np.nanstd(x, self.dim, keepdims=True))


class MinMaxScaler(Normalizer):
    """To between 0 and 1: y = (x − min) / (max − min)

    For the arguments see Normalizer."""

    def measure(self, x: Any) -> tuple[Any, Any]:
        low = np.nanmin(x, self.dim, keepdims=True)
        return low, np.nanmax(x, self.dim, keepdims=True) - low
