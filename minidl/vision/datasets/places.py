"""Where data lie: under `root`, under the folder that MINIDL_DATA names, or in the user's cache."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path


def data_home() -> Path:
    """The folder for data sets without a `root`: $MINIDL_DATA, or the place this system has for caches."""
    if os.environ.get("MINIDL_DATA"):
        return Path(os.environ["MINIDL_DATA"]).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "minidl" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/minidl"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minidl"


def bases(root: str | os.PathLike[str] | None) -> list[Path]:
    """The folders to look under, in order: `root`, then $MINIDL_DATA; the user's cache where there is no `root`."""
    found = [] if root is None else [Path(root).expanduser()]
    if root is None or os.environ.get("MINIDL_DATA"):
        found.append(data_home())
    return found


def find(folders: Iterable[Path], names: Iterable[str], endings: Iterable[str] = ("",)) -> list[Path] | None:
    """The files of these names from the first folder that has them all; each may have one of the endings."""
    names, endings = list(names), list(endings)
    for folder in folders:
        files = [next((p for e in endings if (p := folder / (name + e)).is_file()), None) for name in names]
        there = [f for f in files if f is not None]
        if len(there) == len(names):
            return there
    return None
