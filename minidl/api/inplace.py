"""Methods that end in an underscore: the same functions, written into the tensor's own memory."""

import functools
from collections.abc import Callable
from typing import Any

from ..autograd import Tensor, write
from ..autograd.modes import modes
from ..errors import describe
from . import elementwise, indexing, linalg, reduce, shape, special
from .creation import on_device


class _Named:
    """A function under the name that `write` tells in its errors."""

    def __init__(self, function: Callable[..., Tensor], name: str) -> None:
        self.function, self.name = function, name

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        return self.function(*args, **kwargs)


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`function`, its result written over its first argument."""
    named = _Named(function, function.__name__ + "_")

    @functools.wraps(function)
    def _written(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return write(named, input, *args, **kwargs)

    _written.__annotations__ = {**function.__annotations__, "input": Tensor}  # also where a function takes a number
    _written.__name__ = named.name
    _written.__doc__ = f"{function.__doc__} In place."
    return _written


def fill_(input: Tensor, value: Any) -> Tensor:
    """One number everywhere, in place."""
    if isinstance(value, Tensor) and value.ndim:
        raise RuntimeError(f"fill_: one number is needed, got a tensor of shape {value.shape}; use copy_")
    indexing.setitem(input, ..., value)
    return input


def zero_(input: Tensor) -> Tensor:
    """Zeros, in place."""
    indexing.setitem(input, ..., 0)
    return input


def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """The values of another tensor (broadcast, and brought to this dtype and device), in place."""
    indexing.setitem(input, ..., on_device(src, input.device))
    return input


def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """One number on the diagonal of a matrix, in place."""
    indexing.setitem(shape.diagonal(input), ..., fill_value)
    return input


def become(input: Tensor, view: Tensor, operation: str) -> Tensor:
    """The tensor itself with the shape of a view of it."""
    if modes.recording and input.needs_grad and input.node is None:
        raise RuntimeError(f"{operation}: a leaf that requires gradients keeps its shape while operations are recorded")
    input.array, input.node, input.base = view.array, view.node, view.base if input.base is not None else None
    return input


def squeeze_(input: Tensor, dim: Any = None) -> Tensor:
    """Without axes of length one. In place."""
    return become(input, shape.squeeze(input, dim), "squeeze_")


def unsqueeze_(input: Tensor, dim: int) -> Tensor:
    """With a new axis of length one. In place."""
    return become(input, shape.unsqueeze(input, dim), "unsqueeze_")


def transpose_(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes swapped. In place."""
    return become(input, shape.transpose(input, dim0, dim1), "transpose_")


def t_(input: Tensor) -> Tensor:
    """A matrix transposed. In place."""
    return become(input, shape.t(input), "t_")


abs_ = absolute_ = _in_place(elementwise.abs)
neg_ = negative_ = _in_place(elementwise.neg)
exp_ = _in_place(elementwise.exp)
expm1_ = _in_place(elementwise.expm1)
exp2_ = _in_place(elementwise.exp2)
log_ = _in_place(elementwise.log)
log1p_ = _in_place(elementwise.log1p)
log2_ = _in_place(elementwise.log2)
log10_ = _in_place(elementwise.log10)
sqrt_ = _in_place(elementwise.sqrt)
rsqrt_ = _in_place(elementwise.rsqrt)
square_ = _in_place(elementwise.square)
reciprocal_ = _in_place(elementwise.reciprocal)
sin_ = _in_place(elementwise.sin)
cos_ = _in_place(elementwise.cos)
tan_ = _in_place(elementwise.tan)
asin_ = arcsin_ = _in_place(elementwise.asin)
acos_ = arccos_ = _in_place(elementwise.acos)
atan_ = arctan_ = _in_place(elementwise.atan)
sinh_ = _in_place(elementwise.sinh)
cosh_ = _in_place(elementwise.cosh)
tanh_ = _in_place(elementwise.tanh)
asinh_ = arcsinh_ = _in_place(elementwise.asinh)
acosh_ = arccosh_ = _in_place(elementwise.acosh)
atanh_ = arctanh_ = _in_place(elementwise.atanh)
erf_ = _in_place(elementwise.erf)
erfc_ = _in_place(elementwise.erfc)
sigmoid_ = _in_place(elementwise.sigmoid)
sign_ = sgn_ = _in_place(elementwise.sign)
floor_ = _in_place(elementwise.floor)
ceil_ = _in_place(elementwise.ceil)
trunc_ = fix_ = _in_place(elementwise.trunc)
frac_ = _in_place(elementwise.frac)
round_ = _in_place(elementwise.round)
nan_to_num_ = _in_place(elementwise.nan_to_num)
logit_ = _in_place(elementwise.logit)
relu_ = _in_place(elementwise.relu)
deg2rad_ = _in_place(elementwise.deg2rad)
rad2deg_ = _in_place(elementwise.rad2deg)
add_ = _in_place(elementwise.add)
sub_ = subtract_ = _in_place(elementwise.sub)
mul_ = multiply_ = _in_place(elementwise.mul)
div_ = divide_ = _in_place(elementwise.div)
true_divide_ = _in_place(elementwise.true_divide)
floor_divide_ = _in_place(elementwise.floor_divide)
remainder_ = _in_place(elementwise.remainder)
fmod_ = _in_place(elementwise.fmod)
pow_ = _in_place(elementwise.pow)


