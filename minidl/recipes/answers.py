"""A small BERT finds the answer to a question in a text. The texts are generated: who keeps what where.

    text      Mary keeps the red key in the kitchen. Tom put a lamp under the stairs. …
    question  where does Mary keep the red key?        answer  in the kitchen

It shows extraction at work (scores for the first and the last token of the answer), and says nothing about language
beyond these sentences. The people of the test part occur in no text to learn from."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import minidl
from minidl import nn

from ..data import TensorDataset
from ..models.pretrained import BertForQuestionAnswering
from ..training.schedules import linear
from .bert import BertSizes, Scores, draw_attention, tokenizer_of, word_pieces
from .recipe import Data, Recipe

PEOPLE = "mary tom anna john lucy peter emma paul nina max clara hugo ida felix rosa oscar".split()
STRANGERS = "greta bruno edith simon".split()  # of the test part alone
COLOURS = "red blue green yellow black white old new small heavy".split()
THINGS = "key lamp book coat ball cup ring map letter radio clock hat bag pen box knife".split()
PLACES = (
    "in the kitchen|under the stairs|on the table|behind the door|in the garden|on the roof|near the window|"
    "in the attic|beside the bed|in the car|under the bridge|at the station"
).split("|")
FACTS = ("{who} keeps the {what} {where} .", "the {what} of {who} is {where} .", "{who} put the {what} {where} .")
QUESTIONS = {
    "where": ("where is the {what} of {who} ?", "where does {who} keep the {what} ?", "where is the {what} ?"),
    "who": ("who has something {where} ?", "who keeps the {what} ?"),
    "what": ("what does {who} keep {where} ?", "what is {where} ?"),
}


@dataclass
class Example:
    question: str
    text: str
    begin: int  # the answer is text[begin:end]
    end: int

    @property
    def answer(self) -> str:
        return self.text[self.begin : self.end]


def generate(count: int, people: list[str], seed: int, facts: int = 4) -> list[Example]:
    """Texts of so many facts, no two about one person, thing or place; and a question about one of them."""
    draw, made = random.Random(seed), []
    for _ in range(count):
        who = draw.sample(people, facts)
        things, places = draw.sample(THINGS, facts), draw.sample(PLACES, facts)
        known = [
            {"who": w, "what": f"{draw.choice(COLOURS)} {t}", "where": p} for w, t, p in zip(who, things, places)
        ]  # fmt: skip
        sentences = [draw.choice(FACTS).format(**fact) for fact in known]
        k, asked = draw.randrange(facts), draw.choice(list(QUESTIONS))
        question = draw.choice(QUESTIONS[asked]).format(**known[k])
        begin = sum(len(s) + 1 for s in sentences[:k]) + sentences[k].index(known[k][asked])
        made.append(Example(question, " ".join(sentences), begin, begin + len(known[k][asked])))
    return made


@dataclass
class BertAnswers(Recipe):
    """examples: how many texts to learn from; a tenth as many validate, and a tenth are tested on."""

    epochs: int = 12
    batch: int = 64
    lr: float = 1e-3
    clip: float | None = 1.0
    examples: int = 6000
    config: BertSizes = field(default_factory=lambda: BertSizes(layers=2, width=96, hidden=192, length=80))

    name: ClassVar[str] = "bert-answers"
    summary: ClassVar[str] = "a small BERT finds answers in generated texts"
    source: ClassVar[str] = "generated texts of four facts, each with a question; other people in the test part"
    measure: ClassVar[str] = "exact match"
    baseline_name: ClassVar[str] = "the sentence with most of the question's words"

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        count = min(self.examples, self.limit or self.examples)
        some = max(count // 10, 20)
        parts = [generate(count, PEOPLE, 0), generate(some, PEOPLE, 1), generate(some, STRANGERS, 2)]
        words = [f"{e.question} {e.text}" for part in parts for e in part] + STRANGERS
        known = {"pieces": word_pieces(words, self.config.pieces), "length": self.config.length}
        train, validation, test = (spans(known, part) for part in parts)
        self.tested = parts[2]
        return Data(train, test, validation, known)

    def configured(self, data: Data) -> BertSizes:
        return replace(self.config, pieces=len(data.known["pieces"]))

    def network(self, config: BertSizes) -> nn.Module:
        return Scores(BertForQuestionAnswering(config.config()), "start_logits", "end_logits")

    def loss(self, F: Any, output: Any, target: Any) -> Any:
        """Cross-entropy of the first token of the answer and of the last: output (N, 2, T), target (N, 2)."""
        return F.cross_entropy(output.flatten(0, 1), target.flatten())

    def optimizer(self, optim: Any, parameters: Any) -> Any:
        return optim.AdamW(parameters, lr=self.lr, weight_decay=0.01)

    def share(self, steps: int) -> Callable[[int], float]:
        return linear(steps, warmup=steps // 10)

    def score(self, model: Any, data: Data) -> dict[str, float]:
        right = [best_span(model, data.known, e.question, e.text)[0][0] == e.answer for e in self.tested]
        return {self.measure: sum(right) / len(right)}

    def baseline(self, data: Data) -> float:
        return sum(by_overlap(e.question, e.text) == e.answer for e in self.tested) / len(self.tested)

    def answer(self, model: Any, known: dict[str, Any], question: str, context: str) -> list[tuple[str, float]]:
        return best_span(model, known, question, context)

    def explain(self, model: Any, known: dict[str, Any], given: str, path: Path) -> None:
        question, _, context = given.partition("\n")
        tokenizer = tokenizer_of(known)
        rows = tokenizer([question], [context], truncation="only_second", return_tensors="md")
        draw_attention(model.model, tokenizer, rows, path)


def spans(known: dict[str, Any], examples: list[Example]) -> TensorDataset:
    """(tokens, where they are tokens, which sentence they are of; the first and the last token of the answer)."""
    rows = tokenizer_of(known)(
        [e.question for e in examples], [e.text for e in examples], padding="max_length", truncation="only_second",
        return_tensors="md", return_offsets_mapping=True,
    )  # fmt: skip
    places = []
    offsets, kinds = rows["offset_mapping"].tolist(), rows["token_type_ids"].tolist()
    for e, offset, kind in zip(examples, offsets, kinds):
        inside = [k for k, (a, b) in enumerate(offset) if kind[k] == 1 and a < b and e.begin <= a and b <= e.end]
        if not inside:
            raise ValueError(f"bert-answers: --length cuts the answer off {e.text!r}; make it longer")
        places.append([inside[0], inside[-1]])
    return TensorDataset(rows["input_ids"], rows["attention_mask"], rows["token_type_ids"], minidl.tensor(places))


def best_span(
    model: Any, known: dict[str, Any], question: str, context: str, most: int = 10
) -> list[tuple[str, float]]:  # fmt: skip
    """Stretches of the context with p(first token) p(last token), over those that begin before they end."""
    rows = tokenizer_of(known)(
        [question], [context], truncation="only_second", return_tensors="md", return_offsets_mapping=True
    )  # fmt: skip
    with minidl.no_grad():
        scores = model(rows["input_ids"], rows["attention_mask"], rows["token_type_ids"])[0]  # (2, T)
    offsets, kinds = rows["offset_mapping"][0].tolist(), rows["token_type_ids"][0].tolist()
    inside = [k for k, (a, b) in enumerate(offsets) if kinds[k] == 1 and a < b]
    if not inside:
        raise ValueError("answer: the text has no words to find an answer in")
    first, last = (row.softmax(0).tolist() for row in scores)
    found = [(first[a] * last[b], a, b) for a in inside for b in inside if a <= b < a + most]
    found.sort(reverse=True)
    return [(context[offsets[a][0] : offsets[b][1]], p) for p, a, b in found[:5]]


def by_overlap(question: str, text: str) -> str:
    """From the sentence that shares most words with the question: its place, its first word, or the thing in it."""
    asked = set(question.split())
    sentences = text.split(" . ")
    best = max(sentences, key=lambda s: len(asked & set(s.split())))
    words = best.removesuffix(" .").split()
    if question.startswith("where"):
        return " ".join(words[next((k for k, w in enumerate(words) if w in PREPOSITIONS), 0) :])
    return words[0] if question.startswith("who") else " ".join(words[3:5])


PREPOSITIONS = {place.split()[0] for place in PLACES}
