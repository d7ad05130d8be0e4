"""Lion, which PyTorch's core lacks: the sign of a momentum."""

from typing import Any

from ..backend import Array, backend_of
from .optimizer import Optimizer, check_at_least_zero, check_betas


class Lion(Optimizer):
    """Lion (Chen et al. 2023, found by a search over programs): each weight moves by lr, up or down.

        w ← w − lr · weight_decay · w        (g ← −g before that, to maximize)
        w ← w − lr · sign(β₁ m + (1 − β₁) g)
        m ← β₂ m + (1 − β₂) g

    Asked for where memory is short: it remembers one moment where Adam remembers two. As all its steps are of one
    size, use a learning rate 3 to 10 times smaller than AdamW's, and a weight decay as many times larger.

    lr 1e-4, betas (0.9, 0.99), weight_decay 0.      w, g, m of one shape; state: m is `exp_avg`"""

    def __init__(
        self, params: Any, lr: Any = 1e-4, betas: Any = (0.9, 0.99), weight_decay: float = 0, *,
        maximize: bool = False, foreach: bool | None = None,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr, weight_decay=weight_decay)
        check_betas(self, betas)
        super().__init__(
            params,
            {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach},
        )

    def counters(self, group: dict[str, Any]) -> dict[str, float]:
        return {}

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0.0}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], first: Any) -> None:
        xp, lr, (beta1, beta2), m = backend_of(w), float(group["lr"]), group["betas"], state["exp_avg"]
        if group["maximize"]:
            g = -g
        if group["weight_decay"]:
            w *= 1 - lr * group["weight_decay"]
        w -= lr * xp.sign(beta1 * m + (1 - beta1) * g)
        m *= beta2
        m += (1 - beta2) * g

    def advance(self, counters: dict[str, Array], group: dict[str, Any], first: bool) -> bool:
        return first
