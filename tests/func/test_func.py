"""func beside torch.func: derivatives of functions, vmap, and one inside the other."""

import numpy as np
import pytest

import minidl
import minidl.nn.functional as F
from minidl import Tensor, func, nn
from minidl.autograd import Function

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
pytestmark = [  # what torch.func warns of within itself
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node"),
]
TF, tfunc = torch.nn.functional, torch.func


class Ours:
    """The names under which one test runs on both sides."""

    lib, F, func, tensor = minidl, F, func, Tensor


class Theirs:
    lib, F, func, tensor = torch, TF, tfunc, torch.tensor


def same(a, b):
    if isinstance(b, dict):
        assert a.keys() == b.keys()
        a, b = list(a.values()), list(b.values())
    if isinstance(b, (tuple, list)):
        assert type(a) is type(b) or isinstance(a, tuple)
        for x, y in zip(a, b, strict=True):
            same(x, y)
        return
    assert tuple(a.shape) == tuple(b.shape)
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)


def both(run, *arrays):
    """run(side, *tensors) gives the same on both sides."""
    ours = run(Ours, *map(Tensor, arrays))
    same(ours, run(Theirs, *map(torch.tensor, arrays)))
    return ours


@pytest.fixture
def x(rng):
    return rng.normal(size=(5, 3))


@pytest.fixture
def w(rng):
    return rng.normal(size=(4, 3))


# --------------------------------------------------------------------------------------------- derivatives


def cube(x):
    return (x**3).sum()


def test_grad_and_value(x, w):
    both(lambda t, x: t.func.grad(cube)(x), x)
    both(lambda t, x: t.func.grad_and_value(cube)(x), x)
    f = lambda x, w: ((x @ w.T) ** 2).sum()
    both(lambda t, x, w: t.func.grad(f, argnums=1)(x, w), x, w)
    both(lambda t, x, w: t.func.grad(f, argnums=(1, 0))(x, w), x, w)
    both(lambda t, x, w: t.func.grad(lambda x, *, w: f(x, w))(x, w=w), x, w)
    both(lambda t, x: t.func.grad(lambda x: (cube(x), x * 2), has_aux=True)(x), x)
    both(lambda t, x: t.func.grad_and_value(lambda x: (cube(x), x * 2), has_aux=True)(x), x)
    both(lambda t, x, w: t.func.grad(lambda p: (p["x"] @ p["w"][0].T).sum())({"x": x, "w": (w,)}), x, w)
    both(lambda t, x, w: t.func.grad(lambda x, w: cube(w), argnums=(0, 1))(x, w), x, w)


def test_grad_of_grad():
    f = lambda t, g: g(lambda x: (t.lib.sin(x) * x**3).sum())
    both(lambda t, x: f(t, lambda h: t.func.grad(t.func.grad(t.func.grad(h))))(x), np.array(1.3))
    both(lambda t, x: t.func.grad(lambda x: (t.func.grad(cube)(x) ** 2).sum())(x), np.array([1.0, 2.0]))


def test_gradients_reach_what_is_outside(x, w):
    """What func returns can be differentiated by autograd, with respect to arguments and to what is closed over."""

    def run(t, x, w):
        x.requires_grad_()
        w.requires_grad_()
        g, value = t.func.grad_and_value(lambda x: ((x @ w.T) ** 3).sum())(x)
        return t.lib.autograd.grad((g * g).sum() + value, [x, w])

    both(run, x, w)


def test_what_nobody_asked_for_is_not_connected(x):
    t = Tensor(x, True)
    with minidl.no_grad():
        g = func.grad(cube)(t)
    assert not g.requires_grad
    assert g.tolist() == func.grad(cube)(Tensor(x)).tolist()
    g, value = func.grad_and_value(cube)(Tensor(x))
    assert not g.requires_grad
    assert not value.requires_grad
    assert func.grad(cube)(t).requires_grad
    assert t.grad is None


def test_vjp_jvp_linearize(x, w):
    f = lambda t: lambda x, w: t.lib.tanh(x @ w.T)
    v, dx, dw = np.ones((5, 4)), x[::-1].copy(), w[::-1].copy()
    both(lambda t, x, w, v: (lambda y, pull: (y, pull(v), pull(2 * v)))(*t.func.vjp(f(t), x, w)), x, w, v)
    both(lambda t, x: t.func.vjp(cube, x)[1](t.tensor(2.0).double() if t is Theirs else Tensor(np.array(2.0))), x)
    both(lambda t, x, w, dx, dw: t.func.jvp(f(t), (x, w), (dx, dw)), x, w, dx, dw)
    both(lambda t, x, dx: t.func.jvp(lambda x: (x * 2, {"a": x.sum()}), (x,), (dx,)), x, dx)
    both(lambda t, x, dx: t.func.jvp(lambda x: (x * 2, x + 1), (x,), (dx,), has_aux=True), x, dx)
    both(lambda t, x, w, dx, dw: (lambda y, push: (y, push(dx, dw)))(*t.func.linearize(f(t), x, w)), x, w, dx, dw)
    both(lambda t, x: t.func.vjp(lambda x: ({"a": x * 2}, x + 1), x, has_aux=True)[2], x)


