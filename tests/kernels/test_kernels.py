"""Every kernel beside the formula it stands in for: value and all gradients, whatever the shapes and the threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minidl
from minidl import kernels
from minidl.autograd import OPS
from minidl.backend import NUMPY
from minidl.kernels import activation, blocks, threads
from minidl.testing import checks

pytestmark = pytest.mark.skipif(not kernels.ON, reason="MINIDL_KERNELS=off leaves every kernel out")
DTYPES = st.sampled_from(["float32", "float64"])
KERNELS = [op for op in checks.registry() if NUMPY in op.kernels]


def compare(op, arrays, params):
    """The kernel serves this case, and its value and gradients are the formula's."""
    (y, vjps), (y0, vjps0) = op.kernels[NUMPY](NUMPY, *arrays, **params), op.formula(NUMPY, *arrays, **params)
    ys, ys0 = (t if type(t) is tuple else (t,) for t in (y, y0))
    bound = 1e-11 if ys0[0].dtype == np.float64 else 2e-4
    for a, b in zip(ys, ys0, strict=True):
        close(a, b, bound)
    rng = np.random.default_rng(0)
    gs = [rng.standard_normal(t.shape).astype(t.dtype) for k, t in enumerate(ys0) if k not in op.constant]
    gradients = [v(*gs) if callable(v) else [vjp and vjp(*gs) for vjp in v] for v in (vjps, vjps0)]
    for x, a, b in zip(arrays, *gradients, strict=True):
        assert (a is None) == (b is None)
        if a is not None:  # an index has none
            b = b.astype(x.dtype)  # which the engine does
            close(NUMPY.sum_to(a, shape=x.shape), NUMPY.sum_to(b, shape=x.shape), bound)


def close(a, b, bound):
    assert a.shape == b.shape and a.dtype == b.dtype
    apart, size = a != b, np.abs(b, where=np.isfinite(b), out=np.zeros_like(b))  # a window of padding alone gives −∞
    assert np.abs(a[apart] - b[apart]).max(initial=0) <= bound * max(1, size.max(initial=0))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("op", KERNELS, ids=lambda op: op.name)
def test_on_every_sample(op, dtype, shared_work):
    """Also that the kernel takes some of them: one that declined all would never be compared."""
    taken = [checks.check_kernel(op, sample, NUMPY, dtype) for sample in op.samples]
    assert any(taken)


def test_every_kernel_is_compared_on_drawn_shapes():
    assert {op.name for op in KERNELS} == set(DRAWN)


@pytest.mark.parametrize("op", KERNELS, ids=lambda op: op.name)
def test_on_drawn_shapes(op, shared_work):
    @settings(max_examples=15 if op.name in ALONE else 60, deadline=None)
    @given(DRAWN[op.name])
    def drawn(case):
        compare(op, *case)

    drawn()


def test_convolutions_so_small_that_their_columns_are_kept():
    @settings(max_examples=60, deadline=None)
    @given(convolutions())
    def drawn(case):
        compare(OPS.conv, *case)

    drawn()


@st.composite
def convolutions(draw):
    axes = draw(st.integers(1, 3))
    sizes = lambda low, high: draw(st.tuples(*[st.integers(low, high)] * axes))
    groups, dtype = draw(st.integers(1, 3)), draw(DTYPES)
    kernel, dilation, padding = sizes(1, 5), sizes(1, 2), sizes(0, 3)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, kernel, padding)]
    size = [n + draw(st.integers(0, 8 - 2 * axes)) for n in least]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    array = lambda *shape: rng.standard_normal(shape).astype(dtype)
    x = array(draw(st.integers(1, 20)), groups * draw(st.integers(1, 4)), *size)
    if draw(st.booleans()):
        x = array(*(2 * n for n in x.shape))[tuple(slice(None, 2 * n, 2) for n in x.shape)]
    w = array(groups * draw(st.integers(1, 4)), x.shape[1] // groups, *kernel)
    b = array(w.shape[0]) if draw(st.booleans()) else None
    return (x, w, b), {"stride": sizes(1, 3), "padding": padding, "dilation": dilation, "groups": groups}


@st.composite
def products(draw):
    n, k, m = (draw(st.integers(1, 9)) for _ in "nkm")
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    some = lambda: [draw(st.sampled_from([1, size])) for size in batch]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    dtype = draw(DTYPES)
    turned = lambda *shape: rng.standard_normal((*shape[:-2], shape[-1], shape[-2])).astype(dtype).swapaxes(-1, -2)
    return (turned(*some(), n, k), turned(*some(), k, m)), {}


@st.composite
def linears(draw):
    shape, outputs = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)), draw(st.integers(1, 7))
    rng, dtype = np.random.default_rng(draw(st.integers(0, 99))), draw(DTYPES)
    array = lambda *shape: rng.standard_normal(shape).astype(dtype)
    return (array(*shape), array(outputs, shape[-1]), array(outputs) if draw(st.booleans()) else None), {}


@st.composite
def normalisations(draw, per_channel):
    """x far from zero mean and unit variance, strided or not; w and b or not."""
    shape = draw(st.lists(st.integers(1, 6), min_size=3, max_size=4))
    rng, dtype = np.random.default_rng(draw(st.integers(0, 99))), draw(DTYPES)
    x = (3 + 2 * rng.standard_normal(shape)).astype(dtype)
    x = x.swapaxes(0, -1) if draw(st.booleans()) else x
    last = draw(st.integers(1, 2))
    size = x.shape[1:2] if per_channel else x.shape[x.ndim - last :]
    w, b = (rng.standard_normal(size).astype(dtype) if draw(st.booleans()) else None for _ in "wb")
    return (x, w, b), {"eps": 1e-3} if per_channel else {"eps": 1e-3, "last": last}


