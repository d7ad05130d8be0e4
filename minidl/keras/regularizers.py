"""What is added to the loss for large weights."""

from typing import Any

from ..autograd import Tensor
from .config import Configured, look_up


class L1L2(Configured):
    """l1 Σ|w| + l2 Σw²"""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = l1, l2

    def __call__(self, w: Tensor) -> Any:
        return (self.l1 * w.abs().sum() if self.l1 else 0.0) + (self.l2 * (w * w).sum() if self.l2 else 0.0)


class L1(L1L2):
    """l1 Σ|w|"""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1, 0.0)


class L2(L1L2):
    """l2 Σw²"""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(0.0, l2)


class Both(L1L2):
    """l1 Σ|w| + l2 Σw², of what the name alone means"""

    def __init__(self, l1: float = 0.01, l2: float = 0.01) -> None:
        super().__init__(l1, l2)


l1, l2, l1_l2 = L1, L2, L1L2
NAMES = {"l1": L1, "l2": L2, "l1_l2": Both, "L1": L1, "L2": L2}


def get(identifier: Any) -> Any:
    """The regularizer of a name; None is none."""
    return None if identifier is None else look_up("regularizer", identifier, NAMES)