@pytest.mark.parametrize("name", ["jacrev", "jacfwd"])
def test_jacobians(name, x, w):
    jac = lambda t, *how, **named: getattr(t.func, name)(*how, **named)
    f = lambda t: lambda x, w: t.lib.tanh(x @ w.T) * x.sum()
    both(lambda t, x, w: jac(t, f(t))(x, w), x, w)
    both(lambda t, x, w: jac(t, f(t), argnums=1)(x, w), x, w)
    both(lambda t, x, w: jac(t, f(t), argnums=(0, 1))(x, w), x, w)
    both(lambda t, x, w: jac(t, f(t), (1,))(x, w), x, w)
    both(lambda t, x: jac(t, lambda x: (x.sum(0), x[0] ** 2))(x), x)
    both(lambda t, x: jac(t, lambda x: (x.sum(0), x * 2), has_aux=True)(x), x)
    both(lambda t, x: jac(t, lambda p: {"y": p["x"].sum(0) * p["x"]})({"x": x}), x)
    both(lambda t, x: jac(t, cube)(x), x)
    both(lambda t, x, w: jac(t, lambda x, w: w * 2, argnums=(0, 1))(x, w), x, w)


def test_jacrev_in_chunks(x):
    f = lambda x: x**2
    same(func.jacrev(f, chunk_size=2)(Tensor(x)), tfunc.jacrev(f, chunk_size=2)(torch.tensor(x)))


def test_hessian(x, w):
    f = lambda t: lambda x, w: (t.lib.sin(x) @ w.T).pow(3).sum()
    both(lambda t, x, w: t.func.hessian(f(t))(x[0], w), x, w)
    both(lambda t, x, w: t.func.hessian(f(t), argnums=(0, 1))(x[0], w[:2]), x, w)
    both(lambda t, x: t.func.hessian(lambda x: t.F.softmax(x, -1))(x[0]), x)
    for jac, jac2 in (("jacrev", "jacrev"), ("jacfwd", "jacfwd"), ("jacrev", "jacfwd")):
        both(lambda t, x: getattr(t.func, jac)(getattr(t.func, jac2)(cube))(x[0]), x)  # noqa: B023  # at once


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: func.grad(lambda x: x * 2)(x), RuntimeError, r"scalar tensor, got float64 \(5, 3\)"),
        (lambda x: func.grad(lambda x: 2.0)(x), RuntimeError, "must return tensors"),
        (lambda x: func.grad(cube)(x.long()), RuntimeError, "floating-point tensors, got int64"),
        (lambda x: func.grad(cube, argnums=1)(x), RuntimeError, "argnums=1 must name some of the 1 arguments"),
        (lambda x: func.grad(cube, has_aux=True)(x), RuntimeError, r"must return \(output, aux\)"),
        (lambda x: func.vjp(cube, x)[1](x), RuntimeError, r"cotangents must have the shapes \[\(\)\]"),
        (lambda x: func.jvp(cube, (x,), (x[0],)), RuntimeError, "tangents must have the shapes"),
        (lambda x: func.jvp(cube, x, x), RuntimeError, "primals must be a tuple"),
    ],
)
def test_misuse_of_derivatives_is_told(call, error, message, x):
    with pytest.raises(error, match=message):
        call(Tensor(x))


# ---------------------------------------------------------------------------------------------------- vmap


