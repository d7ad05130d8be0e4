"""Shakespeare's plays, by an LSTM and by a GPT: the last tenth of the text is tested on, a twentieth validates.

They learn from pieces of 128 characters. When they are tested they read some before the first one that counts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import minidl
from minidl import nn

from ..data import TensorDataset
from ..files import atomic_write
from ..models.attention import watch
from ..models.char_model import CharModelConfig
from ..models.gpt import GPT, GPTConfig
from ..text import Vocabulary, datasets
from ..viz.gradients import gradients_by_lag, norms_through_time
from .characters import NOTHING, CharacterModel, Texts, vocabulary_of

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
    read: ClassVar[int] = PIECE  # characters that are only read, and then count, when it is tested

    def data(self, folder: str | None = None, download: bool = False) -> Texts:
        text = datasets.Shakespeare(folder, download=download).text
        ends = [0, round(0.85 * len(text)), round(0.9 * len(text)), len(text)]
        parts = [text[a:b] for a, b in zip(ends, ends[1:])]
        if self.limit is not None:
            parts = [part[: self.limit * PIECE] for part in parts]
        vocabulary = Vocabulary.of([text])
        x, y = ([vocabulary.encode(before + part) for part in parts] for before in ("\n", ""))
        train = TensorDataset(pieces(x[0]), pieces(y[0]))
        validation, test = (tested(x[k], y[k], vocabulary["\n"], self.read) for k in (1, 2))
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


@dataclass
class ShakespeareGPT(ShakespeareLSTM):
    epochs: int = 10
    lr: float = 2e-3
    config: GPTConfig = field(default_factory=lambda: GPTConfig(context=PIECE))  # type: ignore[assignment]

    name: ClassVar[str] = "shakespeare-gpt"
    summary: ClassVar[str] = "a GPT that writes plays, character by character"
    read: ClassVar[int] = PIECE // 2  # as many as fit into its context with those that count

    def network(self, config: Any) -> Any:
        return GPT(config)

    def optimizer(self, optim: Any, parameters: Any) -> Any:
        return optim.AdamW(parameters, lr=self.lr, betas=(0.9, 0.95), weight_decay=0.1)

    def pictures(self, model: Any, data: Any, folder: Path) -> None:
        """Where each character looks, in a line of the test part."""
        text = data.texts["test"][0].strip().splitlines()[0][:24]
        self.explain(model, data.known, text, folder / "attention.png")

    def explain(self, model: Any, known: dict[str, Any], given: str, path: Path) -> None:
        from ..viz.attention import attention_maps
        from ..viz.figures import save

        layers = watch(model)
        model(minidl.tensor([vocabulary_of(known).encode(given[-model.config.context :])]))
        weights = layers[-1].weights
        watch(model, False)
        assert weights is not None
        save(attention_maps(weights[0].detach(), list(given), list(given)).flat[0].figure, path)


def reach(model: Any, x: Any, y: Any) -> list[float]:
    """‖∂loss/∂e_t‖ of the loss at the last character, for what the network reads at each step t."""
    with minidl.enable_grad():
        steps = model.embedding(x).detach().transpose(0, 1).requires_grad_()  # (T, N, embedding)
        h, _ = model.rnn(steps.transpose(0, 1))
        return norms_through_time(nn.functional.cross_entropy(model.output(h[:, -1]), y[:, -1]), steps)


def pieces(numbers: list[int], size: int = PIECE) -> Any:
    """(N, size), one after the other; what is left at the end is left out."""
    count = len(numbers) // size
    return minidl.tensor(numbers[: count * size]).reshape(count, size)


def tested(x: list[int], y: list[int], filling: int, size: int = PIECE) -> TensorDataset:
    """Rows of two pieces, of which the first is only read; every character of y counts once."""
    count = -(-len(y) // size)
    rest = count * size - len(y)
    now, target = pieces(x[: len(y)] + [filling] * rest, size), pieces(y + [NOTHING] * rest, size)
    before = minidl.cat([minidl.full((1, size), filling), now[:-1]])
    return TensorDataset(
        minidl.cat([before, now], 1), minidl.cat([minidl.full((count, size), NOTHING), target], 1)
    )  # fmt: skip
