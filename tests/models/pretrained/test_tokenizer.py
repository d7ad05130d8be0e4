"""BERT's tokenizer by worked examples: what its rules say, rows that fit a model, and its files."""

import json
import pickle

import numpy as np
import pytest

import minidl
from minidl.models import BertTokenizer, DistilBertTokenizer

VOCAB = """[PAD] [UNK] [CLS] [SEP] [MASK] the cat sat on mat un ##aff ##able ##s , . ! ? ' - a b c hello world 你 好
cafe resume i m x ##x σ ##σ""".split()
ID = {token: k for k, token in enumerate(VOCAB)}


@pytest.fixture
def tokenizer():
    return BertTokenizer(VOCAB)


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("unaffable", "un ##aff ##able"),
        ("The CAT sat.", "the cat sat ."),
        ("Café RÉSUMÉ re\u0301sume\u0301", "cafe resume resume"),  # also as letters with accents of their own
        ("cat,cat!?-mat", "cat , cat ! ? - mat"),
        ("$cat", "[UNK] cat"),  # not punctuation to Unicode, but to BERT
        ("你好 world你", "你 好 world 你"),
        ("cat\u200bs\x00 \ufffdcat\x07s\tmat\r\n", "cat ##s cat ##s mat"),  # control characters vanish
        ("the\u00a0cat\u3000sat\u2028on", "the cat sat on"),
        ("cats matz xs", "cat ##s [UNK] x ##s"),  # a word is unknown as a whole
        ("x" * 100, "x " + "##x " * 99),
        ("x" * 101, "[UNK]"),
        ("ΣΣ", "σ ##σ"),  # not the final sigma: letters are lowered one by one
        ("[MASK]cat [mask] [SEP]", "[MASK] cat [UNK] [UNK] [UNK] [SEP]"),
        ("", ""),
        ("  \n ", ""),
    ],
)
def test_the_rules(tokenizer, text, tokens):
    assert tokenizer.tokenize(text) == tokens.split()


def test_accents_and_case_are_kept_where_asked():
    cased = BertTokenizer([*VOCAB, "Cat", "é"], do_lower_case=False)
    assert cased.tokenize("Cat é CAT") == ["Cat", "é", "[UNK]"]
    assert BertTokenizer([*VOCAB, "é"], strip_accents=False).tokenize("É") == ["é"]
    assert BertTokenizer([*VOCAB, "你好"], tokenize_chinese_chars=False).tokenize("你好") == ["你好"]


def test_a_text_and_a_pair(tokenizer):
    one = tokenizer("the cat")
    assert one == {"input_ids": [2, 5, 6, 3], "token_type_ids": [0] * 4, "attention_mask": [1] * 4}
    two = tokenizer("the cat", "hello")
    assert two.tokens() == "[CLS] the cat [SEP] hello [SEP]".split()
    assert two.token_type_ids == [0, 0, 0, 0, 1, 1] and two.sequence_ids() == [None, 0, 0, None, 1, None]
    assert tokenizer([("the cat", "hello"), ("a", "b")])["input_ids"] == [two.input_ids, [2, ID["a"], 3, ID["b"], 3]]
    assert tokenizer(["the cat", "a"], ["hello", "b"])["input_ids"][0] == two.input_ids
    assert tokenizer.encode("the cat", add_special_tokens=False) == [5, 6]
    assert tokenizer("") == {"input_ids": [2, 3], "token_type_ids": [0, 0], "attention_mask": [1, 1]}
    assert tokenizer([])["input_ids"] == []
    assert "token_type_ids" not in DistilBertTokenizer(VOCAB)("the")


def test_offsets_lead_back_to_the_text(tokenizer):
    text = "Un\u0301affable, [MASK]  你cat"
    e = tokenizer(text, return_offsets_mapping=True)
    found = [text[a:b] for a, b in e.offset_mapping]
    assert found == ["", "Un", "aff", "able", ",", "[MASK]", "你", "cat", ""]
    assert e.word_ids() == [None, 0, 0, 0, 1, 2, 3, 4, None]
    assert e.char_to_token(text.index("able") + 2) == 3 and e.char_to_token(text.index("  ")) is None
    pair = tokenizer(["a", "the cat"], ["b", "on mat"])
    assert pair.char_to_token(1, 4, sequence_index=1) == 5 and pair.char_to_token(1, 0) == 1


def test_padding(tokenizer):
    e = tokenizer(["the cat sat", "a"], padding=True, return_special_tokens_mask=True)
    assert e.input_ids[1] == [2, ID["a"], 3, 0, 0] and e.attention_mask[1] == [1, 1, 1, 0, 0]
    assert e.special_tokens_mask[1] == [1, 0, 1, 1, 1] and e.tokens(1)[-1] == "[PAD]"
    left = tokenizer(["the cat sat", "a"], padding=True, padding_side="left")
    assert left.input_ids[1] == [0, 0, 2, ID["a"], 3] and left.attention_mask[1] == [0, 0, 1, 1, 1]
    assert len(tokenizer("a", padding="max_length", max_length=7).input_ids) == 7
    assert len(tokenizer("a", padding=True, pad_to_multiple_of=8).input_ids) == 8
    known = BertTokenizer(VOCAB, model_max_length=6)
    assert len(known("a", padding="max_length").input_ids) == 6
    assert len(known("the " * 20, truncation=True).input_ids) == 6


