"""WGAN-GP: a distance in place of a probability (Arjovsky, Chintala & Bottou 2017; Gulrajani et al. 2017).

    min_G max_D  E D(x) − E D(G(z)) − λ E (‖∇D(x̂)‖ − 1)²

The first two terms are the Wasserstein distance of G's pictures from the real ones if D's slope is at most 1; the third
sees to that at x̂, a random place on the line between a real and a generated picture. The slope is itself a gradient,
so D's step differentiates a gradient: second order at work."""

from dataclasses import dataclass

import minidl
from minidl import nn

from .dcgan import DCGANConfig, Generator


@dataclass
class WGANGPConfig(DCGANConfig):
    """Those of DCGAN, and penalty: λ."""

    penalty: float = 10.0


class Critic(nn.Module):
    """pictures (N, 1, side, side) in [−1, 1]   →   scores (N,), any numbers

    No batch normalisation: ∇D(x̂) is to be the slope at one picture, which others must not change."""

    def __init__(self, config: WGANGPConfig) -> None:
        super().__init__()
        width, side = config.width, config.side // 4
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * width * side**2, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


def gradient_penalty(critic, real, fake, share):
    """E (‖∇D(x̂)‖ − 1)²        x̂ = share x + (1 − share) G(z)

    real, fake (N, 1, H, W), share (N, 1, 1, 1) in [0, 1]   →   ()"""
    between = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    (slope,) = minidl.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


class WGANGP(nn.Module):
    """Both networks and what each of them lowers.    z (N, latent)   →   G's pictures (N, 1, side, side) in [0, 1]"""

    def __init__(self, config: WGANGPConfig) -> None:
        super().__init__()
        self.config = config
        if config.side % 4:
            raise ValueError(f"WGANGP: a side is halved twice, so it is a multiple of 4, got {config.side}")
        self.generator = Generator(config)
        self.discriminator = Critic(config)

    def forward(self, z):
        return (self.generator(z) + 1) / 2

    def discriminator_loss(self, real, z, share=None):
        """E D(G(z)) − E D(x) + λ E (‖∇D(x̂)‖ − 1)²; share (N, 1, 1, 1): the places of x̂, random where None."""
        with minidl.no_grad():  # D's step leaves G as it is
            fake = self.generator(z)
        real = 2 * real - 1
        if share is None:
            share = minidl.rand(len(real), 1, 1, 1, dtype=real.dtype, device=real.device)
        distance = self.discriminator(real).mean() - self.discriminator(fake).mean()
        return self.config.penalty * gradient_penalty(self.discriminator, real, fake, share) - distance

    def generator_loss(self, z):
        return -self.discriminator(self.generator(z)).mean()
