"""Cutting texts that are too long for a model."""

from collections.abc import Iterator

from .encoding import Piece

Pieces = list[Piece]
STRATEGIES = ("longest_first", "only_first", "only_second", "do_not_truncate")


def cut(pieces: Pieces, length: int, stride: int, left: bool) -> list[Pieces]:
    """The first `length` tokens, then windows of as many over the rest, each sharing `stride` with the one before it.

    left: from the end instead."""
    if len(pieces) <= length:
        return [pieces]
    if not length:
        return [[], pieces]
    if stride >= length:
        raise ValueError(f"stride {stride} must be smaller than the {length} tokens that fit, or no window advances")
    windows, n = [], len(pieces)
    for start in range(0, n, length - stride):
        stop = min(start + length, n)
        windows.append(pieces[n - stop : n - start] if left else pieces[start:stop])
        if stop == n:
            break
    return windows


def shares(a: int, b: int, room: int) -> tuple[int, int]:
    """How many tokens of two texts stay: the longer is cut to the length of the shorter, then both alike."""
    small, large = sorted((a, b))
    if a + b > room:
        large = max(small, room - small) if small <= room else small
        if small + large > room:
            small, large = room // 2, room - room // 2
    return (small, large) if a <= b else (large, small)


def truncate(
    a: Pieces, b: Pieces | None, room: int, strategy: str, stride: int, left: bool
) -> Iterator[tuple[Pieces, Pieces | None]]:
    """The text, or the pair of texts, with at most `room` tokens; then the windows over what was cut off."""
    if strategy not in STRATEGIES:
        raise ValueError(f"truncation={strategy!r}: one of {', '.join(STRATEGIES)}, True or False is expected")
    excess = len(a) + len(b or ()) - room
    if excess <= 0 or strategy == "do_not_truncate":
        yield a, b
        return
    if b is None:
        if strategy == "only_second":
            raise ValueError("truncation='only_second' needs a second text; with one text 'only_first' or True cuts it")
        for window in cut(a, room, stride, left):
            yield window, None
        return
    if strategy == "longest_first":
        n, m = shares(len(a), len(b), room)
    else:
        n, m = (len(a) - excess, len(b)) if strategy == "only_first" else (len(a), len(b) - excess)
        if min(n, m) < 1:
            which, other = ("first", "second") if strategy == "only_first" else ("second", "first")
            raise ValueError(
                f"truncation={strategy!r}: the {other} text alone leaves no room in {room} tokens for the {which} one; "
                "raise max_length or cut by 'longest_first'"
            )
    firsts, seconds = cut(a, n, stride, left), cut(b, m, stride, left)
    yield firsts[0], seconds[0]
    for first in firsts[1:]:
        yield from ((first, second) for second in seconds)
    yield from ((firsts[0], second) for second in seconds[1:])
