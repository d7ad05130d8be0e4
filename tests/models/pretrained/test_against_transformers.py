"""The models beside transformers': outputs, losses, gradients, and folders in both directions."""

import numpy as np
import pytest

import minidl
from minidl import models

from .oracle import call, close, disk_name, pair, same_gradients, same_outputs, theirs, to_ours, torch, transformers

ALL = {"output_hidden_states": True, "output_attentions": True}
HEADS = {
    "BertForMaskedLM": {}, "BertForSequenceClassification": {"num_labels": 3}, "BertForQuestionAnswering": {},
    "DistilBertForSequenceClassification": {"num_labels": 3}, "GPT2LMHeadModel": {},
    "ViTForImageClassification": {"num_labels": 3},
}  # fmt: skip
MODELS = {"BertModel": {}, "DistilBertModel": {}, "GPT2Model": {}, "ViTModel": {}, **HEADS}


def tokens(rng, B=3, T=9):
    """Sequences of three lengths, in pairs."""
    mask = (np.arange(T) < np.array([[T], [T - 3], [2]])[:B]).astype(np.int64)
    return {"input_ids": rng.integers(1, 61, (B, T)) * mask, "attention_mask": mask}


def inputs_of(name, rng):
    if name.startswith("ViT"):
        return {"pixel_values": rng.standard_normal((2, 3, 12, 12)).astype(np.float32)}
    inputs = tokens(rng)
    if name.startswith("Bert"):
        inputs["token_type_ids"] = rng.integers(0, 2, inputs["input_ids"].shape)
    return inputs


@pytest.mark.parametrize("name", MODELS)
def test_outputs(name, tmp_path, rng):
    ours, model = pair(name, tmp_path, **MODELS[name])
    same_outputs(*call(ours, model, **inputs_of(name, rng)))
    same_outputs(*call(ours, model, **inputs_of(name, rng), **ALL))
    cache = {"use_cache": False} if name.startswith("GPT2") else {}
    a, b = call(ours, model, **inputs_of(name, rng), **ALL, **cache, return_dict=False)
    assert type(a) is tuple and len(a) > 2
    close(a, b[: len(a)])


