"""PyTorch's own files: a zip of raw storages, and a pickle that says what is made of them.

A pickle is a program. It is not run here: its instructions are read one by one, by a machine that only knows how to
build dicts, lists, numbers, strings, and tensors whose place in their storage has been checked."""

import io
import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..autograd import Memory, Tensor
from .archive import Archive
from .arrays import count_bytes, native, shorten

DTYPES = {
    "float16": "<f2", "float32": "<f4", "float64": "<f8", "bool": "|b1",
    "int8": "|i1", "int16": "<i2", "int32": "<i4", "int64": "<i8", "uint8": "|u1",
    "bfloat16": "<u2",  # the upper half of a float32: read as one, exactly
}  # fmt: skip
STORAGES = {
    "Half": "float16", "Float": "float32", "Double": "float64", "Bool": "bool", "Char": "int8", "Short": "int16",
    "Int": "int32", "Long": "int64", "Byte": "uint8", "BFloat16": "bfloat16",
}  # fmt: skip
NEEDED = frozenset(
    """
    PROTO FRAME STOP NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 LONG4 BINFLOAT BINUNICODE SHORT_BINUNICODE
    BINUNICODE8 EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3 MARK TUPLE APPEND APPENDS SETITEM SETITEMS BINPUT
    LONG_BINPUT MEMOIZE BINGET LONG_BINGET GLOBAL STACK_GLOBAL BINPERSID REDUCE BUILD
    """.split()
)
INSTRUCTIONS = {instruction.code: instruction for instruction in pickletools.opcodes if instruction.name in NEEDED}
CALLABLE = {
    "collections.OrderedDict", "collections.Counter", "torch.Size",
    "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter",
}  # fmt: skip
DICTS = (dict, OrderedDict, Counter)
KEYS = (str, int, float, type(None))


class Name(str):
    """A name that the pickle takes from a module. Nothing is imported for it."""


class Storage(NamedTuple):
    array: Any
    memory: Memory  # one for all tensors that share the storage


def root_of(archive: Archive) -> str | None:
    """The folder that everything lies in, `archive/`; None where this is some other zip file."""
    found = (name.partition("/") for name in archive.members)
    return next((folder + "/" for folder, _, name in found if name == "data.pkl"), None)


def read(archive: Archive, root: str, tensor: Callable[..., Any]) -> Any:
    """The value in the file; `tensor(array, requires_grad, memory)` makes the tensors."""
    if root + "constants.pkl" in archive.members:
        raise ValueError("it is a TorchScript program; only weights are read: torch.save(module.state_dict(), file)")
    if root + "byteorder" in archive.members and archive.read(root + "byteorder").tobytes() != b"little":
        raise ValueError("its numbers are not little-endian")
    value = _Machine(archive, root, tensor).run(archive.read(root + "data.pkl").tobytes())
    _refuse_names(value)
    return value


