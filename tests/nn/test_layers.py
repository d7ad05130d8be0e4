"""Layers beside PyTorch's: outputs, gradients of inputs and parameters, keys, texts, both modes."""

import numpy as np
import pytest

import minidl
from minidl import nn

from .twins import second_order

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")

# (how to make it, the input's shape or shapes)
LAYERS = [
    (lambda nn: nn.Linear(4, 3), (5, 4)),
    (lambda nn: nn.Linear(4, 3, bias=False), (2, 5, 4)),
    (lambda nn: nn.Linear(4, 3), (4,)),
    (lambda nn: nn.Identity(54, unused=1), (5, 4)),
    (lambda nn: nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), (2, 4, 11)),
    (lambda nn: nn.Conv1d(4, 6, 3, padding="same"), (4, 11)),
    (lambda nn: nn.Conv2d(3, 6, 3), (2, 3, 6, 7)),
    (lambda nn: nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2), (2, 4, 7, 8)),
    (lambda nn: nn.Conv2d(3, 4, 3, bias=False), (3, 5, 5)),
    (lambda nn: nn.Conv2d(3, 4, 4, padding="same", dilation=2), (1, 3, 6, 6)),
    (lambda nn: nn.Conv2d(3, 4, 2, padding="valid"), (1, 3, 5, 5)),
    (lambda nn: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (1, 2, 5, 5)),
    (lambda nn: nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode="circular"), (1, 2, 5, 5)),
    (lambda nn: nn.Conv2d(2, 3, 4, padding="same", padding_mode="replicate"), (1, 2, 5, 5)),
    (lambda nn: nn.MaxPool1d(3, stride=2, padding=1), (2, 3, 9)),
    (lambda nn: nn.MaxPool2d(2), (2, 3, 5, 6)),
    (lambda nn: nn.MaxPool2d((3, 2), stride=(2, 1), padding=1, dilation=(1, 2), ceil_mode=True), (2, 3, 8, 9)),
    (lambda nn: nn.AvgPool1d(3, stride=2, padding=1), (2, 3, 9)),
    (lambda nn: nn.AvgPool2d(2), (2, 3, 5, 6)),
    (lambda nn: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), (2, 3, 6, 6)),
    (lambda nn: nn.AvgPool2d(3, 2, 1, divisor_override=5), (2, 3, 6, 6)),
    (lambda nn: nn.AdaptiveAvgPool1d(3), (2, 3, 7)),
    (lambda nn: nn.AdaptiveAvgPool2d((None, 2)), (2, 3, 5, 7)),
    (lambda nn: nn.AdaptiveAvgPool2d(1), (2, 3, 5, 7)),
    (lambda nn: nn.BatchNorm1d(4), (6, 4)),
    (lambda nn: nn.BatchNorm1d(4, eps=1e-3, momentum=None), (6, 4, 3)),
    (lambda nn: nn.BatchNorm1d(4, affine=False, track_running_stats=False), (6, 4)),
    (lambda nn: nn.BatchNorm2d(3, momentum=0.3), (4, 3, 2, 5)),
    (lambda nn: nn.BatchNorm2d(3, affine=False), (4, 3, 2, 5)),
    (lambda nn: nn.LayerNorm(4), (5, 4)),
    (lambda nn: nn.LayerNorm((3, 4), eps=1e-3, bias=False), (5, 3, 4)),
    (lambda nn: nn.LayerNorm([4], elementwise_affine=False), (5, 3, 4)),
    (lambda nn: nn.Dropout(0.0), (5, 4)),
    (lambda nn: nn.Flatten(), (2, 3, 4)),
    (lambda nn: nn.Flatten(0, 1), (2, 3, 4)),
    (lambda nn: nn.Unflatten(1, (2, -1)), (3, 6, 2)),
    (lambda nn: nn.ReLU(), (5, 4)),
    (lambda nn: nn.ReLU6(), (5, 4)),
    (lambda nn: nn.LeakyReLU(0.2), (5, 4)),
    (lambda nn: nn.ELU(1.5), (5, 4)),
    (lambda nn: nn.CELU(1.5), (5, 4)),
    (lambda nn: nn.SELU(), (5, 4)),
    (lambda nn: nn.GELU(), (5, 4)),
    (lambda nn: nn.GELU("tanh"), (5, 4)),
    (lambda nn: nn.SiLU(), (5, 4)),
    (lambda nn: nn.Mish(), (5, 4)),
    (lambda nn: nn.Sigmoid(), (5, 4)),
    (lambda nn: nn.LogSigmoid(), (5, 4)),
    (lambda nn: nn.Tanh(), (5, 4)),
    (lambda nn: nn.Tanhshrink(), (5, 4)),
    (lambda nn: nn.Softsign(), (5, 4)),
    (lambda nn: nn.Softplus(2.0, 1.0), (5, 4)),
    (lambda nn: nn.Softshrink(0.3), (5, 4)),
    (lambda nn: nn.Hardshrink(0.3), (5, 4)),
    (lambda nn: nn.Hardtanh(-0.5, 0.7), (5, 4)),
    (lambda nn: nn.Hardsigmoid(), (5, 4)),
    (lambda nn: nn.Hardswish(), (5, 4)),
    (lambda nn: nn.Threshold(0.1, 20.0), (5, 4)),
    (lambda nn: nn.PReLU(), (5, 4)),
    (lambda nn: nn.PReLU(4, init=0.1), (5, 4)),
    (lambda nn: nn.Softmax(dim=1), (5, 4)),
    (lambda nn: nn.LogSoftmax(dim=0), (5, 4)),
    (lambda nn: nn.Softmin(dim=-1), (5, 4)),
    (lambda nn: nn.GLU(), (5, 4)),
    (lambda nn: nn.Conv3d(2, 3, 2), (2, 2, 3, 4, 3)),
    (lambda nn: nn.Conv3d(2, 4, (1, 2, 3), (1, 2, 1), (0, 1, 1), (1, 1, 2), 2, False), (2, 3, 4, 5)),
    (lambda nn: nn.Conv3d(2, 3, 3, padding="same", padding_mode="circular"), (1, 2, 3, 4, 3)),
    (lambda nn: nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, dilation=2), (2, 4, 5)),
    (lambda nn: nn.ConvTranspose2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 0), 2, dilation=(1, 2)), (2, 4, 4, 5)),
    (lambda nn: nn.ConvTranspose2d(3, 2, 3, bias=False), (3, 4, 5)),
    (lambda nn: nn.ConvTranspose3d(2, 3, 2, 2, output_padding=1), (1, 2, 2, 3, 2)),
    (lambda nn: nn.MaxPool3d(2, 1, 1), (2, 2, 3, 4, 3)),
    (lambda nn: nn.AvgPool3d((1, 2, 2), ceil_mode=True, divisor_override=3), (2, 2, 3, 4, 3)),
    (lambda nn: nn.AdaptiveAvgPool3d((1, None, 2)), (2, 2, 3, 4, 3)),
    (lambda nn: nn.AdaptiveMaxPool1d(3), (2, 3, 7)),
    (lambda nn: nn.AdaptiveMaxPool2d((None, 2)), (2, 3, 5, 7)),
    (lambda nn: nn.AdaptiveMaxPool3d(2), (2, 2, 3, 4, 3)),
    (lambda nn: nn.LPPool1d(3, 2, 1), (2, 3, 7)),
    (lambda nn: nn.LPPool2d(2, (2, 3), ceil_mode=True), (2, 3, 5, 7)),
    (lambda nn: nn.LPPool3d(2, 2), (2, 2, 3, 4, 3)),
    (lambda nn: nn.BatchNorm3d(3, momentum=None), (2, 3, 2, 2, 3)),
    (lambda nn: nn.BatchNorm2d(3, bias=False), (2, 3, 2, 3)),
    (lambda nn: nn.InstanceNorm1d(3), (2, 3, 5)),
    (lambda nn: nn.InstanceNorm1d(3, affine=True), (3, 5)),
    (lambda nn: nn.InstanceNorm2d(3, 1e-3, 0.3, True, True), (2, 3, 4, 5)),
    (lambda nn: nn.InstanceNorm3d(2, track_running_stats=True), (2, 2, 2, 3, 2)),
    (lambda nn: nn.GroupNorm(2, 4), (3, 4, 5)),
    (lambda nn: nn.GroupNorm(4, 4, 1e-3, affine=False), (3, 4)),
    (lambda nn: nn.RMSNorm((3, 4)), (2, 3, 4)),
    (lambda nn: nn.RMSNorm(4, 1e-3, False), (2, 3, 4)),
    (lambda nn: nn.LocalResponseNorm(3, 0.1, 0.5, 2.0), (2, 5, 4)),
    (lambda nn: nn.Dropout2d(0.0), (2, 3, 4, 4)),
    (lambda nn: nn.AlphaDropout(0.0), (5, 4)),
    (lambda nn: nn.Softmax2d(), (2, 3, 4, 4)),
    (lambda nn: nn.RReLU(0.2, 0.2), (5, 4)),
    (lambda nn: nn.ConstantPad1d((1, 2), 3.5), (2, 3, 4)),
    (lambda nn: nn.ConstantPad2d(1, 0.5), (2, 3, 4)),
    (lambda nn: nn.ConstantPad3d((1, 2, 0, 1, -1, 1), 0.5), (1, 2, 3, 4, 3)),
    (lambda nn: nn.ZeroPad1d(2), (2, 3, 4)),
    (lambda nn: nn.ZeroPad2d((1, -1, 2, 0)), (2, 3, 4)),
    (lambda nn: nn.ZeroPad3d(1), (1, 2, 3, 4, 3)),
    (lambda nn: nn.CircularPad1d(2), (2, 3, 4)),
    (lambda nn: nn.CircularPad2d((1, 2, 0, 1)), (1, 2, 3, 4)),
    (lambda nn: nn.CircularPad3d(1), (1, 2, 3, 4, 3)),
    (lambda nn: nn.ReflectionPad1d((1, 2)), (2, 3, 4)),
    (lambda nn: nn.ReflectionPad2d(1), (1, 2, 3, 4)),
    (lambda nn: nn.ReflectionPad3d(1), (1, 2, 3, 4, 3)),
    (lambda nn: nn.ReplicationPad1d(3), (2, 3, 4)),
    (lambda nn: nn.ReplicationPad2d((2, 0, 1, 1)), (1, 2, 3, 4)),
    (lambda nn: nn.ReplicationPad3d(1), (1, 2, 3, 4, 3)),
    (lambda nn: nn.PixelShuffle(2), (2, 8, 3, 2)),
    (lambda nn: nn.PixelUnshuffle(2), (2, 2, 4, 6)),
    (lambda nn: nn.ChannelShuffle(2), (2, 6, 3)),
    (lambda nn: nn.Upsample(scale_factor=2), (1, 2, 3, 4)),
    (lambda nn: nn.Upsample(size=(5, 3), mode="bilinear"), (1, 2, 3, 4)),
    (lambda nn: nn.Upsample(scale_factor=(2.0, 1.5), mode="bicubic", align_corners=True), (1, 2, 3, 4)),
    (lambda nn: nn.UpsamplingNearest2d(size=5), (1, 2, 3, 4)),
    (lambda nn: nn.UpsamplingBilinear2d(scale_factor=2), (1, 2, 3, 4)),
    (lambda nn: nn.Unfold((2, 3), dilation=1, padding=1, stride=2), (2, 3, 4, 5)),
    (lambda nn: nn.Fold((4, 5), (2, 2), stride=1), (2, 12, 12)),
    (lambda nn: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)), (3, 1, 4, 4)),
]
every_layer = pytest.mark.parametrize(
    "make, shape", LAYERS, ids=lambda v: repr(v(torch.nn)).split("\n")[0] if callable(v) else str(v)
)


