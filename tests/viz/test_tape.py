"""The tape says what ran, in which order, from what, on which line and in which module; and changes nothing."""

import sys

import numpy as np
import pytest

import minidl
from minidl import nn, viz
from minidl.autograd import Tensor
from minidl.nn import functional as F
from minidl.viz.tape import tape_of

from .graphs import ALL, mlp


@pytest.mark.parametrize("name", ALL)
def test_entries_stand_in_order_with_the_values_of_the_run(name):
    loss, names = ALL[name]()
    tape = tape_of(loss, names)
    assert tape.root is tape.entries[-1]
    assert [e.index for e in tape.entries] == list(range(len(tape.entries)))
    for e in tape.entries:
        assert all(o.index < e.index for o in e.operands if hasattr(o, "index"))
        assert all(user.operands[place] is e for user, place in e.uses)
    np.testing.assert_array_equal(tape.root.value, loss.detach().numpy())
    for name, value in names.items():
        if isinstance(value, Tensor):
            np.testing.assert_array_equal(next(e for e in tape.entries if e.variable == name).value, value.detach())


def test_a_recorded_operation_knows_its_line_and_its_module():
    loss, names = mlp()
    tape = tape_of(loss, names)
    linear = next(e for e in tape.entries if e.variable == "h")
    source = linear.origin.source
    assert source.file == mlp.__code__.co_filename
    assert source.text.strip() == "h = model(x)"
    assert source.text[slice(*source.columns)] == "model(x)"
    assert [(call.name, call.kind) for call in linear.origin.calls] == [("Sequential", "Sequential"), ("2", "Linear")]
    power = next(e for e in tape.entries if e.name == "pow")
    assert power.origin.source.text[slice(*power.origin.source.columns)] == "model[0].weight ** 2"
    assert not power.origin.calls


def test_parameters_are_called_by_their_paths_and_stand_in_their_module():
    loss, names = mlp()
    tape = tape_of(loss, names)
    bias = next(e for e in tape.entries if e.variable == "2.bias")
    assert [call.kind for call in tape.groups_of(bias)] == ["Sequential", "Linear"]
    shared = next(e for e in tape.entries if e.variable == "0.weight")  # also used outside, by the penalty
    assert tape.groups_of(shared) == ()


def test_the_entries_of_a_call_stand_together():
    """So folding a module never makes a circle, even one that is called again and again."""
    from .graphs import lstm

    loss, names = lstm(steps=3)
    tape = tape_of(loss, names)
    cells = [call for call in tape.groups if call.kind == "LSTMStep"]
    assert len(cells) == 3
    for call in tape.groups:
        inside = [e.index for e in tape.ops if call in e.origin.calls]
        between = [e for e in tape.ops if inside[0] <= e.index <= inside[-1]]
        assert len(between) == len(inside)


def test_nothing_is_noted_outside_the_block():
    before = sys.getprofile()
    x = minidl.ones(3, requires_grad=True)
    with pytest.raises(ZeroDivisionError), viz.record():
        assert sys.getprofile() is not before
        raise ZeroDivisionError
    assert sys.getprofile() is before
    tape = tape_of((x * 2).sum())
    assert all(e.origin.source is None and e.origin.calls == () for e in tape.entries)
    assert tape.entries[1].formula.startswith("y = a b")


def test_a_module_that_raises_is_left_all_the_same():
    model = nn.Linear(2, 2)
    x = minidl.ones(2, requires_grad=True)
    with viz.record():
        with pytest.raises(ValueError, match="takes 2"):
            model(minidl.ones(3))
        y = x * 2
    assert tape_of(y).ops[0].origin.calls == ()


def test_of_an_op_with_several_values_only_the_used_are_entries():
    x = minidl.randn(3, 4, requires_grad=True)
    values, _ = x.sort(dim=1)
    one = tape_of((values * 2).sum())
    assert "value" not in [e.name for e in one.entries]
    q, r = minidl.linalg.qr(x.T) if hasattr(minidl.linalg, "qr") else (values, values)
    both = tape_of((q * 1.0).sum() + (r * 2.0).sum())
    np.testing.assert_allclose(both.root.value, ((q * 1.0).sum() + (r * 2.0).sum()).detach(), rtol=1e-6)


def test_a_freed_or_overwritten_graph_is_refused():
    x = minidl.ones(3, requires_grad=True)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        tape_of(loss)
    loss = (x * x).sum()
    with minidl.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="overwritten in place"):
        tape_of(loss)
    with pytest.raises(RuntimeError, match="does not require gradients"):
        tape_of(minidl.ones(3))


def test_shapes_alone_cost_no_second_forward_pass():
    loss, names = ALL["lenet"]()
    with_values, without = tape_of(loss, names), tape_of(loss, names, values=False)
    assert [e.shape for e in with_values.entries] == [e.shape for e in without.entries]


def test_an_empty_cell_of_a_closure_is_passed_over():
    """Looking for captured arrays met a name that the formula had not bound: `Cell is empty`."""
    h = minidl.randn(3, 2, requires_grad=True) * 1
    loss = F.cross_entropy(h, minidl.tensor([0, 1, 0]))
    with minidl.no_grad():
        h += 1
    try:
        loss.backward()
    except RuntimeError as error:
        assert "overwritten" in str(error)