def test_vmap_maps_axes(x, w):
    both(lambda t, x: t.func.vmap(lambda a: a * 2 + a.sum())(x), x)
    both(lambda t, x: t.func.vmap(lambda a: a.sum(), in_dims=1)(x), x)
    both(lambda t, x: t.func.vmap(lambda a: a.sum(), in_dims=-1)(x), x)
    both(lambda t, x, w: t.func.vmap(lambda a, b: b @ a, in_dims=(0, None))(x, w), x, w)
    both(lambda t, x, w: t.func.vmap(lambda a, b: b @ a, in_dims=(0, None), out_dims=1)(x, w), x, w)
    both(lambda t, x, w: t.func.vmap(lambda a, b: (b @ a, a), (0, None), (-1, 0))(x, w), x, w)
    both(lambda t, x, w: t.func.vmap(lambda p: p["a"] * p["b"][0].sum(), ({"a": 0, "b": [None]},))({"a": x, "b": [w]}),
         x, w)  # fmt: skip
    both(lambda t, x: t.func.vmap(lambda a: {"double": a * 2, "pair": (a, a[0])})(x), x)
    both(lambda t, x: t.func.vmap(lambda a, *, k: a * k)(x, k=3.0), x)
    both(lambda t, x: t.func.vmap(lambda a: t.tensor([1.0, 2.0]))(x), x)
    both(lambda t, x: t.func.vmap(lambda a, s: a * s, in_dims=(0, None))(x, 2.0), x)
    both(lambda t, x: t.func.vmap(lambda a: a.sum() * 2, chunk_size=2)(x), x)
    both(lambda t, x: t.func.vmap(lambda a: a * 2, out_dims=1, chunk_size=2)(x), x)


def test_vmap_in_vmap(x, w):
    both(lambda t, x, w: t.func.vmap(t.func.vmap(lambda a, b: a @ b, (None, 0)), (0, None))(x, w), x, w)
    both(lambda t, x: t.func.vmap(t.func.vmap(lambda a: a.exp(), 0, 0), 1, 1)(x), x)
    both(lambda t, x: t.func.vmap(lambda row: t.func.vmap(lambda a: a * row.sum() + x.mean())(row))(x), x)


BODIES = {
    "shapes": lambda t, a: t.lib.cat([a.reshape(3, 1), a.unsqueeze(1).expand(3, 2)], 1).T.flatten(),
    "reductions": lambda t, a: t.lib.stack([a.mean(), a.max(), a.var(), a.norm(), a.prod(), a.logsumexp(0)]),
    "order": lambda t, a: a.sort().values + a.cumsum(0) + a.flip(0) + a.roll(1, 0),
    "where": lambda t, a: t.lib.where(a > 0, a.sqrt(), a * 0).clamp(max=1.0),
    "slices": lambda t, a: a[1:] * a[:-1] + a[0] + a[..., -1],
    "index": lambda t, a: a[t.lib.tensor([2, 0, 0])] * a[[0, 0, 1]],
    "indices of its own": lambda t, a: a[a.argsort()] + a.index_select(0, a.argsort()),
    "gather": lambda t, a: a.gather(0, a.argsort()),
    "softmax": lambda t, a: t.F.log_softmax(a, -1) + t.F.softmax(a, 0),
    "layer_norm": lambda t, a: t.F.layer_norm(a, (3,)),
    "einsum": lambda t, a: t.lib.einsum("i,j->ij", a, a).triu(),
    "norms": lambda t, a: t.F.normalize(a, dim=0) + t.F.gelu(a),
    "conv": lambda t, a: t.F.conv1d(a.reshape(1, 1, 3), t.lib.ones(2, 1, 2).double(), padding=1),
    "pool": lambda t, a: t.F.max_pool1d(a.reshape(1, 1, 3), 2, 1) + t.F.avg_pool1d(a.reshape(1, 1, 3), 2, 1),
    "cross_entropy": lambda t, a: t.F.cross_entropy(a, a.argmax()) + t.F.cross_entropy(a, t.lib.tensor(1)),
    "embedding": lambda t, a: t.F.embedding(a.argsort(), t.lib.ones(3, 2).double()).sum() + a.sum(),
    "binary": lambda t, a: t.F.binary_cross_entropy(t.lib.sigmoid(a), t.lib.ones(3).double()),
    "attention": lambda t, a: t.F.scaled_dot_product_attention(*[(a.reshape(3, 1) * a).reshape(1, 3, 3)] * 3),
    "matrix": lambda t, a: t.lib.linalg.inv(t.lib.diag(a.abs() + 1) + 0.1) @ a,
    "in place": lambda t, a: t.lib.zeros_like(a).add_(a).mul_(2),
    "pad": lambda t, a: t.F.pad(a.reshape(1, 3), (1, 2)),
    "a new tensor": lambda t, a: a + t.lib.arange(3) * t.lib.zeros(3).double(),
    "as it is": lambda t, a: a,
}


@pytest.mark.parametrize("name", BODIES)
def test_vmap_of_what_people_write(name, x):
    body = BODIES[name]
    both(lambda t, x: t.func.vmap(lambda a: body(t, a))(x), x)
    if name != "in place":
        both(lambda t, x: t.func.vmap(t.func.grad(lambda a: (body(t, a) ** 2).sum()))(x), x)
        both(lambda t, x: t.func.grad(lambda x: (t.func.vmap(lambda a: body(t, a))(x) ** 3).sum())(x), x)