def float_power_(input: Tensor, exponent: Any) -> Tensor:
    """float_power. In place."""
    if input.dtype != "float64":
        raise RuntimeError(f"float_power_: the result is float64 and does not fit into {describe(input)}")
    return _float_power_(input, exponent)


_float_power_ = _in_place(elementwise.float_power)
atan2_ = arctan2_ = _in_place(elementwise.atan2)
hypot_ = _in_place(elementwise.hypot)
copysign_ = _in_place(elementwise.copysign)
xlogy_ = _in_place(elementwise.xlogy)
lerp_ = _in_place(elementwise.lerp)
addcmul_ = _in_place(elementwise.addcmul)
addcdiv_ = _in_place(elementwise.addcdiv)
clamp_ = clip_ = _in_place(elementwise.clamp)
clamp_min_ = _in_place(elementwise.clamp_min)
clamp_max_ = _in_place(elementwise.clamp_max)
eq_ = _in_place(elementwise.eq)
ne_ = not_equal_ = _in_place(elementwise.ne)
lt_ = less_ = _in_place(elementwise.lt)
le_ = less_equal_ = _in_place(elementwise.le)
gt_ = greater_ = _in_place(elementwise.gt)
ge_ = greater_equal_ = _in_place(elementwise.ge)
logical_not_ = _in_place(elementwise.logical_not)
logical_and_ = _in_place(elementwise.logical_and)
logical_or_ = _in_place(elementwise.logical_or)
logical_xor_ = _in_place(elementwise.logical_xor)
bitwise_and_ = _in_place(elementwise.bitwise_and)
bitwise_or_ = _in_place(elementwise.bitwise_or)
bitwise_xor_ = _in_place(elementwise.bitwise_xor)
bitwise_not_ = _in_place(elementwise.bitwise_not)
scatter_ = _in_place(indexing.scatter)
scatter_add_ = _in_place(indexing.scatter_add)
scatter_reduce_ = _in_place(indexing.scatter_reduce)
index_add_ = _in_place(indexing.index_add)
index_copy_ = _in_place(indexing.index_copy)
index_fill_ = _in_place(indexing.index_fill)
index_put_ = _in_place(indexing.index_put)
masked_fill_ = _in_place(indexing.masked_fill)
masked_scatter_ = _in_place(indexing.masked_scatter)
cumsum_ = _in_place(reduce.cumsum)
cumprod_ = _in_place(reduce.cumprod)
tril_ = _in_place(shape.tril)
triu_ = _in_place(shape.triu)
addmm_ = _in_place(linalg.addmm)
addmv_ = _in_place(linalg.addmv)
addr_ = _in_place(linalg.addr)
addbmm_ = _in_place(linalg.addbmm)
baddbmm_ = _in_place(linalg.baddbmm)
bitwise_left_shift_ = _in_place(elementwise.bitwise_left_shift)
bitwise_right_shift_ = _in_place(elementwise.bitwise_right_shift)
heaviside_ = _in_place(elementwise.heaviside)
sinc_ = _in_place(elementwise.sinc)
lgamma_ = _in_place(special.lgamma)
digamma_ = _in_place(special.digamma)
polygamma_ = _in_place(special.polygamma_method)
mvlgamma_ = _in_place(special.mvlgamma)
erfinv_ = _in_place(special.erfinv)
i0_ = _in_place(special.i0)
gcd_ = _in_place(elementwise.gcd)
lcm_ = _in_place(elementwise.lcm)
ldexp_ = _in_place(elementwise.ldexp)
nextafter_ = _in_place(elementwise.nextafter)
conj_physical_ = elementwise.real
renorm_ = _in_place(reduce.renorm)
index_reduce_ = _in_place(indexing.index_reduce)
put_ = _in_place(indexing.put)
swapaxes_ = swapdims_ = transpose_
igamma_ = _in_place(special.igamma)
igammac_ = _in_place(special.igammac)
