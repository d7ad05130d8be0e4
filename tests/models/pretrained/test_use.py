"""How the pretrained models are used: the documents' listing, the Auto classes, devices, loaders, more tokens."""

import numpy as np
import pytest

import minidl
from minidl import models
from minidl.data import DataLoader
from minidl.models import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageClassification,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertModel,
    BertTokenizer,
)

VOCAB = "[PAD] [UNK] [CLS] [SEP] [MASK] hello , my dog is cute . not".split()
TEXT = {"num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 13, "hidden_size": 8}
BERT = {**TEXT, "intermediate_size": 16, "max_position_embeddings": 12}
FAMILIES = {
    "bert": models.BertConfig(**BERT),
    "distilbert": models.DistilBertConfig(vocab_size=13, dim=8, n_layers=1, n_heads=2, hidden_dim=16),
    "gpt2": models.GPT2Config(vocab_size=13, n_embd=8, n_layer=1, n_head=2, n_positions=12, eos_token_id=12),
    "vit": models.ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                            image_size=8, patch_size=4),
}  # fmt: skip
IDS = [[2, 5, 7, 3], [2, 8, 3, 0]]

LISTING = """
from transformers import BertTokenizer, BertModel

tokenizer = BertTokenizer.from_pretrained("bert-base-uncased")
model = BertModel.from_pretrained("bert-base-uncased")

inputs = tokenizer("Hello, my dog is cute", return_tensors="pt")
outputs = model(**inputs)

last_hidden_states = outputs.last_hidden_state
"""


def made(kind=BertModel, **options):
    minidl.manual_seed(0)
    return kind(BertConfig(**BERT, **options)).eval()


def test_the_documents_listing_with_its_import_line_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path))
    folder = tmp_path / "models" / "bert-base-uncased"  # where a download would put it
    made().save_pretrained(folder)
    BertTokenizer(VOCAB).save_pretrained(folder)
    names = {}
    exec(LISTING.replace("from transformers", "from minidl.models"), names)
    assert names["inputs"].input_ids.tolist() == [[2, 5, 6, 7, 8, 9, 10, 3]]
    assert names["last_hidden_states"].shape == (1, 8, 8)
    again = made()(minidl.tensor([[2, 5, 6, 7, 8, 9, 10, 3]])).last_hidden_state
    np.testing.assert_allclose(names["last_hidden_states"].detach().numpy(), again.detach().numpy(), rtol=1e-6)


HEADS = {
    "bert": {AutoModelForMaskedLM: "BertForMaskedLM", AutoModelForQuestionAnswering: "BertForQuestionAnswering",
             AutoModelForSequenceClassification: "BertForSequenceClassification", AutoModel: "BertModel"},
    "distilbert": {AutoModel: "DistilBertModel",
                   AutoModelForSequenceClassification: "DistilBertForSequenceClassification"},
    "gpt2": {AutoModel: "GPT2Model", AutoModelForCausalLM: "GPT2LMHeadModel"},
    "vit": {AutoModel: "ViTModel", AutoModelForImageClassification: "ViTForImageClassification"},
}  # fmt: skip


@pytest.mark.parametrize("family, auto", [(f, auto) for f, kinds in HEADS.items() for auto in kinds])
def test_the_class_by_the_file(family, auto, tmp_path):
    model = auto.from_config(FAMILIES[family])
    assert type(model).__name__ == HEADS[family][auto]
    model.save_pretrained(tmp_path)
    again = auto.from_pretrained(tmp_path)
    assert type(again) is type(model) and AutoConfig.from_pretrained(tmp_path) == FAMILIES[family]
    state = model.state_dict()
    assert all((t.numpy() == state[name].numpy()).all() for name, t in again.state_dict().items())


def test_no_class_for_the_file(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    for kind in (AutoConfig, AutoModel, AutoTokenizer):
        with pytest.raises(ValueError, match="is of a 't5' model; there is bert, distilbert, gpt2"):
            kind.from_pretrained(tmp_path)


def test_the_tokenizer_by_the_file(tmp_path):
    BertTokenizer(VOCAB).save_pretrained(tmp_path)
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is BertTokenizer
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "DistilBertTokenizerFast"}')
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is models.DistilBertTokenizer
    (tmp_path / "tokenizer_config.json").write_text("{}")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is BertTokenizer


