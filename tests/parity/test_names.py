"""The list is PyTorch's, not ours; and the bar that it sets."""

import pytest

from .names import FAMILIES, LEFT_OUT, LIST, families, generate, in_scope, text


def test_the_list_is_what_pytorch_has():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here; install the extra 'parity'")
    written = LIST.read_text(encoding="utf-8")
    if f'torch = "{torch.__version__.split("+")[0]}"' not in written:
        pytest.skip(f"the list is of another PyTorch than {torch.__version__}")
    assert text(*generate()) == written, "run `python -m tests.parity.names`"


def test_at_most_a_tenth_is_left_out_and_each_says_why():
    names = in_scope()
    assert len(names) == len(set(names)) > 1500
    assert set(LEFT_OUT) <= set(names)
    assert len(LEFT_OUT) <= len(names) / 10
    assert all(len(why) > 10 for why in LEFT_OUT.values())


def test_a_family_is_named_once_with_its_reason():
    found = families()
    assert [name for name, _, _ in found] == [name for name, _, _ in FAMILIES]
    assert all(why and names for _, why, names in found)
    assert not {name for _, _, names in found for name in names} & set(in_scope())
