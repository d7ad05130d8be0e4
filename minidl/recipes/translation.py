"""German captions of photographs into English: the Transformer, and two GRUs with attention, on the same data."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import minidl
from minidl import nn

from ..data import DataLoader, Dataset
from ..models.attention import watch
from ..models.search import beam_search, greedy_search
from ..models.seq2seq import Seq2Seq, Seq2SeqConfig
from ..models.transformer import Transformer, TransformerConfig
from ..text import Subwords
from ..text.datasets import Multi30k
from ..training.schedules import cosine
from .recipe import Data, Recipe

LONGEST = 60  # pieces of a translation


class Batches(Dataset[Any]):
    """Batches of (source, target without its last token, target without its first), each of sentences of about one
    length, so that little is filled up. `pairs` are sentences as they are, in the order given."""

    def __init__(self, pairs: list[tuple[str, str]], source: Subwords, target: Subwords, batch: int) -> None:
        self.pairs = pairs
        a = source.encode_all([x for x, _ in pairs], ends=True)
        b = target.encode_all([y for _, y in pairs], ends=True)
        order = sorted(range(len(pairs)), key=lambda k: (len(a[k]), len(b[k])))
        self.batches = []
        for k in range(0, len(order), batch):
            rows = order[k : k + batch]
            x, y = padded([a[j] for j in rows], source.pad), padded([b[j] for j in rows], target.pad)
            self.batches.append((x, y[:, :-1], y[:, 1:]))

        self.examples = len(pairs)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, k: int) -> Any:
        return self.batches[k]


def padded(rows: list[list[int]], pad: int) -> Any:
    width = max(map(len, rows))
    return minidl.tensor([row + [pad] * (width - len(row)) for row in rows], dtype=minidl.int64)


@dataclass
class Translation(Recipe):
    """pieces: how many subwords of each language."""

    epochs: int = 7
    batch: int = 64
    lr: float = 2e-3
    clip: float | None = 1.0
    pieces: int = 4000

    source: ClassVar[str] = "Multi30k, German to English, test_2016_flickr"
    measure: ClassVar[str] = "BLEU"
    baseline_name: ClassVar[str] = "word by word, by Dice's coefficient"

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        splits = ("train", "valid", "test")
        parts = {split: Multi30k(folder, split, download=download).data[: self.limit] for split in splits}
        learn = parts["train"]
        source = Subwords.train([x for x, _ in learn], self.pieces, lowercase=True)
        target = Subwords.train([y for _, y in learn], self.pieces)
        known = {"source": source.to_dict(), "target": target.to_dict()}
        train, valid, test = (Batches(parts[split], source, target, self.batch) for split in splits)
        return Data(train, test, valid, known)

    def configured(self, data: Data) -> Any:
        source, target = sides(data.known)
        return replace(self.config, source=len(source), target=len(target), pad=target.pad)

    def loader(self, part: Any, shuffle: bool) -> Any:
        return DataLoader(part, batch_size=None, shuffle=shuffle, generator=minidl.Generator().manual_seed(self.seed))

    def loss(self, F: Any, output: Any, target: Any) -> Any:
        """Cross-entropy of every piece, with a tenth of the probability spread over all others."""
        return F.cross_entropy(output.flatten(0, 1), target.flatten(), ignore_index=0, label_smoothing=0.1)

    def share(self, steps: int) -> Callable[[int], float]:
        return cosine(steps, warmup=steps // 10)

    def score(self, model: Any, data: Data) -> dict[str, float]:
        """BLEU, greedily translated; and the perplexity of a piece of the reference."""
        _, target = sides(data.known)
        total = count = 0.0
        for source, before, after in self.loader(data.test, False):
            scores = model(source, before).flatten(0, 1)
            total += nn.functional.cross_entropy(scores, after.flatten(), ignore_index=0, reduction="sum").item()
            count += float((after != 0).sum().item())
        made = self.translations(model, [x for x, _ in data.test.pairs], data.known)
        return {"BLEU": bleu(made, [y for _, y in data.test.pairs]), "perplexity": math.exp(total / count)}

    def baseline(self, data: Data) -> float:
        best = dictionary(data.train.pairs)
        made = [" ".join(best.get(word, word) for word in x.lower().split()) for x, _ in data.test.pairs]
        return bleu(made, [y for _, y in data.test.pairs])

    def translations(self, model: Any, texts: list[str], known: dict[str, Any], batch: int = 100) -> list[str]:
        """Greedily, many at once; the model is only called, so that it may be PyTorch's."""
        source, target = sides(known)
        order = sorted(range(len(texts)), key=lambda k: len(texts[k]))
        made = [""] * len(texts)
        for k in range(0, len(order), batch):
            rows = order[k : k + batch]
            x = padded(source.encode_all([texts[j] for j in rows], ends=True), source.pad)
            first = minidl.full((len(rows), 1), target.begin, dtype=minidl.int64)
            found = greedy_search(next_of(model, x), first, target.end, LONGEST)
            for j, row in zip(rows, found):
                made[j] = target.decode(row).strip()
        return made

    def translate(self, model: Any, known: dict[str, Any], text: str, beam: int = 4, **how: Any) -> str:
        source, target = sides(known)
        x = padded(source.encode_all([text], ends=True), source.pad)
        first = minidl.full((1, 1), target.begin, dtype=minidl.int64)
        with minidl.no_grad():
            memory = model.encode(x)

            def next_scores(tokens: Any, rows: Any) -> Any:
                wide = [part.expand(*(len(tokens) if k == axis else -1 for k in range(part.ndim)))
                        for part, axis in zip(memory, (0, 0, 1))]  # fmt: skip
                return model.decode(tokens, *wide)[:, -1]

            found = beam_search(next_scores, first, target.end, LONGEST, max(beam, 1))
        return str(target.decode(found)).strip()

    def explain(self, model: Any, known: dict[str, Any], given: str, path: Path) -> None:
        """Where each piece that it writes looks in the source."""
        from ..viz.attention import attention_maps
        from ..viz.figures import save

        source, target = sides(known)
        written = self.translate(model, known, given)
        x = source.encode(given, ends=True)
        y = [target.begin, *target.encode(written)]
        with minidl.no_grad():
            weights = self.looked(model, minidl.tensor([x]), minidl.tensor([y]))
        words = lambda side, row: [side.decode([k], specials=True).strip() or "␣" for k in row]
        axes = attention_maps(weights, words(target, [*y[1:], target.end]), words(source, x))
        save(axes.flat[0].figure, path)

    def looked(self, model: Any, source: Any, target: Any) -> Any:
        """The weights (T, S) with which the target's places look at the source's."""
        raise NotImplementedError

    def pictures(self, model: nn.Module, data: Data, folder: Path) -> None:
        self.explain(model, data.known, data.test.pairs[0][0], folder / "attention.png")


