"""The feed-forward network (Rosenblatt 1958; Rumelhart, Hinton & Williams 1986)."""

from dataclasses import dataclass

from minidl import nn


@dataclass
class MLPConfig:
    inputs: int = 784
    hidden: tuple[int, ...] = (128,)
    outputs: int = 10


class MLP(nn.Module):
    """hₗ = relu(Wₗ hₗ₋₁ + bₗ), h₀ = x;   y = W h + b

    x (N, …) with `inputs` numbers each  →  y (N, outputs)"""

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.inputs, *config.hidden]
        self.hidden = nn.ModuleList([nn.Linear(n, m) for n, m in zip(widths, widths[1:])])
        self.output = nn.Linear(widths[-1], config.outputs)

    def forward(self, x):
        h = x.flatten(1)
        for layer in self.hidden:
            h = layer(h).relu()
        return self.output(h)
