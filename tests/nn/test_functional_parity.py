"""nn.functional beside torch.nn.functional: values, gradients and second gradients, one configuration a row."""

import inspect
import math

import numpy as np
import pytest

import minidl.nn.functional as F
from minidl.autograd import Tensor, grad

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
TF = torch.nn.functional


class Floats:
    """Numbers drawn for one argument; gradients are taken of it."""

    def __init__(self, *shape, low=-2.0, high=2.0, wanted=True):
        self.shape, self.low, self.high, self.wanted = shape, low, high, wanted

    def draw(self, rng):
        return rng.uniform(self.low, self.high, self.shape)


class Ints:
    def __init__(self, *shape, low=0, high):
        self.shape, self.low, self.high, self.wanted = shape, low, high, False

    def draw(self, rng):
        return rng.integers(self.low, self.high, self.shape)


class Given:
    """These very numbers."""

    def __init__(self, values, wanted=False):
        self.values, self.wanted = np.asarray(values), wanted

    def draw(self, rng):
        return self.values


def unit(*shape):
    return Floats(*shape, low=0.05, high=0.95)


def fixed(*shape, low=0.5, high=2.0):
    """Numbers that PyTorch takes no gradient of."""
    return Floats(*shape, low=low, high=high, wanted=False)


def bools(*shape):
    return Given(np.random.default_rng(3).random(shape) < 0.6)


X = Floats
ROWS = []


def row(name, *args, **kwargs):
    ROWS.append(pytest.param(name, args, kwargs, id=f"{len(ROWS)}-{name}"))


for name in (
    "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh logsigmoid softplus hardtanh hardsigmoid "
    "hardswish softsign tanhshrink softshrink hardshrink"
).split():
    row(name, X(3, 4, low=-5, high=5))
    row(name, X())
    row(name, X(0, 3))
for x in (X(2, 3), X(2, 6, 3)):
    row("leaky_relu", x, 0.3)
    row("elu", x, alpha=0.7)
    row("celu", x, alpha=1.7)
    row("gelu", x, approximate="tanh")
    row("softplus", x, 2, 3)
    row("hardtanh", x, -0.5, 0.7)
    row("softshrink", x, 0.2)
    row("hardshrink", x, 0.2)
    row("threshold", x, 0.1, -3.0)
    row("rrelu", x, 0.1, 0.3)
    row("prelu", x, X(1))
    row("prelu", x, X(x.shape[1]))
row("prelu", X(4), X(1))
row("glu", X(3, 4))
row("glu", X(2, 6, 3), 1)
for name in ("softmax", "log_softmax", "softmin"):
    row(name, X(3, 4), -1)
    row(name, X(2, 3, 4), dim=1)
    row(name, X(3), 0)
    row(name, X(), 0)
    row(name, X(3, 0), 1)
    row(name, X(0, 3), 1)

row("linear", X(3, 4), X(5, 4), X(5))
row("linear", X(2, 3, 4), X(5, 4))
row("linear", X(4), X(5, 4), X(5))
row("linear", X(0, 4), X(5, 4), X(5))
row("linear", X(3, 4), X(4))
row("bilinear", X(3, 4), X(3, 2), X(5, 4, 2), X(5))
row("bilinear", X(2, 3, 4), X(2, 3, 2), X(5, 4, 2))

