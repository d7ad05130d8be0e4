"""The distance of Gaussians against closed forms and other ways to compute it; what the scores say of known cases."""

import math

import numpy as np
import pytest

from minidl.training.frechet import Gaussian, class_entropy, frechet_distance, gaussian_of, inception_score, square_root


def covariance(rng, n):
    a = rng.normal(size=(n, n))
    return a @ a.T + 0.1 * np.eye(n)


def test_covariances_that_commute_have_a_closed_form(rng):
    """Σ_a = Q A Qᵀ and Σ_b = Q B Qᵀ: d² = ‖μ_a − μ_b‖² + Σ (√α − √β)²."""
    q, _ = np.linalg.qr(rng.normal(size=(7, 7)))
    alpha, beta, shift = rng.random(7) * 9, rng.random(7), rng.normal(size=7)
    a, b = Gaussian(shift, q * alpha @ q.T), Gaussian(np.zeros(7), q * beta @ q.T)
    expected = (shift**2).sum() + ((np.sqrt(alpha) - np.sqrt(beta)) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_it_is_what_other_square_roots_give(rng):
    """tr (Σ_a Σ_b)^½ by the eigenvalues of the product itself, which is not symmetric; in PyTorch too."""
    a, b = (Gaussian(rng.normal(size=20), covariance(rng, 20)) for _ in range(2))
    roots = np.sqrt(np.linalg.eigvals(a.covariance @ b.covariance).astype(complex)).real.sum()
    rest = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance + b.covariance)
    assert frechet_distance(a, b) == pytest.approx(rest - 2 * roots, rel=1e-10)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-10)
    torch = pytest.importorskip("torch", reason="PyTorch is what it is compared with")
    values = torch.linalg.eigvals(torch.tensor(a.covariance) @ torch.tensor(b.covariance))
    assert frechet_distance(a, b) == pytest.approx(rest - 2 * values.sqrt().real.sum().item(), rel=1e-10)


def test_the_root_squared_is_the_matrix(rng):
    s = covariance(rng, 12)
    root = square_root(s)
    np.testing.assert_allclose(root @ root, s, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(root, root.T, rtol=1e-9, atol=1e-12)


def test_equal_gaussians_and_constant_features_have_distance_0(rng):
    """A unit that never fires has variance 0, so the covariance is singular; rounding makes eigenvalues negative."""
    x = rng.normal(size=(500, 30)) @ rng.normal(size=(30, 40)) * 100
    x[:, :5] = 3
    assert frechet_distance(gaussian_of(x), gaussian_of(x)) == pytest.approx(0, abs=1e-6)
    moved = frechet_distance(gaussian_of(x), gaussian_of(x + 2))
    assert moved == pytest.approx(4 * 40, rel=1e-6)


def test_samples_come_near_the_gaussians_they_are_of(rng):
    a, b = Gaussian(np.zeros(3), covariance(rng, 3)), Gaussian(np.ones(3), covariance(rng, 3))
    x, y = (rng.multivariate_normal(g.mean, g.covariance, 100_000) for g in (a, b))
    assert frechet_distance(gaussian_of(x), gaussian_of(y)) == pytest.approx(frechet_distance(a, b), rel=0.03)


def test_the_gaussian_is_that_of_numpy(rng):
    x = rng.normal(size=(50, 4))
    np.testing.assert_allclose(gaussian_of(x).covariance, np.cov(x, rowvar=False), rtol=1e-12)
    np.testing.assert_allclose(gaussian_of(x).mean, x.mean(0), rtol=1e-12)


def test_the_scores_of_known_cases(rng):
    sure = np.eye(10)[np.arange(1000) % 10]
    assert inception_score(sure) == pytest.approx(10)
    assert class_entropy(sure) == pytest.approx(math.log2(10))
    unsure, one = np.full((20, 10), 0.1), np.eye(10)[np.zeros(20, int)]
    assert inception_score(unsure) == pytest.approx(1)
    assert inception_score(one) == pytest.approx(1)
    assert class_entropy(one) == 0
    p = rng.dirichlet(np.ones(4), 30)
    kl = (p * np.log(p / p.mean(0))).sum(1)
    assert inception_score(p) == pytest.approx(np.exp(kl.mean()))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: gaussian_of(np.zeros((1, 4))), r"two examples or more are needed, got float64 \(1, 4\)"),
        (lambda: gaussian_of(np.full((3, 4), np.nan)), "12 are not finite"),
        (lambda: frechet_distance(gaussian_of(np.eye(3)), gaussian_of(np.eye(4))), "got 3 and 4"),
        (lambda: inception_score(np.ones((3, 4))), "rows add up to 1"),
        (lambda: class_entropy(np.zeros((0, 4))), "rows add up to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
