"""The safetensors format: read and written both ways with the safetensors package, and hostile files refused."""

import io
import json

import numpy as np
import pytest

import minidl
from minidl.autograd import Tensor
from minidl.saving.safetensors import MAX_HEADER
from tests.saving.values import same, tensor

DTYPES = ["float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64"]


@pytest.fixture(scope="module")
def package():
    return pytest.importorskip("safetensors.numpy", reason="needs the safetensors package")


def samples(rng):
    shapes = [(), (3,), (2, 3), (0, 2)]
    found = {f"{t} {shape}": np.array(rng.random(shape) * 9, t) for t in DTYPES for shape in shapes}
    return {**found, "é.\U0001f600 \n\"'\\": np.arange(3.0), "": np.arange(2), "minidl": np.arange(1)}


def test_the_package_reads_what_we_write(tmp_path, rng, package):
    wanted = samples(rng)
    minidl.save({name: Tensor(array) for name, array in wanted.items()}, tmp_path / "a.safetensors")
    found = package.load_file(tmp_path / "a.safetensors")
    assert found.keys() == wanted.keys()
    assert all(same(found[name], array) for name, array in wanted.items())


def test_the_package_reads_nested_values_and_tied_tensors(tmp_path, package):
    w = tensor([1.0, 2.0])
    minidl.save({"model": {"in.weight": w, "out.weight": w}, "epoch": 3, 5: [tensor(7)]}, tmp_path / "a.safetensors")
    found = package.load_file(tmp_path / "a.safetensors")
    assert {name: array.tolist() for name, array in found.items()} == {
        "model.in.weight": [1.0, 2.0], "model.out.weight": [1.0, 2.0], "5.0": 7,
    }  # fmt: skip


def test_we_read_what_the_package_writes(tmp_path, rng, package):
    wanted = samples(rng)
    package.save_file(wanted, tmp_path / "a.safetensors", metadata={"format": "np", "note": "é"})
    found = minidl.load(tmp_path / "a.safetensors")
    assert found.keys() == wanted.keys()
    assert all(same(found[name].array, array) for name, array in wanted.items())


def test_a_plain_state_dict_is_a_plain_file():
    file = io.BytesIO()
    minidl.save({"b": tensor([1], "uint8"), "a": tensor([1.0], "float64")}, file)
    raw = file.getvalue()
    length = int.from_bytes(raw[:8], "little")
    assert length % 8 == 0
    assert json.loads(raw[8 : 8 + length]) == {
        "__metadata__": {"format": "pt"},
        "b": {"dtype": "U8", "shape": [1], "data_offsets": [8, 9]},  # the wider numbers first, so all are aligned
        "a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
    }


def test_bfloat16_becomes_float32_exactly():
    bits = np.arange(2**16, dtype="<u2")
    found = minidl.load(made({"w": entry("BF16", [2**16], 0, 2**17)}, bits.tobytes()))["w"].array
    assert found.dtype == np.float32
    assert np.array_equal(found.view("<u4"), bits.astype("<u4") << 16)
    assert minidl.load(made({"w": entry("BF16", [], 0, 2)}, b"\x80\x3f"))["w"].array.tolist() == 1.0


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
def test_what_no_tensor_holds_stays_numpys(dtype):
    width = np.dtype(dtype).itemsize
    found = minidl.load(made({"w": entry(f"U{8 * width}", [2], 0, 2 * width)}, b"\xff" * 2 * width))["w"]
    assert same(found, np.full(2, 2 ** (8 * width) - 1, dtype))


def test_a_byte_that_is_no_bool_becomes_true():
    found = minidl.load(made({"w": entry("BOOL", [3], 0, 3)}, b"\0\1\xff"))["w"].array
    assert found.view(np.uint8).tolist() == [0, 1, 1]


def entry(dtype, shape, *offsets):
    return {"dtype": dtype, "shape": shape, "data_offsets": list(offsets)}