row("conv2d", X(2, 3, 6, 5), X(4, 3, 3, 2), X(4))
row("conv2d", X(3, 6, 5), X(4, 3, 3, 2), X(4), 2, 1)
row("conv2d", X(2, 4, 7, 6), X(6, 2, 3, 2), None, (2, 1), (1, 0), (1, 2), 2)
row("conv2d", X(2, 4, 5, 5), X(4, 1, 3, 3), X(4), padding="same", groups=4)
row("conv2d", X(2, 3, 5, 6), X(2, 3, 2, 4), X(2), padding="same", dilation=(1, 1))
row("conv2d", X(2, 3, 5, 6), X(2, 3, 3, 4), padding="same", dilation=(2, 1))
row("conv2d", X(2, 3, 5, 6), X(2, 3, 3, 4), padding="valid")
row("conv2d", X(0, 3, 5, 6), X(2, 3, 3, 4), X(2))
row("conv2d", X(2, 3, 5, 6), X(2, 3, 1, 1), stride=3)
row("conv1d", X(2, 3, 6), X(4, 3, 3), X(4))
row("conv1d", X(3, 9), X(4, 3, 2), None, 2, 1, 2)
row("conv1d", X(2, 4, 6), X(4, 2, 3), padding="same", groups=2)
row("conv1d", X(2, 4, 6), X(4, 4, 4), X(4), padding="same")
row("conv_transpose2d", X(2, 3, 4, 3), X(3, 2, 3, 2), X(2))
row("conv_transpose2d", X(2, 4, 4, 3), X(4, 3, 3, 2), None, (2, 3), (1, 0), (1, 2), 2)
row("conv_transpose2d", X(4, 4, 3), X(4, 3, 3, 2), X(3), 2, 1, 1, 1, (2, 3))
row("conv_transpose1d", X(2, 4, 5), X(4, 3, 3), X(6), 2, 1, 1, 2, 2)
row("conv_transpose1d", X(4, 5), X(4, 3, 3))
row("unfold", X(2, 3, 5, 6), (2, 3), (2, 1), (1, 0), (1, 2))
row("unfold", X(3, 5, 6), 2)
row("fold", X(2, 12, 12), (4, 5), 2)
row("fold", X(2, 18, 4), (4, 5), (3, 2), (2, 1), (1, 0), (1, 2))
row("fold", X(12, 12), (4, 5), 2)

for x in (X(2, 3, 7, 6), X(3, 7, 6)):
    row("max_pool2d", x, 2)
    row("max_pool2d", x, 3, 2, 1)
    row("max_pool2d", x, (3, 2), (1, 2), (1, 0), (2, 3))
    row("max_pool2d", x, 3, 2, 1, ceil_mode=True)
    row("max_pool2d", x, 2, 3, 1, ceil_mode=True)
    row("max_pool2d", x, 2, 2, return_indices=True)
    row("max_pool2d", x, (3, 2), (1, 2), (1, 0), (2, 3), True, True)
    row("avg_pool2d", x, 2)
    row("avg_pool2d", x, (3, 2), (1, 2), (1, 0))
    row("avg_pool2d", x, 3, 2, 1, True)
    row("avg_pool2d", x, 3, 2, 1, True, False)
    row("avg_pool2d", x, 2, 3, 1, True)
    row("avg_pool2d", x, 3, 2, 1, False, False)
    row("avg_pool2d", x, 3, 2, 1, divisor_override=2)
    for size in (1, (3, 2), (None, 4), (7, 6), (9, 11), (7, None)):
        row("adaptive_avg_pool2d", x, size)
        row("adaptive_max_pool2d", x, size, True)
    row("lp_pool2d", Floats(*x.shape, low=0.1), 3.0, (3, 2), 1, True)
row("lp_pool1d", Floats(2, 3, 7, low=0.1), 2.0, 3, 2, True)
row("lp_pool1d", Floats(2, 3, 7), math.inf, 3, 2)
row("max_pool2d", X(0, 3, 7, 6), 2)
row("avg_pool2d", X(0, 3, 7, 6), 2)
row("max_pool2d", Given(np.zeros((1, 1, 4, 4)), wanted=True), 2, return_indices=True)
row("max_pool2d", Given(np.ones((1, 2, 5, 5)), wanted=True), 3, 1, 1)
for x in (X(2, 3, 9), X(3, 9)):
    row("max_pool1d", x, 2)
    row("max_pool1d", x, 3, 2, 1, 2, True, True)
    row("avg_pool1d", x, 3, 2, 1, True, False)
    row("adaptive_avg_pool1d", x, 4)
    row("adaptive_avg_pool1d", x, 3)
    row("adaptive_max_pool1d", x, 4, True)
