"""Weights computed anew before each forward: the older way of weight_norm and spectral_norm.

The newer one is nn.utils.parametrizations; here the parts stand in the module itself, as weight_g and weight_v, or as
weight_orig with the vectors weight_u and weight_v."""

from typing import Any

from ...autograd import no_grad
from .. import functional as F
from ..parameter import Parameter
from .parametrizations import SpectralNorm as _Spectral
from .parametrizations import default_dim, norm_except


class WeightNorm:
    """A forward pre-hook: weight = g v / ‖v‖        (Salimans & Kingma 2016)"""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Any) -> Any:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except(v, self.dim))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))

    def remove(self, module: Any) -> None:
        with no_grad():
            weight = self.compute_weight(module)
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight))


class SpectralNorm:
    """A forward pre-hook: weight = W / uᵀ W v        (Miyato et al. 2018)"""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Any:
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = weight.movedim(self.dim, 0).flatten(1)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v = F.normalize(matrix.T @ u, dim=0, eps=self.eps)
                    u = F.normalize(matrix @ v, dim=0, eps=self.eps)
            setattr(module, f"{self.name}_u", u)
            setattr(module, f"{self.name}_v", v)
        return weight / (u @ (matrix @ v))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def remove(self, module: Any) -> None:
        with no_grad():
            weight = self.compute_weight(module, False)
        for name in (self.name, f"{self.name}_u", f"{self.name}_v", f"{self.name}_orig"):
            delattr(module, name)
        module.register_parameter(self.name, Parameter(weight.detach()))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """weight = g v / ‖v‖, with parameters weight_g and weight_v; see also nn.utils.parametrizations.weight_norm."""
    _once(module, WeightNorm, name)
    weight, hook = getattr(module, name), WeightNorm(name, dim)
    delattr(module, name)
    with no_grad():
        module.register_parameter(f"{name}_g", Parameter(norm_except(weight, dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """weight = W / σ(W), with the parameter weight_orig; see also nn.utils.parametrizations.spectral_norm."""
    _once(module, SpectralNorm, name)
    weight = getattr(module, name)
    hook = SpectralNorm(name, n_power_iterations, default_dim(module, dim), eps)
    start = _Spectral(weight, n_power_iterations, hook.dim, eps)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", start._u)
    module.register_buffer(f"{name}_v", start._v)
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Make the weight an ordinary parameter again."""
    return _remove(module, WeightNorm, name)


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Make the weight an ordinary parameter again."""
    return _remove(module, SpectralNorm, name)


def _hooks(module: Any, kind: type, name: str) -> list[float]:
    hooks = module._forward_pre_hooks.items()
    return [key for key, (hook, _) in hooks if isinstance(hook, kind) and getattr(hook, "name", None) == name]


def _once(module: Any, kind: type, name: str) -> None:
    if _hooks(module, kind, name):
        raise RuntimeError(f"Cannot register two {kind.__name__} hooks on the same parameter {name}")


def _remove(module: Any, kind: type, name: str) -> Any:
    for key in _hooks(module, kind, name):
        hook, _ = module._forward_pre_hooks.pop(key)
        hook.remove(module)
        return module
    raise ValueError(f"{kind.__name__} of '{name}' not found in {module}")