@st.composite
def windows(draw, dilated):
    axes = draw(st.integers(1, 3))
    sizes = lambda low, high: draw(st.tuples(*[st.integers(low, high)] * axes))
    kernel, dilation = sizes(1, 3), sizes(1, 2) if dilated else (1,) * axes
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel) if dilated else (0,) * axes
    size = [max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 4)) for k, d, p in zip(kernel, dilation, padding)]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.integers(0, 9, (draw(st.integers(1, 4)), 2, *size)).astype(draw(DTYPES))  # with ties
    x = x[..., ::-1] if draw(st.booleans()) else x
    params = {"kernel": kernel, "stride": sizes(1, 3), "padding": padding}
    return (x,), params | ({"dilation": dilation, "ceil_mode": draw(st.booleans())} if dilated else {})


@st.composite
def sequences(draw, gates, states, biases):
    """One length for all; the formula serves packed ones."""
    T, B, I, H = (draw(st.integers(1, 5)) for _ in "TBIH")
    rng, dtype = np.random.default_rng(draw(st.integers(0, 99))), draw(DTYPES)
    array = lambda *shape: rng.standard_normal(shape).astype(dtype)
    x = array(I, T * B).T if draw(st.booleans()) else array(T * B, I)
    bias = [array(gates * H) if draw(st.booleans()) else None for _ in range(biases)]
    arrays = (x, array(gates * H, I), array(gates * H, H), *(array(B, H) for _ in range(states)), *bias)
    return arrays, {"sizes": (B,) * T, "reverse": draw(st.booleans())}


@st.composite
def attentions(draw):
    lead = draw(st.lists(st.integers(1, 3), max_size=2))
    L, S, D, E = (draw(st.integers(1, 7)) for _ in "LSDE")
    rng, dtype = np.random.default_rng(draw(st.integers(0, 99))), draw(DTYPES)
    array = lambda *shape: rng.standard_normal(shape).astype(dtype)
    q = array(*lead, D, L).swapaxes(-1, -2) if draw(st.booleans()) else array(*lead, L, D)
    mask = None
    if draw(st.booleans()):  # some rows see nothing
        few = [draw(st.sampled_from([1, n])) for n in lead]
        mask = rng.random((*few, draw(st.sampled_from([1, L])), S)) < 0.6
    return (q, array(*lead, S, D), array(*lead, S, E), mask, None), {"scale": 0.7, "causal": draw(st.booleans())}


@st.composite
def numbers(draw):
    """For formulas of one operand that take each number, or each row, by itself."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    x = (3 * np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape)).astype(draw(DTYPES))
    return (x.T if draw(st.booleans()) else x,), {}


@st.composite
def lookups(draw):
    V, shape = draw(st.integers(1, 9)), draw(st.lists(st.integers(1, 5), max_size=2))
    rng = np.random.default_rng(V)
    w, i = rng.standard_normal((V, 3)).astype(draw(DTYPES)), np.asarray(rng.integers(0, V, shape))
    return (w, i), {"padding_idx": V - 1} if draw(st.booleans()) else {}


@st.composite
def classes(draw):
    N, C = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    rng = np.random.default_rng(10 * N + C)
    x, t = (30 * rng.standard_normal((N, C))).astype(draw(DTYPES)), rng.integers(0, C, N)
    if draw(st.booleans()):
        t[1:][rng.random(N - 1) < 0.5] = -7  # ignored
    return (x, t, None), {"reduction": draw(st.sampled_from(["mean", "sum", "none"])), "ignore_index": -7}


def absent(*more):
    """The same operands with those after them absent."""
    return lambda case: ((*case[0], *more), case[1])


ALONE = {"relu", *activation.IN_PLACE, *blocks.POINTWISE, *blocks.ROWWISE}
DRAWN = {
    "conv": convolutions(),
    "matmul": products(),
    "linear": linears(),
    "batch_norm": normalisations(per_channel=True),
    "layer_norm": normalisations(per_channel=False),
    "max_pool": windows(dilated=True),
    "avg_pool": windows(dilated=False),
    "rnn": st.tuples(sequences(1, 1, 1), st.booleans()).map(lambda c: (c[0][0], c[0][1] | {"relu": c[1]})),
    "lstm": sequences(4, 2, 1).map(absent(None)),
    "gru": sequences(3, 1, 2),
    "attention": attentions(),
    "embedding": lookups(),
    "cross_entropy": classes(),
    **dict.fromkeys(ALONE, numbers()),
}


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_convolutions_of_little_work_lay_out_all_columns_at_once(case):
    assert threads.WORTH_SPLITTING > 1 << 16
    compare(OPS.conv, *case)


@pytest.mark.parametrize("size", [4, 64])
def test_what_follows_a_convolution_may_write_over_its_result(size):
    """Small and large ones: no gradient of a convolution needs what it gave (DCGAN's discriminator relies on it)."""
    x, w = minidl.randn(2, 3, size, size, requires_grad=True), minidl.randn(8, 3, 3, 3, requires_grad=True)
    y = minidl.nn.functional.conv2d(x, w, padding=1)
    minidl.nn.functional.leaky_relu_(y, 0.2).sum().backward()
    assert x.grad is not None and w.grad is not None
