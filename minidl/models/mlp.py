"""The feed-forward network (Rosenblatt 1958; Rumelhart, Hinton & Williams 1986)."""

from dataclasses import dataclass

from minidl import nn


@dataclass
class MLPConfig:
    """inputs: numbers in an example. hidden: the width of each hidden layer; none makes it linear. dropout: the share
    of each hidden layer that is dropped in training (Srivastava et al. 2014)."""

    inputs: int = 784
    hidden: tuple[int, ...] = (128,)
    outputs: int = 10
    dropout: float = 0.0


class MLP(nn.Sequential):
    """hₗ = relu(Wₗ hₗ₋₁ + bₗ), h₀ = x;   y = W h + b

    x (N, …) with `inputs` numbers each  →  y (N, outputs)"""

    def __init__(self, config: MLPConfig) -> None:
        widths = [config.inputs, *config.hidden]
        layers: list[nn.Module] = [nn.Flatten()]
        for n, m in zip(widths, widths[1:]):
            layers += [nn.Linear(n, m), nn.ReLU()]
            layers += [nn.Dropout(config.dropout)] if config.dropout else []
        super().__init__(*layers, nn.Linear(widths[-1], config.outputs))
        self.config = config
