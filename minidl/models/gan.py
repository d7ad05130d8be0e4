"""The first generative adversarial network: two perceptrons, one against the other (Goodfellow et al. 2014).

    min_G max_D  E log D(x) + E log(1 − D(G(z)))        z ~ N(0, I)

D says how probable it is that a picture is real; G makes pictures of noise that D is to take for real ones."""

from dataclasses import dataclass

import minidl
from minidl import nn
from minidl.nn import functional as F


@dataclass
class GANConfig:
    """latent: numbers in z. hidden: units of either network. side: pixels of a side."""

    latent: int = 100
    hidden: int = 128
    side: int = 28


class Generator(nn.Module):
    """z (N, latent)   →   pictures (N, 1, side, side) in [0, 1]"""

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(config.latent, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.side**2),
            nn.Sigmoid(),
            nn.Unflatten(1, (1, config.side, config.side)),
        )

    def forward(self, z):
        return self.layers(z)


class Discriminator(nn.Module):
    """pictures (N, 1, side, side)   →   probabilities that they are real, (N,)"""

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(config.side**2, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, 1),
        )

    def scores(self, x):
        """s in D(x) = σ(s): log D = log σ(s) and log(1 − D) = log σ(−s), which no rounding of D to 1 spoils."""
        return self.layers(x).squeeze(1)

    def forward(self, x):
        return F.sigmoid(self.scores(x))


def discriminator_loss(real, fake):
    """What D lowers, the game's value with the other sign:   −E log D(x) − E log(1 − D(G(z)))

    real, fake (N,): the scores of real and of generated pictures."""
    return -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()


def generator_loss(fake, saturating=False):
    """What G lowers:   −E log D(G(z)), or if saturating, as in the game itself,   E log(1 − D(G(z)))

    Both have G go the same way. But while D is sure that a picture is generated, as in the beginning it always is, the
    second hardly changes with it (∂/∂s = −D), and the first does (−(1 − D))."""
    return F.logsigmoid(-fake).mean() if saturating else -F.logsigmoid(fake).mean()


class GAN(nn.Module):
    """Both networks and what each of them lowers.    z (N, latent)   →   G's pictures (N, 1, side, side) in [0, 1]"""

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)

    def forward(self, z):
        return self.generator(z)

    def discriminator_loss(self, real, z):
        with minidl.no_grad():  # D's step leaves G as it is
            fake = self.generator(z)
        return discriminator_loss(self.discriminator.scores(real), self.discriminator.scores(fake))

    def generator_loss(self, z):
        return generator_loss(self.discriminator.scores(self.generator(z)))
