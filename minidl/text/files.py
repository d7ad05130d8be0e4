"""Files of text: one line an example, plain or gzipped, in UTF-8 or in the old code of Western Europe."""

import gzip
import os
import zlib
from pathlib import Path

from ..vision.datasets.errors import BadFile

LARGEST = 1 << 28  # bytes of text that one file may unpack to; the largest set here has 2 million


def read_text(path: str | os.PathLike[str], limit: int = LARGEST) -> str:
    """All of a file. What is no UTF-8 is Windows-1252, Latin-1 with dashes and quotes where that has control codes."""
    path = Path(path)
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        try:
            data = file.read(limit + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadFile(f"{path} is cut off or damaged: {error}") from error
    if len(data) > limit:
        raise BadFile(f"{path} holds more than the {limit:,} bytes that are read of a text")
    if b"\0" in data:
        raise BadFile(f"{path} is no text: it holds the byte 0")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n")


def read_lines(path: str | os.PathLike[str], blank: bool = False) -> list[str]:
    """The lines of a file without the spaces around them; blank: keep those with nothing in them.

    Only a line feed ends a line: str.splitlines would also break at the U+0085 and U+2028 that some texts contain."""
    text = read_text(path).removesuffix("\n")
    return [line.strip() for line in text.split("\n") if blank or line.strip()] if text else []
