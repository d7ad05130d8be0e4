"""Stochastic gradient descent."""

from typing import Any

from ..backend import Array
from .optimizer import Optimizer, check_at_least_zero


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where it is not 0.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        m ← momentum · m + (1 − dampening) · g        m = g in the first step
        w ← w − lr · m                       nesterov: w ← w − lr · (g + momentum · m)

    lr 1e-3, momentum 0, dampening 0, weight_decay 0.      w, g, m of one shape; state: m is `momentum_buffer`

    Robbins & Monro 1951; Polyak 1964; Sutskever et al. 2013, from whom PyTorch's momentum differs: lr
    multiplies m as a whole, so a change of lr acts at once."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least_zero(self, lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
                "nesterov": nesterov, "maximize": maximize, "foreach": foreach, "differentiable": differentiable,
                "fused": fused,
            },
        )  # fmt: skip

    def counters(self, group: dict[str, Any]) -> dict[str, float]:
        return {}

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": 0.0} if group["momentum"] else {}

    def advance(self, counters: dict[str, Array], group: dict[str, Any], first: bool) -> bool:
        return first

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], first: bool) -> None:
        lr, momentum, weight_decay = float(group["lr"]), group["momentum"], float(group["weight_decay"])
        if group["maximize"]:
            g = -g
        if weight_decay:
            g = g + weight_decay * w
        if momentum:
            m = state["momentum_buffer"]
            if first:
                m[...] = g
            else:
                m *= momentum
                m += (1 - group["dampening"]) * g if group["dampening"] else g
            g = g + momentum * m if group["nesterov"] else m
        w -= lr * g
