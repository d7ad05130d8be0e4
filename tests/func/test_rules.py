"""Every op on a batch: at once, by the rules of backend/batch.py, and sample by sample; values and gradients."""

import numpy as np
import pytest

from minidl import func
from minidl.autograd import Tensor
from minidl.backend.algebra import NAMES
from minidl.backend.batch import RULES
from tests.ops.cases import every_case

SAMPLES = 3


@every_case
@pytest.mark.parametrize(
    "shared",
    ["nothing", *(pytest.param(kind, marks=pytest.mark.all) for kind in ("the first", "all but the first"))],
)
def test_a_batch_is_its_samples(op, sample, shared):
    rng = np.random.default_rng(0)
    rows = [sample.draw(rng) for _ in range(SAMPLES)]
    given = [k for k, x in enumerate(rows[0]) if x is not None]
    same = {"nothing": [], "the first": given[:1], "all but the first": given[1:]}[shared]
    if shared != "nothing" and len(given) < 2:
        return  # there is nothing to share
    values = [
        None if k not in given else rows[0][k] if k in same else np.stack([row[k] for row in rows])
        for k in range(len(rows[0]))
    ]
    floats = [j for j, k in enumerate(given) if values[k].dtype.kind == "f"]

    def evaluate(xs):
        full = [None] * len(values)
        for k, x in zip(given, xs):
            full[k] = x
        ys = op(*full, **sample.params)
        return ys if isinstance(ys, tuple) else (ys,)

    def loss(*xs):
        return sum((y * y).sum() for y in evaluate(xs) if y.dtype.kind == "f")

    def run(*xs):
        """The results, and the gradients of what the floats among them add up to."""
        ys = evaluate(xs)
        if not floats or not any(y.dtype.kind == "f" for y in ys):
            return ys
        return (*ys, *func.grad(loss, tuple(floats))(*xs))

    tensors = [Tensor(values[k]) for k in given]
    dims = tuple(None if k in same else 0 for k in given)
    batch = func.vmap(run, dims)(*tensors)
    ones = [run(*(t if d is None else t[i] for t, d in zip(tensors, dims))) for i in range(SAMPLES)]
    for y, parts in zip(batch, zip(*ones), strict=True):
        assert y.dtype == parts[0].dtype
        np.testing.assert_allclose(y.numpy(), np.stack([p.numpy() for p in parts]), rtol=1e-9, atol=1e-11)


def test_nearly_every_name_has_a_rule():
    """What has none is done sample by sample."""
    assert not set(RULES) - set(NAMES)
    assert set(NAMES) - set(RULES) == {"as_strided", "eig", "pinv", "pivots", "solve"}
