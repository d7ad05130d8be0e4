"""Look at a table before it is learned from, and mend it: missing values, outliers, duplicates.

A table is an array or tensor (N, D) or (N), a dict of columns, or a DataFrame of pandas; what comes back is of the same
kind, and what was given stays as it was. Missing is NaN, None, NaT, and what pandas calls missing.

    print(clean.report(table))
    table = clean.drop_duplicates(clean.clip_outliers(clean.impute(table, "median")))
"""

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..api import tensor
from ..autograd import Tensor
from ..backend import backend_of

Columns = dict[Any, Any]


@dataclass(frozen=True)
class Column:
    """What one column holds; numbers that it cannot have are None."""

    name: Any
    dtype: str
    missing: int
    distinct: int
    min: Any
    max: Any
    mean: float | None
    outliers: int | None


@dataclass(frozen=True)
class Report:
    """The columns, and how many rows are the same as one before them. str(report) is the table."""

    rows: int
    duplicates: int
    columns: list[Column]

    def __str__(self) -> str:
        names = list(Column.__dataclass_fields__)
        cells = [names, *([shown(getattr(column, name)) for name in names] for column in self.columns)]
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths)) for row in cells]
        return "\n".join([f"{self.rows:,} rows, {self.duplicates:,} of them duplicates", *lines])


def shown(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)[:20]


def report(table: Any, method: str = "iqr", factor: float | None = None) -> Report:
    """Each column's type, missing values, distinct values, range, mean and outliers; method, factor: see outliers."""
    columns, _ = taken("report", table)
    found = []
    for name, values in columns.items():
        gone = missing(values)
        there = values[~gone]
        number = numeric(values) and there.size > 0
        low, high = (None, None) if not there.size else extremes(there)
        found.append(
            Column(
                name, str(values.dtype), int(gone.sum()), len({key(v) for v in there}), low, high,
                float(there.astype(np.float64).mean()) if number else None,
                int(far(values, method, factor).sum()) if number else None,
            )
        )  # fmt: skip
    return Report(rows_of(columns), int(repeated(columns).sum()), found)


def outliers(table: Any, method: str = "iqr", factor: float | None = None) -> Any:
    """Where the values lie far from the others of their column: an array of bools, (N, D), or (N) for an array (N).

    method "iqr": outside of [q₁ − k (q₃ − q₁), q₃ + k (q₃ − q₁)], with the quartiles q and k = 1.5 (Tukey 1977);
    "zscore": |x − mean| > k · deviation, k = 3. factor: another k. What is missing, or no number, is no outlier."""
    columns, _ = taken("outliers", table)
    found = [far(values, method, factor) for values in columns.values()]
    return found[0] if getattr(table, "ndim", 2) == 1 else np.stack(found, 1)


def clip_outliers(table: Any, method: str = "iqr", factor: float | None = None) -> Any:
    """Outliers brought to the nearest value that is none."""
    columns, back = taken("clip_outliers", table)
    clipped = {}
    for name, values in columns.items():
        clipped[name] = values
        if numeric(values) and (out := far(values, method, factor)).any():
            rest = values[~(out | missing(values))]
            clipped[name] = np.where(out, np.clip(values, rest.min(), rest.max()), values)
    return back(clipped, slice(None))


def drop_outliers(table: Any, method: str = "iqr", factor: float | None = None) -> Any:
    """The rows without an outlier."""
    columns, back = taken("drop_outliers", table)
    out = [far(values, method, factor) for values in columns.values()]
    return back(columns, ~np.any(out, axis=0))


def drop_duplicates(table: Any) -> Any:
    """The rows that are not the same as one before them; missing values count as the same."""
    columns, back = taken("drop_duplicates", table)
    return back(columns, ~repeated(columns))


def impute(table: Any, how: str = "mean", value: Any = None) -> Any:
    """Something in place of what is missing.

    how: the "mean" or "median" of the column (for those that hold numbers; others are left); its "mode", the most
    frequent value, and of several the least; "constant", the value; or "drop", leave the rows out that lack
    something. A column in which all is missing can only be given a constant."""
    if how not in ("mean", "median", "mode", "constant", "drop"):
        raise ValueError(f"impute: how is 'mean', 'median', 'mode', 'constant' or 'drop', got {how!r}")
    if how == "constant" and value is None:
        raise ValueError("impute: how='constant' needs value=")
    columns, back = taken("impute", table)
    if how == "drop":
        return back(columns, ~np.any([missing(values) for values in columns.values()], axis=0))
    filled = {}
    for name, values in columns.items():
        gone, filled[name] = missing(values), values
        if not gone.any() or (how in ("mean", "median") and not numeric(values)):
            continue
        if gone.all() and how != "constant":
            raise ValueError(f"impute: in column {name!r} everything is missing, so it has no {how}; drop the column")
        filled[name] = values.copy()
        filled[name][gone] = value if how == "constant" else middle(values[~gone], how)
    return back(filled, slice(None))


