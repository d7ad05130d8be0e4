"""In which order the examples come: a matter of seed and epoch alone, so that a run can be taken up anywhere."""

from collections.abc import Iterator

import numpy as np

from ..data import Sampler


class EpochOrder(Sampler):
    """The numbers 0 … n − 1 in an order of the epoch's own, from example `first` on.

        order = EpochOrder(len(dataset), seed=0)
        order.set(epoch=3, first=640)       # the first 640 examples of that epoch were used before

    A sampler that draws from a running stream would have to be run from the start to get here."""

    def __init__(self, n: int, seed: int = 0) -> None:
        self.n, self.seed, self.epoch, self.first = n, seed, 0, 0

    def set(self, epoch: int, first: int = 0) -> None:
        self.epoch, self.first = epoch, first

    def __iter__(self) -> Iterator[int]:
        stream = np.random.Generator(np.random.Philox([self.seed % 2**64, self.epoch]))
        return iter(stream.permutation(self.n)[self.first :].tolist())

    def __len__(self) -> int:
        return max(self.n - self.first, 0)
