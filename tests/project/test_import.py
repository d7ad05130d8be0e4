"""`import minidl` is quick and quiet."""

import subprocess
import sys

HEAVY = ["matplotlib", "cupy", "sklearn", "scipy", "torch", "PIL", "pooch", "rich", "pytest"]


def fresh(code, *options):
    """What a new interpreter prints; a warning or an error in it fails the test with its text."""
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_import_loads_nothing_heavy():
    loaded = fresh(f"import sys, minidl; print(*sorted(set({HEAVY}) & set(sys.modules)))")
    assert loaded == ""


def test_import_is_silent_with_warnings_as_errors():
    assert fresh("import minidl", "-W", "error") == ""


def test_import_time_beside_numpy(record_property):
    """Printed, not asserted: a busy machine is not a slow import. The aim is at most twice NumPy's."""
    clock = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    seconds = {name: min(float(fresh(clock.format(name))) for _ in range(3)) for name in ("numpy", "minidl")}
    print(f"import minidl {1e3 * seconds['minidl']:.0f} ms = {seconds['minidl'] / seconds['numpy']:.2f} x import numpy")
    record_property("import_minidl_over_numpy", round(seconds["minidl"] / seconds["numpy"], 2))
