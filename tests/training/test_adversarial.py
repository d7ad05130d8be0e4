"""The trainer of two networks: whose turn it is, runs that go on with the same bits, and what diverges."""

import json
import os
import signal

import numpy as np
import pytest

import minidl
from minidl import optim
from minidl.data import DataLoader, TensorDataset
from minidl.models import DCGAN, GAN, WGANGP, DCGANConfig, GANConfig, WGANGPConfig
from minidl.training import Callback, Checkpoint, Diverged, JsonLog, Stopped, seed_all
from minidl.training.adversarial import AdversarialTrainer, Mean

FILES = ("checkpoint.safetensors", "model.safetensors")
KINDS = {
    "gan": lambda: GAN(GANConfig(latent=4, hidden=8, side=8)),
    "dcgan": lambda: DCGAN(DCGANConfig(latent=4, width=2, side=8)),
    "wgan-gp": lambda: WGANGP(WGANGPConfig(latent=4, width=2, side=8)),
}


@pytest.fixture(autouse=True)
def random_streams_stay():
    from minidl.training.checkpoint import random_states, set_random_states

    before = random_states()
    yield
    set_random_states(before)


def trainer_of(kind="gan", callbacks=(), lr=0.01, **how):
    seed_all(1)
    model = KINDS[kind]()
    adam = lambda part: optim.Adam(part.parameters(), lr=lr, betas=(0.5, 0.9))
    return AdversarialTrainer(model, adam(model.discriminator), adam(model.generator), callbacks, latent=4, **how)


def data(n=20, batch=4):
    x = minidl.rand(n, 1, 8, 8, generator=minidl.Generator().manual_seed(2))
    return DataLoader(TensorDataset(x, minidl.arange(n)), batch, shuffle=True)


def values(model):
    return {name: t.numpy().copy() for name, t in model.state_dict().items()}


def changed(before, after):
    return {name.split(".")[0] for name in before if (before[name] != after[name]).any()}


class Until(Callback):
    """End the process, or the training, after a step."""

    def __init__(self, step, how):
        self.step, self.how = step, how

    def on_step(self, trainer, step):
        if trainer.run.step == self.step:
            self.how()


@pytest.mark.parametrize("critic_steps", [1, 3])
def test_whose_turn_it_is(critic_steps):
    class Seen(Callback):
        turns = []

        def on_begin(self, trainer):
            self.before = values(trainer.model)

        def on_step(self, trainer, step):
            after = values(trainer.model)
            self.turns.append((changed(self.before, after), step.generator_loss is not None))
            self.before = after
            assert trainer.model.training and all(p.requires_grad for p in trainer.model.parameters())
            assert all(p.grad is None for p in trainer.model.parameters())

    seen = Seen()
    seen.turns = []
    trainer = trainer_of(callbacks=[seen], critic_steps=critic_steps)
    history = trainer.fit(data(), epochs=2, progress=False)
    both = {"discriminator", "generator"}
    assert seen.turns == [(both, True) if k % critic_steps == 0 else ({"discriminator"}, False) for k in range(1, 11)]
    assert set(history[0]) == {"epoch", "step", "train_loss", "train_generator_loss"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [3, 5, 8])
