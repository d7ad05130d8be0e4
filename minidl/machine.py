"""`minidl doctor`: what this machine has, what it lacks, and the line that would put it right."""

import argparse
import importlib.metadata
import os
import platform
import re
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl import cuda
from minidl.backend import allocator
from minidl.kernels.threads import SINGLE
from minidl.vision.datasets.places import data_home

GOOD, WARNING, BAD, ABSENT = "ok", "note", "NO", "-"
Line = tuple[str, str, str]  # the sign before it, what it is about, what was found


def main(argv: list[str]) -> int:
    """Print the findings; 1 where something keeps minidl from working as it should."""
    parser = argparse.ArgumentParser(
        prog="minidl doctor",
        description="Say what this machine has, what it lacks, and the exact line that installs it.",
    )
    parser.parse_args(argv)
    lines = [*basics(), *arrays(), *places(), *extras()]
    width = max(len(name) for _, name, _ in lines)
    print(f"minidl {minidl.__version__} in {Path(minidl.__file__).parent}\n")
    for sign, name, text in lines:
        print(folded(text, f"  {sign:>4}  {name:{width}}  "))
    bad = [name for sign, name, _ in lines if sign == BAD]
    print(f"\nTo be put right: {', '.join(bad)}." if bad else "\nEverything that minidl needs is here.")
    return 1 if bad else 0


def folded(text: str, first: str) -> str:
    """In lines of 79, with a hanging indent; a command stays whole, to be copied."""
    whole = re.sub("pip install .*'", lambda command: command[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    lines = textwrap.wrap(
        whole, 79, initial_indent=first, subsequent_indent=" " * len(first),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")


def basics() -> Iterator[Line]:
    version = platform.python_version()
    yield judge(sys.version_info >= (3, 11)), "Python", f"{version} in {sys.prefix} (3.11 or newer is needed)"
    yield GOOD, "system", f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    yield from (required(r) for r in requirements(None))


def arrays() -> Iterator[Line]:
    yield GOOD, "BLAS", f"{blas()}, {threads()}"
    yield GOOD if allocator.status == "on" else WARNING, "memory", f"keeping freed blocks: {allocator.status}"
    yield cupy()


def blas() -> str:
    """The library that multiplies NumPy's matrices."""
    try:
        found: Any = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{found['name']} {found['version']}"
    except (KeyError, TypeError, ModuleNotFoundError):
        return "of a kind that NumPy does not tell"


def threads() -> str:
    """How many threads products run on, and who says so."""
    said = [f"{name}={os.environ[name]}" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if name in os.environ]
    n = SINGLE.threads()
    return f"{n} thread{'s' if n > 1 else ''} ({', '.join(said) or 'OMP_NUM_THREADS sets another number'})"


def cupy() -> Line:
    problem = cuda.problem()
    if problem is None:
        names = [cuda.get_device_name(k) for k in range(cuda.device_count())]
        return GOOD, "CuPy", f"usable: {', '.join(names)}"
    if "not installed" in problem:
        return ABSENT, "CuPy", "not installed: running on NumPy. With an NVIDIA driver: " + install(gpu_extra())
    if "driver" in problem:
        return WARNING, "CuPy", "installed, but no usable driver: running on NumPy"
    return WARNING, "CuPy", f"{problem.removesuffix(': use device ' + repr('cpu') + '.')}: running on NumPy"


def gpu_extra() -> str:
    """The extra for the CUDA that the driver, where there is one, can run."""
    try:
        told = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
    except OSError:
        return "gpu-cuda12"
    major = re.search(r"Kernel Module\D*(\d+)\.", told)
    return "gpu-cuda13" if major and int(major[1]) >= 580 else "gpu-cuda12"


def places() -> Iterator[Line]:
    home = data_home()
    source = "MINIDL_DATA" if os.environ.get("MINIDL_DATA") else "set MINIDL_DATA for another"
    held = f"holds {sum(1 for _ in home.iterdir())} entries" if home.is_dir() else "not there yet"
    yield GOOD if writable(home) else BAD, "data cache", f"{home} ({source}): {held}, {can_write(home)}"
    yield GOOD if writable(Path.cwd()) else WARNING, "this folder", f"{Path.cwd()}: {can_write(Path.cwd())}"
    scratch = Path(tempfile.gettempdir())
    yield GOOD if writable(scratch) else BAD, "scratch", f"{scratch}: {can_write(scratch)}"


def can_write(folder: Path) -> str:
    return "can be written" if writable(folder) else "cannot be written; choose another, or ask for permission"


def writable(folder: Path) -> bool:
    """Can files be made here, or the folder itself, in the nearest folder that exists?"""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def extras() -> Iterator[Line]:
    """Each optional group: the versions that are here, or the line that installs the rest."""
    for extra in extra_names():
        if extra.startswith("gpu"):
            continue  # CuPy has its line above
        found = {name: version(name) for name, _ in requirements(extra)}
        missing = [name for name, _ in requirements(extra) if found[name] is None]
        old = [f"{name} (older than {least})" for name, least in requirements(extra) if too_old(found[name], least)]
        if missing or old:
            yield ABSENT, f"[{extra}]", f"lacks {', '.join(missing + old)}: {install(extra)}"
        else:
            yield GOOD, f"[{extra}]", ", ".join(f"{name} {v}" for name, v in found.items())


def install(extra: str) -> str:
    return f"pip install 'minidl[{extra}]'"


def required(requirement: tuple[str, str]) -> Line:
    """What minidl itself needs."""
    name, least = requirement
    found = version(name)
    if found is None:
        return BAD, name, f"missing: pip install '{name}>={least}'"
    if too_old(found, least):
        return BAD, name, f"{found} is older than {least}: pip install --upgrade '{name}>={least}'"
    return GOOD, name, found


def judge(fine: bool) -> str:
    return GOOD if fine else BAD


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def too_old(found: str | None, least: str) -> bool:
    numbers = lambda text: [int(n) for n in re.findall(r"\d+", text)[:3]]
    return found is not None and numbers(found) < numbers(least)


def declared() -> list[str]:
    """The requirements of the package as installed, or of the checkout that runs without being installed."""
    project = Path(minidl.__file__).parents[1] / "pyproject.toml"
    if project.is_file():
        table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        groups = table["optional-dependencies"].items()
        return table["dependencies"] + [f"{r}; extra == '{name}'" for name, group in groups for r in group]
    try:
        return importlib.metadata.requires("minidl") or []
    except importlib.metadata.PackageNotFoundError:
        return ["numpy>=2.0", "matplotlib>=3.9"]


def extra_of(requirement: str) -> str | None:
    found = re.search(r"extra == ['\"]([\w.-]+)['\"]", requirement)
    return found and found[1]


def extra_names() -> list[str]:
    return list(dict.fromkeys(e for r in declared() if (e := extra_of(r)) is not None))


def requirements(extra: str | None) -> list[tuple[str, str]]:
    """The (package, least version) pairs of an extra; of minidl itself for None."""
    mine = [r.partition(";")[0] for r in declared() if extra_of(r) == extra]
    least = (re.search(r">=\s*([\w.]+)", r) for r in mine)
    return [(re.split(r"[^\w.-]", r.strip())[0], found[1] if found else "0") for r, found in zip(mine, least)]
