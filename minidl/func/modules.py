"""Modules as functions of their parameters."""

from collections.abc import Sequence
from typing import Any

from ..autograd import OPS, Tensor


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """module(*args, **kwargs) with these tensors, by name, in place of its parameters and buffers.

    tie_weights: what the module holds under several names is replaced under all of them. strict: every parameter and
    buffer must be given."""
    given: dict[str, Tensor] = {}
    several = isinstance(parameter_and_buffer_dicts, Sequence)
    for part in parameter_and_buffer_dicts if several else (parameter_and_buffer_dicts,):
        twice = sorted(set(given) & set(part))
        if twice:
            raise ValueError(f"functional_call: {', '.join(twice)} is in several of the dictionaries")
        given.update(part)
    places = _places(module)
    unknown, missing = sorted(set(given) - set(places)), sorted(set(places) - set(given))
    if unknown or (strict and missing):
        what = f"unexpected {', '.join(unknown)}" if unknown else f"missing {', '.join(missing)}"
        raise RuntimeError(f"functional_call: {type(module).__name__} and the given names differ: {what}")
    if tie_weights:
        given = _tied(places, given)
    before = []
    try:
        for name, value in given.items():
            store, key = places[name]
            before.append((store, key, store[key]))
            store[key] = value
        positional = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*positional, **(kwargs or {}))
    finally:
        for store, key, value in reversed(before):
            store[key] = value


def _places(module: Any) -> dict[str, tuple[dict[str, Any], str]]:
    """For each name of a parameter or buffer, the dictionary that holds it and its key there."""
    found = {}
    for prefix, part in module.named_modules(remove_duplicate=False):
        for store in (part._parameters, part._buffers):
            for key, value in store.items():
                if value is not None:
                    found[f"{prefix}.{key}" if prefix else key] = (store, key)
    return found


def _tied(places: dict[str, tuple[dict[str, Any], str]], given: dict[str, Tensor]) -> dict[str, Tensor]:
    """What is given, also under the other names of the same tensors."""
    made = dict(given)
    groups: dict[int, list[str]] = {}
    for name, (store, key) in places.items():
        groups.setdefault(id(store[key]), []).append(name)
    for names in groups.values():
        values = [given[name] for name in names if name in given]
        if any(v is not values[0] for v in values):
            raise ValueError(f"functional_call: {', '.join(names)} are one tensor, but several were given for it")
        if values:
            made.update(dict.fromkeys(names, values[0]))
    return made


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of like modules, each stacked along a new first axis: what vmap maps over."""
    if not models:
        raise RuntimeError("stack_module_state: at least one module is needed")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: the modules must all be of one class")
    if any(m.training != models[0].training for m in models):
        raise RuntimeError("stack_module_state: the modules must all be in training, or all in evaluation mode")

    def stacked(columns: list[dict[str, Tensor]], wanted: bool) -> dict[str, Tensor]:
        made = {}
        for name in columns[0]:
            rows = [OPS.reshape(c[name].detach(), shape=(1, *c[name].shape)) for c in columns]
            made[name] = OPS.concatenate(*rows, axis=0)
            made[name].requires_grad = wanted and columns[0][name].requires_grad
        return made

    return (
        stacked([dict(m.named_parameters()) for m in models], True),
        stacked([dict(m.named_buffers()) for m in models], False),
    )
