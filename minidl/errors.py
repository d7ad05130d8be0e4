"""Errors that teach: the operation as the user wrote it, the operands, the module, the likely fix.

Nothing here runs until something has failed, so it may take its time: it reads the call stack."""

import itertools
import re
import sys
from typing import Any

_HERE = __name__.rpartition(".")[0] + "."
SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floor_divide": "//", "mod": "%", "pow": "**", "matmul": "@",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "neg": "-", "abs": "abs",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "bitwise_not": "~", "getitem": "[]",
}  # fmt: skip


# What users call the operands that formulas write as letters; a and b, of two equal ones, stay.
LETTERS = {"x": "input", "w": "weight", "t": "target", "i": "index"}


class ShapeError(ValueError, RuntimeError):
    """Shapes that do not fit; a ValueError as in NumPy and a RuntimeError as in PyTorch."""


class RangeError(IndexError, RuntimeError):
    """An index that lies outside: an IndexError as in NumPy, and a RuntimeError as in PyTorch's gather."""


class DtypeError(TypeError, RuntimeError):
    """Dtypes that do not meet; a TypeError by its nature and a RuntimeError as in PyTorch."""


class LinAlgError(ValueError, RuntimeError):
    """A matrix that has no inverse, or no such factor; a ValueError as in NumPy and a RuntimeError as in PyTorch."""


class Unsupported(TypeError):
    """An operand that is no tensor and no number."""


def operand_names(formula: Any) -> list[str]:
    """What a formula calls its operands: all between `xp` and the keyword-only ones (as `inspect`, but at once)."""
    code = formula.__code__
    several = code.co_argcount + code.co_kwonlyargcount  # where the name of *xs stands, if there is one
    return [*code.co_varnames[1 : code.co_argcount], *code.co_varnames[several:][: bool(code.co_flags & 4)]]


def describe(value: Any) -> str:
    """`float32 (3, 4)`, with the device where it is not the CPU; numbers as themselves."""
    if hasattr(value, "dtype"):
        where = str(getattr(value, "device", "cpu"))
        return f"{value.dtype} {tuple(value.shape)}" + ("" if where == "cpu" else f" on {where}")
    return repr(value)


def what_is(value: Any) -> str:
    """What was passed where a tensor belongs, and how to make a tensor of it."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    kind = type(value).__name__
    if isinstance(value, (list, tuple)) or kind == "ndarray":
        return f"{'an' if kind == 'ndarray' else 'a'} {kind} (minidl.tensor(...) makes a tensor of it)"
    module = type(value).__module__.split(".")[0]
    if module == "torch":
        return "a tensor of PyTorch (minidl.from_numpy(t.numpy()) makes one of minidl's)"
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


def must_be_tensor(name: str, value: Any) -> None:
    if not hasattr(value, "needs_grad"):
        raise TypeError(f"{name} must be a tensor, got {what_is(value)}")


def must_be_alike(name: str, value: Any, like: Any) -> None:
    """Refuse what is no tensor of this shape, dtype and device."""
    must_be_tensor(name, value)
    if describe(value) != describe(like):
        raise RuntimeError(f"{name} ({describe(value)}) must be None or like {describe(like)}")


def explain(op: Any, args: Any, params: dict[str, Any], error: BaseException) -> BaseException:
    """The error of a formula, told as one about the user's call."""
    if getattr(error, "explained", False):
        return error
    tensors = [a for a in args if hasattr(a, "dtype")]
    words = user_names(op)
    names = list(words.values()) if len(words) == len(args) else [f"operand {k + 1}" for k in range(len(args))]
    what = ", ".join(f"{n} {describe(a)}" for n, a in zip(names, args) if a is not None)
    if isinstance(error, AttributeError):  # a formula asked a number, or None, for its shape or dtype
        if len(tensors) == len(args):
            return error
        k, wrong = next((k, a) for k, a in enumerate(args) if not hasattr(a, "dtype"))
        error = TypeError(f"{names[k]} must be a tensor, got {what_is(wrong)}")
    devices = sorted({str(t.device) for t in tensors})
    kept = (RangeError, IndexError, DtypeError, TypeError, NotImplementedError)
    singular = LinAlgError if type(error).__name__ == "LinAlgError" else ShapeError
    other = singular if isinstance(error, ValueError) else RuntimeError
    kind: type[Exception] = next((k for k in kept if isinstance(error, k)), other)
    if kind is TypeError and len(tensors) == len(args):  # all are tensors, so it is their dtypes that do not go
        kind = DtypeError
    reason = _sentence(error)
    if len(devices) > 1:
        kind = RuntimeError
        reason = f"the operands are on different devices ({', '.join(devices)}); move one with .to()"
    elif kind is ShapeError and "broadcast" in str(error):
        reason = broadcast_problem([tuple(t.shape) for t in tensors])
    reason = re.sub(r"\b[a-z]\b", lambda letter: words.get(letter[0], letter[0]), reason)
    called, path = _call_site(op.name)
    told: Any = kind(f"{called}: {reason} [{what}]" + (f", in {path}" if path else ""))
    told.explained = True  # by the innermost op: outer ones pass it on
    return told


