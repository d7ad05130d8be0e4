"""Which class is taken for which."""

from typing import Any

import numpy as np

from .figures import MAP, axes_of, host


def confusion_matrix(counts: Any, names: Any = None, ax: Any = None) -> Any:
    """A confusion matrix (C, C), rows true and columns predicted, as metrics.confusion_matrix gives it.

    The colour is the share of the row, so that rare classes are seen as well; the numbers are the counts. names: of
    the classes."""
    counts = np.asarray(host(counts))
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"confusion_matrix: a matrix (C, C) is needed, got shape {counts.shape}")
    names = range(len(counts)) if names is None else names
    if len(names) != len(counts):
        raise ValueError(f"confusion_matrix: {len(counts)} classes and {len(names)} names")
    side = 2 + 0.45 * len(counts)
    ax = axes_of(ax, side + 1, side)
    total = counts.sum(1, keepdims=True)
    shares = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    image = ax.imshow(shares, cmap=MAP, vmin=0, vmax=1)
    for (t, p), share in np.ndenumerate(shares):
        text = f"{counts[t, p]:.2f}" if counts.dtype.kind == "f" else str(counts[t, p])
        ax.text(p, t, text, ha="center", va="center", color="black" if share > 0.6 else "white")
    ax.set_xticks(range(len(counts)), names, rotation=90 if max(len(str(n)) for n in names) > 3 else 0)
    ax.set_yticks(range(len(counts)), names)
    ax.set(xlabel="predicted", ylabel="true", title="Confusion matrix")
    ax.figure.colorbar(image, ax=ax, label="share of the row")
    return ax
