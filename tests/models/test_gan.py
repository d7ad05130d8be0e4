"""The adversarial networks against PyTorch reading the same files: losses, the penalty's second order, whole turns."""

import functools
import sys

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.models import DCGAN, GAN, WGANGP, DCGANConfig, GANConfig, WGANGPConfig
from minidl.models.gan import discriminator_loss, generator_loss
from minidl.training.adversarial import AdversarialTrainer

CONFIGS = {
    GAN: GANConfig(latent=5, hidden=9, side=8),
    DCGAN: DCGANConfig(latent=5, width=4, side=8),
    WGANGP: WGANGPConfig(latent=5, width=4, side=8),
}


def made(kind):
    minidl.manual_seed(3)
    return kind(CONFIGS[kind])


def twins(kind):
    """The network and its twin, both in float64."""
    torch = pytest.importorskip("torch", reason="PyTorch is what it is compared with")
    from benchmarks._twin import twin_of

    model = made(kind)
    twin = twin_of(model)
    return model.double(), twin.double(), torch


def numbers(rng, *shapes):
    return [rng.random(shape) if len(shape) > 2 else rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("kind", CONFIGS)
def test_pictures_lie_between_black_and_white(kind):
    model, z = made(kind), 5 * minidl.randn(6, 5)
    for x in (model(z), model.eval()(z)):
        assert x.shape == (6, 1, 8, 8) and 0 <= x.min().item() <= x.max().item() <= 1


def test_the_sizes_are_those_of_the_textbook():
    model = GAN(GANConfig())
    shapes = [tuple(p.shape) for p in model.parameters()]
    assert shapes == [(128, 100), (128,), (784, 128), (784,), (128, 784), (128,), (1, 128), (1,)]
    p = model.discriminator(model(minidl.randn(3, 100)))
    assert p.shape == (3,) and 0 < p.min().item() <= p.max().item() < 1


def test_the_losses_are_the_game_s(rng):
    """With D = σ(s): −E log D(x) − E log(1 − D(G(z))), and for G both forms."""
    s, t = rng.normal(size=7), rng.normal(size=7)
    real, fake = 1 / (1 + np.exp(-s)), 1 / (1 + np.exp(-t))
    close = lambda a, b: np.testing.assert_allclose(a.item(), b, rtol=1e-12)
    s, t = minidl.tensor(s), minidl.tensor(t)
    close(discriminator_loss(s, t), -np.log(real).mean() - np.log(1 - fake).mean())
    close(generator_loss(t), -np.log(fake).mean())
    close(generator_loss(t, saturating=True), np.log(1 - fake).mean())
    sure = minidl.tensor([-200.0], requires_grad=True)  # D has no doubt: in float32 it is 0, and log D would be −inf
    for saturating, slope in ((True, 0.0), (False, -1.0)):
        (g,) = minidl.autograd.grad(generator_loss(sure, saturating), sure)
        assert g.item() == pytest.approx(slope, abs=1e-6)


def test_the_penalty_and_its_gradient_are_those_of_pytorch(rng):
    """‖∇D‖ is differentiated again, with respect to the weights that made it."""
    model, twin, torch = twins(WGANGP)
    real, fake, share = numbers(rng, (6, 1, 8, 8), (6, 1, 8, 8), (6, 1, 1, 1))
    found = []
    for lib, net in ((minidl, model), (torch, twin)):
        penalty = sys.modules[type(net).__module__].__dict__["gradient_penalty"]
        loss = penalty(net.discriminator, *map(lib.tensor, (real, fake, share)))
        loss.backward()
        found.append((loss.item(), [p.grad for p in net.discriminator.parameters()]))
    (loss, ours), (other, theirs) = found
    assert loss == pytest.approx(other, rel=1e-10) and loss > 0
    values = lambda gradients: [0 if g is None else g.numpy() for g in gradients]  # the slope does not know the biases
    for a, b in zip(values(ours), values(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-12)
    assert [g is not None and g.numpy().any() for g in ours] == [True, False] * 3


def test_the_penalty_of_a_linear_critic_has_a_closed_form(rng):
    """D(x) = w · x has slope w everywhere: (‖w‖ − 1)², with gradient 2 (‖w‖ − 1) w / ‖w‖."""
    from minidl.models.wgan_gp import gradient_penalty

    critic = nn.Sequential(nn.Flatten(), nn.Linear(9, 1)).double()
    w = critic[1].weight.detach().numpy()[0]
    real, fake, share = map(minidl.tensor, numbers(rng, (4, 1, 3, 3), (4, 1, 3, 3), (4, 1, 1, 1)))
    loss = gradient_penalty(critic, real, fake, share)
    loss.backward()
    norm = np.linalg.norm(w)
    assert loss.item() == pytest.approx((norm - 1) ** 2)
    np.testing.assert_allclose(critic[1].weight.grad.numpy()[0], 2 * (norm - 1) * w / norm)


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_few_turns_are_those_of_pytorch(kind, rng):
    """The trainer's against a loop as everybody writes it in PyTorch: weights and running statistics afterwards."""
    model, twin, torch = twins(kind)
    turns = [numbers(rng, (6, 1, 8, 8), (6, 5), (6, 5)) for _ in range(3)]
    if kind is WGANGP:
        share = rng.random((6, 1, 1, 1))
        for net, lib in ((model, minidl), (twin, torch)):
            net.discriminator_loss = functools.partial(net.discriminator_loss, share=lib.tensor(share))

    class Fixed(AdversarialTrainer):
        noises = [minidl.tensor(z) for _, *both in turns for z in both]

        def noise(self, real):
            return self.noises.pop(0)

    adam = lambda o, part: o.Adam(part.parameters(), lr=0.01, betas=(0.5, 0.9))
    trainer = Fixed(model, adam(optim, model.discriminator), adam(optim, model.generator), latent=5)
    trainer.fit([(minidl.tensor(real), None) for real, *_ in turns], progress=False)

    d, g = adam(torch.optim, twin.discriminator), adam(torch.optim, twin.generator)
    losses = []
    for real, first, second in turns:
        d.zero_grad()
        loss = twin.discriminator_loss(torch.tensor(real), torch.tensor(first))
        loss.backward()
        d.step()
        g.zero_grad()
        twin.generator_loss(torch.tensor(second)).backward()
        g.step()
        losses.append(loss.item())
    assert trainer.history[0]["train_loss"] == pytest.approx(np.mean(losses), rel=1e-8)
    theirs = twin.state_dict()
    assert list(model.state_dict()) == list(theirs)
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(value.numpy(), theirs[name].numpy(), rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("kind", [DCGAN, WGANGP])
def test_a_side_that_cannot_be_halved_twice_is_refused(kind):
    with pytest.raises(ValueError, match="a multiple of 4, got 30"):
        kind(type(CONFIGS[kind])(side=30))


def test_the_keras_pair_learns_what_the_module_learns(rng):
    """The listing's generator, discriminator and combined model, and GAN with its weights: three train_on_batch each.

    Keras's discriminator takes real and generated pictures in two steps; log D is of a probability, clipped at 1e-7."""
    from minidl import keras
    from minidl.keras import Input, Model, layers

    keras.utils.set_random_seed(0)
    dense = lambda *spec: keras.Sequential([layers.Dense(n, activation=a) for n, a in spec])
    generator = dense((128, "relu"), (784, "sigmoid"))
    discriminator = dense((128, "relu"), (1, "sigmoid"))
    generator.build((None, 100))
    discriminator.build((None, 784))
    sgd = lambda: keras.optimizers.SGD(0.1)
    discriminator.compile(optimizer=sgd(), loss="binary_crossentropy")
    discriminator.trainable = False  # in the combined model; in its own it goes on as it was compiled
    z = Input(shape=(100,))
    combined = Model(z, discriminator(generator(z)))
    combined.compile(optimizer=sgd(), loss="binary_crossentropy")

    model = GAN(GANConfig())
    with minidl.no_grad():
        for net, part in ((generator, model.generator), (discriminator, model.discriminator)):
            for weight, p in zip(net.get_weights(), part.parameters(), strict=True):
                p.copy_(minidl.tensor(weight.T.copy()))
    steps = {part: optim.SGD(getattr(model, part).parameters(), lr=0.1) for part in ("generator", "discriminator")}

    def step(part, loss):
        model.zero_grad()
        loss.backward()
        steps[part].step()
        return loss.item()

    ones, zeros = np.ones((8, 1)), np.zeros((8, 1))
    for _ in range(3):
        real, noise = rng.random((8, 784)).astype("float32"), rng.normal(size=(2, 8, 100)).astype("float32")
        x, (first, second) = minidl.tensor(real).reshape(8, 1, 28, 28), map(minidl.tensor, noise)
        fake = model(first).detach()
        theirs = [
            discriminator.train_on_batch(real, ones),
            discriminator.train_on_batch(generator.predict(noise[0], verbose=0), zeros),
            combined.train_on_batch(noise[1], ones),
        ]
        scores = model.discriminator.scores
        ours = [
            step("discriminator", -nn.functional.logsigmoid(scores(x)).mean()),
            step("discriminator", -nn.functional.logsigmoid(-scores(fake)).mean()),
            step("generator", model.generator_loss(second)),
        ]
        np.testing.assert_allclose(theirs, ours, rtol=1e-4)
    for net, part in ((generator, model.generator), (discriminator, model.discriminator)):
        for weight, p in zip(net.get_weights(), part.parameters()):
            np.testing.assert_allclose(weight.T, p.detach().numpy(), rtol=1e-3, atol=1e-5)
