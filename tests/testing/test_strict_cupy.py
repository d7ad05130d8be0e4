"""The stand-in refuses, counts and computes what CuPy does."""

from __future__ import annotations

import copy
import operator
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minidl.testing import cupy_names as names
from minidl.testing import strict_cupy
from minidl.testing.strict_cupy import HostSync, counters, cupy, cupyx, no_sync


def device(values, dtype=np.float32):
    return cupy.asarray(np.asarray(values, dtype))


@pytest.fixture
def x():
    return device([[1, 2, 3], [4, 5, 6]])


@pytest.fixture(autouse=True)
def _fresh():
    counters.reset()


# ---- nothing is converted silently


@pytest.mark.parametrize(
    "convert",
    [np.asarray, np.array, np.exp, np.sum, lambda x: np.add(x, 1), lambda x: np.stack([x]), memoryview, bytes.fromhex,
     lambda x: np.array([x, x])],
)  # fmt: skip
def test_numpy_never_sees_a_device_array(x, convert):
    with pytest.raises(TypeError):
        convert(x)


def test_the_message_is_cupys(x):
    with pytest.raises(TypeError, match=r"Implicit conversion to a NumPy array is not allowed. Please use `.get\(\)`"):
        np.asarray(x)


HOST = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x + HOST, lambda x: HOST + x, lambda x: x * HOST, lambda x: x == HOST, lambda x: HOST < x,
        lambda x: x @ HOST.T, lambda x: operator.iadd(x, HOST), lambda x: cupy.add(x, HOST), lambda x: cupy.exp(HOST),
        lambda x: cupy.sum(HOST), lambda x: cupy.where(x > 0, x, HOST), lambda x: cupy.exp(x, out=HOST),
        lambda x: x.sum(out=np.zeros((), np.float32)), lambda x: operator.setitem(x, 0, HOST[0]),
        lambda x: operator.setitem(x, ..., HOST), lambda x: operator.setitem(x, 0, [1, 2, 3]),
        lambda x: cupy.concatenate([x, HOST]), lambda x: cupy.stack([x, HOST]), lambda x: cupy.einsum("ij,ij", x, HOST),
        lambda x: cupy.dot(x, HOST.T), lambda x: cupy.add.at(x, 0, HOST[0]), lambda x: cupy.maximum(x, [1, 2, 3]),
        lambda x: cupy.sum([1, 2]), lambda x: cupy.ascontiguousarray(HOST), lambda x: x + [1, 2, 3],
        lambda x: x + "a", lambda x: x + None, lambda x: cupy.zeros_like(HOST), lambda x: cupy.empty_like(HOST),
        lambda x: cupy.reshape(HOST, -1), lambda x: cupy.copyto(x, HOST), lambda x: cupy.pad([1, 2], 1),
    ],
)  # fmt: skip
def test_host_and_device_do_not_mix(x, mix):
    with pytest.raises((TypeError, AttributeError)):
        mix(x)


def test_the_refusal_names_the_type(x):
    with pytest.raises(TypeError, match=r"Unsupported type <class 'numpy.ndarray'>"):
        x + HOST


@pytest.mark.parametrize("key", [np.array([0, 1]), [0, 1], (0, [1, 2]), np.array([True, False])])
def test_a_host_array_is_no_index(x, key):
    with pytest.raises(TypeError, match="as an index"):
        x[key]
    with pytest.raises(TypeError, match="as an index"):
        x[key] = 0
    with pytest.raises(TypeError, match="as an index"):
        cupy.take(x, np.array([0]))


@pytest.mark.parametrize("scalar", [np.float64(2), np.int64(2), np.complex64(1)])
@pytest.mark.parametrize("f", [operator.add, lambda a, b: b * a, cupy.maximum, lambda a, b: operator.imul(a, b)])
def test_a_numpy_scalar_does_not_widen(x, scalar, f):
    with pytest.raises(TypeError, match="pass a Python number"):
        f(x, scalar)


