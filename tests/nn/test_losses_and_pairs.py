"""Layers of several inputs, and losses, beside PyTorch's."""

import numpy as np
import pytest

import minidl
from minidl import nn

from .twins import compare, second_order, twins

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")

A, B, C = (np.random.default_rng(k).normal(size=(4, 3)) for k in range(3))
ONE = A[0]
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])
CLASSES = np.array([0, 2, 1, 2])
COUNTS = np.array([[0.0, 3.0, 2.0], [1.0, 0.0, 4.0], [5.0, 2.0, 0.0], [1.0, 1.0, 1.0]])
TRUTHS = (COUNTS > 1).astype(float)
LABELS = np.array([[0, 2, -1], [1, -1, 0], [-1, 0, 0], [2, 1, 0]])
for targets in (SIGNS, COUNTS, TRUTHS):
    targets.flags.writeable = False  # what no gradient is asked for


def weights(nn):
    lib = minidl if nn.__name__.startswith("minidl") else torch
    return lib.tensor([0.5, 1.0, 2.0], dtype=lib.float64)


# (how to make it, the inputs)
PAIRS = [
    (lambda nn: nn.Bilinear(3, 3, 2), (A, B)),
    (lambda nn: nn.Bilinear(3, 2, 4, bias=False), (A, B[:, :2])),
    (lambda nn: nn.CosineSimilarity(), (A, B)),
    (lambda nn: nn.CosineSimilarity(0, 1e-3), (A, B)),
    (lambda nn: nn.PairwiseDistance(), (A, B)),
    (lambda nn: nn.PairwiseDistance(1.0, keepdim=True), (A, B)),
    (lambda nn: nn.EmbeddingBag(5, 3), (LABELS % 5,)),
    (lambda nn: nn.EmbeddingBag(5, 3, mode="sum"), (CLASSES, np.array([0, 1, 1]))),
    (lambda nn: nn.EmbeddingBag(5, 3, mode="max", padding_idx=2), (CLASSES, np.array([0, 2]))),
    (lambda nn: nn.EmbeddingBag(5, 3, mode="sum", include_last_offset=True), (CLASSES, np.array([0, 2, 4]), ONE @ B.T)),
    (lambda nn: nn.AdaptiveLogSoftmaxWithLoss(8, 6, [1, 3], 2.0), (np.tile(A, (1, 3))[:, :8], np.array([0, 5, 2, 1]))),
    (lambda nn: nn.AdaptiveLogSoftmaxWithLoss(8, 6, [2], head_bias=True), (np.tile(ONE, 3)[:8], np.array(4))),
    (lambda nn: nn.MarginRankingLoss(0.3), (A[:, 0], B[:, 0], SIGNS)),
    (lambda nn: nn.HingeEmbeddingLoss(0.7), (A[:, 0], SIGNS)),
    (lambda nn: nn.CosineEmbeddingLoss(0.2), (A, B, SIGNS)),
    (lambda nn: nn.SoftMarginLoss(), (A[:, 0], SIGNS)),
    (lambda nn: nn.MultiLabelMarginLoss(), (A, LABELS)),
    (lambda nn: nn.MultiLabelSoftMarginLoss(weights(nn)), (A, TRUTHS)),
    (lambda nn: nn.MultiMarginLoss(2, 0.5, weights(nn)), (A, CLASSES)),
    (lambda nn: nn.TripletMarginLoss(0.5, 1.0, swap=True), (A, B, C)),
    (lambda nn: nn.TripletMarginWithDistanceLoss(margin=0.5, distance_function=nn.PairwiseDistance(1.0)), (A, B, C)),
    (lambda nn: nn.TripletMarginWithDistanceLoss(swap=True), (A, B, C)),
    (lambda nn: nn.PoissonNLLLoss(full=True), (A, COUNTS)),
    (lambda nn: nn.PoissonNLLLoss(False, eps=0.1), (np.exp(A), COUNTS)),
    (lambda nn: nn.GaussianNLLLoss(full=True, eps=0.3), (A, B, np.exp(C))),
    (lambda nn: nn.LinearCrossEntropyLoss(3, 3, bias=True, weight=weights(nn)), (A, CLASSES)),
]  # fmt: skip
every_pair = pytest.mark.parametrize("make, inputs", PAIRS, ids=lambda v: repr(v(torch.nn)) if callable(v) else "")


@every_pair
def test_they_are_pytorchs(make, inputs, rng):
    ours, theirs = twins(make, torch)
    assert repr(ours) == repr(theirs) or "LinearCross" in repr(ours)
    compare(ours, theirs, torch, rng, *inputs)


