"""A nested value as named arrays and, for all the rest, JSON.

A dict that only holds tensors under strings is its arrays, and needs no JSON. In the JSON, `null`, `true`, numbers,
strings and lists are themselves; everything else is an object with one tag, {"tensor": name}, {"tuple": [...]},
{"dict": [[key, value], ...]}, so that keys of any kind keep their kind and their order."""

import json
from collections import Counter, OrderedDict
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend import Array, backend_of
from ..backend.dtypes import DTYPES as TENSOR_DTYPES
from .arrays import DTYPES, native, shorten

MAX_DEPTH = 100  # levels of nesting; JSON of three times as many still reads within Python's recursion limit

PAIRS: dict[type, str] = {dict: "dict", OrderedDict: "OrderedDict", Counter: "Counter"}
ITEMS: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset"}
KEYS = (str, int, float, complex, bytes, type(None), np.generic)  # and tuples of them


def flatten(value: Any, fits: Callable[[str], bool]) -> tuple[dict[str, Array], str | None]:
    """The arrays of a nested value by name, and the JSON of the rest (None where the arrays say it all).

    fits: may the file format use this name for an array? Others are replaced; the JSON knows."""
    flattener = _Flattener(fits)
    code = flattener.encode(value, ())
    plain = type(value) is dict and code == {"dict": [[name, {"tensor": name}] for name in flattener.arrays]}
    return flattener.arrays, None if plain else json.dumps(code, allow_nan=False, separators=(",", ":"))


class _Flattener:
    def __init__(self, fits: Callable[[str], bool]) -> None:
        self.fits = fits
        self.arrays: dict[str, Array] = {}
        self.first: dict[Any, dict[str, Any]] = {}  # by memory: how a tensor was encoded where it came first

    def encode(self, value: Any, path: tuple[Any, ...]) -> Any:
        kind = type(value)
        if len(path) > MAX_DEPTH:
            raise ValueError(f"{locate(path[:3])}… is nested deeper than {MAX_DEPTH} levels; does it contain itself?")
        if value is None or kind in (bool, str) or (kind is int and abs(value) < 2**63):
            return value
        if kind is float:
            return value if isfinite(value) else {"float": repr(value)}
        if kind is int:
            return {"int": hex(value)}
        if kind is complex:
            return {"complex": [self.encode(value.real, path), self.encode(value.imag, path)]}
        if kind is bytes:
            return {"bytes": value.hex()}
        if isinstance(value, Tensor):
            return self.array("tensor", value.array, value.requires_grad, path)
        if kind is np.ndarray:
            return self.array("array", value, False, path)
        if isinstance(value, np.generic) and value.dtype in DTYPES:
            return {"scalar": [value.dtype.name, self.encode(value.item(), path)]}
        if isinstance(value, np.dtype) and native(value) in DTYPES:
            return {"dtype": value.name}
        if kind is list:
            return [self.encode(item, (*path, k)) for k, item in enumerate(value)]
        if kind in ITEMS:
            return {ITEMS[kind]: [self.encode(item, (*path, k)) for k, item in enumerate(value)]}
        if kind in PAIRS:
            return {PAIRS[kind]: [[self.key(k, path), self.encode(v, (*path, k))] for k, v in value.items()]}
        raise TypeError(f"{locate(path)} is {_describe(value)}")

    def key(self, key: Any, path: tuple[Any, ...]) -> Any:
        if not _is_key(key):
            raise TypeError(f"{locate(path)} has as a key {_describe(key)}")
        return self.encode(key, (*path, "a key"))

    def array(self, tag: str, array: Array, requires_grad: bool, path: tuple[Any, ...]) -> dict[str, Any]:
        """Put an array under a name of its own. The same memory, seen the same way, comes back as one tensor."""
        if native(array.dtype) not in DTYPES:
            raise TypeError(f"{locate(path)} holds {array.dtype}; booleans, integers and real floats can be saved")
        backend = backend_of(array)
        place = backend.address(array) if array.size else id(array)  # empty arrays may share an address by chance
        seen_as = (backend, backend.index_of(array), place, str(array.dtype), array.shape, array.strides)
        name = self.name(path)
        self.arrays[name] = array
        code = {tag: name, "requires_grad": True} if requires_grad else {tag: name}
        first = self.first.setdefault((tag, requires_grad, seen_as), code)
        # Tied weights are written under each of their names, because other programs look for all of them.
        return first if first[tag] == name else {**first, "also": name}

    def name(self, path: tuple[Any, ...]) -> str:
        """The keys on the way, joined by dots; altered where the format, or another array, has something against it."""
        wanted = ".".join(map(str, path)) if path else "data"
        wanted = wanted if self.fits(wanted) else ascii(wanted[:100])[1:-1].replace("\\", "%").strip("_") or "data"
        name, n = wanted, 1
        while name in self.arrays:
            n += 1
            name = f"{wanted}~{n}"
        return name


def unflatten(arrays: dict[str, Any], code: str | None, tensor: Callable[[Any, bool], Tensor]) -> Any:
    """The nested value again; `tensor(array, requires_grad)` makes the tensors."""
    if code is None:
        return {name: tensor(array, False) if is_tensors(array) else array for name, array in arrays.items()}
    unflattener = _Unflattener(arrays, tensor)
    value = unflattener.decode(read_json(code), 0)
    if unused := arrays.keys() - unflattener.used:
        raise ValueError(f"its structure has no place for {shorten(min(unused))}; did another program change it?")
    return value


