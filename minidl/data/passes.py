"""One pass over a dataset: batches made here, or by workers. Both number them, and make number n alike."""

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

from .fetch import End, Job
from .seeds import stream_of
from .worker import Failure
from .workers import Workers, context_of


class Pass:
    """An iterator that knows how many batches the whole pass has, and notes how many it has given.

    root: the seed of the pass. given: how many of its batches were given before it was interrupted. place: where
    the loader reads how far it is."""

    def __init__(
        self, loader: Any, job: Job, root: int, indices: Iterator[Any], given: int, place: dict[str, Any]
    ) -> None:
        self.loader, self.job, self.root, self.given, self.place = loader, job, root, given, place
        self.indices = indices if job.streams else itertools.islice(indices, given, None)
        self.number = 0 if job.streams else given  # of the next batch that is asked for
        self._start()
        if job.streams:
            for _ in range(given):  # a stream cannot skip
                self._take()

    def _start(self) -> None:
        raise NotImplementedError

    def _take(self) -> Any:
        """The next batch, the Failure in its place, or End."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return len(self.loader)

    def __next__(self) -> Any:
        self.given += 1  # one that fails is given, too
        self.place["batches"] = self.given
        batch = self._take()
        if batch is End:
            self.place["batches"] = None
            raise StopIteration
        if self.job.streams and self.given - 1 == self.loader._length_told:
            warnings.warn(
                f"DataLoader: the length of the IterableDataset promised {self.given - 1} batches, and there are more. "
                "With workers each iterates over its own copy: split the dataset by get_worker_info()",
                stacklevel=2,
            )
        if isinstance(batch, Failure):
            del self  # the traceback keeps this frame, and the workers should end with the loop all the same
            raise batch.rebuild()
        return batch


class InProcess(Pass):
    """Batches made here, when they are wanted."""

    def _start(self) -> None:
        self.fetch = self.job.begin()

    def _take(self) -> Any:
        index, number = next(self.indices, End), self.number
        self.number += 1
        if index is End:
            return End
        if self.job.copies_rows:
            return self.fetch(index)
        try:
            with stream_of(self.root, number):
                return self.fetch(index)
        except StopIteration as error:  # it would end the loop as if all were well
            raise RuntimeError("DataLoader: the dataset or collate_fn raised StopIteration") from error


class WithWorkers(Pass):
    """Batches made by workers: number n by worker n mod num_workers, or, if not in order, by whoever is free."""

    def _start(self) -> None:
        loader = self.loader
        workers = loader._workers
        if workers is None or not workers.close.alive:
            context = context_of(loader.multiprocessing_context)
            workers = Workers(
                self.job, loader.num_workers, loader.prefetch_factor, loader.worker_init_fn, context, loader.timeout
            )
            if loader.persistent_workers:
                loader._workers = workers
        self.workers: Workers = workers
        self.turn = workers.begin(self.root)
        self.asked = [0] * workers.count  # of each worker's own stream
        self.ended: set[int] = set()
        for _ in range(loader.prefetch_factor):
            for k in range(workers.count):
                self._ask(k)

    def _ask(self, k: int) -> None:
        """Give worker k the next batch to make, if there is one."""
        if not self.job.streams:
            index, number = next(self.indices, End), self.number
        elif k in self.ended:
            return
        else:
            index, number = None, self.asked[k] * self.workers.count + k
        if index is not End:
            self.number += 1
            self.asked[k] += 1
            self.workers.ask(k, number, index)

    def _take(self) -> Any:
        if self.turn != self.workers.passes:
            raise RuntimeError("DataLoader: persistent workers serve one pass at a time, and a newer one has begun")
        if not self.workers.close.alive and self.workers.pending:
            raise RuntimeError("DataLoader: the workers of this pass have ended; begin another pass")
        while self.workers.pending:
            k = self.workers.pending[0] if self.loader.in_order else self.workers.ready(set(self.workers.pending))
            batch = self.workers.answer(k)
            if batch is not End:
                self._ask(k)
                return batch
            self.ended.add(k)
        if not self.loader.persistent_workers:
            self.workers.close()
        return End