def pair(make):
    """The layer here and in PyTorch, in float64, with one state."""
    theirs = make(torch.nn).double()
    ours = make(nn).double()
    for p in theirs.parameters():
        torch.nn.init.normal_(p)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict({key: minidl.tensor(value.numpy()) for key, value in state.items()})
    return ours, theirs


@every_layer
def test_layers_are_pytorchs(make, shape, rng):
    ours, theirs = pair(make)
    assert repr(ours) == repr(theirs)
    for training in (True, False):
        ours.train(training)
        theirs.train(training)
        for _ in range(2):  # batch norm's second batch sees the first one's statistics
            value = rng.normal(size=shape)
            x, t = minidl.tensor(value, requires_grad=True), torch.tensor(value, requires_grad=True)
            y, s = ours(x), theirs(t)
            np.testing.assert_allclose(y.detach().numpy(), s.detach().numpy(), rtol=1e-9, atol=1e-12)
            ours.zero_grad()
            theirs.zero_grad()
            g = rng.normal(size=y.shape)
            y.backward(minidl.tensor(g))
            s.backward(torch.tensor(g))
            rtol = 1e-7 if isinstance(ours, nn.Hardsigmoid) else 1e-8  # PyTorch's 1/6 is a float32
            np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=rtol, atol=1e-10)
            for (name, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
                assert name == other
                np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-8, atol=1e-10, err_msg=name)
    back = {key: torch.tensor(np.array(value.numpy())) for key, value in ours.state_dict().items()}
    fresh = make(torch.nn).double()
    fresh.load_state_dict(back)  # both ways, the statistics too
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(fresh.state_dict()[key].numpy(), value.numpy(), rtol=1e-12, err_msg=key)


