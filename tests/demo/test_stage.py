"""The demos for a class: each runs, with and without every fault, says the same twice, and writes what it names."""

import argparse
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from minidl import cli
from minidl.demo import optimizers, stage, table, vanishing

pytest.importorskip("sklearn", reason="the digits come with scikit-learn: pip install 'minidl[data]'")

SHOWN = [name for name in table.DEMOS if name != "step"]
FAULTS = {name: importlib.import_module(f"minidl.demo.{name}").FAULTS for name in SHOWN}


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(optimizers, "STEPS", 25)
    monkeypatch.setattr(optimizers, "RATES", (0.01, 0.1))
    monkeypatch.setattr(optimizers, "SURFACES", ("himmelblau",))
    for name, value in (("STEPS", 16), ("DEPTH", 6), ("DISTANCES", (0, 5, 15)), ("DRAWS", 2)):
        monkeypatch.setattr(vanishing, name, value)


def run(capsys, *argv):
    assert cli.main(["demo", *argv]) == 0
    return capsys.readouterr().out


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", table.DEMOS)
def test_two_runs_are_identical_and_everything_named_is_there(name, tmp_path, capsys):
    argv = [name] if name != "step" else [name, "scalar"]
    first = run(capsys, *argv)
    before = files(tmp_path / "runs" / name)
    assert run(capsys, *argv) == first
    assert files(tmp_path / "runs" / name) == before
    if name != "step":
        written = first[first.index(f"Written to runs/{name}: ") :].split(": ")[1]
        named = [file.strip() for file in written.split(",")]
        assert sorted(named) == sorted(before) and f"{name}.html" in named
    assert max(map(len, first.splitlines())) <= 80
    for path, content in before.items():
        assert b"<!doctype html>" in content[:20].lower() if path.endswith(".html") else content[:4] == b"\x89PNG"
        assert str(tmp_path).encode() not in content
    assert str(tmp_path) not in first


@pytest.mark.parametrize("name", SHOWN)
def test_every_fault_shows_and_is_named_at_the_end(name, capsys, monkeypatch):
    monkeypatch.setattr(stage.Stage, "show", lambda self, ax, name: None)  # pictures take long
    healthy = run(capsys, name)
    few = 2 if name == "gradcheck" else None  # the doctor's own tests have them all
    for fault, meaning in list(FAULTS[name].items())[:few]:
        before, _, after = run(capsys, name, "--break", fault).partition("What was wrong")
        assert meaning in " ".join(after.split()) and meaning not in " ".join(before.split())
        assert before != healthy.partition("To take home")[0], f"--break {fault} changes nothing"


@pytest.mark.parametrize("name", ["im2col", "vanishing", "attention", "step"])
def test_the_seed_changes_what_is_shown(name, capsys, tmp_path):
    run(capsys, name)
    before = files(tmp_path / "runs" / name)
    run(capsys, name, "--seed", "5")
    assert files(tmp_path / "runs" / name) != before


def test_step_waits_only_at_a_terminal(monkeypatch, capsys, tmp_path):
    asked = []
    monkeypatch.setattr("builtins.input", asked.append)
    run(capsys, "im2col", "--step")
    assert not asked
    monkeypatch.setattr("sys.stdin", argparse.Namespace(isatty=lambda: True))
    run(capsys, "im2col", "--step")
    assert len(asked) == 3


def test_the_page_has_the_text_and_the_pictures(capsys, tmp_path):
    out = run(capsys, "vanishing")
    page = (tmp_path / "runs/vanishing/vanishing.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3 and "Back through time" in page
    line = next(line for line in out.splitlines() if "LSTM" in line)
    assert line.strip() in page
    out = run(capsys, "gradcheck", "--break", "axis")
    page = (tmp_path / "runs/gradcheck/gradcheck.html").read_text(encoding="utf-8")
    (line,) = [line for line in out.splitlines() if "axis: the gradient of x" in line]
    assert line.strip() in page, "what the doctor says is on the page too"


def test_a_console_without_unicode_gets_the_formulas_all_the_same(tmp_path):
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "minidl", "demo", "gradcheck", "--break", "axis", "--out", str(tmp_path)],
        capture_output=True, env=env, check=True, cwd=Path(cli.__file__).parents[1],
    )  # fmt: skip
    assert b"x_bar = y (y_bar - sum" in done.stdout


def test_the_table(capsys):
    assert cli.main(["demo", "nothing"]) == 2
    assert "there are attention, gradcheck" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["demo", "--help"])
    assert "minidl demo vanishing" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["demo", "im2col", "--break", "what"])
    assert "stride" in capsys.readouterr().err


def test_an_lstm_remembers_what_a_plain_recurrence_forgets(monkeypatch):
    """The claim of the demo, in numbers."""
    import minidl
    from minidl.viz.gradients import norms_through_time

    minidl.manual_seed(0)
    monkeypatch.setattr(vanishing, "STEPS", 60)
    x, left = minidl.randn(vanishing.STEPS, 8, vanishing.SIZE), {}
    for name, cell in vanishing.cells(None).items():
        seen = x.clone().requires_grad_()
        norms = norms_through_time((cell(seen)[0][-1] ** 2).sum(), seen)
        left[name] = norms[0] / norms[-1]
    assert left["RNN (tanh)"] < 1e-12 < 1e-4 < left["GRU"] < left["LSTM"]


def test_each_cell_remembers_better_when_begun_for_it():
    import minidl
    from minidl.viz.gradients import norms_through_time, remains

    minidl.manual_seed(0)
    left = {}
    for remember in (False, True):
        for name, cell in vanishing.cells(None, remember).items():
            seen = minidl.randn(30, 8, vanishing.SIZE, requires_grad=True)
            left[name, remember] = remains(norms_through_time((cell(seen)[0][-1] ** 2).sum(), seen))[-1]
    for name in vanishing.cells(None):
        assert left[name, True] > 100 * left[name, False]
    assert left["RNN (tanh)", True] < left["GRU", True] < left["LSTM", True]


