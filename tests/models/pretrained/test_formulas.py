"""The models against their formulas in NumPy (formulas.py), without another library."""

import numpy as np
import pytest

import minidl
from minidl import models

from .formulas import Weights, attention, gelu, gelu_new, near

IDS = np.array([[2, 5, 7, 11, 3], [2, 9, 3, 0, 0]])
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
KINDS = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
EVERY = np.repeat(MASK[:, None], 5, axis=1)  # each query sees every token of its row


def made(name, **sizes):
    minidl.manual_seed(3)
    family = name.split("For")[0].removesuffix("Model").removesuffix("LMHead")
    config = getattr(models, f"{family}Config")(initializer_range=0.4, **sizes)
    return getattr(models, name)(config).eval()


def bert_layer(w, x, names, see, heads=3):
    """a = LayerNorm(x + Attention(x)), LayerNorm(a + W₂ gelu(W₁ a)) with the names of one family's weights."""
    query, key, value, out, first, inner, outer, second = names
    h, p = attention(w.linear(x, query), w.linear(x, key), w.linear(x, value), heads, see)
    a = w.norm(x + w.linear(h, out), first)
    return w.norm(a + w.linear(gelu(w.linear(a, inner)), outer), second), p


def test_bert():
    model = made("BertModel", vocab_size=23, hidden_size=12, num_hidden_layers=2, num_attention_heads=3,
                 intermediate_size=20, max_position_embeddings=10)  # fmt: skip
    w = Weights(model, 1e-12)
    table = lambda name: w[f"embeddings.{name}_embeddings.weight"]
    x = w.norm(table("word")[IDS] + table("position")[:5] + table("token_type")[KINDS], "embeddings.LayerNorm")
    shares = []
    for k in range(2):
        names = [f"encoder.layer.{k}.{n}" for n in (
            "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
            "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm")]  # fmt: skip
        x, p = bert_layer(w, x, names, EVERY)
        shares.append(p)
    inputs = {"attention_mask": MASK, "token_type_ids": KINDS}
    inputs = {name: minidl.tensor(a) for name, a in inputs.items()}
    for weights in (False, True):  # attention in one operation, and by its formula
        out = model(minidl.tensor(IDS), **inputs, output_attentions=weights)
        near(out.last_hidden_state, x)
        near(out.pooler_output, np.tanh(w.linear(x[:, 0], "pooler.dense")))
    for a, b in zip(out.attentions, shares, strict=True):
        near(a, b)


@pytest.mark.parametrize("waves", [False, True])
def test_distilbert(waves):
    model = made("DistilBertForSequenceClassification", vocab_size=23, dim=12, n_layers=2, n_heads=3, hidden_dim=20,
                 max_position_embeddings=10, num_labels=3, sinusoidal_pos_embds=waves)  # fmt: skip
    w = Weights(model, 1e-12)
    position = w["distilbert.embeddings.position_embeddings.weight"]
    if waves:
        angle = np.arange(10)[:, None] / 10000 ** (np.arange(6) / 6)
        np.testing.assert_allclose(position[:, 0::2], np.sin(angle), atol=1e-6)
        np.testing.assert_allclose(position[:, 1::2], np.cos(angle), atol=1e-6)
    x = w["distilbert.embeddings.word_embeddings.weight"][IDS] + position[:5]
    x = w.norm(x, "distilbert.embeddings.LayerNorm")
    for k in range(2):
        names = [f"distilbert.transformer.layer.{k}.{n}" for n in (
            "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm",
            "ffn.lin1", "ffn.lin2", "output_layer_norm")]  # fmt: skip
        x, _ = bert_layer(w, x, names, EVERY)
    logits = w.linear(np.maximum(w.linear(x[:, 0], "pre_classifier"), 0), "classifier")
    near(model(minidl.tensor(IDS), minidl.tensor(MASK)).logits, logits)