@every_layer
def test_initial_parameters_are_pytorchs(make, shape):
    """Of many layers: one mean, one variance, one bound for every parameter."""
    ours, theirs = [], []
    for lib, into in ((nn, ours), (torch.nn, theirs)):
        for _ in range(30):
            into.append([p.detach().numpy().ravel().astype(float) for p in make(lib).parameters()])
    for k, (name, _) in enumerate(make(nn).named_parameters()):
        a, b = (np.concatenate([layer[k] for layer in layers]) for layers in (ours, theirs))
        n = a.size
        if b.std() == 0:
            assert set(a) == set(b), name
            continue
        assert abs(a.mean() - b.mean()) < 6 * b.std() / n**0.5, name
        assert abs(a.std() - b.std()) < 6 * b.std() / n**0.5, name
        assert abs(np.abs(a).max() - np.abs(b).max()) < 0.25 * np.abs(b).max(), name


CURVED = ("Norm", "Conv", "PReLU", "LPPool", "Softmax2d", "GELU", "Linear")


@pytest.mark.parametrize(
    "make, shape",
    [case for case in LAYERS if any(name in repr(case[0](torch.nn)) for name in CURVED)],
    ids=lambda v: repr(v(torch.nn)).split("\n")[0] if callable(v) else str(v),
)
def test_second_order_is_pytorchs(make, shape, rng):
    """In training: of batch norm that is where the gradient of the statistics counts, too."""
    ours, theirs = pair(make)
    second_order(ours, theirs, torch, rng, rng.normal(size=shape))