def test_what_pytorch_does_not_map(x):
    t = Tensor(x)
    for f in (lambda a: F.one_hot(a.argsort(), 4).double() * a.reshape(3, 1), lambda a: a[a.argmax()]):
        np.testing.assert_array_equal(func.vmap(f)(t).numpy(), np.stack([f(t[k]).numpy() for k in range(5)]))


def test_autograd_through_vmap(x, w):
    def run(t, x, w):
        x.requires_grad_()
        w.requires_grad_()
        y = t.func.vmap(lambda a: t.lib.tanh(w @ a))(x)
        g, h = t.lib.autograd.grad((y * y).sum(), [x, w], create_graph=True)
        return g, h, *t.lib.autograd.grad((g * g).sum() + (h * h).sum(), [x, w])

    both(run, x, w)


def test_derivatives_in_vmap_in_derivatives(x, w):
    f = lambda t, w: lambda a: t.lib.sin(w @ a).sum()
    both(lambda t, x, w: t.func.vmap(t.func.hessian(f(t, w)))(x), x, w)
    both(lambda t, x, w: t.func.vmap(t.func.jacrev(lambda a: t.lib.sin(w @ a)))(x), x, w)
    both(lambda t, x, w: t.func.vmap(t.func.jacfwd(lambda a: t.lib.sin(w @ a)))(x), x, w)
    both(lambda t, x, w: t.func.vmap(lambda a, v: t.func.jvp(f(t, w), (a,), (v,))[1])(x, 2 * x), x, w)
    both(lambda t, x, w: t.func.vmap(lambda a: t.func.vjp(f(t, w), a)[1](a.sum())[0])(x), x, w)
    both(lambda t, x, w: t.func.vmap(t.func.grad(lambda w, a: f(t, w)(a)), (None, 0))(w, x), x, w)
    one = lambda t: t.func.grad(lambda w, a: f(t, w[None])(a))
    both(lambda t, x, w: t.func.vmap(t.func.vmap(one(t), (0, None)), (None, 0))(w, x), x, w)
    both(lambda t, x, w: t.func.grad(lambda w: (t.func.vmap(t.func.grad(f(t, w)))(x) ** 2).sum())(w), x, w)
    both(lambda t, x, w: t.func.jacrev(lambda w: t.func.vmap(f(t, w))(x))(w), x, w)


