"""clean: what the report says of a table, and that mending mends a copy."""

import numpy as np
import pytest

import minidl
from minidl.data import clean

NAN = np.nan


def table():
    x = np.arange(40.0).reshape(20, 2) % 7
    x[3, 0], x[5, 1], x[7, 1] = NAN, 1000, -1000
    x[12] = x[11]
    return x


def kinds():
    x = table()
    yield x, lambda t: t
    yield minidl.tensor(x), lambda t: t.numpy()
    yield {"a": x[:, 0], "b": minidl.tensor(x[:, 1])}, lambda t: np.stack([t["a"], t["b"].numpy()], 1)
    try:
        import pandas

        yield pandas.DataFrame({"a": x[:, 0], "b": x[:, 1]}), lambda t: t.to_numpy()
    except ImportError:
        pass


@pytest.mark.parametrize(
    "mend",
    [
        clean.impute,
        lambda t: clean.impute(t, "median"),
        lambda t: clean.impute(t, "mode"),
        lambda t: clean.impute(t, "constant", -5.0),
        lambda t: clean.impute(t, "drop"),
        clean.clip_outliers,
        lambda t: clean.clip_outliers(t, "zscore", 1.0),
        clean.drop_outliers,
        clean.drop_duplicates,
    ],
)
def test_every_kind_of_table_is_mended_alike_and_a_copy(mend):
    expected = mend(table())
    assert not np.array_equal(expected, table(), equal_nan=True)
    for given, values in kinds():
        made = mend(given)
        assert type(made) is type(given)
        np.testing.assert_allclose(values(made), expected)
        assert np.array_equal(values(given), table(), equal_nan=True)


def test_impute():
    x = np.array([1.0, NAN, 2, 2, 5])
    assert clean.impute(x)[1] == 2.5
    assert clean.impute(x, "median")[1] == 2
    assert clean.impute(x, "mode")[1] == 2
    assert clean.impute(x, "constant", 0)[1] == 0
    assert clean.impute(x, "drop").tolist() == [1, 2, 2, 5]
    words = {"word": np.array(["b", None, "a", "b"], object), "n": np.array([1, None, 3, 5], object)}
    assert clean.impute(words)["word"][1] is None
    assert clean.impute(words)["n"].tolist() == [1, 3, 3, 5]
    assert clean.impute(words, "mode")["word"].tolist() == ["b", "b", "a", "b"]


def test_outliers_are_tukeys_and_the_z_scores():
    x = np.array([1.0, 2, 3, 4, 5, 100, NAN])
    q1, q3 = np.nanquantile(x, (0.25, 0.75))
    assert clean.outliers(x).tolist() == [False] * 5 + [True, False] == (x > q3 + 1.5 * (q3 - q1)).tolist()
    assert not clean.outliers(x, "zscore").any()
    assert clean.outliers(x, "zscore", 2.0).tolist() == [False] * 5 + [True, False]
    assert clean.clip_outliers(x)[5] == 5
    assert clean.outliers(np.array([1.0, 2, 1, 2, np.inf]), "zscore").tolist() == [False] * 4 + [True]
    assert clean.outliers(np.array([[1, 2], [3, 4]])).shape == (2, 2)
    whole = clean.clip_outliers(np.array([1, 2, 1, 2, 90]))
    assert whole.tolist() == [1, 2, 1, 2, 2] and whole.dtype == np.int64


def test_report():
    found = clean.report(table())
    a, b = found.columns
    assert (found.rows, found.duplicates) == (20, len(table()) - len(clean.drop_duplicates(table())))
    assert (a.missing, a.distinct, a.min, a.max, a.dtype) == (1, 7, 0.0, 6.0, "float64")
    assert a.mean == pytest.approx(np.nanmean(table()[:, 0]))
    assert b.outliers == 2 and a.outliers == 0
    lines = str(found).splitlines()
    assert lines[0].startswith("20 rows, ") and lines[1].split() == [
        "name", "dtype", "missing", "distinct", "min", "max", "mean", "outliers"
    ]  # fmt: skip
    assert len({len(line) for line in lines[1:]}) == 1
    mixed = clean.report({"w": ["b", "a", "b"], "d": np.array(["2020-01-01", "NaT", "2021-01-01"], "datetime64[D]")})
    assert (mixed.columns[0].min, mixed.columns[0].max, mixed.columns[0].mean) == ("a", "b", None)
    assert mixed.columns[1].missing == 1 and "2021-01-01" in str(mixed)
    empty = clean.report(np.zeros((0, 2)))
    assert empty.rows == 0 and empty.columns[0].mean is None
    strange = clean.report({"x": np.array([[1], "a", None, 2], object)}).columns[0]
    assert (strange.missing, strange.distinct, strange.min) == (1, 3, None)


def test_frames_of_pandas():
    pd = pytest.importorskip("pandas", reason="without pandas there are no frames of it")
    times = pd.to_datetime(["2020", None, "2021", "2021"])
    frame = pd.DataFrame({"n": pd.array([1, None, 3, 3], "Int64"), "w": ["a", None, "b", "b"], "t": times})
    frame.index = [5, 6, 7, 8]
    found = clean.report(frame)
    assert [column.missing for column in found.columns] == [1, 1, 1]
    assert found.duplicates == 1
    assert clean.drop_duplicates(frame).index.tolist() == [5, 6, 7]
    assert clean.impute(frame, "drop").index.tolist() == [5, 7, 8]
    assert clean.impute(frame, "median")["n"].tolist() == [1, 3, 3, 3]
    assert clean.impute(frame, "mode")["w"].tolist() == ["a", "b", "b", "b"]
    assert frame["n"].isna().sum() == 1


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: clean.impute(table(), "zero"), "got 'zero'"),
        (lambda: clean.impute(table(), "constant"), "needs value="),
        (lambda: clean.impute(np.array([[NAN], [NAN]])), "in column 0 everything is missing, so it has no mean"),
        (lambda: clean.outliers(table(), "sigma"), "'iqr' or 'zscore', got 'sigma'"),
        (lambda: clean.report(np.zeros((2, 2, 2))), r"\(N, D\) or a column"),
        (lambda: clean.report({"a": [1, 2], "b": [1]}), r"lengths \[1, 2\]"),
        (lambda: clean.report({}), "one column or more"),
    ],
)
def test_what_cannot_be_is_said(call, said):
    with pytest.raises(ValueError, match=said):
        call()