def test_the_bound_of_linear_and_convolution():
    for layer, fan_in in ((nn.Linear(50, 400), 50), (nn.Conv2d(4, 200, 3, groups=2), 18), (nn.Conv1d(5, 300, 3), 15)):
        bound = fan_in**-0.5
        for p in layer.parameters():
            value = p.detach().numpy()
            assert np.abs(value).max() <= bound
            assert np.abs(value).max() > 0.9 * bound
            assert abs(value.std() - bound / 3**0.5) < 0.1 * bound


def test_embedding(rng):
    index = np.array([[0, 2, 2], [3, 1, 0]])
    for settings in ({}, {"padding_idx": 2}, {"padding_idx": -1}, {"scale_grad_by_freq": True}, {"max_norm": 0.5}):
        ours, theirs = pair(lambda nn, settings=settings: nn.Embedding(4, 3, **settings))
        assert repr(ours) == repr(theirs)
        y, s = ours(minidl.tensor(index)), theirs(torch.tensor(index))
        np.testing.assert_allclose(y.detach().numpy(), s.detach().numpy(), rtol=1e-6)
        g = rng.normal(size=y.shape)
        y.backward(minidl.tensor(g))
        s.backward(torch.tensor(g))
        np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), rtol=1e-6)
    fresh = nn.Embedding(5, 3, padding_idx=-2)
    assert fresh.padding_idx == 3
    assert float(fresh.weight[3].abs().sum()) == 0
    given = nn.Embedding.from_pretrained(minidl.ones(2, 3))
    assert not given.weight.requires_grad
    assert given(minidl.tensor([1])).tolist() == [[1, 1, 1]]
    with pytest.raises(ValueError, match="padding_idx 9"):
        nn.Embedding(4, 3, padding_idx=9)
    with pytest.raises((IndexError, ValueError)):
        nn.Embedding(4, 3)(minidl.tensor([4]))


