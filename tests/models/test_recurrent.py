"""The recurrent networks of the textbooks: their equations, their state, packing, and their twins elsewhere."""

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.models import (
    CharModel,
    CharModelConfig,
    Forecaster,
    ForecasterConfig,
    SentenceClassifier,
    SentenceClassifierConfig,
    StackedRNN,
    StackedRNNConfig,
)

CELLS = ("rnn", "lstm", "gru")
SMALL = {
    "character": CharModel(CharModelConfig(vocabulary=11, embedding=5, hidden=7, layers=2, dropout=0.3)),
    "sentence": SentenceClassifier(SentenceClassifierConfig(vocabulary=11, embedding=5, hidden=4, layers=2)),
    "forecaster": Forecaster(ForecasterConfig(series=2, hidden=6, ahead=3)),
    "stacked": StackedRNN(StackedRNNConfig(vocabulary=11, embedding=5, hidden=(6, 4))),
}


def tokens(rng, *shape):
    return minidl.tensor(rng.integers(1, 11, shape))


@pytest.mark.parametrize("cell", CELLS)
def test_a_character_model_says_the_same_in_one_go_and_step_by_step(cell, rng):
    model = CharModel(CharModelConfig(vocabulary=11, cell=cell, embedding=5, hidden=7, layers=2)).eval()
    x = tokens(rng, 3, 9)
    whole, state = model(x), None
    assert tuple(whole.shape) == (3, 9, 11)
    for t in range(9):
        scores, state = model.go_on(x[:, t : t + 1], state)
        np.testing.assert_allclose(scores[:, 0].detach().numpy(), whole[:, t].detach().numpy(), rtol=1e-4, atol=1e-5)


def test_nothing_is_known_of_what_follows(rng):
    model, x = SMALL["character"].eval(), tokens(rng, 1, 8)
    other = x.clone()
    other[0, 5:] = 0
    a, b = (model(v).detach().numpy() for v in (x, other))
    np.testing.assert_array_equal(a[:, :5], b[:, :5])
    assert (a[:, 5:] != b[:, 5:]).any()


def test_what_fills_up_a_sentence_changes_nothing(rng):
    """Packed, a sentence is read up to its end: alone, among longer ones, and before more filling."""
    model = SMALL["sentence"].eval()
    sentences = [tokens(rng, n) for n in (4, 9, 1)]
    batch = nn.utils.rnn.pad_sequence(sentences, batch_first=True)
    together = model(minidl.cat([batch, minidl.zeros(3, 5, dtype=minidl.int64)], 1)).detach().numpy()
    for k, sentence in enumerate(sentences):
        np.testing.assert_allclose(model(sentence.unsqueeze(0)).detach().numpy()[0], together[k], rtol=1e-4, atol=1e-6)


def test_a_forecaster_that_has_learned_nothing_says_as_now(rng):
    model, x = SMALL["forecaster"], minidl.tensor(rng.standard_normal((4, 6, 2)).astype(np.float32))
    with minidl.no_grad():
        for parameter in model.output.parameters():
            parameter.zero_()
        y = model(x)
    np.testing.assert_array_equal(y.numpy(), np.repeat(x.numpy()[:, -1:], 3, axis=1))


def test_the_stack_is_keras_s(rng):
    """Embedding, SimpleRNN, SimpleRNN, Dense of minidl.keras, with the same weights: the same probabilities."""
    from minidl.keras import layers, models

    stack = SMALL["stacked"]
    listing = models.Sequential([
        layers.Embedding(input_dim=11, output_dim=5),
        layers.SimpleRNN(6, return_sequences=True),
        layers.SimpleRNN(4),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    listing.build((None, 7))
    of = {name: value.detach().numpy() for name, value in stack.named_parameters()}
    rnn = lambda name: [
        of[f"{name}.weight_ih_l0"].T, of[f"{name}.weight_hh_l0"].T, of[f"{name}.bias_ih_l0"] + of[f"{name}.bias_hh_l0"],
    ]  # fmt: skip
    dense = [of["output.weight"].T, of["output.bias"]]
    listing.set_weights([of["embedding.weight"], *rnn("first"), *rnn("second"), *dense])
    x = tokens(rng, 3, 7)
    np.testing.assert_allclose(listing.predict(x, verbose=0)[:, 0], stack(x).detach().numpy(), rtol=1e-5, atol=1e-6)


def test_a_cell_that_does_not_exist():
    with pytest.raises(ValueError, match="CharModel: cell is one of rnn, lstm, gru, got 'transformer'"):
        CharModel(CharModelConfig(cell="transformer"))
    with pytest.raises(ValueError, match="Forecaster: cell is one of"):
        Forecaster(ForecasterConfig(cell=""))


@pytest.mark.parametrize("name", SMALL)
def test_pytorch_runs_the_same_file(name, rng):
    torch = pytest.importorskip("torch", reason="the twin is PyTorch's")
    from benchmarks._twin import to_torch, twin_of

    model = SMALL[name].eval()
    x = minidl.tensor(rng.standard_normal((3, 8, 2)).astype(np.float32)) if name == "forecaster" else tokens(rng, 3, 8)
    if name == "sentence":
        x[1, 5:] = 0
    twin = twin_of(model).eval()
    with torch.no_grad():
        theirs = twin(to_torch(x)).numpy()
    np.testing.assert_allclose(model(x).detach().numpy(), theirs, rtol=1e-4, atol=1e-6)
