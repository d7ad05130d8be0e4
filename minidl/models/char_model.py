"""A character model: a recurrent network that says what comes next (Elman 1990; Mikolov et al. 2010; Graves 2013)."""

from dataclasses import dataclass

from minidl import nn


@dataclass
class CharModelConfig:
    vocabulary: int = 65
    cell: str = "lstm"  # rnn, lstm or gru
    embedding: int = 64
    hidden: int = 256
    layers: int = 1
    dropout: float = 0.0  # of what goes into and comes out of the recurrent layers


CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


class CharModel(nn.Module):
    """h_t = cell(E[x_t], h_{t−1})        p(x_{t+1} | x_1 … x_t) = softmax(W h_t + b)

    tokens (N, T)  →  scores (N, T, vocabulary) of the token that follows each"""

    def __init__(self, config: CharModelConfig) -> None:
        super().__init__()
        if config.cell not in CELLS:
            raise ValueError(f"CharModel: cell is one of {', '.join(CELLS)}, got {config.cell!r}")
        self.config = config
        between = config.dropout if config.layers > 1 else 0.0
        self.embedding = nn.Embedding(config.vocabulary, config.embedding)
        self.rnn = CELLS[config.cell](
            config.embedding, config.hidden, config.layers, batch_first=True, dropout=between
        )  # fmt: skip
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden, config.vocabulary)

    def forward(self, tokens):
        return self.go_on(tokens)[0]

    def go_on(self, tokens, state=None):
        """The scores, and the state after the last token, from which the next call can go on."""
        h, state = self.rnn(self.dropout(self.embedding(tokens)), state)
        return self.output(self.dropout(h)), state
