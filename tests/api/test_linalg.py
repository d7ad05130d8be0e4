"""Factors, solving and special functions beside PyTorch's: what the samples of its operators leave out."""

import math
import warnings

import numpy as np
import pytest

import minidl

from .test_parity import assert_same, check, draw, torch

A, TALL, WIDE, STACK = draw(3, 3), draw(4, 3), draw(3, 4), draw(2, 3, 3)
SHAPES = pytest.mark.parametrize("x", [A, TALL, WIDE, STACK], ids=lambda x: "x".join(map(str, x.shape)))
SQUARE = pytest.mark.parametrize("x", [A, STACK, draw(1, 1), draw(0, 0)], ids=lambda x: "x".join(map(str, x.shape)))


def both(function, *arrays, tolerance=1e-7):
    """function(module, *tensors) on both sides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of PyTorch, about what is old or new
        check(lambda *xs: function(minidl, *xs), lambda *xs: function(torch, *xs), *arrays, tolerance=tolerance)


@SHAPES
def test_factors(x):
    both(lambda M, a: M.linalg.svdvals(a), x)
    both(lambda M, a: [t.abs() for t in M.linalg.svd(a, full_matrices=False)], x)
    both(lambda M, a: [t.abs().detach() for t in M.linalg.svd(a)], x)
    both(lambda M, a: [t.abs() for t in M.svd(a)], x)
    both(lambda M, a: M.linalg.qr(a), x)
    both(lambda M, a: M.linalg.lu(a), x)
    both(lambda M, a: M.linalg.lu_factor(a), x)
    both(lambda M, a: M.lu_unpack(*M.linalg.lu_factor(a)), x)
    both(lambda M, a: M.linalg.pinv(a), x)
    both(lambda M, a: [M.linalg.matrix_rank(a), M.linalg.matrix_rank(a, tol=1.0)], x)
    for mode in ("complete", "r"):
        both(lambda M, a, mode=mode: M.linalg.qr(a.detach(), mode), x)
    for order in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        both(lambda M, a, order=order: M.linalg.matrix_norm(a, order, keepdim=True), x)


@SQUARE
def test_square_matrices(x):
    for name in ("inv", "det", "matrix_exp"):
        both(lambda M, a, name=name: getattr(M.linalg, name)(a), x)
    both(lambda M, a: M.linalg.slogdet(a), x)
    both(lambda M, a: M.linalg.eigvalsh(a @ a.mT), x)
    both(lambda M, a: [M.linalg.eigh(a @ a.mT)[0], M.linalg.eigh(a @ a.mT)[1] ** 2], x)
    both(lambda M, a: [M.linalg.eigvalsh(a.detach()), M.linalg.eigvalsh(a.detach(), UPLO="U")], x)
    both(lambda M, a: M.linalg.inv_ex(a), x)
    if x.size:
        both(lambda M, a: M.linalg.cholesky(a @ a.mT), x)
        both(lambda M, a: M.cholesky_solve(a, M.linalg.cholesky(a @ a.mT)), x)


@pytest.mark.parametrize("upper", [True, False])
def test_triangular_systems(upper):
    b = draw(3, 2, seed=1)
    for unit in (True, False):
        both(lambda M, a, b, unit=unit: M.linalg.solve_triangular(a, b, upper=upper, unitriangular=unit), A, b)
        both(lambda M, a, b, unit=unit: M.triangular_solve(b, a, upper, True, unit), A, b)
    both(lambda M, a, b: M.linalg.lu_solve(*M.linalg.lu_factor(a), b, adjoint=upper), A, b)


@pytest.mark.parametrize("driver", ["gels", "gelsy", "gelsd", "gelss"])
def test_least_squares(driver):
    both(lambda M, a, b: M.linalg.lstsq(a, b, driver=driver), TALL, draw(4, 2, seed=1))
    both(lambda M, a, b: M.linalg.lstsq(a, b, driver=driver).solution, WIDE, draw(3, seed=1))


def test_products_of_several():
    both(lambda M, *xs: M.linalg.multi_dot(xs), draw(2, 3), draw(3, 4), draw(4, 1), draw(1, 5))
    both(lambda M, a, b: M.linalg.vecdot(a, b, dim=0), TALL, draw(4, 1))
    both(lambda M, a: M.linalg.tensorinv(a), draw(4, 6, 8, 3))
    both(lambda M, a, b: M.linalg.tensorsolve(a, b, dims=(0, 2)), draw(6, 4, 4, 3, 2), draw(4, 3, 2))


def test_equal_singular_values_leave_their_own_gradient_finite():
    both(lambda M, a: M.linalg.svdvals(a), np.eye(3))
    both(lambda M, a: M.linalg.eigvalsh(a), np.eye(3))


def test_what_has_no_real_answer_is_refused():
    with pytest.raises(NotImplementedError, match="complex eigenvalues"):
        minidl.linalg.eigvals(minidl.tensor([[0.0, -1.0], [1.0, 0.0]]))
    with pytest.raises(minidl.linalg.LinAlgError, match="singular"):
        minidl.linalg.inv(minidl.zeros(2, 2))
    with pytest.raises(RuntimeError, match="complete"):
        minidl.linalg.qr(minidl.ones(3, 2, requires_grad=True), "complete")
    assert_same(minidl.linalg.eigvals(minidl.tensor([[2.0, 1.0], [0.0, 3.0]])), torch.tensor([2.0, 3.0]))


def test_a_triangle_stands_for_a_symmetric_matrix():
    a = minidl.tensor(A + A.T + 6 * np.eye(3), requires_grad=True)
    minidl.linalg.cholesky(a).sum().backward()
    assert_same(a.grad, torch.tensor(a.grad.numpy().T))  # even, where the matrix is symmetric
    garbage = a.detach().tril() + minidl.tensor(A).triu(1)
    assert_same(minidl.linalg.cholesky(garbage), torch.linalg.cholesky(torch.tensor(a.detach().numpy())))


@pytest.mark.parametrize("name", ["lgamma", "digamma", "erfinv", "i0"])
def test_special_functions(name):
    x = np.array([-0.9, -0.5, 1e-9, 0.3, 0.99])
    both(lambda M, a: getattr(a, name)(), x)
    both(lambda M, a: getattr(M, name)(a), x.astype("float32"), tolerance=2e-5)


def test_names_in_special():
    assert set(minidl.special.__all__) <= set(dir(torch.special))
    x = draw(3, 4, low=0.1, high=0.9)
    for name in ("expit", "gammaln", "psi", "ndtr", "ndtri", "log_ndtr", "erfcx", "entr", "i0e", "i1", "i1e"):
        both(lambda M, a, name=name: getattr(M.special, name)(a), x)
    both(lambda M, a: [M.special.polygamma(2, a), M.special.multigammaln(a + 1, 2), M.special.xlog1py(a, 2.0)], x)
    both(lambda M, a: [M.special.zeta(a.detach() + 1, 2.0), M.special.hermite_polynomial_h(a.detach(), 3)], x)
    both(lambda M, a: [M.igamma(a.detach(), a.detach() * 2), M.igammac(a.detach() + 300, a.detach() + 310)], x)


def test_ldl_factors_of_matrices_that_are_not_definite(rng):
    for n in range(1, 9):
        x = rng.normal(size=(3, n, n))
        x = x + np.swapaxes(x, -1, -2)
        x[0, range(n), range(n)] = 0  # so that pivots are blocks of two
        b = rng.normal(size=(3, n, 2))
        theirs = torch.linalg.ldl_factor_ex(torch.from_numpy(x))
        found = minidl.linalg.ldl_factor_ex(minidl.from_numpy(x))
        for ours, other in zip(found, theirs):
            np.testing.assert_allclose(ours.array, other.numpy(), rtol=1e-7, atol=1e-9)
        solved = minidl.linalg.ldl_solve(found.LD[1:], found.pivots[1:], minidl.from_numpy(b[1:]))
        np.testing.assert_allclose(x[1:] @ solved.array, b[1:], atol=1e-8)
    with pytest.raises(RuntimeError, match="is 0, so A is singular"):
        minidl.linalg.ldl_factor(minidl.zeros(2, 2))
