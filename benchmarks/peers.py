"""How long is a training step beside those of other frameworks on NumPy?

Each peer's program is its own (`_peers.py`): its layers where it has them, its optimizer where it has one. Weights,
batches and the first five losses are the same in all. `--python` names the interpreters that have the peers: Chainer
and DeZero need a NumPy before 1.24, the others run on today's. Times are milliseconds, medians with quartiles, and how
many times as long as minidl's step that is; "fastest" is that of the best of them.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from ._networks import kinds
from ._peers import LACKS, PEERS, PROGRAMS, SHAPES
from ._pictures import ratios
from ._processes import measure
from ._table import Row, Table, options, run, timing


def times(row: Row) -> dict[str, float]:
    """How many times minidl's time each peer takes."""
    return {name: row[name]["step"][0] / row["minidl"]["step"][0] for name in PEERS if name in row}


def cell(row: Row, name: str) -> str:
    return f"{timing(row[name]['step'])}, {times(row)[name]:.1f} ×" if name in row else "–"


def about(rows: dict[str, Row]) -> str:
    found = [min(times(row).values()) for row in rows.values() if times(row)]
    text = f"The fastest of them takes {min(found):.1f} to {max(found):.1f} times as long as minidl." if found else ""
    missing = [name for name in PEERS if not any(name in row for row in rows.values())]
    return text + (f" Not installed: {', '.join(missing)}." if missing else "")


TABLE = Table(
    "peers",
    {
        "minidl ms": lambda row: timing(row["minidl"]["step"]),
        **{f"{name} ms": lambda row, name=name: cell(row, name) for name in PEERS},
        "fastest": lambda row: f"{min(times(row).values(), default=float('nan')):.1f} ×",
        "MB (in this order)": lambda row: ", ".join(
            f"{row[name]['MB']:.0f}" if name in row else "–" for name in ("minidl", *PEERS)
        ),
    },
    about,
    widest=28,
)


def draw(rows: dict[str, Row]) -> Any:
    series = {name: [times(row).get(name, float("nan")) for row in rows.values()] for name in PEERS}
    return ratios(list(rows), series, "the peer's time, divided by minidl's (right of the line: minidl is faster)")


def there(python: str, peer: str) -> bool:
    """Can it be imported there?"""
    return subprocess.run([python, "-W", "ignore", "-c", f"import {peer}"], capture_output=True).returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters that have the peers")
    found: dict[str, str] = {}

    def row(case: str, args: argparse.Namespace) -> dict[str, Row]:
        import minidl

        if not found:
            found["minidl"] = sys.executable
            found.update({peer: p for peer in PEERS for p in reversed(args.python) if there(p, peer)})
        os.environ[SHAPES] = json.dumps(kinds(minidl, case))
        able = {name: python for name, python in found.items() if (name, case) not in LACKS}
        return measure("benchmarks._peers", case, able, bound=1e-3, **options(args))

    run(TABLE, list(PROGRAMS), row, draw, parser)


if __name__ == "__main__":
    main()
