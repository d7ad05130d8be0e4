"""The sets: where they are looked for, what they give, and what they make of files that are cut off, lie or attack."""

import gzip
import hashlib
import io
import os
import pickle
import shutil
import struct
import sys
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from minidl.vision import datasets
from minidl.vision.arrays import host
from minidl.vision.datasets import places
from minidl.vision.datasets.errors import BadFile, DownloadError, NotFound, UnsafePickle
from minidl.vision.datasets.idx import read_idx
from minidl.vision.datasets.pickles import read_pickle
from tests.vision.server import serving

REAL = os.environ.get("MINIDL_DATA")


@pytest.fixture(autouse=True)
def no_data_of_this_machine(monkeypatch, tmp_path, request):
    if "real" not in request.node.name:
        monkeypatch.delenv("MINIDL_DATA", raising=False)
        monkeypatch.setattr(places.sys, "platform", "linux")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as server:
        yield server


def idx(array, code=8):
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def digits(rng, count=7):
    return rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count).astype(np.uint8)


def write_mnist(folder, rng, ending="", starts=("train", "t10k")):
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for start in starts:
        made[start] = digits(rng, 7 if start == "train" else 3)
        for name, array in zip(("images-idx3", "labels-idx1"), made[start]):
            data = idx(array)
            (folder / f"{start}-{name}-ubyte{ending}").write_bytes(gzip.compress(data) if ending else data)
    return made


# IDX


@pytest.mark.parametrize("code, dtype", [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
def test_idx_of_every_dtype(tmp_path, rng, code, dtype):
    x = (rng.standard_normal((2, 3, 5)) * 50).astype(dtype)
    (tmp_path / "x").write_bytes(idx(x, code))
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx(x, code)))
    for name in ("x", "x.gz"):
        y = read_idx(tmp_path / name)
        np.testing.assert_array_equal(x, y)
        assert y.dtype.isnative
        assert y.flags.writeable
    (tmp_path / "none").write_bytes(idx(x[:0], code))
    assert read_idx(tmp_path / "none").shape == (0, 3, 5)


GOOD = idx(np.zeros((4, 28, 28), np.uint8))
HEADER = bytes([0, 0, 8, 3])
BAD_IDX = {
    "empty": (b"", "no IDX file"),
    "html": (b"<html>404", "no IDX file"),
    "unknown dtype": (b"\0\0\x0a\x01" + bytes(8), "no IDX file"),
    "header cut off": (HEADER + bytes(6), "cut off"),
    "255 axes": (b"\0\0\x08\xff" + bytes(1020), "255 axes"),
    "cut off": (GOOD[:-1], "declares|holds"),
    "too long": (GOOD + b"x", "declares|holds"),
    "lies: a terabyte": (HEADER + struct.pack(">3I", 2**20, 2**10, 2**10) + bytes(100), "cannot hold|declares"),
    "lies: overflow": (HEADER + b"\xff" * 12 + bytes(100), "cannot hold|declares"),
    "lies: 90 kB": (HEADER + struct.pack(">3I", 9, 100, 100) + bytes(90), "declares|cannot hold"),
    "labels for images": (idx(np.zeros(4, np.uint8)), "3 axes are needed"),
}


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("data, message", BAD_IDX.values(), ids=BAD_IDX.keys())
def test_bad_idx(tmp_path, data, message, ending):
    path = tmp_path / f"x{ending}"
    path.write_bytes(gzip.compress(data) if ending else data)
    tracemalloc.start()
    try:
        with pytest.raises(BadFile, match=message) as caught:
            read_idx(path, ndim=3)
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)


def test_a_gzip_bomb_costs_no_memory(tmp_path):
    with gzip.open(tmp_path / "x.gz", "wb", 1) as file:
        file.write(GOOD)
        for _ in range(200):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(BadFile, match="holds more"):
            read_idx(tmp_path / "x.gz")
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("change", ["end", "middle", "checksum", "bits"])
def test_damaged_gzip(tmp_path, change):
    d = gzip.compress(idx(np.arange(3136, dtype=np.uint32).astype(np.uint8).reshape(4, 28, 28)))
    bad = {"end": d[:-9], "middle": d[:30], "checksum": d[:-8] + b"12345678", "bits": d[:12] + b"\xff" * 20 + d[32:]}
    (tmp_path / "x.gz").write_bytes(bad[change])
    with pytest.raises(BadFile):
        read_idx(tmp_path / "x.gz")


