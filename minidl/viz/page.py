"""One page of HTML that needs nothing else: no network, no files beside it."""

import json
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from ..files import atomic_write

# Light and dark as the reader's system is; large enough for the back row.
BASE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1a1a1a;--faint:#5f6b76;--line:#c3ccd4;--card:#f4f6f8;--mark:#d55e00;
--plus:0,114,178;--minus:204,94,0;--bad:#b3261e;--good:#00694c}
@media (prefers-color-scheme:dark){:root{--paper:#14181c;--ink:#f0f2f4;--faint:#aab4be;--line:#3c4853;--card:#1b2127;
--mark:#ffb454;--plus:86,180,233;--minus:230,140,60;--bad:#ff8a80;--good:#4ccfa4}}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.5 system-ui,sans-serif}
main{max-width:75rem;margin:0 auto;padding:1.2rem}h1{font-size:1.6rem;margin:0 0 .3rem}p{margin:.4rem 0}
.faint{color:var(--faint)}kbd{border:1px solid var(--line);border-radius:4px;padding:0 .35em;background:var(--card)}
""".strip()


class HtmlPage:
    """`html` is the text of the page, `save(path)` writes it; notebooks show it in a frame."""

    def __init__(self, title: str, body: str, style: str, script: str, data: Any, height: int = 760) -> None:
        self.title, self.height = title, height
        packed = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # no text can end the script
        self.html = (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(title)}</title>\n<style>{BASE}\n{style}</style></head>\n<body><main>{body}</main>\n"
            f'<script type="application/json" id="data">{packed}</script>\n<script>{script}</script></body></html>\n'
        )

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html, quote=True)}" title="{escape(self.title, quote=True)}" '
            f'style="width:100%;height:{self.height}px;border:0"></iframe>'
        )

    def save(self, path: "str | PathLike[str]") -> Path:
        path = Path(path)
        with atomic_write(path, "w", encoding="utf-8") as file:
            file.write(self.html)
        return path

    def __repr__(self) -> str:
        return f"<page {self.title!r}, {len(self.html.encode()) / 1000:.0f} kB; .save(path)>"
