"""`minidl demo attention`: weights from scores, the scale that keeps them soft, and the mask that hides the future."""

import math
from typing import Any

import minidl
from minidl import viz
from minidl.nn import functional as F

from .stage import Stage

FAULTS = {
    "scale": "The scores were not divided by the root of d: softmax saw large numbers, and almost all went to one key.",
    "axis": "softmax ran over the queries instead of the keys: columns add up to 1, rows do not.",
    "mask": "The causal mask let through the future and hid the past.",
}
WORDS = "the cat sat because the cat was tired".split()
SIZES = (4, 16, 64, 256)


def main(argv: list[str]) -> None:
    stage = Stage("attention", "Who looks at whom", FAULTS, argv)
    minidl.manual_seed(stage.seed)

    stage.part("Why the scores are divided by the root of d")
    stage.say("Scores of random queries and keys of d numbers. The largest of 16")
    stage.say("weights, on average: 1.00 would be one key that takes all.")
    stage.say()
    stage.say(f"{'d':>6} {'std of scores':>15} {'without scale':>15} {'with scale':>12}")
    for d in SIZES:
        q, k = minidl.randn(200, d), minidl.randn(16, d)
        scores = q @ k.T
        top = lambda s: F.softmax(s, dim=-1).amax(dim=-1).mean().item()
        scaled = scores if stage.fault == "scale" else scores / math.sqrt(d)
        stage.say(f"{d:6} {scores.std().item():15.2f} {top(scores):15.2f} {top(scaled):12.2f}")

    stage.part("Eight words look at each other")
    x = embedded(64)
    weights = attend(x, stage.fault)
    stage.say(f"{'query':>10}  weights on the keys, in hundredths" + " " * 9 + "sum")
    for word, row in zip(WORDS, weights.tolist()):
        stage.say(f"{word:>10}  " + " ".join(f"{100 * v:4.0f}" for v in row) + f"   {sum(row):.2f}")
    stage.say(" " * 12 + " ".join(f"{word[:4]:>4}" for word in WORDS))
    ours, theirs = weights @ x, F.scaled_dot_product_attention(x, x, x)
    stage.say()
    stage.say(f"beside F.scaled_dot_product_attention: {verdict(ours, theirs)}")
    stage.show(viz.attention_maps(weights, WORDS, WORDS).flat[0], "words")

    stage.part("And only backwards, in a language model")
    causal = attend(x, stage.fault, causal=True)
    for word, row in zip(WORDS, causal.tolist()):
        stage.say(f"{word:>10}  " + " ".join(f"{100 * v:4.0f}" if v else "   ." for v in row) + f"   {sum(row):.2f}")
    theirs = F.scaled_dot_product_attention(x, x, x, is_causal=True)
    stage.say()
    stage.say(f"beside F.scaled_dot_product_attention: {verdict(causal @ x, theirs)}")
    stage.show(viz.attention_maps(causal, WORDS, WORDS).flat[0], "causal")
    if stage.fault:
        stage.say("Something in these tables is wrong. What?")
    stage.finish(
        "softmax(q k' / sqrt d): each row adds up to 1, a mean of the values.",
        "Equal words get equal rows: attention itself knows no order.",
    )


def embedded(d: int) -> Any:
    """A vector for each word, the same for the same word; 'cat' and 'tired' have something in common."""
    table = {word: minidl.randn(d) for word in dict.fromkeys(WORDS)}
    table["tired"] = 0.6 * table["cat"] + 0.8 * table["tired"]
    return 0.7 * minidl.stack([table[word] for word in WORDS])


def attend(x: Any, fault: str | None, causal: bool = False) -> Any:
    """The weights, in three lines, one of which may be wrong."""
    n, d = x.shape
    scores = x @ x.T / (1 if fault == "scale" else math.sqrt(d))
    if causal:
        seen = minidl.ones(n, n).triu() if fault == "mask" else minidl.ones(n, n).tril()
        scores = scores.masked_fill(seen == 0, float("-inf"))
    return F.softmax(scores, dim=0 if fault == "axis" else 1)


def verdict(ours: Any, theirs: Any) -> str:
    off = (ours - theirs).abs().max().item()
    return "the same" if off < 1e-5 else f"largest difference {off:.2g}"
