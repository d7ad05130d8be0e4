"""NumPy's formats: read and written both ways with NumPy, and hostile files refused."""

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest

import minidl
from minidl.autograd import Tensor
from tests.saving.values import same, tensor

DTYPES = ["float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64"]


def samples(rng):
    shapes = [(), (3,), (2, 3), (0, 2)]
    found = {f"{t} {shape}": np.array(rng.random(shape) * 9, t) for t in DTYPES for shape in shapes}
    return {**found, "é.\U0001f600 \n\"'": np.arange(3.0), "file": np.arange(2), "a/b": np.arange(1)}


def test_numpy_reads_what_we_write(tmp_path, rng):
    wanted = samples(rng)
    minidl.save({name: Tensor(array) for name, array in wanted.items()}, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as found:
        assert found.files == list(wanted)
        assert all(same(found[name], array) for name, array in wanted.items())


def test_numpy_reads_the_arrays_of_nested_values(tmp_path):
    w = tensor([1.0, 2.0])
    minidl.save({"model": {"in.weight": w, "out.weight": w}, "epoch": 3, 5: [tensor(7)]}, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as found:
        assert found.files == ["model.in.weight", "model.out.weight", "5.0", "structure.json"]
        assert found["model.out.weight"].tolist() == [1.0, 2.0]
        assert b"epoch" in found["structure.json"]


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_we_read_what_numpy_writes(tmp_path, rng, write):
    wanted = {name: array for name, array in samples(rng).items() if name != "file"}  # savez's own argument
    wanted.update(columns=np.asfortranarray(rng.random((3, 4, 2))), big=np.arange(3, dtype=">f8"))
    wanted["zeros"] = np.zeros(10**6)  # the most that deflate can press together
    write(tmp_path / "a.npz", **wanted)
    found = minidl.load(tmp_path / "a.npz")
    assert found.keys() == wanted.keys()
    assert all(same(array, found[name].array) for name, array in wanted.items())
    assert all(t.array.flags.c_contiguous for t in found.values())


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_a_npy_file_is_a_tensor(tmp_path, version):
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array(file, np.arange(6.0).reshape(2, 3).T, version=version)
    assert same(minidl.load(tmp_path / "a.npy"), Tensor(np.arange(6.0).reshape(2, 3).T.copy()))


def npy(descr="<f4", shape=(1,), data=bytes(4), order=False, text=None, version=1, length=None):
    text = repr({"descr": descr, "fortran_order": order, "shape": shape}) if text is None else text
    header = text.encode("latin-1")
    size = struct.pack("<H" if version == 1 else "<I", len(header) if length is None else length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def zipped(members, method=zipfile.ZIP_STORED):
    """A zip file; each member is (name, content) or (name, content, {field of its ZipInfo: value} to lie about)."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names written twice
        for name, content, *_ in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
        for info, (_, _, *lies) in zip(archive.filelist, members):
            for field, value in lies[0].items() if lies else ():
                setattr(info, field, value)
    return file.getvalue()


GOOD = npy()


def flipped(raw, sign, offset, value):
    """The file with two bytes changed behind the last place where `sign` stands."""
    at = raw.rindex(sign) + offset
    return raw[:at] + struct.pack("<H", value) + raw[at + 2 :]


BOMB = zipped([("w.npy", npy(shape=(2**26,), data=bytes(2**20)))], zipfile.ZIP_DEFLATED)

HOSTILE = {
    "objects": (npy("|O", (1,), b"cos\nsystem\n(S'true'\ntR."), "dtype '|O'"),
    "records": (npy([("a", "<f4")]), "dtype .* is not one of"),
    "records by text": (npy("f4,f4"), "dtype 'f4,f4'"),
    "text": (npy("<U1"), "dtype '<U1'"),
    "complex": (npy("<c8"), "dtype '<c8'"),
    "a dtype that is no text": (npy(4), "dtype 4"),
    "2^64 elements": (npy(shape=(2**32, 2**32), data=b""), "larger than any memory"),
    "2^64 + 1 elements": (npy(shape=(2**32, 2**32 + 1)), "larger than any memory"),
    "a size beyond int64, times 0": (npy(shape=(0, 2**70), data=b""), "larger than any memory"),
    "1 TB that is not there": (npy(shape=(2**38,)), "does not fit its"),
    "a negative size": (npy(shape=(-1,)), "no list of sizes"),
    "two negative sizes": (npy(shape=(-1, -1)), "no list of sizes"),
    "a size that is a float": (npy(shape=(1.0,)), "no list of sizes"),
    "a size that is true": (npy(shape=(True,)), "no list of sizes"),
    "a shape that is a number": (npy(shape=1), "does not fit"),
    "65 axes": (npy(shape=(1,) * 65), "65 axes"),
    "cut off": (npy()[:-1], "does not fit"),
    "bytes left over": (npy() + b"x", "does not fit"),
    "cut off in the header": (npy()[:20], "not understood"),
    "only the magic word": (b"\x93NUMPY\1\0", "not understood"),
    "not even a version": (b"\x93NUMPY", "does not start as a .npy file"),
    "version 9": (npy(version=9), "known version"),
    "a header of 4 GB": (npy(version=2, length=2**32 - 1), "header claims"),
    "a header that is code": (npy(text="__import__('os').system('true')"), "not understood"),
    "a header with a call in it": (npy(text="{'descr': str(1), 'shape': (1,)}"), "not understood"),
    "a header nested deeply": (npy(text="(" * 9000), "not understood"),
    "a header of many signs": (npy(text="-" * 9000 + "1"), "not understood"),
    "a header of many digits": (npy(text="9" * 9000), "not understood"),
    "a header that is no text": (npy(text="\xff"), "not understood"),
    "a header that is a list": (npy(text="[]"), "does not give a dtype"),
    "a field more": (npy(text="{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}"), "does not give"),
    "a member that is no array": (zipped([("w.npy", GOOD), ("evil.py", b"x")]), "'evil.py' cannot be read: it is no"),
    "a member of objects": (zipped([("w.npy", npy("|O", (1,), b"N."))]), "'w.npy' cannot be read: its dtype"),
    "a name twice": (zipped([("w.npy", GOOD), ("w.npy", GOOD)]), "two members called 'w.npy'"),
    "a size that is larger": (zipped([("w.npy", GOOD, {"file_size": 2**31})]), "claims 2147483648 bytes"),
    "a size that is smaller": (zipped([("w.npy", GOOD, {"file_size": 1})]), "claims 1 bytes"),
    "both sizes larger": (zipped([("w.npy", GOOD, {"file_size": 2**20, "compress_size": 2**20})]), "reaches beyond"),
    "a bomb that lies": (zipped([("w.npy", GOOD, {"file_size": 2**31})], zipfile.ZIP_DEFLATED), "cannot hold"),
    "a bomb whose header lies": (BOMB, "does not fit"),
    "an overlap": (zipped([("v.npy", GOOD, {"compress_size": 150, "file_size": 150}), ("w.npy", GOOD)]), "overlap"),
    "one place twice": (zipped([("v.npy", GOOD), ("w.npy", GOOD, {"header_offset": 0})]), "overlap"),
    "a place outside": (zipped([("w.npy", GOOD, {"header_offset": 2**20})]), "not where the table of contents says"),
    "a place inside": (zipped([("w.npy", GOOD, {"header_offset": 3})]), "not where the table of contents says"),
    "another name inside": (flipped(zipped([("w.npy", GOOD)]), b"w.npy", 0, 0x7878), "broken"),
    "encrypted": (zipped([("w.npy", GOOD, {"flag_bits": 1})]), "encrypted"),
    "bzip2": (zipped([("w.npy", GOOD)], zipfile.ZIP_BZIP2), "compressed in a way"),
    "lzma": (zipped([("w.npy", GOOD)], zipfile.ZIP_LZMA), "compressed in a way"),
    "a method that does not exist": (zipped([("w.npy", GOOD, {"compress_type": 99})]), "compressed in a way"),
    "a wrong checksum": (zipped([("w.npy", GOOD, {"CRC": 1})]), "CRC"),
    "cut off at the end": (zipped([("w.npy", GOOD)])[:-30], "broken zip file"),
    "no table of contents": (b"PK\3\4" + bytes(100), "broken zip file"),
    "a structure that is compressed": (
        zipped([("structure.json", b"[" * 1000)], zipfile.ZIP_DEFLATED), "compressed, which it never is"
    ),
    "a structure that is no JSON": (zipped([("w.npy", GOOD), ("structure.json", b"[")]), "JSON is broken"),
    "a structure that is no text": (zipped([("w.npy", GOOD), ("structure.json", b"\xff")]), "utf-8"),
    "a structure of what is not there": (zipped([("structure.json", b'{"tensor":"w"}')]), "asks for an array 'w'"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused(case, allocations):
    raw, message = HOSTILE[case]
    said = pytest.raises((ValueError, TypeError), match=f"^load: the file: .*{message}")
    with allocations(within=len(raw)), said:
        minidl.load(io.BytesIO(raw))


def test_names_that_climb_out_of_a_folder_are_only_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = io.BytesIO(zipped([("../../w.npy", GOOD), ("/etc/v.npy", GOOD), ("folder/", b"")]))
    assert list(minidl.load(file)) == ["../../w", "/etc/v"]
    assert not list(tmp_path.iterdir())
