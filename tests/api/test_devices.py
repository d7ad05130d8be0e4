"""Tensors that change their device, on the strict stand-in, which refuses to mix with the host as a GPU does."""

import numpy as np
import pytest

import minidl
from minidl.testing.strict import add_strict_device

add_strict_device()


@pytest.fixture
def x():
    return minidl.arange(6.0).reshape(2, 3).to("strict")


def test_creation_and_back(x):
    assert str(x.device) == "strict:0"
    assert x.cpu().tolist() == x.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert minidl.zeros(2, device="strict").device == x.device
    assert minidl.rand(2, device="strict").device == x.device
    assert minidl.zeros_like(x).device == x.new_ones(2).device == x.device
    assert x.to("strict") is x
    assert "device='strict:0'" in repr(x)
    with pytest.raises(TypeError, match=r"bring it to the host with .cpu\(\)"):
        x.numpy()


def test_gradients_travel_between_devices():
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).to("strict") * 3
    (y * y).sum().backward()
    assert x.grad.device == x.device
    np.testing.assert_allclose(x.grad.numpy(), 36 * np.array([1.0, 8.0]))


def test_second_order_travels_too():
    x = minidl.tensor([1.0, 2.0], requires_grad=True)
    y = ((x * x).to("strict") * 3).sum()
    (g,) = minidl.autograd.grad(y, x, create_graph=True)
    (h,) = minidl.autograd.grad(g.sum(), x)
    assert h.tolist() == [6, 6]


def test_random_numbers_are_the_same_everywhere():
    draws = []
    for device in ("cpu", "strict"):
        minidl.manual_seed(0)
        draws.append(minidl.randn(3, device=device).tolist() + minidl.empty(2, device=device).uniform_().tolist())
    assert draws[0] == draws[1]


def test_indexing(x):
    assert x[0].tolist() == [0, 1, 2]
    assert x[[0, 1], [1, 2]].tolist() == [1, 5]
    assert x[x > 2].tolist() == [3, 4, 5]
    assert x[:, minidl.tensor([0, 0])].tolist() == [[0, 0], [3, 3]]
    x[0] = 7
    x[1, 1:] = minidl.tensor([1.0, 2.0]).to("strict")
    assert x.tolist() == [[7, 7, 7], [3, 1, 2]]
    with pytest.raises(IndexError, match="index 2 is out of range for axis 0"):
        x[minidl.tensor([2])]
    with pytest.raises(RuntimeError, match="the value is on cpu, the tensor on strict:0"):
        x[0] = minidl.ones(3)


METHODS = {
    "max": lambda x: x.max(1),
    "sort": lambda x: x.sort(1, descending=True),
    "topk": lambda x: x.topk(2),
    "median": lambda x: x.median(1),
    "cumprod": lambda x: x.cumprod(1),
    "prod": lambda x: x.prod(),
    "std": lambda x: x.std(0),
    "norm": lambda x: x.norm(),
    "logsumexp": lambda x: x.logsumexp(1),
    "gather": lambda x: x.gather(1, minidl.tensor([[0], [2]]).to(x.device)),
    "scatter_add": lambda x: x.scatter_add(1, minidl.tensor([[0], [2]]).to(x.device), x),
    "index_select": lambda x: x.index_select(1, minidl.tensor([2, 0]).to(x.device)),
    "masked_fill": lambda x: x.masked_fill(x > 2, 0),
    "where": lambda x: minidl.where(x > 2, x, 0.0),
    "where both": lambda x: minidl.where(x > 2, 1.0, 0.0),
    "cat": lambda x: minidl.cat([x, x], 1),
    "stack": lambda x: minidl.stack([x, x]),
    "tril": lambda x: x.tril(),
    "diagonal": lambda x: x.diagonal(),
    "diag_embed": lambda x: minidl.diag_embed(x),
    "matmul": lambda x: x @ x.T,
    "einsum": lambda x: minidl.einsum("ij,kj->ik", x, x),
    "clamp": lambda x: x.clamp(1, 3),
    "pow": lambda x: x**2,
    "pow tensor": lambda x: (x + 1) ** x,
    "erfc": lambda x: x.erfc(),
    "unique": lambda x: x.unique(),
    "nonzero": lambda x: x.nonzero(),
    "repeat": lambda x: x.repeat(2, 2),
    "roll": lambda x: x.roll(1),
    "flip": lambda x: x.flip(0, 1),
    "view": lambda x: x.view(3, 2),
    "long": lambda x: x.long() // 2,
    "isclose": lambda x: minidl.isclose(x, x),
    "softmax": lambda x: x.softmax(1),
    "nan_to_num": lambda x: x.nan_to_num(),
    "inv": lambda x: minidl.linalg.inv(x @ x.T + minidl.eye(2, device=x.device)),
}


@pytest.mark.parametrize("name", METHODS)
def test_the_same_as_on_the_host(x, name):
    def run(start):
        leaf = start.detach().clone().requires_grad_()
        y = METHODS[name](leaf)
        values = y if isinstance(y, tuple) else (y,)
        sums = [v.sum() for v in values if v.requires_grad]
        if sums:
            sums[0].backward()
        return [v.detach().cpu().numpy() for v in values], None if leaf.grad is None else leaf.grad.cpu().numpy()

    (here, g_here), (there, g_there) = run(x.cpu()), run(x)
    for a, b in zip(here, there, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert (g_here is None) == (g_there is None)
    if g_here is not None:
        np.testing.assert_allclose(g_here, g_there, rtol=1e-5)
