"""Recurrent layers beside PyTorch's and beside the formula looped over time; packed sequences."""

import copy
import itertools

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn.utils import rnn as R

from .twins import compare, second_order, twins

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")

KINDS = [
    ("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("LSTM", {}), ("LSTM", {"proj_size": 2}), ("GRU", {}),
]  # fmt: skip
LAYOUTS = [case for case in itertools.product((1, 2), *[(True, False)] * 3) if sum(case) % 2]  # any three, all ways
every_kind = pytest.mark.parametrize("kind, more", KINDS, ids=lambda v: v if isinstance(v, str) else str(v)[1:-1])


def states(kind, more, deep, rng, *batch):
    """An initial state for both."""
    h = rng.normal(size=(deep, *batch, more.get("proj_size") or 4))
    return (h, rng.normal(size=(deep, *batch, 4))) if kind == "LSTM" else h


@every_kind
@pytest.mark.parametrize("layers, bias, batch_first, bidirectional", LAYOUTS)
def test_recurrent_layers_are_pytorchs(kind, more, layers, bias, batch_first, bidirectional, rng):
    options = {"num_layers": layers, "bias": bias, "batch_first": batch_first, "bidirectional": bidirectional, **more}
    ours, theirs = twins(lambda nn: getattr(nn, kind)(3, 4, **options), torch)
    assert repr(ours) == repr(theirs)
    x = rng.normal(size=(5, 6, 3) if batch_first else (6, 5, 3))
    deep = layers * (1 + bidirectional)
    compare(ours, theirs, torch, rng, x)
    compare(ours, theirs, torch, rng, x, states(kind, more, deep, rng, 5))
    compare(ours, theirs, torch, rng, x[:, 0], states(kind, more, deep, rng))
    compare(ours, theirs, torch, rng, x[:1, :1])
    lengths = [6, 4, 4, 2, 1]
    for given, ordered in ((lengths, True), ([2, 6, 1, 4, 4], False)):
        pair = map(through_packing(given, ordered, batch_first), (ours, theirs), (R, torch.nn.utils.rnn))
        compare(*pair, torch, rng, x, states(kind, more, deep, rng, 5))


def through_packing(lengths, ordered, batch_first):
    def wrap(module, utils):
        def call(x, state):
            y, end = module(utils.pack_padded_sequence(x, lengths, batch_first, ordered), state)
            return *utils.pad_packed_sequence(y, batch_first, padding_value=1.5, total_length=7), end

        call.parameters, call.zero_grad = module.parameters, module.zero_grad
        return call

    return wrap


@every_kind
def test_second_order_is_pytorchs(kind, more, rng):
    ours, theirs = twins(lambda nn: getattr(nn, kind)(3, 4, bidirectional=True, **more), torch)
    second_order(ours, theirs, torch, rng, rng.normal(size=(3, 2, 3)), states(kind, more, 2, rng, 2))


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells_are_pytorchs_and_a_loop_of_them_is_the_layer(kind, rng):
    for options in ({}, {"bias": False}, *([{"nonlinearity": "relu"}] if kind == "RNNCell" else [])):
        ours, theirs = twins(lambda nn, options=options: getattr(nn, kind)(3, 4, **options), torch)
        assert repr(ours) == repr(theirs)
        h = states(kind[:-4], {}, 5, rng)
        compare(ours, theirs, torch, rng, rng.normal(size=(5, 3)), h)
        compare(ours, theirs, torch, rng, rng.normal(size=(5, 3)))
        compare(ours, theirs, torch, rng, rng.normal(size=3))
        second_order(ours, theirs, torch, rng, rng.normal(size=(5, 3)), h)
        layer = getattr(nn, kind[:-4])(3, 4, **options).double()
        layer.load_state_dict({f"{name}_l0": value for name, value in ours.state_dict().items()})
        x, state, out = minidl.tensor(rng.normal(size=(6, 5, 3))), None, []
        for step in x:
            state = ours(step, state)
            out.append(state[0] if kind == "LSTMCell" else state)
        np.testing.assert_allclose(layer(x)[0].tolist(), minidl.stack(out).tolist(), rtol=1e-12)


@every_kind
def test_float32_and_devices(kind, more, device):
    layer = getattr(nn, kind)(3, 4, num_layers=2, bidirectional=True, **more).to(device)
    packed = R.pack_sequence([minidl.ones(n, 3, device=device) for n in (2, 4, 1)], enforce_sorted=False)
    y, _ = layer(packed)
    padded, lengths = R.pad_packed_sequence(y)
    assert padded.dtype == minidl.float32
    assert padded.device == layer.weight_ih_l0.device
    assert lengths.tolist() == [2, 4, 1]
    padded.sum().backward()
    twin = copy.deepcopy(layer).to("cpu").double()
    expected, _ = twin(R.pack_sequence([minidl.ones(n, 3).double() for n in (2, 4, 1)], enforce_sorted=False))
    np.testing.assert_allclose(y.data.detach().cpu().tolist(), expected.data.tolist(), rtol=1e-4, atol=1e-5)


def test_dropout_between_layers_only_in_training():
    minidl.manual_seed(0)
    layer = nn.LSTM(3, 50, num_layers=2, dropout=0.5)
    x = minidl.randn(2, 1, 3)
    assert not minidl.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert minidl.equal(layer(x)[0], layer(x)[0])
    always = nn.GRU(3, 4, num_layers=2, dropout=1.0)
    y, h = always(x)
    assert h[0].abs().sum() > 0  # what the first layer passes on is dropped, its state is not
    assert minidl.allclose(y, always(minidl.zeros(2, 1, 3) + x * 5)[0])
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.RNN(3, 4, dropout=0.3)


def test_an_empty_batch_gives_empty_results():
    for kind in ("RNN", "LSTM", "GRU"):
        layer = getattr(nn, kind)(3, 4, bidirectional=True)
        y, end = layer(minidl.zeros(5, 0, 3))
        assert y.shape == (5, 0, 8)
        y.sum().backward()
        assert all(p.grad.abs().sum() == 0 for p in layer.parameters())
        with pytest.raises(RuntimeError, match="sequence length to be larger than 0"):
            layer(minidl.zeros(0, 2, 3))


def test_copies_frozen_weights_and_shared_ones(rng):
    layer = nn.LSTM(3, 3, num_layers=2).double()
    twin = copy.deepcopy(layer)
    x = minidl.tensor(rng.normal(size=(4, 2, 3)))
    assert minidl.equal(layer(x)[0], twin(x)[0])
    twin.weight_hh_l0.requires_grad_(False)
    twin(x)[0].sum().backward()
    assert twin.weight_hh_l0.grad is None
    assert twin.weight_hh_l1.grad is not None
    layer.weight_ih_l1 = layer.weight_ih_l0  # one matrix in both layers: its gradients add up
    assert len(list(layer.parameters())) == 7
    layer(x)[0].sum().backward()
    twice = layer.weight_ih_l0.grad
    alone = copy.deepcopy(layer)
    alone.weight_ih_l1 = nn.Parameter(alone.weight_ih_l0.detach().clone())
    alone(x)[0].sum().backward()
    np.testing.assert_allclose(twice.numpy(), (alone.weight_ih_l0.grad + alone.weight_ih_l1.grad).numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: nn.LSTM(3, 4)(minidl.zeros(2, 5, 4)), RuntimeError, "Expected 3, got 4"),
        (lambda: nn.LSTM(3, 4)(minidl.zeros(3)), ValueError, "Expected input to be 2D or 3D"),
        (lambda: nn.GRU(3, 4)(minidl.zeros(2, 5, 3), minidl.zeros(1, 4, 4)), RuntimeError, r"size \(1, 5, 4\)"),
        (lambda: nn.GRU(3, 4)(minidl.zeros(2, 5, 3), minidl.zeros(5, 4)), RuntimeError, "hx should also be 3-D"),
        (lambda: nn.LSTM(3, 4)(minidl.zeros(2, 5, 3), minidl.zeros(1, 5, 4)), RuntimeError, "pair"),
        (lambda: nn.GRU(3, 4, proj_size=2), ValueError, "only supported for LSTM"),
        (lambda: nn.LSTM(3, 4, proj_size=4), ValueError, "less than hidden_size"),
        (lambda: nn.RNN(3, 4, nonlinearity="sin"), ValueError, "Unknown nonlinearity"),
        (lambda: nn.RNN(3, 0), ValueError, "greater than zero"),
        (lambda: nn.LSTM(3, 4, dropout=1.5), ValueError, "range"),
        (lambda: nn.LSTMCell(3, 4)(minidl.zeros(2, 4)), RuntimeError, "got 4, expected 3"),
        (lambda: R.pack_padded_sequence(minidl.zeros(4, 2, 1), [2, 3]), RuntimeError, "enforce_sorted"),
        (lambda: R.pack_padded_sequence(minidl.zeros(4, 2, 1), [2, 0]), RuntimeError, "greater than 0"),
        (lambda: R.pack_padded_sequence(minidl.zeros(4, 2, 1), [5, 1]), RuntimeError, "4 steps"),
        (lambda: R.pack_padded_sequence(minidl.zeros(4, 2, 1), [3]), RuntimeError, "batch_size"),
    ],
)  # fmt: skip
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_sequences_are_padded_and_packed_as_in_pytorch(rng):
    parts = [rng.normal(size=(n, 2)) for n in (2, 4, 1)]
    found = []
    for lib, utils in ((minidl, R), (torch, torch.nn.utils.rnn)):
        out = []
        found.append(out)
        seqs = [lib.tensor(p) for p in parts]
        for side in ("left", "right"):
            for first in (True, False):
                out.append(utils.pad_sequence(seqs, first, 7.0, side))
        packed = utils.pack_sequence(seqs, enforce_sorted=False)
        out += [packed.data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices]
        out += utils.unpack_sequence(packed)
        out += utils.unpad_sequence(utils.pad_sequence(seqs), lib.tensor([2, 4, 1]))
        out += [packed.to(lib.float32).data, utils.invert_permutation(lib.tensor([2, 0, 1]))]
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "LSTMCell"])
def test_parameters_start_uniform(kind):
    minidl.manual_seed(0)
    for p in getattr(nn, kind)(20, 100).parameters():
        value = p.detach().numpy()
        assert np.abs(value).max() <= 0.1
        assert abs(value.std() - 0.1 / 3**0.5) < 0.01
