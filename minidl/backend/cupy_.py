"""The algebra on CuPy arrays, and on anything that behaves as CuPy does (the strict stand-in)."""

from typing import Any

from .base import Array, Backend
from .numpy_ import own_names


class CupyBackend(Backend):
    """`cupy` and `cupyx` are handed in, so that the same binding serves the stand-in device."""

    def __init__(self, cupy: Any, cupyx: Any, device_type: str = "cuda") -> None:
        self.cupy, self.device_type = cupy, device_type
        own = own_names(cupy, cupy.add.at)
        own["erf"] = cupyx.scipy.special.erf
        own["sort"] = lambda x, axis: cupy.sort(x, axis=axis)
        own["argsort"] = lambda x, axis: cupy.argsort(x, axis=axis)  # CuPy's radix and merge sorts are stable
        super().__init__(cupy, cupy.ndarray, own)

    def asarray(self, values: Any, index: int = 0) -> Array:
        with self.cupy.cuda.Device(index):
            return self.cupy.asarray(values)

    def to_host(self, array: Array) -> Any:
        return array.get()

    def index_of(self, array: Array) -> int:
        return int(array.device.id)

    def shares_memory(self, a: Array, b: Array) -> bool:
        return bool(a.data.mem == b.data.mem)

    def address(self, array: Array) -> int:
        return int(array.data.ptr)

    def extent(self, array: Array) -> tuple[int, int]:
        memory = array.data.mem
        return memory.ptr, memory.ptr + memory.size
