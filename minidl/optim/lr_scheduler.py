"""Learning rates that change from epoch to epoch: call `scheduler.step()` after the epoch's last `optimizer.step()`."""

import functools
import math
import types
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..autograd import Tensor, no_grad
from ..legacy import old_names
from .optimizer import Optimizer


class NoInitialRate(ValueError, KeyError):
    """A group has no 'initial_lr' to go on from; also a KeyError, as in PyTorch."""

    __str__ = Exception.__str__  # KeyError would print the sentence in quotes


def within_step(get_lr: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """`get_lr` computes the next rates; who calls it from outside most likely wants the present ones."""

    @functools.wraps(get_lr)
    def checked(self: "LRScheduler") -> list[Any]:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", stacklevel=2
            )
        return get_lr(self)

    return checked


class LRScheduler:
    """The base of every scheduler; a subclass writes `get_lr`: the rates of epoch `last_epoch`, one per group.

    Rates are found from those in force, not from the start, so schedulers combine, and what the user sets
    by hand stays in force. A subclass may also write `_get_closed_form_lr`, from the initial rates alone: it serves
    `step(epoch)`, which PyTorch deprecates. last_epoch: −1 to begin, else the epoch after which to go on.

    A rate that is a tensor stays that tensor, and is filled with the new value."""

    _get_closed_form_lr: Callable[[], list[Any]]
    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self).__name__}: an optimizer is needed; {type(optimizer).__name__} is not an Optimizer"
            )
        self.optimizer = optimizer
        for k, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _value(group["lr"]))
            elif "initial_lr" not in group:
                raise NoInitialRate(
                    f"{type(self).__name__}: param 'initial_lr' is not specified in param_groups[{k}]: to go on after "
                    f"epoch {last_epoch}, load the optimizer's state first; it has the rates that training began with"
                )
        self.base_lrs = [_value(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[Any]:
        raise NotImplementedError(f"{type(self).__name__} has no get_lr: define `def get_lr(self)`")

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch; `epoch` itself is deprecated, as in PyTorch."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first rate was skipped; "
                "call optimizer.step() first",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_IS_DEPRECATED, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = epoch is not None and hasattr(self, "_get_closed_form_lr")
        self._set(self._inside(self._get_closed_form_lr if closed else self.get_lr))

    def _inside(self, compute: Callable[[], list[Any]]) -> list[Any]:
        self._get_lr_called_within_step = True
        try:
            return compute()
        finally:
            self._get_lr_called_within_step = False

    def _set(self, rates: list[Any]) -> None:
        for group, lr in zip(self.optimizer.param_groups, rates):
            set_entry(group, "lr", lr)
        self._last_lr = self._rates()

    def _rates(self) -> list[Any]:
        return [_value(group["lr"]) for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[Any]:
        """The rates this scheduler set last, one per group."""
        return self._last_lr

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        vars(self).update(state_dict)


EPOCH_IS_DEPRECATED = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
    "Please use `scheduler.step()` to step the scheduler: it goes on from the epoch before."
)


def _value(rate: Any) -> Any:
    """The rate, or a copy of its tensor."""
    return rate.detach().clone() if isinstance(rate, Tensor) else rate


@no_grad()
def set_entry(group: dict[str, Any], key: str, value: Any) -> None:
    """group[key] = value; a tensor stays the one that others may hold, and takes the value."""
    if isinstance(group[key], Tensor):
        group[key].fill_(float(value))
    else:
        group[key] = value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value for each group: those given, or one for all."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [_value(value) for _ in range(groups)]
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, param_groups "
            f"has {groups}."
        )
    return [_value(v) for v in value]


def saved_function(f: Any) -> dict[str, Any] | None:
    """A function that is an object is saved by its attributes, a plain one not at all."""
    return None if isinstance(f, types.FunctionType) or not hasattr(f, "__dict__") else dict(vars(f))


class LambdaLR(LRScheduler):
    """lr = initial lr · lr_lambda(epoch), with one function for all groups or one for each"""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        groups = len(optimizer.param_groups)
        many = isinstance(lr_lambda, (list, tuple))
        self.lr_lambdas: list[Callable[[int], float]] = list(lr_lambda) if many else [lr_lambda] * groups
        if len(self.lr_lambdas) != groups:
            raise ValueError(
                f"{type(self).__name__}: Expected {groups} lr_lambdas, one a group, but got {len(self.lr_lambdas)}"
            )
        for f in self.lr_lambdas:
            if not callable(f):
                raise TypeError(
                    f"{type(self).__name__}: lr_lambda should be a function of the epoch, but got {type(f).__name__}"
                )
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the functions; functions that are objects are saved by their attributes."""
        return {**super().state_dict(), "lr_lambdas": [saved_function(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        saved = dict(state_dict)
        for f, attributes in zip(self.lr_lambdas, saved.pop("lr_lambdas")):
            if attributes is not None:
                vars(f).update(attributes)
        super().load_state_dict(saved)


class MultiplicativeLR(LambdaLR):
    """lr ← lr · lr_lambda(epoch), with one function for all groups or one for each"""

    @within_step
    def get_lr(self) -> list[Any]:
        if self._is_initial:
            return self._rates()
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self._rates())]


class StepLR(LRScheduler):
    """lr ← γ lr every step_size epochs

    lr = initial lr · γ^⌊t / step_size⌋"""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size < 1:
            raise ValueError(f"StepLR: step_size is a positive number of epochs, got {step_size}")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        due = self.last_epoch > 0 and self.last_epoch % self.step_size == 0
        return [lr * self.gamma if due else lr for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """lr ← γ lr at each of the milestones"""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        return [lr * self.gamma ** self.milestones[self.last_epoch] for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """lr = factor · initial lr until epoch total_iters, then the initial lr"""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(
                f"ConstantLR: Constant multiplicative factor expected to be between 0 and 1, got {factor}"
            )
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        if self.last_epoch == 0:
            return [lr * self.factor for lr in self._rates()]
        return [lr * (1 / self.factor) if self.last_epoch == self.total_iters else lr for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        factor = 1.0 if self.last_epoch >= self.total_iters else self.factor
        return [base * factor for base in self.base_lrs]


class LinearLR(LRScheduler):
    """lr from start_factor to end_factor times the initial lr in total_iters equal steps (a warm-up)"""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(
                "LinearLR: Starting multiplicative factor expected to be greater than 0 and less or equal to 1, got "
                f"{start_factor}"
            )
        if not 0 <= end_factor <= 1:
            raise ValueError(
                f"LinearLR: Ending multiplicative factor expected to be between 0 and 1, got {end_factor}"
            )
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        t, (a, b, n) = self.last_epoch, (self.start_factor, self.end_factor, self.total_iters)
        if t == 0:
            return [lr * a for lr in self._rates()]
        if self._is_initial or t > n:
            return self._rates()
        return [lr * (1 + (b - a) / (n * a + (t - 1) * (b - a))) for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        t, (a, b, n) = self.last_epoch, (self.start_factor, self.end_factor, self.total_iters)
        return [base * (a + (b - a) * min(n, t) / n) for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """lr ← γ lr every epoch"""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        return [lr if self._is_initial else lr * self.gamma for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """lr = initial lr · (1 − t / total_iters)^power, and 0 from epoch total_iters on"""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        t, n = self.last_epoch, self.total_iters
        if self._is_initial or t > n:
            return self._rates()
        return [lr * ((1 - t / n) / (1 - (t - 1) / n)) ** self.power for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        n = self.total_iters
        return [base * (1 - min(n, self.last_epoch) / n) ** self.power for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """lr = η + (initial lr − η) (1 + cos(π t / T)) / 2        η = eta_min, T = T_max, t the epoch

    (Loshchilov & Hutter 2017, without the restarts: after T it rises again.)"""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max < 1:
            raise ValueError(f"CosineAnnealingLR: T_max is a positive number of epochs, got {T_max}")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        t, T, eta = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self._rates()
        if self._step_count == 1 and t > 0:
            return self._get_closed_form_lr()
        if (t - 1 - T) % (2 * T) == 0:  # right after the minimum, where the quotient below would be 0/0
            return [
                lr + (base - eta) * (1 - math.cos(math.pi / T)) / 2 for base, lr in zip(self.base_lrs, self._rates())
            ]
        ratio = (1 + math.cos(math.pi * t / T)) / (1 + math.cos(math.pi * (t - 1) / T))
        return [ratio * (lr - eta) + eta for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[Any]:
        t, T, eta = self.last_epoch, self.T_max, self.eta_min
        return [eta + (base - eta) * (1 + math.cos(math.pi * t / T)) / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = η + (initial lr − η) (1 + cos(π t / T)) / 2        η = eta_min, t epochs after the last restart

    (SGDR, Loshchilov & Hutter 2017.) The first period T is T_0 epochs, each further one T_mult times as long.
    `step(epoch)` may be called with fractions of epochs, too."""

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_0 <= 0 or T_0 != int(T_0):
            raise ValueError(f"CosineAnnealingWarmRestarts: Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or T_mult != int(T_mult):
            raise ValueError(f"CosineAnnealingWarmRestarts: Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"CosineAnnealingWarmRestarts: Expected float or int eta_min, but got {eta_min!r}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    @within_step
    def get_lr(self) -> list[Any]:
        eta, fall = self.eta_min, (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [eta + (base - eta) * fall for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to the one that is given."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        elif epoch < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts: Expected non-negative epoch, but got {epoch}")
        elif epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0  # type: ignore[assignment]  # a fraction is welcome
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0  # type: ignore[assignment]
        else:  # n periods are over, of T_0 (T_mult^n − 1) / (T_mult − 1) epochs in all
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
        self.last_epoch = math.floor(epoch)
        self._set(self._inside(self.get_lr))


class MomentumCycle(LRScheduler):
    """What CyclicLR and OneCycleLR share: the momentum (Adam's β₁) falls while the rate rises (Smith 2018)."""

    cycle_momentum: bool
    use_beta1: bool

    def _start_momentum(self, optimizer: Optimizer, base: Any, most: Any, last_epoch: int) -> None:
        if not {"momentum", "betas"} & set(optimizer.defaults):
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled, "
                f"and {type(optimizer).__name__} has neither; pass cycle_momentum=False"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        bases, mosts = (
            per_group(name, optimizer, v) for name, v in (("base_momentum", base), ("max_momentum", most))
        )
        self.base_momentums, self.max_momentums = bases, mosts
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, bases, mosts):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def _set_momentum(self, group: dict[str, Any], value: Any) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(MomentumCycle):
    """lr up from base_lr to max_lr in step_size_up steps, down in step_size_down, and again (Smith 2017)

    mode "triangular": every cycle alike; "triangular2": each half as high as the one before; "exp_range": at step t
    γᵗ times as high. scale_fn: a height of your own, of the cycle (1, 2, …) or with scale_mode "iterations" of
    the step. Meant to be stepped after each batch. The momentum goes down from max_momentum and up again."""

    def __init__(
        self, optimizer: Optimizer, base_lr: Any, max_lr: Any, step_size_up: int = 2000,
        step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: Any = 0.8, max_momentum: Any = 0.9, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"CyclicLR: an optimizer is needed; {type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs):
                set_entry(group, "lr", lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up, down = float(step_size_up), float(step_size_up if step_size_down is None else step_size_down)
        self.total_size, self.step_ratio = up + down, up / (up + down)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError(
                f"CyclicLR: mode is invalid and scale_fn is None: {mode}; use triangular, triangular2, exp_range"
            )
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """How high the cycle x is, or the place that step x has in it."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return {"triangular": 1.0, "triangular2": 1 / 2.0 ** (x - 1)}.get(self.mode, self.gamma**x)

    @within_step
    def get_lr(self) -> list[Any]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle  # where in the cycle, from 0 to 1
        rise = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                self._set_momentum(group, high - (high - low) * rise * height)
        return [low + (high - low) * rise * height for low, high in zip(self.base_lrs, self.max_lrs)]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; a scale_fn that is an object is saved by its attributes."""
        f = self._scale_fn_custom
        return {**super().state_dict(), "_scale_fn_custom": None if f is None else saved_function(f)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        saved = dict(state_dict)
        attributes = saved.pop("_scale_fn_custom", None)
        if attributes is not None:
            vars(self._scale_fn_custom).update(attributes)
        super().load_state_dict(saved)


class OneCycleLR(MomentumCycle):
    """One rise from max_lr / div_factor to max_lr, and one long fall to that over final_div_factor (Smith & Topin 2018)

    The rise takes the part pct_start of total_steps (or of epochs · steps_per_epoch); with three_phase the fall first
    mirrors it. anneal_strategy: along half a "cos", or "linear". The momentum goes the other way round, from
    max_momentum to base_momentum and back. Meant to be stepped after each batch."""

    def __init__(
        self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
        cycle_momentum: bool = True, base_momentum: Any = 0.85, max_momentum: Any = 0.95, div_factor: float = 25.0,
        final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"OneCycleLR: an optimizer is needed; {type(optimizer).__name__} is not an Optimizer")
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise ValueError("OneCycleLR: You must define either total_steps OR (epochs AND steps_per_epoch)")
        given = {"total_steps": total_steps}
        if total_steps is None:
            given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        for name, n in given.items():
            if not isinstance(n, int) or n <= 0:
                raise ValueError(f"OneCycleLR: Expected positive integer {name}, but got {n}")
        if not 0 <= pct_start <= 1:
            raise ValueError(f"OneCycleLR: Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"OneCycleLR: anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self.total_steps = n = math.prod(given.values())  # type: ignore[arg-type]  # all are integers
        self._anneal_func_type = anneal_strategy
        first, last = float(pct_start * n) - 1, n - 1
        self._schedule_phases = [_phase(first, "initial_lr", "max_lr"), _phase(last, "max_lr", "min_lr")]
        if three_phase:
            back = _phase(float(2 * pct_start * n) - 2, "max_lr", "initial_lr")
            self._schedule_phases[1:] = back, _phase(last, "initial_lr", "min_lr")
        if last_epoch == -1:
            for group, most in zip(optimizer.param_groups, per_group("max_lr", optimizer, max_lr)):
                group["initial_lr"], group["max_lr"] = most / div_factor, most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _between(self, start: Any, end: Any, part: float) -> Any:
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2 * (math.cos(math.pi * part) + 1)
        return (end - start) * part + start

    @within_step
    def get_lr(self) -> list[Any]:
        t, start = self.last_epoch, 0.0
        if t > self.total_steps:
            raise ValueError(
                f"OneCycleLR: Tried to step {t} times. The specified number of total steps is {self.total_steps}"
            )
        *early, last = self._schedule_phases
        for phase in early:
            if t <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = last
        part = (t - start) / (phase["end_step"] - start)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                ends = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._between(*ends, part))
        groups = self.optimizer.param_groups
        return [self._between(group[phase["start_lr"]], group[phase["end_lr"]], part) for group in groups]


def _phase(end: float, start_lr: str, end_lr: str) -> dict[str, Any]:
    """Until which step which rates, and the momentum: low where the rate is high."""
    momentum = lambda lr: "base_momentum" if lr == "max_lr" else "max_momentum"
    return {
        "end_step": end, "start_lr": start_lr, "end_lr": end_lr,
        "start_momentum": momentum(start_lr), "end_momentum": momentum(end_lr),
    }  # fmt: skip


class ReduceLROnPlateau(LRScheduler):
    """lr ← factor · lr (at least min_lr) when a metric has not become better for more than `patience` epochs

    Call `step(metric)`. mode "min" or "max": is less better, or more? What counts as better is more than `threshold`
    better than the best so far: of its value ("rel") or as a number ("abs"). After a reduction it waits for
    `cooldown` epochs; reductions by less than eps are left out."""

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: Any = 0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: Factor should be < 1.0, got {factor}")
        if not isinstance(optimizer, Optimizer):
            what = type(optimizer).__name__
            raise TypeError(f"ReduceLROnPlateau: an optimizer is needed; {what} is not an Optimizer")
        if mode not in ("min", "max"):
            raise ValueError(f"ReduceLROnPlateau: mode {mode} is unknown! It is 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"ReduceLROnPlateau: threshold mode {threshold_mode} is unknown! It is 'rel' or 'abs'")
        groups = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != groups:
            raise ValueError(f"ReduceLROnPlateau: expected {groups} min_lrs, got {len(min_lr)}")
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = list(min_lr) if self.default_min_lr is None else [min_lr] * groups
        self.optimizer, self.factor, self.patience, self.cooldown, self.eps = optimizer, factor, patience, cooldown, eps
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.last_epoch = 0
        self._last_lr = self._rates()
        self._reset()

    def _reset(self) -> None:
        """Forget what has been seen."""
        self.best, self.cooldown_counter, self.num_bad_epochs = math.inf if self.mode == "min" else -math.inf, 0, 0

    def is_better(self, a: float, best: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        bar = best * (1 + sign * self.threshold) if self.threshold_mode == "rel" else best + sign * self.threshold
        return a < bar if self.mode == "min" else a > bar

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]  # as PyTorch's
        """Go to the next epoch, given the metric of the one before."""
        value = float(metrics)
        if epoch is not None:
            warnings.warn(EPOCH_IS_DEPRECATED, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._rates()

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau: The number of param groups in the optimizer ({len(groups)}) differs from when "
                    f"it was made ({len(self.min_lrs)}); use one min_lr for all, or a new scheduler"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_entry(group, "lr", new)


class Combination(LRScheduler):
    """What SequentialLR and ChainedScheduler share: other schedulers, and saving them."""

    _schedulers: list[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        name = type(self).__name__
        if not schedulers:
            raise ValueError(f"{name} expects at least one scheduler to be chained, but got no scheduler.")
        self.optimizer: Any = getattr(schedulers[0], "optimizer", None) if optimizer is None else optimizer
        for k, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name} at index {k} should have `optimizer` as its attribute.")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau` scheduler (at index {k}), whose step needs a metric"
                )
            if scheduler.optimizer is not self.optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(scheduler).__name__} at index {k} of another {type(scheduler.optimizer).__name__}"
                )
        self._schedulers = list(schedulers)

    def get_lr(self) -> list[Any]:
        raise NotImplementedError(
            f"{type(self).__name__} has no rates of its own: in a SequentialLR it can only be the first"
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, the schedulers by their states."""
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        saved = dict(state_dict)
        for scheduler, state in zip(self._schedulers, saved.pop("_schedulers")):
            scheduler.load_state_dict(state)
        super().load_state_dict(saved)


class SequentialLR(Combination):
    """One scheduler after the other: the k-th until epoch milestones[k], then the next one, from its own start"""

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self._milestones, self.last_epoch = milestones, last_epoch + 1
        for group in optimizer.param_groups:  # each scheduler has already made its first step: take them back
            set_entry(group, "lr", group["initial_lr"])
        _take_back(self._schedulers)
        now = self._schedulers[bisect_right(milestones, 0)]
        now._initial_step()
        self._last_lr = now.get_last_lr()

    def step(self) -> None:  # type: ignore[override]  # as PyTorch's
        """Go to the next epoch."""
        self.last_epoch += 1
        k = bisect_right(self._milestones, self.last_epoch)
        now = self._schedulers[k]
        if k > 0 and self._milestones[k - 1] == self.last_epoch:
            now._update_lr(0)
        else:
            now.step()
        self._last_lr = now.get_last_lr()


def _take_back(schedulers: list[LRScheduler]) -> None:
    """Undo the first step that each scheduler made when it was made, also inside combinations."""
    for scheduler in schedulers:
        if isinstance(scheduler, Combination):
            _take_back(scheduler._schedulers)
        else:
            scheduler.last_epoch -= 1


class ChainedScheduler(Combination):
    """All schedulers at once, each changing the rate that the one before has set"""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._take(schedulers, optimizer)
        self._last_lr = self._rates()

    def step(self) -> None:  # type: ignore[override]  # as PyTorch's
        """Go to the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._rates()


__getattr__ = old_names(__name__)
