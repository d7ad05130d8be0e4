"""From a folder and to one: names of several generations, what is missing or does not fit, and the hub."""

import json
import sys
import types
import warnings

import numpy as np
import pytest

import minidl
from minidl.models import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel
from minidl.models.pretrained.weights import match_weights

SIZES = {
    "vocab_size": 11, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 6,
    "max_position_embeddings": 8,
}  # fmt: skip


def made(kind=BertModel, **options):
    minidl.manual_seed(1)
    return kind(BertConfig(**SIZES, **options))


def same(a, b):
    """The weights of two models, by name."""
    a, b = a.state_dict(), b.state_dict()
    assert a.keys() == b.keys()
    assert all((a[name].numpy() == b[name].numpy()).all() for name in a)


def rewrite(folder, change):
    """Let `change` edit the table of weights in a folder."""
    path = folder / "model.safetensors"
    tensors = change(minidl.load(path))
    minidl.save(tensors, path)


@pytest.mark.parametrize("kind", [BertModel, BertForMaskedLM, BertForSequenceClassification])
def test_there_and_back(kind, tmp_path):
    model = made(kind)
    model.save_pretrained(tmp_path / "new" / "folder")
    other, info = kind.from_pretrained(tmp_path / "new" / "folder", output_loading_info=True)
    same(model, other)
    assert not any(info.values()) and not other.training
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == ["config.json", "model.safetensors"]
    config = json.loads((tmp_path / "new" / "folder" / "config.json").read_text())
    assert config["architectures"] == [kind.__name__] and config["model_type"] == "bert"


def test_a_tied_weight_is_in_the_file_once_and_one_parameter_again(tmp_path):
    made(BertForMaskedLM).save_pretrained(tmp_path)
    assert not [name for name in minidl.load(tmp_path / "model.safetensors") if "decoder" in name]
    model = BertForMaskedLM.from_pretrained(tmp_path)
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert model.cls.predictions.decoder.bias is model.cls.predictions.bias
    apart = made(BertForMaskedLM, tie_word_embeddings=False)
    apart.save_pretrained(tmp_path)
    same(apart, BertForMaskedLM.from_pretrained(tmp_path))


def test_old_names(tmp_path):
    model = made(BertForMaskedLM)
    model.save_pretrained(tmp_path)

    def age(tensors):
        old = {}
        for name, t in tensors.items():
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            old[name] = t
        old["bert.embeddings.position_ids"] = minidl.arange(8).unsqueeze(0)
        old["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"].clone()
        return old

    rewrite(tmp_path, age)
    other, info = BertForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    same(model, other)
    assert not any(info.values())


def test_shards(tmp_path):
    model = made()
    model.save_pretrained(tmp_path)
    tensors = minidl.load(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    names = list(tensors)
    parts = {f"model-0000{k + 1}-of-00003.safetensors": names[k::3] for k in range(3)}
    for file, part in parts.items():
        minidl.save({name: tensors[name] for name in part}, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {name: file for file, part in parts.items() for name in part}}))
    same(model, BertModel.from_pretrained(tmp_path))
    index.write_text(json.dumps({"weight_map": {"pooler.dense.weight": "../model.safetensors"}}))
    with pytest.raises(ValueError, match="no table of files in this folder"):
        BertModel.from_pretrained(tmp_path)
    index.write_text(json.dumps({"weight_map": {"no.such": next(iter(parts))}}))
    with pytest.raises(ValueError, match=r"weights that no part has: no\.such"):
        BertModel.from_pretrained(tmp_path)
    index.write_text(json.dumps({"weight_map": {"no.such": "gone.safetensors"}}))
    with pytest.raises(FileNotFoundError, match="names gone.safetensors, which is not in the folder"):
        BertModel.from_pretrained(tmp_path)


def test_a_head_on_a_model_without_one_starts_anew_and_says_so(tmp_path):
    base = made()
    base.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match=r"start anew, to be trained: classifier\.weight, classifier\.bias$"):
        model = BertForSequenceClassification.from_pretrained(tmp_path, num_labels=3)
    same(base, model.bert)
    assert model.classifier.weight.shape == (3, 4) and model.classifier.weight.detach().numpy().std() < 0.1
    assert (model.classifier.bias.detach().numpy() == 0).all()


def test_a_model_without_a_head_has_no_use_for_one(tmp_path):
    model = made(BertForSequenceClassification)
    model.save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        base, info = BertModel.from_pretrained(tmp_path, output_loading_info=True)
    same(base, model.bert)
    assert sorted(info["unexpected_keys"]) == ["classifier.bias", "classifier.weight"]
    with pytest.warns(UserWarning, match="left out: .*classifier.weight"):
        BertForMaskedLM.from_pretrained(tmp_path)


def test_what_is_missing_and_what_is_too_much_is_named(tmp_path):
    made().save_pretrained(tmp_path)

    def change(tensors):
        del tensors["encoder.layer.0.output.dense.bias"]
        return {**tensors, "encoder.layer.7.output.dense.bias": minidl.zeros(4)}

    rewrite(tmp_path, change)
    with pytest.warns(UserWarning, match=r"start anew.*layer\.0\.output\.dense\.bias; .*left out: encoder\.layer\.7"):
        model, info = BertModel.from_pretrained(tmp_path, output_loading_info=True)
    assert info["missing_keys"] == ["encoder.layer.0.output.dense.bias"]
    assert info["unexpected_keys"] == ["encoder.layer.7.output.dense.bias"]
    assert (model.encoder.layer[0].output.dense.bias.detach().numpy() == 0).all()
    assert np.isfinite(model(minidl.tensor([[1, 2]]))[0].detach().numpy()).all()


