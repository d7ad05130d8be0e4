"""Where each query looks."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .figures import MAP, figure, host


def attention_maps(
    weights: Any, queries: Sequence[str] | None = None, keys: Sequence[str] | None = None, axes: Any = None
) -> Any:
    """One picture a head: rows are queries, columns are keys, and what a row shows adds up to one.

    weights (heads, L, S) or (L, S); of a batch take one sample. queries, keys: what to write beside rows and columns.
    Returns the array of axes."""
    heads = host(weights)
    heads = heads[None] if heads.ndim == 2 else heads
    if heads.ndim != 3:
        raise ValueError(f"attention_maps: weights (heads, L, S) or (L, S) are expected, got {heads.shape}")
    for what, names, n in (("queries", queries, heads.shape[1]), ("keys", keys, heads.shape[2])):
        if names is not None and len(names) != n:
            raise ValueError(f"attention_maps: there are {n} {what} and {len(names)} names for them")
    new = axes is None
    if new:
        columns = min(len(heads), 4)
        rows = math.ceil(len(heads) / columns)
        axes = figure(2.6 * columns + 1.4, 2.7 * rows + 0.6).subplots(rows, columns, squeeze=False)
    axes = np.atleast_1d(np.asarray(axes, dtype=object))
    if axes.size < len(heads):
        raise ValueError(f"attention_maps: {len(heads)} heads do not fit on {axes.size} axes")
    top = float(np.nanmax(heads)) if heads.size else 1.0
    for k, ax in enumerate(axes.flat):
        if k >= len(heads):
            ax.axis("off")
            continue
        image = ax.imshow(heads[k], cmap=MAP, vmin=0, vmax=top or 1.0, aspect="auto", interpolation="nearest")
        ax.set_title(f"head {k + 1}" if len(heads) > 1 else "attention", fontsize="medium")
        ax.set_xlabel("key")
        ax.set_ylabel("query")
        for axis, names in ((ax.xaxis, keys), (ax.yaxis, queries)):
            if names is None:
                axis.get_major_locator().set_params(integer=True)
            else:
                axis.set_ticks(range(len(names)), labels=list(names))
        if keys is not None:  # each label ends at its column
            for label in ax.get_xticklabels():
                label.set(rotation=60, ha="right", rotation_mode="anchor")
        ax.label_outer()
    if new:
        axes.flat[0].figure.colorbar(image, ax=axes.ravel().tolist(), label="attention weight", shrink=0.8)
    return axes
