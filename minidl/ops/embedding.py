"""Looking rows up by number."""

from ..autograd import op
from ..backend import INDEX
from .samples import ints, shapes

LOOKUPS = [
    shapes((4, 3), ints(2, 3, high=4)),
    shapes((3, 2), ints(high=3)),
    # row 0 is not looked up here: its gradient is 0 by definition, whatever differences say
    shapes((4, 2), ints(5, low=1, high=4), padding_idx=0),
]


@op(samples=LOOKUPS)
def embedding(xp, w, i, *, padding_idx=None):
    """y = rows i of w        w̄ = zeros with ȳ added at rows i: rows used twice add up, row padding_idx gets nothing

    w (V, D)   i, integers (…)   →   y (…, D)
    """
    if w.ndim != 2 or i.dtype.kind not in "iu":
        raise ValueError(f"w (V, D) and integers i are expected; got w {w.shape} and i of {i.dtype}")
    V, D = w.shape

    def gw(g):
        g = xp.index_add(g, i, key=(INDEX,), shape=(V, D))
        return g if padding_idx is None else g * (xp.reshape(xp.arange_like(i, n=V), shape=(V, 1)) != padding_idx)

    return xp.getitem(w, i, key=(INDEX,)), (gw, None)
