"""The PyTorch twin of a network, and the table of what was reproduced."""

import json

import numpy as np
import pytest

import minidl
from benchmarks import reproduce
from benchmarks._twin import Called, fit, to_minidl, to_torch, twin_of
from minidl.models import MLP, MLPConfig
from minidl.recipes import recipe_class

torch = pytest.importorskip("torch", reason="the twin is PyTorch's")


def test_the_twin_is_the_same_function():
    model = MLP(MLPConfig(inputs=5, hidden=(7, 6), outputs=3))
    x = minidl.randn(4, 5)
    twin = twin_of(model)
    assert isinstance(twin, torch.nn.Module)
    np.testing.assert_allclose(twin(to_torch(x)).detach().numpy(), model(x).detach().numpy(), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(Called(twin)(x).numpy(), to_minidl(twin(to_torch(x))).numpy())


def test_both_libraries_learn_the_same(tmp_path):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    from minidl.recipes import flags

    recipe = flags.apply(recipe_class("digits-mlp")(), {"epochs": 2, "limit": 200, "hidden": [16], "dropout": 0.0})
    data = recipe.data()
    minidl.manual_seed(0)
    model = recipe.network(recipe.config)
    twin = fit(recipe, model, data)
    recipe.fit(model, data, tmp_path, progress=False)
    for (name, ours), theirs in zip(model.named_parameters(), twin.parameters()):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-3, atol=1e-4, err_msg=name)


def test_the_table_has_a_row_for_each_file(tmp_path):
    """And below the rows the pictures that are kept."""
    tmp_path = tmp_path / "models"
    tmp_path.mkdir()
    run = {"data": "d", "parameters": 1234, "epochs": 2, "seconds": 3.0, "measure": "accuracy", "better": "max",
           "scores": {"accuracy": 0.9}, "baseline": {"name": "b", "accuracy": 0.5}}  # fmt: skip
    runs = [run, {**run, "scores": {"accuracy": 0.8}}]
    (tmp_path / "digits-mlp.json").write_text(json.dumps({"runs": runs, "torch": []}), encoding="utf-8")
    row = "| digits-mlp | d | 1,234 | 2 | 3 | accuracy | 0.85 ± 0.071 | 0.5 (b) | – |"
    assert reproduce.table(tmp_path).splitlines()[-1] == row
    (tmp_path.parent / "pictures").mkdir()
    (tmp_path.parent / "pictures" / "digits-mlp_filters.png").touch()
    rows = reproduce.table(tmp_path).splitlines()[-3:]
    assert rows == [row, "", "![digits-mlp: filters](pictures/digits-mlp_filters.png)"]
