"""gradcheck finds every kind of wrong gradient, says where, and passes what is right."""

import numpy as np
import pytest

import minidl
from minidl.autograd import OPS, Tensor, no_grad
from minidl.backend import move
from minidl.testing import GradcheckError, gradcheck, gradgradcheck
from minidl.testing.gradcheck import analytic_jacobian, compare, numeric_jacobian


class Faulty:
    """An op that is not in the registry: y = x w, with the vjps given."""

    def __init__(self, *vjps):
        self.vjps = vjps

    def __call__(self, x, w):
        from minidl.autograd import Op

        formula = lambda xp, x, w: (x * w, tuple(lambda g, v=v: v(xp, g, x, w) for v in self.vjps))
        formula.__name__ = f"faulty{id(self)}"
        op = Op(formula, samples=[None])
        delattr(OPS, op.name)
        return op(x, w)


def leaf(*shape, device="cpu", seed=0):
    values = np.random.default_rng(seed).uniform(0.5, 2, shape)
    return Tensor(move(np.asarray(values), device), requires_grad=True)


right = (lambda xp, g, x, w: g * w, lambda xp, g, x, w: g * x)


@pytest.mark.parametrize("fast_mode", [False, True])
def test_right_gradients_pass(device, fast_mode):
    x, w = leaf(2, 3, device=device), leaf(3, device=device, seed=1)
    assert gradcheck(Faulty(*right), (x, w), fast_mode=fast_mode)
    assert gradcheck(lambda x: (OPS.exp(x), x * 2, OPS.argmax(x)), x, fast_mode=fast_mode)
    assert gradgradcheck(lambda x, w: OPS.sum(OPS.exp(x * w), axis=(0,)), (x, w), fast_mode=fast_mode)
    assert gradgradcheck(OPS.exp, x, gen_non_contig_grad_outputs=True)


@pytest.mark.parametrize("fast_mode", [False, True])
def test_a_wrong_gradient_is_located(fast_mode):
    half = Faulty(right[0], lambda xp, g, x, w: 0.5 * g * x)
    x, w = Tensor(np.ones((3, 2)), True), Tensor(np.ones((3, 2)), True)
    message = r"input 1 \(w\), output 0: analytic 0.500000 at \[\d, \d\] .* against numeric 1.000000, a difference of 5"
    with pytest.raises(GradcheckError, match=message) as caught:
        gradcheck(half, (x, w), fast_mode=fast_mode)
    assert "6 of 36 entries" in str(caught.value)
    assert {(m.input, m.index) for m in caught.value.mismatches} == {(1, (i, j)) for i in range(3) for j in range(2)}
    assert gradcheck(half, (x, w), raise_exception=False, fast_mode=fast_mode) is False
    assert gradcheck(half, (x, w), atol=1.0)


def test_a_wrong_entry_among_right_ones_is_found():
    def vjp(xp, g, x, w):
        return xp.put(g * w, 0.0, key=(1, 2))

    message = r"input 0 \(x\).* at \[1, 2\] \(of output \[1, 2\]\).* in 1 of 36 entries"
    with pytest.raises(GradcheckError, match=message):
        gradcheck(Faulty(vjp, right[1]), (leaf(2, 3), leaf(2, 3)))


def test_a_frozen_intermediate_is_found_by_second_order_alone():
    def frozen(xp, g, x, w):
        return g * (w.detach() if isinstance(w, Tensor) else w)

    x, w = leaf(3), leaf(3, seed=1)
    assert gradcheck(Faulty(frozen, right[1]), (x, w))
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(Faulty(frozen, right[1]), (x, w))


def test_tensors_that_func_holds_are_moved_too():
    w = leaf(3)
    assert gradcheck(lambda *_: OPS.sin(w) * 2, (w,))
    assert gradcheck(lambda pair, k: pair[0] * pair[1] * k, ([leaf(2, 3), w], 3.0))


def test_shapes_without_axes_or_elements():
    assert gradcheck(OPS.sin, leaf())
    assert gradcheck(OPS.sum, leaf(0, 3))
    assert gradcheck(OPS.exp, leaf(0))


def test_what_cannot_be_checked_is_refused():
    x = leaf(3)
    with pytest.raises(ValueError, match="requires_grad=True, and none is"):
        gradcheck(OPS.exp, Tensor(np.ones(3)))
    with pytest.raises(TypeError, match="output 1 is float"):
        gradcheck(lambda x: (x * 2, 3.0), x)
    with pytest.raises(RuntimeError, match=r"input 0 \(x\).* share memory.*clone"):
        gradcheck(lambda x: x * 2, Tensor(np.broadcast_to(np.ones(3), (2, 3)), True))
    assert gradcheck(lambda x: x * 2, Tensor(np.ones((4, 3))[::-2].T, True)), "a view without overlap is fine"
    with pytest.warns(UserWarning, match="float32, not float64"):
        gradcheck(lambda x: x * 2, Tensor(np.ones(3, "float32"), True), eps=1e-2)
    with pytest.raises(NotImplementedError, match="forward mode"):
        gradcheck(OPS.exp, x, check_forward_ad=True)


def test_functions_that_misbehave_are_told_apart():
    x, rng = leaf(3), np.random.default_rng(0)

    def writes(x):
        x.array[0] = 7.0
        return x * 2

    for function, message in [
        (writes, "changed input 0 .* in place"),
        (lambda x: x * rng.normal(), "not deterministic.*dropout"),
        (lambda x: Tensor(x.array * 2), "does not require gradients"),
        (lambda x: x * np.nan, "nan"),
    ]:
        with pytest.raises(GradcheckError, match=message):
            gradcheck(function, x)
        assert gradcheck(function, x, raise_exception=False) is False
    assert gradcheck(lambda x: x * (1 + 1e-12 * rng.normal()), x, nondet_tol=1e-9)
    with no_grad(), pytest.raises(GradcheckError, match="no_grad"):
        gradcheck(OPS.exp, x)
    with pytest.raises(GradcheckError, match="not zero where those of the outputs are"):
        gradcheck(Faulty(lambda xp, g, x, w: g * w + 1e-9, right[1]), (x, leaf(3)))


def test_backward_with_a_mood_is_found():
    rng = np.random.default_rng(0)
    moody = Faulty(lambda xp, g, x, w: g * w * (1 + 1e-9 * rng.normal()), right[1])
    with pytest.raises(GradcheckError, match="backward is not deterministic"):
        gradcheck(moody, (leaf(3), leaf(3)))
    assert gradcheck(moody, (leaf(3), leaf(3)), nondet_tol=1e-6)


def test_the_pieces():
    x = leaf(2, 3)
    rows = lambda x: OPS.sum(x * x, axis=(1,))
    ((analytic,),) = analytic_jacobian([rows(x)], [x])
    (numeric,) = numeric_jacobian(rows, (x,), x)
    assert numeric.shape == analytic.shape == (2, 2, 3)
    np.testing.assert_allclose(numeric, analytic, atol=1e-8)
    wrong = analytic.copy()
    wrong[1, 1, 2] += 0.25
    (m,) = compare(wrong, numeric, 1)
    assert (m.at, m.index) == ((1,), (1, 2))
    assert m.difference == pytest.approx(0.25)


def test_pytorch_has_them_in_autograd():
    assert minidl.autograd.gradcheck is gradcheck
    assert minidl.autograd.gradgradcheck is gradgradcheck