# ---------------------------------------------------------------------------------------------- columns


def taken(who: str, table: Any) -> tuple[Columns, Any]:
    """The columns of a table as arrays, and the function that makes such a table of columns and chosen rows."""
    if isinstance(table, dict):
        columns = {name: host(values) for name, values in table.items()}
        back = lambda new, rows: {n: like(table[n], v[rows].copy()) for n, v in new.items()}
    elif type(table).__module__.split(".")[0] == "pandas":
        if not hasattr(table, "columns"):
            raise TypeError(f"{who}: a DataFrame is needed, got a {type(table).__name__}; series.to_frame() makes one")
        columns = {name: settled(table[name].to_numpy()) for name in table.columns}
        if len(columns) < table.shape[1]:
            raise ValueError(f"{who}: two columns of the DataFrame have the same name")

        def back(new: Columns, rows: Any) -> Any:
            made = table.copy()
            for name, values in new.items():
                if values is not columns[name]:
                    made[name] = values
            return made if isinstance(rows, slice) else made[rows]
    else:
        array = host(table)
        if array.ndim not in (1, 2):
            raise ValueError(f"{who}: a table (N, D) or a column (N) is needed, got shape {array.shape}")
        columns = {k: array[:, k] for k in range(array.shape[1])} if array.ndim == 2 else {0: array}
        put = lambda new: np.stack(list(new.values()), 1) if array.ndim == 2 else new[0]
        back = lambda new, rows: like(table, put(new)[rows].copy())
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1 or any(values.ndim != 1 for values in columns.values()):
        raise ValueError(f"{who}: one column or more is needed, all of one length, got lengths {sorted(lengths)}")
    return columns, back


def host(values: Any) -> Any:
    return settled(backend_of(values.array).to_host(values.array) if isinstance(values, Tensor) else np.asarray(values))


def settled(values: Any) -> Any:
    """Numbers with None among them, which NumPy and pandas keep as objects, as floats with NaN."""
    if values.dtype.kind != "O" or values.ndim != 1:
        return values
    gone = missing(values)
    if gone.all() or not all(isinstance(v, numbers.Real) and not isinstance(v, bool) for v in values[~gone]):
        return values
    return np.array([np.nan if g else float(v) for v, g in zip(values, gone)])


def like(old: Any, values: Any) -> Any:
    return tensor(values, device=old.device) if isinstance(old, Tensor) else values


def rows_of(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def numeric(values: Any) -> bool:
    return values.dtype.kind in "fiu"


def missing(values: Any) -> Any:
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    if values.dtype.kind == "O":  # of pandas.NA even == is missing
        return np.array([v is None or type(v).__name__ in ("NAType", "NaTType") or v != v for v in values], bool)
    return np.zeros(len(values), bool)


def extremes(there: Any) -> tuple[Any, Any]:
    try:
        low, high = (there.min(), there.max()) if there.dtype.kind in "fiubmM" else (min(there), max(there))
    except TypeError:  # of kinds that do not compare
        return None, None
    return tuple(v.item() if isinstance(v, np.number) else v for v in (low, high))


def far(values: Any, method: str, factor: float | None) -> Any:
    """Where a column has outliers."""
    if method not in ("iqr", "zscore"):
        raise ValueError(f"outliers: method is 'iqr' or 'zscore', got {method!r}")
    there = values[~missing(values)]
    if not numeric(values) or not there.size:
        return np.zeros(len(values), bool)
    x, there = values.astype(np.float64), there.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinities, which are outliers of any finite column
        if method == "iqr":
            q1, q3 = np.quantile(there, (0.25, 0.75))
            k = 1.5 if factor is None else factor
            return (x < q1 - k * (q3 - q1)) | (x > q3 + k * (q3 - q1))
        finite = there[np.isfinite(there)]
        k = 3.0 if factor is None else factor
        return np.isinf(x) | (np.abs(x - finite.mean()) > k * finite.std()) if finite.size else np.isinf(x)


def middle(there: Any, how: str) -> Any:
    if how == "mode":
        values, counts = np.unique(there, return_counts=True)
        return values[counts.argmax()]
    return there.astype(np.float64).mean() if how == "mean" else np.median(there)


def key(value: Any) -> Any:
    """Something that is equal for equal values, and can be looked up."""
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def repeated(columns: Columns) -> Any:
    """Which rows are the same as one before them."""
    numbered = []
    for values in columns.values():  # each value by its number among the distinct ones
        gone, seen = missing(values), {}  # type: ignore[var-annotated]
        numbered.append([-1 if g else seen.setdefault(key(v), len(seen)) for v, g in zip(values.tolist(), gone)])
    first: dict[Any, int] = {}
    return np.array([first.setdefault(row, k) < k for k, row in enumerate(zip(*numbered))], bool)