@pytest.mark.parametrize(
    "strategy, first, second",
    [
        (True, "the cat sat", "hello world"), ("longest_first", "the cat sat", "hello world"),
        ("only_first", "the cat", "hello world a"), ("only_second", "the cat sat on", "hello"),
    ],
)  # fmt: skip
def test_truncating_a_pair(tokenizer, strategy, first, second):
    e = tokenizer("the cat sat on", "hello world a", truncation=strategy, max_length=8)
    assert e.tokens() == f"[CLS] {first} [SEP] {second} [SEP]".split()


def test_windows_over_a_long_text(tokenizer):
    e = tokenizer(
        "hello", "the cat sat on mat a b", truncation="only_second", max_length=7, stride=1,
        return_overflowing_tokens=True, return_offsets_mapping=True, padding=True,
    )  # fmt: skip
    assert [tokenizer.decode(row[3:], skip_special_tokens=True) for row in e.input_ids] == [
        "the cat sat", "sat on mat", "mat a b"
    ]  # fmt: skip
    assert e.overflow_to_sample_mapping == [0, 0, 0] and e.sequence_ids(1) == [None, 0, None, 1, 1, 1, None]
    many = tokenizer(["a b c a", "a"], max_length=4, truncation=True, return_overflowing_tokens=True)
    assert many.overflow_to_sample_mapping == [0, 0, 1]
    assert BertTokenizer(VOCAB, truncation_side="left").tokenize("a b") == ["a", "b"]
    left = BertTokenizer(VOCAB, truncation_side="left")("a b c the cat", max_length=4, truncation=True)
    assert left.tokens() == ["[CLS]", "the", "cat", "[SEP]"]


def test_tensors(tokenizer):
    e = tokenizer(["the cat", "a"], padding=True, return_tensors="pt", return_offsets_mapping=True)
    assert isinstance(e.input_ids, minidl.Tensor) and e.input_ids.dtype == minidl.int64
    assert e.input_ids.shape == (2, 4) and e.offset_mapping.shape == (2, 4, 2)
    assert tokenizer("a", return_tensors="md").input_ids.shape == (1, 3)
    assert isinstance(tokenizer("a", return_tensors="np").input_ids, np.ndarray)
    assert e.to("cpu") is e and e[1].ids == [2, ID["a"], 3, 0]
    again = pickle.loads(pickle.dumps(tokenizer(["a"])))
    assert again.input_ids == [[2, ID["a"], 3]] and again.tokens() == ["[CLS]", "a", "[SEP]"]


def test_decoding(tokenizer):
    ids = tokenizer("Hello, unaffable [MASK] i'm!").input_ids
    assert tokenizer.decode(ids) == "[CLS] hello, unaffable [MASK] i ' m! [SEP]"
    assert tokenizer.decode(ids, skip_special_tokens=True) == "hello, unaffable i ' m!"
    assert tokenizer.decode(ids, True, clean_up_tokenization_spaces=True) == "hello, unaffable i'm!"
    assert tokenizer.decode(minidl.tensor(ids)) == tokenizer.decode(np.array(ids)) == tokenizer.decode(ids)
    assert tokenizer.batch_decode([[5, 6], [10, 11]]) == tokenizer.decode(minidl.tensor([[5, 6], [10, 11]]))
    assert tokenizer.decode(5) == "the" and tokenizer.decode([]) == ""
    assert tokenizer.convert_ids_to_tokens([5, 4, 6], skip_special_tokens=True) == ["the", "cat"]
    assert tokenizer.convert_tokens_to_ids("cat") == 6 and tokenizer.convert_tokens_to_ids(["?!", "cat"]) == [1, 6]
    assert tokenizer.convert_tokens_to_string(["un", "##aff", "##able", "."]) == "unaffable."


def test_added_tokens(tokenizer, tmp_path):
    n = len(tokenizer)
    assert tokenizer.add_tokens(["NewTok", "cat"]) == 1 and tokenizer.add_tokens("<X>", special_tokens=True) == 1
    assert tokenizer.tokenize("newtok NEWTOKthe<X>cat <x") == "NewTok NewTok the <X> cat [UNK] x".split()
    assert len(tokenizer) == n + 2 and tokenizer.vocab_size == n and tokenizer.get_vocab()["<X>"] == n + 1
    assert tokenizer.decode([n + 1, 5, n], skip_special_tokens=True) == "the NewTok"
    tokenizer.save_pretrained(tmp_path)
    again = BertTokenizer.from_pretrained(tmp_path)
    assert again.get_vocab() == tokenizer.get_vocab() and again.all_special_tokens == tokenizer.all_special_tokens
    assert again.tokenize("newtok<X>the") == ["NewTok", "<X>", "the"]


