"""PyTorch's samples of its modules (ModuleInfo): made alike, given the same parameters, called on the same tensors."""

import functools

import torch

from .compare import flat, same
from .databases import ModuleErrorEnum, module_db
from .mirror import Foreign, Mirror, Missing, dtype_of, find
from .outcomes import Outcome, gradients, quiet, raised, scope, seed, shown

DTYPES = [torch.float64, torch.float32]


@functools.cache
def modules():
    """The modules in scope by name, as `nn.Linear`."""
    found = {f"nn.{info.module_cls.__name__}": info for info in module_db}
    return {name: info for name, info in found.items() if name in scope()}


def run(name, cap=None):
    info, found = modules()[name], []
    with quiet():
        for dtype in DTYPES:
            if dtype not in info.supported_dtypes("cpu"):
                continue
            for training in (True, False) if info.train_and_eval_differ else (True,):
                seed(name)
                given = {"device": "cpu", "dtype": dtype, "requires_grad": True, "training": training}
                samples = info.module_inputs_func(info, **given)
                for number, sample in enumerate(samples[:cap]):
                    found += run_sample(name, info, dtype, training, number, sample)
        if info.module_error_inputs_func is not None:
            for number, case in enumerate(info.module_error_inputs_func(info, "cpu", torch.float32, True, True)):
                found += run_error(name, info, number, case)
    return found


def run_sample(name, info, dtype, training, number, sample):
    made, called = sample.constructor_input, sample.forward_input
    theirs = info.module_cls(*made.args, **made.kwargs).to(dtype).train(training)
    outcome = Outcome(name, name, "training" if training else "evaluating", str(dtype).removeprefix("torch."), number,
                      f"{shown(*made.args, **made.kwargs)}; {shown(*called.args, **called.kwargs)}")
    before = {key: value.clone() for key, value in theirs.state_dict().items()}
    results = []
    for _ in range(2):
        theirs.load_state_dict(before)
        torch.manual_seed(len(results))
        try:
            results.append(theirs(*called.args, **called.kwargs))
        except Exception:
            return []  # a sample that PyTorch itself cannot run
    drawn = not torch_same(*results)
    known = any(isinstance(t, torch.Tensor) and t.requires_grad for t in flat(results[-1]))
    outcome.twice = known and not drawn and dtype is torch.float64 and info.supports_gradgrad
    mirror = Mirror()
    try:
        ours = find(name)(*mirror(made.args), **mirror(made.kwargs)).to(dtype_of(dtype)).train(training)
        state = Mirror()
        ours.load_state_dict({key: state(value) for key, value in before.items()})
        result = ours(*mirror(called.args), **mirror(called.kwargs))
    except Foreign:
        return []
    except Missing as missing:
        outcome.value = str(missing)
        return [outcome]
    except Exception as error:
        outcome.value = raised(error)
        return [outcome]
    outcome.value = same(result, results[-1], values=not drawn)
    if not outcome.value:
        outcome.value = same_state(ours.state_dict(), theirs.state_dict())
    if not (outcome.value or drawn):
        parameters = dict(ours.named_parameters())
        leaves = mirror.pairs + [(p, parameters[key]) for key, p in theirs.named_parameters()]
        twice = dtype is torch.float64 and info.supports_gradgrad
        gradients(leaves, flat(result), flat(results[-1]), twice, outcome)
    return [outcome]


def torch_same(first, second):
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in zip(flat(first), flat(second)))


def same_state(ours, theirs):
    if list(ours) != list(theirs):
        return f"state_dict has {list(ours)}, not {list(theirs)}"
    return next((f"state {key}: {why}" for key in theirs if (why := same(ours[key], theirs[key]))), "")


def run_error(name, info, number, case):
    sample = case.module_error_input
    made, called = sample.constructor_input, sample.forward_input
    outcome = Outcome(name, name, "error", "", number, shown(*made.args, **made.kwargs))
    mirror = Mirror()
    at_call = case.error_on is not ModuleErrorEnum.CONSTRUCTION_ERROR
    try:
        module = info.module_cls(*made.args, **made.kwargs)
        if at_call:
            module(*called.args, **called.kwargs)
        return []
    except Exception as error:
        kind = type(error)
    try:
        ours = find(name)(*mirror(made.args), **mirror(made.kwargs))
        if at_call:
            ours(*mirror(called.args), **mirror(called.kwargs))
    except Foreign:
        return []
    except Missing as missing:
        outcome.value = str(missing)
    except Exception as error:
        if not isinstance(error, kind):
            outcome.value = raised(error, kind)
    else:
        outcome.value = f"accepts what PyTorch refuses with {kind.__name__}"
    return [outcome]


