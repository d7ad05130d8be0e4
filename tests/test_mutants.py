"""The mutants themselves: that they are made, found by the right check, and missed where a check is left out."""

import json

import pytest

import minidl.ops  # noqa: F401  # registers the ops
from minidl.autograd import OPS
from tests import mutants


@pytest.mark.parametrize("name", ["div", "layer_norm", "mean", "softmax"])
def test_every_fault_is_found(name, tmp_path, capsys):
    assert mutants.main(["--op", name, "--json", str(tmp_path / "found.json")]) == 0
    assert "(100.0%)" in capsys.readouterr().out
    report = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert report["caught"] == report["mutants"] == len(report["all"]) > 4


def test_each_kind_is_found_by_the_check_for_it():
    found = {(m.kind, m.change): m.caught_by for m in mutants.mutants_of(OPS.exp)}
    assert found.pop(("freeze", "y")) == "second order"
    assert found == dict.fromkeys(
        [("negate", "x"), ("double", "x"), ("zero", "x"), ("transpose", "x"),
         ("factor", "g * y → g"), ("factor", "g * y → y")], "first order",
    )  # fmt: skip


def test_a_check_that_is_left_out_is_missed(monkeypatch, capsys):
    monkeypatch.setattr(mutants, "CHECKS", ("first order", "create_graph", "formula"))
    assert mutants.main(["--op", "exp"]) == 1
    assert "SURVIVED  exp: freeze: y" in capsys.readouterr().out


def test_the_formula_is_put_back():
    formula = OPS.exp.formula
    list(mutants.mutants_of(OPS.exp))
    assert OPS.exp.formula is formula


def test_helpers_are_mutated_too():
    kinds = {(m.kind, m.change.partition(" → ")[0]) for m in mutants.mutants_of(OPS.max)}
    assert ("factor", "xp.reshape(g, shape=one) * share") in kinds, "max leaves its gradient to a helper"


def test_an_unknown_op_is_refused(capsys):
    with pytest.raises(SystemExit):
        mutants.main(["--op", "no_such_op"])
    assert "no_such_op" in capsys.readouterr().err
