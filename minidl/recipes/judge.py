"""The judge of generated pictures: a classifier that was trained on real ones, and what it sees in others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl import nn

from ..data import BatchSampler, DataLoader, RandomSampler, SequentialSampler
from ..models import LeNet, LeNetConfig
from ..saving import load, save
from ..training import Trainer, metrics, seed_all
from ..training.checkpoint import random_states, set_random_states
from ..training.frechet import Gaussian, class_entropy, frechet_distance, gaussian_of, inception_score
from .recipe import Data

FILE = "judge.safetensors"
BATCH, LR, SEED = 32, 2e-3, 0  # the same judge for every recipe and every seed
EPOCHS, STEPS = 2, 300  # at least
SEEN = 256  # pictures that are looked at together


@dataclass
class Judge:
    """accuracy: of the classifier, on the test part. real: its features of the pictures of the training part."""

    classifier: nn.Module
    accuracy: float
    real: Gaussian

    def scores(self, pictures: Any) -> dict[str, float]:
        """Of pictures (N, C, H, W) in [0, 1], as a tensor or in batches."""
        features, probabilities = seen(self.classifier, pictures)
        return {
            "frechet_distance": frechet_distance(gaussian_of(features), self.real),
            "inception_score": inception_score(probabilities),
            "class_entropy": class_entropy(probabilities),
        }


def judge_of(data: Data, folder: Path | None = None, progress: bool = False) -> Judge:
    """The judge in the folder; where there is none, or one of other data, one that is trained now and put there.

    data: pictures with their classes. Random streams stay as they are."""
    shape = data.train[0][0].shape
    states = random_states()
    try:
        seed_all(SEED)
        classifier = LeNet(LeNetConfig(*shape))
        if folder is not None and (folder / FILE).exists():
            saved = load(folder / FILE)
            if saved.get("data") == data.known["data"]:
                classifier.load_state_dict(saved["classifier"])
                real = Gaussian(saved["mean"].numpy(), saved["covariance"].numpy())
                return Judge(classifier.eval(), saved["accuracy"], real)
        judge = trained(classifier, data, progress)
    finally:
        set_random_states(states)
    if folder is not None:
        state = {"data": data.known["data"], "classifier": classifier.state_dict(), "accuracy": judge.accuracy}
        gaussian = {name: minidl.tensor(value) for name, value in vars(judge.real).items()}
        save({**state, **gaussian}, folder / FILE)
    return judge


def trained(classifier: nn.Module, data: Data, progress: bool) -> Judge:
    if progress:
        print("The judge, a LeNet, learns to read the pictures first.", flush=True)
    loader = batches(data.train, BATCH, shuffle=True)
    optimizer = minidl.optim.Adam(classifier.parameters(), lr=LR)
    trainer = Trainer(classifier, optimizer, nn.CrossEntropyLoss(), metrics={"accuracy": metrics.Accuracy()})
    trainer.fit(loader, epochs=max(EPOCHS, -(-STEPS // len(loader))), progress=False)
    accuracy = float(trainer.evaluate(batches(data.test, SEEN))["accuracy"])
    if progress:
        print(f"It reads {accuracy:.2%} of the held-out ones.", flush=True)
    features, _ = seen(classifier.eval(), (x for x, *_ in batches(data.train, SEEN)))
    return Judge(classifier, accuracy, gaussian_of(features))


def seen(classifier: Any, pictures: Any) -> tuple[Any, Any]:
    """The features that go into the classifier's last layer, and its probabilities of the classes: (N, C), (N, 10)."""
    parts = pictures.split(SEEN) if isinstance(pictures, minidl.Tensor) else pictures
    *layers, last = classifier
    features_of, found = nn.Sequential(*layers), []
    with minidl.no_grad():
        for x in parts:
            features = features_of(x)
            found.append((features.numpy(), last(features).softmax(1).numpy()))
    features, probabilities = zip(*found)
    return np.concatenate(features), np.concatenate(probabilities)


def batches(part: Any, size: int, shuffle: bool = False, generator: Any = None) -> Any:
    """Batches of a data set that gives a whole one for a list of numbers."""
    order = RandomSampler(part, generator=generator) if shuffle else SequentialSampler(part)
    return DataLoader(part, None, sampler=BatchSampler(order, size, False), generator=generator)