def made(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO((len(text) if length is None else length).to_bytes(8, "little") + text + data)


GOOD = entry("F32", [1], 0, 4)
META = "__metadata__"


def nested(structure):
    text = structure if isinstance(structure, str) else json.dumps(structure)
    return made({META: {"minidl": text}, "w": GOOD}, bytes(4))


HOSTILE = {
    "header longer than the file": (made(b"{}", length=3), "header claims 3 bytes"),
    "header of 2^64 bytes": (made(b"{}", length=2**64 - 1), "header claims 18446744073709551615 bytes"),
    "header over the format's limit": (made(b"{}", length=MAX_HEADER + 1), "header claims"),
    "empty header": (made(b"", b"{"), "JSON is broken"),
    "header cut short": (made(b'{"w": '), "JSON is broken"),
    "not UTF-8": (made(b'{"\xff": 1}'), "not UTF-8"),
    "NaN": (made(b'{"w": NaN}'), "NaN"),
    "-Infinity": (made(b'{"w": -Infinity}'), "-Infinity"),
    "an integer of many digits": (made(b'{"w": 1' + b"0" * 5000 + b"}"), "digits"),
    "a name twice": (made(b'{"w": 1, "w": 1}'), "key 'w' twice"),
    "a field twice": (made(b'{"w": {"dtype": "F32", "dtype": "F64"}}'), "key 'dtype' twice"),
    "deep nesting": (made(b'{"w":' + b"[" * 200_000), "nested too deeply"),
    "deep nesting of objects": (made(b'{"w":' * 200_000), "nested too deeply"),
    "metadata is a list": (made({META: []}), "no table of strings"),
    "metadata of numbers": (made({META: {"a": 1}}), "no table of strings"),
    "an entry is a number": (made({"w": 1}), "no dtype, shape and data_offsets"),
    "an entry lacks a field": (made({"w": {"dtype": "F32", "shape": [1]}}, bytes(4)), "no dtype, shape"),
    "an entry has a field more": (made({"w": {**GOOD, "code": "x"}}, bytes(4)), "or has more"),
    "unknown dtype": (made({"w": entry("F128", [1], 0, 16)}, bytes(16)), "'w' has dtype 'F128'"),
    "float8": (made({"w": entry("F8_E4M3", [1], 0, 1)}, bytes(1)), "'w' has dtype 'F8_E4M3'"),
    "complex": (made({"w": entry("C64", [1], 0, 8)}, bytes(8)), "'w' has dtype 'C64'"),
    "dtype is a list": (made({"w": entry(["F32"], [1], 0, 4)}, bytes(4)), "has dtype"),
    "uint16 as a tensor": (
        made({META: {"minidl": '{"tensor":"w"}'}, "w": entry("U16", [1], 0, 2)}, bytes(2)), "'w': .*uint16 is not supp"
    ),
    "negative size": (made({"w": entry("F32", [-1], 0, 4)}, bytes(4)), "no list of sizes"),
    "two negative sizes": (made({"w": entry("F32", [-1, -1], 0, 4)}, bytes(4)), "no list of sizes"),
    "size is a float": (made({"w": entry("F32", [1.0], 0, 4)}, bytes(4)), "no list of sizes"),
    "size is true": (made({"w": entry("F32", [True], 0, 4)}, bytes(4)), "no list of sizes"),
    "shape is a number": (made({"w": entry("F32", 1, 0, 4)}, bytes(4)), "no list of sizes"),
    "shape is text": (made({"w": entry("F32", "1", 0, 4)}, bytes(4)), "no list of sizes"),
    "2^64 elements": (made({"w": entry("F32", [2**32, 2**32], 0, 0)}), "larger than any memory"),
    "2^64 + 1 elements": (made({"w": entry("F32", [2**32, 2**32 + 1], 0, 4)}, bytes(4)), "larger than any memory"),
    "2^62 elements of 4 bytes": (made({"w": entry("F32", [2**62], 0, 0)}), "larger than any memory"),
    "a size beyond int64, times 0": (made({"w": entry("F32", [2**70, 0], 0, 0)}), "larger than any memory"),
    "sizes of many digits": (made({"w": entry("F32", [10**4000] * 3, 0, 0)}), "larger than any memory"),
    "65 axes": (made({"w": entry("F32", [1] * 65, 0, 4)}, bytes(4)), "65 axes"),
    "a million axes": (made({"w": entry("F32", [1] * 10**6, 0, 4)}, bytes(4)), "1000000 axes"),
    "1 TB that is not there": (made({"w": entry("F32", [2**38], 0, 2**40)}, bytes(4)), "4 follow the header"),
    "a shape larger than its place": (made({"w": entry("F32", [2], 0, 4)}, bytes(4)), "takes 8 bytes.* has 4"),
    "a shape smaller than its place": (made({"w": entry("F32", [1], 0, 8)}, bytes(8)), "takes 4 bytes.* has 8"),
    "negative offsets": (made({"w": entry("F32", [1], -4, 0)}, bytes(4)), "no pair of places"),
    "offsets backwards": (made({"w": entry("F32", [1], 4, 0)}, bytes(4)), "takes 4 bytes, but its place has -4"),
    "offsets are floats": (made({"w": entry("F32", [1], 0, 4.0)}, bytes(4)), "no pair of places"),
    "three offsets": (made({"w": entry("F32", [1], 0, 4, 8)}, bytes(8)), "no pair of places"),
    "offsets beyond int64": (made({"w": entry("F32", [0], 2**70, 2**70)}), "starts at byte"),
    "overlap": (made({"v": entry("F32", [2], 0, 8), "w": entry("F32", [2], 4, 12)}, bytes(12)), "'w' starts at byte 4"),
    "the same place twice": (made({"v": GOOD, "w": GOOD}, bytes(4)), "starts at byte 0"),
    "a hole": (made({"w": entry("F32", [1], 4, 8)}, bytes(8)), "'w' starts at byte 4"),
    "cut off": (made({"w": GOOD}, bytes(3)), "3 follow the header"),
    "bytes left over": (made({"w": GOOD}, bytes(5)), "5 follow the header"),
    "structure is no JSON": (nested("{"), "JSON is broken"),
    "structure nested deeply": (nested("[" * 100_000), "nested too deeply"),
    "structure nested as deeply as JSON goes": (nested("[" * 150 + "]" * 150), "nested deeper than 100"),
    "structure asks for what is not there": (nested([{"tensor": "w"}, {"tensor": "x"}]), "asks for an array 'x'"),
    "structure ties what is not there": (nested([{"tensor": "w", "also": "x"}]), "asks for an array 'x'"),
    "structure leaves an array out": (nested([]), "no place for 'w'"),
    "unknown tag": (nested({"eval": "1"}), "not understood"),
    "no tag": (nested({}), "not understood"),
    "a tag's content of another kind": (nested({"dict": 3}), "not understood"),
    "an array called by a number": (nested({"tensor": 1}), "not understood"),
    "a pair of three": (nested({"dict": [[1, 2, 3]]}), "a key and a value belong"),
    "a key that cannot be one": (nested({"dict": [[[1], 2]]}), "as a key"),
    "a key twice": (nested({"dict": [[1, 2], [1, 3]]}), "not understood"),
    "a set of lists": (nested({"set": [[1]]}), "unhashable"),
    "a float that is none": (nested({"float": "1e999"}), "not understood"),
    "an int that is none": (nested({"int": "x"}), "invalid literal"),
    "bytes that are none": (nested({"bytes": "0"}), "fromhex"),
    "a dtype with code": (nested({"dtype": "O"}), "dtype 'O'"),
    "a scalar of objects": (nested({"scalar": ["object", 1]}), "dtype 'object'"),
    "a scalar out of range": (nested({"scalar": ["int8", 300]}), "300"),
    "a scalar of a list": (nested({"scalar": ["float64", [1, 2]]}), "not understood"),
    "integers that require gradients": (
        made({META: {"minidl": '{"tensor":"w","requires_grad":true}'}, "w": entry("I32", [1], 0, 4)}, bytes(4)),
        "only floating-point tensors",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused(case, allocations):
    file, message = HOSTILE[case]
    file.seek(0)
    said = pytest.raises((ValueError, TypeError), match=f"^load: the file: .*{message}")
    with allocations(within=len(file.getvalue())), said:
        minidl.load(file)
