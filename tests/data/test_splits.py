"""Splits and normalisers: scikit-learn's where it has the same, and otherwise what each promises."""

import numpy as np
import pytest

import minidl
from minidl.backend import Generator
from minidl.data import (
    MinMaxScaler,
    Standardizer,
    Subset,
    TensorDataset,
    group_k_fold,
    k_fold,
    split,
    stratified_k_fold,
)


def seeded(seed=0):
    return Generator().manual_seed(seed)


def covers(parts, n):
    return sorted(np.concatenate(parts).tolist()) == list(range(n))


@pytest.mark.parametrize("n, k", [(10, 5), (11, 3), (7, 7)])
def test_folds_are_scikit_learns(rng, n, k):
    sk = pytest.importorskip("sklearn.model_selection", reason="scikit-learn is what the folds are compared with")
    equal = lambda a, b: all(np.array_equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q))
    y, groups = np.repeat([3, 1, 2], [n, k, 2 * n]), rng.integers(0, 2 * k, 60)
    y = rng.permutation(y)
    groups[: 2 * k] = np.arange(2 * k)
    assert equal(k_fold(n, k), sk.KFold(k).split(np.zeros(n)))
    assert equal(stratified_k_fold(y, k), sk.StratifiedKFold(k).split(y, y))
    ours, theirs = list(group_k_fold(groups, k)), list(sk.GroupKFold(k).split(groups, groups=groups))
    assert covers([test for _, test in ours], 60)
    assert not any(set(groups[train]) & set(groups[test]) for train, test in ours)
    assert sorted(len(test) for _, test in ours) == sorted(len(test) for _, test in theirs)  # ties are theirs to break


def test_shuffled_folds(rng):
    y = rng.permutation(np.repeat(["a", "b"], [40, 13]))
    for make in (k_fold, stratified_k_fold):
        folds, again, other = (list(make(y, 4, shuffle=True, generator=seeded(seed))) for seed in (0, 0, 1))
        assert covers([test for _, test in folds], 53)
        assert all(covers(fold, 53) for fold in folds)
        assert all((a[1] == b[1]).all() for a, b in zip(folds, again))
        assert any(a[1].tolist() != b[1].tolist() for a, b in zip(folds, other))
    assert {int((y[test] == "b").sum()) for _, test in folds} == {3, 4}


def test_split(rng):
    train, validation, test = split(103, generator=seeded())
    assert (len(train), len(validation), len(test)) == (82, 11, 10)
    assert covers([train, validation, test], 103)
    assert len(Subset(TensorDataset(minidl.arange(103)), test)) == 10
    assert [len(p) for p in split(np.zeros((5, 2)), (0.5, 0.5, 0.0))] == [2, 3, 0]


@pytest.mark.parametrize("seed", range(5))
def test_stratified_split_has_each_classes_share(rng, seed):
    y = rng.permutation(np.repeat([0, 1, 2], [70, 25, 8]))
    fractions = (0.6, 0.3, 0.1)
    parts = split(y, fractions, labels=minidl.tensor(y), generator=seeded(seed))
    assert covers(parts, 103)
    for part, fraction in zip(parts, fractions):
        assert all(abs((y[part] == c).sum() - fraction * (y == c).sum()) <= 1 for c in range(3))


def test_groups_stay_together(rng):
    groups = rng.integers(0, 30, 300)
    parts = split(300, (0.7, 0.2, 0.1), groups=groups, generator=seeded())
    assert covers(parts, 300)
    assert len(np.unique(groups)) == sum(len(np.unique(groups[part])) for part in parts)
    assert all(abs(len(part) - 300 * f) <= 20 for part, f in zip(parts, (0.7, 0.2, 0.1)))


@pytest.mark.parametrize("kind, theirs", [(Standardizer, "StandardScaler"), (MinMaxScaler, "MinMaxScaler")])
def test_normalisers_are_scikit_learns(rng, kind, theirs):
    sk = pytest.importorskip("sklearn.preprocessing", reason="scikit-learn is what the numbers are compared with")
    x = rng.normal(size=(50, 4)) * [1, 100, 0, 1e-3] + [0, 5, 7, 1]
    x[3, 1] = np.nan
    new, before = rng.normal(size=(6, 4)), x.copy()
    ours = kind().fit(x)
    scaler = getattr(sk, theirs)().fit(x)
    np.testing.assert_allclose(ours(x), scaler.transform(x), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours(new), scaler.transform(new), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.inverse(ours(new)), new, rtol=1e-9)
    assert np.array_equal(x, before, equal_nan=True)


def test_a_normaliser_of_pictures_is_saved_and_loaded(rng, tmp_path, device):
    x = minidl.tensor(rng.integers(0, 256, (8, 3, 5, 5)).astype(np.uint8)).to(device)
    fitted = Standardizer((0, 2, 3)).fit(x)
    y = fitted(x)
    assert y.dtype == np.float32 and str(y.device) == str(x.device)
    assert abs(y.mean((0, 2, 3)).numpy(force=True)).max() < 1e-5
    minidl.save(fitted.state_dict(), tmp_path / "scaler.safetensors")
    other = Standardizer((0, 2, 3))
    other.load_state_dict(minidl.load(tmp_path / "scaler.safetensors"))
    assert (other(x) == y).all()


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: split(10, (0.5, 0.4)), "sum to 1, got"),
        (lambda: split(10, labels=[0, 1]), r"one value for each example, \(10,\), got \(2,\)"),
        (lambda: split(2, labels=[0, 1], groups=[0, 1]), "not both"),
        (lambda: k_fold(3, 4), "k is from 2 to the number of examples, 3; got 4"),
        (lambda: group_k_fold([1, 1, 2], 3), "number of groups, 2"),
        (lambda: stratified_k_fold([0, 1, 0, 1], 3), "no class has 3 examples"),
        (lambda: Standardizer().transform([1.0]), "fit it first"),
        (lambda: Standardizer().fit([["a"]]), "numbers are needed"),
        (lambda: Standardizer().fit([[np.nan, 1.0]]), "nothing but NaN"),
        (lambda: Standardizer((0, 2)).fit([[1.0]]), r"axes \(0, 2\)"),
        (lambda: MinMaxScaler().state_dict(), "nothing to save before fit"),
    ],
)
def test_what_cannot_be_is_said(call, said):
    with pytest.raises((ValueError, TypeError, RuntimeError), match=said):
        call()
