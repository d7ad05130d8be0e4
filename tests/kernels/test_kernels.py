"""Every kernel beside the formula it stands in for: value and all gradients, whatever the shapes and the threads."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minidl import kernels
from minidl.autograd import OPS
from minidl.backend import NUMPY
from minidl.testing import checks

pytestmark = pytest.mark.skipif(not kernels.ON, reason="MINIDL_KERNELS=off leaves every kernel out")
KERNELS = [op for op in checks.registry() if NUMPY in op.kernels]
settings_here = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def compare(op, arrays, params):
    """The kernel serves this case, and its value and gradients are the formula's."""
    y, vjps = op.kernels[NUMPY](NUMPY, *arrays, **params)
    y0, vjps0 = op.formula(NUMPY, *arrays, **params)
    bound = 1e-11 if y0.dtype == np.float64 else 2e-4
    close(y, y0, bound)
    g = np.random.default_rng(0).standard_normal(y0.shape).astype(y0.dtype)
    for x, vjp, vjp0 in zip(arrays, vjps, vjps0):
        assert (vjp is None) == (vjp0 is None)
        if x is not None:
            close(NUMPY.sum_to(vjp(g), shape=x.shape), NUMPY.sum_to(vjp0(g), shape=x.shape), bound)


def close(a, b, bound):
    assert a.shape == b.shape and a.dtype == b.dtype
    assert np.abs(a - b).max(initial=0) <= bound * max(1, np.abs(b).max(initial=0))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "op, sample", [pytest.param(op, s, id=f"{op.name}-{k}") for op in KERNELS for k, s in enumerate(op.samples)]
)
def test_on_every_sample(op, sample, dtype, shared_work):
    checks.check_kernel(op, sample, NUMPY, dtype)


@st.composite
def convolutions(draw):
    axes = draw(st.integers(1, 3))
    sizes = lambda low, high: draw(st.tuples(*[st.integers(low, high)] * axes))
    groups, dtype = draw(st.integers(1, 3)), draw(st.sampled_from(["float32", "float64"]))
    kernel, dilation, padding = sizes(1, 5), sizes(1, 2), sizes(0, 3)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, kernel, padding)]
    size = [n + draw(st.integers(0, 8 - 2 * axes)) for n in least]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    array = lambda *shape: rng.standard_normal(shape).astype(dtype)
    x = array(draw(st.integers(1, 20)), groups * draw(st.integers(1, 4)), *size)
    if draw(st.booleans()):
        x = array(*(2 * n for n in x.shape))[tuple(slice(None, 2 * n, 2) for n in x.shape)]
    w = array(groups * draw(st.integers(1, 4)), x.shape[1] // groups, *kernel)
    b = array(w.shape[0]) if draw(st.booleans()) else None
    return (x, w, b), {"stride": sizes(1, 3), "padding": padding, "dilation": dilation, "groups": groups}


@given(convolutions())
@settings_here
def test_convolution(shared_work, case):
    compare(OPS.conv, *case)


@st.composite
def products(draw):
    n, k, m = (draw(st.integers(1, 9)) for _ in "nkm")
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    some = lambda: [draw(st.sampled_from([1, size])) for size in batch]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(st.sampled_from(["float32", "float64"]))
    turned = lambda *shape: rng.standard_normal((*shape[:-2], shape[-1], shape[-2])).astype(dtype).swapaxes(-1, -2)
    return (turned(*some(), n, k), turned(*some(), k, m)), {}


@given(products())
@settings_here
def test_products(shared_work, case):
    compare(OPS.matmul, *case)


@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(1, 7), st.booleans())
@settings_here
def test_linear(shared_work, shape, outputs, bias):
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal(shape), rng.standard_normal((outputs, shape[-1])), rng.standard_normal(outputs)
    compare(OPS.linear, (x, w, b if bias else None), {})
