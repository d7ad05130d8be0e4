"""A small BERT: pre-trained to fill in masked pieces of words, then fine-tuned to tell praise from blame.

The same network is also trained from nothing, to show what the pre-training is worth (Devlin et al. 2018)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import minidl
from minidl import nn

from ..data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler, TensorDataset
from ..models.pretrained import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertTokenizer
from ..text import Subwords, Vocabulary, datasets
from ..training.schedules import linear
from .bags import accuracy_of_bags
from .recipe import Classifier, Data, Recipe
from .sentiment import CLASSES, reviews

PAD, UNKNOWN, FIRST, BETWEEN, MASK = SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
NOTHING = -100  # a label that does not count
PRETRAINED = "pretrained"  # the folder, in that of a run, which BertModel.from_pretrained and transformers read


@dataclass
class BertSizes:
    pieces: int = 4000  # of words
    layers: int = 3
    heads: int = 4
    width: int = 128
    hidden: int = 512  # of the feed-forward networks
    length: int = 64  # tokens at most
    dropout: float = 0.1

    def config(self, **more: Any) -> BertConfig:
        return BertConfig(
            vocab_size=self.pieces, hidden_size=self.width, num_hidden_layers=self.layers,
            num_attention_heads=self.heads, intermediate_size=self.hidden, max_position_embeddings=self.length,
            hidden_dropout_prob=self.dropout, attention_probs_dropout_prob=self.dropout, **more,
        )  # fmt: skip

    @classmethod
    def of(cls, config: BertConfig) -> "BertSizes":
        return cls(
            config.vocab_size, config.num_hidden_layers, config.num_attention_heads, config.hidden_size,
            config.intermediate_size, config.max_position_embeddings, config.hidden_dropout_prob,
        )  # fmt: skip


class Scores(nn.Module):
    """A pretrained model for the Trainer: of what it gives, these scores alone; several are stacked: (N, number, …)."""

    def __init__(self, model: Any, *names: str) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: Any) -> Any:
        output = self.model(*inputs)
        parts = [output[name] for name in self.names]
        return parts[0] if len(parts) == 1 else minidl.stack(parts, 1)


def word_pieces(texts: list[str], size: int) -> list[str]:
    """The vocabulary of WordPiece, learned from texts; the special tokens come first."""
    made = Subwords.train(texts, size, kind="wordpiece", lowercase=True, specials=SPECIALS)
    table = made.tokenizer.get_vocab()
    return sorted(table, key=lambda piece: table[piece])


def tokenizer_of(known: dict[str, Any]) -> BertTokenizer:
    return BertTokenizer(known["pieces"], model_max_length=known["length"])


def dataset_of(tokenizer: BertTokenizer, texts: list[str], labels: list[int]) -> TensorDataset:
    """(tokens, where they are tokens, label)."""
    rows = tokenizer(texts, padding=True, truncation=True, return_tensors="md")
    return TensorDataset(rows["input_ids"], rows["attention_mask"], minidl.tensor(labels))


# ------------------------------------------------------------------------------------------- pre-training


class Masked(Dataset[Any]):
    """Rows of tokens of which 15 % are to be found: 80 % of these are masked, 10 % are others, 10 % are as they were.

    Which they are is drawn each time; or once, with a seed."""

    def __init__(self, rows: Any, pieces: list[str], seed: int | None = None) -> None:
        self.rows, self.pieces = rows, pieces
        self.fixed = None if seed is None else self.masked(rows, minidl.Generator().manual_seed(seed))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        if self.fixed is not None:
            return self.fixed[0][index], self.fixed[1][index]
        return self.masked(self.rows[index], None)

    def masked(self, rows: Any, generator: Any) -> tuple[Any, Any]:
        special = len(SPECIALS)
        found = (minidl.rand(rows.shape, generator=generator) < 0.15) & (rows >= special)
        how = minidl.rand(rows.shape, generator=generator)
        others = minidl.randint(special, len(self.pieces), rows.shape, generator=generator)
        x = minidl.where(found & (how < 0.8), SPECIALS.index(MASK), rows)
        x = minidl.where(found & (how >= 0.9), others, x)
        return x, minidl.where(found, rows, NOTHING)


@dataclass
class BertPretrain(Recipe):
    """captions: learn from the English captions of Multi30k too, three times as much text as the reviews."""

    epochs: int = 6
    batch: int = 64
    lr: float = 1e-3
    clip: float | None = 1.0
    captions: bool = True
    config: BertSizes = field(default_factory=BertSizes)

    name: ClassVar[str] = "bert-pretrain"
    summary: ClassVar[str] = "a small BERT learns to fill in masked pieces of words"
    source: ClassVar[str] = "sentences of film reviews (the training part, without labels) and captions of Multi30k"
    measure: ClassVar[str] = "perplexity of a masked piece"
    better: ClassVar[str] = "min"
    baseline_name: ClassVar[str] = "how often each piece occurs"

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        parts = reviews(folder, download, self.limit)
        train, validation, test = ([text for text, _ in part] for part in parts)
        if self.captions:
            pairs = datasets.Multi30k(folder, "train", download=download).data
            train = train + [english for _, english in pairs][: self.limit]
        pieces = word_pieces(train, self.config.pieces)
        known = {"pieces": pieces, "length": self.config.length}
        rows = lambda texts: packed(tokenizer_of(known), texts, self.config.length)
        fixed = [Masked(rows(part), pieces, seed) for seed, part in enumerate((validation, test))]
        return Data(Masked(rows(train), pieces), fixed[1], fixed[0], known)

    def configured(self, data: Data) -> BertSizes:
        return replace(self.config, pieces=len(data.known["pieces"]))

    def network(self, config: BertSizes) -> nn.Module:
        return Scores(BertForMaskedLM(config.config()), "logits")

    def loader(self, part: Any, shuffle: bool) -> Any:
        generator = minidl.Generator().manual_seed(self.seed)
        order = RandomSampler(part, generator=generator) if shuffle else SequentialSampler(part)
        return DataLoader(part, None, sampler=BatchSampler(order, self.batch, False), generator=generator)

    def loss(self, F: Any, output: Any, target: Any) -> Any:
        return F.cross_entropy(output.flatten(0, 1), target.flatten(), ignore_index=NOTHING)

    def optimizer(self, optim: Any, parameters: Any) -> Any:
        return optim.AdamW(parameters, lr=self.lr, weight_decay=0.01)

    def share(self, steps: int) -> Callable[[int], float]:
        return linear(steps, warmup=steps // 10)

    def score(self, model: Any, data: Data) -> dict[str, float]:
        total = count = right = 0.0
        for x, y in self.loader(data.test, False):
            scores, asked = model(x), y != NOTHING
            number = float(asked.sum().item())
            total += self.loss(nn.functional, scores, y).item() * number
            right += float(((scores.argmax(2) == y) & asked).sum().item())
            count += number
        return {self.measure: math.exp(total / count), "found": right / count}

    def baseline(self, data: Data) -> float:
        V = len(data.known["pieces"])
        times = minidl.bincount(data.train.rows.flatten(), minlength=V).float() + 1
        times[: len(SPECIALS)] = 0
        _, y = data.test.fixed
        cost = -(times / times.sum())[y[y != NOTHING]].log().mean()
        return math.exp(cost.item())

    def fit(self, model: Any, data: Data, folder: Path, resume: bool = False, progress: bool = True) -> nn.Module:
        made: Any = super().fit(model, data, folder, resume, progress)
        made.model.save_pretrained(folder / PRETRAINED)
        tokenizer_of(data.known).save_pretrained(folder / PRETRAINED)
        return made


def packed(tokenizer: BertTokenizer, texts: list[str], length: int) -> Any:
    """[CLS] text [SEP] text [SEP] …, cut into rows of one length: (N, length)."""
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    stream = [token for row in ids for token in (*row, SPECIALS.index(BETWEEN))]
    count = len(stream) // (length - 1)
    if not count:
        raise ValueError(f"bert-pretrain: {len(stream)} pieces of text do not fill one row of {length}")
    rows = minidl.tensor(stream[: count * (length - 1)]).reshape(count, length - 1)
    return minidl.cat([minidl.full((count, 1), SPECIALS.index(FIRST)), rows], 1)


# -------------------------------------------------------------------------------------------- fine-tuning


@dataclass
class BertSentiment(Classifier):
    """start: the folder of a pretrained BERT: a run of bert-pretrain, or any in Hugging Face's layout."""

    epochs: int = 5
    batch: int = 32
    lr: float = 3e-4
    patience: int | None = 2
    clip: float | None = 1.0
    start: str | None = "runs/reproduce/bert-pretrain/0"
    config: BertSizes = field(default_factory=BertSizes)

    name: ClassVar[str] = "bert-sentiment"
    summary: ClassVar[str] = "the pre-trained BERT, fine-tuned to tell praise from blame"
    source: ClassVar[str] = "10,662 sentences of film reviews (rt-polarity), a tenth held out"
    baseline_name: ClassVar[str] = "bag-of-words logistic regression"

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        parts = reviews(folder, download, self.limit)
        if self.start is None:
            pieces = word_pieces([text for text, _ in parts[0]], self.config.pieces)
            length = self.config.length
        else:
            found = BertTokenizer.from_pretrained(started(self.start))
            pieces = sorted(found.vocab, key=lambda piece: found.vocab[piece])
            length = BertConfig.from_pretrained(started(self.start)).max_position_embeddings
        known = {"pieces": pieces, "length": length, "classes": list(CLASSES)}
        tokenizer = tokenizer_of(known)
        train, validation, test = (dataset_of(tokenizer, *map(list, zip(*part))) for part in parts)
        self.parts = parts  # as text, for the baseline
        return Data(train, test, validation, known)

    def configured(self, data: Data) -> BertSizes:
        if self.start is not None:
            return BertSizes.of(BertConfig.from_pretrained(started(self.start)))
        return replace(self.config, pieces=len(data.known["pieces"]))

    def network(self, config: BertSizes) -> nn.Module:
        return Scores(BertForSequenceClassification(config.config(num_labels=2)), "logits")

    def optimizer(self, optim: Any, parameters: Any) -> Any:
        return optim.AdamW(parameters, lr=self.lr, weight_decay=0.01)

    def share(self, steps: int) -> Callable[[int], float]:
        return linear(steps, warmup=steps // 10)

    def fit(self, model: Any, data: Data, folder: Path, resume: bool = False, progress: bool = True) -> nn.Module:
        if self.start is not None and not resume:
            pretrained = BertForMaskedLM.from_pretrained(started(self.start))
            model.model.bert.load_state_dict(pretrained.bert.state_dict(), strict=False)  # all but the pooler
        made: Any = super().fit(model, data, folder, resume, progress)
        made.model.save_pretrained(folder / PRETRAINED)
        tokenizer_of(data.known).save_pretrained(folder / PRETRAINED)
        return made

    def baseline(self, data: Data) -> float:
        """Over words, as the recurrent networks have them: pieces would say less."""
        vocabulary = Vocabulary.of((text for text, _ in self.parts[0]), by="words", least=2)
        bags = [([vocabulary.encode(text) for text, _ in part], [y for _, y in part]) for part in self.parts]
        return accuracy_of_bags(bags[0], bags[1], bags[2], len(vocabulary))

    def classify(self, model: Any, known: dict[str, Any], given: str) -> list[tuple[str, float]]:
        rows = tokenizer_of(known)([given], truncation=True, return_tensors="md")
        with minidl.no_grad():
            shares = model(rows["input_ids"], rows["attention_mask"]).softmax(1)[0].tolist()
        return sorted(zip(known["classes"], shares), key=lambda pair: -pair[1])

    def explain(self, model: Any, known: dict[str, Any], given: str, path: Path) -> None:
        tokenizer = tokenizer_of(known)
        draw_attention(model.model, tokenizer, tokenizer([given], truncation=True, return_tensors="md"), path)


@dataclass
class BertSentimentFromNothing(BertSentiment):
    epochs: int = 8
    start: str | None = None

    name: ClassVar[str] = "bert-sentiment-scratch"
    summary: ClassVar[str] = "the same BERT without pre-training, to compare with"


def started(folder: str) -> Path:
    """The pretrained model in the folder of a run, or the folder itself."""
    inner = Path(folder) / PRETRAINED
    if not inner.is_dir() and not Path(folder).is_dir():
        raise FileNotFoundError(
            f"--start {folder}: there is no such folder; `minidl train bert-pretrain --out {folder}` makes one"
        )
    return inner if inner.is_dir() else Path(folder)


def draw_attention(model: Any, tokenizer: BertTokenizer, rows: Any, path: Path) -> None:
    """Where each token looks in the last layer, head by head."""
    from ..viz.attention import attention_maps
    from ..viz.figures import save

    with minidl.no_grad():
        weights = model(**rows, output_attentions=True).attentions[-1][0]
    names = tokenizer.convert_ids_to_tokens(rows["input_ids"][0].tolist())
    save(attention_maps(weights, names, names).flat[0].figure, path)
