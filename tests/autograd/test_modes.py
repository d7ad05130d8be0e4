"""no_grad and its kin: as blocks, as decorators, inside themselves, on generators."""

import pytest

import minidl
from minidl import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled


def test_blocks_nest_and_restore():
    with no_grad():
        assert not is_grad_enabled()
        with enable_grad():
            assert is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_one_object_inside_itself():
    mode = no_grad()
    with mode:
        with mode:
            assert not is_grad_enabled()
        assert not is_grad_enabled()
    assert is_grad_enabled()


def test_an_error_restores():
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert is_grad_enabled()


@pytest.mark.parametrize("decorate", [no_grad(), no_grad, inference_mode(), inference_mode])
def test_decorators_with_and_without_brackets(decorate):
    @decorate
    def f(x, *, y):
        """doc"""
        return is_grad_enabled(), x + y

    assert f(1, y=2) == (False, 3)
    assert f.__name__ == "f"
    assert f.__doc__ == "doc"
    assert is_grad_enabled()


def test_a_generator_runs_inside_and_its_caller_outside():
    closed = []

    @no_grad()
    def g():
        try:
            got = yield is_grad_enabled()
            try:
                yield got, is_grad_enabled()
            except ValueError:
                yield "caught", is_grad_enabled()
            return "end"
        finally:
            closed.append(is_grad_enabled())

    steps = g()
    assert next(steps) is False
    assert is_grad_enabled()
    assert steps.send("hi") == ("hi", False)
    assert steps.throw(ValueError()) == ("caught", False)
    assert is_grad_enabled()
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == "end"
    other = g()
    next(other)
    other.close()
    assert closed == [False, False]
    assert is_grad_enabled()


def test_set_grad_enabled_is_a_call_and_a_block():
    set_grad_enabled(False)
    assert not is_grad_enabled()
    set_grad_enabled(True)
    with set_grad_enabled(False):
        assert not is_grad_enabled()
    assert is_grad_enabled()

    @set_grad_enabled(False)
    def f():
        return is_grad_enabled()

    assert is_grad_enabled()
    assert f() is False


def test_nothing_is_recorded_inside():
    x = minidl.ones(2, requires_grad=True)
    with no_grad():
        y = x * 2
    assert not y.requires_grad
    assert y.grad_fn is None
    with inference_mode():
        assert not (x * 2).requires_grad
        assert minidl.is_inference_mode_enabled()
    with inference_mode(False):
        assert (x * 2).requires_grad
