"""The recipes for pictures, on small files in the official formats. In the place of MNIST's digits are scikit-learn's,
each somewhere in a larger picture, and generated stripes in the place of photographs: what a linear model cannot do."""

import json
import pickle

import numpy as np
import pytest

import minidl
from minidl import cli
from minidl.recipes import recipe_class, runs
from minidl.recipes.batches import Pictures, moments

pytest.importorskip("sklearn", reason="the digits come with scikit-learn")


def scattered(images, size, rng):
    """Scans (N, 1, 8, 8) from 0 to 1, twice as large, as bytes somewhere in pictures (N, size, size)."""
    made = np.zeros((len(images), size, size), np.uint8)
    for picture, scan in zip(made, images[:, 0]):
        top, left = rng.integers(0, size - 16 + 1, 2)
        picture[top : top + 16, left : left + 16] = np.kron(scan * 255, np.ones((2, 2)))
    return made


def stripes(labels, rng):
    """Generated photographs (N, 3, 32, 32): stripes of five widths, upright or level, of any colour and place."""
    along, where = np.arange(32), rng.uniform(0, 2 * np.pi, len(labels))
    wave = 0.5 + 0.5 * np.sin(along * (0.4 + 0.5 * (labels % 5))[:, None] + where[:, None])  # (N, 32)
    level = (labels >= 5)[:, None, None]
    grey = np.where(level, wave[:, :, None], wave[:, None, :]) * np.ones((32, 32))
    return (255 * rng.uniform(0.3, 1, (len(labels), 3, 1, 1)) * grey[:, None]).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of MNIST and of CIFAR-10, with these pictures in them."""
    from minidl.demo.digits import load

    place, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    x, y, test_x, test_y = load()
    (place / "mnist").mkdir()
    for part, images, labels in (("train", x, y), ("t10k", test_x, test_y)):
        for name, array in (("images-idx3", scattered(images, 28, rng)), ("labels-idx1", labels.astype(np.uint8))):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            (place / "mnist" / f"{part}-{name}-ubyte").write_bytes(head + array.tobytes())
    batches = place / "cifar-10-batches-py"
    batches.mkdir()
    for name in [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]:
        labels = rng.integers(0, 10, 120)
        pixels = stripes(labels, rng).reshape(120, -1)
        (batches / name).write_bytes(pickle.dumps({"data": pixels, "labels": labels.tolist()}))
    return place


TRAINED = {
    "digits-mlp": ["--epochs", "15"],
    "mnist-mlp": ["--epochs", "6", "--batch", "32", "--hidden", "128"],
    "mnist-lenet": ["--epochs", "8", "--batch", "32"],
    "mnist-cnn": ["--epochs", "6", "--batch", "32"],
    "cifar10-cnn": ["--epochs", "4", "--batch", "32", "--shift", "2"],
    "cifar10-vit": ["--epochs", "6", "--batch", "32", "--shift", "2", "--layers", "1", "--width", "48"],
}


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    made = {}

    def run(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            command = ["train", name, "--data", str(folder), "--out", str(made[name]), *TRAINED[name]]
            assert cli.main(command) == 0
        return made[name]

    return run


@pytest.mark.parametrize("name", TRAINED)
def test_it_beats_its_baseline(trained, name):
    result = json.loads((trained(name) / "result.json").read_text(encoding="utf-8"))
    accuracy, linear = result["scores"]["accuracy"], result["baseline"]["accuracy"]
    assert result["baseline"]["name"] == "logistic regression"
    if name == "digits-mlp":  # in their places the scans are easy
        assert accuracy > linear > 0.9
    else:
        assert accuracy > linear + 0.1


def test_there_is_something_to_see(trained):
    drawn = lambda name: sorted(path.name for path in trained(name).glob("*.png"))
    assert drawn("mnist-lenet") == ["confusion.png", "curve.png", "feature_maps.png", "filters.png"]
    assert drawn("cifar10-vit") == ["attention.png", "confusion.png", "curve.png", "filters.png"]
    assert drawn("mnist-mlp") == ["confusion.png", "curve.png", "filters.png"]


def test_files_are_classified(trained, folder, tmp_path, capsys):
    run = trained("mnist-lenet")
    data = recipe_class("mnist-lenet")().data(str(folder))
    model = runs.load(run).model
    expected = model(data.test[[3, 4]][0]).softmax(1)
    name = folder / "mnist" / "t10k-images-idx3-ubyte"
    np.save(tmp_path / "ink.npy", 255 - data.test.images[4, 0].numpy())  # black on white
    capsys.readouterr()
    assert cli.main(["classify", str(run), f"{name}:3", str(tmp_path / "ink.npy"), "--top", "1",
                     "--explain", str(tmp_path / "why.png")]) == 0  # fmt: skip
    said = capsys.readouterr().out.splitlines()
    for line, row in zip(said, expected.tolist()):
        best = int(np.argmax(row))
        assert line.endswith(f": {data.known['classes'][best]} {row[best]:.1%}")
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")


def test_what_minidl_train_made_classifies_too(tmp_path, folder, capsys):
    options = ["--data-set", "mnist", "--model", "linear", "--epochs", "1", "--data", str(folder)]
    assert cli.main(["train", "--out", str(tmp_path / "run"), *options]) == 0
    said = capsys.readouterr().out
    run = runs.load(tmp_path / "run")
    x, y = recipe_class("mnist-mlp")().data(str(folder)).test.images, 0
    known = run.known
    whole = Pictures(x, minidl.zeros(len(x)), known["mean"], known["std"])
    labels = recipe_class("mnist-mlp")().data(str(folder)).test.labels
    accuracy = (run.model(whole[list(range(len(x)))][0]).argmax(1) == labels).float().mean().item()
    assert f"test accuracy {accuracy:.4f}" in said
    assert cli.main(["classify", str(tmp_path / "run"), str(folder / "mnist" / "t10k-images-idx3-ubyte:3")]) == 0
    y = run.recipe.classify(run.model, known, str(folder / "mnist" / "t10k-images-idx3-ubyte:3"))
    assert f"{y[0][0]} {y[0][1]:.1%}, {y[1][0]}" in capsys.readouterr().out
    assert cli.main(["classify", str(tmp_path / "run"), str(tmp_path / "absent.png")]) == 1
    assert "there is no such file" in capsys.readouterr().err


def test_numbers_are_normalised_by_the_part_that_is_learned_from(folder):
    recipe = recipe_class("mnist-mlp")(held_out=0.25)
    data = recipe.data(str(folder))
    assert len(data.train) + len(data.validation) == 1198 and len(data.test) == 599
    x = data.train[list(range(len(data.train)))][0]
    assert abs(x.mean().item()) < 1e-4 and abs(x.std().item() - 1) < 1e-3
    assert (data.validation.mean == data.train.mean).all() and (data.test.mean == data.train.mean).all()
    pixels = data.train.images.numpy() / 255
    np.testing.assert_allclose(moments(data.train.images), ([pixels.mean()], [pixels.std()]), atol=1e-6)
    shares = lambda labels: np.bincount(labels.numpy()) / len(labels)
    np.testing.assert_allclose(shares(data.train.labels), shares(data.validation.labels), atol=0.01)


def test_each_time_a_photograph_is_seen_it_is_another_one(folder):
    recipe = recipe_class("cifar10-cnn")(batch=16)
    data = recipe.data(str(folder))
    first, again = (next(iter(recipe.loader(data.train, True))) for _ in range(2))
    assert (first[0] == again[0]).all() and (first[1] == again[1]).all()  # the seed decides
    loader = recipe.loader(data.test, False)
    assert len(loader) == 8 and sum(len(y) for _, y in loader) == 120
    one, other = data.train[[0] * 8], data.train[[0] * 8]
    assert not (one[0] == other[0]).all() and (one[1] == other[1]).all()
    assert (data.test[5][0] == data.test[5][0]).all()


def test_augmentation_moves_and_mirrors_each_picture_by_itself():
    images = minidl.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).byte() + 1
    moved = Pictures(images, minidl.arange(2), [0.0] * 3, [1.0] * 3, shift=1, mirror=True)
    wide = np.pad(images.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = lambda k: [wide[k, :, top : top + 4, left : left + 5] for top in range(3) for left in range(3)]
    possible = [[w for window in windows(k) for w in (window, window[..., ::-1])] for k in range(2)]
    seen = [[], []]
    for _ in range(60):
        x, y = moved[[0, 1]]
        assert y.tolist() == [0, 1]
        for k in range(2):
            pixels = np.rint(x[k].numpy() * 255)
            seen[k].append(next(n for n, one in enumerate(possible[k]) if np.array_equal(one, pixels)))
    assert len(set(seen[0])) > 10 and len(set(seen[1])) > 10 and seen[0] != seen[1]
    assert (images.numpy() == np.arange(120).reshape(images.shape) + 1).all()


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_mixtures_are_learned_from(folder, tmp_path, mix):
    recipe = recipe_class("cifar10-cnn")(limit=96, batch=32, mix=mix, alpha=1.0)
    data = recipe.data(str(folder))
    x, y = next(iter(recipe.loader(data.train, True)))
    assert y.shape == (len(x), 10) and np.allclose(y.sum(1).numpy(), 1) and ((y > 0).sum(1) == 2).any()
    model = recipe.network(recipe.config)
    before = [p.clone() for p in model.parameters()]
    recipe.fit(model, data, tmp_path, progress=False)
    assert all((p != q).any() for p, q in zip(model.parameters(), before))


def test_without_a_part_held_out_there_is_no_validation(folder, tmp_path):
    recipe = recipe_class("mnist-mlp")(held_out=0.0, limit=64, epochs=1)
    data = recipe.data(str(folder))
    assert data.validation is None and len(data.train) == 64
    recipe.fit(recipe.network(recipe.config), data, tmp_path, progress=False)


@pytest.mark.parametrize(
    "options, said",
    [
        (["--mix", "blend"], "--mix is none or mixup or cutmix, got blend"),
        (["--held-out", "1"], "--held-out is a share from 0 to below 1, got 1.0"),
        (["--warmup", "-0.1"], "--warmup is a share from 0 to below 1, got -0.1"),
        (["--shift", "-1"], "--shift is a number of pixels, 0 or more, got -1"),
        (["--classes", "7"], "--classes 7: in cifar10 it is 10"),
        (["--width", "28"], "--width 28: in cifar10 it is 32"),
    ],
)
def test_wrong_settings_are_refused(folder, tmp_path, capsys, options, said):
    assert cli.main(["train", "cifar10-cnn", "--data", str(folder), "--out", str(tmp_path / "r"), *options]) == 2
    assert said in capsys.readouterr().err