LOSSES = [
    (lambda nn, w: nn.CrossEntropyLoss(), "classes"),
    (lambda nn, w: nn.CrossEntropyLoss(weight=w, ignore_index=1, label_smoothing=0.1), "classes"),
    (lambda nn, w: nn.CrossEntropyLoss(weight=w, reduction="sum"), "probabilities"),
    (lambda nn, w: nn.CrossEntropyLoss(reduction="none"), "classes"),
    (lambda nn, w: nn.NLLLoss(weight=w, ignore_index=2), "classes"),
    (lambda nn, w: nn.MSELoss(), "numbers"),
    (lambda nn, w: nn.MSELoss(reduction="sum"), "numbers"),
    (lambda nn, w: nn.L1Loss(reduction="none"), "numbers"),
    (lambda nn, w: nn.SmoothL1Loss(beta=0.5), "numbers"),
    (lambda nn, w: nn.HuberLoss(delta=0.5), "numbers"),
    (lambda nn, w: nn.BCELoss(weight=w), "chances"),
    (lambda nn, w: nn.BCEWithLogitsLoss(pos_weight=w), "probabilities"),
    (lambda nn, w: nn.BCEWithLogitsLoss(w, reduction="sum"), "probabilities"),
    (lambda nn, w: nn.KLDivLoss(reduction="batchmean"), "probabilities"),
    (lambda nn, w: nn.KLDivLoss(reduction="sum", log_target=True), "numbers"),
]


@pytest.mark.parametrize("make, kind", LOSSES)
def test_losses_are_pytorchs(make, kind, rng):
    w, x = rng.uniform(0.5, 2, size=4), rng.normal(size=(5, 4))
    target = {
        "classes": rng.integers(0, 4, 5),
        "numbers": rng.normal(size=(5, 4)),
        "probabilities": rng.dirichlet(np.ones(4), 5),
        "chances": rng.uniform(size=(5, 4)),
    }[kind]
    x = 1 / (1 + np.exp(-x)) if kind == "chances" else x
    results = []
    for lib in (minidl, torch):
        loss = make(lib.nn, lib.tensor(w))
        t = lib.tensor(x, requires_grad=True)
        y = loss(t, lib.tensor(target))
        y.sum().backward()
        results.append((y.detach().numpy(), t.grad.numpy(), repr(loss), list(loss.state_dict())))
    (y, g, text, keys), (y2, g2, text2, keys2) = results
    np.testing.assert_allclose(y, y2, rtol=1e-10)
    np.testing.assert_allclose(g, g2, rtol=1e-9, atol=1e-14)
    assert text == text2
    assert keys == keys2


def test_nested_texts_are_pytorchs():
    def build(nn):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Dropout())])
                self.by_name = nn.ModuleDict({"a": nn.Flatten(), "e": nn.Embedding(3, 2, padding_idx=1)})
                self.empty = nn.Sequential()
                self.many = nn.ModuleList([nn.Sequential(nn.Linear(1, 1))] * 2)

        return Net()

    assert repr(build(nn)) == repr(build(torch.nn))


def test_the_output_of_a_parameters_list_repr():
    for n in (1, 2):
        mine, theirs = (repr(lib.nn.ParameterList([lib.zeros(2, 3)] * n)) for lib in (minidl, torch))
        assert mine.replace("float32", "torch.float32") == theirs


def test_dropout_draws_scales_and_rests():
    drop = nn.Dropout(0.25)
    minidl.manual_seed(0)
    y = drop(minidl.ones(10000)).numpy()
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.02
    minidl.manual_seed(0)
    np.testing.assert_array_equal(drop(minidl.ones(10000)).numpy(), y)
    x = minidl.ones(3)
    assert drop.eval()(x).tolist() == [1, 1, 1]
    assert nn.Dropout(1.0)(x).tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.Dropout(1.5)


def test_what_layers_refuse():
    for wrong, why in [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "must be divisible by groups"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), "must be divisible by groups"),
        (lambda: nn.Conv2d(4, 4, 3, groups=0), "positive"),
        (lambda: nn.Conv2d(4, 4, 3, padding="same", stride=2), "strided"),
        (lambda: nn.Conv2d(4, 4, 3, padding="all"), "'same' or 'valid'"),
        (lambda: nn.Conv2d(4, 4, 3, padding_mode="mirror"), "padding_mode"),
        (lambda: nn.BatchNorm2d(3)(minidl.ones(2, 3)), r"BatchNorm2d: \(N, C, H, W\) is expected"),
        (lambda: nn.BatchNorm1d(3)(minidl.ones(3)), r"BatchNorm1d: \(N, C\) or \(N, C, L\) is expected"),
        (lambda: nn.MSELoss(reduction="avg"), "reduction is"),
        (lambda: nn.Hardtanh(1, 0), "min_val < max_val"),
        (lambda: nn.Embedding(3, 2, _weight=minidl.ones(2, 2)), "shape"),
    ]:
        with pytest.raises(ValueError, match=why):
            wrong()
    with pytest.raises(TypeError, match="tuple of ints"):
        nn.Unflatten(1, 3)
    with pytest.warns(UserWarning, match="reduction='sum'"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