row("conv3d", X(2, 2, 3, 4, 3), X(4, 2, 2, 3, 1), X(4))
row("conv3d", X(4, 4, 4, 3), X(4, 2, 2, 2, 3), None, (1, 2, 1), (1, 0, 1), (2, 1, 1), 2)
row("conv3d", X(2, 2, 3, 4, 3), X(3, 2, 2, 3, 1), X(3), padding="same")
row("conv_transpose3d", X(2, 2, 2, 3, 2), X(2, 3, 2, 3, 1), X(3))
row("conv_transpose3d", X(4, 2, 3, 2), X(4, 1, 2, 2, 3), X(2), (1, 2, 1), (1, 0, 1), (0, 1, 0), 2, (2, 1, 1))
row("conv_tbc", X(5, 2, 3), X(2, 3, 4), X(4), 1)
for x in (X(2, 3, 5, 4, 3), X(3, 5, 4, 3)):
    row("max_pool3d", x, 2)
    row("max_pool3d", x, (3, 2, 2), (1, 2, 1), (1, 0, 1), (2, 1, 1), True, True)
    row("avg_pool3d", x, 2)
    row("avg_pool3d", x, (3, 2, 2), (1, 2, 1), (1, 0, 1), True, False)
    row("avg_pool3d", x, 2, 2, 1, divisor_override=3)
    for size in (1, (3, 2, 2), (None, 4, 2), (5, 2, 1), (7, 5, 4)):
        row("adaptive_avg_pool3d", x, size)
        row("adaptive_max_pool3d", x, size, True)
    row("lp_pool3d", Floats(*x.shape, low=0.1), 2.0, (3, 2, 2), 1, True)
for t in ("int64", "uint8", "int32"):
    row("max_pool2d", Given(np.arange(30).reshape(1, 5, 6).astype(t)), 3, 2, 1, return_indices=True)
row("fractional_max_pool2d", X(2, 3, 7, 6), 2, (3, 4), None, True, Floats(2, 3, 2, low=0, high=1, wanted=False))
row("fractional_max_pool2d", X(3, 9, 8), (3, 2), None, (0.5, 0.6), True, Floats(1, 3, 2, low=0, high=1, wanted=False))
row("fractional_max_pool3d", X(2, 3, 7, 6, 5), 2, (3, 4, 1), None, True,
    Floats(2, 3, 3, low=0, high=1, wanted=False))  # fmt: skip
SPOTS = np.stack([np.random.default_rng(k).permutation(12)[:6] for k in range(6)])  # of 12 places, none twice
row("max_unpool1d", X(2, 3, 6), Given(SPOTS.reshape(2, 3, 6)), 2)
row("max_unpool2d", X(2, 3, 2, 3), Given(SPOTS.reshape(2, 3, 2, 3)), (2, 1), output_size=(4, 3))
row("max_unpool2d", X(3, 1, 3), Given(SPOTS[:3, :3].reshape(3, 1, 3)), 2, (3, 2), (0, 0), (2, 7))
row("max_unpool3d", X(2, 3, 1, 2, 3), Given(SPOTS.reshape(2, 3, 1, 2, 3)), (2, 1, 1))

for x, plain in ((X(2, 3, 7), "linear"), (X(2, 2, 4, 5), "bilinear"), (X(1, 2, 3, 2, 4), "trilinear")):
    n = len(x.shape) - 2
    for mode in ("nearest", "nearest-exact", "area"):
        row("interpolate", x, 3, mode=mode)
        row("interpolate", x, tuple(range(5, 5 + n)), mode=mode)
        row("interpolate", x, None, 1.6, mode)
        row("interpolate", x, None, 0.7, mode, recompute_scale_factor=True)
    for mode in (plain, "bicubic") if n == 2 else (plain,):
        for corners in (False, True):
            row("interpolate", x, 3, None, mode, corners)
            row("interpolate", x, tuple(range(1, 1 + n)), None, mode, corners)
            row("interpolate", x, None, 2.3, mode, corners)
            row("interpolate", x, None, 0.6, mode, corners, True)
for mode in ("bilinear", "bicubic", "lanczos"):
    for size in ((3, 4), (9, 2), (1, 1), (7, 12)):
        row("interpolate", X(2, 2, 7, 6), size, None, mode, antialias=True)
row("interpolate", X(2, 2, 7, 6), (3, 9), None, "bilinear", True, antialias=True)
row("interpolate", X(2, 2, 7, 6), None, 0.4, "bicubic", antialias=True)
for mode in ("bilinear", "nearest", "bicubic"):
    for padding in ("zeros", "border", "reflection"):
        for corners in (False, True):
            row("grid_sample", X(2, 3, 4, 5), X(2, 3, 2, 2, low=-1.6, high=1.6), mode, padding, corners)
            if mode != "bicubic":
                row("grid_sample", X(2, 3, 4, 3, 2), X(2, 1, 3, 2, 3, low=-1.6, high=1.6), mode, padding, corners)
