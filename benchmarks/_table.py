"""A table of measurements: printed while it is measured, kept in results.json, shown with its picture in RESULTS.md.

The file of a benchmark says its question in the first line of its docstring; `TABLE` is its table, and `draw(rows)`
its picture. RESULTS.md is written from results.json alone (`python -m benchmarks._table`), never by hand.
"""

import argparse
import datetime
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minidl.files import atomic_write

from ._pictures import write
from ._timing import machine

FOLDER = Path(__file__).parent
RESULTS, PAGE = FOLDER / "results.json", FOLDER / "RESULTS.md"
SECTIONS = ("steps", "peers", "operators", "kernels", "scaling", "memory")  # of the page, in this order
Row = dict[str, Any]


@dataclass
class Table:
    """columns: what each cell says of a row; the first column is the row's name. about: the sentence below, of all."""

    name: str
    columns: dict[str, Callable[[Row], str]]
    about: Callable[[dict[str, Row]], str] = lambda rows: ""
    widest: int = 19  # of a cell of milliseconds, where it is printed
    widths: list[int] = field(default_factory=list)

    def cells(self, name: str, row: Row) -> list[str]:
        return [name, *(cell(row) for cell in self.columns.values())]

    def head(self, names: Sequence[str]) -> str:
        wide = lambda title: max(self.widest if "," in title or "ms" in title else 9, len(title))
        self.widths = [max(map(len, names)) + 24, *map(wide, self.columns)]
        return self.line(["", *self.columns])

    def line(self, cells: Sequence[str]) -> str:
        first, *rest = (cell.rjust(width) for cell, width in zip(cells, self.widths))
        return "  ".join([cells[0].ljust(len(first)), *rest])

    def markdown(self, rows: dict[str, Row]) -> list[str]:
        lines = [["", *self.columns], ["---", *("--:" for _ in self.columns)]]
        lines += [self.cells(name, row) for name, row in rows.items()]
        return ["| " + " | ".join(cells) + " |" for cells in lines]


def timing(cell: Sequence[float]) -> str:
    """Median and quartiles of milliseconds."""
    digits = 3 if cell[0] < 1 else 2 if cell[0] < 100 else 1
    return "{:.{d}f} ({:.{d}f}-{:.{d}f})".format(*cell, d=digits)


def run(
    table: Table,
    cases: Sequence[str],
    measure: Callable[[str, argparse.Namespace], dict[str, Row]],
    draw: Callable[[dict[str, Row]], Any],
    parser: argparse.ArgumentParser,
) -> None:
    """Measure the cases that are named, or all; print the table, draw the picture; keep both where asked to.

    measure: the rows of a case, whose names begin with that of the case."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(cases)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="processes per library and row (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each of them (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="for all (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help="put the rows and the picture into RESULTS.md")
    args = parser.parse_args()
    unknown = [name for name in args.names if not any(case.startswith(name) for case in cases)]
    if unknown:
        parser.error(f"nothing here is called {', '.join(unknown)}; there are {', '.join(cases)}")
    wanted = [case for case in cases if not args.names or case in args.names or (
        not set(args.names) & set(cases) and any(case.startswith(name) for name in args.names))]  # fmt: skip
    print(machine())
    print(table.head(wanted), flush=True)
    rows: dict[str, Row] = {}
    for case in wanted:
        for name, row in measure(case, args).items():
            rows[name] = row
            print(table.line(table.cells(name, row)), flush=True)
    print(table.about(rows))
    picture = FOLDER / "out" / f"{table.name}.png"
    if args.write:
        rows = keep(table.name, rows, cases, args)
        picture = FOLDER / "pictures" / f"{table.name}.png"
    write(draw(rows), picture)
    print(f"picture: {picture}")
    if args.write:
        write_page()


def options(args: argparse.Namespace) -> dict[str, Any]:
    return {"rounds": args.rounds, "seconds": args.seconds, "threads": args.threads}


def keep(name: str, rows: dict[str, Row], cases: Sequence[str], args: argparse.Namespace) -> dict[str, Row]:
    """Into results.json: new rows beside the old ones of other cases."""
    results = read()
    date = datetime.date.today().isoformat()
    kept = results.get(name, {"rows": {}})["rows"] | {case: row | {"date": date} for case, row in rows.items()}
    given = "".join(f" --{o} {value}" for o, value in options(args).items())
    results[name] = {
        "machine": machine(),
        "command": f"python -m benchmarks.{name}{given} --write",
        "rows": {row: kept[row] for case in cases for row in kept if row == case or row.startswith(f"{case}, ")},
    }
    with atomic_write(RESULTS, "w", encoding="utf-8") as file:
        file.write(text(results))
    return dict(results[name]["rows"])


def text(results: Any) -> str:
    """JSON with a line for each row."""
    parts = []
    for name, section in results.items():
        rows = ",\n".join(f"   {json.dumps(case)}: {json.dumps(row)}" for case, row in section["rows"].items())
        head = "".join(f'  "{key}": {json.dumps(section[key])},\n' for key in ("machine", "command"))
        parts.append(f' "{name}": {{\n{head}  "rows": {{\n{rows}\n  }}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def read() -> Any:
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def page() -> str:
    """RESULTS.md, from what is kept."""
    results, parts = read(), [HEAD]
    for name in SECTIONS:
        if name not in results:
            continue
        module, section = importlib.import_module(f"benchmarks.{name}"), results[name]
        question, _, explained = module.__doc__.strip().partition("\n")
        dates = sorted({row["date"] for row in section["rows"].values()})
        parts += [
            f"## {question}\n", f"Measured {' to '.join({dates[0]: 0, dates[-1]: 0})}: `{section['command']}`, on\n"
            f"{section['machine']}.\n", explained.strip() + "\n", *module.TABLE.markdown(section["rows"]),
            "", module.TABLE.about(section["rows"]) + "\n", f"![{question}](pictures/{name}.png)\n",
        ]  # fmt: skip
    return "\n".join(parts)


HEAD = """# Results

Written by the benchmarks with `--write`; `results.json` has the numbers behind each table. One machine, and other work
may have run on it: read the ratios, not the times, and expect ten per cent either way.
"""


def write_page() -> None:
    with atomic_write(PAGE, "w", encoding="utf-8") as file:
        file.write(page())


if __name__ == "__main__":
    sys.exit(write_page())
