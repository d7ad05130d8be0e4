"""Datasets, samplers, collation, DataLoader."""

import itertools
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

import minidl
import minidl.data
from minidl.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    StratifiedSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    random_split,
)


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __getitem__(self, k):
        return minidl.tensor(float(k * k)), k

    def __len__(self):
        return self.n


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))


def generator(seed=0):
    return minidl.Generator().manual_seed(seed)


def numbers(loader):
    return [k for batch in loader for k in batch[1].tolist()]


def test_the_two_names_are_one():
    assert minidl.utils.data.DataLoader is minidl.data.DataLoader
    paths = {"dataloader", "dataset", "sampler"}  # by which some programs import
    names = [name for name in vars(minidl.utils.data) if not name.startswith("_") and name not in paths]
    assert all(getattr(minidl.data, name) is getattr(minidl.utils.data, name) for name in names)


def test_types_in_brackets():
    class Numbers(Dataset[int]):
        pass

    class Order(Sampler[int]):
        pass

    class Flow(IterableDataset[tuple[int, str]]):
        pass

    loader: DataLoader[int] = DataLoader([1, 2])
    assert len(loader) == 2
    assert issubclass(Numbers, Dataset)
    assert issubclass(Flow, IterableDataset)
    with pytest.raises(NotImplementedError, match="Order has no __iter__"):
        list(Order())


def test_tensor_dataset():
    x, y = minidl.arange(12.0).reshape(4, 3), minidl.arange(4)
    ds = TensorDataset(x, y)
    assert len(ds) == 4
    np.testing.assert_array_equal(ds[1][0].numpy(), [3, 4, 5])
    assert ds[-1][1] == 3
    with pytest.raises(ValueError, match=r"size mismatch.*\(4, 3\), \(3,\)"):
        TensorDataset(x, y[:3])
    with pytest.raises(TypeError, match="tensors are needed"):
        TensorDataset([1, 2])


def test_subset_concat_chain_split():
    ds = Squares(5)
    assert [Subset(ds, [4, 0])[k][1] for k in range(2)] == [4, 0]
    both = ds + Squares(3)
    assert isinstance(both, ConcatDataset)
    assert [both[k][1] for k in range(8)] == [0, 1, 2, 3, 4, 0, 1, 2]
    assert both[-1][1] == 2
    assert len(ConcatDataset([Squares(0), ds])) == 5
    assert ConcatDataset([Squares(0), ds])[0][1] == 0
    with pytest.raises(IndexError):
        both[8]
    with pytest.raises(ValueError, match="at least one"):
        ConcatDataset([])
    with pytest.raises(TypeError, match="ChainDataset"):
        ConcatDataset([Stream(2)])
    assert list(Stream(2) + Stream(3)) == [0, 1, 0, 1, 2]
    assert isinstance(Stream(2) + Stream(3), ChainDataset)
    a, b = random_split(ds, [3, 2], generator=generator())
    assert sorted(a.indices + b.indices) == [0, 1, 2, 3, 4]
    assert [len(part) for part in random_split(ds, [0.5, 0.3, 0.2])] == [3, 1, 1]
    with pytest.warns(UserWarning, match="split at index 1 is 0"):
        assert [len(part) for part in random_split(Squares(1), [0.5, 0.5])] == [1, 0]
    with pytest.raises(ValueError, match="index 0 is not between 0 and 1"):
        random_split(ds, [1.5, -0.5])
    one, two = (random_split(ds, [3, 2], generator=generator(7)) for _ in range(2))
    assert one[0].indices == two[0].indices
    with pytest.raises(ValueError, match="must sum"):
        random_split(ds, [3, 3])
    with pytest.raises(NotImplementedError, match="Dataset has no __getitem__"):
        Dataset()[0]
    with pytest.raises(NotImplementedError, match="IterableDataset has no __iter__"):
        list(IterableDataset())


