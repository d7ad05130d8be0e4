"""Pieces of clothing: x (n, 28, 28), y (n,)"""

from typing import Any

from ...vision.datasets import FashionMNIST
from .arrays import load


def load_data() -> Any:
    """(x_train, y_train), (x_test, y_test), downloaded if need be."""
    return load(FashionMNIST, column=False)
