"""Random streams: a seed and a position, which can be saved and restored bit for bit."""

import numpy as np
import pytest

from minidl.backend.random import Generator


def test_a_seed_starts_the_same_stream():
    a, b = Generator().manual_seed(7), Generator().manual_seed(7)
    assert np.array_equal(a.numpy.random(10), b.numpy.random(10))
    assert a.initial_seed() == 7
    assert Generator().manual_seed(-1).initial_seed() == 2**64 - 1


def test_two_new_generators_differ():
    assert not np.array_equal(Generator().numpy.random(4), Generator().numpy.random(4))


@pytest.mark.parametrize("draws", range(9))
def test_a_state_continues_bit_for_bit(draws):
    g = Generator().manual_seed(3)
    g.numpy.random(draws, dtype=np.float32)  # half-used words belong to the state
    g.numpy.integers(0, 5, draws)
    state = g.get_state()
    expected = g.numpy.random(20), g.numpy.integers(0, 100, 20), g.numpy.normal(size=20)
    other = Generator()
    other.set_state(state)
    for values, draw in zip(expected, ("random", "integers", "normal")):
        found = {"random": lambda: other.numpy.random(20), "integers": lambda: other.numpy.integers(0, 100, 20),
                 "normal": lambda: other.numpy.normal(size=20)}[draw]()  # fmt: skip
        assert np.array_equal(found, values)
    assert other.initial_seed() == 3


def test_what_is_no_seed_and_no_state():
    for bad, error in ((1.5, TypeError), ("1", TypeError), (True, TypeError), (2**64, ValueError)):
        with pytest.raises(error, match="manual_seed"):
            Generator().manual_seed(bad)
    with pytest.raises(ValueError, match="set_state: the state is"):
        Generator().set_state(np.zeros(5, np.uint8))
