"""Optimizers, with Keras's defaults and its formulas where they differ from PyTorch's. The steps are optim's.

An optimizer here only knows its settings; the weights come with `apply`, or when a model is trained."""

from typing import Any

from .. import optim
from ..autograd import Tensor, no_grad
from ..backend import Array, backend_of
from . import schedules as schedules
from .config import Configured, look_up

# ---- the rules


class _SGD(optim.SGD):
    """m ← momentum · m − lr g        w ← w + m, with nesterov w + momentum · m − lr g"""

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], first: bool) -> None:
        lr, momentum = float(group["lr"]), group["momentum"]
        step = g * -lr
        if momentum:
            m = state["momentum_buffer"]
            m *= momentum
            m += step
            step = momentum * m + step if group["nesterov"] else m
        w += step


class _Adam(optim.Adam):
    """Adam, with ε beside √v and not beside √v̂"""

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        late = (1 - group["betas"][1] ** t) ** 0.5
        super().update(w, g, state, {**group, "eps": group["eps"] / late}, t)


class _Adamax(optim.Adamax):
    """u ← max(β₂ u, |g|)        w ← w − lr m̂ / (u + ε)"""

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        xp, lr, (beta1, beta2) = backend_of(w), float(group["lr"]), group["betas"]
        m, u = state["exp_avg"], state["exp_inf"]
        m *= beta1
        m += (1 - beta1) * g
        u *= beta2
        u[...] = xp.maximum(u, xp.abs(g))
        w -= lr / (1 - beta1**t) * (m / (u + group["eps"]))


class _Adagrad(optim.Adagrad):
    """s ← s + g²        w ← w − lr g / √(s + ε)"""

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        s = state["sum"]
        s += g * g
        w -= float(group["lr"]) * (g / backend_of(w).sqrt(s + group["eps"]))


class _RMSprop(optim.RMSprop):
    """v ← ρ v + (1 − ρ) g²        d = lr g / √(v + ε), centered √(v − a² + ε)        b ← momentum · b + d, w ← w − b"""

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: float) -> None:
        rho, v = group["alpha"], state["square_avg"]
        v *= rho
        v += (1 - rho) * (g * g)
        if group["centered"]:
            a = state["grad_avg"]
            a *= rho
            a += (1 - rho) * g
            v = v - a * a
        d = float(group["lr"]) * (g / backend_of(w).sqrt(v + group["eps"]))
        if group["momentum"] > 0:
            b = state["momentum_buffer"]
            b *= group["momentum"]
            b += d
            d = b
        w -= d


# ---- the settings


