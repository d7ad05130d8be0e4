"""What PyTorch's own samples hold, as minidl's: tensors, dtypes, and functions that call torch."""

import dataclasses
import functools
import inspect
import types
import warnings

import numpy as np
import torch

import minidl

NAMESPACES = {
    "torch": torch,
    "Tensor": torch.Tensor,
    "linalg": torch.linalg,
    "special": torch.special,
    "nn.functional": torch.nn.functional,
    "nn": torch.nn,
    "optim": torch.optim,
    "optim.lr_scheduler": torch.optim.lr_scheduler,
}


class Missing(Exception):
    """minidl has no such name."""


class Foreign(Exception):
    """A sample holds what no tensor of minidl can: complex or quantised numbers, a sparse layout, another device."""


def find(path):
    """What minidl has under PyTorch's name: `nn.functional.relu`, `Tensor.add_`."""
    found = minidl
    for part in path.removeprefix("torch.").split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Missing(f"missing: {path}") from None
    return found


def dtype_of(dtype):
    name = str(dtype).removeprefix("torch.")
    if name not in {str(d) for d in minidl.backend.dtypes.DTYPES}:
        raise Foreign(f"dtype {name}")
    return np.dtype(name)


def numbers(t):
    """A torch tensor as an array of its own memory."""
    return t.detach().numpy(force=True)  # force: also what PyTorch keeps as known zeros or as a negation


def strided_copy(array):
    """Other memory in the same order of axes; gaps between elements are closed."""
    return np.array(array, order="K", copy=True)


class Mirror:
    """Translates the parts of one sample; what occurs twice in it is one thing on both sides."""

    def __init__(self):
        self.pairs = []  # (torch tensor, minidl tensor), in the order met
        self.seen = {}
        self.memories = {}  # address of a storage: the storage, a vector of all that is in it

    def __call__(self, value):
        if isinstance(value, torch.Tensor):
            return self.tensor(value)
        if isinstance(value, torch.dtype):
            return dtype_of(value)
        if isinstance(value, torch.device):
            if value.type != "cpu":
                raise Foreign(f"device {value}")
            return minidl.device("cpu")
        if isinstance(value, (torch.layout, torch.memory_format)):
            if value is torch.strided:
                return find("torch.strided")
            if isinstance(value, torch.layout) or "channels_last" in str(value):
                raise Foreign(f"layout {value}")
            return find(str(value))
        if isinstance(value, complex):
            raise Foreign("a complex number")
        if isinstance(value, torch.Generator):
            return minidl.Generator()
        if isinstance(value, torch.Size):
            return tuple(value)
        if isinstance(value, (tuple, list)) and type(value) in (tuple, list):
            return type(value)(map(self, value))
        if isinstance(value, dict):
            return {key: self(v) for key, v in value.items()}
        if isinstance(value, torch.nn.utils.rnn.PackedSequence):
            return find("nn.utils.rnn.PackedSequence")(*map(self, value))
        if isinstance(value, torch.nn.Module):
            return self.module(value)
        if isinstance(value, torch.nn.LinearCrossEntropyOptions):
            fields = {f.name: self(getattr(value, f.name)) for f in dataclasses.fields(value)}
            return find("nn.LinearCrossEntropyOptions")(**fields)
        if callable(value):
            return self.function(value)
        if type(value).__module__.startswith("torch"):
            raise Foreign(type(value).__name__)
        return value

    def tensor(self, value):
        if id(value) in self.seen:
            return self.seen[id(value)]
        if value.layout is not torch.strided or value.is_quantized or value.device.type != "cpu":
            raise Foreign(f"layout {value.layout} on {value.device}")
        if value.ndim > 64:
            raise Foreign("more than NumPy's 64 axes")
        dtype_of(value.dtype)
        mine = self.view(value) if value.is_leaf else None
        mine = minidl.from_numpy(strided_copy(numbers(value))) if mine is None else mine
        storage = value.untyped_storage()
        if value.numel() and value.is_contiguous() and storage.nbytes() == value.numel() * value.element_size():
            self.memories.setdefault(storage.data_ptr(), (storage, mine.view(-1)))
        if value.requires_grad:
            mine.requires_grad = True
        self.seen[id(value)] = mine
        self.pairs.append((value, mine))
        return mine

    def view(self, value):
        """A part of some memory, or several times the same, as such a view here; None for all of its memory."""
        storage, places = value.untyped_storage(), value.numel()
        length = storage.nbytes() // value.element_size()
        whole = length == places and storage.data_ptr() not in self.memories
        if not places or not length or whole or value.is_neg() or value.is_conj():
            return None
        if storage.data_ptr() not in self.memories:
            memory = numbers(value.detach().as_strided((length,), (1,), 0)).copy()
            self.memories[storage.data_ptr()] = storage, minidl.from_numpy(memory)
        memory = self.memories[storage.data_ptr()][1]
        last = value.storage_offset() + sum((n - 1) * s for n, s in zip(value.shape, value.stride()))
        if last >= len(memory):
            raise Foreign("a tensor larger than its memory, as a failed out= of PyTorch's leaves it")
        return memory.as_strided(value.shape, value.stride(), value.storage_offset())

    def function(self, value):
        """A function of PyTorch as minidl's of that name; one written around such, with minidl for torch."""
        if isinstance(value, functools.partial):
            return functools.partial(self(value.func), *map(self, value.args), **self(value.keywords))
        path = names_of_functions().get(id(value))
        if path is not None:
            return find(path)
        if value in (int, float, bool):
            return value
        if not isinstance(value, types.FunctionType):
            raise Missing(f"missing: {getattr(value, '__qualname__', value)}")
        cells = tuple(types.CellType(self.closed(c.cell_contents)) for c in value.__closure__ or ())
        within = {**value.__globals__, "torch": minidl, "F": minidl.nn.functional}
        for name in value.__code__.co_names:  # helpers beside it that call torch themselves, and PyTorch's classes
            helper = value.__globals__.get(name)
            if id(helper) in names_of_functions():
                within[name] = find(names_of_functions()[id(helper)])
            if isinstance(helper, types.FunctionType) and helper is not value and "torch" in helper.__code__.co_names:
                within[name] = types.FunctionType(helper.__code__, {**helper.__globals__, "torch": minidl},
                                                  helper.__name__, helper.__defaults__, helper.__closure__)
        mine = types.FunctionType(value.__code__, within, value.__name__, value.__defaults__, cells or None)
        mine.__kwdefaults__ = value.__kwdefaults__
        return mine

    def module(self, value):
        """A module without parameters, made anew of what it was made of."""
        if next(value.parameters(), None) is not None:
            raise Foreign("a module with parameters as an argument")
        names = inspect.signature(type(value).__init__).parameters
        known = {name: self(getattr(value, name)) for name in names if hasattr(value, name)}
        return find(f"nn.{type(value).__name__}")(**known)

    def closed(self, value):
        known = isinstance(value, (torch.Tensor, torch.dtype, types.FunctionType)) or id(value) in names_of_functions()
        return self(value) if known else value


@functools.cache
def names_of_functions():
    """PyTorch's functions and classes by identity, and their names."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for space, home in NAMESPACES.items():
            for name in dir(home):
                value = getattr(home, name, None)
                if callable(value) and (not name.startswith("_") or space == "Tensor"):
                    found.setdefault(id(value), f"{space}.{name}")
    return found
