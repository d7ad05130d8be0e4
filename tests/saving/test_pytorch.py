"""PyTorch's files of weights: what the installed PyTorch writes is read, and hostile files are refused."""

import io
import pickle
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest

import minidl
from minidl.autograd import Tensor
from tests.saving.values import same


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="reads what PyTorch writes: needs torch")


def through_torch(torch, value, **options):
    file = io.BytesIO()
    torch.save(value, file, **options)
    file.seek(0)
    return minidl.load(file)


def ours(torch, value):
    """The value that we should read."""
    if isinstance(value, torch.Tensor):
        wide = value.detach().float() if value.dtype == torch.bfloat16 else value.detach()
        return Tensor(wide.numpy(), value.requires_grad)
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, dict):
        made = type(value)()
        made.update({k: ours(torch, v) for k, v in value.items()})
        return made
    if isinstance(value, list | tuple):
        return type(value)(ours(torch, v) for v in value)
    return value


DTYPES = ["float16", "float32", "float64", "bool", "uint8", "int8", "int16", "int32", "int64", "bfloat16"]


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_and_layout(torch, dtype, protocol):
    x = (torch.rand(4, 6) * 9).to(getattr(torch, dtype))
    value = {"x": x, "t": x.t(), "part": x[1:3, ::2], "one": x[2, 3], "none": x[:0], "wide": x[:1].expand(3, 6)}
    assert same(through_torch(torch, value, pickle_protocol=protocol), ours(torch, value))


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        (),
        None,
        {"a": 1, 2: "b", 2.5: None, None: True, (1, "a"): False},
        [2**40, -(2**40), 2**200, -1, 255, 65535, 2**31, 1e300, float("inf"), "é\0\U0001f600", "x" * 300],
        [(1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [[[]]], OrderedDict(b=1, a=2), Counter({3: 2, "a": 1})],
        list(range(3000)),
        {f"k{k}": k for k in range(3000)},
    ],
    ids=lambda v: type(v).__name__,
)
def test_plain_values(torch, value, protocol):
    assert same(through_torch(torch, value, pickle_protocol=protocol), value)


def test_a_whole_checkpoint(torch):
    nn = torch.nn
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
    net(torch.rand(3, 1, 4, 4)).sum().backward()
    optimizer.step()
    scheduler.step()
    checkpoint = {
        "model": net.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
        "epoch": 3, "random": torch.get_rng_state(), "weight": net[0].weight, "size": net[0].weight.shape,
    }  # fmt: skip
    found = through_torch(torch, checkpoint)
    assert same(found, ours(torch, checkpoint))
    assert found["weight"].requires_grad
    assert not found["model"]["0.weight"].requires_grad


def test_dtypes(torch):
    assert through_torch(torch, [torch.float32, torch.int64, torch.bool]) == [np.float32, np.int64, np.bool_]


def test_what_shared_memory_shares_it_again(torch):
    w = torch.arange(6.0)
    found = through_torch(torch, {"a": w, "b": w, "row": w.view(2, 3)[1]})
    found["a"].array[4] = 50.0
    assert found["b"].array[4] == found["row"].array[1] == 50.0
    assert found["a"].memory is found["row"].memory


def test_it_can_be_saved_again(torch, tmp_path):
    value = {"x": torch.arange(6.0).view(2, 3).t(), "y": [torch.arange(3)[1:]]}
    minidl.save(through_torch(torch, value), tmp_path / "a")
    assert same(minidl.load(tmp_path / "a"), ours(torch, value))


