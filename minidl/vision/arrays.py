"""Between tensors and the NumPy arrays that images are worked on as."""

from typing import Any

import numpy as np

from ..autograd import Memory, Tensor
from ..autograd.tensor import make
from ..backend import move


def host(value: Any) -> "np.ndarray[Any, Any]":
    """A tensor's numbers on the CPU, shared where they are there already; anything else as an array."""
    return move(value.array, "cpu") if isinstance(value, Tensor) else np.asarray(value)


def tensor_of(array: "np.ndarray[Any, Any]", where: Any = "cpu") -> Tensor:
    """A tensor around an array: same dtype, same memory."""
    return make(move(array, where), False, None, Memory())


def pil_image(value: Any) -> bool:
    """Is it an image of Pillow? Looked up, not imported: before anyone has imported Pillow there is none."""
    import sys

    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)
