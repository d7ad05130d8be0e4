"""minidl.save and minidl.load: what goes in comes out."""

import io
import os
import random
from collections import Counter, OrderedDict, defaultdict, namedtuple
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hn

import minidl
from minidl.autograd import Tensor
from minidl.testing.strict import add_strict_device
from tests.saving.values import same, tensor

FORMATS = ["safetensors", "npz"]
DTYPES = ["float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64"]


def round_trip(value, format):
    file = io.BytesIO()
    minidl.save(value, file, format)
    file.seek(0)
    return minidl.load(file)


numbers = st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.complex_numbers(allow_nan=False)
text = st.text(st.characters(codec=None))  # half surrogates and NUL too
scalars = st.none() | numbers | text | st.binary() | st.sampled_from([np.float32(0.1), np.int8(-3), np.bool_(1)])
keys = text | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False) | st.tuples(text, st.integers())
arrays = hn.arrays(st.sampled_from(DTYPES), hn.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
leaves = scalars | arrays | arrays.map(Tensor)
nested = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3)
    | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(keys, inner, max_size=3)
    | st.dictionaries(text, inner, max_size=3).map(OrderedDict),
    max_leaves=12,
)


@pytest.mark.parametrize("format", FORMATS)
@given(value=nested)
def test_nested_values_come_back(format, value):
    assert same(value, round_trip(value, format))


@pytest.mark.parametrize("format", FORMATS)
@given(value=st.dictionaries(text, arrays.map(Tensor), max_size=4))
def test_tensors_under_any_string_come_back(format, value):
    assert same(value, round_trip(value, format))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        (),
        None,
        {"": tensor([1.0])},
        {"__metadata__": tensor([1.0]), "structure.json": tensor([2]), "minidl": tensor([3])},
        {"a": {"b": tensor(1.0)}, "a.b": tensor(2.0), "a.b~2": tensor(3.0)},
        {name: tensor(k) for k, name in enumerate(["x.npy", "x", "../../x", "/x", "x\\y", "x\0y"])},
        {name: tensor(k) for k, name in enumerate(["\ud800", "\udfff", "%ud800"])},
        {"k" * 70_000: tensor(1)},
        {1: "int", "1": "str", 2.5: "float", (1, "a"): "tuple", None: "none", b"1": "bytes", np.int16(7): "numpy"},
        {"nan": [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324]},
        {"big": [2**63, -(2**63), 2**64, 10**5000, -(10**5000)]},
        {"types": [True, 1, 1.0, "1", b"1", 1j, np.float64(1), np.bool_(True), np.dtype("f2"), np.uint64(2**64 - 1)]},
        {"sets": [{1, 2}, frozenset("ab"), set()], "count": Counter({3: 2, "a": 0})},
        {"moments": Counter(), "order": OrderedDict([(2, 1), (1, 2)])},
        {"numpy": [np.arange(3, dtype=t) for t in ("uint16", "uint32", "uint64")]},
        {"text": "\0\ud800\U0001f600\x7f é"},
        {"tensor": {"tensor": "tensor"}, "dict": [["a", 1]], "float": "nan"},
        tensor(3.0),
        np.arange(4),
    ],
)
def test_what_is_easily_lost(format, value):
    assert same(value, round_trip(value, format))


@pytest.mark.parametrize("format", FORMATS)
def test_depth(format):
    value = []
    for _ in range(99):
        value = {"a": value}
    assert same(value, round_trip(value, format))
    with pytest.raises(ValueError, match="nested deeper than 100"):
        round_trip([[value]], format)
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="does it contain itself"):
        round_trip(value, format)


@pytest.mark.parametrize("format", FORMATS)
def test_random_states_continue(format):
    python, numpy, legacy = random.Random(1), np.random.Generator(np.random.Philox(2)), np.random.RandomState(3)
    before = [python.getstate(), numpy.bit_generator.state, legacy.get_state()]
    drawn = [python.random(), numpy.random(), legacy.random()]
    states = round_trip(before, format)
    python.setstate(states[0])
    numpy.bit_generator.state = states[1]
    legacy.set_state(states[2])
    assert [python.random(), numpy.random(), legacy.random()] == drawn


@pytest.mark.parametrize("format", FORMATS)
def test_the_default_stream_continues(format):
    generator = minidl.backend.default_generator
    state = round_trip({"random": Tensor(generator.get_state())}, format)["random"]
    drawn = generator.numpy.random(3)
    generator.set_state(state.array)
    assert np.array_equal(generator.numpy.random(3), drawn)