def test_a_vocabulary_with_doubles_and_gaps_keeps_its_ids(tmp_path):
    vocab = {token: k for k, token in enumerate([*VOCAB, "the", "end"])}  # the first "the" has lost its line
    BertTokenizer(vocab).save_pretrained(tmp_path)
    again = BertTokenizer.from_pretrained(tmp_path)
    assert all(again.vocab[token] == k for token, k in vocab.items())
    assert again.encode("the end") == BertTokenizer(vocab).encode("the end")


def test_files_of_every_generation(tokenizer, tmp_path):
    BertTokenizer(VOCAB, do_lower_case=False, model_max_length=512).save_pretrained(tmp_path / "new")
    new = BertTokenizer.from_pretrained(tmp_path / "new")
    assert new.vocab == tokenizer.vocab and new.model_max_length == 512 and not new.do_lower_case
    assert BertTokenizer.from_pretrained(tmp_path / "new", do_lower_case=True).do_lower_case
    old = tmp_path / "old"  # only a vocabulary, as Google published it
    old.mkdir()
    (old / "vocab.txt").write_text("\r\n".join(VOCAB), encoding="utf-8", newline="")
    assert BertTokenizer.from_pretrained(old).vocab == tokenizer.vocab == BertTokenizer(old / "vocab.txt").vocab
    (old / "special_tokens_map.json").write_text(json.dumps({"unk_token": {"content": "a"}, "mask_token": "b"}))
    (old / "added_tokens.json").write_text(json.dumps({"@@": len(VOCAB)}))
    odd = BertTokenizer.from_pretrained(old)
    assert odd.unk_token == "a" and odd.mask_token_id == ID["b"] and odd.tokenize("zz@@") == ["a", "@@"]
    whole = tmp_path / "whole"  # one file for everything
    whole.mkdir()
    (whole / "tokenizer.json").write_text(json.dumps({
        "model": {"type": "WordPiece", "vocab": ID, "continuing_subword_prefix": "##"},
        "normalizer": {"type": "BertNormalizer", "lowercase": False, "strip_accents": None},
        "added_tokens": [{"content": "[NEW]", "id": len(VOCAB), "special": True}],
    }))  # fmt: skip
    one = BertTokenizer.from_pretrained(whole)
    assert one.tokenize("the[NEW] The") == ["the", "[NEW]", "[UNK]"] and not one.do_lower_case
    (whole / "tokenizer.json").write_text(json.dumps({"model": {"type": "Unigram"}}))
    with pytest.raises(ValueError, match="of a Unigram tokenizer; BertTokenizer reads WordPiece"):
        BertTokenizer.from_pretrained(whole)
    with pytest.raises(FileNotFoundError, match=r"has no vocab\.txt or tokenizer\.json; there is nothing"):
        (tmp_path / "empty").mkdir()
        BertTokenizer.from_pretrained(tmp_path / "empty")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda t: t(["a", "a b"], return_tensors="pt"), "input_ids have 3 to 4 entries.*padding=True"),
        (lambda t: t("a", return_tensors="tf"), "return_tensors='tf'"),
        (lambda t: t("a", padding="maximum"), "padding='maximum'"),
        (lambda t: t("a", padding="max_length"), "needs max_length"),
        (lambda t: t("a", truncation="shortest"), "truncation='shortest'"),
        (lambda t: t("a b c", truncation="only_second", max_length=3), "needs a second text"),
        (lambda t: t("a b c", "a", truncation="only_second", max_length=5), "leaves no room in 2 tokens"),
        (lambda t: t("a b c", max_length=4, stride=2), "stride 2 must be smaller than the 2 tokens"),
        (lambda t: t("a", max_length=1), "max_length 1 has no room for the 2 special tokens"),
        (lambda t: t(["a", "b"], ["c"]), "2 texts need as many in text_pair"),
        (lambda t: t([("a", "b", "c")]), "pairs"),
        (lambda t: t.decode([999]), "no token 999"),
    ],
)
def test_what_is_refused(tokenizer, call, message):
    with pytest.raises(ValueError, match=message):
        call(tokenizer)


def test_what_is_no_text(tokenizer):
    with pytest.raises(TypeError, match="a text is a string, got int"):
        tokenizer([3, "a"], ["b", "c"])
    with pytest.raises(TypeError, match="text_pair must be one too"):
        tokenizer("a", ["b"])
    with pytest.raises(TypeError, match="BertTokenizer takes no 'colour'"):
        BertTokenizer(VOCAB, colour="red")
    tokenizer.pad_token = None
    with pytest.raises(ValueError, match="no pad_token to pad with"):
        tokenizer(["a", "a b"], padding=True)
