"""The benchmarks compare before they time, know every kernel, and the page of results is that of the kept numbers."""

import json
import sys

import numpy as np
import pytest

import minidl
from benchmarks import _table, kernels, memory, operators, peers, scaling, steps
from benchmarks._cases import OPERATIONS, once
from benchmarks._networks import STEPS, kinds, prepare_step, weights
from benchmarks._peers import BATCHES, PROGRAMS, step_of
from benchmarks._pictures import write
from benchmarks._processes import Case, agree, clock, measure
from minidl.autograd import OPS
from minidl.backend import NUMPY

TABLES = {module.TABLE.name: module for module in (steps, peers, operators, kernels, scaling, memory)}
SMALL = [name for name, one in OPERATIONS.items() if one.beside]


def test_every_kernel_has_a_row():
    """A kernel without one: add a case to benchmarks/_cases.py that names its operation."""
    assert set(kernels.kernels().values()) == {name for name, op in vars(OPS).items() if NUMPY in op.kernels}


@pytest.mark.parametrize("name", SMALL)
def test_operations_give_pytorchs_values_and_gradients(name):
    torch = pytest.importorskip("torch", reason="PyTorch is what they are compared with")
    one = OPERATIONS[name]
    size = next(iter(one.sizes.values()))
    for a, b in zip(*(once(lib, *(one.plain or one.make)(lib, *size)) for lib in (minidl, torch)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())


def test_processes_take_turns_and_are_measured():
    rows = measure("benchmarks.steps", "tiny", {"minidl": sys.executable}, rounds=1, seconds=0.01, threads=1)
    row = rows["tiny"]["minidl"]
    median, low, high = row["step"]
    assert 0 < low <= median <= high
    assert row["MB"] >= 0


class Answers:
    """A process that gives these values."""

    def __init__(self, name, *values):
        self.name, self.values = name, values

    def ask(self, word, path):
        np.savez(path, *self.values)


@pytest.mark.parametrize("other", [[1.0, 2.1], [1.0, np.nan], [[1.0, 2.0]]])
def test_what_differs_is_not_timed(other):
    agree("module", "case", [Answers("a", [1.0, 2.0]), Answers("b", [1.0, 2.00001])], 1e-4)
    with pytest.raises(SystemExit, match="module case: value 0.* of b .*nothing was timed"):
        agree("module", "case", [Answers("a", [1.0, 2.0]), Answers("b", other)], 1e-4)


def test_a_process_that_fails_says_why():
    with pytest.raises(RuntimeError, match="minidl: KeyError: 'no such step'"):
        measure("benchmarks.steps", "no such step", {"minidl": sys.executable}, rounds=1, seconds=0)


def test_phases_alternate():
    seen = []
    taken = clock({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, 0)
    assert seen == ["a", "b"]
    assert [len(t) for t in taken.values()] == [1, 1]
    taken = clock({"a": lambda: None, "b": lambda: None}, 0.001)
    assert len(taken["a"]) == len(taken["b"]) > 1


@pytest.mark.parametrize("case", list(PROGRAMS))
def test_peers_networks_are_these(case):
    """Their parameters are taken in this order, and their batches are these."""
    step, what = prepare_step(minidl, case), kinds(minidl, case)
    assert all(w.shape == shape for w, (_, shape) in zip(weights(shape for _, shape in what), what))
    assert case in STEPS
    assert np.isfinite(float(step().detach()))
    assert BATCHES[case]()[0].shape[0] == {"mlp": 128, "lenet64": 64, "vggblock": 32, "lstm": 32, "gpt": 16}[case]


@pytest.mark.parametrize("peer", ["autograd", "mygrad", "pydynet"])
def test_a_peers_losses_are_ours(peer):
    pytest.importorskip(peer, reason="a peer to compare with; none is needed")
    what = kinds(minidl, "mlp")
    theirs = step_of(peer, "mlp", [k for k, _ in what], list(weights(s for _, s in what)), *BATCHES["mlp"]())
    ours = prepare_step(minidl, "mlp")
    np.testing.assert_allclose([theirs() for _ in range(3)], [float(ours().detach()) for _ in range(3)], rtol=1e-3)


def test_the_page_is_that_of_the_numbers():
    """`python -m benchmarks._table` writes it anew."""
    assert _table.PAGE.read_text(encoding="utf-8") == _table.page()
    assert _table.RESULTS.read_text(encoding="utf-8") == _table.text(_table.read())


@pytest.mark.parametrize("name", list(_table.read()))
def test_each_section_has_its_table_and_picture(name, tmp_path):
    module, rows = TABLES[name], _table.read()[name]["rows"]
    assert (_table.FOLDER / f"pictures/{name}.png").exists()
    lines = module.TABLE.markdown(rows)
    assert len({line.count("|") for line in lines}) == 1
    assert len(lines) == len(rows) + 2
    write(module.draw(rows), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


def test_rows_are_kept_beside_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(_table, "RESULTS", tmp_path / "results.json")
    args = type("Args", (), {"rounds": 1, "seconds": 1.0, "threads": 2})
    _table.keep("t", {"b": {"x": 1}}, ["a", "b, c", "b"], args)
    kept = _table.keep("t", {"a": {"x": 2}, "b, c, 1": {"x": 3}}, ["a", "b, c", "b"], args)
    assert [(name, row["x"]) for name, row in kept.items()] == [("a", 2), ("b, c, 1", 3), ("b", 1)]
    command = json.loads(_table.RESULTS.read_text())["t"]["command"]
    assert command == "python -m benchmarks.t --rounds 1 --seconds 1.0 --threads 2 --write"


def test_a_case_has_values_and_phases():
    made = operators.prepare("minidl", "softmax")
    assert isinstance(made, Case)
    assert {tuple(phases) for phases in made.rows.values()} == {("forward", "backward")}