@pytest.mark.parametrize("format", FORMATS)
def test_a_view_saves_only_itself(tmp_path, format):
    base = np.arange(200_000.0)
    views = {"row": base[10:13], "step": base[::-50_000], "grid": base[:12].reshape(3, 4).T}
    views["wide"] = np.broadcast_to(base[:2], (3, 2))
    minidl.save({name: Tensor(view) for name, view in views.items()}, tmp_path / "a", format)
    assert os.path.getsize(tmp_path / "a") < 2000
    loaded = minidl.load(tmp_path / "a")
    assert all(np.array_equal(loaded[name].array, view) for name, view in views.items())
    assert all(t.array.flags.owndata or t.array.base.size == t.array.size for t in loaded.values())


@pytest.mark.parametrize("format", FORMATS)
def test_other_byte_orders_and_unaligned_memory(format):
    raw = np.zeros(41, np.uint8)
    unaligned = raw[1:].view("<f8")
    unaligned[:] = range(5)
    assert not unaligned.flags.aligned
    value = {"big": np.arange(3, dtype=">i4"), "unaligned": Tensor(unaligned)}
    assert same(value, round_trip(value, format))


@pytest.mark.parametrize("format", FORMATS)
def test_tied_tensors_stay_tied(format):
    w, other = tensor([1.0, 2.0]), tensor([1.0, 2.0])
    loaded = round_trip({"in": w, "deep": [w.detach()], "out": w, "other": other, "part": Tensor(w.array[:1])}, format)
    assert loaded["in"] is loaded["out"] is loaded["deep"][0]
    assert loaded["other"] is not loaded["in"]
    loaded["in"].array[0] = 9.0
    assert loaded["part"].array[0] == 1.0
    empty = round_trip({"a": tensor([]), "b": tensor([])}, format)
    assert empty["a"] is not empty["b"]


@pytest.mark.parametrize("format", FORMATS)
def test_requires_grad_comes_back_and_subclasses_as_tensors(format):
    class Parameter(Tensor):
        pass

    value = {"p": Parameter([1.0], requires_grad=True), "q": tensor([1.0])}
    loaded = round_trip(value, format)
    assert type(loaded["p"]) is Tensor
    assert loaded["p"].requires_grad
    assert loaded["p"].is_leaf
    assert not loaded["q"].requires_grad
    grown = value["p"] * 2.0  # what an operation made is saved as its value
    assert round_trip([grown], format)[0].is_leaf


def test_what_is_loaded_can_be_written():
    for format in FORMATS:
        loaded = round_trip({"a": tensor([1.0, 2.0]), "z": tensor(1.0)}, format)
        for t in loaded.values():
            t.array[...] = 5.0


@pytest.mark.parametrize("format", FORMATS)
def test_devices(device, format):
    add_strict_device()
    there = Tensor(minidl.backend.move(np.arange(6.0).reshape(2, 3), device))
    file = io.BytesIO()
    minidl.save({"a": there, "b": there}, file, format)
    file.seek(0)
    assert minidl.load(file)["a"].device == minidl.backend.device("cpu")
    by_hand = lambda t, location: Tensor(minidl.backend.move(t.array, device))
    for where in (device, minidl.backend.device(device), {"cpu": device}, by_hand):
        file.seek(0)
        loaded = minidl.load(file, map_location=where)
        assert loaded["a"].device.type == there.device.type
        assert loaded["a"] is loaded["b"]
        assert same(minidl.backend.move(loaded["a"].array, "cpu"), np.arange(6.0).reshape(2, 3))
    file.seek(0)
    assert minidl.load(file, lambda storage, location: storage)["a"].device.type == "cpu"