row("grid_sample", X(1, 1, 1, 1), X(1, 3, 2, 2), "bilinear", "reflection", True)
EDGES = Given([[[[-1.0, -1], [1, 1], [0, 1]], [[-1, 0.3], [1, -1], [3, -3]]]], wanted=True)
row("grid_sample", X(1, 2, 4, 3), EDGES, "bilinear", "border", True)
row("grid_sample", X(1, 2, 4, 3), EDGES, "bilinear", "zeros", False)
for corners in (False, True):
    row("affine_grid", X(2, 2, 3), (2, 5, 3, 4), corners)
    row("affine_grid", X(2, 3, 4), (2, 5, 3, 2, 4), corners)
for p in (0, 1, 2, 3.0, math.inf):
    row("pdist", X(5, 3), p)
row("pdist", X(1, 3))
row("pairwise_distance", X(5, 3), X(5, 3), -7)
row("pairwise_distance", X(5, 3), X(5, 3), -math.inf, 1e-6, True)
row("normalize", X(5, 3), -2.0, 1)

MANY = Given([3, 1, 4, 1, 5, 2, 0, 5, 3])
for mode in ("sum", "mean", "max"):
    row("embedding_bag", Ints(4, 3, high=6), X(6, 2), mode=mode)
    row("embedding_bag", MANY, X(6, 2), Given([0, 2, 2, 5]), mode=mode)
    row("embedding_bag", MANY, X(6, 2), Given([0, 4, 9]), mode=mode, include_last_offset=True)
    row("embedding_bag", MANY, X(6, 2), Given([0, 4, 5, 9]), mode=mode, padding_idx=5)
    row("embedding_bag", Ints(0, 3, high=6), X(6, 2), mode=mode)
row("embedding_bag", MANY, X(6, 2), Given([0, 2, 2, 5]), mode="sum", per_sample_weights=X(9))
row("embedding_bag", Ints(2, 3, high=6), X(6, 2), mode="sum", per_sample_weights=X(2, 3), padding_idx=-2)

row("multilabel_margin_loss", X(3, 4), Given([[3, 0, -1, 1], [-1, 2, 2, 2], [0, 1, 2, 3]]))
row("multilabel_margin_loss", X(3, 4), Given([[3, 0, -1, 1], [2, -1, 2, 2], [0, 1, 2, 3]]), reduction="none")
row("multilabel_margin_loss", X(4), Given([3, 0, -1, 1]), reduction="sum")
row("linear_cross_entropy", X(3, 4), X(5, 4), Ints(3, high=5), linear_bias=X(5), label_smoothing=0.1)

for x in (X(4, 3), X(2, 3, 5), X(2, 3, 4, 2), X(2, 3, 2, 2, 2)):
    row("batch_norm", x, None, None, X(3), X(3), True)
    row("batch_norm", x, fixed(3), fixed(3), None, None, True, 0.3, 1e-2)
    row("batch_norm", x, fixed(3), fixed(3), X(3), X(3), False)
    row("batch_norm", x, fixed(3), fixed(3), X(3), None, eps=0.1)
row("batch_norm", X(0, 3, 2), fixed(3), fixed(3), X(3), X(3), False)
row("layer_norm", X(2, 3, 4), (4,), X(4), X(4))
row("layer_norm", X(2, 3, 4), (3, 4), X(3, 4), None, 1e-2)
row("layer_norm", X(2, 3, 4), [2, 3, 4])
row("layer_norm", X(0, 4), (4,), X(4), X(4))
row("rms_norm", X(2, 3, 4), (4,), X(4))
row("rms_norm", X(2, 3, 4), (3, 4), None, 1e-2)
row("group_norm", X(2, 6, 5), 3, X(6), X(6))
row("group_norm", X(2, 6, 2, 2), 2, None, None, 1e-2)
row("group_norm", X(3, 6), 2, X(6))
row("instance_norm", X(2, 3, 5), None, None, X(3), X(3))
row("instance_norm", X(2, 3, 4, 2), fixed(3), fixed(3), None, None, True, 0.2)
row("instance_norm", X(2, 3, 4, 2), fixed(3), fixed(3), X(3), None, False)
row("local_response_norm", X(2, 7, 3, 2), 3, 0.1, 0.6, 1.5)
row("local_response_norm", X(2, 7, 3), 4)
row("normalize", X(3, 4))
row("normalize", X(2, 3, 4), 1.0, 2)
row("normalize", X(2, 3, 4), 3.0, dim=0)
row("normalize", X(2, 3), float("inf"), 1)
row("cosine_similarity", X(3, 4), X(3, 4))
row("cosine_similarity", X(3, 4), X(4), dim=-1)
row("pairwise_distance", X(3, 4), X(3, 4))
row("pairwise_distance", X(3, 4), X(3, 4), 1.0, keepdim=True)

