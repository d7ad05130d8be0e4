"""Looking rows up, one after the other."""

import numpy as np


def embedding(w, i, padding_idx=None):
    y = np.empty((*i.shape, w.shape[1]))
    for place in np.ndindex(i.shape):
        y[place] = w[i[place]]
    return y


REFERENCES = {"embedding": embedding}
