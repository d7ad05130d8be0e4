"""The tokenizers beside transformers': every character, drawn strings, rows of every option, files both ways."""

import sys
import unicodedata
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.models import BertTokenizer

from .oracle import transformers

# Their tables of Unicode are of another version than Python's, so characters are drawn from those that mean the same
# since Unicode 3.2. And their range of Chinese characters begins 256 late in one block, U+2B820.
OLD = unicodedata.ucd_3_2_0
SURE = [
    chr(k) for k in range(sys.maxunicode + 1)
    if unicodedata.category(chr(k)) == OLD.category(chr(k)) not in ("Cn", "Cs") and not 0x2B820 <= k < 0x2B920
]  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyzäß0123456789éあ가σ"
WORDS = "the cat sat on mat un hello world 你 好 , . ! ? ' ( ) - “ … ##aff ##able ##ing ##s".split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCAB = list(dict.fromkeys([*SPECIAL, *WORDS, *LETTERS, *(f"##{c}" for c in LETTERS)]))


@cache
def pair(**options):
    ours = BertTokenizer(VOCAB, **options)
    return ours, transformers.BertTokenizer(vocab={t: k for k, t in enumerate(VOCAB)}, **options)


def same(ours, theirs, *texts, **options):
    """The same rows, columns and places in the text."""
    a = ours(*texts, **options)
    b = theirs(*texts, **options)
    assert dict(a) == b.data
    for row in range(len(b.encodings)):
        assert a.tokens(row) == b.tokens(row)
        assert a.word_ids(row) == b.word_ids(row) and a.sequence_ids(row) == b.sequence_ids(row)


@pytest.mark.parametrize("options", [{}, {"do_lower_case": False}, {"strip_accents": False}], ids=str)
def test_every_character(options):
    ours, theirs = pair(**options)
    normalizer, splitter = theirs.backend_tokenizer.normalizer, theirs.backend_tokenizer.pre_tokenizer
    assert len(SURE) > 90_000
    text = "".join(f"a{c}b\n" for c in (SURE[::10] if options else SURE))
    mine = "".join(map(ours.normalise, text))
    assert mine == normalizer.normalize_str(text)
    assert [mine[a:b] for a, b, _ in ours._split(mine)] == [word for word, _ in splitter.pre_tokenize_str(mine)]


nasty = st.one_of(
    st.text(st.sampled_from(SURE), max_size=30),
    st.lists(
        st.sampled_from([*WORDS, "unaffable", "[MASK]", "[SEP]", "[sep]", " ", "  ", "\n", "Hello,world!!", "I'm",
                         "Café", "cafe\u0301", "naïve…", "日本語", "한국", "🙂👍🏽", "\u200b", "\ufffd", "#", "x" * 99,
                         "y" * 101]),
        max_size=12,
    ).map("".join),
    st.lists(st.sampled_from([*WORDS, "unaffable", "testing"]), max_size=20).map(" ".join),
)  # fmt: skip


@given(text=nasty, cased=st.booleans())
def test_drawn_texts(text, cased):
    ours, theirs = pair(do_lower_case=not cased)
    same(ours, theirs, text, return_offsets_mapping=True, return_special_tokens_mask=True)
    assert ours.tokenize(text) == theirs.tokenize(text)
    ids = ours(text).input_ids
    for options in ({}, {"skip_special_tokens": True}, {"clean_up_tokenization_spaces": True}):
        assert ours.decode(ids, **options) == theirs.decode(ids, **options)


@pytest.mark.filterwarnings("ignore:.max_length. is ignored")  # what they say of padding=True without truncation
@given(
    texts=st.lists(st.tuples(nasty, nasty), min_size=1, max_size=3),
    paired=st.booleans(),
    left=st.booleans(),
    padding=st.sampled_from([False, True, "max_length"]),
    truncation=st.sampled_from([True, False, "longest_first", "only_first", "only_second"]),
    room=st.integers(2, 12),
    stride=st.integers(0, 1),
    windows=st.booleans(),
    multiple=st.sampled_from([None, 4]),
)
def test_rows_that_fit(texts, paired, left, padding, truncation, room, stride, windows, multiple):
    side = "left" if left else "right"
    ours, theirs = pair(truncation_side=side, padding_side=side)
    first, second = [a for a, _ in texts], [b for _, b in texts] if paired else None
    if truncation == "only_second" and not paired:
        truncation = True
    special = 3 if paired else 2
    if (room + special) % 4:  # there they refuse, and here the row is padded to a multiple of 4
        multiple = None
    options = {
        "padding": padding, "truncation": truncation, "max_length": room + special, "stride": stride,
        "return_overflowing_tokens": windows, "pad_to_multiple_of": multiple,
    }  # fmt: skip
    try:
        same(ours, theirs, first, second, **options, return_offsets_mapping=True)
    except ValueError as refusal:  # they stop too, with an exception or by a panic of their own language
        assert "leaves no room" in str(refusal) or "stride" in str(refusal)
        with pytest.raises(BaseException):  # noqa: B017
            theirs(first, second, **options)


def test_files_both_ways(tmp_path):
    ours, theirs = BertTokenizer(VOCAB, do_lower_case=False, model_max_length=40), None
    ours.add_tokens(["NewTok"])
    ours.add_tokens(["<X>"], special_tokens=True)
    ours.save_pretrained(tmp_path / "a")
    for kind in (transformers.BertTokenizer, transformers.AutoTokenizer):
        theirs = kind.from_pretrained(tmp_path / "a")
        assert theirs.model_max_length == 40
        same(ours, theirs, "Hello NewTok<X>the", "[MASK]")
    theirs.save_pretrained(tmp_path / "b")
    same(BertTokenizer.from_pretrained(tmp_path / "b"), theirs, "Hello NewTok<X>the", "[MASK]")
    assert not (tmp_path / "b" / "vocab.txt").exists()  # transformers 5 writes tokenizer.json