for how in ({}, {"reduction": "sum"}, {"reduction": "none"}, {"size_average": False}, {"reduce": False}):
    for x, t in ((X(3, 4), X(3, 4)), (X(), X()), (X(0, 2), X(0, 2))):
        row("mse_loss", x, t, **how)
        row("l1_loss", x, t, **how)
        row("smooth_l1_loss", x, t, **how)
        if "reduction" in how:
            row("huber_loss", x, t, **how)
    row("smooth_l1_loss", X(3, 4), X(3, 4), beta=0.5, **how)
    row("smooth_l1_loss", X(3, 4), X(3, 4), beta=0.0, **how)
    row("cross_entropy", X(4, 3), Ints(4, high=3), **how)
    row("cross_entropy", X(4, 3), Ints(4, high=3), fixed(3), ignore_index=1, label_smoothing=0.2, **how)
    row("cross_entropy", X(2, 3, 4, 2), Ints(2, 4, 2, high=3), fixed(3), **how)
    row("cross_entropy", X(3), Ints(high=3), label_smoothing=0.1, **how)
    row("cross_entropy", X(4, 3), Given([0, -100, 2, -100]), fixed(3), label_smoothing=0.3, **how)
    row("cross_entropy", X(0, 3), Ints(0, high=3), **how)
    row("cross_entropy", X(4, 3), unit(4, 3), **how)
    row("cross_entropy", X(2, 3, 4), unit(2, 3, 4), fixed(3), label_smoothing=0.2, **how)
    row("cross_entropy", X(3), unit(3), fixed(3), **how)
    row("nll_loss", X(4, 3), Ints(4, high=3), fixed(3), ignore_index=1, **how)
    row("nll_loss", X(2, 3, 4), Ints(2, 4, high=3), **how)
    row("binary_cross_entropy", unit(3, 4), fixed(3, 4, low=0, high=1), **how)
    row("binary_cross_entropy", unit(3, 4), fixed(3, 4, low=0, high=1), fixed(4), **how)
    row("binary_cross_entropy_with_logits", X(3, 4), unit(3, 4), **how)
    row("binary_cross_entropy_with_logits", X(3, 4), unit(3, 4), fixed(3, 4), pos_weight=fixed(4), **how)
    row("kl_div", X(3, 4), unit(3, 4), **how)
    row("kl_div", X(3, 4), X(3, 4), log_target=True, **how)
    row("poisson_nll_loss", X(3, 4), Floats(3, 4, low=0, high=4, wanted=False), full=True, **how)
    row("hinge_embedding_loss", X(3, 4), Given([[1, -1, 1, -1]] * 3), 0.7, **how)
    row("margin_ranking_loss", X(5), X(5), Given([1, -1, 1, 1, -1]), 0.3, **how)
    row("cosine_embedding_loss", X(4, 3), X(4, 3), Given([1, -1, 1, -1]), 0.1, **how)
    row("soft_margin_loss", X(4), Given([1.0, -1, 1, -1]), **how)
    row("multilabel_soft_margin_loss", X(4, 3), fixed(4, 3, low=0, high=1), fixed(3), **how)
    row("multi_margin_loss", X(4, 3), Ints(4, high=3), 2, 0.7, fixed(3), **how)
    row("multi_margin_loss", X(4, 3), Ints(4, high=3), **how)
    row("triplet_margin_loss", X(4, 3), X(4, 3), X(4, 3), 0.5, swap=True, **how)
    row("triplet_margin_loss", X(4, 3), X(4, 3), X(4, 3), p=3, **how)
    if "reduction" in how:
        row("triplet_margin_with_distance_loss", X(4, 3), X(4, 3), X(4, 3), margin=0.5, swap=True, **how)
