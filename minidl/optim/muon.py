"""Optimizers of matrices: Muon and Adafactor, which look at rows and columns and not at single weights."""

import math
from typing import Any

import numpy as np

from ..backend import Array, backend_of
from ..errors import describe
from .optimizer import Optimizer, check_at_least_zero


class Muon(Optimizer):
    """Muon (Jordan et al. 2024): momentum whose matrix is made nearly orthogonal: all directions move alike.

        m ← momentum · m + (1 − momentum) g
        u = (1 − momentum) g + momentum · m       nesterov; else u = m
        x = u / ‖u‖, then ns_steps times          (‖u‖ at least eps; x the wide way round)
            x ← a x + (b A + c A²) x,  A = x xᵀ   ns_coefficients (a, b, c): all singular values go towards 1
        w ← w − lr · weight_decay · w
        w ← w − lr r x                            r = √max(1, rows / columns); match_rms_adamw: 0.2 √max(rows, columns)

    For the matrices inside a network; leave its biases, embeddings and last layer to AdamW. As in PyTorch, the
    iteration keeps eight binary digits of every number (bfloat16): x need not be more exact than that.

    lr 1e-3, weight_decay 0.1, momentum 0.95, eps 1e-7, ns_steps 5.      w, g, m (rows, columns); state: m
    is `momentum_buffer`"""

    elementwise = False

    def __init__(
        self, params: Any, lr: Any = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95, nesterov: bool = True,
        ns_coefficients: Any = (3.4445, -4.775, 2.0315), eps: float = 1e-7, ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, momentum=momentum, weight_decay=weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"Muon: Adjust learning rate function {adjust_lr_fn} is not supported; 'original', 'match_rms_adamw'"
            )
        if ns_steps >= 100 or len(ns_coefficients) != 3:
            raise ValueError(f"Muon: ns_steps is less than 100, 3 ns_coefficients, got {ns_steps}, {ns_coefficients}")
        super().__init__(
            params,
            {
                "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
                "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
            },
        )  # fmt: skip
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim != 2:
                raise ValueError(f"Muon only supports 2D parameters, got {describe(p)}; give the others to AdamW")

    def counters(self, group: dict[str, Any]) -> dict[str, float]:
        return {}

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": 0.0}

    def advance(self, counters: dict[str, Array], group: dict[str, Any], first: bool) -> bool:
        return first

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], first: bool) -> None:
        lr, momentum, m = float(group["lr"]), group["momentum"], state["momentum_buffer"]
        rows, columns = w.shape
        m *= momentum
        m += (1 - momentum) * g
        u = (1 - momentum) * g + momentum * m if group["nesterov"] else m
        as_adamw = group["adjust_lr_fn"] == "match_rms_adamw"
        r = 0.2 * max(rows, columns) ** 0.5 if as_adamw else max(1, rows / columns) ** 0.5
        w *= 1 - lr * group["weight_decay"]
        w -= lr * r * orthogonal(u, group["ns_coefficients"], group["ns_steps"], group["eps"])


def orthogonal(u: Array, coefficients: Any, steps: int, eps: float) -> Array:
    """U Vᵀ of u = U S Vᵀ, nearly: the singular values are only brought near to 1 (Newton & Schulz's iteration)."""
    (a, b, c), tall = coefficients, u.shape[0] > u.shape[1]
    x = rounded(u.T if tall else u)
    x = rounded(x / max(float(rounded(np.float32(norm(x)))), eps))
    for _ in range(steps):
        A = rounded(x @ x.T)
        x = rounded(a * x + rounded(b * A + c * (A @ A)) @ x)
    return (x.T if tall else x).astype(u.dtype)


def rounded(x: Array) -> Array:
    """x with eight binary digits, as bfloat16 has; what float32 rounds away after the factor is the rest (Veltkamp)."""
    x = x.astype("float32", copy=False)
    large = 65537 * x
    return large - (large - x)


class Adafactor(Optimizer):
    """Adafactor (Shazeer & Stern 2018): mean squares kept by row and by column, and steps relative to the weights.

        ρ = min(lr, 1/√t)      α = max(ε₂, rms(w)) ρ      1 − β = t^beta2_decay      rms(x)² = mean(x²)
        w ← w − lr · weight_decay · w
        r ← β r + (1 − β) mean(g², columns)       c ← β c + (1 − β) mean(g², rows)       of a matrix, or a stack
        v = r c / max(mean(r), ε₁)                v ← β v + (1 − β) g²                   of a vector
        u = g / √max(v, ε₁²)
        w ← w − α u / max(1, rms(u) / d)          (g ← −g before all, to maximize)

    lr 1e-2, beta2_decay −0.8, eps (ε₁ None: the dtype's, ε₂ 1e-3), d 1, weight_decay 0.
    w, g (…, R, C)   r (…, R, 1)   c (…, 1, C); state: r is `row_var`, c `col_var`, a vector's v `variance`, t `step`"""

    elementwise = False

    def __init__(
        self, params: Any, lr: Any = 1e-2, beta2_decay: float = -0.8, eps: Any = (None, 1e-3), d: float = 1.0,
        weight_decay: float = 0.0, *, foreach: bool | None = None, maximize: bool = False,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, weight_decay=weight_decay)
        if not beta2_decay <= 0:
            raise ValueError(f"Adafactor: beta2_decay should be <= 0 but is: {beta2_decay}")
        if not (eps[0] is None or eps[0] >= 0) or not eps[1] >= 0:
            raise ValueError(f"Adafactor: epsilon values are at least 0 (the first may be None), got {eps}")
        if not d >= 1:
            raise ValueError(f"Adafactor: Clipping threshold d should be >= 1 but is: {d}")
        super().__init__(
            params,
            {
                "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay,
                "foreach": foreach, "maximize": maximize,
            },
        )  # fmt: skip

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        if w.ndim < 2:
            return {"variance": 0.0}
        return {"row_var": (*w.shape[:-1], 1), "col_var": (*w.shape[:-2], 1, w.shape[-1])}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, lr, (eps1, eps2) = backend_of(w), float(group["lr"]), group["eps"]
        eps1 = float(np.finfo(w.dtype).eps) if eps1 is None else eps1
        new = t ** group["beta2_decay"]  # 1 − β
        alpha = max(eps2, norm(w) / w.size**0.5) * min(lr, 1 / t**0.5)
        if group["maximize"]:
            g = -g
        if group["weight_decay"]:
            w *= 1 - lr * group["weight_decay"]
        for name, axis in (("row_var", -1), ("col_var", -2)) if w.ndim > 1 else (("variance", ()),):
            moment = state[name]
            moment += new * (xp.mean(g * g, axis=axis, keepdims=True) - moment if w.ndim > 1 else g * g - moment)
        if w.ndim > 1:
            r, c = state["row_var"], state["col_var"]
            v = r * c / xp.maximum(xp.mean(r, axis=-2, keepdims=True), eps1)
        else:
            v = state["variance"]
        u = g / xp.sqrt(xp.maximum(v, eps1 * eps1))
        w -= alpha / max(1.0, norm(u) / (u.size**0.5 * group["d"])) * u


def norm(x: Array) -> float:
    """√Σ x²"""
    xp = backend_of(x)
    return math.sqrt(float(xp.to_host(xp.sum(x * x))))
