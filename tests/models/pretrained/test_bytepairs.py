"""GPT-2's tokenizer: how a text falls into words and bytes, merges in their order, files; transformers' beside it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl.models import AutoTokenizer, GPT2Tokenizer
from minidl.models.pretrained.bytepairs import letters, split

MERGES = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("c", "a"), ("Ġ", "ca"), ("Ġca", "t"), ("l", "l"), ("'", "ll"),
          ("Ã", "©"), ("Ġca", "f"), ("Ġcaf", "Ã©"), ("1", "2"), ("Ġ", "12"), ("ä", "½"), ("h", "e"), ("'", "s"),
          ("ð", "Ł"), ("Ċ", "Ċ"), ("a", "a"), ("aa", "a")]  # fmt: skip
VOCAB = {t: k for k, t in enumerate([*letters(), *(a + b for a, b in MERGES), "<|endoftext|>"])}


@pytest.fixture
def tokenizer():
    return GPT2Tokenizer(VOCAB, MERGES)


@pytest.mark.parametrize(
    "text, words",
    [
        ("the cat", ["the", " cat"]),
        ("it's we'll 'tis 'LL", ["it", "'s", " we", "'ll", " '", "tis", " '", "LL"]),
        ("a  b", ["a", " ", " b"]),  # the last of the spaces goes with the word
        ("a \n\n b  ", ["a", " \n\n", " b", "  "]),
        ("a\u00a0\u00a0b", ["a", "\u00a0", "\u00a0", "b"]),  # only the plain space goes with a word
        ("x12.5%…½Ⅻ", ["x", "12", ".", "5", "%…", "½Ⅻ"]),
        ("_a_", ["_", "a", "_"]),
        ("", []),
    ],
)
def test_words(text, words):
    assert [text[a:b] for a, b in split(text)] == words


def test_letters_for_bytes():
    assert len(set(letters())) == 256 and letters()[ord(" ")] == "Ġ" and letters()[ord("\n")] == "Ċ"
    assert letters()[ord("a")] == "a" and letters()[0] == "Ā" and letters()[0xAD] == "Ń"
    assert not any(c.isspace() for c in letters())


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("the cat", "the Ġcat"),
        ("café café", "ca f Ã© ĠcafÃ©"),
        ("we'll", "w e 'll"),
        ("th he", "th Ġ he"),
        ("aaaaa aaa", "aa aaa Ġ aaa"),  # first every pair from the left, aa aa a, then the next merge
        ("a<|endoftext|> the", "a <|endoftext|> Ġthe"),
        ("", ""),
    ],
)
def test_merges_in_their_order(tokenizer, text, tokens):
    assert tokenizer.tokenize(text) == tokens.split()
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_rows(tokenizer):
    e = tokenizer("the cat", return_offsets_mapping=True)
    assert dict(e) == {"input_ids": [VOCAB["the"], VOCAB["Ġcat"]], "attention_mask": [1, 1],
                       "offset_mapping": [(0, 3), (3, 7)]}  # fmt: skip
    with pytest.raises(ValueError, match=r"no pad_token to pad with: tokenizer\.pad_token = tokenizer\.eos_token"):
        tokenizer(["the", "the cat"], padding=True)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    both = tokenizer(["the", "the cat"], padding=True, return_tensors="pt")
    assert both.input_ids[0].tolist() == [tokenizer.eos_token_id, VOCAB["the"]]
    assert both.attention_mask.tolist() == [[0, 1], [1, 1]]
    assert GPT2Tokenizer(VOCAB, MERGES, add_prefix_space=True).tokenize("the cat") == ["Ġthe", "Ġcat"]


def test_bytes_that_are_no_text(tokenizer):
    ids = tokenizer("🙂").input_ids
    assert len(ids) == 3 and tokenizer.decode(ids[:1]) == "\ufffd" and tokenizer.decode(ids) == "🙂"


def test_files(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["merges.txt", "tokenizer_config.json", "vocab.json"]
    for kind in (GPT2Tokenizer, AutoTokenizer):
        again = kind.from_pretrained(tmp_path)
        assert type(again) is GPT2Tokenizer and again.vocab == VOCAB and list(again.merges) == MERGES
    whole = tmp_path / "whole"
    whole.mkdir()
    model = {"type": "BPE", "vocab": VOCAB, "merges": [list(pair) for pair in MERGES]}
    text = {"model": model, "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}
    (whole / "tokenizer.json").write_text(json.dumps(text), encoding="utf-8")
    assert GPT2Tokenizer.from_pretrained(whole).tokenize("the cat") == ["Ġthe", "Ġcat"]
    text["pre_tokenizer"] = {"type": "Metaspace"}
    (whole / "tokenizer.json").write_text(json.dumps(text), encoding="utf-8")
    with pytest.raises(ValueError, match="reads byte-level BPE"):
        GPT2Tokenizer.from_pretrained(whole)
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b c\n")
    with pytest.raises(ValueError, match="a merge is two tokens"):
        GPT2Tokenizer.from_pretrained(tmp_path)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_every_text_comes_back(text):
    tokenizer = GPT2Tokenizer(VOCAB, MERGES)
    assert tokenizer.decode(tokenizer(text).input_ids) == text
    assert "".join(text[a:b] for a, b in split(text)) == text


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    from .oracle import transformers

    folder = tmp_path_factory.mktemp("gpt2")
    GPT2Tokenizer(VOCAB, MERGES).save_pretrained(folder)
    return GPT2Tokenizer.from_pretrained(folder), transformers.GPT2Tokenizer.from_pretrained(folder)


NASTY = ["the", " cat", "café", "'ll", "'", "we'LL", "12", "½", "\n", "\t ", "  ", "你好", "🙂👍🏽", "\u00a0", "\u2003",
         "\u200b", "_", "<|endoftext|>", "<|endof", "aaaa", "\x1c", "e\u0301", "…", "Ⅻ", "\x85"]  # fmt: skip


@given(parts=st.lists(st.sampled_from(NASTY), max_size=12))
def test_drawn_texts_as_transformers(twins, parts):
    ours, theirs = twins
    text = "".join(parts)
    options = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
    a, b = ours(text, **options), theirs(text, **options)
    assert dict(a) == b.data
    assert a.tokens() == b.tokens() and a.word_ids() == b.word_ids()
    for skip in (False, True):
        assert ours.decode(a.input_ids, skip) == theirs.decode(b.input_ids, skip_special_tokens=skip)
    short = {"max_length": 9, "truncation": True}
    assert dict(ours(text, "the cat", **short)) == theirs(text, "the cat", **short).data


def test_transformers_files(twins, tmp_path):
    ours, theirs = twins
    theirs.save_pretrained(tmp_path)
    again = GPT2Tokenizer.from_pretrained(tmp_path)
    assert again.get_vocab() == ours.get_vocab() and again.merges == ours.merges
    assert minidl.tensor(again("the cat").input_ids).tolist() == theirs("the cat").input_ids
