"""DataLoader's worker processes: the same batches for any number of them, and no way to leave one behind."""

import copy
import gc
import glob
import itertools
import multiprocessing
import os
import pickle
import random
import signal
import sys
import threading
import time

import numpy as np
import pytest

import minidl
from minidl.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
    shared,
)

pytestmark = [
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="these datasets need fork"),
    pytest.mark.timeout(60),
]


def generator(seed=0):
    return minidl.Generator().manual_seed(seed)


class Made(Dataset):
    """Examples that a function makes."""

    def __init__(self, n, make=lambda k: k):
        self.n, self.make = n, make

    def __len__(self):
        return self.n

    def __getitem__(self, k):
        return self.make(k)


class Split(IterableDataset):
    """0 … n − 1, split among the workers."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(self.n)) if info is None else iter(range(info.id, self.n, info.num_workers))


def raising(k, kind=ValueError):
    if k == 5:
        raise kind(f"example {k} is broken")
    return k


def workers():
    gc.collect()
    return multiprocessing.active_children()


@pytest.fixture(autouse=True)
def nothing_left_behind():
    descriptors, shm = len(os.listdir("/proc/self/fd")), set(glob.glob("/dev/shm/*"))
    assert not workers()
    yield
    assert not workers()
    assert set(glob.glob("/dev/shm/*")) <= shm
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) <= descriptors + 1  # pytest opens one now and then


# ------------------------------------------------------------------------------------- the same, whoever makes it


def noisy(k):
    first = minidl.randn(2), random.random(), np.random.rand(), np.random.randn(3)
    return (k, *first, minidl.rand(40, 300))


def everything(loader, passes=2):
    return [[part.tolist() for part in batch] for _ in range(passes) for batch in loader]


@pytest.mark.parametrize("own", [True, False])
def test_batches_order_and_random_transforms_are_the_same_for_any_number_of_workers(own):
    def run(num_workers, **options):
        minidl.manual_seed(1)
        random.seed(2)
        np.random.seed(3)
        np.random.randn()  # leaves the second number of a pair in NumPy's keeping
        g = generator(4) if own else None
        made = DataLoader(Made(11, noisy), 2, shuffle=True, num_workers=num_workers, generator=g, **options)
        batches = everything(made)
        return batches, [minidl.rand(3).tolist(), random.random(), np.random.randn(3).tolist()]

    expected = run(0)
    assert expected[0][:6] != expected[0][6:]  # passes differ
    assert len({str(example[1]) for batch in expected[0] for example in zip(*batch, strict=True)}) == 22
    for num_workers in (1, 2, 4):
        assert run(num_workers) == expected
    assert run(2, persistent_workers=True) == expected
    assert run(3, prefetch_factor=1) == expected
    shuffled = run(2, in_order=False)
    assert sorted(map(str, shuffled[0][:6])) == sorted(map(str, expected[0][:6]))
    assert shuffled[1] == expected[1]


def test_what_a_sampler_draws_when_first_asked_is_drawn_before_the_loop():
    class Lazy:
        def __iter__(self):
            yield from minidl.randperm(6).tolist()

        def __len__(self):
            return 6

    runs = []
    for num_workers in (0, 2):
        minidl.manual_seed(0)
        batches = iter(DataLoader(Made(6), 2, sampler=Lazy(), num_workers=num_workers))
        drawn = minidl.rand(2).tolist()
        runs.append((drawn, [b.tolist() for b in batches], minidl.rand(2).tolist()))
    assert runs[0] == runs[1]


def test_a_broken_off_pass_leaves_the_generators_where_a_whole_one_does():
    runs = []
    for num_workers, take in itertools.product((0, 2), (1, 6)):
        g = generator(3)
        sampler = WeightedRandomSampler(range(1, 13), 12, generator=g)
        made = DataLoader(Made(12), 2, sampler=sampler, num_workers=num_workers, generator=g)
        list(itertools.islice(made, take))
        runs.append(everything([*made]))
    assert runs[0] == runs[1] == runs[2] == runs[3]


def test_without_workers_streams_go_on_after_an_error_and_in_nested_loaders():
    minidl.manual_seed(0)
    np.random.seed(0)
    expected = minidl.rand(2).tolist(), np.random.rand()
    minidl.manual_seed(0)
    np.random.seed(0)
    g = generator()
    with pytest.raises(ValueError, match="broken"):
        list(DataLoader(Made(6, raising), generator=g))

    def nested(k):
        a = np.random.rand()
        list(DataLoader(Made(2, lambda _: np.random.rand()), generator=g))
        return a, np.random.rand()

    def plain(k):
        return np.random.rand(), np.random.rand()

    both = [everything(DataLoader(Made(2, make), generator=generator(1)), 1) for make in (nested, plain)]
    assert both[0] == both[1]
    assert (minidl.rand(2).tolist(), np.random.rand()) == expected


def test_threads_with_a_loader_each_put_back_the_programs_streams():
    np.random.seed(0)
    random.seed(0)
    state = np.random.get_state(legacy=False), random.getstate()

    def iterate():
        for _ in DataLoader(Made(200, lambda k: np.random.rand() + random.random()), generator=generator()):
            pass

    threads = [threading.Thread(target=iterate) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert str(np.random.get_state(legacy=False)) == str(state[0])
    assert random.getstate() == state[1]


@pytest.mark.parametrize("num_workers", [0, 1, 2])
def test_a_stream_is_split_and_comes_in_a_fixed_order(num_workers):
    made = DataLoader(Split(9), 2, num_workers=num_workers)
    expected = {
        0: [[0, 1], [2, 3], [4, 5], [6, 7], [8]],
        1: [[0, 1], [2, 3], [4, 5], [6, 7], [8]],
        2: [[0, 2], [1, 3], [4, 6], [5, 7], [8]],
    }[num_workers]
    for _ in range(2):
        assert [b.tolist() for b in made] == expected
    made = DataLoader(Split(9), 2, num_workers=num_workers, drop_last=True, persistent_workers=num_workers > 0)
    for _ in range(2):
        assert [b.tolist() for b in made] == expected[:-1]
    del made
    assert sorted(DataLoader(Split(5), None, num_workers=num_workers)) == [0, 1, 2, 3, 4]
    passed = iter(DataLoader(Split(1), 2, num_workers=num_workers))
    assert next(passed).tolist() == [0]
    for _ in range(2):
        assert next(passed, None) is None


def test_a_stream_that_promised_less_is_reported():
    class Whole(IterableDataset):
        def __iter__(self):
            return iter(range(4))

        def __len__(self):
            return 4

    made = DataLoader(Whole(), 2, num_workers=2)
    assert len(made) == 2
    with pytest.warns(UserWarning, match="promised 2 batches.*get_worker_info"):
        assert len(list(made)) == 4


# ------------------------------------------------------------------------------------- what travels


def test_arrays_travel_through_shared_memory_as_ordinary_writable_memory():
    def big(k):
        return {
            "tensor": minidl.full((64, 1024), k, dtype="float32"),
            "turned": np.asfortranarray(np.arange(20000.0).reshape(100, 200) + k),
            "small": np.float32(k),
            "empty": minidl.zeros(0, 3),
            "zero-d": np.array(k, dtype="int16"),
            "names": ("a" * k, [b"b"]),
            "long": "x" * 100_000,
            "nothing": None,
        }

    made = DataLoader(Made(5, big), 2, num_workers=2, collate_fn=lambda examples: examples)
    for k, example in enumerate(itertools.chain(*made)):
        expected = big(k)
        assert example.keys() == expected.keys()
        assert isinstance(example["tensor"], minidl.Tensor)
        for name in ("tensor", "turned", "small", "empty", "zero-d"):
            assert example[name].dtype == expected[name].dtype
            np.testing.assert_array_equal(np.asarray(example[name].tolist()), np.asarray(expected[name].tolist()))
        assert example["tensor"].shape == (64, 1024)
        assert example["turned"].flags.f_contiguous
        assert example["turned"].ctypes.data % 16 == 0
        assert [example[name] for name in ("names", "long", "nothing")] == [("a" * k, [b"b"]), "x" * 100_000, None]
        example["tensor"].add_(1)
        example["turned"][...] = 0
        assert example["tensor"].sum() == 64 * 1024 * (k + 1)


def test_blocks_are_used_in_turn_and_grow():
    sizes = [100, 5000, 20_000, 5000, 3, 40_000, 1, 20_000, 100_000, 6000] * 3
    made = DataLoader(Made(30, lambda k: np.full(sizes[k], k)), None, num_workers=2, prefetch_factor=3)
    kept = list(made)
    assert [len(x) for x in kept] == sizes
    assert all(bool((x == k).all()) for k, x in enumerate(kept))


def test_a_batch_is_memory_of_its_own():
    batch = next(iter(DataLoader(TensorDataset(minidl.ones(4, 30_000)), 4, num_workers=1)))[0]
    pid = os.fork()
    if pid == 0:
        batch.zero_()
        os._exit(0)
    os.waitpid(pid, 0)
    assert batch.sum() == 120_000


def test_kept_batches_do_not_use_up_descriptors():
    made = DataLoader(Made(400, lambda k: np.full(20_000, k)), 2, num_workers=2)
    before = len(os.listdir("/proc/self/fd"))
    batches = list(made)
    assert len(os.listdir("/proc/self/fd")) <= before + 10
    assert [int(b[1, -1]) for b in batches] == list(range(1, 400, 2))


def test_where_there_is_no_memfd_a_file_without_a_name_serves(monkeypatch):
    monkeypatch.setattr(shared.sys, "platform", "darwin")
    made = DataLoader(Made(20, lambda k: np.full(20_000, k)), 2, num_workers=2, multiprocessing_context="fork")
    assert [int(b[1, -1]) for b in made] == list(range(1, 20, 2))


def test_a_message_torn_off_is_an_end_of_file():
    ours, theirs = multiprocessing.Pipe()
    packed = shared.Outbox(theirs, 1).pack(np.zeros(100_000))
    theirs.send_bytes(packed[0])
    packed[1].close()
    theirs.close()
    with pytest.raises(EOFError):
        shared.Inbox(ours).receive()
    ours.close()


def test_worker_info():
    def told(k):
        info = get_worker_info()
        return info.id, info.num_workers, info.seed, info.dataset.n, k, minidl.initial_seed()

    seeds = []
    started = multiprocessing.get_context("fork").SimpleQueue()
    made = DataLoader(
        Made(6, told), None, num_workers=3, persistent_workers=True, generator=generator(),
        worker_init_fn=lambda k: started.put((k, minidl.initial_seed() == get_worker_info().seed)),
    )  # fmt: skip
    for _ in range(2):
        rows = list(made)
        assert [row[0] for row in rows] == [0, 1, 2, 0, 1, 2]
        assert {(row[1], row[3]) for row in rows} == {(3, 6)}
        assert [row[2] - rows[0][2] for row in rows] == [0, 1, 2, 0, 1, 2]
        assert len({row[5] for row in rows}) == 6
        seeds.append(rows[0][2])
    assert seeds[0] != seeds[1]
    assert sorted(started.get() for _ in range(3)) == [(0, True), (1, True), (2, True)]
    assert started.empty()
    started.close()
    assert get_worker_info() is None


def test_workers_compute_on_one_thread():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="it tells the number of BLAS threads")

    def threads(k):
        return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]

    before = threads(0)
    (inside,) = DataLoader(Made(1, threads), None, num_workers=1)
    assert set(inside) == {1}
    assert threads(0) == before


# ------------------------------------------------------------------------------------- errors


class Peculiar(Exception):
    def __init__(self, code, reason):
        super().__init__(code, reason)


def test_an_exception_in_a_worker_shows_its_traceback_and_the_pass_goes_on():
    made = iter(DataLoader(Made(8, raising), 2, num_workers=2))
    assert next(made).tolist() == [0, 1]
    assert next(made).tolist() == [2, 3]
    with pytest.raises(ValueError, match="(?s)Caught ValueError in DataLoader worker process 0") as caught:
        next(made)
    text = str(caught.value)
    assert "Original Traceback (most recent call last)" in text
    assert 'raise kind(f"example {k} is broken")' in text
    assert text.rstrip().endswith("ValueError: example 5 is broken")
    assert next(made).tolist() == [6, 7]
    assert next(made, None) is None


class Local(Exception):
    pass


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (KeyError, KeyError),
        (IndexError, IndexError),
        (minidl.errors.ShapeError, minidl.errors.ShapeError),
        (StopIteration, RuntimeError),
        (lambda text: Peculiar(1, text), RuntimeError),
        (lambda text: UnicodeDecodeError("utf-8", b"x", 0, 1, text), RuntimeError),
        (type("Hidden", (Exception,), {}), RuntimeError),
    ],
)
def test_the_type_is_kept_where_it_can_be(kind, expected):
    with pytest.raises(expected, match="Caught ") as caught:
        list(DataLoader(Made(8, lambda k: raising(k, kind)), 2, num_workers=1))
    assert caught.type is expected
    assert "\nOriginal Traceback" in str(caught.value)
    assert not workers()  # though the exception is still held


def test_without_workers_too_stop_iteration_is_an_error():
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        list(DataLoader(Made(8, lambda k: raising(k, StopIteration))))


def test_errors_around_the_dataset():
    def init(k):
        raise OSError("no such file")

    with pytest.raises(OSError, match="(?s)Caught OSError in DataLoader worker process 0.*no such file"):
        list(DataLoader(Made(4), num_workers=2, worker_init_fn=init))
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError), match="(?s)Caught .* worker process 0"):
        list(DataLoader(Made(4, lambda k: lambda: k), None, num_workers=1))
    weight = minidl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"detach\(\) it"):
        list(DataLoader(Made(4, lambda k: weight * k), num_workers=1))
    with pytest.raises(RuntimeError, match="(?s)Caught RuntimeError.*DataLoader: this is a worker process itself"):
        list(DataLoader(Made(2, lambda k: list(DataLoader(Made(2), num_workers=1))), num_workers=1))
    inner = DataLoader(Made(1, lambda k: list(DataLoader(Made(2)))), None, num_workers=1)
    assert [[t.tolist() for t in example] for example in inner] == [[[0], [1]]]


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "number 0 of 2, is killed by signal: SIGKILL"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "is killed by signal: SIGTERM"),
        (lambda: sys.exit(3), "exited unexpectedly with exit code 3"),
        (lambda: os._exit(0), "exited unexpectedly with exit code 0"),
    ],
)
def test_a_worker_that_ends_is_noticed(end, message):
    made = iter(DataLoader(Made(8, lambda k: end() if k == 4 else k), 2, num_workers=2))
    assert next(made).tolist() == [0, 1]
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=message):
        list(made)
    assert time.monotonic() - start < 60
    assert not workers()
    with pytest.raises(RuntimeError, match="the workers of this pass have ended"):
        next(made)


def test_a_worker_that_ends_is_noticed_while_waiting_for_another():
    def make(k):
        if k == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(30)

    start = time.monotonic()
    with pytest.raises(RuntimeError, match="number 1 of 2, is killed by signal: SIGKILL.*fewer workers"):
        list(DataLoader(Made(8, make), num_workers=2))
    assert time.monotonic() - start < 60


def test_persistent_workers_start_anew_after_one_was_killed():
    made = DataLoader(Made(8), 2, num_workers=2, persistent_workers=True)
    assert len(list(made)) == 4
    os.kill(workers()[0].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="SIGKILL"):
        list(made)
    assert len(list(made)) == 4
    del made


def test_timeout():
    start = time.monotonic()
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.3 seconds"):
        list(DataLoader(Made(2, lambda k: time.sleep(30)), num_workers=1, timeout=0.3))
    assert time.monotonic() - start < 60
    assert len(list(DataLoader(Made(4), num_workers=1, timeout=20))) == 4


def test_a_users_handler_for_sigterm_is_not_a_workers():
    called = multiprocessing.get_context("fork").SimpleQueue()
    before = signal.signal(signal.SIGTERM, lambda *_: called.put("called"))
    try:
        with pytest.raises(RuntimeError, match="timed out"):
            list(DataLoader(Made(2, lambda k: time.sleep(30)), num_workers=1, timeout=0.1))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert called.empty()
    called.close()


# ------------------------------------------------------------------------------------- ends


def test_workers_end_with_the_pass_the_loop_or_the_iterator():
    made = DataLoader(Made(40), num_workers=2)
    for k, _ in enumerate(made):
        assert len(workers()) == 2
        if k == 3:
            break
    assert not workers()

    def fails():
        for _ in made:
            raise KeyError("in the loop's body")

    with pytest.raises(KeyError):
        fails()
    assert not workers()
    kept = iter(made)
    next(kept)
    assert len(workers()) == 2
    del kept
    assert not workers()
    finished = iter(made)
    assert len(list(finished)) == len(finished) == 40
    assert not workers()


def test_a_slow_batch_does_not_hold_up_the_end():
    made = iter(DataLoader(Made(8, lambda k: time.sleep(30 if k else 0) or k), num_workers=2))
    next(made)
    start = time.monotonic()
    del made
    assert time.monotonic() - start < 60
    assert not workers()


def test_persistent_workers():
    made = DataLoader(Made(8, lambda k: os.getpid()), 1, num_workers=2, persistent_workers=True)
    first = {int(pid) for pid in made}
    assert len(first) == 2
    assert {int(pid) for pid in made} == first
    broken_off = iter(made)
    next(broken_off)
    assert len(list(made)) == 8
    with pytest.raises(RuntimeError, match="a newer one has begun"):
        next(broken_off)
    assert {p.pid for p in workers()} == first
    twin = pickle.loads(pickle.dumps(DataLoader(TensorDataset(minidl.ones(3)), num_workers=1)))
    assert len(list(twin)) == 3
    assert copy.copy(made)._workers is None
    del made, broken_off
    assert not workers()


def test_many_batches_ahead_do_not_block():
    made = DataLoader(Made(3000, lambda k: "x" * 20_000), 10, num_workers=2, prefetch_factor=200)
    time.sleep(0.2)
    assert sum(len(batch) for batch in made) == 3000


def test_unordered_batches_come_as_they_are_ready():
    made = DataLoader(Made(4, lambda k: time.sleep(1 if k == 0 else 0) or k), num_workers=2, in_order=False)
    assert [int(b) for b in made] == [1, 3, 0, 2]


def test_spawned_workers():
    x = minidl.arange(40.0).reshape(20, 2)
    rows = TensorDataset(x)
    there = DataLoader(rows, 8, True, num_workers=2, multiprocessing_context="spawn", generator=generator())
    here = DataLoader(rows, 8, True, generator=generator())
    assert everything(there, 1) == everything(here, 1)
    with pytest.raises(TypeError, match="Define functions and classes at the top of a module"):
        list(DataLoader(Made(3), num_workers=1, multiprocessing_context="spawn"))


# ------------------------------------------------------------------------------------- taken up again


@pytest.mark.parametrize("kind", ["own", "default", "stream"])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (2, 2), (0, 2), (2, 0)])
def test_an_interrupted_pass_goes_on(kind, before, after):
    def made(num_workers):
        g = generator(5) if kind == "own" else None
        if kind == "stream":
            return DataLoader(Split(11), 2, num_workers=num_workers, collate_fn=lambda b: (*b, random.random()))
        return DataLoader(
            Made(11, lambda k: (k, random.random())), 2, shuffle=True, num_workers=num_workers, generator=g
        )

    if kind == "stream":
        after = before  # it is split by the number of workers
    minidl.manual_seed(0)
    first = made(before)
    whole = [str(list(first)) + str(minidl.rand(1).tolist()) for _ in range(3)]
    for passes, given in [(0, 3), (1, 0), (1, 1), (1, 6)]:
        minidl.manual_seed(0)
        first = made(before)
        for _ in range(passes):
            list(first)
            minidl.rand(1)
        head = list(itertools.islice(it := iter(first), given))
        state, programs = pickle.loads(pickle.dumps(first.state_dict())), minidl.get_rng_state()
        del it, first
        minidl.manual_seed(99)
        second = made(after)
        second.load_state_dict(state)
        minidl.set_rng_state(programs)
        assert second.state_dict()["batches"] == given
        tail = list(second)
        assert str(head + tail) + str(minidl.rand(1).tolist()) == whole[passes]
        assert str(list(second)) + str(minidl.rand(1).tolist()) == whole[passes + 1]


def test_between_passes_the_state_is_that_of_the_next():
    g = generator(2)
    first = DataLoader(Made(9), 2, shuffle=True, generator=g)
    list(first)
    state = first.state_dict()
    assert state["batches"] is None
    following = everything([*first])
    second = DataLoader(Made(9), 2, shuffle=True, generator=generator())
    second.load_state_dict(state)
    assert everything([*second]) == following
    with pytest.raises(ValueError, match="made in the same way"):
        second.load_state_dict({"batches": 3})