def test_numpy_scalars_that_change_nothing_are_welcome(x):
    assert (x * np.float32(2)).dtype == (x + np.bool_(True)).dtype == np.float32
    assert (x.astype("f8") * np.float64(2)).dtype == np.float64
    assert cupy.sum(x, axis=np.int64(0)).shape == (3,)
    assert x[np.int64(1), np.int32(2)].item() == 6
    x[0] = np.float64(7)
    assert x[0, 0].item() == 7
    with pytest.raises(TypeError, match="pass a Python number"):
        cupy.where(x > 0, x, np.float64(0))


@pytest.mark.parametrize("scalar", [2, 2.5, True])
def test_python_scalars_are_weak(scalar):
    half = device([1, 2], np.float16)
    assert (half * scalar).dtype == (scalar - half).dtype == cupy.maximum(half, scalar).dtype == np.float16


def test_foreign_objects_get_their_turn(x):
    class Tensor:
        __array_ufunc__ = None
        __radd__ = __rmatmul__ = __lt__ = lambda self, other: "mine"

    assert x + Tensor() == x @ Tensor() == (x > Tensor()) == "mine"
    with pytest.raises(TypeError, match="Unsupported type"):
        x += Tensor()
    assert not (x == None).any() and (x != object()).all()  # noqa: E711  # the comparison is what is tested


# ---- waiting for the device

WAITS = {
    "get": lambda x: x.get(), "item": lambda x: x[0, 0].item(), "float": lambda x: float(x[0, 0]),
    "int": lambda x: int(x[0, 0]), "bool": lambda x: bool(x[0, 0]), "tolist": lambda x: x.tolist(),
    "asnumpy": lambda x: cupy.asnumpy(x), "repr": repr, "format": lambda x: f"{x.sum():.1f}",
    "bytes": lambda x: x.tobytes(),
    "pickle": pickle.dumps, "in": lambda x: 3 in x[0], "mask": lambda x: x[x > 2],
    "mask_set": lambda x: operator.setitem(x, x > 2, 0), "where": lambda x: cupy.where(x > 2),
    "nonzero": lambda x: cupy.nonzero(x), "method_nonzero": lambda x: x.nonzero(), "unique": lambda x: cupy.unique(x),
    "argwhere": lambda x: cupy.argwhere(x), "bincount": lambda x: cupy.bincount(x[0].astype("i4")),
    "compress": lambda x: x.compress(x[0] > 1, axis=1), "isin": lambda x: cupy.isin(x, x),
    "repeat": lambda x: cupy.repeat(x, cupy.arange(2), axis=0), "triu": lambda x: cupy.triu_indices(3),
    "sliding": lambda x: cupy.lib.stride_tricks.sliding_window_view(x, 2, axis=1), "true": lambda x: x[True],
    "device": lambda x: cupy.cuda.Device().synchronize(),
    "stream": lambda x: cupy.cuda.get_current_stream().synchronize(),
    "average": lambda x: cupy.average(x, weights=x), "choose": lambda x: cupy.choose(cupy.arange(2), x[:, :2]),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITS)
def test_waiting_is_counted_and_refused(x, name):
    WAITS[name](x)
    assert counters.syncs >= 1
    with no_sync(), pytest.raises(HostSync, match="host wait"):
        WAITS[name](x)
    WAITS[name](device([[1, 2, 3], [4, 5, 6]]))  # allowed again


@pytest.mark.parametrize(
    "work",
    [lambda x: x[0] + x.sum(), lambda x: x[:, cupy.arange(2)], lambda x: cupy.where(x > 2, x, 0),
    lambda x: x.max(axis=0),
     lambda x: cupy.allclose(x, x), lambda x: cupy.array_equal(x, x), lambda x: cupy.concatenate([x, x]), len,
     lambda x: cupy.repeat(x, 2), lambda x: copy.deepcopy(x), lambda x: cupy.full(3, 1.5), lambda x: cupy.asarray(1.5),
     lambda x: operator.setitem(x, 0, 0), lambda x: x.argsort(), lambda x: cupy.linalg.norm(x), lambda x: list(x)],
)  # fmt: skip
def test_work_does_not_wait(x, work):
    with no_sync(uploads=True):
        work(x)
    assert counters.syncs == 0