def test_a_run_that_was_ended_goes_on_with_the_same_bits(kind, step, tmp_path):
    """In the middle of an epoch, at its end, and not where the generator's turn is."""
    folders = [tmp_path / "whole", tmp_path / "parts"]
    fit = lambda folder, *more: trainer_of(
        kind, [Checkpoint(folder, every=1), JsonLog(folder / "log.jsonl", every=1), *more], critic_steps=2
    ).fit(data(), epochs=3, resume=folder, progress=False)
    fit(folders[0])
    with pytest.raises(Stopped):
        fit(folders[1], Until(step, lambda: os.kill(os.getpid(), signal.SIGINT)))
    history = fit(folders[1])
    assert [numbers["epoch"] for numbers in history] == [1, 2, 3]
    for name in FILES:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    lines = [[json.loads(line) for line in (f / "log.jsonl").read_text().splitlines()] for f in folders]
    for a, b in zip(*lines, strict=True):
        a.pop("seconds"), b.pop("seconds")
        assert a == b


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the run to be killed is a fork")
def test_a_killed_run_goes_on_with_the_same_bits(tmp_path):
    """SIGKILL between two checkpoints: the steps after the last one are made again."""
    made = lambda folder, *more: trainer_of("dcgan", [Checkpoint(folder, every=4), *more], critic_steps=2)
    child = os.fork()
    if not child:
        try:
            end = Until(7, lambda: os.kill(os.getpid(), signal.SIGKILL))
            made(tmp_path / "parts", end).fit(data(), epochs=3, progress=False)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    for name in ("whole", "parts"):
        made(tmp_path / name).fit(data(), epochs=3, resume=tmp_path / name, progress=False)
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes(), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", ["D", "G"])
def test_what_diverges_is_left_as_it_was_before_that_step(kind, part, tmp_path):
    """Also where D had taken its step already: its weights and its optimizer are put back."""
    trainer = trainer_of(kind, [Checkpoint(tmp_path)])
    trainer.fit(data(), progress=False)
    model, method = trainer.model, {"D": "discriminator_loss", "G": "generator_loss"}[part]
    before, moments = values(model), trainer.optimizer.state_dict()
    moments = {name: {k: v["exp_avg"].numpy().copy() for k, v in s["state"].items()} for name, s in moments.items()}
    good = getattr(model, method)
    setattr(model, method, lambda *inputs: good(*inputs) * float("nan"))
    with pytest.raises(Diverged, match=rf"in step 6 \(epoch 2\) the loss of {part} is nan"):
        trainer.fit(data(), epochs=2, progress=False)
    after = trainer.optimizer.state_dict()
    assert not changed(before, values(model))
    for name, of in moments.items():
        assert all((m == after[name]["state"][k]["exp_avg"].numpy()).all() for k, m in of.items())
    assert trainer.run.step == 5 and all(p.requires_grad for p in model.parameters())

    setattr(model, method, good)  # and what is put back goes on as if nothing had happened
    trainer.fit(data(), epochs=2, resume=tmp_path, progress=False)
    other = trainer_of(kind, [Checkpoint(tmp_path / "other")])
    other.fit(data(), epochs=2, progress=False)
    assert not changed(values(other.model), values(model))


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_that_is_far_too_high_ends_in_words(kind):
    with pytest.raises(Diverged, match=r"in step \d+ \(epoch \d+\) the (loss|gradient) of [DG]"):
        trainer_of(kind, lr=1e30).fit(data(), epochs=4, progress=False)


def test_a_judge_is_asked_in_evaluation_mode_and_changes_nothing():
    def judge(model):
        assert not model.training
        minidl.rand(3)
        return {"size": float(model(minidl.zeros(2, 4)).sum().item())}

    trainers = [trainer_of("dcgan") for _ in range(2)]
    trainers[0].fit(data(), epochs=2, progress=False)
    seed_all(1)
    trainers[1] = trainer_of("dcgan")
    history = trainers[1].fit(data(), judge, epochs=2, progress=False)
    assert not changed(values(trainers[0].model), values(trainers[1].model))
    assert history[1]["validation_size"] > 0 and trainers[1].model.training


def test_the_mean_of_nothing_is_nothing():
    mean = Mean()
    assert mean.compute() is None
    mean.update(2.0, 3)
    mean.update(6.0, 1)
    assert mean.compute() == 3
    again = Mean()
    again.load_state_dict(mean.state_dict())
    assert again.compute() == 3


def test_the_gradients_of_both_are_clipped():
    """Plain gradient descent with rate 1 changes the weights by the gradient: by its norm, but by no more than clip."""
    model = KINDS["gan"]()
    parts = model.discriminator, model.generator
    trainer = AdversarialTrainer(
        model, *(optim.SGD(part.parameters(), lr=1.0) for part in parts), latent=4, clip=0.01
    )  # fmt: skip
    before = values(model)
    trainer.fit([next(iter(data()))], progress=False)
    for part in ("discriminator", "generator"):
        moved = [(values(model)[name] - before[name]).reshape(-1) for name in before if name.startswith(part)]
        assert np.linalg.norm(np.concatenate(moved)) == pytest.approx(0.01, rel=1e-3)


def test_critic_steps_below_1_are_refused():
    with pytest.raises(ValueError, match="critic_steps is 1 or more, got 0"):
        trainer_of(critic_steps=0)
