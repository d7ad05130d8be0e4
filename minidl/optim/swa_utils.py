"""Averages of the weights that training passes through (SWA, EMA), which often do better than the last ones."""

import copy
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..api import tensor
from ..autograd import Tensor, no_grad
from ..nn import Module
from ..nn.normalization import _BatchNorm
from .lr_scheduler import LRScheduler, per_group, within_step
from .optimizer import Optimizer

Average = Callable[[Tensor, Tensor, Any], Tensor]
Averages = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """a ← decay · a + (1 − decay) w: a running mean, in which the last 1 / (1 − decay) values count most"""
    _check(decay)

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Average:
    """a ← a + (w − a) / (n + 1): the mean of all n + 1 values"""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Averages:
    """The same as get_ema_avg_fn, for lists of parameters and in place."""
    return _for_each(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Averages:
    """The same as get_swa_avg_fn, for lists of parameters and in place."""
    return _for_each(get_swa_avg_fn())


def _for_each(average: Average) -> Averages:
    @no_grad()
    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Any) -> None:
        for a, w in zip(averaged, current):
            a.copy_(average(a, w, num_averaged))

    return update


def _check(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of a model whose weights are an average of those it had at each `update_parameters(model)`.

    avg_fn(average, weight, n) gives the next average after n; multi_avg_fn(averages, weights, n) writes all of them;
    without either it is the plain mean (SWA, Izmailov et al. 2018). use_buffers: average the buffers, too, which
    are copied otherwise; see also update_bn."""

    module: Module
    n_averaged: Tensor

    def __init__(
        self, model: Module, device: Any = None, avg_fn: Average | None = None, multi_avg_fn: Averages | None = None,
        use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("AveragedModel: Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Take the model's present weights into the average."""
        n = int(self.n_averaged)
        averaged, current = (
            [t.detach() for t in itertools.chain(m.parameters(), m.buffers() if self.use_buffers else ())]
            for m in (self.module, model)
        )
        current = [w.to(device=a.device) for a, w in zip(averaged, current)]
        if n == 0:
            for a, w in zip(averaged, current):
                a.copy_(w)
        elif self.avg_fn is not None:
            for a, w in zip(averaged, current):
                a.copy_(self.avg_fn(a, w, self.n_averaged))
        elif averaged:
            # one call for each dtype and device, as in PyTorch: a function may look at the first for all
            average = self.multi_avg_fn or get_swa_multi_avg_fn()
            kinds: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
            for a, w in zip(averaged, current):
                alike = kinds.setdefault((a.dtype, str(a.device)), ([], []))
                alike[0].append(a)
                alike[1].append(w)
            for a_s, w_s in kinds.values():
                average(a_s, w_s, self.n_averaged)
        if not self.use_buffers:
            for b, now in zip(self.module.buffers(), model.buffers()):
                b.detach().copy_(now.detach().to(device=b.device))
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the statistics of batch norm anew, over the whole of the loader: averaged weights have none yet.

    A batch that is a list or a tuple stands for its first entry."""
    norms = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not norms:
        return
    was_training = model.training
    model.train()
    for m in norms:
        m.reset_running_stats()
        m.momentum = None  # the plain mean over all batches
    for batch in loader:
        x = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(x if device is None else x.to(device))
    for m, momentum in norms.items():
        m.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the rate in force to swa_lr within anneal_epochs, along half a "cos" or "linear", and then constant

    lr ← α swa_lr + (1 − α) lr₀        α from 0 to 1; lr₀ is found back from the rate in force"""

    def __init__(
        self, optimizer: Optimizer, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        for group, lr in zip(optimizer.param_groups, per_group("swa_lr", optimizer, swa_lr)):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if anneal_epochs < 0 or anneal_epochs != int(anneal_epochs):
            raise ValueError(f"SWALR: anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    @within_step
    def get_lr(self) -> list[Any]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (
            self.anneal_func(max(0, min(1, k / max(1, self.anneal_epochs)))) for k in (step - 1, step)
        )
        rates = []
        for group in self.optimizer.param_groups:
            lr, swa_lr = group["lr"], group["swa_lr"]
            start = swa_lr if before == 1 else (lr - before * swa_lr) / (1 - before)
            rates.append(swa_lr * now + start * (1 - now))
        return rates
