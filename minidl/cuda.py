"""GPUs: is there one, and how many? CuPy is looked for only when asked."""

import importlib
from typing import Any

from . import backend


def is_available() -> bool:
    """Can tensors be put on "cuda" here? `problem()` says why not."""
    return backend.cuda_problem() is None


def problem() -> str | None:
    """Why "cuda" cannot be used, in words; None where it can."""
    return backend.cuda_problem()


def device_count() -> int:
    """How many GPUs there are."""
    return int(importlib.import_module("cupy").cuda.runtime.getDeviceCount()) if is_available() else 0


def current_device() -> int:
    """The number of the GPU that "cuda" means."""
    _needed("current_device")
    return int(importlib.import_module("cupy").cuda.Device().id)


def get_device_name(device: int = 0) -> str:
    """What a GPU calls itself."""
    _needed("get_device_name")
    return str(importlib.import_module("cupy").cuda.runtime.getDeviceProperties(device)["name"].decode())


def synchronize() -> None:
    """Wait until the GPU has done all it was asked to."""
    _needed("synchronize")
    importlib.import_module("cupy").cuda.Device().synchronize()


def empty_cache() -> None:
    """Give memory that no tensor uses back to the GPU's other programs."""
    if is_available():
        importlib.import_module("cupy").get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """How many bytes tensors hold on the GPU."""
    return int(importlib.import_module("cupy").get_default_memory_pool().used_bytes()) if is_available() else 0


def manual_seed_all(seed: int) -> None:
    """Seed the one stream that serves every device."""
    backend.manual_seed(seed)


manual_seed = manual_seed_all


def _needed(operation: str) -> None:
    why = problem()
    if why:
        raise RuntimeError(f"cuda.{operation}: {why}")
