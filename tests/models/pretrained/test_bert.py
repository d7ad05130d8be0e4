"""BERT: what its results, masks, losses and refusals promise."""

import numpy as np
import pytest

import minidl
from minidl.models import (
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertModel,
)

SIZES = {
    "vocab_size": 23, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
    "max_position_embeddings": 10,
}  # fmt: skip


def made(kind=BertModel, **options):
    """A model whose weights are large enough to matter."""
    minidl.manual_seed(3)
    return kind(BertConfig(**{**SIZES, "initializer_range": 0.5, **options})).eval()


IDS = np.array([[2, 5, 7, 11, 3], [2, 9, 3, 0, 0]])
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
KINDS = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
INPUTS = {name: minidl.tensor(a) for name, a in
          {"input_ids": IDS, "attention_mask": MASK, "token_type_ids": KINDS}.items()}  # fmt: skip


def test_results_by_attribute_key_and_position():
    model = made()
    out = model(**INPUTS)
    assert list(out) == ["last_hidden_state", "pooler_output"]
    assert out.last_hidden_state is out["last_hidden_state"] is out[0] is out.to_tuple()[0]
    assert out[:2] == (out.last_hidden_state, out.pooler_output) and out[-1] is out.pooler_output
    assert out.hidden_states is None and out.attentions is None and "attentions" not in out
    with pytest.raises(AttributeError, match="no 'logits'; it has last_hidden_state"):
        _ = out.logits
    last, pooled = model(**INPUTS, return_dict=False)
    assert (last.detach().numpy() == out[0].detach().numpy()).all() and pooled.shape == (2, 12)
    traced = made(output_hidden_states=True)(**INPUTS)
    assert len(traced.hidden_states) == 3 and traced.hidden_states[-1] is traced.last_hidden_state


def test_padding_changes_nothing():
    model = made()
    short = model(minidl.tensor(IDS[1:, :3])).last_hidden_state
    padded = model(**INPUTS).last_hidden_state[1:, :3]
    np.testing.assert_allclose(padded.detach().numpy(), short.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weights", [False, True])
def test_a_sentence_that_is_all_padding_stays_finite(weights):
    model = made(BertForMaskedLM)
    mask = minidl.tensor([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0]])
    out = model(INPUTS["input_ids"], mask, labels=INPUTS["input_ids"], output_attentions=weights)
    out.loss.backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in model.parameters() if p.grad is not None)


def test_the_masked_loss_looks_where_labels_are():
    model = made(BertForMaskedLM)
    labels = np.full((2, 5), -100)
    labels[0, 2], labels[1, 1] = 7, 4
    out = model(**INPUTS, labels=minidl.tensor(labels))
    scores = out.logits.detach().numpy().astype(np.float64)
    log = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    assert out.loss.item() == pytest.approx(-(log[0, 2, 7] + log[1, 1, 4]) / 2, rel=1e-5)
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight
    assert len(dict(model.named_parameters())) == len({id(p) for p in model.parameters()})


def test_the_losses_of_a_classifier():
    logits = lambda model: model(**INPUTS).logits.detach().numpy().astype(np.float64)
    model = made(BertForSequenceClassification, num_labels=3)
    x = logits(model)
    log = x - np.log(np.exp(x).sum(-1, keepdims=True))
    assert model(**INPUTS, labels=minidl.tensor([2, 0])).loss.item() == pytest.approx(-(log[0, 2] + log[1, 0]) / 2)
    y = np.array([[1, 0, 1], [0, 0, 1]])
    loss = np.log1p(np.exp(x)) - y * x
    assert model(**INPUTS, labels=minidl.tensor(y).float()).loss.item() == pytest.approx(loss.mean(), rel=1e-5)
    one = made(BertForSequenceClassification, num_labels=1)
    wanted = ((logits(one)[:, 0] - [0.5, -1]) ** 2).mean()
    assert one(**INPUTS, labels=minidl.tensor([0.5, -1.0])).loss.item() == pytest.approx(wanted, rel=1e-5)
    with pytest.raises(ValueError, match=r"labels \(2,\) are not one for each of logits \(2, 3\)"):
        made(BertForSequenceClassification, num_labels=3, problem_type="regression")(
            **INPUTS, labels=minidl.tensor([0.5, 1.0])
        )


def test_answers_beyond_the_text_do_not_count():
    model = made(BertForQuestionAnswering)
    both = model(**INPUTS, start_positions=minidl.tensor([1, 99]), end_positions=minidl.tensor([3, 99])).loss
    first = {name: t[:1] for name, t in INPUTS.items()}
    one = model(**first, start_positions=minidl.tensor([1]), end_positions=minidl.tensor([[3]])).loss
    assert both.item() == pytest.approx(one.item(), rel=1e-5)


def test_fine_tuning_learns():
    model = made(BertForSequenceClassification, initializer_range=0.1).train()
    optimizer = minidl.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        loss = model(**INPUTS, labels=minidl.tensor([1, 0])).loss
        loss.backward()
        optimizer.step()
    assert (model.eval()(**INPUTS).logits.argmax(-1).numpy() == [1, 0]).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: made()(), "either input_ids"),
        (lambda: made()(INPUTS["input_ids"], inputs_embeds=minidl.zeros(2, 5, 12)), "either input_ids"),
        (lambda: made()(INPUTS["input_ids"][0]), r"input_ids \(B, T\)"),
        (lambda: made()(minidl.zeros(1, 11).long()), "11 tokens is longer than the model's 10 positions"),
        (lambda: made()(INPUTS["input_ids"], minidl.ones(5)), r"attention_mask: \(B, S\)"),
        (lambda: made(hidden_act="swoosh"), "no activation 'swoosh'"),
        (lambda: made(num_attention_heads=5), "hidden_size 12 cannot be shared by 5 heads"),
        (lambda: made(is_decoder=True), "is an encoder"),
        (lambda: made(BertForSequenceClassification, problem_type="x")(**INPUTS, labels=minidl.ones(2, 2)), "type 'x'"),
    ],
)  # fmt: skip
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_model_needs_its_own_configuration():
    with pytest.raises(TypeError, match="BertModel: a BertConfig is needed, got str; BertModel.from_pretrained"):
        BertModel("bert-base-uncased")
