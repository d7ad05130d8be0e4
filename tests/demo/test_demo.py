"""The demo: a short run writes everything it names; the long one reaches what it promises."""

import io
import json
import os

import numpy as np
import pytest

from minidl.demo import digits, main, pictures, proofs, train

pytest.importorskip("sklearn", reason="the digits come with scikit-learn: pip install 'minidl[data]'")


def few(ops):
    return lambda: (row for k, row in enumerate(ops()) if k < 12)


def test_a_short_run_writes_everything_it_names(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(main, "EPOCHS", 1)
    monkeypatch.setattr(main, "SEEDS", (0,))
    monkeypatch.setattr(main, "prove", few(main.prove))
    assert main.main(["--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    named = ["confusion.png", "curves.png", "filters.png", "mistakes.png", "model.npz", "summary.json"]
    assert sorted(os.listdir(tmp_path)) == named
    assert all(name in out for name in named)
    assert all((tmp_path / name).read_bytes()[:4] == b"\x89PNG" for name in named[:4])
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["all_gradients_proved"] is True
    assert summary["ops_checked"] == 12
    assert set(summary["baselines"]) == {"logistic regression", "MLP"}
    assert summary["accuracy"] == np.mean(list(summary["accuracy_by_seed"].values()))
    with np.load(tmp_path / "model.npz") as weights:
        assert weights["features.0.weight"].shape == (16, 1, 3, 3)


def test_a_wrong_gradient_is_marked_and_fails_the_run(monkeypatch, capsys):
    wrong = proofs.Row("sin", 1, 3, 1e-12, 0.5, 0.1)
    right = proofs.Row("cos", 1, 3, 1e-12, 1e-12, 0.1)
    monkeypatch.setattr(main, "prove", lambda: iter([("elementwise", right), ("elementwise", wrong)]))
    assert not main.check_gradients(each=False).proved
    assert "NO: sin" in capsys.readouterr().out
    main.check_gradients(each=True)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:1] == ["cos"] and line.endswith("yes") for line in lines)


def test_the_split_is_the_one_it_names():
    images, labels, held_out, held_out_labels = digits.load()
    assert (len(images), len(held_out)) == (1198, 599)
    assert images.shape[1:] == (1, 8, 8)
    assert images.dtype == np.float32
    assert 0 <= images.min() < images.max() <= 1
    assert set(labels) == set(held_out_labels) == set(range(10))


def test_shifted_moves_by_at_most_one_pixel(rng):
    images = np.zeros((50, 1, 8, 8), np.float32)
    images[:, 0, 4, 4] = 1
    moved = digits.shifted(images, rng)
    rows, columns = np.nonzero(moved.sum(axis=(0, 1)))
    assert moved.sum() == 50
    assert set(rows) == set(columns) == {3, 4, 5}


def test_the_bar_is_live_on_a_terminal_and_one_line_elsewhere(monkeypatch, capsys):
    with main.Progress("title") as progress:
        progress.show(1, 2, "half")
        progress.show(2, 2, "all")
    assert capsys.readouterr().out == "title: all\n"

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    with main.Progress("title") as progress:
        progress.show(1, 2, "half")
    assert terminal.getvalue() == "\rtitle [##########          ] half\n"


def test_no_mistakes_is_a_picture_too():
    labels = np.arange(4)
    figure = pictures.mistakes(np.zeros((4, 1, 8, 8)), labels, labels)
    assert "Not one" in figure.texts[0].get_text()


def test_two_runs_from_one_seed_are_equal():
    data = [part[:96] for part in digits.load()]
    first, second = (train.train(main.networks.CNN, data, 1, 5, augment=True) for _ in range(2))
    assert first.losses == second.losses
    assert first.accuracies == second.accuracies


@pytest.mark.all
def test_the_whole_demo_reaches_its_promise(tmp_path):
    assert main.main(["--out", str(tmp_path)]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["accuracy"] >= 0.98
    assert summary["accuracy"] > max(summary["baselines"].values())
