"""Datasets: examples by number, or one after the other."""

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..autograd import Tensor
from ..backend import Generator
from ..errors import ShapeError, describe
from .sampler import permutation


class Dataset:
    """Examples by number: a subclass writes `__getitem__` and `__len__`. `a + b` is a, then b."""

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__: define `def __getitem__(self, index)`")

    def __add__(self, other: "Dataset") -> "ConcatDataset":
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Examples one after the other: a subclass writes `__iter__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__: define `def __iter__(self)`")

    def __add__(self, other: Any) -> "ChainDataset":  # type: ignore[override]  # a stream, where the base makes a list
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """The rows of tensors: example k is (a[k], b[k], …)."""

    def __init__(self, *tensors: Tensor) -> None:
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(f"TensorDataset: tensors are needed, got {describe(t)}; see minidl.tensor(...)")
        if len({t.shape[:1] for t in tensors}) > 1 or any(t.ndim == 0 for t in tensors):
            shapes = ", ".join(str(tuple(t.shape)) for t in tensors)
            raise ShapeError(f"TensorDataset: size mismatch between tensors; the first axes must be equal: {shapes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].shape[0] if self.tensors else 0


class Subset(Dataset):
    """The examples of a dataset at given numbers."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[k] for k in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Datasets one after the other, as one."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: at least one dataset is needed")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise TypeError("ConcatDataset: an IterableDataset has no numbers; ChainDataset joins those")
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"ConcatDataset: index {index} is out of range for {len(self)} examples")
        index %= len(self)
        k = bisect_right(self.cumulative_sizes, index)
        return self.datasets[k][index - (self.cumulative_sizes[k - 1] if k else 0)]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset):
    """Iterable datasets one after the other, as one."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)

    def __iter__(self) -> Iterator[Any]:
        return itertools.chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Subsets of these lengths, without overlap, drawn at random; fractions that sum to 1 do for lengths.

    With fractions each part gets ⌊n · fraction⌋ examples, and what is left over goes one each to the first parts."""
    n = len(dataset)
    if abs(sum(lengths) - 1) < 1e-6 and all(0 <= length <= 1 for length in lengths):
        sizes = [int(n * fraction) for fraction in lengths]
        for k in range(n - sum(sizes)):
            sizes[k % len(sizes)] += 1
    else:
        sizes = [int(length) for length in lengths]
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise ValueError(
            f"random_split: the lengths must sum to the dataset's {n} examples, or as fractions to 1; {list(lengths)} "
            f"sum to {sum(lengths)}"
        )
    order = permutation(n, generator)
    return [Subset(dataset, order[stop - size : stop]) for size, stop in zip(sizes, itertools.accumulate(sizes))]