def test_wrong_shapes_are_refused_or_start_anew(tmp_path):
    made(BertForSequenceClassification, num_labels=3).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"classifier\.weight is \(3, 4\) in the file and \(2, 4\) in the model"):
        BertForSequenceClassification.from_pretrained(tmp_path, num_labels=2)
    with pytest.warns(UserWarning, match=r"start anew, to be trained: classifier\.(weight|bias)"):
        model, info = BertForSequenceClassification.from_pretrained(
            tmp_path, num_labels=2, ignore_mismatched_sizes=True, output_loading_info=True
        )
    assert model(minidl.tensor([[1, 2]])).logits.shape == (1, 2)
    assert {name for name, _, _ in info["mismatched_keys"]} == {"classifier.weight", "classifier.bias"}


def test_another_models_file_is_refused(tmp_path):
    made().save_pretrained(tmp_path)
    rewrite(tmp_path, lambda tensors: {"conv.weight": minidl.zeros(2)})
    with pytest.raises(ValueError, match=r"none of the model's weights. It has conv\.weight; the model needs embed"):
        BertModel.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    with pytest.raises(ValueError, match="of model_type 't5', 'bert' is expected"):
        BertModel.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config\.json is no JSON"):
        BertModel.from_pretrained(tmp_path)


def test_a_kept_configuration(tmp_path):
    config = BertConfig(**SIZES, num_labels=3, my_own=[1, 2], hidden_act="relu")
    config.id2label = {0: "bad", 1: "so-so", 2: "good"}
    config.label2id = {name: k for k, name in config.id2label.items()}
    config.save_pretrained(tmp_path)
    again = BertConfig.from_pretrained(tmp_path)
    assert again == config and again.to_dict() == config.to_dict()
    assert again.num_labels == 3 and again.id2label[2] == "good" and again.label2id["bad"] == 0
    assert again.my_own == [1, 2] and again.hidden_act == "relu"
    changed = BertConfig.from_pretrained(tmp_path, num_labels=2, output_attentions=True)
    assert changed.id2label == {0: "LABEL_0", 1: "LABEL_1"} and changed.output_attentions
    with pytest.raises(AttributeError, match="BertConfig has no 'no_such'"):
        _ = config.no_such


def test_arguments_of_the_model_and_its_configuration_by_keyword(tmp_path):
    made().save_pretrained(tmp_path)
    model = BertModel.from_pretrained(tmp_path, add_pooling_layer=False, hidden_dropout_prob=0.0)
    assert model.pooler is None and model.embeddings.dropout.p == 0
    half = BertModel.from_pretrained(tmp_path, dtype=minidl.float64)
    assert half.dtype == minidl.float64


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


def fake_hub(monkeypatch, download):
    hub = types.ModuleType("huggingface_hub")
    hub.snapshot_download = download
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)


def test_a_name_on_the_hub_is_downloaded_once(home, monkeypatch):
    calls = []

    def download(name, local_dir=None, allow_patterns=None, local_files_only=False):
        if local_files_only:
            raise FileNotFoundError("nothing in the cache")
        calls.append(name)
        made().save_pretrained(local_dir)

    fake_hub(monkeypatch, download)
    same(made(), BertModel.from_pretrained("google/tiny-bert"))
    same(made(), BertModel.from_pretrained("google/tiny-bert"))
    assert calls == ["google/tiny-bert"] and (home / "models/google/tiny-bert/config.json").is_file()


def test_what_the_hubs_own_cache_has_is_taken_from_there(home, tmp_path, monkeypatch):
    made().save_pretrained(tmp_path / "snapshot")

    def download(name, local_files_only):
        return str(tmp_path / "snapshot")

    fake_hub(monkeypatch, download)
    same(made(), BertModel.from_pretrained("tiny-bert"))
    assert not home.exists()


def test_a_name_without_the_files_that_are_needed(home, monkeypatch):
    def download(name, local_dir=None, allow_patterns=None, local_files_only=False):
        if local_files_only:
            raise FileNotFoundError("nothing in the cache")
        made().config.save_pretrained(local_dir)

    fake_hub(monkeypatch, download)
    with pytest.raises(FileNotFoundError, match=r"'tiny-bert' on the hub has no model\.safetensors or "):
        BertModel.from_pretrained("tiny-bert")


def test_without_a_network_or_the_hub_it_says_which_files_go_where(home, monkeypatch):
    def download(name, local_dir=None, allow_patterns=None, local_files_only=False):
        raise OSError("no route to host")

    fake_hub(monkeypatch, download)
    with pytest.raises(FileNotFoundError) as told:
        BertModel.from_pretrained("bert-base-uncased")
    for words in ("no route to host", str(home / "models" / "bert-base-uncased"), "config.json", "vocab.txt",
                  "model.safetensors", "https://huggingface.co/bert-base-uncased"):  # fmt: skip
        assert words in str(told.value)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FileNotFoundError, match=r"needs huggingface_hub: pip install 'minidl\[nlp\]'"):
        BertModel.from_pretrained("bert-base-uncased")


def test_a_folder_without_the_files_says_what_it_has(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(FileNotFoundError, match=r"has no model\.safetensors or .*; there is notes\.txt"):
        BertModel.from_pretrained(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder '.*missing', and it is no name on the hub"):
        BertModel.from_pretrained(tmp_path / "missing")


def test_matching_takes_either_name_of_a_tied_weight():
    t = minidl.zeros(2)
    match = match_weights({"head.w": t}, {"base.w": (2,), "head.w": (2,)}, "base.", tied={"head.w": "base.w"})
    assert match.found == {"base.w": t} and not match.missing and not match.unexpected
