"""A module called with other parameters than its own, and modules whose parameters are not drawn."""

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...autograd import Tensor
from ..module import Module


def functional_call(
    module: Module,
    parameters_and_buffers: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs) with these tensors in place of its parameters and buffers, by path; it keeps its own.

    What is not named stays. Gradients reach the given tensors. tie_weights: a tensor that the module has under two
    names is replaced under both. strict: every parameter and buffer must be named, and nothing else."""
    given: dict[str, Tensor] = {}
    several = isinstance(parameters_and_buffers, (list, tuple))
    for part in parameters_and_buffers if several else (parameters_and_buffers,):
        given.update(part)  # type: ignore[arg-type]  # each is a mapping
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


@contextlib.contextmanager
def _swapped(module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    places: dict[str, tuple[dict[str, Any], str]] = {}  # by path: the store, and the name in it
    for path, inner in module.named_modules(remove_duplicate=False):
        for store in (inner._parameters, inner._buffers):
            for name, member in store.items():
                if member is not None:
                    places[f"{path}.{name}" if path else name] = (store, name)  # type: ignore[assignment]
    unknown = sorted(set(given) - set(places))
    missing = [path for path in places if path not in given]
    if strict and (unknown or missing):
        raise RuntimeError(f"functional_call: missing {missing}, unexpected {unknown}")
    if unknown:
        raise AttributeError(f"functional_call: {type(module).__name__} has no parameter or buffer {unknown[0]!r}")
    same: dict[int, list[str]] = {}
    for path, (store, name) in places.items():
        same.setdefault(id(store[name]), []).append(path)
    wanted = dict(given)
    if tie_weights:
        for path, value in given.items():
            store, name = places[path]
            for other in same[id(store[name])]:
                if wanted.setdefault(other, value) is not value and other in given:
                    raise ValueError(f"functional_call: {path!r} and {other!r} are one tensor, but two are given")
    before = [(store, name, store[name]) for store, name in (places[path] for path in wanted)]
    try:
        for path, value in wanted.items():
            store, name = places[path]
            store[name] = value
        yield
    finally:
        for store, name, member in before:
            store[name] = member


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module whose parameters hold whatever the memory held: for those that will be loaded or drawn otherwise."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    plain: Any = type(module_cls.__name__, (module_cls,), {"reset_parameters": lambda self: None})
    made: Any = plain(*args, **kwargs)
    made.__class__ = module_cls
    return made
