"""What does the NaN tracer cost when it is off, and what when it is on?

Off must be nothing: microseconds per operation in a process that never had a tracer, and in one that had one and
left it. Each is a process of its own, since the tracer exchanges functions of the engine; they take turns.
"""

import statistics

from ._timing import fresh, machine

CODE = """
import time, contextlib, minidl
x = minidl.tensor([1.0, 1.0], requires_grad=True)
def run():
    x.grad = None
    y = x
    for _ in range(1000):
        y = y * x
    y.sum().backward()
{before}
run()
times = []
with {around}:
    for _ in range({rounds}):
        start = time.perf_counter(); run(); times.append(time.perf_counter() - start)
print(sorted(times)[len(times) // 2] * 1e3)
"""
ENTERED = "with minidl.debug(): minidl.exp(x)"
CASES = {
    "never on": {"before": "", "around": "contextlib.nullcontext()", "rounds": 31},
    "off again": {"before": ENTERED, "around": "contextlib.nullcontext()", "rounds": 31},
    "on": {"before": "", "around": "minidl.debug()", "rounds": 3},
}


def main() -> None:
    print(machine())
    print("Microseconds per operation on two numbers, forward + backward (medians of 5 processes):")
    seconds: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(5):
        for name, case in CASES.items():
            seconds[name].append(float(fresh(CODE.format(**case))))
    for name, values in seconds.items():
        print(f"  {name:10} {statistics.median(values):8.2f}   ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