def test_no_such_device(tmp_path):
    minidl.save({}, tmp_path / "a")
    with pytest.raises(ValueError, match="no device is called 'tpu'"):
        minidl.load(tmp_path / "a", map_location="tpu")


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt", ".ckpt", ""])
def test_the_name_says_the_format_and_the_content_is_believed(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    minidl.save({"w": tensor([1.0])}, path)
    assert path.read_bytes().startswith(b"PK") == (suffix == ".npz")
    path.rename(tmp_path / "renamed.bin")
    assert same(minidl.load(tmp_path / "renamed.bin"), {"w": tensor([1.0])})


@pytest.mark.parametrize("kind", [str, Path, os.fsencode])
def test_paths(tmp_path, kind):
    path = kind(str(tmp_path / "a.npz"))
    minidl.save([1], path)
    assert minidl.load(path) == [1]


@pytest.mark.parametrize("format", FORMATS)
def test_open_files(tmp_path, format):
    class Pipe(io.RawIOBase):
        """Read only forwards, at most 7 bytes at a time."""

        def __init__(self, data):
            self.data = io.BytesIO(data)

        def readable(self):
            return True

        def readinto(self, into):
            return self.data.readinto(memoryview(into)[:7])

    class Slow(io.RawIOBase):
        """Takes at most 5 bytes at a time."""

        def __init__(self):
            self.got = b""

        def writable(self):
            return True

        def write(self, data):
            self.got += bytes(data[:5])
            return min(len(data), 5)

    value = {"a": [tensor(np.arange(30.0))], "b": tensor(1)}
    with open(tmp_path / "a", "wb+", buffering=0) as file:
        minidl.save(value, file, format)
        file.seek(0)
        assert same(minidl.load(file, weights_only=False), value)
    file = io.BytesIO()
    minidl.save(value, file, format)
    assert same(minidl.load(Pipe(file.getvalue())), value)
    after = io.BytesIO(b"other things" + file.getvalue())
    after.seek(12)
    assert same(minidl.load(after), value)
    if format == "safetensors":  # zipfile itself expects every write to be taken whole
        slow = Slow()
        minidl.save(value, slow, format)
        assert slow.got == file.getvalue()


def test_a_file_open_as_text_is_refused(tmp_path):
    minidl.save([1], tmp_path / "a")
    with open(tmp_path / "a", encoding="latin-1") as file, pytest.raises(TypeError, match="mode 'rb'"):
        minidl.load(file)


def test_the_same_value_makes_the_same_file():
    files = [io.BytesIO(), io.BytesIO(), io.BytesIO(), io.BytesIO()]
    for file, format in zip(files, FORMATS * 2):
        minidl.save({"a": tensor([1.0]), "b": {"c": 1}}, file, format)
    assert files[0].getvalue() == files[2].getvalue()
    assert files[1].getvalue() == files[3].getvalue()


class Module:
    def state_dict(self):
        return {}


Pair = namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "value, message",
    [
        ({"optimizer": {"state": {0: {"foo": object()}}}}, r"optimizer\.state\[0\]\.foo is an object"),
        ({"net": Module()}, r"net is a .*Module; save its state_dict\(\)"),
        ({"f": len}, r"f is the function len, and no code is ever saved"),
        ({"f": [lambda: 0]}, r"f\[0\] is the function <lambda>"),
        ({"f": int}, r"f is the class int"),
        ({"d": defaultdict(list)}, r"d is a .*defaultdict; save dict"),
        ({"p": Pair(1, 2)}, r"p is a .*Pair; save tuple"),
        ({"a b": np.array(["x"])}, r"\['a b'\] holds <U1"),
        ([np.array([1j])], r"\[0\] holds complex128"),
        ([np.array([None])], r"\[0\] holds object"),
        ({tensor(1): 1}, r"the value has as a key a Tensor"),
        ({"x": {(1, (2, object())): 1}}, r"x has as a key a tuple"),
        (Path("a"), r"the value is a pathlib\.\w*Path"),
        ({"g": (i for i in ())}, r"g is a generator"),
        ({"t": np.datetime64(0, "s")}, r"t is a numpy\.datetime64"),
    ],
    ids=lambda v: "" if isinstance(v, str) else type(v).__name__,
)
@pytest.mark.parametrize("format", FORMATS)
def test_what_cannot_be_saved_is_named_and_leaves_nothing(tmp_path, format, value, message):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=f"^save: {message}"):
        minidl.save({"fine": value} if isinstance(value, Tensor) else value, path, format)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_an_unknown_format():
    with pytest.raises(ValueError, match="no format 'pickle'; use 'safetensors' or 'npz'"):
        minidl.save([], io.BytesIO(), "pickle")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "empty"),
        (b"x", "it is no safetensors, npz, npy or PyTorch file; it starts with b'x'"),
        (b"\x80\x04N.", "it is a pickle, which could run any code"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "before version 1.6"),
        (b"\x1f\x8b\x08" + bytes(20), "it is no safetensors"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^load: .*model.pt: .*{message}"):
        minidl.load(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        minidl.load(tmp_path / "none")
