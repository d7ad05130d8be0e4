"""PyTorch's samples of its optimizers (OptimizerInfo), and its schedules: the same steps from the same place."""

import functools

import numpy as np
import torch

import minidl

from .compare import same_array
from .databases import OptimizerErrorEnum, optim_db
from .mirror import Foreign, Mirror, Missing, find, numbers
from .outcomes import Outcome, quiet, raised, scope, shown

STEPS = 6
STEPS_OF = {"optim.LBFGS": 4}  # its iterations multiply a difference in the last digit by a thousand a step


@functools.cache
def optimizers():
    found = {f"optim.{info.optim_cls.__name__}": info for info in optim_db}
    return {name: info for name, info in found.items() if name in scope()}


def start(module, kind):
    """Two parameters of one library, the same numbers in both (Muon takes matrices only)."""
    rng = np.random.default_rng(7)
    arrays = [rng.normal(size=shape) for shape in ([(3, 4), (4, 2)] if kind == "optim.Muon" else [(3, 4), (5,)])]
    tensors = [module.tensor(a) for a in arrays]
    for t in tensors:
        t.requires_grad = True
    return tensors


def bowl(parameters, step):
    """A loss with curvature, whose slope also changes from step to step."""
    return sum(((p * p * (k + 1) + (p * (step + k)).sin() + p) / 3).sum() for k, p in enumerate(parameters))


def descend(optimizer, parameters, schedules=()):
    """Where each step leads, and the learning rate after it."""
    for step in range(STEPS_OF.get(f"optim.{type(optimizer).__name__}", STEPS)):
        def closure(step=step):
            optimizer.zero_grad()
            loss = bowl(parameters, step)
            loss.backward()
            return loss

        optimizer.step(closure)
        for schedule in schedules:
            schedule.step(*([10.0 - step] if type(schedule).__name__ == "ReduceLROnPlateau" else []))
        yield [p.detach() for p in parameters], float(optimizer.param_groups[0]["lr"])


def compare(name, how, number, sample, theirs, ours):
    """One outcome: both make what they step with, and take STEPS steps."""
    outcome = Outcome(name, name, how, "float64", number, sample)
    try:
        expected = [([p.clone() for p in ps], lr) for ps, lr in theirs()]
    except Exception as error:
        kind = type(error)
        outcome.how = f"{how} refused"
        try:
            list(ours())
        except Missing as missing:
            outcome.value = str(missing)
        except Exception as error:
            outcome.value = "" if isinstance(error, kind) else raised(error, kind)
        else:
            outcome.value = f"accepts what PyTorch refuses with {kind.__name__}"
        return [outcome]
    try:
        for step, ((there, rate), (here, our_rate)) in enumerate(zip(expected, ours())):
            if abs(rate - our_rate) > 1e-9:
                outcome.value = f"step {step}: learning rate {our_rate}, not {rate}"
            for a, b in zip(here, there):
                outcome.value = outcome.value or same_array(a.array, numbers(b), 10)
            if outcome.value:
                outcome.value = f"step {step}: {outcome.value}"
                break
    except Foreign:
        return []
    except Missing as missing:
        outcome.value = str(missing)
    except Exception as error:
        outcome.value = raised(error)
    return [outcome]


def run(name, cap=None):
    info, found = optimizers()[name], []
    with quiet():
        for number, sample in enumerate(info.optim_inputs_func("cpu")[:cap]):
            found += compare(name, "steps", number, shown(**sample.kwargs), *sides(name, sample.kwargs))
        for number, schedules in enumerate(info.scheduler_inputs):
            found += compare(name, "steps with a schedule", number, "", *sides(name, {"lr": 0.01}, schedules))
        if info.optim_error_inputs_func is not None:
            for number, case in enumerate(info.optim_error_inputs_func("cpu", torch.float64)):
                given = case.optimizer_error_input
                if case.error_on is OptimizerErrorEnum.CONSTRUCTION_ERROR and given.params is None:
                    found += compare(name, "error", number, shown(**given.kwargs), *sides(name, given.kwargs))
    return found


def sides(name, keywords, schedules=()):
    def theirs():
        parameters = start(torch, name)
        optimizer = getattr(torch.optim, name.removeprefix("optim."))(parameters, **keywords)
        return descend(optimizer, parameters, [make(optimizer) for make in schedules])

    def ours():
        mirror = Mirror()
        parameters = start(minidl, name)
        optimizer = find(name)(parameters, **mirror(keywords))
        return descend(optimizer, parameters, [mirror(make)(optimizer) for make in schedules])

    return theirs, ours


# One way or several to make each schedule, by keyword; an optimizer comes first.
SCHEDULES = {
    "LambdaLR": [{"lr_lambda": lambda epoch: 0.9**epoch}],
    "MultiplicativeLR": [{"lr_lambda": lambda epoch: 0.95}],
    "StepLR": [{"step_size": 2}, {"step_size": 3, "gamma": 0.5}],
    "MultiStepLR": [{"milestones": [1, 4]}, {"milestones": [2, 2, 3], "gamma": 0.3}],
    "ConstantLR": [{}, {"factor": 0.5, "total_iters": 3}],
    "LinearLR": [{}, {"start_factor": 0.2, "end_factor": 0.8, "total_iters": 4}],
    "ExponentialLR": [{"gamma": 0.9}],
    "PolynomialLR": [{}, {"total_iters": 4, "power": 2.0}],
    "CosineAnnealingLR": [{"T_max": 4}, {"T_max": 3, "eta_min": 0.002}],
    "CosineAnnealingWarmRestarts": [{"T_0": 2}, {"T_0": 2, "T_mult": 2, "eta_min": 0.001}],
    "CyclicLR": [{"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 2, "cycle_momentum": False},
                 {"base_lr": 0.001, "max_lr": 0.1, "step_size_up": 2, "step_size_down": 1, "mode": "triangular2"},
                 {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 1, "mode": "exp_range", "gamma": 0.9}],
    "OneCycleLR": [{"max_lr": 0.1, "total_steps": 10}, {"max_lr": 0.1, "epochs": 2, "steps_per_epoch": 4},
                   {"max_lr": 0.1, "total_steps": 8, "three_phase": True, "anneal_strategy": "linear"}],
    "ReduceLROnPlateau": [{"mode": "max", "patience": 0}, {"patience": 1, "factor": 0.5, "cooldown": 1}],
}  # fmt: skip


def run_schedule(name, cap=None):
    found = []
    with quiet():
        for number, keywords in enumerate(SCHEDULES[name][:cap]):
            full = f"optim.lr_scheduler.{name}"
            found += compare(full, "schedule", number, shown(**keywords), *schedule_sides(full, keywords))
    return found


def schedule_sides(name, keywords):
    def one(module, kind):
        parameters = start(module, "")
        optimizer = module.optim.SGD(parameters, lr=0.02, momentum=0.9)
        return descend(optimizer, parameters, [kind(optimizer, **keywords)])

    theirs = getattr(torch.optim.lr_scheduler, name.rpartition(".")[2])
    return lambda: one(torch, theirs), lambda: one(minidl, find(name))
