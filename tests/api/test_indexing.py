"""x[...]: NumPy says what it means, finite sums say what its gradient is, PyTorch where the two differ."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minidl

SHAPE = (3, 4, 5)


@st.composite
def keys(draw, shape=SHAPE):
    """Keys of numbers, slices, None, an ellipsis, and index arrays or masks on some of the axes."""
    parts, arrays = [], draw(st.booleans())
    length = draw(st.integers(1, 3))
    axis = 0
    while axis < len(shape):
        n = shape[axis]
        kind = draw(st.sampled_from(["int", "slice", "slice", *(["array", "mask"] if arrays else [])]))
        if kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            start, stop = draw(st.none() | st.integers(-n - 1, n + 1)), draw(st.none() | st.integers(-n - 1, n + 1))
            parts.append(slice(start, stop, draw(st.none() | st.integers(1, 3))))
        elif kind == "array":
            parts.append(np.array(draw(st.lists(st.integers(-n, n - 1), min_size=length, max_size=length))))
        else:
            mask = np.zeros(n, bool)
            mask[draw(st.permutations(range(n)))[:length]] = True
            parts.append(mask)
        axis += 1
    cut = draw(st.integers(0, len(parts)))
    if draw(st.booleans()):
        parts = parts[:cut]
    elif draw(st.booleans()):
        parts.insert(cut, None)
    if draw(st.booleans()):
        rest = draw(st.integers(0, len(parts)))
        parts = [*parts[:rest], ...]
    return tuple(parts)


def in_two_steps(array, key):
    """NumPy's result in PyTorch's order: numbers, slices and None first, then index arrays."""
    plain = [p for p in key if p is not ... and p is not None]
    full = []
    for part in key:
        full += [slice(None)] * (array.ndim - len(plain)) if part is ... else [part]
    first = tuple(slice(None) if isinstance(p, np.ndarray) else p for p in full)
    second = tuple(p if isinstance(p, np.ndarray) else slice(None) for p in full if not isinstance(p, int))
    view = array[first]
    return view[second] if any(isinstance(p, np.ndarray) for p in second) else view


@settings(max_examples=300, deadline=None)
@given(keys())
def test_reading_and_its_gradient(key):
    values = np.arange(60.0).reshape(SHAPE)
    x = minidl.tensor(values, requires_grad=True)
    y, expected = x[key], in_two_steps(values, key)
    assert y.shape == expected.shape
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    weights = np.asarray(np.random.default_rng(0).normal(size=y.shape))
    (y * minidl.tensor(weights)).sum().backward()
    grad = np.zeros(60)
    np.add.at(grad, expected.astype(int).ravel(), weights.ravel())
    np.testing.assert_allclose(x.grad.numpy().ravel(), grad)


@settings(max_examples=200, deadline=None)
@given(keys())
def test_reading_as_torch(key):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here; install the extra 'parity'")
    values = np.arange(60.0).reshape(SHAPE)
    theirs = torch.tensor(values)[tuple(torch.tensor(p) if isinstance(p, np.ndarray) else p for p in key)]
    ours = minidl.tensor(values)[tuple(minidl.tensor(p) if isinstance(p, np.ndarray) else p for p in key)]
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@settings(max_examples=200, deadline=None)
@given(keys(), st.booleans())
def test_writing_and_its_gradients(key, whole):
    values = np.arange(60.0).reshape(SHAPE)
    places = in_two_steps(np.arange(60).reshape(SHAPE), key)
    if len(np.unique(places)) < places.size:
        return  # which of two values stays is not defined
    v = -1.0 - np.arange(places.size).reshape(places.shape) if whole else np.array(-7.0)
    x, value = minidl.tensor(values, requires_grad=True), minidl.tensor(v, requires_grad=True)
    y = x * 1
    y[key] = value
    expected = values.copy().ravel()
    expected[places.ravel()] = np.broadcast_to(v, places.shape).ravel()
    np.testing.assert_array_equal(y.detach().numpy().ravel(), expected)
    plain = minidl.tensor(values)
    plain[key] = minidl.tensor(v)
    np.testing.assert_array_equal(plain.numpy().ravel(), expected)
    weights = np.random.default_rng(0).normal(size=60)
    (y.reshape(-1) * minidl.tensor(weights)).sum().backward()
    gx = weights.copy()
    gx[places.ravel()] = 0
    np.testing.assert_allclose(x.grad.numpy().ravel(), gx)
    gv = weights[places.ravel()].reshape(places.shape)
    np.testing.assert_allclose(value.grad.numpy(), gv if whole else gv.sum())


def test_repeated_indices_add_up():
    x = minidl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 1]].sum().backward()
    assert x.grad.tolist() == [2, 1, 0]


def test_masks_of_any_rank():
    x = minidl.arange(12.0).reshape(3, 4)
    assert x[x > 8].tolist() == [9, 10, 11]
    assert x[minidl.tensor([True, False, True])].shape == (2, 4)
    assert x[[True, False, True], 1].tolist() == [1, 9]
    assert x[True].shape == (1, 3, 4)
    assert x[False].shape == (0, 3, 4)
    assert x[minidl.zeros(3, 4, dtype=minidl.bool)].shape == (0,)
    y = x.clone()
    y[y > 5] = 0
    assert y.sum().item() == 15


def test_numbers_in_tensors_are_numbers():
    x = minidl.arange(12.0).reshape(3, 4)
    assert x[minidl.tensor(1)].tolist() == [4, 5, 6, 7]
    assert x[np.int64(1), minidl.tensor(2)].item() == 6
    assert x[minidl.tensor(1) : minidl.tensor(3)].shape == (2, 4)
    assert x[[]].shape == (0, 4)


def test_views_share_memory_and_copies_do_not():
    x = minidl.zeros(3, 4)
    x[1][2] = 5
    x[:, None, 0][:] = 2
    assert x.tolist() == [[2, 0, 0, 0], [2, 0, 5, 0], [2, 0, 0, 0]]
    x[[0, 1]][:] = 9
    assert x.max().item() == 5


def test_a_written_value_is_cast_and_broadcast():
    x = minidl.zeros(2, 3, dtype=minidl.int64)
    x[0] = 2.7
    x[1] = minidl.tensor([[1.9, 2.9, -3.9]])
    assert x.tolist() == [[2, 2, 2], [1, 2, -3]]


@pytest.mark.parametrize(
    "key, error, text",
    [
        (5, IndexError, "index 5 is out of range for axis 0, which has 3 entries"),
        ((0, -5), IndexError, "index -5 is out of range for axis 1, which has 4 entries"),
        ([0, 3], IndexError, "index 3 is out of range for axis 0, which has 3 entries"),
        ((slice(None), [0, -5]), IndexError, "index -5 is out of range for axis 1"),
        ((0, 0, 0), IndexError, "3 indices for a tensor of 2 axes"),
        (slice(None, None, -1), ValueError, "a slice steps forward, got step -1; use flip"),
        (1.0, IndexError, "got float 1.0"),
        ("a", IndexError, "an index is an integer"),
        ((..., ...), IndexError, "one ellipsis"),
        ([True, False], IndexError, r"the mask has shape \(2,\) and the axes it is laid over have \(3,\)"),
        (np.array([0.5]), IndexError, "an index is an integer"),
    ],
)
def test_errors(key, error, text):
    x = minidl.zeros(3, 4)
    with pytest.raises(error, match=text):
        x[key]
    with pytest.raises(error, match=text):
        x[key] = 1


def test_errors_of_values():
    x = minidl.zeros(3, 4)
    with pytest.raises(RuntimeError, match=r"a value of shape \(3,\) does not fit into the selected shape \(4,\)"):
        x[0] = minidl.zeros(3)
    with pytest.raises(RuntimeError, match="cannot be written"):
        minidl.zeros(1).expand(3)[0] = 1
    leaf = minidl.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf[0] = 1
    with minidl.no_grad():
        leaf[0] = 1
    assert leaf.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    "call, text",
    [
        (lambda x: x.gather(1, minidl.tensor([[4]])), "gather: index 4 is out of range for dim 1, which has 4 entries"),
        (lambda x: x.gather(0, minidl.tensor([[-1]])), "index -1 is out of range"),
        (lambda x: x.index_select(0, minidl.tensor([3])), "index_select: index 3 is out of range for dim 0"),
        (lambda x: x.scatter(0, minidl.tensor([[7]]), 1.0), "scatter: index 7"),
        (lambda x: x.gather(2, minidl.tensor([[0]])), "dim 2 is out of range"),
        (lambda x: x.take(minidl.tensor([12])), "index 12 is out of range"),
    ],
)
def test_errors_along_a_dim(call, text):
    with pytest.raises(IndexError, match=text):
        call(minidl.zeros(3, 4))


def test_errors_of_shapes_and_counts():
    with pytest.raises(RuntimeError, match="as many axes"):
        minidl.zeros(3, 4).gather(0, minidl.tensor([0]))
    with pytest.raises(RuntimeError, match="k = 9 is out of range"):
        minidl.zeros(3, 4).topk(9)
