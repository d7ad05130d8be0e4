"""Adam and AdamW: a step size for each weight, from running moments of its gradient."""

from typing import Any

from ..autograd import Tensor
from ..backend import Array, backend_of
from .optimizer import Optimizer, check_at_least_zero, check_betas, decayed


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015): a step size for each weight, from the mean and the mean square of its gradient.

        g ← g + weight_decay · w             (g ← −g before that, to maximize)
        m ← β₁ m + (1 − β₁) g                running mean
        v ← β₂ v + (1 − β₂) g²               running mean square
        w ← w − lr m̂ / (√v̂ + ε)             m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ) in step t

    amsgrad (Reddi, Kale & Kumar 2018): the largest v so far takes the place of v in v̂.
    decoupled_weight_decay: as AdamW.

    lr 1e-3, betas (0.9, 0.999), eps 1e-8, weight_decay 0.      w, g, m, v of one shape; state: m is
    `exp_avg`, v `exp_avg_sq`, the largest v `max_exp_avg_sq`, t `step`"""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_at_least_zero(self, lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(self, betas)
        if foreach and not capturable and any(isinstance(t, Tensor) for t in (lr, *betas)):
            raise ValueError("Adam: lr and betas as tensors do not go with foreach=True, unless capturable=True")
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError(f"Adam: betas must be either both floats or both tensors, got {betas!r}")
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
                "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
                "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
            },
        )  # fmt: skip

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0, **({"max_exp_avg_sq": 0.0} if group["amsgrad"] else {})}

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, lr, (beta1, beta2) = backend_of(w), float(group["lr"]), map(float, group["betas"])
        m, v = state["exp_avg"], state["exp_avg_sq"]
        g = decayed(w, g, lr, group)
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        square = g * g
        square *= 1 - beta2
        v += square
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            largest[...] = v = xp.maximum(largest, v)
        late = (1 - beta2**t) ** 0.5  # √v̂ = √v / late; to save a pass, both sides of the fraction are taken times late
        root = xp.sqrt(v)
        root += group["eps"] * late
        step = m / root
        step *= lr * late / (1 - beta1**t)
        w -= step


class AdamW(Adam):
    """AdamW (Loshchilov & Hutter 2019): Adam whose weight decay does not pass through the moments.

        w ← w − lr · weight_decay · w        then Adam's step, with the plain gradient in m and v

    Defaults, shapes and state are Adam's, but for weight_decay 1e-2."""

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: Any = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, foreach=foreach, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip
