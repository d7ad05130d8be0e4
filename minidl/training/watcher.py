"""watch: looks on while a loop trains, and speaks up once about each mistake it sees."""

import math
import sys
import warnings
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from ..autograd import Tensor, is_grad_enabled
from ..autograd.backward import reachable
from ..nn import Module
from . import checks
from .findings import Finding, TrainingWarning
from .linter import places_in

MANY = 300  # steps after which a loss should be below chance
WINDOW = 50  # steps whose mean loss is compared with it
CHANCE = 0.97  # of the entropy of the labels: a loss above that has learned next to nothing


def warn(finding: Finding) -> None:
    """A TrainingWarning that points at the line of the user's that led here."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("minidl."):
        level, frame = level + 1, frame.f_back
    warnings.warn(str(finding), TrainingWarning, stacklevel=level)


class watch:
    """Look on while a loop trains: `with watch(model, optimizer, loss_fn): ...` around it.

    What it sees is read off the calls that the loop makes anyway, so nothing is computed twice, and the training has
    the same bits with it and without. loss_fn: the loss, where it is a module; without it the checks of what the loss
    is fed, and of the loss at chance level, are left out.
    Each mistake is told once, as a TrainingWarning; or to `tell`, a function that takes the Finding."""

    def __init__(
        self, model: Module, optimizer: Any, loss_fn: Module | None = None, *,
        tell: Callable[[Finding], Any] | None = None,
    ) -> None:  # fmt: skip
        if loss_fn is not None and not isinstance(loss_fn, Module):
            raise TypeError(f"watch: loss_fn is a module such as nn.CrossEntropyLoss(), got {type(loss_fn).__name__}")
        self.model, self.optimizer, self.loss_fn = model, optimizer, loss_fn
        self.tell = tell or warn
        self.told: set[str] = set()
        self.steps = 0
        self.stepped = False  # since the last backward
        self.losses: deque[float] = deque(maxlen=WINDOW)
        self.labels: Counter[int] = Counter()
        self.handles: list[Any] = []
        self.places: Any = None

    def __enter__(self) -> "watch":
        for name, module in checks.noisy(self.model):
            self.handles.append(module.register_forward_pre_hook(self.before_noisy(name)))
        for name, p in self.model.named_parameters():
            if p.requires_grad:
                self.handles.append(p.register_hook(self.before_gradient(name, p)))
        if self.loss_fn is not None:
            self.noting = places_in(self.model)
            self.places = self.noting.__enter__()
            self.handles.append(self.loss_fn.register_forward_hook(self.after_loss))
        self.before = vars(self.optimizer).get("step")
        self.step = self.optimizer.step
        self.optimizer.step = self.watched_step
        return self

    def __exit__(self, *error: object) -> None:
        for handle in self.handles:
            handle.remove()
        self.stop_noting()
        if self.before is None:
            del self.optimizer.step
        else:
            self.optimizer.step = self.before

    def say(self, *findings: Finding) -> None:
        for finding in findings:
            if finding.name not in self.told:
                self.told.add(finding.name)
                self.tell(finding)

    # ---- what the loop calls

    def before_noisy(self, name: str) -> Callable[..., None]:
        def hook(module: Module, args: Any) -> None:
            if module.training and not is_grad_enabled():
                self.say(checks.forgotten_eval(name, module))

        return hook

    def before_gradient(self, name: str, p: Tensor) -> Callable[[Tensor], None]:
        """Several backwards before one step add up on purpose; a gradient that a step has used is only in the way."""

        def hook(g: Tensor) -> None:
            if self.stepped:
                self.stepped = False
                if checks.has_gradient(p):
                    self.say(checks.forgotten_zero_grad(name))

        return hook

    def after_loss(self, module: Module, args: Any, loss: Any) -> None:
        if not isinstance(loss, Tensor) or loss.node is None or not is_grad_enabled():
            return
        if self.places is not None:
            names = {p: name for name, p in self.model.named_parameters()}
            n = len(args[0]) if args and isinstance(args[0], Tensor) and args[0].ndim else 1
            self.say(
                *checks.check_softmax(loss, self.places),
                *checks.check_one_hot(loss),
                *checks.check_inputs(reachable([loss.node]), names, n),
            )
            self.stop_noting()
        if "chance" not in self.told and loss.ndim == 0:
            self.look_at_chance(loss, args)

    def watched_step(self, *args: Any, **kwargs: Any) -> Any:
        self.steps += 1
        if not args and not kwargs:  # with a closure the gradients are only made inside
            named = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
            got = {name: (p, p.grad) for name, p in named.items() if p.grad is not None}
            if self.steps == 1:
                self.say(*checks.check_parameters(self.model, {p for p, _ in got.values()}, self.optimizer))
            if math.log10(self.steps).is_integer():  # in steps 1, 10, 100, …
                self.say(*checks.check_gradients(got))
            if self.steps <= 2 or self.steps % 100 == 0:
                asleep = [(name, m) for name, m in checks.noisy(self.model) if not m.training]
                if asleep and not self.model.training:
                    self.say(checks.forgotten_train(*asleep[0]))
        self.stepped = True
        return self.step(*args, **kwargs)

    # ---- chance

    def look_at_chance(self, loss: Tensor, args: Any) -> None:
        """Is the mean loss after many steps still that of the labels' frequencies alone?"""
        y = args[1] if len(args) > 1 else None
        made_by = loss.node.op.name if loss.node is not None else None
        if not isinstance(y, Tensor) or y.dtype.kind not in "iu" or made_by not in checks.CLASSIFYING:
            return
        self.losses.append(loss.item())
        if self.steps < MANY + WINDOW:
            self.labels.update(y.reshape(-1).tolist())
        if self.steps >= MANY and len(self.losses) == WINDOW:
            total = sum(self.labels.values())
            entropy = -sum(n / total * math.log(n / total) for n in self.labels.values())
            mean = sum(self.losses) / WINDOW
            if entropy > 0 and mean > CHANCE * entropy:
                self.say(
                    Finding(
                        "chance", f"after {self.steps} steps the loss is {mean:.4f}, and guessing by the labels' "
                        f"frequencies alone gives {entropy:.4f}: nothing has been learned", type(self.model).__name__,
                        "look whether labels and inputs belong together, whether the optimizer has the parameters, and "
                        "at the learning rate: ten times less, ten times more",
                    )
                )  # fmt: skip

    def stop_noting(self) -> None:
        if self.places is not None:
            self.noting.__exit__(None, None, None)
            self.places = None
