"""A backend: one array library bound to the algebra, and how arrays get in and out of it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .algebra import NAMES

Array = Any  # numpy.ndarray, cupy.ndarray or the strict stand-in's: formulas never ask which


class Backend:
    """The namespace `xp` that a formula sees for one kind of array.

    Every name of the algebra is an attribute: the library's function of that name, unless `own`
    brings one. Subclasses say how memory moves; they know no formulas.
    """

    device_type: str  # "cpu", "cuda", "meta" or the name of a stand-in

    def __init__(self, library: Any, array_type: type, own: dict[str, Any]) -> None:
        self.array_type = array_type
        for name in NAMES:
            setattr(self, name, own[name] if name in own else getattr(library, name))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...  # the names of the algebra

    def __repr__(self) -> str:
        return f"<minidl backend {self.device_type}>"

    def asarray(self, values: Any, index: int = 0) -> Array:
        """Host values as an array on device `index`; no copy where none is needed."""
        raise NotImplementedError

    def to_host(self, array: Array) -> Any:
        """The array as a NumPy array; the same memory where it already is one."""
        raise NotImplementedError

    def index_of(self, array: Array) -> int | None:
        """Which device of this kind the array lives on (None where there is only one)."""
        raise NotImplementedError

    def address(self, array: Array) -> int:
        """Where the first element lies in memory."""
        raise NotImplementedError

    def places(self, view: Array, base: Array) -> Array:
        """For each element of a view, its place in the flattened base, which must be contiguous."""
        if not base.flags.c_contiguous:
            raise RuntimeError("a recorded write through a view needs a contiguous base; clone it first")
        first = (self.address(view) - self.address(base)) // base.itemsize
        steps = [s // base.itemsize * 8 for s in view.strides]
        places = as_strided(np.arange(base.size)[first:], view.shape, steps).copy()
        return self.asarray(places, self.index_of(base) or 0)

    def extent(self, array: Array) -> tuple[int, int]:
        """First and one-past-last address of the block of memory that the array views."""
        raise NotImplementedError

    def shares_memory(self, a: Array, b: Array) -> bool:
        """Do the two arrays view one block of memory?"""
        raise NotImplementedError


BACKENDS: dict[type, Backend] = {}  # by array type; cuda and stand-ins join when first asked for


def backend_of(array: Array) -> Backend:
    return BACKENDS[type(array)]


def register(backend: Backend) -> Backend:
    BACKENDS[backend.array_type] = backend
    return backend
