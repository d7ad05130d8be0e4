"""MixUp and CutMix: pixels and labels have the same share of both."""

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.data import DataLoader, TensorDataset, default_collate
from minidl.vision.transforms import CutMix, MixUp


@pytest.fixture(autouse=True)
def random_stream_stays():
    before = minidl.get_rng_state()
    yield
    minidl.set_rng_state(before)


def batch(n=6, device="cpu"):
    """Picture k is k all over, and of class k, so the labels' mean is the pixels' mean."""
    y = minidl.arange(n).to(device)
    return (y.float().reshape(n, 1, 1, 1) + minidl.zeros(n, 3, 8, 10).to(device)), y


@pytest.mark.parametrize("kind", [MixUp, CutMix])
@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_labels_have_the_share_that_the_pixels_have(kind, alpha, device):
    minidl.manual_seed(0)
    mix, shares = kind(alpha=alpha, num_classes=6), set()
    for _ in range(20):
        x, y = batch(device=device)
        before = x.clone()
        mixed, p = mix(x, y)
        assert (x == before).all()
        assert mixed.shape == x.shape and p.shape == (6, 6) and mixed.dtype == p.dtype == np.float32
        np.testing.assert_allclose(p.sum(1).numpy(force=True), 1, rtol=1e-6)
        mean = (p * minidl.arange(6).to(device)).sum(1)
        assert minidl.allclose(mixed.mean((1, 2, 3)), mean, atol=1e-5)
        shares.add(round(p[1, 1].item(), 6))
    assert len(shares) > 5 and 0 <= min(shares) and max(shares) <= 1


def test_the_partner_is_the_example_before():
    minidl.manual_seed(1)
    x, y = batch()
    _, p = MixUp(num_classes=6)((x, y))
    assert all(p[k, k] + p[k, k - 1] == 1 for k in range(6))
    _, q = CutMix()(x, minidl.eye(6))  # probabilities are mixed as they are
    assert q.shape == (6, 6)


def test_the_same_seed_gives_the_same_mixture():
    mixtures = []
    for _ in range(2):
        minidl.manual_seed(3)
        mixtures.append(CutMix(num_classes=6)(*batch())[0])
    assert (mixtures[0] == mixtures[1]).all()


def test_in_a_loader_with_a_loss():
    mixup = MixUp(alpha=0.4, num_classes=6)
    loader = DataLoader(TensorDataset(*batch()), 3, collate_fn=lambda examples: mixup(*default_collate(examples)))
    for x, p in loader:
        scores = minidl.randn(3, 6, requires_grad=True)
        nn.CrossEntropyLoss()(scores + 0 * x.sum(), p).backward()
        expected = (scores.detach().softmax(1) - p) / 3
        np.testing.assert_allclose(scores.grad.numpy(), expected.numpy(), atol=1e-6)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: MixUp(alpha=0), "alpha is a number above 0"),
        (lambda: MixUp()(*batch()), "need num_classes="),
        (lambda: MixUp(num_classes=6)(batch()[0].byte(), batch()[1]), "must be floats"),
        (lambda: MixUp(num_classes=6)(batch()[0], minidl.arange(5)), r"int64 \(5,\)"),
        (lambda: CutMix(num_classes=2)(minidl.zeros(2, 3), minidl.arange(2)), r"pictures \(N, …, H, W\)"),
    ],
)
def test_what_cannot_be_is_said(call, said):
    with pytest.raises((ValueError, TypeError), match=said):
        call()
