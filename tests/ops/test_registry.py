"""Every op on every sample: right by an independent reference, right to second order, on every device."""

import numpy as np
import pytest

from minidl.autograd import Composite
from minidl.backend import backend_for
from minidl.testing import checks, gradcheck
from minidl.testing.checks import BOUNDS, LAYOUTS, Trial

from .cases import (
    OPS,
    REFUSALS,
    emptied,
    every_case,
    every_op,
    never_broadcast,
    never_changed,
    never_left_out_or_never_given,
    scalars,
)
from .references import REFERENCES


@every_op
def test_it_has_a_reference(op):
    file = f"tests/ops/reference_{op.__module__.rpartition('.')[2]}.py"
    assert op.name in REFERENCES, f"give {op.name} a reference in {file}"


def test_every_reference_has_its_op():
    assert not sorted(set(REFERENCES) - {op.name for op in OPS})


@every_case
def test_value(op, sample, device):
    trial = Trial(op, sample, device)
    ys = op(*trial.tensors(), **sample.params)
    agree(ys, REFERENCES[op.name](*(None if x is None else x.copy() for x in trial.values), **sample.params))


@every_case
def test_derivatives(op, sample, device):
    trial = Trial(op, sample, device)
    wrong = {name: error for name, error in trial.errors().items() if error is not None and not error <= BOUNDS[name]}
    if "first order" in wrong:  # name the argument and the entry
        gradcheck(lambda *xs: tuple(trial.run(list(xs))), trial.tensors())
    assert not wrong


@every_case
def test_dtype_is_kept(op, sample, device):
    for dtype in ("float32", "float16"):
        checks.check_dtype_kept(op, sample, dtype, device)


@every_case
def test_inputs_are_left_alone(op, sample, device):
    checks.check_inputs_untouched(op, sample, device)


@every_case
def test_layouts_in_memory(op, sample, device):
    for layout in LAYOUTS:
        checks.check_layout(op, sample, layout, device)


@every_case
def test_without_elements_and_without_axes(op, sample, device):
    """Where the reference has an answer, so has the op; where it has none, the op may refuse, in words."""
    for derived in (*emptied(sample), *scalars(sample)):
        values = derived.draw(np.random.default_rng(0))
        try:
            expected = REFERENCES[op.name](*values, **derived.params)
        except Exception:  # there is no answer, or the reference does not know it
            expected = None
        try:
            trial = Trial(op, derived, device)
            ys = op(*trial.tensors(), **derived.params)
        except REFUSALS:
            assert expected is None, f"{op.name} refuses {[a and a.shape for a in derived.args]}, {derived.params}"
            continue
        if expected is not None:
            agree(ys, expected)
            for k, g in zip(trial.floats, trial.gradients()):
                assert g.shape == values[k].shape


@every_case
def test_there_is_a_vjp_for_every_argument(op, sample):
    if isinstance(op, Composite):
        return
    xp, _ = backend_for("cpu")
    values = sample.draw(np.random.default_rng(0))
    y, vjps = op.formula(xp, *(op.promoted(xp, values) if op.promote else values), **sample.params)
    if vjps is None:
        return
    if callable(vjps):
        ys = enumerate(y if isinstance(y, tuple) else (y,))
        vjps = vjps(*(np.ones_like(v) for k, v in ys if v.dtype.kind == "f" and k not in op.constant))
    assert isinstance(vjps, tuple)
    assert len(vjps) == len(values), f"{len(vjps)} vjps for {len(values)} arguments"


@every_op
def test_samples_are_thorough(op):
    assert not never_changed(op), "keywords that have their default in every sample"
    assert not never_left_out_or_never_given(op), "optional arguments that are in every sample, or in none"
    assert not never_broadcast(op), "arguments that could be broadcast but never are"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "op, sample",
    [pytest.param(op, s, id=f"{op.name}-{k}") for op in OPS if op.kernels for k, s in enumerate(op.samples)],
)
def test_kernels_give_what_formulas_give(op, sample, dtype, device):
    backend, _ = backend_for(device)
    if backend in op.kernels:
        checks.check_kernel(op, sample, backend, dtype, device)


def agree(ys, expected):
    """Value and shape of every result; a reference's dtype is its own."""
    ys = ys if isinstance(ys, tuple) else (ys,)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert len(ys) == len(expected)
    for y, e in zip(ys, expected):
        assert y.shape == np.shape(e)
        np.testing.assert_allclose(checks.host(y), e, rtol=1e-9, atol=1e-10)
