"""Distributions beside torch's: densities, entropies, moments, divergences and their gradients."""

import numpy as np
import pytest

import minidl
from minidl import distributions as D
from minidl.distributions import Bernoulli, Categorical, Independent, Normal, Uniform, kl_divergence, register_kl

ROWS = np.random.default_rng(0).uniform(0.1, 1.0, (2, 3))
OTHER = np.random.default_rng(1).uniform(0.1, 1.0, (2, 3))

CASES = {
    "Normal": (lambda d, t: d.Normal(t, t + 1), [0.5, -2.0, 1.0]),
    "Normal of numbers": (lambda d, t: d.Normal(0.0, 2.0), [0.5, -2.0, 1.0]),
    "Normal broadcast": (lambda d, t: d.Normal(t, 2.0), [0.5, -2.0, 1.0]),
    "Uniform": (lambda d, t: d.Uniform(-t - 1, t + 2), [0.5, -1.0, 2.0]),
    "Bernoulli": (lambda d, t: d.Bernoulli(t), [0.0, 1.0, 1.0]),
    "Bernoulli of logits": (lambda d, t: d.Bernoulli(logits=t), [0.0, 1.0, 1.0]),
    "Categorical": (lambda d, t: d.Categorical(t), [0.0, 2.0]),
    "Categorical of logits": (lambda d, t: d.Categorical(logits=t), [0.0, 2.0]),
    "Independent": (lambda d, t: d.Independent(d.Normal(t, t + 1), 1), [0.5, -2.0, 1.0]),
}


def close(ours, theirs):
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=2e-6, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_everything_is_what_torch_says(case):
    torch = pytest.importorskip("torch", reason="compared with PyTorch's distributions, which are not installed")
    make, value = CASES[case]
    x, tx = minidl.tensor(ROWS, requires_grad=True), torch.tensor(ROWS, requires_grad=True)
    y, ty = minidl.tensor(OTHER), torch.tensor(OTHER)
    p, tp = make(D, x), make(torch.distributions, tx)
    assert repr(p).startswith(type(tp).__name__)
    assert (tuple(p.batch_shape), tuple(p.event_shape)) == (tuple(tp.batch_shape), tuple(tp.event_shape))
    assert p.has_rsample == tp.has_rsample
    value = np.array(value)
    close(p.log_prob(minidl.tensor(value)), tp.log_prob(torch.tensor(value)))
    close(p.entropy(), tp.entropy())
    close(p.perplexity(), tp.perplexity())
    for name in ("mean", "variance", "stddev") + (() if case == "Uniform" else ("mode",)):
        close(getattr(p, name), getattr(tp, name))
    divergence = kl_divergence(p, make(D, y))
    theirs = torch.distributions.kl_divergence(tp, make(torch.distributions, ty))
    close(divergence, theirs)
    if tx.requires_grad and case != "Normal of numbers":
        total = divergence.sum() + p.log_prob(minidl.tensor(value)).sum() + p.entropy().sum()
        total.backward()
        (theirs.sum() + tp.log_prob(torch.tensor(value)).sum() + tp.entropy().sum()).backward()
        close(x.grad, tx.grad)
    for shape in ((), (5,), (4, 2)):
        draw = p.sample(shape)
        theirs = tp.sample(shape)
        assert tuple(draw.shape) == tuple(theirs.shape) and not draw.requires_grad
        assert str(theirs.dtype).endswith(str(draw.dtype))


def test_draws_have_the_moments_and_gradients(rng):
    minidl.manual_seed(0)
    for p in (Normal(1.0, 2.0), Uniform(0.0, 3.0), Bernoulli(0.3)):
        draw = p.sample((20000,))
        assert abs(draw.mean() - p.mean) < 0.05 and abs(draw.std() - p.stddev) < 0.05
    counts = minidl.bincount(Categorical(minidl.tensor([1.0, 2.0, 5.0])).sample((20000,))) / 20000
    np.testing.assert_allclose(counts.numpy(), [0.125, 0.25, 0.625], atol=0.02)
    mu, sigma = minidl.zeros(3, requires_grad=True), minidl.ones(3, requires_grad=True)
    z = Normal(mu, sigma).rsample()
    z.sum().backward()
    assert mu.grad.tolist() == [1, 1, 1]
    np.testing.assert_allclose(sigma.grad.numpy(), z.detach().numpy())
    with pytest.raises(NotImplementedError, match="gradients do not pass through its draws"):
        Bernoulli(0.5).rsample()


def test_cdf_and_icdf_undo_each_other():
    p, x = Normal(1.0, 2.0), minidl.linspace(-3, 4, 5)
    np.testing.assert_allclose(p.icdf(p.cdf(x)).numpy(), x.numpy(), rtol=1e-3)
    assert Uniform(0.0, 2.0).cdf(minidl.tensor([-1.0, 0.5, 3.0])).tolist() == [0, 0.25, 1]


def test_edges():
    assert Categorical(minidl.tensor([0.0, 1.0])).entropy().isfinite()
    assert kl_divergence(Categorical(minidl.tensor([0.0, 1.0])), Categorical(minidl.tensor([1.0, 0.0]))) == np.inf
    assert kl_divergence(Bernoulli(0.0), Bernoulli(0.0)) == 0
    assert kl_divergence(Bernoulli(0.5), Bernoulli(0.0)) == np.inf
    assert Categorical(minidl.ones(2, 3)).enumerate_support().tolist() == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize("wrong, message", [
    (lambda: Normal(0.0, -1.0), "Normal: scale must be positive, got"),
    (lambda: Uniform(1.0, 1.0), "low must be less than high"),
    (lambda: Bernoulli(1.5), r"probs must lie in \[0, 1\]"),
    (lambda: Bernoulli(), "give either probs or logits"),
    (lambda: Categorical(minidl.ones(2), minidl.ones(2)), "give either probs or logits"),
    (lambda: Categorical(minidl.tensor(0.5)), "an axis of probabilities is needed"),
    (lambda: Categorical(minidl.tensor([-1.0, 2.0])), "probs cannot be negative"),
    (lambda: Categorical(minidl.ones(3)).log_prob(minidl.tensor(3)), "a value is none of 0 … 2"),
    (lambda: Bernoulli(0.5).log_prob(minidl.tensor(0.5)), "neither 0 nor 1"),
    (lambda: Independent(Normal(0.0, 1.0), 1), "1 axes are asked for"),
    (lambda: D.Distribution.set_default_validate_args(3), "True or False is needed"),
])  # fmt: skip
def test_refusals(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_one_s_own_divergence():
    class Shifted(Normal):
        pass

    assert kl_divergence(Shifted(0.0, 1.0), Normal(0.0, 1.0)) == 0  # the parent's
    with pytest.raises(NotImplementedError, match="not known of"):
        kl_divergence(Normal(0.0, 1.0), Uniform(0.0, 1.0))
    register_kl(Shifted, Uniform)(lambda p, q: minidl.tensor(7.0))
    try:
        assert kl_divergence(Shifted(0.0, 1.0), Uniform(0.0, 1.0)) == 7
    finally:
        del D._DIVERGENCES[Shifted, Uniform]
