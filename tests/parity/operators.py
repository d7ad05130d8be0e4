"""PyTorch's samples of its own operators (OpInfo), each run on both sides."""

import contextlib
import functools
import itertools
import re

import numpy as np
import torch

import minidl

from .compare import flat, same
from .databases import SampleInput, op_db
from .mirror import Foreign, Mirror, Missing, find, names_of_functions, numbers
from .outcomes import Outcome, gradients, lacks, quiet, raised, scope, seed, shown

# Floats with gradients first; a whole-number, a small and a truth dtype for promotion and refusals.
DTYPES = [torch.float64, torch.float32, torch.int64, torch.uint8, torch.bool]

# Their numbers are drawn: shapes and dtypes are compared, and nothing more.
RANDOM = re.compile(
    r"bernoulli|multinomial|normal|rand\w*|uniform|cauchy|exponential|geometric|log_normal|empty\w*|new_empty\w*|"
    r"resize_\w*|nn\.functional\.(\w*dropout\w*|rrelu|fractional_max_pool\dd|gumbel_softmax)|(svd|pca)_lowrank|"
    r"nn\.functional\.scaled_dot_product_attention_with_dropout"
)


def title(op):
    return op.name + (f"/{op.variant_test_name}" if op.variant_test_name else "")


def path_of(op):
    """The name in the list that an operator's samples are of; None where it is not in scope."""
    for space, suffix in (("", ""), ("torch.", ""), ("Tensor.", ""), ("Tensor.", "_")):
        if space + op.name + suffix in scope():
            return space + op.name + suffix
    return None


@functools.cache
def operators():
    """The operators in scope, by title."""
    return {title(op): op for op in op_db if path_of(op)}


def is_random(op):
    return bool(RANDOM.fullmatch(op.name)) or "/in_place" in title(op)


def draws(op, sample):
    """Does attention drop some of its weights at random?"""
    return "attention" in op.name and (sample.kwargs.get("dropout_p", 0) > 0 or "forward" in op.name)


