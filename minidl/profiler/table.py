"""The tables of a profile: by operation and by module."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .averages import BETWEEN, Report, Row
from .recorder import BACKWARD, FORWARD

# What a table may be sorted by, in our words and in PyTorch's
KEYS: dict[str, Any] = {
    "self": lambda row: row.self_ns,
    "total": lambda row: row.total_ns,
    "mean": lambda row: row.cpu_time,
    "calls": lambda row: row.count,
    "bytes": lambda row: row.made,
    "kept": lambda row: row.kept,
    "madds": lambda row: row.multiply_adds,
    "gflops": lambda row: row.gflops,
    "name": lambda row: row.key,
}
TORCH_KEYS = {
    "self_cpu_time_total": "self", "cpu_time_total": "total", "cpu_time": "mean", "count": "calls", "flops": "madds",
    "cpu_memory_usage": "bytes", "self_cpu_memory_usage": "bytes", "self_device_time_total": "self",
    "device_time_total": "total", "self_cuda_time_total": "self", "cuda_time_total": "total",
}  # fmt: skip


def ordered(rows: Sequence[Row], by: str | None) -> list[Row]:
    """The largest first; names from a to z. What is no operation comes last, as it is compared with nothing."""
    if by is None:
        by = "self"
    word = TORCH_KEYS.get(by, by)
    if word not in KEYS:
        raise ValueError(f"profiler: tables are sorted by {', '.join(KEYS)}, or by PyTorch's names, not by {by!r}")
    return sorted(rows, key=KEYS[word], reverse=word != "name")


def folded(rows: list[Row], top: int | None) -> list[Row]:
    """The first rows, and one for all the others, so that they still add up."""
    if top is None or top < 0 or len(rows) <= top + 1:
        return rows
    rest, total = rows[top:], Row(f"({len(rows) - top} more)", kind="more")
    for row in rest:
        for name in ("count", "self_ns", "total_ns", "made", "kept", "multiply_adds"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
    return [*rows[:top], replace(total, known=all(row.known for row in rest))]


def by_operation(rows: Sequence[Row], by: str | None, top: int | None) -> str:
    everything = max(sum(row.self_ns for row in rows), 1)
    ops = [row for row in rows if row.kind == "op"]
    others = [row for row in rows if row.kind != "op"]
    shapes = any(row.input_shapes for row in rows)
    head = ["operation", "pass", "calls", "self ms", "share", "mean µs"]
    head += ["results", "kept", "mult-adds", "GFLOP/s", "by"]
    lines = [[*head, "shapes"] if shapes else head]
    for row in [*folded(ordered(ops, by), top), *sorted(others, key=lambda row: -row.self_ns)]:
        lines.append(
            [
                shorten(row.name, 36),
                row.phase,
                f"{row.count:,}" if row.count else "",
                ms(row.self_ns),
                f"{row.self_ns / everything:.1%}",
                f"{row.cpu_time:,.1f}" if row.count and row.kind != "more" else "",
                size(row.made),
                size(row.kept),
                quantity(row.multiply_adds) + ("" if row.known else "+?"),
                f"{row.gflops:.2f}" if row.multiply_adds and row.known else "",
                row.by,
                *([shorten(str(row.input_shapes), 50) if row.input_shapes else ""] if shapes else []),
            ]
        )
    total = ["all", "", "", ms(everything), "100.0%"]
    lines.append([*total, *[""] * (len(lines[0]) - len(total))])
    return grid(lines, left={0, 1, 10, 11}, last_is_total=True)


def by_module(report: Report) -> str:
    if not report.modules:
        return ""
    everything = max(report.wall + report.others, 1)
    lines = [["module", "class", "calls", "forward ms", "self", "backward ms", "self", "share", "kept", "mult-adds"]]
    for row in report.modules:
        forward, backward = (
            [ms(row.total_ns[p]), ms(row.self_ns[p])] if row.total_ns[p] else ["", ""] for p in (FORWARD, BACKWARD)
        )
        name = "  " * (len(row.path) - 1) + row.path[-1]
        share = f"{row.both / everything:.1%}"
        cost = quantity(sum(row.multiply_adds.values()))
        lines.append(
            [shorten(name, 36), row.type, f"{row.count:,}", *forward, *backward, share, size(row.kept), cost]
        )
    for name, times in report.elsewhere():
        share = f"{sum(times.values()) / everything:.1%}"
        forward, backward = ([ms(times[p])] * 2 if times[p] else ["", ""] for p in (FORWARD, BACKWARD))
        if name == BETWEEN["outside"] or not (times[FORWARD] and times[BACKWARD]) and name[0] != "(":
            forward = [ms(sum(times.values()))] * 2
            backward = ["", ""]
        lines.append([shorten(name, 36), "", "", *forward, *backward, share, "", ""])
    return grid(lines, left={0, 1})


def headline(report: Report, peak: int) -> str:
    ops = sum(row.count for row in report.rows() if row.kind == "op")
    text = f"{report.wall / 1e9:.3f} s, {ops:,} operations"
    if peak:
        text += f"; at most {size(peak)} alive of what they made"
    threads = len(report.threads) - 1
    if threads:
        text += f"; {threads} other thread{'s' * (threads > 1)} computed for {report.others / 1e9:.3f} s beside"
    return text


def grid(lines: list[list[str]], left: set[int], last_is_total: bool = False) -> str:
    widths = [max(map(len, column)) for column in zip(*lines)]
    pad = lambda k, cell: cell.ljust(widths[k]) if k in left else cell.rjust(widths[k])
    aligned = ["  ".join(pad(k, cell) for k, cell in enumerate(line)).rstrip() for line in lines]
    rule = "-" * (sum(widths) + 2 * len(widths) - 2)
    tail = [rule, aligned.pop()] if last_is_total else []
    return "\n".join([aligned[0], rule, *aligned[1:], *tail])


def ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:,.3f}"


def size(n: float) -> str:
    """Bytes, with the unit that makes them readable."""
    return f"{quantity(n, ' ')}B" if n else ""


def quantity(n: float, space: str = "") -> str:
    if not n:
        return ""
    for unit in ("", "k", "M", "G", "T"):
        if n < 1000 or unit == "T":
            break
        n /= 1000
    digits = 0 if not unit or n >= 99.95 else 1
    return f"{n:,.{digits}f}{space}{unit}"


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 2] + ".."
