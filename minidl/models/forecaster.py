"""A forecaster: a recurrent network that reads the past of a series and says its next values."""

from dataclasses import dataclass

from minidl import nn


@dataclass
class ForecasterConfig:
    series: int = 1  # how many are read side by side, and foretold
    cell: str = "gru"
    hidden: int = 64
    layers: int = 1
    ahead: int = 1  # steps that are foretold


CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class Forecaster(nn.Module):
    """h_t = cell(x_t, h_{t−1});   ŷ = x_T + W h_T + b

    What is learned is the change from the last value that was seen, so a network that knows nothing says "as now".
    x (N, T, series)  →  ŷ (N, ahead, series)"""

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__()
        if config.cell not in CELLS:
            raise ValueError(f"Forecaster: cell is one of {', '.join(CELLS)}, got {config.cell!r}")
        self.config = config
        self.rnn = CELLS[config.cell](config.series, config.hidden, config.layers, batch_first=True)
        self.output = nn.Linear(config.hidden, config.ahead * config.series)

    def forward(self, x):
        h, _ = self.rnn(x)
        return x[:, -1:] + self.output(h[:, -1]).reshape(-1, self.config.ahead, self.config.series)
