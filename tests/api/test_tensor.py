"""The Tensor as a Python object: numbers, printing, copies, memory shared with NumPy, hooks, in-place methods."""

import copy
import gc
import math
import pickle
import weakref

import numpy as np
import pytest

import minidl
from minidl import tensor


def test_python_numbers():
    assert tensor([2.5]).item() == 2.5
    assert int(tensor(2.7)) == 2
    assert float(tensor([3])) == 3.0
    assert bool(tensor([[0.0]])) is False
    assert [10, 20, 30][tensor(1)] == 20
    assert f"{tensor(3.14159):.2f}" == "3.14"
    assert 2.5 in tensor([1.0, 2.5])
    assert 3 not in tensor([1.0, 2.5])
    assert len(tensor([[1, 2]])) == 1
    assert [t.tolist() for t in tensor([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    assert [t.item() for t in reversed(tensor([1, 2, 3]))] == [3, 2, 1]
    assert tensor([]).tolist() == []
    assert isinstance(tensor([1.0]).item(), float)
    assert isinstance(tensor([True]).item(), bool)


@pytest.mark.parametrize(
    "run, error, text",
    [
        (lambda: bool(minidl.ones(2)), RuntimeError, r"several has no single truth value; use .any\(\) or .all\(\)"),
        (lambda: bool(minidl.ones(0)), RuntimeError, "no element has no truth value"),
        (lambda: minidl.ones(2).item(), RuntimeError, "exactly one element is needed"),
        (lambda: float(minidl.ones(2)), ValueError, "only a tensor with one element"),
        (lambda: [1, 2][tensor(1.0)], TypeError, "only one whole number can be an index"),
        (lambda: len(tensor(1)), TypeError, "without axes has no length"),
        (lambda: iter(tensor(1)), TypeError, "without axes has no entries"),
        (lambda: "a" in minidl.ones(2), RuntimeError, "a str cannot be in it"),
        (lambda: f"{minidl.ones(2):.2f}", TypeError, "formats one number"),
        (lambda: minidl.ones(2, requires_grad=True).numpy(), RuntimeError, r"use .detach\(\).numpy\(\)"),
        (lambda: np.asarray(minidl.ones(2, requires_grad=True)), RuntimeError, "requires gradients"),
        (lambda: tensor([1 + 2j]), TypeError, "complex"),
        (lambda: tensor([[1, 2], [3]]), ValueError, r"of one length, but data\[0\] is 2 entries and data\[1\]"),
        (lambda: tensor([[1, 2], 3]), ValueError, "data.1. is a number"),
        (lambda: tensor([[[1], [1, 2]]]), ValueError, r"data\[0\]\[0\] is 1 entries and data\[0\]\[1\] is 2 entries"),
        (lambda: tensor("text"), TypeError, "got str"),
        (lambda: tensor([None]), TypeError, "got NoneType"),
        (lambda: tensor([1], requires_grad=True), RuntimeError, "only floating-point"),
        (lambda: minidl.zeros(2, -1), RuntimeError, "sizes cannot be negative"),
        (lambda: minidl.arange(0, 3, 0), RuntimeError, "the step cannot be 0"),
        (lambda: minidl.arange(3, 0), RuntimeError, "do not lead from 3 to 0"),
        (lambda: minidl.ones(2, 3).view(4), RuntimeError, r"shape \(4,\) does not hold the 6 elements"),
        (lambda: minidl.ones(2, 3).t().view(6), RuntimeError, "needs a copy"),
        (lambda: minidl.ones(2, 3).sum(2), IndexError, r"sum: dim 2 is out of range for a tensor of 2 axes"),
        (lambda: minidl.ones(2).sum((0, -1)), RuntimeError, "names an axis twice"),
        (lambda: tensor([1, 2]).mean(), RuntimeError, "mean: floats are needed"),
        (lambda: minidl.ones(2, 3) @ minidl.ones(2, 3), RuntimeError, "@: the inner sizes differ"),
        (lambda: minidl.mm(minidl.ones(2), minidl.ones(2, 3)), RuntimeError, "mm: input must be a matrix"),
        (lambda: minidl.cat([minidl.ones(2, 3), minidl.ones(3, 2)]), RuntimeError, "cat: sizes must be equal except"),
        (lambda: minidl.cat([]), RuntimeError, "at least one tensor"),
        (lambda: minidl.stack([minidl.ones(2), minidl.ones(3)]), RuntimeError, "all shapes must be equal"),
        (lambda: minidl.zeros(0).max(), RuntimeError, "has no maximum"),
        (lambda: tensor([1]) // 0, RuntimeError, "cannot be divided by zero"),
        (lambda: tensor([1]) % tensor([0]), RuntimeError, "cannot be divided by zero"),
        (lambda: tensor([2]) ** -1, (RuntimeError, ValueError), "negative integer powers"),
        (lambda: -tensor([True]), (RuntimeError, TypeError), "negative"),
        (lambda: tensor([2.0]) & 1, TypeError, "&: bits are those of whole numbers"),
        (lambda: ~tensor([2.0]), TypeError, "~: bits are those of whole numbers"),
        (lambda: minidl.sub(tensor([True]), True), RuntimeError, "truth values have no difference"),
        (lambda: tensor([1.0]) + "a", TypeError, "unsupported operand"),
        (lambda: tensor([1.0]) + None, TypeError, "unsupported operand"),
        (lambda: tensor([1.0]) + [1.0], TypeError, "unsupported operand"),
        (lambda: minidl.where(tensor([1.0]), 1, 2), TypeError, "the condition is a tensor of truth values"),
        (lambda: minidl.einsum("ij,jk", minidl.ones(2, 3)), ValueError, "2 terms, and there are 1 operands"),
        (lambda: minidl.einsum("ij,jk", minidl.ones(2, 3), minidl.ones(2, 3)), RuntimeError, "letter 'j'"),
        (lambda: minidl.ones(3).expand(2), RuntimeError, "axis 0 has 3 entries"),
        (lambda: minidl.ones(2).sum(dim=0, axis=0), TypeError, "mean the same"),
        (lambda: minidl.ones(3).split(0), RuntimeError, "must be positive"),
        (lambda: minidl.ones(3).split([1, 1]), RuntimeError, "must add up to the 3 entries"),
        (lambda: minidl.linalg.inv(minidl.ones(2, 3)), RuntimeError, "square matrices"),
        (lambda: minidl.ones(2).detach().register_hook(print), RuntimeError, "does not require gradients"),
        (lambda: minidl.ones(2).to(3.5), TypeError, "a dtype, a device or a tensor"),
    ],
)
def test_errors(run, error, text):
    with pytest.raises(error, match=text):
        run()


def test_comparing_with_none_is_false():
    assert (tensor([1.0]) == None) is False  # noqa: E711
    assert (tensor([1.0]) != "a") is True


PRINTED = [
    ("tensor([[1., 2.]], requires_grad=True)", lambda m: m.tensor([[1.0, 2.0]], requires_grad=True)),
    ("tensor([1, 2])", lambda m: m.tensor([1, 2])),
    ("tensor(3.5000)", lambda m: m.tensor(3.5)),
    ("tensor([True])", lambda m: m.tensor([True])),
    ("tensor([], size=(0, 3))", lambda m: m.zeros(0, 3)),
    ("tensor([1., 2.], dtype=float64)", lambda m: m.tensor([1.0, 2.0], dtype=m.float64)),
    ("tensor([1], dtype=int32)", lambda m: m.tensor([1], dtype=m.int32)),
    ("tensor([inf, nan])", lambda m: m.tensor([math.inf, math.nan])),
    ("tensor(2., grad_fn=<add>)", lambda m: m.tensor(1.0, requires_grad=True) + 1),
]


@pytest.mark.parametrize("text, make", PRINTED)
def test_repr(text, make):
    assert repr(make(minidl)) == text == str(make(minidl))


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.arange(24).reshape(2, 3, 4),
        lambda m: m.arange(3000).reshape(50, 60),
        lambda m: m.arange(2000),
        lambda m: m.linspace(-1, 1, 12),
        lambda m: m.tensor([1e-8, 1.0]),
        lambda m: m.tensor([1e10, 1.0]),
        lambda m: m.tensor([1.0, 2.5, -1000.0]),
        lambda m: m.tensor([[0.0, -0.1], [100.25, 3.0]]),
        lambda m: m.zeros(3, 0),
        lambda m: m.tensor([1.0, math.nan, -math.inf]),
        lambda m: m.tensor([0.5, math.nan, -math.inf]),
        lambda m: m.zeros(2, 2),
        lambda m: m.tensor(1e-5),
        lambda m: m.eye(3) > 0,
        lambda m: m.ones(4, 30),
        lambda m: m.ones(4, 30) * 0.1,
    ],
)
def test_repr_as_torch(make):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here; install the extra 'parity'")
    assert repr(make(minidl)) == repr(make(torch)).replace("torch.", "")


def test_print_options():
    try:
        minidl.set_printoptions(precision=2, sci_mode=False)
        assert repr(tensor([1.234, 1000.5])) == "tensor([   1.23, 1000.50])"
        minidl.set_printoptions(threshold=4, edgeitems=1)
        assert repr(minidl.arange(6)) == "tensor([0, ..., 5])".replace("0, ...", "0,  ...")
    finally:
        minidl.set_printoptions(profile="default")


def test_copies_and_pickles():
    x = tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin.requires_grad
        assert twin.is_leaf
        assert twin.tolist() == [1, 2]
        with minidl.no_grad():
            twin[0] = 9
        assert x.tolist() == [1, 2]
    assert copy.deepcopy(x).grad.tolist() == [2, 4]
    both = copy.deepcopy([x, x])
    assert both[0] is both[1]
    assert pickle.loads(pickle.dumps(tensor([[1, 2]]).T)).tolist() == [[1], [2]]
    assert pickle.loads(pickle.dumps(minidl.zeros(()))).shape == ()
    for protocol in (copy.deepcopy, pickle.dumps):
        with pytest.raises(RuntimeError, match="only leaves"):
            protocol(x * 2)


def test_memory_shared_with_numpy():
    array = np.zeros(3, "float32")
    x = minidl.from_numpy(array)
    array[0] = 1
    x[1] = 2
    assert x.tolist() == array.tolist() == [1, 2, 0]
    y = minidl.ones(2)
    y.numpy()[0] = 5
    assert y.tolist() == [5, 1]
    np.asarray(y)[1] = 6
    assert y.tolist() == [5, 6]
    assert minidl.as_tensor(array).numpy().base is array or minidl.as_tensor(array)[0].item() == 1
    assert np.from_dlpack(y).tolist() == [5, 6]
    assert minidl.tensor(array).numpy() is not array


def test_a_write_through_numpy_is_noticed():
    x = minidl.ones(3, requires_grad=True)
    h = x * 2
    y = (h * h).sum()
    h.detach().numpy()[0] = 7
    with pytest.raises(RuntimeError, match="overwritten"):
        y.backward()


def test_to():
    x = minidl.ones(2, requires_grad=True)
    assert x.to(minidl.float32) is x
    assert x.to("cpu") is x
    assert x.to(minidl.float64).dtype == minidl.float64
    assert x.to("cpu", minidl.float16).dtype == minidl.float16
    assert x.to(minidl.ones(1, dtype=minidl.float64)).dtype == minidl.float64
    assert x.to(minidl.float32, copy=True) is not x
    assert x.to(device="cpu", dtype=minidl.int64).tolist() == [1, 1]
    x.to(minidl.float64).sum().backward()
    assert x.grad.dtype == minidl.float32
    assert x.type() == "minidl.FloatTensor"
    assert x.detach().type("torch.LongTensor").dtype == minidl.int64


def test_hooks():
    x = tensor([1.0, 2.0], requires_grad=True)
    h = x * 3
    seen = []
    handle = h.register_hook(lambda g: seen.append(g.tolist()))
    h.register_hook(lambda g: g * 10)
    h.retain_grad()
    x.register_hook(lambda g: g + 1)
    assert h.retains_grad
    h.sum().backward(retain_graph=True)
    assert seen == [[1, 1]]
    assert h.grad.tolist() == [10, 10]
    assert x.grad.tolist() == [31, 31]
    handle.remove()
    h.sum().backward()
    assert seen == [[1, 1]]
    assert h.grad.tolist() == [20, 20]


def test_retain_grad_keeps_no_cycle():
    x = tensor([1.0], requires_grad=True)
    h = x * 2
    h.retain_grad()
    alive = weakref.ref(h)
    gc.disable()
    try:
        del h
        assert alive() is None
    finally:
        gc.enable()


def test_hooks_on_one_of_several_values():
    x = tensor([3.0, 1.0, 2.0], requires_grad=True)
    a, b = x.split([1, 2])
    b.register_hook(lambda g: g * 2)
    (a.sum() + b.sum()).backward()
    assert x.grad.tolist() == [1, 2, 2]


def test_graph_properties():
    x = tensor([1.0], requires_grad=True)
    y = x + 1
    assert x.is_leaf
    assert x.grad_fn is None
    assert y.grad_fn is not None
    assert not y.is_leaf
    with pytest.raises(AttributeError):
        y.grad_fn = None
    assert not y.detach().requires_grad
    assert y.detach_() is y
    assert y.is_leaf
    assert tensor([1.0]).requires_grad_().requires_grad


# ---------------------------------------------------------------------------------------------- in place


def test_in_place_methods_return_the_tensor_and_share_its_memory():
    x = tensor([1.0, -2.0, 3.0])
    view = x[1:]
    for change in (
        lambda t: t.add_(1), lambda t: t.mul_(2), lambda t: t.sub_(1, alpha=2), lambda t: t.div_(2), lambda t: t.abs_(),
        lambda t: t.clamp_(min=0.5), lambda t: t.pow_(2), lambda t: t.neg_(), lambda t: t.exp_(),
        lambda t: t.relu_(),
        lambda t: t.masked_fill_(t > 0.5, 0.25), lambda t: t.fill_(3), lambda t: t.zero_(),
        lambda t: t.copy_(minidl.ones(3)),
        lambda t: t.uniform_(), lambda t: t.normal_(), lambda t: t.lerp_(minidl.ones(3), 0.5),
    ):  # fmt: skip
        assert change(x) is x
        np.testing.assert_array_equal(view.numpy(), x.numpy()[1:])


def test_augmented_assignment():
    x = tensor([4.0, 9.0])
    y = x
    x += 1
    x -= 2
    x *= 3
    x /= 2
    x **= 2
    x //= 2
    x %= 5
    assert y is x
    assert y.tolist() == [((4 - 1) * 1.5) ** 2 // 2 % 5, ((9 - 1) * 1.5) ** 2 // 2 % 5]
    m = tensor([True, False])
    m |= tensor([True, True])
    m &= tensor([True, False])
    assert m.tolist() == [True, False]


def test_in_place_gradients():
    x = tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    y.mul_(x)
    y[1:].exp_()
    y.add_(x, alpha=2)
    y.sum().backward()
    v = np.array([1.0, 2.0, 3.0])
    expected = 2 * v + 2
    expected[1:] = np.exp(v[1:] ** 2) * 2 * v[1:] + 2
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "run, error, text",
    [
        (lambda: minidl.ones(2, requires_grad=True).add_(1), RuntimeError, "add_: a leaf that requires gradients"),
        (lambda: tensor([1, 2]).add_(1.5), RuntimeError, "cannot be written in place into a int64 tensor"),
        (lambda: minidl.ones(2).add_(minidl.ones(3, 2)), RuntimeError, "does not fit in place"),
        (lambda: tensor([1, 2]).div_(2), RuntimeError, "cannot be written in place"),
        (lambda: minidl.ones(1).expand(3).add_(1), RuntimeError, "cannot be written"),
        (lambda: minidl.ones(2).fill_(minidl.ones(2)), RuntimeError, "one number is needed"),
    ],
)
def test_in_place_errors(run, error, text):
    with pytest.raises(error, match=text):
        run()


def test_out():
    out = minidl.empty(2)
    assert minidl.add(minidl.ones(2), 1, out=out) is out
    assert out.tolist() == [2, 2]
    grown = minidl.empty(0)
    minidl.exp(minidl.zeros(3), out=grown)
    assert grown.tolist() == [1, 1, 1]
    values, indices = minidl.empty(0), minidl.empty(0, dtype=minidl.int64)
    minidl.max(tensor([[1.0, 3.0]]), 1, out=(values, indices))
    assert (values.tolist(), indices.tolist()) == ([3], [1])
    with pytest.raises(RuntimeError, match="does not fit into"):
        minidl.exp(minidl.zeros(3), out=minidl.empty(2))
    with pytest.raises(RuntimeError, match="cannot be written"):
        minidl.exp(minidl.zeros(3), out=minidl.empty(3, dtype=minidl.int64))
    with pytest.raises(RuntimeError, match="does not go with gradients"):
        minidl.exp(minidl.zeros(3, requires_grad=True), out=minidl.empty(3))


def test_both_spellings():
    x = minidl.arange(6.0).reshape(2, 3)
    assert minidl.sum(x, axis=0).tolist() == x.sum(dim=0).tolist()
    assert x.sum(axis=1, keepdims=True).shape == (2, 1)
    assert minidl.cat([x, x], axis=1).shape == (2, 6)
    assert x.max(axis=1).indices.tolist() == [2, 2]
    assert x.unsqueeze(axis=0).shape == (1, 2, 3)


def test_the_public_face():
    assert [name for name in minidl.__all__ if not hasattr(minidl, name)] == []
    assert minidl.is_tensor(minidl.ones(1))
    assert minidl.finfo(minidl.float32).eps == np.finfo("float32").eps
    assert minidl.iinfo(minidl.int8).max == 127
    assert minidl.cuda.device_count() >= 0
    assert minidl.float == minidl.float32
    assert minidl.long == minidl.int64


def test_erfc_keeps_its_digits_where_it_is_small():
    x = np.linspace(-6, 26, 400)
    y = minidl.erfc(tensor(x)).numpy()
    np.testing.assert_allclose(y, [math.erfc(v) for v in x], rtol=3e-13)


def test_sizes_and_dims_by_name():
    for make in (minidl.zeros, minidl.ones, minidl.empty, minidl.rand, minidl.randn):
        assert make(size=(2, 3)).shape == (2, 3)
    assert minidl.ones(2).new_zeros(size=(4,)).shape == (4,)
    assert minidl.ones(2, 3).permute(dims=(1, 0)).shape == (3, 2)


def test_a_number_beside_a_tensor_keeps_its_dtype_in_xlogy():
    for x in (minidl.tensor([0.5, 0.0]), minidl.tensor([2, 0])):
        y = minidl.xlogy(x, 2)
        assert y.dtype == minidl.float32
        assert y[1].item() == 0


def test_a_variance_with_nothing_to_divide_by():
    assert minidl.tensor([1.0, 2.0]).var(correction=2).item() == float("inf")
    assert minidl.isnan(minidl.tensor([1.0]).var()).item()


def test_shapes_and_dims_by_name():
    x = minidl.arange(4)
    assert minidl.reshape(input=x, shape=(2, 2)).tolist() == [[0, 1], [2, 3]]
    assert minidl.flip(x, dims=(0,)).tolist() == [3, 2, 1, 0]
    assert minidl.tile(x, dims=(2,)).shape == (8,)
