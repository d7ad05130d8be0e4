"""Data in batches: arrays, one for each input and output, or anything that gives batches."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend import default_generator
from .graph import flat, mapped

Batch = tuple[Any, Any, Any]  # inputs, targets, sample weights; None where there are none


def is_arrays(x: Any) -> bool:
    """Arrays, or lists and dicts of them; not a generator or a DataLoader."""
    if isinstance(x, (list, tuple, dict)):
        return True
    return isinstance(x, (np.ndarray, Tensor)) or (hasattr(x, "__array__") and hasattr(x, "shape"))


def to_array(value: Any) -> Any:
    """A NumPy array (or a Tensor, as it is); float64 becomes float32."""
    if value is None or isinstance(value, Tensor):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"numbers are expected as data, got an array of {array.dtype}")
    return array.astype("float32") if array.dtype.kind == "f" and array.dtype != "float32" else array


def to_arrays(value: Any, several: bool) -> Any:
    """A list of numbers is one array; with several inputs or outputs a list holds one for each."""
    if isinstance(value, dict):
        return {key: to_array(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and (several or all(hasattr(item, "shape") and item.shape for item in value)):
        found = [to_array(item) for item in value]
        return found if several or len(found) != 1 else found[0]
    return to_array(value)


def length(*values: Any) -> int:
    """How many examples there are, the same in each array."""
    sizes = [len(v) for v in flat(values) if v is not None]
    if len(set(sizes)) > 1:
        raise ValueError(f"all arrays must hold equally many examples, got {', '.join(map(str, sizes))}")
    return sizes[0] if sizes else 0


def taken(value: Any, index: Any) -> Any:
    return mapped(lambda v: None if v is None else v[index], value)


class Arrays:
    """Batches of arrays, shuffled anew each time they are gone through."""

    def __init__(self, x: Any, y: Any, weights: Any, batch_size: int | None, shuffle: bool) -> None:
        self.data = (x, y, weights)
        self.n, self.size, self.shuffle = length(x, y, weights), batch_size or 32, shuffle
        if self.n == 0:
            raise ValueError("there is not one example in the data")

    def __len__(self) -> int:
        return math.ceil(self.n / self.size)

    def __iter__(self) -> Iterator[Batch]:
        order = default_generator.numpy.permutation(self.n) if self.shuffle else None
        for first in range(0, self.n, self.size):
            span: Any = slice(first, first + self.size)
            x, y, weights = (taken(value, span if order is None else order[span]) for value in self.data)
            yield x, y, weights


class Batches:
    """What an iterable gives: x, (x, y) or (x, y, sample weights). steps: so many of them, going on next time."""

    def __init__(self, source: Any, steps: int | None) -> None:
        self.source, self.steps = source, steps
        self.running = iter(source) if steps is not None else None

    def __len__(self) -> int:
        return self.steps or (len(self.source) if hasattr(self.source, "__len__") else 0)

    def __iter__(self) -> Iterator[Batch]:
        if self.running is None:
            for batch in self.source:
                yield self.parted(batch)
            return
        for _ in range(self.steps or 0):
            try:
                batch = next(self.running)
            except StopIteration:
                self.running = iter(self.source)
                try:
                    batch = next(self.running)
                except StopIteration:
                    raise ValueError("the generator ran out of batches: yield without end, or lower steps") from None
            yield self.parted(batch)

    def parted(self, batch: Any) -> Batch:
        parts = tuple(batch) if isinstance(batch, (list, tuple)) else (batch,)
        if len(parts) > 3:
            raise ValueError(f"a batch is x, (x, y) or (x, y, sample_weight), got {len(parts)} parts")
        x, y, weights = (*parts, None, None)[:3]
        return mapped(to_array, x), mapped(to_array, y), mapped(to_array, weights)


def class_weights(y: Any, weights: dict[int, float]) -> Any:
    """The weight of each example's class; classes not named count 1."""
    y = y.detach().numpy() if isinstance(y, Tensor) else np.asarray(y)
    numbers = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))
    return np.array([weights.get(int(k), 1.0) for k in numbers], dtype="float32")
