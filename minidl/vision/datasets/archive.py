"""Archives, unpacked into their folder and nowhere else."""

import bz2
import gzip
import lzma
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from ...files import atomic_write
from .errors import BadFile

PathLike = str | os.PathLike[str]
OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
SHORT = {".tgz": ".tar.gz", ".tbz": ".tar.bz2", ".tbz2": ".tar.bz2", ".txz": ".tar.xz"}
BROKEN: tuple[type[Exception], ...] = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)
BROKEN += (EOFError, gzip.BadGzipFile, ValueError, NotImplementedError, RuntimeError, OverflowError)
ZIP_KINDS = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
LARGEST_READ = 1 << 20  # bytes at once: what a header asks for beyond that is not a path


class Member(NamedTuple):
    name: str
    what: str  # "file", "folder", or what it is instead
    size: int
    open: Callable[[], Any]


def extract_archive(
    from_path: PathLike, to_path: PathLike | None = None, remove_finished: bool = False, *, limit: int | None = None
) -> str:
    """Unpack a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip into `to_path` (by default beside it), and return that folder;
    a lone .gz, .bz2 or .xz becomes the file without that ending, whose path is returned.

    Every member is checked before the first is written. Only files and folders are unpacked: a link, a device, an
    absolute path or one that leads out of the folder is refused, and so is what would take more than `limit` bytes
    (by default, than the disk has)."""
    source = Path(from_path)
    folder = Path(to_path) if to_path is not None else source.parent
    kind, compression = _kind(source)
    folder.mkdir(parents=True, exist_ok=True)
    limit = shutil.disk_usage(folder).free if limit is None else limit
    result = folder
    try:
        if kind:
            with _tar(source, compression) if kind == ".tar" else _zip(source) as members:
                _unpack(members, source, folder, limit)
        else:
            result = folder / source.stem
            with OPENERS[compression](source) as packed, atomic_write(result) as file:
                _copy(packed, file, limit, source, source.stem)
    except BadFile:
        raise
    except BROKEN as error:
        raise BadFile(f"{source} is cut off, damaged or no {kind}{compression} file: {error}") from error
    if remove_finished:
        source.unlink()
    return str(result)


def _kind(source: Path) -> tuple[str, str]:
    """(".tar" or ".zip" or "", ".gz" or ".bz2" or ".xz" or "")"""
    name = source.name.lower()
    for short, long in SHORT.items():
        name = name.removesuffix(short) + long if name.endswith(short) else name
    stem, ending = os.path.splitext(name)
    if ending in (".tar", ".zip"):
        return ending, ""
    if ending in OPENERS:
        return (".tar" if stem.endswith(".tar") else ""), ending
    known = ", ".join([".tar", *(f".tar{c}" for c in OPENERS), *SHORT, ".zip", *OPENERS])
    raise BadFile(f"{source}: unknown kind of archive; the endings that can be unpacked are {known}")


def _unpack(members: Callable[[], Iterator[Member]], source: Path, folder: Path, limit: int) -> None:
    root, total = os.path.realpath(folder), 0
    for member in members():
        total += member.size
        problem = _problem(member, root)
        if problem:
            raise BadFile(f"{source}: the member {member.name!r} {problem}; nothing was unpacked")
        if total > limit:
            raise BadFile(f"{source} would unpack to more than {limit:,} bytes; nothing was unpacked")
    for member in members():
        path = Path(root, member.name)
        if member.what == "folder":
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as packed, atomic_write(path) as file:
            _copy(packed, file, member.size, source, member.name)


def _problem(member: Member, root: str) -> str | None:
    """Why a member is not unpacked. Windows' separators and drives count everywhere: an archive travels."""
    name = member.name.replace("\\", "/")
    if "\0" in name or not name.strip("/"):
        return "has no usable name"
    if name.startswith("/") or name[1:2] == ":":
        return "has an absolute path"
    if ".." in name.split("/"):
        return "leads out of the folder"
    if member.what not in ("file", "folder"):
        return f"is a {member.what}, and only files and folders are unpacked"
    place = os.path.realpath(os.path.join(root, name))  # follows the links that are in the folder already
    if os.path.commonpath([root, place]) != root:
        return "leads out of the folder, through a link that is there"
    return None


def _copy(packed: IO[bytes], file: IO[bytes], limit: int, source: Path, name: str) -> None:
    done = 0
    while chunk := packed.read(min(LARGEST_READ, limit - done + 1)):
        done += len(chunk)
        if done > limit:
            raise BadFile(f"{source}: {name!r} unpacks to more than {limit:,} bytes")
        file.write(chunk)


class _Careful:
    """A file for tarfile, which reads as much at once as a header asks for: a header may lie."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self._file = file.seek, file.tell, file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise BadFile(f"{getattr(self._file, 'name', 'the archive')}: a header asks for {size:,} bytes")
        return self._file.read(size)


@contextmanager
def _tar(source: Path, compression: str) -> Iterator[Callable[[], Iterator[Member]]]:
    with OPENERS.get(compression, open)(source, "rb") as file:

        def members() -> Iterator[Member]:
            file.seek(0)
            with tarfile.open(fileobj=_Careful(file), mode="r:") as tar:  # type: ignore[call-overload]  # file-like enough
                while (m := tar.next()) is not None:
                    tar.members.clear()  # else it remembers every header
                    what = "file" if m.isreg() and not m.issparse() else "folder" if m.isdir() else "special file"
                    what = "link" if m.issym() or m.islnk() else what
                    yield Member(m.name, what, m.size if what == "file" else 0, partial(tar.extractfile, m))

        yield members


@contextmanager
def _zip(source: Path) -> Iterator[Callable[[], Iterator[Member]]]:
    with zipfile.ZipFile(source) as zip:

        def members() -> Iterator[Member]:
            for m in zip.infolist():
                mode = stat.S_IFMT(m.external_attr >> 16)
                what = ZIP_KINDS.get(mode, "special file")
                what = "folder" if m.is_dir() and what == "file" else what
                yield Member(m.filename, what, m.file_size, partial(zip.open, m))

        yield members
