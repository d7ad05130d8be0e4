"""Families of ops on shapes, strides and dtypes that nobody thought of."""

import inspect

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minidl.autograd import OPS, Composite, Tensor, grad
from minidl.backend import INDEX, promote_types, result_type
from minidl.testing.checks import host

from .cases import OPS as EVERY
from .cases import keywords
from .references import REFERENCES

try:
    import torch
except ImportError:
    torch = None

FLOATS = ("float16", "float32", "float64")
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", *FLOATS)

# The dtype that two arrays with axes promote to, by the first and the second in the order of DTYPES.
TABLE = """
    bool    uint8   int8    int16   int32   int64   float16 float32 float64
    uint8   uint8   int16   int16   int32   int64   float16 float32 float64
    int8    int16   int8    int16   int32   int64   float16 float32 float64
    int16   int16   int16   int16   int32   int64   float16 float32 float64
    int32   int32   int32   int32   int32   int64   float16 float32 float64
    int64   int64   int64   int64   int64   int64   float16 float32 float64
    float16 float16 float16 float16 float16 float16 float16 float32 float64
    float32 float32 float32 float32 float32 float32 float32 float32 float64
    float64 float64 float64 float64 float64 float64 float64 float64 float64
"""
PROMOTED = {(a, b): c for a, row in zip(DTYPES, TABLE.strip().splitlines()) for b, c in zip(DTYPES, row.split())}


def arity(op):
    parameters = list(inspect.signature(op.formula).parameters.values())[1:]
    return None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(op.arguments)


def low_of(op):
    return op.samples[0].args[0].low, op.samples[0].args[0].high


UNARY = [
    op for op in EVERY
    if arity(op) == 1 and not keywords(op) and op.samples[0].args[0].kind == "float" and op.name != "median"
    and op.__module__.rpartition(".")[2] not in ("linalg", "factor")
]  # fmt: skip
BINARY = [op for op in EVERY if arity(op) == 2 and not keywords(op) and op.promote and "elementwise" in op.__module__]
REDUCTIONS = [
    op for op in EVERY
    if arity(op) == 1 and list(keywords(op))[:2] == ["axis", "keepdims"] and "reduce" in op.__module__
]  # fmt: skip


def test_the_families_are_not_empty():
    assert len(UNARY) > 30
    assert len(BINARY) > 12
    assert len(REDUCTIONS) > 8
    assert not [op for op in (*UNARY, *BINARY, *REDUCTIONS) if isinstance(op, Composite) and op.name not in REFERENCES]


# ------------------------------------------------------------------------------------------ drawing


def draw_shape(draw, axes=3, smallest=0):
    return tuple(draw(st.lists(st.integers(smallest, 4), max_size=axes)))


def draw_partner(draw, shape):
    """A shape that broadcasts with this one: some axes cut to 1, some leading ones left out."""
    cut = [draw(st.sampled_from([n, n, 1])) for n in shape]
    return tuple(cut[draw(st.integers(0, len(cut))) :])


def draw_values(draw, shape, dtype="float64", low=-2.0, high=2.0):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        return rng.integers(1, 4, shape).astype(dtype)
    return rng.uniform(low, high, shape).astype(dtype)


def draw_view(draw, x):
    """The same values in memory with other strides: axes in another order, steps with gaps, backwards."""
    order = draw(st.permutations(range(x.ndim)))
    steps = [draw(st.sampled_from([1, 1, 2, -1, -3])) for _ in range(x.ndim)]
    wide = np.zeros([x.shape[k] * abs(steps[k]) for k in order], x.dtype)
    back = sorted(range(x.ndim), key=order.__getitem__)
    view = wide.transpose(back)[tuple(slice(None, None, s) for s in steps) + (...,)]
    view[...] = x
    return view


@st.composite
def one(draw, low=-2.0, high=2.0, smallest=0):
    x = draw_values(draw, draw_shape(draw, smallest=smallest), low=low, high=high)
    return x, draw_view(draw, x)


@st.composite
def two(draw, low=-2.0, high=2.0):
    shape = draw_shape(draw)
    xs = [draw_values(draw, s, low=low, high=high) for s in (shape, draw_partner(draw, shape))]
    xs = xs[:: draw(st.sampled_from([1, -1]))]
    return xs, [draw_view(draw, x) for x in xs]


