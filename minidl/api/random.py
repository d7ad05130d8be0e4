"""Random numbers: drawn on the host from one seeded stream, so a run repeats on every device."""

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import backend
from ..autograd import Tensor
from ..backend import backend_of, check_dtype, default_generator, get_default_dtype
from ..errors import describe, what_is
from .arguments import DType, Number, into, shape_of
from .creation import Device, made, new
from .indexing import setitem


class Generator(backend.Generator):
    """One random stream: `manual_seed`, `seed`, `initial_seed`, and its state as a tensor of bytes."""

    def get_state(self) -> Tensor:  # type: ignore[override]  # a tensor where the backend has an array
        """The position in the stream; `set_state` continues from there, bit for bit."""
        return Tensor(super().get_state())

    def set_state(self, new_state: Any) -> "Generator":  # type: ignore[override]  # returns itself, as PyTorch's
        super().set_state(_bytes(new_state))
        return self


def _bytes(state: Any) -> Any:
    return backend_of(state.array).to_host(state.array) if isinstance(state, Tensor) else state


def manual_seed(seed: int) -> backend.Generator:
    """Seed the stream from which everything random draws unless it is given a Generator."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start over from a seed of the operating system's, and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the stream."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The position in the stream, as bytes."""
    return Tensor(default_generator.get_state())


def set_rng_state(new_state: Tensor) -> None:
    """Continue the stream from a position that get_rng_state gave."""
    default_generator.set_state(_bytes(new_state))


# ---------------------------------------------------------------------------------------------- draws, on the host


def _stream(generator: backend.Generator | None) -> np.random.Generator:
    if generator is None:
        return default_generator.numpy
    if not isinstance(generator, backend.Generator):
        raise TypeError(f"generator: a minidl.Generator is needed, got {what_is(generator)}")
    return generator.numpy


def _floating(dtype: DType | None, operation: str) -> np.dtype[Any]:
    wanted = get_default_dtype() if dtype is None else check_dtype(dtype, operation)
    if wanted.kind != "f":
        raise NotImplementedError(f"{operation}: floats are drawn, so the dtype cannot be {wanted}; see randint")
    return wanted


def _uniform(shape: tuple[int, ...], dtype: Any, generator: backend.Generator | None) -> Any:
    """Even on [0, 1), with as many bits as the dtype holds, so that 1 never comes up by rounding."""
    stream = _stream(generator)
    if dtype == np.float16:
        return (stream.integers(0, 2**11, shape) / 2**11).astype(dtype)
    return np.asarray(stream.random(shape, dtype))


def _normal(shape: tuple[int, ...], dtype: Any, generator: backend.Generator | None) -> Any:
    wide = np.float32 if dtype == np.float16 else dtype
    return np.asarray(_stream(generator).standard_normal(shape, wide)).astype(dtype, copy=False)