for how in ({}, {"reduction": "sum"}, {"reduction": "none"}):
    row("huber_loss", X(3, 4), X(3, 4), delta=0.5, **how)
    row("gaussian_nll_loss", X(4, 3), X(4, 3), unit(4, 3), **how)
    row("gaussian_nll_loss", X(4, 3), X(4, 3), unit(4), full=True, **how)
    row("mse_loss", X(4, 3), X(4, 3), weight=fixed(4, 3), **how)
    row("l1_loss", X(4, 3), X(4, 3), weight=fixed(4, 3), **how)
row("kl_div", X(3, 4), unit(3, 4), reduction="batchmean")
row("poisson_nll_loss", unit(3, 4), unit(3, 4), False)

row("embedding", Ints(2, 3, high=5), X(5, 4))
row("embedding", Ints(2, 3, high=5), X(5, 4), 2)
row("embedding", Ints(2, 3, high=5), X(5, 4), -1)
row("embedding", Given([0, 1, 1, 1]), X(5, 4), scale_grad_by_freq=True)
row("embedding", Ints(high=5), X(5, 4))
row("embedding", Ints(0, 2, high=5), X(5, 4))
row("one_hot", Ints(2, 3, high=4))
row("one_hot", Ints(2, 3, high=4), 6)
row("one_hot", Ints(0, high=4), 6)

QKV = X(2, 3, 4), X(2, 5, 4), X(2, 5, 3)
row("scaled_dot_product_attention", *QKV)
row("scaled_dot_product_attention", *QKV, X(3, 5))
row("scaled_dot_product_attention", *QKV, bools(2, 3, 5), scale=0.3)
row("scaled_dot_product_attention", *QKV, is_causal=True)
row("scaled_dot_product_attention", X(2, 4, 3, 4), X(2, 2, 5, 4), X(2, 2, 5, 4), enable_gqa=True)
row("scaled_dot_product_attention", X(3, 4), X(5, 4), X(5, 3))
row("scaled_dot_product_attention", *QKV, Given([[True] * 5, [False] * 5, [True] * 5]))

row("pad", X(2, 3), (1, 2))
row("pad", X(2, 3, 4), (1, 2, 0, -1), value=2.5)
row("pad", X(2, 3, 4), (-1, 0, 2, 1))
row("pad", X(2, 3), ())
row("pad", X(2, 3, 4), (2, 1), "reflect")
row("pad", X(2, 3, 4, 5), (2, 1, 3, 0), "reflect")
row("pad", X(2, 3, 4), (2, 7), "replicate")
row("pad", X(2, 3, 4, 5), (2, 5, 0, 1), mode="circular")
row("pixel_shuffle", X(2, 8, 3, 2), 2)
row("channel_shuffle", X(2, 6, 3, 2), 3)
row("pixel_unshuffle", X(2, 3, 4, 6), 2)
row("interpolate", X(2, 3, 5), 7)
row("interpolate", X(2, 3, 5, 4), scale_factor=2)
row("interpolate", X(2, 3, 5, 4), scale_factor=(0.7, 1.3))
row("interpolate", X(2, 3, 5), 7, mode="linear")
row("interpolate", X(2, 3, 5, 4), (3, 9), mode="bilinear")
row("interpolate", X(2, 3, 5, 4), (3, 9), mode="bilinear", align_corners=True)
row("interpolate", X(2, 3, 5, 4), scale_factor=1.7, mode="bilinear")



