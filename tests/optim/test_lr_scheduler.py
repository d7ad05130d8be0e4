"""Schedules: rates and momenta beside PyTorch's, combinations, closed forms, saving and going on, refusals."""

import copy
import math

import numpy as np
import pytest

import minidl
from minidl import nn, optim

LAMBDAS = [lambda epoch: 1 / (1 + epoch), lambda epoch: 0.9**epoch]
SCHEDULES = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 100}),
    ("LambdaLR", {"lr_lambda": LAMBDAS[0]}),
    ("LambdaLR", {"lr_lambda": LAMBDAS}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.9}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 3}),
    ("LinearLR", {"start_factor": 0.1, "total_iters": 4}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 7}),
    ("PolynomialLR", {"total_iters": 6, "power": 2.0}),
    ("PolynomialLR", {}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.01}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3}),
    (
        "CyclicLR",
        {"base_lr": [0.01, 0.2], "max_lr": [0.1, 0.3], "step_size_up": 2, "step_size_down": 3, "mode": "triangular2"},
    ),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "mode": "exp_range", "gamma": 0.9, "base_momentum": 0.5},
    ),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "scale_fn": lambda x: 0.5**x, "scale_mode": "iterations"},
    ),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 40}),
    (
        "OneCycleLR",
        {"max_lr": [0.5, 0.2], "epochs": 4, "steps_per_epoch": 10, "anneal_strategy": "linear", "pct_start": 0.4},
    ),
    (
        "OneCycleLR",
        {"max_lr": 0.5, "total_steps": 40, "three_phase": True, "base_momentum": [0.7, 0.8], "div_factor": 5.0},
    ),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 40, "cycle_momentum": False}),
    ("SWALR", {"swa_lr": 0.05}),
    ("SWALR", {"swa_lr": [0.05, 0.5], "anneal_epochs": 4, "anneal_strategy": "linear"}),
    ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 0}),
]  # fmt: skip
CLOSED = ["StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "ConstantLR", "LinearLR", "PolynomialLR"]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is the oracle here")


def make(lib, name, settings, optimizer="SGD", last_epoch=None, groups=None):
    p, q = (lib.zeros(1, requires_grad=True) for _ in range(2))
    more = {"momentum": 0.9} if optimizer == "SGD" else {}
    opt = getattr(lib.optim, optimizer)([{"params": [p]}, {"params": [q], "lr": 0.3}], lr=0.1, **more)
    for group, saved in zip(opt.param_groups, groups or []):
        group.update(saved)
    where = lib.optim.swa_utils if name == "SWALR" else lib.optim.lr_scheduler
    return opt, getattr(where, name)(opt, **settings, **({} if last_epoch is None else {"last_epoch": last_epoch}))


