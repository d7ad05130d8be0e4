"""Random streams by batch: who makes a batch, and what was drawn before, does not change what is drawn in it."""

import os
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.random.mtrand import get_bit_generator, set_bit_generator

from ..backend import Generator, default_generator

_alone = threading.RLock()  # two threads in `stream_of` at once would put back each other's streams
_legacy = np.random.MT19937(0)  # takes the place of NumPy's global stream while a batch is made


def check_generator(generator: Any) -> None:
    if not isinstance(generator, Generator | None):
        raise TypeError(f"generator is a minidl.Generator or None, got {generator!r}")


def draw_seed(generator: Generator | None) -> int:
    """One number of the generator's (of the default one, unless one is given): the root of a whole pass."""
    return int((generator or default_generator).numpy.integers(2**63))


def seed_everything(seed: int) -> None:
    """Start minidl's default stream, Python's `random` and NumPy's global stream from one seed, for good."""
    set_bit_generator(_legacy)
    default_generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed([seed % 2**32, seed >> 32])


def seed_batch(root: int, number: int) -> None:
    """Put the three streams where batch `number` of the pass with this root begins, for good."""
    ours, pythons, numpys = np.random.SeedSequence(root, spawn_key=(number,)).generate_state(3, np.uint64).tolist()
    default_generator.manual_seed(ours)
    random.seed(pythons)
    np.random.seed(numpys % 2**32)


@contextmanager
def stream_of(root: int, number: int) -> Iterator[None]:
    """The same for the length of a block; then every stream goes on where it was."""
    with _alone:
        ours, pythons = (default_generator._numpy, default_generator._seed), random.getstate()
        # Exchanging NumPy's bit generator costs a tenth of setting its state, but forgets the second number
        # of a pair of normal ones, so where there is one the state is set after all.
        numpys: Any = np.random.get_state(legacy=False)
        original = get_bit_generator()
        set_bit_generator(np.random.MT19937(0) if original is _legacy else _legacy)  # a loader in a loader
        try:
            seed_batch(root, number)
            yield
        finally:
            set_bit_generator(original)
            if numpys["has_gauss"]:
                np.random.set_state(numpys)
            random.setstate(pythons)
            default_generator._numpy, default_generator._seed = ours


def _unlock() -> None:
    global _alone
    _alone = threading.RLock()  # another thread may have held it when this process was forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)
