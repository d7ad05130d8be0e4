"""Pieces of words, learned from text: frequent words stay whole, rare ones fall into parts, and none is unknown."""

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from ..files import atomic_write
from .vocabulary import BEGIN, END, PAD, UNKNOWN


class Subwords:
    """Pieces of words and their numbers, by the library `tokenizers`; used like a Vocabulary.

        s = Subwords.train(sentences, size=8000)
        s.encode("Zwei Hunde", ends=True)  →  [2, 391, 1204, 3]        s.decode(…)  →  "Zwei Hunde"

    `pad`, `unknown`, `begin` and `end` are the numbers of <pad>, <unk>, <bos> and <eos>, or None."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.pad, self.unknown, self.begin, self.end = map(tokenizer.token_to_id, (PAD, UNKNOWN, BEGIN, END))

    @classmethod
    def train(
        cls, texts: Iterable[str], size: int = 8000, kind: str = "bpe", lowercase: bool = False,
        specials: Sequence[str] = (PAD, UNKNOWN, BEGIN, END), least: int = 2,
    ) -> "Subwords":  # fmt: skip
        """Learn up to `size` pieces, the specials first, of what occurs `least` times.

        kind: "bpe", pairs of bytes merged by frequency (Sennrich, Haddow & Birch 2016; by bytes as in GPT-2, so every
        text comes back as it was), or "wordpiece", as in BERT, whose later pieces of a word begin with ## (it needs a
        special <unk> or [UNK])."""
        t = library()
        if kind not in ("bpe", "wordpiece"):
            raise ValueError(f"Subwords.train: kind is 'bpe' or 'wordpiece', got {kind!r}")
        options: dict[str, Any] = {"vocab_size": size, "min_frequency": least, "show_progress": False}
        options["special_tokens"] = list(specials)
        if kind == "bpe":
            made = t.Tokenizer(t.models.BPE())
            made.pre_tokenizer = t.pre_tokenizers.ByteLevel(add_prefix_space=False)
            made.decoder = t.decoders.ByteLevel()
            trainer = t.trainers.BpeTrainer(initial_alphabet=t.pre_tokenizers.ByteLevel.alphabet(), **options)
        else:
            unknown = next((name for name in (UNKNOWN, "[UNK]") if name in specials), None)
            if unknown is None:
                raise ValueError(f"Subwords.train: wordpiece takes {UNKNOWN} or [UNK] among its specials")
            made = t.Tokenizer(t.models.WordPiece(unk_token=unknown))
            made.pre_tokenizer = t.pre_tokenizers.BertPreTokenizer()
            made.decoder = t.decoders.WordPiece()
            trainer = t.trainers.WordPieceTrainer(**options)
        if lowercase:
            made.normalizer = t.normalizers.Lowercase()
        made.train_from_iterator(texts, trainer)
        return cls(made)

    def encode(self, text: str, ends: bool = False) -> list[int]:
        """The numbers of a text's pieces; ends: with <bos> before and <eos> behind them."""
        return self.encode_all([text], ends)[0]

    def encode_all(self, texts: Sequence[str], ends: bool = False) -> list[list[int]]:
        """The same for many texts, on several threads."""
        if ends and (self.begin is None or self.end is None):
            raise ValueError(f"Subwords: ends=True takes {BEGIN} and {END}, which were not among the specials")
        found = [e.ids for e in self.tokenizer.encode_batch(list(texts), add_special_tokens=False)]
        return [[self.begin, *ids, self.end] for ids in found] if ends else found

    def decode(self, numbers: Iterable[int], specials: bool = False) -> str:
        """The text that the numbers stand for; specials: with <pad>, <bos> and the like written out."""
        return self.tokenizer.decode([int(k) for k in numbers], skip_special_tokens=not specials)

    def pieces(self, text: str) -> list[str]:
        """The pieces of a text as they are in the vocabulary."""
        return self.tokenizer.encode(text, add_special_tokens=False).tokens

    def __len__(self) -> int:
        return self.tokenizer.get_vocab_size()

    def __contains__(self, piece: str) -> bool:
        return self.tokenizer.token_to_id(piece) is not None

    def __getitem__(self, piece: str) -> int:
        found = self.tokenizer.token_to_id(piece)
        if found is None:
            raise KeyError(f"Subwords: {piece!r} is none of its {len(self)} pieces")
        return found

    def __repr__(self) -> str:
        return f"Subwords({len(self)} pieces)"

    # ---- as JSON

    def to_dict(self) -> dict[str, Any]:
        return json.loads(self.tokenizer.to_str())

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> "Subwords":
        return cls(library().Tokenizer.from_str(json.dumps(state)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """A tokenizer.json, as the library and Hugging Face's models have it."""
        with atomic_write(path, "w", encoding="utf-8") as file:
            json.dump(self.to_dict(), file, ensure_ascii=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Subwords":
        with open(path, encoding="utf-8") as file:
            return cls.from_dict(json.load(file))


def library() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise ImportError("Subwords takes the library tokenizers: pip install 'minidl[nlp]'") from None
    return tokenizers
