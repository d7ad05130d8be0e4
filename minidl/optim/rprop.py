"""Optimizers of full batches and of averages: Rprop and ASGD."""

from typing import Any

from ..backend import Array, backend_of
from .optimizer import Optimizer, check_at_least_zero, decayed


class Rprop(Optimizer):
    """Rprop (Riedmiller & Braun 1993): a weight's step grows while its gradient keeps its sign, and else shrinks.

        s ← clip(s η, step_sizes)            η = η₊ where g g' > 0, η₋ where g g' < 0, 1 where it is 0
        g ← 0 where g g' < 0                 g' is the g of the step before, after this line
        w ← w − sign(g) s                    (g ← −g before all, to maximize)

    For full batches: it sees the signs alone, which noise turns.

    lr 1e-2 (the first s), etas (η₋, η₊) = (0.5, 1.2), step_sizes (1e-6, 50).      w, g, s of one shape;
    state: g' is `prev`, s `step_size`; `step`"""

    def __init__(
        self, params: Any, lr: Any = 1e-2, etas: Any = (0.5, 1.2), step_sizes: Any = (1e-6, 50), *,
        capturable: bool = False, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr)
        if not 0 < etas[0] < 1 < etas[1]:
            raise ValueError(f"Rprop: Invalid eta values: {etas[0]}, {etas[1]} (0 < η₋ < 1 < η₊ is needed)")
        super().__init__(
            params,
            {
                "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
                "differentiable": differentiable, "capturable": capturable,
            },
        )  # fmt: skip

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"prev": 0.0, "step_size": float(group["lr"])}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, (shrink, grow), (least, most) = backend_of(w), group["etas"], group["step_sizes"]
        before, s = state["prev"], state["step_size"]
        if group["maximize"]:
            g = -g
        agreement = g * before
        s *= xp.where(agreement > 0, grow, xp.where(agreement < 0, shrink, xp.ones_like(g)))
        s[...] = xp.minimum(xp.maximum(s, least), most)
        g = g * (agreement >= 0)
        w -= xp.sign(g) * s
        before[...] = g


class ASGD(Optimizer):
    """ASGD (Polyak & Juditsky 1992): stochastic gradient descent that also averages the weights it has been through.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        w ← (1 − lambd · η) w − η g          η = lr / (1 + lambd · lr · t)^alpha, of the step before
        a ← a + μ (w − a)                    μ = 1 / max(1, t − t0), of the step before: a = w up to t0

    lr 1e-2, lambd 1e-4, alpha 0.75, t0 1e6, weight_decay 0.      w, g, a of one shape; state: the average
    a is `ax`, η `eta`, μ `mu`, t `step`"""

    def __init__(
        self, params: Any, lr: Any = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, weight_decay=weight_decay)
        super().__init__(
            params,
            {
                "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
                "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
            },
        )  # fmt: skip

    def counters(self, group: dict[str, Any]) -> dict[str, float]:
        return {"step": 0.0, "eta": float(group["lr"]), "mu": 1.0}

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"ax": 0.0}

    def advance(self, counters: dict[str, Array], group: dict[str, Any], first: bool) -> Any:
        t, lr = super().advance(counters, group, first), float(group["lr"])
        now = counters["eta"].item(0), counters["mu"].item(0)
        counters["eta"][...] = lr / (1 + group["lambd"] * lr * t) ** group["alpha"]
        counters["mu"][...] = 1 / max(1, t - group["t0"])
        return now

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], now: Any) -> None:
        (eta, mu), a = now, state["ax"]
        g = decayed(w, g, eta, group)
        w *= 1 - group["lambd"] * eta
        w -= eta * g
        if mu == 1:
            a[...] = w
        else:
            a += mu * (w - a)
