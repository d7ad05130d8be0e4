"""Samplers: in which order, and in which batches, the numbers of a dataset's examples come."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..api import as_tensor
from ..backend import Generator, default_generator


def stream(generator: Generator | None) -> Any:
    """What to draw from: the default stream, unless one is given."""
    if not isinstance(generator, Generator | None):
        raise TypeError(f"generator is a minidl.Generator or None, got {generator!r}")
    return (generator or default_generator).numpy


def permutation(n: int, generator: Generator | None) -> list[int]:
    """0 … n − 1 in random order."""
    return stream(generator).permutation(n).tolist()


def check_count(what: str, n: Any) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n <= 0:
        raise ValueError(f"{what} is a positive whole number, got {n!r}")


class Sampler:
    """The base of samplers: a subclass writes `__iter__`, and `__len__` where it knows it."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__: define `def __iter__(self)`")

    def __class_getitem__(cls, item: Any) -> Any:
        return cls  # `class Mine(Sampler[int])`, as type hints have it


class SequentialSampler(Sampler):
    """0, 1, 2, …"""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """All numbers in random order, another one each time; or num_samples of them, with or without replacement."""

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if num_samples is not None:
            check_count("RandomSampler: num_samples", num_samples)
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        if self.replacement:
            yield from stream(self.generator).integers(0, n, self.num_samples).tolist()
            return
        for start in range(0, self.num_samples, max(n, 1)):  # more than there are: another permutation
            yield from permutation(n, self.generator)[: self.num_samples - start]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Given numbers in random order, another one each time."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        return (self.indices[k] for k in permutation(len(self.indices), self.generator))

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """num_samples numbers, drawn with probabilities proportional to the weights."""

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        check_count("WeightedRandomSampler: num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"WeightedRandomSampler: replacement is a bool, got {replacement!r}")
        self.weights = as_tensor(weights, dtype="float64")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator
        if self.weights.ndim != 1:
            raise ValueError(f"WeightedRandomSampler: one weight per example is needed, got shape {self.weights.shape}")
        w = self.weights.tolist()
        if not all(0 <= x < float("inf") for x in w) or sum(w) <= 0:
            raise ValueError("WeightedRandomSampler: weights are at least 0, finite, and not all 0")
        possible = sum(x > 0 for x in w)
        if not replacement and possible < num_samples:
            raise ValueError(
                f"WeightedRandomSampler: {num_samples} different numbers are wanted, {possible} have a weight above 0"
            )

    def __iter__(self) -> Iterator[int]:
        p = self.weights / self.weights.sum()
        drawn = stream(self.generator).choice(len(p), self.num_samples, replace=self.replacement, p=p.numpy())
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """The numbers of another sampler, batch_size at a time; drop_last leaves out a last, smaller batch."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        check_count("BatchSampler: batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last is a bool, got {drop_last!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return batches(self.sampler, self.batch_size, self.drop_last)

    def __len__(self) -> int:
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def batches(items: Iterable[Any], size: int, drop_last: bool) -> Iterator[list[Any]]:
    """Lists of `size` consecutive items."""
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        if len(batch) == size or not drop_last:
            yield batch
