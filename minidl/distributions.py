"""Probability distributions: draws, log-densities, entropies, and how far one is from another.

A distribution is a batch of them: one for each element of its parameters, broadcast. `sample` draws without recording;
`rsample` draws so that gradients reach the parameters (Kingma & Welling 2013)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import api
from .autograd import Tensor, no_grad
from .backend import Size, get_default_dtype
from .nn import functional as F


def _parameters(*values: Any) -> list[Tensor]:
    """Numbers and tensors as tensors of one shape."""
    known = next((v for v in values if isinstance(v, Tensor)), None)
    dtype, device = (get_default_dtype(), None) if known is None else (known.dtype, known.device)
    like = lambda v: v if isinstance(v, Tensor) else api.tensor(v, dtype=dtype, device=device)
    return list(api.broadcast_tensors(*map(like, values)))


class Distribution:
    """What all have. A batch of shape `batch_shape`, and `event_shape`: the axes that are one draw together."""

    has_rsample = False
    _validate_args = __debug__

    def __init__(
        self, batch_shape: Sequence[int] = (), event_shape: Sequence[int] = (), validate_args: bool | None = None
    ) -> None:
        self.batch_shape, self.event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are looked at, which takes time."""
        if not isinstance(value, bool):
            raise ValueError(f"set_default_validate_args: True or False is needed, got {value!r}")
        Distribution._validate_args = value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_shape: {tuple(self.batch_shape)}, event_shape: {tuple(self.event_shape)})"

    def check(self, holds: Tensor, what: str, got: Tensor) -> None:
        """Refuse parameters or values of which a condition does not hold."""
        if self._validate_args and not bool(holds.all()):
            raise ValueError(f"{type(self).__name__}: {what}, got {got}")

    def shape(self, sample_shape: Sequence[int]) -> Size:
        """Of that many draws."""
        return Size((*sample_shape, *self.batch_shape, *self.event_shape))

    @property
    def mean(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no mean here")

    @property
    def variance(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no variance here")

    @property
    def mode(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no mode here")

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws through which gradients pass."""
        raise NotImplementedError(
            f"{type(self).__name__}: gradients do not pass through its draws; use sample() and log_prob()"
        )

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws: sample_shape of the whole batch."""
        with no_grad():
            return self.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at a value."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob here")

    def entropy(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no entropy here")

    def perplexity(self) -> Tensor:
        return self.entropy().exp()


class Normal(Distribution):
    """p(x) = exp(−(x − μ)² / 2σ²) / σ√(2π)        μ = loc, σ = scale"""

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = _parameters(loc, scale)
        super().__init__(self.loc.shape, (), validate_args)
        self.check(self.loc == self.loc, "loc cannot be NaN", self.loc)
        self.check(self.scale > 0, "scale must be positive", self.scale)

    @property
    def mean(self) -> Tensor:
        return self.loc

    mode = mean

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.scale.square()

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        noise = api.randn(self.shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + noise * self.scale

    def log_prob(self, value: Any) -> Tensor:
        z = (value - self.loc) / self.scale
        return -(z * z) / 2 - self.scale.log() - math.log(2 * math.pi) / 2

    def cdf(self, value: Any) -> Tensor:
        return (1 + api.erf((value - self.loc) / (self.scale * math.sqrt(2)))) / 2

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * api.erfinv(2 * value - 1) * math.sqrt(2)

    def entropy(self) -> Tensor:
        return 0.5 + math.log(2 * math.pi) / 2 + self.scale.log()


class Uniform(Distribution):
    """p(x) = 1 / (high − low) for low ≤ x < high"""

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = _parameters(low, high)
        super().__init__(self.low.shape, (), validate_args)
        self.check(self.low < self.high, "low must be less than high", self.high - self.low)

    @property
    def mean(self) -> Tensor:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low).square() / 12

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        draw = api.rand(self.shape(sample_shape), dtype=self.low.dtype, device=self.low.device)
        return self.low + draw * (self.high - self.low)

    def log_prob(self, value: Tensor) -> Tensor:
        self.check((value >= self.low) & (value <= self.high), "a value lies outside [low, high]", value)
        inside = (value >= self.low) & (value < self.high)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()


class _FromProbabilities(Distribution):
    """What is given by probabilities or by their logits; each is found from the other."""

    probs: Tensor
    logits: Tensor

    def given(self, probs: Any, logits: Any) -> Tensor:
        """The one that was given."""
        if (probs is None) == (logits is None):
            raise ValueError(f"{type(self).__name__}: give either probs or logits, not both")
        return _parameters(logits if probs is None else probs)[0]

    @staticmethod
    def inside(probs: Tensor) -> Tensor:
        """Away from 0 and 1, where logarithms end."""
        eps = float(np.finfo(probs.dtype).eps)
        return probs.clamp(eps, 1 - eps)


class Bernoulli(_FromProbabilities):
    """P(1) = p, P(0) = 1 − p        p = probs = σ(logits)"""

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        given = self.given(probs, logits)
        super().__init__(given.shape, (), validate_args)
        if probs is None:
            self.check(given == given, "logits cannot be NaN", given)
            self.probs, self.logits = given.sigmoid(), given
        else:
            self.check((given >= 0) & (given <= 1), "probs must lie in [0, 1]", given)
            inside = self.inside(given)
            self.probs, self.logits = given, inside.log() - (-inside).log1p()

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return api.where(self.probs == 0.5, math.nan, (self.probs >= 0.5).to(self.probs.dtype))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            return api.bernoulli(self.probs.expand(self.shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self.check((value == 0) | (value == 1), "a value is neither 0 nor 1", value)
        logits, value = api.broadcast_tensors(self.logits, value.to(self.logits.dtype))
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")


class Categorical(_FromProbabilities):
    """P(k) = probs[…, k], which are brought to the sum 1; or softmax(logits)[…, k]."""

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        given = self.given(probs, logits)
        if given.ndim < 1:
            raise ValueError("Categorical: an axis of probabilities is needed, got one number")
        super().__init__(given.shape[:-1], (), validate_args)
        if probs is None:
            self.check(given == given, "logits cannot be NaN", given)
            self.logits = given - given.logsumexp(-1, keepdim=True)
            self.probs = self.logits.softmax(-1)
        else:
            self.check(given >= 0, "probs cannot be negative", given)
            self.check(given.sum(-1) > 0, "probs need a positive sum", given)
            self.probs = given / given.sum(-1, keepdim=True)
            self.logits = self.inside(self.probs).log()

    @property
    def param_shape(self) -> Size:
        return self.probs.shape

    @property
    def mean(self) -> Tensor:
        return api.full(self.batch_shape, math.nan, dtype=self.probs.dtype, device=self.probs.device)

    variance = mean

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Every value that can be drawn, along the first axis."""
        values = api.arange(self.probs.shape[-1], device=self.probs.device)
        values = values.reshape(-1, *(1,) * len(self.batch_shape))
        return values.expand(-1, *self.batch_shape) if expand else values

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            rows = self.probs.reshape(-1, self.probs.shape[-1])  # (B, K)
            draws = api.multinomial(rows, math.prod(sample_shape), replacement=True)  # (B, S)
            return draws.t().reshape(self.shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        n = self.probs.shape[-1]
        self.check((value >= 0) & (value < n) & (value == value.long()), f"a value is none of 0 … {n - 1}", value)
        shape = api.broadcast_shapes(value.shape, self.batch_shape)
        chosen = value.long().expand(shape).unsqueeze(-1)
        return self.logits.expand(*shape, n).gather(-1, chosen).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=float(np.finfo(self.logits.dtype).min))  # 0 log 0 = 0
        return -(self.probs * logits).sum(-1)


class Independent(Distribution):
    """The last axes of a batch taken as one draw: their log-densities add up."""

    def __init__(
        self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None
    ) -> None:
        shape, n = base_distribution.batch_shape, reinterpreted_batch_ndims
        if n > len(shape):
            raise ValueError(f"Independent: {n} axes are asked for, and the batch has shape {tuple(shape)}")
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, n
        self.has_rsample = base_distribution.has_rsample
        cut = len(shape) - n
        super().__init__(shape[:cut], shape[cut:] + base_distribution.event_shape, validate_args)

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return self.summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self.summed(self.base_dist.entropy())

    def summed(self, t: Tensor) -> Tensor:
        n = self.reinterpreted_batch_ndims
        return t.sum(tuple(range(-n, 0))) if n else t


_DIVERGENCES: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Callable[[Any, Any], Tensor]], Callable[[Any, Any], Tensor]]:
    """Above a function (p, q) that computes kl_divergence for distributions of these types."""

    def register(function: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
        _DIVERGENCES[type_p, type_q] = function
        return function

    return register


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q) = E_p[log p(x) − log q(x)]"""
    for kind_p in type(p).__mro__:
        for kind_q in type(q).__mro__:
            if (kind_p, kind_q) in _DIVERGENCES:
                return _DIVERGENCES[kind_p, kind_q](p, q)
    known = ", ".join(f"({a.__name__}, {b.__name__})" for a, b in _DIVERGENCES)
    raise NotImplementedError(
        f"kl_divergence: not known of ({type(p).__name__}, {type(q).__name__}), only of {known}; see register_kl"
    )


@register_kl(Normal, Normal)
def _normals(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).square()
    return (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log()) / 2


@register_kl(Uniform, Uniform)
def _uniforms(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return api.where((q.low > p.low) | (q.high < p.high), math.inf, found)


@register_kl(Bernoulli, Bernoulli)
def _bernoullis(p: Bernoulli, q: Bernoulli) -> Tensor:
    ones = p.probs * (F.softplus(-q.logits) - F.softplus(-p.logits))
    zeros = (1 - p.probs) * (F.softplus(q.logits) - F.softplus(p.logits))
    ones = api.where(p.probs == 0, 0.0, api.where(q.probs == 0, math.inf, ones))
    return ones + api.where(p.probs == 1, 0.0, api.where(q.probs == 1, math.inf, zeros))


@register_kl(Categorical, Categorical)
def _categoricals(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    return api.where(p.probs == 0, 0.0, api.where(q.probs == 0, math.inf, terms)).sum(-1)


@register_kl(Independent, Independent)
def _independents(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("kl_divergence: the two take different numbers of axes as one draw")
    return p.summed(kl_divergence(p.base_dist, q.base_dist))
