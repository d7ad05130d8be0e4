"""Does a sentence of a film review praise or not? By an LSTM, and by the textbook's two plain recurrent layers.

A tenth of the sentences decides when to stop, another tenth is tested on; both have as many of each kind. Words that
the training part has only once are unknown."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import minidl

from ..data import TensorDataset, split
from ..files import atomic_write
from ..models.sentence_classifier import SentenceClassifier, SentenceClassifierConfig
from ..models.stacked_rnn import StackedRNN, StackedRNNConfig
from ..text import Vocabulary, datasets, words
from ..text.vocabulary import PAD, UNKNOWN
from ..training.metrics import Accuracy, Metric
from ..viz.figures import BLUE, VERMILION, axes_of, ink
from .bags import Part, accuracy_of_bags
from .recipe import Classifier, Data

CLASSES = datasets.MovieReviews.classes


def reviews(folder: str | None, download: bool, limit: int | None) -> list[list[tuple[str, int]]]:
    """Sentences and labels to learn from, to validate and to test with; of each at most `limit`, of both labels."""
    films = datasets.MovieReviews(folder, download=download)
    generator = minidl.Generator().manual_seed(0)
    parts = split(len(films), (0.8, 0.1, 0.1), labels=films.targets, generator=generator)
    mixed = [part[minidl.randperm(len(part), generator=generator).numpy()][:limit] for part in parts]
    return [[films[int(k)] for k in part] for part in mixed]


@dataclass
class SentimentLSTM(Classifier):
    epochs: int = 10
    batch: int = 64
    lr: float = 5e-3
    patience: int | None = 2
    clip: float | None = 1.0
    config: SentenceClassifierConfig = field(default_factory=SentenceClassifierConfig)

    name: ClassVar[str] = "sentiment-lstm"
    summary: ClassVar[str] = "a bidirectional LSTM that tells praise from blame"
    source: ClassVar[str] = "10,662 sentences of film reviews (rt-polarity), a tenth held out"
    baseline_name: ClassVar[str] = "bag-of-words logistic regression"

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        drawn = reviews(folder, download, self.limit)
        vocabulary = Vocabulary.of((text for text, _ in drawn[0]), by="words", least=2, specials=(PAD, UNKNOWN))
        sentences = [[vocabulary.encode(text) for text, _ in pairs] for pairs in drawn]
        longest = max(len(sentence) for part in sentences for sentence in part)
        train, validation, test = (
            TensorDataset(self.padded(part, longest), minidl.tensor([label for _, label in pairs]))
            for part, pairs in zip(sentences, drawn)
        )
        return Data(train, test, validation, {"vocabulary": vocabulary.to_dict(), "classes": list(CLASSES)})

    def padded(self, sentences: list[list[int]], length: int) -> Any:
        """Word 0 behind the end of each sentence."""
        return minidl.tensor([sentence + [0] * (length - len(sentence)) for sentence in sentences])

    def configured(self, data: Data) -> Any:
        return dataclasses.replace(self.config, vocabulary=len(data.known["vocabulary"]["symbols"]))

    def network(self, config: Any) -> Any:
        return SentenceClassifier(config)

    def baseline(self, data: Data) -> float:
        train, validation, test = map(bags, (data.train, data.validation, data.test))
        return accuracy_of_bags(train, validation, test, len(data.known["vocabulary"]["symbols"]))

    def classify(self, model: Any, known: dict[str, Any], given: str) -> list[tuple[str, float]]:
        (shares,) = self.shares(model, [encoded(known, given)])
        return sorted(zip(known["classes"], shares), key=lambda found: -found[1])

    def explain(self, model: Any, known: dict[str, Any], given: str, path: Path) -> None:
        """What each word does to the likeliest class: how much of its probability is lost where the word is unknown."""
        text, numbers = words(given), encoded(known, given)
        unknown = Vocabulary.from_dict(known["vocabulary"])[UNKNOWN]
        without = [[*numbers[:k], unknown, *numbers[k + 1 :]] for k in range(len(numbers))]
        whole, *lacking = self.shares(model, [numbers, *without])
        best = whole.index(max(whole))
        lost = [whole[best] - shares[best] for shares in lacking]
        ax = axes_of(None, max(0.5 * len(text), 3.5), 3.2)
        ax.bar(range(len(text)), lost, color=[BLUE if loss >= 0 else VERMILION for loss in lost])
        ax.axhline(0, color=ink(ax), linewidth=0.8)
        ax.set_xticks(range(len(text)), labels=text, rotation=60, ha="right")
        ax.set(ylabel="probability lost without it", title=f"{known['classes'][best]}: {whole[best]:.1%}")
        with atomic_write(path) as file:
            ax.figure.savefig(file, format="png", dpi=120)

    def shares(self, model: Any, sentences: list[list[int]]) -> list[list[float]]:
        """The probabilities of the classes, of sentences with as many words each."""
        with minidl.no_grad():
            return self.probabilities(model(self.padded(sentences, len(sentences[0])))).tolist()

    def probabilities(self, output: Any) -> Any:
        return output.softmax(1)


def encoded(known: dict[str, Any], given: str) -> list[int]:
    found = Vocabulary.from_dict(known["vocabulary"]).encode(given)
    if not found:
        raise ValueError(f"a sentence is needed, and there are no words in {given!r}")
    return found


def bags(part: TensorDataset) -> Part:
    """The words of each sentence without the filling, and the labels."""
    x, y = part.tensors
    return [[word for word in row if word] for row in x.tolist()], y.tolist()


@dataclass
class SentimentRNN(SentimentLSTM):
    lr: float = 1e-3
    config: StackedRNNConfig = field(default_factory=StackedRNNConfig)  # type: ignore[assignment]  # another network

    name: ClassVar[str] = "sentiment-rnn"
    summary: ClassVar[str] = "two plain recurrent layers that tell praise from blame"

    def padded(self, sentences: list[list[int]], length: int) -> Any:
        """Word 0 before each sentence, as Keras does: the last state, which is looked at, has just read its end."""
        return minidl.tensor([[0] * (length - len(sentence)) + sentence for sentence in sentences])

    def network(self, config: Any) -> Any:
        return StackedRNN(config)

    def loss(self, F: Any, output: Any, target: Any) -> Any:
        return F.binary_cross_entropy(output, target.float())

    def metrics(self) -> dict[str, Metric]:
        return {"accuracy": Accuracy(threshold=0.5)}

    def score(self, model: Any, data: Data) -> dict[str, float]:
        right = [((model(x) > 0.5) == (y == 1)).sum().item() for x, y in self.loader(data.test, False)]
        return {"accuracy": sum(right) / len(data.test)}

    def probabilities(self, output: Any) -> Any:
        return minidl.stack([1 - output, output], 1)
