"""Files that are whole or absent: written beside their place, then moved there in one step."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any


@contextmanager
def atomic_write(path: str | os.PathLike[str], mode: str = "wb", **kwargs: Any) -> Iterator[IO[Any]]:
    """Open a file for writing that takes its name only once it is complete and on the disk.

    A kill at any moment leaves the old file or the new one (and perhaps a hidden `.name.….part` beside it: seldom on
    Linux, where unfinished files need no name); an error leaves the old one and no trace. A link stays a link, to the
    new file. Permissions follow the umask."""
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):  # /dev/null or a pipe is written into, not replaced
        with open(path, mode, **kwargs) as file:
            yield file
        return
    folder, name = os.path.split(path)
    # The name is cut so that a name as long as the file system allows still leaves room for the rest.
    temporary = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(6)}.part")
    try:
        handle, unnamed = _open(folder, temporary)
    except OSError as error:
        error.filename = path  # what the user asked for
        raise
    try:
        with os.fdopen(handle, mode, **kwargs) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if unnamed:  # src_dir_fd has no meaning here, but makes Python follow the link that stands for the file
                os.link(f"/proc/self/fd/{handle}", temporary, src_dir_fd=handle)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):  # an interrupt right after the move
            os.unlink(temporary)
        raise
    with suppress(OSError):  # the move itself reaches the disk, where folders can be synchronised (not on Windows)
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _open(folder: str, temporary: str) -> tuple[int, bool]:
    """A new file to write into, and whether it still needs a name: one without vanishes if this process is killed."""
    if hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
        with suppress(OSError):  # not every file system can
            return os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), True
    return os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), False
