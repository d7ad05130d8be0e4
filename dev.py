#!/usr/bin/env python3
"""Everything there is to run, from one file that needs Python and nothing else.

The first run of a command makes .venv beside this file and installs there what that command needs; every
later one finds the stamp left by the first and starts at once. What follows the command is handed on:
`python3 dev.py test -k conv` is `pytest -k conv`.
"""
# No annotations and no new syntax: an old Python must be able to read this file, to say that it is too old.

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "dev-stamp.json"  # what .venv holds; written last
OLDEST = (3, 11)
TORCH = "torch==2.13.0"


class Stop(Exception):
    """What went wrong and the one next step, printed as it stands."""


# ---------------------------------------------------------------------------------------------- set-up


def set_up(*extras, torch=False):
    """Bring .venv to hold minidl (editable) with at least these extras; return its Python."""
    python, stamp = venv_python(VENV), read_stamp()
    if stamp.get("home") != home() or not usable(python):
        stamp = {}  # never finished, made by another Python, moved here, or broken: make it anew
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    wanted = sorted(set(extras) | set(stamp.get("extras", [])))
    stale = stamp.get("project") != project or stamp["extras"] != wanted
    if not stale and ("torch" in stamp or not torch):
        return python

    STAMP.unlink(missing_ok=True)  # from here to the end, an interrupted set-up is one to begin again
    if not stamp:
        print("Setting up .venv (once; a minute or two) ...")
        make_venv(python)
    if stale:
        extra = f"[{','.join(wanted)}]" if wanted else ""
        print(f"Installing minidl{extra} ...")
        if pip(python, "install", "--editable", f"{ROOT}{extra}"):
            raise Stop("pip could not install what this needs; its message is above.\n"
                       "Next: mend what it names (most often the network) and run the same command again.")
    if torch and "torch" not in stamp:
        stamp["torch"] = install_torch(python)
    stamp.update(home=home(), project=project, extras=wanted)
    STAMP.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    return python


def make_venv(python):
    """An empty .venv with pip in it, and no need for root."""
    try:
        if VENV.exists():
            shutil.rmtree(VENV)
    except OSError as error:
        raise Stop(f"Cannot replace .venv: {error}.\nNext: close what uses it, delete it and run this again.") from None
    outer = getattr(sys, "_base_executable", None) or sys.executable  # .venv's own Python may be what runs this
    if call([outer, "-m", "venv", VENV], quiet=True) == 0:
        return
    # Debian and Ubuntu take ensurepip out of Python, and then venv cannot put pip in. Their own pip can.
    if (call([outer, "-m", "venv", "--without-pip", "--clear", VENV], quiet=True) == 0
            and pip(outer, "--python", python, "install", "pip", quiet=True) == 0):
        return
    shutil.rmtree(VENV, ignore_errors=True)
    raise Stop(f"{outer} cannot make a virtual environment: it lacks ensurepip, and has no pip of 22.3 or newer.\n"
               "Next: on Debian or Ubuntu `sudo apt install python3-venv`; elsewhere install Python from python.org.")


def install_torch(python):
    """PyTorch, for the tests that compare with it: a CPU build or none, never gigabytes of CUDA. Whether it is in."""
    # PyPI's build for Linux brings CUDA along, the small one is named "+cpu"; for macOS and Windows PyPI's is small.
    build = f"{TORCH}+cpu" if sys.platform.startswith("linux") else TORCH
    print(f"Looking for {build} ...")
    if pip(python, "install", "--only-binary=torch", build, quiet=True) == 0:
        return True
    print("pip finds none: the tests that compare with PyTorch will be skipped, saying so. To have them:\n"
          f"  {python} -m pip install {TORCH} --index-url https://download.pytorch.org/whl/cpu")
    return False


def venv_python(venv, windows=os.name == "nt"):
    return venv / "Scripts" / "python.exe" if windows else venv / "bin" / "python"


def home():
    """What .venv is bound to: a folder and a version of Python."""
    return f"{VENV} {sys.version.split()[0]}"


def read_stamp():
    try:
        return json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def usable(python):
    """Whether .venv's Python starts, and still has what every command needs."""
    probe = "import sys, importlib.util as u; sys.exit(not (u.find_spec('pip') and u.find_spec('numpy')))"
    return call([python, "-c", probe], quiet=True) == 0


# ------------------------------------------------------------------------------------------- processes


def call(command, quiet=False, cwd=None, **env):
    """Run a command and return its exit status; what cannot be started counts as failed."""
    out = subprocess.DEVNULL if quiet else None
    sys.stdout.flush()
    try:
        return subprocess.call([str(c) for c in command], stdout=out, stderr=out, cwd=cwd, env=dict(os.environ, **env))
    except OSError:
        return 127


