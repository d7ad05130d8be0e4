"""Files from the network: mirrors, resumption, checksum, one atomic rename.

Written on urllib: pooch, the usual choice, starts over from the first byte after every interruption."""

import hashlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from .errors import DownloadError

TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 5  # per address, as long as each brings something
CHUNK = 1 << 18


def md5_of(path: str | os.PathLike[str]) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def fetch(
    name: str, urls: Sequence[str], folder: str | os.PathLike[str], md5: str | None = None, limit: int | None = None
) -> Path:
    """The file `name` in `folder`, from the first address that gives it right.

    Bytes gather in `name.part`, where an interrupted download goes on; the name is taken once the checksum is right.
    `limit` is the most bytes that will be accepted."""
    folder = Path(folder)
    target, part = folder / name, folder / f"{name}.part"
    problems: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder / f".{name}.lock"):
            if target.is_file() and md5 in (None, md5_of(target)):
                return target  # already there, or fetched by another process while this one waited
            if md5 is None:
                part.unlink(missing_ok=True)  # without a checksum nobody could tell whether the halves fit
            for url in urls:
                problem = _from(url, part, md5, limit)
                if problem is None:
                    os.replace(part, target)
                    return target
                problems.append(f"{url}\n        {problem}")
    except PermissionError as error:
        problems.append(f"{folder}\n        {error}")
    raise DownloadError(
        f"{name} could not be downloaded:\n    " + "\n    ".join(problems) + "\n"
        f"Without a network: fetch {name} from one of these addresses on another machine and put it into the folder\n"
        f"    {folder.absolute()}\n({f'md5 {md5}' if md5 else 'no md5 is known'}), then run this again; or set the "
        "environment variable MINIDL_DATA to a folder that already holds the data."
    )


def _from(url: str, part: Path, md5: str | None, limit: int | None) -> str | None:
    """Complete `part` from one address; None, or what went wrong there."""
    problem = None
    for _ in range(ATTEMPTS):
        before = part.stat().st_size if part.exists() else 0
        try:
            _transfer(url, part, limit)
        except (OSError, HTTPException, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"
            if isinstance(error, HTTPError) or not part.exists() or part.stat().st_size <= before:
                return problem  # it gave nothing: no use in asking again
            continue
        found = md5_of(part)
        if md5 in (None, found):
            return None
        part.unlink()
        problem = f"the wrong file: its md5 is {found}, expected {md5}"
        if not before:
            return problem
        # else the first half may have been at fault, so once more from the start
    return problem


def _transfer(url: str, part: Path, limit: int | None) -> None:
    """Append to `part` what the address has beyond it."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "minidl"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        if error.code != 416 or not have:
            raise
        if error.headers.get("Content-Range") != f"bytes */{have}":
            part.unlink()  # longer than the file: what is there cannot be a part of it
            _transfer(url, part, limit)
        return
    with answer:
        ranged = getattr(answer, "status", None) == 206
        if ranged and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise OSError(f"asked for the bytes from {have} on, it sent {answer.headers.get('Content-Range')!r}")
        done = have if ranged else 0  # a server that knows no ranges starts over
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length is not None else None
        with open(part, "ab" if ranged else "wb") as file, _progress(part.stem, url, done, total) as show:
            for chunk in iter(lambda: answer.read(CHUNK), b""):
                done += len(chunk)
                if limit is not None and done > limit:
                    file.truncate(0)
                    raise OSError(f"it sends more than the {limit:,} bytes the file can have")
                file.write(chunk)
                show(done)
    if total is not None and done < total:
        raise OSError(f"the connection ended after {done:,} of {total:,} bytes")


@contextmanager
def _progress(name: str, url: str, start: int, total: int | None) -> Iterator[Any]:
    """A line that rewrites itself on a terminal; elsewhere a plain line for each quarter."""
    terminal, began, shown = sys.stderr.isatty(), time.monotonic(), [0.0, start / total if total else 0.0]

    def line(done: int, end: str) -> None:
        speed = (done - start) / max(time.monotonic() - began, 1e-3)
        share = f"{100 * done // total:3d}% of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        print(f"{name}: {share}, {speed / 1e6:.1f} MB/s", end=end, file=sys.stderr, flush=True)

    def show(done: int) -> None:
        now = time.monotonic()
        last = done == total
        if terminal and (last or now - shown[0] > 0.1):
            shown[0] = now
            line(done, "\r")
        elif not terminal and total and (last or done / total >= shown[1] + 0.25):
            shown[1] = done / total
            line(done, "\n")

    resumed = f", from byte {start:,} on" if start else ""
    print(f"downloading {name} from {url}{resumed}", file=sys.stderr, flush=True)
    yield show
    if terminal:
        print(file=sys.stderr)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One process at a time; the others wait. The operating system lets go for a process that dies."""
    with open(path, "a+b") as file:
        try:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        except ImportError:  # Windows, where an open file cannot be removed either
            import msvcrt

            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined]  # there on Windows
                    break
                except OSError:
                    continue  # it gives up after ten seconds, and a download takes longer
        yield
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        pass  # Windows, where another process waits for it
