"""The training loop, as one would write it in PyTorch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minidl
from minidl import nn, optim

from .digits import shifted

BATCH, LEARNING_RATE = 64, 3e-3


@dataclass
class History:
    """What one training run did."""

    seed: int
    model: Any = None
    losses: list[float] = field(default_factory=list)  # mean training loss of each epoch
    accuracies: list[float] = field(default_factory=list)  # on the held-out scans, after each epoch
    seconds: float = 0.0


def train(
    make: Callable[[], Any], data: tuple[Any, Any, Any, Any], epochs: int, seed: int, augment: bool,
    progress: Callable[[int, int, str], None] = lambda done, of, text: None,
) -> History:  # fmt: skip
    """Cross-entropy, Adam, a learning rate that falls to zero along half a cosine."""
    images, labels, held_out, held_out_labels = data
    minidl.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = make()
    optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE)
    loss_of = nn.CrossEntropyLoss()
    history, start = History(seed, model), time.perf_counter()
    steps = epochs * math.ceil(len(images) / BATCH)
    step = 0
    for epoch in range(epochs):
        model.train()
        order, total = rng.permutation(len(images)), 0.0
        for first in range(0, len(images), BATCH):
            batch = order[first : first + BATCH]
            x = minidl.tensor(shifted(images[batch], rng) if augment else images[batch])
            y = minidl.tensor(labels[batch])
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
            optimizer.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            step += 1
        history.losses.append(total / len(images))
        history.accuracies.append(accuracy(model, held_out, held_out_labels))
        text = f"epoch {epoch + 1:2}/{epochs}  loss {history.losses[-1]:.4f}  held-out {history.accuracies[-1]:.4f}"
        progress(epoch + 1, epochs, text)
    history.seconds = time.perf_counter() - start
    return history


def predict(model: Any, images: Any) -> Any:
    """The class of each image."""
    model.eval()
    with minidl.no_grad():
        return model(minidl.tensor(images)).argmax(dim=1).numpy()


def accuracy(model: Any, images: Any, labels: Any) -> float:
    return float((predict(model, images) == labels).mean())
