"""Kneser-Ney: probabilities by hand, that they sum to one, and that more context and tuning help."""

import math

import pytest

from minidl.text import NGrams


def real_text():
    from pydoc_data import topics

    return "\n".join(topics.topics[name] for name in sorted(topics.topics))[:60_000]


def test_by_hand():
    m = NGrams(["abab", "ac"], order=2, discount=0.5)
    # Bigrams: ␂a 2, ab 2, ba 1, ac 1. Continuations: a after ␂ and b, b after a, c after a.
    p0 = 1 / 4
    pa = (2 - 0.5 + 0.5 * 3 * p0) / 4
    pb = (1 - 0.5 + 0.5 * 3 * p0) / 4
    assert m.probability("a", "") == pytest.approx(pa)
    assert m.probability("b", "a") == pytest.approx((2 - 0.5 + 0.5 * 2 * pb) / 3)
    assert m.probability("b", "xa") == m.probability("b", "a")
    assert m.probability("b", "z") == pytest.approx(pb)  # a history that was never seen
    assert m.probability("z", "a") == pytest.approx(0.5 * 2 * (0.5 * 3 * p0 / 4) / 3)
    first = (2 - 0.5 + 0.5 * 1 * pa) / 2
    assert m.bits(["a"]) == pytest.approx(-math.log2(first))


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("before", ["", "the ", "zqx", "an expressio"])
def test_probabilities_sum_to_one(order, before):
    m = NGrams([real_text()], order)
    unheard = m.probability("\x00", before)
    assert 0 < unheard < 0.1
    assert sum(m.probability(c, before) for c in m.symbols) + unheard == pytest.approx(1)


def test_tuned_on_the_validation_text():
    text = real_text()
    train, validation, test = text[:45_000], text[45_000:52_000], text[52_000:]
    best = NGrams.tuned([train], [validation], orders=range(1, 7))
    for order, discount in ((1, 0.9), (2, 0.9), (best.order, 0.5), (best.order, 0.95)):
        assert best.bits([validation]) <= NGrams([train], order, discount).bits([validation])
    assert 3 <= best.order <= 6
    assert best.bits([test]) < NGrams([train], 2).bits([test]) < NGrams([train], 1).bits([test]) < 6.6


def test_refused():
    with pytest.raises(ValueError, match="order is 1 or more"):
        NGrams(["a"], 0)
    with pytest.raises(ValueError, match="0 < discount < 1"):
        NGrams(["a"], 2, 1.0)
    assert math.isnan(NGrams(["a"], 2).bits([]))
