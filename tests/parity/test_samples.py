"""PyTorch's own samples: a few of each on every run, all that PARITY.md counts under --all."""

import pytest

pytest.importorskip("torch", reason="PyTorch is the oracle here; install the extra 'parity'")
pytest.importorskip("expecttest", reason="PyTorch's samples need it; install the extra 'parity'")

PARTS = 24


def unknown(outcomes):
    """The failures that PARITY.md does not tell of."""
    from .report import known, reasons

    differs, missing = known()
    return list(reasons(o for o in outcomes if o.why and o.op not in differs and o.name not in missing))


@pytest.mark.parametrize("number", range(PARTS))
def test_what_agreed_still_agrees(number):
    from .runs import run, titles

    outcomes = [o for title in titles()[number::PARTS] for o in run(title, cap=4)]
    assert len(outcomes) > 20
    assert not unknown(outcomes)


def test_the_page_keeps_the_bar():
    from .report import BARS, figures

    assert {what: figures()[what] >= bar for what, bar in BARS.items()} == dict.fromkeys(BARS, True)


@pytest.mark.all
@pytest.mark.timeout(600)
def test_the_page_tells_what_is():
    from .report import PAGE, Results, table
    from .runs import outcomes

    results = Results(outcomes(cap=40))
    assert not unknown(results.outcomes)
    written = PAGE.read_text(encoding="utf-8")
    stale = [line for line in table(results).splitlines() if line.split("  ")[-1].strip() not in written]
    assert not stale, "PARITY.md is out of date: run `python -m tests.parity`"
