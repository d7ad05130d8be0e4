"""The networks for pictures: sizes as the textbooks count them, any size of picture, and the same in PyTorch."""

import numpy as np
import pytest

import minidl
from minidl.models import CNN, MLP, CNNConfig, LeNet, LeNetConfig, MLPConfig
from minidl.testing import gradcheck


@pytest.fixture(autouse=True)
def seeded():
    before = minidl.get_rng_state()
    minidl.manual_seed(0)
    yield
    minidl.set_rng_state(before)


def parameters(model):
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    "model, shape, count",
    [
        (MLP(MLPConfig()), (1, 28, 28), 784 * 128 + 128 + 128 * 10 + 10),
        (MLP(MLPConfig(64, (), 3)), (64,), 64 * 3 + 3),
        (MLP(MLPConfig(64, (32, 16), 10, dropout=0.5)), (1, 8, 8), 64 * 32 + 32 + 32 * 16 + 16 + 16 * 10 + 10),
        (LeNet(LeNetConfig()), (1, 28, 28), 61_706),  # 60,000 in 1998, with fewer connections in the second layer
        (LeNet(LeNetConfig(3, 32, 32)), (3, 32, 32), 62_006),
        (CNN(CNNConfig()), (3, 32, 32), 122_570),
        (CNN(CNNConfig(3, 64, 64)), (3, 64, 64), 646_858),  # as the documents' listing, in minidl.keras and in Keras
        (CNN(CNNConfig(1, 28, 28, batch_norm=True)), (1, 28, 28), 93_322 + 2 * (32 + 64 + 64)),
    ],
)
def test_sizes(model, shape, count):
    assert parameters(model) == count
    outputs = 3 if count < 200 else 10
    assert model(minidl.zeros(2, *shape)).shape == (2, outputs)


@pytest.mark.parametrize("height, width", [(18, 18), (19, 30), (28, 21), (64, 48)])
def test_pictures_of_other_sizes(height, width):
    x = minidl.randn(2, 3, height, width)
    assert LeNet(LeNetConfig(3, height, width, 4))(x).shape == (2, 4)
    assert CNN(CNNConfig(3, height, width, 4))(x).shape == (2, 4)


def test_pictures_too_small_for_the_convolutions_are_refused():
    with pytest.raises(ValueError, match="18 pixels a side are the least, got 28 × 17"):
        CNN(CNNConfig(1, 28, 17))


@pytest.mark.parametrize(
    "model",
    [
        MLP(MLPConfig(12, (8, 6), 3)),
        LeNet(LeNetConfig(1, 8, 8)),
        CNN(CNNConfig(1, 18, 18, batch_norm=True)),
    ],
)
def test_gradients_and_values_are_pytorchs(model):
    torch = pytest.importorskip("torch", reason="PyTorch is what is compared with")
    from benchmarks._twin import twin_of

    config, y = model.config, minidl.arange(4) % 3
    shape = (config.inputs,) if isinstance(model, MLP) else (config.channels, config.height, config.width)
    x, twin = minidl.randn(4, *shape), twin_of(model)
    loss = minidl.nn.functional.cross_entropy(model(x), y)
    loss.backward()
    theirs = torch.nn.functional.cross_entropy(twin(torch.from_numpy(x.numpy())), torch.from_numpy(y.numpy()))
    theirs.backward()
    np.testing.assert_allclose(loss.item(), theirs.item(), rtol=1e-6)
    for (name, p), q in zip(model.named_parameters(), twin.parameters()):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-4, atol=5e-6, err_msg=name)


def test_the_gradient_is_that_of_finite_differences():
    model = LeNet(LeNetConfig(1, 8, 8, 3)).double()
    x = minidl.randn(2, 1, 8, 8, dtype=minidl.float64, requires_grad=True)
    assert gradcheck(lambda x: model(x).logsumexp(1), (x,))