def test_pytorch_reads_our_safetensors(torch, tmp_path):
    package = pytest.importorskip("safetensors.torch", reason="needs the safetensors package")
    net = torch.nn.Linear(3, 2)
    minidl.save(dict(ours(torch, net.state_dict())), tmp_path / "net.safetensors")
    other = torch.nn.Linear(3, 2)
    other.load_state_dict(package.load_file(tmp_path / "net.safetensors"))
    assert torch.equal(net.weight, other.weight)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda torch: torch.nn.Linear(2, 2), r"needs 'torch\.nn\.modules\.linear\.Linear', which is not loaded"),
        (lambda torch: torch.zeros(2, dtype=torch.complex64), "ComplexFloatStorage"),
        (lambda torch: torch.zeros(2, dtype=torch.float8_e4m3fn), "_rebuild_tensor_v3"),
        (lambda torch: torch.zeros(2).to_sparse(), "_rebuild_sparse_tensor"),
        (lambda torch: {"s": {1}}, "builtin.*set"),
        (lambda torch: {"n": np.float64(1)}, "numpy"),
        (lambda torch: torch.zeros(2).untyped_storage(), "UntypedStorage"),
        (lambda torch: torch.Size, "holds torch.Size, which is not data"),
    ],
)
def test_what_pytorch_writes_and_we_do_not_read_is_named(torch, make, message):
    with pytest.raises(ValueError, match=f"^load: the file: .*{message}"):
        through_torch(torch, make(torch))


def test_older_and_other_files_of_pytorch(torch):
    with pytest.raises(ValueError, match="before version 1.6"):
        through_torch(torch, {"w": torch.zeros(2)}, _use_new_zipfile_serialization=False)


# Pickles by hand. p(x) is the program that pushes a plain value; bytes are a program already.
p = lambda value: value if isinstance(value, bytes) else pickle.dumps(value, 2)[2:-1]


def take(module, name):
    return f"c{module}\n{name}\n".encode()


def pushed(*programs):
    return b"(" + b"".join(programs) + b"t"


def storage(kind="FloatStorage", key="0", count=4, place="cpu", word="storage", module="torch"):
    return pushed(p(word), take(module, kind), p(key), p(place), p(count)) + b"Q"


