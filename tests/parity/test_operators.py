"""PyTorch's own samples of its operators: a few of each on every run, all that PARITY.md counts under --all."""

import pytest

pytest.importorskip("torch", reason="PyTorch is the oracle here; install the extra 'parity'")
pytest.importorskip("expecttest", reason="PyTorch's samples need it; install the extra 'parity'")

PARTS = 24
LISTED = pytest.mark.filterwarnings("ignore")  # PyTorch warns of its own samples


def part_of(number):
    from .operators import operators

    return list(operators())[number::PARTS]


def unknown(outcomes):
    """The failures that PARITY.md does not tell of."""
    from .report import known, reasons

    differs, missing = known()
    return list(reasons(o for o in outcomes if o.why and o.op not in differs and o.name not in missing))


@LISTED
@pytest.mark.parametrize("number", range(PARTS))
def test_what_agreed_still_agrees(number):
    from .runs import operator_outcomes

    outcomes = operator_outcomes(part_of(number), cap=8)
    assert len(outcomes) > 20
    assert not unknown(outcomes)


@LISTED
@pytest.mark.all
@pytest.mark.timeout(600)
def test_the_page_tells_what_is():
    """All samples of the committed page; its counts are the ones found now."""
    from .report import PAGE, Results, table
    from .runs import operator_outcomes

    results = Results(operator_outcomes(cap=40))
    assert not unknown(results.outcomes)
    written = PAGE.read_text(encoding="utf-8")
    found = [line[62:] for line in table(results).splitlines()]
    stale = [line for line in found if line not in written]
    assert not stale, "PARITY.md is out of date: run `python -m tests.parity`"
