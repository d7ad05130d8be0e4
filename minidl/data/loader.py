"""DataLoader: batches of a dataset, as often as it is asked for them."""

from collections.abc import Callable, Iterator
from typing import Any

from ..api import tensor
from ..backend import Generator
from .collate import default_collate, default_convert
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler, batches, check_count


class DataLoader:
    """Batches of a dataset: `for x, y in DataLoader(dataset, batch_size=32, shuffle=True)`.

    shuffle: another random order each time, drawn from `generator`. sampler: numbers in an order of one's own;
    batch_sampler: lists of numbers. batch_size None: single examples. collate_fn: makes a batch of a list of examples.
    drop_last leaves out a last, smaller batch. pin_memory changes nothing here."""

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ) -> None:
        if num_workers != 0:
            raise NotImplementedError(
                f"DataLoader: batches are made in this process so far, so num_workers must be 0, got {num_workers}"
            )
        if prefetch_factor is not None or persistent_workers:
            raise ValueError("DataLoader: prefetch_factor and persistent_workers need workers, and num_workers is 0")
        stream = isinstance(dataset, IterableDataset)
        if stream and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError("DataLoader: an IterableDataset has its own order: no shuffle, sampler or batch_sampler")
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: the sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader: the batch_sampler option is mutually exclusive with batch_size, shuffle, sampler "
                    "and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: batch_size=None gives single examples: drop_last has nothing to drop")
        if batch_size is not None:
            check_count("DataLoader: batch_size", batch_size)
        if not stream and not hasattr(dataset, "__getitem__"):
            raise TypeError(
                f"DataLoader: a dataset with __getitem__ and __len__, or an IterableDataset, is needed, got "
                f"{type(dataset).__name__}"
            )
        if sampler is None and not stream:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_sampler is None and batch_size is not None and not stream:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        batching = batch_size is not None or batch_sampler is not None
        self.dataset, self.batch_size, self.drop_last, self.generator = dataset, batch_size, drop_last, generator
        self.sampler, self.batch_sampler, self.num_workers = sampler, batch_sampler, num_workers
        self.collate_fn = collate_fn or (default_collate if batching else default_convert)
        self.pin_memory, self.timeout, self.worker_init_fn = pin_memory, timeout, worker_init_fn

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            if self.batch_size is None:
                yield from map(self.collate_fn, self.dataset)
            else:
                yield from map(self.collate_fn, batches(self.dataset, self.batch_size, self.drop_last))
        elif self.batch_sampler is None:
            for index in self.sampler:
                yield self.collate_fn(self.dataset[index])
        else:
            gather = _rows if self.collate_fn is default_collate and _has_rows(self.dataset) else self._batch
            for indices in self.batch_sampler:
                yield gather(self.dataset, list(indices))

    def _batch(self, dataset: Any, indices: list[int]) -> Any:
        get = getattr(dataset, "__getitems__", None)  # a dataset may fetch many at once, as PyTorch has it
        return self.collate_fn(get(indices) if get else [dataset[index] for index in indices])

    def __len__(self) -> int:
        """How many batches (or, without batches, examples) one pass gives."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        n = len(self.dataset)  # type: ignore[arg-type]  # a stream may know its length
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def _has_rows(dataset: Any) -> bool:
    """Is a batch of it the same as one index into each of its tensors?"""
    if type(dataset) is Subset:
        return _has_rows(dataset.dataset)
    return type(dataset) is TensorDataset and bool(dataset.tensors)


def _rows(dataset: Any, indices: list[int]) -> list[Any]:
    """A batch of a TensorDataset, gathered with one index per tensor."""
    while type(dataset) is Subset:
        indices, dataset = [dataset.indices[k] for k in indices], dataset.dataset
    index = tensor(indices)
    return [t[index.to(t.device)] for t in dataset.tensors]
