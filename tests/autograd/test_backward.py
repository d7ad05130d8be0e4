"""backward, grad, hooks: what they return, what they refuse, what they leave behind."""

import numpy as np
import pytest

import minidl
from minidl.autograd import backward, grad, rematerialise


def leaf(values, dtype=minidl.float64):
    return minidl.tensor(values, dtype=dtype, requires_grad=True)


def test_gradients_add_up_until_they_are_cleared():
    x = leaf([3.0])
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [12.0]


def test_a_gradient_to_start_from():
    x = leaf([1.0, 2.0])
    (x * x).backward(minidl.tensor([1.0, 10.0], dtype=minidl.float64))
    assert x.grad.tolist() == [2.0, 40.0]
    with pytest.raises(RuntimeError, match="only a tensor with one element"):
        (x * x).backward()
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2,\)"):
        (x * x).backward(minidl.ones(3, dtype=minidl.float64))


def test_what_was_not_recorded_cannot_be_differentiated():
    with pytest.raises(RuntimeError, match="does not require gradients"):
        minidl.ones(1).sum().backward()
    with minidl.no_grad():
        y = leaf([1.0]).sum()
    with pytest.raises(RuntimeError, match="no_grad"):
        y.backward()


def test_derivatives_of_any_order():
    x = leaf([0.3, 1.2])
    g = x.sin().sum()
    for order, expected in enumerate((np.cos, lambda t: -np.sin(t), lambda t: -np.cos(t), np.sin)):
        (g,) = grad(g, [x], create_graph=True) if g.ndim == 0 else grad(g.sum(), [x], create_graph=True)
        assert np.allclose(g.detach().numpy(), expected(np.array([0.3, 1.2]))), order


def test_create_graph_puts_a_recorded_gradient_on_the_leaf():
    x = leaf([2.0])
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    penalty = (x.grad**2).sum()
    x.grad = None
    penalty.backward()
    assert np.allclose(x.grad.tolist(), [2 * 12.0 * 12.0])
    x.grad = None  # the leaf held its own graph: cut the circle


def test_grad_touches_no_leaf_and_prunes():
    x, w = leaf([2.0]), leaf([3.0])
    h = x * w
    called = []
    x.register_hook(lambda g: called.append("x"))
    y = (h * h).sum()
    (gh,) = grad(y, [h], retain_graph=True)
    assert gh.tolist() == [12.0]
    assert not called  # nothing below h was run
    gw, gh = grad(y, [w, h])
    assert (gw.tolist(), gh.tolist()) == ([24.0], [12.0])
    assert x.grad is None
    assert w.grad is None


def test_unused_inputs():
    x, unused = leaf([1.0]), leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="do not depend on input 1"):
        grad((x * x).sum(), [x, unused])
    assert grad((x * x).sum(), [x, unused], allow_unused=True)[1] is None
    assert grad((x * x).sum(), [x, unused], materialize_grads=True)[1].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="input 0.*does not require"):
        grad((x * x).sum(), [minidl.ones(1)])


def test_several_roots_share_their_graph():
    x = leaf([1.0, 2.0])
    h = x * x
    backward([h.sum(), (h * 3).sum()], None)
    assert x.grad.tolist() == [8.0, 16.0]


def test_backward_into_chosen_inputs():
    x, w = leaf([2.0]), leaf([3.0])
    h = x * w
    (h * h).sum().backward(inputs=[w])
    assert w.grad.tolist() == [24.0]
    assert x.grad is None


def test_hooks_see_and_change_gradients():
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    handle = y.register_hook(lambda g: g * 10)
    y.retain_grad()
    x.register_hook(lambda g: g + 1)
    y.sum().backward(retain_graph=True)
    assert seen == [[1.0, 1.0]]
    assert y.grad.tolist() == [10.0, 10.0]
    assert x.grad.tolist() == [21.0, 21.0]
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [24.0, 24.0]


def test_a_hook_sees_the_whole_gradient_once():
    x = leaf([1.0])
    calls = []
    x.register_hook(lambda g: calls.append(g.item()))
    (x * 2 + x * 3).sum().backward()
    assert calls == [5.0]


def test_a_hook_must_keep_the_shape():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g.sum())
    with pytest.raises(RuntimeError, match="what a hook returns"):
        (x * 2).sum().backward()
    assert x.grad is None


def test_values_that_died_come_back():
    x = leaf([1.0, 2.0])
    h = x + 1.0
    y = h * h
    node = h.node
    del h
    again = rematerialise(node)
    assert again.tolist() == [2.0, 3.0]
    assert again.node is node
    y.sum().backward()


def test_several_values_with_gradients_missing():
    x = leaf([[3.0, 1.0], [2.0, 5.0]])
    values, indices = x.max(dim=1)
    assert not indices.requires_grad
    values[0].backward()
    assert x.grad.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_second_order_after_an_in_place_write():
    x = leaf([0.5])
    h = x * 2
    h.mul_(h)
    (g,) = grad(h.sum(), [x], create_graph=True)
    (gg,) = grad(g.sum(), [x])
    assert np.allclose([g.item(), gg.item()], [4.0, 8.0])


def test_second_order_needs_every_leaf_as_it_was():
    x = leaf([1.0, 2.0])
    y = (x * 3.0).sum()
    with minidl.no_grad():
        x += 1
    with pytest.raises(RuntimeError, match="overwritten"):
        grad(y, [x], create_graph=True)
    (g,) = grad(y, [x])  # the plain one needs no value of x
    assert g.tolist() == [3.0, 3.0]
