"""Downloading and unpacking under torchvision's names."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from .archive import PathLike as PathLike
from .archive import extract_archive as extract_archive
from .download import fetch, md5_of


def calculate_md5(fpath: PathLike, chunk_size: int = 1024 * 1024) -> str:
    return md5_of(fpath)


def check_md5(fpath: PathLike, md5: str, **kwargs: Any) -> bool:
    return md5_of(fpath) == md5


def check_integrity(fpath: PathLike, md5: str | None = None) -> bool:
    """Is the file there, and with this checksum if one is given?"""
    return os.path.isfile(fpath) and (md5 is None or md5_of(fpath) == md5)


def download_url(url: str, root: PathLike, filename: str | None = None, md5: str | None = None) -> None:
    """Fetch one file into a folder, unless it is there with this checksum."""
    filename = filename or os.path.basename(unquote(urlparse(url).path))
    if not filename or filename != os.path.basename(filename):
        raise ValueError(f"download_url: {url} names no file; pass filename=")
    fetch(filename, [url], Path(root).expanduser(), md5)


def download_and_extract_archive(
    url: str,
    download_root: PathLike,
    extract_root: PathLike | None = None,
    filename: str | None = None,
    md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    filename = filename or os.path.basename(unquote(urlparse(url).path))
    download_root = Path(download_root).expanduser()
    download_url(url, download_root, filename, md5)
    extract_archive(download_root / filename, extract_root or download_root, remove_finished)


def verify_str_arg(
    value: Any, arg: str | None = None, valid_values: Iterable[str] | None = None, custom_msg: str | None = None
) -> str:
    """The value, if it is one of the strings allowed."""
    name = f"argument {arg}" if arg else "the argument"
    if not isinstance(value, str):
        raise ValueError(f"Expected type str for {name}, but got type {type(value)}.")
    if valid_values is not None and value not in (valid := list(valid_values)):
        raise ValueError(custom_msg or f"Unknown value '{value}' for {name}. Valid values are {valid}.")
    return value