def test_no_sync_is_of_one_thread_and_nests(x):
    import threading

    with no_sync():
        with pytest.raises(HostSync), no_sync(uploads=True):
            device([1.0])
        cupy.asarray([1.0])
        other = threading.Thread(target=x.get)
        other.start()
        other.join()
        assert counters.syncs == 1
        with pytest.raises(HostSync):
            x.get()


def test_truth(x):
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    assert bool(x[:0]) is False and bool(x[0, 0]) is True
    assert isinstance(x[0, 0].item(), float)
    with pytest.raises(ValueError, match="size 1"):
        x.item()
    with pytest.raises(TypeError):
        operator.index(cupy.asarray(3))  # CuPy's arrays are no indices of a list
    with pytest.raises(TypeError):
        x[: cupy.asarray(1)]
    with pytest.raises(TypeError):
        hash(x)


# ---- counters


def test_uploads(x):
    counters.reset()
    cupy.asarray(HOST), cupy.array([1, 2]), x.set(HOST), pickle.loads(pickle.dumps(x))
    assert counters.uploads == 4
    cupy.asarray(x), cupy.asarray(2.0), cupy.zeros(3), cupy.arange(3), cupy.array([x[0], x[1]])
    cupy.concatenate([x] * 8)
    assert counters.uploads == 4
    cupy.concatenate([x] * 9), cupy.stack([x] * 9)
    assert counters.uploads == 6


def test_launches_count_work_and_not_views(x):
    counters.reset()
    x.T, x[0], x.reshape(3, 2), x.shape, cupy.transpose(x), cupy.broadcast_to(x, (2, 2, 3)), cupy.ndim(x), x.astype
    cupy.result_type(x, 1.0), cupy.squeeze(x), x.ravel(), cupy.moveaxis(x, 0, 1), cupy.split(x, 2)
    assert counters.launches == 0
    x + 1, cupy.exp(x), x.sum()
    x += 1
    x[0] = 0
    cupy.exp(x, out=x), cupy.exp(x, x), x.sum(axis=1, out=x[:, 0])
    assert counters.launches == 8
    assert repr(counters) == "syncs=0 launches=8 uploads=0 wrapped=0"


# ---- names and parameters


@pytest.mark.parametrize(
    "name", ["errstate", "geomspace", "nditer", "vecdot", "block", "insert", "emath", "matvec", "spacing", "unstack",
             "einsum_path", "ndenumerate", "seterr", "float128", "longdouble", "no_such_thing", "HostSync"],
)  # fmt: skip
def test_names_cupy_lacks(name):
    with pytest.raises(AttributeError, match=f"module 'cupy' has no attribute '{name}'"):
        getattr(cupy, name)
    assert not hasattr(cupy, name) and name not in dir(cupy)


@pytest.mark.parametrize(
    "name", ["ctypes", "getfield", "setflags", "to_device", "__array_interface__", "nope", "resize"]
)
def test_attributes_cupy_lacks(x, name):
    with pytest.raises(AttributeError):
        getattr(x, name)


def test_every_name_answers():
    for name in names.parse(names.FUNCTIONS) | names.parse(names.UFUNCS):
        getattr(cupy, name)
    for module in (cupy.linalg, cupy.fft, cupy.random, cupy.cuda, cupyx.scipy.special, cupyx, cupy.lib.stride_tricks):
        assert all(hasattr(module, name) for name in dir(module))
    special = {name for name in vars(strict_cupy.ndarray) if name.startswith("__")}
    assert special <= set(names.SPECIALS.split()) | set(dir(object)) | {"__getattr__", "__annotations__", "__weakref__",
                                                                       "__static_attributes__",
                                                                       "__firstlineno__"}  # fmt: skip
    methods = {name for name in vars(strict_cupy.ndarray) if not name.startswith("_")}
    assert methods <= set(names.parse(names.METHODS))


@pytest.mark.parametrize("f", [lambda: cupy.poly1d([1]), lambda: cupy.RawKernel("", ""), lambda: cupy.random.rand(3),
                               lambda: cupy.load("x"), lambda: cupyx.scipy.special.zeta(1), lambda: cupy.zeros(1).flat,
                               lambda: cupy.cuda.Graph(), lambda: cupy.zeros(1).dumps(),
                               lambda: cupy.maximum.reduce(cupy.zeros(1)),
                               lambda: cupy.multiply.at(cupy.zeros(1), 0, 1)])  # fmt: skip
