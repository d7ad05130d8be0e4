"""Samplers: in which order, and in which batches, the numbers of a dataset's examples come."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from ..api import as_tensor
from ..backend import Generator
from .seeds import check_generator, draw_seed

T = TypeVar("T", covariant=True)


def check_count(what: str, n: Any) -> None:
    if isinstance(n, bool) or not isinstance(n, int) or n <= 0:
        raise ValueError(f"{what} should be a positive integer value (a whole number above 0), got {n!r}")


class Sampler(Generic[T]):
    """The base of samplers: a subclass writes `__iter__`, and `__len__` where it knows it."""

    def __init__(self, data_source: Any = None) -> None:
        pass

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__: define `def __iter__(self)`")


class _Random(Sampler[int]):
    """What draws: each pass takes one number from the generator, at its start, and draws from a stream of its own.

    So the generator's state before a pass says all about the pass, and where it stands afterwards does not
    depend on how far the pass went, or on how far workers ran ahead in it."""

    def __init__(self, generator: Generator | None) -> None:
        check_generator(generator)
        self.generator = generator

    def _stream(self) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(draw_seed(self.generator)))


class SequentialSampler(Sampler[int]):
    """0, 1, 2, …"""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(_Random):
    """All numbers in random order, another one each time; or num_samples of them, with or without replacement."""

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(generator)
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: replacement should be a boolean value, got {replacement!r}")
        if num_samples is not None:
            check_count("RandomSampler: num_samples", num_samples)
        elif len(data_source) == 0:
            raise ValueError("RandomSampler: num_samples should be a positive integer value, and the dataset is empty")
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, k, stream = len(self.data_source), self.num_samples, self._stream()
        if self.replacement:
            return iter(stream.integers(0, n, k).tolist())
        rounds = range(0, k, n) if n else ()  # more than there are: permutation after permutation
        return itertools.chain.from_iterable(stream.permutation(n)[: k - start].tolist() for start in rounds)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(_Random):
    """Given numbers in random order, another one each time."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        super().__init__(generator)
        self.indices = indices

    def __iter__(self) -> Iterator[int]:
        order = self._stream().permutation(len(self.indices)).tolist()
        return (self.indices[k] for k in order)

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(_Random):
    """num_samples numbers, drawn with probabilities proportional to the weights."""

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        super().__init__(generator)
        check_count("WeightedRandomSampler: num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"WeightedRandomSampler: replacement should be a boolean value, got {replacement!r}")
        self.weights = as_tensor(weights, dtype="float64")
        self.num_samples, self.replacement = num_samples, replacement
        if self.weights.ndim != 1:
            raise ValueError(
                f"WeightedRandomSampler: weights should be a 1d sequence, one weight per example is needed, got shape "
                f"{tuple(self.weights.shape)}"
            )
        w = self.weights.tolist()
        if not all(0 <= x < float("inf") for x in w) or sum(w) <= 0:
            raise ValueError("WeightedRandomSampler: weights are at least 0, finite, and not all 0")
        possible = sum(x > 0 for x in w)
        if not replacement and possible < num_samples:
            raise ValueError(
                f"WeightedRandomSampler: {num_samples} different numbers are wanted, {possible} have a weight above 0"
            )

    def __iter__(self) -> Iterator[int]:
        p = (self.weights / self.weights.sum()).numpy()
        return iter(self._stream().choice(len(p), self.num_samples, replace=self.replacement, p=p).tolist())

    def __len__(self) -> int:
        return self.num_samples


class StratifiedSampler(_Random):
    """All numbers in a random order in which every stretch, so every batch, has the classes in equal shares.

    labels: the class of each example (whole numbers or names). The members of a class of size n, shuffled, are
    spread evenly over the pass: the j-th at (j + ½)/n. Ties between classes are broken at random."""

    def __init__(self, labels: Any, generator: Generator | None = None) -> None:
        super().__init__(generator)
        given = labels.tolist() if hasattr(labels, "tolist") else labels
        labels = np.asarray([label.item() if hasattr(label, "item") else label for label in given])
        if labels.ndim != 1:
            raise ValueError(f"StratifiedSampler: one label per example is needed, got shape {labels.shape}")
        if labels.dtype.kind == "f" and labels.size:
            raise ValueError("StratifiedSampler: labels are whole numbers or names of classes, got floating-point ones")
        self.classes = np.unique(labels, return_inverse=True)[1]

    def __iter__(self) -> Iterator[int]:
        stream = self._stream()
        order = stream.permutation(len(self))
        place = np.empty(len(self))
        for k in range(self.classes.max(initial=-1) + 1):
            members = order[self.classes[order] == k]
            place[members] = (np.arange(len(members)) + 0.5) / len(members)
        return iter(np.lexsort((stream.permutation(len(self)), place)).tolist())

    def __len__(self) -> int:
        return len(self.classes)


class BatchSampler(Sampler[list[int]]):
    """The numbers of another sampler, batch_size at a time; drop_last leaves out a last, smaller batch."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        check_count("BatchSampler: batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"BatchSampler: drop_last should be a boolean value, got {drop_last!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        return batches(iter(self.sampler), self.batch_size, self.drop_last)

    def __len__(self) -> int:
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def batches(items: Iterator[Any], size: int, drop_last: bool) -> Iterator[list[Any]]:
    """Lists of `size` consecutive items."""
    while batch := list(itertools.islice(items, size)):
        if len(batch) == size or not drop_last:
            yield batch
