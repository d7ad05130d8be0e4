"""transformers as the oracle: a small model with random weights, saved to a folder, read by both libraries."""

import warnings

import numpy as np
import pytest

import minidl
from minidl import models

torch = pytest.importorskip("torch", reason="transformers, the oracle here, needs torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what its own dependencies say of each other
    transformers = pytest.importorskip("transformers", "5", reason="transformers is the oracle here")
    _ = transformers.BertModel  # what it loads lazily has remarks too

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

TEXT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
BERT = dict(TEXT, vocab_size=61, max_position_embeddings=32)
GPT2 = {"vocab_size": 61, "n_embd": 24, "n_layer": 3, "n_head": 3, "n_positions": 32,
        "bos_token_id": 60, "eos_token_id": 60}  # fmt: skip
VIT = dict(TEXT, image_size=12, patch_size=4, num_channels=3)
DISTIL = {"vocab_size": 61, "dim": 24, "n_layers": 2, "n_heads": 3, "hidden_dim": 40, "max_position_embeddings": 32}
SIZES = {"Bert": BERT, "GPT2": GPT2, "ViT": VIT, "DistilBert": DISTIL}


def theirs(name, seed=0, **options):
    """transformers' model of a class, its weights all random and large enough to matter."""
    kind = getattr(transformers, name)
    family = next(f for f in SIZES if name.startswith(f))
    torch.manual_seed(seed)
    config = getattr(transformers, f"{family}Config")(**{**SIZES[family], **options})
    model = kind._from_config(config, attn_implementation="eager").eval()
    with torch.no_grad():
        for path, p in model.named_parameters():
            p.normal_(0, 0.3)
            if "norm" in path.lower() and path.endswith("weight"):
                p.add_(1)
    return model


def pair(name, folder, seed=0, **options):
    """(ours, theirs), with the same weights by way of a folder that they wrote."""
    model = theirs(name, seed, **options)
    model.save_pretrained(folder)
    ours, info = getattr(models, name).from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    return ours, model


def to_ours(value):
    return minidl.tensor(value) if isinstance(value, np.ndarray) else value


def to_theirs(value):
    return torch.tensor(value) if isinstance(value, np.ndarray) else value


def call(ours, model, **inputs):
    """Both models on the same inputs (NumPy arrays and options)."""
    return ours(**{k: to_ours(v) for k, v in inputs.items()}), model(**{k: to_theirs(v) for k, v in inputs.items()})


def close(a, b, tolerance=1e-5):
    """A result here beside theirs, however nested."""
    if isinstance(a, tuple | list):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            close(x, y, tolerance)
        return
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=tolerance, atol=tolerance)


def same_outputs(a, b, tolerance=1e-5):
    """The same results under the same names, in the same order."""
    names = [name for name in b if name not in ("cross_attentions", "cache", "past_key_values")]
    assert [name for name in a if name != "past_key_values"] == names
    for name in names:
        close(a[name], b[name], tolerance)
        assert getattr(a, name) is a[name]


def same_gradients(ours, model, tolerance=1e-4):
    """Every parameter's gradient, after backward on both sides. Ours go by their names in the file."""
    written = {name: p.grad for name, p in ours.named_parameters()}
    found = 0
    for name, p in model.named_parameters():
        mine = written[disk_name(name)]
        if p.grad is None:
            assert mine is None or not mine.numpy().any(), name
            continue
        found += 1
        scale = max(1.0, float(p.grad.abs().max()))
        np.testing.assert_allclose(mine.numpy(), p.grad.numpy(), rtol=tolerance, atol=tolerance * scale, err_msg=name)
    assert found > 10


def disk_name(name):
    """The ViT's weights have other names in transformers 5's memory than in its files."""
    for new, old in VIT_NAMES.items():
        name = name.replace(new, old) if ".layers." in name or name.startswith("layers.") else name
    return name.replace(".layers.", ".encoder.layer.") if ".layers." in name else (
        "encoder.layer." + name.removeprefix("layers.") if name.startswith("layers.") else name
    )


VIT_NAMES = {
    "attention.q_proj": "attention.attention.query", "attention.k_proj": "attention.attention.key",
    "attention.v_proj": "attention.attention.value", "attention.o_proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense", "mlp.fc2": "output.dense",
}  # fmt: skip
