"""Adamax, NAdam and RAdam: Adam with another norm, another momentum, and with a warm-up of its own."""

from typing import Any

from ..backend import Array, backend_of
from .optimizer import Optimizer, check_at_least_zero, check_betas, decayed


class Adamax(Optimizer):
    """Adamax (Kingma & Ba 2015, section 7.1): Adam with the infinity norm in place of the mean square.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        m ← β₁ m + (1 − β₁) g
        u ← max(β₂ u, |g| + ε)
        w ← w − lr m̂ / u                     m̂ = m / (1 − β₁ᵗ) in step t

    lr 2e-3, betas (0.9, 0.999), eps 1e-8, weight_decay 0.      w, g, m, u of one shape; state: m is
    `exp_avg`, u `exp_inf`, t `step`"""

    def __init__(
        self, params: Any, lr: Any = 2e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False, capturable: bool = False,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(self, betas)
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
                "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
            },
        )  # fmt: skip

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0.0, "exp_inf": 0.0}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, lr, (beta1, beta2) = backend_of(w), float(group["lr"]), group["betas"]
        m, u = state["exp_avg"], state["exp_inf"]
        g = decayed(w, g, lr, group)
        m *= beta1
        m += (1 - beta1) * g
        u *= beta2
        u[...] = xp.maximum(u, xp.abs(g) + group["eps"])
        w -= lr / (1 - beta1**t) * (m / u)


class NAdam(Optimizer):
    """NAdam (Dozat 2016): Adam with Nesterov's momentum, which grows towards β₁.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        μₜ = β₁ (1 − ½ · 0.96^(t · momentum_decay))       M = μ₁ μ₂ … μₜ
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        m̂ = g (1 − μₜ) / (1 − M) + m μₜ₊₁ / (1 − M μₜ₊₁)
        w ← w − lr m̂ / (√v̂ + ε)              v̂ = v / (1 − β₂ᵗ)

    decoupled_weight_decay: w ← w − lr · weight_decay · w first, and the plain gradient in m and v, as in AdamW.

    lr 2e-3, betas (0.9, 0.999), eps 1e-8, weight_decay 0, momentum_decay 4e-3.      w, g, m, v of one
    shape; state: m is `exp_avg`, v `exp_avg_sq`, M `mu_product`, t `step`"""

    def __init__(
        self, params: Any, lr: Any = 2e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        check_betas(self, betas)
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
                "capturable": capturable, "differentiable": differentiable,
            },
        )  # fmt: skip

    def counters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"step": 0.0, "mu_product": 1.0}

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def advance(self, counters: dict[str, Array], group: dict[str, Any], first: bool) -> Any:
        t = super().advance(counters, group, first)
        mu = [group["betas"][0] * (1 - 0.5 * 0.96 ** (k * group["momentum_decay"])) for k in (t, t + 1)]
        counters["mu_product"] *= mu[0]
        return t, *mu, counters["mu_product"].item(0)

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], at: Any) -> None:
        xp, lr, (beta1, beta2) = backend_of(w), float(group["lr"]), group["betas"]
        m, v, (t, mu, next_mu, M) = state["exp_avg"], state["exp_avg_sq"], at
        g = decayed(w, g, lr, group)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        root = xp.sqrt(v / (1 - beta2**t)) + group["eps"]
        w -= lr * (1 - mu) / (1 - M) * (g / root)
        w -= lr * next_mu / (1 - M * next_mu) * (m / root)


class RAdam(Optimizer):
    """RAdam (Liu et al. 2020): Adam that waits with its step sizes until their variance is under control.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        ρ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)         ρ∞ = 2 / (1 − β₂) − 1, how many gradients v can speak for, in the end
        w ← w − lr m̂ r √(1 − β₂ᵗ) / (√v + ε)      where ρ > 5, r² = (ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ)
        w ← w − lr m̂                         before;     m̂ = m / (1 − β₁ᵗ)

    decoupled_weight_decay: w ← w − lr · weight_decay · w first, and the plain gradient in m and v, as in AdamW.

    lr 1e-3, betas (0.9, 0.999), eps 1e-8, weight_decay 0.      w, g, m, v of one shape; state: m is
    `exp_avg`, v `exp_avg_sq`, t `step`"""

    def __init__(
        self, params: Any, lr: Any = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(self, betas)
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
                "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )  # fmt: skip

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, lr, (beta1, beta2) = backend_of(w), float(group["lr"]), group["betas"]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        g = decayed(w, g, lr, group)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        last = 2 / (1 - beta2) - 1
        rho = last - 2 * t * beta2**t / (1 - beta2**t)
        step = lr / (1 - beta1**t) * m
        if rho > 5:
            r = ((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho)) ** 0.5
            step *= r * (1 - beta2**t) ** 0.5
            step /= xp.sqrt(v) + group["eps"]
        w -= step
