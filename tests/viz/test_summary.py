"""summary: PyTorch's counts, shapes and costs without numbers, errors with a path, and a model left as it was."""

import copy
import time

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.backend.meta import META
from minidl.demo.networks import CNN
from minidl.viz.costs import tensors_in


def counts(model, *inputs, **how):
    return minidl.summary(model, *inputs, verbose=0, **how)


class Tied(nn.Module):
    """A shared layer, a shared weight, a layer that nothing uses, a tensor that is no buffer."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 16)
        self.mix = nn.Linear(16, 16)
        self.blocks = nn.ModuleList([nn.Linear(16, 16) for _ in range(3)])
        self.head = nn.Linear(16, 100, bias=False)
        self.head.weight = self.embed.weight
        self.unused = nn.Linear(3, 3)
        self.places = minidl.arange(10) * 0.1
        self.calls = 0

    def forward(self, x, *, double=False):
        self.calls += 1
        self.last = h = self.embed(x) + self.places[:, None]
        for block in self.blocks:
            h = block(self.mix(h)).relu()
        return self.head(h), {"hidden": 2 * h if double else h}


def test_the_table_by_hand():
    found = counts(CNN(), (16, 1, 8, 8))
    assert found.total_params == found.trainable_params == 160 + 32 + 4640 + 64 + 5130
    assert found.total_mult_adds == 16 * (64 * 16 * 9 + 64 * 32 * 16 * 9 + 512 * 10)
    assert found.total_param_bytes == 4 * found.total_params
    assert found.total_input == 16 * 64 * 4
    rows = {row.path: row for row in found.summary_list}
    assert list(rows)[:3] == ["", "features", "features.0"]
    conv = rows["features.3"]
    assert (conv.type, conv.input_size, conv.output_size) == ("Conv2d", (16, 16, 8, 8), (16, 32, 8, 8))
    assert (conv.num_params, conv.mult_adds, conv.output_bytes) == (4640, 16 * 64 * 32 * 16 * 9, 16 * 32 * 64 * 4)
    assert rows["features"].num_params == 4896 and not rows["features"].is_leaf
    assert found.total_output_bytes == sum(row.output_bytes for row in found.summary_list if row.is_leaf)
    relu = rows["features.2"]
    assert relu.kept_bytes == relu.output_bytes  # its formula keeps the result
    assert found.total_kept_bytes == sum(row.kept_bytes for row in found.summary_list)


def test_it_fits_a_hundred_columns_and_says_it_all(capsys):
    found = minidl.summary(Tied(), (2, 10), dtypes=["int64"], verbose=1)
    text = capsys.readouterr().out
    assert text == f"{found}\n"
    assert max(map(len, text.splitlines())) <= 100
    for word in ("mix: Linear", "blocks.1: Linear", "shared", "No output depends on unused.weight, unused.bias"):
        assert word in text
    assert text.isascii()
    assert "features.0" not in str(minidl.summary(CNN(), (1, 1, 8, 8), depth=1, verbose=0))
    assert "0: Conv2d" not in str(minidl.summary(CNN(), (1, 1, 8, 8), depth=1, verbose=0))


def test_shared_layers_and_weights_count_once():
    net = Tied()
    found = counts(net, (2, 10), dtypes=["int64"])
    assert found.total_params == sum(p.numel() for p in net.parameters()) == 1600 + 4 * 272 + 12
    calls = [row for row in found.summary_list if row.path == "mix"]
    assert [row.num_params for row in calls] == [272, 0, 0]
    assert [row.mult_adds for row in calls] == [20 * 16 * 16] * 3
    assert found.total_mult_adds == 20 * (6 * 16 * 16 + 16 * 100)
    assert found.unused == ["unused.weight", "unused.bias"]


def test_every_way_to_say_what_goes_in():
    net, x = nn.Linear(3, 2), minidl.ones(4, 3)
    whole = [
        counts(net, x), counts(net, (4, 3)), counts(net, [4, 3]), counts(net, [(4, 3)]), counts(net, input_size=(4, 3)),
        counts(net, input_data=x), counts(net, input_data=[x]), counts(net, input_data={"input": x}),
        counts(net, input=x), counts(net, x.numpy()),
    ]  # fmt: skip
    assert {found.total_mult_adds for found in whole} == {24}
    assert counts(net, (3,), batch_dim=0).input_size == [(1, 3)]
    assert counts(nn.Linear(3, 2, dtype="float64"), (4, 3)).total_input == 96
    kept = counts(Tied(), minidl.zeros(2, 10, dtype="int64"), double=True)
    assert kept.summary_list[0].output_size == [(2, 10, 100), (2, 10, 16)]
    only = counts(Tied())
    assert only.total_params == 2700 and only.input_size == [] and "    2: Linear" in str(only)


@pytest.mark.parametrize("how, match", [
    ({"input_size": (3,), "input_data": 1}, "not several"),
    ({"input_size": "3"}, "a shape or a list of shapes"),
    ({"input_size": (3,), "dtypes": ["float32"] * 2}, "1 shapes but 2 dtypes"),
    ({"mode": "test"}, "mode is"),
])  # fmt: skip
def test_what_it_refuses(how, match):
    with pytest.raises(ValueError, match=match):
        counts(nn.Linear(3, 2), **how)
    with pytest.raises(TypeError, match="Module is needed"):
        counts(lambda x: x, (3,))


def test_a_wrong_layer_is_named_and_nothing_was_computed():
    net = CNN()
    net.classify[2] = nn.Linear(500, 10)
    before = META.multiply_adds
    with pytest.raises(ValueError, match=r"takes 500 .* in CNN\.classify\.2") as caught:
        counts(net, (16, 1, 8, 8))
    assert "in CNN.classify.2, given (16, 512)" in caught.value.__notes__[0]
    assert META.multiply_adds > before
    assert net.training


class Looks(nn.Module):
    def forward(self, x):
        return x if x.sum().item() > 0 else -x


def test_a_forward_that_looks_at_numbers_is_refused_in_words():
    with pytest.raises(NotImplementedError, match="no numbers") as caught:
        counts(nn.Sequential(nn.Linear(2, 2), Looks()), (1, 2))
    assert "in Sequential.1" in caught.value.__notes__[0]


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(fails):
    net = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), Tied() if fails else nn.Linear(4, 2))
    net[0].eval()
    seen = []
    net.register_forward_hook(lambda m, a, y: seen.append(y.device.type))
    if not fails:
        net[2].weight.grad = minidl.ones(2, 4)
    members = [*net.parameters(), *net.buffers()]
    arrays, state = [id(t.array) for t in members], copy.deepcopy(net.state_dict())
    modes, keys = [m.training for m in net.modules()], [set(m.__dict__) for m in net.modules()]
    random = minidl.get_rng_state().tolist()
    if fails:
        with pytest.raises((ValueError, TypeError, RuntimeError)):
            counts(net, (3, 4), mode="train")
    else:
        counts(net, (3, 4), mode="train")
        assert net[2].weight.grad.tolist() == minidl.ones(2, 4).tolist()
    assert [id(t.array) for t in members] == arrays
    assert all(a is b for a, b in zip([*net.parameters(), *net.buffers()], members, strict=True))
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[key].numpy())
    assert [m.training for m in net.modules()] == modes
    assert [set(m.__dict__) for m in net.modules()] == keys
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()][1:] == [0] * (len(modes) - 1)
    assert minidl.get_rng_state().tolist() == random
    assert seen == ([] if fails else ["meta"])
    tied = Tied()
    counts(tied, (2, 10), dtypes=["int64"])
    assert tied.calls == 0 and "last" not in vars(tied) and not tied.places.is_meta


def examples():
    r = minidl.randn
    return [
        (nn.LSTM(5, 7, 2, bidirectional=True, dropout=0.3), (r(4, 3, 5),)),
        (nn.GRU(5, 7, batch_first=True), (r(3, 4, 5),)),
        (nn.MultiheadAttention(8, 2), (r(4, 3, 8),) * 3),
        (nn.Transformer(8, 2, 1, 1, 16), (r(4, 3, 8), r(5, 3, 8))),
        (nn.Embedding(10, 4, padding_idx=0, max_norm=1.0), (minidl.arange(6),)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (r(1, 2, 4, 4),)),
        (nn.ConvTranspose2d(3, 4, 3, stride=2), (r(2, 3, 5, 5),)),
        (nn.MaxPool2d(2, return_indices=True), (r(1, 2, 4, 4),)),
        (nn.FractionalMaxPool2d(2, output_size=(3, 3)), (r(1, 2, 7, 7),)),
        (nn.BatchNorm1d(4, momentum=None), (r(2, 4, 7),)),
        (nn.GroupNorm(2, 4), (r(2, 4, 7),)),
        (nn.CrossEntropyLoss(), (r(2, 4), minidl.arange(2))),
        (nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4)), (r(2, 3),)),
    ]


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_layers_of_every_kind(mode):
    for layer, args in examples():
        layer.train(mode == "train")
        before = {k: v.numpy().copy() for k, v in layer.state_dict().items()}
        found = counts(layer, *args, mode=mode)
        for key, value in layer.state_dict().items():
            np.testing.assert_array_equal(value.numpy(), before[key], err_msg=f"{layer}: {key}")
        shapes = [t.shape for t in tensors_in(layer(*args))]
        assert found.summary_list[0].output_size == (shapes[0] if len(shapes) == 1 else shapes), layer
        assert found.total_params == sum(p.numel() for p in layer.parameters())


def test_ten_billion_parameters_in_no_time():
    start = time.perf_counter()
    with minidl.device("meta"):
        net = nn.Sequential(nn.Linear(100_000, 100_000), nn.ReLU(), nn.Linear(100_000, 10))
    found = counts(net, (8, 100_000))
    assert found.total_params == 10_001_100_010
    assert found.total_mult_adds == 8 * 100_000 * 100_010
    assert time.perf_counter() - start < 1
    assert net[0].weight.is_meta


def test_frozen_parameters():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    net[0].requires_grad_(False)
    found = counts(net, (5, 3))
    assert (found.trainable_params, found.non_trainable_params) == (10, 16)
    assert "of which 16 frozen" in str(found)
    net.requires_grad_(False)
    assert counts(net, (5, 3)).total_kept_bytes == 0


def test_counts_are_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle, an extra")
    counter = pytest.importorskip("torch.utils.flop_counter", reason="PyTorch is the oracle, an extra")

    def made(nn):
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1, groups=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 16, 3, groups=4, dilation=2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 4, 10),
        )  # fmt: skip

    theirs, ours = made(torch.nn), made(nn)
    with counter.FlopCounterMode(display=False) as flops:
        theirs.eval()(torch.zeros(2, 3, 16, 16))
    found = counts(ours, (2, 3, 16, 16))
    assert found.total_params == sum(p.numel() for p in theirs.parameters())
    assert 2 * found.total_mult_adds == flops.get_total_flops()