def test_what_is_not_emulated_says_so(f):
    with pytest.raises(NotImplementedError):
        f()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: cupy.sum(x, where=x > 0), lambda x: cupy.max(x, initial=0), lambda x: cupy.add(x, x, where=x > 0),
        lambda x: cupy.take(x, 0, mode="clip"), lambda x: cupy.einsum("ij->i", x, out=x), lambda x: x.max(initial=0),
        lambda x: x.astype("f8", casting="safe"), lambda x: cupy.clip(x, min=0), lambda x: x.item(0),
        lambda x: cupy.argsort(x, stable=True), lambda x: cupy.std(x, mean=0),
        lambda x: cupy.sum(x, 0, None, None, 0, 0),
        lambda x: cupy.expand_dims(x, 0, 1), lambda x: cupy.split(x, 2, out=x), lambda x: cupy.linalg.eigh(x, foo=1),
    ],
)  # fmt: skip
def test_parameters_cupy_lacks(x, f):
    with pytest.raises(TypeError):
        f(x)


def test_parameters_in_cupys_order(x):
    out = cupy.zeros(3, int)
    assert cupy.argmax(x, 0, None, out) is out
    assert cupy.argmax(x, 0, None, None, True).shape == (1, 3)
    assert x.argmax(0, out) is out
    assert cupy.reshape(x, (3, 2)).shape == cupy.reshape(x, newshape=(3, 2)).shape == (3, 2)
    with pytest.raises(ValueError, match="stable"):
        cupy.sort(x, kind="quicksort")


def test_the_list_is_that_of_the_installed_cupy():
    pytest.importorskip("cupy", reason="CuPy is not installed: the list of its names cannot be compared")
    found = names.survey()
    if found["VERSION"].split(".")[0] != names.VERSION.split(".")[0]:
        pytest.skip(f"the list is of CuPy {names.VERSION}, installed is {found['VERSION']}")
    for table, text in found.items():
        listed, there = set(getattr(names, table).split()), set(text.split())
        if found["VERSION"] == names.VERSION:
            assert listed == there, table
        elif table != "VERSION":
            assert {entry.split(":")[0] for entry in listed} <= {entry.split(":")[0] for entry in there}, table


# ---- arrays


def test_results_are_device_arrays(x):
    for result in (x.sum(), x.mean(), x[0, 0], cupy.max(x), cupy.dot(x[0], x[0]), cupy.linalg.norm(x),
    cupy.allclose(x, x),
                   cupy.count_nonzero(x), x[0, 0] + 1, cupy.array_equal(x, x), x.trace(), cupy.argmax(x),
                   *x[0]):  # fmt: skip
        assert type(result) is cupy.ndarray and result.shape == () and not isinstance(result, (float, np.generic))
    assert (x > 1).dtype == np.bool_ and type(x > 1) is cupy.ndarray
    assert type(cupy.ndim(x)) is int and type(cupy.size(x)) is int and cupy.shape(x) == (2, 3)
    assert cupy.result_type(x, 1.0) == np.float32
    assert [type(part) for part in cupy.split(x, 2)] == [cupy.ndarray] * 2
    with pytest.raises(TypeError):
        iter(x[0, 0])
    with pytest.raises(TypeError):
        len(x[0, 0])
    assert type(np.float32(2) * x) is type(2 * x) is cupy.ndarray


def test_attributes(x):
    assert (x.shape, x.ndim, x.size, x.itemsize, x.nbytes, x.dtype) == ((2, 3), 2, 6, 4, 24, np.float32)
    assert x.strides == (12, 4) and x.T.strides == (4, 12) and x.T.shape == (3, 2) and x.mT.shape == (3, 2)
    assert x.flags.c_contiguous and not x.T.flags.c_contiguous and x.T.flags.f_contiguous and x.T.flags.fnc
    assert x.flags["C_CONTIGUOUS"] and x.flags.owndata and not x.T.flags.owndata
    assert x.device == cupy.cuda.Device(0) and x.device.id == 0
    x.shape = (3, 2)
    assert x.shape == (3, 2) and x.get().tolist() == [[1, 2], [3, 4], [5, 6]]


