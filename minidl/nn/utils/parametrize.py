"""Parametrizations: a parameter computed from others each time it is read, as in weight = f(original)."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ...autograd import Tensor, no_grad
from ...errors import describe
from ..container import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

_cache: dict[tuple[int, str], Tensor] = {}
_caching = 0


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Within the block, each parametrized tensor is computed once and then remembered."""
    global _caching
    _caching += 1
    try:
        yield
    finally:
        _caching -= 1
        if not _caching:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied one after the other, and the `original` (or original0, original1, …)
    that they start from. Assigning to the tensor goes through their `right_inverse`s, last first."""

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        if not unsafe:
            with no_grad():
                self._check(original)
        with no_grad():
            start = self._inverse(original)
        self.is_tensor = isinstance(start, Tensor)
        self.ntensors = 1 if self.is_tensor else len(start)
        members = {"original": start} if self.is_tensor else {f"original{k}": t for k, t in enumerate(start)}
        for name, value in members.items():
            if isinstance(original, Parameter):
                same = value is original
                made = original if same else Parameter(value, original.requires_grad and value.dtype.kind == "f")
                self.register_parameter(name, made)
            else:
                self.register_buffer(name, value)

    def _inverse(self, value: Any) -> Any:
        """What the parametrizations would make this value of."""
        for module in reversed(list(self)):
            if hasattr(module, "right_inverse"):
                value = module.right_inverse(value)
            # without one, the value is taken as it is
        return value

    def _check(self, original: Tensor) -> None:
        """Refuse parametrizations that change the shape or the dtype."""
        start = self._inverse(original)
        made = self._apply_all(start if isinstance(start, tuple | list) else (start,))
        if not isinstance(made, Tensor) or made.shape != original.shape or made.dtype != original.dtype:
            got = describe(made) if isinstance(made, Tensor) else type(made).__name__
            raise ValueError(
                f"Registering a parametrization may not change the shape or the dtype of the tensor: it was "
                f"{describe(original)} and becomes {got}; unsafe=True allows it"
            )

    def _apply_all(self, originals: Sequence[Tensor]) -> Any:
        first, *rest = list(self)
        value = first(*originals)
        for module in rest:
            value = module(value)
        return value

    def _originals(self) -> list[Tensor]:
        names = ["original"] if self.is_tensor else [f"original{k}" for k in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    @no_grad()
    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the tensor becomes `value`."""
        start = self._inverse(value)
        for original, new in zip(self._originals(), (start,) if self.is_tensor else start):
            if original.shape == new.shape:
                original.copy_(new)
            else:
                original.data = new

    def forward(self) -> Tensor:
        return self._apply_all(self._originals())


def _property(name: str) -> property:
    def read(self: Any) -> Tensor:
        if not _caching:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def write(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(read, write)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """From now on module.tensor_name is parametrization(original); a second one is applied to what the first gives.

    The parametrization may have a `right_inverse`, which says from which original it makes a given value: it finds the
    original of the value that is there, and of those assigned later. The class of the module becomes a subclass of its
    own with a property. unsafe: the parametrization may change the shape or the dtype."""
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        found: Any = module.parametrizations[tensor_name]
        if not unsafe:
            with no_grad():
                before = getattr(module, tensor_name)
                inverse = getattr(parametrization, "right_inverse", lambda value: value)
                if parametrization(inverse(before)).shape != before.shape:
                    raise ValueError(f"the parametrization changes the shape of {tensor_name!r}; unsafe=True allows it")
        with no_grad():
            value = getattr(module, tensor_name)
            if hasattr(parametrization, "right_inverse"):
                value = parametrization.right_inverse(value)
            found.right_inverse(value)
        found.append(parametrization)
        found.unsafe |= unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a parametrized element with "
            f"name '{tensor_name}'"
        )
    original: Any = getattr(module, tensor_name)
    listed = ParametrizationList([parametrization], original, unsafe)
    if not is_parametrized(module):
        plain = type(module)
        module.__class__ = type(f"Parametrized{plain.__name__}", (plain,), {"parametrized_from": plain})
        module.parametrizations = ModuleDict()
    delattr(module, tensor_name)
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = listed
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Has the module parametrizations; has it one of this tensor?"""
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make the tensor an ordinary one again, of the value it has now; leave_parametrized=False: of its original's."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {type(module).__name__} does not have a parametrization on {tensor_name}")
    listed: Any = module.parametrizations[tensor_name]
    if not listed.is_tensor and not leave_parametrized:
        raise ValueError("leave_parametrized=False needs a parametrization with a single original")
    original = listed._originals()[0]
    learned = isinstance(original, Parameter)
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach().clone()
        if listed.is_tensor and original.shape == value.shape:
            with no_grad():
                original.copy_(value)  # the same parameter as before, which an optimizer may hold
        else:
            original = Parameter(value, original.requires_grad) if learned else value
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    (module.register_parameter if learned else module.register_buffer)(tensor_name, original)
    if not is_parametrized(module):
        plain = type_before_parametrizations(module)
        del module.parametrizations
        module.__class__ = plain
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class of the module as it was written."""
    return getattr(type(module), "parametrized_from", type(module))


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Put one module's parametrizations, of one tensor or of all, with their originals on another."""
    if not is_parametrized(from_module):
        return to_module
    for name in [tensor_name] if tensor_name is not None else list(from_module.parametrizations):
        for parametrization in list(from_module.parametrizations[name]):
            if name not in to_module._parameters and not is_parametrized(to_module, name):
                value = getattr(from_module, name).detach().clone()
                to_module.register_parameter(name, Parameter(value))
            register_parametrization(to_module, name, parametrization, unsafe=True)
        pairs = zip(to_module.parametrizations[name]._originals(), from_module.parametrizations[name]._originals())
        for mine, theirs in pairs:
            mine.data = theirs.detach()
    return to_module