def gradients(op, xs, **params):
    ts = [Tensor(x, x.dtype.kind == "f") for x in xs]
    y = op(*ts, **params)
    if not y.requires_grad:
        return y, []
    seed = Tensor(np.cos(np.arange(y.array.size)).reshape(y.shape).astype(y.dtype))
    wrt = [t for t in ts if t.requires_grad]
    return y, [(t, g) for t, g in zip(wrt, grad(y, wrt, seed, materialize_grads=True, allow_unused=True))]


# ---------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("op", UNARY, ids=lambda op: op.name)
def test_functions_of_one_number(op):
    @given(one(*low_of(op)))
    def check(pair):
        x, view = pair
        y, found = gradients(op, [view])
        np.testing.assert_allclose(host(y), REFERENCES[op.name](x), rtol=1e-9, atol=1e-10)
        for (t, g), (_, g0) in zip(found, gradients(op, [x.copy()])[1]):
            assert (g.shape, g.dtype) == (t.shape, t.dtype)
            np.testing.assert_allclose(host(g), host(g0), rtol=1e-12)

    check()


@pytest.mark.parametrize("op", BINARY, ids=lambda op: op.name)
def test_functions_of_two_numbers_that_broadcast(op):
    @given(two(*low_of(op)))
    def check(drawn):
        xs, views = drawn
        y, found = gradients(op, views)
        np.testing.assert_allclose(host(y), REFERENCES[op.name](*xs), rtol=1e-9, atol=1e-10)
        whole = [np.broadcast_to(x, y.shape).copy() for x in xs]
        for (t, g), (_, each), x in zip(found, gradients(op, whole)[1], xs):  # the gradient of the repeated operand
            assert (g.shape, g.dtype) == (t.shape, t.dtype)
            lead = y.ndim - x.ndim
            summed = host(each).sum(tuple(range(lead)))
            axes = tuple(k for k, n in enumerate(x.shape) if n == 1)
            np.testing.assert_allclose(host(g), summed.sum(axes, keepdims=True), rtol=1e-10, atol=1e-12)

    check()


@pytest.mark.parametrize("op", REDUCTIONS, ids=lambda op: op.name)
def test_reductions(op):
    @given(one(smallest=1), st.data())
    def check(pair, data):
        x, view = pair
        if op.name in ("argmax", "argmin"):
            axis = data.draw(st.sampled_from([None, *range(-x.ndim, x.ndim)]))
        else:
            axes = st.lists(st.integers(0, max(x.ndim - 1, 0)), unique=True, max_size=x.ndim)
            axis = data.draw(st.none() | axes.map(tuple))
            axis = axis and tuple(a - x.ndim * data.draw(st.integers(0, 1)) for a in axis)
        params = {"axis": axis, "keepdims": data.draw(st.booleans())}
        y, found = gradients(op, [view], **params)
        np.testing.assert_allclose(host(y), REFERENCES[op.name](x, **params), rtol=1e-9, atol=1e-10)
        for (t, g), (_, g0) in zip(found, gradients(op, [x.copy()], **params)[1]):
            assert (g.shape, g.dtype) == (t.shape, t.dtype)
            np.testing.assert_allclose(host(g), host(g0), rtol=1e-9, atol=1e-12)

    check()


@given(st.data())
def test_products_of_matrices(data):
    n, k, m = (data.draw(st.integers(0, 4)) for _ in range(3))
    batch = draw_shape(data.draw, axes=2)
    a = draw_values(data.draw, (*batch, n, k) if data.draw(st.booleans()) else (k,))
    b = draw_values(data.draw, (*draw_partner(data.draw, batch), k, m) if data.draw(st.booleans()) else (k,))
    y, found = gradients(OPS.matmul, [draw_view(data.draw, a), draw_view(data.draw, b)])
    np.testing.assert_allclose(host(y), REFERENCES["matmul"](a, b), atol=1e-10)
    for (t, g), (_, g0) in zip(found, gradients(OPS.matmul, [a.copy(), b.copy()])[1]):
        assert (g.shape, g.dtype) == (t.shape, t.dtype)
        np.testing.assert_allclose(host(g), host(g0), atol=1e-10)


