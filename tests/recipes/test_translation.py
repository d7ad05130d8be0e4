"""Translation, on a small generated language in the files' own format: its word order is not that of English."""

import gzip
import random

import pytest

from minidl import cli
from minidl.recipes import runs
from minidl.recipes.translation import dictionary

pytest.importorskip("tokenizers", reason="pieces of words come from tokenizers")
pytest.importorskip("sacrebleu", reason="BLEU comes from sacrebleu")

NOUNS = {"Hund": "dog", "Mann": "man", "Ball": "ball", "Vogel": "bird"}
COLOURS = {"roter": "red", "grüner": "green", "alter": "old"}
VERBS = {"sieht": "sees", "wirft": "throws", "sucht": "looks for"}
SIZES = {"train": 600, "val": 40, "test_2016_flickr": 60}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """ein roter Hund sieht den Ball  →  the dog that is red sees the ball"""
    folder, draw = tmp_path_factory.mktemp("data"), random.Random(0)
    (folder / "multi30k").mkdir()
    for split, size in SIZES.items():
        german, english = [], []
        for _ in range(size):
            a, b = draw.sample(list(NOUNS), 2)
            c, v = draw.choice(list(COLOURS)), draw.choice(list(VERBS))
            german.append(f"ein {c} {a} {v} den {b}\n")
            english.append(f"the {NOUNS[a]} that is {COLOURS[c]} {VERBS[v]} the {NOUNS[b]}\n")
        for language, lines in (("de", german), ("en", english)):
            with gzip.open(folder / "multi30k" / f"{split}.{language}.gz", "wt", encoding="utf-8") as file:
                file.writelines(lines)
    return folder


@pytest.mark.parametrize(
    "name, options",
    [
        ("multi30k-transformer", ["--width", "32", "--layers", "1", "--hidden", "64", "--epochs", "25"]),
        ("multi30k-gru", ["--embedding", "32", "--hidden", "64", "--epochs", "16"]),
    ],
)
def test_it_learns_an_order_of_words_that_a_dictionary_cannot(corpus, tmp_path, capsys, name, options):
    folder = tmp_path / "run"
    usual = ["--data", str(corpus), "--batch", "20", "--lr", "0.005", "--dropout", "0", "--pieces", "300"]
    assert cli.main(["train", name, "--out", str(folder), *usual, *options]) == 0
    run = runs.load(folder)
    data = run.recipe.data(str(corpus))
    ours, theirs = run.recipe.score(run.model, data)["BLEU"], run.recipe.baseline(data)
    assert ours > 80 > theirs
    assert (folder / "attention.png").exists()
    capsys.readouterr()
    picture = tmp_path / "looks.png"
    sentence = "ein grüner Vogel sucht den Ball"
    assert cli.main(["translate", str(folder), sentence, "--explain", str(picture)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "the bird that is green looks for the ball"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_dictionary_pairs_what_occurs_together():
    pairs = [("der Hund", "the dog"), ("der Mann", "the man"), ("ein Hund", "a dog"), ("ein Mann", "a man")]
    assert dictionary(pairs) == {"der": "the", "hund": "dog", "mann": "man", "ein": "a"}