def test_every_name_is_there():
    for name in models.FILES["pretrained"]:
        assert getattr(models, name).__name__ == name


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_on_every_device(device, family, weights):
    minidl.manual_seed(0)
    model = AutoModel.from_config(FAMILIES[family]).eval()
    x = minidl.randn(2, 3, 8, 8) if family == "vit" else minidl.tensor(IDS)
    mask = {} if family == "vit" else {"attention_mask": minidl.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])}
    here = model(x, **mask, output_attentions=weights)
    model.to(device)
    there = model(x.to(device), **{k: v.to(device) for k, v in mask.items()}, output_attentions=weights)
    there.last_hidden_state.sum().backward()
    assert all(p.grad is None or p.grad.device == p.device for p in model.parameters())
    np.testing.assert_allclose(
        there.last_hidden_state.detach().cpu().numpy(), here.last_hidden_state.detach().numpy(), rtol=1e-5, atol=1e-6
    )


def test_generating_on_every_device(device):
    minidl.manual_seed(0)
    model = AutoModelForCausalLM.from_config(FAMILIES["gpt2"]).eval()
    here = model.generate(minidl.tensor(IDS), max_new_tokens=4)
    there = model.to(device).generate(minidl.tensor(IDS).to(device), max_new_tokens=4, repetition_penalty=1.0)
    assert there.tolist() == here.tolist()
    drawn = model.generate(minidl.tensor(IDS).to(device), max_new_tokens=2, do_sample=True, top_p=0.9, top_k=5)
    assert drawn.shape == (2, 6) and drawn.device == minidl.tensor(0).to(device).device


def test_saving_from_every_device(device, tmp_path):
    model = made(BertForMaskedLM).to(device)
    model.save_pretrained(tmp_path)
    again = BertForMaskedLM.from_pretrained(tmp_path).state_dict()
    assert all((t.cpu().numpy() == again[name].numpy()).all() for name, t in model.state_dict().items())


SENTENCES = [("my dog is cute .", 1), ("my dog is not cute", 0), ("hello , dog", 1), ("not , not my dog .", 0)]


class Collate:
    """Sentences to a batch; a class, so that worker processes can have it where nothing forks."""

    def __init__(self):
        self.tokenizer = BertTokenizer(VOCAB)

    def __call__(self, items):
        batch = self.tokenizer([text for text, _ in items], padding=True, return_tensors="pt")
        batch["labels"] = minidl.tensor([label for _, label in items])
        return batch


@pytest.mark.parametrize("workers", [0, 1])
def test_fine_tuning_from_a_loader(workers):
    model = made(BertForSequenceClassification).train()
    optimizer = minidl.optim.AdamW(model.parameters(), lr=5e-3)
    loader = DataLoader(SENTENCES, 2, shuffle=True, collate_fn=Collate(), num_workers=workers)
    for _ in range(25):
        for batch in loader:
            optimizer.zero_grad()
            loss = model(**batch).loss
            loss.backward()
            optimizer.step()
    model.eval()
    whole = Collate()(SENTENCES)
    assert (model(**whole).logits.argmax(-1) == whole.labels).all()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("number", [15, 10, 13])
@pytest.mark.parametrize("family, auto", [("bert", AutoModelForMaskedLM), ("gpt2", AutoModelForCausalLM)])
def test_room_for_more_tokens(family, auto, number, tied, tmp_path):
    minidl.manual_seed(0)
    config = type(FAMILIES[family])(**{**FAMILIES[family].to_dict(), "tie_word_embeddings": tied})
    model = auto.from_config(config).eval()
    ids = minidl.tensor([[2, 5, 7, 3]])
    before = model(ids).logits.detach().numpy()
    assert model.resize_token_embeddings(number) is model.get_input_embeddings()
    after = model(ids).logits
    both = min(number, 13)
    assert after.shape[-1] == number == model.config.vocab_size
    np.testing.assert_allclose(after.detach().numpy()[..., :both], before[..., :both], rtol=1e-5, atol=1e-6)
    after.sum().backward()
    model.save_pretrained(tmp_path)
    again = auto.from_pretrained(tmp_path)
    np.testing.assert_allclose(again(ids).logits.detach().numpy(), after.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_no_tokens_to_resize():
    with pytest.raises(TypeError, match="ViTModel takes no tokens"):
        AutoModel.from_config(FAMILIES["vit"]).resize_token_embeddings(3)


def test_other_parts_of_minidl_take_them():
    model = made(BertForSequenceClassification)
    ids = minidl.tensor(IDS)
    assert minidl.summary(model, ids, verbose=0).total_params == model.num_parameters()
    state = dict(model.named_parameters())
    out = minidl.func.functional_call(model, state, (ids,))
    assert (out.logits.detach().numpy() == model(ids).logits.detach().numpy()).all()
    for p in model.bert.parameters():
        p.requires_grad_(False)
    assert model.num_parameters(only_trainable=True) == 8 * 2 + 2
    assert model.base_model is model.bert and model.dtype == minidl.float32 and str(model.device) == "cpu"


def test_what_bert_cannot_be():
    with pytest.raises(ValueError, match="position_embedding_type 'relative_key': only 'absolute'"):
        made(position_embedding_type="relative_key")
