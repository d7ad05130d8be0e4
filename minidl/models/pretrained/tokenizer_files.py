"""The files of a tokenizer: vocab.txt, or vocab.json and merges.txt, or tokenizer.json; and tokenizer_config.json."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import atomic_write
from .hub import find_folder, read_json


@dataclass
class AddedToken:
    """A token that is found in a text as it stands (special), or after lower-casing."""

    content: str
    special: bool = True
    id: int | None = None


def read_tokenizer(kind: Any, folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The arguments with which a tokenizer of this kind is made from a folder."""
    names = kind.vocabulary_names
    place = find_folder(folder, names[0], "tokenizer.json")
    settings = read_json(place / "tokenizer_config.json") if (place / "tokenizer_config.json").is_file() else {}
    whole = read_json(place / "tokenizer.json") if (place / "tokenizer.json").is_file() else {}
    if all((place / name).is_file() for name in names):
        arguments = kind._read_vocabulary(*(place / name for name in names))
    elif whole:
        arguments = kind._read_whole(whole, place / "tokenizer.json")
    else:
        absent = [name for name in names if not (place / name).is_file()]
        raise FileNotFoundError(f"{place} has no {' and no '.join(absent)}, and no tokenizer.json")
    path = place / "special_tokens_map.json"
    old = read_json(path) if path.is_file() else {}
    arguments["added"] = _added(place, {**old, **settings}, whole)
    for table in (old, settings):
        for name in (*SETTINGS, *kind.options):
            if name in table:
                arguments[name] = _content(table[name])
    return arguments


SETTINGS = ("unk_token", "sep_token", "pad_token", "cls_token", "mask_token", "bos_token", "eos_token",
            "model_max_length", "padding_side", "truncation_side", "clean_up_tokenization_spaces")  # fmt: skip


def _added(place: Path, settings: dict[str, Any], whole: dict[str, Any]) -> list[AddedToken]:
    """The tokens beyond the vocabulary, wherever the files of one generation or another note them."""
    found: dict[str, AddedToken] = {}
    for entry in whole.get("added_tokens", []):
        found[entry["content"]] = AddedToken(entry["content"], entry.get("special", True), entry["id"])
    extra = settings.get("extra_special_tokens") or settings.get("additional_special_tokens") or []
    special = [_content(token) for token in (extra.values() if isinstance(extra, dict) else extra)]
    for id, entry in settings.get("added_tokens_decoder", {}).items():
        found.setdefault(entry["content"], AddedToken(entry["content"], entry.get("special", True), int(id)))
    if (place / "added_tokens.json").is_file():
        for content, id in read_json(place / "added_tokens.json").items():
            found.setdefault(content, AddedToken(content, content in special, id))
    for content in special:
        found.setdefault(content, AddedToken(content))
    return sorted(found.values(), key=lambda token: (token.id is None, token.id))


def _content(value: Any) -> Any:
    """A token that may be written as an object with its flags."""
    return value["content"] if isinstance(value, dict) and "content" in value else value


def write_tokenizer(tokenizer: Any, folder: str | os.PathLike[str]) -> None:
    """Write a tokenizer's vocabulary and tokenizer_config.json, each file whole or not at all."""
    os.makedirs(folder, exist_ok=True)
    settings = {name: getattr(tokenizer, name) for name in (*SETTINGS, *tokenizer.options)}
    added = tokenizer._added
    settings["tokenizer_class"] = type(tokenizer).__name__
    settings["added_tokens_decoder"] = {
        str(tokenizer._ids[t]): {
            "content": t, "special": a.special, "normalized": not a.special,
            "lstrip": False, "rstrip": False, "single_word": False,
        }
        for t, a in sorted(added.items(), key=lambda item: tokenizer._ids[item[0]])
    }  # fmt: skip
    named = {getattr(tokenizer, name) for name in SETTINGS if name.endswith("_token")}
    if extra := [t for t, a in added.items() if a.special and t not in named]:
        settings["additional_special_tokens"] = extra
    text = json.dumps({k: v for k, v in settings.items() if v is not None}, indent=2, ensure_ascii=False)
    for name, content in {**tokenizer._vocabulary_files(), "tokenizer_config.json": text + "\n"}.items():
        with atomic_write(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
            file.write(content)
