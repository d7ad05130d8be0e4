"""What the tokenizers have in common: from texts to rows of ids that fit a model, and back."""

import os
from collections.abc import Iterator
from typing import Any, ClassVar, Self

from .encoding import BatchEncoding, Encoding, Piece, as_tensors
from .tokenizer_files import AddedToken, read_tokenizer, write_tokenizer
from .truncation import truncate
from .vocabulary import Vocabulary

ENDLESS = int(1e30)  # the model_max_length of a tokenizer that knows of no limit, as transformers writes it


class PreTrainedTokenizer(Vocabulary):
    """Texts to rows of ids: `tokenizer(text, padding=True, truncation=True, return_tensors="pt")`, and `decode` back.

    The subclasses know how a text falls into tokens, and what stands around it."""

    model_input_names: ClassVar[tuple[str, ...]] = ("input_ids", "token_type_ids", "attention_mask")
    options: ClassVar[tuple[str, ...]] = ()  # what a subclass is made with, besides vocabulary and special tokens
    vocabulary_names: ClassVar[tuple[str, ...]] = ()  # the files of its vocabulary
    pad_token_type_id = 0

    def __init__(
        self,
        vocab: dict[str, int],
        *,
        added: list[AddedToken] | None = None,
        model_max_length: int | None = None,
        padding_side: str = "right",
        truncation_side: str = "right",
        clean_up_tokenization_spaces: bool = False,
        **special: str | None,
    ) -> None:
        super().__init__(vocab, added or [], special)
        self.model_max_length = ENDLESS if model_max_length is None else int(model_max_length)
        self.padding_side, self.truncation_side = padding_side, truncation_side
        self.clean_up_tokenization_spaces = clean_up_tokenization_spaces

    # ---- how a text falls into tokens

    def _words(self, text: str) -> Iterator[list[tuple[str, int, int]]]:
        """The words of a text without special tokens, each as its tokens and where they begin and end in the text."""
        raise NotImplementedError

    def _join(self, tokens: list[str]) -> str:
        """The text of tokens."""
        raise NotImplementedError

    def _around(self, pair: bool) -> tuple[list[str], list[str], list[str]]:
        """The tokens before the first text, between the two (after the one), and after the second."""
        return [], [], []

    def _pieces(self, text: str) -> list[Piece]:
        if not isinstance(text, str):
            raise TypeError(f"a text is a string, got {type(text).__name__}")
        pieces: list[Piece] = []
        word, at = 0, 0

        def take(start: int, stop: int) -> None:
            nonlocal word
            for tokens in self._words(text[start:stop]):
                pieces.extend(Piece(self.convert_tokens_to_ids(t), t, start + a, start + b, word) for t, a, b in tokens)
                word += 1

        for found in self._special.finditer(text) if self._special else ():
            take(at, found.start())
            at = found.end()
            pieces.append(Piece(self._ids[found[0]], found[0], found.start(), at, word))
            word += 1
        take(at, len(text))
        return pieces

    def tokenize(self, text: str) -> list[str]:
        """The tokens of a text, without special ones around it."""
        return [p.token for p in self._pieces(text)]

    # ---- rows

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_overflowing_tokens: bool = False,
        return_length: bool = False,
    ) -> BatchEncoding:
        """Rows of ids for a text, a pair of texts, or lists of them.

        text, text_pair: strings or lists of equally many; pairs may also come as a list of (text, text).
        padding: True or "longest", to the longest row; "max_length"; False. Padding has attention_mask 0.
        truncation: True or "longest_first", taking from the longer text of a pair; "only_first"; "only_second"; False.
            Given only max_length, rows are truncated too, as in transformers. max_length counts the special tokens; it
            is the model's (model_max_length) unless given.
        return_overflowing_tokens: also windows over what was cut off, each sharing `stride` tokens with the one before
            it; overflow_to_sample_mapping says which text a row comes from.
        return_offsets_mapping: for each token its (start, end) in the text. return_tensors: "pt" or "md" for minidl's
            tensors, "np" for arrays, None for lists."""
        texts, pairs, single = _as_batch(text, text_pair)
        if truncation is None:
            truncation = max_length is not None and not padding
        strategy = truncation if isinstance(truncation, str) else "longest_first" if truncation else "do_not_truncate"
        limit = max_length if max_length is not None else min(self.model_max_length, ENDLESS)
        rows: list[Encoding] = []
        origin: list[int] = []
        left = self.truncation_side == "left"
        for k, (first, second) in enumerate(zip(texts, pairs)):
            a, b = self._pieces(first), None if second is None else self._pieces(second)
            around = self._around(b is not None) if add_special_tokens else ([], [], [])
            room = limit - sum(map(len, around))
            if room < 0 and strategy != "do_not_truncate":
                raise ValueError(f"max_length {limit} has no room for the {limit - room} special tokens of a row")
            for windows in truncate(a, b, room, strategy, stride, left):
                rows.append(self._row(*windows, around))
                origin.append(k)
                if not return_overflowing_tokens:
                    break
        lengths = [len(row.ids) for row in rows]
        self._pad(rows, padding, max_length, pad_to_multiple_of, padding_side)

        data: dict[str, Any] = {"input_ids": [r.ids for r in rows]}
        wants = lambda given, name: name in self.model_input_names if given is None else given
        if wants(return_token_type_ids, "token_type_ids"):
            data["token_type_ids"] = [r.type_ids for r in rows]
        if wants(return_attention_mask, "attention_mask"):
            data["attention_mask"] = self._masks(rows, lengths, padding_side)
        if return_special_tokens_mask:
            data["special_tokens_mask"] = [[int(s is None) for s in r.sequence_ids] for r in rows]
        if return_offsets_mapping:
            data["offset_mapping"] = [r.offsets for r in rows]
        if return_length:
            data["length"] = [len(r.ids) for r in rows]
        if single and not return_overflowing_tokens and return_tensors is None:
            data = {name: column[0] for name, column in data.items()}
        if return_overflowing_tokens:
            data["overflow_to_sample_mapping"] = origin
        return BatchEncoding(as_tensors(data, return_tensors) if return_tensors else data, rows)

    def _row(self, a: list[Piece], b: list[Piece] | None, around: tuple[list[str], list[str], list[str]]) -> Encoding:
        row, (before, between, after) = Encoding(), around
        row.add(self._marks(before) + a + self._marks(between), 0)
        row.add((b or []) + self._marks(after), 1)
        return row

    def _marks(self, tokens: list[str]) -> list[Piece]:
        return [Piece(self._ids[token], token) for token in tokens]

    def _pad(
        self, rows: list[Encoding], padding: bool | str, max_length: int | None, multiple: int | None, side: str | None
    ) -> None:
        if padding is False or padding == "do_not_pad" or not rows:
            return
        if padding not in (True, "longest", "max_length"):
            raise ValueError(f"padding={padding!r}: True, False, 'longest' or 'max_length' is expected")
        length = max(len(row.ids) for row in rows)
        if padding == "max_length":
            limit = self.model_max_length if max_length is None else max_length
            if limit >= ENDLESS:
                raise ValueError("padding='max_length' needs max_length: this tokenizer knows of no limit of the model")
            length = limit
        if multiple:
            length = -(-length // multiple) * multiple
        if self.pad_token_id is None:
            raise ValueError("this tokenizer has no pad_token to pad with: tokenizer.pad_token = tokenizer.eos_token")
        left = (side or self.padding_side) == "left"
        for row in rows:
            row.pad(length, self.pad_token_id, str(self.pad_token), self.pad_token_type_id, left)

    def _masks(self, rows: list[Encoding], lengths: list[int], side: str | None) -> list[list[int]]:
        left = (side or self.padding_side) == "left"
        masks = []
        for row, n in zip(rows, lengths):
            pad = [0] * (len(row.ids) - n)
            masks.append(pad + [1] * n if left else [1] * n + pad)
        return masks

    def encode(self, text: Any, text_pair: Any = None, **options: Any) -> Any:
        """The ids of a text or a pair, as a list (or a tensor, with return_tensors)."""
        return self(text, text_pair, **options)["input_ids"]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many tokens of a row are not the texts'."""
        return sum(map(len, self._around(pair)))

    # ---- back

    def decode(
        self, token_ids: Any, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool | None = None
    ) -> Any:
        """The text of ids (a list, an array or a tensor); a list of texts for rows of ids.

        clean_up_tokenization_spaces: also take out the spaces before punctuation and in contractions."""
        ids = token_ids.tolist() if hasattr(token_ids, "tolist") else token_ids
        ids = [ids] if isinstance(ids, int) else list(ids)
        if ids and hasattr(ids[0], "__iter__"):
            return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in ids]
        text = self._join(self.convert_ids_to_tokens(ids, skip_special_tokens))
        clean = clean_up_tokenization_spaces
        return clean_up(text) if (self.clean_up_tokenization_spaces if clean is None else clean) else text

    def batch_decode(self, sequences: Any, **options: Any) -> list[str]:
        """The texts of rows of ids."""
        return [self.decode(row, **options) for row in sequences]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """The text of tokens."""
        return self._join(tokens)

    # ---- files

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], **changes: Any) -> Self:
        """The tokenizer in a folder, or of a name on the hub; `changes` replace what its tokenizer_config.json says."""
        return cls(**{**read_tokenizer(cls, folder), **changes})

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write its files into the folder: the vocabulary and tokenizer_config.json, as transformers reads them."""
        write_tokenizer(self, folder)

    def _vocabulary_files(self) -> dict[str, str]:
        """The text of each file of its vocabulary, by name."""
        raise NotImplementedError

    def __repr__(self) -> str:
        limit = "" if self.model_max_length >= ENDLESS else f"model_max_length={self.model_max_length}, "
        return f"{type(self).__name__}(vocab_size={self.vocab_size}, {limit}{self._named()})"


def _as_batch(text: Any, text_pair: Any) -> tuple[list[str], list[Any], bool]:
    """Texts, the text beside each (or None), and whether one was given and no list."""
    if isinstance(text, str):
        if text_pair is not None and not isinstance(text_pair, str):
            raise TypeError("text is one string, so text_pair must be one too, or both must be lists")
        return [text], [text_pair], True
    texts = list(text)
    if text_pair is None:
        both = [(t, None) if isinstance(t, str) else tuple(t) for t in texts]
        if any(len(pair) != 2 for pair in both):
            raise ValueError("a list of texts, or of pairs (text, text), is expected")
        return [a for a, _ in both], [b for _, b in both], False
    pairs = list(text_pair)
    if isinstance(text_pair, str) or len(pairs) != len(texts):
        raise ValueError(f"{len(texts)} texts need as many in text_pair, got {text_pair!r:.60}")
    return texts, pairs, False


def clean_up(text: str) -> str:
    """English without the spaces that splitting put before punctuation and into contractions."""
    for spaced, plain in (
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"),
        (" n't", "n't"), (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ):  # fmt: skip
        text = text.replace(spaced, plain)
    return text
