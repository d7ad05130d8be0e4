"""What a tokenizer gives: for each row the ids of its tokens, and where they come from."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import minidl


class Piece(NamedTuple):
    """A token of a text: its id, the characters text[start:end] it stands for, and the number of its word.

    A token that stands for no text, such as [SEP] between two, has no word."""

    id: int
    token: str
    start: int = 0
    end: int = 0
    word: int | None = None


@dataclass
class Encoding:
    """One row: texts with what stands around and between them. The lists are as long as the row."""

    ids: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    type_ids: list[int] = field(default_factory=list)  # 0 for the first text, 1 for the second
    offsets: list[tuple[int, int]] = field(default_factory=list)  # in the text; (0, 0) where there is none
    sequence_ids: list[int | None] = field(default_factory=list)  # which text, None between them
    word_ids: list[int | None] = field(default_factory=list)

    def add(self, pieces: list[Piece], sequence: int) -> None:
        """Take the tokens of one of the texts, and those around it."""
        self.ids += [p.id for p in pieces]
        self.tokens += [p.token for p in pieces]
        self.offsets += [(p.start, p.end) for p in pieces]
        self.word_ids += [p.word for p in pieces]
        self.type_ids += [sequence] * len(pieces)
        self.sequence_ids += [None if p.word is None else sequence for p in pieces]

    def pad(self, length: int, id: int, token: str, type_id: int, left: bool) -> None:
        """Make the row so long; what is padding has sequence_ids None."""
        n = length - len(self.ids)
        fill: dict[str, Any] = {
            "ids": id, "tokens": token, "type_ids": type_id, "offsets": (0, 0), "sequence_ids": None, "word_ids": None,
        }  # fmt: skip
        for name, value in fill.items():
            have = getattr(self, name)
            setattr(self, name, [value] * n + have if left else have + [value] * n)


class BatchEncoding(dict[str, Any]):
    """A tokenizer's result: `model(**batch)`, `batch.input_ids` or `batch["input_ids"]`, `batch.to("cuda")`.

    batch[0] is the first row as an Encoding. The methods say where tokens come from; they take the number of the row,
    which may be left out where there is one row."""

    def __init__(self, data: dict[str, Any], encodings: list[Encoding]) -> None:
        super().__init__(data)
        self._encodings = encodings

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"the encoding has no {name!r}; it has {', '.join(self)}")

    def __getitem__(self, key: Any) -> Any:
        return self._encodings[key] if isinstance(key, int) else super().__getitem__(key)

    @property
    def encodings(self) -> list[Encoding]:
        return self._encodings

    def to(self, device: Any) -> "BatchEncoding":
        """The same with its tensors on a device; changed in place, as in transformers."""
        for name, value in self.items():
            if hasattr(value, "to"):
                self[name] = value.to(device)
        return self

    def tokens(self, row: int = 0) -> list[str]:
        """The tokens of a row as strings."""
        return self._encodings[row].tokens

    def sequence_ids(self, row: int = 0) -> list[int | None]:
        """For each token of a row 0 or 1, its text, and None where it belongs to neither."""
        return self._encodings[row].sequence_ids

    def word_ids(self, row: int = 0) -> list[int | None]:
        """For each token of a row the number of its word in the text."""
        return self._encodings[row].word_ids

    def char_to_token(self, row_or_char: int, char: int | None = None, sequence_index: int = 0) -> int | None:
        """The place in the row of the token that a character belongs to; None for spaces and what was cut off.

        batch.char_to_token(row, char, sequence_index=1), or batch.char_to_token(char) where there is one row."""
        row, char = (0, row_or_char) if char is None else (row_or_char, char)
        e = self._encodings[row]
        for k, ((start, end), sequence) in enumerate(zip(e.offsets, e.sequence_ids)):
            if sequence == sequence_index and start <= char < end:
                return k
        return None


def as_tensors(data: dict[str, Any], kind: str) -> dict[str, Any]:
    """The columns as tensors ("pt", as the documents write it, or "md") or as NumPy arrays ("np")."""
    if kind not in ("pt", "md", "np"):
        raise ValueError(f"return_tensors={kind!r}: 'pt' or 'md' for minidl's tensors, 'np' for arrays")
    for name, rows in data.items():
        lengths = {len(row) for row in rows if isinstance(row, list)}
        if len(lengths) > 1:
            raise ValueError(
                f"the rows of {name} have {min(lengths)} to {max(lengths)} entries, which no tensor can have: "
                "padding=True makes them equally long, and truncation=True with max_length cuts the longest"
            )
    tensors = {name: minidl.tensor(rows, dtype=minidl.int64) for name, rows in data.items()}
    return {name: t.numpy() for name, t in tensors.items()} if kind == "np" else tensors
