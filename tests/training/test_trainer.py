"""Trainer: a plain loop's bits, whatever ends it, and what the callbacks do."""

import csv
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.data import DataLoader, TensorDataset
from minidl.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from minidl.training import (
    Callback,
    Checkpoint,
    CsvLog,
    Diverged,
    EarlyStopping,
    JsonLog,
    Stopped,
    Trainer,
    metrics,
    schedules,
)

from .resumable import made

PROGRAM = Path(__file__).with_name("resumable.py")
FILES = ("checkpoint.safetensors", "model.safetensors", "best.safetensors", "log.csv")


@pytest.fixture(autouse=True)
def random_streams_stay():
    before = minidl.get_rng_state(), np.random.get_state(), random.getstate()
    yield
    minidl.set_rng_state(before[0])
    np.random.set_state(before[1])
    random.setstate(before[2])


def net(seed=0, outputs=2):
    minidl.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, outputs))


def data(n=50, batch=10, seed=1, shuffle=True):
    minidl.manual_seed(seed)
    x = minidl.randn(n, 4)
    return DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch, shuffle)


def trainer_of(callbacks=(), lr=0.1, **how):
    model = net()
    return Trainer(model, optim.SGD(model.parameters(), lr=lr), nn.CrossEntropyLoss(), callbacks, **how)


def fit(trainer, *args, **how):
    return trainer.fit(*args, progress=False, **how)


def same(a, b):
    a, b = (m.state_dict() for m in (a, b))
    return a.keys() == b.keys() and all((a[k] == b[k]).all().item() for k in a)


# ---------------------------------------------------------------------------------------------- the loop


def test_it_has_the_bits_of_a_plain_loop():
    trainer = trainer_of(clip=0.5, ema=0.9, schedule=lambda step: 1 / (1 + step))
    fit(trainer, data(), epochs=3)

    model, loss_fn = net(), nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    loader = data()
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            schedule.step()
            ema.update_parameters(model)
    assert same(trainer.model, model)
    assert same(trainer.run.ema, ema)


@pytest.mark.parametrize("accumulate, batch", [(3, 7), (5, 10), (9, 10)])
def test_accumulated_batches_are_one_batch(accumulate, batch):
    """Also the last few, and with a last batch that is smaller than the others."""
    models = []
    for size, k in ((batch, accumulate), (batch * accumulate, 1)):
        model = nn.Linear(4, 2).double()
        with minidl.no_grad():
            for p in model.parameters():
                p.copy_(minidl.arange(p.numel()).reshape(p.shape) / 10)
        loader = data(batch=size, shuffle=False)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        steps = []
        trainer = Trainer(
            model, optimizer, nn.CrossEntropyLoss(), [Each(steps.append)], accumulate=k, prepare=lambda x: x.double()
        )
        fit(trainer, loader, epochs=2)
        models.append((model, steps))
    (a, steps), (b, whole) = models
    assert len(steps) == len(whole)
    np.testing.assert_allclose([s.loss for s in steps], [s.loss for s in whole], rtol=1e-12)
    np.testing.assert_allclose(a.weight.detach().numpy(), b.weight.detach().numpy(), rtol=1e-10)


class Each(Callback):
    def __init__(self, do):
        self.do = do

    def on_step(self, trainer, step):
        self.do(step)


def test_l1_and_clip_value_are_in_the_gradient():
    for how, expected in (({"l1": 0.5}, 2.0 + 0.5), ({"clip_value": 0.25}, 0.25), ({"clip": 0.125}, 0.125)):
        model = nn.Linear(1, 1, bias=False)
        with minidl.no_grad():
            model.weight.fill_(3.0)
        trainer = Trainer(model, optim.SGD(model.parameters(), lr=1.0), lambda p, y: p.mean(), **how)
        fit(trainer, [(minidl.tensor([[2.0]]), minidl.zeros(1))])
        assert model.weight.item() == pytest.approx(3.0 - expected, rel=1e-5)


