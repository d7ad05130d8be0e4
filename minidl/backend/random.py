"""Random streams: Philox, a counter-based generator, so a stream is a seed and a position.

Numbers are drawn on the host for every device, which makes a seeded run the same wherever it runs.
"""

import threading
from typing import Any

import numpy as np

_STATE_BYTES = 8 * (4 + 2 + 4 + 1 + 1 + 1)  # counter, key, buffer, position in it, half-used word and its flag


class _Refusal(threading.local):
    """Why no random numbers may be drawn in this thread now; None: they may."""

    reason: str | None = None


refusal = _Refusal()


class Generator:
    """One random stream (`manual_seed`, `seed`, `initial_seed`, `get_state`, `set_state`)."""

    def __init__(self, device: Any = "cpu") -> None:
        self.device = device
        self._lock = threading.Lock()
        self.seed()

    def manual_seed(self, seed: int) -> "Generator":
        """Start the stream over from `seed` (negative seeds count from 2⁶⁴)."""
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise TypeError(f"manual_seed: an integer is needed, got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed: the seed must lie in [-2**63, 2**64), got {seed}")
        self._seed = int(seed) % 2**64
        self._numpy = np.random.Generator(np.random.Philox(self._seed))
        return self

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator at the stream's position, to draw from."""
        if refusal.reason is not None:
            raise RuntimeError(refusal.reason)
        return self._numpy

    def seed(self) -> int:
        """Start over from a seed of the operating system's, and return it."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]) >> 11)
        return self._seed

    def initial_seed(self) -> int:
        return self._seed

    def get_state(self) -> "np.ndarray[Any, np.dtype[np.uint8]]":
        """The position in the stream as bytes; `set_state` continues from there, bit for bit."""
        s: Any = self._numpy.bit_generator.state
        words = [*s["state"]["counter"], *s["state"]["key"], *s["buffer"]]
        words += [s["buffer_pos"], s["has_uint32"], s["uinteger"], self._seed]
        return np.array(words, dtype=np.uint64).view(np.uint8)

    def set_state(self, state: Any) -> None:
        raw = np.ascontiguousarray(state)
        if raw.dtype != np.uint8 or raw.shape != (_STATE_BYTES + 8,):
            raise ValueError(
                f"set_state: the state is {_STATE_BYTES + 8} bytes (uint8) as get_state gives them, "
                f"got {raw.dtype} of shape {raw.shape}"
            )
        w = raw.view(np.uint64)
        self._seed = int(w[13])
        self._numpy = np.random.Generator(np.random.Philox(self._seed))
        self._numpy.bit_generator.state = {
            "bit_generator": "Philox",
            "state": {"counter": w[0:4].copy(), "key": w[4:6].copy()},
            "buffer": w[6:10].copy(),
            "buffer_pos": int(w[10]),
            "has_uint32": int(w[11]),
            "uinteger": int(w[12]),
        }


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the default stream, from which everything random draws unless it is given a Generator."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    return default_generator.seed()


def initial_seed() -> int:
    return default_generator.initial_seed()