def rand(
    *sizes: Any, size: Any = None, generator: backend.Generator | None = None, out: Tensor | None = None,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Even on [0, 1)."""
    draw = lambda shape, kind: _uniform(shape, kind, generator)
    return into(out, new(draw, shape_of(sizes, "rand", size), _floating(dtype, "rand"), device, requires_grad))


def randn(
    *sizes: Any, size: Any = None, generator: backend.Generator | None = None, out: Tensor | None = None,
    dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The standard normal distribution."""
    draw = lambda shape, kind: _normal(shape, kind, generator)
    return into(out, new(draw, shape_of(sizes, "randn", size), _floating(dtype, "randn"), device, requires_grad))


def randint(
    low: int = 0, high: Any = None, size: Any = None, *, generator: backend.Generator | None = None,
    out: Tensor | None = None, dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Whole numbers from low (0, if only one is given) to high, which is left out: randint(high, size)."""
    if size is None:
        if not isinstance(high, Sequence):
            raise TypeError("randint: a size is needed, as in randint(10, (3,)) or randint(0, 10, (3,))")
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    wanted = np.dtype("int64") if dtype is None else check_dtype(dtype, "randint")
    if low >= high:
        raise RuntimeError(f"randint: low must be less than high, got {low} and {high}")
    draw = lambda shape, kind: np.asarray(_stream(generator).integers(low, high, shape)).astype(kind)
    return into(out, new(draw, shape_of((size,), "randint"), wanted, device, requires_grad))


def randperm(
    n: int, *, generator: backend.Generator | None = None, out: Tensor | None = None, dtype: DType = "int64",
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """0, 1, … n − 1 in random order."""
    values = _stream(generator).permutation(shape_of((n,), "randperm")[0])
    return into(out, made(values.astype(check_dtype(dtype, "randperm")), device, requires_grad))


def rand_like(
    input: Tensor, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
    generator: backend.Generator | None = None,
) -> Tensor:  # fmt: skip
    """Even on [0, 1), in the shape of input."""
    wanted = _floating(input.dtype if dtype is None else dtype, "rand_like")
    where = input.device if device is None else device
    return new(lambda shape, kind: _uniform(shape, kind, generator), input.shape, wanted, where, requires_grad)


def randn_like(
    input: Tensor, *, dtype: DType | None = None, device: Device = None, requires_grad: bool = False,
    generator: backend.Generator | None = None,
) -> Tensor:  # fmt: skip
    """The standard normal distribution, in the shape of input."""
    wanted = _floating(input.dtype if dtype is None else dtype, "randn_like")
    where = input.device if device is None else device
    return new(lambda shape, kind: _normal(shape, kind, generator), input.shape, wanted, where, requires_grad)


def randint_like(
    input: Tensor, low: int, high: int | None = None, *, dtype: DType | None = None, device: Device = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Whole numbers from low to high, which is left out, in the shape of input."""
    first, last = (0, low) if high is None else (low, high)
    wanted, where = input.dtype if dtype is None else dtype, input.device if device is None else device
    return randint(first, last, input.shape, dtype=wanted, device=where, requires_grad=requires_grad)


def _host(t: Any) -> Any:
    return backend_of(t.array).to_host(t.array) if isinstance(t, Tensor) else t


def _chances(p: Any, operation: str) -> Any:
    values = np.asarray(_host(p))
    if values.dtype.kind != "f" and isinstance(p, Tensor):
        raise RuntimeError(f"{operation}: chances are floats, got {describe(p)}")
    if not ((values >= 0) & (values <= 1)).all():
        raise RuntimeError(f"{operation}: chances lie in [0, 1], got values from {values.min()} to {values.max()}")
    return values


def bernoulli(
    input: Tensor, p: float | None = None, *, generator: backend.Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """1 with the chance that input gives (or p), else 0; in the dtype of input."""
    chances = _chances(input if p is None else p, "bernoulli")
    hits = np.asarray(_stream(generator).random(input.shape) < chances)
    return into(out, made(hits.astype(input.dtype), input.device, False))


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: backend.Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Draw places of a vector (or of each row of a matrix), each with a chance in proportion to its weight."""
    weights = np.asarray(_host(input), np.float64)
    if weights.ndim not in (1, 2) or input.dtype.kind != "f":
        raise RuntimeError(f"multinomial: a vector or a matrix of float weights is needed, got {describe(input)}")
    if out is not None and out.dtype != "int64":
        raise RuntimeError(f"multinomial: out= must be an int64 tensor, got {describe(out)}")
    if num_samples < 1:
        raise RuntimeError(f"multinomial: at least one sample is drawn, got num_samples {num_samples}")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise RuntimeError("multinomial: weights must be finite and not negative")
    if (weights.sum(-1) <= 0).any():
        raise RuntimeError("multinomial: the weights of a row add up to 0, so nothing can be drawn")
    stream, rows = _stream(generator), np.atleast_2d(weights)
    if not replacement and num_samples > (rows > 0).sum(-1).min():
        raise RuntimeError(
            f"multinomial: {num_samples} samples without replacement are more than the {(rows > 0).sum(-1).min()} "
            "places of positive weight; use replacement=True"
        )
    if replacement:
        ends = rows.cumsum(-1)
        draws = stream.random((len(rows), num_samples)) * ends[:, -1:]
        places = np.stack([np.searchsorted(e, d, "right") for e, d in zip(ends, draws, strict=True)])
    else:  # the first to arrive of independent exponential clocks (Efraimidis & Spirakis 2006)
        with np.errstate(divide="ignore"):
            arrivals = stream.standard_exponential(rows.shape) / rows
        places = arrivals.argsort(-1, kind="stable")[:, :num_samples]
    return into(out, made(places.reshape(*weights.shape[:-1], num_samples).astype(np.int64), input.device, False))


def normal(
    mean: "Tensor | float" = 0.0, std: "Tensor | float" = 1.0, size: Sequence[int] | None = None, *,
    generator: backend.Generator | None = None, out: Tensor | None = None, dtype: DType | None = None,
    device: Device = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The normal distribution with a mean and a standard deviation, one for all or one for each number."""
    mu, sigma = _host(mean), _host(std)
    if np.any(np.asarray(sigma) < 0):
        raise RuntimeError(f"normal: the standard deviation cannot be negative, got {np.min(sigma)}")
    given = next((t for t in (mean, std) if isinstance(t, Tensor)), None)
    if (size is None) == (given is None):
        raise TypeError("normal: give a tensor of means or of deviations, or a size, and not both")
    shape = np.broadcast_shapes(np.shape(mu), np.shape(sigma)) if size is None else shape_of((size,), "normal")
    wanted = _floating(given.dtype if given is not None else dtype, "normal")
    where = given.device if given is not None else device
    values = np.asarray(mu + sigma * _normal(shape, np.float64, generator))
    return into(out, made(values.astype(wanted), where, requires_grad))


def poisson(input: Tensor, generator: backend.Generator | None = None) -> Tensor:
    """Whole numbers from the Poisson distribution with the rates that input gives, in its dtype."""
    rates = _host(input)
    if input.dtype.kind != "f" or not (rates >= 0).all():
        raise RuntimeError(f"poisson: rates are floats of 0 or more, got {describe(input)}")
    return made(np.asarray(_stream(generator).poisson(rates)).astype(input.dtype), input.device, False)


def binomial(count: Tensor, prob: Tensor, generator: backend.Generator | None = None) -> Tensor:
    """How many of count tries of chance prob succeed, in the dtype of count."""
    tries, chances = _host(count), _chances(prob, "binomial")
    return made(np.asarray(_stream(generator).binomial(tries.astype(np.int64), chances)).astype(count.dtype),
                count.device, False)  # fmt: skip


# ---------------------------------------------------------------------------------------------- into a tensor


def _fill(input: Tensor, draw: Callable[[], Any]) -> Tensor:
    """Write what is drawn into a tensor; nothing is drawn where only shapes are kept."""
    values = lambda shape, dtype: np.asarray(draw()).astype(dtype)
    setitem(input, ..., new(values, input.shape, input.dtype, input.device, False))
    return input


def _needs_floats(input: Tensor, operation: str) -> None:
    if input.dtype.kind != "f":
        raise NotImplementedError(f"{operation}: only floats can be filled this way, got {describe(input)}")


def uniform_(
    input: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: backend.Generator | None = None, **kwargs: float
) -> Tensor:
    """Fill with numbers even on [from, to)."""
    low = kwargs.pop("from", from_)
    if kwargs:
        raise TypeError(f"uniform_: there is no argument {next(iter(kwargs))!r}")
    _needs_floats(input, "uniform_")
    if low > to:
        raise RuntimeError(f"uniform_: numbers are drawn from [from, to), but from = {low} is greater than to = {to}")
    width, low = input.dtype.type(to - low), builtins.max(low, -np.finfo(input.dtype).max)
    return _fill(input, lambda: low + _uniform(input.shape, input.dtype, generator) * width)


def normal_(
    input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: backend.Generator | None = None
) -> Tensor:
    """Fill from the normal distribution."""
    _needs_floats(input, "normal_")
    if std < 0:
        raise RuntimeError(f"normal_: the standard deviation cannot be negative, got {std}")
    scale, centre = input.dtype.type(std), input.dtype.type(mean)
    return _fill(input, lambda: _normal(input.shape, input.dtype, generator) * scale + centre)


def bernoulli_(
    input: Tensor, p: "Tensor | float" = 0.5, *, generator: backend.Generator | None = None
) -> Tensor:
    """Fill with ones at chance p, zeros else."""
    chances = _chances(p, "bernoulli_")
    return _fill(input, lambda: _stream(generator).random(input.shape) < chances)


def random_(
    input: Tensor, from_: int | None = None, to: int | None = None, *, generator: backend.Generator | None = None,
    **kwargs: int,
) -> Tensor:  # fmt: skip
    """Fill with whole numbers from [from, to); without bounds, from all that the dtype holds exactly."""
    low: Number | None = kwargs.pop("from", from_)
    if kwargs:
        raise TypeError(f"random_: there is no argument {next(iter(kwargs))!r}")
    if to is None:
        low, to = 0, low  # random_(to)
    if to is None:
        kind = input.dtype.kind
        to = 2 if kind == "b" else 2 ** (np.finfo(input.dtype).nmant + 1) if kind == "f" else np.iinfo(input.dtype).max
    if low is None or low >= to:
        raise RuntimeError(f"random_: from must be less than to, got {low} and {to}")
    first, last = int(low), int(to)
    return _fill(input, lambda: _stream(generator).integers(first, last, input.shape))


def exponential_(input: Tensor, lambd: float = 1.0, *, generator: backend.Generator | None = None) -> Tensor:
    """Fill from the exponential distribution with rate lambd."""
    _needs_floats(input, "exponential_")
    if lambd <= 0:
        raise RuntimeError(f"exponential_: the rate must be positive, got {lambd}")
    return _fill(input, lambda: _stream(generator).standard_exponential(input.shape) / lambd)


def log_normal_(
    input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: backend.Generator | None = None
) -> Tensor:
    """Fill with e to the power of normally distributed numbers."""
    _needs_floats(input, "log_normal_")
    if std <= 0:
        raise RuntimeError(f"log_normal_: std must be more than 0, got {std}")
    return _fill(input, lambda: np.exp(mean + std * _normal(input.shape, np.float64, generator)))


def geometric_(input: Tensor, p: float, *, generator: backend.Generator | None = None) -> Tensor:
    """Fill with how many tries of chance p it takes until the first success."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_: the chance must lie in (0, 1), got {p}")
    return _fill(input, lambda: _stream(generator).geometric(p, input.shape))


def cauchy_(
    input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: backend.Generator | None = None
) -> Tensor:
    """Fill from Cauchy's distribution."""
    _needs_floats(input, "cauchy_")
    if sigma <= 0:
        raise RuntimeError(f"cauchy_: sigma must be positive, got {sigma}")
    return _fill(input, lambda: median + sigma * _stream(generator).standard_cauchy(input.shape))
