"""Random numbers: seeds repeat, ranges and moments are right, errors say what is wrong."""

import numpy as np
import pytest

import minidl


def test_seeds_repeat():
    minidl.manual_seed(3)
    a = minidl.rand(5), minidl.randn(2, 2), minidl.randint(9, (4,)), minidl.randperm(6)
    minidl.manual_seed(3)
    b = minidl.rand(5), minidl.randn(2, 2), minidl.randint(9, (4,)), minidl.randperm(6)
    for x, y in zip(a, b, strict=True):
        assert minidl.equal(x, y)
    assert minidl.initial_seed() == 3


def test_state():
    state = minidl.get_rng_state()
    assert state.dtype == minidl.uint8
    a = minidl.randn(3)
    minidl.set_rng_state(state)
    assert minidl.equal(a, minidl.randn(3))


def test_generators_are_streams_of_their_own():
    g = minidl.Generator().manual_seed(1)
    state = g.get_state()
    a = minidl.rand(3, generator=g)
    minidl.manual_seed(1)
    minidl.rand(100)
    g.set_state(state)
    assert minidl.equal(a, minidl.rand(3, generator=g))
    assert isinstance(state, minidl.Tensor)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_ranges_and_moments(dtype):
    minidl.manual_seed(0)
    u, n = minidl.rand(20000, dtype=dtype).double(), minidl.randn(20000, dtype=dtype).double()
    assert 0 <= u.min().item() and u.max().item() < 1
    assert abs(u.mean().item() - 0.5) < 0.01
    assert abs(n.mean().item()) < 0.03 and abs(n.std().item() - 1) < 0.02
    assert minidl.rand(2, dtype=dtype).dtype == dtype


def test_shapes_and_dtypes():
    assert minidl.rand().shape == ()
    assert minidl.rand(2, 3).shape == minidl.rand((2, 3)).shape == (2, 3)
    assert minidl.randint(3, (2,)).dtype == minidl.int64
    assert minidl.randint(2, 5, (2,), dtype=minidl.float32).dtype == minidl.float32
    assert sorted(minidl.randperm(5).tolist()) == [0, 1, 2, 3, 4]
    x = minidl.zeros(2, 3, dtype=minidl.float64)
    assert minidl.rand_like(x).dtype == minidl.randn_like(x).dtype == x.dtype
    assert minidl.randint_like(x, 5).dtype == x.dtype
    assert minidl.randn(2, requires_grad=True).requires_grad


def test_filling_in_place():
    minidl.manual_seed(0)
    x = minidl.empty(10000)
    assert x.uniform_(2, 3) is x
    assert 2 <= x.min().item() and x.max().item() < 3
    assert abs(x.normal_(5, 2).mean().item() - 5) < 0.1
    assert abs(x.exponential_(2).mean().item() - 0.5) < 0.03
    assert set(x.bernoulli_(0.3).unique().tolist()) == {0, 1}
    assert abs(x.mean().item() - 0.3) < 0.03
    assert set(minidl.empty(1000, dtype=minidl.int64).random_(2, 4).tolist()) == {2, 3}
    assert x.geometric_(0.5).min().item() == 1
    assert minidl.empty(3).random_().shape == (3,)
    leaf = minidl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf.uniform_()
    with minidl.no_grad():
        leaf.normal_()


def test_bernoulli_and_multinomial():
    minidl.manual_seed(0)
    p = minidl.tensor([0.0, 1.0, 0.25])
    draws = minidl.stack([minidl.bernoulli(p) for _ in range(2000)])
    np.testing.assert_allclose(draws.mean(0).numpy(), [0, 1, 0.25], atol=0.03)
    w = minidl.tensor([[1.0, 0.0, 3.0], [1.0, 1.0, 0.0]])
    picks = minidl.multinomial(w, 4000, replacement=True)
    assert picks.dtype == minidl.int64 and picks.shape == (2, 4000)
    np.testing.assert_allclose(np.bincount(picks[0].numpy(), minlength=3) / 4000, [0.25, 0, 0.75], atol=0.03)
    assert all(sorted(minidl.multinomial(w, 2)[0].tolist()) == [0, 2] for _ in range(20))
    first = np.array([minidl.multinomial(minidl.tensor([1.0, 3.0]), 2)[0].item() for _ in range(2000)])
    assert abs(first.mean() - 0.75) < 0.04


def test_normal():
    minidl.manual_seed(0)
    assert minidl.normal(0.0, 1.0, (2, 3)).shape == (2, 3)
    mean = minidl.tensor([0.0, 100.0])
    assert minidl.normal(mean, 0.1).shape == (2,)
    assert minidl.normal(mean, minidl.tensor([0.0, 0.0])).tolist() == [0, 100]
    assert minidl.normal(5.0, minidl.tensor([[0.0], [0.0]])).shape == (2, 1)


@pytest.mark.parametrize(
    "run, error, text",
    [
        (lambda: minidl.rand(2, dtype=minidl.int64), NotImplementedError, "floats are drawn"),
        (lambda: minidl.randint(3, 3, (2,)), RuntimeError, "low must be less than high"),
        (lambda: minidl.randint(3), TypeError, "a size is needed"),
        (lambda: minidl.bernoulli(minidl.tensor([2.0])), RuntimeError, r"chances lie in \[0, 1\]"),
        (lambda: minidl.multinomial(minidl.ones(2), 3), RuntimeError, "without replacement"),
        (lambda: minidl.multinomial(minidl.tensor([-1.0, 1.0]), 1), RuntimeError, "not negative"),
        (lambda: minidl.multinomial(minidl.zeros(2), 1), RuntimeError, "add up to 0"),
        (lambda: minidl.normal(0.0, -1.0, (2,)), RuntimeError, "cannot be negative"),
        (lambda: minidl.empty(3).uniform_(2, 1), RuntimeError, "from = 2 is greater than to = 1"),
        (lambda: minidl.empty(3, dtype=minidl.int64).normal_(), NotImplementedError, "only floats"),
        (lambda: minidl.set_rng_state(minidl.zeros(3)), ValueError, "the state is"),
        (lambda: minidl.manual_seed("a"), TypeError, "an integer is needed"),
    ],
)
def test_errors(run, error, text):
    with pytest.raises(error, match=text):
        run()