def test_per_sample_gradients_of_a_network(rng):
    """The tutorial: functional_call, grad and vmap give each sample's gradient of each parameter."""
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 4)
    ).double()  # fmt: skip
    x, t = Tensor(rng.normal(size=(5, 1, 6, 6))), Tensor(rng.integers(0, 4, 5))
    params = {name: p.detach() for name, p in net.named_parameters()}

    def loss(params, x, t):
        return F.cross_entropy(func.functional_call(net, params, (x.unsqueeze(0),)), t.unsqueeze(0))

    gs = func.vmap(func.grad(loss), (None, 0, 0))(params, x, t)
    for k in range(5):
        net.zero_grad()
        F.cross_entropy(net(x[k : k + 1]), t[k : k + 1]).backward()
        for name, p in net.named_parameters():
            np.testing.assert_allclose(gs[name][k].numpy(), p.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_an_ensemble(rng):
    nets = [nn.Linear(3, 2).double() for _ in range(4)]
    params, buffers = func.stack_module_state(nets)
    x = Tensor(rng.normal(size=(5, 3)))
    ys = func.vmap(lambda p, b: func.functional_call(nets[0], (p, b), (x,)))(params, buffers)
    np.testing.assert_allclose(ys.detach().numpy(), np.stack([net(x).detach().numpy() for net in nets]), rtol=1e-12)
    ys.sum().backward()
    assert params["weight"].grad.shape == (4, 2, 3)


def test_functional_call_puts_everything_back(rng):
    net, x = nn.Linear(3, 2), minidl.ones(1, 3)
    own = net.weight
    zero = {"weight": minidl.zeros(2, 3)}
    assert func.functional_call(net, zero, x).tolist() == [net.bias.tolist()]
    assert net.weight is own
    assert func.functional_call(net, zero, (), {"input": x}).tolist() == [net.bias.tolist()]
    with pytest.raises(RuntimeError, match="unexpected wrong"):
        func.functional_call(net, {"wrong": x}, x)
    with pytest.raises(RuntimeError, match="missing bias"):
        func.functional_call(net, zero, x, strict=True)
    with pytest.raises(ValueError, match="several of the dictionaries"):
        func.functional_call(net, (zero, zero), x)
    tied = nn.ModuleDict({"a": net, "b": net})
    tied.forward = lambda x: tied["b"](x)
    assert func.functional_call(tied, {"a.weight": zero["weight"]}, x).tolist() == [net.bias.tolist()]


def test_a_function_of_the_users_own(x):
    class Square(Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        def backward(ctx, g):
            (a,) = ctx.saved_tensors
            return 2 * a * g

    t = Tensor(x)
    same(func.vmap(Square.apply)(t), torch.tensor(x**2))
    same(func.vmap(func.grad(lambda a: Square.apply(a).sum()))(t), torch.tensor(2 * x))
    same(func.jacrev(Square.apply)(t[0]), torch.tensor(np.diag(2 * x[0])))
    same(func.hessian(lambda a: (Square.apply(a) ** 2).sum())(t[0]), torch.tensor(np.diag(12 * x[0] ** 2)))


def test_randomness(x):
    noisy = lambda a: a * 0 + minidl.randn(3)
    t = Tensor(x)
    with pytest.raises(RuntimeError, match="randomness"):
        func.vmap(noisy)(t)
    with pytest.raises(RuntimeError, match="randomness"):
        func.vmap(lambda a: F.dropout(a))(t)
    y = func.vmap(noisy, randomness="same")(t).numpy()
    assert (y == y[0]).all()
    y = func.vmap(noisy, randomness="different")(t).numpy()
    assert len(np.unique(y[:, 0])) == 5
    assert minidl.randn(3).shape == (3,)
    g = func.vmap(func.grad(lambda a: (F.dropout(a, 0.5) * a).sum()), randomness="different")(t)
    assert g.shape == (5, 3)
    assert func.vmap(lambda a, b: a + b + minidl.rand(()), (1, None), 1, "different")(t, t[:, 0]).shape == (5, 3)


def stop(a):
    return a if a.sum() > 0 else -a


OUTSIDE = Tensor(np.zeros(3))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: func.vmap(lambda a: a * a.sum().item())(x), RuntimeError, "differ from sample to sample"),
        (lambda x: func.vmap(stop)(x), RuntimeError, "differ from sample to sample"),
        (lambda x: func.vmap(lambda a: a.numpy())(x), RuntimeError, "differ from sample to sample"),
        (lambda x: func.vmap(lambda a: a[a > 0])(x), RuntimeError, "differ from sample to sample"),
        (lambda x: func.vmap(lambda a: a.nonzero())(x), RuntimeError, "differ from sample to sample"),
        (lambda x: func.vmap(lambda a: OUTSIDE.add_(a))(x), RuntimeError, "differ from sample to sample"),
        (lambda x: func.vmap(lambda a: F.one_hot(a.argmax()))(x), RuntimeError, "differ from sample to sample"),
        (lambda x: func.vmap(cube, in_dims=2)(x), ValueError, "expected -2 <= in_dim < 2"),
        (lambda x: func.vmap(cube, in_dims=None)(x), ValueError, "got None"),
        (lambda x: func.vmap(cube, in_dims=(None,))(x), ValueError, "no input is mapped over"),
        (lambda x: func.vmap(cube, in_dims=(0, 0))(x), ValueError, "does not have the form"),
        (lambda x: func.vmap(cube)(), ValueError, "no arguments"),
        (lambda x: func.vmap(lambda a, b: a)(x, 2.0), ValueError, "in_dim=0 was given for what is no tensor, 2.0"),
        (lambda x: func.vmap(lambda a, b: a)(x, x[:2]), ValueError, r"same size in the mapped dimension.*\[5, 2\]"),
        (lambda x: func.vmap(lambda a: 1.0)(x), ValueError, "must return tensors only"),
        (lambda x: func.vmap(cube, out_dims=1)(x), IndexError, "out_dim=1 is out of range"),
        (lambda x: func.vmap(cube, out_dims=(0, 0))(x), ValueError, "out_dims"),
        (lambda x: func.vmap(cube, out_dims=None)(x), ValueError, "out_dims=None"),
        (lambda x: func.vmap(cube, randomness="some")(x), RuntimeError, "randomness is"),
        (lambda x: func.vmap(cube, chunk_size=0)(x), ValueError, "chunk_size must be at least 1"),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_words(call, error, message, x):
    with pytest.raises(error, match=message):
        call(Tensor(x))
    assert func.vmap(cube)(Tensor(x)).shape == (5,)


def test_a_batch_can_be_printed(x):
    seen = []
    func.vmap(lambda a: seen.append(repr(a)) or a)(Tensor(x))
    assert "5" in seen[0]
    assert "(3,)" in seen[0]
