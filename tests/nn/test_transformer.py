"""Attention and the Transformer beside PyTorch's and beside their formula, one head and one query at a time."""

import math

import numpy as np
import pytest

import minidl
from minidl import nn

from .twins import compare, second_order, twins

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")

INF = float("inf")
ATTENTION = [
    {}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"kdim": 5, "vdim": 7}, {"batch_first": True},
    {"add_bias_kv": True, "add_zero_attn": True, "kdim": 5, "batch_first": True},
]  # fmt: skip
CALLS = [{}, {"need_weights": False}, {"average_attn_weights": False}]


def masks(L, S, N, heads):
    """Every way to hide keys; nobody loses all of them."""
    causal = np.triu(np.full((L, S), -INF), 1)
    padding = np.zeros((N, S), dtype=bool)
    padding[0, S - 2 :] = True
    each = np.zeros((N * heads, L, S), dtype=bool)
    each[1::2, :, 1] = True
    return [
        {}, {"attn_mask": causal}, {"attn_mask": causal < 0}, {"attn_mask": each}, {"key_padding_mask": padding},
        {"key_padding_mask": padding, "attn_mask": causal < 0}, {"attn_mask": np.arange(L * S).reshape(L, S) / 10.0},
        {"attn_mask": causal, "is_causal": True},
    ]  # fmt: skip


@pytest.mark.parametrize("options", ATTENTION, ids=str)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_multihead_attention_is_pytorchs(options, call, rng):
    L, S, N, E = 4, 4, 3, 6
    ours, theirs = twins(lambda nn: nn.MultiheadAttention(E, 2, **options), torch)
    sizes = (E, options.get("kdim", E), options.get("vdim", E))
    shape = lambda n, width: (N, n, width) if options.get("batch_first") else (n, N, width)
    q, k, v = (rng.normal(size=shape(n, width)) for n, width in zip((L, S, S), sizes))
    for mask in masks(L, S, N, 2):
        compare(ours, theirs, torch, rng, q, k, v, **mask, **call)
    for part in ({}, {"attn_mask": np.triu(np.ones((L, S)), 1) > 0}, {"key_padding_mask": np.arange(S) > 1}):
        single = [rng.normal(size=(n, width)) for n, width in zip((L, S, S), sizes)]
        compare(ours, theirs, torch, rng, *single, **part, **call)


@pytest.mark.parametrize("options", ATTENTION[:3], ids=str)
def test_second_order_of_attention_is_pytorchs(options, rng):
    ours, theirs = twins(lambda nn: nn.MultiheadAttention(6, 2, **options), torch)
    second_order(ours, theirs, torch, rng, *(rng.normal(size=(3, 2, 6)) for _ in range(3)))


