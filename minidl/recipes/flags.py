"""The settings of a recipe as flags of the shell, made from its fields and those of its network's config."""

import argparse
import dataclasses
import types
import typing
from typing import Any

from .recipe import Recipe
from .runs import with_settings


def add_flags(parser: argparse.ArgumentParser, recipe: Recipe) -> None:
    for group, part in (("training", recipe), ("the network", recipe.config)):
        if part is None:
            continue
        add, hints = parser.add_argument_group(group).add_argument, typing.get_type_hints(type(part))
        for field in dataclasses.fields(part):
            if field.name == "config":
                continue
            default = getattr(part, field.name)
            flag, kind = f"--{field.name.replace('_', '-')}", hints[field.name]
            text = "default: none" if default is None else f"default: {default}"
            if kind is bool:
                add(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
            else:
                many: dict[str, Any] = {"nargs": "+"} if typing.get_origin(kind) is tuple else {}
                add(flag, type=one(kind), default=argparse.SUPPRESS, help=text, metavar=letter(kind), **many)


def one(kind: Any) -> Any:
    """What turns a word into a value of this type; of `int | None` an int, of `tuple[int, ...]` each an int."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union, tuple):
        kind = next(part for part in typing.get_args(kind) if part not in (type(None), ...))
    return kind


def letter(kind: Any) -> str:
    return {int: "N", float: "X"}.get(one(kind), "WORD")


def apply(recipe: Recipe, given: dict[str, Any]) -> Recipe:
    """The recipe with the flags that were given."""
    own = {field.name for field in dataclasses.fields(recipe)}
    network = {name: value for name, value in given.items() if name not in own}
    made = with_settings(recipe, {**{n: v for n, v in given.items() if n in own}, "config": network})
    check(made)
    return made


def check(recipe: Recipe) -> None:
    for name in ("epochs", "batch", "limit", "patience"):
        value = getattr(recipe, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} is 1 or more, got {value}")
    for name in ("lr", "clip"):
        value = getattr(recipe, name)
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(f"--{name} is a number above 0, got {value}")
