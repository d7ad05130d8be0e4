"""Writing on: greedily token for token as transformers, draws that follow their probabilities, and where it ends."""

import math

import numpy as np
import pytest

import minidl
from minidl.models import GPT2Config, GPT2LMHeadModel
from minidl.models.pretrained.generation import likely, penalised

SIZES = {"vocab_size": 19, "n_embd": 12, "n_layer": 2, "n_head": 3, "n_positions": 24, "eos_token_id": 18}


@pytest.fixture
def model():
    minidl.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(**SIZES, initializer_range=0.6)).eval()


def test_greedy_is_the_likeliest_each_time(model):
    ids = [[3, 1, 4]]
    for _ in range(8):
        ids[0].append(int(model(minidl.tensor(ids)).logits[0, -1].argmax()))
        if ids[0][-1] == 18:
            break
    for cache in (True, False):
        out = model.generate(minidl.tensor([[3, 1, 4]]), max_new_tokens=8, use_cache=cache)
        assert out.tolist() == ids
    assert model.generate(minidl.tensor([[3, 1, 4]]), max_length=5).shape == (1, 5)
    assert not out.requires_grad


def test_a_cache_reads_each_token_once(model):
    lengths = []
    model.transformer.wte.register_forward_pre_hook(lambda m, args: lengths.append(args[0].shape[1]))
    model.generate(minidl.tensor([[3, 1, 4]]), max_new_tokens=4, eos_token_id=99)
    assert lengths == [3, 1, 1, 1]


def test_a_sequence_ends_and_is_padded(model):
    first = model.generate(minidl.tensor([[3, 1], [5, 2]]), max_new_tokens=6, eos_token_id=99)
    end = int(first[0, 3])
    out = model.generate(minidl.tensor([[3, 1], [5, 2]]), max_new_tokens=6, eos_token_id=[end, 98], pad_token_id=7)
    stop = first[0].tolist().index(end, 2)
    assert out[0].tolist() == (first[0, : stop + 1].tolist() + [7] * 9)[: out.shape[1]]
    alone = model.generate(minidl.tensor([[3, 1]]), max_new_tokens=6, eos_token_id=end)
    assert alone.tolist() == [first[0, : stop + 1].tolist()]  # all have ended, so it stops


def test_padding_on_the_left_changes_nothing(model):
    whole = model.generate(minidl.tensor([[3, 1, 4]]), max_new_tokens=5, eos_token_id=99)[:, 3:]
    ids, mask = minidl.tensor([[0, 0, 3, 1, 4]]), minidl.tensor([[0, 0, 1, 1, 1]])
    assert model.generate(ids, mask, max_new_tokens=5, eos_token_id=99)[:, 5:].tolist() == whole.tolist()


def test_draws_follow_the_probabilities(model):
    scores = model(minidl.tensor([[3, 1, 4]])).logits[0, -1].detach().numpy().astype(np.float64) / 1.5
    p = np.exp(scores - scores.max())
    p[np.argsort(p)[:-5]] = 0  # the five likeliest
    p /= p.sum()
    minidl.manual_seed(1)
    out = model.generate(
        minidl.tensor([[3, 1, 4]]), max_new_tokens=1, do_sample=True, temperature=1.5, top_k=5,
        num_return_sequences=4000,
    )  # fmt: skip
    found = np.bincount(out[:, -1].numpy(), minlength=19) / 4000
    assert (found[p == 0] == 0).all() and abs(found - p).max() < 0.03
    minidl.manual_seed(1)
    again = model.generate(
        minidl.tensor([[3, 1, 4]]), max_new_tokens=1, do_sample=True, temperature=1.5, top_k=5,
        num_return_sequences=4000,
    )  # fmt: skip
    assert (again.numpy() == out.numpy()).all()


def test_top_k_and_top_p():
    z = minidl.tensor([[0.4, 0.1, 0.3, 0.2]]).log()
    kept = lambda **options: (likely(z, **options)[0] > -math.inf).tolist()
    assert kept() == [True] * 4
    assert kept(top_k=2) == [True, False, True, False]
    assert kept(top_p=0.4) == [True, False, False, False]
    assert kept(top_p=0.5) == [True, False, True, False]  # the first two reach it together
    assert kept(top_p=0.95) == [True] * 4
    assert kept(top_k=3, top_p=0.5) == [True, False, True, False]  # of what top_k leaves: 0.44, 0.33, 0.22


def test_a_penalty_for_what_was_said():
    ids, mask = minidl.tensor([[3, 0, 1, 0]]), minidl.tensor([[0, 1, 1, 1]])
    assert penalised(minidl.tensor([[1.0, -1.0, 2.0, 4.0]]), ids, mask, 2.0).tolist() == [[0.5, -2.0, 2.0, 4.0]]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"temperature": 0.0}, "temperature is positive"),
        ({"top_p": 0.0}, "top_p lies in"),
        ({"max_length": 2}, "the input has 2 tokens and the whole may have 2"),
        ({"attention_mask": minidl.tensor([[1, 0]])}, "padding must be on the left"),
        ({"max_new_tokens": 40, "eos_token_id": 99}, "42 tokens in all are more than the model's 24 positions"),
    ],
)
def test_what_is_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.generate(minidl.tensor([[3, 1]]), **options)


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    from .oracle import pair

    return pair("GPT2LMHeadModel", tmp_path_factory.mktemp("gpt2"), seed=4)


@pytest.mark.parametrize("options", [{}, {"repetition_penalty": 1.7}, {"eos_token_id": [3, 9, 40, 41, 42]}], ids=str)
def test_token_for_token_with_transformers(twins, options, rng):
    from .oracle import torch

    ours, model = twins
    ids = rng.integers(1, 60, (4, 6))
    mask = (np.arange(6) >= np.array([[0], [2], [3], [5]])).astype(np.int64)
    for given in ({}, {"attention_mask": mask}):
        a = ours.generate(minidl.tensor(ids), **{k: minidl.tensor(v) for k, v in given.items()}, max_new_tokens=15,
                          pad_token_id=0, **options)  # fmt: skip
        b = model.generate(torch.tensor(ids), **{k: torch.tensor(v) for k, v in given.items()}, max_new_tokens=15,
                           pad_token_id=0, do_sample=False, **options)  # fmt: skip
        assert a.tolist() == b.tolist()


def test_the_likely_ones_are_transformers(rng):
    from .oracle import torch, transformers

    z = rng.standard_normal((3, 17)).astype(np.float32) * 2
    for k, p in [(5, 1.0), (0, 0.6), (9, 0.8), (1, 0.9), (40, 0.05)]:
        b = torch.tensor(z)
        if k:
            b = transformers.TopKLogitsWarper(k)(None, b)
        if p < 1:
            b = transformers.TopPLogitsWarper(p)(None, b)
        assert (likely(minidl.tensor(z), k, p).numpy() == b.numpy()).all()
