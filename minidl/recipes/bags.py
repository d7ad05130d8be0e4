"""Logistic regression on bags of words: what can be said of a sentence without the order of its words.

    p(y = 1) = σ(Σ_{w in the sentence} v_w + b)        loss  Σ cross-entropy + ‖v‖² / 2C

The loss has one minimum, so there is nothing to be lucky with; C is the one that suits the validation part best."""

from collections.abc import Sequence
from typing import Any

import minidl
from minidl import nn, optim

Part = tuple[Sequence[Sequence[int]], Sequence[int]]  # the numbers of the words of each sentence; labels 0 and 1
STRENGTHS = (0.1, 0.3, 1.0, 3.0)


def accuracy_of_bags(train: Part, validation: Part, test: Part, words: int) -> float:
    """The share of the test part that is right; words: how many different ones there are."""
    models = [fitted(train, words, C) for C in STRENGTHS]
    return accuracy(max(models, key=lambda model: accuracy(model, validation)), test)


class Bags(nn.Module):
    def __init__(self, words: int) -> None:
        super().__init__()
        self.values = nn.EmbeddingBag(words, 1, mode="sum")
        self.bias = nn.Parameter(minidl.zeros(1))
        nn.init.zeros_(self.values.weight)

    def forward(self, sentences: Sequence[Sequence[int]]) -> Any:
        sets = [sorted(set(sentence)) for sentence in sentences]
        starts = [0]
        for found in sets[:-1]:
            starts.append(starts[-1] + len(found))
        flat = minidl.tensor([word for found in sets for word in found], dtype=minidl.int64)
        return self.values(flat, minidl.tensor(starts)).squeeze(1) + self.bias


def fitted(part: Part, words: int, C: float) -> Bags:
    sentences, labels = part
    model, y = Bags(words), minidl.tensor(labels).float()
    optimizer = optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Any:
        optimizer.zero_grad()
        fit = nn.functional.binary_cross_entropy_with_logits(model(sentences), y, reduction="sum")
        total = fit + (model.values.weight**2).sum() / (2 * C)
        total.backward()
        return total

    optimizer.step(loss)
    return model


def accuracy(model: Bags, part: Part) -> float:
    sentences, labels = part
    with minidl.no_grad():
        right = (model(sentences) > 0) == (minidl.tensor(labels) == 1)
    return right.float().mean().item()
