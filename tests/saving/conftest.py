import tracemalloc
from contextlib import contextmanager

import pytest

from minidl.saving import npz, pytorch, safetensors  # noqa: F401  # so that their import is not counted


@pytest.fixture
def allocations():
    """Fails where more memory was taken than a file of this size can ask for."""

    @contextmanager
    def watch(within):
        tracemalloc.start()
        try:
            yield
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 2**20 + 60 * within, f"{peak} bytes were taken for a file of {within}"

    return watch
