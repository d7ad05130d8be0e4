"""utils.checkpoint: the same gradients from less memory."""

import gc
import weakref

import numpy as np
import pytest

import minidl
import minidl.nn.functional as F
from minidl import Tensor, nn
from minidl.autograd import grad
from minidl.utils.checkpoint import checkpoint, checkpoint_sequential


def network(*sizes):
    minidl.manual_seed(0)
    layers = [layer for n, m in zip(sizes, sizes[1:]) for layer in (nn.Linear(n, m).double(), nn.Tanh())]
    return nn.Sequential(*layers)


def gradients(net, x, run):
    net.zero_grad()
    x.grad = None
    y = run(x)
    (y * y).sum().backward()
    return [y, x.grad, *(p.grad for p in net.parameters())]


def equal(a, b):
    for t, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(t.numpy(force=True), other.numpy(force=True))


@pytest.mark.parametrize("reentrant", [True, False, None])
def test_gradients_are_exactly_equal(reentrant, rng):
    net, x = network(4, 5, 6, 3), Tensor(rng.normal(size=(2, 4)), True)
    plain = gradients(net, x, net)
    equal(gradients(net, x, lambda x: checkpoint(net, x, use_reentrant=reentrant)), plain)
    equal(gradients(net, x, lambda x: net[4:](checkpoint(net[2:4], checkpoint(net[:2], x)))), plain)
    for segments in (1, 2, 3, 6):
        equal(gradients(net, x, lambda x: checkpoint_sequential(net, segments, x, reentrant)), plain)  # noqa: B023  # at once


def test_nested(rng):
    net, x = network(4, 5, 6, 3), Tensor(rng.normal(size=(2, 4)), True)
    inner = lambda x: checkpoint(net[2:], checkpoint(net[:2], x))
    equal(gradients(net, x, lambda x: checkpoint(inner, x)), gradients(net, x, net))


def test_the_same_random_numbers(rng):
    x = Tensor(rng.normal(size=(8, 8)), True)
    noisy = lambda x: F.dropout(x * 2, 0.5)
    minidl.manual_seed(1)
    y = noisy(x)
    after = minidl.rand(3)
    (g,) = grad([y.sum()], [x])
    minidl.manual_seed(1)
    z = checkpoint(noisy, x)
    np.testing.assert_array_equal(minidl.rand(3).numpy(), after.numpy())
    (h,) = grad([z.sum()], [x])
    equal([z, h], [y, g])
    minidl.manual_seed(1)
    checkpoint(noisy, x).sum().backward()
    np.testing.assert_array_equal(minidl.rand(3).numpy(), after.numpy())  # backward draws from no one else


def test_nests_keywords_and_what_needs_no_gradient(rng):
    x, w = Tensor(rng.normal(size=3), True), Tensor(rng.normal(size=3), True)
    mask = Tensor(np.array([1.0, 0, 1]))

    def f(x, scale, *, mask):
        return {"y": x * scale[0] * mask, "pair": (x.sum(), mask, "text")}

    made = checkpoint(f, x, [w], mask=mask)
    assert made["pair"][1] is mask
    assert made["pair"][2] == "text"
    gs = grad([made["y"].sum() + made["pair"][0]], [x, w])
    equal(gs, grad([(x * w * mask).sum() + x.sum()], [x, w]))
    (g,) = grad([checkpoint(f, x, [w], mask=mask)["pair"][0]], [x])
    assert g.tolist() == [1, 1, 1]


def test_weights_and_results_of_outside_used_inside(rng):
    x, w = Tensor(rng.normal(size=3), True), Tensor(rng.normal(size=3), True)

    def run(around):
        h = x * w
        y = around(lambda t: t * w * h.exp(), h)  # h as an argument and from outside, w inside and outside
        return grad([(y * h).sum()], [x, w])

    equal(run(checkpoint), run(lambda f, *args: f(*args)))


def test_second_order(rng):
    net, x = network(3, 4, 2), Tensor(rng.normal(size=(2, 3)), True)

    def twice(run):
        h = x * x
        (g,) = grad([(run(h) ** 2).sum()], [x], create_graph=True)
        return grad([(g * g).sum()], [x, *net.parameters()])

    for a, b in zip(twice(lambda h: checkpoint(net, h)), twice(net)):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_memory_is_really_less():
    """Bytes of arrays alive after the forward pass."""
    alive = []

    class Watched(nn.Module):
        def forward(self, x):
            y = x.exp()
            alive.append((weakref.ref(y.array), y.array.nbytes))
            return y * 0.01

    def live(run):
        alive.clear()
        y = run(Tensor(np.ones(1000), True))
        gc.collect()
        return sum(n for ref, n in alive if ref() is not None), y

    net = nn.Sequential(*(Watched() for _ in range(12)))
    plain, _y = live(net)
    less, _z = live(lambda x: checkpoint_sequential(net, 4, x))
    assert plain == 12 * 8000
    assert less == 3 * 8000  # the last segment's


def test_without_gradients_it_only_calls(rng):
    x = Tensor(rng.normal(size=3), True)
    calls = []
    f = lambda x: calls.append(1) or x * 2
    with minidl.no_grad():
        assert not checkpoint(f, x).requires_grad
    assert not checkpoint(f, x.detach()).requires_grad
    assert len(calls) == 2


def test_what_cannot_be_right_is_refused(rng):
    x, y = Tensor(rng.normal(size=3), True), Tensor(rng.normal(size=3))
    z = checkpoint(lambda a, b: a * b, x, y)
    y += 1
    with pytest.raises(RuntimeError, match="overwritten in place"):
        z.sum().backward()
    sizes = iter((2, 3))
    z = checkpoint(lambda a: a[: next(sizes)], x)
    with pytest.raises(RuntimeError, match="must do the same each time"):
        z.sum().backward()
    with pytest.raises(ValueError, match="cannot be cut into 3 segments"):
        checkpoint_sequential([F.relu, F.relu], 3, x)
    with pytest.raises(RuntimeError, match="freed"):
        z = checkpoint(F.relu, x)
        z.sum().backward()
        z.sum().backward()