def test_views_share_memory_and_know_their_base(x):
    assert x.base is None and (x + 1).base is None and x.copy().base is None
    views = [x[0], x[:, 1], x[0, 0], x.T, x.reshape(-1), cupy.ravel(x), x[None], x[0][1:], x.T[0], cupy.split(x, 2)[1],
             cupy.broadcast_to(x, (2, 2, 3)), cupy.moveaxis(x, 0, 1), x.view(), cupy.expand_dims(x, 0),
             x.swapaxes(0, 1),
             *x, x[None].squeeze(), cupy.broadcast_arrays(x, cupy.zeros((2, 2, 3)))[0], cupy.diagonal(x),
             cupy.swapaxes(x, 0, 1), x.view("i4"), x[..., ::-1]]  # fmt: skip
    for view in views:
        assert view.base is x
        assert view.data.mem == x.data.mem and cupy.shares_memory(view, x) is True
    assert x[1].data.ptr == x.data.ptr + 12
    x[0, 1] += 10
    first = x[0, 0]
    first += 5
    assert x.get()[0].tolist() == [6, 12, 3]
    assert x[cupy.asarray(0)].base is None and x[cupy.arange(2)].base is None
    assert cupy.shares_memory(x[cupy.asarray(0)], x) is False
    assert cupy.asarray(x) is x and cupy.ascontiguousarray(x) is x and x.astype("f4", copy=False) is x
    assert (
        x.squeeze() is x
        and x.real is x
        and cupy.array(x) is not x
        and x.astype("f4") is not x
        and x.astype("f4").base is None
    )
    assert x.T.reshape(-1).base is None
    strided = cupy.lib.stride_tricks.as_strided(x, (2, 2), (12, 4))
    assert strided.base is None and strided.data.mem == x.data.mem and strided.get().tolist() == [[6, 12], [4, 5]]
    assert strided[0].base is strided


def test_in_place(x):
    same = x
    same += 1
    same *= cupy.asarray(2, dtype="f4")
    same -= x
    assert same is x and not x.get().any()
    y = cupy.zeros(3)
    assert cupy.exp(y, out=y) is y and cupy.add(y, 1, y) is y and y.sum(out=cupy.zeros(())).item() == 6
    z = cupy.eye(2)
    before = z
    z @= z
    assert z is not before
    with pytest.raises(TypeError):
        i = cupy.arange(3)
        i += 0.5
    with pytest.raises(ValueError):
        x[0] += cupy.zeros((2, 3))


def test_copies(x):
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.copy(), cupy.copy(x), cupy.array(x)):
        assert type(twin) is cupy.ndarray and twin.base is None and not cupy.shares_memory(twin, x)
        assert np.array_equal(twin.get(), x.get()) and twin.dtype == x.dtype
    assert pickle.loads(pickle.dumps(x.T)).flags.f_contiguous
    out = np.empty((2, 3), np.float32)
    assert x.get(out=out) is out and out[1, 2] == 6
    host = x.get()
    host[:] = 0
    assert x.sum().item() == 21


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16", "i1", "i8", "u1", "u4", "?"])
def test_empty_is_poisoned(dtype):
    for a in (cupy.empty((2, 3), dtype), cupy.empty_like(cupy.zeros(3, dtype)), cupy.ndarray((2,), dtype)):
        value = a.get().ravel()[0]
        assert a.dtype == np.dtype(dtype) and (np.isnan(value) if a.dtype.kind in "fc" else value != 0)
    assert cupy.empty_like(cupy.zeros((2, 3)).T).flags.f_contiguous


def test_dtypes():
    for bad in (np.longdouble, object, "U3", "M8[s]"):
        with pytest.raises((ValueError, TypeError)):
            cupy.asarray(np.zeros(2, bad))
    assert cupy.float32 is np.float32 and cupy.bool_ is np.bool_ and cupy.newaxis is None and cupy.inf == np.inf
    assert cupy.array([1.0]).dtype == np.float64 and cupy.arange(3).dtype == np.int64
    with pytest.raises(ValueError, match="copy"):
        cupy.array(cupy.zeros(2), dtype="f4", copy=False)
    with pytest.raises(TypeError):
        cupy.array([cupy.zeros(2), np.zeros(2)])


