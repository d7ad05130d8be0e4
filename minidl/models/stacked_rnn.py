"""Two plain recurrent layers, one upon the other: the textbook's first network for sentences."""

from dataclasses import dataclass

import minidl
from minidl import nn


@dataclass
class StackedRNNConfig:
    vocabulary: int = 10_000
    embedding: int = 64
    hidden: tuple[int, int] = (128, 64)


class StackedRNN(nn.Module):
    """h_t = tanh(U E[x_t] + V h_{t−1} + b);   k_t = tanh(U′ h_t + V′ k_{t−1} + b′);   p = σ(w k_T + c)

    In Keras's words: Embedding(10000, 64), SimpleRNN(128, return_sequences=True), SimpleRNN(64), Dense(1, "sigmoid").
    words (N, T)  →  probabilities (N,)"""

    def __init__(self, config: StackedRNNConfig) -> None:
        super().__init__()
        self.config = config
        first, second = config.hidden
        self.embedding = nn.Embedding(config.vocabulary, config.embedding)
        self.first = nn.RNN(config.embedding, first, batch_first=True)
        self.second = nn.RNN(first, second, batch_first=True)
        self.output = nn.Linear(second, 1)

    def forward(self, words):
        h, _ = self.first(self.embedding(words))
        k, _ = self.second(h)
        return minidl.sigmoid(self.output(k[:, -1])).squeeze(1)