def test_regression_several_inputs_and_plain_batches():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 1)

        def forward(self, a, b):
            return self.linear(a + b)[:, 0]

    model = Sum()
    a, b = minidl.randn(40, 2), minidl.randn(40, 2)
    batches = [(a[:20], b[:20], (a + b).sum(1)[:20]), (a[20:], b[20:], (a + b).sum(1)[20:])]
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.2), nn.MSELoss(), metrics={"r2": metrics.R2()})
    history = fit(trainer, batches, batches, epochs=60)
    assert history[-1]["validation_r2"] > 0.99
    assert trainer.predict(batches).shape == (40,)
    assert trainer.evaluate(batches)["r2"] == history[-1]["validation_r2"]


def test_evaluation_uses_the_average_and_leaves_everything_as_it_was():
    trainer = trainer_of(ema=0.5, metrics=[metrics.Accuracy()])
    loader = data()
    fit(trainer, loader, epochs=1)
    trainer.model.train()
    inputs = data(shuffle=False)
    place, weights = minidl.get_rng_state(), {k: t.clone() for k, t in trainer.run.ema.state_dict().items()}
    found, predicted = trainer.evaluate(loader), trainer.predict(inputs)
    assert set(found) == {"loss", "accuracy"}
    assert (minidl.get_rng_state() == place).all()
    assert trainer.model.training
    assert all((weights[k] == t).all() for k, t in trainer.run.ema.state_dict().items())
    x = inputs.dataset.tensors[0]
    assert minidl.allclose(predicted, trainer.run.ema.module.eval()(x))


def test_on_a_device(device, tmp_path):
    how = {"clip": 1.0, "accumulate": 2, "ema": 0.9, "metrics": [metrics.Accuracy()], "device": device}
    whole, parts = trainer_of(**how), [trainer_of([Checkpoint(tmp_path)], **how) for _ in range(2)]
    fit(whole, data(), data(), epochs=2)
    for epochs, trainer in zip((1, 2), parts):
        fit(trainer, data(), data(), epochs=epochs, resume=tmp_path)
    assert str(next(trainer.model.parameters()).device).startswith(device)
    assert same(trainer.model, whole.model) and same(trainer.run.ema, whole.run.ema)
    assert trainer.history == whole.history


@pytest.mark.parametrize("by", ["epoch", "step"])
def test_schedulers_by_epoch_or_step(by):
    trainer = trainer_of()
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    halving = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    rates = []
    trainer = Trainer(
        model, optimizer, nn.CrossEntropyLoss(), [Each(lambda step: rates.append(step.lr))], schedule=halving,
        schedule_by=by,
    )  # fmt: skip
    fit(trainer, data(20), epochs=2)
    assert rates == ([1, 1, 0.5, 0.5] if by == "epoch" else [1, 0.5, 0.25, 0.125])


def test_a_plateau_lowers_the_rate():
    model = net()
    optimizer = optim.SGD(model.parameters(), lr=1e-9)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, threshold=0.1, eps=0)
    fit(Trainer(model, optimizer, nn.CrossEntropyLoss(), schedule=plateau), data(), data(), epochs=4)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-10)


def test_schedules():
    rise = [schedules.constant(4)(t) for t in range(6)]
    assert rise == [0.25, 0.5, 0.75, 1, 1, 1]
    cosine = [schedules.cosine(12, 2, 0.1)(t) for t in range(14)]
    assert cosine[:3] == [0.5, 1, 1] and cosine[7] == pytest.approx(0.55) and cosine[12:] == [0.1, 0.1]
    assert [schedules.linear(4)(t) for t in range(6)] == [1, 0.75, 0.5, 0.25, 0, 0]
    with pytest.raises(ValueError, match="the warm-up is part of the steps, got 5 of 5"):
        schedules.cosine(5, 5)


# ---------------------------------------------------------------------------------------------- killed and resumed


def start(folder, workers):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, str(PROGRAM), str(folder), str(workers)], env=environment)