def test_stack_and_getitems():
    class AtOnce(Squares):
        def __getitems__(self, indices):
            calls.append(list(indices))
            return [self[k] for k in indices]

    calls = []
    both = StackDataset(Squares(4), range(10, 14))
    assert len(both) == 4
    assert both[2][1] == 12
    assert both[2][0][1] == 2
    named = StackDataset(a=AtOnce(4), b=range(4))
    assert named[3]["b"] == 3
    batch = next(iter(DataLoader(named, 3)))
    assert batch["a"][1].tolist() == batch["b"].tolist() == [0, 1, 2]
    assert calls == [[0, 1, 2]]
    assert [b[1].tolist() for b in DataLoader(Subset(AtOnce(4), [3, 1]), 2)] == [[3, 1]]
    assert calls[1:] == [[3, 1]]

    class Doubled(Subset):
        def __getitem__(self, k):
            return 2 * super().__getitem__(k)[1]

    assert [b.tolist() for b in DataLoader(Doubled(AtOnce(4), [3, 1]), 2)] == [[6, 2]]
    for wrong in (lambda: StackDataset(), lambda: StackDataset(Squares(1), a=Squares(1))):
        with pytest.raises(ValueError, match="at least one dataset"):
            wrong()
    with pytest.raises(ValueError, match=r"size mismatch.*\[1, 2\]"):
        StackDataset(Squares(1), Squares(2))

    class Short(Squares):
        def __getitems__(self, indices):
            return [1]

    with pytest.raises(ValueError, match="1 examples for 2 numbers"):
        list(DataLoader(Short(2), 2))
    with pytest.raises(TypeError, match="only supports IterableDataset, got Squares"):
        list(ChainDataset([Squares(1)]))


def test_stratified_batches_hold_the_classes_in_their_shares(rng):
    labels = rng.permutation([0] * 60 + [1] * 30 + [7] * 10)
    sampler = StratifiedSampler(labels, generator=generator())
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(len(sampler))) == list(range(100))
    assert first != second
    assert list(StratifiedSampler(minidl.tensor(labels), generator=generator())) == first
    for k in range(0, 100, 10):
        counts = [sum(labels[first[k : k + 10]] == c) for c in (0, 1, 7)]
        assert all(abs(n - share) <= 1 for n, share in zip(counts, (6, 3, 1), strict=True)), counts
    assert sorted(StratifiedSampler(["a", "b", "a"])) == [0, 1, 2]
    assert list(StratifiedSampler([])) == []
    with pytest.raises(ValueError, match="got floating-point"):
        StratifiedSampler([0.5, 1.5])
    with pytest.raises(ValueError, match="one label per example"):
        StratifiedSampler([[1, 2]])


@pytest.mark.parametrize(
    "sampler",
    [
        lambda g: RandomSampler(range(9), generator=g),
        lambda g: RandomSampler(range(9), replacement=True, num_samples=100, generator=g),
        lambda g: RandomSampler(range(3), num_samples=100, generator=g),
        lambda g: SubsetRandomSampler(range(5), generator=g),
        lambda g: WeightedRandomSampler([1, 2, 3], 40, generator=g),
        lambda g: StratifiedSampler([0, 1] * 9, generator=g),
    ],
)
def test_a_pass_takes_one_number_from_the_generator_however_far_it_goes(sampler):
    states = []
    for take in (0, 1, None):
        g = generator(4)
        list(itertools.islice(sampler(g), take))
        states.append(g.get_state().tolist())
    assert states[0] == states[1] == states[2] != generator(4).get_state().tolist()
    g, again = generator(4), generator(4)
    list(sampler(g))
    second = list(sampler(g))
    again.set_state(generator(4).get_state())
    list(sampler(again))
    state = again.get_state()
    assert list(sampler(again)) == second
    again.set_state(state)
    assert list(sampler(again)) == second


