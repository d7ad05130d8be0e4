"""A profile in the trace format that browsers read (chrome://tracing, https://ui.perfetto.dev).

Each thread has a lane for what runs forward and one for backward, where gradients stand inside the modules whose
operations they belong to, in the order in which they came; and there is a line of the bytes alive."""

import json
import os
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from ..files import atomic_write
from .averages import Report
from .recorder import Span, Thread


def write(report: Report, path: str | os.PathLike[str]) -> None:
    events = list(everything(report))
    with atomic_write(path, "w", encoding="utf-8") as file:
        json.dump({"traceEvents": events, "displayTimeUnit": "ms"}, file, separators=(",", ":"))


def everything(report: Report) -> Iterator[dict[str, Any]]:
    pid = os.getpid()
    yield {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": "minidl"}}
    lanes: dict[tuple[int, bool], int] = {}

    def lane(thread: Thread, backward: bool) -> int:
        return lanes.setdefault((id(thread), backward), len(lanes) + 1)

    for thread in report.threads:
        for backward, direction in ((False, "forward"), (True, "backward")):
            tid = lane(thread, backward)
            words = {"name": f"{thread.name}: {direction}"}
            yield {"ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": words}
            yield {"ph": "M", "name": "thread_sort_index", "pid": pid, "tid": tid, "args": {"sort_index": tid}}
    micro = lambda moment: (moment - report.began) / 1e3
    stop = lambda span: span.start + report.length(span)

    def event(name: str, kind: str, start: int, end: int, tid: int, args: dict[str, Any]) -> dict[str, Any]:
        return {
            "ph": "X", "name": name, "cat": kind, "pid": pid, "tid": tid, "ts": micro(start),
            "dur": (end - start) / 1e3, "args": args,
        }  # fmt: skip

    backward_lane: set[int] = set()  # of spans: their ids
    for span in report.spans:
        backward = span.kind == "backward" or id(span.outer) in backward_lane or span.phase != "forward"
        if backward:
            backward_lane.add(id(span))
        args = details(report, span)
        yield event(span.name, span.kind, span.start, stop(span), lane(span.thread, backward), args)
        if span.kind == "backward":
            for name, path, start, end in groups(report, report.within(span)):
                args = {"module": path}
                yield event(name, "module", start, end, lane(span.thread, True), args)
        if span.kind == "op":
            args = {"bytes": span.live}
            yield {"ph": "C", "name": "bytes alive", "pid": pid, "tid": 0, "ts": micro(stop(span)), "args": args}


def details(report: Report, span: Span) -> dict[str, Any]:
    call = span.call if span.origin is None else span.origin.call
    args: dict[str, Any] = {"module": ".".join(report.path_of(span))} if report.path_of(span) else {}
    if span.kind == "module":
        args["class"] = span.name
    if span.kind != "op":
        return args
    args["pass"] = span.phase
    if call is not None:
        args["operands"] = [str(x) for x in call.operands]
        if call.text:
            args["static"] = call.text
        args["by"] = "kernel" if span.kernel else "formula"
        if span.operand is not None:
            args["gradient of"] = call.op.arguments[min(span.operand, len(call.op.arguments) - 1)]
    done, known = report.work_of(span)
    if done or not known:
        args["multiply-adds"] = done if known else "unknown"
    args.update({"result bytes": span.made, "kept bytes": span.kept})
    return args


def groups(report: Report, spans: list[Span]) -> Iterator[tuple[str, str, int, int]]:
    """(name, path, start, end) of modules around the gradients that came one after the other.

    A forward call of a module inside backward has a span of its own."""
    opened: list[tuple[Span, int]] = []
    last = 0
    for span in [*spans, None]:
        calls = report.modules_of(span) if span is not None and span.kind != "module" else ()
        common = sum(1 for _ in takewhile(lambda pair: pair[0][0] is pair[1], zip(opened, calls)))
        while len(opened) > common:
            names = list(report.names_of([call for call, _ in opened]))
            _, start = opened.pop()
            yield names[-1], ".".join(names), start, last
        if span is not None:
            opened += [(call, span.start) for call in calls[common:]]
            last = span.start + report.length(span)