def log(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def same_end(a, b):
    return all((a / name).read_bytes() == (b / name).read_bytes() for name in FILES) and log(a) == log(b)


@pytest.mark.timeout(900)  # with --all sixty kills
def test_killed_at_random_moments_it_ends_with_the_same_bits(tmp_path, request):
    """Accumulation, average, schedule, early stopping, shuffling workers: all of it, by SIGKILL."""
    wanted = 60 if request.config.getoption("--all") else 3
    began = time.monotonic()
    assert start(tmp_path / "whole", 2).wait() == 0
    seconds = time.monotonic() - began
    chance, kills, runs = random.Random(0), 0, 0
    while kills < wanted:
        folder, here, runs = tmp_path / f"run{runs}", 0, runs + 1
        while True:
            process = start(folder, chance.choice([0, 2]))
            killed = here < 6 and kills < wanted
            try:
                assert process.wait(timeout=chance.uniform(0.3, 1) * seconds if killed else None) == 0
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                here, kills = here + 1, kills + 1
        assert same_end(tmp_path / "whole", folder), f"run {runs}, killed {here} times, ended otherwise"


class Gone(BaseException):
    """As a kill: nothing is done any more."""


def test_every_step_can_be_resumed_from(tmp_path, monkeypatch):
    made(tmp_path / "whole")[1]()
    saved = Checkpoint.save
    for stop in range(1, 15):
        left = [stop]

        def once(self, trainer, left=left):
            saved(self, trainer)
            left[0] -= 1
            if not left[0]:
                raise Gone

        folder = tmp_path / str(stop)
        monkeypatch.setattr(Checkpoint, "save", once)
        with pytest.raises(Gone):
            made(folder)[1]()
        monkeypatch.setattr(Checkpoint, "save", saved)
        with open(folder / "log.csv", "a") as file:
            file.write("what no checkpoint knows of\ncut sho")
        made(folder)[1]()
        assert same_end(tmp_path / "whole", folder), stop


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")
def test_ctrl_c_ends_between_two_steps_and_fit_goes_on(tmp_path):
    whole = trainer_of()
    fit(whole, data(), epochs=3)
    seen = []

    def interrupt(step):
        seen.append(step)
        if len(seen) == 8:
            signal.raise_signal(signal.SIGINT)

    trainer, loader = trainer_of([Each(interrupt), Checkpoint(tmp_path)]), data()
    with pytest.raises(Stopped, match=r"stopped after step 8 \(epoch 2\)") as stopped:
        fit(trainer, loader, epochs=3)
    assert stopped.value.status == 130
    assert isinstance(stopped.value, KeyboardInterrupt)
    assert minidl.load(tmp_path / "checkpoint.safetensors")["progress"]["step"] == 8
    fit(trainer, loader, epochs=3)
    assert same(trainer.model, whole.model)


def test_a_state_goes_on_in_another_trainer():
    whole = trainer_of()
    fit(whole, data(), epochs=4)
    first = trainer_of()
    fit(first, data(), epochs=2)
    state = first.state_dict()
    second, loader = trainer_of(), data()
    second.load_state_dict(state)
    assert fit(second, loader, epochs=4) == whole.history
    assert same(second.model, whole.model)


def test_a_trainer_with_other_parts_is_refused():
    with pytest.raises(ValueError, match="only one has a part named ema"):
        trainer_of(ema=0.9).load_state_dict(trainer_of().state_dict())
    with pytest.raises(ValueError, match="has the callbacks none, and this run has EarlyStopping 0"):
        trainer_of([EarlyStopping()]).load_state_dict(trainer_of().state_dict())
    with pytest.raises(ValueError, match="has the metrics accuracy, and this run has none"):
        trainer_of().load_state_dict(trainer_of(metrics=[metrics.Accuracy()]).state_dict())


# ---------------------------------------------------------------------------------------------- callbacks


class Numbers(Callback):
    """Says what the validation loss is to have been."""

    def __init__(self, *values):
        self.values, self.weights = values, []

    def on_epoch(self, trainer, numbers):
        numbers["validation_loss"] = self.values[trainer.run.epoch - 1]
        self.weights.append({k: t.clone() for k, t in trainer.model.state_dict().items()})


def test_early_stopping_has_the_best_weights_again():
    numbers, stopping = Numbers(3.0, 1.0, math.nan, 2.0, 1.0, 0.5), EarlyStopping(patience=3)
    trainer = trainer_of([numbers, stopping])
    assert len(fit(trainer, data(), epochs=6)) == 5
    assert (stopping.best, stopping.best_epoch) == (1.0, 2)
    now = trainer.model.state_dict()
    assert all((now[k] == t).all() for k, t in numbers.weights[1].items())
    assert len(fit(trainer, data(), epochs=6)) == 6  # asked again, it goes on


def test_early_stopping_at_the_last_epoch_and_without_weights():
    numbers = Numbers(3.0, 1.0, 2.0)
    trainer = trainer_of([numbers, EarlyStopping(patience=3)])
    fit(trainer, data(), epochs=3)
    assert all((trainer.model.state_dict()[k] == t).all() for k, t in numbers.weights[1].items())
    numbers = Numbers(1.0, 2.0)
    trainer = trainer_of([numbers, EarlyStopping("validation_loss", patience=1, restore_best=False)])
    fit(trainer, data(), epochs=9)
    assert all((trainer.model.state_dict()[k] == t).all() for k, t in numbers.weights[1].items())


def test_logs(tmp_path):
    trainer = trainer_of([JsonLog(tmp_path / "a.jsonl", every=5), CsvLog(tmp_path / "a.csv")])
    history = fit(trainer, data(), data(), epochs=2)
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [(line["event"], line["step"]) for line in lines] == [("step", 5), ("epoch", 5), ("step", 10), ("epoch", 10)]
    assert set(lines[0]) == {"event", "epoch", "step", "loss", "gradient_norm", "lr", "seconds"}
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{k: float(v) for k, v in row.items()} for row in rows] == history


