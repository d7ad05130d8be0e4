"""Real handwriting on every machine: the 1,797 scans of digits that ship inside scikit-learn, 8 by 8 pixels."""

from typing import Any

import numpy as np

from ..vision.transforms.pixels import scatter

SPLIT = "every third scan held out (index % 3 == 2): 1198 to learn from, 599 to test on"


def load() -> tuple[Any, Any, Any, Any]:
    """Images (N, 1, 8, 8) in [0, 1] and labels (N,), to learn from and held out."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install 'minidl[data]'") from error
    digits = load_digits()
    images, labels = (digits.images / 16).astype(np.float32)[:, None], digits.target.astype(np.int64)
    held_out = np.arange(len(labels)) % 3 == 2
    return images[~held_out], labels[~held_out], images[held_out], labels[held_out]


def shifted(images: Any, rng: np.random.Generator) -> Any:
    """Each image moved by up to one pixel either way: what a scan of the same hand could have been."""
    return scatter(images, 1, rng)