LOSSES = [pair for pair in PAIRS if "Loss(" in repr(pair[0](torch.nn)) and "Linear" not in repr(pair[0](torch.nn))]


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("make, inputs", LOSSES, ids=lambda v: repr(v(torch.nn)) if callable(v) else "")
def test_reductions_and_second_order_are_pytorchs(make, inputs, reduction, rng):
    def reduced(nn):
        loss = make(nn)
        loss.reduction = reduction
        return loss

    ours, theirs = twins(reduced, torch)
    compare(ours, theirs, torch, rng, *inputs)
    if reduction == "mean" and not isinstance(theirs, (torch.nn.MultiMarginLoss, torch.nn.MultiLabelMarginLoss)):
        second_order(ours, theirs, torch, rng, *inputs)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_ctc_is_pytorchs(reduction, rng):
    targets, lengths = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]]), (np.array([6, 5, 2]), np.array([3, 1, 2]))

    def through_softmax(nn):
        loss = nn.CTCLoss(blank=2, reduction=reduction, zero_infinity=True)
        return lambda x, *rest: loss(nn.functional.log_softmax(x, -1), *rest)

    pair = through_softmax(nn), through_softmax(torch.nn)
    compare(*pair, torch, rng, rng.normal(size=(6, 3, 3)), targets, *lengths)


def test_adaptive_softmax_gives_probabilities(rng):
    ours, theirs = twins(lambda nn: nn.AdaptiveLogSoftmaxWithLoss(8, 6, [1, 3], 2.0), torch)
    x = rng.normal(size=(7, 8))
    mine = ours.log_prob(minidl.tensor(x))
    np.testing.assert_allclose(mine.detach().numpy(), theirs.log_prob(torch.tensor(x)).detach().numpy(), rtol=1e-9)
    assert ours.predict(minidl.tensor(x)).tolist() == theirs.predict(torch.tensor(x)).tolist()
    np.testing.assert_allclose(mine.exp().sum(1).tolist(), [1] * 7, rtol=1e-12)


def test_maxima_go_back_where_they_were_found(rng):
    for axes, size in ((1, (2, 3, 8)), (2, (2, 3, 4, 6)), (3, (1, 2, 4, 4, 6))):
        x = rng.normal(size=size)
        found = []
        for lib, module in ((minidl, nn), (torch, torch.nn)):
            t = lib.tensor(x)
            t.requires_grad = True
            y, where = getattr(module, f"MaxPool{axes}d")(2, return_indices=True)(t)
            back = getattr(module, f"MaxUnpool{axes}d")(2)(y, where, output_size=list(size))
            (back * back).sum().backward()
            found.append((back.detach().numpy(), t.grad.numpy()))
        for a, b in zip(*found):
            np.testing.assert_allclose(a, b)


def test_the_size_of_a_transposed_convolution_can_be_chosen(rng):
    ours, theirs = twins(lambda nn: nn.ConvTranspose2d(2, 3, 3, 2), torch)
    x = rng.normal(size=(1, 2, 3, 4))
    for size in ((7, 9), (8, 10), (1, 3, 8, 9)):
        y = ours(minidl.tensor(x), output_size=size)
        s = theirs(torch.tensor(x), output_size=size)
        np.testing.assert_allclose(y.detach().numpy(), s.detach().numpy(), rtol=1e-10)
    with pytest.raises(ValueError, match=r"valid sizes range from \(7, 9\) to \(8, 10\)"):
        ours(minidl.tensor(x), output_size=(9, 9))


def test_dropout_of_channels():
    minidl.manual_seed(0)
    for layer, axes in ((nn.Dropout1d, 1), (nn.Dropout2d, 2), (nn.Dropout3d, 3), (nn.FeatureAlphaDropout, 2)):
        y = layer(0.5)(minidl.ones(20, 30, *[3] * axes))
        flat = y.reshape(20, 30, -1)
        assert minidl.equal(flat, flat[..., :1].expand(flat.shape))  # a channel goes as a whole
        assert 0.4 < float((flat[..., 0] == flat.max()).float().mean()) < 0.6
        assert layer(0.5).eval()(y) is y


def test_fractional_pooling():
    minidl.manual_seed(0)
    x = minidl.arange(100.0).reshape(1, 1, 10, 10)
    assert nn.FractionalMaxPool2d(2, output_size=(5, 6))(x).shape == (1, 1, 5, 6)
    y, where = nn.FractionalMaxPool2d(2, output_ratio=0.7, return_indices=True)(x)
    assert minidl.equal(y.long(), where)
    with pytest.raises(ValueError, match="not both"):
        nn.FractionalMaxPool2d(2)
