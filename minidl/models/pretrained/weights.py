"""The weight files of a folder, and how their names meet the model's."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import minidl
from minidl import Tensor

from .hub import read_json

SINGLE = ("model.safetensors", "pytorch_model.bin")
SHARDED = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
FILES = (SINGLE[0], SHARDED[0], SINGLE[1], SHARDED[1])  # the order in which they are looked for

Shape = tuple[int, ...]

OLD_NAMES = ((r"\bgamma$", "weight"), (r"\bbeta$", "bias"))  # TensorFlow's, in the first files on the hub


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The tensors in a folder by name: of model.safetensors, of its shards, or of pytorch_model.bin."""
    found = next(name for name in FILES if (folder / name).is_file())
    if found in SINGLE:
        return _tensors(folder / found)
    index = read_json(folder / found)
    parts = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(parts, dict) or not all(isinstance(p, str) and os.path.basename(p) == p for p in parts.values()):
        raise ValueError(f"{folder / found}: its weight_map is no table of files in this folder")
    tensors: dict[str, Tensor] = {}
    for part in sorted(set(parts.values())):
        if not (folder / part).is_file():
            raise FileNotFoundError(f"{folder / found} names {part}, which is not in the folder")
        tensors.update(_tensors(folder / part))
    if absent := sorted(parts.keys() - tensors):
        raise ValueError(f"{folder / found} names weights that no part has: {shortened(absent)}")
    return tensors


def _tensors(path: Path) -> dict[str, Tensor]:
    tensors = minidl.load(path)
    if not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise ValueError(f"{path} is no table of tensors by name")
    return tensors


@dataclass
class Match:
    """What of a file goes where in a model."""

    written: list[str] = field(default_factory=list)  # all the file's names
    found: dict[str, Tensor] = field(default_factory=dict)  # by the model's names
    missing: list[str] = field(default_factory=list)  # the model's names that the file lacks
    unexpected: list[str] = field(default_factory=list)  # the file's that the model lacks
    mismatched: list[tuple[str, Shape, Shape]] = field(default_factory=list)  # the file's shape, the model's

    @property
    def fresh(self) -> list[str]:
        """What starts anew."""
        return self.missing + [name for name, _, _ in self.mismatched]


def match_weights(
    tensors: dict[str, Tensor], shapes: dict[str, Any], prefix: str,
    renames: Iterable[tuple[str, str]] = (), ignored: str | None = None, tied: dict[str, str] | None = None,
) -> Match:  # fmt: skip
    """Lay the tensors of a file beside the shapes that a model expects under its names.

    prefix: what stands before the names of the model without a head, in the model with one ("bert."); either may be in
    the file. renames: regular expressions for older names, and the names now. ignored: names that mean nothing any
    more. tied: weights that are another one of the model's, so that the file may hold either."""
    match, tied = Match(list(tensors)), tied or {}
    rules = [(re.compile(old), new) for old, new in (*OLD_NAMES, *renames)]
    for written, tensor in tensors.items():
        name = written
        for rule, new in rules:
            name = rule.sub(new, name)
        places = (name, prefix + name, name.removeprefix(prefix))
        place = next((p for p in places if p in shapes), None)
        if place is None:
            if not ignored or not re.search(ignored, name):
                match.unexpected.append(written)
        elif tuple(tensor.shape) != tuple(shapes[place]):
            match.mismatched.append((place, tuple(tensor.shape), tuple(shapes[place])))
        else:
            match.found[place] = tensor
    for alias, name in tied.items():
        if alias in match.found:
            match.found.setdefault(name, match.found[alias])
        match.found.pop(alias, None)
    wrong = {name for name, _, _ in match.mismatched}
    match.missing = [name for name in shapes if name not in match.found and name not in wrong and name not in tied]
    return match


def shortened(names: list[str], most: int = 6) -> str:
    """The first few of many names."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