def test_no_warnings(x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zero = x * 0
        (x / zero, cupy.log(-x), cupy.exp(x * 1000), zero / zero, x[:0].mean(), cupy.var(x, ddof=9), (x * 1e38) ** 2,
         x.astype("f2") * 60000, (x / zero).astype("i4"), cupy.nanmean(zero / zero),
         x.var(axis=0, ddof=2), 1 / zero)  # fmt: skip
        zero /= 0.0
        zero[0] = 1e300


# ---- indexing


def test_out_of_range_wraps_and_is_counted(x):
    with pytest.raises(IndexError):
        x[2]
    with pytest.raises(IndexError):
        x[0, 5]
    index = cupy.asarray([0, 3, -4])
    assert counters.wrapped == 0
    assert x[0][index].tolist() == [1, 1, 3]
    assert x[:, index].tolist() == [[1, 1, 3], [4, 4, 6]]
    assert x[..., None, index].shape == (2, 1, 3)
    assert x[cupy.asarray([2, 0]), cupy.asarray([4, 0])].tolist() == [2, 1]
    assert cupy.take(x, index, axis=1).tolist() == x.take(index, axis=1).tolist() == [[1, 1, 3], [4, 4, 6]]
    assert cupy.take(x, cupy.asarray([7])).item() == 2
    assert cupy.take_along_axis(x, cupy.asarray([[5], [0]]), axis=1).tolist() == [[3], [4]]
    assert counters.wrapped == 8
    x[0, index[1:]] = 9
    cupy.add.at(x, (1, index[1:]), 1)
    assert x.tolist() == [[9, 2, 9], [5, 5, 7]] and counters.wrapped == 10


def test_indexing_matches_numpy(x):
    a = x.get()
    i, m = np.array([1, 0, 1]), np.array([True, False])
    for key in (1, (0, 1), slice(1), (slice(None), None, 2), ..., None, (..., 0), i, (i, 1), (slice(None), i), m, a > 2,
                (m, 1), (m, slice(1)), (None, i), np.array(1)):  # fmt: skip
        keys = tuple(
            cupy.asarray(k) if isinstance(k, np.ndarray) else k for k in (key if isinstance(key, tuple) else (key,))
        )
        assert np.array_equal(x[keys].get(), a[key]) and x[keys].shape == np.shape(a[key])
        b, y = a.copy(), x.copy()
        b[key] = 7
        y[keys] = 7
        assert np.array_equal(y.get(), b)
    with pytest.raises(IndexError):
        x[x]
    with pytest.raises(IndexError):
        x[0, 0, 0]
    with pytest.raises(IndexError):
        x["a"]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "i8", "u4"])
def test_add_at(dtype):
    a = cupy.zeros(4, dtype)
    cupy.add.at(a, cupy.asarray([1, 1, 3]), cupy.asarray([1, 2, 4], dtype=dtype))
    cupyx.scatter_add(a, cupy.asarray([0]), 5)
    cupy.add.at(a, slice(0, 1), 1)
    assert a.tolist() == [6, 3, 0, 4]


@pytest.mark.parametrize(
    ("f", "dtype"), [(cupy.add, "i2"), (cupy.add, "c8"), (cupy.subtract, "f4"), (cupy.maximum, "f2")]
)
def test_at_has_cupys_dtypes(f, dtype):
    with pytest.raises(TypeError, match="does not support"):
        f.at(cupy.zeros(3, dtype), cupy.arange(2), 1)


