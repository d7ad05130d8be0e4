"""Sentiment: where the order of the words decides, recurrent networks see what a bag of words cannot."""

import json
import random

import numpy as np
import pytest

import minidl
from minidl import cli
from minidl.recipes import bags, recipe_class


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Generated sentences in the format of rt-polarity. Praise and blame are made of the same words."""
    place, draw = tmp_path_factory.mktemp("data"), random.Random(0)
    pick = lambda *options: draw.choice(options)

    def sentence(first, second):
        what = pick("the film", "this story", "the cast", "a plot")
        return f"{what} is {pick('', 'so ', 'very ')}{first} , {pick('and ', '')}not {second} {pick('.', '!', '')}"

    for ending, (first, second) in (("pos", ("good", "bad")), ("neg", ("bad", "good"))):
        lines = "\n".join(sentence(first, second) for _ in range(400))
        (place / f"rt-polarity.{ending}").write_text(lines, encoding="latin-1")
    return place


@pytest.mark.parametrize("name, hidden", [("sentiment-lstm", ["16"]), ("sentiment-rnn", ["16", "16"])])
def test_order_is_seen(name, hidden, folder, tmp_path, capsys):
    options = ["--epochs", "6", "--batch", "16", "--lr", "0.01", "--embedding", "8", "--hidden", *hidden]
    assert cli.main(["train", name, "--data", str(folder), "--out", str(tmp_path), *options]) == 0
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert result["scores"]["accuracy"] > 0.95 and result["baseline"]["accuracy"] < 0.7
    capsys.readouterr()
    assert cli.main(["classify", str(tmp_path), "The film is good, not bad.", "The film is bad, not good."]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("The film is good, not bad.: positive") and ": negative" in second
    picture = tmp_path / "why.png"
    assert cli.main(["classify", str(tmp_path), "The film is bad, not good.", "--explain", str(picture)]) == 0
    assert f"picture: {picture}" in capsys.readouterr().out and picture.read_bytes().startswith(b"\x89PNG")
    assert cli.main(["classify", str(tmp_path), "   "]) == 2
    assert "a sentence is needed, and there are no words" in capsys.readouterr().err


def test_the_parts_have_as_many_of_each_kind_and_share_no_words_that_only_tests_have(folder):
    for name, ends in (("sentiment-lstm", -1), ("sentiment-rnn", 0)):
        data = recipe_class(name)().data(folder)
        assert [len(part) for part in (data.train, data.validation, data.test)] == [640, 80, 80]
        for part in (data.train, data.validation, data.test):
            assert part.tensors[1].float().mean().item() == 0.5
            assert (part.tensors[0][:, ends] == 0).any().item()  # where it is filled up
            assert (part.tensors[0][:, -1 - ends] != 0).all().item()
    part = recipe_class("sentiment-lstm")(limit=100).data(folder).train
    assert len(part) == 100 and 0.3 < part.tensors[1].float().mean().item() < 0.7


def test_bags_are_scikit_learn_s(rng):
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is compared with")
    words, labels = 30, rng.integers(0, 2, 300)
    sentences = [list(rng.integers(0, 20, 6) + 10 * (y and k % 3 > 0)) for k, y in enumerate(labels)]
    table = np.zeros((300, words))
    for k, sentence in enumerate(sentences):
        table[k, sentence] = 1
    model = bags.fitted((sentences, labels.tolist()), words, C=0.7)
    theirs = linear.LogisticRegression(C=0.7, tol=1e-8, max_iter=1000).fit(table, labels)
    np.testing.assert_allclose(model.values.weight.detach().numpy().ravel(), theirs.coef_[0], atol=0.01)
    assert model.bias.item() == pytest.approx(theirs.intercept_[0], abs=0.01)
    assert bags.accuracy(model, (sentences, labels.tolist())) == pytest.approx(theirs.score(table, labels), abs=0.01)


def test_a_sentence_without_words_weighs_nothing():
    model = bags.fitted(([[0, 1], [2], [], []], [1, 0, 1, 1]), 3, C=1.0)
    assert model([[]]).item() == pytest.approx(model.bias.item())
    assert model([[], [2, 2], []]).tolist()[1] == pytest.approx(model.bias.item() + model.values.weight[2].item())
    assert minidl.is_grad_enabled()
