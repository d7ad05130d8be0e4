"""Functions and methods beside PyTorch's: options and results that the samples of its operators leave out."""

import math

import numpy as np
import pytest

import minidl

from .test_linalg import both
from .test_parity import assert_same, draw, torch

X = draw(3, 4)
AWKWARD = np.array([[3.0, math.nan, 1.0, 1.0], [math.nan] * 4, [math.inf, 2.0, 2.0, -math.inf]])
INDEX = np.array([[0, 1, 0], [2, 0, 2], [1, 1, 1]])


@pytest.mark.parametrize("x", [X, AWKWARD, np.array(0.7), X.astype("float32")], ids=["float64", "nan", "0d", "float32"])
def test_ranks(x):
    with np.errstate(invalid="ignore"):
        for name in ("mode", "nanmedian", "median"):  # which of equal values is taken, PyTorch leaves open
            rank = lambda M, a, name=name: getattr(M, name)(a.detach() if x is AWKWARD else a, -1, True)
            both(lambda M, a, rank=rank: rank(M, a)[: 2 - (x is AWKWARD)], x)
        both(lambda M, a: M.nanmedian(a), x)
        for how in ("linear", "lower", "higher", "midpoint", "nearest"):
            if not np.isinf(x).any():
                both(lambda M, a, how=how: M.quantile(a, 0.3, dim=0, interpolation=how), x, tolerance=1e-6)
            q = lambda M, a: M.tensor([0.2, 0.9], dtype=a.dtype)
            both(lambda M, a, how=how, q=q: M.nanquantile(a, q(M, a), -1, True, interpolation=how), X)


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce(reduce, include_self):
    src = np.round(draw(3, 3, seed=2), 1)
    src[0, 0] = src[1, 0] = 0.0  # a product with zeros
    both(lambda M, a, i, s: a.scatter_reduce(0, i, s, reduce, include_self=include_self), X, INDEX, src)
    both(lambda M, a, s: M.index_reduce(a, 1, M.tensor([0, 0, 3]), s, reduce, include_self=include_self)
         if reduce != "sum" else a, X, src)  # fmt: skip
    both(lambda M, i, s: M.zeros(3, 4, dtype=M.int64).scatter_reduce(1, i, s, reduce, include_self=include_self),
         INDEX, INDEX + 1)  # fmt: skip


def test_equal_extremes_share_their_gradient():
    both(lambda M, a, s: a.scatter_reduce(0, M.tensor([0, 0, 1]), s, "amax"), np.array([1.0, 5]), np.array([1.0, 1, 2]))


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hann", "kaiser"])
def test_windows(name):
    for n in (0, 1, 2, 5):
        for periodic in (True, False):
            both(lambda M, n=n, periodic=periodic: getattr(M, f"{name}_window")(n, periodic, dtype=M.float64))


def test_parts_of_a_copy_and_other_strides():
    both(lambda M, a, s: M.select_scatter(a, s, 1, -1), X, draw(3))
    both(lambda M, a, s: a.slice_scatter(s, 1, 1, None, 2), X, draw(3, 2))
    both(lambda M, a, s: a.diagonal_scatter(s, 1), X, draw(3))
    both(lambda M, a: M.as_strided(a, (3, 2), (1, 2), 1), X)
    both(lambda M, a, s: M.put(a, M.tensor([1, -2]), s, True), X, draw(2))
    part = minidl.arange(6.0).as_strided((4,), (1,), 1)  # a view of a view begins where asked, not at the view
    assert part.storage_offset() == 1 and part.as_strided((2,), (1,), 0).tolist() == [0.0, 1.0]
    windows = (x := minidl.arange(6.0)).as_strided((5, 2), (1, 1))
    windows[0] = 9
    assert x.tolist() == [9, 9, 2, 3, 4, 5]  # a view
    assert x[2:].storage_offset() == 2 and x[2:].data_ptr() == x.data_ptr() + 8
    with pytest.raises(RuntimeError, match="element 6 of 6"):
        x.as_strided((7,), (1,))


