"""The forecast of a real recording that Matplotlib ships."""

import json

import numpy as np
import pytest

from minidl import cli
from minidl.recipes import recipe_class
from minidl.recipes.forecast import ENDS, PAST, autoregression, r_squared, voltage


def test_it_foretells_better_than_as_now(tmp_path):
    options = ["--epochs", "6", "--limit", "400", "--batch", "32", "--hidden", "16", "--ahead", "10"]
    assert cli.main(["train", "forecast-gru", "--out", str(tmp_path), *options]) == 0
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert result["scores"]["R²"] > result["scores"]["R² of persistence"] + 0.1
    assert 0 < result["scores"]["RMSE in mV"] < 10
    assert (tmp_path / "forecast.png").read_bytes().startswith(b"\x89PNG")


def test_parts_do_not_overlap_and_follow_in_time():
    recipe = recipe_class("forecast-gru")()
    data, series = recipe.data(), voltage(None)
    ahead = recipe.config.ahead
    back = lambda t: t.numpy().ravel() * data.known["std"] + data.known["mean"]
    for part, (a, b) in zip((data.train, data.validation, data.test), zip(ENDS, ENDS[1:])):
        assert len(part) == b - a - PAST - ahead + 1
        np.testing.assert_allclose(back(part.tensors[0][0]), series[a : a + PAST], atol=1e-3)
        np.testing.assert_allclose(back(part.tensors[1][-1]), series[b - ahead : b], atol=1e-3)
    assert abs(data.train.tensors[0].mean().item()) < 0.1


def test_autoregression_is_least_squares():
    recipe = recipe_class("forecast-gru")(limit=300)
    data = recipe.data()
    x, y = (t.numpy() for t in data.train.tensors)
    best = np.linalg.lstsq(x[:, :, 0].astype(float), y[:, :, 0].astype(float), rcond=None)[0]
    error = lambda foretold: float(((foretold - y) ** 2).mean())
    assert error(autoregression(data)(x)) >= error((x[:, :, 0] @ best)[:, :, None])
    assert r_squared(y, y) == 1 and r_squared(np.full_like(y, y.mean()), y) == pytest.approx(0)


def test_without_the_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="membrane.dat is not there: Matplotlib ships it"):
        recipe_class("forecast-gru")().data(str(tmp_path))
    (tmp_path / "membrane.dat").write_bytes(np.zeros(100, "<f4").tobytes())
    with pytest.raises(ValueError, match="has 100 values, and the first 7,200 are needed"):
        recipe_class("forecast-gru")().data(str(tmp_path))