def course(opt, schedule, n=30):
    seen = []
    for _ in range(n):
        opt.step()
        assert schedule.get_last_lr() == [g["lr"] for g in opt.param_groups]
        momenta = [g["betas"][0] if "betas" in g else g["momentum"] for g in opt.param_groups]
        seen.append([*schedule.get_last_lr(), *momenta, schedule.last_epoch])
        schedule.step()
    return seen


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("name, settings", SCHEDULES)
def test_rates_and_momenta_are_pytorchs(name, settings, optimizer, torch):
    courses = [course(*make(lib, name, settings, optimizer)) for lib in (minidl, torch)]
    np.testing.assert_allclose(*courses, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name, settings", SCHEDULES)
def test_going_on_from_a_saved_state(name, settings):
    opt, schedule = make(minidl, name, settings)
    course(opt, schedule, 7)
    saved = copy.deepcopy((opt.state_dict(), schedule.state_dict()))
    assert "optimizer" not in saved[1]
    rest = course(opt, schedule, 10)
    other, again = make(minidl, name, settings)
    other.load_state_dict(saved[0])
    again.load_state_dict(saved[1])
    assert course(other, again, 10) == rest


@pytest.mark.parametrize("name, settings", [case for case in SCHEDULES if case[0] != "SWALR"])
def test_going_on_after_last_epoch(name, settings, torch):
    courses = []
    for lib in (minidl, torch):
        opt, schedule = make(lib, name, settings)
        course(opt, schedule, 6)
        groups = [{key: value for key, value in g.items() if key != "params"} for g in opt.param_groups]
        courses.append(course(*make(lib, name, settings, last_epoch=5, groups=groups), 10))
    np.testing.assert_allclose(*courses, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name, settings", [case for case in SCHEDULES if case[0] in CLOSED])
def test_closed_forms(name, settings, torch):
    """step(epoch), which is deprecated; and that the chained form arrives at the closed one."""
    rates = []
    for lib in (minidl, torch):
        opt, schedule = make(lib, name, settings)
        opt.step()
        rates.append([])
        for epoch in (3, 1, 9, 0):
            with pytest.warns(UserWarning, match="epoch parameter in `scheduler.step"):
                schedule.step(epoch)
            rates[-1].append(schedule.get_last_lr())
    np.testing.assert_allclose(*rates, rtol=1e-12, atol=1e-15)
    opt, schedule = make(minidl, name, settings)
    for _ in range(20):
        np.testing.assert_allclose(schedule.get_last_lr(), schedule._get_closed_form_lr(), rtol=1e-9, atol=1e-12)
        opt.step()
        schedule.step()


@pytest.mark.parametrize("T_mult", [1, 2])
def test_warm_restarts_at_fractions_of_epochs(T_mult, torch):
    rates = []
    for lib in (minidl, torch):
        opt, schedule = make(lib, "CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": T_mult})
        opt.step()
        rates.append([(schedule.step(t), *schedule.get_last_lr())[1:] for t in np.arange(0.0, 9, 0.25).tolist()])
        schedule.step()
        rates[-1].append(tuple(schedule.get_last_lr()))
    np.testing.assert_allclose(*rates, rtol=1e-12)
    with pytest.raises(ValueError, match="non-negative epoch"):
        schedule.step(-1)


PLATEAUS = [
    {},
    {"patience": 1, "cooldown": 2},
    {"patience": 0, "mode": "max", "threshold_mode": "abs", "threshold": 0.1},
    {"patience": 1, "min_lr": [0.05, 0.2], "factor": 0.5},
    {"patience": 0, "threshold": 0.2, "eps": 1e-2},
    {"patience": 0, "mode": "max", "threshold": 0.05},
    {"patience": 0, "threshold_mode": "abs", "threshold": 0.05},
]


@pytest.mark.parametrize("settings", PLATEAUS)
def test_plateaus_are_pytorchs(settings, torch):
    metrics = [1.0, 0.9, 0.95, 0.91, 0.9, 0.89, 0.7, 0.71, 0.72, 0.73, math.nan, 0.74, 0.75, 0.6, 0.61, 0.62, 0.59]
    metrics += [0.6] * 12
    rates = []
    for lib in (minidl, torch):
        opt, schedule = make(lib, "ReduceLROnPlateau", settings)
        rates.append([])
        for k, metric in enumerate(metrics):
            schedule.step(lib.tensor(metric) if k % 2 else metric)
            counts = schedule.num_bad_epochs, schedule.cooldown_counter, schedule.last_epoch
            rates[-1].append([*schedule.get_last_lr(), *counts])
            if k == 9:
                saved = copy.deepcopy((opt.state_dict(), schedule.state_dict()))
                opt, schedule = make(lib, "ReduceLROnPlateau", settings)
                opt.load_state_dict(saved[0])
                schedule.load_state_dict(saved[1])
    np.testing.assert_allclose(*rates, rtol=1e-9)


def test_a_plateau_takes_late_groups():
    for min_lr in (0.0, [0.0, 0.0]):
        opt, schedule = make(minidl, "ReduceLROnPlateau", {"patience": 0, "min_lr": min_lr})
        opt.add_param_group({"params": minidl.zeros(1, requires_grad=True)})
        schedule.step(1.0)
        if min_lr == 0:
            schedule.step(1.0)
            np.testing.assert_allclose(schedule.get_last_lr(), [0.01, 0.03, 0.01])
        else:
            with pytest.raises(RuntimeError, match="number of param groups"):
                schedule.step(1.0)


def combined(lib, kind, opt):
    s = lib.optim.lr_scheduler
    if kind == "chained":
        return s.ChainedScheduler([s.ConstantLR(opt, 0.1, 2), s.ExponentialLR(opt, 0.9), s.StepLR(opt, 4)])
    if kind == "warm-up":
        return s.SequentialLR(opt, [s.LinearLR(opt, 0.1, total_iters=5), s.CosineAnnealingLR(opt, 10)], [5])
    if kind == "three":
        parts = [s.ConstantLR(opt, 0.1, 2), s.ExponentialLR(opt, 0.9), s.StepLR(opt, 3)]
        return s.SequentialLR(opt, parts, [3, 7])
    if kind == "restarts":
        return s.SequentialLR(opt, [s.ExponentialLR(opt, 0.5), s.CosineAnnealingWarmRestarts(opt, 3)], [4])
    if kind == "chain first":
        chain = s.ChainedScheduler([s.StepLR(opt, 2), s.ConstantLR(opt, 0.5, 3)])
        return s.SequentialLR(opt, [chain, s.StepLR(opt, 4)], [6])
    inner = s.SequentialLR(opt, [s.ConstantLR(opt, 0.2, 1), s.StepLR(opt, 2)], [2])
    return s.SequentialLR(opt, [inner, s.ExponentialLR(opt, 0.5)], [6])


@pytest.mark.filterwarnings("ignore:Detected call", "ignore:The epoch parameter")  # PyTorch's of its own first steps
@pytest.mark.parametrize("kind", ["chained", "warm-up", "three", "restarts", "chain first", "nested"])
def test_combinations_are_pytorchs(kind, torch):
    courses = []
    for lib in (minidl, torch):
        opt, _ = make(lib, "LambdaLR", {"lr_lambda": lambda epoch: 1})
        schedule = combined(lib, kind, opt)
        seen = []
        for k in range(16):
            opt.step()
            schedule.step()
            seen.append([g["lr"] for g in opt.param_groups])
            assert schedule.get_last_lr() == seen[-1]
            if k == 7:
                saved = copy.deepcopy((opt.state_dict(), schedule.state_dict()))
                opt, _ = make(lib, "LambdaLR", {"lr_lambda": lambda epoch: 1})
                schedule = combined(lib, kind, opt)
                opt.load_state_dict(saved[0])
                schedule.load_state_dict(saved[1])
        courses.append(seen)
    np.testing.assert_allclose(*courses, rtol=1e-12)


def test_a_schedule_warns_and_resumes():
    p = nn.Parameter(minidl.ones(1))
    opt = optim.SGD([p], lr=1.0)
    schedule = optim.lr_scheduler.StepLR(opt, 2)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        schedule.get_lr()
    with pytest.raises(ValueError, match="'initial_lr' is not specified") as error:
        optim.lr_scheduler.StepLR(optim.SGD([p]), 2, last_epoch=3)
    assert isinstance(error.value, KeyError)


def test_functions_that_are_objects_are_saved():
    class Fall:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, x):
            return self.factor**x

    for name, settings in [
        ("LambdaLR", lambda f: {"lr_lambda": f}),
        ("MultiplicativeLR", lambda f: {"lr_lambda": f}),
        ("CyclicLR", lambda f: {"base_lr": 0.1, "max_lr": 1, "step_size_up": 3, "scale_fn": f}),
    ]:
        _, schedule = make(minidl, name, settings(Fall(0.5)))
        other_function = Fall(0.1)
        _, other = make(minidl, name, settings(other_function))
        other.load_state_dict(copy.deepcopy(schedule.state_dict()))
        assert other_function.factor == 0.5


