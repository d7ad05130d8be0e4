"""Symbols and numbers: both ways, as JSON, and what is unknown."""

import sys

import pytest

from minidl.text import Subwords, Vocabulary, words
from minidl.text.vocabulary import BEGIN, END, PAD, UNKNOWN

SPECIALS = (PAD, UNKNOWN, BEGIN, END)


def test_words():
    assert words("It's good. The 21st-century's “best”!") == [
        "it's", "good", ".", "the", "21st", "-", "century's", "“", "best", "”", "!",
    ]  # fmt: skip
    assert words("a <unk> b") == ["a", "<unk>", "b"]


def test_characters():
    v = Vocabulary.of(["banana", "cab\n"])
    assert v.symbols == ["\n", "a", "b", "c", "n"]
    assert v.encode("cab\n") == [3, 1, 2, 0]
    assert v.decode(v.encode("banana")) == "banana"
    assert (len(v), v["b"], "b" in v, "z" in v) == (5, 2, True, False)
    with pytest.raises(ValueError, match="'z' is none of its 5 symbols, and it has no <unk>"):
        v.encode("az")
    assert (v.pad, v.unknown) == (None, None)


def test_words_by_frequency():
    v = Vocabulary.of(["a b b c", "B a b d"], by="words", specials=SPECIALS, least=2)
    assert v.symbols == [*SPECIALS, "b", "a"]
    assert (v.pad, v.unknown, v.begin, v.end) == (0, 1, 2, 3)
    assert v.encode("A b, unheard", ends=True) == [2, 5, 4, 1, 1, 3]
    assert v.decode([2, 5, 4, 1, 3, 0]) == "a b <unk>"
    assert v.decode([2, 5, 3, 0], specials=True) == "<bos> a <eos> <pad>"
    assert Vocabulary.of(["a b b c", "B a b d"], by="words", specials=SPECIALS, size=6).symbols[4:] == ["b", "a"]
    with pytest.raises(ValueError, match="takes <bos> and <eos>"):
        Vocabulary(["a"]).encode("a", ends=True)


def test_refused():
    with pytest.raises(ValueError, match="'a' is there more than once"):
        Vocabulary(["a", "b", "a"])
    with pytest.raises(ValueError, match="'characters' or 'words'"):
        Vocabulary.of(["a"], by="letters")


def test_json(tmp_path):
    v = Vocabulary.of(["Die Ähre fällt"], by="words", specials=SPECIALS)
    v.save(tmp_path / "v.json")
    assert Vocabulary.load(tmp_path / "v.json") == v
    assert v != Vocabulary(v.symbols)
    assert "Ähre" not in v
    assert "ähre" in v


TEXTS = ["Ein Hund läuft im Schnee.", "Zwei Hunde laufen im Schnee, zwei Männer schlafen."] * 30


@pytest.fixture(scope="module")
def subwords():
    pytest.importorskip("tokenizers", reason="pieces of words are learned by the library tokenizers")
    return Subwords.train(TEXTS, size=330)


def test_subwords(subwords, tmp_path):
    s = subwords
    assert len(s) <= 330
    assert (s.pad, s.unknown, s.begin, s.end) == (0, 1, 2, 3)
    for text in (TEXTS[0], TEXTS[1], "Über 1,000 Ziegen – “自然”!\n"):  # by bytes, so nothing is unknown
        numbers = s.encode(text, ends=True)
        assert (numbers[0], numbers[-1], 1 in numbers) == (2, 3, False)
        assert s.decode(numbers) == text
    assert len(s.encode(TEXTS[0])) < 10 < len(s.encode("abcdefghijklmnop"))
    assert s.encode_all(TEXTS[:2], ends=True) == [s.encode(text, ends=True) for text in TEXTS[:2]]
    assert s.decode([2, 3], specials=True) == "<bos><eos>"
    assert [s[piece] for piece in s.pieces(TEXTS[0])] == s.encode(TEXTS[0])
    s.save(tmp_path / "tokenizer.json")
    for same in (Subwords.load(tmp_path / "tokenizer.json"), Subwords.train(TEXTS, size=330)):
        assert same.to_dict() == s.to_dict()
    with pytest.raises(KeyError, match="none of its"):
        s["Feuerwehrhauptmann"]


def test_pieces_as_in_bert(subwords):
    names = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    s = Subwords.train(TEXTS, 120, "wordpiece", lowercase=True, specials=names)
    assert [s[name] for name in names] == [0, 1, 2, 3, 4]
    assert any(piece.startswith("##") for piece in s.pieces("Schneemänner"))
    assert s.decode(s.encode("Zwei Hunde laufen")) == "zwei hunde laufen"
    assert s["[UNK]"] in s.encode("Hund 自")
    with pytest.raises(ValueError, match="among the specials"):
        s.encode("Hund", ends=True)
    with pytest.raises(ValueError, match="'bpe' or 'wordpiece'"):
        Subwords.train(TEXTS, 120, "unigram")
    with pytest.raises(ValueError, match="<unk> or .UNK."):
        Subwords.train(TEXTS, 120, "wordpiece", specials=(PAD,))


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install 'minidl\[nlp\]'"):
        Subwords.train(TEXTS)
