"""How good generated pictures are, by what a classifier sees in them: no eyes, and no likelihood, are needed.

Fréchet distance: how far the classifier's features of the generated pictures are from those of real ones, both taken as
Gaussians (Heusel et al. 2017, who take the features of Inception-v3). Inception score: are the pictures each of one
class, and together of all classes? (Salimans et al. 2016). Here the classifier is whichever one is given."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import describe


@dataclass(frozen=True)
class Gaussian:
    """mean (C,) and covariance (C, C), in float64."""

    mean: Any
    covariance: Any


def gaussian_of(features: Any) -> Gaussian:
    """The mean and the covariance (by N − 1) of features (N, C)."""
    x = np.asarray(features, np.float64)
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"gaussian_of: features (N, C) of two examples or more are needed, got {describe(x)}")
    if not np.isfinite(x).all():
        raise ValueError(f"gaussian_of: of the features {describe(x)} {(~np.isfinite(x)).sum()} are not finite")
    d = x - x.mean(0)
    return Gaussian(x.mean(0), d.T @ d / (len(x) - 1))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """The squared Fréchet (or Wasserstein-2) distance of two Gaussians (Dowson & Landau 1982)

        d² = ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½)

    Σ_a Σ_b is similar to the symmetric M Mᵀ with M = Σ_a^½ Σ_b^½, so the trace of its root is the sum of M's singular
    values: where features are constant, the roots of M Mᵀ's own eigenvalues would be roots of rounding errors.
    It is 0 for equal Gaussians; of few examples it is too large, as their covariances are noisy."""
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"frechet_distance: the same features are needed of both, got {a.mean.size} and {b.mean.size}")
    shared = np.linalg.svd(square_root(a.covariance) @ square_root(b.covariance), compute_uv=False).sum()
    distance = ((a.mean - b.mean) ** 2).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * shared
    return max(float(distance), 0.0)  # below 0 only by rounding


def square_root(s: Any) -> Any:
    """S^½ = Q Λ^½ Qᵀ of a symmetric S = Q Λ Qᵀ whose eigenvalues, but for rounding, are 0 or more."""
    values, vectors = np.linalg.eigh(s)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T


def inception_score(probabilities: Any) -> float:
    """exp E KL(p(y|x) ‖ p(y)) of probabilities (N, C): 1 where all pictures look alike, C where they are each surely of
    one class and together of all classes equally."""
    p = checked("inception_score", probabilities)
    return float(np.exp(entropy(p.mean(0)) - entropy(p).mean()))


def class_entropy(probabilities: Any) -> float:
    """The entropy −Σ q log₂ q, in bits, of the share q of examples whose most probable class is each of the C: log₂ C
    where all classes are as frequent, 0 where there is only one left (mode collapse)."""
    p = checked("class_entropy", probabilities)
    share = np.bincount(p.argmax(1), minlength=p.shape[1]) / len(p)
    return float(entropy(share) / np.log(2))


def entropy(p: Any) -> Any:
    """−Σ p ln p over the last axis; 0 ln 0 = 0."""
    return 0.0 - (p * np.log(np.where(p > 0, p, 1))).sum(-1)


def checked(who: str, probabilities: Any) -> Any:
    p = np.asarray(probabilities, np.float64)
    if p.ndim != 2 or not p.size or (p < 0).any() or not np.allclose(p.sum(1), 1, atol=1e-4):
        raise ValueError(f"{who}: probabilities (N, C) whose rows add up to 1 are needed, got {describe(p)}")
    return p / p.sum(1, keepdims=True)
