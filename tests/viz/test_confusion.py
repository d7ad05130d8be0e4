"""The picture of a confusion matrix has its counts where they belong."""

import numpy as np
import pytest

from minidl import viz
from minidl.training import metrics


def test_counts_stand_in_their_cells():
    counts = metrics.confusion_matrix([0, 1, 1, 2, 2, 2], [0, 0, 1, 2, 2, 1])
    ax = viz.confusion_matrix(counts, names=["cat", "dog", "owl"])
    cells = {t.get_position(): t.get_text() for t in ax.texts}
    assert all(cells[p, t] == str(counts[t, p]) for t in range(3) for p in range(3))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog", "owl"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    viz.confusion_matrix(np.zeros((2, 2)))


def test_what_cannot_be_is_said():
    with pytest.raises(ValueError, match=r"a matrix \(C, C\)"):
        viz.confusion_matrix(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="2 classes and 1 names"):
        viz.confusion_matrix(np.zeros((2, 2)), ["a"])
