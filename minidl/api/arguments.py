"""What PyTorch's signatures have in common: dims, both spellings, out=, dtypes."""

import difflib
import functools
import inspect
import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from ..autograd import OPS, Tensor
from ..backend import get_default_dtype
from ..backend.dtypes import can_cast
from ..errors import ShapeError, describe, refusal, what_is

Number: TypeAlias = int | float | bool
Operand: TypeAlias = Tensor | int | float | bool
Dim: TypeAlias = int | Sequence[int] | None
DType: TypeAlias = np.dtype[Any] | type | str

_F = TypeVar("_F", bound=Callable[..., Any])


class _Ops:
    """What OPS looks like to a type checker: each of these gives one Tensor."""

    def __getattr__(self, name: str) -> Callable[..., Tensor]:
        raise NotImplementedError


ops: _Ops = OPS


def both_spellings(function: _F) -> _F:
    """Also take NumPy's names of arguments where PyTorch does: axis for dim, keepdims for keepdim."""

    @functools.wraps(function)
    def _either(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            for numpy, torch in (("axis", "dim"), ("keepdims", "keepdim")):
                if numpy in kwargs:
                    if torch in kwargs:
                        raise TypeError(f"{function.__name__}: {torch} and {numpy} mean the same; give one of them")
                    kwargs[torch] = kwargs.pop(numpy)
        return function(*args, **kwargs)

    return _either  # type: ignore[return-value]  # the same signature, and two more names


def guarded(function: _F) -> _F:
    """The function as users get it: an argument that is none of what it should be is told by its name."""

    must = _tensors_of_two(function)

    @functools.wraps(function)
    def _guarded(*args: Any, **kwargs: Any) -> Any:
        for k, name in must:
            if k < len(args) and not isinstance(args[k], Tensor):
                raise refusal(TypeError, function.__name__, f"{name} must be a tensor, got {what_is(args[k])}")
        try:
            return function(*args, **kwargs)
        except AttributeError as error:
            raise _misfit(function, args, kwargs, error) or error from None
        except TypeError as error:
            if "unexpected keyword" not in str(error):
                raise
            raise _unknown(function, kwargs) or error from None

    return _guarded  # type: ignore[return-value]  # the same signature


def _tensors_of_two(function: Callable[..., Any]) -> list[tuple[int, str]]:
    """Of a function of two operands, which must be tensors: ops would also take numbers, as long as one is a tensor."""
    kinds = [(name, str(kind)) for name, kind in function.__annotations__.items()]
    if not {"other", "end", "values", "min", "max"} & {name for name, _ in kinds}:
        return []
    return [(k, name) for k, (name, kind) in enumerate(kinds) if kind == str(Tensor)]


def guard(names: dict[str, Any]) -> None:
    """Guard every function that a module shows its users; calls inside the package go past the guard."""
    for name, value in names.items():
        if inspect.isfunction(value) and value.__module__ != __name__ and needs_guard(value, 0):
            names[name] = guarded(value)


def needs_guard(function: Callable[..., Any], first: int) -> bool:
    """Must arguments, from the first on, be tensors? Those that may be numbers go to ops, which refuse the rest."""
    kinds = [str(kind) for name, kind in function.__annotations__.items() if name not in ("out", "return")]
    return any("Tensor" in kind and "int" not in kind or kind == str(Any) for kind in kinds[first:])


def _misfit(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], error: AttributeError
) -> Exception | None:
    """The argument that was asked for what it has not, and what it should have been; None if it was no argument."""
    given = inspect.signature(function).bind(*args, **kwargs).arguments
    kinds = {n: inspect.formatannotation(p.annotation) for n, p in inspect.signature(function).parameters.items()}
    asked = [n for n, value in given.items() if _holds(value, error.obj)]  # or something made from an argument was:
    made = [n for n, value in given.items() if kinds[n].endswith("Tensor") and not isinstance(value, Tensor)]
    for name in asked or made:
        wrong, kind = error.obj if asked else given[name], kinds[name]
        tensor = "Tensor" in kind or "Any" in kind
        needed = f"a tensor, got {what_is(wrong)}" if tensor else f"{kind}, got {wrong!r}"
        return refusal(TypeError, function.__name__, f"{name} must be {needed}")
    return None  # something was wrong further in, and is shown as it is


