"""CTC by its definition: every alignment, written out."""

import itertools
import math

import numpy as np


def read(alignment, blank):
    """What an alignment says: repeats are one, blanks nothing."""
    return [c for c, _ in itertools.groupby(alignment) if c != blank]


def ctc_loss(x, t, n, m, blank=0):
    assert x.shape[2]
    losses = []
    for k in range(x.shape[1]):
        word = list(t[k, : m[k]])
        ways = [a for a in itertools.product(range(x.shape[2]), repeat=int(n[k])) if read(a, blank) == word]
        p = sum(math.exp(sum(x[step, k, c] for step, c in enumerate(a))) for a in ways)
        losses.append(-math.log(p) if p else math.inf)
    return np.array(losses)


REFERENCES = {"ctc_loss": ctc_loss}
