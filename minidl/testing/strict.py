"""The device "strict": CuPy's rules over NumPy's memory, so that code for a GPU is tested without one."""

from ..backend.cupy_ import CupyBackend
from ..backend.device import add_device_type


def _make() -> CupyBackend:
    from .strict_cupy import cupy, cupyx

    return CupyBackend(cupy, cupyx, "strict")


def add_strict_device() -> None:
    """Let `device("strict")` exist; it is bound to the algebra as CuPy is, by the same lines."""
    add_device_type("strict", _make)
