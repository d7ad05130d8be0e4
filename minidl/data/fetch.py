"""From what a sampler gives to a batch: the one thing that is done alike in this process and in a worker."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..api import tensor
from .collate import default_collate
from .dataset import IterableDataset, Subset, TensorDataset, fetch_many
from .sampler import batches


class End:
    """What a stream answers when it has no more (the class itself; it pickles as its name, so `is` works)."""


@dataclass(frozen=True)
class Job:
    """How a loader makes a batch."""

    dataset: Any
    collate_fn: Callable[[Any], Any]
    batch_size: int | None  # of a stream
    drop_last: bool
    batching: bool  # lists of examples, or examples?

    @property
    def streams(self) -> bool:
        return isinstance(self.dataset, IterableDataset)

    @property
    def copies_rows(self) -> bool:
        """Is a batch one index into each of the dataset's tensors? Then no user's code runs, and nothing is drawn."""
        return self.batching and self.collate_fn is default_collate and _has_rows(self.dataset)

    def begin(self) -> Callable[[Any], Any]:
        """A function for one pass: an index, or a list of them, to a batch. A stream takes None, and ends with End."""
        if self.streams:
            return self._streamer()
        if self.copies_rows:
            return lambda indices: _rows(self.dataset, list(indices))
        if self.batching:
            return lambda indices: self.collate_fn(fetch_many(self.dataset, list(indices)))
        return lambda index: self.collate_fn(self.dataset[index])

    def _streamer(self) -> Callable[[None], Any]:
        items: Any = None

        def following(_: None) -> Any:
            nonlocal items
            if items is None:  # only now, so that what the dataset draws at its start is the first batch's
                items = iter(self.dataset)
                if self.batch_size is not None:
                    items = batches(items, self.batch_size, self.drop_last)
            item = next(items, End)
            return End if item is End else self.collate_fn(item)

        return following


def _has_rows(dataset: Any) -> bool:
    if type(dataset) is Subset:
        return _has_rows(dataset.dataset)
    return type(dataset) is TensorDataset and bool(dataset.tensors)


def _rows(dataset: Any, indices: list[int]) -> list[Any]:
    """A batch of a TensorDataset, gathered with one index per tensor."""
    while type(dataset) is Subset:
        indices, dataset = [dataset.indices[k] for k in indices], dataset.dataset
    index = tensor(indices)
    return [t[index.to(t.device)] for t in dataset.tensors]
