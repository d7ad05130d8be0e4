"""A recipe: one system from end to end, in the order in which a textbook tells it.

Real data, a network, a loss, an optimizer, a score on examples that nothing was fitted to, and beside it the score of
something simple. The networks are in minidl/models; what trains every recipe is in runs.py."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import minidl
from minidl import nn

from ..data import DataLoader
from ..training import Checkpoint, EarlyStopping, JsonLog, Trainer
from ..training.metrics import Accuracy, Metric
from ..training.schedules import constant

LOG = "log.jsonl"


@dataclass
class Data:
    """What a recipe learns from and is tested on: data sets of (x, y), or (x₁, x₂, …, y).

    validation: what decides when to stop, where something does; never the test part.
    known: what it takes to use the trained network besides its weights, as JSON: a vocabulary, the names of classes."""

    train: Any
    test: Any
    validation: Any = None
    known: dict[str, Any] = field(default_factory=dict)


@dataclass
class Recipe:
    """One system from end to end. The fields of a subclass, and those of its `config`, are what a run may change:
    `minidl train NAME --epochs 3 --hidden 64`.

    epochs: times through the data. batch: examples in a step. lr: learning rate. seed: what all randomness comes from.
    limit: only the first so many examples to learn from, and to test on. patience: stop when the loss on the validation
    part has not become lower for so many epochs, and take the best. clip: the largest norm of the gradient.
    config: the sizes of the network."""

    epochs: int = 1
    batch: int = 64
    lr: float = 1e-3
    seed: int = 0
    limit: int | None = None
    patience: int | None = None
    clip: float | None = None
    config: Any = None

    name: ClassVar[str]  # what the shell calls it
    summary: ClassVar[str]  # in one line
    source: ClassVar[str]  # the data, in a few words; generated data are called so
    measure: ClassVar[str] = "accuracy"  # which of the scores is compared
    better: ClassVar[str] = "max"  # is more of it better, or less ("min")?
    baseline_name: ClassVar[str]
    shown: ClassVar[tuple[str, ...]] = ()  # which of its pictures benchmarks/pictures keeps

    # ---- what each recipe says

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        """Read the data set, in `folder` or where data sets are kept."""
        raise NotImplementedError(f"{type(self).__name__} has no data()")

    def configured(self, data: Data) -> Any:
        """config, with what only the data know: the size of a vocabulary, the number of classes."""
        return self.config

    def network(self, config: Any) -> nn.Module:
        raise NotImplementedError(f"{type(self).__name__} has no network()")

    def loss(self, F: Any, output: Any, target: Any) -> Any:
        """The mean loss of a batch. F: minidl.nn.functional; or PyTorch's, to compare with."""
        raise NotImplementedError(f"{type(self).__name__} has no loss()")

    def score(self, model: Any, data: Data) -> dict[str, float]:
        """What the model, which is only called, reaches on the test part; `measure` is among it."""
        raise NotImplementedError(f"{type(self).__name__} has no score()")

    def baseline(self, data: Data) -> float:
        """`measure` of something simple, computed on the same test part."""
        raise NotImplementedError(f"{type(self).__name__} has no baseline()")

    # ---- what many leave as it is

    def optimizer(self, optim: Any, parameters: Any) -> Any:
        """optim: minidl.optim; or PyTorch's, to compare with."""
        return optim.Adam(parameters, lr=self.lr)

    def share(self, steps: int) -> Callable[[int], float]:
        """The learning rate of step 0, 1, …, as a share of lr."""
        return constant()

    def metrics(self) -> dict[str, Metric]:
        """What is told of each epoch besides the loss."""
        return {}

    def loader(self, part: Any, shuffle: bool) -> Any:
        return DataLoader(part, self.batch, shuffle, generator=minidl.Generator().manual_seed(self.seed))

    def steps(self, loader: Any) -> int:
        return self.epochs * len(loader)

    def fit(self, model: nn.Module, data: Data, folder: Path, resume: bool = False, progress: bool = True) -> nn.Module:
        """Train in a folder, where `resume` goes on with the run that is there; returns what is to be used."""
        loader = self.loader(data.train, True)
        callbacks: list[Any] = [Checkpoint(folder), JsonLog(folder / LOG)]
        if self.patience is not None and data.validation is not None:
            callbacks.append(EarlyStopping(patience=self.patience))
        trainer = Trainer(
            model, self.optimizer(minidl.optim, model.parameters()), lambda y, t: self.loss(nn.functional, y, t),
            callbacks, metrics=self.metrics(), schedule=self.share(self.steps(loader)), clip=self.clip,
        )  # fmt: skip
        validation = None if data.validation is None else self.loader(data.validation, False)
        trainer.fit(loader, validation, self.epochs, resume=folder if resume else None, progress=progress)
        return trainer.run.evaluated

    def pictures(self, model: nn.Module, data: Data, folder: Path) -> None:
        """Draw what there is to see into the folder."""

    # ---- what can be done with a trained one; a recipe has those that make sense for it

    def generate(self, model: nn.Module, known: dict[str, Any], **how: Any) -> Any:
        raise self.cannot("generate")

    def classify(self, model: nn.Module, known: dict[str, Any], given: str) -> list[tuple[str, float]]:
        """The classes of one input, a text or a file's name, with their probabilities; the most probable first."""
        raise self.cannot("classify")

    def translate(self, model: nn.Module, known: dict[str, Any], text: str, **how: Any) -> str:
        raise self.cannot("translate")

    def answer(self, model: nn.Module, known: dict[str, Any], question: str, context: str) -> list[tuple[str, float]]:
        """Answers found in the context, with their probabilities; the most probable first."""
        raise self.cannot("answer")

    def explain(self, model: nn.Module, known: dict[str, Any], given: str, path: Path) -> None:
        """Draw what the model looked at."""
        raise self.cannot("explain")

    def cannot(self, verb: str) -> ValueError:
        able = [v for v in VERBS if getattr(type(self), v) is not getattr(Recipe, v)]
        return ValueError(f"a {self.name} cannot {verb}; it can {' and '.join(able) or 'only be trained'}")


VERBS = ("generate", "classify", "translate", "answer", "explain")


@dataclass
class Classifier(Recipe):
    """Recipes whose network gives a score for each class: cross-entropy, and the share that is right."""

    baseline_name: ClassVar[str] = "most frequent class"

    def loss(self, F: Any, output: Any, target: Any) -> Any:
        return F.cross_entropy(output, target)

    def metrics(self) -> dict[str, Metric]:
        return {"accuracy": Accuracy()}

    def score(self, model: Any, data: Data) -> dict[str, float]:
        right = seen = 0
        for *x, y in self.loader(data.test, False):
            right += int((model(*x).argmax(1) == y).sum().item())
            seen += len(y)
        return {"accuracy": right / seen}

    def baseline(self, data: Data) -> float:
        """The share of the test part that has the most frequent class of the training part."""
        count: dict[int, int] = {}
        for y in labels(self.loader(data.train, False)):
            count[y] = count.get(y, 0) + 1
        usual, tested = max(count, key=lambda y: count[y]), labels(self.loader(data.test, False))
        return tested.count(usual) / len(tested)


def labels(loader: Any) -> list[int]:
    return [int(label) for *_, y in loader for label in y.tolist()]