def test_shapes_in_place():
    x = minidl.arange(6.0)
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.swapaxes_(0, 1).tolist() == [[0, 2], [1, 3]]
    assert x.apply_(lambda v: v + 1).tolist() == [[1, 3], [2, 4]]


def test_slopes_and_areas():
    places = np.array([0.0, 1.0, 1.5, 4.0])
    for order in (1, 2):
        both(lambda M, a, order=order: M.gradient(a, edge_order=order), X)
        both(lambda M, a, p, order=order: M.gradient(a, spacing=(p,), dim=1, edge_order=order), X, places)
    both(lambda M, a, p: [M.trapezoid(a, p), M.cumulative_trapezoid(a, p), M.cumulative_trapezoid(a, dx=2, dim=0)],
         X, places)  # fmt: skip
    both(lambda M, a: [M.cov(a, fweights=M.tensor([1, 2, 1, 3])), M.corrcoef(a)], X)
    both(lambda M, a: M.renorm(a, 2, 0, 1.0), X)


def test_counts():
    both(lambda M, a: M.histogram(a.detach(), 4, range=(-1.0, 1.0)), X)
    both(lambda M, a: M.histogram(a.detach(), M.tensor([-1.0, 0.0, 2.0], dtype=a.dtype), density=True), X)
    with pytest.raises(RuntimeError, match="finite"):
        minidl.histc(minidl.tensor([1.0, math.inf]))


def test_bits_of_numbers():
    both(lambda M, a: M.frexp(a.detach()), np.array([0.0, -3.5, 1e-310, 1e300, math.inf]))
    both(lambda M, a: [M.ldexp(a, M.tensor([3, 1, 0])), M.nextafter(a.detach(), a.detach() + 1)], draw(3))
    both(lambda M, a: [M.gcd(a, a + 3), M.lcm(a, M.tensor(6))], np.array([4, 0, -9]))
    both(lambda M, a: [a.square(), a.sub(2, alpha=-3), a + -3], np.array([1, 255], dtype="uint8"))
    both(lambda M, a: M.tensor([2, -1, 1, 0]) ** a, np.array([-1, -3, -2, 0]))


def test_named_results():
    x = minidl.tensor(X)
    assert x.aminmax()._fields == ("min", "max")
    assert minidl.slogdet(x[:, :3])._fields == ("sign", "logabsdet")
    assert minidl.linalg.svd(x)._fields == ("U", "S", "Vh") and x.svd()._fields == ("U", "S", "V")
    assert x.mode()._fields == ("values", "indices") and x.frexp()._fields == ("mantissa", "exponent")


@pytest.mark.parametrize("call", [
    lambda M: M.sort(M.ones(3), out={}), lambda M: M.topk(M.ones(3), 1, out=M.ones(1)),
    lambda M: M.maximum(M.ones(2), 1), lambda M: M.ones(2).atan2(1.0), lambda M: M.kthvalue(M.ones(3), 1, out=[1]),
])  # fmt: skip
def test_what_is_no_tensor_is_refused_in_words(call):
    with pytest.raises(TypeError):
        call(minidl)


def test_random_numbers_of_other_kinds():
    minidl.manual_seed(0)
    rates = minidl.full((4000,), 3.0)
    assert minidl.poisson(rates).mean().item() == pytest.approx(3, abs=0.2)
    tries = minidl.binomial(rates + 5, rates / 12)
    assert tries.mean().item() == pytest.approx(2, abs=0.2)
    assert minidl.empty(4001).cauchy_(1.0, 0.5).median().item() == pytest.approx(1, abs=0.1)
    U, S, V = minidl.pca_lowrank(minidl.tensor(draw(20, 5)), q=5)
    assert_same(S, torch.linalg.svdvals(torch.tensor(draw(20, 5) - draw(20, 5).mean(0))), 1e-6)