def test_a_rate_that_is_a_tensor_stays_that_tensor():
    p, lr = nn.Parameter(minidl.ones(1)), minidl.tensor(0.5)
    opt = optim.SGD([p], lr=lr, momentum=0.5)
    schedule = optim.lr_scheduler.ExponentialLR(opt, 0.5)
    before = schedule.get_last_lr()[0]
    opt.step()
    schedule.step()
    assert opt.param_groups[0]["lr"] is lr
    assert (float(lr), float(before), float(schedule.get_last_lr()[0])) == (0.25, 0.5, 0.25)


S = optim.lr_scheduler
WRONG = [
    (ValueError, lambda o: S.StepLR(o, 0), "positive number of epochs"),
    (ValueError, lambda o: S.CosineAnnealingLR(o, 0), "positive number of epochs"),
    (ValueError, lambda o: S.LambdaLR(o, [abs, abs]), "Expected 1 lr_lambdas"),
    (TypeError, lambda o: S.MultiplicativeLR(o, 0.9), "lr_lambda should be a function"),
    (ValueError, lambda o: S.ConstantLR(o, 1.5), "between 0 and 1"),
    (ValueError, lambda o: S.LinearLR(o, 0.0), "greater than 0 and less or equal to 1"),
    (ValueError, lambda o: S.LinearLR(o, 1.0, 2.0), "between 0 and 1"),
    (ValueError, lambda o: S.CosineAnnealingWarmRestarts(o, 0), "positive integer T_0"),
    (ValueError, lambda o: S.CosineAnnealingWarmRestarts(o, 1, 0.5), "integer T_mult >= 1"),
    (ValueError, lambda o: S.CosineAnnealingWarmRestarts(o, 1, 1, "a"), "float or int eta_min"),
    (ValueError, lambda o: S.CyclicLR(o, 0.1, 1.0, mode="x"), "mode is invalid"),
    (ValueError, lambda o: S.CyclicLR(o, [0.1, 0.2], 1.0), "must have the same length"),
    (
        ValueError,
        lambda o: S.CyclicLR(optim.Adagrad([nn.Parameter(minidl.ones(1))]), 0.1, 1.0),
        "must support momentum",
    ),
    (ValueError, lambda o: S.OneCycleLR(o, 0.1), "either total_steps OR"),
    (ValueError, lambda o: S.OneCycleLR(o, 0.1, 0), "positive integer total_steps"),
    (ValueError, lambda o: S.OneCycleLR(o, 0.1, epochs=2, steps_per_epoch=-1), "positive integer steps_per_epoch"),
    (ValueError, lambda o: S.OneCycleLR(o, 0.1, 9, pct_start=2.0), "between 0 and 1 pct_start"),
    (ValueError, lambda o: S.OneCycleLR(o, 0.1, 9, anneal_strategy="x"), "'cos' or 'linear'"),
    (ValueError, lambda o: S.ReduceLROnPlateau(o, "x"), "mode x is unknown"),
    (ValueError, lambda o: S.ReduceLROnPlateau(o, factor=1.0), "Factor should be < 1.0"),
    (ValueError, lambda o: S.ReduceLROnPlateau(o, threshold_mode="x"), "threshold mode x is unknown"),
    (ValueError, lambda o: S.ReduceLROnPlateau(o, min_lr=[0, 0]), "expected 1 min_lrs, got 2"),
    (ValueError, lambda o: S.SequentialLR(o, [], []), "at least one scheduler"),
    (ValueError, lambda o: S.SequentialLR(o, [S.StepLR(o, 1)], [3]), "one more than the number of milestone"),
    (ValueError, lambda o: S.SequentialLR(o, [S.ReduceLROnPlateau(o)], []), "does not support `ReduceLROnPlateau`"),
    (TypeError, lambda o: S.ChainedScheduler([3]), "should have `optimizer`"),
    (
        ValueError,
        lambda o: S.ChainedScheduler([S.StepLR(o, 1), S.StepLR(copy.deepcopy(o), 1)]),
        "belong to the same optimizer",
    ),
    (ValueError, lambda o: optim.swa_utils.SWALR(o, 0.1, anneal_strategy="x"), "'cos' or 'linear'"),
    (ValueError, lambda o: optim.swa_utils.SWALR(o, 0.1, anneal_epochs=-1), "equal or greater than 0"),
    (TypeError, lambda o: S.StepLR(3, 1), "int is not an Optimizer"),
    (TypeError, lambda o: S.ReduceLROnPlateau(3), "int is not an Optimizer"),
    (NotImplementedError, lambda o: S.LRScheduler(o), "has no get_lr"),
]


@pytest.mark.parametrize("kind, wrong, why", WRONG)
def test_what_is_refused(kind, wrong, why):
    with pytest.raises(kind, match=why):
        wrong(optim.SGD([nn.Parameter(minidl.ones(1))], momentum=0.5))


def test_one_cycle_ends():
    opt, schedule = make(minidl, "OneCycleLR", {"max_lr": 0.1, "total_steps": 3})
    opt.step()
    for _ in range(3):
        schedule.step()
    with pytest.raises(ValueError, match="Tried to step 4 times"):
        schedule.step()


def test_a_combination_is_first_or_not_at_all():
    opt, _ = make(minidl, "LambdaLR", {"lr_lambda": lambda epoch: 1})
    chain = S.ChainedScheduler([S.StepLR(opt, 2)])
    schedule = S.SequentialLR(opt, [S.StepLR(opt, 4), chain], [1])
    opt.step()
    with pytest.raises(NotImplementedError, match="only be the first"):
        schedule.step()