class _Unflattener:
    def __init__(self, arrays: dict[str, Any], tensor: Callable[[Any, bool], Tensor]) -> None:
        self.arrays, self.tensor = arrays, tensor
        self.used: set[str] = set()
        self.made: dict[str, Any] = {}

    def decode(self, code: Any, depth: int) -> Any:
        if depth > MAX_DEPTH + 1:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
        if isinstance(code, list):
            return [self.decode(item, depth + 1) for item in code]
        if not isinstance(code, dict):
            return code
        tag = next(iter(code), None)
        content = code.get(tag)
        match tag:
            case "tensor" | "array" if isinstance(content, str):
                return self.array(tag, content, code.get("requires_grad") is True, code.get("also"))
            case "dict" | "OrderedDict" | "Counter" if isinstance(content, list):
                kind = next(kind for kind, name in PAIRS.items() if name == tag)
                pairs = [self.pair(pair, depth + 1) for pair in content]
                result = kind()
                for key, value in pairs:  # not kind(pairs): a Counter would count them
                    result[key] = value
                if len(result) == len(pairs):
                    return result
            case "tuple" | "set" | "frozenset" if isinstance(content, list):
                kind = next(kind for kind, name in ITEMS.items() if name == tag)
                return kind(self.decode(item, depth + 1) for item in content)
            case "float" if content in ("nan", "inf", "-inf"):
                return float(content)
            case "int" if isinstance(content, str):
                return int(content, 16)
            case "complex" if isinstance(content, list) and len(content) == 2:
                return complex(*(float(self.decode(part, depth + 1)) for part in content))
            case "bytes" if isinstance(content, str):
                return bytes.fromhex(content)
            case "scalar" if isinstance(content, list) and len(content) == 2:
                number = self.decode(content[1], depth + 1)
                if isinstance(number, bool | int | float):
                    return _dtype(content[0]).type(number)
            case "dtype":
                return _dtype(content)
        raise ValueError(f"its structure holds {shorten(code)}, which is not understood; is it of a later version?")

    def pair(self, pair: Any, depth: int) -> tuple[Any, Any]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"its structure holds {shorten(pair)} where a key and a value belong")
        key = self.decode(pair[0], depth)
        if not _is_key(key):
            raise ValueError(f"its structure has {shorten(key)} as a key")
        return key, self.decode(pair[1], depth)

    def array(self, tag: str, name: str, requires_grad: bool, also: Any) -> Any:
        for wanted in (name, also) if isinstance(also, str) else (name,):
            if wanted not in self.arrays:
                raise ValueError(f"its structure asks for an array {shorten(wanted)} that is not in the file")
            self.used.add(wanted)
        if name not in self.made:
            array = self.arrays[name]
            self.made[name] = _named(name, self.tensor, array, requires_grad) if tag == "tensor" else array
        return self.made[name]


def read_json(text: str | bytes) -> Any:
    """JSON from a stranger: no NaN, no key twice, no nesting that ends Python's stack."""
    try:
        return json.loads(text, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("its JSON is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"its JSON is broken: {error}") from None


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"its JSON has the key {shorten(next(k for k in keys if keys.count(k) > 1))} twice")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"its JSON holds {name}, which is no JSON")


def _dtype(name: Any) -> Any:
    if name not in DTYPES.values():
        raise ValueError(f"its structure names the dtype {shorten(name)}, which is not known")
    return np.dtype(name)


def _named(name: str, tensor: Callable[[Any, bool], Tensor], array: Any, requires_grad: bool) -> Tensor:
    try:
        return tensor(array, requires_grad)
    except (TypeError, RuntimeError) as error:
        raise type(error)(f"{shorten(name)}: {error}") from None


def is_tensors(array: Any) -> bool:
    """Can a tensor hold it? Other programs also write uint16, 32 and 64, which then stay NumPy's."""
    return native(array.dtype) in TENSOR_DTYPES


def _is_key(value: Any) -> bool:
    return all(map(_is_key, value)) if isinstance(value, tuple) else isinstance(value, KEYS)


def locate(path: tuple[Any, ...]) -> str:
    """`optimizer.state[0].exp_avg`: where in a nested value."""
    text = "".join(f".{key}" if type(key) is str and key.isidentifier() else f"[{shorten(key)}]" for key in path)
    return text.removeprefix(".") or "the value"


def _describe(value: Any) -> str:
    kind, home = type(value).__qualname__, type(value).__module__.partition(".")[0]
    kind = kind if home in ("builtins", "minidl", "__main__") else f"{home}.{kind}"
    an = "an" if kind[:1].lower() in "aeiou" else "a"
    if isinstance(value, type) or callable(value) and hasattr(value, "__name__"):
        return f"the {'class' if isinstance(value, type) else 'function'} {value.__name__}, and no code is ever saved"
    if hasattr(value, "state_dict"):
        return f"{an} {kind}; save its state_dict(), and load that into a new one with load_state_dict()"
    if isinstance(value, dict):
        return f"{an} {kind}; save dict(...) of it"
    if isinstance(value, tuple):
        return f"{an} {kind}; save tuple(...) of it"
    return f"{an} {kind}; tensors, numbers, strings, None, and dicts, lists, tuples and sets of them can be saved"
