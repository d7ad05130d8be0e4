"""Which examples to learn from and which to test on, as arrays of numbers: `Subset(dataset, numbers)` takes them.

Where nothing is shuffled the folds are scikit-learn's, number by number (of groups, up to those of equal size); what
is shuffled is drawn from minidl's generator, so a seed gives the same parts with scikit-learn installed and without."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..backend import Generator, backend_of, default_generator
from .sampler import check_count
from .seeds import check_generator

Fold = tuple[Any, Any]


def split(
    data: Any, fractions: Sequence[float] = (0.8, 0.1, 0.1), *, labels: Any = None, groups: Any = None,
    generator: Generator | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    """The numbers of the examples in each part, drawn at random; fractions sum to 1.

        train, validation, test = split(len(x), (0.8, 0.1, 0.1), labels=y)

    data: the examples, or how many they are. labels (N): stratified, so each part has of each class what the whole has
    of it, to within one example. groups (N): what belongs together (a patient's pictures) stays together, so sizes are
    met only as well as whole groups can."""
    n, rng = length(data), stream(generator)
    if min(fractions, default=0) < 0 or not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise ValueError(f"split: fractions are 0 or more and sum to 1, got {tuple(fractions)}")
    if labels is not None and groups is not None:
        raise ValueError("split: stratified by labels or kept together by groups, not both at once")
    ends = [0, *(round(n * part) for part in np.cumsum(fractions)[:-1]), n]
    if groups is not None:
        return by_groups(column("split", "groups", groups, n), np.diff(ends), rng)
    order = rng.permutation(n)
    if labels is not None:
        order = interleaved(column("split", "labels", labels, n), order)
    return tuple(np.sort(order[a:b]) for a, b in zip(ends, ends[1:]))


def k_fold(data: Any, k: int = 5, *, shuffle: bool = False, generator: Generator | None = None) -> Iterator[Fold]:
    """k pairs (train, test) of numbers; each example is tested on once. The first n mod k tests have one more."""
    n = length(data)
    check_folds("k_fold", k, n, "examples")
    order = stream(generator).permutation(n) if shuffle else np.arange(n)
    fold = np.empty(n, np.int64)
    fold[order] = np.repeat(np.arange(k), [n // k + (j < n % k) for j in range(k)])
    return pairs(fold, k)


def stratified_k_fold(
    labels: Any, k: int = 5, *, shuffle: bool = False, generator: Generator | None = None
) -> Iterator[Fold]:
    """k pairs (train, test) in which each test has a k-th of every class, to within one example. labels (N)"""
    y = column("stratified_k_fold", "labels", labels)
    check_folds("stratified_k_fold", k, len(y), "examples")
    _, first, classes = np.unique(y, return_index=True, return_inverse=True)
    classes = np.argsort(np.argsort(first))[classes]  # numbered as they are met
    counts = np.bincount(classes)
    if counts.size and counts.max() < k:
        raise ValueError(f"stratified_k_fold: no class has {k} examples, the largest has {counts.max()}; a smaller k?")
    dealt = np.sort(classes)
    rng, fold = stream(generator), np.empty(len(y), np.int64)
    for c in range(len(counts)):
        folds = np.repeat(np.arange(k), [int((dealt[j::k] == c).sum()) for j in range(k)])
        fold[classes == c] = rng.permutation(folds) if shuffle else folds
    return pairs(fold, k)


def group_k_fold(groups: Any, k: int = 5) -> Iterator[Fold]:
    """k pairs (train, test) that split no group: the largest first, each into the test that is smallest. groups (N)"""
    _, which = np.unique(column("group_k_fold", "groups", groups), return_inverse=True)
    sizes = np.bincount(which)
    check_folds("group_k_fold", k, len(sizes), "groups")
    filled, fold = np.zeros(k, np.int64), np.empty(len(sizes), np.int64)
    for g in np.argsort(-sizes, kind="stable"):
        fold[g] = filled.argmin()
        filled[fold[g]] += sizes[g]
    return pairs(fold[which], k)


# ---------------------------------------------------------------------------------------------- how


def pairs(fold: Any, k: int) -> Iterator[Fold]:
    return ((np.flatnonzero(fold != j), np.flatnonzero(fold == j)) for j in range(k))


def interleaved(y: Any, order: Any) -> Any:
    """An order in which every stretch has its share of each class: the i-th of n in a class stands at (i + ½) / n."""
    place = np.empty(len(y))
    for c in np.unique(y):
        mine = order[y[order] == c]
        place[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return order[np.argsort(place[order], kind="stable")]


def by_groups(groups: Any, sizes: Any, rng: Any) -> tuple[Any, ...]:
    """Whole groups, the largest first, each to the part that still lacks most."""
    _, which = np.unique(groups, return_inverse=True)
    counts = np.bincount(which)
    shuffled = rng.permutation(len(counts))
    lacks, part = sizes.astype(float), np.empty(len(counts), np.int64)
    for g in shuffled[np.argsort(-counts[shuffled], kind="stable")]:
        part[g] = lacks.argmax()
        lacks[part[g]] -= counts[g]
    return tuple(np.flatnonzero(part[which] == j) for j in range(len(sizes)))


def length(data: Any) -> int:
    return int(data) if isinstance(data, (int, np.integer)) else len(data)


def column(who: str, name: str, values: Any, n: int | None = None) -> Any:
    values = backend_of(values.array).to_host(values.array) if isinstance(values, Tensor) else np.asarray(values)
    if values.ndim != 1 or n not in (None, len(values)):
        expected = "(N,)" if n is None else f"({n},)"
        raise ValueError(f"{who}: {name} is one value for each example, {expected}, got {values.shape}")
    return values


def check_folds(who: str, k: int, n: int, what: str) -> None:
    check_count(f"{who}: k", k)
    if not 2 <= k <= n:
        raise ValueError(f"{who}: k is from 2 to the number of {what}, {n}; got {k}")


def stream(generator: Generator | None) -> Any:
    check_generator(generator)
    return (generator or default_generator).numpy
