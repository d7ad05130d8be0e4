"""BERT's tokenizer: words by BERT's own rules, then the longest pieces of each that the vocabulary has (WordPiece)."""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .tokenizer import PreTrainedTokenizer

# The blocks of Chinese characters, each a word of its own; kana and Hangul are written in words.
CHINESE = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
           (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))  # fmt: skip
LONGEST = 100  # characters of a word; a longer one is unknown


def is_punctuation(c: str) -> bool:
    """In ASCII all that is no letter, digit or space, even $ and ~; beyond it what Unicode calls punctuation."""
    if c < "\x7f":
        return "!" <= c <= "/" or ":" <= c <= "@" or "[" <= c <= "`" or "{" <= c <= "~"
    return unicodedata.category(c).startswith("P")


def clean(c: str) -> str:
    """A character of a text: a space for any white space, nothing for control characters."""
    kind = unicodedata.category(c)
    if c in "\t\n\r" or kind in ("Zs", "Zl", "Zp"):
        return " "
    return "" if c in "\0\ufffd" or kind in ("Cc", "Cf", "Co", "Cs") else c


class BertTokenizer(PreTrainedTokenizer):
    """BERT's tokenizer (Devlin et al. 2018): "unaffable" → "un", "##aff", "##able".

        tokenizer = BertTokenizer.from_pretrained(folder)
        tokenizer("Hello, my dog is cute", return_tensors="pt")  # input_ids, token_type_ids, attention_mask (1, T)

    First the text is cleaned, Chinese characters are set apart, it is lower-cased and loses its accents; it is split at
    spaces, and around each punctuation mark. Then from the start of each word the longest piece that the vocabulary
    has is taken, again and again; pieces inside a word begin with ##. A word that does not come out is [UNK].

    One text becomes [CLS] A [SEP], a pair [CLS] A [SEP] B [SEP], with token_type_ids 0 up to the first [SEP], then 1.

    vocab: vocab.txt, a token on each line; or the tokens; or their ids. do_lower_case: False for the cased models.
    strip_accents: as do_lower_case unless given. tokenize_chinese_chars: set each apart."""

    vocabulary_names = ("vocab.txt",)
    options = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")

    def __init__(
        self,
        vocab: str | os.PathLike[str] | Iterable[str] | dict[str, int],
        do_lower_case: bool = True,
        strip_accents: bool | None = None,
        tokenize_chinese_chars: bool = True,
        unk_token: str = "[UNK]",
        sep_token: str = "[SEP]",
        pad_token: str = "[PAD]",
        cls_token: str = "[CLS]",
        mask_token: str = "[MASK]",
        **options: Any,
    ) -> None:
        listed: Any = vocab
        if isinstance(vocab, str | os.PathLike):
            listed = self._read_vocabulary(Path(vocab))["vocab"]
        table = listed if isinstance(listed, dict) else {token: k for k, token in enumerate(listed)}
        self.do_lower_case, self.strip_accents = do_lower_case, strip_accents
        self.tokenize_chinese_chars = tokenize_chinese_chars
        self._normal: dict[str, str] = {}
        self._found: dict[str, list[tuple[str, int]]] = {}  # words seen before: their pieces and where each ends
        super().__init__(
            table, unk_token=unk_token, sep_token=sep_token, pad_token=pad_token, cls_token=cls_token,
            mask_token=mask_token, **options,
        )  # fmt: skip

    def normalise(self, c: str) -> str:
        """What becomes of one character: nothing, itself, itself between spaces, or several."""
        text = clean(c)
        if self.tokenize_chinese_chars and any(first <= ord(c) <= last for first, last in CHINESE):
            text = f" {text} "
        if self.do_lower_case if self.strip_accents is None else self.strip_accents:
            text = "".join(n for n in unicodedata.normalize("NFD", text) if unicodedata.category(n) != "Mn")
        return "".join(n.lower() for n in text) if self.do_lower_case else text

    def _words(self, text: str) -> Iterator[list[tuple[str, int, int]]]:
        chars: list[str] = []
        at: list[int] = []  # where in the text each comes from
        for i, c in enumerate(text):
            if (normal := self._normal.get(c)) is None:
                normal = self._normal[c] = self.normalise(c)
            chars.extend(normal)
            at.extend([i] * len(normal))
        for start, stop, whole in self._split("".join(chars)):
            word = "".join(chars[start:stop])
            pieces = [(whole, stop - start)] if whole else self._wordpiece(word)
            begin = start
            tokens = []
            for piece, length in pieces:
                tokens.append((piece, at[begin], at[start + length - 1] + 1))
                begin = start + length
            yield tokens

    def _split(self, text: str) -> Iterator[tuple[int, int, str | None]]:
        """Where the words of a normalised text begin and end; with the added token, where it is one."""
        added = {"".join(map(self.normalise, t)): t for t, a in self._added.items() if not a.special}
        i, n = 0, len(text)
        while i < n:
            token = next((t for t in sorted(added, key=len, reverse=True) if t and text.startswith(t, i)), None)
            if token is not None:
                yield i, i + len(token), added[token]
                i += len(token)
            elif text[i].isspace():
                i += 1
            elif is_punctuation(text[i]):
                yield i, i + 1, None
                i += 1
            else:
                start = i
                while i < n and not text[i].isspace() and not is_punctuation(text[i]):
                    if added and i > start and any(t and text.startswith(t, i) for t in added):
                        break
                    i += 1
                yield start, i, None

    def _wordpiece(self, word: str) -> list[tuple[str, int]]:
        """The pieces of a word, and where in it each ends."""
        if word not in self._found:
            self._found[word] = self._longest_first(word)
        return self._found[word]

    def _longest_first(self, word: str) -> list[tuple[str, int]]:
        pieces, start, n = [], 0, len(word)
        while start < n and n <= LONGEST:
            prefix = "##" if start else ""
            stop = next((stop for stop in range(n, start, -1) if prefix + word[start:stop] in self.vocab), None)
            if stop is None:
                break
            pieces.append((prefix + word[start:stop], stop))
            start = stop
        return pieces if start == n else [(str(self.unk_token), n)]

    def _around(self, pair: bool) -> tuple[list[str], list[str], list[str]]:
        return [str(self.cls_token)], [str(self.sep_token)], [str(self.sep_token)] if pair else []

    def _join(self, tokens: list[str]) -> str:
        text = ""
        for k, token in enumerate(tokens):
            text += token if not k else token[2:] if token.startswith("##") else f" {token}"
        for mark in ".?!,":
            text = text.replace(f" {mark}", mark)
        return text

    # ---- files

    def _vocabulary_files(self) -> dict[str, str]:
        tokens = {k: token for token, k in self.vocab.items()}  # a line no token claims must still be a line
        return {"vocab.txt": "".join(tokens.get(k, f"[gap {k}]") + "\n" for k in range(max(tokens, default=-1) + 1))}

    @staticmethod
    def _read_vocabulary(path: Path) -> dict[str, Any]:
        lines = path.read_text(encoding="utf-8").split("\n")
        return {"vocab": {token.rstrip("\r"): k for k, token in enumerate(lines[:-1] if not lines[-1] else lines)}}

    @staticmethod
    def _read_whole(whole: dict[str, Any], path: Path) -> dict[str, Any]:
        model, rules = whole.get("model", {}), whole.get("normalizer") or {}
        if model.get("type") != "WordPiece" or model.get("continuing_subword_prefix", "##") != "##":
            raise ValueError(f"{path} is of a {model.get('type')} tokenizer; BertTokenizer reads WordPiece with ##")
        names = {"lowercase": "do_lower_case", "strip_accents": "strip_accents",
                 "handle_chinese_chars": "tokenize_chinese_chars"}  # fmt: skip
        return {"vocab": model["vocab"], **{ours: rules[name] for name, ours in names.items() if name in rules}}


class DistilBertTokenizer(BertTokenizer):
    """BERT's tokenizer without token_type_ids, which DistilBERT does not take."""

    model_input_names = ("input_ids", "attention_mask")
