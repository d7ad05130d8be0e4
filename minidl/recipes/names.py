"""First names, by each of the three recurrent cells.

A name begins after a line feed and is ended by one. Names that are in the file twice are taken once: else the test part
would have many that were learned by heart."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import minidl

from ..data import TensorDataset, split
from ..models.char_model import CharModelConfig
from ..text import Vocabulary, datasets
from .characters import NOTHING, CharacterModel, Texts


def config(cell: str) -> Any:
    return field(
        default_factory=lambda: CharModelConfig(vocabulary=27, cell=cell, embedding=32, hidden=128, dropout=0.2)
    )  # fmt: skip


@dataclass
class NamesLSTM(CharacterModel):
    epochs: int = 12
    batch: int = 64
    lr: float = 5e-3
    config: CharModelConfig = config("lstm")

    name: ClassVar[str] = "names-lstm"
    summary: ClassVar[str] = "an LSTM that invents first names"
    source: ClassVar[str] = "29,494 first names, a tenth of them held out"

    def data(self, folder: str | None = None, download: bool = False) -> Texts:
        names = list(dict.fromkeys(datasets.Names(folder, download=download).data))
        train, validation, test = (
            [f"{names[k]}\n" for k in part[: self.limit]]
            for part in split(len(names), (0.8, 0.1, 0.1), generator=minidl.Generator().manual_seed(0))
        )
        vocabulary = Vocabulary.of([*names, "\n"])
        longest = max(map(len, [*train, *validation, *test]))
        made = [examples(part, vocabulary, longest) for part in (train, validation, test)]
        texts = {"train": train, "validation": validation, "test": test}
        return Texts(made[0], made[2], made[1], {"vocabulary": vocabulary.to_dict()}, texts)

    def generate(
        self, model: Any, known: dict[str, Any], *, prompt: str = "", length: int = 20, count: int | None = None,
        seed: int = 0, path: Any = None, **how: Any,
    ) -> str:  # fmt: skip
        """Names that begin with the prompt, one a line."""
        generator = minidl.Generator().manual_seed(seed)
        return "\n".join(self.write(model, known, prompt, length, generator, "\n", **how) for _ in range(count or 10))


def examples(texts: list[str], vocabulary: Vocabulary, longest: int) -> TensorDataset:
    """Names that end in a line feed, as x and y (N, longest)."""
    y = [vocabulary.encode(text) for text in texts]
    x = [[vocabulary["\n"], *row[:-1]] for row in y]
    filled = lambda rows, value: minidl.tensor([row + [value] * (longest - len(row)) for row in rows])
    return TensorDataset(filled(x, vocabulary["\n"]), filled(y, NOTHING))


@dataclass
class NamesRNN(NamesLSTM):
    config: CharModelConfig = config("rnn")

    name: ClassVar[str] = "names-rnn"
    summary: ClassVar[str] = "a plain recurrent network that invents first names"


@dataclass
class NamesGRU(NamesLSTM):
    config: CharModelConfig = config("gru")

    name: ClassVar[str] = "names-gru"
    summary: ClassVar[str] = "a GRU that invents first names"
