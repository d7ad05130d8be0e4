"""DCGAN: a generative adversarial network of convolutions (Radford, Metz & Chintala 2016).

    min_G max_D  E log D(x) + E log(1 − D(G(z)))        z ~ N(0, I)

Strides in place of pooling, batch normalisation in both networks but for G's last and D's first layer, ReLU in G and
leaky ReLU in D, and weights that begin small."""

from dataclasses import dataclass

import minidl
from minidl import nn

from .gan import discriminator_loss, generator_loss


@dataclass
class DCGANConfig:
    """latent: numbers in z. width: channels of the largest maps, those next to the picture. side: its pixels, 4 k."""

    latent: int = 100
    width: int = 32
    side: int = 28


class Generator(nn.Module):
    """z (N, latent)   →   pictures (N, 1, side, side) in [−1, 1]; each layer doubles the side"""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        width, side = config.width, config.side // 4
        self.layers = nn.Sequential(
            nn.Linear(config.latent, 2 * width * side**2, bias=False),
            nn.Unflatten(1, (2 * width, side, side)),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.layers(z)


class Discriminator(nn.Module):
    """pictures (N, 1, side, side) in [−1, 1]   →   scores (N,); each layer halves the side. D = σ(score)"""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        width, side = config.width, config.side // 4
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * side**2, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


def begin_small(module):
    """Weights ~ N(0, 0.02²), those of a normalisation ~ N(1, 0.02²), as in the paper."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class DCGAN(nn.Module):
    """Both networks and what each of them lowers.    z (N, latent)   →   G's pictures (N, 1, side, side) in [0, 1]"""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__()
        self.config = config
        if config.side % 4:
            raise ValueError(f"DCGAN: a side is halved twice, so it is a multiple of 4, got {config.side}")
        self.generator = Generator(config)
        self.discriminator = Discriminator(config)
        self.apply(begin_small)

    def forward(self, z):
        return (self.generator(z) + 1) / 2

    def discriminator_loss(self, real, z):
        with minidl.no_grad():  # D's step leaves G as it is
            fake = self.generator(z)
        # One after the other, so that batch normalisation takes the statistics of each by itself.
        return discriminator_loss(self.discriminator(2 * real - 1), self.discriminator(fake))

    def generator_loss(self, z):
        return generator_loss(self.discriminator(self.generator(z)))
