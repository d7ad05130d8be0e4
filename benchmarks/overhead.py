"""What does an operation cost beyond its arithmetic?

The tape: chains of operations on two numbers, where nothing but overhead is left, against PyTorch. Peak
memory of a chain of a hundred large layers. The time of `import minidl` against `import numpy`. Lines of code.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import minidl

from ._lines import code_lines
from ._timing import alternate, fresh, machine

LENGTH = 1000


def chain(x: object, c: object, length: int = LENGTH) -> object:
    y = x
    for _ in range(length):
        y = y * c  # type: ignore[operator]  # a tensor of either library
    return y


def plain(x: object, c: object) -> Callable[[], None]:
    """Forward and backward of y = x c c c …"""

    def run() -> None:
        x.grad = None  # type: ignore[attr-defined]
        chain(x, c).sum().backward()  # type: ignore[attr-defined]

    return run


def second(lib: object, x: object) -> Callable[[], None]:
    """The same, with create_graph, and a backward through that."""

    def run() -> None:
        (g,) = lib.autograd.grad(chain(x, x, 100).sum(), [x], create_graph=True)  # type: ignore[attr-defined]
        lib.autograd.grad(g.sum(), [x])  # type: ignore[attr-defined]

    return run


def tape() -> list[tuple[str, float, float]]:
    """Rows (what, minidl's microseconds per operation, PyTorch's)."""
    try:
        import torch
    except ImportError:
        torch = None
    libraries = {"minidl": minidl, **({"PyTorch": torch} if torch else {})}
    cases: list[tuple[str, int, Callable[..., Callable[[], object]]]] = [
        ("forward, recorded", LENGTH, lambda lib, x, c: lambda: chain(x, c)),
        ("forward + backward, one gradient", LENGTH, lambda lib, x, c: plain(x, c)),
        ("forward + backward, both gradients", LENGTH, lambda lib, x, c: plain(x, x)),
        ("second order (create_graph)", 100, lambda lib, x, c: second(lib, x)),
    ]
    rows = []
    for what, operations, make in cases:
        leaf = lambda lib: lib.tensor([1.0, 1.0], requires_grad=True)
        times = alternate({n: make(t, leaf(t), t.tensor([1.0, 1.0])) for n, t in libraries.items()})
        ours = times["minidl"].median / operations * 1e6
        theirs = times["PyTorch"].median / operations * 1e6 if "PyTorch" in times else float("nan")
        print(f"  {what:36} minidl {ours:6.2f} us   PyTorch {theirs:6.2f} us   ratio {ours / theirs:5.2f}", flush=True)
        rows.append((what, ours, theirs))
    return rows


MEMORY = """
import resource
import {lib} as lib
x = lib.ones(1000, 1000, requires_grad=True)
y = x
for _ in range(5): y = (y * 1.001 + 0.1).relu()
y.sum().backward()
del y
x.grad = None
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
y = x
for _ in range(100): y = (y * 1.001 + 0.1).relu()
y.sum().backward()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""

IMPORT = "import time; t = time.perf_counter(); import {lib}; print(time.perf_counter() - t)"


def memory() -> None:
    """A hundred layers of y ← relu(1.001 y + 0.1) on a million floats (4 MB): what must be kept for backward."""
    for lib in ("minidl", "torch"):
        try:
            print(f"  peak memory of 100 layers on 4 MB   {lib:8} {float(fresh(MEMORY.format(lib=lib))):8.0f} MB")
        except Exception as error:  # no PyTorch: the row is left out, and says so
            print(f"  peak memory of 100 layers on 4 MB   {lib:8} not measured ({type(error).__name__})")


def imports() -> None:
    seconds = {lib: np.median([float(fresh(IMPORT.format(lib=lib))) for _ in range(7)]) for lib in ("numpy", "minidl")}
    numpy, ours = seconds["numpy"] * 1e3, seconds["minidl"] * 1e3
    print(f"  import numpy {numpy:.0f} ms, import minidl {ours:.0f} ms: {ours / numpy:.2f} times")


def lines() -> None:
    root = Path(minidl.__file__).parent
    folders = sorted({p.parent for p in root.rglob("*.py")})
    total = lambda folder: sum(code_lines(p.read_text(encoding="utf-8")) for p in folder.glob("*.py"))
    counts = {folder.relative_to(root.parent): total(folder) for folder in folders}
    print("  lines of code: " + ", ".join(f"{name} {n}" for name, n in counts.items()))


def main() -> None:
    print(machine())
    print("Microseconds per operation on two numbers (medians of 31 rounds, in turn):")
    tape()
    memory()
    imports()
    lines()


if __name__ == "__main__":
    main()
