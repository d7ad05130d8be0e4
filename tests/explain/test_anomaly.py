"""The tracer stops at the first value that is not finite, names it, and leaves nothing behind."""

import inspect
import pickle
import re
import threading
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.autograd import OPS, Op, backward
from minidl.explain import AnomalyError, anomaly
from minidl.explain.listen import is_plain
from minidl.nn import functional as F

inf, nan = minidl.inf, minidl.nan


def leaf(*values):
    return minidl.tensor(list(values), requires_grad=True)


def plain(*values):
    return minidl.tensor(list(values))


def caught(function, *args):
    with pytest.raises(AnomalyError) as found, minidl.debug():
        function(*args)
    return found.value


def masked_row(x):
    return minidl.softmax(x.masked_fill(minidl.ones_like(x) > 0, -inf), dim=-1)


def guarded_sqrt(x):
    minidl.where(x > 0, x.sqrt(), 0.0).sum().backward()


def grown_parameter(x):
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    with minidl.no_grad():
        net[2].weight.fill_(-inf)
    return net(x)


def twice(x):
    (g,) = minidl.autograd.grad((x**1.5).sum(), x, create_graph=True)
    g.sum().backward()


# (what is done, on what, the operation and the stage that are named, words of the hint)
CLASSICS = [
    (minidl.log, plain(0.5, 0.0), "log", "forward", "logarithm of zero.*log_softmax"),
    (lambda x: x / x, plain(1.0, 0.0), "/", "forward", "zero divided by zero"),
    (minidl.exp, plain(1.0, 100.0), "exp", "forward", "overflow.*from x = 88.7 on, and x reaches 100"),
    (lambda x: minidl.log(x).sum(), plain(-1.0), "log", "forward", "negative number"),
    (masked_row, plain(1.0, 2.0), "softmax", "forward", r"every entry is masked \(-inf\)"),
    (lambda x: x.std(), plain(1.0), "std", "forward", "variance of 1 element"),
    (lambda x: (x * inf) * (x * 0), plain(1.0), "*", "forward", "zero times"),
    (lambda x: x * inf - x * inf, plain(1.0), "-", "forward", "infinity minus infinity"),
    (grown_parameter, plain(1.0, 2.0), "Linear", "forward", "parameter 2.weight held -inf.*learning rate"),
    (lambda x: nn.Linear(2, 1)(x), plain(1.0, nan), "Linear", "forward", "input held nan in 1 of 2.*data"),
    (lambda x: minidl.sum(x * 1e30 * x), plain(1e5), "*", "forward", "overflow"),
    (lambda x: (x**0.5).sum(), plain(-1.0), "**", "forward", "fractional power"),
    (lambda x: x.sqrt().sum().backward(), leaf(1.0, 0.0), "sqrt", "backward", "slope of sqrt at 0"),
    (guarded_sqrt, leaf(1.0, 0.0), "sqrt", "backward", "`where` does not help"),
    (lambda x: (1e-20 / x).sum().backward(), leaf(1e-30), "/", "backward", "as near to zero as 1.0e-30"),
    (twice, leaf(0.0, 1.0), "pow", "backward", "slope of"),
]  # fmt: skip


@pytest.mark.parametrize("function, x, op, stage, words", CLASSICS)
def test_classic_causes_are_named(function, x, op, stage, words):
    error = caught(function, x)
    assert (error.op, error.stage) == (op, stage)
    assert error.file == __file__
    hint = str(error).split("hint: ")[1]
    assert re.search(words, hint), hint


def test_it_names_the_line_the_module_and_the_ranges():
    class Head(nn.Module):
        def forward(self, x):
            return x.log()

    net, x = nn.Sequential(nn.ReLU(), Head()), plain([2.0, -3.0], [1.0, 5.0])
    error = caught(net, x)
    source, first = inspect.getsourcelines(Head)
    assert error.line == first + next(k for k, line in enumerate(source) if "x.log()" in line)
    text = str(error)
    assert "log gave -inf in 1 of 4 values, first at [0, 1]" in text
    assert f"{__file__}:{error.line}: return x.log()" in text
    assert "in Sequential.1" in text
    assert "input: float32 (2, 2), from 0 to 5, 1 zero" in text


def test_backward_names_where_the_operation_was_called():
    x = leaf(0.0, 1.0)
    with pytest.raises(AnomalyError) as found, minidl.debug():
        y = x.sqrt()  # here
        y.sum().backward()
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    here = next(k for k, line in enumerate(lines, 1) if line.endswith("  # here"))
    assert found.value.line == here
    assert "gradient coming in: float32 (2,), from 1 to 1" in str(found.value)


def test_second_order_names_the_backward_it_was_part_of():
    error = caught(twice, leaf(0.0, 1.0))
    assert "itself a step of the backward of pow (second order)" in str(error)

    def norm_of_gradient(x):
        (g,) = minidl.autograd.grad((x * x * 0).sum(), x, create_graph=True)
        g.norm().log().backward()

    assert caught(norm_of_gradient, leaf(1.0)).op == "log"


