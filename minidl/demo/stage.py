"""What the demos for a class share: large plain text in parts, a page with the same text and the pictures beside it.

What is printed depends on the arguments alone: no times, no paths of this machine."""

import argparse
import base64
import io
import sys
import textwrap
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ..files import atomic_write
from ..viz.page import HtmlPage

WIDTH = 72  # columns: readable from the back row when the terminal's letters are large


class Stage:
    """One performance. `fault` is what was planted, or None."""

    def __init__(self, name: str, about: str, faults: Mapping[str, str], argv: list[str]) -> None:
        parser = argparse.ArgumentParser(prog=f"minidl demo {name}", description=about)
        kinds = ", ".join(faults)
        parser.add_argument("--break", dest="fault", choices=faults, metavar="KIND", help=f"plant a fault: {kinds}")
        parser.add_argument("--step", action="store_true", help="wait for Enter between the parts")
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (%(default)s)")
        parser.add_argument("--out", type=Path, metavar="FOLDER", help=f"where pages and pictures go (runs/{name})")
        options = parser.parse_args(argv)
        self.name, self.about, self.faults = name, about, faults
        self.fault: str | None = options.fault
        self.seed: int = options.seed
        self.out: Path = options.out or Path("runs") / name
        self.waits = options.step and sys.stdin.isatty()
        self.parts = 0
        self.told: list[tuple[str, str]] = []  # ("h2" | "pre" | "img", content), for the page
        self.files: list[str] = []
        self.out.mkdir(parents=True, exist_ok=True)

    def part(self, title: str) -> None:
        """A heading; with --step, only after Enter."""
        if self.waits and self.parts:
            input("\n" + "[Enter]".rjust(WIDTH))
        self.parts += 1
        print(f"\n{'=' * WIDTH}\n  {self.parts}. {title}\n{'=' * WIDTH}\n", flush=True)
        self.told.append(("h2", title))

    def say(self, text: str = "") -> None:
        print(f"  {text}".rstrip(), flush=True)
        if self.told and self.told[-1][0] == "pre":
            text = f"{self.told.pop()[1]}\n{text}"
        self.told.append(("pre", text))

    def show(self, ax: Any, name: str) -> None:
        """Save the figure that these axes are part of, and put it on the page."""
        figure, buffer = ax.figure, io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
        with atomic_write(self.out / f"{name}.png") as file:
            file.write(buffer.getvalue())
        self.files.append(f"{name}.png")
        print(f"  (picture: {name}.png)", flush=True)
        self.told.append(("img", base64.b64encode(buffer.getvalue()).decode()))

    def page(self, page: HtmlPage, name: str) -> None:
        page.save(self.out / f"{name}.html")
        self.files.append(f"{name}.html")

    def finish(self, *lesson: str) -> None:
        """The last part: what was planted, what is to be remembered, and where the files are."""
        self.part("What was wrong" if self.fault else "To take home")
        if self.fault:
            self.say(f"Planted: --break {self.fault}")
            for line in textwrap.wrap(self.faults[self.fault], WIDTH - 2):
                self.say(line)
            self.say()
        for line in lesson:
            self.say(line)
        write = {
            "h2": lambda text: f"<h2>{escape(text)}</h2>",
            "pre": lambda text: f"<pre>{escape(text)}</pre>",
            "img": lambda data: f'<img alt="" src="data:image/png;base64,{data}">',
        }
        body = f"<h1>{escape(self.about)}</h1>" + "".join(write[kind](text) for kind, text in self.told)
        style = "pre{font-size:1.05rem;line-height:1.45;overflow-x:auto}img{max-width:100%;border-radius:6px}"
        self.page(HtmlPage(f"minidl demo {self.name}", body, style, "", {}), self.name)
        written = f"Written to {self.out.as_posix()}: {', '.join(self.files)}"
        print("\n" + textwrap.fill(written, WIDTH, initial_indent="  ", subsequent_indent="    "))