@pytest.mark.filterwarnings("ignore:size_average and reduce args will be deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")
@pytest.mark.filterwarnings("ignore:reduction.*batchmean:UserWarning")
@pytest.mark.parametrize("name, args, kwargs", ROWS)
def test_values_and_gradients(name, args, kwargs, rng):
    drawn = [a.draw(rng) if hasattr(a, "draw") else a for a in args]
    named = {k: a.draw(rng) if hasattr(a, "draw") else a for k, a in kwargs.items()}
    wanted = [getattr(a, "wanted", False) for a in args]

    def run(functions, make):
        xs = [make(v, w) if isinstance(v, (np.ndarray, np.generic)) else v for v, w in zip(drawn, wanted)]
        more = {k: make(v, False) if isinstance(v, np.ndarray) else v for k, v in named.items()}
        y = getattr(functions, name)(*xs, **more)
        return xs, y if isinstance(y, tuple) else (y,)

    xs, ys = run(F, lambda v, w: Tensor(np.array(v), w))
    txs, tys = run(TF, lambda v, w: torch.tensor(v, requires_grad=w))
    assert len(ys) == len(tys)
    for y, ty in zip(ys, tys):
        same(y, ty)
    for x, tx in zip(xs, txs):  # running statistics, changed in place
        if isinstance(x, Tensor):
            same(x, tx)
    inputs = [k for k, w in enumerate(wanted) if w]
    if not inputs or not ys[0].requires_grad:
        return
    seed = rng.normal(size=ys[0].shape)
    v, tv = Tensor(seed, True), torch.tensor(seed, requires_grad=True)
    at, tat = [xs[k] for k in inputs], [txs[k] for k in inputs]
    gs = grad([ys[0]], at, [v], create_graph=True)
    tgs = torch.autograd.grad([tys[0]], tat, [tv], create_graph=True)
    for g, tg in zip(gs, tgs):
        same(g, tg)
    if name == "embedding":
        return  # PyTorch's second derivative forgets scale_grad_by_freq, and stumbles where nothing is looked up
    how = {"materialize_grads": True, "allow_unused": True}
    weights = [rng.normal(size=g.shape) for g in gs]
    hs = grad(gs, [*at, v], [Tensor(w) for w in weights], **how)
    try:
        ths = torch.autograd.grad(tgs, [*tat, tv], [torch.tensor(w) for w in weights], **how)
    except RuntimeError as error:  # PyTorch stops at the first derivative of a few
        assert "is not implemented" in str(error)
        return
    for h, th in zip(hs, ths):
        same(h, th)


def same(ours, theirs):
    assert tuple(ours.shape) == tuple(theirs.shape)
    found, expected = ours.array, theirs.detach().numpy(force=True)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


CTC = [
    # targets, input lengths, target lengths, and what else
    ([[1, 2, 2], [3, 1, 0]], (6, 5), (3, 2), {}),
    ([[1, 2, 2], [3, 1, 0]], (6, 5), (3, 2), {"reduction": "sum"}),
    ([[1, 2, 2], [3, 1, 0]], (6, 5), (3, 0), {"reduction": "none"}),
    ([1, 2, 2, 3, 1], [4, 6], [3, 2], {"blank": 0}),
    ([1, 0, 2, 0, 1], (4, 6), (3, 2), {"blank": 3}),
    ([[1, 1, 1], [3, 1, 0]], (3, 6), (3, 2), {"zero_infinity": True}),
]


@pytest.mark.parametrize("targets, n, m, how", CTC)
def test_ctc_loss(targets, n, m, how, rng):
    made, t = rng.normal(size=(6, 2, 4)), np.array(targets)
    x, tx = Tensor(made, True), torch.tensor(made, requires_grad=True)
    y = F.ctc_loss(F.log_softmax(x, -1), Tensor(t), Tensor(np.array(n)), Tensor(np.array(m)), **how)
    ty = TF.ctc_loss(TF.log_softmax(tx, -1), torch.tensor(t), torch.tensor(n), torch.tensor(m), **how)
    np.testing.assert_allclose(y.array, ty.detach().numpy(), rtol=1e-9)
    (g,), (tg,) = grad([y.sum()], [x]), torch.autograd.grad([ty.sum()], [tx])
    np.testing.assert_allclose(g.array, tg.numpy(), rtol=1e-7, atol=1e-12)


def test_ctc_loss_of_one_sample_and_of_what_cannot_be(rng):
    made = rng.normal(size=(5, 4))
    for reduction in ("none", "mean", "sum"):
        y = F.ctc_loss(Tensor(made), Tensor(np.array([1, 2])), (5,), (2,), reduction=reduction)
        ty = TF.ctc_loss(torch.tensor(made), torch.tensor([1, 2]), (5,), (2,), reduction=reduction)
        assert y.shape == tuple(ty.shape)
        np.testing.assert_allclose(y.array, ty.numpy())
    impossible = F.ctc_loss(Tensor(made), Tensor(np.array([1, 1, 1])), (3,), (3,))
    assert impossible.item() == math.inf
    for n, m, blank in (((6,), (2,), 0), ((5,), (7,), 0), ((5,), (2,), 4), ((5, 5), (2,), 0)):
        with pytest.raises(RuntimeError, match="ctc_loss"):
            F.ctc_loss(Tensor(made), Tensor(np.array([1, 2])), n, m, blank)


