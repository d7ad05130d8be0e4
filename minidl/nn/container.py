"""Modules that hold modules or parameters: in a row, a list, a dict."""

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..autograd import Tensor
from ..errors import describe
from .module import Module, indented
from .parameter import Parameter


class _Numbered(Module):
    """What Sequential, ModuleList and ParameterList share: members named "0", "1", … in one store."""

    _store = "_modules"

    def _members(self) -> dict[str, Any]:
        return self.__dict__[self._store]

    def _set(self, members: Iterable[Any]) -> None:
        """Hold these instead, numbered from 0."""
        members = list(members)
        self._members().clear()
        for k, member in enumerate(members):
            self._put(str(k), member)

    def _put(self, name: str, member: Any) -> None:
        self.add_module(name, member)

    def _name(self, index: Any) -> str:
        """The name of the member at an index, which may be negative."""
        names = list(self._members())
        k = operator.index(index)
        if not -len(names) <= k < len(names):
            raise IndexError(f"{type(self).__name__}: index {k} is out of range for {len(names)} members")
        return names[k]

    def __getitem__(self, index: Any) -> Any:
        kind: Any = type(self)  # a subclass that takes the members as one list
        return kind(list(self)[index]) if isinstance(index, slice) else self._members()[self._name(index)]

    def __len__(self) -> int:
        return len(self._members())

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members().values())

    def __setitem__(self, index: Any, member: Any) -> None:
        self._put(self._name(index), member)

    def __delitem__(self, index: Any) -> None:
        members = list(self)
        del members[index]
        self._set(members)

    def append(self, module: Any) -> Any:
        """Add one at the end; returns itself."""
        self._put(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Any]) -> Any:
        """Add several at the end; returns itself."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"{type(self).__name__}.extend: an iterable is needed, got {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Any) -> Any:
        """Add one before `index`; the ones after it move up."""
        members = list(self)
        if not -len(members) <= index <= len(members):
            raise IndexError(f"{type(self).__name__}.insert: index {index} is out of range for {len(members)} members")
        members.insert(index, module)
        self._set(members)
        return self

    def pop(self, index: Any = -1) -> Any:
        """Take one out and return it."""
        member = self[index]
        del self[index]
        return member


class Sequential(_Numbered):
    """Modules in a row: y = fₙ(… f₂(f₁(x)))

    Sequential(f1, f2, …), or Sequential(OrderedDict([("name", f1), …])) for names instead of numbers."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for k, module in enumerate(args):
                self.add_module(str(k), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]  # no member is None
        return input

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._name(index)]

    def __delitem__(self, index: Any) -> None:
        names = list(self._modules)
        for name in names[index] if isinstance(index, slice) else [self._name(index)]:
            del self._modules[name]
        self._set(list(self)) if all(name.isdecimal() for name in names) else None

    def __add__(self, other: "Sequential") -> "Sequential":
        if not isinstance(other, Sequential):
            raise ValueError(f"Sequential + needs another Sequential, got {type(other).__name__}")
        return Sequential(*self, *other)

    def __iadd__(self, other: "Sequential") -> "Sequential":
        if not isinstance(other, Sequential):
            raise ValueError(f"Sequential += needs another Sequential, got {type(other).__name__}")
        return self.extend(other)

    def __mul__(self, times: int) -> "Sequential":
        if times < 1:
            raise ValueError(f"Sequential * needs a whole number of at least 1, got {times!r}")
        return Sequential(*(list(self) * times))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> "Sequential":
        members = list(self * times)[len(self) :]
        return self.extend(members)


