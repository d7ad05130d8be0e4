"""autograd.functional against closed forms, and against PyTorch where it is installed."""

import numpy as np
import pytest

import minidl
from minidl.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp


def t(values):
    return minidl.tensor(values, dtype=minidl.float64)


A = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def linear(x):
    return t(A) @ x


def quartic(x):
    return (x**4).sum() + x[0] * x[1]


def test_jacobian_of_a_linear_map_is_its_matrix():
    assert jacobian(linear, t([1.0, -1.0])).tolist() == A.tolist()


def test_vjp_and_jvp_are_transposes():
    x, v, u = t([1.0, -1.0]), t([1.0, 0.5, -2.0]), t([0.3, 0.7])
    y, vJ = vjp(linear, x, v)
    same, Ju = jvp(linear, x, u)
    assert np.allclose(vJ.numpy(), A.T @ v.numpy())
    assert np.allclose(Ju.numpy(), A @ u.numpy())
    assert y.tolist() == same.tolist()
    assert not y.requires_grad


def test_hessian_and_its_products():
    x, v = t([1.0, 2.0]), t([3.0, -1.0])
    H = np.array([[12.0, 1.0], [1.0, 48.0]])
    assert np.allclose(hessian(quartic, x).numpy(), H)
    for product in (hvp, vhp):
        y, Hv = product(quartic, x, v)
        assert np.allclose(Hv.numpy(), H @ v.numpy())
        assert np.isclose(y.item(), 19.0)


def test_several_inputs_and_outputs():
    def f(a, b):
        return a * b, (a * a).sum()

    J = jacobian(f, (t([1.0, 2.0]), t([3.0, 4.0])))
    assert np.allclose(J[0][0].numpy(), np.diag([3.0, 4.0]))
    assert np.allclose(J[0][1].numpy(), np.diag([1.0, 2.0]))
    assert np.allclose(J[1][0].numpy(), [2.0, 4.0])
    assert np.allclose(J[1][1].numpy(), [0.0, 0.0])
    H = hessian(lambda a, b: (a * a * b).sum(), (t([1.0, 2.0]), t([3.0, 4.0])))
    assert np.allclose(H[0][1].numpy(), np.diag([2.0, 4.0]))
    assert np.allclose(H[1][1].numpy(), 0.0)


def test_create_graph_keeps_the_result_differentiable():
    x = minidl.tensor([1.0, 2.0], dtype=minidl.float64, requires_grad=True)
    J = jacobian(lambda z: z**3, x, create_graph=True)
    J.sum().backward()
    assert np.allclose(x.grad.tolist(), [6.0, 12.0])


def test_strict_refuses_independence():
    with pytest.raises(RuntimeError, match="depend"):
        jacobian(lambda x: t([1.0]), t([1.0]), strict=True)
    assert jacobian(lambda x: t([1.0]), t([1.0, 2.0])).tolist() == [[0.0, 0.0]]


def test_refusals():
    with pytest.raises(RuntimeError, match="v may be left out"):
        vjp(linear, t([1.0, -1.0]))
    with pytest.raises(RuntimeError, match="single number"):
        hessian(linear, t([1.0, -1.0]))
    with pytest.raises(RuntimeError, match=r"\(2,\).*\(3,\)"):
        vjp(linear, t([1.0, -1.0]), t([1.0, 1.0]))
    with pytest.raises(TypeError, match="floating"):
        jacobian(linear, minidl.tensor([1, 2]))


def test_against_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from torch.autograd import functional as oracle

    x0 = np.array([0.3, -1.2, 2.0])
    f = lambda lib: lambda x: (lib.sin(x) * x.sum(), lib.exp(x[:2]))
    g = lambda lib: lambda x: (lib.sin(x) * x.sum()).sum()
    x, tx = t(x0), torch.tensor(x0)
    vs = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])
    for ours, theirs in [
        (vjp(f(minidl), x, tuple(map(t, vs))), oracle.vjp(f(torch), tx, tuple(map(torch.tensor, vs)))),
        (jvp(f(minidl), x, t(vs[0])), oracle.jvp(f(torch), tx, torch.tensor(vs[0]))),
        (jacobian(f(minidl), x), oracle.jacobian(f(torch), tx)),
        (hessian(g(minidl), x), oracle.hessian(g(torch), tx)),
        (hvp(g(minidl), x, t(vs[0])), oracle.hvp(g(torch), tx, torch.tensor(vs[0]))),
    ]:
        compare(ours, theirs)


def compare(ours, theirs):
    if isinstance(theirs, tuple):
        assert isinstance(ours, tuple)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            compare(a, b)
    else:
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert np.allclose(ours.detach().numpy(), theirs.numpy())