def test_samplers():
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]
    order = list(RandomSampler(range(20), generator=generator()))
    assert sorted(order) == list(range(20)) != order
    assert len(RandomSampler(range(3), num_samples=7)) == 7
    assert len(list(RandomSampler(range(3), num_samples=7))) == 7
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=50))
    assert set(drawn) == {0, 1, 2}
    assert sorted(SubsetRandomSampler([5, 7])) == [5, 7]
    assert list(BatchSampler(SequentialSampler(range(5)), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(SequentialSampler(range(5)), 2, True)) == [[0, 1], [2, 3]]
    assert [len(BatchSampler(range(5), 2, drop)) for drop in (False, True)] == [3, 2]
    weighted = list(WeightedRandomSampler([0.0, 1.0, 3.0], 4000, generator=generator()))
    assert weighted.count(0) == 0
    assert 0.7 < weighted.count(2) / 4000 < 0.8
    assert sorted(WeightedRandomSampler([1, 0, 1, 5], 3, replacement=False)) == [0, 2, 3]
    for wrong, why in [
        (lambda: WeightedRandomSampler([1, 0], 2, replacement=False), "different numbers"),
        (lambda: WeightedRandomSampler([-1, 1], 1), "at least 0"),
        (lambda: WeightedRandomSampler([[1.0]], 1), "one weight per example"),
        (lambda: WeightedRandomSampler([1], 0), "positive integer"),
        (lambda: RandomSampler([1], num_samples=0), "positive integer"),
        (lambda: BatchSampler([1], 0, False), "positive integer"),
        (lambda: BatchSampler([1], 1, None), "drop_last should be a boolean"),
    ]:
        with pytest.raises(ValueError, match=why):
            wrong()


def test_collate():
    Point = namedtuple("Point", "x y")
    batch = default_collate([{"a": 1, "b": (1.5, "u")}, {"a": 2, "b": (2.5, "v")}])
    assert batch["a"].tolist() == [1, 2]
    assert batch["a"].dtype == "int64"
    assert batch["b"][0].dtype == "float64"
    assert list(batch["b"][1]) == ["u", "v"]
    point = default_collate([Point(np.zeros(2), True), Point(np.ones(2), False)])
    assert isinstance(point, Point)
    assert point.x.shape == (2, 2)
    assert point.x.dtype == "float64"
    assert point.y.dtype == "bool"
    assert default_collate([np.float32(1), np.float32(2)]).dtype == "float32"
    assert default_collate([minidl.zeros(2), minidl.ones(2)]).shape == (2, 2)
    assert isinstance(default_collate([OrderedDict(a=1)]), OrderedDict)
    assert default_collate([defaultdict(list, a=1)])["b"] == []
    assert default_collate([np.str_("a"), np.str_("b")]) == ["a", "b"]
    assert [t.tolist() for t in default_collate([range(2), range(2)])] == [[0, 0], [1, 1]]
    with pytest.raises(IndexError, match="no examples"):
        default_collate([])
    with pytest.raises(RuntimeError, match=r"one shape to be stacked, got \(2,\), \(3,\)"):
        default_collate([minidl.zeros(2), minidl.zeros(3)])
    with pytest.raises(RuntimeError, match="one shape"):
        default_collate([np.zeros(2), np.zeros(3)])
    with pytest.raises(RuntimeError, match="of equal size"):
        default_collate([(1, 2), (1,)])
    with pytest.raises(TypeError, match="give the DataLoader a collate_fn"):
        default_collate([object()])
    with pytest.raises(TypeError, match="cannot become a tensor"):
        default_collate([np.array("a")])


def test_loader_batches_and_lengths():
    loader = DataLoader(Squares(5), batch_size=2)
    assert len(loader) == 3
    assert [batch[0].tolist() for batch in loader] == [[0, 1], [4, 9], [16]]
    assert numbers(loader) == numbers(loader) == [0, 1, 2, 3, 4]
    assert len(DataLoader(Squares(5), 2, drop_last=True)) == 2
    assert numbers(DataLoader(Squares(5), 2, drop_last=True)) == [0, 1, 2, 3]
    assert list(DataLoader(Squares(0), 2)) == []
    assert len(DataLoader(Squares(0), 2)) == 0
    assert isinstance(next(iter(loader)), list)
    assert numbers(DataLoader(Squares(5), 2, sampler=[3, 1])) == [3, 1]
    assert numbers(DataLoader(Squares(5), batch_sampler=[[0, 4], [1]])) == [0, 4, 1]
    assert len(DataLoader(Squares(5), batch_sampler=[[0, 4], [1]])) == 2
    singles = list(DataLoader(Squares(3), batch_size=None))
    assert [k for _, k in singles] == [0, 1, 2]
    assert [len(b) for b in DataLoader(Squares(5), 2, collate_fn=lambda examples: examples)] == [2, 2, 1]
    assert [b.tolist() for b in DataLoader([10, 20, 30], 2)] == [[10, 20], [30]]


def test_loader_shuffles_anew_each_time_and_alike_under_a_seed():
    loader = DataLoader(Squares(50), batch_size=8, shuffle=True, generator=generator(3))
    first, second = numbers(loader), numbers(loader)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    again = DataLoader(Squares(50), batch_size=8, shuffle=True, generator=generator(3))
    assert [numbers(again), numbers(again)] == [first, second]
    minidl.manual_seed(5)
    a = numbers(DataLoader(Squares(50), 8, True))
    minidl.manual_seed(5)
    assert numbers(DataLoader(Squares(50), 8, True)) == a


def test_loader_over_tensors_gathers_what_examples_would_give():
    x, y = minidl.arange(20.0).reshape(10, 2), minidl.arange(10)
    ds = TensorDataset(x, y)

    class Slow(TensorDataset):
        def __getitem__(self, k):
            return super().__getitem__(k)

    part = Subset(Subset(ds, [9, 8, 7, 6]), [3, 0])
    for fast, slow in [(ds, Slow(x, y)), (part, Subset(Slow(x, y), [6, 9]))]:
        for a, b in zip(
            DataLoader(fast, 4, shuffle=True, generator=generator()),
            DataLoader(slow, 4, shuffle=True, generator=generator()),
            strict=True,
        ):
            assert isinstance(a, list)
            for s, t in zip(a, b, strict=True):
                assert s.dtype == t.dtype
                np.testing.assert_array_equal(s.numpy(), t.numpy())
    batch = next(iter(DataLoader(ds, 4)))
    batch[0].zero_()
    assert float(x.sum()) == 190  # a batch is a copy


def test_loader_over_a_stream():
    assert [b.tolist() for b in DataLoader(Stream(5), 2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Stream(5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(3), batch_size=None)) == [0, 1, 2]
    with pytest.raises(TypeError, match="len"):
        len(DataLoader(Stream(3)))
    with pytest.raises(ValueError, match="IterableDataset: expected unspecified shuffle"):
        DataLoader(Stream(3), shuffle=True)


def test_what_the_loader_refuses():
    ds = Squares(3)
    for wrong in (
        {"shuffle": True, "sampler": [0]},
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "drop_last": True},
        {"batch_size": 0},
        {"batch_size": 2.0},
        {"batch_size": None, "drop_last": True},
        {"persistent_workers": True},
        {"prefetch_factor": 2},
        {"prefetch_factor": 0, "num_workers": 1},
        {"multiprocessing_context": "spawn"},
        {"multiprocessing_context": "teleport", "num_workers": 1},
        {"num_workers": -1},
        {"timeout": -1},
    ):
        with pytest.raises(ValueError, match="DataLoader"):
            DataLoader(ds, **wrong)
    with pytest.raises(TypeError, match="a dataset with __getitem__"):
        DataLoader(3)
    with pytest.raises(TypeError, match="a minidl.Generator or None, got 3"):
        DataLoader(ds, shuffle=True, generator=3)
    with pytest.raises(TypeError, match="start method's name or a context"):
        DataLoader(ds, num_workers=1, multiprocessing_context=3)
    with pytest.raises(ValueError, match="the dataset is empty"):
        DataLoader(Squares(0), shuffle=True)
    loader = DataLoader(ds)
    with pytest.raises(ValueError, match="batch_size attribute should not be set"):
        loader.batch_size = 2
    loader.timeout = 3


def test_collation_is_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    samples = [
        (np.float32(1.5), 3, 2.5, True, "s", b"b", np.arange(3), {"k": [1, 2.0]}),
        (np.float32(2.5), 4, 3.5, False, "t", b"c", np.arange(3), {"k": [3, 4.0]}),
    ]
    ours, theirs = default_collate(samples), torch.utils.data.default_collate(samples)
    for a, b in zip(ours[:4] + [ours[6]], theirs[:4] + [theirs[6]], strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
        assert str(a.dtype) == str(b.dtype).removeprefix("torch.")
    assert [list(ours[4]), list(ours[5])] == [list(theirs[4]), list(theirs[5])]
    assert [t.tolist() for t in ours[7]["k"]] == [t.tolist() for t in theirs[7]["k"]]
