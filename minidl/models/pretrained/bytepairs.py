"""GPT-2's tokenizer: byte pairs, merged in the order in which they were learned (Sennrich et al. 2015)."""

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from .hub import read_json
from .tokenizer import PreTrainedTokenizer

# How a text falls into words, on one letter for the kind of each character: a letter, 1 number, " " the space itself,
# _ other white space, ! all else. A word takes the space before it; of several spaces the last goes with the next word.
WORD = re.compile(r" ?a+| ?1+| ?!+|[ _]+(?![^ _])|[ _]+")
CONTRACTION = re.compile("'(?:s|t|re|ve|m|ll|d)")  # English endings are words of their own, and come first
SPACES = "\t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


@cache
def kind(c: str) -> str:
    """What WORD sees of a character."""
    if c == " ":
        return c
    if c in SPACES:
        return "_"
    return {"L": "a", "N": "1"}.get(unicodedata.category(c)[0], "!")


def split(text: str) -> Iterator[tuple[int, int]]:
    """Where the words of a text begin and end; together they are the whole text."""
    kinds, at = "".join(map(kind, text)), 0
    while at < len(text):
        found = CONTRACTION.match(text, at) or WORD.match(kinds, at)
        assert found is not None  # some kind of WORD fits everywhere
        yield at, found.end()
        at = found.end()


@cache
def letters() -> tuple[str, ...]:
    """A visible letter for every byte: itself where it prints, else one from U+0100 on (a space is Ġ)."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = [b for b in range(256) if b not in visible]
    return tuple(chr(b) if b in visible else chr(0x100 + hidden.index(b)) for b in range(256))


class GPT2Tokenizer(PreTrainedTokenizer):
    """GPT-2's tokenizer (Radford et al. 2019): "the café" → "the", "Ġcaf", "Ã©".

    A text falls into words, each with the space before it, and these into bytes, so that no text is unknown. The bytes
    are written as visible letters: Ġ is a space, the two bytes of é are Ã©. Then, of all neighbours in a word, the pair
    that stands first in merges is merged, again and again. Nothing is added around a text.

    vocab: the id of each token; merges: the pairs in their order. add_prefix_space: take the first word as if a space
    stood before it. There is no pad_token: set tokenizer.pad_token = tokenizer.eos_token to pad."""

    model_input_names = ("input_ids", "attention_mask")
    vocabulary_names = ("vocab.json", "merges.txt")
    options = ("add_prefix_space",)

    def __init__(
        self,
        vocab: dict[str, int],
        merges: list[tuple[str, str]],
        add_prefix_space: bool = False,
        unk_token: str | None = "<|endoftext|>",
        bos_token: str | None = "<|endoftext|>",
        eos_token: str | None = "<|endoftext|>",
        **options: Any,
    ) -> None:
        self.merges = {(a, b): k for k, (a, b) in enumerate(merges)}
        self.add_prefix_space = add_prefix_space
        self._found: dict[str, list[str]] = {}  # words seen before: their tokens
        super().__init__(vocab, unk_token=unk_token, bos_token=bos_token, eos_token=eos_token, **options)

    def _words(self, text: str) -> Iterator[list[tuple[str, int, int]]]:
        shift = int(self.add_prefix_space and text[:1] not in ("", " "))
        text = " " * shift + text
        for start, stop in split(text):
            at = [i for i in range(start, stop) for _ in text[i].encode("utf-8", "surrogatepass")]  # each byte's place
            tokens, k = [], 0
            for token in self._bytepairs(text[start:stop]):
                first, last = at[k], at[k + len(token) - 1]
                tokens.append((token, max(first - shift, 0), last + 1 - shift))
                k += len(token)
            yield tokens

    def _bytepairs(self, word: str) -> list[str]:
        if word not in self._found:
            letter = letters()
            self._found[word] = self._merged([letter[b] for b in word.encode("utf-8", "surrogatepass")])
        return self._found[word]

    def _merged(self, parts: list[str]) -> list[str]:
        """The pair that comes first in merges becomes one wherever it stands, until no neighbours are in merges."""
        last = len(self.merges)
        while len(parts) > 1:
            pair = min(zip(parts, parts[1:]), key=lambda pair: self.merges.get(pair, last))
            if pair not in self.merges:
                break
            merged, i = [], 0
            while i < len(parts):
                here = i + 1 < len(parts) and (parts[i], parts[i + 1]) == pair
                merged.append(parts[i] + parts[i + 1] if here else parts[i])
                i += 2 if here else 1
            parts = merged
        return parts

    def _join(self, tokens: list[str]) -> str:
        byte = {letter: b for b, letter in enumerate(letters())}
        data = bytearray()
        for token in tokens:
            plain = token in self._added or not all(c in byte for c in token)
            data += token.encode() if plain else bytes(byte[c] for c in token)
        return data.decode("utf-8", errors="replace")

    # ---- files

    def _vocabulary_files(self) -> dict[str, str]:
        pairs = "".join(f"{a} {b}\n" for a, b in self.merges)
        return {"vocab.json": json.dumps(self.vocab, ensure_ascii=False), "merges.txt": "#version: 0.2\n" + pairs}

    @staticmethod
    def _read_vocabulary(vocab: Path, merges: Path) -> dict[str, Any]:
        lines = merges.read_text(encoding="utf-8").split("\n")
        return {"vocab": read_json(vocab), "merges": _pairs(lines[lines[0].startswith("#version") :], merges)}

    @staticmethod
    def _read_whole(whole: dict[str, Any], path: Path) -> dict[str, Any]:
        model, before = whole.get("model", {}), whole.get("pre_tokenizer") or {}
        if model.get("type") != "BPE" or before.get("type") != "ByteLevel" or model.get("byte_fallback"):
            raise ValueError(f"{path} is of a {model.get('type')} tokenizer; GPT2Tokenizer reads byte-level BPE")
        return {"vocab": model["vocab"], "merges": _pairs(model["merges"], path),
                "add_prefix_space": before.get("add_prefix_space", False)}  # fmt: skip


def _pairs(lines: Any, path: Path) -> list[tuple[str, str]]:
    """Merges, written as "a b" or as ["a", "b"]."""
    pairs = [tuple(line.split(" ") if isinstance(line, str) else line) for line in lines if line]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{path}: a merge is two tokens, got {next(p for p in pairs if len(p) != 2)!r:.60}")
    return [(a, b) for a, b in pairs]
