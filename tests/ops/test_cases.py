"""The walk's own judgements: samples that leave something out are found out."""

import pytest

from minidl.autograd import OPS, Op
from minidl.ops.samples import bools, shapes

from .cases import emptied, label, never_broadcast, never_changed, never_left_out_or_never_given, scalars


@pytest.fixture
def made():
    """Makes ops that are registered for one test."""
    names = []

    def make(formula, *samples, **kw):
        op = Op(formula, samples, **kw)
        names.append(op.name)
        return op

    yield make
    for name in names:
        delattr(OPS, name)


def scaled(xp, x, w=None, *, rate=1.0, flag=False):
    y = x * rate if w is None else x * w * rate
    return y, (lambda g: g * rate if w is None else g * w * rate, lambda g: g * x * rate)


def test_keywords_that_keep_their_default_are_found(made):
    assert never_changed(made(scaled, shapes((2, 3), rate=2.0), shapes((2,), flag=False))) == ["flag"]


def test_arguments_that_are_never_left_out_are_found(made):
    assert never_left_out_or_never_given(made(scaled, shapes((2, 3), (2, 3)), shapes((2,), (2,)))) == ["w"]


def test_optional_arguments_that_are_sometimes_left_out_pass(made):
    assert not never_left_out_or_never_given(made(scaled, shapes((2, 3), (2, 3)), shapes((2,)), shapes((2,), None)))


@pytest.mark.parametrize(
    "samples, missing",
    [
        ([shapes((2, 3), (2, 3))], ["w", "x"]),
        ([shapes((2, 3), (3,))], ["x"]),
        ([shapes((2, 3), (3,)), shapes((1, 3), (2, 1))], []),
        ([shapes((2, 3), ()), shapes((4,), (4,))], ["x"]),
    ],
)
def test_arguments_that_are_never_broadcast_are_found(made, samples, missing):
    assert never_broadcast(made(scaled, *samples, shapes((2, 3)))) == missing


def test_ops_that_do_not_broadcast_pass(made):
    def strict(xp, x, w):
        if x.shape != w.shape:
            raise ValueError("the same shape twice")
        return x * w, (lambda g: g * w, lambda g: g * x)

    assert not never_broadcast(made(strict, shapes((2, 3), (2, 3))))


def test_derived_samples():
    sample = shapes((2, 3), (3,), bools(2, 1), shape=(3, 2))
    assert [[a.shape for a in s.args] for s in emptied(sample)] == [[(0, 3), (3,), (0, 1)], [(2, 0), (0,), (2, 1)]]
    assert [s.params["shape"] for s in emptied(sample)] == [(3, 0), (0, 2)]
    assert [[a.shape for a in s.args] for s in scalars(shapes((2, 3), (3,)))] == [[(), ()]]
    assert not list(scalars(sample))


def test_labels_can_be_read():
    assert label(OPS.sum, 2) == "sum: 2x3x4; axis=(0, -1), keepdims=True"