class ModuleList(_Numbered):
    """A list of modules, each registered. It has no forward: use its members one by one."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> "ModuleList":
        return ModuleList([*self, *other])

    def __iadd__(self, other: Iterable[Module]) -> "ModuleList":
        return self.extend(other)

    def __repr__(self) -> str:
        """Members that print alike are printed once: `(0-2): 3 x Linear(...)`."""
        runs: list[list[Any]] = []
        for k, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = k
            else:
                runs.append([k, k, text])
        lines = [f"({a}): {text}" if a == b else f"({a}-{b}): {b - a + 1} x {text}" for a, b, text in runs]
        return f"{self._get_name()}(" + "".join(f"\n  {indented(line)}" for line in lines) + ("\n)" if lines else ")")


class ModuleDict(Module):
    """A dict of modules by name, each registered. It has no forward: use its members by name."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        if key not in self._modules:
            raise _no_key(self, key, self._modules)
        return self._modules[key]  # type: ignore[return-value]  # no member is None

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        self._modules.clear()

    def pop(self, key: str) -> Module:
        module = self[key]
        del self._modules[key]
        return module

    def keys(self) -> Any:
        return self._modules.keys()

    def items(self) -> Any:
        return self._modules.items()

    def values(self) -> Any:
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add modules from a dict or from (name, module) pairs."""
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleDict.update: a dict or (name, module) pairs needed, got {type(modules).__name__}")
        for key, module in modules.items() if hasattr(modules, "items") else modules:
            self[key] = module


class _NoKey(IndexError, KeyError):
    """There is nothing under this name; also a KeyError, as of a dict."""

    __str__ = Exception.__str__


def _no_key(owner: Module, key: Any, names: Iterable[str]) -> _NoKey:
    return _NoKey(f"{type(owner).__name__}: there is no {key!r}; there are {', '.join(map(repr, names)) or 'none'}")


class ParameterList(_Numbered):
    """A list of parameters, each registered; plain tensors become parameters."""

    _store = "_parameters"

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        if values is not None:
            self.extend(values)

    def _put(self, name: str, member: Any) -> None:
        self._parameters[name] = _parameter(self, member)

    def __iadd__(self, other: Iterable[Any]) -> "ParameterList":
        return self.extend(other)

    def extra_repr(self) -> str:
        return "\n".join(f"  ({k}): {_described(p)}" for k, p in enumerate(self))


class ParameterDict(Module):
    """A dict of parameters by name, each registered; plain tensors become parameters."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Parameter:
        if key not in self._parameters:
            raise _no_key(self, key, self._parameters)
        return self._parameters[key]  # type: ignore[return-value]  # no member is None

    def __setitem__(self, key: str, parameter: Any) -> None:
        if key not in self._parameters:
            self._check_name(key, "_parameters")
        self._parameters[key] = _parameter(self, parameter)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __contains__(self, key: object) -> bool:
        return key in self._parameters

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._parameters))

    def __or__(self, other: Any) -> "ParameterDict":
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: Any) -> "ParameterDict":
        made = ParameterDict(other)
        made.update(self)
        return made

    def __ior__(self, other: Any) -> "ParameterDict":
        self.update(other)
        return self

    def copy(self) -> "ParameterDict":
        """A dict of its own with the same parameters."""
        return ParameterDict(OrderedDict(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> "ParameterDict":
        """A ParameterDict with these names, each for the default."""
        return ParameterDict(OrderedDict((key, default) for key in keys))

    def clear(self) -> None:
        self._parameters.clear()

    def pop(self, key: str) -> Parameter:
        parameter = self[key]
        del self._parameters[key]
        return parameter

    def popitem(self) -> tuple[str, Parameter]:
        """Take out the last one: (name, parameter)."""
        key = next(reversed(self), None)
        if key is None:
            raise _no_key(self, "last", ())
        return key, self.pop(key)

    def setdefault(self, key: str, default: Any = None) -> Parameter:
        """The parameter of this name; the default, registered under it, if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self._parameters.get(key, default)

    def keys(self) -> Any:
        return self._parameters.keys()

    def items(self) -> Any:
        return self._parameters.items()

    def values(self) -> Any:
        return self._parameters.values()

    def update(self, parameters: Any) -> None:
        """Add parameters from a dict (a plain one's by their names, as in PyTorch) or from (name, parameter) pairs."""
        pairs = parameters.items() if hasattr(parameters, "items") else parameters
        for key, parameter in sorted(pairs, key=lambda pair: pair[0]) if type(parameters) is dict else pairs:
            self[key] = parameter

    def extra_repr(self) -> str:
        return "\n".join(f"  ({k}): {_described(p)}" for k, p in self.items())


def _parameter(owner: Module, value: Any) -> Parameter:
    if isinstance(value, Parameter):
        return value
    if not isinstance(value, Tensor):
        raise TypeError(f"{type(owner).__name__}: a parameter or a tensor is needed, got {describe(value)}")
    return Parameter(value)


def _described(p: Parameter) -> str:
    size = "x".join(map(str, p.shape))
    where = "" if p.device.type == "cpu" else f" ({p.device})"
    return f"Parameter containing: [{p.dtype} of size {size}{where}]"
