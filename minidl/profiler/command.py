"""`minidl profile`: run a script, and say where its time went."""

import argparse
import os
import runpy
import sys
import traceback
from collections.abc import Callable
from typing import Any

from .profile import profile
from .table import KEYS


def main(argv: list[str]) -> int:
    given = parser().parse_args(argv)
    if given.script is None:
        raise ValueError("no script is named: minidl profile SCRIPT [arguments of its own]")
    if not given.module and not os.path.exists(given.script):
        raise FileNotFoundError(f"there is no script {given.script}")
    for option, path in (("--trace", given.trace), ("--picture", given.picture)):
        if path and not os.path.isdir(os.path.dirname(os.path.abspath(path))):  # said now, not after an hour
            raise FileNotFoundError(f"{option} {path}: there is no such folder")
    if given.picture and not given.picture.endswith((".png", ".svg", ".pdf")):
        raise ValueError(f"--picture {given.picture}: a name that ends in .png, .svg or .pdf is needed")
    p = profile()
    status = run(lambda: execute(given.script, given.rest, given.module), p)
    sys.stdout.flush()
    print()
    print(p.table(given.sort, given.top))
    if given.trace:
        p.export_chrome_trace(given.trace)
        print(f"\ntrace: {given.trace} (open it in chrome://tracing or https://ui.perfetto.dev)")
    if given.picture:
        p.icicle(given.picture)
        print(f"\npicture: {given.picture}")
    return status


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="minidl profile",
        description="Run a script, then say which operations and modules took how long, forward and backward.",
        epilog="Options of this command stand before SCRIPT; what follows it is the script's own.",
    )
    p.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module, as after `python -m`")
    p.add_argument("--trace", metavar="FILE", help="write a trace for chrome://tracing or ui.perfetto.dev")
    p.add_argument("--picture", metavar="FILE", help="draw where the time went: .png, .svg or .pdf")
    p.add_argument("--sort", metavar="KEY", default="self", choices=list(KEYS), help=f"one of {', '.join(KEYS)}")
    p.add_argument("--top", metavar="N", type=int, default=20, help="show so many operations (20); the rest in one row")
    p.add_argument("script", metavar="SCRIPT", nargs="?")
    p.add_argument("rest", metavar="...", nargs=argparse.REMAINDER, help="the script's own arguments")
    return p


def execute(script: str, rest: list[str], module: bool) -> None:
    """As Python would: the script is the main program, and finds what lies beside it."""
    before, folders = sys.argv, list(sys.path)
    sys.argv = [script, *rest]
    sys.path.insert(0, os.getcwd() if module else os.path.dirname(os.path.abspath(script)))
    try:
        if module:
            runpy.run_module(script, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(script, run_name="__main__")
    finally:
        sys.argv = before
        sys.path[:] = folders


def run(script: Callable[[], Any], p: profile) -> int:
    """The exit status of the script. However it ends, the profile is that of what it did."""
    with p:
        try:
            script()
        except SystemExit as end:
            if end.code is not None and not isinstance(end.code, int):
                print(end.code, file=sys.stderr)
                return 1
            return end.code or 0
        except KeyboardInterrupt:
            print("\ninterrupted: this is the profile up to there", file=sys.stderr)
            return 130
        except BaseException as error:
            error.__traceback__ = own_part(error.__traceback__)
            traceback.print_exception(error)
            print("\nthe script failed: this is the profile up to there", file=sys.stderr)
            return 1
    return 0


def own_part(found: Any) -> Any:
    """A traceback without the frames that led to the script."""
    ours = {__file__, runpy.__file__, "<frozen runpy>"}
    at = found
    while at is not None and at.tb_frame.f_code.co_filename in ours:
        at = at.tb_next
    return at or found
