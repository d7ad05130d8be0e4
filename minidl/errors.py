"""Errors that teach: the operation as the user wrote it, the operands, the module, the likely fix.

Nothing here runs until something has failed, so it may take its time: it reads the call stack."""

import itertools
import sys
from typing import Any

_HERE = __name__.rpartition(".")[0] + "."
SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "floor_divide": "//", "mod": "%", "pow": "**", "matmul": "@",
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "neg": "-", "abs": "abs",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "bitwise_not": "~", "getitem": "[]",
}  # fmt: skip


class ShapeError(ValueError, RuntimeError):
    """Shapes that do not fit; a ValueError as in NumPy and a RuntimeError as in PyTorch."""


class RangeError(IndexError, RuntimeError):
    """An index that lies outside: an IndexError as in NumPy, and a RuntimeError as in PyTorch's gather."""


class DtypeError(TypeError, RuntimeError):
    """Dtypes that do not meet; a TypeError by its nature and a RuntimeError as in PyTorch."""


class Unsupported(TypeError):
    """An operand that is no tensor and no number."""


def describe(value: Any) -> str:
    """`float32 (3, 4)`, with the device where it is not the CPU; numbers as themselves."""
    if hasattr(value, "dtype"):
        where = str(getattr(value, "device", "cpu"))
        return f"{value.dtype} {tuple(value.shape)}" + ("" if where == "cpu" else f" on {where}")
    return repr(value)


def explain(op: Any, args: Any, params: dict[str, Any], error: BaseException) -> BaseException:
    """The error of a formula, told as one about the user's call."""
    if getattr(error, "explained", False):
        return error
    tensors = [a for a in args if hasattr(a, "dtype")]
    names = op.arguments if len(op.arguments) == len(args) else [f"operand {k + 1}" for k in range(len(args))]
    what = ", ".join(f"{n} {describe(a)}" for n, a in zip(names, args) if a is not None)
    devices = sorted({str(t.device) for t in tensors})
    kept = (RangeError, IndexError, DtypeError, TypeError, NotImplementedError)
    other = ShapeError if isinstance(error, ValueError) else RuntimeError
    kind: type[Exception] = next((k for k in kept if isinstance(error, k)), other)
    reason = _sentence(error)
    if len(devices) > 1:
        kind = RuntimeError
        reason = f"the operands are on different devices ({', '.join(devices)}); move one with .to()"
    elif kind is ShapeError and "broadcast" in str(error):
        reason = broadcast_problem([tuple(t.shape) for t in tensors])
    called, path = _call_site(op.name)
    told: Any = kind(f"{called}: {reason} [{what}]" + (f", in {path}" if path else ""))
    told.explained = True  # by the innermost op: outer ones pass it on
    return told


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


def stale_view(t: Any) -> RuntimeError:
    return RuntimeError(
        f"this view ({describe(t)}) was taken before a recorded operation wrote into its base, so its history "
        "lacks that write; take the view again, after the write"
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
    names = node.op.arguments
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