@given(one(smallest=1), st.data())
def test_indexing(pair, data):
    x, view = pair
    assume(x.ndim)
    steps = st.sampled_from([1, 2, 3])
    part = lambda n: st.one_of(
        st.integers(-n, n - 1),
        st.builds(slice, st.integers(-n, n) | st.none(), st.integers(-n, n) | st.none(), steps),
    )
    key = [data.draw(part(n)) for n in x.shape[: data.draw(st.integers(0, x.ndim))]]
    indices = []
    if key and data.draw(st.booleans()):
        k = data.draw(st.integers(0, len(key) - 1))
        many = data.draw(st.lists(st.integers(-x.shape[k], x.shape[k] - 1), max_size=5))
        indices, key = [np.array(many, int)], [INDEX if i == k else slice(None) for i, p in enumerate(key)]
    key = (*key, ..., None) if data.draw(st.booleans()) else tuple(key)
    y, found = gradients(OPS.getitem, [view, *indices], key=key)
    np.testing.assert_array_equal(host(y), REFERENCES["getitem"](x, *indices, key=key))
    ((t, g),) = found
    seed = np.cos(np.arange(y.array.size)).reshape(y.shape)
    expected = np.zeros(x.size)
    np.add.at(expected, REFERENCES["getitem"](np.arange(x.size).reshape(x.shape), *indices, key=key), seed)
    np.testing.assert_allclose(host(g), expected.reshape(x.shape), atol=1e-12)


@given(one(), st.data())
def test_shapes_come_and_go(pair, data):
    """Transpose, flip, reshape and broadcast move values and gradients to the same places."""
    x, view = pair
    axes = tuple(data.draw(st.permutations(range(x.ndim))))
    assume(x.size)
    t = Tensor(view, True)
    turned = OPS.flip(OPS.transpose(t, axes=axes), axis=axes)
    y = OPS.broadcast_to(OPS.reshape(turned, shape=(-1,)), shape=(2, x.size))
    np.testing.assert_array_equal(host(y)[1], np.flip(x.transpose(axes)).flatten())
    (g,) = grad(OPS.sum(y * y), t)
    np.testing.assert_allclose(host(g), 4 * x)


# ------------------------------------------------------------------------------------------- dtypes


def test_promotion_follows_the_table():
    assert {(a, b): str(promote_types(a, b)) for a in DTYPES for b in DTYPES} == PROMOTED


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed, so the table is not compared with it")
def test_the_table_is_pytorch_s():
    as_torch = lambda name: getattr(torch, name)
    theirs = {(a, b): str(torch.promote_types(as_torch(a), as_torch(b)))[6:] for a in DTYPES for b in DTYPES}
    assert theirs == PROMOTED


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed, and the rules for scalars are its own")
@given(st.lists(st.tuples(st.sampled_from(DTYPES), st.integers(0, 2)), min_size=1, max_size=2), st.data())
def test_results_have_pytorch_s_dtype(operands, data):
    """With axes, without axes, and with a Python number."""
    xs = [np.ones((2,) * ndim, dtype) for dtype, ndim in operands]
    if len(xs) == 1:
        xs.append(data.draw(st.sampled_from([True, 2, 2.5])))
    tensors = [torch.tensor(x) if isinstance(x, np.ndarray) else x for x in xs]
    assert str(torch.result_type(*tensors))[6:] == str(result_type(*xs))
    ours = [Tensor(x) if isinstance(x, np.ndarray) else x for x in xs]
    add, div = OPS.add(*ours), OPS.div(*ours)
    assert str((tensors[0] + tensors[1]).dtype)[6:] == str(add.dtype)
    assert str((tensors[0] / tensors[1]).dtype)[6:] == str(div.dtype)


@given(st.sampled_from(FLOATS), st.sampled_from(DTYPES), st.data())
def test_gradients_have_the_dtype_of_their_operand(a, b, data):
    shape = draw_shape(data.draw)
    x, w = draw_values(data.draw, shape, a), draw_values(data.draw, draw_partner(data.draw, shape), b)
    y, found = gradients(OPS.mul, [x, w])
    assert str(y.dtype) == str(result_type(x, w))
    for t, g in found:
        assert (g.shape, g.dtype) == (t.shape, t.dtype)
