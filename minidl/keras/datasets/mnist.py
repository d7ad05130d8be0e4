"""Handwritten digits: x (n, 28, 28), y (n,)"""

from typing import Any

from ...vision.datasets import MNIST
from .arrays import load


def load_data() -> Any:
    """(x_train, y_train), (x_test, y_test), downloaded if need be."""
    return load(MNIST, column=False)
