"""What the last few characters say about the next one: the baseline of every character model."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

BEFORE = "\x02"  # stands for what is before the beginning of a text


class NGrams:
    """Interpolated Kneser-Ney smoothing over characters (Kneser & Ney 1995; Chen & Goodman 1999).

        pₙ(c | h) = (max(N(hc) − d, 0) + d K(h) pₙ₋₁(c | h′)) / N(h)        p₀ = 1 / V

    h: the n − 1 characters before c, h′ without the first of them. N(hc): how often c follows h; for shorter h, after
    how many different characters hc is found. K(h): how many different characters follow h. d: the discount, 0 to 1.
    Where h was never seen, pₙ = pₙ₋₁."""

    def __init__(self, texts: Iterable[str], order: int = 5, discount: float = 0.9) -> None:
        if order < 1 or not 0 < discount < 1:
            raise ValueError(f"NGrams: order is 1 or more and 0 < discount < 1, got {order} and {discount}")
        self.order, self.discount = order, discount
        padded = [BEFORE * (order - 1) + text for text in texts]
        counts = Counter(text[k : k + order] for text in padded for k in range(len(text) - order + 1))
        self.counts = {order: counts}  # of each length
        for n in range(order - 1, 0, -1):
            self.counts[n] = Counter(gram[1:] for gram in self.counts[n + 1])
        self.followers = {n: _followers(grams) for n, grams in self.counts.items()}
        self.symbols = sorted(self.counts[1])

    def probability(self, character: str, before: str) -> float:
        """p(character | before); a character that was never seen has 1 / (V + 1) under p₀."""
        before = before[len(before) - self.order + 1 :] if self.order > 1 else ""
        p = 1 / (len(self.symbols) + 1)
        for n in range(1, len(before) + 2):
            history = before[len(before) - n + 1 :]
            total, kinds = self.followers[n].get(history, (0, 0))
            if total:
                p = (max(self.counts[n][history + character] - self.discount, 0) + self.discount * kinds * p) / total
        return p

    def bits(self, texts: Iterable[str]) -> float:
        """−mean log₂ p(c | h) over all characters of the texts: what a character costs."""
        total, number = 0.0, 0
        for text in texts:
            padded = BEFORE * (self.order - 1) + text
            for k in range(self.order - 1, len(padded)):
                total -= math.log2(self.probability(padded[k], padded[k - self.order + 1 : k]))
            number += len(text)
        return total / number if number else math.nan

    @classmethod
    def tuned(
        cls, texts: Sequence[str], validation: Sequence[str], orders: Iterable[int] = range(2, 9),
        discounts: Iterable[float] = (0.5, 0.7, 0.8, 0.9, 0.95),
    ) -> "NGrams":  # fmt: skip
        """The model whose order, and then whose discount, make the validation texts cost fewest bits."""
        best = min((cls(texts, order) for order in orders), key=lambda model: model.bits(validation))

        def cost(discount: float) -> float:
            best.discount = discount
            return best.bits(validation)

        best.discount = min(discounts, key=cost)
        return best


def _followers(grams: "Counter[str]") -> dict[str, tuple[int, int]]:
    """(N(h), K(h)) of every history h."""
    total: defaultdict[str, int] = defaultdict(int)
    kinds: defaultdict[str, int] = defaultdict(int)
    for gram, n in grams.items():
        total[gram[:-1]] += n
        kinds[gram[:-1]] += 1
    return {history: (total[history], kinds[history]) for history in total}