def rebuilt(source=None, offset=0, shape=(2, 2), strides=(2, 1), grad=False, hooks=None, more=()):
    hooks = take("collections", "OrderedDict") + b")R" if hooks is None else hooks
    source = storage() if source is None else source
    arguments = pushed(source, p(offset), p(shape), p(strides), p(grad), hooks, *more)
    return take("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


def weights(program, storages=None, root="archive/", more=(), method=zipfile.ZIP_STORED, **lies):
    """The file; `lies` are fields of the zip file's entry for storage 0."""
    members = {"data.pkl": b"\x80\2" + program + b".", "byteorder": b"little", "version": b"3\n"}
    members |= {f"data/{key}": data for key, data in (storages or {"0": np.arange(4, dtype="<f4").tobytes()}).items()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in {**members, **dict(more)}.items():
            archive.writestr(zipfile.ZipInfo(root + name), content, method)
        for field, value in lies.items():
            setattr(archive.getinfo(f"{root}data/0"), field, value)
    return io.BytesIO(file.getvalue())


def test_files_by_hand_are_read():
    assert minidl.load(weights(rebuilt())).array.tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert minidl.load(weights(rebuilt(offset=1, shape=(3,), strides=(1,)))).array.tolist() == [1.0, 2.0, 3.0]
    assert minidl.load(weights(rebuilt(shape=(4, 1), strides=(1, 2**70)))).array.shape == (4, 1)
    assert minidl.load(weights(rebuilt(shape=(0, 9), strides=(9, 1)))).array.shape == (0, 9)
    assert minidl.load(weights(rebuilt(shape=(), strides=()))).array.shape == ()
    assert minidl.load(weights(rebuilt(storage(place="cuda:0")))).array.sum() == 6.0
    assert minidl.load(weights(rebuilt(grad=True))).requires_grad
    assert minidl.load(weights(rebuilt(), CRC=0)).array.sum() == 6.0  # PyTorch can be told to make no checksums
    assert minidl.load(weights(rebuilt(), root="é/")).array.shape == (2, 2)


class Evil:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def deep(n):
    """A value in n lists, one in another."""
    return b"]" * n + b"a" * (n - 1)


def doubling(n):
    """n tuples, each twice in the next: hashing the last would take 2ⁿ steps."""
    return b")q\0" + b"h\0\x86q\0" * n


HOSTILE = {
    "os.system": (weights(b"cos\nsystem\nX\4\0\0\0true\x85R"), "needs 'os.system', which is not loaded"),
    "posix.system": (weights(b"cposix\nsystem\nX\4\0\0\0true\x85R"), "needs 'posix.system'"),
    "eval": (weights(b"cbuiltins\neval\nX\3\0\0\x001+1\x85R"), "needs 'builtins.eval'"),
    "getattr": (weights(b"c__builtin__\ngetattr\n"), "needs '__builtin__.getattr'"),
    "a reference and no call": (weights(b"csubprocess\nPopen\n"), "needs 'subprocess.Popen'"),
    "torch.load": (weights(take("torch", "load")), "needs 'torch.load'"),
    "a part of a known name": (weights(take("torch._utils", "_rebuild_tensor")), "needs .*_rebuild_tensor'"),
    "a path in a name": (weights(take("torch", "_utils._rebuild_tensor_v2.__globals__")), "which is not loaded"),
    "a name with dots": (weights(take("collections", "OrderedDict.__init__")), "which is not loaded"),
    "a storage that is none": (weights(take("torch", "EvilStorage")), "which is not loaded"),
    "STACK_GLOBAL": (weights(p("os") + p("system") + b"\x93"), "needs 'os.system'"),
    "STACK_GLOBAL of numbers": (weights(p(1) + p(2) + b"\x93"), "a name that is no text"),
    "STACK_GLOBAL of what takes forever to print": (weights(doubling(64) + b"h\0\x93"), "no text"),
    "INST": (weights(b"(X\4\0\0\0trueios\nsystem\n"), "instruction INST"),
    "OBJ": (weights(b"(cos\nsystem\nX\4\0\0\0trueo"), "needs 'os.system'"),
    "NEWOBJ": (weights(take("collections", "OrderedDict") + b")\x81"), "instruction NEWOBJ"),
    "NEWOBJ_EX": (weights(take("collections", "OrderedDict") + b")}\x92"), "instruction NEWOBJ_EX"),
    "EXT1": (weights(b"\x82\1"), "instruction EXT1"),
    "PERSID by text": (weights(b"P0\n"), "instruction PERSID"),
    "BUILD of a dict": (weights(b"}}b"), "sets attributes of a dict"),
    "BUILD of another attribute": (
        weights(take("collections", "OrderedDict") + b")R}X\1\0\0\0xK\1sb"), "sets attributes of a OrderedDict"
    ),
    "BUILD of a tensor": (weights(rebuilt() + b"}X\5\0\0\0arrayK\1sb"), "sets attributes of a Tensor"),
    "a call of a value": (weights(b"K\1)R"), "calls 1, which is not known"),
    "a call of text": (weights(p("os.system") + b")R"), "calls 'os.system', which is not known"),
    "a call of text that is a known name": (weights(p("torch.Size") + b"]\x85R"), "calls 'torch.Size', which is not"),
    "a call of a storage's kind": (weights(take("torch", "FloatStorage") + b")R"), "calls 'storage.Float'"),
    "a call without a tuple": (weights(take("collections", "OrderedDict") + b"]R"), "which is not known"),
    "a call with too many arguments": (weights(take("collections", "OrderedDict") + b"K\1\x85R"), "does not take"),
    "Size of numbers": (weights(take("torch", "Size") + b"K\1\x85R"), "does not take"),
    "Counter of text": (weights(take("collections", "Counter") + p("abc") + b"\x85R"), "does not take"),
    "rebuild without a storage": (weights(rebuilt(p([1.0]))), "does not take"),
    "rebuild with flags": (weights(rebuilt(more=[p({"conj": True})])), "does not take"),
    "rebuild with grad = 1": (weights(rebuilt(grad=1)), "does not take"),
    "integers that require gradients": (
        weights(rebuilt(storage("IntStorage"), grad=True)), "only floating-point tensors can require"
    ),
    "a parameter of no tensor": (weights(take("torch._utils", "_rebuild_parameter") + b"K\1\x88N\x87R"), "not take"),
    "a name left over": (weights(take("torch", "Size")), "holds torch.Size, which is not data"),
    "a name left over inside": (weights(b"]" + take("torch", "FloatStorage") + b"a"), "which is not data"),
    "a storage left over": (weights(b"}" + p("w") + storage() + b"s"), "holds a bare storage"),
    "a storage that is missing": (weights(rebuilt(storage(key="1"))), "storage 'archive/data/1' is missing"),
    "a storage outside": (weights(rebuilt(storage(key="../../../etc/passwd"))), "passwd' is missing"),
    "a storage called by a number": (weights(rebuilt(storage(key=0))), "which is no storage"),
    "another kind of persistent thing": (weights(rebuilt(storage(word="module"))), "which is no storage"),
    "a storage whose kind is text": (
        weights(rebuilt(pushed(p("storage"), p("storage.Float"), p("0"), p("cpu"), p(4)) + b"Q")), "which is no storage"
    ),
    "a storage that takes forever to print": (weights(doubling(64) + b"Q"), "which is no storage"),
    "a function that takes forever to print": (weights(doubling(64) + b")R"), "which is not known"),
    "a shape that takes forever to print": (weights(rebuilt(shape=doubling(64))), "no list of sizes"),
    "a persistent thing that is no tuple": (weights(b"K\1Q"), "which is no storage"),
    "more numbers than there are": (weights(rebuilt(storage(count=5))), "has 16 bytes, not those of 5"),
    "fewer numbers than there are": (weights(rebuilt(storage(count=3))), "has 16 bytes, not those of 3"),
    "another width": (weights(rebuilt(storage("DoubleStorage"))), "has 16 bytes, not those of 4 × float64"),
    "2^62 numbers": (weights(rebuilt(storage(count=2**62))), "larger than any memory"),
    "2^62 + 4 numbers, 16 bytes modulo 2^64": (weights(rebuilt(storage(count=2**62 + 4))), "larger than any memory"),
    "a negative number of numbers": (weights(rebuilt(storage(count=-4))), "not those of -4"),
    "a number of numbers that is a float": (weights(rebuilt(storage(count=4.0))), "which is no storage"),
    "a tensor beyond its storage": (weights(rebuilt(shape=(2, 3))), "reaches beyond its storage of 4"),
    "an offset beyond": (weights(rebuilt(offset=1)), "reaches beyond its storage of 4"),
    "an offset far beyond": (weights(rebuilt(offset=2**62, shape=(), strides=())), "reaches beyond"),
    "strides beyond": (weights(rebuilt(strides=(4, 1))), "reaches beyond"),
    "strides that overflow": (weights(rebuilt(strides=(2**62, 1))), "reaches beyond"),
    "strides that wrap around": (weights(rebuilt(shape=(5, 1), strides=(2**64 // 4, 1))), "reaches beyond"),
    "a negative offset": (weights(rebuilt(offset=-1)), "has the offset -1"),
    "a negative stride": (weights(rebuilt(offset=3, shape=(4,), strides=(-1,))), "strides"),
    "a negative size": (weights(rebuilt(shape=(-1, -4))), "no list of sizes"),
    "a size that is a float": (weights(rebuilt(shape=(2.0, 2))), "no list of sizes"),
    "2^64 elements": (weights(rebuilt(shape=(2**32, 2**32), strides=(0, 0))), "larger than any memory"),
    "a size beyond int64, times 0": (weights(rebuilt(shape=(0, 2**70), strides=(0, 0))), "larger than any memory"),
    "65 axes": (weights(rebuilt(shape=(1,) * 65, strides=(1,) * 65)), "65 axes"),
    "fewer strides than sizes": (weights(rebuilt(strides=(1,))), "strides"),
    "strides that are a number": (weights(rebuilt(strides=1)), "strides"),
    "an offset that is text": (weights(rebuilt(offset="0")), "offset '0'"),
    "an offset that is true": (weights(rebuilt(offset=True)), "offset True"),
    "an empty program": (weights(b""), "does not end with one value"),
    "two values": (weights(b"K\1K\2"), "does not end with one value"),
    "an empty stack": (weights(b"0"), "instruction POP"),
    "too little on the stack": (weights(b"K\1\x86"), "breaks off at an instruction TUPLE2"),
    "no mark": (weights(b"t"), "breaks off at an instruction TUPLE"),
    "a mark above the stack": (weights(b"K\1(\x850t"), "instruction POP|breaks off|ends"),
    "a memo that was never written": (weights(b"h\5"), "breaks off at an instruction BINGET"),
    "a memo of 2^32": (weights(b"K\1r\xff\xff\xff\x7fr\xff\xff\xff\xff0"), "instruction POP"),
    "append to a number": (weights(b"K\1K\2a"), "appends to a int"),
    "append to a tuple": (weights(b")K\2a"), "appends to a tuple"),
    "set an item of a list": (weights(b"]K\1K\2s"), "sets items of a list"),
    "an odd number of items": (weights(b"}(K\1u"), "sets items of a dict"),
    "a list as a key": (weights(b"}]K\1s"), "has a list as a key"),
    "a tensor as a key": (weights(b"}" + rebuilt() + b"K\1s"), "has a Tensor as a key"),
    "a key that takes forever to hash": (weights(b"}" + doubling(64) + b"K\1s"), "has a tuple as a key"),
    "text cut off": (weights(b"X\xff\xff\xff\x7fabc"), "expected 2147483647 bytes"),
    "a number cut off": (weights(b"J\1"), "not enough data"),
    "a negative length": (weights(b"\x8b\xff\xff\xff\xff"), "pickle is broken: long4 byte count < 0"),
    "text that is no UTF-8": (weights(b"X\1\0\0\0\xff"), "pickle is broken: .*decode"),
    "an unknown instruction": (weights(b"\xff"), "instruction .* no file of weights needs"),
    "a program without an end": (weights(b"", more={"data.pkl": b"\x80\2K\1"}.items()), "breaks off before its end"),
    "big-endian numbers": (weights(rebuilt(), more={"byteorder": b"big"}.items()), "not little-endian"),
    "TorchScript": (weights(rebuilt(), more={"constants.pkl": b"x"}.items()), "TorchScript"),
    "compressed": (weights(rebuilt(), method=zipfile.ZIP_DEFLATED), "is compressed"),
    "a size that lies": (weights(rebuilt(storage(count=2**28)), file_size=2**30), "claims 1073741824 bytes"),
    "sizes that lie": (weights(rebuilt(storage(count=2**28)), file_size=2**30, compress_size=2**30), "reaches beyond"),
    "a wrong checksum": (weights(rebuilt(), CRC=1), "data/0' has changed since it was written"),
    "a place that lies": (weights(rebuilt(), header_offset=0), "overlap"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused(case, allocations):
    file, message = HOSTILE[case]
    file.seek(0)
    said = pytest.raises((ValueError, TypeError), match=f"^load: the file: .*(?:{message})")
    with allocations(within=len(file.getvalue())), said:
        minidl.load(file)


def test_nothing_is_called(tmp_path):
    """Pickles that Python's own unpickler would run."""
    for protocol in (2, 3, 4, 5):
        program = pickle.dumps({"w": [Evil(exec, f"import os; os.mkdir({str(tmp_path / 'x')!r})")]}, protocol)
        pickle.loads(program)
        assert (tmp_path / "x").exists()
        (tmp_path / "x").rmdir()
        with pytest.raises(ValueError, match="needs '.*exec', which is not loaded"):
            minidl.load(weights(b"", more={"data.pkl": program}.items()))
        assert not (tmp_path / "x").exists()


def test_deep_nesting_does_not_end_the_stack():
    value = minidl.load(weights(deep(100_000)))
    depth = 0
    while value:
        value, depth = value[0], depth + 1
    assert depth == 99_999


def test_a_value_that_contains_itself_can_be_loaded_and_is_not_saved():
    value = minidl.load(weights(b"]q\0h\0a"))
    assert value[0] is value
    with pytest.raises(ValueError, match="does it contain itself"):
        minidl.save(value, io.BytesIO())
