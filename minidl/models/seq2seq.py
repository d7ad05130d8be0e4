"""Two recurrent networks that translate, with attention between them (Sutskever et al. 2014; Luong et al. 2015)."""

from dataclasses import dataclass

import minidl
from minidl import nn


@dataclass
class Seq2SeqConfig:
    source: int = 6000  # tokens of the language that is read
    target: int = 6000  # and of the one that is written
    embedding: int = 128
    hidden: int = 256
    dropout: float = 0.2
    pad: int = 0


class Seq2Seq(nn.Module):
    """An encoder, a GRU in both directions, gives s₁ … s_S; a decoder, a GRU, gives h₁ … h_T; then

        aₜ = softmax(hₜ W_a sᵀ)        cₜ = Σ aₜₛ s        scores = W_o tanh(W_c [cₜ; hₜ])

    source (N, S), target (N, T): tokens, filled up with `pad`  →  scores (N, T, tokens of the target)"""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.config = config
        E, H = config.embedding, config.hidden
        self.source, self.target = nn.Embedding(config.source, E), nn.Embedding(config.target, E)
        self.encoder = nn.GRU(E, H // 2, batch_first=True, bidirectional=True)
        self.decoder = nn.GRU(E, H, batch_first=True)
        self.begin = nn.Linear(H, H)
        self.fit = nn.Linear(H, H, bias=False)  # W_a
        self.join = nn.Linear(2 * H, E)  # W_c
        self.output = nn.Linear(E, config.target)  # W_o
        self.dropout = nn.Dropout(config.dropout)
        self.watched = False
        self.weights: minidl.Tensor | None = None

    def forward(self, source, target):
        return self.decode(target, *self.encode(source))

    def encode(self, source):
        """s (N, S, H), where the source has tokens (N, 1, S), and the decoder's first state (1, N, H)."""
        mask = source != self.config.pad
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.source(source)), mask.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = self.encoder(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=source.shape[1])
        last = last.transpose(0, 1).flatten(1)  # both directions side by side: (N, H)
        return states, mask.unsqueeze(1), self.begin(last).tanh().unsqueeze(0)

    def decode(self, target, states, mask, state, cache=None):
        """Scores of what follows each token; cache keeps the decoder's state from one call to the next."""
        if cache:
            state = cache["state"]
        h, state = self.decoder(self.dropout(self.target(target)), state)  # (N, T, H)
        if cache is not None:
            cache["state"] = state
        fits = self.fit(h) @ states.transpose(1, 2)  # (N, T, S)
        weights = fits.masked_fill(~mask, float("-inf")).softmax(2)
        self.weights = weights if self.watched else None
        joined = self.join(minidl.cat([weights @ states, h], 2)).tanh()  # (N, T, E)
        return self.output(self.dropout(joined))

    def empty_cache(self) -> dict:
        return {}