@dataclass
class Multi30kTransformer(Translation):
    config: TransformerConfig = field(default_factory=TransformerConfig)
    name: ClassVar[str] = "multi30k-transformer"
    summary: ClassVar[str] = "the Transformer translates German into English"

    def network(self, config: Any) -> Transformer:
        return Transformer(config)

    def optimizer(self, optim: Any, parameters: Any) -> Any:
        return optim.AdamW(parameters, lr=self.lr, betas=(0.9, 0.98), weight_decay=0.01)

    def looked(self, model: Any, source: Any, target: Any) -> Any:
        """Those of the last layer, the mean of its heads."""
        layers = watch(model)
        model(source, target)
        weights = layers[-1].weights
        watch(model, False)
        assert weights is not None
        return weights[0].mean(0)


@dataclass
class Multi30kGRU(Translation):
    epochs: int = 7
    config: Seq2SeqConfig = field(default_factory=Seq2SeqConfig)
    name: ClassVar[str] = "multi30k-gru"
    summary: ClassVar[str] = "two GRUs with attention translate German into English"

    def network(self, config: Any) -> Seq2Seq:
        return Seq2Seq(config)

    def looked(self, model: Any, source: Any, target: Any) -> Any:
        model.watched = True
        model(source, target)
        model.watched, weights = False, model.weights
        assert weights is not None
        return weights[0]


def next_of(model: Any, source: Any) -> Callable[[Any], Any]:
    """Scores of the next token: by what the model keeps between two calls, where it can."""
    if not hasattr(model, "encode"):
        return lambda tokens: model(source, tokens)[:, -1]
    memory, cache = model.encode(source), model.empty_cache()
    return lambda tokens: model.decode(tokens[:, -1:], *memory, cache=cache)[:, -1]


def sides(known: dict[str, Any]) -> tuple[Subwords, Subwords]:
    return Subwords.from_dict(known["source"]), Subwords.from_dict(known["target"])


def bleu(made: list[str], references: list[str]) -> float:
    """Papineni et al. 2002, as sacrebleu computes it (Post 2018)."""
    try:
        import sacrebleu
    except ImportError:
        raise ImportError("BLEU is computed by sacrebleu: pip install 'minidl[nlp]'") from None
    return float(sacrebleu.corpus_bleu(made, [references]).score)


def dictionary(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """To each word f the word e of the other language with the highest 2 N(f, e) / (N(f) + N(e)).

    N: in how many pairs of sentences they occur (Dice 1945)."""
    both: Counter[tuple[str, str]] = Counter()
    left: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for x, y in pairs:
        source, target = set(x.lower().split()), set(y.split())
        left.update(source)
        right.update(target)
        both.update((f, e) for f in source for e in target)
    best: dict[str, tuple[float, str]] = {}
    for (f, e), n in both.items():
        best[f] = max(best.get(f, (0.0, "")), (2 * n / (left[f] + right[e]), e))
    return {f: e for f, (_, e) in best.items()}
