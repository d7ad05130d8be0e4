"""The device "meta": every op's shapes and dtypes without its numbers, and a refusal wherever numbers are asked for."""

import time
import tracemalloc

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.autograd import Tensor, grad
from minidl.backend import device, move
from minidl.backend.algebra import NAMES
from minidl.backend.meta import META, RULES, MetaArray
from minidl.nn import functional as F
from minidl.testing.checks import LAYOUTS, Trial
from tests.ops.cases import REFUSALS, emptied, every_case, scalars


def looks(ts):
    return [(t.shape, t.dtype, t.requires_grad) for t in (ts if isinstance(ts, tuple) else (ts,))]


def run(trial, dtype):
    """What an op gives on a device, and the gradients of all arguments, as shapes and dtypes."""
    xs = trial.tensors()
    ys = trial.op(*xs, **trial.sample.params)
    wrt = [xs[k] for k in trial.floats]
    outs = [y for y in (ys if isinstance(ys, tuple) else (ys,)) if y.requires_grad]
    if not outs or not wrt:
        return looks(ys), []
    seeds = [Tensor(move(np.ones(y.shape, y.dtype), y.device)) for y in outs]
    first = grad(outs, wrt, seeds, allow_unused=True, materialize_grads=True, create_graph=True)
    return looks(ys), looks(first)


def shapes_of(op, sample, dtype="float64"):
    """On the CPU, and on meta."""
    real = Trial(op, sample, "cpu", dtype)
    unreal = Trial(op, sample, "cpu", dtype)
    unreal.device = "meta"
    return run(real, dtype), run(unreal, dtype)


def test_every_name_of_the_algebra_has_a_rule():
    assert sorted(set(NAMES) - set(RULES)) == [], "give these a rule for their shape in minidl/backend/meta.py"


@every_case
def test_shapes_and_dtypes_are_those_of_the_real_run(op, sample):
    for dtype in ("float64", "float32"):
        real, unreal = shapes_of(op, sample, dtype)
        assert unreal == real
    for derived in (*emptied(sample), *scalars(sample)):
        try:
            real, unreal = shapes_of(op, derived)
        except REFUSALS:
            continue
        if op.name not in ("diag_embed", "col2im"):  # whose samples, emptied, contradict their shape=
            assert unreal == real


@every_case
def test_strides_in_odd_layouts(op, sample):
    for layout in LAYOUTS:
        xs = Trial(op, sample, "cpu", layout=layout).tensors()
        ghosts = [x if x is None else Tensor(like(x.array)) for x in xs]
        try:
            real = op(*xs, **sample.params)
        except ValueError:  # a matrix of equal rows has no inverse
            continue
        assert looks(op(*ghosts, **sample.params)) == [(s, d, False) for s, d, _ in looks(real)]


def like(array):
    return MetaArray(array.shape, array.dtype, array.strides)


VIEWS = [
    lambda t: t[1],
    lambda t: t[..., None, 1:],
    lambda t: t[:, ::2],
    lambda t: t.transpose(0, 2),
    lambda t: t.permute(2, 0, 1)[0],
    lambda t: t.reshape(6, 4),
    lambda t: t[:, 0].expand(5, 2, 4),
    lambda t: t.diagonal(dim1=0, dim2=2),
    lambda t: t.flatten(1).unsqueeze(0),
    lambda t: t.transpose(0, 1).contiguous(),
]


@pytest.mark.parametrize("of", VIEWS)
def test_views_have_the_strides_of_numpys(of):
    real, unreal = of(minidl.zeros(2, 3, 4)), of(minidl.zeros(2, 3, 4, device="meta"))
    assert (unreal.shape, unreal.stride(), unreal.is_contiguous()) == (real.shape, real.stride(), real.is_contiguous())
    assert (unreal.base is None) == (real.base is None)


INDICES = [
    lambda x, i: x[i],
    lambda x, i: x[:, i],
    lambda x, i: x[i, :, i],
    lambda x, i: x[:, i, i],
    lambda x, i: x[0, :, i],
    lambda x, i: x[i[:, None], i],
    lambda x, i: x.index_select(1, i),
    lambda x, i: x.take_along_dim(i[:, None, None], 0),
]


@pytest.mark.parametrize("of", INDICES)
def test_index_arrays(of):
    x, i = minidl.zeros(3, 4, 5), minidl.tensor([0, 2, 1, 1])
    assert of(x.to("meta"), i.to("meta")).shape == of(x, i).shape


def test_what_depends_on_numbers_is_refused_in_a_sentence():
    t = minidl.ones(3, device="meta")
    one = t.sum()
    for ask in (
        one.item, one.__float__, one.__bool__, t.tolist, t.nonzero, lambda: t[t > 0], lambda: t.to("cpu"), t.cpu,
        lambda: t.masked_select(t > 0), t.unique, lambda: t.equal(t), lambda: 3 in t,
    ):  # fmt: skip
        with pytest.raises(NotImplementedError, match="no numbers"):
            ask()
    with pytest.raises((TypeError, NotImplementedError), match="meta"):
        t.numpy()
    with pytest.raises(RuntimeError, match="devices"):
        t + minidl.ones(3)
    with pytest.raises(RuntimeError, match="devices"):
        minidl.ones(3) * t


