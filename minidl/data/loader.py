"""DataLoader: batches of a dataset, as often as it is asked for them."""

import copy
import itertools
import operator
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ..api import get_rng_state, set_rng_state
from ..backend import Generator
from .collate import default_collate, default_convert
from .dataset import IterableDataset
from .fetch import Job
from .passes import InProcess, WithWorkers
from .sampler import BatchSampler, RandomSampler, SequentialSampler, check_count
from .seeds import check_generator, draw_seed
from .workers import Workers, context_of

T = TypeVar("T", covariant=True)


class DataLoader(Generic[T]):
    """Batches of a dataset: `for x, y in DataLoader(dataset, batch_size=32, shuffle=True)`.

    shuffle: another random order each time, drawn from `generator`. sampler: numbers in an order of one's own;
    batch_sampler: lists of numbers. batch_size None: single examples. collate_fn: makes a batch of a list of examples.
    drop_last leaves out a last, smaller batch. pin_memory and pin_memory_device change nothing here.

    num_workers: so many processes make the batches, each up to prefetch_factor (2) of them ahead, and come to their
    end with the pass, or with the loader where persistent_workers. worker_init_fn(k) is called first in worker k.
    multiprocessing_context: how they start; None: fork on Linux, else spawn, where a script needs a main guard.
    timeout: seconds to wait for a batch; 0: for ever. in_order=False: batches come as they are ready.

    Random numbers. Each pass draws one root seed from `generator` (the default one, where None), and each batch is
    made with minidl's default stream, Python's `random` and NumPy's global stream put to a place of its own, that
    of (root, number of the batch). So the same seed gives the same batches, order and random transforms for any
    number of workers; and making a batch leaves the program's own streams where they were. (In PyTorch each
    worker has a stream, and without workers a dataset draws from the program's.) A stream seeded in
    worker_init_fn is therefore seeded again with the first batch; a Generator that the dataset keeps is its own
    affair, and copied into each worker. An IterableDataset that splits itself by `get_worker_info()` gives other
    batches for another number of workers, in an order that is always the same for one.

    `state_dict()` tells, in the middle of a pass too, where it is, and `load_state_dict` lets the next pass go on
    from there, provided the sampler draws from a minidl Generator (its own, the loader's or the default one)."""

    _fixed = ("dataset", "batch_size", "sampler", "batch_sampler", "drop_last", "persistent_workers")

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if operator.index(num_workers) < 0:
            raise ValueError(f"DataLoader: num_workers option should be non-negative, got {num_workers}")
        if timeout < 0:
            raise ValueError(f"DataLoader: timeout option should be non-negative, got {timeout}")
        if num_workers == 0:
            for name, wanted in [
                ("prefetch_factor", prefetch_factor is not None),
                ("persistent_workers", persistent_workers),
                ("multiprocessing_context", multiprocessing_context is not None),
            ]:
                if wanted:
                    raise ValueError(f"DataLoader: the {name} option needs workers: num_workers > 0, and it is 0")
        elif prefetch_factor is not None:
            check_count("DataLoader: prefetch_factor", prefetch_factor)
        check_generator(generator)
        stream = isinstance(dataset, IterableDataset)
        if stream and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError(
                "DataLoader with IterableDataset: expected unspecified shuffle, sampler and batch_sampler options, "
                "since the dataset has its own order"
            )
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: the sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader: the batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                    "drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "DataLoader: the batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
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
        self.dataset, self.batch_size, self.drop_last, self.generator = dataset, batch_size, drop_last, generator
        self.sampler, self.batch_sampler, self.num_workers = sampler, batch_sampler, num_workers
        self._batching = batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if self._batching else default_convert)
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.worker_init_fn, self.in_order = timeout, worker_init_fn, in_order
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        given = multiprocessing_context
        self.multiprocessing_context = None if given is None else context_of(given)
        self._workers: Workers | None = None  # those that outlive a pass
        self._place: dict[str, Any] | None = None  # of the latest pass
        self._resume: dict[str, Any] | None = None
        self._length_told: int | None = None
        self.persistent_workers = persistent_workers

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fixed and "persistent_workers" in self.__dict__:
            raise ValueError(f"DataLoader: {name} attribute should not be set after DataLoader is initialized")
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_workers": None}  # processes are not copied

    def __iter__(self) -> Iterator[T]:
        root, indices, given, place = self._begin()
        job = Job(self.dataset, self.collate_fn, self.batch_size, self.drop_last, self._batching)
        kind = WithWorkers if self.num_workers else InProcess
        return kind(self, job, root, indices, given, place)

    def __len__(self) -> int:
        """How many batches (or, without batches, examples) one pass gives."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        n = len(self.dataset)  # type: ignore[arg-type]  # a stream may know its length
        if self.batch_size is not None:
            n = n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        self._length_told = n
        return n

    def state_dict(self) -> dict[str, Any]:
        """Where the latest pass is: the generators' states before it, and how many batches it has given.

        Before the first pass, and after one that came to its end: the generators' states, and None."""
        if self._resume is not None:
            return copy.deepcopy(self._resume)
        if self._place is not None and self._place["batches"] is not None:
            return copy.deepcopy(self._place)
        return {"generators": [_state_of(g) for g in self._generators()], "batches": None}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The next pass goes on where the state was taken: with the rest of that pass, or with the one after it."""
        if set(state) != {"generators", "batches"} or len(state["generators"]) != len(self._generators()):
            raise ValueError("DataLoader: the state_dict() of a loader made in the same way is needed")
        self._resume = copy.deepcopy(state)

    def _generators(self) -> list[Generator | None]:
        """What a pass draws from, None being the default one: the loader's, and the sampler's."""
        places = [self, self.sampler, self.batch_sampler, getattr(self.batch_sampler, "sampler", None)]
        found = [place.generator for place in places if hasattr(place, "generator")]
        return [g for k, g in enumerate(found) if all(g is not other for other in found[:k])]

    def _begin(self) -> tuple[int, Iterator[Any], int, dict[str, Any]]:
        """The pass's root seed, its indices, how many batches it gave before it was interrupted, where to note more."""
        resume, self._resume, generators = self._resume, None, self._generators()
        given = resume["batches"] if resume else None
        # The default stream goes on where the program says it is. What an interrupted pass drew from it, it drew
        # before the interruption, so that is drawn again from where the stream was then, and leaves no trace.
        default = get_rng_state()
        if resume:
            for g, state in zip(generators, resume["generators"]):
                if g is not None:
                    g.set_state(state)
                elif given is not None:
                    set_rng_state(state)
        self._place = {"generators": [_state_of(g) for g in generators], "batches": given or 0}
        root = draw_seed(self.generator)
        if isinstance(self.dataset, IterableDataset):
            indices: Iterator[Any] = itertools.repeat(None)
        else:
            indices = iter(self.sampler if self.batch_sampler is None else self.batch_sampler)
            # Samplers that draw do so now, with workers or without them, and not when a first batch is wanted.
            indices = itertools.chain(list(itertools.islice(indices, 1)), indices)
        if given is not None:
            set_rng_state(default)
        return root, indices, given or 0, self._place


def _state_of(generator: Generator | None) -> Any:
    return get_rng_state() if generator is None else generator.get_state()
