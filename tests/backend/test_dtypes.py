"""Promotion is PyTorch's: over every pair of dtypes, with and without axes, and every kind of Python number."""

import itertools

import numpy as np
import pytest

from minidl.backend import check_dtype, get_default_dtype, promote_types, result_type, set_default_dtype
from minidl.backend.dtypes import DTYPES, can_cast, float32, float64, int64


def test_all_pairs_against_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours = [np.ones(shape, d) for d in DTYPES for shape in ((2,), ())] + [True, 2, 2.5]
    theirs = [torch.ones(shape, dtype=getattr(torch, str(d))) for d in DTYPES for shape in ((2,), ())] + [True, 2, 2.5]
    for (a, ta), (b, tb) in itertools.product(zip(ours, theirs), repeat=2):
        if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
            assert str(result_type(a, b)) == str(torch.result_type(ta, tb)).removeprefix("torch."), (a, b)
    for a, b in itertools.product(DTYPES, repeat=2):
        ta, tb = getattr(torch, str(a)), getattr(torch, str(b))
        assert str(promote_types(a, b)) == str(torch.promote_types(ta, tb)).removeprefix("torch.")
        assert can_cast(a, b) == torch.can_cast(ta, tb)


@pytest.mark.parametrize(
    "operands, result",
    [
        ((np.ones(2, "f4"), np.ones((), "f8")), "float32"),  # without axes: only a higher category counts
        ((np.ones(2, "i8"), np.ones((), "f8")), "float64"),
        ((np.ones(2, "i4"), 2.5), "float32"),  # a Python float brings the default, not float64
        ((np.ones(2, "f2"), np.ones(2, "i8")), "float16"),  # integers never widen floats
        ((np.ones(2, "u1"), np.ones(2, "i1")), "int16"),
        ((np.ones(2, "?"), 3), "int64"),
        ((np.ones(2, "u1"), 3), "uint8"),
    ],
)
def test_the_rules_one_by_one(operands, result):
    assert result_type(*operands) == result


def test_the_default_dtype():
    assert get_default_dtype() == float32
    set_default_dtype(float64)
    try:
        assert result_type(np.ones(2, "i8"), 1.5) == float64
    finally:
        set_default_dtype(float32)
    with pytest.raises(TypeError, match="floating"):
        set_default_dtype(int64)


def test_dtypes_that_are_left_out():
    assert check_dtype(float, "zeros") == float64  # as in PyTorch: Python's float names a width
    assert check_dtype("int64", "zeros") == int64
    for unsupported in ("complex64", "datetime64[s]", "object"):
        with pytest.raises(TypeError, match="zeros: dtype .* is not supported"):
            check_dtype(unsupported, "zeros")
