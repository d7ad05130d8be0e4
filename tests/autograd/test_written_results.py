"""Results that may be overwritten before backward, because no gradient needs them, as in PyTorch."""

import numpy as np
import pytest

import minidl
import minidl.nn.functional as F


@pytest.mark.parametrize("size", [4, 64])  # small arrays take the formula, large ones the kernel
@pytest.mark.parametrize("f", [
    lambda x: F.max_pool2d(x, 2), lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: x / (x * x + 1), F.silu,
    lambda x: F.glu(x, 1), F.instance_norm, lambda x: F.group_norm(x, 2), lambda x: F.layer_norm(x, x.shape[-1:]),
    lambda x: F.rms_norm(x, x.shape[-1:]), lambda x: F.batch_norm(x, None, None, training=True),
    lambda x: F.local_response_norm(x, 2), F.normalize,
])  # fmt: skip
def test_a_relu_in_place_may_follow(f, size, rng):
    """Convolution, pooling, then ReLU(inplace=True), as the spatial transformer has it, was refused; so was
    InstanceNorm2d, which has no weights, then ReLU(inplace=True)."""
    values = rng.standard_normal((3, 4, size, size))
    x, same = (minidl.tensor(values, requires_grad=True) for _ in range(2))
    weights = minidl.tensor(rng.standard_normal(f(x).shape))
    (F.relu(f(x)) * weights).sum().backward()
    (F.relu(f(same * 1), inplace=True) * weights).sum().backward()
    np.testing.assert_allclose(same.grad.numpy(), x.grad.numpy(), rtol=1e-12, atol=1e-12)
