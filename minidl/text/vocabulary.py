"""Symbols, characters or words, and the numbers that stand for them."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ..files import atomic_write

PAD, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<bos>", "<eos>"
WORD = re.compile(r"<\w+>|\w+(?:['’]\w+)*|[^\w\s]")


def words(text: str) -> list[str]:
    """Words and marks of punctuation, in lower case: "It's good." → it's, good, ."""
    return WORD.findall(text.lower())


class Vocabulary:
    """Symbol k has the number k.

        v = Vocabulary.of(sentences, by="words", least=2, specials=("<pad>", "<unk>"))
        v.encode("a fine film")  →  [4, 231, 17]        v.decode([4, 231, 17])  →  "a fine film"

    by: "characters", or "words" as the function `words` finds them. `pad`, `unknown`, `begin` and `end` are the numbers
    of <pad>, <unk>, <bos> and <eos>, or None; a symbol that is not there is <unk>, and an error where there is none."""

    def __init__(self, symbols: Iterable[str], by: str = "characters") -> None:
        if by not in ("characters", "words"):
            raise ValueError(f"Vocabulary: by is 'characters' or 'words', got {by!r}")
        self.symbols, self.by = list(symbols), by
        self.numbers = {symbol: k for k, symbol in enumerate(self.symbols)}
        if len(self.numbers) < len(self.symbols):
            twice = next(s for s, n in Counter(self.symbols).items() if n > 1)
            raise ValueError(f"Vocabulary: a symbol has one number, and {twice!r} is there more than once")
        self.pad, self.unknown, self.begin, self.end = (self.numbers.get(s) for s in (PAD, UNKNOWN, BEGIN, END))

    @classmethod
    def of(
        cls, texts: Iterable[str], by: str = "characters", size: int | None = None, least: int = 1,
        specials: Sequence[str] = (),
    ) -> "Vocabulary":  # fmt: skip
        """The specials, then the symbols of the texts: characters in their order, words by how often they occur.

        least: how often a symbol must occur to be there. size: at most so many in all, the most frequent ones."""
        counts = Counter(symbol for text in texts for symbol in (words(text) if by == "words" else text))
        kept = sorted((s for s, n in counts.items() if n >= least and s not in specials), key=lambda s: (-counts[s], s))
        kept = kept if size is None else kept[: max(size - len(specials), 0)]
        return cls([*specials, *(kept if by == "words" else sorted(kept))], by)

    def encode(self, text: str | Sequence[str], ends: bool = False) -> list[int]:
        """The numbers of a text, or of symbols in a list; ends: with <bos> before and <eos> behind it."""
        symbols = text if not isinstance(text, str) else words(text) if self.by == "words" else text
        found = [self.numbers.get(symbol, self.unknown) for symbol in symbols]
        if None in found:
            missing = symbols[found.index(None)]
            raise ValueError(f"Vocabulary: {missing!r} is none of its {len(self)} symbols, and it has no {UNKNOWN}")
        if ends:
            if self.begin is None or self.end is None:
                raise ValueError(f"Vocabulary: ends=True takes {BEGIN} and {END}, which are not among its symbols")
            found = [self.begin, *found, self.end]
        return found  # type: ignore[return-value]  # None was refused

    def decode(self, numbers: Iterable[int], specials: bool = False) -> str:
        """The text that the numbers stand for; specials: with <pad>, <bos> and <eos> written out."""
        hidden = set() if specials else {self.pad, self.begin, self.end}
        kept = [self.symbols[k] for k in map(int, numbers) if k not in hidden]
        return (" " if self.by == "words" else "").join(kept)

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self.numbers

    def __getitem__(self, symbol: str) -> int:
        return self.encode([symbol])[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} {self.by})"

    # ---- as JSON

    def to_dict(self) -> dict[str, Any]:
        return {"by": self.by, "symbols": self.symbols}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> "Vocabulary":
        return cls(state["symbols"], state["by"])

    def save(self, path: str | os.PathLike[str]) -> None:
        with atomic_write(path, "w", encoding="utf-8") as file:
            json.dump(self.to_dict(), file, ensure_ascii=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        with open(path, encoding="utf-8") as file:
            return cls.from_dict(json.load(file))