class Optimizer(Configured):
    """What all share.

    learning_rate: a number, or a schedule: a function of the number of steps taken.
    clipnorm, clipvalue, global_clipnorm: the longest gradient of each weight, its largest entry, the longest of all.
    weight_decay: w ← w − learning_rate · weight_decay · w before each step."""

    rule: Any = None

    def __init__(
        self, learning_rate: Any = 0.001, weight_decay: float | None = None, clipnorm: float | None = None,
        clipvalue: float | None = None, global_clipnorm: float | None = None, name: str | None = None,
        lr: Any = None, **settings: Any,
    ) -> None:  # fmt: skip
        if sum(clip is not None for clip in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(f"{type(self).__name__}: only one of clipnorm, clipvalue and global_clipnorm can be given")
        self.schedule = learning_rate if lr is None else lr
        if not callable(self.schedule) and float(self.schedule) < 0:
            raise ValueError(f"{type(self).__name__}: learning_rate is at least 0, got {self.schedule}")
        self.name = name or type(self).__name__.lower()
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.settings = global_clipnorm, settings
        self.iterations = 0
        self.inner: Any = None
        self.waiting: Any = None  # a state loaded before there were weights

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; it can be set unless a schedule gives it."""
        return float(self.schedule(self.iterations) if callable(self.schedule) else self.schedule)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(self.schedule) and not callable(value):
            raise TypeError(f"{self.name}: its learning rate follows a schedule and cannot be set")
        self.schedule = value if callable(value) else float(value)

    lr = learning_rate

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("lr", None)
        return {**config, "learning_rate": self.schedule}

    def build(self, variables: list[Any]) -> None:
        """Meet the weights."""
        if self.inner is None:
            self.inner = self.rule(variables, lr=self.learning_rate, **self.settings)
            if self.waiting is not None:
                self.inner.load_state_dict(self.waiting)
                self.waiting = None
            return
        known = {id(p) for group in self.inner.param_groups for p in group["params"]}
        new = [v for v in variables if id(v) not in known]
        if new:
            self.inner.add_param_group({"params": new, "lr": self.learning_rate})

    @no_grad()
    def apply(self, grads: Any, trainable_variables: Any) -> None:
        """One step, given a gradient (or None) for each weight."""
        pairs = [(p, g) for g, p in zip(grads, trainable_variables) if g is not None]
        if not pairs:
            raise ValueError(f"{self.name}: no weight has a gradient; does the loss depend on what is trainable?")
        self.build(list(trainable_variables))
        lr = self.learning_rate
        for group in self.inner.param_groups:
            group["lr"] = lr
        for (p, _), g in zip(pairs, self._clipped([g for _, g in pairs])):
            p.grad = g
            if self.weight_decay:
                p.mul_(1 - lr * self.weight_decay)
        self.inner.step()
        self.inner.zero_grad()
        self.iterations += 1

    def apply_gradients(self, grads_and_vars: Any) -> None:
        """One step, given pairs of a gradient and its weight."""
        grads, variables = zip(*grads_and_vars)
        self.apply(grads, variables)

    def _clipped(self, grads: list[Tensor]) -> list[Tensor]:
        if self.clipvalue is not None:
            return [g.clamp(-self.clipvalue, self.clipvalue) for g in grads]
        norm = lambda gs: sum(float((g * g).sum()) for g in gs) ** 0.5
        if self.clipnorm is not None:
            return [g * (self.clipnorm / max(norm([g]), self.clipnorm)) for g in grads]
        if self.global_clipnorm is not None:
            factor = self.global_clipnorm / max(norm(grads), self.global_clipnorm)
            return [g * factor for g in grads]
        return grads

    def state(self) -> dict[str, Any]:
        """What it remembers, for a file."""
        return {"iterations": self.iterations, "inner": None if self.inner is None else self.inner.state_dict()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave; it is put to the weights when they come."""
        self.iterations, self.inner, self.waiting = state["iterations"], None, state["inner"]


class SGD(Optimizer):
    """w ← w − lr g, with momentum m ← momentum · m − lr g, w ← w + m"""

    rule = _SGD

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, momentum=momentum, nesterov=nesterov and momentum > 0, **kwargs)


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015): w ← w − lr √(1 − β₂ᵗ)/(1 − β₁ᵗ) m / (√v + ε)"""

    rule = _Adam

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        amsgrad: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, betas=(beta_1, beta_2), eps=epsilon, amsgrad=amsgrad, **kwargs)


class AdamW(Adam):
    """Adam after w ← w − lr · weight_decay · w (Loshchilov & Hutter 2019)"""

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, *args: Any, **kwargs: Any) -> None:
        super().__init__(learning_rate, *args, weight_decay=weight_decay, **kwargs)


class Adamax(Optimizer):
    """Adam with the infinity norm (Kingma & Ba 2015)"""

    rule = _Adamax

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, betas=(beta_1, beta_2), eps=epsilon, **kwargs)


class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016)"""

    rule = optim.NAdam

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, betas=(beta_1, beta_2), eps=epsilon, momentum_decay=1.0, **kwargs)


class RMSprop(Optimizer):
    """w ← w − lr g / √(v + ε), v the running mean of g² (Hinton 2012)"""

    rule = _RMSprop

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, alpha=rho, momentum=momentum, eps=epsilon, centered=centered, **kwargs)


class Adagrad(Optimizer):
    """w ← w − lr g / √(s + ε), s the sum of all g² so far (Duchi, Hazan & Singer 2011)"""

    rule = _Adagrad

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7, **kwargs: Any
    ) -> None:
        super().__init__(
            learning_rate, initial_accumulator_value=initial_accumulator_value, eps=epsilon, **kwargs
        )


class Adadelta(Optimizer):
    """Steps in the units of the weights (Zeiler 2012)"""

    rule = optim.Adadelta

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any) -> None:
        super().__init__(learning_rate, rho=rho, eps=epsilon, **kwargs)


class Lion(Optimizer):
    """Steps of one size, by the sign of the momentum (Chen et al. 2023)"""

    rule = optim.Lion

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any) -> None:
        super().__init__(learning_rate, betas=(beta_1, beta_2), **kwargs)


NAMES = {
    cls.__name__.lower(): cls for cls in (SGD, Adam, AdamW, Adamax, Nadam, RMSprop, Adagrad, Adadelta, Lion)
}


def get(identifier: Any) -> Any:
    """The optimizer of a name; one that is given stands for itself."""
    found = look_up("optimizer", identifier, NAMES, Optimizer)
    if not isinstance(found, Optimizer):
        raise TypeError(f"optimizer: a name or one of minidl.keras.optimizers is expected, got {identifier!r}")
    return found