@pytest.mark.parametrize(
    "name, options",
    [
        ("BertModel", {"hidden_act": "relu", "layer_norm_eps": 1e-5}),
        ("BertModel", {"hidden_act": "gelu_new", "num_hidden_layers": 1, "num_attention_heads": 1}),
        ("BertModel", {"type_vocab_size": 1, "pad_token_id": None}),
        ("BertForMaskedLM", {"hidden_act": "silu"}),
        ("BertForMaskedLM", {"tie_word_embeddings": False}),
        ("DistilBertModel", {"activation": "relu", "sinusoidal_pos_embds": True, "n_layers": 1}),
        ("GPT2LMHeadModel", {"n_inner": 20, "activation_function": "relu", "layer_norm_epsilon": 1e-3}),
        ("GPT2LMHeadModel", {"scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True}),
        ("GPT2LMHeadModel", {"tie_word_embeddings": False, "n_layer": 1}),
        ("ViTModel", {"qkv_bias": False, "hidden_act": "gelu_new", "pooler_output_size": 7, "pooler_act": "sigmoid"}),
        ("ViTForImageClassification", {"image_size": [12, 8], "patch_size": [2, 4], "num_channels": 1}),
    ],
)
def test_options_of_the_configuration(name, options, tmp_path, rng):
    ours, model = pair(name, tmp_path, **options)
    inputs = inputs_of(name, rng)
    if options.get("type_vocab_size") == 1:
        del inputs["token_type_ids"]
    if options.get("num_channels") == 1:
        inputs["pixel_values"] = inputs["pixel_values"][:, :1, :, :8]
    same_outputs(*call(ours, model, **inputs, **ALL))


def test_positions_and_vectors_in_place_of_words(tmp_path, rng):
    ours, model = pair("BertModel", tmp_path)
    positions = rng.integers(0, 32, (2, 5))
    vectors = rng.standard_normal((2, 5, 24)).astype(np.float32)
    same_outputs(*call(ours, model, inputs_embeds=vectors, position_ids=positions))


def test_a_mask_for_each_query(tmp_path, rng):
    ours, model = pair("BertModel", tmp_path)
    inputs = tokens(rng, B=2)
    see = rng.random((2, 1, 9, 9)) < 0.7
    see |= np.eye(9, dtype=bool)
    add = np.where(see, 0, np.finfo(np.float32).min).astype(np.float32)
    a, b = call(ours, model, input_ids=inputs["input_ids"], attention_mask=add)
    same_outputs(a, b)
    close(ours(to_ours(inputs["input_ids"]), to_ours(see[:, 0])).last_hidden_state, b.last_hidden_state)


def labels_of(name, rng, kind=None):
    if name.endswith("QuestionAnswering"):
        return {"start_positions": np.array([1, 40, 3]), "end_positions": np.array([2, 40, 8])}
    if kind == "regression":
        return {"labels": rng.standard_normal(3).astype(np.float32)}
    if kind == "multi":
        return {"labels": rng.integers(0, 2, (3, 4)).astype(np.float32)}
    if "Classification" in name:
        return {"labels": rng.integers(0, 3, 2 if name.startswith("ViT") else 3)}
    labels = rng.integers(0, 61, (3, 9))
    labels[rng.random((3, 9)) < 0.4] = -100
    return {"labels": labels}


CLASSIFIERS = [name for name in HEADS if "SequenceClassification" in name]


@pytest.mark.parametrize(
    "name, kind", [(name, None) for name in HEADS] + [(n, k) for n in CLASSIFIERS for k in ("regression", "multi")]
)
def test_losses_and_gradients(name, kind, tmp_path, rng):
    options = {**HEADS[name], **({"num_labels": 1} if kind == "regression" else {"num_labels": 4} if kind else {})}
    ours, model = pair(name, tmp_path, **options)
    a, b = call(ours, model, **inputs_of(name, rng), **labels_of(name, rng, kind))
    same_outputs(a, b)
    a.loss.backward()
    b.loss.backward()
    same_gradients(ours, model)


@pytest.mark.parametrize("name", MODELS)
def test_transformers_reads_what_is_saved_here(name, tmp_path, rng):
    family = name.split("For")[0].removesuffix("Model").removesuffix("LMHead")
    minidl.manual_seed(0)
    options = {"num_labels": 5} if "Classification" in name else {}
    config = getattr(models, f"{family}Config")(**theirs(name).config.to_dict() | options)
    ours = getattr(models, name)(config).eval()
    ours.save_pretrained(tmp_path)
    model, info = getattr(transformers, name).from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    assert not any(info.values()), info
    same_outputs(*call(ours, model, **inputs_of(name, rng), **ALL))


def test_dropout_is_on_in_training_only(tmp_path, rng):
    ours, _ = pair("BertModel", tmp_path)
    ids = to_ours(tokens(rng)["input_ids"])
    once = lambda: ours(ids).last_hidden_state.detach().numpy()
    assert (once() == once()).all()
    ours.train()
    assert (once() != once()).any()


def test_pytorchs_own_files_and_shards(tmp_path, rng):
    ours, model = pair("BertForMaskedLM", tmp_path / "one")
    model.config.save_pretrained(tmp_path / "bin")
    torch.save(model.state_dict(), tmp_path / "bin" / "pytorch_model.bin")  # with the tied weights under both names
    model.save_pretrained(tmp_path / "parts", max_shard_size="10KB")
    assert len(list((tmp_path / "parts").glob("*.safetensors"))) > 2
    for kind in ("bin", "parts"):
        other, info = type(ours).from_pretrained(tmp_path / kind, output_loading_info=True)
        assert not any(info.values())
        for name, p in ours.state_dict().items():
            assert (other.state_dict()[name].numpy() == p.numpy()).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_small_floats_become_float32(dtype, tmp_path):
    model = theirs("BertModel").to(getattr(torch, dtype))
    model.save_pretrained(tmp_path)
    ours = models.BertModel.from_pretrained(tmp_path)
    for name, p in model.state_dict().items():
        assert ours.state_dict()[name].dtype == minidl.float32
        assert (ours.state_dict()[name].numpy() == p.float().numpy()).all()


def test_gpt2_goes_on_from_what_it_has_seen(tmp_path, rng):
    ours, model = pair("GPT2LMHeadModel", tmp_path)
    ids = rng.integers(0, 61, (2, 9))
    whole = ours(to_ours(ids))
    start = ours(to_ours(ids[:, :4]))
    assert len(start.past_key_values) == 3 and start.past_key_values[0][0].shape == (2, 3, 4, 8)
    one = ours(to_ours(ids[:, 4:5]), start.past_key_values)
    rest = ours(to_ours(ids[:, 5:]), past_key_values=one.past_key_values, logits_to_keep=2)
    close(one.logits, whole.logits[:, 4:5])
    close(rest.logits, whole.logits[:, -2:])
    close(rest.past_key_values, whole.past_key_values)
    theirs_ = model(torch.tensor(ids), use_cache=True).past_key_values
    close(whole.past_key_values[1][0], theirs_.layers[1].keys)


def test_gpt2s_kinds_and_positions(tmp_path, rng):
    ours, model = pair("GPT2Model", tmp_path)
    ids, kinds = rng.integers(0, 61, (2, 5)), rng.integers(0, 61, (2, 5))
    same_outputs(*call(ours, model, input_ids=ids, token_type_ids=kinds, position_ids=rng.integers(0, 32, (2, 5))))
    vectors = rng.standard_normal((2, 5, 24)).astype(np.float32)
    same_outputs(*call(ours, model, inputs_embeds=vectors))


def test_a_vit_on_images_of_another_size(tmp_path, rng):
    ours, model = pair("ViTForImageClassification", tmp_path)
    images = rng.standard_normal((2, 3, 20, 16)).astype(np.float32)
    same_outputs(*call(ours, model, pixel_values=images, interpolate_pos_encoding=True), tolerance=1e-4)


def test_a_vit_from_what_transformers_5_has_in_memory(tmp_path, rng):
    ours, model = pair("ViTForImageClassification", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    assert any(".q_proj." in name for name in model.state_dict())
    again, info = type(ours).from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    images = to_ours(inputs_of("ViT", rng)["pixel_values"])
    close(again(images).logits, ours(images).logits)


@pytest.mark.parametrize("name", ["GPT2Model", "DistilBertModel", "ViTModel", "BertModel"])
def test_weights_start_as_theirs_do(name, tmp_path):
    """Means and deviations of every parameter, where training starts."""
    model = theirs(name)
    sizes = {"GPT2Model": {"n_embd": 96}, "DistilBertModel": {"dim": 96}}.get(name, {"hidden_size": 96})
    model = type(model)._from_config(type(model.config)(**model.config.to_dict() | sizes))
    minidl.manual_seed(0)
    ours = getattr(models, name)(getattr(models, name.replace("Model", "Config"))(**model.config.to_dict()))
    mine = dict(ours.named_parameters())
    for path, p in model.named_parameters():
        p, q = p.detach().numpy(), mine[disk_name(path)].detach().numpy()
        spread = p.std() / np.sqrt(p.size) * 10
        assert abs(p.mean() - q.mean()) <= spread and abs(p.std() - q.std()) <= spread, path