def test_attention_is_its_formula(rng):
    """One head and one query at a time."""
    layer = nn.MultiheadAttention(6, 2).double()
    x = rng.normal(size=(4, 1, 6))
    y, weights = layer(*(minidl.tensor(x),) * 3, average_attn_weights=False)
    W, b = layer.in_proj_weight.detach().numpy(), layer.in_proj_bias.detach().numpy()
    Wo, bo = layer.out_proj.weight.detach().numpy(), layer.out_proj.bias.detach().numpy()
    q, k, v = ([W[6 * j : 6 * j + 6] @ t[0] + b[6 * j : 6 * j + 6] for t in x] for j in range(3))
    for i in range(4):
        found = []
        for h in (slice(0, 3), slice(3, 6)):
            e = [math.exp(q[i][h] @ k[j][h] / math.sqrt(3)) for j in range(4)]
            p = np.array(e) / sum(e)
            np.testing.assert_allclose(weights.detach().numpy()[0, h.start // 3, i], p, rtol=1e-12)
            found.append(sum(p[j] * v[j][h] for j in range(4)))
        np.testing.assert_allclose(y.detach().numpy()[i, 0], Wo @ np.concatenate(found) + bo, rtol=1e-10)


LAYERS = [
    {}, {"norm_first": True}, {"activation": "gelu"}, {"bias": False}, {"batch_first": True}, {"layer_norm_eps": 1e-2},
]  # fmt: skip


@pytest.mark.parametrize("options", LAYERS, ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_transformer_layers_are_pytorchs(options, training, rng):
    how = {"dim_feedforward": 5, "dropout": 0.0 if training else 0.3, **options}
    shape = lambda n: (3, n, 4) if options.get("batch_first") else (n, 3, 4)
    src, tgt = rng.normal(size=shape(5)), rng.normal(size=shape(4))
    padding = np.arange(5) >= np.array([[3], [5], [4]])
    encoder = twins(lambda nn: nn.TransformerEncoderLayer(4, 2, **how), torch)
    decoder = twins(lambda nn: nn.TransformerDecoderLayer(4, 2, **how), torch)
    for module in (*encoder, *decoder):
        module.train(training)
    square = lambda n: np.triu(np.ones((n, n)), 1) > 0
    for more in ({}, {"src_mask": square(5)}):
        compare(*encoder, torch, rng, src, **more)
    compare(*decoder, torch, rng, tgt, src)
    compare(*decoder, torch, rng, tgt, src, tgt_mask=square(4), memory_key_padding_mask=padding)
    compare(*encoder, torch, rng, src[0], src_mask=square(len(src[0])))
    if training:
        compare(*encoder, torch, rng, src, src_key_padding_mask=padding)


def test_transformers_are_pytorchs(rng):
    ours, theirs = twins(lambda nn: nn.Transformer(4, 2, 2, 2, 6, dropout=0.0, batch_first=True), torch)
    src, tgt = rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 4, 4))
    causal = ours.generate_square_subsequent_mask(4, dtype="float64").numpy()
    np.testing.assert_array_equal(causal, theirs.generate_square_subsequent_mask(4).numpy())
    padding = np.arange(5) >= np.array([[3], [5], [4]])
    compare(ours, theirs, torch, rng, src, tgt)
    compare(ours, theirs, torch, rng, src, tgt, tgt_mask=causal, tgt_is_causal=True, src_key_padding_mask=padding)
    layer = lambda nn: nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0)
    stack = twins(lambda nn: nn.TransformerEncoder(layer(nn), 2, nn.LayerNorm(4), False), torch)
    compare(*stack, torch, rng, src, mask=np.triu(np.full((3, 3), -INF), 1), is_causal=True)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):  # its others have no second derivative
        second_order(*stack, torch, rng, src)


def test_layers_of_a_stack_are_copies_of_their_own():
    layer = nn.TransformerEncoderLayer(4, 2, 6)
    stack = nn.TransformerEncoder(layer, 2)
    assert minidl.equal(stack.layers[0].linear1.weight, stack.layers[1].linear1.weight)
    assert stack.layers[0].linear1.weight is not layer.linear1.weight
    assert len({id(p) for p in stack.parameters()}) == 2 * len(list(layer.parameters()))


def test_dropout_of_attention_only_in_training():
    minidl.manual_seed(0)
    layer = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = minidl.randn(5, 2, 4)
    assert not minidl.equal(layer(x, x, x)[1], layer(x, x, x)[1])
    layer.eval()
    assert minidl.equal(layer(x, x, x)[1], layer(x, x, x)[1])


def test_a_query_without_any_key_gets_what_pytorch_gives(rng):
    """Weights asked for: NaN, as 0/0 is. Not asked for: zeros."""
    ours, theirs = twins(lambda nn: nn.MultiheadAttention(4, 2), torch)
    x = rng.normal(size=(3, 2, 4))
    hidden = np.array([[True] * 3, [False] * 3])
    with torch.no_grad(), minidl.no_grad():
        for need in (True, False):
            a, b = (lib.tensor(x) for lib in (minidl, torch))
            y, _ = ours(a, a, a, minidl.tensor(hidden), need)
            s, _ = theirs(b, b, b, torch.tensor(hidden), need)
            np.testing.assert_allclose(y.numpy(), s.numpy(), rtol=1e-10, atol=1e-12)


def test_an_empty_batch():
    layer = nn.TransformerEncoderLayer(4, 2, 6)
    assert layer(minidl.zeros(5, 0, 4)).shape == (5, 0, 4)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: nn.MultiheadAttention(5, 2), AssertionError, "divisible by num_heads"),
        (lambda: nn.MultiheadAttention(0, 2), ValueError, "greater than 0"),
        (lambda: nn.TransformerEncoderLayer(4, 2, activation="sin"), RuntimeError, "relu.*gelu"),
        (lambda: nn.Transformer(4, 2)(minidl.zeros(2, 3, 4), minidl.zeros(2, 2, 4)), RuntimeError, "batch number"),
        (lambda: nn.Transformer(4, 2)(minidl.zeros(2, 3, 5), minidl.zeros(2, 3, 4)), RuntimeError, "d_model=4"),
    ],
)
def test_refusals(call, error, words):
    with pytest.raises(error, match=words):
        call()
