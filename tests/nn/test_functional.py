"""nn.functional on its own: the edges of its domain, what it refuses, and what is random or has state."""

import math

import numpy as np
import pytest

import minidl.nn.functional as F
from minidl.autograd import Tensor, backward, grad, no_grad
from minidl.backend import manual_seed
from minidl.nn.functional.pooling import means


def floats(*shape, dtype="float32"):
    return Tensor(np.zeros(shape, dtype))


def ints(*values):
    return Tensor(np.array(values))


def numbers(*values, dtype="float64", requires_grad=False):
    return Tensor(np.array(values, dtype), requires_grad)


def host(t):
    return t.detach().numpy()


# ------------------------------------------------------------------------------------------------ what is refused

REFUSED = [
    (lambda: F.cross_entropy(floats(2, 3), numbers(0, 1)), TypeError,
     r"cross_entropy: classes are integers; pass target.long\(\) \[input float32 \(2, 3\), target float64 \(2,\)\]"),
    (lambda: F.cross_entropy(floats(2, 3), floats(2, 4)), ValueError,
     r"the input's shape \(2, 3\), or else integers \(2,\)"),
    (lambda: F.cross_entropy(floats(2, 3), ints(True, False)), TypeError, "classes are integers"),
    (lambda: F.cross_entropy(floats(2, 3), ints(0, 3)), IndexError,
     r"target 3 at position 1 is out of bounds for 3 classes \(0 to 2\)"),
    (lambda: F.cross_entropy(floats(2, 3), ints(-1, 0)), IndexError, "target -1 at position 0 is out of bounds"),
    (lambda: F.cross_entropy(floats(2, 3, 2), ints([0, 0], [5, 1])), IndexError, r"target 5 at position \(1, 0\)"),
    (lambda: F.nll_loss(floats(3), ints(7)[0]), IndexError, "target 7 is out of bounds for 3 classes"),
    (lambda: F.cross_entropy(floats(2, 3), ints(0, 1, 2)), ValueError, r"the target must have shape \(2,\)"),
    (lambda: F.cross_entropy(floats(2, 3), ints([0], [1])), RuntimeError, r"target.reshape\(\(2,\)\) has it"),
    (lambda: F.cross_entropy(floats(2, 3), ints([0, 0, 1], [0, 1, 0])), ValueError,
     r"one-hot targets become classes with .argmax\(1\)"),
    (lambda: F.cross_entropy(floats(2, 3), ints(0, 1), floats(2)), RuntimeError, "one number for each of 3 classes"),
    (lambda: F.cross_entropy(floats(2, 3), ints(0, 1), floats(3).requires_grad_()), RuntimeError,
     "no gradient is defined for class weights"),
    (lambda: F.cross_entropy(floats(2, 3), ints(0, 1), label_smoothing=1.5), RuntimeError, "between 0 and 1, got 1.5"),
    (lambda: F.cross_entropy(floats(2, 3), ints(0, 1), reduction="avg"), ValueError, "\"mean\" or \"sum\", got 'avg'"),
    (lambda: F.mse_loss(floats(3), floats(3, 1)), ValueError,
     r"mse_loss: input \(3,\) and target \(3, 1\) must have the same shape; target.reshape\(\(3,\)\) has it"),
    (lambda: F.l1_loss(floats(3, 2), floats(2)), RuntimeError, "l1_loss: .* must have the same shape"),
    (lambda: F.smooth_l1_loss(floats(3), floats(1)), ValueError, r"target.expand\(\(3,\)\) has it"),
    (lambda: F.huber_loss(floats(3), floats(3), delta=0), RuntimeError, "delta must be greater than 0, got 0"),
    (lambda: F.binary_cross_entropy(numbers(0.5, 1.5), numbers(0, 1)), RuntimeError,
     "between 0 and 1, and these reach from 0.5 to 1.5"),
    (lambda: F.binary_cross_entropy(numbers(math.nan), numbers(1)), RuntimeError, "between 0 and 1"),
    (lambda: F.binary_cross_entropy_with_logits(floats(3, 1), floats(3)), ValueError, r"the input's shape \(3, 1\)"),
    (lambda: F.linear(floats(2, 3), floats(4, 2)), RuntimeError, r"has 3 .* \(4, 2\) takes 2"),
    (lambda: F.linear(floats(2, 3), floats(4, 3), floats(3)), ValueError, r"bias \(3,\)"),
    (lambda: F.linear(floats(2, 3, dtype="float64"), floats(4, 3)), RuntimeError,
     r"linear: the operands have different dtypes \(float64 and float32\)"),
    (lambda: F.conv2d(floats(1, 1, 3, 3), floats(1, 1, 3, 3, dtype="float64")), TypeError, "different dtypes"),
    (lambda: F.conv2d(floats(2, 3, 4, 4), floats(8, 1, 3, 3)), ValueError,
     r"conv2d: the input has 3 channels, weight \(8, 1, 3, 3\) expects 1 with groups=1"),
    (lambda: F.conv1d(floats(2, 3, 4), floats(8, 2, 3)), RuntimeError, r"weight \(8, 2, 3\) expects 2 with groups=1"),
    (lambda: F.conv2d(floats(1, 1, 2, 2), floats(1, 1, 3, 3)), RuntimeError,
     r"the kernel \(3, 3\) with dilation=\(1, 1\) is larger than input \(2, 2\) with padding=\(0, 0\)"),
    (lambda: F.conv2d(floats(4, 4), floats(8, 3, 3, 3)), RuntimeError, r"input \(N, C, H, W\) or \(C, H, W\)"),
    (lambda: F.conv2d(floats(2, 3, 4, 4), floats(8, 3, 3)), RuntimeError, "a weight with 4 axes is expected"),
    (lambda: F.conv2d(floats(2, 3, 4, 4), floats(8, 3, 3, 3), floats(7)), ValueError, "each of the 8 channels"),
    (lambda: F.conv2d(floats(2, 4, 4, 4), floats(7, 2, 3, 3), groups=2), RuntimeError, "divisible by groups=2"),
    (lambda: F.conv2d(floats(1, 1, 3, 3), floats(1, 1, 3, 3), stride=2, padding="same"), RuntimeError, "strided"),
    (lambda: F.conv2d(floats(1, 1, 3, 3), floats(1, 1, 3, 3), padding="full"), ValueError, "got 'full'"),
    (lambda: F.conv2d(floats(1, 1, 3, 3), floats(1, 1, 3, 3), stride=0), RuntimeError, "stride must be at least 1"),
    (lambda: F.conv2d(floats(1, 1, 3, 3), floats(1, 1, 3, 3), None, (1, 2, 3)), ValueError, "an integer or 2 of them"),
    (lambda: F.conv_transpose2d(floats(1, 2, 2, 2), floats(2, 3, 2, 2), output_padding=1), RuntimeError,
     "must be smaller than stride"),
    (lambda: F.max_pool2d(floats(1, 2, 2), 3), RuntimeError, r"a kernel \(3, 3\) is larger than input \(2, 2\)"),
    (lambda: F.max_pool2d(floats(1, 4, 4), 2, padding=2), RuntimeError, "more than half of the kernel"),
    (lambda: F.avg_pool2d(floats(4, 4), 2), RuntimeError, r"\(N, C, H, W\) or \(C, H, W\) is expected"),
    (lambda: F.unfold(floats(1, 1, 2, 2), 3), RuntimeError, "larger than the input"),
    (lambda: F.fold(floats(1, 4, 5), (3, 3), 2), RuntimeError, r"\(N, C · 2 · 2, 2 · 2\) is expected"),
    (lambda: F.batch_norm(floats(1, 3), None, None, training=True), ValueError, "more than 1 value per channel"),
    (lambda: F.batch_norm(floats(2, 3), None, None), RuntimeError, "must be given when not training"),
    (lambda: F.batch_norm(floats(2, 3), floats(4), floats(4)), RuntimeError, "running_mean should contain 3 elements"),
    (lambda: F.layer_norm(floats(2, 3), (4,)), RuntimeError, r"normalized_shape=\(4,\), an input \(…, 4,\)"),
    (lambda: F.layer_norm(floats(2, 3), (3,), floats(2)), RuntimeError, r"must have the normalized_shape \(3,\)"),
    (lambda: F.group_norm(floats(2, 3), 2), RuntimeError, "3 channels do not divide into 2 groups"),
    (lambda: F.embedding(ints(0, 3), floats(3, 2)), IndexError, r"index 3 is out of range for 3 rows \(0 to 2\)"),
    (lambda: F.embedding(ints(-1), floats(3, 2)), IndexError, "index -1 is out of range"),
    (lambda: F.embedding(floats(2), floats(3, 2)), RuntimeError, r"pass input.long\(\)"),
    (lambda: F.one_hot(ints(3), 3), RuntimeError, "smaller than num_classes=3, and 3 is not"),
    (lambda: F.one_hot(ints(-1)), RuntimeError, "non-negative, and -1 is not"),
    (lambda: F.softmax(ints(1, 2), 0), RuntimeError, "floats are expected"),
    (lambda: F.softmax(floats(2), 1), IndexError, "dim 1 is out of range"),
    (lambda: F.glu(floats(2, 3)), RuntimeError, "its size must be even"),
    (lambda: F.gelu(floats(3), "erf"), RuntimeError, "got 'erf'"),
    (lambda: F.prelu(floats(2, 3), floats(2)), RuntimeError, "one for each of 3 channels"),
    (lambda: F.dropout(floats(3), 1.5), ValueError, "between 0 and 1, but got 1.5"),
    (lambda: F.pad(floats(3, 3), (3, 0), "reflect"), RuntimeError, "pad axis 1 by at most 2"),
    (lambda: F.scaled_dot_product_attention(floats(2, 3, 4), floats(2, 5, 3), floats(2, 5, 4)), RuntimeError,
     r"key float32 \(2, 5, 3\)"),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, message", REFUSED, ids=[f"{k}" for k in range(len(REFUSED))])
def test_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_ignored_targets_need_not_be_classes():
    x = numbers([1, 2, 3], [3, 2, 1])
    assert F.cross_entropy(x, ints(-100, 0)).item() == F.cross_entropy(x[1:], ints(0)).item()
    assert F.cross_entropy(x, ints(255, 0), ignore_index=255).item() == F.cross_entropy(x[1:], ints(0)).item()
    assert math.isnan(F.cross_entropy(x, ints(-100, -100)).item())
    with pytest.raises(IndexError, match="target 7 at position 1"):
        F.cross_entropy(x, ints(-100, 7))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_classes_of_every_integer_dtype(dtype):
    x, classes = numbers([1, 2, 3], [3, 2, 1], requires_grad=True), np.array([2, 0])
    found = F.cross_entropy(x, Tensor(classes.astype(dtype)), ignore_index=0, label_smoothing=0.1)
    expected = F.cross_entropy(x[:1], Tensor(classes[:1]), label_smoothing=0.1)
    assert found.item() == pytest.approx(expected.item())
    assert grad([found], [x])[0].dtype == x.dtype


# ------------------------------------------------------------------------------------------------ huge and tiny

HUGE = numbers(-math.inf, -1e300, -1000, -100, 0, 100, 1000, 1e300, math.inf)
SMOOTH = {  # function: its values at HUGE
    "sigmoid": [0, 0, 0, math.exp(-100), 0.5, 1, 1, 1, 1],
    "logsigmoid": [-math.inf, -1e300, -1000, -100, -math.log(2), -math.exp(-100), 0, 0, 0],
    "softplus": [0, 0, 0, math.exp(-100), math.log(2), 100, 1000, 1e300, math.inf],
    "silu": [math.nan, 0, 0, -100 * math.exp(-100), 0, 100, 1000, 1e300, math.inf],
    "mish": [math.nan, 0, 0, -100 * math.exp(-100), 0, 100, 1000, 1e300, math.inf],
    "gelu": [math.nan, 0, 0, 0, 0, 100, 1000, 1e300, math.inf],
    "elu": [-1, -1, -1, -1, 0, 100, 1000, 1e300, math.inf],
}


@pytest.mark.parametrize("name", SMOOTH)
def test_activations_of_huge_numbers(name):
    np.testing.assert_allclose(host(getattr(F, name)(HUGE)), SMOOTH[name], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("name", [*SMOOTH, "gelu_tanh"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gradients_of_huge_numbers_are_finite(name, dtype):
    largest = 2e4 if dtype == "float16" else 1e30
    x = numbers(-largest, -300, -20, 0, 20, 300, largest, dtype=dtype, requires_grad=True)
    y = F.gelu(x, approximate="tanh") if name == "gelu_tanh" else getattr(F, name)(x)
    (g,) = grad([y.sum()], [x], create_graph=True)
    (h,) = grad([g.sum()], [x])
    assert y.dtype == g.dtype == h.dtype == dtype
    assert np.isfinite(host(g)).all()
    assert np.isfinite(host(h)).all()


@pytest.mark.parametrize("name", ["sigmoid", "logsigmoid", "softplus", "silu", "mish"])
def test_formulas_are_smooth_at_zero(name):
    """|x| and max(x, 0) in a formula must not leave a kink in its higher derivatives."""
    orders = []
    for at in (0.0, 1e-7):
        x = numbers(at, requires_grad=True)
        y, found = getattr(F, name)(x).sum(), []
        for _ in range(3):
            (y,) = grad([y], [x], create_graph=True)
            y = y.sum()
            found.append(y.item())
        orders.append(found)
    np.testing.assert_allclose(orders[0], orders[1], atol=1e-5)


def test_binary_cross_entropy_with_logits_is_smooth_at_zero():
    found = []
    for at in (0.0, 1e-7):
        x = numbers(at, requires_grad=True)
        y = F.binary_cross_entropy_with_logits(x, numbers(0.3), pos_weight=numbers(2.0))
        (g,) = grad([y], [x], create_graph=True)
        (h,) = grad([g.sum()], [x], create_graph=True)
        (third,) = grad([h.sum()], [x])
        found.append([g.item(), h.item(), third.item()])
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_softmax_of_huge_numbers():
    x = numbers([1e30, 0, -1e30], [-1e30, -1e30, -1e30], [-math.inf, 0, 0])
    np.testing.assert_allclose(host(F.softmax(x, -1)), [[1, 0, 0], [1 / 3] * 3, [0, 0.5, 0.5]])
    np.testing.assert_allclose(host(F.log_softmax(x, -1))[0], [0, -1e30, -2e30])
    assert np.isnan(host(F.softmax(numbers(-math.inf, -math.inf), 0))).all()


def test_cross_entropy_of_huge_numbers():
    x = numbers([1e4, 0.0], [0.0, 1e4], dtype="float32", requires_grad=True)
    loss = F.cross_entropy(x, ints(0, 0), reduction="none")
    np.testing.assert_array_equal(host(loss), [0, 1e4])
    (g,) = grad([loss.sum()], [x])
    np.testing.assert_array_equal(host(g), [[0, 0], [-1, 1]])


def test_binary_cross_entropy_at_its_ends():
    x = numbers(0.0, 1.0, requires_grad=True)
    loss = F.binary_cross_entropy(x, numbers(1, 1), reduction="none")
    np.testing.assert_array_equal(host(loss), [100, 0])
    z = numbers(-1e30, 1e30, requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(z, numbers(1, 1), reduction="none")
    np.testing.assert_array_equal(host(loss), [1e30, 0])
    (g,) = grad([loss.sum()], [z])
    np.testing.assert_array_equal(host(g), [-1, 0])


HALF = {
    "conv2d": lambda x: F.conv2d(x((2, 3, 4, 4)), x((2, 3, 3, 3)), x((2,)), padding=1),
    "linear": lambda x: F.linear(x((2, 3)), x((4, 3)), x((4,))),
    "max_pool2d": lambda x: F.max_pool2d(x((2, 3, 4, 4)), 3, 2, 1),
    "avg_pool2d": lambda x: F.avg_pool2d(x((2, 3, 4, 4)), 3, 2, 1),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x((2, 3, 5, 4)), 3),
    "batch_norm": lambda x: F.batch_norm(x((4, 3)), x((3,)).detach(), x((3,)).detach() + 2, x((3,)), x((3,)), True),
    "layer_norm": lambda x: F.layer_norm(x((4, 3)), (3,), x((3,)), x((3,))),
    "group_norm": lambda x: F.group_norm(x((4, 6)), 2, x((6,)), x((6,))),
    "rms_norm": lambda x: F.rms_norm(x((4, 6)), (6,), x((6,))),
    "cross_entropy": lambda x: F.cross_entropy(x((4, 3)), ints(0, 1, 2, 1), x((3,)).detach(), label_smoothing=0.1),
    "mse_loss": lambda x: F.mse_loss(x((4, 3)), x((4, 3))),
    "bce": lambda x: F.binary_cross_entropy_with_logits(x((4, 3)), x((4, 3)), pos_weight=x((3,))),
    "attention": lambda x: F.scaled_dot_product_attention(x((2, 3, 4)), x((2, 3, 4)), x((2, 3, 4)), is_causal=True),
    "embedding": lambda x: F.embedding(ints(1, 2, 1), x((4, 3)), padding_idx=2),
    "normalize": lambda x: F.normalize(x((4, 3))),
    "dropout": lambda x: F.dropout(x((4, 3))),
    "alpha_dropout": lambda x: F.alpha_dropout(x((4, 3)), training=True),
    "interpolate": lambda x: F.interpolate(x((1, 2, 4, 3)), (3, 5), mode="bilinear"),
    "pad": lambda x: F.pad(x((4, 3)), (1, 1), "reflect"),
}


@pytest.mark.parametrize("name", HALF)
def test_half_precision_stays(name, rng):
    made = []

    def draw(shape):
        made.append(Tensor(rng.uniform(0.1, 1, shape).astype("float16"), True))
        return made[-1]

    y = HALF[name](draw)
    assert y.dtype == "float16"
    for g in grad([y.sum()], made, allow_unused=True):
        assert g is None or g.dtype == "float16"


def test_the_mean_of_many_half_precision_losses_does_not_overflow():
    x = Tensor(np.full((300, 300), 2, "float16"))
    assert F.mse_loss(x, x * 0).item() == 4


# ------------------------------------------------------------------------------------------------ ties and kinks


def test_the_first_of_equals_gets_max_pools_gradient():
    x = Tensor(np.ones((1, 1, 4, 4)), True)
    y, places = F.max_pool2d(x, 2, return_indices=True)
    (g,) = grad([y.sum()], [x])
    assert host(places).tolist() == [[[[0, 2], [8, 10]]]]
    assert host(g)[0, 0].tolist() == [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_max_pool_passes_nan_on():
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 1, 1] = math.nan
    assert np.isnan(host(F.max_pool2d(Tensor(x), 2))).tolist() == [[[[True, False], [False, False]]]]


def test_relu_at_zero():
    x = numbers(-1, 0, 1, requires_grad=True)
    (g,) = grad([F.relu(x).sum()], [x])
    assert host(g).tolist() == [0, 0, 1]


def test_normalize_of_zeros_has_a_finite_gradient():
    x = Tensor(np.zeros((2, 3)), True)
    (g,) = grad([(F.normalize(x) * numbers(1, 2, 3)).sum()], [x])
    assert np.isfinite(host(g)).all()


def test_attention_that_sees_nothing_gives_zeros():
    q = Tensor(np.ones((1, 2, 3)), True)
    for mask in (Tensor(np.zeros((2, 2), bool)), numbers([-math.inf, -math.inf], [-math.inf, -math.inf])):
        y = F.scaled_dot_product_attention(q, q, q, mask)
        (g,) = grad([y.sum()], [q])
        assert not host(y).any()
        assert not host(g).any()


# ------------------------------------------------------------------------------------------------ random


def test_dropout_scales_what_it_keeps(rng):
    manual_seed(1)
    x = Tensor(np.ones(100_000), True)
    y = F.dropout(x, 0.25)
    assert set(np.unique(host(y))) == {0, 1 / 0.75}
    assert abs(host(y).mean() - 1) < 0.01
    (g,) = grad([y.sum()], [x])
    np.testing.assert_array_equal(host(g), host(y))  # the very mask of the forward pass


def test_dropout_at_its_ends():
    x = numbers(1, 2, 3, requires_grad=True)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.5, training=False) is x
    assert host(F.dropout(x, 1.0)).tolist() == [0, 0, 0]
    assert host(grad([F.dropout(x, 1.0).sum()], [x])[0]).tolist() == [0, 0, 0]


def test_dropout_follows_the_seed():
    x = Tensor(np.ones(1000))
    draw = lambda: host(F.dropout(x)).tolist()
    manual_seed(3)
    first, second = draw(), draw()
    manual_seed(3)
    assert draw() == first != second


def test_dropout_in_place():
    x = Tensor(np.ones(1000))
    assert F.dropout(x, 0.5, inplace=True) is x
    assert set(np.unique(host(x))) == {0, 2}


def test_dropout2d_drops_whole_channels():
    y = host(F.dropout2d(Tensor(np.ones((50, 20, 2, 3)))))
    assert (y == y[..., :1, :1]).all()
    assert 0 < (y == 0).mean() < 1
    y = host(F.dropout1d(Tensor(np.ones((20, 3)))))
    assert (y == y[:, :1]).all()


def test_alpha_dropout_keeps_mean_and_variance(rng):
    manual_seed(5)
    y = host(F.alpha_dropout(Tensor(rng.normal(size=200_000)), 0.3, training=True))
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02


def test_attention_drops_its_weights():
    manual_seed(2)
    q, v = Tensor(np.zeros((1, 1, 4))), Tensor(np.ones((1, 10_000, 1)))
    y = F.scaled_dot_product_attention(q, Tensor(np.zeros((1, 10_000, 4))), v, dropout_p=0.4)
    assert abs(y.item() - 1) < 0.05
    assert y.item() != 1


def test_gumbel_softmax_hard_is_one_hot():
    manual_seed(2)
    x = Tensor(np.log([[0.2, 0.8]] * 5000), True)
    y = F.gumbel_softmax(x, hard=True)
    np.testing.assert_allclose(np.sort(host(y), -1), [[0, 1]] * 5000)
    assert abs(host(y)[:, 1].mean() - 0.8) < 0.03
    (g,) = grad([y[:, 0].sum()], [x])
    assert np.abs(host(g)).sum() > 0


def test_rrelu_draws_slopes_between_its_bounds():
    x = Tensor(-np.ones(1000))
    y = -host(F.rrelu(x, 0.1, 0.3, training=True))
    assert 0.1 <= y.min() < 0.15
    assert 0.25 < y.max() <= 0.3


# ------------------------------------------------------------------------------------------------ state, places


def test_batch_norm_moves_its_running_statistics(rng):
    x = rng.normal(size=(4, 3, 5))
    mean, var = Tensor(np.zeros(3)), Tensor(np.ones(3))
    F.batch_norm(Tensor(x, True), mean, var, training=True, momentum=0.1)
    np.testing.assert_allclose(host(mean), 0.1 * x.mean((0, 2)))
    np.testing.assert_allclose(host(var), 0.9 + 0.1 * x.var((0, 2), ddof=1))
    assert not mean.requires_grad
    before = host(mean).copy()
    F.batch_norm(Tensor(x), mean, var)
    np.testing.assert_array_equal(host(mean), before)


def test_batch_norm_takes_one_statistic_alone(rng):
    x, mean = rng.normal(size=(4, 3)), Tensor(np.zeros(3))
    F.batch_norm(Tensor(x), mean, None, training=True, momentum=1.0)
    np.testing.assert_allclose(host(mean), x.mean(0))


def test_activations_in_place():
    x = numbers(-1, 2)
    assert F.relu(x, inplace=True) is x
    assert host(x).tolist() == [0, 2]
    leaf = numbers(-1, 2, requires_grad=True)
    y = F.leaky_relu_(leaf * 1, 0.5)
    backward(y.sum())
    assert host(leaf.grad).tolist() == [0.5, 1]
    with pytest.raises(RuntimeError, match="leaf"):
        F.elu_(leaf)
    with no_grad():
        F.elu_(leaf)


def test_embedding_rows_used_twice_add_up_and_padding_gets_nothing():
    w = Tensor(np.arange(8.0).reshape(4, 2), True)
    y = F.embedding(ints([0, 1], [1, 3]), w, padding_idx=3)
    (g,) = grad([y.sum()], [w])
    assert host(y)[1, 1].tolist() == [6, 7]
    assert host(g).tolist() == [[1, 1], [2, 2], [0, 0], [0, 0]]


def test_embedding_shortens_the_rows_it_looks_up():
    w = numbers([3, 4], [0.3, 0.4], [6, 8])
    y = F.embedding(ints(0, 1), w, max_norm=1.0)
    np.testing.assert_allclose(host(w), [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-6)
    np.testing.assert_allclose(host(y), host(w)[:2])


def test_unfold_and_fold_are_adjoint(rng):
    x, how = rng.normal(size=(2, 3, 5, 6)), {"kernel_size": (2, 3), "padding": 1, "stride": 2}
    cols = host(F.unfold(Tensor(x), **how))
    g = rng.normal(size=cols.shape)
    back = host(F.fold(Tensor(g), (5, 6), **how))
    np.testing.assert_allclose((cols * g).sum(), (x * back).sum())


def test_softmax_without_dim_says_so():
    with pytest.warns(UserWarning, match="softmax: without dim, 1 is taken"):
        F.softmax(floats(2, 3))


def test_softmax_in_another_dtype():
    y = F.softmax(numbers(1, 2, dtype="float16"), 0, dtype="float64")
    assert y.dtype == "float64"
    assert F.log_softmax(ints(1, 2), 0, dtype="float32").dtype == "float32"


@pytest.mark.parametrize("size", [1, (2, 3), (4, 6), (None, 3)])
def test_adaptive_pooling_takes_the_way_of_its_formula(size, rng):
    """Where windows are equal a shorter way is taken; both must agree."""
    x = Tensor(rng.normal(size=(2, 3, 4, 6)))
    y = F.adaptive_avg_pool2d(x, size)
    np.testing.assert_allclose(host(y), host(means(means(x, y.shape[2], 2), y.shape[3], 3)), atol=1e-12)


@pytest.mark.parametrize("name", HALF)
def test_every_device(name, device, rng):
    """Values and gradients stay on the device of the input, whatever the function makes on its own."""
    made = []

    def draw(shape):
        made.append(Tensor(rng.uniform(0.1, 1, shape)).to(device).requires_grad_())
        return made[-1]

    manual_seed(0)
    targets = lambda *classes: ints(*classes).to(device)
    y = HALF[name](draw) if name not in ON_DEVICE else ON_DEVICE[name](draw, targets)
    assert str(y.device) == str(made[0].device)
    for g in grad([y.sum()], made, allow_unused=True):
        assert g is None or str(g.device) == str(y.device)


ON_DEVICE = {
    "cross_entropy": lambda x, t: F.cross_entropy(x((4, 3)), t(0, 1, 2, 1), x((3,)).detach(), label_smoothing=0.1),
    "embedding": lambda x, t: F.embedding(t(1, 2, 1), x((4, 3)), padding_idx=2, scale_grad_by_freq=True),
}


def test_upsample_is_interpolate(rng):
    x = Tensor(rng.normal(size=(1, 2, 4, 3)))
    np.testing.assert_array_equal(host(F.upsample_nearest(x, 5)), host(F.interpolate(x, 5)))
    expected = F.interpolate(x, None, 2, "bilinear", True)
    np.testing.assert_array_equal(host(F.upsample_bilinear(x, scale_factor=2)), host(expected))
    expected = F.interpolate(x, (2, 7), None, "bicubic")
    np.testing.assert_array_equal(host(F.upsample(x, (2, 7), None, "bicubic")), host(expected))


def test_embedding_bag_scales_gradients_by_frequency():
    w = Tensor(np.ones((3, 1)), True)
    y = F.embedding_bag(ints(0, 1, 1, 1), w, ints(0, 2), scale_grad_by_freq=True, mode="sum")
    (g,) = grad([y.sum()], [w])
    np.testing.assert_allclose(host(g), [[1], [1], [0]])


def test_resampling_leaves_what_it_does_not_use(rng):
    x = rng.normal(size=(1, 1, 5))
    x[..., 4] = np.nan
    y = host(F.adaptive_avg_pool1d(Tensor(x), 3))
    np.testing.assert_array_equal(np.isnan(y), [[[False, False, True]]])


def test_fractional_max_pooling_draws_its_windows():
    x = numbers(*np.arange(36.0)).reshape(1, 1, 6, 6)
    y, places = F.fractional_max_pool2d(x, 2, output_ratio=0.5, return_indices=True)
    assert y.shape == (1, 1, 3, 3)
    np.testing.assert_array_equal(host(y), host(places))
    assert host(y)[0, 0, -1, -1] == 35
