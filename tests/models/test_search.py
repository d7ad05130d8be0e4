"""Greedy and beam search, on tables of probabilities small enough to try every sentence."""

import itertools
import math

import numpy as np
import pytest

import minidl
from minidl.models import beam_search, greedy_search

END, TOKENS, LONGEST = 0, 4, 4


@pytest.fixture(params=range(6))
def table(request):
    """log p(next | the last two tokens)."""
    p = np.random.default_rng(request.param).dirichlet([0.5] * TOKENS, (TOKENS, TOKENS))
    return np.log(p + 1e-9)


def scores_of(table):
    def scores(tokens, rows=None):
        t = tokens.numpy()
        before = t[:, -2] if t.shape[1] > 1 else np.zeros(len(t), int)
        return minidl.tensor(table[before, t[:, -1]])

    return scores


def log_p(table, sentence):
    row = [1, *sentence]
    return sum(table[row[k - 1] if k else 0, row[k], row[k + 1]] for k in range(len(sentence)))


def test_a_wide_beam_finds_the_best_of_all_sentences(table):
    share = lambda T: ((5 + T) / 6) ** 0.6
    ended = [[*s, END] for n in range(LONGEST) for s in itertools.product(range(1, TOKENS), repeat=n)]
    best = max(ended, key=lambda s: log_p(table, s) / share(len(s)))
    found = beam_search(scores_of(table), minidl.tensor([[1]]), END, LONGEST, beam=TOKENS**LONGEST)
    assert found == best[:-1]


def test_a_beam_of_one_without_penalty_is_greedy_until_it_ends(table):
    greedy = greedy_search(scores_of(table), minidl.tensor([[1]]), END, LONGEST)[0]
    sentence = [1, *greedy]
    for k, token in enumerate(greedy):
        assert token == table[sentence[k - 1] if k else 0, sentence[k]].argmax()
    wide = beam_search(scores_of(table), minidl.tensor([[1]]), END, LONGEST, beam=8, penalty=0.0)
    if len(greedy) < LONGEST and len(wide) < LONGEST:  # both have ended
        assert log_p(table, [*wide, END]) >= log_p(table, [*greedy, END]) - 1e-6


def test_rows_say_where_each_sentence_came_from(table):
    """What a network keeps between steps has to follow its sentence."""
    seen = []

    def scores(tokens, rows):
        if seen:
            np.testing.assert_array_equal(seen[-1][rows.numpy()], tokens[:, :-1].numpy())
        seen.append(tokens.numpy())
        return scores_of(table)(tokens)

    beam_search(scores, minidl.tensor([[1]]), END, LONGEST, beam=3)
    assert len(seen) > 1


def test_greedy_goes_on_until_all_have_ended():
    next_of = {1: 2, 2: END, 3: 3, END: END}
    scores = lambda tokens: minidl.tensor(
        [[0.0 if k == next_of[t] else -math.inf for k in range(4)] for t in tokens[:, -1].tolist()]
    )
    assert greedy_search(scores, minidl.tensor([[1], [2], [3]]), END, 5) == [[2], [], [3] * 5]