def _unknown(function: Callable[..., Any], kwargs: dict[str, Any]) -> Exception | None:
    """The name that no argument has, and those it may have been meant for."""
    names = [p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    name = next((name for name in kwargs if name not in names), None)
    if name is None:
        return None
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    fix = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
    return refusal(TypeError, function.__name__, f"got an unexpected keyword argument {name!r}; {fix}")


def _holds(value: Any, wrong: Any) -> bool:
    return value is wrong or (isinstance(value, (tuple, list)) and any(_holds(v, wrong) for v in value))


def axis_of(dim: int, ndim: int, operation: str) -> int:
    """`dim` counted from the front. A tensor without axes is treated as having one."""
    try:
        axis = operator.index(dim)
    except TypeError:
        raise TypeError(f"{operation}: a dim is an integer, got {type(dim).__name__}") from None
    size = ndim or 1
    if not -size <= axis < size:
        raise IndexError(
            f"{operation}: dim {axis} is out of range for a tensor of {ndim} axes; it must lie in [{-size}, {size - 1}]"
        )
    return axis % size


def axes_of(dim: Dim, ndim: int, operation: str) -> tuple[int, ...] | None:
    """One dim or several as the tuple a reduction takes; None, or no dims at all, means all axes."""
    if dim is None:
        return None
    if not isinstance(dim, Iterable):
        axis = axis_of(dim, ndim, operation)
        return (axis,) if ndim else ()
    axes = tuple(axis_of(d, ndim, operation) for d in dim)
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"{operation}: dim {tuple(dim)} names an axis twice in a tensor of {ndim} axes")
    if not ndim:
        return ()
    return axes or None


def sizes_of(size: tuple[Any, ...], operation: str) -> tuple[int, ...]:
    """f(2, 3), f((2, 3)) and f([2, 3]) as (2, 3)."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    try:
        return tuple(operator.index(n) for n in size)
    except TypeError:
        raise TypeError(f"{operation}: sizes are integers, got {size}") from None


def named(size: tuple[Any, ...], by_name: Any) -> tuple[Any, ...]:
    """f(2, 3) and f(size=(2, 3)) as (2, 3)."""
    return size if by_name is None else (*size, by_name)


def shape_of(size: tuple[Any, ...], operation: str, by_name: Any = None) -> tuple[int, ...]:
    """As `sizes_of`, for a new tensor: none may be negative."""
    sizes = sizes_of(named(size, by_name), operation)
    if any(n < 0 for n in sizes):
        raise RuntimeError(f"{operation}: sizes cannot be negative, got {sizes}")
    return sizes


def into(out: Tensor | None, value: Tensor, *apart: Tensor, same_dtype: bool = False) -> Tensor:
    """The value; in the memory of `out`, if that was given, which is none of the tensors' that must lie `apart`."""
    if out is None:
        return value
    if not isinstance(out, Tensor):
        raise TypeError(f"out=: a tensor is needed, got {what_is(out)}")
    if value.needs_grad or out.needs_grad:
        raise RuntimeError("out= does not go with gradients: an operand or the output requires them; use no_grad()")
    if not can_cast(value.dtype, out.dtype):
        raise RuntimeError(f"out=: a {value.dtype} result cannot be written into a {out.dtype} tensor")
    if same_dtype and out.dtype != value.dtype:
        raise RuntimeError(f"out=: a {value.dtype} tensor is needed for this result, got {describe(out)}")
    if any(out.memory is t.memory for t in apart):
        raise RuntimeError("out=: the tensor is also an operand, which would be overwritten while it is read; clone it")
    if any(step == 0 and n > 1 for step, n in zip(out.array.strides, out.array.shape)):
        raise RuntimeError(f"out=: an expanded tensor holds one number in several places [{describe(out)}]; clone it")
    if out.shape != value.shape:
        if out.array.size:
            raise ShapeError(f"out=: the result has shape {value.shape} and does not fit into {describe(out)}")
        out.data = ops.astype(value, dtype=out.dtype)  # an empty tensor is a place for any shape
        return out
    out.array[...] = value.array
    out.memory.written(out.array)
    return out


def places_for(out: Any, n: int, operation: str) -> Any:
    """The tensors that several results are to be written into; a None for each, where none are given."""
    if out is None:
        return (None,) * n
    if not isinstance(out, (tuple, list)) or len(out) != n:
        raise TypeError(f"{operation}: out= must be {n} tensors, got {what_is(out)}")
    return out


def as_float(input: Tensor) -> Tensor:
    """Integers and truth values as the default float."""
    return input if input.dtype.kind == "f" else ops.astype(input, dtype=get_default_dtype())


def tensors_of(tensors: Any, operation: str) -> list[Tensor]:
    """A sequence of tensors, or an error that says what was passed instead."""
    if isinstance(tensors, Tensor):
        raise TypeError(f"{operation}: a sequence of tensors is needed, got one tensor {describe(tensors)}")
    found = list(tensors)
    if not found:
        raise ShapeError(f"{operation}: at least one tensor is needed, got an empty sequence")
    for t in found:
        if not isinstance(t, Tensor):
            raise TypeError(f"{operation}: a sequence of tensors is needed, got {type(t).__name__} in it")
    return found


def number_first(operation: str, name: str, number: Any, old: tuple[Any, ...]) -> tuple[Any, Any]:
    """The last operand, and the factor that PyTorch's older calls have before it: x.add_(-lr, gradient)."""
    if len(old) != 1 or not isinstance(old[0], Tensor) or isinstance(number, Tensor):
        raise TypeError(f"{operation}: too many positional arguments; the factor is given by name, {name}=")
    warnings.warn(f"{operation}: the factor before the tensor is old; write {name}={number}", stacklevel=5)
    return old[0], number
