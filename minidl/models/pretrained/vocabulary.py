"""The tokens of a tokenizer and their ids; among them the special ones, and those added later."""

import re
from typing import Any

from .tokenizer_files import AddedToken

SPECIAL = ("unk_token", "sep_token", "pad_token", "cls_token", "mask_token", "bos_token", "eos_token")


def _id_of(name: str) -> Any:
    return property(lambda self: self._ids.get(getattr(self, name)), doc=f"The id of {name}, None where it has none.")


class Vocabulary:
    """Tokens and ids. vocab: the id of each token. added: tokens that are found in a text before anything else; the
    special ones (cls_token, sep_token, …) are among them, each an attribute, its id as cls_token_id, and so on."""

    unk_token: str | None = None
    sep_token: str | None = None
    pad_token: str | None = None
    cls_token: str | None = None
    mask_token: str | None = None
    bos_token: str | None = None
    eos_token: str | None = None

    unk_token_id, sep_token_id, pad_token_id = _id_of("unk_token"), _id_of("sep_token"), _id_of("pad_token")
    cls_token_id, mask_token_id = _id_of("cls_token"), _id_of("mask_token")
    bos_token_id, eos_token_id = _id_of("bos_token"), _id_of("eos_token")

    def __init__(self, vocab: dict[str, int], added: list[AddedToken], special: dict[str, str | None]) -> None:
        for name, token in special.items():
            if name not in SPECIAL:
                raise TypeError(f"{type(self).__name__} takes no {name!r}")
            setattr(self, name, token)
        self.vocab = vocab
        self._ids = dict(vocab)
        self._tokens = {k: token for token, k in vocab.items()}
        self._added: dict[str, AddedToken] = {}
        self._special: re.Pattern[str] | None = None  # finds the special ones in a text
        for entry in added + [AddedToken(token) for token in self._named().values()]:
            self._add(entry)

    def _named(self) -> dict[str, str]:
        """The special tokens that have a part to play, by the name of the part."""
        return {name: token for name in SPECIAL if (token := getattr(self, name)) is not None}

    def _add(self, token: AddedToken) -> bool:
        new = token.content not in self._ids
        if new:
            self._ids[token.content] = max(self._tokens, default=-1) + 1 if token.id is None else token.id
            self._tokens[self._ids[token.content]] = token.content
        self._added.setdefault(token.content, token)
        special = sorted((t for t in self._added if self._added[t].special), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, special))) if special else None
        return new

    def add_tokens(self, tokens: str | list[str], special_tokens: bool = False) -> int:
        """Let these be single tokens, found before all else: special ones as they stand, others after lower-casing.

        How many are new; model.resize_token_embeddings(len(tokenizer)) makes room for them."""
        tokens = [tokens] if isinstance(tokens, str) else tokens
        return sum(self._add(AddedToken(t, special=special_tokens)) for t in tokens)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def vocab_size(self) -> int:
        """How many tokens it has without the added ones."""
        return len(self.vocab)

    def get_vocab(self) -> dict[str, int]:
        """The id of every token, added ones included."""
        return dict(self._ids)

    @property
    def all_special_tokens(self) -> list[str]:
        """The special ones: first those with a part to play, then those added."""
        return list(dict.fromkeys([*self._named().values(), *(t for t in self._added if self._added[t].special)]))

    @property
    def all_special_ids(self) -> list[int]:
        return [self._ids[t] for t in self.all_special_tokens if t in self._ids]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """The id of a token, or those of a list; unknown ones are unk_token."""
        if isinstance(tokens, str):
            return self._ids.get(tokens, self.unk_token_id)
        return [self.convert_tokens_to_ids(t) for t in tokens]

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The token of an id, or those of a list."""
        if not hasattr(ids, "__iter__"):
            if int(ids) not in self._tokens:
                raise ValueError(f"there is no token {int(ids)}: the vocabulary has {len(self)}")
            return self._tokens[int(ids)]
        left_out = set(self.all_special_ids) if skip_special_tokens else set()
        return [self.convert_ids_to_tokens(k) for k in map(int, ids) if k not in left_out]
