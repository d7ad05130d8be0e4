"""What every recipe has, and what a run leaves in its folder; the recipes themselves have files of their own."""

import dataclasses
import json
import subprocess
import sys
import time

import pytest

import minidl
from minidl import cli
from minidl.recipes import RECIPES, recipe_class, runs
from minidl.recipes.recipe import Recipe

pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

QUICK = ["--epochs", "12", "--batch", "16", "--limit", "300", "--hidden", "24", "16"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert cli.main(["train", "digits-mlp", "--out", str(folder), *QUICK]) == 0
    return folder


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_what_it_is(name):
    kind = recipe_class(name)
    recipe = kind()
    assert issubclass(kind, Recipe) and kind.name == name and dataclasses.is_dataclass(recipe)
    assert kind.summary and kind.source and kind.measure and kind.better in ("max", "min") and kind.baseline_name
    assert recipe.epochs >= 1 and recipe.batch >= 1


def test_the_list_names_every_recipe(capsys):
    assert cli.main(["train", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(RECIPES)


def test_an_unknown_recipe_is_answered_with_the_nearest(capsys):
    assert cli.main(["train", "digit-mlp"]) == 2
    assert "did you mean digits-mlp?" in capsys.readouterr().err


def test_a_run_beats_its_baseline_and_says_so(trained):
    result = json.loads((trained / "result.json").read_text(encoding="utf-8"))
    assert result["scores"]["accuracy"] > 0.5 and 0 < result["baseline"]["accuracy"] < 1
    assert result["parameters"] == 64 * 24 + 24 + 24 * 16 + 16 + 16 * 10 + 10 and result["epochs"] == 12
    assert (trained / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_what_was_trained_is_there_again_with_its_settings(trained):
    run = runs.load(trained)
    assert run.recipe.config.hidden == (24, 16) and run.recipe.limit == 300 and not run.model.training
    data = run.recipe.data()
    result = json.loads((trained / "result.json").read_text(encoding="utf-8"))
    with minidl.no_grad():
        assert run.recipe.score(run.model, data) == result["scores"]


def test_another_run_in_the_folder_is_refused(trained, capsys):
    before = (trained / "model.safetensors").read_bytes()
    assert cli.main(["train", "digits-mlp", "--out", str(trained), *QUICK]) == 2
    assert "--resume" in capsys.readouterr().err and (trained / "model.safetensors").read_bytes() == before


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path):
    """SIGKILL in the middle of an epoch; the run taken up again ends as the one that nothing ended."""
    options = ["digits-mlp", "--epochs", "6", "--batch", "8"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert cli.main(["train", *options, "--out", str(whole)]) == 0
    process = subprocess.Popen([sys.executable, "-m", "minidl", "train", *options, "--out", str(killed)])
    log, end = killed / "log.jsonl", time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") >= 2):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (killed / "result.json").exists()
    assert cli.main(["train", "--resume", str(killed)]) == 0
    for name in ("model.safetensors", "checkpoint.safetensors", "recipe.json"):
        assert (whole / name).read_bytes() == (killed / name).read_bytes(), name


def test_what_a_recipe_cannot_do_is_said(trained, capsys):
    assert cli.main(["translate", str(trained), "Guten Tag"]) == 2
    assert "a digits-mlp cannot translate" in capsys.readouterr().err
    assert cli.main(["generate", str(trained / "nowhere")]) == 1
    assert "there is no such folder" in capsys.readouterr().err


def test_wrong_settings_are_refused_before_anything_is_written(tmp_path, capsys):
    assert cli.main(["train", "digits-mlp", "--epochs", "0", "--out", str(tmp_path / "r")]) == 2
    assert "--epochs is 1 or more" in capsys.readouterr().err and not (tmp_path / "r").exists()


def test_a_damaged_recipe_file_is_said(tmp_path, capsys):
    (tmp_path / "recipe.json").write_text("{", encoding="utf-8")
    assert cli.main(["classify", str(tmp_path), "a"]) == 2
    assert "is damaged" in capsys.readouterr().err
