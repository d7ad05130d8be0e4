"""Where a model's files are: in a folder, or under its name on the hub."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...vision.datasets.places import data_home

# A model's files on the hub: not its weights for other frameworks, nor in subfolders.
PLAIN = ["config.json", "vocab.txt", "vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json",
         "special_tokens_map.json", "added_tokens.json"]  # fmt: skip
WEIGHTS = ["model*.safetensors", "model.safetensors.index.json"]
OLD_WEIGHTS = ["pytorch_model*.bin", "pytorch_model.bin.index.json"]


class NotFound(FileNotFoundError):
    """A model's files that are neither here nor to be had."""


def find_folder(source: str | os.PathLike[str], *needed: str) -> Path:
    """The folder of a model: `source` itself, or for a name such as "bert-base-uncased" the folder that holds its copy.

    needed: one of these files must be there. A name is looked for under $MINIDL_DATA/models, or models/ in the user's
    cache; then, where huggingface_hub is installed, in that library's own cache, and on the hub, from where it is
    downloaded to the first of these places."""
    folder, name = Path(source).expanduser(), os.fspath(source)
    if folder.is_dir():
        if not any((folder / file).is_file() for file in needed):
            there = ", ".join(sorted(p.name for p in folder.iterdir())[:12]) or "nothing"
            raise NotFound(f"{folder} has no {' or '.join(needed)}; there is {there}")
        return folder
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) or ".." in name:
        raise NotFound(f"there is no folder {name!r}, and it is no name on the hub, such as 'bert-base-uncased'")
    folder = data_home() / "models" / name
    if any((folder / file).is_file() for file in needed):
        return folder
    for place in _places(name, folder):
        if any((place / file).is_file() for file in needed):
            return place
    raise NotFound(f"{name!r} on the hub has no {' or '.join(needed)}")


def _places(name: str, folder: Path) -> Iterator[Path]:
    """Where huggingface_hub has the files of a name: in its cache, then in the folder, downloaded."""
    by_hand = (
        f"Put its files by hand into {folder}: config.json, model.safetensors (or pytorch_model.bin) and the "
        f"tokenizer's (vocab.txt; vocab.json and merges.txt for GPT-2; or tokenizer.json), from "
        f"https://huggingface.co/{name}/tree/main; or pass the folder where they are."
    )
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise NotFound(
            f"there is no folder {name!r}, and downloading it from the hub needs huggingface_hub: "
            f"pip install 'minidl[nlp]'. {by_hand}"
        ) from None
    with suppress(OSError, ValueError):  # where the cache has nothing of this name
        yield Path(snapshot_download(name, local_files_only=True))
    try:
        snapshot_download(name, local_dir=folder, allow_patterns=PLAIN + WEIGHTS)
        if not any(folder.glob("model*.safetensors")):
            snapshot_download(name, local_dir=folder, allow_patterns=PLAIN + OLD_WEIGHTS)
    except Exception as error:  # the hub's own errors, its HTTP client's and the operating system's
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise NotFound(f"there is no folder {name!r}, and the hub did not give it ({lines[0]}). {by_hand}") from error
    yield folder


def read_json(path: Path) -> Any:
    """What a JSON file says; a broken one is an error that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON: {error}") from None