def heads(rng, E=6, kdim=None, bias=False):
    """Weights of multi-head attention, by name."""
    made = {"out_proj_weight": rng.normal(size=(E, E)), "out_proj_bias": rng.normal(size=E)}
    made["in_proj_bias"] = rng.normal(size=3 * E)
    made["in_proj_weight"] = None if kdim else rng.normal(size=(3 * E, E))
    for k, n in (("q", E), ("k", kdim), ("v", kdim)):
        made[f"{k}_proj_weight"] = rng.normal(size=(E, n)) if kdim else None
    made["bias_k"], made["bias_v"] = (rng.normal(size=(1, 1, E)) for _ in range(2)) if bias else (None, None)
    return made


CAUSAL = np.triu(np.ones((4, 4), bool), 1)
MASKS = [
    {}, {"need_weights": False}, {"average_attn_weights": False}, {"attn_mask": CAUSAL},
    {"attn_mask": CAUSAL, "need_weights": False, "is_causal": True},
    {"attn_mask": np.where(CAUSAL, -2.0, 0.5)}, {"attn_mask": np.repeat(CAUSAL[None], 6, 0)},
    {"key_padding_mask": np.array([[False, False, True, True], [False] * 4, [False, True, False, False]])},
    {"key_padding_mask": np.array([[False, False, True, True]] * 3), "attn_mask": CAUSAL, "need_weights": False},
]  # fmt: skip


@pytest.mark.parametrize("how", MASKS, ids=lambda how: "-".join(how))
@pytest.mark.parametrize("kind", ["self", "cross", "separate", "bias", "zero"])
def test_multi_head_attention_forward(how, kind, rng):
    w = heads(rng, kdim=5 if kind == "separate" else None, bias=kind == "bias")
    q = rng.normal(size=(4, 3, 6))
    k, v = (rng.normal(size=(4, 3, 5 if kind == "separate" else 6)) for _ in range(2))
    made = [q] if kind == "self" else [q, k, v]

    def run(function, tensor, xs):
        x = (xs[0],) * 3 if kind == "self" else xs
        given = {name: None if a is None else tensor(a) for name, a in w.items()}
        options = {name: tensor(a) if isinstance(a, np.ndarray) else a for name, a in how.items()}
        if kind == "separate":
            options["use_separate_proj_weight"] = True
        return function(*x, 6, 2, **given, add_zero_attn=kind == "zero", dropout_p=0.0, **options)

    xs, txs = [Tensor(a, True) for a in made], [torch.tensor(a, requires_grad=True) for a in made]
    ys = run(F.multi_head_attention_forward, Tensor, xs)
    tys = run(TF.multi_head_attention_forward, torch.tensor, txs)
    for y, ty in zip(ys, tys):
        assert (y is None) == (ty is None)
        if y is not None:
            same(y, ty)
    for g, tg in zip(grad([(ys[0] ** 2).sum()], xs), torch.autograd.grad([(tys[0] ** 2).sum()], txs)):
        same(g, tg)


def test_multi_head_attention_without_a_batch(rng):
    w, x = heads(rng), rng.normal(size=(4, 6))
    pad = np.array([False, True, False, False])
    how = {"add_zero_attn": False, "dropout_p": 0.0}
    ours = {n: None if a is None else Tensor(a) for n, a in w.items()}
    theirs = {n: None if a is None else torch.tensor(a) for n, a in w.items()}
    ys = F.multi_head_attention_forward(*[Tensor(x)] * 3, 6, 3, **ours, **how, key_padding_mask=Tensor(pad))
    tys = TF.multi_head_attention_forward(
        *[torch.tensor(x)] * 3, 6, 3, **theirs, **how, key_padding_mask=torch.tensor(pad)
    )
    for y, ty in zip(ys, tys):
        same(y, ty)


def parameters(function):
    """Names and defaults in order; None where the function does not tell, or takes whatever comes."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except ValueError:
        return None
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found):
        return None
    return [(p.name, p.default) for p in found]


SHARED = {n: parameters(getattr(TF, n)) for n in dir(F) if n[0] != "_" and callable(getattr(TF, n, None))}


@pytest.mark.parametrize("name", [n for n, told in SHARED.items() if told])
def test_signature(name):
    """The same names in the same order with the same defaults, so that calls by position mean the same."""
    assert parameters(getattr(F, name)) == SHARED[name]
