"""Helpers that listings reach for."""

import random
from typing import Any

import numpy as np

from ..backend import manual_seed
from .layers.base import forget_names


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """One-hot rows of class numbers: (n,) or (n, 1) → (n, num_classes)."""
    numbers = np.asarray(x, dtype="int64")
    shape = numbers.shape[:-1] if numbers.ndim > 1 and numbers.shape[-1] == 1 else numbers.shape
    numbers = numbers.reshape(-1)
    classes = num_classes or (int(numbers.max()) + 1 if numbers.size else 0)
    if numbers.size and (numbers.min() < 0 or numbers.max() >= classes):
        raise ValueError(
            f"to_categorical: numbers from {numbers.min()} to {numbers.max()} do not fit into {classes} classes"
        )
    rows = np.zeros((numbers.size, classes), dtype="float64")
    rows[np.arange(numbers.size), numbers] = 1
    return rows.reshape(*shape, classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """Each row divided by its length."""
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return np.asarray(x) / np.expand_dims(norm, axis)


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and minidl's random numbers."""
    random.seed(seed)
    np.random.seed(seed)
    manual_seed(seed)


def clear_session() -> None:
    """Begin to number the layers anew; nothing else is kept between models."""
    forget_names()


def pad_sequences(
    sequences: Any, maxlen: int | None = None, dtype: Any = "int32", padding: str = "pre", truncating: str = "pre",
    value: Any = 0.0,
) -> Any:  # fmt: skip
    """Sequences of several lengths as one array (n, maxlen, …), filled up and cut off at the beginning or the end."""
    for what, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"pad_sequences: {what} is 'pre' or 'post', got {side!r}")
    rows = [np.asarray(sequence) for sequence in sequences]
    if any(row.ndim == 0 for row in rows):
        raise ValueError("pad_sequences: a list of sequences is expected, got one of numbers")
    steps = max((len(row) for row in rows), default=0) if maxlen is None else maxlen
    inner = next((row.shape[1:] for row in rows if len(row)), ())
    padded = np.full((len(rows), steps, *inner), value, dtype=dtype)
    for line, row in zip(padded, rows):
        if row.shape[1:] != inner and len(row):
            raise ValueError(f"pad_sequences: steps of shape {inner} and {row.shape[1:]} do not go together")
        kept = row[len(row) - steps :] if truncating == "pre" and len(row) > steps else row[:steps]
        if len(kept):
            line[(-len(kept) if padding == "pre" else 0) : (None if padding == "pre" else len(kept))] = kept
    return padded