def user_names(op: Any) -> dict[str, str]:
    """What users call each operand of an op, by its letter."""
    return {k: "bias" if k == "b" and "a" not in op.arguments else LETTERS.get(k, k) for k in op.arguments}


def refusal(kind: type[Exception], operation: str, reason: str, **operands: Any) -> Exception:
    """What was found wrong before any formula ran, told in the same form."""
    what = ", ".join(f"{name} {describe(value)}" for name, value in operands.items() if value is not None)
    called, path = _call_site(operation)
    told: Any = kind(f"{called}: {reason}" + (f" [{what}]" if what else "") + (f", in {path}" if path else ""))
    told.explained = True
    return told


def broadcast_problem(shapes: list[tuple[int, ...]]) -> str:
    """Which axis keeps shapes from broadcasting, and what to do about it."""
    width = max(len(s) for s in shapes)
    for axis in range(-1, -width - 1, -1):
        sizes = [s[axis] for s in shapes if len(s) >= -axis]
        if len({n for n in sizes if n != 1}) > 1:
            text = " and ".join(str(s) for s in shapes)
            return (
                f"shapes {text} do not broadcast: counted from the right, axis {axis} has "
                f"{' and '.join(map(str, sizes))}; sizes must be equal or 1 (reshape, transpose or unsqueeze one)"
            )
    return f"shapes {' and '.join(map(str, shapes))} do not fit"


def refuse_mixed(operands: list[Any]) -> None:
    """Products are not promoted: silently computing in float64 would cost more than it gives."""
    dtypes = list(dict.fromkeys(str(x.dtype) for x in operands if hasattr(x, "dtype")))
    if len(dtypes) > 1:
        raise DtypeError(f"the operands have different dtypes ({' and '.join(dtypes)}); bring them to one with .to()")


def no_history(operation: str, t: Any) -> RuntimeError:
    return RuntimeError(
        f"{operation}: this tensor ({describe(t)}) does not require gradients and no recorded operation made it; "
        "was it computed under no_grad, detached, or from tensors without requires_grad?"
    )


def not_one_number(operation: str, t: Any) -> RuntimeError:
    return RuntimeError(
        f"{operation}: only a tensor with one element starts from a gradient of one, and this is {describe(t)}; "
        "reduce it (.sum(), .mean()) or pass a gradient of its shape"
    )


def stale_history(node: Any, k: int) -> RuntimeError:
    return RuntimeError(
        f"backward of {node.op.name}: {argument(node, k)} was overwritten in place, through another view of its memory "
        "or under no_grad, before it was used here, so its history lacks that write; use the tensor that was "
        "written, or write out of place"
    )


def overwritten(node: Any, k: int | None) -> RuntimeError:
    what = f"the result ({describe(node)})" if k is None else argument(node, k)
    op = node.inputs[0].op.name if node.op.name == "value" else node.op.name
    return RuntimeError(
        f"backward of {op}: {what} was overwritten in place after {op} was computed, and its gradient needs the old "
        "value; clone it first, or write out of place"
    )


def freed(node: Any) -> RuntimeError:
    return RuntimeError(
        f"backward of {node.op.name}: this part of the graph was freed by an earlier backward; pass retain_graph=True "
        "to that one, or compute the value again"
    )


def argument(node: Any, k: int) -> str:
    """The k-th operand of a record by name, dtype and shape."""
    names = list(user_names(node.op).values())
    return f"{names[k] if len(names) == len(node.inputs) else f'operand {k + 1}'} ({describe(node.inputs[k])})"


def _sentence(error: BaseException) -> str:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return text[:1].lower() + text[1:] if text[:2] != text[:2].upper() else text


def _call_site(name: str) -> tuple[str, str]:
    """What the user called (`@`, `Linear`, `conv2d`) and the path of the module it happened in."""
    frame: Any = sys._getframe(2)
    called, modules, inside, layer = name, [], True, None
    while frame is not None:
        within = frame.f_globals.get("__name__", "").startswith(_HERE)
        inside = inside and within
        owner = frame.f_locals.get("self") if within and frame.f_code.co_name == "__call__" else None
        if hasattr(owner, "_modules"):
            modules.append(owner)
            layer = layer or (owner if inside else None)
        elif inside and not frame.f_code.co_name.startswith("_"):
            called = SYMBOLS.get(name, name) if frame.f_code.co_name == "operator" else frame.f_code.co_name
            called = called.removeprefix("linalg_")  # which tells two of one name apart
        frame = frame.f_back
    if layer is not None:
        called = type(layer).__name__
    path = module_path(modules[::-1])
    return called, "" if path == called else path


def module_path(modules: list[Any]) -> str:
    """`Net.features.3`: each module's name inside the one before it, the first by its class."""
    if not modules:
        return ""
    path = type(modules[0]).__name__
    for outer, inner in itertools.pairwise(modules):
        path += "." + next((name for name, m in outer.named_modules() if m is inner), type(inner).__name__)
    return path
