"""Stochastic gradient descent."""

from typing import Any

from ..autograd import Tensor
from ..backend import Array
from .optimizer import Optimizer, check_at_least_zero


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum where it is not 0.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        m ← momentum · m + (1 − dampening) · g        m = g in the first step
        w ← w − lr · m                       nesterov: w ← w − lr · (g + momentum · m)

    Robbins & Monro 1951; Polyak 1964; Sutskever et al. 2013, from whom PyTorch's momentum differs: lr
    multiplies m as a whole, so a change of lr acts at once."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        check_at_least_zero(self, lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
                "nesterov": nesterov, "maximize": maximize,
            },
        )  # fmt: skip

    def update(self, w: Array, g: Array, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, momentum = float(group["lr"]), group["momentum"]
        if group["maximize"]:
            g = -g
        if group["weight_decay"]:
            g = g + group["weight_decay"] * w
        if momentum:
            if state.get("momentum_buffer") is None:
                state["momentum_buffer"] = Tensor(g.copy())
                m = g
            else:
                m = state["momentum_buffer"].array
                m *= momentum
                m += (1 - group["dampening"]) * g
            g = g + momentum * m if group["nesterov"] else m
        w -= lr * g
