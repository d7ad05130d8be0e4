"""Writing a sentence token by token: the likeliest next one, or the likeliest sentence that a beam finds."""

import minidl


def greedy_search(next_scores, first, end: int, length: int):
    """Of each sentence always the likeliest next token, until all have ended.

    next_scores: tokens (N, T) so far → scores (N, tokens) of the next. first (N, 1).
    Returns the tokens after the first, N lists without `end`."""
    tokens, over = first, minidl.zeros(first.shape[0], dtype=minidl.bool, device=first.device)
    for _ in range(length):
        best = next_scores(tokens).argmax(1)
        tokens = minidl.cat([tokens, best.unsqueeze(1)], 1)
        over = over | (best == end)
        if over.all().item():
            break
    return [up_to(end, row[1:]) for row in tokens.tolist()]


def beam_search(next_scores, first, end: int, length: int, beam: int = 4, penalty: float = 0.6):
    """The sentence with the highest log p / ((5 + T) / 6)^penalty that a beam of so many finds (Wu et al. 2016).

    next_scores: (tokens (B, T) so far, the rows (B,) of the step before that each goes on from) → scores (B, tokens) of
    the next; first (1, 1). In each step the `beam` likeliest continuations go on; those that end are set aside. It is
    over when none that goes on could still be better. Returns the tokens after the first, without `end`."""
    tokens, rows = first, minidl.zeros(1, dtype=minidl.int64, device=first.device)
    total = minidl.zeros(1, device=first.device)
    found: list = []  # (score, tokens)
    share = lambda T: ((5 + T) / 6) ** penalty
    for T in range(1, length + 1):
        logp = total.unsqueeze(1) + next_scores(tokens, rows).log_softmax(1)  # (B, V)
        V = logp.shape[1]
        best, where = logp.flatten().topk(min(2 * beam, logp.numel()))
        going: list = []
        kept: list = []
        for value, place in zip(best.tolist(), where.tolist()):
            if place % V == end:
                found.append((value / share(T), tokens[place // V, 1:].tolist()))
            elif len(going) < beam:
                going.append(place)
                kept.append(value)
        found = sorted(found, reverse=True)[:beam]
        if not going or (len(found) == beam and found[-1][0] >= kept[0] / share(length)):
            break
        places = minidl.tensor(going, device=first.device)
        rows, total = places // V, minidl.tensor(kept, device=first.device)
        tokens = minidl.cat([tokens[rows], (places % V).unsqueeze(1)], 1)
    if not found:  # none has ended
        return tokens[0, 1:].tolist()
    return found[0][1]


def up_to(end: int, row: list) -> list:
    return row[: row.index(end)] if end in row else row