# MNIST


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("folder", ["MNIST/raw", "MNIST", "mnist", "."])
def test_mnist_is_found(tmp_path, rng, folder, ending):
    made = write_mnist(tmp_path / folder, rng, ending)
    for train, start in ((True, "train"), (False, "t10k")):
        for fetch in (False, True):  # without any network
            d = datasets.MNIST(tmp_path, train=train, download=fetch)
            np.testing.assert_array_equal(host(d.data), made[start][0])
            assert host(d.targets).tolist() == made[start][1].tolist()
            assert (d.data.dtype, d.targets.dtype) == (np.uint8, np.int64)
            assert len(d) == len(made[start][0])
    image, label = d[1]
    assert type(label) is int
    assert (image.mode, image.size) == ("L", (28, 28))
    np.testing.assert_array_equal(np.asarray(image), made["t10k"][0][1])
    np.testing.assert_array_equal(np.asarray(d[-1][0]), made["t10k"][0][-1])
    with pytest.raises(IndexError):
        d[len(d)]
    assert d.classes[3] == "3 - three"
    assert d.class_to_idx["3 - three"] == 3


def test_under_the_folder_of_the_environment(tmp_path, rng, monkeypatch):
    write_mnist(tmp_path / "home/mnist", rng, ".gz")
    write_cifar(tmp_path / "home", rng)
    with pytest.raises(NotFound, match="download=True"):
        datasets.MNIST(tmp_path / "other")
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "home"))
    for root in (None, tmp_path / "other", "other"):
        assert len(datasets.MNIST(root, download=True)) == 7
        assert len(datasets.CIFAR10(root, download=True)) == 15
    write_mnist(tmp_path / "other", rng, starts=("t10k",))
    assert len(datasets.MNIST(tmp_path / "other")) == 7  # no training set there
    with pytest.raises(NotFound):
        datasets.FashionMNIST()  # whose files have the same names


def test_the_cache_of_the_user(monkeypatch, tmp_path):
    assert places.data_home() == tmp_path / "cache/minidl"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert places.data_home() == Path.home() / ".cache/minidl"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert places.data_home() == Path.home() / "Library/Caches/minidl"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert places.data_home() == tmp_path / "minidl/Cache"


def test_transforms_and_repr(tmp_path, rng):
    write_mnist(tmp_path, rng)
    d = datasets.MNIST(str(tmp_path), transform=lambda img: "image", target_transform=lambda t: -t)
    assert d[0] == ("image", -int(host(d.targets)[0]))
    plain = datasets.MNIST(str(tmp_path))
    assert repr(plain) == f"Dataset MNIST\n    Number of datapoints: 7\n    Root location: {tmp_path}\n    Split: Train"
    assert "StandardTransform\nTransform: <function" in repr(d)
    with pytest.raises(ValueError, match="Only transforms or transform/target_transform"):
        datasets.VisionDataset(tmp_path, transforms=len, transform=len)


def test_mnist_files_that_do_not_fit_together(tmp_path, rng):
    write_mnist(tmp_path, rng)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(idx(np.zeros(6, np.uint8)))
    with pytest.raises(BadFile, match="7 images.*6 labels"):
        datasets.MNIST(tmp_path)
    labels.write_bytes(idx(np.full(7, 10, np.uint8)))
    with pytest.raises(BadFile, match="label 10, and there are 10 classes"):
        datasets.MNIST(tmp_path)
    labels.write_bytes(idx(np.zeros(7, ">f4"), 13))
    with pytest.raises(BadFile, match="uint8 is needed"):
        datasets.MNIST(tmp_path)


def test_mnist_is_downloaded(tmp_path, rng, monkeypatch, server):
    made = write_mnist(tmp_path / "there", rng, ".gz")
    files = {p.name: p.read_bytes() for p in (tmp_path / "there").iterdir()}
    server.files = {f"/second/{name}": data for name, data in files.items()}
    monkeypatch.setattr(datasets.MNIST, "mirrors", [server.address + "first/", server.address + "second/"])
    monkeypatch.setattr(datasets.MNIST, "resources", [(n, hashlib.md5(d).hexdigest()) for n, d in files.items()])
    d = datasets.MNIST(tmp_path / "root", download=True)
    np.testing.assert_array_equal(host(d.data), made["train"][0])
    assert sorted(p.name for p in (tmp_path / "root/MNIST/raw").iterdir()) == sorted(files)
    assert len(server.asked) == 8
    assert len(datasets.MNIST(tmp_path / "root", train=False, download=True)) == 3
    assert len(server.asked) == 8
    datasets.MNIST(download=True)
    assert (tmp_path / "cache/minidl/MNIST/raw").is_dir()


