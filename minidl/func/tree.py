"""Values inside values: tensors in tuples, lists and dictionaries, taken out in order and put back."""

from collections.abc import Callable, Iterator
from typing import Any


def leaves(value: Any) -> list[Any]:
    """What stands in tuples, lists and dictionaries, however nested, in order."""
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, (tuple, list)):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


def rebuilt(value: Any, new: Iterator[Any]) -> Any:
    """The same nest with other leaves."""
    if isinstance(value, dict):
        parts = [(key, rebuilt(part, new)) for key, part in value.items()]
        return type(value)(parts)
    if isinstance(value, (tuple, list)):
        made = [rebuilt(part, new) for part in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    return next(new)


def mapped(function: Callable[..., Any], value: Any, *others: Any) -> Any:
    """The same nest, with a function of each leaf (and of those at its place in nests of the same form)."""
    columns = [leaves(value), *(leaves(other) for other in others)]
    return rebuilt(value, iter([function(*row) for row in zip(*columns, strict=True)]))