def spread(items, cap):
    """At most `cap` of the items, evenly spaced (the first two hundred at most are looked at)."""
    if cap is None:
        return list(enumerate(items))
    items = list(enumerate(itertools.islice(items, 200)))
    if len(items) <= cap:
        return items
    return [items[k * (len(items) - 1) // max(cap - 1, 1)] for k in range(cap)]


def run(op, cap=None, dtypes=DTYPES):
    """The outcomes of one operator's samples: at most `cap` for each dtype and variant."""
    found = []
    with quiet():
        for dtype in dtypes:
            if dtype not in op.supported_dtypes("cpu"):
                continue
            differentiable = dtype.is_floating_point and op.supports_autograd
            seed(title(op))
            fewer = cap and (cap if dtype is torch.float64 else max(1, cap // 3))
            samples = spread(op.sample_inputs_func(op, "cpu", dtype, differentiable), fewer)
            for number, sample in samples:
                found += run_sample(op, dtype, number, sample)
        found += run_errors(op, cap)
    return found


def run_sample(op, dtype, number, sample):
    try:
        theirs = op.op(sample.input, *sample.args, **sample.kwargs)
    except Exception:
        return []  # a sample that PyTorch itself cannot run here
    if any(isinstance(t, torch.Tensor) and (t.dtype.is_complex or t.layout is not torch.strided) for t in flat(theirs)):
        return []
    outcomes = []
    for name, how, torch_function, path in variants(op):
        if how.startswith("operator") and (sample.kwargs or len(sample.args) > 1):
            continue
        outcome = Outcome(title(op), name, how, str(dtype).removeprefix("torch."), number, described(sample))
        try:
            both_sides(op, sample, how, torch_function, path, dtype, outcome)
        except Foreign:
            continue
        outcomes.append(outcome)
    return outcomes


def variants(op):
    return variants_of(title(op))


@functools.cache
def variants_of(name):
    """(name, how, PyTorch's function, its path in minidl or None where it is a wrapper) for each way to call it."""
    op = operators()[name]
    path = path_of(op)
    plain = functools.reduce(lambda home, part: getattr(home, part, None), op.name.split("."), torch)
    found = [(path, "function", op.op, path if plain is op.op else None)]
    if op.name.startswith("__"):
        return found
    methods = [("method", op.method_variant), ("in place", op.inplace_variant)]
    for how, variant in methods + [m for a in op.aliases for m in (("alias", a.op), ("alias method", a.method_variant),
                                                                   ("alias in place", a.inplace_variant))]:
        name = names_of_functions().get(id(variant)) if variant is not None else None
        if name in scope():
            found.append((name, how, variant, name))
    for how, variant in (("operator", op.operator_variant), ("operator in place", op.inplace_operator_variant)):
        name = f"Tensor.__{getattr(variant, '__name__', '')}__"
        if variant is not None and name in scope():
            found.append((name, how, variant, OPERATOR))
    return found


OPERATOR = object()  # a function of Python's `operator`, the same on both sides


def both_sides(op, sample, how, torch_function, path, dtype, outcome):
    """Fill in how the two sides agree."""
    mirror = Mirror()
    args = (sample.input, *sample.args)
    try:
        mine, keywords = mirror(args), mirror(sample.kwargs)
    except Missing as missing:
        outcome.value = str(missing)
        return
    if how.endswith("in place"):
        with torch.no_grad():
            args = (args[0].clone() if isinstance(args[0], torch.Tensor) else args[0], *args[1:])
            if isinstance(mine[0], minidl.Tensor):
                with minidl.no_grad():
                    mine = (minidl.from_numpy(np.array(numbers(args[0]), order="K")), *mine[1:])
    try:
        theirs = called(op, torch_function, args, sample.kwargs, grad=not how.endswith("in place"))
    except Exception as error:
        outcome.how = f"{how} refused"
        refused(mirror, torch_function, path, mine, keywords, type(error), outcome)
        return
    known = any(isinstance(t, torch.Tensor) and t.requires_grad for t in flat(theirs))
    outcome.twice = known and dtype is torch.float64 and op.supports_gradgrad and not how.endswith("in place")
    try:
        function = mirrored(mirror, torch_function, path)
        if how.endswith("in place"):
            with minidl.no_grad():
                ours = function(*mine, **keywords)
        else:
            ours = called(op, function, mine, keywords, mirror=mirror)
    except (Missing, Foreign) as error:
        if isinstance(error, Foreign):
            raise
        outcome.value = str(error)
        return
    except Exception as error:
        outcome.value = raised(error)
        return
    judge(op, sample, mirror, ours, theirs, dtype, how, outcome)


def called(op, function, args, keywords, mirror=None, grad=True):
    """The result, through the operator's own wrapper for gradients where it has one (an input made symmetric …)."""
    wrapper = op.gradcheck_wrapper
    plain = wrapper.__qualname__ == "OpInfo.<lambda>"  # the default: the function, as it is
    with contextlib.nullcontext() if grad else torch.no_grad():
        if plain:
            return function(*args, **keywords)
        return (mirror(wrapper) if mirror else wrapper)(function, *args, **keywords)


def mirrored(mirror, torch_function, path):
    return torch_function if path is OPERATOR else find(path) if path else mirror(torch_function)


def judge(op, sample, mirror, ours, theirs, dtype, how, outcome):
    process = sample.output_process_fn_grad
    drawn = is_random(op) or draws(op, sample)
    if dim := tie_dim(op, sample):
        ours, theirs = untied(ours, theirs, sample.input, *dim)
    identity = getattr(process, "__name__", "") == "<lambda>" and process.__code__.co_code == _IDENTITY
    if not identity and not how.endswith("in place"):  # what is unique of the result, up to signs and the like
        outcome.value = same(ours, theirs, values=False)
        try:
            ours, theirs = mirror(process)(ours), process(theirs)
        except (AttributeError, TypeError) as error:
            outcome.value = outcome.value or raised(error)
            return
    outcome.value = outcome.value or same(ours, theirs, values=not drawn)
    if outcome.value or how.endswith("in place") or drawn or not dtype.is_floating_point or not op.supports_autograd:
        return
    twice = dtype is torch.float64 and op.supports_gradgrad
    gradients(mirror.pairs, flat(ours), flat(theirs), twice, outcome)


# Which of several equal numbers comes first is nobody's promise: where the dim of each stands among the arguments.
TIED = {"sort": 0, "argsort": 0, "topk": 1, "kthvalue": 1, "mode": 0, "median": 0, "nanmedian": 0}


def tie_dim(op, sample):
    """(the dim,) that an operator orders along, where equal numbers may stand in any order."""
    if op.name not in TIED or sample.kwargs.get("stable") or not sample.input.ndim:
        return ()
    given = sample.args[TIED[op.name] :]
    dim = sample.kwargs.get("dim", given[0] if given else None if op.name.endswith("median") else -1)
    return () if dim is None or isinstance(dim, bool) else (dim,)


def untied(ours, theirs, input, dim):
    """The results, with our places for PyTorch's where equal numbers stand there."""
    first, last = flat(ours), list(flat(theirs))
    mine = torch.from_numpy(np.array(first[-1].array)) if isinstance(first[-1], minidl.Tensor) else None
    if mine is None or mine.dtype != torch.int64 or mine.shape != last[-1].shape:
        return ours, theirs
    kept = mine.ndim == input.ndim
    at = [i if kept else i.unsqueeze(dim) for i in (mine, last[-1])]
    if mine.numel() and int(mine.max()) < input.shape[dim]:
        a, b = (torch.gather(input.detach(), dim, i) for i in at)
        if torch.equal(a, b):
            last[-1] = mine
    return ours, (type(theirs)(last) if isinstance(theirs, tuple) else last[-1])


_IDENTITY = (lambda x: x).__code__.co_code


def run_errors(op, cap):
    if op.error_inputs_func is None:
        return []
    try:
        wrong = spread(op.error_inputs_func(op, "cpu"), cap)
    except Exception:
        return []
    outcomes = []
    for number, case in wrong:
        sample = case.sample_input
        if not isinstance(sample, SampleInput):
            continue
        outcome = Outcome(title(op), path_of(op), "error", "", number, described(sample))
        mirror = Mirror()
        try:
            args, keywords = mirror((sample.input, *sample.args)), mirror(sample.kwargs)
        except Foreign:
            continue
        except Missing as missing:
            outcome.value = str(missing)
            outcomes.append(outcome)
            continue
        try:
            op.op(sample.input, *sample.args, **sample.kwargs)
            continue  # PyTorch takes it after all: it is an error of out= or of another dtype
        except Exception as error:
            kind = type(error)
        refused(mirror, op.op, variants(op)[0][3], args, keywords, kind, outcome)
        outcomes.append(outcome)
    return outcomes


def refused(mirror, torch_function, path, args, keywords, kind, outcome):
    """minidl must refuse what PyTorch refuses, with an error that `except` clauses for PyTorch's also catch."""
    try:
        with minidl.no_grad() if "in place" in outcome.how else contextlib.nullcontext():
            mirrored(mirror, torch_function, path)(*args, **keywords)
    except Missing as missing:
        outcome.value = str(missing)
    except Exception as error:
        if lacks(error) or not isinstance(error, kind):
            outcome.value = raised(error, kind)
    else:
        outcome.value = f"accepts what PyTorch refuses with {kind.__name__}"


def described(sample):
    """A sample in a line: shapes instead of numbers."""
    return shown(sample.input, *sample.args, **sample.kwargs)