def test_a_loss_from_outside_the_block_is_refused():
    loss = leaf(0.0).log().sum()
    error = caught(loss.backward)
    assert error.stage == "loss"
    assert "the loss is -inf" in str(error)
    x = leaf(1.0, 2.0)
    assert "gradient given to backward holds nan" in str(caught((x * 2).backward, plain(1.0, nan)))
    y = leaf(0.0, 1.0).sqrt().sum()  # recorded before: found at the end, though not where
    assert "called outside the block" in str(caught(y.backward))


def test_sums_of_contributions_that_overflow_are_found():
    def overflow(x):
        h = x * 1
        (h * 3e38 + h * 3e38).sum().backward()

    assert "sum of contributions" in str(caught(overflow, leaf(1e-10)))


def test_an_infinity_given_on_purpose_passes():
    with minidl.debug():
        scores = leaf(1.0, 2.0, 3.0).masked_fill(minidl.tensor([False, True, False]), -inf)
        minidl.softmax(scores, dim=-1).sum().backward()
        minidl.softmax(plain(1.0, -inf), dim=-1)
        F.max_pool2d(minidl.ones(1, 1, 3, 3), 2, padding=1)
        minidl.nan_to_num(plain(1.0, nan))
        assert minidl.isnan(plain(nan)).all()


def test_healthy_training_passes_and_is_unchanged():
    def step(context):
        minidl.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
        with context:
            loss = nn.CrossEntropyLoss()(net(minidl.randn(4, 1, 4, 4)), minidl.tensor([0, 1, 2, 0]))
            loss.backward()
        return [loss.item(), *(p.grad.numpy() for p in net.parameters())]

    for a, b in zip(step(minidl.debug(False)), step(minidl.debug())):
        np.testing.assert_array_equal(a, b)


def test_in_place_safety_holds_inside():
    with minidl.debug():
        x = leaf(1.0, 2.0)
        nn.BatchNorm1d(2)(minidl.randn(4, 2)).relu_().sum()
        y = x.exp()
        y.detach().add_(1)
        with pytest.raises(RuntimeError, match="overwritten"):
            y.sum().backward()


def engine_is_plain():
    return is_plain() and not anomaly._tracer.users


def test_nothing_is_left_behind():
    """No cost when off: the engine's own functions are back, whatever happened inside, so there is nothing to pay."""
    assert engine_is_plain()
    with pytest.raises(ZeroDivisionError), minidl.debug():
        with minidl.debug():
            assert not engine_is_plain()
        assert not engine_is_plain()
        raise ZeroDivisionError
    assert engine_is_plain()
    caught(minidl.log, plain(0.0))
    assert engine_is_plain()
    assert minidl.log(plain(0.0)).item() == -inf
    backward([leaf(1.0) * 2])


def test_blocks_nest_and_decorate():
    with minidl.debug():
        with minidl.debug(False):
            minidl.log(plain(0.0))
        with pytest.raises(AnomalyError):
            minidl.log(plain(0.0))

    @minidl.debug()
    def f(n):
        return f(n - 1) if n else minidl.log(plain(0.0))

    with pytest.raises(AnomalyError):
        f(2)
    block = minidl.debug()
    with block, block:
        pass
    assert engine_is_plain()


def test_other_threads_are_left_alone():
    found = []
    with minidl.debug():
        thread = threading.Thread(target=lambda: found.append(minidl.log(plain(0.0)).item()))
        thread.start()
        thread.join()
    assert found == [-inf]


def test_an_op_registered_inside_is_watched():
    with minidl.debug():
        formula = lambda xp, x: (xp.log(x), (lambda g: g / x,))
        formula.__name__ = "late"
        late = Op(formula, samples=[None])
        try:
            with pytest.raises(AnomalyError, match="late gave -inf"):
                late(plain(0.0))
        finally:
            del vars(OPS)["late"]


def test_errors_are_both_kinds_and_travel():
    error = caught(minidl.log, plain(0.0))
    assert isinstance(error, RuntimeError)
    assert isinstance(error, FloatingPointError)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.op, copy.line) == (str(error), error.op, error.line)


def test_pytorchs_spelling_sees_nan_in_backward_alone():
    with minidl.autograd.detect_anomaly():
        assert minidl.log(plain(-1.0)).isnan().all()
        leaf(0.0).sqrt().sum().backward()  # an infinite gradient is none of its business
        with pytest.raises(RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"):
            guarded_sqrt(leaf(0.0))
    guarded_sqrt(leaf(0.0))
    with minidl.autograd.detect_anomaly(check_nan=False):
        guarded_sqrt(leaf(0.0))
    minidl.autograd.set_detect_anomaly(True)
    try:
        with pytest.raises(RuntimeError, match="returned nan"):
            guarded_sqrt(leaf(0.0))
    finally:
        minidl.autograd.set_detect_anomaly(False)
    with minidl.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="returned nan"):
        guarded_sqrt(leaf(0.0))
    assert engine_is_plain()


def test_on_another_device(device):
    x = minidl.tensor([0.0, 1.0], device=device, requires_grad=True)
    assert caught(lambda: x.log()).op == "log"
    assert "slope of sqrt" in str(caught(lambda: x.sqrt().sum().backward()))
    with minidl.debug():
        minidl.softmax(x, dim=0).sum().backward()
