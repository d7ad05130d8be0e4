"""The log of a run: a line of JSON for whatever happened, in the file and nowhere else."""

import json
import math
import os
from pathlib import Path
from typing import Any

from ..files import atomic_write


class Log:
    """Lines of JSON in a file. A run that is taken up again drops the lines that its checkpoint has not seen."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def write(self, **values: Any) -> None:
        """Append one line, in one write: a kill leaves all of it or none of it, or at worst a last line cut short."""
        self.append(json.dumps({k: jsonable(v) for k, v in values.items()}))

    def append(self, line: str) -> None:
        with open(self.path, "ab") as file:
            file.write(f"{line}\n".encode())

    def sync(self) -> None:
        """Bring what was written to the disk."""
        with open(self.path, "ab") as file:
            os.fsync(file.fileno())

    def lines(self) -> list[bytes]:
        """The complete ones."""
        text = self.path.read_bytes() if self.path.exists() else b""
        return [line for line in text.splitlines(keepends=True) if line.endswith(b"\n")]

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def cut(self, count: int) -> int:
        """Keep the first so many lines; returns how many there are then: fewer, where the file has lost some."""
        kept = self.lines()[:count]
        with atomic_write(self.path) as file:
            file.writelines(kept)
        return len(kept)


def jsonable(value: Any) -> Any:
    """JSON has no NaN, no infinity and no arrays."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [jsonable(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
