"""The next token: what is drawn has the probabilities that were asked for."""

import pytest

import minidl
from minidl.models import choose

SCORES = minidl.tensor([0.4, 0.3, 0.2, 0.1]).log()


def shares(**how):
    """How often each of the four tokens is drawn."""
    drawn = choose(SCORES.expand(4000, 4), generator=minidl.Generator().manual_seed(0), **how)
    assert tuple(drawn.shape) == (4000,) and drawn.dtype == "int64"
    return (minidl.bincount(drawn, minlength=4) / 4000).tolist()


@pytest.mark.parametrize(
    "how, expected",
    [
        ({}, [0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0}, [1, 0, 0, 0]),
        ({"temperature": 0.5}, [16 / 30, 9 / 30, 4 / 30, 1 / 30]),  # p² renormalised
        ({"temperature": 1e6}, [0.25] * 4),
        ({"top_k": 1}, [1, 0, 0, 0]),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_k": 9}, [0.4, 0.3, 0.2, 0.1]),
        ({"top_p": 0.39}, [1, 0, 0, 0]),
        ({"top_p": 0.65}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 1.0}, [0.4, 0.3, 0.2, 0.1]),
        ({"top_k": 3, "top_p": 0.65}, [4 / 7, 3 / 7, 0, 0]),
    ],
)
def test_shares(how, expected):
    assert shares(**how) == pytest.approx(expected, abs=0.03)
    assert all(share == 0 for share, p in zip(shares(**how), expected) if p == 0)


def test_each_row_has_its_own_order_and_a_seed_repeats():
    scores = minidl.tensor([[0.0, 9.0, 1.0], [9.0, 0.0, 1.0]])
    assert choose(scores, top_k=1).tolist() == [1, 0]
    draw = lambda seed: choose(minidl.zeros(50, 7), generator=minidl.Generator().manual_seed(seed)).tolist()
    assert draw(3) == draw(3) != draw(4)


@pytest.mark.parametrize(
    "how, message",
    [
        ({"temperature": -1.0}, "temperature is 0 .* got -1.0"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": 0}, "top_k is 1 token or more, got 0"),
        ({"top_p": 0.0}, "top_p is a probability above 0, up to 1, got 0.0"),
        ({"top_p": 1.5}, "got 1.5"),
    ],
)
def test_refused(how, message):
    with pytest.raises(ValueError, match=message):
        choose(SCORES.unsqueeze(0), **how)
