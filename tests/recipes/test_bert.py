"""BERT from masked words to praise and blame, on sentences that the test writes; and answers, on generated texts."""

import random

import numpy as np
import pytest

import minidl
from minidl import cli
from minidl.models.pretrained import BertForSequenceClassification, BertModel, BertTokenizer
from minidl.recipes import answers, runs
from minidl.recipes.bert import NOTHING, SPECIALS, Masked, packed

pytest.importorskip("tokenizers", reason="pieces of words are learned by tokenizers")

TINY = ["--layers", "1", "--width", "32", "--heads", "2", "--hidden", "64", "--pieces", "300", "--dropout", "0"]
GOOD, BAD = "moving funny clever warm".split(), "dull flat empty loud".split()


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """Generated reviews in the data set's own files: whether they praise hangs on one word, or on `not` before it."""
    folder, draw = tmp_path_factory.mktemp("films"), random.Random(0)
    lines: dict[str, list[str]] = {"pos": [], "neg": []}
    for k in range(700):
        good, turned = k % 2, draw.random() < 0.3
        word = draw.choice(GOOD if good != turned else BAD)
        what = draw.choice(["film", "story", "cast", "plot", "music"])
        lines["pos" if good else "neg"].append(f"the {what} is {'not ' if turned else ''}{word} .\n")
    for name, sentences in lines.items():
        (folder / f"rt-polarity.{name}").write_text("".join(sentences), encoding="latin-1")
    return folder


@pytest.fixture(scope="module")
def pretrained(films, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    options = ["--data", str(films), "--no-captions", "--length", "16", "--epochs", "40", "--batch", "16"]
    assert cli.main(["train", "bert-pretrain", "--out", str(folder), "--lr", "0.003", *options, *TINY]) == 0
    return folder


def test_masked_words_are_found_better_than_by_how_often_they_occur(pretrained, films):
    run = runs.load(pretrained)
    data = run.recipe.data(str(films))
    with minidl.no_grad():
        scores = run.recipe.score(run.model, data)
    assert scores["perplexity of a masked piece"] < 0.8 * run.recipe.baseline(data)


def test_the_pretrained_folder_is_one_of_hugging_face(pretrained):
    tokenizer = BertTokenizer.from_pretrained(pretrained / "pretrained")
    model = BertModel.from_pretrained(pretrained / "pretrained", add_pooling_layer=False)
    states = model(**tokenizer("the film is warm", return_tensors="pt")).last_hidden_state
    assert states.shape == (1, 6, 32) and np.isfinite(states.detach().numpy()).all()


@pytest.mark.parametrize("name, start", [("bert-sentiment", True), ("bert-sentiment-scratch", False)])
def test_it_tells_praise_from_blame_where_one_word_turns_it_round(pretrained, films, tmp_path, capsys, name, start):
    folder = tmp_path / "run"
    options = ["--start", str(pretrained)] if start else [*TINY, "--length", "16"]
    usual = ["--data", str(films), "--epochs", "20", "--batch", "16", "--lr", "0.002"]
    assert cli.main(["train", name, "--out", str(folder), *usual, *options]) == 0
    run = runs.load(folder)
    data = run.recipe.data(str(films))
    assert run.recipe.score(run.model, data)["accuracy"] > run.recipe.baseline(data)
    capsys.readouterr()
    sentence, picture = "the cast is not dull .", tmp_path / "attention.png"
    assert cli.main(["classify", str(folder), sentence, "--explain", str(picture)]) == 0
    said = capsys.readouterr().out
    assert picture.exists()
    saved = BertForSequenceClassification.from_pretrained(folder / "pretrained")
    tokenizer = BertTokenizer.from_pretrained(folder / "pretrained")
    found = saved(**tokenizer(sentence, return_tensors="pt")).logits.argmax(1).item()
    assert said.startswith(f"{sentence}: {('negative', 'positive')[found]}")


def test_a_start_that_is_not_there_is_said(films, tmp_path, capsys):
    assert cli.main(["train", "bert-sentiment", "--data", str(films), "--start", str(tmp_path / "nowhere")]) == 1
    assert "`minidl train bert-pretrain --out" in capsys.readouterr().err


def test_what_is_masked_is_masked_as_devlin_says():
    pieces = [*SPECIALS, *map(str, range(500))]
    rows = minidl.randint(5, 505, (400, 64), generator=minidl.Generator().manual_seed(1))
    rows[:, 0] = SPECIALS.index("[CLS]")
    x, y = (part.numpy() for part in Masked(rows, pieces, seed=0)[:])
    asked, rows = y != NOTHING, rows.numpy()
    assert not asked[:, 0].any() and (y[asked] == rows[asked]).all() and (x[~asked] == rows[~asked]).all()
    assert abs(asked[:, 1:].mean() - 0.15) < 0.01
    masked, same = x[asked] == SPECIALS.index("[MASK]"), x[asked] == rows[asked]
    assert abs(masked.mean() - 0.8) < 0.02 and abs(same.mean() - 0.1) < 0.02
    once, again = Masked(rows_tensor := minidl.tensor(rows), pieces), Masked(rows_tensor, pieces, seed=0)
    assert (once[:10][0].numpy() != once[:10][0].numpy()).any()
    assert (again[:10][0].numpy() == again[:10][0].numpy()).all()


def test_rows_are_packed_without_losing_a_piece():
    tokenizer = BertTokenizer([*SPECIALS, "a", "b", "c"])
    rows = packed(tokenizer, ["a b", "c", "a a b"], 5)
    assert rows.tolist() == [[2, 5, 6, 3, 7], [2, 3, 5, 5, 6]]
    with pytest.raises(ValueError, match="do not fill one row of 64"):
        packed(tokenizer, ["a b"], 64)


def test_generated_answers_stand_in_their_texts():
    for e in answers.generate(200, answers.PEOPLE, seed=3):
        assert e.answer and e.text[e.begin : e.end] == e.answer and f" {e.answer} " in f" {e.text} "
        assert e.question.endswith("?") and e.text.count(e.answer) == 1


def test_it_finds_answers_about_people_it_has_not_read_of(tmp_path, capsys):
    folder = tmp_path / "run"
    options = ["--examples", "600", "--epochs", "2", "--width", "32", "--hidden", "64", "--batch", "32", "--heads", "2"]
    assert cli.main(["train", "bert-answers", "--out", str(folder), *options]) == 0
    capsys.readouterr()
    text = "greta keeps the red key in the garden . bruno put the old lamp on the roof ."
    picture = tmp_path / "attention.png"
    question = "where is the red key of greta ?"
    assert cli.main(["answer", str(folder), question, text, "--top", "2", "--explain", str(picture)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.rsplit("  ", 1)[0] in text for line in lines[:2]) and picture.exists()
