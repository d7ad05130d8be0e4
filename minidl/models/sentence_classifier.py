"""A classifier of sentences: an LSTM reads each one, forwards and backwards (Graves & Schmidhuber 2005)."""

from dataclasses import dataclass

import minidl
from minidl import nn


@dataclass
class SentenceClassifierConfig:
    vocabulary: int = 10_000  # word 0 fills up short sentences
    embedding: int = 64
    hidden: int = 64
    layers: int = 1
    bidirectional: bool = True
    dropout: float = 0.5
    classes: int = 2


class SentenceClassifier(nn.Module):
    """h_t = LSTM(E[x_t], h_{t−1}), in both directions;   y = W [h_T, h_1] + b, the last state of each

    Sentences of several lengths are packed, so each is read up to its own end and no further.
    words (N, T), 0 behind the end of a sentence  →  scores (N, classes)"""

    def __init__(self, config: SentenceClassifierConfig) -> None:
        super().__init__()
        self.config = config
        between = config.dropout if config.layers > 1 else 0.0
        self.embedding = nn.Embedding(config.vocabulary, config.embedding, padding_idx=0)
        self.lstm = nn.LSTM(
            config.embedding, config.hidden, config.layers, batch_first=True, dropout=between,
            bidirectional=config.bidirectional,
        )  # fmt: skip
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.hidden * (2 if config.bidirectional else 1), config.classes)

    def forward(self, words):
        lengths = (words != 0).sum(1)
        x = self.dropout(self.embedding(words))
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        last = minidl.cat([h[-2], h[-1]], 1) if self.config.bidirectional else h[-1]
        return self.output(self.dropout(last))
