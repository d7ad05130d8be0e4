"""Character models: they beat n-grams on a slice, count every character once, and write what the shell asks for."""

import json
import math
import re

import pytest

import minidl
from minidl import cli
from minidl.recipes import recipe_class, runs
from minidl.recipes.characters import NOTHING
from minidl.recipes.shakespeare import PIECE
from minidl.text import NGrams


def real_text():
    """English prose that every Python ships."""
    from pydoc_data import topics

    return "\n".join(topics.topics[name] for name in sorted(topics.topics))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The words of that prose for names, and 60,000 characters of it for plays."""
    place = tmp_path_factory.mktemp("data")
    (place / "text").mkdir()
    found = sorted(set(re.findall(r"\b[a-z]{3,10}\b", real_text())))
    (place / "text/names.txt").write_text("\n".join([*found, *found[:50]]), encoding="utf-8")
    (place / "text/tinyshakespeare.txt").write_text(real_text()[:60_000], encoding="utf-8")
    return place


NAMES = ["--limit", "1000", "--epochs", "8", "--batch", "16", "--hidden", "48", "--dropout", "0"]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_names_are_learned(cell, folder, tmp_path, capsys):
    """Better than what the last character alone says (n-grams of order 2); the tuned ones are for the full recipe."""
    assert cli.main(["train", f"names-{cell}", "--data", str(folder), "--out", str(tmp_path), *NAMES]) == 0
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    run = runs.load(tmp_path)
    texts = run.recipe.data(folder).texts
    bigrams = NGrams(texts["train"], 2).bits(texts["test"])
    assert result["scores"]["bits per character"] < bigrams < NGrams(texts["train"], 1).bits(texts["test"])
    assert result["baseline"]["bits per character"] < bigrams
    capsys.readouterr()
    generate = ["generate", str(tmp_path), "de", "--count", "5", "--temperature", "0.7", "--seed", "3"]
    assert cli.main(generate) == 0
    names = capsys.readouterr().out.split()
    assert len(names) == 5 and all(name.startswith("de") for name in names) and len(set(names)) > 1
    assert cli.main(generate) == 0
    assert capsys.readouterr().out.split() == names
    assert cli.main(["generate", str(tmp_path), "Ω"]) == 2
    assert "none of its" in capsys.readouterr().err


def test_no_name_is_both_learned_from_and_tested_on(folder):
    data = recipe_class("names-gru")().data(folder)
    train, validation, test = (set(data.texts[name]) for name in ("train", "validation", "test"))
    assert not train & test and not train & validation and not validation & test
    assert len(train) == len(data.train) and abs(len(train) - 8 * len(test)) < 10
    x, y = data.test[0]
    name = data.texts["test"][0]
    vocabulary = data.known["vocabulary"]["symbols"]
    read = lambda row: "".join(vocabulary[k] for k in row.tolist() if k != NOTHING)
    assert read(y) == name and read(x)[: len(name)] == "\n" + name[:-1]


@pytest.mark.parametrize(
    "name, order, picture, options",
    [
        ("shakespeare-lstm", 2, "memory.png", ["--epochs", "4", "--lr", "0.01", "--hidden", "64"]),
        ("shakespeare-gpt", 1, "attention.png", ["--epochs", "4", "--lr", "0.003", "--layers", "1", "--width", "64"]),
    ],
)
def test_plays_are_learned(name, order, picture, options, folder, tmp_path, capsys):
    """In these few steps an LSTM overtakes bigrams, and a GPT how often each character occurs."""
    options = [*options, "--batch", "8", "--dropout", "0"]
    assert cli.main(["train", name, "--data", str(folder), "--out", str(tmp_path), *options]) == 0
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    run = runs.load(tmp_path)
    data = run.recipe.data(folder)
    assert result["scores"]["bits per character"] < NGrams(data.texts["train"], order).bits(data.texts["test"])
    assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert cli.main(["generate", str(tmp_path), "The ", "--length", "50", "--top-k", "5", "--top-p", "0.9"]) == 0
    written = capsys.readouterr().out.rstrip("\n")
    assert written.startswith("The ") and len(written) > 30


@pytest.mark.parametrize("name, read", [("shakespeare-lstm", PIECE), ("shakespeare-gpt", PIECE // 2)])
def test_every_character_of_the_test_part_counts_once_with_what_is_before_it(name, read, folder):
    data = recipe_class(name)().data(folder)
    symbols, text = data.known["vocabulary"]["symbols"], data.texts["test"][0]
    rows = [data.test[k] for k in range(len(data.test))]
    counted = [symbols[k] for _, y in rows for k in y.tolist() if k != NOTHING]
    assert "".join(counted) == text and len(text) == 6000
    x, y = rows[3]
    assert x.shape == y.shape == (2 * read,)
    assert "".join(symbols[k] for k in x.tolist()) == text[2 * read - 1 : 4 * read - 1]
    assert "".join(data.texts[name][0] for name in ("train", "validation", "test")) == real_text()[:60_000]
    assert len(recipe_class("shakespeare-lstm")(limit=7).data(folder).train) == 7


def test_a_model_that_knows_nothing_costs_log2_of_the_vocabulary(folder):
    for name in ("names-rnn", "shakespeare-lstm"):
        recipe = recipe_class(name)(limit=40)
        data = recipe.data(folder)
        size = recipe.configured(data).vocabulary
        flat = lambda x, size=size: minidl.zeros(*x.shape, size)
        assert recipe.score(flat, data)["bits per character"] == pytest.approx(math.log2(size), rel=1e-5)
