"""Adagrad, Adadelta and RMSprop: gradients divided by the root of what their squares have been."""

from typing import Any

from ..backend import Array, backend_of
from .optimizer import Optimizer, check_at_least_zero, decayed


class Adagrad(Optimizer):
    """Adagrad (Duchi, Hazan & Singer 2011): the more a weight has moved, the smaller its steps.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        s ← s + g²                           from initial_accumulator_value
        w ← w − lr / (1 + (t − 1) lr_decay) · g / (√s + ε)        in step t

    lr 1e-2, lr_decay 0, weight_decay 0, initial_accumulator_value 0, eps 1e-10.      w, g, s of one shape;
    state: s is `sum`, t `step`"""

    def __init__(
        self, params: Any, lr: Any = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        check_at_least_zero(
            self, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value, eps=eps,
        )  # fmt: skip
        super().__init__(
            params,
            {
                "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
                "differentiable": differentiable, "fused": fused,
            },
        )  # fmt: skip

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"sum": group["initial_accumulator_value"]}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, lr, s = backend_of(w), float(group["lr"]), state["sum"]
        g = decayed(w, g, lr, group)
        s += g * g
        w -= lr / (1 + (t - 1) * group["lr_decay"]) * (g / (xp.sqrt(s) + group["eps"]))


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012): steps in the units of the weights, for they are scaled by the steps before.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        v ← ρ v + (1 − ρ) g²
        Δ = g √(u + ε) / √(v + ε)
        u ← ρ u + (1 − ρ) Δ²
        w ← w − lr Δ

    lr 1, rho 0.9, eps 1e-6, weight_decay 0.      w, g, u, v of one shape; state: v is `square_avg`,
    u `acc_delta`; `step`"""

    def __init__(
        self, params: Any, lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, eps=eps, weight_decay=weight_decay)
        if not 0 <= rho <= 1:
            raise ValueError(f"Adadelta: Invalid rho value: {rho} (it lies in [0, 1])")
        super().__init__(
            params,
            {
                "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
                "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
            },
        )  # fmt: skip

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"square_avg": 0.0, "acc_delta": 0.0}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, lr, rho, eps = backend_of(w), float(group["lr"]), group["rho"], group["eps"]
        v, u = state["square_avg"], state["acc_delta"]
        g = decayed(w, g, lr, group)
        v *= rho
        v += (1 - rho) * (g * g)
        delta = g * (xp.sqrt(u + eps) / xp.sqrt(v + eps))
        u *= rho
        u += (1 - rho) * (delta * delta)
        w -= lr * delta


class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, lecture 6e of his course): the gradient over the root of its running mean square.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        v ← α v + (1 − α) g²
        d = g / (√v + ε)                     centered (Graves 2013): √(v − a²) with a ← α a + (1 − α) g
        w ← w − lr d                         with momentum: b ← momentum · b + d, and w ← w − lr b

    lr 1e-2, alpha 0.99, eps 1e-8, weight_decay 0, momentum 0.      w, g, v, a, b of one shape; state: v is
    `square_avg`, a `grad_avg`, b `momentum_buffer`; `step`"""

    def __init__(
        self, params: Any, lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        super().__init__(
            params,
            {
                "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
                "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
                "differentiable": differentiable,
            },
        )  # fmt: skip

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        more = {"momentum_buffer": group["momentum"] > 0, "grad_avg": group["centered"]}
        return {"square_avg": 0.0, **{name: 0.0 for name, wanted in more.items() if wanted}}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, lr, alpha, v = backend_of(w), float(group["lr"]), group["alpha"], state["square_avg"]
        g = decayed(w, g, lr, group)
        v *= alpha
        v += (1 - alpha) * (g * g)
        if group["centered"]:
            a = state["grad_avg"]
            a *= alpha
            a += (1 - alpha) * g
            v = v - a * a
        d = g / (xp.sqrt(v) + group["eps"])
        if group["momentum"] > 0:
            b = state["momentum_buffer"]
            b *= group["momentum"]
            b += d
            d = b
        w -= lr * d
