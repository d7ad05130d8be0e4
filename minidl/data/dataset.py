"""Datasets: examples by number, or one after the other."""

import itertools
import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from ..autograd import Tensor
from ..backend import Generator, default_generator
from ..errors import ShapeError, describe
from .seeds import check_generator

T = TypeVar("T", covariant=True)


class Dataset(Generic[T]):
    """Examples by number: a subclass writes `__getitem__` and `__len__`. `a + b` is a, then b."""

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__: define `def __getitem__(self, index)`")

    def __add__(self, other: "Dataset[Any]") -> "ConcatDataset":
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """Examples one after the other: a subclass writes `__iter__`.

    With workers each one iterates over its own copy; `get_worker_info()` says which part to give, as in
    `itertools.islice(examples, info.id, None, info.num_workers)`."""

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__: define `def __iter__(self)`")

    def __add__(self, other: Any) -> "ChainDataset":  # type: ignore[override]  # a stream, where the base makes a list
        return ChainDataset([self, other])


class TensorDataset(Dataset[Any]):
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


class StackDataset(Dataset[Any]):
    """Datasets side by side: example k is (a[k], b[k], …), or a dict where they are given by name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset: at least one dataset should be passed, and either all by position or all by name"
            )
        self.datasets: tuple[Any, ...] | dict[str, Any] = args or kwargs
        lengths = [len(dataset) for dataset in args or kwargs.values()]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: size mismatch between datasets, of lengths {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: list[int]) -> list[Any]:
        if isinstance(self.datasets, dict):
            columns = [fetch_many(dataset, indices) for dataset in self.datasets.values()]
            return [dict(zip(self.datasets, row)) for row in zip(*columns)]
        return list(zip(*(fetch_many(dataset, indices) for dataset in self.datasets)))

    def __len__(self) -> int:
        return self._length


class Subset(Dataset[Any]):
    """The examples of a dataset at given numbers."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[k] for k in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        if type(self).__getitem__ is not Subset.__getitem__:
            return [self[k] for k in indices]
        return fetch_many(self.dataset, [self.indices[k] for k in indices])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[Any]):
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


class ChainDataset(IterableDataset[Any]):
    """Iterable datasets one after the other, as one."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._streams():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._streams())  # type: ignore[arg-type,misc]  # a stream may know it

    def _streams(self) -> Iterator[IterableDataset[Any]]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise TypeError(f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}")
            yield dataset


def fetch_many(dataset: Any, indices: list[Any]) -> list[Any]:
    """The examples at these numbers: all at once where the dataset has `__getitems__`, as PyTorch has it."""
    at_once = getattr(dataset, "__getitems__", None)
    if not callable(at_once):
        return [dataset[index] for index in indices]
    examples = at_once(indices)
    if len(examples) != len(indices):
        raise ValueError(f"{type(dataset).__name__}.__getitems__: {len(examples)} examples for {len(indices)} numbers")
    return examples


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Subsets of these lengths, without overlap, drawn at random; fractions that sum to 1 do for lengths.

    With fractions each part gets ⌊n · fraction⌋ examples, and what is left over goes one each to the first parts."""
    check_generator(generator)
    n = len(dataset)
    if math.isclose(sum(lengths), 1, abs_tol=1e-6):
        for k, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"random_split: fraction at index {k} is not between 0 and 1: {fraction}")
        sizes = [int(n * fraction) for fraction in lengths]
        for k in range(n - sum(sizes)):
            sizes[k % len(sizes)] += 1
        if 0 in sizes:
            message = f"random_split: length of split at index {sizes.index(0)} is 0; this might be an empty dataset"
            warnings.warn(message, stacklevel=2)
    else:
        sizes = [int(length) for length in lengths]
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise ValueError(
            f"random_split: the sum of input lengths does not equal the length of the input dataset; they must sum to "
            f"its {n} examples, or as fractions to 1, and {list(lengths)} sum to {sum(lengths)}"
        )
    order = (generator or default_generator).numpy.permutation(n).tolist()
    return [Subset(dataset, order[stop - size : stop]) for size, stop in zip(sizes, itertools.accumulate(sizes))]
