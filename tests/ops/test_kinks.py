"""Gradients where there is no derivative, and where a definition overrules it."""

import numpy as np
import pytest

from minidl.autograd import OPS, Tensor, grad
from minidl.backend import move
from minidl.testing.checks import host

from .kinks import KINKS, arrays


@pytest.mark.parametrize("name, args, params, expected", KINKS, ids=[f"{k[0]}-{n}" for n, k in enumerate(KINKS)])
@pytest.mark.parametrize("create_graph", [False, True])
def test_gradient_where_there_is_no_derivative(name, args, params, expected, create_graph, device):
    xs = [Tensor(move(a, device), a.dtype.kind == "f") for a in arrays(args)]
    y = getattr(OPS, name)(*xs, **params)
    found = grad(OPS.sum(y), [x for x in xs if x.requires_grad], create_graph=create_graph)
    for g, e in zip(found, [e for e in expected if e is not None]):
        np.testing.assert_allclose(host(g), e, rtol=1e-12)