def test_it_prints_as_what_it_is():
    assert repr(minidl.empty(2, 3, device="meta")) == "tensor(..., device='meta', size=(2, 3))"
    t = minidl.zeros(4, dtype="int32", device="meta")
    assert repr(t) == "tensor(..., device='meta', size=(4,), dtype=int32)"
    assert t.is_meta and not minidl.ones(2).is_meta
    assert t.device == device("meta")


def test_the_block_that_says_where_new_tensors_go():
    with minidl.device("meta"):
        made = [
            minidl.zeros(2), minidl.rand(2), minidl.tensor([1.0]), minidl.arange(3), minidl.eye(2),
            minidl.randint(3, (2,)), minidl.full((2,), 1.0), nn.Linear(2, 3).weight, nn.BatchNorm2d(3).running_mean,
        ]  # fmt: skip
        assert all(t.is_meta for t in made)
        with minidl.device("cpu"):
            assert not minidl.zeros(2).is_meta
        assert not minidl.zeros(2, device="cpu").is_meta
        assert minidl.get_default_device() == device("meta")
    assert minidl.get_default_device() == device("cpu")
    assert not minidl.zeros(2).is_meta
    minidl.set_default_device("meta")
    try:
        assert minidl.ones(1).is_meta
    finally:
        minidl.set_default_device(None)
    assert not minidl.ones(1).is_meta


def test_nothing_is_drawn_and_nothing_is_kept():
    before = minidl.get_rng_state().tolist()
    tracemalloc.start()
    start = time.perf_counter()
    with minidl.device("meta"):
        net = nn.Sequential(nn.Linear(100_000, 100_000), nn.Dropout(), nn.Linear(100_000, 10))
        net(minidl.randn(64, 100_000)).sum().backward()
    seconds, (_, peak) = time.perf_counter() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert net[0].weight.grad.shape == (100_000, 100_000)
    assert peak < 1e6 and seconds < 1
    assert minidl.get_rng_state().tolist() == before


def test_a_module_goes_there_and_comes_back_empty():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    shapes = {k: (v.shape, v.dtype) for k, v in net.state_dict().items()}
    assert all(t.is_meta for t in net.to("meta").state_dict().values())
    with pytest.raises(NotImplementedError, match="no numbers"):
        net.to("cpu")
    net.to_empty(device="cpu")
    assert {k: (v.shape, v.dtype) for k, v in net.state_dict().items()} == shapes
    assert not any(t.is_meta for t in net.state_dict().values())


def test_training_in_shapes():
    """A whole step: labels whose range nobody can check, in-place statistics, views written into."""
    with minidl.device("meta"):
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
        )
        words = nn.Embedding(7, 5, padding_idx=0)(minidl.zeros(2, 3, dtype="int64"))
        loss = F.cross_entropy(net(minidl.zeros(8, 1, 8, 8)), minidl.zeros(8, dtype="int64"))
        loss.backward()
        x = minidl.zeros(3, 4)
        x[1:, :2] = 1.0
        x[minidl.tensor([0, 2])] = minidl.zeros(4)
        with pytest.raises(ValueError):
            x[0] = minidl.zeros(5)
        with pytest.raises(RuntimeError, match="cannot be written"):
            x[:1].expand(3, 4)[...] = 1.0
    assert words.shape == (2, 3, 5)
    assert all(p.grad.shape == p.shape for p in net.parameters())


def test_products_are_counted():
    def cost(f, *shapes):
        before = META.multiply_adds
        f(*(minidl.zeros(s, device="meta") for s in shapes))
        return META.multiply_adds - before

    assert cost(lambda a, b: a @ b, (3, 4), (4, 5)) == 60
    assert cost(lambda a, b: a @ b, (2, 3, 4), (4, 5)) == 120
    assert cost(lambda a, b: a @ b, (4,), (4,)) == 4
    assert cost(lambda a, b: minidl.einsum("bij,bjk->bik", a, b), (2, 3, 4), (2, 4, 5)) == 120
    assert cost(lambda x, w: F.conv2d(x, w, padding=1, groups=2), (2, 4, 5, 6), (8, 2, 3, 3)) == 2 * 8 * 30 * 18
    assert cost(lambda x: (x * 2 + 1).sum(), (3, 4)) == 0


@pytest.mark.parametrize("wrong", [
    lambda: minidl.zeros(3, 4, device="meta") @ minidl.zeros(3, 4, device="meta"),
    lambda: minidl.zeros(3, 4, device="meta") + minidl.zeros(3, device="meta"),
    lambda: minidl.zeros(3, 4, device="meta").reshape(5),
    lambda: F.conv2d(minidl.zeros(1, 3, 4, 4, device="meta"), minidl.zeros(2, 2, 3, 3, device="meta")),
    lambda: minidl.cat([minidl.zeros(3, 4, device="meta"), minidl.zeros(2, 3, device="meta")]),
])  # fmt: skip
def test_shapes_that_do_not_fit_are_told_as_ever(wrong):
    with pytest.raises((ValueError, RuntimeError), match=r"\(3, 4\)|channels"):
        wrong()
