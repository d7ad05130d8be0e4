"""Function: operations with a forward and a backward of the user's own."""

import gc
import weakref

import numpy as np
import pytest

import minidl
from minidl import Tensor, nn
from minidl.autograd import Function, grad
from minidl.autograd.function import once_differentiable
from minidl.testing import gradcheck, gradgradcheck


def numbers(*values, grad=True):
    return Tensor(np.array(values, float), grad)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * g


class Exp(Function):
    """Saves its result."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Scale(Function):
    """Takes what is no tensor, and asks what is needed."""

    asked = None

    @staticmethod
    def forward(ctx, x, w, factor, name="f"):
        ctx.save_for_backward(x, w)
        ctx.factor = factor
        return x * w * factor

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        Scale.asked = ctx.needs_input_grad
        return g * w * ctx.factor, g * x * ctx.factor if ctx.needs_input_grad[1] else None, None, None


class Halves(Function):
    """Two results, in the form with setup_context."""

    @staticmethod
    def forward(x):
        return x[: x.shape[0] // 2] * 2, x[x.shape[0] // 2 :] ** 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[0], output[1])

    @staticmethod
    def backward(ctx, a, b):
        x, _ = ctx.saved_tensors
        return minidl.cat([a * 2, b * 2 * x[x.shape[0] // 2 :]])


@pytest.mark.parametrize("function", [Cube, Exp, Halves])
def test_derivatives(function, rng):
    x = Tensor(rng.normal(size=4), True)
    gradcheck(function.apply, [x])
    gradgradcheck(function.apply, [x])


def test_third_order():
    x = numbers(2.0)
    y = Cube.apply(x).sum()
    for expected in (12, 12, 6):
        (y,) = grad([y.sum()], [x], create_graph=True)
        assert y.item() == expected


def test_what_is_no_tensor_gets_no_gradient():
    x, w = numbers(1, 2), numbers(3, 4, grad=False)
    y = Scale.apply(x, w, 10.0, "g")
    y.sum().backward()
    assert x.grad.tolist() == [30, 40]
    assert w.grad is None
    assert Scale.asked == (True, False, False, False)
    assert not Scale.apply(w, w, 2.0).requires_grad


def test_a_result_that_nothing_depends_on_gives_zeros_or_none():
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x, fills):
            ctx.set_materialize_grads(fills)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, a, b):
            seen.append(b)
            return a if b is None else a + 2 * b, None

    x = numbers(1, 2)
    Two.apply(x, True)[0].sum().backward()
    Two.apply(x, False)[0].sum().backward()
    assert seen[0].tolist() == [0, 0]
    assert seen[1] is None
    assert x.grad.tolist() == [2, 2]


def test_mark_non_differentiable():
    class Sorted(Function):
        @staticmethod
        def forward(ctx, x):
            y, order = x.sort()
            where = order.double()
            ctx.mark_non_differentiable(order, where)
            ctx.save_for_backward(order)
            return y, order, where

        @staticmethod
        def backward(ctx, g, g1, g2):
            (order,) = ctx.saved_tensors
            assert g2.tolist() == [0, 0, 0]
            return minidl.zeros_like(g).index_put((order,), g)

    x = numbers(3, 1, 2)
    y, order, where = Sorted.apply(x)
    assert y.requires_grad
    assert not order.requires_grad
    assert not where.requires_grad
    (y * numbers(10, 20, 30, grad=False)).sum().backward()
    assert x.grad.tolist() == [30, 10, 20]


def test_mark_dirty_writes_into_the_argument():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    x = numbers(1, 2)
    y = x * 3
    z = Double.apply(y)
    assert z is y
    (z * z).sum().backward()
    assert x.grad.tolist() == [72, 144]
    with pytest.raises(RuntimeError, match="leaf that requires gradients"):
        Double.apply(numbers(1, 2))

    class Lost(Double):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x + 1

    with pytest.raises(RuntimeError, match="must be returned"):
        Lost.apply(y)


def test_what_was_saved_and_then_overwritten_is_refused():
    x = numbers(1, 2)
    y = x * 1
    z = Cube.apply(y)
    y += 1
    with pytest.raises(RuntimeError, match="overwritten in place"):
        z.sum().backward()


def test_once_differentiable():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x, v = numbers(1, 2), numbers(1, 1)
    y = Square.apply(x)
    (g,) = grad([y], [x], [v], create_graph=True)
    assert g.tolist() == [2, 4]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad([g.sum()], [v])
    y = Square.apply(x)
    y.sum().backward()
    assert x.grad.tolist() == [2, 4]


def wrong(gradients, forward=lambda ctx, x, n: x * n):
    """A Function whose backward returns these."""
    return type(
        "Wrong", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(lambda ctx, g: gradients(g))}
    )


@pytest.mark.parametrize(
    "gradients, message",
    [
        (lambda g: g, r"incorrect number of gradients \(expected 2, got 1\)"),
        (lambda g: (g, None, g), r"incorrect number of gradients \(expected 2, got 3\)"),
        (lambda g: (g[:1], None), r"invalid gradient at index 0: got \(1,\) but expected shape compatible with \(2,\)"),
        (lambda g: (g, g), "gradient 1 must be None"),
        (lambda g: (1.0, None), "gradient 0 must be a tensor or None, got 1.0"),
    ],
)
def test_wrong_gradients_are_told(gradients, message):
    y = wrong(gradients).apply(numbers(1, 2), 3.0)
    with pytest.raises((RuntimeError, TypeError), match=message):
        y.sum().backward()


def test_what_fits_by_broadcasting_is_added_up():
    x = numbers(1, 2)
    wrong(lambda g: (minidl.ones(3, 2).double(), None, None)).apply(x, 3.0).sum().backward()
    assert x.grad.tolist() == [3, 3]


def test_misuse_is_told():
    class NotStatic(Function):
        def forward(ctx, x):
            return x

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(RuntimeError, match="NotStatic.forward must be a static method"):
        NotStatic.apply(numbers(1))
    with pytest.raises(NotImplementedError, match="backward"):
        NoBackward.apply(numbers(1)).sum().backward()
    with pytest.raises(RuntimeError, match=r"call Cube.apply\(...\)"):
        Cube()
    y = Cube.apply(numbers(1, 2)).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="freed by an earlier backward"):
        y.backward()


def test_it_records_nothing_under_no_grad_and_leaves_no_cycle():
    with minidl.no_grad():
        assert not Cube.apply(numbers(1)).requires_grad
    gc.disable()
    try:
        x = numbers(1, 2)
        y = Exp.apply(x * 1)
        alive = weakref.ref(y.node)
        del y
        assert alive() is None
    finally:
        gc.enable()


def test_inside_a_module():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x):
            return Cube.apply(self.fc(x))

    net, x = Net(), Tensor(np.ones((4, 3), "float32"))
    net(x).sum().backward()
    expected = grad([(net.fc(x) ** 3).sum()], list(net.parameters()))
    for p, e in zip(net.parameters(), expected):
        np.testing.assert_allclose(p.grad.numpy(), e.numpy(), rtol=1e-6)