def test_progress_is_shown(capsys):
    trainer_of(metrics=[metrics.Accuracy()]).fit(data(), data(), epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith("epoch 2/2  train loss 0.")
    assert "validation accuracy" in lines[1]


def test_a_nan_stops_before_its_step_and_is_saved(tmp_path):
    x, y = next(iter(data()))
    batches = [(x, y), (x, y), (x * math.nan, y), (x, y)]
    for accumulate in (1, 2):
        trainer = trainer_of([Checkpoint(tmp_path)], accumulate=accumulate)
        with pytest.raises(Diverged, match="the loss is nan, so that step was not made"):
            fit(trainer, batches)
        saved = minidl.load(tmp_path / "checkpoint.safetensors")
        assert (saved["progress"]["step"], saved["progress"]["batch"]) == (2 // accumulate, 2)
        assert all(t.isfinite().all().item() for t in saved["model"].values())
        assert all((saved["model"][k] == t).all() for k, t in trainer.model.state_dict().items())


def test_after_a_nan_the_same_batch_comes_again():
    """A regression: the checkpoint said that the batch which was not learned from was over."""
    loader = DataLoader(TensorDataset(minidl.randn(10, 4), minidl.zeros(10).long()), 2)
    trainer, fail = trainer_of(), []

    def loss(p, y):
        return (p * math.nan).sum() if fail else p.sum()

    trainer.loss_of = loss
    trainer.callbacks.append(Each(lambda step: fail.append(1) if trainer.run.step == 2 else None))
    with pytest.raises(Diverged):
        fit(trainer, loader)
    assert trainer.state_dict()["data"]["batches"] == 2
    fail.clear()
    fit(trainer, loader)
    assert trainer.run.step == 5


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: trainer_of(clip=0), "clip is a number above 0, got 0"),
        (lambda: trainer_of(accumulate=0), "accumulate is 1 batch"),
        (lambda: trainer_of(schedule_by="batch"), "'step' or 'epoch', got 'batch'"),
        (lambda: trainer_of(ema=2.0), "decay value 2.0"),
        (lambda: EarlyStopping(mode="less"), "'min' or 'max', got 'less'"),
        (lambda: fit(trainer_of([EarlyStopping()]), data()), "no 'validation_loss' among .* train_loss"),
        (lambda: fit(trainer_of(), []), "the loader gave no batches"),
        (lambda: fit(trainer_of(), [minidl.zeros(3, 4)]), r"a batch is \(x, y\), got Tensor"),
        (lambda: trainer_of().predict([]), "gave no batches"),
        (lambda: trainer_of(schedule=optim.lr_scheduler.StepLR(trainer_of().optimizer, 1)), "another optimizer"),
    ],
)
def test_what_cannot_be_is_said(call, said):
    with pytest.raises((ValueError, TypeError), match=said):
        call()
