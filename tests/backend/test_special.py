"""The error function against the C library's."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.backend import NUMPY


@given(st.floats(-8, 8))
def test_erf_to_the_last_bits(x):
    assert math.isclose(float(NUMPY.erf(np.float64(x))), math.erf(x), rel_tol=1e-15, abs_tol=5e-324)


def test_erf_at_the_edges():
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, 1.0, -1.0])
    y = NUMPY.erf(x)
    assert np.array_equal(y[:4], [0.0, -0.0, 1.0, -1.0])
    assert np.signbit(y[1])
    assert np.isnan(y[4])
    assert y[5] > 0
    assert NUMPY.erf(x.astype(np.float32)).dtype == np.float32
