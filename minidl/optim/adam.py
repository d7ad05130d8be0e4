"""Adam and AdamW: a step size for each weight, from running moments of its gradient."""

from typing import Any

from ..autograd import Tensor
from ..backend import Array, backend_of
from .optimizer import Optimizer, check_at_least_zero


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015): a step size for each weight, from the mean and the mean square of its gradient.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        m ← β₁ m + (1 − β₁) g                running mean
        v ← β₂ v + (1 − β₂) g²               running mean square
        w ← w − lr m̂ / (√v̂ + ε)             m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) in step t

    amsgrad (Reddi, Kale & Kumar 2018): the largest v so far takes the place of v in v̂."""

    decoupled = False  # does weight decay act on w itself, past the moments?

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        check_at_least_zero(self, lr=lr, eps=eps, weight_decay=weight_decay)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"{type(self).__name__}: betas are two numbers, got {betas!r}")
        for k, beta in enumerate(betas):
            if not 0 <= beta < 1:
                raise ValueError(f"{type(self).__name__}: betas[{k}] lies in [0, 1), got {beta}")
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                "amsgrad": amsgrad, "maximize": maximize,
            },
        )  # fmt: skip

    def update(self, w: Array, g: Array, state: dict[str, Any], group: dict[str, Any]) -> None:
        xp, lr, (beta1, beta2) = backend_of(w), float(group["lr"]), group["betas"]
        if not state:
            state["step"] = Tensor(0.0)
            for name in ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else [])):
                state[name] = Tensor(xp.zeros_like(w))
        state["step"].array += 1
        t = float(state["step"].array)
        m, v = state["exp_avg"].array, state["exp_avg_sq"].array
        if group["maximize"]:
            g = -g
        if group["weight_decay"] and self.decoupled:
            w *= 1 - lr * group["weight_decay"]
        elif group["weight_decay"]:
            g = g + group["weight_decay"] * w
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"].array
            largest[...] = v = xp.maximum(largest, v)
        root = xp.sqrt(v)  # from here on one array is rewritten, for speed: lr m̂ / (√v̂ + ε)
        root /= (1 - beta2**t) ** 0.5
        root += group["eps"]
        step = m / root
        step *= lr / (1 - beta1**t)
        w -= step


class AdamW(Adam):
    """AdamW (Loshchilov & Hutter 2019): Adam whose weight decay does not pass through the moments.

        w ← w − lr · weight_decay · w        then Adam's step, with the plain gradient in m and v"""

    decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
