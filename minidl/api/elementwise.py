"""Functions of numbers, one by one: arithmetic, real functions, comparison, logic."""

import builtins
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..autograd import Tensor
from ..backend import backend_of, check_dtype, move, result_type
from ..errors import describe
from .arguments import DType, Number, Operand, as_float, axis_of, both_spellings, into, number_first, ops
from .indexing import nonzero


def _rounded(op: Callable[..., Tensor], input: Tensor) -> Tensor:
    """Integers are round already."""
    return op(input) if input.dtype.kind == "f" else ops.copy(input)


def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """eˣ."""
    return into(out, ops.exp(input))


def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """eˣ − 1, exact near 0."""
    return into(out, ops.expm1(input))


def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """2ˣ."""
    return into(out, ops.exp2(input))


def log(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln x."""
    return into(out, ops.log(input))


def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln(1 + x), exact near 0."""
    return into(out, ops.log1p(input))


def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 2."""
    return into(out, ops.log2(input))


def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The logarithm to base 10."""
    return into(out, ops.log10(input))


def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """√x."""
    return into(out, ops.sqrt(input))


def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / √x."""
    return into(out, ops.div(1, ops.sqrt(input)))


def square(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x²."""
    x = ops.astype(input, dtype="int64") if input.dtype == bool else input
    return into(out, ops.mul(x, x))


def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / x."""
    return into(out, ops.div(1, input))


def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin x."""
    return into(out, ops.sin(input))


def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """cos x."""
    return into(out, ops.cos(input))


def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """tan x."""
    return into(out, ops.tan(input))


def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """arcsin x."""
    return into(out, ops.arcsin(input))


arcsin = asin


def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """arccos x."""
    return into(out, ops.arccos(input))


arccos = acos


def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """arctan x."""
    return into(out, ops.arctan(input))


arctan = atan


def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sinh x."""
    return into(out, ops.sinh(input))


def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """cosh x."""
    return into(out, ops.cosh(input))


def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """tanh x."""
    return into(out, ops.tanh(input))


def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """arsinh x."""
    return into(out, ops.arcsinh(input))


arcsinh = asinh


def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """arcosh x."""
    return into(out, ops.arccosh(input))


arccosh = acosh


def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """artanh x."""
    return into(out, ops.arctanh(input))


arctanh = atanh


def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The error function 2/√π ∫₀ˣ e^(−t²) dt."""
    return into(out, ops.erf(input))


def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 − erf x, exact where that is small."""
    return into(out, ops.erfc(input))


def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """1 / (1 + e^(−x))."""
    return into(out, ops.sigmoid(input))


def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """|x|."""
    return into(out, ops.abs(input))


absolute = abs


def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """−x."""
    return into(out, ops.neg(input))


negative = neg


def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """−1, 0 or 1; 0 of NaN."""
    if input.dtype.kind == "f":
        return into(out, ops.where(ops.isnan(input), 0, ops.sign(input)))
    return into(out, ops.copy(input) if input.dtype == bool else ops.sign(input))


sgn = sign


def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next integer downwards."""
    return into(out, _rounded(ops.floor, input))


def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next integer upwards."""
    return into(out, _rounded(ops.ceil, input))


def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """x without its fraction."""
    return into(out, _rounded(ops.trunc, input))


fix = trunc


def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The fraction of x, with its sign."""
    return into(out, ops.sub(input, ops.trunc(input)))


def positive(input: Tensor) -> Tensor:
    """+x: the tensor itself."""
    if input.dtype == bool:
        raise RuntimeError("positive: + says nothing about truth values; convert them to numbers first")
    return input


def round(input: Tensor, *, decimals: int = 0, out: Tensor | None = None) -> Tensor:
    """The nearest integer, or number with that many decimals; halves go to the even one."""
    if not decimals:
        return into(out, _rounded(ops.rint, input))
    scale = 10.0 ** builtins.abs(decimals)
    scaled = ops.rint(ops.mul(input, scale) if decimals > 0 else ops.div(input, scale))
    return into(out, ops.div(scaled, scale) if decimals > 0 else ops.mul(scaled, scale))


def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Degrees as radians."""
    return into(out, ops.mul(as_float(input), math.pi / 180))


def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Radians as degrees."""
    return into(out, ops.mul(as_float(input), 180 / math.pi))


def logit(input: Tensor, eps: float | None = None, *, out: Tensor | None = None) -> Tensor:
    """ln(x / (1 − x)), with x kept in [eps, 1 − eps]."""
    x = as_float(input)
    x = x if eps is None else clamp(x, eps, 1 - eps)
    return into(out, ops.log(ops.div(x, ops.sub(1, x))))


def nan_to_num(
    input: Tensor,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor:
    """NaN as 0, and infinities as the largest finite numbers of the dtype, unless others are given."""
    if input.dtype.kind != "f":
        return into(out, ops.copy(input))
    info = np.finfo(input.dtype)
    y = ops.where(ops.isnan(input), 0.0 if nan is None else nan, input)
    y = ops.where(ops.eq(input, math.inf), float(info.max) if posinf is None else posinf, y)
    return into(out, ops.where(ops.eq(input, -math.inf), float(info.min) if neginf is None else neginf, y))


def relu(input: Tensor) -> Tensor:
    """max(x, 0)."""
    if input.dtype == bool:
        raise RuntimeError(f"relu: truth values are not negative; convert them to numbers first [{describe(input)}]")
    return ops.relu(input)


@both_spellings
def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """eˣ / Σ eˣ along a dim."""
    x = input if dtype is None else ops.astype(input, dtype=check_dtype(dtype, "softmax"))
    axis = axis_of(dim, x.ndim, "softmax")
    if x.ndim:
        return ops.softmax(as_float(x), axis=axis)
    return ops.reshape(ops.softmax(ops.reshape(as_float(x), shape=(1,)), axis=0), shape=())


@both_spellings
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor:
    """ln softmax(x), without under- or overflow."""
    x = input if dtype is None else ops.astype(input, dtype=check_dtype(dtype, "log_softmax"))
    axis = axis_of(dim, x.ndim, "log_softmax")
    if x.ndim:
        return ops.log_softmax(as_float(x), axis=axis)
    return ops.reshape(ops.log_softmax(ops.reshape(as_float(x), shape=(1,)), axis=0), shape=())


# ---------------------------------------------------------------------------------------------- two operands


def add(input: Operand, other: Operand, *old: Operand, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """input + alpha other."""
    if old:
        other, alpha = number_first("add", "alpha", other, old)
    return into(out, ops.add(input, _times(other, alpha, "add")))


def sub(input: Operand, other: Operand, *old: Operand, alpha: Number = 1, out: Tensor | None = None) -> Tensor:
    """input − alpha other."""
    if old:
        other, alpha = number_first("sub", "alpha", other, old)
    _no_truths("sub", input, other)
    return into(out, ops.sub(input, _times(other, alpha, "sub")))


subtract = sub


def _a_tensor(operation: str, input: Any) -> None:
    if not isinstance(input, Tensor):
        raise TypeError(f"{operation}: input must be a tensor, got {input!r}; pass tensor({input!r})")


def rsub(input: Operand, other: Operand, *, alpha: Number = 1) -> Tensor:
    """other − alpha input."""
    _a_tensor("rsub", input)
    return sub(other, input, alpha=alpha)


def _times(other: Operand, alpha: Number, operation: str) -> Operand:
    if type(alpha) is int and alpha == 1:
        return other
    if isinstance(alpha, float) and (other.dtype.kind != "f" if isinstance(other, Tensor) else isinstance(other, int)):
        raise RuntimeError(f"{operation}: alpha {alpha} must be an integer where other is {describe(other)}")
    return ops.mul(other, alpha) if isinstance(other, Tensor) else other * alpha


def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of a real number in the plane: 0, or π where it is negative."""
    x = as_float(input)
    return into(out, ops.where(ops.lt(x, 0), math.pi, ops.mul(x, 0.0) if x.needs_grad else ops.where(x != x, x, 0.0)))


def real(input: Tensor) -> Tensor:
    """The real part: the tensor itself."""
    return input


conj = resolve_conj = resolve_neg = real


def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The complex conjugate: of real numbers, they themselves."""
    return input if out is None else into(out, input)


def isreal(input: Tensor) -> Tensor:
    """Is it real? Always."""
    return ops.ones_like(input, dtype=bool)


class MantissaAndExponent(NamedTuple):
    """What frexp gives."""

    mantissa: Tensor
    exponent: Tensor


def frexp(input: Tensor, *, out: Any = None) -> MantissaAndExponent:
    """mantissa × 2^exponent = input, with ½ ≤ |mantissa| < 1."""
    if input.dtype.kind != "f":
        raise RuntimeError(f"frexp: floats are needed, got {describe(input)}")
    exponent = np.frexp(backend_of(input.array).to_host(input.array))[1]
    places = Tensor(move(np.asarray(exponent, "int32"), input.device))
    mantissa = input
    for part in (places // 2, places - places // 2):  # at once, the power could overflow
        mantissa = ops.mul(mantissa, ops.pow(2.0, ops.neg(ops.astype(part, dtype=input.dtype))))
    first, second = out or (None, None)
    return MantissaAndExponent(into(first, mantissa), into(second, places))


def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """input × 2^other."""
    power = ops.pow(2.0, other if other.dtype.kind == "f" else as_float(other))
    return into(out, ops.mul(input, power))


def _whole_numbers(name: str, function: Any, input: Tensor, other: Tensor, out: Tensor | None) -> Tensor:
    if result_type(input, other).kind not in "iu":
        raise RuntimeError(f"{name}: whole numbers are needed, got {describe(input)} and {describe(other)}")
    a, b = (backend_of(t.array).to_host(t.array) for t in (input, other))
    values = np.asarray(function(a, b)).astype(result_type(input, other))
    return into(out, Tensor(move(values, input.device)))


def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The greatest common divisor."""
    return _whole_numbers("gcd", np.gcd, input, other, out)


def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The least common multiple."""
    return _whole_numbers("lcm", np.lcm, input, other, out)


def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The next float after input on the way to other."""
    dtype = result_type(input, other)
    if dtype.kind != "f":
        raise RuntimeError(f"nextafter: floats are needed, got {describe(input)} and {describe(other)}")
    a, b = (backend_of(t.array).to_host(t.array).astype(dtype) for t in (input, other))
    y = Tensor(move(np.asarray(np.nextafter(a, b)), input.device))
    a = ops.astype(input, dtype=dtype)
    return into(out, ops.sub(y, ops.where(isfinite(a), ops.sub(a.detach(), a), 0)))  # the gradient goes to the input


def fill(input: Tensor, value: Any) -> Tensor:
    """One number everywhere, in the shape of input."""
    y = ops.where(ops.ones_like(input, dtype=bool), value, input)
    return y if y.dtype == input.dtype else ops.astype(y, dtype=input.dtype)


def _no_truths(operation: str, *operands: Operand) -> None:
    if builtins.any(isinstance(x, bool) or (isinstance(x, Tensor) and x.dtype.kind == "b") for x in operands):
        raise RuntimeError(f"{operation}: truth values have no difference; use ^ (logical_xor), or convert them first")


def mul(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input × other."""
    return into(out, ops.mul(input, other))


multiply = mul


def div(input: Operand, other: Operand, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """input / other; rounding_mode "trunc" rounds the quotient towards zero, "floor" downwards."""
    if rounding_mode is None:
        return into(out, ops.div(input, other))
    if rounding_mode == "floor":
        return into(out, floor_divide(input, other))
    if rounding_mode != "trunc":
        raise RuntimeError(f"div: rounding_mode is None, 'trunc' or 'floor', got {rounding_mode!r}")
    if result_type(input, other).kind == "f":
        return into(out, ops.trunc(ops.div(input, other)))
    _no_zero_divisor("div", other)
    return into(out, ops.floor_divide(ops.sub(input, ops.fmod(input, other)), other))


divide = div


def true_divide(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input / other."""
    return into(out, ops.div(input, other))


def floor_divide(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """⌊input / other⌋."""
    if _whole(input, other):
        _no_zero_divisor("floor_divide", other)
    return into(out, ops.floor_divide(input, other))


def remainder(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """What is left of input after taking away ⌊input / other⌋ others: it has the sign of other."""
    if _whole(input, other):
        _no_zero_divisor("remainder", other)
    return into(out, ops.mod(input, other))


def fmod(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """What is left of input after taking away whole others: it has the sign of input."""
    _a_tensor("fmod", input)
    if _whole(input, other):
        _no_zero_divisor("fmod", other)
    return into(out, ops.fmod(input, other))


def _whole(input: Operand, other: Operand) -> bool:
    """Are both whole numbers, so that dividing by zero has no answer?"""
    return result_type(input, other).kind != "f"


def _no_zero_divisor(operation: str, other: Operand) -> None:
    if (not other.is_meta and not other.array.all()) if isinstance(other, Tensor) else other == 0:
        raise RuntimeError(f"{operation}: whole numbers cannot be divided by zero (ZeroDivisionError); use floats")


def pow(input: Operand, exponent: Operand, *, out: Tensor | None = None) -> Tensor:
    """input to the power of exponent."""
    if type(exponent) is int and exponent < 0 and isinstance(input, Tensor) and input.dtype.kind != "f":
        raise RuntimeError(f"pow: whole numbers have no whole power {exponent}; make them floats first")
    return into(out, ops.pow(input, exponent))


def float_power(input: Operand, exponent: Operand, *, out: Tensor | None = None) -> Tensor:
    """input to the power of exponent, in float64."""
    wide = [ops.astype(x, dtype="float64") if isinstance(x, Tensor) else float(x) for x in (input, exponent)]
    return into(out, ops.pow(*wide))


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input, and 0 where −lambd ≤ input ≤ lambd."""
    return ops.hardshrink(input, width=lambd)


def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of the two; NaN where either is NaN."""
    return into(out, ops.maximum(input, other))


def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of the two; NaN where either is NaN."""
    return into(out, ops.minimum(input, other))


def fmax(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The larger of the two; the other one where one is NaN."""
    return into(out, ops.where(ops.ge(input, other) | ops.isnan(other), input, other))


def fmin(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The smaller of the two; the other one where one is NaN."""
    return into(out, ops.where(ops.le(input, other) | ops.isnan(other), input, other))


def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The angle of the point (other, input)."""
    return into(out, ops.arctan2(input, other))


arctan2 = atan2


def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """√(input² + other²)."""
    return into(out, ops.hypot(input, other))


def copysign(input: Tensor, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """|input| with the sign of other."""
    return into(out, ops.copysign(input, other))


def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """ln(e^input + e^other), without overflow."""
    return into(out, ops.logaddexp(input, other))


def logaddexp2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The same to base 2."""
    ln2 = math.log(2)
    return into(out, ops.div(ops.logaddexp(ops.mul(input, ln2), ops.mul(other, ln2)), ln2))


def xlogy(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input ln other, which is 0 where input is 0, whatever other is (unless NaN)."""
    if isinstance(input, Tensor) and isinstance(other, (int, float)):
        other = ops.full_like(as_float(input), shape=(), fill_value=other)  # the logarithm of a number would be float64
    return into(out, ops.xlogy(input, other))


def lerp(input: Tensor, end: Tensor, weight: Operand, *, out: Tensor | None = None) -> Tensor:
    """input + weight (end − input)."""
    _one_dtype("lerp", input=input, end=end)
    return into(out, ops.add(input, ops.mul(weight, ops.sub(end, input))))


def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *old: Operand, value: Number = 1, out: Tensor | None = None
) -> Tensor:
    """input + value tensor1 tensor2."""
    if old:
        last, value = number_first("addcmul", "value", tensor1, old)
        tensor1, tensor2 = tensor2, last
    return into(out, ops.add(input, _times(ops.mul(tensor1, tensor2), value, "addcmul")))


def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *old: Operand, value: Number = 1, out: Tensor | None = None
) -> Tensor:
    """input + value tensor1 / tensor2."""
    if old:
        last, value = number_first("addcdiv", "value", tensor1, old)
        tensor1, tensor2 = tensor2, last
    return into(out, ops.add(input, _times(ops.div(tensor1, tensor2), value, "addcdiv")))


def clamp(
    input: Tensor, min: Operand | None = None, max: Operand | None = None, *, out: Tensor | None = None
) -> Tensor:
    """input kept between min and max; max wins where they contradict each other."""
    if min is None and max is None:
        raise RuntimeError("clamp: give min, max, or both")
    return into(out, ops.clamp(input, min, max))


clip = clamp


def clamp_min(input: Tensor, min: Operand, *, out: Tensor | None = None) -> Tensor:
    """input, but at least min."""
    return into(out, ops.clamp(input, min, None))


def clamp_max(input: Tensor, max: Operand, *, out: Tensor | None = None) -> Tensor:
    """input, but at most max."""
    return into(out, ops.clamp(input, None, max))


def where(condition: Tensor, input: Any = None, other: Any = None, *, out: Tensor | None = None) -> Any:
    """input where the condition holds, else other; where(condition) alone is nonzero(as_tuple=True)."""
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    if condition.dtype != bool:
        raise TypeError(f"where: the condition is a tensor of truth values, got {describe(condition)}")
    if not isinstance(input, Tensor) and not isinstance(other, Tensor):  # two plain numbers have the default dtypes
        dtype = result_type(input, other)
        input = Tensor(backend_of(condition.array).asarray(np.asarray(input, dtype)))
    return into(out, ops.where(condition, input, other))


def where_method(input: Tensor, condition: Tensor, other: Any) -> Tensor:
    """The tensor's numbers where the condition holds, else other."""
    y: Tensor = where(condition, input, other)
    return y


where_method.__name__ = "where"


# ---------------------------------------------------------------------------------------------- comparison


def eq(input: Tensor, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input = other, number by number."""
    return into(out, ops.eq(input, other))


def ne(input: Tensor, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input ≠ other, number by number."""
    return into(out, ops.ne(input, other))


not_equal = ne


def lt(input: Tensor, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input < other, number by number."""
    return into(out, ops.lt(input, other))


less = lt


def le(input: Tensor, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input ≤ other, number by number."""
    return into(out, ops.le(input, other))


less_equal = le


def gt(input: Tensor, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input > other, number by number."""
    return into(out, ops.gt(input, other))


greater = gt


def ge(input: Tensor, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input ≥ other, number by number."""
    return into(out, ops.ge(input, other))


greater_equal = ge


def equal(input: Tensor, other: Tensor) -> bool:
    """Have the two one shape and the same numbers?"""
    return input.shape == other.shape and bool(ops.eq(input, other).array.all())


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """|input − other| ≤ atol + rtol |other|, number by number."""
    if input.dtype != other.dtype:
        raise RuntimeError(f"isclose: both tensors must have one dtype, got {input.dtype} and {other.dtype}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol and atol cannot be negative, got {rtol} and {atol}")
    same = ops.eq(input, other)
    if input.dtype.kind == "f" and equal_nan:
        same = same | (ops.isnan(input) & ops.isnan(other))
    if not rtol and not atol:
        return same
    a, b = (ops.astype(x, dtype="float64") if x.dtype.kind != "f" else x for x in (input, other))
    distance = ops.abs(ops.sub(a, b))
    return same | (ops.isfinite(distance) & ops.le(distance, ops.add(ops.mul(ops.abs(b), rtol), atol)))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Is every number of input close to that of other?"""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def isnan(input: Tensor) -> Tensor:
    """Is it not a number?"""
    return ops.isnan(input) if input.dtype.kind == "f" else ops.zeros_like(input, dtype=bool)


def isinf(input: Tensor) -> Tensor:
    """Is it infinite?"""
    return ops.isinf(input) if input.dtype.kind == "f" else ops.zeros_like(input, dtype=bool)


def isfinite(input: Tensor) -> Tensor:
    """Is it neither infinite nor NaN?"""
    return ops.isfinite(input) if input.dtype.kind == "f" else ops.ones_like(input, dtype=bool)


def isposinf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Is it +∞?"""
    return into(out, ops.eq(input, math.inf) if input.dtype.kind == "f" else ops.zeros_like(input, dtype=bool))


def isneginf(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Is it −∞?"""
    return into(out, ops.eq(input, -math.inf) if input.dtype.kind == "f" else ops.zeros_like(input, dtype=bool))


def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Is its sign minus? True also of −0."""
    if input.dtype.kind != "f":
        return into(out, ops.lt(input, 0))
    return into(out, ops.lt(ops.copysign(ops.ones_like(input), input), 0))


def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Is it zero?"""
    return into(out, ops.logical_not(input))


def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Are both nonzero?"""
    return into(out, ops.logical_and(input, other))


def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Is one of them nonzero?"""
    return into(out, ops.logical_or(input, other))


def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Is exactly one of them nonzero?"""
    return into(out, ops.logical_xor(input, other))


def bitwise_and(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input & other, bit by bit."""
    return into(out, ops.bitwise_and(input, other))


def bitwise_or(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input | other, bit by bit."""
    return into(out, ops.bitwise_or(input, other))


def bitwise_xor(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input ^ other, bit by bit."""
    return into(out, ops.bitwise_xor(input, other))


def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Every bit flipped; of truth values, the opposite."""
    return into(out, ops.bitwise_not(input))


def bitwise_left_shift(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """input × 2^other, of whole numbers."""
    return into(out, ops.bitwise_left_shift(input, other))


def bitwise_right_shift(input: Operand, other: Operand, *, out: Tensor | None = None) -> Tensor:
    """⌊input / 2^other⌋, of whole numbers."""
    return into(out, ops.bitwise_right_shift(input, other))


def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor:
    """0 below zero, 1 above, and `values` at zero."""
    _one_dtype("heaviside", input=input, values=values)
    return into(out, ops.where(ops.eq(input, 0), values, ops.astype(ops.gt(input, 0), dtype=input.dtype)))


def _one_dtype(operation: str, **operands: Tensor) -> None:
    if len({t.dtype for t in operands.values()}) > 1:
        told = ", ".join(f"{name} {describe(t)}" for name, t in operands.items())
        raise RuntimeError(f"{operation}: the operands must have one dtype [{told}]; bring them to one with .to()")


def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor:
    """sin(πx) / πx, 1 at zero."""
    x = ops.mul(as_float(input), math.pi)
    zero = ops.eq(x, 0)
    return into(out, ops.where(zero, 1.0, ops.div(ops.sin(x), ops.where(zero, 1.0, x))))


def is_floating_point(input: Tensor) -> bool:
    """Does the tensor hold floats?"""
    return bool(input.dtype.kind == "f")


def is_complex(input: Tensor) -> bool:
    """Does the tensor hold complex numbers? It never does: they are refused."""
    return False


def is_signed(input: Tensor) -> bool:
    """Can the tensor hold negative numbers?"""
    return input.dtype.kind in "if"


def is_nonzero(input: Tensor) -> bool:
    """Is the only number of the tensor not 0?"""
    return bool(input)


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Have the two one shape?"""
    return input.shape == other.shape
