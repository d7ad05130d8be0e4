"""The command `minidl`: a table of sub-commands, each imported when it is called."""

import argparse
import codecs
import importlib
import io
import os
import sys
from collections.abc import Sequence

import minidl

# name -> what it does, and the function (argv) -> exit status or None that does it
COMMANDS: dict[str, tuple[str, str]] = {
    "answer": ("find the answer to a question in a text, with a trained network", "minidl.recipes.commands:answer"),
    "classify": ("ask a trained network what a picture or a sentence is", "minidl.recipes.commands:classify"),
    "demo": ("check every gradient, train on real digits, write the pictures", "minidl.demo.table:main"),
    "doctor": ("say what this machine has, what it lacks, and what installs it", "minidl.machine:main"),
    "generate": ("let a trained network write or draw", "minidl.recipes.commands:generate"),
    "gradcheck": ("check gradients, and say what is wrong with one", "minidl.testing.doctor.command:main"),
    "profile": ("run a script, and say where its time and memory went", "minidl.profiler.command:main"),
    "train": ("train a network, or a recipe of `train --list`; survives a kill", "minidl.recipes.commands:train"),
    "translate": ("translate a sentence with a trained network", "minidl.recipes.commands:translate"),
}

# What a user can put right, said in one line. Anything else is a fault of minidl's own and keeps its traceback.
USER_ERRORS = (ValueError, OSError, ImportError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (`sys.argv` by default) and return its exit status.

    0 done, 1 the machine said no (a file, a missing package), 2 the user asked for what cannot be, 130 interrupted.
    """
    make_printable()
    arguments = parser().parse_args(argv)
    module, function = COMMANDS[arguments.command][1].split(":")
    try:
        status = getattr(importlib.import_module(module), function)(arguments.rest)
        sys.stdout.flush()
        return int(status or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `minidl ... | head`: nobody reads on, and nothing more is to be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except USER_ERRORS as error:
        if os.environ.get("MINIDL_TRACEBACK"):
            raise
        print(f"minidl {arguments.command}: {one_line(error)}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1


def parser() -> argparse.ArgumentParser:
    table = "\n".join(f"  {name:10} {line}" for name, (line, _) in COMMANDS.items())
    p = argparse.ArgumentParser(
        prog="minidl",
        description=minidl.__doc__,
        epilog=f"commands:\n{table}\n\n`minidl COMMAND --help` says more. MINIDL_TRACEBACK=1 shows where it broke.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--version", action="version", version=f"minidl {minidl.__version__}")
    p.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    p.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="what the command takes")
    return p


def one_line(error: BaseException) -> str:
    """An error's message on one line; its type where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def make_printable() -> None:
    """Let a console that has no x̂ print `xhat` for it, where it would otherwise raise."""
    codecs.register_error("minidl.plain", spelt_out)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="minidl.plain")


def spelt_out(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an encoding lacks: `^2` for ², `->` for →."""
    from .testing.doctor.terminal import plain

    assert isinstance(error, UnicodeEncodeError)
    return plain(error.object[error.start : error.end]), error.end
