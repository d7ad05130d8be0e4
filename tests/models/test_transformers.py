"""The networks made of attention: the same function in PyTorch, causal, and the same with and without a cache."""

import numpy as np
import pytest

import minidl
from minidl.models import (
    GPT,
    Attention,
    GPTConfig,
    Seq2Seq,
    Seq2SeqConfig,
    Transformer,
    TransformerConfig,
    VisionTransformer,
    VisionTransformerConfig,
    watch,
)
from minidl.testing import gradcheck

SMALL = TransformerConfig(source=19, target=17, width=16, hidden=24, heads=4, layers=2)
PAIRS = [(Transformer, SMALL), (Seq2Seq, Seq2SeqConfig(source=19, target=17, embedding=8, hidden=12))]


@pytest.fixture
def sentences():
    minidl.manual_seed(0)
    source, target = minidl.randint(1, 19, (3, 7)), minidl.randint(1, 17, (3, 5))
    source[1, 5:] = 0
    source[2, 3:] = 0
    return source, target


def close(a, b, tolerance=1e-5):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "kind, config, inputs",
    [
        (GPT, GPTConfig(width=16, layers=2, context=12), [(2, 9)]),
        (VisionTransformer, VisionTransformerConfig(image=8, width=16, layers=2), [(2, 3, 8, 8)]),
        *[(kind, config, [(3, 6), (3, 5)]) for kind, config in PAIRS],
    ],
)
def test_it_is_the_same_network_in_pytorch(kind, config, inputs):
    torch = pytest.importorskip("torch", reason="it is compared with PyTorch")
    from benchmarks._twin import to_torch, twin_of

    minidl.manual_seed(0)
    model = kind(config).eval()
    twin = twin_of(model).eval()
    given = [minidl.randn(*s) if len(s) == 4 else minidl.randint(1, 17, s) for s in inputs]
    ours, theirs = model(*given), twin(*map(to_torch, given))
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-4, atol=1e-5)
    ours.square().mean().backward()
    theirs.square().mean().backward()
    for (name, p), q in zip(model.named_parameters(), twin.parameters()):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-3, atol=1e-6, err_msg=name)
    assert torch.is_tensor(theirs)


@pytest.mark.parametrize("width, heads, T, S", [(8, 2, 4, 4), (6, 1, 3, 5)])
def test_attention_is_its_formula(width, heads, T, S):
    """Looked at head by head, and with the gradients of the whole."""
    minidl.manual_seed(1)
    layer = Attention(width, heads).double()
    x, m = minidl.randn(2, T, width, dtype=minidl.float64), minidl.randn(2, S, width, dtype=minidl.float64)
    q, k, v = layer.query(x), layer.key(m), layer.value(m)
    d, found = width // heads, []
    for h in range(heads):
        part = slice(h * d, (h + 1) * d)
        weights = (q[..., part] @ k[..., part].transpose(1, 2) / d**0.5).softmax(-1)
        found.append(weights @ v[..., part])
    close(layer(x, m), layer.output(minidl.cat(found, 2)), 1e-12)
    x.requires_grad_()
    m.requires_grad_()
    assert gradcheck(lambda x, m: layer(x, m), (x, m))


def test_watching_changes_nothing_but_keeps_the_weights():
    minidl.manual_seed(0)
    model = GPT(GPTConfig(width=16, layers=2, heads=2, context=8)).eval()
    x = minidl.randint(0, 65, (2, 6))
    before = model(x)
    layers = watch(model)
    close(model(x), before)
    assert len(layers) == 2
    for layer in layers:
        weights = layer.weights.detach().numpy()
        assert weights.shape == (2, 2, 6, 6) and np.allclose(weights.sum(-1), 1, atol=1e-6)
        assert not np.triu(weights, 1).any()  # nothing looks ahead
    watch(model, False)
    assert all(layer.weights is None for layer in layers)


def test_a_text_that_grows_by_one_token_gives_the_same_scores():
    minidl.manual_seed(0)
    model = GPT(GPTConfig(width=16, layers=2, context=8)).eval()
    x, cache = minidl.randint(0, 65, (2, 8)), model.empty_cache()
    parts = [model(x[:, a:b], cache) for a, b in ((0, 3), (3, 4), (4, 6), (6, 8))]
    close(minidl.cat(parts, 1), model(x))
    with pytest.raises(ValueError, match="9 tokens are more than its context of 8"):
        model(x[:, :1], cache)


def test_a_text_may_grow_beyond_the_context():
    minidl.manual_seed(0)
    model = GPT(GPTConfig(width=16, layers=1, context=8)).eval()
    x, state = minidl.randint(0, 65, (1, 13)), None
    for k in range(13):
        scores, state = model.go_on(x[:, k : k + 1], state)
    # At token 9 it began again with tokens 6 to 9, and at token 14 it would once more.
    close(scores[:, -1], model(x[:, 5:13])[:, -1])
    close(model.go_on(x)[0], model(x[:, 9:]))


@pytest.mark.parametrize("kind, config", PAIRS)
def test_what_fills_up_a_batch_changes_nothing(kind, config, sentences):
    minidl.manual_seed(0)
    model = kind(config).eval()
    source, target = sentences
    whole = model(source, target)
    for k, length in enumerate((7, 5, 3)):
        close(whole[k : k + 1], model(source[k : k + 1, :length], target[k : k + 1]))


@pytest.mark.parametrize("kind, config", PAIRS)
def test_writing_token_by_token_is_writing_at_once(kind, config, sentences):
    minidl.manual_seed(0)
    model = kind(config).eval()
    source, target = sentences
    memory, cache = model.encode(source), model.empty_cache()
    parts = [model.decode(target[:, k : k + 1], *memory, cache=cache) for k in range(5)]
    close(minidl.cat(parts, 1), model(source, target))


@pytest.mark.parametrize("kind, config", PAIRS)
def test_no_token_sees_those_after_it(kind, config, sentences):
    model = kind(config).eval()
    source, target = sentences
    other = target.clone()
    other[:, 3:] = (target[:, 3:] + 1) % 16 + 1
    close(model(source, target)[:, :3], model(source, other)[:, :3])


def test_patches_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="30 pixels are no multiple of patches of 4"):
        VisionTransformer(VisionTransformerConfig(image=30))
