"""Initial values, by Keras's names and for Keras's shapes of weights: (…places, in, out)."""

import math
from typing import Any

from ..api import as_tensor, empty
from ..autograd import Tensor, no_grad
from ..nn import init
from .config import Configured, look_up

TRUNCATED = 0.87962566103423978  # the deviation of N(0, 1) that is cut off at ±2


class Initializer(Configured):
    """The base of all: a subclass fills a tensor in place. `seed` is taken; the numbers are minidl.manual_seed's."""

    def __init__(self, seed: Any = None) -> None:
        pass

    def __call__(self, shape: Any, dtype: Any = "float32") -> Tensor:
        with no_grad():
            t = empty(tuple(shape), dtype=dtype)
            self.fill(t)
            return t

    def fill(self, t: Tensor) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a fill(tensor)")


class Zeros(Initializer):
    """0 everywhere"""

    def fill(self, t: Tensor) -> None:
        init.zeros_(t)


class Ones(Initializer):
    """1 everywhere"""

    def fill(self, t: Tensor) -> None:
        init.ones_(t)


class Constant(Initializer):
    """A number everywhere, or an array of the weight's shape"""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def fill(self, t: Tensor) -> None:
        t.copy_(as_tensor(self.value).to(t.dtype).broadcast_to(t.shape))


class RandomNormal(Initializer):
    """N(mean, stddev²)"""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev

    def fill(self, t: Tensor) -> None:
        init.normal_(t, self.mean, self.stddev)


class TruncatedNormal(RandomNormal):
    """N(mean, stddev²), what lies beyond two deviations drawn again"""

    def fill(self, t: Tensor) -> None:
        reach = 2 * self.stddev
        init.trunc_normal_(t, self.mean, self.stddev, self.mean - reach, self.mean + reach)


class RandomUniform(Initializer):
    """U(minval, maxval)"""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval = minval, maxval

    def fill(self, t: Tensor) -> None:
        init.uniform_(t, self.minval, self.maxval)


class Orthogonal(Initializer):
    """gain Q, orthonormal where it can be (Saxe et al. 2013)"""

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain

    def fill(self, t: Tensor) -> None:
        flat = empty((math.prod(t.shape[:-1]), t.shape[-1]), dtype=t.dtype)
        t.copy_(init.orthogonal_(flat, self.gain).reshape(t.shape))


class Identity(Initializer):
    """gain I, for a matrix"""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def fill(self, t: Tensor) -> None:
        t.copy_(init.eye_(empty(t.shape, dtype=t.dtype)) * self.gain)


class VarianceScaling(Initializer):
    """Variance scale / n, n the inputs of each output (fan_in), its outputs (fan_out) or the mean of both (fan_avg)

    distribution: "uniform", "untruncated_normal", or "truncated_normal", which keeps the variance"""

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Any = None
    ) -> None:
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"VarianceScaling: mode is 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}")
        if distribution not in ("uniform", "truncated_normal", "untruncated_normal", "normal"):
            raise ValueError(f"VarianceScaling: the distribution {distribution!r} is not known")
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def fill(self, t: Tensor) -> None:
        fan_in, fan_out = fans(t.shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            bound = math.sqrt(3 * variance)
            init.uniform_(t, -bound, bound)
        elif self.distribution == "untruncated_normal":
            init.normal_(t, 0.0, math.sqrt(variance))
        else:
            std = math.sqrt(variance) / TRUNCATED
            init.trunc_normal_(t, 0.0, std, -2 * std, 2 * std)


def fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """How many inputs each output of a weight sees, and how many outputs each input reaches."""
    if len(shape) < 2:
        n = math.prod(shape)
        return n, n
    places = math.prod(shape[:-2])
    return shape[-2] * places, shape[-1] * places


def _scaled(name: str, text: str, scale: float, mode: str, distribution: str) -> Any:
    def __init__(self: Any, seed: Any = None) -> None:
        VarianceScaling.__init__(self, scale, mode, distribution)

    made = {"__init__": __init__, "__doc__": text, "__module__": __name__}
    return type(name, (VarianceScaling,), made)


GlorotUniform = _scaled("GlorotUniform", "Glorot & Bengio 2010, uniform", 1.0, "fan_avg", "uniform")
GlorotNormal = _scaled("GlorotNormal", "Glorot & Bengio 2010, normal", 1.0, "fan_avg", "truncated_normal")
HeUniform = _scaled("HeUniform", "He et al. 2015, uniform", 2.0, "fan_in", "uniform")
HeNormal = _scaled("HeNormal", "He et al. 2015, normal", 2.0, "fan_in", "truncated_normal")
LecunUniform = _scaled("LecunUniform", "LeCun et al. 1998, uniform", 1.0, "fan_in", "uniform")
LecunNormal = _scaled("LecunNormal", "LeCun et al. 1998, normal", 1.0, "fan_in", "truncated_normal")

NAMES = {
    "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal, "he_uniform": HeUniform, "he_normal": HeNormal,
    "lecun_uniform": LecunUniform, "lecun_normal": LecunNormal, "zeros": Zeros, "ones": Ones, "constant": Constant,
    "orthogonal": Orthogonal, "identity": Identity, "random_normal": RandomNormal, "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal, "variance_scaling": VarianceScaling, "normal": RandomNormal,
    "uniform": RandomUniform,
}  # fmt: skip
NAMES.update({cls.__name__: cls for cls in NAMES.values()})


def get(identifier: Any) -> Any:
    """The initializer of a name; one that is given stands for itself."""
    return look_up("initializer", identifier, NAMES)
