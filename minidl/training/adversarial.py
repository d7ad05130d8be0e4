"""Adversarial training: two networks, each with an optimizer of its own, take turns; all else is the Trainer's."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..api import randn
from ..autograd import Tensor
from ..nn import Module
from ..optim import Optimizer
from .callbacks import Callback
from .checkpoint import random_states, set_random_states
from .loop import Diverged, Step, gradient_norm, the_next
from .metrics import Metric
from .trainer import Trainer


class AdversarialTrainer(Trainer):
    """Train a generator against a discriminator: one step of D for each batch, one of G after every `critic_steps`.

    model: a module with the parts `generator` and `discriminator` and the methods `discriminator_loss(real, z)` and
    `generator_loss(z)`, each the mean over the batch; z (N, latent) ~ N(0, I) is drawn anew for each.
    Of a batch (x, …) x are the real pictures, and the rest is left alone.
    The numbers of an epoch: train_loss, which is D's, and train_generator_loss; and what `fit(validation=judge)` finds:
    a function of the model, in evaluation mode, that returns numbers by name.

    As with any Trainer a run that was killed goes on with the same bits, and Diverged leaves both networks as they were
    before that step."""

    def __init__(
        self, model: Module, discriminator: Optimizer, generator: Optimizer, callbacks: Any = (), *, latent: int,
        critic_steps: int = 1, device: Any = None, prepare: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        if critic_steps < 1:
            raise ValueError(f"AdversarialTrainer: critic_steps is 1 or more, got {critic_steps}")
        self.latent, self.critic_steps = latent, critic_steps
        both: Any = Both(discriminator, generator)
        metrics = {"generator_loss": Mean()}
        super().__init__(model, both, model.generator_loss, callbacks, metrics=metrics, device=device, prepare=prepare)

    def steps(self, batches: Iterator[Any]) -> Iterator[Step]:
        run, both = self.run, self.optimizer
        assert isinstance(both, Both)
        model: Any = run.model
        model.train()
        for real, *_ in batches:
            before = copy.deepcopy((model.state_dict(), both.state_dict())), random_states()
            try:
                noise = lambda: randn(len(real), self.latent, dtype=real.dtype, device=real.device)
                turn = (run.step + 1) % self.critic_steps == 0
                d = self.step_of(model.discriminator, both.discriminator, model.discriminator_loss, real, noise())
                model.discriminator.requires_grad_(False)
                g = self.step_of(model.generator, both.generator, model.generator_loss, noise()) if turn else None
            except Diverged:
                (weights, moments), streams = before
                model.load_state_dict(weights)
                both.load_state_dict(moments)
                set_random_states(streams)
                raise
            finally:
                model.discriminator.requires_grad_(True)
                both.zero_grad()
            run.loss += d.loss * len(real)
            run.seen += len(real)
            if g is not None:
                run.metrics["generator_loss"].update(g.loss, len(real))
            run.batch += 1
            run.step += 1
            yield AdversarialStep(**vars(d), generator_loss=None if g is None else g.loss)

    def step_of(self, part: Module, optimizer: Optimizer, loss_of: Callable[..., Tensor], *inputs: Tensor) -> Step:
        name = "D" if optimizer is self.optimizer.discriminator else "G"  # type: ignore[attr-defined]
        optimizer.zero_grad()
        loss = loss_of(*inputs)
        if not math.isfinite(loss.item()):
            raise Diverged(f"{the_next(self.run)} the loss of {name} is {loss.item()}, so that step was not made")
        loss.backward()
        norm, unfinished = gradient_norm(part)
        if unfinished:
            raise Diverged(
                f"{the_next(self.run)} the gradient of {name}'s {unfinished} is not finite, so that step was not made"
            )
        optimizer.step()
        return Step(loss.item(), norm, float(optimizer.param_groups[0]["lr"]))

    def evaluated(self, loader: Any, go_on: Callable[[], bool] = lambda: True) -> dict[str, Any] | None:
        """What `loader`, here a function of the model, finds; training goes on as if it had not been asked."""
        model, states = self.run.evaluated, random_states()
        was_training = model.training
        model.eval()
        try:
            return loader(model) if go_on() else None
        finally:
            model.train(was_training)
            set_random_states(states)


@dataclass(frozen=True)
class AdversarialStep(Step):
    """D's loss, gradient norm and learning rate, and G's loss where it was G's turn."""

    generator_loss: float | None = None


class Both:
    """Two optimizers under one roof: to be saved, loaded and looked at as one; each takes its own steps."""

    def __init__(self, discriminator: Optimizer, generator: Optimizer) -> None:
        self.discriminator, self.generator = discriminator, generator

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        return [*self.discriminator.param_groups, *self.generator.param_groups]

    @property
    def state(self) -> dict[Any, dict[str, Any]]:
        return {**self.discriminator.state, **self.generator.state}

    def zero_grad(self) -> None:
        self.discriminator.zero_grad()
        self.generator.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        return {"discriminator": self.discriminator.state_dict(), "generator": self.generator.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.discriminator.load_state_dict(state["discriminator"])
        self.generator.load_state_dict(state["generator"])


class Mean(Metric):
    """The mean of what it is given, each counted so many times; None of nothing."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.total, self.count = 0.0, 0

    def update(self, predictions: float, targets: int) -> None:
        self.total += predictions * targets
        self.count += targets

    def compute(self) -> float | None:
        return self.total / self.count if self.count else None


class Each(Callback):
    """Call a function of the trainer after each epoch: to draw what the generator makes by then."""

    def __init__(self, function: Callable[[Trainer], Any]) -> None:
        self.function = function

    def on_epoch(self, trainer: Trainer, numbers: dict[str, Any]) -> None:
        self.function(trainer)