def test_without_a_network(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"])
    monkeypatch.setattr(datasets.CIFAR10, "url", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    with pytest.raises(DownloadError) as caught:
        datasets.MNIST(tmp_path, download=True)
    md5 = "f68b3c2dcbeaaa9fbdd348bbdeb94873"
    for part in ("train-images-idx3-ubyte.gz", "http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/", md5):
        assert part in str(caught.value)
    assert str(tmp_path / "MNIST/raw") in str(caught.value)
    with pytest.raises(DownloadError) as caught:
        datasets.CIFAR10(tmp_path, download=True)
    for part in ("cifar-10-python.tar.gz", "http://127.0.0.1:9/", "c58f30108f718f92721af3b95e74349a", str(tmp_path)):
        assert part in str(caught.value)


# CIFAR


def batch(rng, count=3, labels="labels", most=10):
    return {"data": rng.integers(0, 256, (count, 3072), np.uint8), labels: rng.integers(0, most, count).tolist()}


def write_cifar(root, rng, protocol=4, key=str):
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for name in [*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list]:
        made[name] = batch(rng)
        content = {key(k): v for k, v in made[name].items()}
        (folder / name).write_bytes(pickle.dumps(content, protocol=protocol))
    names = [key(n) for n in datasets.CIFAR10.names.split()]
    (folder / "batches.meta").write_bytes(pickle.dumps({key("label_names"): names}, protocol=protocol))
    return made


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("key", [str, lambda k: k.encode()], ids=["str", "bytes"])
def test_a_folder_of_cifar_is_used_as_it_is(tmp_path, rng, protocol, key):
    made = write_cifar(tmp_path, rng, protocol, key)
    for root in (tmp_path, str(tmp_path), tmp_path / "cifar-10-batches-py"):
        d = datasets.CIFAR10(root, download=True)
        assert (d.data.shape, d.data.dtype, len(d)) == ((15, 32, 32, 3), np.uint8, 15)
    expected = np.concatenate([made[f"data_batch_{k}"]["data"] for k in range(1, 6)])
    np.testing.assert_array_equal(d.data, expected.reshape(15, 3, 32, 32).transpose(0, 2, 3, 1))
    assert d.targets == [t for k in range(1, 6) for t in made[f"data_batch_{k}"]["labels"]]
    assert all(type(t) is int for t in d.targets)
    assert d.classes[0] == "airplane"
    assert d.class_to_idx["truck"] == 9
    image, label = d[2]
    assert (image.mode, image.size, label) == ("RGB", (32, 32), d.targets[2])
    np.testing.assert_array_equal(np.asarray(image), d.data[2])
    assert len(datasets.CIFAR10(tmp_path, train=False)) == 3
    assert "Split: Test" in repr(datasets.CIFAR10(tmp_path, train=False))


def test_a_pickle_of_python_2(tmp_path):
    """As cPickle of Python 2 wrote the official files: byte strings of both lengths, and the array's as one of them."""
    short = lambda s: b"U" + bytes([len(s)]) + s
    pixels = bytes(range(256)) * 12
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x01(cnumpy\nndarray\nq\x02K\x00\x85" + short(b"b") + b"tRq\x03("
        b"K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\nq\x04(" + short(b"u1") + b"K\x00K\x01tRq\x05(K\x03" + short(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + struct.pack("<I", 3072) + pixels + b"tb"
    )  # fmt: skip
    rest = short(b"labels") + b"]K\x07a" + short(b"batch_label") + short(b"\xe9")
    (tmp_path / "x").write_bytes(b"\x80\x02}(" + short(b"data") + array + rest + b"u.")
    read = read_pickle(tmp_path / "x")
    assert read["data"].tobytes() == pixels
    assert read["data"].shape == (1, 3072)
    assert read["labels"] == [7]
    assert read["batch_label"] == "é"


def test_cifar_100_and_a_folder_without_meta(tmp_path, rng):
    write_cifar(tmp_path, rng)
    (tmp_path / "cifar-10-batches-py/batches.meta").unlink()
    assert datasets.CIFAR10(tmp_path).classes[9] == "truck"
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for name in ("train", "test"):
        (folder / name).write_bytes(pickle.dumps({**batch(rng, 4, "fine_labels", 100), "coarse_labels": [0] * 4}))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [f"kind {k}" for k in range(100)]}))
    d = datasets.CIFAR100(tmp_path)
    assert (len(d), d.classes[99], len(d.class_to_idx)) == (4, "kind 99", 100)


def test_a_folder_that_lacks_files_says_which(tmp_path, rng):
    write_cifar(tmp_path, rng)
    (tmp_path / "cifar-10-batches-py/data_batch_4").unlink()
    with pytest.raises(NotFound, match="lacks data_batch_4$"):
        datasets.CIFAR10(tmp_path)
    assert len(datasets.CIFAR10(tmp_path, train=False)) == 3


def test_cifar_is_downloaded_and_unpacked(tmp_path, rng, monkeypatch, server):
    write_cifar(tmp_path / "there", rng)
    with tarfile.open(tmp_path / "cifar-10-python.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "there/cifar-10-batches-py", "cifar-10-batches-py")
    data = (tmp_path / "cifar-10-python.tar.gz").read_bytes()
    server.files["/cifar-10-python.tar.gz"] = data
    monkeypatch.setattr(datasets.CIFAR10, "url", server.address + "cifar-10-python.tar.gz")
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", hashlib.md5(data).hexdigest())
    root = tmp_path / "root"
    assert len(datasets.CIFAR10(root, download=True)) == 15
    assert sorted(p.name for p in root.iterdir()) == ["cifar-10-batches-py", "cifar-10-python.tar.gz"]
    shutil.rmtree(root / "cifar-10-batches-py")
    with pytest.raises(NotFound, match="download=True also unpacks it"):
        datasets.CIFAR10(root)
    assert len(datasets.CIFAR10(root, download=True)) == 15  # the archive is there, and right
    (root / "cifar-10-batches-py/data_batch_2").unlink()
    assert len(datasets.CIFAR10(root, download=True)) == 15
    assert len(server.asked) == 1
    assert len(datasets.CIFAR10(str(root), train=False, download=True)) == 3


class Evil:
    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


def opcodes(*parts):
    return b"\x80\x02" + b"".join(parts) + b"."


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
DTYPE = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
MINUS_1 = b"J\xff\xff\xff\xff"
TEXT = b"X" + struct.pack("<I", 1000) + b"x" * 1000 + b"q\x00"
BAD_PICKLES = {
    "os.system": (pickle.dumps(Evil(os.system, "touch evil")), UnsafePickle),
    "eval": (pickle.dumps(Evil(eval, "1")), UnsafePickle),
    "open": (pickle.dumps({"data": Evil(open, "evil", "w")}, 2), UnsafePickle),
    "getattr": (pickle.dumps(Evil(getattr, [], "append")), UnsafePickle),
    "numpy's own file reader": (pickle.dumps(Evil(np.load, "evil")), UnsafePickle),
    "numpy.ndarray called": (opcodes(b"cnumpy\nndarray\n(K\x05tR"), UnsafePickle),
    "numpy.core.multiarray.fromfile": (opcodes(b"cnumpy.core.multiarray\nfromfile\n(U\x04eviltR"), UnsafePickle),
    "a dotted name": (b"\x80\x04\x8c\x05numpy\x8c\x0edtype.__init__\x93.", UnsafePickle),
    "_codecs.decode": (opcodes(b"c_codecs\ndecode\n(U\x01xtR"), UnsafePickle),
    "another codec": (opcodes(b"c_codecs\nencode\n(X\x01\0\0\0xU\x03hextR"), UnsafePickle),
    "an object": (opcodes(b"cnumpy\nndarray\n)\x81"), UnsafePickle),
    "an old-style object": (b"(ios\nsystem\n.", UnsafePickle),
    "a persistent id": (b"Pevil\n.", UnsafePickle),
    "an extension": (b"\x80\x02\x82\x01.", UnsafePickle),
    "an array of objects": (pickle.dumps(np.array([{}, None], object)), UnsafePickle),
    "an array of records": (pickle.dumps(np.zeros(2, [("a", "u1")])), UnsafePickle),
    "an array of strings": (pickle.dumps(np.array(["a"])), UnsafePickle),
    "a function changed": (opcodes(b"c_codecs\nencode\n}U\x08functionK\x01sb"), UnsafePickle),
    "an array of a terabyte": (opcodes(ARRAY, b"(K\x01\x8a\x06\0\0\0\0\0\x01\x85", DTYPE, b"\x89U\x01xtb"), BadFile),
    "a negative shape": (opcodes(ARRAY, b"(K\x01" + MINUS_1 * 2 + b"\x86", DTYPE, b"\x89U\x01xtb"), BadFile),
    "text multiplied": (opcodes(b"]", TEXT, *[b"c_codecs\nencode\n(h\x00U\x06latin1tR0"] * 5000), UnsafePickle),
    "a string of 4 GB": (opcodes(b"T\xff\xff\xff\x7fx"), BadFile),
    "bytes of an exabyte": (b"\x80\x04\x8e\0\0\0\0\0\0\0\x10x.", BadFile),
    "a frame of an exabyte": (b"\x80\x04\x95\0\0\0\0\0\0\0\x10N.", BadFile),
    "a memo of 4 billion": (opcodes(b"Nr\xff\xff\xff\xff"), BadFile),
    "a memo in words": (b"Np9999999999\n.", BadFile),
    "a number of a million digits": (b"L" + b"9" * 10**6 + b"L\n.", BadFile),
    "no end": (opcodes(b"N")[:-1], BadFile),
    "an empty stack": (b"\x80\x02.", BadFile),
    "an unknown opcode": (b"\x80\x02\xfe.", BadFile),
    "empty": (b"", BadFile),
    "html": (b"<html>404</html>", BadFile),
    "cut off": (pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": [0] * 3})[:-40], BadFile),
}


@pytest.mark.parametrize("data, error", BAD_PICKLES.values(), ids=BAD_PICKLES.keys())
def test_hostile_pickles(tmp_path, monkeypatch, data, error):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(error) as caught:
            read_pickle(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 2e7
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(str(tmp_path / "x"))
    assert isinstance(caught.value, ValueError)
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    good = tmp_path / "good"
    good.write_bytes(pickle.dumps({"text": b"bytes"}, 2))  # what the last one did is forgotten
    assert read_pickle(good) == {"text": b"bytes"}


def test_a_file_too_large_is_not_read(tmp_path):
    with open(tmp_path / "x", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(BadFile, match="1,099,511,627,776 bytes"):
        read_pickle(tmp_path / "x")


@pytest.mark.parametrize("content, message", [
    ([1, 2], "it holds list"),
    ({"labels": [1]}, "it holds .'labels'"),
    ({"data": np.zeros((2, 3072), np.uint8)}, "'labels' is expected"),
    ({"data": [[0]], "labels": [1]}, "it is list"),
    ({"data": np.zeros((2, 3071), np.uint8), "labels": [1, 2]}, r"uint8 \(2, 3071\)"),
    ({"data": np.zeros((2, 3072), np.float32), "labels": [1, 2]}, "float32"),
    ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, "2 images and 1 labels"),
    ({"data": np.zeros((2, 3072), np.uint8), "labels": [1, 10]}, "label 10"),
    ({"data": np.zeros((2, 3072), np.uint8), "labels": [1, -1]}, "label -1"),
    ({"data": np.zeros((2, 3072), np.uint8), "labels": ["cat", "dog"]}, "list of integers"),
])  # fmt: skip
def test_cifar_batches_that_are_none(tmp_path, rng, content, message):
    write_cifar(tmp_path, rng)
    (tmp_path / "cifar-10-batches-py/data_batch_2").write_bytes(pickle.dumps(content))
    with pytest.raises(BadFile, match=message):
        datasets.CIFAR10(tmp_path)
    (tmp_path / "cifar-10-batches-py/batches.meta").write_bytes(pickle.dumps({"label_names": 5}))
    with pytest.raises(BadFile, match="label_names"):
        datasets.CIFAR10(tmp_path)


def test_labels_as_numpy_numbers(tmp_path):
    content = {"a": [np.int64(3), np.float32(0.5)], "b": np.arange(6).reshape(2, 3).T, "c": np.array(5.0, ">f8")}
    for protocol in range(6):
        (tmp_path / "x").write_bytes(pickle.dumps(content, protocol))
        read = read_pickle(tmp_path / "x")
        assert read["a"] == content["a"]
        np.testing.assert_array_equal(read["b"], content["b"])
        assert read["c"] == 5.0


# Folders


def write_images(root, names):
    from PIL import Image

    for k, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".png", ".JPG", ".ppm"):
            Image.new("L" if k % 2 else "RGB", (4 + k, 3), k * 20).save(path, "PNG")
        else:
            path.write_text("text")


def test_image_folder(tmp_path):
    write_images(tmp_path, ["dog/2.png", "dog/1.png", "dog/deep/a.JPG", "cat/z.ppm", "cat/notes.txt", "outside.png"])
    d = datasets.ImageFolder(tmp_path)
    assert d.classes == ["cat", "dog"]
    assert d.class_to_idx == {"cat": 0, "dog": 1}
    assert [os.path.relpath(p, tmp_path) for p, _ in d.samples] == [
        os.path.join(*name.split("/")) for name in ("cat/z.ppm", "dog/1.png", "dog/2.png", "dog/deep/a.JPG")
    ]
    assert d.targets == [0, 1, 1, 1]
    assert d.imgs is d.samples
    image, label = d[1]
    assert (image.mode, image.size, label) == ("RGB", (5, 3), 1)
    valid = lambda path: not path.endswith((".txt", "1.png"))
    mapped = datasets.ImageFolder(str(tmp_path), lambda img: img.size, lambda t: t + 10, is_valid_file=valid)
    assert [mapped[k] for k in range(3)] == [((7, 3), 10), ((4, 3), 11), ((6, 3), 11)]
    texts = datasets.DatasetFolder(tmp_path, Path, (".txt",), allow_empty=True)
    assert texts.samples == [(str(tmp_path / "cat" / "notes.txt"), 0)]
    assert texts[0] == (tmp_path / "cat" / "notes.txt", 0)


def test_image_folder_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder"):
        datasets.ImageFolder(tmp_path)
    with pytest.raises(FileNotFoundError):
        datasets.ImageFolder(tmp_path / "none")
    write_images(tmp_path, ["a/1.png", "b/notes.txt"])
    with pytest.raises(FileNotFoundError, match=r"no valid file for the classes b. Supported extensions are: .jpg"):
        datasets.ImageFolder(tmp_path)
    assert len(datasets.ImageFolder(tmp_path, allow_empty=True)) == 1
    with pytest.raises(ValueError, match="cannot be None or not None at the same time"):
        datasets.DatasetFolder(tmp_path, Path)
    for data in (b"text", (tmp_path / "a/1.png").read_bytes()[:40], b""):
        (tmp_path / "a/1.png").write_bytes(data)
        with pytest.raises(BadFile, match=r"1.png is no image"):
            datasets.ImageFolder(tmp_path, allow_empty=True)[0]
    (tmp_path / "a/1.png").unlink()
    write_images(tmp_path, ["a/2.png"])
    d = datasets.ImageFolder(tmp_path, allow_empty=True)
    (tmp_path / "a/2.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"2.png"):
        d[0]


def test_an_image_that_declares_billions_of_pixels(tmp_path):
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "BMP")
    data = bytearray(buffer.getvalue())
    data[18:26] = struct.pack("<ii", 60000, 60000)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.bmp").write_bytes(data)
    with pytest.raises(BadFile, match=r"1.bmp is no image that can be read"):
        datasets.ImageFolder(tmp_path)[0]


def test_without_pillow(tmp_path, rng, monkeypatch):
    made = write_mnist(tmp_path, rng)
    write_cifar(tmp_path, rng)
    for name in [n for n in sys.modules if n == "PIL" or n.startswith("PIL.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    image, _ = datasets.MNIST(tmp_path)[0]
    np.testing.assert_array_equal(image, made["train"][0][0])
    image, _ = datasets.CIFAR10(tmp_path)[0]
    assert (type(image), image.shape, image.dtype) == (np.ndarray, (32, 32, 3), np.uint8)
    with pytest.raises(ImportError, match="pip install pillow"):
        datasets.folder.pil_loader("x.png")


# The real sets, where they are


def real(make):
    try:
        return make()
    except NotFound:
        pytest.skip(reason="set MINIDL_DATA to a folder that holds this set")


def test_real_mnist(monkeypatch, tmp_path):
    if REAL:
        monkeypatch.setenv("MINIDL_DATA", REAL)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", os.environ.get("XDG_CACHE_HOME", str(tmp_path)))
    train, test = (real(lambda t=t: datasets.MNIST(train=t)) for t in (True, False))
    assert (train.data.shape, test.data.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert host(train.targets)[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(host(test.targets)).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert abs(host(train.data).mean() / 255 - 0.1307) < 1e-4  # the numbers every tutorial normalises with
    assert abs(host(train.data).std() / 255 - 0.3081) < 1e-4


def test_real_cifar_10(monkeypatch):
    d = real(lambda: datasets.CIFAR10(train=False))
    assert d.data.shape[1:] == (32, 32, 3)
    assert np.bincount(d.targets).tolist() == [1000] * 10
    np.testing.assert_allclose(d.data.mean((0, 1, 2)) / 255, [0.4942, 0.4851, 0.4504], atol=2e-3)
