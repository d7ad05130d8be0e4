"""Adversarial training: two networks, each with an optimizer of its own, take turns; all else is the Trainer's."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from ..api import randn
from ..autograd import Tensor
from ..nn import Module
from ..nn.utils import clip_grad_norm_
from ..optim import Optimizer
from .callbacks import Callback
from .checkpoint import random_states, set_random_states
from .loop import Diverged, Step, changed_by_forward, gradient_norm, restore, the_next
from .metrics import Metric
from .trainer import Trainer


class AdversarialTrainer(Trainer):
    """Train a generator against a discriminator: one step of D for each batch, one of G after every `critic_steps`.

    model: a module with the parts `generator` and `discriminator` and the methods `discriminator_loss(real, z)` and
    `generator_loss(z)`, each the mean over the batch; z (N, latent) ~ N(0, I) is drawn anew for each.
    Of a batch (x, …) x are the real pictures, and the rest is left alone.
    The numbers of an epoch: train_loss, which is D's, and train_generator_loss; and what `fit(validation=judge)` finds:
    a function of the model, in evaluation mode, that returns numbers by name. clip: the largest norm of D's gradient,
    and of G's.

    As with any Trainer a run that was killed goes on with the same bits, and what diverges is left as it was before
    that step: D and G both, and their optimizers."""

    def __init__(
        self, model: Module, discriminator: Optimizer, generator: Optimizer, callbacks: Any = (), *, latent: int,
        critic_steps: int = 1, clip: float | None = None, device: Any = None,
        prepare: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        if critic_steps < 1:
            raise ValueError(f"AdversarialTrainer: critic_steps is 1 or more, got {critic_steps}")
        self.latent, self.critic_steps = latent, critic_steps
        both: Any = Both(discriminator, generator)
        super().__init__(
            model, both, model.generator_loss, callbacks, metrics={"generator_loss": Mean()}, clip=clip, device=device,
            prepare=prepare,
        )  # fmt: skip

    def steps(self, batches: Iterator[Any]) -> Iterator[Step]:
        run, both = self.run, cast(Any, self.optimizer)
        model = cast(Any, run.model)
        D, G = model.discriminator, model.generator
        model.train()
        for real, *_ in batches:
            last = (run.step + 1) % self.critic_steps == 0  # D's step after which it is G's turn
            before = changed_by_forward(model)
            taken = copy.deepcopy((D.state_dict(), both.discriminator.state_dict())) if last else None
            try:
                d = self.one_step("D", D, both.discriminator, model.discriminator_loss(real, self.noise(real)))
                D.requires_grad_(False)  # G's step leaves D as it is
                g = self.one_step("G", G, both.generator, model.generator_loss(self.noise(real))) if last else None
            except Diverged:
                if taken is not None:
                    D.load_state_dict(taken[0])
                    both.discriminator.load_state_dict(taken[1])
                restore(model, before)
                raise
            finally:
                D.requires_grad_(True)
                both.zero_grad()
            run.loss += d.loss * len(real)
            run.seen += len(real)
            if g is not None:
                run.metrics["generator_loss"].update(g.loss, len(real))
            run.batch += 1
            run.step += 1
            yield AdversarialStep(**vars(d), generator_loss=None if g is None else g.loss)

    def noise(self, real: Tensor) -> Tensor:
        """z ~ N(0, I), a row for each of the pictures."""
        return randn(len(real), self.latent, dtype=real.dtype, device=real.device)

    def one_step(self, name: str, part: Module, optimizer: Optimizer, loss: Tensor) -> Step:
        if not math.isfinite(loss.item()):
            raise Diverged(f"{the_next(self.run)} the loss of {name} is {loss.item()}, so that step was not made")
        optimizer.zero_grad()
        loss.backward()
        norm, unfinished = gradient_norm(part)
        if unfinished:
            raise Diverged(
                f"{the_next(self.run)} the gradient of {name}'s {unfinished} is not finite, so that step was not made"
            )
        if self.clip is not None:
            clip_grad_norm_(part.parameters(), self.clip)
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
