"""The block that is profiled, and what can be asked afterwards."""

import enum
import os
from collections.abc import Callable, Iterable
from contextlib import ContextDecorator
from time import perf_counter_ns as now
from typing import Any

from . import recorder, table
from .averages import Report, Row
from .recorder import Recorder, Span, Thread


class ProfilerActivity(enum.Enum):
    """What to watch. On a GPU every operation is waited for, so its time is its own; there is one profile of both."""

    CPU = 0
    CUDA = 1


class profile(ContextDecorator):
    """Time, bytes and multiply-adds of everything in the block: by operation, by module, forward and backward.

        with minidl.profiler.profile() as p:
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        print(p.table())
        p.export_chrome_trace("trace.json")
        p.icicle("step.png")

    Operations of other threads are recorded under theirs. Blocks may overlap. It costs nothing when off, and when on
    about 20 µs for each operation and each gradient, which count as time between operations.

    on_trace_ready: is called with the profile when the block ends. PyTorch's other arguments are taken, and change
    nothing, as shapes, bytes, multiply-adds and modules are always recorded; `schedule` is refused."""

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Callable[[int], Any] | None = None,
        on_trace_ready: Callable[["profile"], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        experimental_config: Any = None,
        acc_events: bool = False,
    ) -> None:
        if schedule is not None:
            raise NotImplementedError(
                "profile: there are no schedules; begin the block (or call start() and stop()) at the steps to record"
            )
        for activity in activities or ():
            if not isinstance(activity, ProfilerActivity):
                raise ValueError(f"profile: activities are of ProfilerActivity, got {activity!r}")
        self.on_trace_ready = on_trace_ready
        self._recorder: Recorder | None = None
        self._spans: list[Span] = []
        self._first = self._began = self._ended = self._steps = 0
        self._main: Thread | None = None
        self._report: Report | None = None
        self._open: Span | None = None

    # ---- the block

    def start(self) -> None:
        """Begin to record; what was recorded before is forgotten."""
        if self._recorder is not None:
            raise RuntimeError("profile: this profile has been started already; use another one for a block inside")
        self._recorder = recorder.start()
        self._main, self._report, self._open = self._recorder.thread, None, None
        self._first, self._ended = len(self._recorder.spans), 0
        self._began = now()

    def stop(self) -> None:
        """Record no more."""
        if self._recorder is None:
            raise RuntimeError("profile: this profile has not been started")
        if self._open is not None:
            self._recorder.end(self._open)
        self._ended = now()
        self._spans = self._recorder.spans[self._first :]
        self._recorder = None
        recorder.stop()
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def __enter__(self) -> "profile":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def step(self) -> None:
        """Say that a step of training ends here: the trace shows where."""
        if self._recorder is None:
            raise RuntimeError("profile: step() counts steps inside the block")
        if self._open is not None:
            self._recorder.end(self._open)
        self._steps += 1
        self._open = self._recorder.begin("label", f"ProfilerStep#{self._steps}")

    # ---- what can be asked

    @property
    def report(self) -> Report:
        """The spans, added up; inside the block up to now."""
        if self._main is None:
            raise RuntimeError("profile: nothing was recorded yet; use `with minidl.profiler.profile() as p:`")
        if self._recorder is not None:
            return Report(self._recorder.spans[self._first :], self._began, now(), self._main)
        if self._report is None:
            self._report = Report(self._spans, self._began, self._ended, self._main)
        return self._report

    @property
    def peak_bytes(self) -> int:
        """The most that was alive at once of what operations made, and closures kept."""
        return max((span.live for span in self.report.spans), default=0)

    def key_averages(self, group_by_input_shape: bool = False, group_by_stack_n: int = 0) -> "Averages":
        """A row for each operation and pass, and for each other kind of time: their own times add up to all of it."""
        return Averages(self.report.rows(group_by_input_shape))

    def events(self) -> list[Span]:
        """Every span, in the order in which they began."""
        return list(self.report.spans)

    def table(self, sort_by: str | None = "self", row_limit: int | None = None, modules: bool = True) -> str:
        """The operations, the most expensive first, then the modules. Both add up to the time that passed.

        sort_by: self, total, mean, calls, bytes, kept, madds, gflops or name. row_limit: how many operations; the
        others are one row."""
        report = self.report
        parts = [table.headline(report, self.peak_bytes), table.by_operation(report.rows(), sort_by, row_limit)]
        parts += [table.by_module(report)] if modules else []
        return "\n\n".join(part for part in parts if part)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write what happened when, for chrome://tracing or https://ui.perfetto.dev."""
        from .trace import write

        write(self.report, path)

    def icicle(self, target: Any = None) -> Any:
        """Where the time went, as a picture: modules inside modules, as wide as their time, forward and backward.

        target: axes to draw on, a file to write, or None for a new figure. The axes are returned."""
        from .picture import icicle

        return icicle(self.report, target)

    def __str__(self) -> str:
        return self.table() if self._main is not None else repr(self)


class Averages(list[Row]):
    """Rows, which PyTorch calls an EventList."""

    def table(
        self, sort_by: str | None = None, row_limit: int = 100, max_src_column_width: int = 75,
        max_name_column_width: int = 55, max_shapes_column_width: int = 80, header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:  # fmt: skip
        """The rows as text; those beyond row_limit are added up in one."""
        text = table.by_operation(self, sort_by, row_limit)
        return text if header is None else f"{header}\n{text}"

    def total_average(self) -> Row:
        """All operations as one row."""
        return table.folded([row for row in self if row.kind == "op"] + [Row("")] * 2, 0)[0]

    @property
    def self_cpu_time_total(self) -> float:
        """All of the time, in µs."""
        return sum(row.self_ns for row in self) / 1e3

    def __str__(self) -> str:
        return self.table()


class record_function(ContextDecorator):
    """A block with a name in the profile, if one is being taken; also a decorator."""

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._open: list[tuple[Recorder, Span]] = []

    def __enter__(self) -> "record_function":
        found = recorder.current()
        if found is not None:
            self._open.append((found, found.begin("label", self.name)))
        return self

    def __exit__(self, *error: object) -> None:
        if self._open:
            found, span = self._open.pop()
            found.end(span)

    def _recreate_cm(self) -> "record_function":
        return record_function(self.name, self.args)
