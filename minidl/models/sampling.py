"""Choosing the next token at random, as its probability says."""

import minidl


def choose(scores, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, generator=None):
    """scores (N, V) of the next token  →  a token for each of N, drawn from softmax(scores / temperature).

    temperature: towards 0 always the likeliest, 1 what was learned, above it bolder. top_k: only among the k likeliest
    (Fan, Lewis & Dauphin 2018). top_p: only among the fewest that together have so much (Holtzman et al. 2020)."""
    if not temperature >= 0:
        raise ValueError(f"choose: a temperature is 0 (always the likeliest) or more, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"choose: top_k is 1 token or more, got {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"choose: top_p is a probability above 0, up to 1, got {top_p}")
    if temperature == 0:
        return scores.argmax(1)
    scores, tokens = (scores / temperature).sort(1, descending=True)
    p = scores.softmax(1)
    if top_k is not None:
        p[:, top_k:] = 0
    if top_p is not None:
        p[p.cumsum(1) - p >= top_p] = 0  # what comes before has enough already; the likeliest always stays
    return tokens.gather(1, minidl.multinomial(p, 1, generator=generator)).squeeze(1)