def test_gpt2():
    model = made("GPT2LMHeadModel", vocab_size=23, n_embd=12, n_layer=2, n_head=3, n_positions=10)
    w = Weights(model, 1e-5)
    x = w["transformer.wte.weight"][IDS] + w["transformer.wpe.weight"][:5]
    for k in range(2):
        layer = f"transformer.h.{k}"
        q, key, v = np.split(w.conv1d(w.norm(x, f"{layer}.ln_1"), f"{layer}.attn.c_attn"), 3, axis=-1)
        h, p = attention(q, key, v, 3, np.tril(EVERY))
        x = x + w.conv1d(h, f"{layer}.attn.c_proj")
        h = gelu_new(w.conv1d(w.norm(x, f"{layer}.ln_2"), f"{layer}.mlp.c_fc"))
        x = x + w.conv1d(h, f"{layer}.mlp.c_proj")
    logits = w.norm(x, "transformer.ln_f") @ w["transformer.wte.weight"].T
    log = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    labels = np.where(MASK, IDS, -100)
    losses = [-log[b, t, labels[b, t + 1]] for b, t in np.ndindex(2, 4) if labels[b, t + 1] >= 0]
    for weights in (False, True):
        out = model(minidl.tensor(IDS), attention_mask=minidl.tensor(MASK), labels=minidl.tensor(labels),
                    output_attentions=weights)  # fmt: skip
        near(out.logits, logits)
        assert out.loss.item() == pytest.approx(np.mean(losses), rel=1e-4)
    near(out.attentions[-1], p)


def test_vit(rng):
    model = made("ViTForImageClassification", hidden_size=12, num_hidden_layers=2, num_attention_heads=3,
                 intermediate_size=20, image_size=[6, 8], patch_size=2, num_labels=4)  # fmt: skip
    w = Weights(model, 1e-12)
    images = rng.standard_normal((2, 3, 6, 8)).astype(np.float32)
    patches = images.reshape(2, 3, 3, 2, 4, 2).transpose(0, 2, 4, 1, 3, 5).reshape(2, 12, 12)  # rows of C × 2 × 2
    projection = "vit.embeddings.patch_embeddings.projection"
    x = patches @ w[f"{projection}.weight"].reshape(12, 12).T + w[f"{projection}.bias"]
    x = np.concatenate([np.repeat(w["vit.embeddings.cls_token"], 2, axis=0), x], axis=1)
    x = x + w["vit.embeddings.position_embeddings"]
    for k in range(2):
        layer = f"vit.encoder.layer.{k}"
        h = w.norm(x, f"{layer}.layernorm_before")
        q, key, v = (w.linear(h, f"{layer}.attention.attention.{n}") for n in ("query", "key", "value"))
        h, p = attention(q, key, v, 3, np.ones((2, 13, 13)))
        x = x + w.linear(h, f"{layer}.attention.output.dense")
        h = gelu(w.linear(w.norm(x, f"{layer}.layernorm_after"), f"{layer}.intermediate.dense"))
        x = x + w.linear(h, f"{layer}.output.dense")
    logits = w.linear(w.norm(x, "vit.layernorm")[:, 0], "classifier")
    out = model(minidl.tensor(images), output_attentions=True, output_hidden_states=True)
    near(out.logits, logits)
    near(out.attentions[-1], p)
    near(out.hidden_states[-1], x)


def test_vit_takes_images_of_its_size_or_stretches_its_positions(rng):
    model = made("ViTModel", hidden_size=12, num_hidden_layers=1, num_attention_heads=3, intermediate_size=20,
                 image_size=8, patch_size=4)  # fmt: skip
    with pytest.raises(ValueError, match="the images are 12 × 8 and the model's 8 × 8; resize"):
        model(minidl.zeros(1, 3, 12, 8))
    with pytest.raises(ValueError, match=r"pixel_values \(B, 3, H, W\) are expected, got \(1, 1, 8, 8\)"):
        model(minidl.zeros(1, 1, 8, 8))
    assert model(minidl.zeros(1, 3, 12, 8), interpolate_pos_encoding=True)[0].shape == (1, 1 + 3 * 2, 12)
    flat = model.embeddings.position_embeddings
    with minidl.no_grad():
        flat[:] = 1.0  # between equal codes lie equal codes
    near(model.embeddings.stretched((3, 2)), np.ones((1, 7, 12)))


@pytest.mark.parametrize("name, sizes", [
    ("GPT2Model", {"n_embd": 10}), ("DistilBertModel", {"dim": 10}), ("ViTModel", {"hidden_size": 10}),
])  # fmt: skip
def test_heads_that_do_not_share_the_width(name, sizes):
    with pytest.raises(ValueError, match="10 cannot be shared by 12 heads"):
        made(name, **sizes)