def pip(python, *args, quiet=False):
    # PIP_USER: somebody's `user = true` is refused inside a virtual environment.
    return call([python, "-m", "pip", *args, "-q"], quiet, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")


def pytest(python, args):
    """The suite on up to four processes with BLAS on one thread each; on one where somebody wants to look inside."""
    if {"-s", "--pdb", "--trace"} & set(args) or any(a.startswith("-n") for a in args):
        return call([python, "-m", "pytest", *args], cwd=ROOT)
    workers = min(4, os.cpu_count() or 1)
    return call([python, "-m", "pytest", "-n", workers, *args], cwd=ROOT, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def lint(python):
    return [("ruff", lambda: call([python, "-m", "ruff", "check", "."], cwd=ROOT)),
            ("mypy", lambda: call([python, "-m", "mypy"], cwd=ROOT))]


def run_all(steps):
    """Run every step, also after a failure, so that one run shows all there is to mend."""
    failed = []
    for name, step in steps:
        print(f"\n== {name}")
        if step():
            failed.append(name)
    if failed:
        raise Stop(f"\nFailed: {', '.join(failed)}.\nNext: mend what the first of them says above, and run this again.")
    print(f"\nPassed: {', '.join(name for name, _ in steps)}.")
    return 0


# -------------------------------------------------------------------------------------------- commands


def demo(args):
    """train on real digits, check every gradient, write the pictures"""
    return call([set_up("data"), "-m", "minidl", "demo", *args])


def test(args):
    """everything CI runs: lint, types and tests; --all adds the slow ones, -k or a path chooses among the tests"""
    python = set_up("dev", "test", "browser", "data", "ui", "nlp", torch=True)
    tests = [("pytest", lambda: pytest(python, args))]
    if set(args) - {"--all"}:
        return run_all(tests)
    if "--all" in args and not any((ROOT / "tests" / name).exists() for name in ("mutants.py", "mutants")):
        print("There is no tests/mutants yet, so nothing is said about the faults that the tests would miss.")
    elif "--all" in args:
        tests.append(("mutants", lambda: call([python, "-m", "tests.mutants"], cwd=ROOT)))
    return run_all(lint(python) + tests)


def check(args):
    """lint and types only"""
    return run_all(lint(set_up("dev", "test")))


def bench(args):
    """answer one question by timing it: bench [NAME]; without a name, ten training steps beside PyTorch's"""
    name, rest = (args[0], args[1:]) if args and not args[0].startswith("-") else ("steps", args)
    there = sorted(p.stem for p in ROOT.glob("benchmarks/[!_]*.py"))
    if name not in there:
        raise Stop(f"There is no benchmarks/{name}.py.\nNext: " + (f"choose one of {', '.join(there)}." if there else
                   "`python3 dev.py demo`; the benchmarks come with a later version."))
    return call([set_up(torch=True), "-m", f"benchmarks.{name}", *rest], cwd=ROOT)


def reproduce(args):
    """train a recipe in full, seed by seed, and write its row of benchmarks/MODELS.md: reproduce NAME [--torch]"""
    return call([set_up("data", "nlp", torch="--torch" in args), "-m", "benchmarks.reproduce", *args], cwd=ROOT)


def gpu(args):
    """everything that needs a GPU: say what is there, then run the tests on it"""
    try:
        said = subprocess.check_output(["nvidia-smi"], stderr=subprocess.STDOUT).decode(errors="replace")
    except (OSError, subprocess.CalledProcessError):
        raise Stop("No NVIDIA driver answers here (nvidia-smi does not run), so nothing can run on a GPU.\n"
                   "Next: run this where there is one; `python3 dev.py test` covers all the rest.") from None
    cuda = int((re.search(r"CUDA[A-Z ]*Version: *(\d+)", said) or ["", "12"])[1])
    print(f"The NVIDIA driver answers; it runs CUDA {cuda}.")
    python = sys.executable  # a hosted notebook has CuPy already
    if not all(importlib.util.find_spec(m) for m in ("cupy", "matplotlib", "pytest", "pytest_timeout", "hypothesis")):
        python = set_up("test", "data", "gpu-cuda13" if cuda >= 13 else "gpu-cuda12")
    probe = ("import cupy as c; c.arange(3).sum().item(); p = c.cuda.runtime.getDeviceProperties(0);"
             "print('CuPy', c.__version__, 'computes on', p['name'].decode() + '.')")
    if call([python, "-c", probe]):
        raise Stop("CuPy is installed but cannot compute on the GPU; its message is above.\n"
                   "Next: update the NVIDIA driver; where it is new enough, delete .venv and run this again.")
    return run_all([("pytest on the GPU", lambda: call([python, "-m", "pytest", "--device", "cuda", *args], cwd=ROOT))])


def docs(args):
    """build the documentation"""
    raise Stop("The documentation comes with a later version.\nNext: read README.md.")


def tutorials(args):
    """run the tutorials"""
    raise Stop("The tutorials come with a later version.\nNext: `python3 dev.py demo` shows the framework at work.")


COMMANDS = {command.__name__: command for command in (demo, test, check, bench, reproduce, gpu, docs, tutorials)}


def main(argv):
    try:
        if sys.version_info < OLDEST:
            newer = [p for p in map("python3.{}".format, range(14, 10, -1)) if shutil.which(p)]
            raise Stop(f"minidl needs Python {OLDEST[0]}.{OLDEST[1]} or newer, not {sys.version.split()[0]}.\nNext: "
                       + (f"`{newer[0]} dev.py {' '.join(argv)}`." if newer else "install one from python.org."))
        if argv and argv[0] in COMMANDS:
            return COMMANDS[argv[0]](argv[1:])
        print(f"usage: python3 dev.py COMMAND [ARGUMENTS]\n\n{__doc__}\ncommands:")
        print("\n".join(f"  {name:10} {command.__doc__}" for name, command in COMMANDS.items()))
        return 0 if argv in (["--help"], ["-h"]) else 2
    except Stop as stop:
        print(stop, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.\nNext: run the same command again; it starts from a clean state.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
