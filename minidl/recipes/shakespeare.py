"""Shakespeare's plays by an LSTM: the last tenth of the text is tested on, as usual; the twentieth before it validates.

It learns from pieces of 128 characters. When it is tested it reads as many before the first one that counts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import minidl
from minidl import nn

from ..data import TensorDataset
from ..files import atomic_write
from ..models.char_model import CharModelConfig
from ..text import Vocabulary, datasets
from ..viz.gradients import gradients_by_lag, norms_through_time
from .characters import NOTHING, CharacterModel, Texts

PIECE = 128  # characters


@dataclass
class ShakespeareLSTM(CharacterModel):
    epochs: int = 12
    batch: int = 32
    lr: float = 3e-3
    config: CharModelConfig = field(default_factory=lambda: CharModelConfig(hidden=384, dropout=0.25))

    name: ClassVar[str] = "shakespeare-lstm"
    summary: ClassVar[str] = "an LSTM that writes plays, character by character"
    source: ClassVar[str] = "tiny Shakespeare, the last tenth held out"
    orders: ClassVar[range] = range(4, 9)

    def data(self, folder: str | None = None, download: bool = False) -> Texts:
        text = datasets.Shakespeare(folder, download=download).text
        ends = [0, round(0.85 * len(text)), round(0.9 * len(text)), len(text)]
        parts = [text[a:b] for a, b in zip(ends, ends[1:])]
        if self.limit is not None:
            parts = [part[: self.limit * PIECE] for part in parts]
        vocabulary = Vocabulary.of([text])
        x, y = ([vocabulary.encode(before + part) for part in parts] for before in ("\n", ""))
        train = TensorDataset(pieces(x[0]), pieces(y[0]))
        validation, test = (tested(x[k], y[k], vocabulary["\n"]) for k in (1, 2))
        texts = {name: [part] for name, part in zip(("train", "validation", "test"), parts)}
        return Texts(train, test, validation, {"vocabulary": vocabulary.to_dict()}, texts)

    def pictures(self, model: Any, data: Any, folder: Path) -> None:
        """How far back a gradient reaches in this network, and reached before it was trained."""
        x, y = data.train[:16]
        ways = {"untrained": [reach(self.network(model.config), x, y)], "trained": [reach(model, x, y)]}
        (ax,) = gradients_by_lag({f"{model.config.cell.upper()}, {self.source.split(',')[0]}": ways})
        with atomic_write(folder / "memory.png") as file:
            ax.figure.savefig(file, format="png", dpi=120)

    def generate(
        self, model: Any, known: dict[str, Any], *, prompt: str = "", length: int = 300, count: int | None = None,
        seed: int = 0, path: Any = None, **how: Any,
    ) -> str:  # fmt: skip
        """Text that goes on from the prompt; with `count` several, a line between them."""
        generator = minidl.Generator().manual_seed(seed)
        return "\n\n".join(self.write(model, known, prompt, length, generator, **how) for _ in range(count or 1))


def reach(model: Any, x: Any, y: Any) -> list[float]:
    """‖∂loss/∂e_t‖ of the loss at the last character, for what the network reads at each step t."""
    with minidl.enable_grad():
        steps = model.embedding(x).detach().transpose(0, 1).requires_grad_()  # (T, N, embedding)
        h, _ = model.rnn(steps.transpose(0, 1))
        return norms_through_time(nn.functional.cross_entropy(model.output(h[:, -1]), y[:, -1]), steps)


def pieces(numbers: list[int]) -> Any:
    """(N, PIECE), one after the other; what is left at the end is left out."""
    count = len(numbers) // PIECE
    return minidl.tensor(numbers[: count * PIECE]).reshape(count, PIECE)


def tested(x: list[int], y: list[int], filling: int) -> TensorDataset:
    """Rows of two pieces, of which the first is only read; every character of y counts once."""
    count = -(-len(y) // PIECE)
    rest = count * PIECE - len(y)
    now, target = pieces(x[: len(y)] + [filling] * rest), pieces(y + [NOTHING] * rest)
    before = minidl.cat([minidl.full((1, PIECE), filling), now[:-1]])
    return TensorDataset(
        minidl.cat([before, now], 1), minidl.cat([minidl.full((count, PIECE), NOTHING), target], 1)
    )  # fmt: skip