def test_ufuncs():
    a = cupy.arange(6, dtype="f4").reshape(2, 3)
    assert cupy.add.name == cupy.add.__name__ == "cupy_add" and (cupy.add.nin, cupy.add.nout, cupy.add.nargs) == (
        2,
        1,
        3,
    )
    assert cupy.add.reduce(a).tolist() == [3, 5, 7] and cupy.multiply.reduce(a, axis=1).tolist() == [0, 60]
    assert cupy.add.accumulate(a, 1).tolist() == [[0, 1, 3], [3, 7, 12]]
    assert cupy.multiply.outer(a[0], a[0]).tolist() == [[0, 0, 0], [0, 1, 2], [0, 2, 4]]
    assert cupy.add(a, 1, dtype="f8").dtype == np.float64
    out = cupy.zeros((2, 3), "f4")
    assert cupy.multiply(a, 2, out=out) is out and cupy.divmod(a, 2)[1].tolist() == [[0, 1, 0], [1, 0, 1]]
    assert isinstance(cupy.add, cupy.ufunc)
    with pytest.raises(TypeError, match="Wrong arguments"):
        cupy.exp(a, where=a > 0)


# ---- devices


def test_two_devices():
    a = cupy.ones(3)
    with cupy.cuda.Device(1):
        b = cupy.zeros(3)
        assert b.device.id == 1 and a.device.id == 0 and cupy.cuda.runtime.getDevice() == 1
        for mix in (lambda: a + b, lambda: b + a, lambda: cupy.add(a, b), lambda: a + 1, lambda: a.sum(),
        lambda: cupy.exp(a),
                    lambda: operator.setitem(b, 0, a[0]), lambda: b[a.astype(int)], lambda: operator.iadd(b, a),
                    lambda: cupy.concatenate([a, b]), lambda: a[cupy.zeros(1, int)]):  # fmt: skip
            with pytest.raises(ValueError, match=r"device where the array resides|current device"):
                mix()
        assert a[1:].device.id == a.T.device.id == a.reshape(3, 1).device.id == 0  # views are harmless
        moved = a.copy()
        assert moved.device.id == cupy.asarray(a).device.id == 1 and (moved + b).get().tolist() == [1, 1, 1]
        assert copy.deepcopy(a).device.id == 0 and a.get().tolist() == [1, 1, 1]
        with cupy.cuda.Device(0):
            assert (a + 1).device.id == 0
        assert cupy.zeros(1).device.id == 1
    assert cupy.zeros(1).device.id == 0 and repr(b.device) == "<CUDA Device 1>"
    assert cupy.cuda.runtime.getDeviceCount() == 2 and cupy.cuda.is_available() and cupy.is_available()
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="invalid device"), cupy.cuda.Device(2):
        pass
    assert cupy.cuda.get_device_id() == 0 and cupy.cuda.Device(1) == b.device != a.device


def test_importing_it():
    with strict_cupy.installed() as module:
        import cupy as c
        import cupyx.scipy.special
        from cupy.cuda import runtime

        assert c is module is cupy and c.__version__ == names.VERSION and cupyx.scipy.special.erf
        assert runtime.getDeviceCount() == 2
        assert c.get_array_module(c.zeros(1)) is c and c.get_array_module(1) is np
    assert sys.modules.get("cupy") is not cupy


def test_it_imports_numpy_only():
    code = ("import sys, minidl, numpy; before = set(sys.modules); import minidl.testing.strict_cupy; "
            "print([m for m in set(sys.modules) - before if m.split('.')[0] not in sys.stdlib_module_names "
            "and m.split('.')[:2] not in (['minidl', 'testing'],) and m.split('.')[0] != 'numpy'])")  # fmt: skip
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


# ---- values

