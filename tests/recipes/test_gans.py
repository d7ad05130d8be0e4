"""The adversarial recipes on scikit-learn's digits, written as files of MNIST's format: scores, pictures, resuming."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

import minidl
from minidl import cli
from minidl.recipes import adversarial, judge, recipe_class, runs
from minidl.training.checkpoint import random_states

NAMES = ("mnist-gan", "mnist-dcgan", "mnist-wgan-gp")
SMALL = ["--batch", "32", "--latent", "20"]
QUICK = {
    "mnist-gan": [*SMALL, "--epochs", "8", "--lr", "0.002"],
    "mnist-dcgan": [*SMALL, "--epochs", "3", "--lr", "0.003", "--width", "4"],
    "mnist-wgan-gp": [*SMALL, "--epochs", "3", "--lr", "0.005", "--width", "4", "--critic-steps", "2"],
}


def idx(path, array):
    array = np.ascontiguousarray(array, np.uint8)
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    from minidl.demo.digits import load

    folder = tmp_path_factory.mktemp("digits")
    x, y, test_x, test_y = load()
    for start, images, labels in (("train", x, y), ("t10k", test_x, test_y)):
        idx(folder / f"{start}-images-idx3-ubyte", np.round(images[:, 0] * 255))
        idx(folder / f"{start}-labels-idx1-ubyte", labels)
    return str(folder)


@pytest.fixture
def quick_judge(monkeypatch):
    """Where it does not matter how well it reads."""
    monkeypatch.setattr(judge, "STEPS", 20)


@pytest.fixture(scope="module", params=NAMES)
def run(request, digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    options = QUICK[request.param]
    assert cli.main(["train", request.param, "--data", digits, "--out", str(folder), *options]) == 0
    return folder


def test_it_draws_better_than_before_and_worse_than_people(run):
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    scores = result["scores"]
    untrained, held_out = result["baseline"]["frechet_distance"], scores["held_out_frechet_distance"]
    assert held_out < scores["frechet_distance"] < 0.5 * untrained
    assert scores["judge_accuracy"] > 0.9
    assert 1 < scores["inception_score"] < scores["held_out_inception_score"] <= 10
    assert 1 < scores["class_entropy"] <= np.log2(10) and scores["held_out_class_entropy"] > 3.2


def test_every_epoch_is_judged_and_drawn(run):
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    epochs = [line for line in lines if line["event"] == "epoch"]
    assert len(epochs) == len(list(run.glob("epoch-*.png"))) == runs.load(run).recipe.epochs
    assert all(e["validation_frechet_distance"] > 0 and e["train_generator_loss"] is not None for e in epochs)
    from matplotlib.image import imread

    line = 32 + 2  # eight pixels enlarged four times, and what is between two pictures
    shape = lambda name: imread(run / name).shape
    assert shape("epoch-001.png") == shape("samples.png") == shape("real.png") == (8 * line + 2, 8 * line + 2, 3)
    assert shape("walk.png") == (6 * line + 2, 10 * line + 2, 3)
    assert shape("epochs.png")[:2] == (min(10, len(epochs)) * line + 2, 8 * line + 2)
    np.testing.assert_array_equal(imread(run / f"epoch-{len(epochs):03}.png"), imread(run / "samples.png"))


def test_pictures_of_a_seed_are_always_the_same(run, tmp_path, capsys):
    draw = lambda name, *more: cli.main(["generate", str(run), *more, "--out", str(tmp_path / name)])
    assert [draw("a.png", "--count", "5", "--seed", "3"), draw("b.png", "--count", "5", "--seed", "3")] == [0, 0]
    assert draw("c.png", "--count", "5", "--seed", "4") == 0
    assert f"picture: {tmp_path / 'a.png'}" in capsys.readouterr().out
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a.startswith(b"\x89PNG") and a == b != c
    assert draw("d.png", "--count", "0") == 2 and draw("d.png", "a nine") == 2 and not (tmp_path / "d.png").exists()
    assert "--count is 1 or more" in (said := capsys.readouterr().err) and "leave the prompt out" in said


def test_a_killed_run_goes_on_to_the_same_bits(digits, tmp_path):
    options = ["mnist-dcgan", "--data", digits, "--epochs", "3", "--width", "2", "--limit", "200", "--batch", "16"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert cli.main(["train", *options, "--out", str(whole)]) == 0
    process = subprocess.Popen([sys.executable, "-m", "minidl", "train", *options, "--out", str(killed)])
    end = time.monotonic() + 100
    while not (killed / "epoch-001.png").exists():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (killed / "result.json").exists()
    assert cli.main(["train", "--resume", str(killed), "--data", digits]) == 0
    for name in ("model.safetensors", "checkpoint.safetensors", "epoch-002.png", "samples.png", judge.FILE):
        assert (whole / name).read_bytes() == (killed / name).read_bytes(), name


def test_other_data_are_noticed(digits, tmp_path, capsys, quick_judge):
    """A run is not taken up with them, and a judge of others is not asked."""
    options = ["train", "mnist-gan", "--data", digits, "--epochs", "1", "--out", str(tmp_path)]
    assert cli.main([*options, "--limit", "40"]) == 0
    first = (tmp_path / judge.FILE).read_bytes()
    changed = json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8"))
    changed["known"]["data"] += 1
    (tmp_path / "recipe.json").write_text(json.dumps(changed), encoding="utf-8")
    assert cli.main(["train", "--resume", str(tmp_path), "--data", digits]) == 2
    assert "not those that" in capsys.readouterr().err
    assert cli.main([*options, "--limit", "50", "--overwrite"]) == 0
    assert (tmp_path / judge.FILE).read_bytes() != first


def test_patience_keeps_the_best_epoch(digits, tmp_path, quick_judge):
    recipe = recipe_class("mnist-gan")(limit=40, epochs=9, patience=1, lr=0.3)
    runs.train(recipe, tmp_path, recipe.data(digits), progress=False)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    distances = [line["validation_frechet_distance"] for line in lines if line["event"] == "epoch"]
    assert len(distances) < 9 and distances[-1] >= min(distances[:-1])


def test_the_judge_is_the_same_and_leaves_the_random_streams_alone(digits, tmp_path, quick_judge):
    recipe = recipe_class("mnist-gan")(limit=60)
    data, before = recipe.data(digits), repr(random_states())
    first, again = (judge.judge_of(data, tmp_path) for _ in range(2))  # trained, then read from its file
    assert repr(random_states()) == before
    x = minidl.rand(12, 1, 8, 8)
    assert first.scores(x) == again.scores(x) and first.accuracy == again.accuracy
    assert first.scores(x) == pytest.approx(first.scores(iter([x[:5], x[5:]])))


def test_an_arc_stays_on_the_sphere(rng):
    a, b = minidl.tensor(rng.normal(size=50)), minidl.tensor(rng.normal(size=50))
    a, b = a / a.norm(), b / b.norm()
    points = [adversarial.slerp(a, b, t) for t in (0, 0.25, 0.5, 1)]
    np.testing.assert_allclose([p.norm().item() for p in points], 1, rtol=1e-12)
    np.testing.assert_allclose(points[0].numpy(), a.numpy(), atol=1e-12)
    np.testing.assert_allclose(points[3].numpy(), b.numpy(), atol=1e-12)
    angle = lambda p: np.arccos((p * a).sum().item())
    assert angle(points[2]) == pytest.approx(2 * angle(points[1])) == pytest.approx(angle(b) / 2)
    np.testing.assert_allclose(adversarial.slerp(a, a, 0.3).numpy(), a.numpy(), atol=1e-6)


@pytest.mark.parametrize("name", ["mnist-gan", "mnist-dcgan"])
def test_both_libraries_learn_the_same(name, digits, tmp_path, quick_judge):
    """The same weights, batches and noise: the weights after some turns agree, but for rounding."""
    pytest.importorskip("torch", reason="the twin is PyTorch's")
    from benchmarks._twin import fit

    recipe = recipe_class(name)(limit=96, batch=32, epochs=2, critic_steps=2)
    data = recipe.data(digits)
    recipe.config = recipe.configured(data)
    minidl.manual_seed(0)
    model, stream = recipe.network(recipe.config), minidl.get_rng_state()
    twin = fit(recipe, model, data)
    minidl.set_rng_state(stream)
    recipe.fit(model, data, tmp_path, progress=False)
    theirs = dict(twin.named_parameters())
    for name, ours in model.named_parameters():
        np.testing.assert_allclose(ours.detach().numpy(), theirs[name].detach().numpy(), atol=1e-4, err_msg=name)
