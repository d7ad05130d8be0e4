"""What networks that write character by character share.

The score is what a character of the test part costs, −mean log₂ p. N-grams are hard to beat at it: theirs is computed
beside it, with the order and the discount that suit the validation part best."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import minidl
from minidl import nn

from ..models.char_model import CharModel
from ..models.sampling import choose
from ..text import NGrams, Vocabulary
from ..training.schedules import cosine
from .recipe import Data, Recipe

NOTHING = -100  # a target that does not count: behind the end of a name, or where a text is only read


@dataclass
class Texts(Data):
    """texts: what the parts "train", "validation" and "test" consist of, for the n-grams."""

    texts: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class CharacterModel(Recipe):
    """x (N, T) characters, y (N, T) those that follow."""

    clip: float | None = 1.0

    measure: ClassVar[str] = "bits per character"
    better: ClassVar[str] = "min"
    baseline_name: ClassVar[str] = "Kneser-Ney n-grams"
    orders: ClassVar[range] = range(2, 9)  # of the n-grams, for the validation part to choose from

    def configured(self, data: Data) -> Any:
        return dataclasses.replace(self.config, vocabulary=len(vocabulary_of(data.known)))

    def network(self, config: Any) -> CharModel:
        return CharModel(config)

    def loss(self, F: Any, output: Any, target: Any) -> Any:
        return F.cross_entropy(output.flatten(0, 1), target.flatten(), ignore_index=NOTHING)

    def share(self, steps: int) -> Any:
        return cosine(steps, warmup=min(100, steps // 10))

    def score(self, model: Any, data: Data) -> dict[str, float]:
        nats, count = 0.0, 0
        for x, y in self.loader(data.test, False):
            asked = int((y != NOTHING).sum().item())
            nats += self.loss(nn.functional, model(x), y).item() * asked
            count += asked
        return {self.measure: nats / count / math.log(2)}

    def baseline(self, data: Any) -> float:
        texts = data.texts
        return NGrams.tuned(texts["train"], texts["validation"], self.orders).bits(texts["test"])

    def write(
        self, model: Any, known: dict[str, Any], prompt: str, length: int, generator: Any, end: str | None = None,
        **how: Any,
    ) -> str:  # fmt: skip
        """The prompt, and up to `length` characters that go on from it; no more after `end`."""
        vocabulary, text = vocabulary_of(known), prompt
        with minidl.no_grad():
            scores, state = model.go_on(minidl.tensor([vocabulary.encode("\n" + prompt)]))
            for _ in range(length):
                token = choose(scores[:, -1], generator=generator, **how)
                character = vocabulary.decode(token.tolist())
                if character == end:
                    break
                text += character
                scores, state = model.go_on(token.unsqueeze(1), state)
        return text


def vocabulary_of(known: dict[str, Any]) -> Vocabulary:
    return Vocabulary.from_dict(known["vocabulary"])