FUNCTIONS = {
    "sum": lambda xp, a: xp.sum(a, axis=0), "mean": lambda xp, a: xp.mean(a, axis=-1, keepdims=True),
    "var": lambda xp, a: xp.var(a), "std": lambda xp, a: a.std(axis=0), "max": lambda xp, a: xp.max(a, axis=1),
    "argmax": lambda xp, a: xp.argmax(a, axis=0), "min": lambda xp, a: a.min(),
    "cumsum": lambda xp, a: xp.cumsum(a, axis=1),
    "exp": lambda xp, a: xp.exp(a), "tanh": lambda xp, a: xp.tanh(a), "sign": lambda xp, a: xp.sign(a),
    "where": lambda xp, a: xp.where(a > 0, a, 0), "clip": lambda xp, a: xp.clip(a, -1, 1),
    "sort": lambda xp, a: xp.sort(a, axis=0), "argsort": lambda xp, a: xp.argsort(a, axis=1, kind="stable"),
    "concatenate": lambda xp, a: xp.concatenate([a, a * 2], axis=1), "stack": lambda xp, a: xp.stack((a, -a), axis=1),
    "pad": lambda xp, a: xp.pad(a, ((1, 0), (0, 2))), "tril": lambda xp, a: xp.tril(a, -1),
    "flip": lambda xp, a: xp.flip(a, 1),
    "einsum": lambda xp, a: xp.einsum("ij,kj->ik", a, a), "matmul": lambda xp, a: a.T @ a,
    "roll": lambda xp, a: xp.roll(a, 1, 0),
    "tensordot": lambda xp, a: xp.tensordot(a, a, axes=([1], [1])), "outer": lambda xp, a: xp.outer(a[0], a[:, 0]),
    "power": lambda xp, a: (abs(a) + 1) ** -0.5, "divide": lambda xp, a: 1 / a, "floor": lambda xp, a: a // 2 + a % 2,
    "compare": lambda xp, a: (a >= 1) & (a != 2) | ~(a < 0), "repeat": lambda xp, a: a.repeat(2, axis=1),
    "take_along": lambda xp, a: xp.take_along_axis(a, xp.argmax(a, axis=1)[:, None], axis=1),
    "trace": lambda xp, a: xp.trace(a),
    "transpose": lambda xp, a: a.transpose(1, 0), "squeeze": lambda xp, a: a[None].squeeze(0),
    "any": lambda xp, a: (a > 0).any(axis=0),
    "full_like": lambda xp, a: xp.full_like(a, 2), "eye": lambda xp, a: xp.eye(3, dtype=a.dtype),
    "tile": lambda xp, a: xp.tile(a, (2, 1)),
    "linspace": lambda xp, a: xp.linspace(0, 1, 5), "prod": lambda xp, a: a.prod(axis=0, dtype="f8"),
    "nansum": lambda xp, a: xp.nansum(a),
    "isfinite": lambda xp, a: xp.isfinite(a), "logaddexp": lambda xp, a: xp.logaddexp(a, a * 2),
    "median": lambda xp, a: xp.median(a),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_values_are_numpys(name, data):
    dtype = data.draw(st.sampled_from(["f2", "f4", "f8", "i4"]))
    shape = hnp.array_shapes(min_dims=2, max_dims=2, max_side=4)
    elements = st.integers(-8, 8) if dtype == "i4" else st.integers(-64, 64).map(lambda n: n / 8)
    a = data.draw(hnp.arrays(dtype, shape, elements=elements))
    with np.errstate(all="ignore"):
        expected = np.asarray(FUNCTIONS[name](np, a))
    with no_sync():
        result = FUNCTIONS[name](cupy, cupy.asarray(a))
    assert type(result) is cupy.ndarray and result.dtype == expected.dtype and result.shape == expected.shape
    np.testing.assert_array_equal(result.get(), expected)


def test_special_functions():
    z = device([-30, -1, 0, 0.5, 2, 30])
    special = cupyx.scipy.special
    assert special.erf(z).dtype == np.float32 and special.erf(z[0]).shape == ()
    np.testing.assert_allclose(special.erf(z).get(), [-1, -0.8427008, 0, 0.5204999, 0.9953223, 1], rtol=1e-6)
    np.testing.assert_allclose(special.expit(z).get()[1:5], 1 / (1 + np.exp([1, 0, -0.5, -2])), rtol=1e-6)
    np.testing.assert_allclose(special.log_expit(z).get(), -np.logaddexp(0, -z.get()), rtol=1e-6)
    np.testing.assert_allclose(special.softmax(z, axis=0).get().sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(special.gammaln(device([0, 1, 5])).get(), [np.inf, 0, np.log(24)], rtol=1e-6)
    assert special.xlogy(device([0, 2]), device([0, 1])).tolist() == [0, 0]
    np.testing.assert_allclose(cupyx.rsqrt(device([4])).get(), [0.5])
