"""Adversarial networks draw digits: how well, a classifier says that was trained on real ones (judge.py)."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..models import DCGAN, GAN, WGANGP, DCGANConfig, GANConfig, WGANGPConfig
from .adversarial import Adversarial


@dataclass
class MnistGAN(Adversarial):
    epochs: int = 30
    batch: int = 128
    lr: float = 1e-3
    config: GANConfig = field(default_factory=GANConfig)

    name: ClassVar[str] = "mnist-gan"
    summary: ClassVar[str] = "two perceptrons, one against the other, draw digits (Goodfellow et al. 2014)"

    def network(self, config: Any) -> GAN:
        return GAN(config)


@dataclass
class MnistDCGAN(Adversarial):
    epochs: int = 5
    config: DCGANConfig = field(default_factory=lambda: DCGANConfig(width=16))

    name: ClassVar[str] = "mnist-dcgan"
    summary: ClassVar[str] = "convolutional adversarial networks draw digits (Radford et al. 2016)"

    def network(self, config: Any) -> DCGAN:
        return DCGAN(config)


@dataclass
class MnistWGANGP(Adversarial):
    """Gulrajani et al. train for a hundred times as long, with 5 critic_steps and a fifth of this lr."""

    epochs: int = 6
    lr: float = 5e-4
    betas: tuple[float, float] = (0.0, 0.9)
    critic_steps: int = 3
    config: WGANGPConfig = field(default_factory=lambda: WGANGPConfig(width=16))

    name: ClassVar[str] = "mnist-wgan-gp"
    summary: ClassVar[str] = "a critic with a gradient penalty teaches to draw digits (Gulrajani et al. 2017)"

    def network(self, config: Any) -> WGANGP:
        return WGANGP(config)