class _Machine:
    """The stack machine that pickles are written for, with the harmless part of its instructions."""

    def __init__(self, archive: Archive, root: str, tensor: Callable[..., Any]) -> None:
        self.archive, self.root, self.tensor = archive, root, tensor
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[tuple[str, str], Storage] = {}

    def run(self, program: bytes) -> Any:
        for name, argument in _instructions(program):
            try:
                self.step(name, argument)
            except (IndexError, KeyError):  # an empty stack, a memo that was never written
                raise ValueError(f"its pickle breaks off at an instruction {name}") from None
        if len(self.stack) != 1:
            raise ValueError("its pickle does not end with one value")
        return self.stack[0]

    def step(self, name: str, argument: Any) -> None:
        push, pop = self.stack.append, self.stack.pop
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                push({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "LONG4" | "BINFLOAT":
                push(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8":
                push(argument)
            case "EMPTY_DICT":
                push({})
            case "EMPTY_LIST":
                push([])
            case "EMPTY_TUPLE":
                push(())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                n = int(name[-1])
                items = [pop() for _ in range(n)]
                push(tuple(reversed(items)))
            case "MARK":
                self.marks.append(len(self.stack))
            case "TUPLE":
                push(tuple(self.since_mark()))
            case "APPEND":
                self.append([pop()])
            case "APPENDS":
                self.append(self.since_mark())
            case "SETITEM":
                value, key = pop(), pop()
                self.set_items([key, value])
            case "SETITEMS":
                self.set_items(self.since_mark())
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "BINGET" | "LONG_BINGET":
                push(self.memo[argument])
            case "GLOBAL":
                push(known(argument))
            case "STACK_GLOBAL":
                attribute, module = pop(), pop()
                if type(module) is not str or type(attribute) is not str:
                    raise ValueError("its pickle takes a name that is no text")
                push(known(f"{module}.{attribute}"))
            case "BINPERSID":
                push(self.storage(pop()))
            case "REDUCE":
                arguments, function = pop(), pop()
                push(self.call(function, arguments))
            case "BUILD":
                attributes, value = pop(), self.stack[-1]
                # A state dict carries its modules' versions, which say nothing about the numbers.
                if type(value) is not OrderedDict or type(attributes) is not dict or attributes.keys() != {"_metadata"}:
                    raise ValueError(f"its pickle sets attributes of a {type(value).__name__}, and only data is read")

    def since_mark(self) -> list[Any]:
        mark = self.marks.pop()
        if mark > len(self.stack):
            raise IndexError
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def append(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise ValueError(f"its pickle appends to a {type(self.stack[-1]).__name__}")
        self.stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) not in DICTS or len(items) % 2:
            raise ValueError(f"its pickle sets items of a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2]):
            # Tuples in tuples in tuples, each twice in the next, would take forever to hash.
            plain = all(type(k) in KEYS or type(k) is bool for k in (key if type(key) is tuple else (key,)))
            if not plain:
                raise ValueError(f"its pickle has a {type(key).__name__} as a key; strings and numbers are read")
            target[key] = value

    def call(self, function: Any, arguments: Any) -> Any:
        if type(function) is not Name or type(arguments) is not tuple or function not in CALLABLE:
            raise ValueError(f"its pickle calls {shorten(function)}, which is not known")
        match str(function), arguments:
            case "collections.OrderedDict", ():
                return OrderedDict()
            case "collections.Counter", ():
                return Counter()
            case "collections.Counter", (dict(counts),):
                return Counter(counts)
            case "torch.Size", (list(sizes) | tuple(sizes),):
                return tuple(sizes)
            case "torch._utils._rebuild_tensor_v2", (Storage(), _, _, _, bool(), _, *rest) if not any(rest):
                storage, offset, shape, strides, requires_grad = arguments[:5]
                return self.tensor(_view(storage.array, offset, shape, strides), requires_grad, storage.memory)
            case "torch._utils._rebuild_parameter", (Tensor() as value, bool(requires_grad), _):
                value.requires_grad = requires_grad
                return value
        raise ValueError(f"its pickle calls {function} with arguments that it does not take")

    def storage(self, identity: Any) -> Storage:
        """The numbers of one storage, read once: tensors that share it share it again."""
        match identity:
            case ("storage", Name() as kind, str(key), str(), int(count)) if kind.removeprefix("storage.") in STORAGES:
                pass
            case _:
                raise ValueError(f"its pickle asks for {shorten(identity)}, which is no storage")
        dtype = STORAGES[kind.removeprefix("storage.")]
        member = f"{self.root}data/{key}"
        if member not in self.archive.members:
            raise ValueError(f"its storage {shorten(member)} is missing")
        _, size = self.archive.stored(member)
        if count < 0 or count_bytes((count,), np.dtype(DTYPES[dtype])) != size:
            raise ValueError(f"its storage {shorten(member)} has {size} bytes, not those of {count} × {dtype}")
        if (key, dtype) in self.storages:
            return self.storages[key, dtype]
        raw = self.archive.read(member)
        array = raw != 0 if dtype == "bool" else raw.view(DTYPES[dtype])
        if dtype == "bfloat16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        array = array.astype(native(array.dtype), copy=False)
        return self.storages.setdefault((key, dtype), Storage(array, Memory()))


def known(name: str) -> Any:
    """What a name in a pickle stands for here; a dtype, or a Name that `call` understands."""
    module, _, attribute = name.rpartition(".")
    if module == "torch" and attribute in DTYPES and attribute != "bfloat16":
        return np.dtype(attribute)
    if module in ("torch", "torch.storage") and attribute.removesuffix("Storage") in STORAGES:
        return Name("storage." + attribute.removesuffix("Storage"))
    if name in CALLABLE:
        return Name(name)
    raise ValueError(
        f"its pickle needs {shorten(name)}, which is not loaded, for it could be any code; files of tensors, numbers, "
        "strings, dicts, lists and tuples are read"
    )


def _instructions(program: bytes) -> Iterator[tuple[str, Any]]:
    """The instructions up to STOP with their arguments; those that no file of weights needs are not even read."""
    file = io.BytesIO(program)
    while code := file.read(1).decode("latin-1"):
        instruction = INSTRUCTIONS.get(code)
        if instruction is None:
            name = next((other.name for other in pickletools.opcodes if other.code == code), repr(code))
            raise ValueError(f"its pickle has the instruction {name}, which no file of weights needs")
        try:
            if instruction.name == "GLOBAL":  # two lines, which pickletools would take for Python's string literals
                yield "GLOBAL", b".".join(file.readline().removesuffix(b"\n") for _ in range(2)).decode()
            else:
                yield instruction.name, instruction.arg.reader(file) if instruction.arg else None
        except ValueError as error:
            raise ValueError(f"its pickle is broken: {error}") from None
        if instruction.name == "STOP":
            return
    raise ValueError("its pickle breaks off before its end")


def _view(numbers: Any, offset: Any, shape: Any, strides: Any) -> Any:
    """The part of a storage that a tensor sees, which must lie inside it."""
    if not isinstance(strides, tuple) or not all(type(n) is int and n >= 0 for n in (offset, *strides)):
        raise ValueError(f"a tensor in it has the offset {shorten(offset)} and the strides {shorten(strides)}")
    size = count_bytes(shape, numbers.dtype)
    if len(shape) != len(strides):
        raise ValueError(f"a tensor in it has the shape {shorten(shape)} and the strides {shorten(strides)}")
    if not size:
        return np.empty(shape, numbers.dtype)
    steps = [step if n > 1 else 0 for n, step in zip(shape, strides)]  # along an axis of size 1 there are no steps
    if offset + sum((n - 1) * step for n, step in zip(shape, steps)) >= numbers.size:
        raise ValueError(
            f"a tensor in it of shape {shorten(shape)} and strides {shorten(strides)} from number {shorten(offset)} on "
            f"reaches beyond its storage of {numbers.size} numbers"
        )
    width = numbers.itemsize
    return np.ndarray(shape, numbers.dtype, numbers, offset * width, [step * width for step in steps])


def _refuse_names(value: Any) -> None:
    """A file of weights holds values; what only serves to build them must not be left over."""
    rest, seen = [value], set()
    while rest:
        value = rest.pop()
        if type(value) in (Name, Storage):
            raise ValueError(f"it holds {'a bare storage' if type(value) is Storage else value}, which is not data")
        if isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            rest.extend(value.values() if isinstance(value, dict) else value)
